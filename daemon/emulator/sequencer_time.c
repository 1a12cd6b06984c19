// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * When things happen in a program: moves, settling, run-in, slots, fly-back. The sequencer and
 * the statement of the duration before start use the same functions on different generators, so
 * that they cannot disagree.
 */
#include "base/util.h"
#include "emulator/board_internal.h"

#define LEGS_EXACT 65536 /* played through one by one; beyond, the rest is bounded */
#define MOVES_EXACT (1U << 20)

int64_t gate_travel_ns(const struct board *b)
{
	return b->gate < 0 ? 0 : (int64_t)b->source[b->gate].settle_ns;
}

/* What the ramp of one gang member looks like, in board time once `center_ns` (of point 0) is known. */
struct ramp {
	int64_t origin, end; /* run-in and run-out included */
	int64_t run_in_ns;
};

static struct ramp ramp_of(const struct board *b, const struct program *p, const struct walk *w,
			   unsigned int member)
{
	const struct etalon_hw_axis *a = program_innermost(p);
	const unsigned int axis = p->image.axis_count - 1;
	const struct etalon_hw_source *s = &b->source[a->gang[member].source];
	const int64_t run_in = program_run_in_distance(p, s, member);
	bool reverse;
	const uint32_t first = walk_index(w, axis, 0, &reverse);
	const uint32_t last = walk_index(w, axis, a->points - 1, &reverse);
	struct ramp r = {
		.origin = program_setpoint(p, axis, member, first),
		.end = program_setpoint(p, axis, member, last),
		.run_in_ns = (int64_t)program_run_in_ns(p, s, member),
	};

	if (r.end >= r.origin) {
		r.origin -= run_in;
		r.end += run_in;
	} else {
		r.origin += run_in;
		r.end -= run_in;
	}
	return r;
}

static int64_t speed_of(const struct board *b, unsigned int n)
{
	return b->source_state[n].slew;
}

int64_t sources_turn(const struct board *b, struct motions *m, unsigned int n, int64_t to,
		     int64_t speed, int64_t t_ns)
{
	motion_turn(&m->motion[n], to, speed, t_ns);
	m->settled_ns[n] = m->motion[n].end_ns + (int64_t)b->source[n].settle_ns;
	return m->motion[n].end_ns;
}

static int64_t move_axis(const struct board *b, const struct program *p, struct motions *m,
			 const struct walk *w, unsigned int axis, int64_t t_ns)
{
	const struct etalon_hw_axis *a = &p->image.axis[axis];
	bool reverse;
	const uint32_t index = walk_index(w, axis, 0, &reverse);
	int64_t ready = t_ns;

	for (unsigned int i = 0; i < a->gang_count; i++) {
		const uint16_t n = a->gang[i].source;

		if (a->mode == ETALON_HW_MODE_RAMP) {
			const struct ramp r = ramp_of(b, p, w, i);

			ready = MAX(ready, sources_turn(b, m, n, r.origin,
							b->source[n].flyback_speed, t_ns));
			continue;
		}
		sources_turn(b, m, n, program_setpoint(p, axis, i, index), speed_of(b, n), t_ns);
		if (a->mode == ETALON_HW_MODE_STEP)
			ready = MAX(ready, m->settled_ns[n]);
	}
	if (axis + 1 < p->image.axis_count)
		ready += (int64_t)a->settle_ns;
	return ready;
}

int64_t leg_move(const struct board *b, const struct program *p, struct motions *m,
		 const struct walk *w, int64_t t_ns, bool *ret_waits)
{
	int64_t ready = t_ns;

	*ret_waits = false;
	for (unsigned int a = 0; a < p->image.axis_count; a++) {
		if (!(w->changed & (1U << a)))
			continue;
		ready = MAX(ready, move_axis(b, p, m, w, a, t_ns));
		*ret_waits |= p->image.axis[a].mode == ETALON_HW_MODE_WAIT;
	}
	return ready;
}

static struct leg_times place_ramp(const struct board *b, const struct program *p,
				   struct motions *m, const struct walk *w, int64_t ready_ns)
{
	const struct etalon_hw_axis *a = program_innermost(p);
	const int64_t period = (int64_t)p->image.period_ns;
	const int64_t to_center = (int64_t)(p->image.delay_ns + p->image.aperture_ns / 2);
	const int64_t first_to_last = (int64_t)(a->points - 1) * period;
	struct leg_times t = {.ramp_begin_ns = INT64_MIN, .ramp_end_ns = INT64_MAX};
	int64_t lead = to_center; /* from ready to the centre of the first aperture */
	int64_t tail = period - to_center; /* from the centre of the last to the end */

	for (unsigned int i = 0; i < a->gang_count; i++) {
		lead = MAX(lead, ramp_of(b, p, w, i).run_in_ns);
		tail = MAX(tail, ramp_of(b, p, w, i).run_in_ns);
	}
	t.slot_ns = ready_ns + lead - to_center;
	t.end_ns = ready_ns + lead + first_to_last + tail;
	for (unsigned int i = 0; i < a->gang_count; i++) {
		const struct ramp r = ramp_of(b, p, w, i);
		struct motion *motion = &m->motion[a->gang[i].source];

		*motion = (struct motion){
			.from = r.origin,
			.to = r.end,
			.begin_ns = ready_ns + lead - r.run_in_ns,
			.end_ns = ready_ns + lead + first_to_last + r.run_in_ns,
		};
		m->settled_ns[a->gang[i].source] = motion->end_ns;
		t.ramp_begin_ns = MAX(t.ramp_begin_ns, motion->begin_ns);
		t.ramp_end_ns = MIN(t.ramp_end_ns, motion->end_ns);
	}
	return t;
}

