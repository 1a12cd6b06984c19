/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Count, mean and variance of a stream of readings, one after another. Layer: calibrate.
 */
#ifndef ETALON_CALIBRATE_MOMENTS_H
#define ETALON_CALIBRATE_MOMENTS_H

#include <math.h>
#include <stdint.h>

struct moments {
	uint64_t count;
	int32_t origin; /* the first reading: sums of distances from it keep their digits */
	int64_t sum; /* readings are 32-bit, so that 2^31 of them fit */
	double squares;
};

static inline void moments_add(struct moments *m, int32_t value)
{
	int64_t distance;

	if (m->count++ == 0)
		m->origin = value;
	distance = (int64_t)value - m->origin;
	m->sum += distance;
	m->squares += (double)distance * (double)distance;
}

/* NaN without readings. */
static inline double moments_mean(const struct moments *m)
{
	return m->count > 0 ? m->origin + (double)m->sum / (double)m->count : NAN;
}

/* Standard deviation of one reading; NaN with fewer than two. */
static inline double moments_deviation(const struct moments *m)
{
	double n = (double)m->count, sum = (double)m->sum;

	return m->count > 1 ? sqrt(fmax(0, (m->squares - sum * sum / n) / (n - 1))) : NAN;
}

/* Standard error of the mean. */
static inline double moments_error(const struct moments *m)
{
	return moments_deviation(m) / sqrt((double)m->count);
}

#endif
