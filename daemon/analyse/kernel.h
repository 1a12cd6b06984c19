/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What blurs a point along the axis: the aperture (a box), the detector's one-pole response (an
 * exponential whose mean delay the axis already has taken off) and the random error of the
 * axis itself (Gaussian). Layer: analyse.
 *
 * The three become nodes and weights for sums in place of integrals: a few with the blur's exact
 * moments where it is narrow against the feature, panels over its density where it is not.
 */
#ifndef ETALON_ANALYSE_KERNEL_H
#define ETALON_ANALYSE_KERNEL_H

#define KERNEL_MAX_NODES 128

struct blur {
	double aperture_nm, tau_nm, sigma_x_nm;
};

struct kernel {
	unsigned int count;
	double offset_nm[KERNEL_MAX_NODES]; /* the point at x saw x - offset */
	double weight[KERNEL_MAX_NODES]; /* their sum is 1 */
};

/* For a feature of half width `half_width_nm`; direction -1 mirrors the detector's tail. */
struct kernel kernel_make(const struct blur *blur, double half_width_nm, int direction);
/* Standard deviation of the blur. */
double kernel_rms_nm(const struct blur *blur);

#endif
