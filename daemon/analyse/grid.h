/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A spectrum on even steps of wavelength: the mean of the points in every bin. The finder and
 * the search for ripple work on it; fits use the points themselves. Layer: analyse.
 */
#ifndef ETALON_ANALYSE_GRID_H
#define ETALON_ANALYSE_GRID_H

#include "analyse/spectrum.h"

struct grid {
	size_t n;
	double first_nm, step_nm; /* centre of bin 0 */
	double *y; /* empty bins: interpolated */
	double *white; /* variance, for scale */
};

int grid_make(const struct spectrum *spectrum, struct grid *ret);
/* Means over groups of bins, so that about `bins` are left. */
int grid_coarsen(const struct grid *fine, size_t bins, struct grid *ret);
void grid_clear(struct grid *grid);
#define _cleanup_grid_ _cleanup_(grid_clear)

static inline double grid_x(const struct grid *grid, size_t i)
{
	return grid->first_nm + (double)i * grid->step_nm;
}

/* Nearest bin, clamped to the grid. */
size_t grid_index(const struct grid *grid, double x_nm);

#endif
