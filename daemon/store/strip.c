// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Writes columns strip by strip. A write costs half of what it costs to fault the same fresh pages
 * in and fill them through the mapping: no page is cleared first, none is mapped and unmapped.
 */
#include "store/strip.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"

#define STRIP_ROWS (16U * TILE_ROWS)

struct strip {
	const struct frame_builder *builder;
	const struct table_column *column;
	const struct rule *rule;
	size_t visible, count;
	struct table_column *scratch; /* STRIP_ROWS of each */
	struct targets targets;
	size_t rows; /* in scratch */
	uint64_t written;
	int error;
};

static size_t element(const struct table_column *column)
{
	return column->type == COLUMN_F64 ? sizeof(double) : sizeof(uint32_t);
}

void strip_free(struct strip *s)
{
	if (!s)
		return;
	for (size_t i = 0; s->scratch && i < s->count; i++)
		free(s->scratch[i].f64);
	free(s->scratch);
	free(s);
}

int strip_new(const struct frame_builder *builder, const struct table_column *columns,
	      const struct rule *rules, size_t visible, size_t count, struct strip **ret)
{
	struct strip *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	*s = (struct strip){.builder = builder,
			    .column = columns,
			    .rule = rules,
			    .visible = visible,
			    .count = count,
			    .scratch = calloc(count, sizeof(*s->scratch))};
	for (size_t i = 0; s->scratch && i < count; i++) {
		s->scratch[i] = columns[i];
		s->scratch[i].f64 = calloc(STRIP_ROWS, sizeof(double));
		if (!s->scratch[i].f64) {
			strip_free(s);
			return -ENOMEM;
		}
	}
	if (!s->scratch) {
		strip_free(s);
		return -ENOMEM;
	}
	targets_make(s->scratch, rules, count, &s->targets);
	*ret = s;
	return 0;
}

static int write_at(int fd, const char *from, size_t bytes, off_t at)
{
	while (bytes > 0) {
		ssize_t n = pwrite(fd, from, bytes, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		from += n;
		at += n;
		bytes -= (size_t)n;
	}
	return 0;
}

static void flush(struct strip *s)
{
	for (size_t i = 0; s->error == 0 && i < s->count; i++) {
		const size_t size = element(&s->column[i]);
		char *to = (char *)s->column[i].f64 + s->written * size;

		if (s->rule[i].kind == RULE_LOSS)
			continue; /* made later */
		if (i < s->visible)
			s->error = write_at(s->builder->fd, (const char *)s->scratch[i].f64,
					    s->rows * size, to - (char *)s->builder->map);
		else
			memcpy(to, s->scratch[i].f64, s->rows * size);
	}
	s->written += s->rows;
	s->rows = 0;
}

void strip_add(struct strip *s, const struct sheet *sheet, const struct tile *tile)
{
	if (s->rows + tile->count > STRIP_ROWS)
		flush(s);
	extract_tile(sheet, &s->targets, tile, s->rows);
	s->rows += tile->count;
}

int64_t strip_finish(struct strip *s)
{
	flush(s);
	return s->error < 0 ? s->error : (int64_t)s->written;
}
