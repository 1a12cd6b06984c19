// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The safety state machine of section 5 of hw.h: every command in every state, causes, watchdog,
 * emission delay, and what Off means for the light.
 */
#include "board_bench.h"

#define ANY UINT32_MAX

/* Brings a board into a state by the shortest way. */
static void go_to(struct bench *t, uint32_t state)
{
	if (state == ETALON_HW_STATE_OFF)
		return;
	bench_arm(t, 1000);
	if (state == ETALON_HW_STATE_ARMED)
		return;
	if (state == ETALON_HW_STATE_TRIPPED) {
		bench_fault(t, "{\"fault\": \"interlock-open\"}");
		bench_fault(t, "{\"fault\": \"interlock-close\"}");
		return;
	}
	ck_assert_uint_eq(command(t, ETALON_HW_COMMAND_EMIT), ETALON_HW_RESULT_OK);
	if (state == ETALON_HW_STATE_DELAY)
		return;
	t->kicks = true;
	bench_pass(t, 3001 * MS);
}

enum { OFF, ARMED, DELAY, EMITTING, TRIPPED }; /* enum etalon_hw_state, short */

static const struct {
	uint32_t from, command, result, to;
} transitions[] = {
	{OFF, ETALON_HW_COMMAND_ARM, ETALON_HW_REFUSED_WATCHDOG, OFF}, /* nothing written yet */
	{ARMED, ETALON_HW_COMMAND_ARM, ETALON_HW_REFUSED_STATE, ARMED},
	{DELAY, ETALON_HW_COMMAND_ARM, ETALON_HW_REFUSED_STATE, DELAY},
	{EMITTING, ETALON_HW_COMMAND_ARM, ETALON_HW_REFUSED_STATE, EMITTING},
	{TRIPPED, ETALON_HW_COMMAND_ARM, ETALON_HW_REFUSED_STATE, TRIPPED},
	{OFF, ETALON_HW_COMMAND_EMIT, ETALON_HW_REFUSED_STATE, OFF},
	{ARMED, ETALON_HW_COMMAND_EMIT, ETALON_HW_RESULT_OK, DELAY},
	{DELAY, ETALON_HW_COMMAND_EMIT, ETALON_HW_REFUSED_STATE, DELAY},
	{EMITTING, ETALON_HW_COMMAND_EMIT, ETALON_HW_REFUSED_STATE, EMITTING},
	{TRIPPED, ETALON_HW_COMMAND_EMIT, ETALON_HW_REFUSED_STATE, TRIPPED},
	{OFF, ETALON_HW_COMMAND_OFF, ETALON_HW_RESULT_OK, OFF},
	{ARMED, ETALON_HW_COMMAND_OFF, ETALON_HW_RESULT_OK, OFF},
	{DELAY, ETALON_HW_COMMAND_OFF, ETALON_HW_RESULT_OK, OFF},
	{EMITTING, ETALON_HW_COMMAND_OFF, ETALON_HW_RESULT_OK, OFF},
	{TRIPPED, ETALON_HW_COMMAND_OFF, ETALON_HW_RESULT_OK, TRIPPED},
	{OFF, ETALON_HW_COMMAND_CLEAR, ETALON_HW_REFUSED_STATE, OFF},
	{ARMED, ETALON_HW_COMMAND_CLEAR, ETALON_HW_REFUSED_STATE, ARMED},
	{DELAY, ETALON_HW_COMMAND_CLEAR, ETALON_HW_REFUSED_STATE, DELAY},
	{EMITTING, ETALON_HW_COMMAND_CLEAR, ETALON_HW_REFUSED_STATE, EMITTING},
	{TRIPPED, ETALON_HW_COMMAND_CLEAR, ETALON_HW_RESULT_OK, OFF},
	{OFF, ETALON_HW_COMMAND_HALT, ETALON_HW_RESULT_OK, OFF},
	{ARMED, ETALON_HW_COMMAND_HALT, ETALON_HW_RESULT_OK, OFF},
	{DELAY, ETALON_HW_COMMAND_HALT, ETALON_HW_RESULT_OK, OFF},
	{EMITTING, ETALON_HW_COMMAND_HALT, ETALON_HW_RESULT_OK, OFF},
	{TRIPPED, ETALON_HW_COMMAND_HALT, ETALON_HW_RESULT_OK, TRIPPED},
};

