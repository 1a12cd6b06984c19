/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The mean of several passes, row by row; flags of all passes ORed. Private to this folder. A value
 * that is missing in some passes is the mean of the others.
 */
#ifndef ETALON_STORE_AVERAGE_H
#define ETALON_STORE_AVERAGE_H

#include "store/extract.h"

struct average;

/* Sums go into the columns themselves, `rows` long and zero at the beginning. */
int average_new(const struct table_column *columns, const struct rule *rules, size_t count,
		uint64_t rows, struct average **ret);
void average_free(struct average *average);
/* row[k] of tile->point[k], below `rows`. */
void average_add(struct average *average, const struct sheet *sheet, const struct tile *tile,
		 const uint32_t *row);
/* Divides, closes rows that no pass has; how many are left. */
uint64_t average_finish(struct average *average);

#endif
