// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Tables in memory: allocation, lookup, comparison. Knows no file format and no
 * physics; frame.c gives a table its bulk form. Layer: data.
 */
#include "data/table.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/util.h"

struct table *table_new(size_t rows, size_t column_count)
{
	struct table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->rows = rows;
	table->column_count = column_count;
	/* At least one element: an empty table is no failure. */
	table->columns = calloc(MAX(column_count, (size_t)1), sizeof(*table->columns));
	table->meta = json_object();
	if (!table->columns || !table->meta)
		return table_free(table);
	return table;
}

struct table *table_free(struct table *table)
{
	if (!table)
		return NULL;
	if (table->backing)
		munmap(table->backing, table->backing_size);
	else
		for (size_t i = 0; table->columns && i < table->column_count; i++)
			free(table->columns[i].f64);
	free(table->columns);
	json_decref(table->meta);
	free(table);
	return NULL;
}

static size_t element_size(enum column_type type)
{
	switch (type) {
	case COLUMN_F64:
		return sizeof(double);
	case COLUMN_U32:
		return sizeof(uint32_t);
	}
	return 0;
}

int table_set_column(struct table *table, size_t index, const char *name, const char *unit,
		     enum column_type type)
{
	struct table_column *column;
	size_t size = element_size(type), bytes;
	void *data;

	if (index >= table->column_count || size == 0 || table->backing)
		return -EINVAL;
	if (strlen(name) >= TABLE_NAME_MAX || strlen(unit) >= TABLE_UNIT_MAX)
		return -E2BIG;
	if (__builtin_mul_overflow(MAX(table->rows, (size_t)1), size, &bytes) ||
	    bytes > PTRDIFF_MAX)
		return -ENOMEM;
	data = calloc(1, bytes);
	if (!data)
		return -ENOMEM;

	column = &table->columns[index];
	free(column->f64);
	memset(column, 0, sizeof(*column));
	strcpy(column->name, name);
	strcpy(column->unit, unit);
	column->type = type;
	if (type == COLUMN_F64)
		column->f64 = data;
	else
		column->u32 = data;
	return 0;
}

const struct table_column *table_find(const struct table *table, const char *name)
{
	for (size_t i = 0; i < table->column_count; i++)
		if (streq(table->columns[i].name, name))
			return &table->columns[i];
	return NULL;
}

static bool values_equal(const double *a, const double *b, size_t rows)
{
	for (size_t i = 0; i < rows; i++)
		if (!(a[i] == b[i] || (a[i] != a[i] && b[i] != b[i])))
			return false;
	return true;
}

static bool column_equal(const struct table_column *a, const struct table_column *b, size_t rows)
{
	if (a->type != b->type || !streq(a->name, b->name) || !streq(a->unit, b->unit))
		return false;
	if (a->type == COLUMN_F64)
		return values_equal(a->f64, b->f64, rows);
	return memcmp(a->u32, b->u32, rows * sizeof(*a->u32)) == 0;
}

bool table_columns_equal(const struct table *a, const struct table *b)
{
	if (a->rows != b->rows || a->column_count != b->column_count)
		return false;
	for (size_t i = 0; i < a->column_count; i++)
		if (!column_equal(&a->columns[i], &b->columns[i], a->rows))
			return false;
	return true;
}
