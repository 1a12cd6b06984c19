// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What programs react to: comparators with their four actions, triggers in and out, WAIT axes
 * that settle or time out.
 */
#include "board_bench.h"

#define STEP ETALON_HW_MODE_STEP
#define RAMP ETALON_HW_MODE_RAMP
#define WAIT ETALON_HW_MODE_WAIT

/* ---- comparators: h1 rises from 0 to 5 V in 0.1 V steps, three passes; h1.v reads it back ---- */

static struct etalon_hw_program heater_program(void)
{
	struct etalon_hw_program p = bench_program();

	bench_axis(&p, STEP, ETALON_HW_FORWARD, 3);
	bench_gang(bench_axis(&p, STEP, ETALON_HW_FORWARD, 51), ERB1_H1, 0, 5000000000);
	p.period_ns = 500000;
	p.delay_ns = 300000;
	return p;
}

static const struct {
	uint8_t kind, action;
	uint16_t detector;
	int64_t threshold;
	uint64_t points; /* that come */
	uint32_t cause;
	uint64_t first; /* number of the first flagged point, UINT64_MAX: none */
} comparators[] = {
	{ETALON_HW_COMPARATOR_ABOVE, ETALON_HW_COMPARATOR_FLAG, ERB1_H1_V, 2550000000, 153,
	 ETALON_HW_END_DONE, 26},
	{ETALON_HW_COMPARATOR_ABOVE, ETALON_HW_COMPARATOR_FLAG, ERB1_H1_V, 9000000000, 153,
	 ETALON_HW_END_DONE, UINT64_MAX},
	{ETALON_HW_COMPARATOR_ABOVE, ETALON_HW_COMPARATOR_END_AXIS, ERB1_H1_V, 2550000000, 3 * 27,
	 ETALON_HW_END_DONE, 26},
	{ETALON_HW_COMPARATOR_ABOVE, ETALON_HW_COMPARATOR_END_PROGRAM, ERB1_H1_V, 2550000000, 27,
	 ETALON_HW_END_COMPARATOR, 26},
	{ETALON_HW_COMPARATOR_ABOVE, ETALON_HW_COMPARATOR_TRIP, ERB1_H1_V, 2550000000, 27,
	 ETALON_HW_END_TRIPPED, 26},
	{ETALON_HW_COMPARATOR_BELOW, ETALON_HW_COMPARATOR_FLAG, ERB1_H1_V, 2550000000, 153,
	 ETALON_HW_END_DONE, 0},
	/* falls by 10 % from its maximum: when the second pass starts */
	{ETALON_HW_COMPARATOR_FALLS, ETALON_HW_COMPARATOR_END_PROGRAM, ERB1_H1_V, 100000, 52,
	 ETALON_HW_END_COMPARATOR, 51},
	/* on a detector that is in the program anyway */
	{ETALON_HW_COMPARATOR_ABOVE, ETALON_HW_COMPARATOR_END_PROGRAM, ERB1_PD1, -100000000000, 1,
	 ETALON_HW_END_COMPARATOR, 0},
};

START_TEST(a_comparator_acts_on_the_board)
{
	struct bench *t = bench_default();
	struct etalon_hw_program p = heater_program();
	const struct etalon_hw_record_point *r;

	p.comparator[2] = (struct etalon_hw_comparator){
		.detector = comparators[_i].detector,
		.kind = comparators[_i].kind,
		.action = comparators[_i].action,
		.threshold = comparators[_i].threshold,
	};
	bench_emit(t);
	bench_run(t, &p);
	ck_assert_uint_eq(bench_end(t)->produced, comparators[_i].points);
	ck_assert_uint_eq(bench_end(t)->cause, comparators[_i].cause);
	for (size_t n = 0; (r = bench_record_of(t, ETALON_HW_RECORD_POINT, n)); n++)
		if (r->flags & ETALON_HW_POINT_COMPARATOR) {
			ck_assert_uint_eq(r->number, comparators[_i].first);
			break;
		}
	ck_assert_int_eq(r == NULL, comparators[_i].first == UINT64_MAX);
	if (comparators[_i].action == ETALON_HW_COMPARATOR_TRIP) {
		ck_assert_uint_eq(rd(t, ETALON_REG_STATE), ETALON_HW_STATE_TRIPPED);
		ck_assert_uint_eq(rd(t, ETALON_REG_CAUSES_LATCHED), ETALON_HW_CAUSE_COMPARATOR);
		ck_assert_uint_eq(rd(t, ETALON_REG_CAUSES_LIVE), 0);
		ck_assert_uint_eq(bench_end(t)->causes, ETALON_HW_CAUSE_COMPARATOR);
	}
	bench_close(t);
}
END_TEST

