// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * When things happen in a program: the duration stated before start is END - START, setpoints
 * are where the contract says at each aperture, settling and run-in are kept and flagged.
 */
#include "board_bench.h"

#define STEP ETALON_HW_MODE_STEP
#define RAMP ETALON_HW_MODE_RAMP

typedef void make_program(struct etalon_hw_program *p);

static void repeat(struct etalon_hw_program *p)
{
	bench_axis(p, STEP, ETALON_HW_FORWARD, 100);
}

static void step(struct etalon_hw_program *p)
{
	bench_gang(bench_axis(p, STEP, ETALON_HW_FORWARD, 21), ERB1_H1, 0, 4000000000);
}

/* 10 nm steps take the laser 100 ms each: it lags behind a period of 50 ms. */
static void step_lags(struct etalon_hw_program *p)
{
	bench_gang(bench_axis(p, STEP, ETALON_HW_UP_DOWN, 4), ERB1_LASER_WAVELENGTH, 1540000000,
		   1570000000);
	p->period_ns = 50 * MS;
}

static void lagging_passes(struct etalon_hw_program *p)
{
	bench_axis(p, STEP, ETALON_HW_FORWARD, 3);
	bench_gang(bench_axis(p, STEP, ETALON_HW_FORWARD, 4), ERB1_LASER_WAVELENGTH, 1540000000,
		   1570000000);
	p->period_ns = 50 * MS;
}

static void ramp(struct etalon_hw_program *p)
{
	bench_gang(bench_axis(p, RAMP, ETALON_HW_FORWARD, 501), ERB1_LASER_WAVELENGTH, 1550000000,
		   1551000000);
}

static void ramp_reverse(struct etalon_hw_program *p)
{
	bench_gang(bench_axis(p, RAMP, ETALON_HW_REVERSE, 501), ERB1_LASER_WAVELENGTH, 1550000000,
		   1551000000);
}

static void ramp_down(struct etalon_hw_program *p)
{
	bench_gang(bench_axis(p, RAMP, ETALON_HW_FORWARD, 501), ERB1_LASER_WAVELENGTH, 1551000000,
		   1550000000);
}

static void ramp_slow(struct etalon_hw_program *p)
{
	/* 0.5 nm/s, apertures longer than the run-in */
	bench_gang(bench_axis(p, RAMP, ETALON_HW_FORWARD, 3), ERB1_LASER_WAVELENGTH, 1550000000,
		   1550500000);
	p->period_ns = 500 * MS;
	p->delay_ns = 0;
	p->aperture_ns = 500 * MS;
}

static void ramp_up_down(struct etalon_hw_program *p)
{
	bench_axis(p, STEP, ETALON_HW_FORWARD, 3);
	bench_gang(bench_axis(p, RAMP, ETALON_HW_UP_DOWN, 501), ERB1_LASER_WAVELENGTH, 1550000000,
		   1551000000);
}

static void ramp_serpentine(struct etalon_hw_program *p)
{
	bench_gang(bench_axis(p, STEP, ETALON_HW_SERPENTINE, 4), ERB1_H1, 0, 3000000000);
	bench_gang(bench_axis(p, RAMP, ETALON_HW_SERPENTINE, 501), ERB1_LASER_WAVELENGTH,
		   1550000000, 1551000000);
}

static void ramp_gang(struct etalon_hw_program *p)
{
	struct etalon_hw_axis *a = bench_axis(p, RAMP, ETALON_HW_SERPENTINE, 501);

	bench_gang(a, ERB1_LASER_WAVELENGTH, 1550000000, 1551000000);
	bench_gang(a, ERB1_H1 + 3, 4000000000, 2000000000);
}

static void three_axes(struct etalon_hw_program *p)
{
	bench_gang(bench_axis(p, STEP, ETALON_HW_FORWARD, 2), ERB1_TEC1, 298150000, 299150000);
	bench_gang(bench_axis(p, STEP, ETALON_HW_REVERSE, 3), ERB1_BIAS1, -2000000000, 0);
	bench_gang(bench_axis(p, STEP, ETALON_HW_SERPENTINE, 5), ERB1_POS_X, -1000, 1000);
	p->axis[1].settle_ns = 3 * MS;
	p->axis[0].settle_ns = 1;
}

