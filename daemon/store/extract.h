/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Raw POINT records into rows of columns, some hundred at a time so that both stay in the
 * processor's nearest cache. Private to this folder.
 */
#ifndef ETALON_STORE_EXTRACT_H
#define ETALON_STORE_EXTRACT_H

#include "store/sheet.h"

#define TILE_ROWS 256

/* Where the columns of one reading go; NULL: not wanted. */
struct targets {
	double *wavelength;
	double *nominal[ETALON_HW_AXES_MAX * ETALON_HW_GANG_MAX];
	struct {
		double *value;
		uint32_t *flags;
		double *wavelength;
	} channel[ETALON_HW_PROGRAM_DETECTORS_MAX];
	uint32_t *flags;
	double *time;
	double *point;
};

/* columns[i] is filled by rules[i]; losses are made later, from other columns. */
void targets_make(const struct table_column *columns, const struct rule *rules, size_t count,
		  struct targets *ret);

/* Up to TILE_ROWS records; `at` is the row of the first one in all targets. */
struct tile {
	unsigned int count;
	const struct etalon_hw_record_point *point[TILE_ROWS];
};

void extract_tile(const struct sheet *sheet, const struct targets *to, const struct tile *tile,
		  size_t at);

#endif