START_TEST(a_trip_comparator_that_finds_nothing_armed_ends_the_program_all_the_same)
{
	struct bench *t = bench_default();
	struct etalon_hw_program p = heater_program();

	p.comparator[0] = (struct etalon_hw_comparator){
		.detector = ERB1_H1_V,
		.kind = ETALON_HW_COMPARATOR_ABOVE,
		.action = ETALON_HW_COMPARATOR_TRIP,
		.threshold = 2550000000,
	};
	bench_run(t, &p);
	ck_assert_uint_eq(bench_end(t)->cause, ETALON_HW_END_COMPARATOR);
	ck_assert_uint_eq(rd(t, ETALON_REG_STATE), ETALON_HW_STATE_OFF);
	bench_close(t);
}
END_TEST

START_TEST(the_gravest_of_several_comparators_wins)
{
	struct bench *t = bench_default();
	struct etalon_hw_program p = heater_program();

	for (int i = 0; i < 3; i++)
		p.comparator[i] = (struct etalon_hw_comparator){
			.detector = ERB1_H1_V,
			.kind = ETALON_HW_COMPARATOR_ABOVE,
			.action = (uint8_t)(ETALON_HW_COMPARATOR_END_PROGRAM - i),
			.threshold = 2550000000,
		};
	bench_run(t, &p);
	ck_assert_uint_eq(bench_end(t)->cause, ETALON_HW_END_COMPARATOR);
	bench_close(t);
}
END_TEST

/* ---- triggers ---- */

START_TEST(a_program_waits_for_its_start_edge)
{
	struct bench *t = bench_open(&(struct bench_options){.speed_max = _i});
	struct etalon_hw_program p = heater_program();
	uint64_t tick;

	p.start_source = ETALON_HW_START_EDGE;
	p.start_input = 1;
	bench_fault(t, "{\"fault\": \"trigger-edge\", \"input\": 1}"); /* before START: forgotten */
	bench_pass(t, MS);
	ck_assert_uint_eq(bench_load(t, &p), ETALON_HW_RESULT_OK);
	ck_assert_uint_eq(command(t, ETALON_HW_COMMAND_START), ETALON_HW_RESULT_OK);
	bench_pass(t, 5000 * MS);
	ck_assert_uint_eq(rd(t, ETALON_REG_SEQUENCER), ETALON_HW_SEQUENCER_WAITING);
	bench_fault(t, "{\"fault\": \"trigger-edge\", \"input\": 0}"); /* the other input */
	bench_pass(t, MS);
	ck_assert_uint_eq(rd(t, ETALON_REG_SEQUENCER), ETALON_HW_SEQUENCER_WAITING);
	tick = rd64(t, ETALON_REG_TICK);
	bench_fault(t, "{\"fault\": \"trigger-edge\", \"input\": 1}");
	bench_pass(t, 1000 * MS);
	ck_assert_uint_eq(bench_start(t)->tick, tick);
	ck_assert_uint_eq(bench_end(t)->produced, 153);
	ck_assert_uint_eq(bench_end(t)->tick - bench_start(t)->tick,
			  bench_start(t)->duration_ns / 10);
	bench_close(t);
}
END_TEST

