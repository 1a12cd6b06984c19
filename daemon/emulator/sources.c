// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Sources: setpoints and their limits, the generators that slew to them, the gate's blade,
 * and the plant's view of it all.
 */
#include <inttypes.h>
#include <math.h>

#include "base/util.h"
#include "emulator/board_internal.h"

#define POWER_ON_WAVELENGTH_FM 1550000000
#define POWER_ON_TEMPERATURE_UK 298150000

static int64_t power_on_setpoint(const struct etalon_hw_source *s)
{
	int64_t value = 0;

	if (s->kind == ETALON_HW_SOURCE_WAVELENGTH)
		value = POWER_ON_WAVELENGTH_FM;
	if (s->kind == ETALON_HW_SOURCE_TEMPERATURE)
		value = POWER_ON_TEMPERATURE_UK;
	return MIN(MAX(value, s->min), s->max);
}

void sources_reset_settings(struct board *b)
{
	for (unsigned int n = 0; n < b->description->source_count; n++) {
		const struct etalon_hw_source *s = &b->source[n];
		struct source_state *state = &b->source_state[n];

		b->limit_low[n] = s->min;
		b->limit_high[n] = s->max;
		state->staged_low = 0;
		state->limits_written = false;
		state->slew = s->default_slew;
		state->compliance = s->compliance_default;
	}
}

void sources_reset(struct board *b)
{
	b->gate = -1;
	for (unsigned int n = 0; n < b->description->source_count; n++) {
		const struct etalon_hw_source *s = &b->source[n];
		const int64_t value = power_on_setpoint(s);

		b->source_si[n] = source_unit_si(s->kind);
		b->source_state[n] = (struct source_state){.setpoint = value};
		b->motions.motion[n] = (struct motion){.from = value, .to = value};
		if (s->is_gate)
			b->gate = (int)n;
	}
	sources_reset_settings(b);
}

void gate_command(struct board *b, bool open, int64_t t_ns)
{
	const int64_t to = open ? BLADE_OPEN : 0;
	const int64_t travel = gate_travel_ns(b);

	if (b->gate < 0 || b->blade.to == to)
		return;
	/* The blade needs its full travel time from end to end, less from in between. */
	motion_turn(&b->blade, to, travel ? BLADE_OPEN * (int64_t)NSEC_PER_SEC / travel : 0, t_ns);
	b->source_state[b->gate].setpoint = open;
	b->motions.motion[b->gate] = (struct motion){open, open, t_ns, t_ns};
	b->motions.settled_ns[b->gate] = t_ns + travel;
	event_log_line(b->log, board_real(b, t_ns), board_tick(b, t_ns), "gate-commanded",
		       "\"open\":%s", open ? "true" : "false");
	event_log_line(b->log, board_real(b, b->blade.end_ns), board_tick(b, b->blade.end_ns),
		       open ? "gate-open" : "gate-shut", NULL);
	light_check(b, t_ns);
	board_notify(b, ETALON_HW_EVENT_STATE);
}

/* A smooth edge across the beam; shut is dark but for the leak. */
double blade_transmission(const struct board *b, int64_t t_ns)
{
	const double x = motion_value(&b->blade, t_ns) / BLADE_OPEN;
	const double leak = pow(10, b->parameters.gate_transmission_db / 10);

	return x >= 1 ? 1 : leak + (1 - leak) * x * x * (3 - 2 * x);
}

bool gate_is_open(const struct board *b, int64_t t_ns)
{
	return b->gate < 0 || (b->blade.to == BLADE_OPEN && b->blade.end_ns <= t_ns);
}

void source_command(struct board *b, unsigned int n, int64_t to, int64_t speed, int64_t t_ns)
{
	board_plant_advance(b, t_ns);
	if ((int)n == b->gate) {
		/* The gate opens in EMITTING only, whoever asks. */
		gate_command(b, to != 0 && b->safety.state == ETALON_HW_STATE_EMITTING, t_ns);
		b->source_state[n].setpoint = b->blade.to != 0;
		return;
	}
	b->source_state[n].setpoint = to;
	sources_turn(b, &b->motions, n, to, speed, t_ns);
	if (!to && b->source[n].emits)
		light_current_zero(b, n, t_ns);
}

void sources_off(struct board *b, int64_t t_ns)
{
	gate_command(b, false, t_ns);
	board_plant_advance(b, t_ns);
	for (unsigned int n = 0; n < b->description->source_count; n++) {
		const struct etalon_hw_source *s = &b->source[n];

		if (s->safe_action != ETALON_HW_SAFE_RAMP_ZERO)
			continue;
		/* Light has to be gone in time whatever slew the host chose: the hard limit rules. */
		b->source_state[n].setpoint = 0;
		sources_turn(b, &b->motions, n, 0, s->emits ? s->max_slew : b->source_state[n].slew,
			     t_ns);
	}
}

void board_conditions(const struct board *b, int64_t t_ns, struct plant_conditions *c)
{
	*c = (struct plant_conditions){
		.time_s = (double)(t_ns - b->epoch_ns) * 1e-9,
		.emitting = b->safety.state == ETALON_HW_STATE_EMITTING ||
			    t_ns < b->safety.laser_until_ns,
		.gate = blade_transmission(b, t_ns),
	};
	for (unsigned int n = 0; n < b->description->source_count; n++) {
		c->value[n] = motion_value(&b->motions.motion[n], t_ns) * b->source_si[n];
		c->slope[n] = motion_slope(&b->motions.motion[n], t_ns) * b->source_si[n];
		if (b->source[n].kind == ETALON_HW_SOURCE_CURRENT)
			c->compliance[n] = (double)b->source_state[n].compliance * 1e-9;
	}
}