START_TEST(each_command_in_each_state_does_what_the_table_says)
{
	struct bench *t = bench_default();

	go_to(t, transitions[_i].from);
	ck_assert_uint_eq(rd(t, ETALON_REG_STATE), transitions[_i].from);
	ck_assert_uint_eq(command(t, transitions[_i].command), transitions[_i].result);
	ck_assert_uint_eq(rd(t, ETALON_REG_STATE), transitions[_i].to);
	bench_close(t);
}
END_TEST

static const struct {
	const char *fault, *end;
	uint32_t cause;
} levels[] = {
	{"interlock-open", "interlock-close", ETALON_HW_CAUSE_INTERLOCK},
	{"key-off", "key-on", ETALON_HW_CAUSE_KEY},
	{"over-temperature", "over-temperature-end", ETALON_HW_CAUSE_OVER_TEMPERATURE},
	{"compliance", "compliance-end", ETALON_HW_CAUSE_COMPLIANCE},
	{"board-fault", "board-fault-end", ETALON_HW_CAUSE_FAULT},
};

static void make(struct bench *t, const char *fault)
{
	char json[64];

	snprintf(json, sizeof(json), "{\"fault\": \"%s\"}", fault);
	bench_fault(t, json);
}

START_TEST(a_cause_trips_every_state_that_may_emit_and_clear_waits_for_its_end)
{
	for (uint32_t state = ARMED; state <= EMITTING; state++) {
		struct bench *t = bench_default();

		go_to(t, state);
		make(t, levels[_i].fault);
		ck_assert_uint_eq(rd(t, ETALON_REG_STATE), TRIPPED);
		ck_assert_uint_eq(rd(t, ETALON_REG_CAUSES_LIVE), levels[_i].cause);
		ck_assert_uint_eq(rd(t, ETALON_REG_CAUSES_LATCHED), levels[_i].cause);
		ck_assert_uint_eq(rd(t, ETALON_REG_LAST_OFF_CAUSE), levels[_i].cause);
		ck_assert_uint_eq(command(t, ETALON_HW_COMMAND_CLEAR), ETALON_HW_REFUSED_CAUSE);
		ck_assert_uint_eq(rd(t, ETALON_REG_RESULT_DETAIL), levels[_i].cause);
		make(t, levels[_i].end);
		ck_assert_uint_eq(rd(t, ETALON_REG_CAUSES_LIVE), 0);
		ck_assert_uint_eq(rd(t, ETALON_REG_CAUSES_LATCHED), levels[_i].cause);
		ck_assert_uint_eq(rd(t, ETALON_REG_STATE), TRIPPED);
		ck_assert_uint_eq(command(t, ETALON_HW_COMMAND_CLEAR), ETALON_HW_RESULT_OK);
		ck_assert_uint_eq(rd(t, ETALON_REG_STATE), OFF);
		ck_assert_uint_eq(rd(t, ETALON_REG_CAUSES_LATCHED), 0);
		bench_close(t);
	}
}
END_TEST