static void list(struct etalon_hw_program *p)
{
	struct etalon_hw_axis *a = bench_axis(p, STEP, ETALON_HW_FORWARD, 5);

	bench_gang(a, ERB1_H1, 0, 0);
	bench_gang(a, ERB1_POS_Y, 0, 0);
	a->shape = ETALON_HW_AXIS_LIST;
	a->gang[0].list = 0;
	a->gang[1].list = 1;
	bench_gang(bench_axis(p, RAMP, ETALON_HW_FORWARD, 101), ERB1_LASER_WAVELENGTH, 1550000000,
		   1550200000);
}

static void odd_times(struct etalon_hw_program *p)
{
	bench_gang(bench_axis(p, RAMP, ETALON_HW_FORWARD, 333), ERB1_LASER_WAVELENGTH, 1550000000,
		   1550777700);
	p->period_ns = 123457;
	p->delay_ns = 1001;
	p->aperture_ns = 33333;
}

static void gate_open(struct etalon_hw_program *p)
{
	ramp(p);
	p->gate = ETALON_HW_GATE_OPEN;
	p->flags = ETALON_HW_PROGRAM_NEEDS_EMISSION;
}

static void gate_shut(struct etalon_hw_program *p)
{
	repeat(p);
	p->gate = ETALON_HW_GATE_SHUT;
	p->flags = ETALON_HW_PROGRAM_NEEDS_EMISSION;
}

static void gate_axis(struct etalon_hw_program *p)
{
	bench_gang(bench_axis(p, STEP, ETALON_HW_FORWARD, 2), ERB1_GATE, 0, 1);
	bench_gang(bench_axis(p, RAMP, ETALON_HW_FORWARD, 501), ERB1_LASER_WAVELENGTH, 1550000000,
		   1551000000);
}

static void other_range(struct etalon_hw_program *p)
{
	repeat(p);
	p->detector[0].range = 3;
}

static make_program *const programs[] = {
	repeat,	   step,      step_lags,    lagging_passes,  ramp,	ramp_reverse,
	ramp_down, ramp_slow, ramp_up_down, ramp_serpentine, ramp_gang, three_axes,
	list,	   odd_times, gate_open,    gate_shut,	     gate_axis, other_range,
};

static void upload_lists(struct bench *t)
{
	static const int64_t heater[] = {0, 3000000000, 200000, 5000000000, 1000000000};
	static const int64_t position[] = {0, -30000, 30000, 1, 0};

	bench_upload(t, ETALON_HW_UPLOAD_LIST, 0, heater, sizeof(heater));
	bench_upload(t, ETALON_HW_UPLOAD_LIST, 1, position, sizeof(position));
}

/* From wherever the sources are and were going: each program runs twice. */
START_TEST(the_duration_stated_before_start_is_end_minus_start)
{
	struct bench *t = bench_open(&(struct bench_options){.speed_max = _i & 1});
	struct etalon_hw_program p = bench_program();

	programs[_i / 2](&p);
	upload_lists(t);
	bench_emit(t);
	for (int run = 0; run < 2; run++) {
		const struct etalon_hw_record_start *start;
		const struct etalon_hw_record_end *end;
		uint64_t before, ticks;

		set_source(t, ERB1_LASER_WAVELENGTH, 1549000000 + 3000000 * run);
		bench_pass(t, 3 * MS); /* still on its way */
		ck_assert_uint_eq(bench_load(t, &p), ETALON_HW_RESULT_OK);
		before = rd64(t, ETALON_REG_PROGRAM_DURATION_NS);
		ck_assert_uint_eq(
			rd(t, ETALON_REG_STATUS_BITS) & ETALON_HW_STATUS_DURATION_IS_BOUND, 0);
		bench_run(t, &p);
		start = bench_start(t);
		end = bench_end(t);
		ticks = end->tick - start->tick;
		ck_assert_uint_eq(end->cause, ETALON_HW_END_DONE);
		ck_assert_uint_eq(end->produced, rd64(t, ETALON_REG_PROGRAM_POINTS));
		ck_assert_uint_eq(start->duration_ns, before);
		ck_assert_uint_eq(ticks, start->duration_ns / 10);
	}
	bench_close(t);
}
END_TEST

