// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * WAIT axes: polls the readbacks and decides whether slow sources have settled. Inside the
 * window for the hold time, and the slope over that time below its limit.
 */
#include <math.h>

#include "base/util.h"
#include "emulator/board_internal.h"

#define POLL_NS (100 * (int64_t)NSEC_PER_MSEC) /* at least: slow detectors convert no faster */

static bool waits_for(const struct sequencer *s, unsigned int axis)
{
	return s->walk.changed & (1U << axis) &&
	       s->program->image.axis[axis].mode == ETALON_HW_MODE_WAIT;
}

void wait_begin(struct board *b, int64_t ready_ns)
{
	struct waiting *w = &b->sequencer.waiting;

	w->begin_ns = b->sequencer.now_ns;
	w->inside_since_ns = NEVER_NS;
	w->ready_ns = ready_ns;
	for (size_t a = 0; a < ETALON_HW_AXES_MAX; a++)
		for (size_t m = 0; m < ETALON_HW_GANG_MAX; m++)
			w->history[a][m].count = 0;
}

static int64_t longest_hold(const struct sequencer *s)
{
	int64_t hold = 0;

	for (unsigned int a = 0; a < s->program->image.axis_count; a++)
		if (waits_for(s, a))
			hold = MAX(hold, (int64_t)s->program->image.axis[a].wait_hold_ns);
	return hold;
}

int64_t wait_next_ns(const struct board *b)
{
	const struct sequencer *s = &b->sequencer;

	/* The history must reach back over the hold time. */
	return s->now_ns + MAX(POLL_NS, longest_hold(s) / (WAIT_HISTORY - 2));
}

/* Reading of the first readback of a source, in the source's unit. */
static double readback(struct board *b, unsigned int source)
{
	const int64_t now = b->sequencer.now_ns;
	const uint16_t detector = b->source[source].readback[0];
	struct etalon_hw_sample sample;
	struct front_end f;
	bool fresh;

	if (detector == ETALON_HW_NO_CHANNEL) /* nothing to read: where the generator is */
		return motion_value(&b->motions.motion[source], now);
	reading_prepare(b, detector, b->detector_state[detector].range, POLL_NS, &f);
	sample = reading_slow(b, detector, now, 0, &fresh);
	return front_end_value(&f, &sample);
}

/* Least squares over the readings of the last `hold_ns`; infinite when there are not two. */
static double slope_per_s(const struct wait_history *h, int64_t hold_ns)
{
	const uint32_t kept = MIN(h->count, (uint32_t)WAIT_HISTORY);
	double n = 0, st = 0, sv = 0, stt = 0, stv = 0, spread;
	const uint32_t last = (h->count - 1) % WAIT_HISTORY;

	for (uint32_t i = 0; i < kept; i++) {
		const uint32_t at = (h->count - 1 - i) % WAIT_HISTORY;
		const double t = (double)(h->t_ns[at] - h->t_ns[last]) * 1e-9;
		const double v = h->value[at] - h->value[last];

		if (i >= 2 && h->t_ns[last] - h->t_ns[at] > hold_ns)
			break;
		n++;
		st += t;
		sv += v;
		stt += t * t;
		stv += t * v;
	}
	spread = n * stt - st * st;
	return spread > 0 ? (n * stv - st * sv) / spread : INFINITY;
}

static void read_axis(struct board *b, unsigned int axis, bool *ret_inside, bool *ret_flat)
{
	struct sequencer *s = &b->sequencer;
	const struct etalon_hw_axis *a = &s->program->image.axis[axis];

	for (unsigned int m = 0; m < a->gang_count; m++) {
		const uint16_t source = a->gang[m].source;
		struct wait_history *h = &s->waiting.history[axis][m];
		const uint32_t at = h->count++ % WAIT_HISTORY;

		h->t_ns[at] = s->now_ns;
		h->value[at] = readback(b, source);
		if (fabs(h->value[at] - (double)b->source_state[source].setpoint) >=
		    (double)a->wait_window)
			*ret_inside = false;
		if (fabs(slope_per_s(h, (int64_t)a->wait_hold_ns)) >= (double)a->wait_slope)
			*ret_flat = false;
	}
}

static int64_t shortest_timeout(const struct sequencer *s)
{
	int64_t timeout = INT64_MAX;

	for (unsigned int a = 0; a < s->program->image.axis_count; a++)
		if (waits_for(s, a))
			timeout = MIN(timeout, (int64_t)s->program->image.axis[a].wait_timeout_ns);
	return timeout;
}

enum wait_verdict wait_poll(struct board *b)
{
	struct sequencer *s = &b->sequencer;
	struct waiting *w = &s->waiting;
	bool inside = true, flat = true;

	for (unsigned int a = 0; a < s->program->image.axis_count; a++)
		if (waits_for(s, a))
			read_axis(b, a, &inside, &flat);
	if (!inside)
		w->inside_since_ns = NEVER_NS;
	else if (w->inside_since_ns == NEVER_NS)
		w->inside_since_ns = s->now_ns;
	if (inside && flat && s->now_ns - w->inside_since_ns >= longest_hold(s))
		return WAIT_SETTLED;
	return s->now_ns - w->begin_ns >= shortest_timeout(s) ? WAIT_TIMED_OUT : WAIT_GOES_ON;
}
