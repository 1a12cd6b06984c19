// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Cubic B-spline with even knots: the normal equations are a band of four, so that the cost is
 * linear in the points whatever the number of knots.
 */
#include "analyse/smooth.h"

#include <errno.h>
#include <math.h>

#include "base/cleanup.h"

#define ORDER 4 /* coefficients under one point */

struct band {
	double row[ORDER]; /* row[k]: element (i, i + k) */
};

size_t smooth_coefficients(size_t n, size_t knot)
{
	return (n - 1) / knot + ORDER;
}

/* The four splines that are not zero at t in [0, 1) between two knots. */
static void basis(double t, double b[ORDER])
{
	double u = 1 - t;

	b[0] = u * u * u / 6;
	b[1] = (3 * t * t * t - 6 * t * t + 4) / 6;
	b[2] = (3 * u * u * u - 6 * u * u + 4) / 6;
	b[3] = t * t * t / 6;
}

static void accumulate(const double *y, const double *weight, size_t n, size_t knot, struct band *a,
		       double *b)
{
	double values[ORDER];

	for (size_t i = 0, first = 0, within = 0; i < n; i++) {
		double w = weight ? weight[i] : 1;

		basis((double)within / (double)knot, values);
		for (size_t j = 0; j < ORDER; j++) {
			b[first + j] += w * values[j] * y[i];
			for (size_t k = j; k < ORDER; k++)
				a[first + j].row[k - j] += w * values[j] * values[k];
		}
		if (++within == knot) {
			within = 0;
			first++;
		}
	}
}

/* Cholesky of the band in place, then both substitutions. */
static void solve(struct band *a, double *b, size_t m, double ridge)
{
	for (size_t i = 0; i < m; i++) {
		a[i].row[0] += ridge;
		for (size_t k = 1; k < ORDER && k <= i; k++)
			for (size_t j = 0; j + k < ORDER; j++)
				a[i].row[j] -= a[i - k].row[k] * a[i - k].row[k + j];
		a[i].row[0] = sqrt(fmax(a[i].row[0], ridge));
		for (size_t j = 1; j < ORDER; j++)
			a[i].row[j] /= a[i].row[0];
	}
	for (size_t i = 0; i < m; i++) {
		for (size_t k = 1; k < ORDER && k <= i; k++)
			b[i] -= a[i - k].row[k] * b[i - k];
		b[i] /= a[i].row[0];
	}
	for (size_t i = m; i-- > 0;) {
		for (size_t k = 1; k < ORDER && i + k < m; k++)
			b[i] -= a[i].row[k] * b[i + k];
		b[i] /= a[i].row[0];
	}
}

int smooth_spline(const double *y, const double *weight, size_t n, size_t knot, double *ret,
		  double *ret_rss)
{
	size_t m = smooth_coefficients(n, knot);
	_cleanup_free_ struct band *a = calloc(m, sizeof(*a));
	_cleanup_free_ double *b = calloc(m, sizeof(*b));
	double rss = 0, values[ORDER], most = 1;

	if (!a || !b)
		return -ENOMEM;
	for (size_t i = 0; weight && i < n; i++)
		most = fmax(most, weight[i]);
	accumulate(y, weight, n, knot, a, b);
	solve(a, b, m, 1e-9 * most); /* a spline may have little or no data below it */
	for (size_t i = 0, first = 0, within = 0; i < n; i++) {
		basis((double)within / (double)knot, values);
		ret[i] = values[0] * b[first] + values[1] * b[first + 1] +
			 values[2] * b[first + 2] + values[3] * b[first + 3];
		rss += (weight ? weight[i] : 1) * (y[i] - ret[i]) * (y[i] - ret[i]);
		if (++within == knot) {
			within = 0;
			first++;
		}
	}
	*ret_rss = rss;
	return 0;
}
