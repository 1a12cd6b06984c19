// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The sequencer's state machine: START, legs, slots, apertures, END. What a point contains is
 * in sequencer_point.c, when things happen in sequencer_time.c.
 */
#include "emulator/sequencer.h"

#include <inttypes.h>

#include "base/util.h"
#include "emulator/board_internal.h"

void sequencer_pulse(struct board *b, enum etalon_hw_output_function function, int64_t t_ns)
{
	struct sequencer *s = &b->sequencer;

	for (size_t i = 0; i < TRIGGER_OUTPUTS_MAX; i++) {
		if (s->program->image.output[i] != function)
			continue;
		s->output[i].pulses++;
		if (function != ETALON_HW_OUTPUT_POINT && function != ETALON_HW_OUTPUT_APERTURE)
			event_log_line(b->log, board_real(b, t_ns), board_tick(b, t_ns),
				       "trigger-out", "\"output\":%zu,\"function\":%d", i,
				       function);
	}
}

void sequencer_set_state(struct board *b, enum etalon_hw_sequencer_state state)
{
	if (b->sequencer.state == state)
		return;
	b->sequencer.state = state;
	board_notify(b, ETALON_HW_EVENT_STATE);
}

bool sequencer_active(const struct board *b)
{
	return b->sequencer.state == ETALON_HW_SEQUENCER_WAITING ||
	       b->sequencer.state == ETALON_HW_SEQUENCER_RUNNING;
}

static void finish(struct board *b, enum etalon_hw_end_cause cause)
{
	struct sequencer *s = &b->sequencer;

	sequencer_record_end(b, cause);
	sequencer_pulse(b, ETALON_HW_OUTPUT_END, s->now_ns);
	event_log_line(b->log, board_real(b, s->now_ns), board_tick(b, s->now_ns), "program-end",
		       "\"generation\":%u,\"cause\":%d,\"produced\":%" PRIu64
		       ",\"dropped\":%" PRIu64 ",\"pulses\":[%" PRIu64 ",%" PRIu64 "]",
		       s->program->image.generation, cause, s->produced, s->dropped,
		       s->output[0].pulses, s->output[1].pulses);
	s->due_ns = NEVER_NS;
	sequencer_set_state(b, ETALON_HW_SEQUENCER_ENDED);
}

/* A ramp that ran out returns to its last setpoint; others are there. */
static void rest_sources(struct board *b)
{
	struct sequencer *s = &b->sequencer;
	const struct program *p = s->program;
	int64_t there_ns;

	for (unsigned int n = 0; n < b->description->source_count; n++) {
		if (!p->drives[n] || b->motions.motion[n].to == b->source_state[n].setpoint)
			continue;
		there_ns = sources_turn(b, &b->motions, n, b->source_state[n].setpoint,
					b->source_state[n].slew, s->now_ns);
		s->rest_ns = MAX(s->rest_ns, there_ns);
	}
}

static void begin_gate_shut(struct board *b)
{
	struct sequencer *s = &b->sequencer;

	if (!s->opened_gate)
		return;
	s->opened_gate = false;
	gate_command(b, false, s->now_ns);
}

void sequencer_stop(struct board *b, enum etalon_hw_end_cause cause, int64_t t_ns)
{
	struct sequencer *s = &b->sequencer;

	if (!sequencer_active(b))
		return;
	if (!b->config.speed_max) /* else the program has its own time, which may lag */
		s->now_ns = MAX(s->now_ns, t_ns);
	if (s->state ==
	    ETALON_HW_SEQUENCER_WAITING) { /* START and END all the same: the host counts on them */
		sequencer_begin_channels(b);
		sequencer_record_start(b, 0);
	}
	begin_gate_shut(b);
	rest_sources(b);
	finish(b, cause);
}

