// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Tables in columns. See print.h.
 */
#include "cli/print.h"

#include <stdarg.h>

void grid_begin(struct grid *g, const char *align)
{
	*g = (struct grid){.columns = strlen(align), .align = align};
}

static void add(struct grid *g, char *cell)
{
	char **more = cell ? realloc(g->cells, (g->count + 1) * sizeof(*more)) : NULL;

	if (!more) {
		free(cell);
		g->failed = true;
		return;
	}
	g->cells = more;
	g->cells[g->count++] = harmless(cell);
}

void grid_cell(struct grid *g, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	add(g, vasprintf_or_null(format, ap));
	va_end(ap);
}

void grid_heading(struct grid *g, const char *words)
{
	for (;;) {
		size_t n = strcspn(words, "|");

		add(g, strndup(words, n));
		if (words[n] == '\0')
			return;
		words += n + 1;
	}
}

static void blanks(FILE *to, size_t n)
{
	fprintf(to, "%*s", (int)n, "");
}

static void print_row(const struct grid *g, char *const *row, const size_t *width, FILE *to,
		      int indent)
{
	size_t owed = (size_t)indent; /* blanks are paid when something follows: none at the end */

	for (size_t i = 0; i < g->columns; i++) {
		size_t fill = width[i] - text_width(row[i]);

		if (g->align[i] == 'r')
			owed += fill;
		if (*row[i]) {
			blanks(to, owed);
			fputs(row[i], to);
			owed = 0;
		}
		if (g->align[i] != 'r')
			owed += fill;
		owed += 2;
	}
	fputc('\n', to);
}

void grid_print(struct grid *g, FILE *to, int indent)
{
	size_t width[GRID_COLUMNS_MAX] = {0}, rows = g->count / g->columns;

	for (size_t i = 0; i < rows * g->columns; i++)
		width[i % g->columns] = MAX(width[i % g->columns], text_width(g->cells[i]));
	for (size_t r = 0; r < rows && !g->failed; r++)
		print_row(g, g->cells + r * g->columns, width, to, indent);
	if (g->failed)
		fputs("(out of memory: no table)\n", to);
	for (size_t i = 0; i < g->count; i++)
		free(g->cells[i]);
	free(g->cells);
	*g = (struct grid){0};
}
