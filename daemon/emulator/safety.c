// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The safety state machine of section 5 of hw.h: OFF, ARMED, DELAY, EMITTING, TRIPPED; causes,
 * watchdog, emission delay. All of it on real time.
 */
#include <inttypes.h>

#include "base/util.h"
#include "emulator/board_internal.h"

static const char *state_name(enum etalon_hw_state state)
{
	static const char *const names[] = {"off", "armed", "delay", "emitting", "tripped"};

	return names[state];
}

bool safety_armed(const struct board *b)
{
	return b->safety.state == ETALON_HW_STATE_ARMED ||
	       b->safety.state == ETALON_HW_STATE_DELAY ||
	       b->safety.state == ETALON_HW_STATE_EMITTING;
}

void safety_reset(struct board *b)
{
	b->safety = (struct safety){
		.watchdog_deadline = UINT64_MAX,
		.emission_ready = UINT64_MAX,
		.laser_until_ns = INT64_MIN,
		.key_on = true,
		.interlock_closed = true,
		.live = ETALON_HW_CAUSE_LINK,
	};
}

uint32_t safety_status_bits(const struct board *b)
{
	const struct safety *s = &b->safety;
	uint32_t bits = 0;

	if (s->state == ETALON_HW_STATE_DELAY || s->state == ETALON_HW_STATE_EMITTING)
		bits |= ETALON_HW_STATUS_INDICATOR;
	if (b->blade.to == BLADE_OPEN)
		bits |= ETALON_HW_STATUS_GATE_OPEN;
	if (s->key_on)
		bits |= ETALON_HW_STATUS_KEY_ON;
	if (s->interlock_closed)
		bits |= ETALON_HW_STATUS_INTERLOCK_CLOSED;
	return bits;
}

static void enter(struct board *b, enum etalon_hw_state state, uint32_t cause, uint64_t real_ns)
{
	struct safety *s = &b->safety;
	const enum etalon_hw_state from = s->state;
	const int64_t t = board_time(b, real_ns);

	s->state = state;
	event_log_line(
		b->log, real_ns, board_tick(b, t), "state",
		"\"from\":\"%s\",\"to\":\"%s\",\"cause\":%u,\"latched\":%u,\"kicks\":%" PRIu64,
		state_name(from), state_name(state), cause, s->latched, s->kicks);
	board_notify(b, ETALON_HW_EVENT_STATE);
}

static void trigger_emission(struct board *b, bool on, uint64_t real_ns)
{
	if (!b->sequencer.program)
		return;
	for (size_t i = 0; i < TRIGGER_OUTPUTS_MAX; i++)
		if (b->sequencer.program->image.output[i] == ETALON_HW_OUTPUT_EMISSION)
			event_log_line(b->log, real_ns, board_tick(b, board_time(b, real_ns)),
				       "trigger-out", "\"output\":%zu,\"function\":%d,\"level\":%d",
				       i, ETALON_HW_OUTPUT_EMISSION, on);
}

/* Programs that may not go on when light goes off. */
static void end_program(struct board *b, uint32_t cause, int64_t t_ns)
{
	const struct program *p = b->sequencer.program;

	if (!sequencer_active(b))
		return;
	if (cause != ETALON_HW_CAUSE_HOST)
		return sequencer_stop(b, ETALON_HW_END_TRIPPED, t_ns);
	if (p->needs_emitting || p->drives_ramp_zero)
		sequencer_stop(b, ETALON_HW_END_EMISSION_OFF, t_ns);
}

/* Out of ARMED, DELAY or EMITTING: light goes off. */
static void leave(struct board *b, enum etalon_hw_state state, uint32_t cause, uint64_t real_ns)
{
	struct safety *s = &b->safety;
	const bool shone = s->state == ETALON_HW_STATE_EMITTING;
	const int64_t t = board_time(b, real_ns);

	s->last_off_cause = cause;
	s->last_off_tick = board_tick(b, t);
	s->watchdog_deadline = s->emission_ready = UINT64_MAX;
	if (state == ETALON_HW_STATE_TRIPPED)
		s->latched |= cause | s->live;
	if (shone)
		s->laser_until_ns = t + (int64_t)(b->parameters.laser_off_s * 1e9);
	enter(b, state, cause, real_ns);
	end_program(b, cause, t);
	sources_off(b, t);
	light_off(b, t);
	if (shone)
		trigger_emission(b, false, real_ns);
}

void safety_trip(struct board *b, uint32_t cause, uint64_t real_ns)
{
	if (safety_armed(b))
		return leave(b, ETALON_HW_STATE_TRIPPED, cause, real_ns);
	if (b->safety.state == ETALON_HW_STATE_TRIPPED && !(b->safety.latched & cause)) {
		b->safety.latched |= cause;
		board_notify(b, ETALON_HW_EVENT_STATE);
	}
}

static void note_inputs(struct board *b, uint32_t cause, bool active)
{
	const bool reset_input = b->description->capabilities & ETALON_HW_CAP_RESET_INPUT;

	if (cause == ETALON_HW_CAUSE_INTERLOCK)
		b->safety.interlock_closed = !active;
	if (cause == ETALON_HW_CAUSE_KEY)
		b->safety.key_on = !active;
	if (reset_input && active && safety_armed(b) &&
	    cause & (ETALON_HW_CAUSE_INTERLOCK | ETALON_HW_CAUSE_KEY))
		b->safety.live |= ETALON_HW_CAUSE_LOCAL_RESET;
}

