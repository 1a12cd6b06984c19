// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Spectra of several runs in one table. See compare.h.
 */
#include "cli/compare.h"

#include <math.h>

#include "base/util.h"

struct row {
	double nm, value;
	size_t series;
};

static int compare_rows(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	return (x->nm > y->nm) - (x->nm < y->nm);
}

static struct row *collect(struct table *const *tables, const char *const *columns, size_t count,
			   size_t *ret_rows)
{
	struct row *rows;
	size_t total = 0, n = 0;

	for (size_t i = 0; i < count; i++)
		total += tables[i]->rows;
	rows = calloc(MAX(total, (size_t)1), sizeof(*rows));
	for (size_t i = 0; rows && i < count; i++) {
		const struct table_column *axis = table_find(tables[i], "wavelength");
		const struct table_column *column = table_find(tables[i], columns[i]);

		if (!axis || !column || axis->type != COLUMN_F64 || column->type != COLUMN_F64) {
			free(rows);
			return NULL;
		}
		for (size_t k = 0; k < tables[i]->rows; k++) {
			if (isfinite(axis->f64[k]))
				rows[n++] = (struct row){axis->f64[k], column->f64[k], i};
		}
	}
	*ret_rows = n;
	return rows;
}

struct table *overlay(struct table *const *tables, const char *const *columns,
		      const char *const *names, size_t count)
{
	_cleanup_table_ struct table *t = NULL;
	_cleanup_free_ struct row *rows = NULL;
	size_t n = 0;

	rows = collect(tables, columns, count, &n);
	if (!rows)
		return NULL;
	qsort(rows, n, sizeof(*rows), compare_rows);
	t = table_new(n, count + 1);
	if (!t || table_set_column(t, 0, "wavelength", "nm", COLUMN_F64) < 0)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		const char *unit = table_find(tables[i], columns[i])->unit;

		if (table_set_column(t, i + 1, names[i], unit, COLUMN_F64) < 0)
			return NULL;
	}
	for (size_t k = 0; k < n; k++) {
		t->columns[0].f64[k] = rows[k].nm;
		for (size_t i = 0; i < count; i++)
			t->columns[i + 1].f64[k] = rows[k].series == i ? rows[k].value : NAN;
	}
	return take_ptr(t);
}
