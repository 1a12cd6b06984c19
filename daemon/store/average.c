// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Sums of passes, and their means. Which points form a group is the sheet's knowledge.
 */
#include "store/average.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

struct average {
	const struct table_column *column;
	const struct rule *rule;
	size_t count;
	uint64_t rows;
	/* One tile of every column, before it is added. */
	struct table_column *scratch;
	struct targets targets;
	uint16_t **values; /* of every column and row: passes that have one; NULL for flags */
	uint16_t *passes; /* of every row */
};

void average_free(struct average *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < a->count; i++) {
		if (a->scratch)
			free(a->scratch[i].f64);
		if (a->values)
			free(a->values[i]);
	}
	free(a->scratch);
	free(a->values);
	free(a->passes);
	free(a);
}

static int allocate(struct average *a)
{
	a->scratch = calloc(a->count, sizeof(*a->scratch));
	a->values = calloc(a->count, sizeof(*a->values));
	a->passes = calloc(a->rows, sizeof(*a->passes));
	if (!a->scratch || !a->values || !a->passes)
		return -ENOMEM;
	for (size_t i = 0; i < a->count; i++) {
		a->scratch[i] = a->column[i];
		a->scratch[i].f64 = calloc(TILE_ROWS, sizeof(double));
		if (!a->scratch[i].f64)
			return -ENOMEM;
		if (a->column[i].type != COLUMN_F64)
			continue;
		a->values[i] = calloc(a->rows, sizeof(**a->values));
		if (!a->values[i])
			return -ENOMEM;
	}
	return 0;
}

int average_new(const struct table_column *columns, const struct rule *rules, size_t count,
		uint64_t rows, struct average **ret)
{
	struct average *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	*a = (struct average){.column = columns, .rule = rules, .count = count, .rows = rows};
	if (allocate(a) < 0) {
		average_free(a);
		return -ENOMEM;
	}
	targets_make(a->scratch, rules, count, &a->targets);
	*ret = a;
	return 0;
}

/* The number of a point is that of the first pass; all else is averaged, time included. */
static void add_column(struct average *a, size_t i, const uint32_t *row, unsigned int n)
{
	double *sum = a->column[i].f64;
	const double *value = a->scratch[i].f64;
	bool first_only = a->rule[i].kind == RULE_POINT;

	if (a->column[i].type != COLUMN_F64) {
		for (unsigned int k = 0; k < n; k++)
			a->column[i].u32[row[k]] |= a->scratch[i].u32[k];
		return;
	}
	for (unsigned int k = 0; k < n; k++) {
		uint16_t *have = &a->values[i][row[k]];

		if (value[k] != value[k] || *have == UINT16_MAX || (first_only && *have > 0))
			continue;
		sum[row[k]] += value[k];
		(*have)++;
	}
}

void average_add(struct average *a, const struct sheet *sheet, const struct tile *tile,
		 const uint32_t *row)
{
	extract_tile(sheet, &a->targets, tile, 0);
	for (unsigned int k = 0; k < tile->count; k++)
		if (a->passes[row[k]] < UINT16_MAX)
			a->passes[row[k]]++;
	for (size_t i = 0; i < a->count; i++)
		if (a->rule[i].kind != RULE_LOSS)
			add_column(a, i, row, tile->count);
}

static void move_row(const struct average *a, uint64_t from, uint64_t to)
{
	for (size_t i = 0; i < a->count; i++) {
		if (a->column[i].type == COLUMN_F64)
			a->column[i].f64[to] = a->column[i].f64[from];
		else
			a->column[i].u32[to] = a->column[i].u32[from];
	}
}

static void divide(const struct average *a)
{
	for (size_t i = 0; i < a->count; i++) {
		if (!a->values[i] || a->rule[i].kind == RULE_LOSS)
			continue;
		for (uint64_t k = 0; k < a->rows; k++)
			a->column[i].f64[k] =
				a->values[i][k] > 0 ? a->column[i].f64[k] / a->values[i][k] : NAN;
	}
}

uint64_t average_finish(struct average *a)
{
	uint64_t kept = 0;

	divide(a);
	for (uint64_t k = 0; k < a->rows; k++) {
		if (a->passes[k] == 0)
			continue;
		if (kept < k)
			move_row(a, k, kept);
		kept++;
	}
	return kept;
}