START_TEST(a_cause_in_off_refuses_arm_but_neither_trips_nor_latches)
{
	struct bench *t = bench_default();

	bench_write_limits(t);
	wr(t, ETALON_REG_WATCHDOG_NS, 250 * MS);
	make(t, levels[_i].fault);
	ck_assert_uint_eq(rd(t, ETALON_REG_STATE), OFF);
	ck_assert_uint_eq(command(t, ETALON_HW_COMMAND_ARM), ETALON_HW_REFUSED_CAUSE);
	ck_assert_uint_eq(rd(t, ETALON_REG_RESULT_DETAIL), levels[_i].cause);
	make(t, levels[_i].end);
	ck_assert_uint_eq(rd(t, ETALON_REG_CAUSES_LATCHED), 0);
	ck_assert_uint_eq(command(t, ETALON_HW_COMMAND_ARM), ETALON_HW_RESULT_OK);
	bench_close(t);
}
END_TEST

START_TEST(causes_add_up_while_tripped)
{
	struct bench *t = bench_default();

	go_to(t, ARMED);
	make(t, "interlock-open");
	make(t, "key-off");
	ck_assert_uint_eq(rd(t, ETALON_REG_LAST_OFF_CAUSE), ETALON_HW_CAUSE_INTERLOCK);
	ck_assert_uint_eq(rd(t, ETALON_REG_CAUSES_LATCHED),
			  ETALON_HW_CAUSE_INTERLOCK | ETALON_HW_CAUSE_KEY);
	make(t, "interlock-close");
	ck_assert_uint_eq(command(t, ETALON_HW_COMMAND_CLEAR), ETALON_HW_REFUSED_CAUSE);
	ck_assert_uint_eq(rd(t, ETALON_REG_RESULT_DETAIL), ETALON_HW_CAUSE_KEY);
	ck_assert_uint_eq(rd(t, ETALON_REG_STATUS_BITS) &
				  (ETALON_HW_STATUS_KEY_ON | ETALON_HW_STATUS_INTERLOCK_CLOSED),
			  ETALON_HW_STATUS_INTERLOCK_CLOSED);
	bench_close(t);
}
END_TEST

START_TEST(a_reset_input_asks_for_a_local_act_after_key_or_interlock)
{
	struct bench *t = bench_open(&(struct bench_options){.parameters = "{\"reset_input\": 1}"});

	ck_assert_uint_ne(board_description(t->b)->capabilities & ETALON_HW_CAP_RESET_INPUT, 0);
	go_to(t, ARMED);
	make(t, "key-off");
	make(t, "key-on");
	ck_assert_uint_eq(command(t, ETALON_HW_COMMAND_CLEAR), ETALON_HW_REFUSED_CAUSE);
	ck_assert_uint_eq(rd(t, ETALON_REG_RESULT_DETAIL), ETALON_HW_CAUSE_LOCAL_RESET);
	make(t, "local-reset");
	ck_assert_uint_eq(command(t, ETALON_HW_COMMAND_CLEAR), ETALON_HW_RESULT_OK);
	bench_close(t);
}
END_TEST

static const struct {
	uint32_t ms;
	bool accepted;
} watchdogs[] = {{0, false}, {49, false}, {50, true}, {250, true}, {1000, true}, {1001, false}};

START_TEST(arm_wants_a_watchdog_within_its_limits)
{
	struct bench *t = bench_default();

	bench_write_limits(t);
	wr(t, ETALON_REG_WATCHDOG_NS, watchdogs[_i].ms * (uint32_t)MS);
	ck_assert_uint_eq(command(t, ETALON_HW_COMMAND_ARM), watchdogs[_i].accepted
								     ? ETALON_HW_RESULT_OK
								     : ETALON_HW_REFUSED_WATCHDOG);
	if (!watchdogs[_i].accepted) {
		ck_assert_uint_eq(rd64(t, ETALON_REG_RESULT_LOW), 50 * MS);
		ck_assert_uint_eq(rd64(t, ETALON_REG_RESULT_HIGH), 1000 * MS);
	}
	bench_close(t);
}
END_TEST