START_TEST(the_duration_in_delay_tells_what_is_left_of_it)
{
	struct bench *t = bench_default();
	struct etalon_hw_program p = bench_program();
	uint64_t emitting, delay;

	ramp(&p);
	p.flags = ETALON_HW_PROGRAM_NEEDS_EMISSION;
	ck_assert_uint_eq(bench_load(t, &p), ETALON_HW_RESULT_OK);
	emitting = rd64(t, ETALON_REG_PROGRAM_DURATION_NS);
	bench_arm(t, 250);
	command(t, ETALON_HW_COMMAND_EMIT);
	t->kicks = true;
	bench_pass(t, 1000 * MS);
	delay = rd64(t, ETALON_REG_PROGRAM_DURATION_NS);
	ck_assert_uint_eq(delay - emitting, 2000 * MS);
	bench_close(t);
}
END_TEST

/* The wavelength log, without noise, reads the setpoint of each point: minus what its own delay makes. */
START_TEST(a_ramp_passes_each_setpoint_at_the_centre_of_its_aperture)
{
	static make_program *const ramps[] = {ramp, ramp_reverse, ramp_down, ramp_serpentine,
					      odd_times};
	struct bench *t = bench_open(&(struct bench_options){
		.disabled = "jitter,tuning,wlog-noise,wlog-sweep,wlog-systematic"});
	struct etalon_hw_program p = bench_program();
	const struct etalon_hw_axis *a;
	double speed, delay_fm;

	p.detector[0] = (struct etalon_hw_program_detector){.detector = ERB1_WLOG};
	ramps[_i](&p);
	bench_emit(t);
	bench_run(t, &p);
	a = &p.axis[p.axis_count - 1];
	speed = fabs((double)(a->gang[0].stop - a->gang[0].start)) / (double)(a->points - 1) /
		(double)p.period_ns;
	delay_fm = speed / (2 * M_PI * 1e6) * 1e9;
	for (size_t n = 0; n < bench_end(t)->produced; n++) {
		const struct etalon_hw_record_point *r = bench_point(t, n);
		const double read = r->sample[0].mean_q8 / 256.0 * 100 + 1560000000;
		const int64_t setpoint = etalon_hw_setpoint(a->gang[0].start, a->gang[0].stop,
							    a->points, r->index[p.axis_count - 1]);
		const bool falls = (a->gang[0].stop < a->gang[0].start) !=
				   !!(r->flags & ETALON_HW_POINT_REVERSE);

		ck_assert_double_eq_tol(read - (double)setpoint, falls ? delay_fm : -delay_fm, 0.5);
		ck_assert_uint_eq(r->flags & ~(uint32_t)ETALON_HW_POINT_REVERSE,
				  ETALON_HW_POINT_GATE_CLOSED);
	}
	bench_close(t);
}
END_TEST

START_TEST(apertures_start_delay_after_setpoint_and_a_period_apart)
{
	struct bench *t = bench_default();
	struct etalon_hw_program p = bench_program();

	step(&p);
	bench_run(t, &p);
	/* 0 V to 0 V: the heater only settles, 100 us; then the delay. */
	ck_assert_uint_eq(bench_point(t, 0)->tick - bench_start(t)->tick, (100000 + 10000) / 10);
	for (size_t n = 1; n < 21; n++)
		ck_assert_uint_eq(bench_point(t, n)->tick - bench_point(t, n - 1)->tick,
				  100000 / 10);
	ck_assert_uint_eq(bench_point(t, 0)->aperture_ticks, 4000);
	ck_assert_uint_eq(bench_point(t, 0)->conversions, 40);
	bench_close(t);
}
END_TEST

