/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where resonances are: narrow dips or peaks that stand out of what the spectrum does elsewhere on
 * the same scale, so that ripple, fringes and noise are none. Layer: analyse.
 */
#ifndef ETALON_ANALYSE_FIND_H
#define ETALON_ANALYSE_FIND_H

#include <stdbool.h>

#include "analyse/grid.h"
#include "analyse/team.h"

struct candidate {
	double centre_nm, fwhm_nm; /* first values for a fit */
	double contrast; /* depth over the level beside it, or height over the peak */
	double significance; /* over the scatter of the same measure around it */
};

/* Resonances shallower than min_contrast (0 .. 1) or wider than that part of the spectrum are left out. */
struct find_limits {
	double min_contrast, widest_part;
};

/* Sorted by wavelength, malloc'ed, NULL for none. *ret_peak: they are peaks. team may be NULL. */
int find_candidates(const struct grid *grid, const struct find_limits *limits, struct team *team,
		    struct candidate **ret, size_t *ret_count, bool *ret_peak);

#endif
