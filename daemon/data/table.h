/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A table of measured columns with its description, in memory. Layer: data (above base).
 *
 * One table is what an export writes, an analysis reads and a picture shows. Columns
 * are doubles in the unit named beside them, or 32-bit flag words. A missing value
 * (uncovered, not positive in dB) is NaN in memory and an empty field in a file.
 *
 * `meta` is a JSON object; its keys are listed in data/meta.h.
 */
#ifndef ETALON_DATA_TABLE_H
#define ETALON_DATA_TABLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

#define TABLE_NAME_MAX 64 /* bytes with the terminator */
#define TABLE_UNIT_MAX 16

enum column_type {
	COLUMN_F64 = 1, /* double */
	COLUMN_U32 = 2, /* flag word, ETALON_FRAME_* bits of data/frame.h */
};

struct table_column {
	char name[TABLE_NAME_MAX]; /* "wavelength", "through" */
	char unit[TABLE_UNIT_MAX]; /* "nm", "W", "A", "dBm", "" */
	enum column_type type;
	union {
		double *f64;
		uint32_t *u32;
	};
};

struct table {
	size_t rows;
	size_t column_count;
	struct table_column *columns;
	json_t *meta;	   /* owned, never NULL after table_new */
	void *backing;	   /* owned mapping or NULL: columns point into it */
	size_t backing_size;
	bool open_end; /* read from a text without a last line end: its last number may be cut */
};

/* Columns are allocated zeroed when backing is NULL. Returns NULL when out of memory. */
struct table *table_new(size_t rows, size_t column_count);
struct table *table_free(struct table *table); /* returns NULL */
DEFINE_CLEANUP(struct table *, table_free, table_freep);
#define _cleanup_table_ _cleanup_(table_freep)

/* Sets name, unit, type and allocates the column's zeroed data. -ENOMEM, -E2BIG (name too long). */
int table_set_column(struct table *table, size_t index, const char *name, const char *unit,
		     enum column_type type);
/* NULL when there is none. */
const struct table_column *table_find(const struct table *table, const char *name);
/* Same rows and columns (name, unit, type, data; NaN equals NaN). Does not look at meta. */
bool table_columns_equal(const struct table *a, const struct table *b);

#endif