START_TEST(points_taken_before_a_source_has_settled_say_so)
{
	struct bench *t = bench_default();
	struct etalon_hw_program p = bench_program();

	/* Heater steps of 1 V take 83 us at 12 V/ms and settle in 100 us; the first of a pass waits. */
	bench_gang(bench_axis(&p, STEP, ETALON_HW_FORWARD, 4), ERB1_H1, 0, 3000000000);
	bench_run(t, &p);
	for (size_t n = 0; n < 4; n++)
		ck_assert_int_eq(!!(bench_point(t, n)->flags & ETALON_HW_POINT_UNSETTLED), n > 0);
	p.period_ns = 500000;
	p.delay_ns = 200000;
	bench_run(t, &p);
	for (size_t n = 0; n < 4; n++)
		ck_assert_uint_eq(bench_point(t, n)->flags & ETALON_HW_POINT_UNSETTLED, 0);
	bench_close(t);
}
END_TEST

START_TEST(apertures_that_reach_into_the_run_in_say_so)
{
	struct bench *t = bench_default();
	struct etalon_hw_program p = bench_program();

	ramp_slow(&p);
	bench_run(t, &p);
	/* run-in 0.18 s, half an aperture 0.25 s: the first and the last reach outside. */
	ck_assert_uint_ne(bench_point(t, 0)->flags & ETALON_HW_POINT_RUN_IN, 0);
	ck_assert_uint_eq(bench_point(t, 1)->flags & ETALON_HW_POINT_RUN_IN, 0);
	ck_assert_uint_ne(bench_point(t, 2)->flags & ETALON_HW_POINT_RUN_IN, 0);
	bench_close(t);
}
END_TEST

START_TEST(the_gate_is_open_from_the_first_point_to_the_last_and_shut_at_end)
{
	struct bench *t = bench_default();
	struct etalon_hw_program p = bench_program();

	gate_open(&p);
	bench_emit(t);
	bench_run(t, &p);
	for (size_t n = 0; n < bench_end(t)->produced; n++)
		ck_assert_uint_eq(bench_point(t, n)->flags, 0);
	ck_assert_uint_eq(rd(t, ETALON_REG_STATUS_BITS) & ETALON_HW_STATUS_GATE_OPEN, 0);
	ck_assert_uint_eq(rd(t, ETALON_REG_STATE), ETALON_HW_STATE_EMITTING);
	set_source(t, ERB1_GATE, 1);
	bench_pass(t, MS);
	p = bench_program();
	gate_shut(&p);
	bench_run(t, &p);
	for (size_t n = 0; n < bench_end(t)->produced; n++)
		ck_assert_uint_eq(bench_point(t, n)->flags, ETALON_HW_POINT_GATE_CLOSED);
	bench_close(t);
}
END_TEST

START_TEST(a_gate_on_an_axis_alternates_dark_and_light)
{
	struct bench *t = bench_open(&(struct bench_options){.device = "straight"});
	struct etalon_hw_program p = bench_program();

	gate_axis(&p);
	bench_emit(t);
	bench_run(t, &p);
	for (size_t n = 0; n < 1002; n++) {
		const struct etalon_hw_record_point *r = bench_point(t, n);

		ck_assert_int_eq(!!(r->flags & ETALON_HW_POINT_GATE_CLOSED), r->index[0] == 0);
		if (r->index[0])
			ck_assert_int_gt(r->sample[0].mean_q8, 100 * 256);
		else
			ck_assert_int_lt(r->sample[0].mean_q8, 20 * 256);
	}
	bench_close(t);
}
END_TEST

START_TEST(at_the_end_sources_stay_at_their_last_setpoint)
{
	struct bench *t = bench_default();
	struct etalon_hw_program p = bench_program();
	const uint32_t wavelength = ETALON_REG_SOURCE(ERB1_LASER_WAVELENGTH);

	ramp_serpentine(&p);
	bench_run(t, &p);
	bench_pass(t, 100 * MS);
	ck_assert_uint_eq(rd64(t, wavelength + ETALON_SOURCE_SETPOINT),
			  1550000000); /* 4th pass runs back */
	ck_assert_uint_eq(rd64(t, wavelength + ETALON_SOURCE_ACTUAL), 1550000000);
	ck_assert_uint_eq(rd64(t, ETALON_REG_SOURCE(ERB1_H1) + ETALON_SOURCE_ACTUAL), 3000000000);
	bench_close(t);
}
END_TEST