START_TEST(arm_wants_limits_of_every_emitting_source_and_setpoints_inside_them)
{
	struct bench *t = bench_default();
	const uint32_t power = ETALON_REG_SOURCE(ERB1_LASER_POWER);

	wr(t, ETALON_REG_WATCHDOG_NS, 250 * MS);
	ck_assert_uint_eq(rd(t, ETALON_REG_LIMITS_WRITTEN), 0);
	ck_assert_uint_eq(command(t, ETALON_HW_COMMAND_ARM), ETALON_HW_REFUSED_LIMITS_UNWRITTEN);
	ck_assert_uint_eq(rd(t, ETALON_REG_RESULT_DETAIL), ERB1_LASER_WAVELENGTH);
	bench_write_limits(t);
	ck_assert_uint_eq(rd(t, ETALON_REG_LIMITS_WRITTEN), 1);
	wr64(t, power + ETALON_SOURCE_LIMIT_LOW, 500000000000);
	ck_assert_uint_eq(rd(t, ETALON_REG_LIMITS_WRITTEN), 0); /* the pair is not complete */
	ck_assert_uint_eq(command(t, ETALON_HW_COMMAND_ARM), ETALON_HW_REFUSED_LIMITS_UNWRITTEN);
	wr64(t, power + ETALON_SOURCE_LIMIT_HIGH, 1000000000000);
	ck_assert_uint_eq(command(t, ETALON_HW_COMMAND_ARM),
			  ETALON_HW_REFUSED_LIMIT); /* -10 dBm at power-on */
	ck_assert_uint_eq(rd(t, ETALON_REG_RESULT_DETAIL), ERB1_LASER_POWER);
	ck_assert_uint_eq(set_source(t, ERB1_LASER_POWER, 500000000000), ETALON_HW_RESULT_OK);
	ck_assert_uint_eq(command(t, ETALON_HW_COMMAND_ARM), ETALON_HW_RESULT_OK);
	bench_close(t);
}
END_TEST

START_TEST(limits_slew_compliance_and_watchdog_are_writable_in_off_only)
{
	static const uint32_t offsets[] = {ETALON_SOURCE_LIMIT_LOW, ETALON_SOURCE_LIMIT_HIGH,
					   ETALON_SOURCE_SLEW, ETALON_SOURCE_COMPLIANCE};
	struct bench *t = bench_default();

	go_to(t, _i ? EMITTING : ARMED);
	for (size_t i = 0; i < ARRAY_SIZE(offsets); i++) {
		const uint32_t address = ETALON_REG_SOURCE(ERB1_LD1) + offsets[i];
		const uint64_t before = rd64(t, address);

		wr64(t, address, 100000000000000);
		ck_assert_uint_eq(rd(t, ETALON_REG_RESULT), ETALON_HW_REFUSED_STATE);
		ck_assert_uint_eq(rd64(t, address), before);
	}
	wr(t, ETALON_REG_WATCHDOG_NS, 500 * MS);
	ck_assert_uint_eq(rd(t, ETALON_REG_RESULT), ETALON_HW_REFUSED_STATE);
	ck_assert_uint_eq(rd(t, ETALON_REG_WATCHDOG_NS), 1000 * MS);
	bench_close(t);
}
END_TEST

START_TEST(limits_survive_a_trip)
{
	struct bench *t = bench_default();

	go_to(t, TRIPPED);
	ck_assert_uint_eq(command(t, ETALON_HW_COMMAND_CLEAR), ETALON_HW_RESULT_OK);
	ck_assert_uint_eq(rd(t, ETALON_REG_LIMITS_WRITTEN), 1);
	ck_assert_uint_eq(command(t, ETALON_HW_COMMAND_ARM), ETALON_HW_RESULT_OK);
	bench_close(t);
}
END_TEST

