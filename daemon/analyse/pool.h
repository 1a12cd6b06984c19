/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the residuals of all fits together say about the noise. Layer: analyse.
 */
#ifndef ETALON_ANALYSE_POOL_H
#define ETALON_ANALYSE_POOL_H

#include "analyse/resonance.h"

struct pool_result {
	double sigma_x_nm, sigma_x_error_nm; /* as seen, before the stated value is joined in */
	double white_factor;
	bool seen; /* false: the residuals say nothing about sigma_x */
};

/* Sets all->noise from the residuals, holding on to the stated sigma_x where they say little. */
struct pool_result pool_noise(struct resonances *all, double stated_sigma_x_nm);

#endif