/* The dark after a ramp that has just ended; what it measures. */
static struct bench *dark_after_ramp(uint64_t pause_ns)
{
	struct bench *t = bench_open(&(struct bench_options){.seed = 1});
	struct etalon_hw_program p = bench_program(), dark = bench_program();

	bench_emit(t);
	ramp(&p);
	ck_assert_uint_eq(bench_load(t, &p), ETALON_HW_RESULT_OK);
	ck_assert_uint_eq(command(t, ETALON_HW_COMMAND_START), ETALON_HW_RESULT_OK);
	while (rd(t, ETALON_REG_SEQUENCER) != ETALON_HW_SEQUENCER_ENDED)
		bench_pass(t, 10 * NSEC_PER_USEC);
	bench_pass(t, pause_ns);
	repeat(&dark);
	dark.gate = ETALON_HW_GATE_SHUT;
	dark.detector[0] = (struct etalon_hw_program_detector){.detector = ERB1_WLOG};
	bench_run(t, &dark);
	return t;
}

START_TEST(what_follows_a_ramp_does_not_depend_on_how_soon)
{
	struct bench *at_once = dark_after_ramp(0), *later = dark_after_ramp(500 * MS);

	for (size_t n = 0; n < 100; n++)
		ck_assert_mem_eq(bench_point(at_once, n)->sample, bench_point(later, n)->sample,
				 sizeof(struct etalon_hw_sample));
	bench_close(at_once);
	bench_close(later);
}
END_TEST

START_TEST(a_very_long_program_states_a_lower_bound_at_once)
{
	struct bench *t = bench_default();
	struct etalon_hw_program p = bench_program();

	bench_axis(&p, STEP, ETALON_HW_FORWARD, 1000000);
	bench_gang(bench_axis(&p, STEP, ETALON_HW_FORWARD, 1000000), ERB1_POS_X, 0, 0);
	ck_assert_uint_eq(bench_load(t, &p), ETALON_HW_RESULT_OK);
	ck_assert_uint_ne(rd(t, ETALON_REG_STATUS_BITS) & ETALON_HW_STATUS_DURATION_IS_BOUND, 0);
	ck_assert_uint_ge(rd64(t, ETALON_REG_PROGRAM_DURATION_NS), 100000000000000000ULL);
	ck_assert_uint_eq(rd64(t, ETALON_REG_PROGRAM_POINTS), 1000000000000ULL);
	bench_close(t);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sequencer time");
	TCase *c = tcase_create("time");

	tcase_set_timeout(c, 120);
	tcase_add_loop_test(c, the_duration_stated_before_start_is_end_minus_start, 0,
			    2 * ARRAY_SIZE(programs));
	tcase_add_test(c, the_duration_in_delay_tells_what_is_left_of_it);
	tcase_add_loop_test(c, a_ramp_passes_each_setpoint_at_the_centre_of_its_aperture, 0, 5);
	tcase_add_test(c, apertures_start_delay_after_setpoint_and_a_period_apart);
	tcase_add_test(c, points_taken_before_a_source_has_settled_say_so);
	tcase_add_test(c, apertures_that_reach_into_the_run_in_say_so);
	tcase_add_test(c, the_gate_is_open_from_the_first_point_to_the_last_and_shut_at_end);
	tcase_add_test(c, a_gate_on_an_axis_alternates_dark_and_light);
	tcase_add_test(c, at_the_end_sources_stay_at_their_last_setpoint);
	tcase_add_test(c, what_follows_a_ramp_does_not_depend_on_how_soon);
	tcase_add_test(c, a_very_long_program_states_a_lower_bound_at_once);
	suite_add_tcase(s, c);
	return run_suite(s);
}
