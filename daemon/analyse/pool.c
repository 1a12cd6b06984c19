// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Two unknowns, the white noise' factor and the axis' random error, from squared residuals by
 * weighted least squares over all points of all fits. What the board states about its axis is one
 * more observation, good to a tenth; so is the white noise that the points' scatter showed, which
 * matters where a short span leaves few points beside a resonance.
 */
#include "analyse/pool.h"

#include <math.h>

#include "base/util.h"

#define STATED_GOOD_TO 0.1
#define WHITE_GOOD_TO 0.3 /* what the points' own scatter has said, relative */
#define DISAGREE 3.0 /* standard deviations */
/* Fits whose chi^2 is further than this factor from the typical one have their own trouble. */
#define TYPICAL_FACTOR 2.0

static double typical_chi2(const struct resonances *all)
{
	double low = INFINITY, sum = 0;
	size_t n = 0;

	/* The harmonic mean leans to the well-behaved. */
	for (size_t k = 0; k < all->count; k++) {
		double chi2 = fit_chi2_reduced(&all->list[k].fit);

		if (!all->list[k].fitted || all->list[k].model_error > 0 || !(chi2 > 0))
			continue;
		low = fmin(low, chi2);
		sum += 1 / chi2;
		n++;
	}
	return n ? (double)n / sum : low;
}

static struct noise_sums add_up(const struct resonances *all)
{
	double typical = typical_chi2(all);
	/* The variance of a squared residual is twice the square of its own variance. */
	double weight = 2 / pow(WHITE_GOOD_TO, 2);
	struct noise_sums sums = {.a11 = weight, .b1 = weight};

	for (size_t k = 0; k < all->count; k++) {
		const struct noise_sums *s = &all->list[k].fit.noise;
		double chi2 = fit_chi2_reduced(&all->list[k].fit);

		if (!all->list[k].fitted || all->list[k].model_error > 0 ||
		    !(chi2 <= TYPICAL_FACTOR * typical))
			continue;
		sums.a11 += s->a11;
		sums.a12 += s->a12;
		sums.a22 += s->a22;
		sums.b1 += s->b1;
		sums.b2 += s->b2;
	}
	return sums;
}

/* Mean of what is seen and what is stated, each by its weight; seen alone where they disagree. */
static double join_stated(double seen, double information, double stated_nm)
{
	double stated = stated_nm * stated_nm;
	double weight = stated_nm > 0 ? 1 / pow(2 * STATED_GOOD_TO * stated, 2) : 0;

	if (!(weight > 0))
		return fmax(seen, 0);
	if (!(information > 0))
		return stated;
	if (fabs(seen - stated) > DISAGREE * sqrt(1 / information + 1 / weight))
		return fmax(seen, 0);
	return fmax((information * seen + weight * stated) / (information + weight), 0);
}

struct pool_result pool_noise(struct resonances *all, double stated_nm)
{
	struct noise_sums m = add_up(all);
	double det = m.a11 * m.a22 - m.a12 * m.a12, information, axis, white;
	struct pool_result ret = {.white_factor = all->noise.white_factor};

	if (all->count == 0)
		return ret;
	information = m.a22 > 0 ? (m.a22 - m.a12 * m.a12 / m.a11) / 2 : 0;
	axis = det > 1e-9 * m.a11 * m.a22 ? (m.b2 * m.a11 - m.b1 * m.a12) / det : 0;
	if (information > 0) {
		ret.sigma_x_nm = sqrt(fmax(axis, 0));
		ret.sigma_x_error_nm =
			0.5 / sqrt(information) / fmax(ret.sigma_x_nm, pow(information, -0.25));
		ret.seen = true;
	}
	axis = join_stated(axis, information, stated_nm);
	white = (m.b1 - m.a12 * axis) / m.a11;
	all->noise.blur.sigma_x_nm = sqrt(axis);
	all->noise.white_factor = fmax(white, 1e-3 * all->noise.white_factor);
	ret.white_factor = all->noise.white_factor;
	return ret;
}