START_TEST(a_start_edge_that_never_comes_times_out_or_is_stopped)
{
	struct bench *t = bench_default();
	struct etalon_hw_program p = heater_program();

	p.start_source = ETALON_HW_START_EDGE;
	p.clock_timeout_ns = _i ? 0 : 300 * MS;
	ck_assert_uint_eq(bench_load(t, &p), ETALON_HW_RESULT_OK);
	ck_assert_uint_eq(command(t, ETALON_HW_COMMAND_START), ETALON_HW_RESULT_OK);
	bench_pass(t, 400 * MS);
	if (_i)
		ck_assert_uint_eq(command(t, ETALON_HW_COMMAND_STOP), ETALON_HW_RESULT_OK);
	bench_take_records(t);
	ck_assert_uint_eq(bench_record(t, 0)->type, ETALON_HW_RECORD_START);
	ck_assert_uint_eq(bench_end(t)->cause,
			  _i ? ETALON_HW_END_STOPPED : ETALON_HW_END_CLOCK_TIMEOUT);
	ck_assert_uint_eq(bench_end(t)->produced, 0);
	bench_close(t);
}
END_TEST

static struct etalon_hw_program clocked_program(void)
{
	struct etalon_hw_program p = bench_program();

	bench_axis(&p, STEP, ETALON_HW_FORWARD, 10);
	p.point_clock = ETALON_HW_CLOCK_EDGE;
	return p; /* period 100 us, delay 10 us, aperture 40 us */
}

static const struct {
	const char *edges;
	uint32_t missed, early; /* of nine edges after the first */
} clocks[] = {
	{"{\"fault\": \"trigger-edge\", \"at_program_ms\": 1, \"period_us\": 100, \"count\": 1000}",
	 0, 0},
	{"{\"fault\": \"trigger-edge\", \"at_program_ms\": 1, \"period_us\": 250, \"count\": 1000}",
	 0, 0},
	{"{\"fault\": \"trigger-edge\", \"at_program_ms\": 1, \"period_us\": 60, \"count\": 1000}",
	 0, 9},
	{"{\"fault\": \"trigger-edge\", \"at_program_ms\": 1, \"period_us\": 30, \"count\": 1000}",
	 10, 9},
};

START_TEST(points_follow_the_clock_edges_and_early_or_missed_ones_are_counted)
{
	struct bench *t = bench_open(&(struct bench_options){.speed_max = _i & 1});
	struct etalon_hw_program p = clocked_program();
	const uint64_t spacing[] = {10000, 25000, 6000, 6000};

	bench_fault(t, clocks[_i / 2].edges);
	bench_run(t, &p);
	ck_assert_uint_eq(bench_end(t)->cause, ETALON_HW_END_DONE);
	ck_assert_uint_eq(bench_end(t)->produced, 10);
	ck_assert_uint_eq(bench_end(t)->edges_missed, clocks[_i / 2].missed);
	ck_assert_uint_eq(bench_end(t)->edges_early, clocks[_i / 2].early);
	ck_assert_uint_eq(bench_point(t, 0)->tick - bench_start(t)->tick, 100000 + 1000);
	for (size_t n = 1; n < 10; n++) {
		const struct etalon_hw_record_point *r = bench_point(t, n);

		ck_assert_uint_eq(r->tick - bench_point(t, n - 1)->tick, spacing[_i / 2]);
		ck_assert_int_eq(!!(r->flags & ETALON_HW_POINT_TRIGGER_EARLY),
				 clocks[_i / 2].early > 0);
		ck_assert_int_eq(!!(r->flags & ETALON_HW_POINT_TRIGGER_MISSED),
				 clocks[_i / 2].missed > 0);
	}
	ck_assert_uint_ne(rd(t, ETALON_REG_STATUS_BITS) & ETALON_HW_STATUS_DURATION_IS_BOUND, 0);
	bench_close(t);
}
END_TEST

START_TEST(a_clock_that_stops_ends_the_program)
{
	struct bench *t = bench_default();
	struct etalon_hw_program p = clocked_program();

	p.clock_timeout_ns = 20 * MS;
	bench_fault(
		t,
		"{\"fault\": \"trigger-edge\", \"at_program_ms\": 1, \"period_us\": 100, \"count\": 4}");
	bench_run(t, &p);
	ck_assert_uint_eq(bench_end(t)->cause, ETALON_HW_END_CLOCK_TIMEOUT);
	ck_assert_uint_eq(bench_end(t)->produced, 4);
	bench_close(t);
}
END_TEST