void board_plant_advance(struct board *b, int64_t t_ns)
{
	struct plant_conditions c;

	if (t_ns <= b->advanced_ns)
		return;
	board_conditions(b, t_ns, &c);
	plant_advance(b->plant, &c);
	b->advanced_ns = t_ns;
}

void board_plant_begin(struct board *b, int64_t t_ns)
{
	struct plant_conditions c;

	b->epoch_ns = b->advanced_ns = t_ns;
	board_conditions(b, t_ns, &c);
	plant_begin(b->plant, &c);
}

static void write_setpoint(struct board *b, unsigned int n, int64_t value)
{
	const struct etalon_hw_source *s = &b->source[n];
	const bool makes_light =
		s->is_gate || (s->emits && s->safe_action == ETALON_HW_SAFE_RAMP_ZERO);

	if (value < b->limit_low[n] || value > b->limit_high[n])
		return board_result(b, ETALON_HW_REFUSED_LIMIT, n, b->limit_low[n],
				    b->limit_high[n]);
	if (value % s->resolution)
		return board_result(b, ETALON_HW_REFUSED_RESOLUTION, n, s->resolution,
				    s->resolution);
	if (makes_light && value && b->safety.state != ETALON_HW_STATE_EMITTING)
		return board_result(b, ETALON_HW_REFUSED_STATE, n, 0, 0);
	if (sequencer_active(b) &&
	    (b->sequencer.program->drives[n] ||
	     (s->is_gate && b->sequencer.program->image.gate != ETALON_HW_GATE_KEEP)))
		return board_result(b, ETALON_HW_REFUSED_STATE, n, 0, 0);
	board_result(b, ETALON_HW_RESULT_OK, 0, 0, 0);
	source_command(b, n, value, b->source_state[n].slew, board_now(b));
	light_check(b, board_now(b));
}

static void write_limit(struct board *b, unsigned int n, uint32_t offset, int64_t value)
{
	const struct etalon_hw_source *s = &b->source[n];
	struct source_state *state = &b->source_state[n];

	if (value < s->min || value > s->max)
		return board_result(b, ETALON_HW_REFUSED_LIMIT, n, s->min, s->max);
	board_result(b, ETALON_HW_RESULT_OK, 0, 0, 0);
	if (offset == ETALON_SOURCE_LIMIT_LOW) {
		state->staged_low = value;
		state->limits_written = false; /* until HIGH completes the pair */
		return;
	}
	if (state->limits_written)
		state->staged_low = b->limit_low[n];
	if (state->staged_low > value)
		return board_result(b, ETALON_HW_REFUSED_LIMIT, n, state->staged_low, s->max);
	b->limit_low[n] = state->staged_low;
	b->limit_high[n] = value;
	state->limits_written = true;
}

static void write_within(struct board *b, unsigned int n, int64_t value, int64_t low, int64_t high,
			 int64_t *target)
{
	if (value < low || value > high)
		return board_result(b, ETALON_HW_REFUSED_LIMIT, n, low, high);
	board_result(b, ETALON_HW_RESULT_OK, 0, 0, 0);
	*target = value;
}

void source_write(struct board *b, unsigned int n, uint32_t offset, int64_t value)
{
	const struct etalon_hw_source *s = &b->source[n];

	if (offset == ETALON_SOURCE_SETPOINT)
		return write_setpoint(b, n, value);
	if (offset > ETALON_SOURCE_COMPLIANCE)
		return; /* read-only */
	if (b->safety.state != ETALON_HW_STATE_OFF)
		return board_result(b, ETALON_HW_REFUSED_STATE, n, 0, 0);
	switch (offset) {
	case ETALON_SOURCE_LIMIT_LOW:
	case ETALON_SOURCE_LIMIT_HIGH:
		return write_limit(b, n, offset, value);
	case ETALON_SOURCE_SLEW:
		return write_within(b, n, value, MIN(1, s->max_slew), s->max_slew,
				    &b->source_state[n].slew);
	case ETALON_SOURCE_COMPLIANCE:
		return write_within(b, n, value, s->compliance_min, s->compliance_max,
				    &b->source_state[n].compliance);
	default:
		return;
	}
}

int64_t source_read(struct board *b, unsigned int n, uint32_t offset)
{
	switch (offset) {
	case ETALON_SOURCE_SETPOINT:
		return b->source_state[n].setpoint;
	case ETALON_SOURCE_LIMIT_LOW:
		return b->limit_low[n];
	case ETALON_SOURCE_LIMIT_HIGH:
		return b->limit_high[n];
	case ETALON_SOURCE_SLEW:
		return b->source_state[n].slew;
	case ETALON_SOURCE_COMPLIANCE:
		return b->source_state[n].compliance;
	case ETALON_SOURCE_ACTUAL:
		return motion_at(&b->motions.motion[n], board_now(b));
	case ETALON_SOURCE_STATUS:
		return source_status(b, n);
	default:
		return 0;
	}
}

uint32_t source_status(const struct board *b, unsigned int n)
{
	const int64_t now = board_now(b);
	uint32_t status = 0;

	if (b->motions.motion[n].end_ns > now)
		status |= ETALON_HW_SOURCE_SLEWING;
	else if (b->motions.settled_ns[n] > now)
		status |= ETALON_HW_SOURCE_SETTLING;
	if (b->source_state[n].in_compliance)
		status |= ETALON_HW_SOURCE_COMPLIANCE;
	if (b->source_state[n].limits_written)
		status |= ETALON_HW_SOURCE_LIMITS_WRITTEN;
	return status;
}
