/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Periodic ripple of the baseline, such as a Fabry-Perot between two facets. Layer: analyse.
 */
#ifndef ETALON_ANALYSE_RIPPLE_H
#define ETALON_ANALYSE_RIPPLE_H

#include <stddef.h>

#include "analyse/grid.h"

#define RIPPLE_MAX 2

/* Phase in periods: phase + frequency u + slope u^2 / 2 + curve u^3 / 3 with u = x - at. */
struct ripple_line {
	double at_nm, phase, frequency, slope, curve;
	double amplitude; /* relative, of the fundamental */
};

struct ripple {
	size_t count;
	struct ripple_line line[RIPPLE_MAX];
};

/* Bins that are enough to see every ripple that matters. */
#define RIPPLE_BINS 4096

/*
 * Lines of periods up to `longest_nm` that stand out of `base`, a spectrum without its resonances, whose
 * points count by `weight` (0: masked). `base` is changed. 0 or -ENOMEM.
 */
int ripple_find(const struct grid *grid, double *base, const double *weight, double longest_nm,
		struct ripple *ret);

/* Local period at x, and its phase in periods relative to another place. */
double ripple_period_nm(const struct ripple_line *line, double x_nm);
double ripple_phase(const struct ripple_line *line, double x_nm, double relative_to_nm);

#endif
