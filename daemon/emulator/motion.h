/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Straight motion from one value to another in board time: what a setpoint generator does.
 * Layer: emulator, mathematics only.
 */
#ifndef ETALON_EMULATOR_MOTION_H
#define ETALON_EMULATOR_MOTION_H

#include <math.h>
#include <stdint.h>

struct motion {
	int64_t from, to;
	int64_t begin_ns, end_ns; /* equal: at once */
};

static inline double motion_value(const struct motion *m, int64_t t_ns)
{
	if (t_ns >= m->end_ns)
		return (double)m->to;
	if (t_ns <= m->begin_ns)
		return (double)m->from;
	return (double)m->from + (double)(m->to - m->from) * ((double)(t_ns - m->begin_ns) /
							      (double)(m->end_ns - m->begin_ns));
}

static inline int64_t motion_at(const struct motion *m, int64_t t_ns)
{
	return t_ns >= m->end_ns ? m->to : llround(motion_value(m, t_ns));
}

/* Unit/s. */
static inline double motion_slope(const struct motion *m, int64_t t_ns)
{
	if (t_ns >= m->end_ns || t_ns < m->begin_ns)
		return 0;
	return (double)(m->to - m->from) / (double)(m->end_ns - m->begin_ns) * 1e9;
}

/* Time for a distance at a speed in unit/s (0: instant), rounded up. */
static inline int64_t motion_time_ns(int64_t distance, int64_t speed)
{
	unsigned __int128 numerator;

	if (speed <= 0 || !distance)
		return 0;
	numerator = (unsigned __int128)(distance < 0 ? -distance : distance) * 1000000000U;
	return (int64_t)((numerator + (uint64_t)speed - 1) / (uint64_t)speed);
}

/* Turns toward `to` at t_ns from wherever it is then. */
static inline void motion_turn(struct motion *m, int64_t to, int64_t speed, int64_t t_ns)
{
	const int64_t from = motion_at(m, t_ns);

	*m = (struct motion){from, to, t_ns, t_ns + motion_time_ns(to - from, speed)};
}

#endif
