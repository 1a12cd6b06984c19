// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Division by the power monitor. The monitor has noise of its own, often more than the light's
 * own noise that it should take away. Where all that it says is a slow curve, that is divided out,
 * which hardly has any noise, and of the rest only the part that the signal shares. Any other monitor is
 * taken as it is, noise and all: something in between would leave noise that is not white, which no
 * fit could weigh rightly.
 */
#include <errno.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>

#include "analyse/smooth.h"
#include "analyse/spectrum.h"
#include "base/util.h"

/* Of a sweep: the slow curve's knots. */
static const size_t slow_parts[] = {8, 24};
#define LEAST_POINTS 256
/* A sweep is judged by means of groups: enough of them to see every structure that light has. */
#define GROUPS 4096
/* Knots, in groups, of splines that would find what the slow curve leaves. */
static const size_t finer[] = {12, 48, 192};

/* The gain of a spline through what is left is noise when it is below four deviations of it. */
static bool is_noise(const double *left, size_t n, double whole, double *scratch)
{
	double variance = 0;

	for (size_t k = 0; k < ARRAY_SIZE(finer); k++) {
		double count = (double)smooth_coefficients(n, finer[k]), rss;

		if (smooth_spline(left, NULL, n, finer[k], scratch, &rss) < 0)
			return false;
		if (k == 0)
			variance = rss / ((double)n - count);
		if (whole - rss > variance * (count + 4 * sqrt(2 * count)))
			return false;
	}
	return true;
}

static size_t average(const double *monitor, size_t n, size_t group, double *ret)
{
	size_t count = n / group;

	for (size_t k = 0; k < count; k++) {
		ret[k] = 0;
		for (size_t i = k * group; i < (k + 1) * group; i++)
			ret[k] += monitor[i] / (double)group;
	}
	return count;
}

/* From the groups' middles to all points. */
static void spread_out(const double *slow, size_t count, size_t group, double *ret, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		double at = ((double)i - 0.5 * (double)(group - 1)) / (double)group;
		size_t k = (size_t)fmin(fmax(at, 0), (double)(count - 2));

		ret[i] = slow[k] + (slow[k + 1] - slow[k]) * (at - (double)k);
	}
}

/* A slow curve through one sweep; *ret_good: nothing but noise is left. */
static int smooth_run(const double *monitor, size_t n, double *smooth, bool *ret_good)
{
	size_t group = MAX(n / GROUPS, (size_t)1), count;
	_cleanup_free_ double *memory = malloc(4 * (n / group + 1) * sizeof(*memory));
	double *means = memory, *slow, *left, *scratch, rss;

	if (!memory)
		return -ENOMEM;
	count = average(monitor, n, group, means);
	slow = means + count;
	left = slow + count;
	scratch = left + count;
	*ret_good = false;
	for (size_t k = 0; n >= LEAST_POINTS && !*ret_good && k < ARRAY_SIZE(slow_parts); k++) {
		int r = smooth_spline(means, NULL, count, count / slow_parts[k], slow, &rss);

		if (r < 0)
			return r;
		for (size_t i = 0; i < count; i++)
			left[i] = means[i] - slow[i];
		*ret_good = is_noise(left, count, rss, scratch);
	}
	if (*ret_good)
		spread_out(slow, count, group, smooth, n);
	return 0;
}

/* ---- noise that signal and monitor share ---- */

static double difference(const double *v, size_t i)
{
	return v[i - 2] - 4 * v[i - 1] + 6 * v[i] - 4 * v[i + 1] + v[i + 2];
}

/* Fourth differences see noise only; relative to the signal. */
static double relative_difference(const double *signal, size_t i)
{
	return signal[i] > 0 ? difference(signal, i) / signal[i] : NAN;
}

static double typical_square(const double *signal, size_t n, double *scratch)
{
	size_t count = 0;

	for (size_t i = 2; i + 2 < n; i += spectrum_sample(n)) {
		double a = relative_difference(signal, i);

		if (isfinite(a))
			scratch[count++] = a * a;
	}
	return count ? gsl_stats_median(scratch, 1, count) : 0;
}

/*
 * How much of the monitor's own scatter the signal shares, 0 .. 1: a regression in which the
 * noisy flanks of resonances have little weight. Less than four of its deviations is none.
 */
static double shared_part(const double *signal, const double *scatter, size_t n, double *scratch)
{
	double typical = typical_square(signal, n, scratch), both = 0, own = 0, spread = 0;

	if (!(typical > 0))
		return 0;
	for (size_t i = 2; i + 2 < n; i++) {
		double a = relative_difference(signal, i), b = difference(scatter, i);
		double weight = 1 / (typical + a * a);

		if (!isfinite(a))
			continue;
		both += weight * a * b;
		own += weight * b * b;
		spread += weight * weight * a * a * b * b;
	}
	return both > 4 * sqrt(spread) ? fmin(both / own, 1) : 0;
}

static void divide_smooth(struct spectrum *s, size_t from, size_t to, const double *smooth,
			  double *scratch)
{
	double *y = s->y + from, *scatter = s->monitor + from, part;
	size_t n = to - from;

	for (size_t i = 0; i < n; i++) {
		y[i] /= smooth[i];
		scatter[i] = scatter[i] / smooth[i] - 1;
	}
	part = shared_part(y, scatter, n, scratch);
	for (size_t i = 0; i < n; i++)
		y[i] /= 1 + part * scatter[i];
}

/* Of one point, from what smooth light cannot do. */
static double relative_variance(const double *monitor, size_t n, double *scratch)
{
	size_t count = 0;

	for (size_t i = 2; i + 2 < n; i += spectrum_sample(n))
		scratch[count++] = pow(difference(monitor, i) / monitor[i], 2);
	return count ? gsl_stats_median(scratch, 1, count) / (0.455 * 70) : 0;
}

/* As it is: its noise is the quotient's from here on. */
static void divide_raw(struct spectrum *s, size_t from, size_t to, double *scratch)
{
	double *rin = &s->description.rin_variance;

	*rin = (isfinite(*rin) ? *rin : 0) +
	       relative_variance(s->monitor + from, to - from, scratch) * (double)(to - from) /
		       (double)s->n;
	for (size_t i = from; i < to; i++)
		s->y[i] /= s->monitor[i];
}

static size_t run_end(const struct spectrum *s, size_t from)
{
	size_t to = from + 1;

	while (to < s->n && s->direction[to] == s->direction[from])
		to++;
	return to;
}

int spectrum_divide_by_monitor(struct spectrum *s)
{
	_cleanup_free_ double *smooth = malloc(s->n * sizeof(*smooth));
	_cleanup_free_ double *scratch = malloc(s->n * sizeof(*scratch));
	double mean = 0;

	if (!smooth || !scratch)
		return -ENOMEM;
	for (size_t i = 0; i < s->n; i++)
		mean += s->monitor[i] / (double)s->n;
	for (size_t i = 0; i < s->n; i++)
		s->monitor[i] /= mean;
	for (size_t from = 0, to; from < s->n; from = to) {
		bool good;
		int r;

		to = run_end(s, from);
		r = smooth_run(s->monitor + from, to - from, smooth, &good);
		if (r < 0)
			return r;
		if (good)
			divide_smooth(s, from, to, smooth, scratch);
		else
			divide_raw(s, from, to, scratch);
	}
	return 0;
}
