// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The variance of every point that does not come from the axis: the board's own statement
 * scaled to the scatter that is seen, or the scatter alone. Scatter is the fourth difference
 * of neighbours, which no smooth spectrum moves, by medians, which no resonance moves.
 */
#include <errno.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>

#include "analyse/spectrum.h"
#include "base/util.h"

#define DIFFERENCE_VARIANCE 70.0 /* 1 + 16 + 36 + 16 + 1 */
#define MEDIAN_CHI2_1 0.45493642 /* of the square of a standard normal value */
#define FLOOR_VARIANCE 1e-14 /* of full scale: what rounding in files leaves */
#define BLOCK 128

static bool one_run(const struct spectrum *s, size_t i)
{
	return s->direction[i - 2] == s->direction[i + 2];
}

static double fourth_difference(const double *y, size_t i)
{
	return y[i - 2] - 4 * y[i - 1] + 6 * y[i] - 4 * y[i + 1] + y[i + 2];
}

static double expected_square(const double *v, size_t i)
{
	return v[i - 2] + 16 * v[i - 1] + 36 * v[i] + 16 * v[i + 1] + v[i + 2];
}

static bool is_described(const struct spectrum_description *d)
{
	return isfinite(d->read_variance) && d->read_variance >= 0;
}

static double or_zero(double value)
{
	return isfinite(value) && value > 0 ? value : 0;
}

static void fill_from_description(struct spectrum *s)
{
	const struct spectrum_description *d = &s->description;

	for (size_t i = 0; i < s->n; i++)
		s->white[i] = FLOOR_VARIANCE + d->read_variance +
			      or_zero(d->shot_variance) * fmax(s->y[i], 0) +
			      or_zero(d->rin_variance) * s->y[i] * s->y[i];
}

/* What the scatter is over what was stated. */
static double seen_over_stated(const struct spectrum *s, double *scratch)
{
	size_t n = 0;

	for (size_t i = 2; i + 2 < s->n; i += spectrum_sample(s->n))
		if (one_run(s, i))
			scratch[n++] =
				pow(fourth_difference(s->y, i), 2) / expected_square(s->white, i);
	return n ? gsl_stats_median(scratch, 1, n) / MEDIAN_CHI2_1 : 1;
}

/* ---- without a description ---- */

/* Variance as constant + relative x level^2, by least squares of the relative deviation. */
struct noise_law {
	double constant, relative;
};

struct law_sums {
	double a11, a12, a22, b1, b2;
};

static void law_add(struct law_sums *sums, double level, double variance)
{
	double p = 1 / variance, q = level * level / variance;

	sums->a11 += p * p;
	sums->a12 += p * q;
	sums->a22 += q * q;
	sums->b1 += p;
	sums->b2 += q;
}

static struct noise_law law_solve(const struct law_sums *m)
{
	double det = m->a11 * m->a22 - m->a12 * m->a12;
	struct noise_law law = {m->a11 > 0 ? m->b1 / m->a11 : 0, 0};

	if (!(det > 1e-12 * m->a11 * m->a22))
		return law;
	law.constant = (m->b1 * m->a22 - m->b2 * m->a12) / det;
	law.relative = (m->b2 * m->a11 - m->b1 * m->a12) / det;
	if (law.constant < 0)
		law = (struct noise_law){0, m->b2 / m->a22};
	else if (law.relative < 0)
		law = (struct noise_law){m->b1 / m->a11, 0};
	return law;
}

/* Level and variance of one block, by medians. */
static bool block_scatter(const struct spectrum *s, size_t from, size_t to, double *ret_level,
			  double *ret_variance)
{
	double squares[BLOCK], levels[BLOCK];
	size_t n = 0;

	for (size_t i = MAX(from, (size_t)2); i < to && i + 2 < s->n; i++) {
		if (!one_run(s, i))
			continue;
		squares[n] = pow(fourth_difference(s->y, i), 2);
		levels[n++] = s->y[i];
	}
	if (n < 8)
		return false;
	*ret_level = gsl_stats_median(levels, 1, n);
	*ret_variance = FLOOR_VARIANCE +
			gsl_stats_median(squares, 1, n) / (MEDIAN_CHI2_1 * DIFFERENCE_VARIANCE);
	return true;
}

static void fill_from_data(struct spectrum *s)
{
	struct law_sums sums = {};
	struct noise_law law;

	for (size_t from = 0; from < s->n; from += BLOCK) {
		double level, variance;

		if (block_scatter(s, from, MIN(from + BLOCK, s->n), &level, &variance))
			law_add(&sums, level, variance);
	}
	law = law_solve(&sums);
	for (size_t i = 0; i < s->n; i++)
		s->white[i] = FLOOR_VARIANCE + law.constant + law.relative * s->y[i] * s->y[i];
}

int spectrum_estimate_white(struct spectrum *s, bool *ret_from_data)
{
	_cleanup_free_ double *scratch = calloc(s->n, sizeof(*scratch));
	double factor;

	if (!scratch)
		return -ENOMEM;
	*ret_from_data = !is_described(&s->description);
	if (*ret_from_data) {
		fill_from_data(s);
		return 0;
	}
	fill_from_description(s);
	factor = seen_over_stated(s, scratch);
	if (isfinite(factor) && factor > 0)
		for (size_t i = 0; i < s->n; i++)
			s->white[i] *= factor;
	return 0;
}