START_TEST(a_ramp_by_edges_ends_with_the_ramp)
{
	struct bench *t = bench_default();
	struct etalon_hw_program p = bench_program();

	bench_gang(bench_axis(&p, RAMP, ETALON_HW_FORWARD, 1001), ERB1_LASER_WAVELENGTH, 1550000000,
		   1552000000);
	p.point_clock = ETALON_HW_CLOCK_EDGE;
	bench_fault(
		t,
		"{\"fault\": \"trigger-edge\", \"at_program_ms\": 60, \"period_us\": 1000, \"count\": 1000}");
	bench_run(t, &p);
	ck_assert_uint_eq(bench_end(t)->cause, ETALON_HW_END_DONE);
	/* 5 ms to the run-in, 25 ms of it: the span lies between 30 and 130 ms, edges come from 60 ms on. */
	ck_assert_uint_eq(bench_end(t)->produced, 71);
	for (size_t n = 0; n < 71; n++)
		ck_assert_uint_eq(bench_point(t, n)->flags & ETALON_HW_POINT_RUN_IN, 0);
	bench_close(t);
}
END_TEST

START_TEST(a_source_clock_waits_until_the_source_has_settled)
{
	struct bench *t = bench_default();
	struct etalon_hw_program p = bench_program();
	uint64_t n;

	bench_gang(bench_axis(&p, STEP, ETALON_HW_FORWARD, 4), ERB1_H1, 0, 3000000000);
	p.point_clock = ETALON_HW_CLOCK_SOURCE;
	bench_run(t, &p);
	ck_assert_uint_eq(bench_end(t)->cause, ETALON_HW_END_DONE);
	for (n = 0; n < 4; n++)
		ck_assert_uint_eq(bench_point(t, n)->flags & ETALON_HW_POINT_UNSETTLED, 0);
	/* 1 V at 12 V/ms and 100 us */
	ck_assert_uint_ge(bench_point(t, 2)->tick - bench_point(t, 1)->tick, 18333);
	bench_close(t);
}
END_TEST

START_TEST(trigger_outputs_are_logged_and_point_pulses_counted)
{
	struct bench *t = bench_open(&(struct bench_options){.log = true});
	struct etalon_hw_program p = heater_program();
	json_t *line;
	long at = 0;
	int pulses = 0;

	p.output[0] = ETALON_HW_OUTPUT_AXIS_END;
	p.output[1] = ETALON_HW_OUTPUT_POINT;
	bench_run(t, &p);
	while ((line = bench_log_next(t, "trigger-out", &at))) {
		ck_assert_int_eq(json_integer_value(json_object_get(line, "output")), 0);
		ck_assert_int_eq(json_integer_value(json_object_get(line, "function")),
				 ETALON_HW_OUTPUT_AXIS_END);
		pulses++;
		json_decref(line);
	}
	ck_assert_int_eq(pulses, 3);
	at = 0;
	line = bench_log_next(t, "program-end", &at);
	ck_assert_int_eq(json_integer_value(json_array_get(json_object_get(line, "pulses"), 1)),
			 153);
	json_decref(line);
	bench_close(t);
}
END_TEST

static const struct {
	const char *parameters;
	uint32_t inputs, outputs;
} lines[] = {
	{"{}", 2, 2},
	{"{\"trigger_inputs\": 5, \"trigger_outputs\": 1}", 5, 1},
	{"{\"trigger_inputs\": 0, \"trigger_outputs\": 0}", 0, 0},
};