/* Setpoints as the host reads them: those of point k of the leg. */
static void note_setpoints(struct board *b, unsigned int axis, uint64_t k)
{
	const struct sequencer *s = &b->sequencer;
	const struct etalon_hw_axis *a = &s->program->image.axis[axis];
	bool reverse;
	const uint32_t index = walk_index(&s->walk, axis, k, &reverse);

	for (unsigned int i = 0; i < a->gang_count; i++)
		b->source_state[a->gang[i].source].setpoint =
			program_setpoint(s->program, axis, i, index);
}

static bool is_edge_clock(const struct sequencer *s)
{
	return s->program->image.point_clock == ETALON_HW_CLOCK_EDGE;
}

static void next_slot(struct board *b, int64_t slot_ns)
{
	struct sequencer *s = &b->sequencer;

	s->leg.slot_ns = slot_ns;
	s->due_ns = slot_ns;
	s->phase = PHASE_SLOT;
	if (is_edge_clock(s) && s->leg.done > 0) {
		s->phase = PHASE_EDGE;
		s->edge_ns = s->now_ns;
	}
}

static void place_leg(struct board *b, int64_t ready_ns)
{
	struct sequencer *s = &b->sequencer;
	const struct leg_times t = leg_place(b, s->program, &b->motions, &s->walk, ready_ns);
	const uint64_t period = s->program->image.period_ns;

	s->leg = (struct leg){
		.end_ns = t.end_ns,
		.ramp_begin_ns = t.ramp_begin_ns,
		.ramp_end_ns = t.ramp_end_ns,
		.span_end_ns = NEVER_NS,
	};
	if (program_innermost(s->program)->mode == ETALON_HW_MODE_RAMP)
		s->leg.span_end_ns =
			t.slot_ns + (int64_t)((2 * s->walk.leg_points - 1) * period / 2);
	next_slot(b, t.slot_ns);
}

/* A gate on an axis: its blade follows its setpoint. */
static void move_gate(struct board *b)
{
	const struct sequencer *s = &b->sequencer;

	if (b->gate >= 0 && s->program->drives[b->gate])
		source_command(b, (unsigned int)b->gate, b->source_state[b->gate].setpoint, 0,
			       s->now_ns);
}

void sequencer_begin_leg(struct board *b, int64_t floor_ns)
{
	struct sequencer *s = &b->sequencer;
	bool waits;
	int64_t ready;

	for (unsigned int a = 0; a < s->program->image.axis_count; a++)
		if (s->walk.changed & (1U << a))
			note_setpoints(b, a, 0);
	board_plant_advance(b, s->now_ns);
	ready = leg_move(b, s->program, &b->motions, &s->walk, s->now_ns, &waits);
	move_gate(b);
	ready = MAX(ready, floor_ns);
	if (!waits)
		return place_leg(b, ready);
	s->phase = PHASE_WAIT;
	s->due_ns = s->now_ns;
	wait_begin(b, ready);
}

static void end_of_points(struct board *b)
{
	struct sequencer *s = &b->sequencer;

	if (s->opened_gate) {
		begin_gate_shut(b);
		s->phase = PHASE_GATE;
		s->due_ns = s->now_ns + gate_travel_ns(b);
		return;
	}
	rest_sources(b);
	finish(b, ETALON_HW_END_DONE);
}

static void leg_end(struct board *b)
{
	struct sequencer *s = &b->sequencer;
	const unsigned int innermost = s->program->image.axis_count - 1;

	if (!walk_next_leg(&s->walk)) {
		sequencer_pulse(b, ETALON_HW_OUTPUT_AXIS_END, s->now_ns);
		return end_of_points(b);
	}
	if (s->walk.position[innermost] == 0)
		sequencer_pulse(b, ETALON_HW_OUTPUT_AXIS_END, s->now_ns);
	sequencer_begin_leg(b, s->now_ns);
}

static void poll_wait(struct board *b)
{
	struct sequencer *s = &b->sequencer;

	switch (wait_poll(b)) {
	case WAIT_SETTLED:
		return place_leg(b, MAX(s->waiting.ready_ns, s->now_ns));
	case WAIT_TIMED_OUT:
		return sequencer_stop(b, ETALON_HW_END_WAIT_TIMEOUT, s->now_ns);
	case WAIT_GOES_ON:
		s->due_ns = wait_next_ns(b);
		return;
	}
}