START_TEST(the_watchdog_trips_at_its_deadline_however_late_it_is_looked_at)
{
	struct bench *t = bench_default();
	uint64_t armed;

	go_to(t, _i == 0 ? ARMED : _i == 1 ? DELAY : EMITTING);
	t->kicks = false;
	wr(t, ETALON_REG_KICK, ETALON_HW_KICK);
	armed = rd64(t, ETALON_REG_TICK);
	t->now += 5000 * MS; /* the process slept */
	board_advance(t->b, t->now);
	ck_assert_uint_eq(rd(t, ETALON_REG_STATE), TRIPPED);
	ck_assert_uint_eq(rd(t, ETALON_REG_CAUSES_LATCHED), ETALON_HW_CAUSE_WATCHDOG);
	ck_assert_uint_eq(rd(t, ETALON_REG_CAUSES_LIVE), 0);
	ck_assert_uint_eq(rd64(t, ETALON_REG_LAST_OFF_TICK) - armed, 1000 * MS / 10);
	ck_assert_uint_eq(command(t, ETALON_HW_COMMAND_CLEAR), ETALON_HW_RESULT_OK);
	bench_close(t);
}
END_TEST

START_TEST(a_kick_that_has_arrived_counts_even_when_the_board_is_late_to_look)
{
	struct bench *t = bench_default();

	go_to(t, ARMED);
	t->now += 5000 * MS;
	board_catch_up(t->b, t->now);
	ck_assert_uint_eq(rd(t, ETALON_REG_STATE), ARMED);
	wr(t, ETALON_REG_KICK, ETALON_HW_KICK);
	board_advance(t->b, t->now);
	ck_assert_uint_eq(rd(t, ETALON_REG_STATE), ARMED);
	bench_pass(t, 999 * MS);
	ck_assert_uint_eq(rd(t, ETALON_REG_STATE), ARMED);
	bench_pass(t, 1 * MS);
	ck_assert_uint_eq(rd(t, ETALON_REG_STATE), TRIPPED);
	bench_close(t);
}
END_TEST

START_TEST(nothing_but_the_right_kick_feeds_the_watchdog)
{
	struct bench *t = bench_default();

	go_to(t, ARMED);
	for (int i = 0; i < 10; i++) {
		wr(t, ETALON_REG_KICK, ETALON_HW_KICK + 1);
		wr(t, ETALON_REG_SCRATCH, 1);
		set_source(t, ERB1_TEC1, 298150000);
		bench_pass(t, 101 * MS);
	}
	ck_assert_uint_eq(rd(t, ETALON_REG_STATE), TRIPPED);
	wr(t, ETALON_REG_KICK, ETALON_HW_KICK); /* too late, and not a way back */
	ck_assert_uint_eq(rd(t, ETALON_REG_STATE), TRIPPED);
	bench_close(t);
}
END_TEST

START_TEST(emission_starts_when_the_delay_is_over_and_the_indicator_shows_it_before)
{
	struct bench *t = bench_default();
	uint64_t ready;

	go_to(t, ARMED);
	ck_assert_uint_eq(rd(t, ETALON_REG_STATUS_BITS) & ETALON_HW_STATUS_INDICATOR, 0);
	ck_assert_uint_eq(command(t, ETALON_HW_COMMAND_EMIT), ETALON_HW_RESULT_OK);
	ck_assert_uint_ne(rd(t, ETALON_REG_STATUS_BITS) & ETALON_HW_STATUS_INDICATOR, 0);
	ready = rd64(t, ETALON_REG_EMISSION_READY_TICK);
	ck_assert_uint_eq(ready - rd64(t, ETALON_REG_TICK), 3000 * MS / 10);
	t->kicks = true;
	bench_pass(t, 2999 * MS);
	ck_assert_uint_eq(rd(t, ETALON_REG_STATE), DELAY);
	bench_pass(t, 1 * MS);
	ck_assert_uint_eq(rd(t, ETALON_REG_STATE), EMITTING);
	ck_assert_uint_eq(rd64(t, ETALON_REG_EMISSION_READY_TICK), 0);
	ck_assert_uint_eq(rd(t, ETALON_REG_STATUS_BITS) & ETALON_HW_STATUS_GATE_OPEN, 0);
	bench_close(t);
}
END_TEST