START_TEST(a_board_has_the_trigger_lines_that_are_set_and_refuses_others)
{
	const uint32_t inputs = lines[_i].inputs, outputs = lines[_i].outputs;
	struct bench *t = bench_open(&(struct bench_options){.parameters = lines[_i].parameters});
	struct etalon_hw_program p = heater_program();

	ck_assert_uint_eq(board_description(t->b)->trigger_inputs, inputs);
	ck_assert_uint_eq(board_description(t->b)->trigger_outputs, outputs);
	p.start_source = ETALON_HW_START_EDGE;
	for (p.start_input = 0; p.start_input <= inputs; p.start_input++)
		ck_assert_uint_eq(bench_load(t, &p), p.start_input < inputs
							     ? ETALON_HW_RESULT_OK
							     : ETALON_HW_REFUSED_PROGRAM);
	p.start_source = ETALON_HW_START_SOFTWARE;
	p.start_input = 0;
	for (uint32_t i = 0; i < ARRAY_SIZE(p.output); i++) {
		p.output[i] = ETALON_HW_OUTPUT_POINT;
		ck_assert_uint_eq(bench_load(t, &p),
				  i < outputs ? ETALON_HW_RESULT_OK : ETALON_HW_REFUSED_PROGRAM);
		if (i >= outputs)
			ck_assert_uint_eq(rd(t, ETALON_REG_RESULT_DETAIL),
					  offsetof(struct etalon_hw_program, output) + i);
		p.output[i] = ETALON_HW_OUTPUT_LOW;
	}
	bench_close(t);
}
END_TEST

/* The last input of many, to which an edge comes. */
START_TEST(an_edge_on_a_further_input_starts_a_program)
{
	struct bench *t = bench_open(&(struct bench_options){
		.speed_max = true, .parameters = "{\"trigger_inputs\": 8}"});
	struct etalon_hw_program p = heater_program();

	p.start_source = ETALON_HW_START_EDGE;
	p.start_input = 7;
	ck_assert_uint_eq(bench_load(t, &p), ETALON_HW_RESULT_OK);
	ck_assert_uint_eq(command(t, ETALON_HW_COMMAND_START), ETALON_HW_RESULT_OK);
	bench_pass(t, 10 * MS);
	ck_assert_uint_eq(rd(t, ETALON_REG_SEQUENCER), ETALON_HW_SEQUENCER_WAITING);
	bench_fault(t, "{\"fault\": \"trigger-edge\", \"input\": 7}");
	bench_pass(t, 10 * MS);
	ck_assert_uint_ne(rd(t, ETALON_REG_SEQUENCER), ETALON_HW_SEQUENCER_WAITING);
	bench_close(t);
}
END_TEST

/* ---- WAIT ---- */

static struct etalon_hw_program tec_program(uint64_t timeout_ns)
{
	struct etalon_hw_program p = bench_program();
	struct etalon_hw_axis *a = bench_axis(&p, WAIT, ETALON_HW_FORWARD, 2);

	bench_gang(a, ERB1_TEC1, 298150000, 299150000);
	a->wait_window = 15000; /* uK */
	a->wait_hold_ns = 2000 * MS;
	a->wait_slope = 5000;
	a->wait_timeout_ns = timeout_ns;
	p.detector[0] = (struct etalon_hw_program_detector){.detector = ERB1_TEC1_T};
	bench_axis(&p, STEP, ETALON_HW_FORWARD, 3);
	return p;
}

START_TEST(a_wait_axis_holds_the_points_back_until_it_has_settled)
{
	struct bench *t = bench_open(&(struct bench_options){.speed_max = true, .seed = 5});
	struct etalon_hw_program p = tec_program(300000 * MS);

	ck_assert_uint_eq(bench_load(t, &p), ETALON_HW_RESULT_OK);
	ck_assert_uint_ne(rd(t, ETALON_REG_STATUS_BITS) & ETALON_HW_STATUS_DURATION_IS_BOUND, 0);
	ck_assert_uint_ge(rd64(t, ETALON_REG_PROGRAM_DURATION_NS), 4000 * MS);
	bench_run(t, &p);
	ck_assert_uint_eq(bench_end(t)->cause, ETALON_HW_END_DONE);
	ck_assert_uint_eq(bench_end(t)->produced, 6);
	ck_assert_uint_ge((bench_end(t)->tick - bench_start(t)->tick) * 10,
			  bench_start(t)->duration_ns);
	for (size_t n = 0; n < 6; n++) {
		const struct etalon_hw_record_point *r = bench_point(t, n);
		const double read_uk = r->sample[0].mean_q8 / 256.0 * 100 + 298150000;

		ck_assert_double_eq_tol(read_uk, r->index[0] ? 299150000 : 298150000, 25000);
		ck_assert_uint_eq(r->flags & ETALON_HW_POINT_UNSETTLED, 0);
	}
	/* 1 K to 15 mK takes 4.2 time constants of 8 s, and the hold. */
	ck_assert_uint_gt(bench_point(t, 3)->tick - bench_point(t, 2)->tick, 32ULL * 100000000);
	ck_assert_uint_lt(bench_point(t, 3)->tick - bench_point(t, 2)->tick, 80ULL * 100000000);
	bench_close(t);
}
END_TEST