/* The board's step output: the slot begins when the swept source has settled. */
static int64_t settled_after(const struct board *b, int64_t t_ns)
{
	const struct etalon_hw_axis *a = program_innermost(b->sequencer.program);
	int64_t settled = t_ns;

	for (unsigned int i = 0; i < a->gang_count; i++)
		settled = MAX(settled, b->motions.settled_ns[a->gang[i].source]);
	return settled;
}

static void slot(struct board *b)
{
	struct sequencer *s = &b->sequencer;
	const struct etalon_hw_program *image = &s->program->image;
	const unsigned int axis = image->axis_count - 1;
	const struct etalon_hw_axis *a = &image->axis[axis];
	bool reverse;
	const uint32_t index = walk_index(&s->walk, axis, s->leg.done, &reverse);
	int64_t from = s->leg.slot_ns;

	if (a->mode == ETALON_HW_MODE_STEP && s->leg.done > 0)
		for (unsigned int i = 0; i < a->gang_count; i++)
			source_command(b, a->gang[i].source,
				       program_setpoint(s->program, axis, i, index),
				       b->source_state[a->gang[i].source].slew, s->leg.slot_ns);
	note_setpoints(b, axis, s->leg.done);
	if (image->point_clock == ETALON_HW_CLOCK_SOURCE && a->mode == ETALON_HW_MODE_STEP)
		from = settled_after(b, from);
	sequencer_pulse(b, ETALON_HW_OUTPUT_POINT, s->now_ns);
	s->phase = PHASE_APERTURE;
	s->aperture_ns = from + (int64_t)image->delay_ns;
	s->due_ns = s->aperture_ns + (int64_t)image->aperture_ns;
}

static void end_leg_now(struct board *b, bool whole_pass)
{
	struct sequencer *s = &b->sequencer;

	if (whole_pass) {
		walk_end_pass(&s->walk);
		s->leg.end_ns = s->now_ns;
	}
	s->phase = PHASE_LEG_END;
	s->due_ns = MAX(s->leg.end_ns, s->now_ns);
}

static void aperture(struct board *b)
{
	struct sequencer *s = &b->sequencer;
	const struct etalon_hw_program *image = &s->program->image;
	const int64_t period = (int64_t)image->period_ns;
	unsigned int action;

	sequencer_pulse(b, ETALON_HW_OUTPUT_APERTURE, s->aperture_ns);
	action = sequencer_point(b);
	if (!sequencer_active(b)) /* it tripped, or overflow ended it */
		return;
	s->leg.done++;
	if (action == ETALON_HW_COMPARATOR_END_PROGRAM + 1)
		return sequencer_stop(b, ETALON_HW_END_COMPARATOR, s->now_ns);
	if (action == ETALON_HW_COMPARATOR_END_AXIS + 1)
		return end_leg_now(b, true);
	if (s->leg.done == s->walk.leg_points) {
		if (program_innermost(s->program)->mode != ETALON_HW_MODE_RAMP)
			s->leg.end_ns = MAX(s->leg.slot_ns + period, s->now_ns);
		return end_leg_now(b, false);
	}
	next_slot(b, MAX(s->leg.slot_ns + period, s->now_ns));
}

/* An edge while a point is being taken finds nobody: counted, and flagged on the next point. */
static void miss_edges(struct board *b)
{
	struct sequencer *s = &b->sequencer;
	struct trigger *t;

	if (!is_edge_clock(s))
		return;
	t = &s->trigger[s->program->image.clock_input];
	while (trigger_peek(t) < s->now_ns) {
		trigger_take(t);
		s->edges_missed++;
		s->edge_missed = true;
	}
}

/* Everything is ready for the first point of a leg: its edge may come. */
static void listen(struct board *b)
{
	struct sequencer *s = &b->sequencer;

	miss_edges(b);
	s->phase = PHASE_EDGE;
	s->edge_ns = s->now_ns;
}