START_TEST(gate_and_emitting_currents_answer_in_emitting_only)
{
	struct bench *t = bench_default();

	for (uint32_t state = OFF; state <= TRIPPED; state++) {
		struct bench *u = bench_default();
		const uint32_t expected =
			state == EMITTING ? ETALON_HW_RESULT_OK : ETALON_HW_REFUSED_STATE;

		go_to(u, state);
		ck_assert_uint_eq(set_source(u, ERB1_GATE, 1), expected);
		ck_assert_uint_eq(set_source(u, ERB1_LD1, 10000000000000), expected);
		ck_assert_uint_eq(set_source(u, ERB1_LD1, 0), ETALON_HW_RESULT_OK);
		ck_assert_uint_eq(set_source(u, ERB1_GATE, 0), ETALON_HW_RESULT_OK);
		bench_close(u);
	}
	bench_close(t);
}
END_TEST

enum way_off { BY_OFF, BY_HALT, BY_INTERLOCK, BY_WATCHDOG, BY_CABLE, WAYS_OFF };

static void turn_off(struct bench *t, int way)
{
	switch (way) {
	case BY_OFF:
		command(t, ETALON_HW_COMMAND_OFF);
		return;
	case BY_HALT:
		command(t, ETALON_HW_COMMAND_HALT);
		return;
	case BY_INTERLOCK:
		make(t, "interlock-open");
		return;
	case BY_WATCHDOG:
		t->kicks = false;
		bench_pass(t, 250 * MS);
		return;
	default:
		board_link_down(t->b);
	}
}

START_TEST(off_is_dark_in_time_whatever_the_way)
{
	struct bench *t = bench_open(&(struct bench_options){
		.log = true, .device = _i & 1 ? "laser-diode" : "straight"});
	const int64_t amperes = 500000000000000; /* 500 mA */
	long at = 0, commanded_at = 0;
	uint64_t off, shut, below, zero;

	wr64(t, ETALON_REG_SOURCE(ERB1_LD1) + ETALON_SOURCE_SLEW,
	     1000000000000000); /* a slow host: 1 mA/ms */
	bench_emit(t);
	ck_assert_uint_eq(set_source(t, ERB1_LASER_POWER, 10000000000000), ETALON_HW_RESULT_OK);
	ck_assert_uint_eq(set_source(t, ERB1_GATE, 1), ETALON_HW_RESULT_OK);
	ck_assert_uint_eq(set_source(t, ERB1_LD1, amperes), ETALON_HW_RESULT_OK);
	ck_assert_uint_eq(set_source(t, ERB1_H1, 5000000000), ETALON_HW_RESULT_OK);
	ck_assert_uint_eq(set_source(t, ERB1_TEC1, 303150000), ETALON_HW_RESULT_OK);
	bench_pass(t, 700 * MS);
	ck_assert_int_eq((int64_t)rd64(t, ETALON_REG_SOURCE(ERB1_LD1) + ETALON_SOURCE_ACTUAL),
			 amperes);
	ck_assert_uint_ne(bench_log_time(t, "port-above", &at), 0);
	turn_off(t, _i / 2);
	off = bench_log_time(t, "state", &at);
	commanded_at = at;
	shut = bench_log_time(t, "gate-shut", &commanded_at);
	commanded_at = at;
	below = bench_log_time(t, "port-below", &commanded_at);
	commanded_at = at;
	zero = bench_log_time(t, "current-zero", &commanded_at);
	ck_assert_uint_ge(shut, off);
	ck_assert_uint_le(shut - off, board_description(t->b)->off_gate_ns);
	ck_assert_uint_gt(below, off);
	ck_assert_uint_le(below - off, board_description(t->b)->off_port_ns);
	ck_assert_uint_gt(zero, off);
	ck_assert_uint_le(zero - off, board_description(t->b)->off_current_ns);
	bench_pass(t, 20 * MS);
	ck_assert_uint_eq(rd64(t, ETALON_REG_SOURCE(ERB1_LD1) + ETALON_SOURCE_ACTUAL), 0);
	ck_assert_uint_eq(rd64(t, ETALON_REG_SOURCE(ERB1_H1) + ETALON_SOURCE_ACTUAL), 0);
	ck_assert_uint_eq(rd64(t, ETALON_REG_SOURCE(ERB1_GATE) + ETALON_SOURCE_SETPOINT), 0);
	ck_assert_uint_eq(rd64(t, ETALON_REG_SOURCE(ERB1_TEC1) + ETALON_SOURCE_ACTUAL), 303150000);
	bench_close(t);
}
END_TEST

