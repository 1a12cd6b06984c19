// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The order of an axis: which way the laser went at every point, whether the rows are in
 * order but for the axis' random error, and one rising axis out of both directions.
 */
#include <errno.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>

#include "analyse/spectrum.h"
#include "base/util.h"
#include "export/axis_check.h"

/* Without flags: a turning point that returns by less than this part of the span is none. */
#define TURN_PART 0.1

static double median_step(const double *x, size_t n, double *scratch)
{
	double median, span = 0;
	size_t count = 0;

	for (size_t i = 1; i < n; i += spectrum_sample(n))
		scratch[count++] = fabs(x[i] - x[i - 1]);
	median = gsl_stats_median(scratch, 1, count);
	if (median > 0)
		return median;
	for (size_t i = 1; i < n; i++)
		span = fmax(span, fabs(x[i] - x[0]));
	return span / (double)(n - 1);
}

static size_t extreme(const double *x, size_t n, double sign)
{
	size_t at = 0;

	for (size_t i = 1; i < n; i++)
		if (sign * x[i] > sign * x[at])
			at = i;
	return at;
}

/* Where an unflagged axis turns round, n when it does not. */
static size_t turning_point(const double *x, size_t n)
{
	size_t high = extreme(x, n, 1), low = extreme(x, n, -1);
	double least = TURN_PART * (x[high] - x[low]);

	if (x[high] - fmax(x[0], x[n - 1]) > least)
		return high;
	if (fmin(x[0], x[n - 1]) - x[low] > least)
		return low;
	return n;
}

static int check_segment(struct spectrum *s, size_t from, size_t to, double tolerance_nm,
			 const size_t *row, char **ret_message)
{
	double sign = s->x_nm[to - 1] >= s->x_nm[from] ? 1 : -1;
	double furthest = sign * s->x_nm[from];

	for (size_t i = from; i < to; i++) {
		double back = furthest - sign * s->x_nm[i];

		if (back > tolerance_nm)
			return fail(
				ret_message, -EINVAL,
				"the wavelength axis is out of order: row %zu (%.4f nm) steps back by %.4g pm; "
				"at most %.4g pm are its random error. Sort the rows or analyse one sweep at a time",
				row[i] + 1, s->x_nm[i], 1e3 * back, 1e3 * tolerance_nm);
		furthest = fmax(furthest, sign * s->x_nm[i]);
		s->direction[i] = (signed char)sign;
		s->n_falling += sign < 0;
	}
	return 0;
}

static size_t segment_end(const struct spectrum *s, size_t from, const bool *reverse, size_t turn)
{
	size_t to = from + 1;

	if (!reverse)
		return from < turn ? MIN(turn, s->n) : s->n;
	while (to < s->n && reverse[to] == reverse[from])
		to++;
	return to;
}

static bool any(const bool *flags, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (flags[i])
			return true;
	return false;
}

int spectrum_find_directions(struct spectrum *s, const size_t *row, const bool *reverse,
			     char **ret_message)
{
	_cleanup_free_ double *scratch = calloc(s->n, sizeof(*scratch));
	double tolerance_nm;
	size_t turn;

	if (!scratch)
		return fail(ret_message, -ENOMEM, "out of memory");
	s->step_nm = median_step(s->x_nm, s->n, scratch);
	if (!(s->step_nm > 0))
		return fail(ret_message, -EINVAL,
			    "the wavelength axis stands still: all %zu points are at %.4f nm", s->n,
			    s->x_nm[0]);
	/* A dense axis that states no random term has the one that its reader allowed it. */
	if (s->description.sigma_x_nm > 0)
		tolerance_nm = axis_tolerance_nm(s->x_nm, s->n, s->description.sigma_x_nm * 1e3);
	else
		tolerance_nm =
			fmax(1.01 * s->step_nm, AXIS_STEP_BACK_SIGMAS * AXIS_RANDOM_PM * 1e-3);
	if (reverse && !any(reverse, s->n))
		reverse = NULL;
	turn = turning_point(s->x_nm, s->n);
	s->n_falling = 0;
	for (size_t from = 0, to; from < s->n; from = to) {
		int r;

		to = segment_end(s, from, reverse, turn);
		r = check_segment(s, from, to, tolerance_nm, row, ret_message);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- one rising axis ---- */

struct reference {
	double x_nm;
	size_t at;
};

/* Runs that fall are turned round; what is left is nearly in order. */
static void reverse_falling(struct reference *order, const signed char *direction, size_t n)
{
	for (size_t from = 0, to; from < n; from = to) {
		for (to = from + 1; to < n && direction[to] == direction[from];)
			to++;
		if (direction[from] > 0)
			continue;
		for (size_t a = from, b = to - 1; a < b; a++, b--) {
			struct reference swap = order[a];

			order[a] = order[b];
			order[b] = swap;
		}
	}
}

static int by_wavelength(const void *a, const void *b)
{
	const struct reference *p = a, *q = b;

	if (p->x_nm != q->x_nm)
		return p->x_nm < q->x_nm ? -1 : 1;
	return p->at < q->at ? -1 : 1;
}

/* Linear for one sweep with small steps back; both directions are left to qsort. */
static bool insertion_sort(struct reference *order, size_t n)
{
	size_t moves = 0;

	for (size_t i = 1; i < n; i++) {
		struct reference moved = order[i];
		size_t j = i;

		for (; j > 0 && by_wavelength(&order[j - 1], &moved) > 0; j--, moves++)
			order[j] = order[j - 1];
		order[j] = moved;
		if (moves > 8 * n)
			return false;
	}
	return true;
}

static void gather(double *values, const struct reference *order, size_t n, double *scratch)
{
	if (!values)
		return;
	for (size_t i = 0; i < n; i++)
		scratch[i] = values[order[i].at];
	memcpy(values, scratch, n * sizeof(*values));
}

int spectrum_sort(struct spectrum *s)
{
	_cleanup_free_ struct reference *order = calloc(s->n, sizeof(*order));
	_cleanup_free_ double *scratch = calloc(s->n, sizeof(*scratch));
	_cleanup_free_ signed char *direction = calloc(s->n, sizeof(*direction));

	if (!order || !scratch || !direction)
		return -ENOMEM;
	for (size_t i = 0; i < s->n; i++)
		order[i] = (struct reference){s->x_nm[i], i};
	reverse_falling(order, s->direction, s->n);
	if (!insertion_sort(order, s->n))
		qsort(order, s->n, sizeof(*order), by_wavelength);

	gather(s->x_nm, order, s->n, scratch);
	gather(s->y, order, s->n, scratch);
	gather(s->monitor, order, s->n, scratch);
	gather(s->white, order, s->n, scratch);
	for (size_t i = 0; i < s->n; i++)
		direction[i] = s->direction[order[i].at];
	memcpy(s->direction, direction, s->n);
	return 0;
}

size_t spectrum_lower_bound(const struct spectrum *s, double x_nm)
{
	size_t low = 0, high = s->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->x_nm[middle] < x_nm)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}
