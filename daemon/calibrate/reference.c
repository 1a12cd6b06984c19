// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * A reference as a curve over its own measured axis. Which run may serve as one is in
 * reference_match.c.
 */
#include "calibrate/reference.h"

#include <math.h>

#include "base/util.h"

#define HOLE_STEPS 8.0 /* neighbours further apart than so many typical steps leave a hole */

struct place {
	double axis_nm;
	double ratio;
};

struct reference {
	size_t count;
	double hole_nm;
	struct place place[];
};

static int by_axis(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return (x->axis_nm > y->axis_nm) - (x->axis_nm < y->axis_nm);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Points at one place become one, their mean. */
static size_t merge_equal(struct place *p, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n;) {
		double sum = 0;
		size_t k = i;

		while (k < n && p[k].axis_nm == p[i].axis_nm)
			sum += p[k++].ratio;
		p[kept++] = (struct place){p[i].axis_nm, sum / (double)(k - i)};
		i = k;
	}
	return kept;
}

/*
 * The typical step is the median distance, but never below the mean: passes laid over one
 * another have many tiny distances and a few honest ones.
 */
static int find_hole_size(struct reference *r)
{
	size_t n = r->count - 1;
	_cleanup_free_ double *step = calloc(n, sizeof(*step));
	double mean = (r->place[n].axis_nm - r->place[0].axis_nm) / (double)n;

	if (!step)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		step[i] = r->place[i + 1].axis_nm - r->place[i].axis_nm;
	qsort(step, n, sizeof(*step), by_value);
	r->hole_nm = HOLE_STEPS * fmax(step[n / 2], mean / 2);
	return 0;
}

static size_t take_usable(struct reference *r, const double *axis_nm, const double *power,
			  const double *monitor, const uint8_t *use, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		double below = monitor ? monitor[i] : 1;

		if ((use && !use[i]) || !isfinite(axis_nm[i]) || !isfinite(power[i]) ||
		    !(below > 0))
			continue;
		r->place[count++] = (struct place){axis_nm[i], power[i] / below};
	}
	return count;
}

int reference_make(const double *axis_nm, const double *power, const double *monitor,
		   const uint8_t *use, size_t n, struct reference **ret)
{
	_cleanup_(reference_freep) struct reference *r = NULL;
	size_t bytes;
	int e;

	if (__builtin_mul_overflow(n, sizeof(struct place), &bytes))
		return -ENOMEM;
	r = malloc(sizeof(*r) + bytes);
	if (!r)
		return -ENOMEM;
	r->count = take_usable(r, axis_nm, power, monitor, use, n);
	qsort(r->place, r->count, sizeof(*r->place), by_axis);
	r->count = merge_equal(r->place, r->count);
	if (r->count < 2)
		return -ENODATA;
	e = find_hole_size(r);
	if (e < 0)
		return e;
	*ret = take_ptr(r);
	return 0;
}

struct reference *reference_free(struct reference *r)
{
	free(r);
	return NULL;
}

double reference_ratio(const struct reference *r, double axis_nm)
{
	const struct place *p = r->place;
	size_t low = 0, high = r->count - 1;

	if (!(axis_nm >= p[low].axis_nm && axis_nm <= p[high].axis_nm))
		return NAN;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (p[middle].axis_nm <= axis_nm)
			low = middle;
		else
			high = middle;
	}
	if (p[high].axis_nm - p[low].axis_nm > r->hole_nm)
		return NAN;
	return p[low].ratio + (p[high].ratio - p[low].ratio) * (axis_nm - p[low].axis_nm) /
				      (p[high].axis_nm - p[low].axis_nm);
}

double reference_loss_db(const struct reference *r, double axis_nm, double power, double monitor)
{
	double ratio = reference_ratio(r, axis_nm);

	if (!(ratio > 0) || !(power > 0) || !(monitor > 0))
		return NAN;
	return 10 * log10(ratio * monitor / power);
}