START_TEST(a_shut_gate_keeps_emitting_and_dark_and_opens_without_a_new_delay)
{
	struct bench *t = bench_open(&(struct bench_options){.log = true});
	long at = 0;
	uint64_t above, commanded;

	bench_emit(t);
	ck_assert_uint_eq(bench_log_time(t, "port-above", &at), 0); /* shut so far */
	at = 0;
	ck_assert_uint_eq(set_source(t, ERB1_GATE, 1), ETALON_HW_RESULT_OK);
	commanded = bench_log_time(t, "gate-commanded", &at);
	above = bench_log_time(t, "port-above", &at);
	ck_assert_uint_ge(above, commanded);
	ck_assert_uint_le(above - commanded, MS);
	bench_pass(t, 100 * MS);
	ck_assert_uint_eq(set_source(t, ERB1_GATE, 0), ETALON_HW_RESULT_OK);
	ck_assert_uint_ne(bench_log_time(t, "port-below", &at), 0);
	ck_assert_uint_eq(rd(t, ETALON_REG_STATE), EMITTING);
	bench_close(t);
}
END_TEST

START_TEST(a_pulled_cable_trips_when_it_may_emit_and_wants_clear_from_the_next_host)
{
	struct bench *t = bench_default();

	go_to(t, EMITTING);
	board_link_down(t->b);
	ck_assert_uint_eq(rd(t, ETALON_REG_STATE), TRIPPED);
	ck_assert_uint_eq(rd(t, ETALON_REG_CAUSES_LATCHED), ETALON_HW_CAUSE_LINK);
	ck_assert_uint_eq(command(t, ETALON_HW_COMMAND_CLEAR), ETALON_HW_REFUSED_CAUSE);
	board_link_up(t->b);
	ck_assert_uint_eq(rd(t, ETALON_REG_STATE), TRIPPED);
	ck_assert_uint_eq(rd(t, ETALON_REG_CAUSES_LIVE), 0);
	ck_assert_uint_eq(command(t, ETALON_HW_COMMAND_CLEAR), ETALON_HW_RESULT_OK);
	board_link_down(t->b);
	board_link_up(t->b);
	ck_assert_uint_eq(rd(t, ETALON_REG_STATE), OFF);
	ck_assert_uint_eq(rd(t, ETALON_REG_CAUSES_LATCHED), 0);
	bench_close(t);
}
END_TEST

START_TEST(every_change_of_state_is_an_event)
{
	struct bench *t = bench_default();
	unsigned int before;

	go_to(t, ARMED);
	ck_assert_uint_eq(t->event.state, ARMED);
	before = t->events;
	make(t, "interlock-open");
	ck_assert_uint_gt(t->events, before);
	ck_assert_uint_eq(t->event.state, TRIPPED);
	ck_assert_uint_eq(t->event.causes_live, ETALON_HW_CAUSE_INTERLOCK);
	ck_assert_uint_eq(t->event.causes_latched, ETALON_HW_CAUSE_INTERLOCK);
	ck_assert_uint_eq(t->event.last_off_cause, ETALON_HW_CAUSE_INTERLOCK);
	ck_assert_uint_eq(t->event.status_bits & ETALON_HW_STATUS_INTERLOCK_CLOSED, 0);
	bench_close(t);
}
END_TEST

