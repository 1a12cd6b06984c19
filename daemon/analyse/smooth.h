/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Smoothing of an evenly numbered series by a cubic B-spline in least squares. Layer: analyse.
 */
#ifndef ETALON_ANALYSE_SMOOTH_H
#define ETALON_ANALYSE_SMOOTH_H

#include <stddef.h>

/* Coefficients of the spline whose knots are `knot` points apart. */
size_t smooth_coefficients(size_t n, size_t knot);
/*
 * Fills `ret` with the spline's values and *ret_rss with the weighted sum of squared residuals;
 * weight NULL: all 1. 0 or -ENOMEM.
 */
int smooth_spline(const double *y, const double *weight, size_t n, size_t knot, double *ret,
		  double *ret_rss);

#endif
