// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Draws a spectrum with characters. What is drawn is decided in plot.c. Layer: export.
 *
 * The canvas counts in dots: a Braille character holds 2 x 4 of them, an ASCII one is one.
 */
#include "export/terminal_plot.h"

#include <errno.h>
#include <math.h>

#include "base/util.h"

#define LABEL_WIDTH 9 /* of the y axis, with its line */
#define TITLE_ROWS 1 /* channels and unit */
#define AXIS_ROWS 2 /* x axis and its numbers */
#define COLOUR_OFF "\033[0m"

static const char *const colours[PLOT_SERIES_MAX] = {
	"\033[36m", "\033[33m", "\033[32m", "\033[35m",
	"\033[34m", "\033[31m", "\033[90m", "\033[97m",
};

static const char ascii_points[PLOT_SERIES_MAX + 1] = "*o+x#%@&";

struct cell {
	uint8_t dots; /* Braille pattern, or 1: something is here */
	uint8_t owner; /* the first series that drew here */
};

struct canvas {
	const struct plot *plot;
	const struct plot_options *options;
	const struct terminal_size *size;
	FILE *stream;
	int columns, rows; /* of characters */
	int across, down; /* dots per character */
	struct cell *cells;
};

/* ---- drawing dots ---- */

/* Unicode numbers the dots of a Braille character down the left, down the right, then below. */
static uint8_t dot_bit(int x, int y)
{
	static const uint8_t bits[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};

	return bits[y][x];
}

static void dot(struct canvas *c, int x, int y, size_t series)
{
	struct cell *cell;

	if (x < 0 || y < 0 || x >= c->columns * c->across || y >= c->rows * c->down)
		return;
	cell = &c->cells[(y / c->down) * c->columns + x / c->across];
	if (cell->dots == 0)
		cell->owner = (uint8_t)series;
	cell->dots |= c->size->ascii ? 1 : dot_bit(x % c->across, y % c->down);
}

static int dot_row(const struct canvas *c, double value)
{
	int rows = c->rows * c->down;
	double at = (c->plot->y_high - value) / (c->plot->y_high - c->plot->y_low) * rows;

	return (int)fmin(fmax(at, 0), rows - 1);
}

static void draw_column(struct canvas *c, int x, int from, int to, size_t series)
{
	for (int y = MIN(from, to); y <= MAX(from, to); y++)
		dot(c, x, y, series);
}

/* Where the line is: rows grow downwards, so that `low` is the larger number. */
struct pen {
	int x; /* -1: lifted */
	int low, high;
};

/* A straight line over the columns between two points that are further apart. */
static void draw_between(struct canvas *c, const struct pen *from, const struct pen *to,
			 size_t series)
{
	int start = (from->low + from->high) / 2, end = (to->low + to->high) / 2, last = start;

	for (int x = from->x + 1; x < to->x; x++) {
		int row = start + (end - start) * (x - from->x) / (to->x - from->x);

		draw_column(c, x, last, row, series);
		last = row;
	}
	if (to->x > from->x + 1)
		draw_column(c, to->x, last, end, series);
}

/* One column, and what joins it to the column before. */
static void draw_joined(struct canvas *c, const struct pen *before, const struct pen *now,
			size_t series)
{
	bool adjacent = before->x >= 0 && before->x == now->x - 1;
	int low = now->low, high = now->high;

	if (adjacent && low < before->high)
		low = before->high - 1;
	else if (adjacent && high > before->low)
		high = before->low + 1;
	draw_column(c, now->x, low, high, series);
	if (before->x >= 0)
		draw_between(c, before, now, series);
}

static void draw_series(struct canvas *c, size_t index)
{
	const struct plot_series *series = &c->plot->series[index];
	struct pen before = {.x = -1};

	for (size_t i = 0; i < c->plot->bin_count; i++) {
		const struct plot_bin *bin = &series->bins[i];
		struct pen now = {.x = (int)i};

		if (bin->points > 0 && bin->valid == 0)
			before.x = -1; /* a gap in the data stays a gap */
		if (bin->valid == 0)
			continue;
		now.low = dot_row(c, bin->low);
		now.high = dot_row(c, bin->high);
		draw_joined(c, &before, &now, index);
		before = now;
	}
}

/* ---- characters ---- */

static void put_cell(const struct canvas *c, const struct cell *cell)
{
	bool drawn = cell->dots != 0;

	if (drawn && c->size->colour)
		fputs(colours[cell->owner], c->stream);
	if (!drawn)
		fputc(' ', c->stream);
	else if (c->size->ascii)
		fputc(ascii_points[cell->owner], c->stream);
	else /* U+2800 + dots */
		fprintf(c->stream, "\xe2%c%c", 0xa0 | cell->dots >> 6, 0x80 | (cell->dots & 0x3f));
	if (drawn && c->size->colour)
		fputs(COLOUR_OFF, c->stream);
}

/* The label of the row that a tick falls into, or "". */
static const char *label_of_row(const struct canvas *c, const struct plot_tick *ticks, size_t count,
				int row)
{
	for (size_t i = 0; i < count; i++)
		if (dot_row(c, ticks[i].value) / c->down == row)
			return ticks[i].text;
	return "";
}

static void put_rows(const struct canvas *c)
{
	struct plot_tick ticks[PLOT_TICKS_MAX];
	size_t count =
		plot_ticks(c->plot->y_low, c->plot->y_high, (size_t)MAX(c->rows / 3, 2), ticks);

	for (int row = 0; row < c->rows; row++) {
		const char *label = label_of_row(c, ticks, count, row);
		const char *edge = c->size->ascii ? (*label ? "+" : "|") : (*label ? "┤" : "│");

		fprintf(c->stream, "%*s %s", LABEL_WIDTH - 2, label, edge);
		for (int x = 0; x < c->columns; x++)
			put_cell(c, &c->cells[row * c->columns + x]);
		fputc('\n', c->stream);
	}
}