START_TEST(host_off_is_told_with_its_tick)
{
	struct bench *t = bench_default();

	go_to(t, EMITTING);
	bench_pass(t, 7 * MS);
	ck_assert_uint_eq(command(t, ETALON_HW_COMMAND_OFF), ETALON_HW_RESULT_OK);
	ck_assert_uint_eq(rd(t, ETALON_REG_LAST_OFF_CAUSE), ETALON_HW_CAUSE_HOST);
	ck_assert_uint_eq(rd64(t, ETALON_REG_LAST_OFF_TICK), rd64(t, ETALON_REG_TICK));
	bench_close(t);
}
END_TEST

START_TEST(an_emission_delay_below_the_minimum_needs_the_word_unsafe)
{
	json_t *parameters = json_pack("{s:i}", "emission_delay_ms", 1999);
	struct erb1_parameters p;
	char *message = NULL;

	ck_assert_int_eq(erb1_parameters_take(parameters, false, &p, &message), -EINVAL);
	ck_assert_ptr_nonnull(strstr(message, "--unsafe-fast-arming"));
	json_object_set_new(parameters, "emission_delay_ms", json_integer(0));
	ck_assert_int_eq(erb1_parameters_take(parameters, true, &p, &message), 0);
	json_object_set_new(parameters, "emission_delay_ms", json_integer(2000));
	ck_assert_int_eq(erb1_parameters_take(parameters, false, &p, &message), 0);
	free(message);
	json_decref(parameters);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("board safety");
	TCase *c = tcase_create("safety");

	tcase_set_timeout(c, 60);
	tcase_add_loop_test(c, each_command_in_each_state_does_what_the_table_says, 0,
			    ARRAY_SIZE(transitions));
	tcase_add_loop_test(c, a_cause_trips_every_state_that_may_emit_and_clear_waits_for_its_end,
			    0, ARRAY_SIZE(levels));
	tcase_add_loop_test(c, a_cause_in_off_refuses_arm_but_neither_trips_nor_latches, 0,
			    ARRAY_SIZE(levels));
	tcase_add_test(c, causes_add_up_while_tripped);
	tcase_add_test(c, a_reset_input_asks_for_a_local_act_after_key_or_interlock);
	tcase_add_loop_test(c, arm_wants_a_watchdog_within_its_limits, 0, ARRAY_SIZE(watchdogs));
	tcase_add_test(c, arm_wants_limits_of_every_emitting_source_and_setpoints_inside_them);
	tcase_add_loop_test(c, limits_slew_compliance_and_watchdog_are_writable_in_off_only, 0, 2);
	tcase_add_test(c, limits_survive_a_trip);
	tcase_add_loop_test(c, the_watchdog_trips_at_its_deadline_however_late_it_is_looked_at, 0,
			    3);
	tcase_add_test(c, a_kick_that_has_arrived_counts_even_when_the_board_is_late_to_look);
	tcase_add_test(c, nothing_but_the_right_kick_feeds_the_watchdog);
	tcase_add_test(c, emission_starts_when_the_delay_is_over_and_the_indicator_shows_it_before);
	tcase_add_test(c, gate_and_emitting_currents_answer_in_emitting_only);
	tcase_add_loop_test(c, off_is_dark_in_time_whatever_the_way, 0, 2 * WAYS_OFF);
	tcase_add_test(c, a_shut_gate_keeps_emitting_and_dark_and_opens_without_a_new_delay);
	tcase_add_test(c, a_pulled_cable_trips_when_it_may_emit_and_wants_clear_from_the_next_host);
	tcase_add_test(c, every_change_of_state_is_an_event);
	tcase_add_test(c, host_off_is_told_with_its_tick);
	tcase_add_test(c, an_emission_delay_below_the_minimum_needs_the_word_unsafe);
	suite_add_tcase(s, c);
	return run_suite(s);
}
