/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs side by side: which resonance of one is which of another, and their spectra in one table.
 * Layer: cli; pure.
 */
#ifndef ETALON_CLI_COMPARE_H
#define ETALON_CLI_COMPARE_H

#include <jansson.h>

#include "data/table.h"

#define COMPARE_RUNS_MAX 6

/* One resonance of the first run and its partner in another. */
struct shift {
	int partner; /* index in the other list, -1: none */
	double pm; /* other less first */
	double sigma_pm; /* random parts of both; what is common to an axis is not in it */
};

/*
 * Partners are each other's nearest and nearer than half the way to the next resonance of the
 * first run (lone ones: 1 nm). `first` and `other` are arrays as etalon-analyse makes them; ret
 * has room for all of the first.
 */
void match_resonances(const json_t *first, const json_t *other, struct shift *ret);

struct common_shift {
	size_t count; /* of partners */
	double pm, sigma_pm; /* weighted mean and its random uncertainty, NaN without partners */
	double chi2; /* of the shifts about their mean */
};

struct common_shift mean_shift(const struct shift *shifts, size_t count);

/*
 * One column of each table over a common axis in order; rows of one are NaN in the columns of the
 * others. Column i is named names[i]. NULL: no memory, or a table without that column.
 */
struct table *overlay(struct table *const *tables, const char *const *columns,
		      const char *const *names, size_t count);

#endif