static void put_heading(const struct canvas *c)
{
	fprintf(c->stream, "%*s ", LABEL_WIDTH - 2, c->plot->y_unit[0] ? c->plot->y_unit : "ratio");
	for (size_t i = 0; i < c->plot->series_count; i++) {
		if (c->size->colour)
			fputs(colours[i], c->stream);
		if (c->size->ascii)
			fprintf(c->stream, " %c", ascii_points[i]);
		else
			fputs(c->size->colour ? " ━" : " ", c->stream);
		if (c->size->ascii || c->size->colour)
			fputc(' ', c->stream);
		fputs(c->plot->series[i].name, c->stream);
		if (c->size->colour)
			fputs(COLOUR_OFF, c->stream);
	}
	if (c->plot->left_out > 0)
		fprintf(c->stream, "  (%zu more not drawn)", c->plot->left_out);
	fputc('\n', c->stream);
}

/* ---- axis of wavelength ---- */

static int column_of(const struct canvas *c, double nm)
{
	long bin = plot_bin_of(c->plot, nm);

	return bin < 0 || bin >= (long)c->plot->bin_count ? -1 : (int)bin / c->across;
}

static void put_x_axis(const struct canvas *c)
{
	struct plot_tick ticks[PLOT_TICKS_MAX];
	size_t count = plot_ticks(c->plot->x_low, c->plot->x_high, (size_t)c->columns / 12, ticks);
	char text[512];
	int width = MIN(c->columns, (int)sizeof(text) - 1), used = 0;

	fprintf(c->stream, "%*s%s", LABEL_WIDTH - 1, "", c->size->ascii ? "+" : "└");
	for (int x = 0; x < c->columns; x++) {
		bool tick = false;

		for (size_t i = 0; i < count; i++)
			tick = tick || column_of(c, ticks[i].value) == x;
		fputs(tick ? (c->size->ascii ? "+" : "┬") : (c->size->ascii ? "-" : "─"),
		      c->stream);
	}
	fputc('\n', c->stream);

	memset(text, ' ', sizeof(text));
	for (size_t i = 0; i < count; i++) {
		int n = (int)strlen(ticks[i].text);
		int at = column_of(c, ticks[i].value) - n / 2;

		at = MIN(MAX(at, 0), width - n);
		if (column_of(c, ticks[i].value) < 0 || at < used)
			continue;
		memcpy(text + at, ticks[i].text, (size_t)n);
		used = at + n + 1;
	}
	while (used > 0 && text[used - 1] == ' ')
		used--;
	fprintf(c->stream, "%*s%.*s nm\n", LABEL_WIDTH, "", used, text);
}

/* Numbers over the marks where they fit, and a pointer at each. */
static void put_marks(const struct canvas *c)
{
	char numbers[512], pointers[512];
	int width = MIN(c->columns, (int)sizeof(numbers) - 1), used = 0;

	memset(numbers, ' ', sizeof(numbers));
	memset(pointers, ' ', sizeof(pointers));
	for (size_t i = 0; i < c->options->mark_count; i++) {
		int at = column_of(c, c->options->marks[i].wavelength_nm), n, left;
		char label[24];

		if (at < 0 || at >= width)
			continue;
		pointers[at] = 'v';
		plot_mark_label(c->options, i, label);
		n = (int)strlen(label);
		left = MIN(MAX(at - n / 2, 0), width - n);
		if (left < used)
			continue;
		memcpy(numbers + left, label, (size_t)n);
		used = left + n + 1;
	}
	fprintf(c->stream, "%*s%.*s\n%*s", LABEL_WIDTH, "", width, numbers, LABEL_WIDTH, "");
	for (int x = 0; x < width; x++)
		fputs(pointers[x] == ' ' ? " " : c->size->ascii ? "v" : "▼", c->stream);
	fputc('\n', c->stream);
}

int terminal_plot(FILE *stream, const struct table *table, const struct plot_options *options,
		  const struct terminal_size *size, char **ret_message)
{
	const struct plot_options defaults = {};
	_cleanup_free_ struct cell *cells = NULL;
	_cleanup_plot_ struct plot *plot = NULL;
	struct canvas c = {
		.options = options ? options : &defaults,
		.size = size,
		.stream = stream,
		.columns = MAX(size->width, TERMINAL_PLOT_WIDTH_MIN) - LABEL_WIDTH,
		.across = size->ascii ? 1 : 2,
		.down = size->ascii ? 1 : 4,
	};
	int r;

	c.rows = MAX(size->height, TERMINAL_PLOT_HEIGHT_MIN) - TITLE_ROWS - AXIS_ROWS -
		 (c.options->mark_count ? 2 : 0);
	cells = calloc((size_t)c.columns * (size_t)c.rows, sizeof(*cells));
	if (!cells)
		return fail(ret_message, -ENOMEM, "out of memory");
	r = plot_new(table, c.options, (size_t)(c.columns * c.across), &plot, ret_message);
	if (r < 0)
		return r;
	c.plot = plot;
	c.cells = cells;
	for (size_t i = 0; i < plot->series_count; i++)
		draw_series(&c, i);

	errno = 0;
	put_heading(&c);
	if (c.options->mark_count)
		put_marks(&c);
	put_rows(&c);
	put_x_axis(&c);
	return fflush(stream) == 0 && !ferror(stream) ? 0 : errno ? -errno : -EIO;
}