void safety_level(struct board *b, uint32_t cause, bool active, uint64_t real_ns)
{
	const bool was = b->safety.live & cause;

	if (was == active)
		return;
	note_inputs(b, cause, active);
	b->safety.live = active ? b->safety.live | cause : b->safety.live & ~cause;
	event_log_line(b->log, real_ns, board_tick(b, board_time(b, real_ns)), "cause",
		       "\"cause\":%u,\"active\":%s", cause, active ? "true" : "false");
	if (active)
		safety_trip(b, cause, real_ns);
	board_notify(b, ETALON_HW_EVENT_STATE);
}

uint64_t safety_deadline(const struct board *b)
{
	return MIN(b->safety.watchdog_deadline, b->safety.emission_ready);
}

void safety_expire(struct board *b)
{
	struct safety *s = &b->safety;
	const uint64_t ready = s->emission_ready;

	if (s->watchdog_deadline <= ready)
		return safety_trip(b, ETALON_HW_CAUSE_WATCHDOG, s->watchdog_deadline);
	s->emission_ready = UINT64_MAX;
	enter(b, ETALON_HW_STATE_EMITTING, 0, ready);
	trigger_emission(b, true, ready);
	light_check(b, board_time(b, ready));
}

void safety_kick(struct board *b)
{
	struct safety *s = &b->safety;

	s->kicks++;
	if (b->config.log_kicks)
		event_log_line(b->log, b->given_ns, board_tick(b, board_now(b)), "kick", NULL);
	if (safety_armed(b))
		s->watchdog_deadline = b->given_ns + s->watchdog_ns;
}

/* A setpoint that was made before the limits, outside them. */
static int setpoint_outside(const struct board *b)
{
	for (unsigned int n = 0; n < b->description->source_count; n++) {
		const int64_t setpoint = b->source_state[n].setpoint;

		if (b->source[n].emits &&
		    (setpoint < b->limit_low[n] || setpoint > b->limit_high[n]))
			return (int)n;
	}
	return -1;
}

static int limits_unwritten(const struct board *b)
{
	for (unsigned int n = 0; n < b->description->source_count; n++)
		if (b->source[n].emits && !b->source_state[n].limits_written)
			return (int)n;
	return -1;
}

static void arm(struct board *b)
{
	struct safety *s = &b->safety;
	const struct etalon_hw_description *d = b->description;
	const int unwritten = limits_unwritten(b), outside = setpoint_outside(b);

	if (s->state != ETALON_HW_STATE_OFF)
		return board_result(b, ETALON_HW_REFUSED_STATE, s->state, 0, 0);
	if (s->live)
		return board_result(b, ETALON_HW_REFUSED_CAUSE, s->live, 0, 0);
	if (s->watchdog_ns < d->watchdog_min_ns || s->watchdog_ns > d->watchdog_max_ns)
		return board_result(b, ETALON_HW_REFUSED_WATCHDOG, 0, d->watchdog_min_ns,
				    d->watchdog_max_ns);
	if (unwritten >= 0)
		return board_result(b, ETALON_HW_REFUSED_LIMITS_UNWRITTEN, (uint32_t)unwritten, 0,
				    0);
	if (outside >= 0)
		return board_result(b, ETALON_HW_REFUSED_LIMIT, (uint32_t)outside,
				    b->limit_low[outside], b->limit_high[outside]);
	board_result(b, ETALON_HW_RESULT_OK, 0, 0, 0);
	s->watchdog_deadline = b->given_ns + s->watchdog_ns;
	enter(b, ETALON_HW_STATE_ARMED, 0, b->real_ns);
}

static void emit(struct board *b)
{
	struct safety *s = &b->safety;

	if (s->state != ETALON_HW_STATE_ARMED)
		return board_result(b, ETALON_HW_REFUSED_STATE, s->state, 0, 0);
	board_result(b, ETALON_HW_RESULT_OK, 0, 0, 0);
	s->emission_ready = b->given_ns + b->description->emission_delay_ns;
	enter(b, ETALON_HW_STATE_DELAY, 0, b->real_ns);
}

static void off(struct board *b)
{
	board_result(b, ETALON_HW_RESULT_OK, 0, 0, 0);
	if (safety_armed(b))
		leave(b, ETALON_HW_STATE_OFF, ETALON_HW_CAUSE_HOST, b->real_ns);
}

static void clear(struct board *b)
{
	struct safety *s = &b->safety;

	if (s->state != ETALON_HW_STATE_TRIPPED)
		return board_result(b, ETALON_HW_REFUSED_STATE, s->state, 0, 0);
	if (s->live)
		return board_result(b, ETALON_HW_REFUSED_CAUSE, s->live, 0, 0);
	board_result(b, ETALON_HW_RESULT_OK, 0, 0, 0);
	s->latched = 0;
	enter(b, ETALON_HW_STATE_OFF, 0, b->real_ns);
}

static void halt(struct board *b)
{
	off(b);
	sequencer_stop(b, ETALON_HW_END_STOPPED, board_now(b));
	sources_off(b, board_now(b));
	light_off(b, board_now(b));
}

void safety_command(struct board *b, uint32_t command)
{
	switch (command) {
	case ETALON_HW_COMMAND_ARM:
		return arm(b);
	case ETALON_HW_COMMAND_EMIT:
		return emit(b);
	case ETALON_HW_COMMAND_OFF:
		return off(b);
	case ETALON_HW_COMMAND_CLEAR:
		return clear(b);
	case ETALON_HW_COMMAND_HALT:
		return halt(b);
	default:
		return;
	}
}