static void clock_edge(struct board *b)
{
	struct sequencer *s = &b->sequencer;
	struct trigger *t = &s->trigger[s->program->image.clock_input];

	if (trigger_peek(t) > s->now_ns) {
		if (s->now_ns >= s->leg.span_end_ns)
			return end_leg_now(b, false); /* the ramp is over, edges or not */
		return sequencer_stop(b, ETALON_HW_END_CLOCK_TIMEOUT, s->now_ns);
	}
	trigger_take(t);
	if (s->leg.done > 0 && s->now_ns < s->leg.slot_ns) {
		s->edges_early++;
		s->edge_early = true;
	}
	s->leg.slot_ns = s->now_ns;
	slot(b);
}

static void start_edge(struct board *b)
{
	struct sequencer *s = &b->sequencer;
	struct trigger *t = &s->trigger[s->program->image.start_input];

	if (trigger_peek(t) > s->now_ns)
		return sequencer_stop(b, ETALON_HW_END_CLOCK_TIMEOUT, s->now_ns);
	trigger_take(t);
	sequencer_begin(b, s->now_ns);
}

static void step(struct board *b)
{
	struct sequencer *s = &b->sequencer;

	switch (s->phase) {
	case PHASE_START_EDGE:
		return start_edge(b);
	case PHASE_WAIT:
		return poll_wait(b);
	case PHASE_EDGE:
		return clock_edge(b);
	case PHASE_SLOT:
		return is_edge_clock(s) ? listen(b) : slot(b);
	case PHASE_APERTURE:
		miss_edges(b);
		return aperture(b);
	case PHASE_LEG_END:
		return leg_end(b);
	case PHASE_GATE:
		rest_sources(b);
		return finish(b, ETALON_HW_END_DONE);
	}
}

/* Phases that wait for an edge: the edge, the time-out, or the end of the ramp. */
static int64_t edge_due(const struct sequencer *s)
{
	const struct etalon_hw_program *p = &s->program->image;
	const bool start = s->phase == PHASE_START_EDGE;
	const struct trigger *t = &s->trigger[start ? p->start_input : p->clock_input];
	int64_t due = trigger_peek(t);

	if (p->clock_timeout_ns)
		due = MIN(due,
			  s->edge_ns + (int64_t)MIN(p->clock_timeout_ns, (uint64_t)INT64_MAX / 4));
	if (!start)
		due = MIN(due, s->leg.span_end_ns);
	return due;
}

static int64_t step_due(const struct sequencer *s)
{
	if (s->phase == PHASE_START_EDGE || s->phase == PHASE_EDGE)
		return edge_due(s);
	return s->due_ns;
}

int64_t sequencer_due(const struct board *b)
{
	const struct sequencer *s = &b->sequencer;
	const int64_t due = sequencer_active(b) ? step_due(s) : NEVER_NS;

	/* Nothing but status to come, and time flies: wait for an edge in real time. */
	if (due == NEVER_NS && (b->config.speed_max || !sequencer_active(b)))
		return NEVER_NS;
	return MIN(due, s->status_due_ns);
}

void sequencer_run(struct board *b, int64_t until_ns)
{
	struct sequencer *s = &b->sequencer;

	while (s->budget > 0 && sequencer_due(b) != NEVER_NS && sequencer_due(b) <= until_ns) {
		const bool status = s->status_due_ns < step_due(s);

		if (!sequencer_has_room(b))
			return;
		s->now_ns = MAX(s->now_ns, sequencer_due(b));
		board_clock_follows(b, s->now_ns);
		if (status)
			sequencer_status(b);
		else
			step(b);
		s->budget--;
	}
}

void sequencer_edge(struct board *b, unsigned int input, int64_t t_ns)
{
	const struct sequencer *s = &b->sequencer;

	/* The program's own time may be ahead of, or behind, the board's clock. */
	if (b->config.speed_max && s->state == ETALON_HW_SEQUENCER_RUNNING)
		t_ns = MAX(s->now_ns, t_ns);
	trigger_add(&b->sequencer.trigger[input], t_ns);
}
