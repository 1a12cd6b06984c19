/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a spectrum is without its resonances: the input of the search for ripple. Layer: analyse.
 */
#ifndef ETALON_ANALYSE_BASELINE_H
#define ETALON_ANALYSE_BASELINE_H

#include "analyse/grid.h"
#include "analyse/resonance.h"

/*
 * base and weight: grid->n values each. Weights are 0 .. 1, 0 in the cores of resonances, which
 * reach further as long as the fits are but first ones.
 */
void baseline_make(const struct grid *grid, const struct resonances *all, bool first, double *base,
		   double *weight);

#endif