struct leg_times leg_place(const struct board *b, const struct program *p, struct motions *m,
			   const struct walk *w, int64_t ready_ns)
{
	if (program_innermost(p)->mode == ETALON_HW_MODE_RAMP)
		return place_ramp(b, p, m, w, ready_ns);
	return (struct leg_times){
		.slot_ns = ready_ns,
		.end_ns = ready_ns + (int64_t)(w->leg_points * p->image.period_ns),
		.ramp_begin_ns = INT64_MIN,
		.ramp_end_ns = INT64_MAX,
	};
}

static int64_t rest_and_ranges_ready(const struct board *b, const struct program *p, int64_t t_ns)
{
	int64_t ready = MAX(t_ns, b->sequencer.rest_ns);

	for (uint32_t i = 0; i < p->image.detector_count; i++) {
		const struct etalon_hw_program_detector *d = &p->image.detector[i];
		const uint32_t first = b->detector[d->detector].range_first;
		const struct etalon_hw_range *r = &hw_ranges(b->description)[first + d->range];

		if (b->detector_state[d->detector].range != d->range)
			ready = MAX(ready, t_ns + (int64_t)r->settle_ns);
	}
	return ready;
}

int64_t preparation_ready(const struct board *b, const struct program *p, int64_t t_ns)
{
	const int64_t ready = rest_and_ranges_ready(b, p, t_ns);
	const int64_t wanted = p->image.gate == ETALON_HW_GATE_OPEN ? BLADE_OPEN : 0;

	if (p->image.gate == ETALON_HW_GATE_KEEP || b->gate < 0)
		return ready;
	if (b->blade.to == wanted && b->blade.end_ns <= t_ns)
		return ready;
	return MAX(ready, t_ns + gate_travel_ns(b));
}

/* The setpoints of a STEP leg, so that the next leg starts from where this one truly ends. */
static void play_steps(const struct board *b, const struct program *p, struct motions *m,
		       const struct walk *w, const struct leg_times *t, uint32_t *moves)
{
	const struct etalon_hw_axis *a = program_innermost(p);
	const unsigned int axis = p->image.axis_count - 1;
	const uint64_t first =
		w->leg_points > 2 && *moves + w->leg_points > MOVES_EXACT ? w->leg_points - 2 : 1;
	bool reverse;

	if (a->mode != ETALON_HW_MODE_STEP)
		return;
	for (uint64_t k = first; k < w->leg_points; k++) {
		const uint32_t index = walk_index(w, axis, k, &reverse);

		for (unsigned int i = 0; i < a->gang_count; i++) {
			const uint16_t n = a->gang[i].source;

			sources_turn(b, m, n, program_setpoint(p, axis, i, index), speed_of(b, n),
				     t->slot_ns + (int64_t)(k * p->image.period_ns));
		}
		++*moves;
	}
}

static int64_t wait_hold_ns(const struct program *p, const struct walk *w)
{
	int64_t hold = 0;

	for (unsigned int a = 0; a < p->image.axis_count; a++)
		if (w->changed & (1U << a) && p->image.axis[a].mode == ETALON_HW_MODE_WAIT)
			hold = MAX(hold, (int64_t)p->image.axis[a].wait_hold_ns);
	return hold;
}

static uint64_t legs_left_points(const struct program *p, uint64_t played)
{
	return p->points > played ? p->points - played : 0;
}

uint64_t sequencer_duration_ns(const struct board *b, const struct program *p, int64_t begin,
			       bool *ret_bound)
{
	struct motions m = b->motions;
	int64_t t = begin;
	uint64_t played = 0;
	uint32_t legs = 0, moves = 0;
	struct walk w;

	*ret_bound = p->image.point_clock == ETALON_HW_CLOCK_EDGE ||
		     (p->image.point_clock == ETALON_HW_CLOCK_SOURCE &&
		      program_innermost(p)->mode == ETALON_HW_MODE_STEP);
	walk_begin(&w, p);
	for (; legs < LEGS_EXACT && walk_next_leg(&w); legs++) {
		struct leg_times times;
		bool waits;
		int64_t ready = leg_move(b, p, &m, &w, t, &waits);

		if (!legs)
			ready = MAX(ready, preparation_ready(b, p, t));
		if (waits) {
			ready = MAX(ready, t + wait_hold_ns(p, &w));
			*ret_bound = true;
		}
		times = leg_place(b, p, &m, &w, ready);
		play_steps(b, p, &m, &w, &times, &moves);
		t = times.end_ns;
		played += w.leg_points;
	}
	if (legs_left_points(p, played)) {
		*ret_bound = true;
		t += (int64_t)(legs_left_points(p, played) * p->image.period_ns);
	}
	if (p->image.gate == ETALON_HW_GATE_OPEN)
		t += gate_travel_ns(b);
	return (uint64_t)(t - begin);
}