START_TEST(a_wait_that_takes_too_long_ends_the_program)
{
	struct bench *t = bench_open(&(struct bench_options){.speed_max = _i & 1});
	struct etalon_hw_program p = tec_program(20000 * MS);

	if (_i & 2)
		bench_fault(t, "{\"fault\": \"tec-never-settles\"}");
	bench_run(t, &p);
	ck_assert_uint_eq(bench_end(t)->cause, ETALON_HW_END_WAIT_TIMEOUT);
	ck_assert_uint_eq(bench_end(t)->produced,
			  _i & 2 ? 0 : 3); /* the first setpoint is where it is already */
	bench_close(t);
}
END_TEST

START_TEST(slow_detectors_say_when_they_are_stale)
{
	struct bench *t = bench_default();
	struct etalon_hw_program p = bench_program();
	size_t fresh = 0, values = 0;

	bench_axis(&p, STEP, ETALON_HW_FORWARD, 1000);
	p.detector[0] = (struct etalon_hw_program_detector){.detector = ERB1_TEC1_T};
	p.period_ns = MS;
	p.delay_ns = 0;
	p.aperture_ns = MS;
	bench_run(t, &p);
	for (size_t n = 0; n < 1000; n++) {
		fresh += !(bench_point(t, n)->sample[0].flags & ETALON_HW_SAMPLE_STALE);
		values += n && bench_point(t, n)->sample[0].mean_q8 !=
				       bench_point(t, n - 1)->sample[0].mean_q8;
	}
	ck_assert_uint_ge(fresh, 9);
	ck_assert_uint_le(fresh, 11);
	ck_assert_uint_ge(values, 8);
	ck_assert_uint_le(values, 10);
	bench_close(t);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sequencer events");
	TCase *c = tcase_create("events");

	tcase_set_timeout(c, 120);
	tcase_add_loop_test(c, a_comparator_acts_on_the_board, 0, ARRAY_SIZE(comparators));
	tcase_add_test(c, a_trip_comparator_that_finds_nothing_armed_ends_the_program_all_the_same);
	tcase_add_test(c, the_gravest_of_several_comparators_wins);
	tcase_add_loop_test(c, a_program_waits_for_its_start_edge, 0, 2);
	tcase_add_loop_test(c, a_start_edge_that_never_comes_times_out_or_is_stopped, 0, 2);
	tcase_add_loop_test(c, points_follow_the_clock_edges_and_early_or_missed_ones_are_counted,
			    0, 2 * ARRAY_SIZE(clocks));
	tcase_add_test(c, a_clock_that_stops_ends_the_program);
	tcase_add_test(c, a_ramp_by_edges_ends_with_the_ramp);
	tcase_add_test(c, a_source_clock_waits_until_the_source_has_settled);
	tcase_add_test(c, trigger_outputs_are_logged_and_point_pulses_counted);
	tcase_add_loop_test(c, a_board_has_the_trigger_lines_that_are_set_and_refuses_others, 0,
			    ARRAY_SIZE(lines));
	tcase_add_test(c, an_edge_on_a_further_input_starts_a_program);
	tcase_add_test(c, a_wait_axis_holds_the_points_back_until_it_has_settled);
	tcase_add_loop_test(c, a_wait_that_takes_too_long_ends_the_program, 0, 4);
	tcase_add_test(c, slow_detectors_say_when_they_are_stale);
	suite_add_tcase(s, c);
	return run_suite(s);
}
