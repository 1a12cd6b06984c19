// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Every reason for which a program is refused, with what the RESULT registers tell about it.
 */
#include "board_bench.h"

/* Good: axis 0 a heater in steps, axis 1 the wavelength in a ramp of 20 nm/s. */
static struct etalon_hw_program good(void)
{
	struct etalon_hw_program p = bench_program();

	bench_gang(bench_axis(&p, ETALON_HW_MODE_STEP, ETALON_HW_FORWARD, 3), ERB1_H1, 0,
		   4000000000);
	bench_gang(bench_axis(&p, ETALON_HW_MODE_RAMP, ETALON_HW_FORWARD, 1001),
		   ERB1_LASER_WAVELENGTH, 1550000000, 1552000000);
	return p;
}

#define AT(member) offsetof(struct etalon_hw_program, member)
#define CASE(name) static void name(struct etalon_hw_program *p)

// clang-format off
CASE(magic) { p->magic++; }
CASE(size) { p->size--; }
CASE(generation) { p->generation = 0; }
CASE(flags) { p->flags = 1U << 7; }
CASE(no_axis) { p->axis_count = 0; }
CASE(four_axes) { p->axis_count = 4; }
CASE(no_detector) { p->detector_count = 0; }
CASE(many_detectors) { p->detector_count = 33; }
CASE(gate) { p->gate = 3; }
CASE(start_source) { p->start_source = 2; }
CASE(start_input) { p->start_source = ETALON_HW_START_EDGE; p->start_input = 2; }
CASE(point_clock) { p->point_clock = 3; }
CASE(clock_input) { p->point_clock = ETALON_HW_CLOCK_EDGE; p->clock_input = 2; }
CASE(output) { p->output[1] = 7; }
CASE(reserved) { p->reserved[2] = 1; }
CASE(no_points) { p->axis[0].points = 0; }
CASE(too_many_points) { p->axis[0].points = 0x80000000U; }
CASE(shape) { p->axis[0].shape = 3; }
CASE(mode) { p->axis[0].mode = 3; }
CASE(direction) { p->axis[0].direction = 4; }
CASE(gang_count) { p->axis[0].gang_count = 5; }
CASE(same_source) { p->axis[0].gang[0].source = ERB1_LASER_WAVELENGTH; p->axis[0].gang[0].start = 1550000000;
	p->axis[0].gang[0].stop = 1550000000; }
CASE(same_detector) { p->detector_count = 2; p->detector[1] = p->detector[0]; }
CASE(ramp_of_one) { p->axis[1].points = 1; }
CASE(endless) { p->axis[0].points = 0x7fffffff; p->axis[1].mode = ETALON_HW_MODE_STEP; p->axis[1].points = 0x7fffffff; }
CASE(wait_window) { p->axis[0].mode = ETALON_HW_MODE_WAIT; p->axis[0].wait_slope = 1; p->axis[0].wait_timeout_ns = 9; }
CASE(wait_slope) { p->axis[0].mode = ETALON_HW_MODE_WAIT; p->axis[0].wait_window = 1; p->axis[0].wait_timeout_ns = 9; }
CASE(wait_timeout) { p->axis[0].mode = ETALON_HW_MODE_WAIT; p->axis[0].wait_window = 1; p->axis[0].wait_slope = 1;
	p->axis[0].wait_hold_ns = 10; p->axis[0].wait_timeout_ns = 9; }
CASE(pulse) { p->axis[0].mode = ETALON_HW_MODE_PULSE; }
CASE(pulse_base_aperture) { p->pulse_base_aperture_ns = 20000; }
CASE(at_base) { p->detector[0].at_base = 1; }
CASE(ramp_outside) { p->axis[0].mode = ETALON_HW_MODE_RAMP; }
CASE(ramp_of_list) { p->axis[1].shape = ETALON_HW_AXIS_LIST; }
CASE(no_such_mode) { p->axis[0].mode = ETALON_HW_MODE_WAIT; p->axis[0].wait_window = 1; p->axis[0].wait_slope = 1;
	p->axis[0].wait_timeout_ns = 9; }
CASE(source) { p->axis[0].gang[0].source = ERB1_SOURCES; }
CASE(detector) { p->detector[0].detector = ERB1_DETECTORS; }
CASE(range) { p->detector[0].range = 4; }
CASE(list_missing) { p->axis[0].shape = ETALON_HW_AXIS_LIST; p->axis[0].gang[0].list = 1; }
CASE(list_length) { p->axis[0].shape = ETALON_HW_AXIS_LIST; p->axis[0].points = 4; }
CASE(list_number) { p->axis[0].shape = ETALON_HW_AXIS_LIST; p->axis[0].gang[0].list = 8; }
CASE(list_limit) { p->axis[0].shape = ETALON_HW_AXIS_LIST; p->axis[0].gang[0].list = 2; }
CASE(list_grid) { p->axis[0].shape = ETALON_HW_AXIS_LIST; p->axis[0].gang[0].list = 3; }
CASE(limit_low) { p->axis[0].gang[0].start = -200000; }
CASE(limit_high) { p->axis[0].gang[0].stop = 12000200000; }
CASE(extreme) { p->axis[0].gang[0].start = INT64_MIN; p->axis[0].gang[0].stop = INT64_MAX; }
CASE(run_in) { p->axis[1].gang[0].start = 1480000000; p->axis[1].gang[0].stop = 1482000000; }
CASE(run_out) { p->axis[1].gang[0].start = 1637600000; p->axis[1].gang[0].stop = 1639600000; }
CASE(grid) { p->axis[0].gang[0].stop = 4000100000; }
CASE(grid_between) { p->axis[0].points = 8; }
CASE(ramp_grid) { p->axis[1].gang[0].start = 1550000050; }
CASE(period) { p->period_ns = 9999; p->delay_ns = 0; p->aperture_ns = 5000; }
CASE(too_tight) { p->delay_ns = 60001; }
CASE(too_long) { p->period_ns = 40000000001ULL; }
CASE(delay_overflow) { p->delay_ns = UINT64_MAX; }
CASE(aperture) { p->aperture_ns = 1999; }
CASE(aperture_of_range) { p->detector[0].detector = ERB1_IPD1; p->detector[0].range = 3; }
CASE(slow) { p->axis[1].points = 100001; }
CASE(fast) { p->axis[1].points = 101; }
CASE(comparator_kind) { p->comparator[1].kind = 4; }
CASE(comparator_action) { p->comparator[1].kind = 1; p->comparator[1].action = 4; }
CASE(comparator_detector) { p->comparator[1].kind = 1; p->comparator[1].detector = ERB1_DETECTORS; }
CASE(comparator_falls) { p->comparator[1].kind = ETALON_HW_COMPARATOR_FALLS; p->comparator[1].threshold = 1000000; }
// clang-format on

#define AXIS(n, member) \
	(AT(axis) + (n) * sizeof(struct etalon_hw_axis) + offsetof(struct etalon_hw_axis, member))
#define COMPARATOR(n, member)                                         \
	(AT(comparator) + (n) * sizeof(struct etalon_hw_comparator) + \
	 offsetof(struct etalon_hw_comparator, member))

static const struct {
	void (*spoil)(struct etalon_hw_program *p);
	uint32_t result;
	size_t detail;
	int64_t low, high;
} refusals[] = {
	{magic, ETALON_HW_REFUSED_PROGRAM, AT(magic), 0, 0},
	{size, ETALON_HW_REFUSED_PROGRAM, AT(size), 0, 0},
	{generation, ETALON_HW_REFUSED_PROGRAM, AT(generation), 0, 0},
	{flags, ETALON_HW_REFUSED_PROGRAM, AT(flags), 0, 0},
	{no_axis, ETALON_HW_REFUSED_PROGRAM, AT(axis_count), 0, 0},
	{four_axes, ETALON_HW_REFUSED_PROGRAM, AT(axis_count), 0, 0},
	{no_detector, ETALON_HW_REFUSED_PROGRAM, AT(detector_count), 0, 0},
	{many_detectors, ETALON_HW_REFUSED_PROGRAM, AT(detector_count), 0, 0},
	{gate, ETALON_HW_REFUSED_PROGRAM, AT(gate), 0, 0},
	{start_source, ETALON_HW_REFUSED_PROGRAM, AT(start_source), 0, 0},
	{start_input, ETALON_HW_REFUSED_PROGRAM, AT(start_input), 0, 0},
	{point_clock, ETALON_HW_REFUSED_PROGRAM, AT(point_clock), 0, 0},
	{clock_input, ETALON_HW_REFUSED_PROGRAM, AT(clock_input), 0, 0},
	{output, ETALON_HW_REFUSED_PROGRAM, AT(output) + 1, 0, 0},
	{reserved, ETALON_HW_REFUSED_PROGRAM, AT(reserved) + 16, 0, 0},
	{no_points, ETALON_HW_REFUSED_PROGRAM, AXIS(0, points), 0, 0},
	{too_many_points, ETALON_HW_REFUSED_PROGRAM, AXIS(0, points), 0, 0},
	{shape, ETALON_HW_REFUSED_PROGRAM, AXIS(0, shape), 0, 0},
	{mode, ETALON_HW_REFUSED_PROGRAM, AXIS(0, mode), 0, 0},
	{direction, ETALON_HW_REFUSED_PROGRAM, AXIS(0, direction), 0, 0},
	{gang_count, ETALON_HW_REFUSED_PROGRAM, AXIS(0, gang_count), 0, 0},
	{same_source, ETALON_HW_REFUSED_PROGRAM, AXIS(1, gang), 0, 0},
	{same_detector, ETALON_HW_REFUSED_PROGRAM, AT(detector) + 8, 0, 0},
	{ramp_of_one, ETALON_HW_REFUSED_PROGRAM, AXIS(1, points), 0, 0},
	{endless, ETALON_HW_REFUSED_PROGRAM, AXIS(0, points), 0, 0},
	{wait_window, ETALON_HW_REFUSED_PROGRAM, AXIS(0, wait_window), 0, 0},
	{wait_slope, ETALON_HW_REFUSED_PROGRAM, AXIS(0, wait_slope), 0, 0},
	{wait_timeout, ETALON_HW_REFUSED_PROGRAM, AXIS(0, wait_timeout_ns), 0, 0},
	{pulse, ETALON_HW_REFUSED_MODE, 0, 0, 0},
	{pulse_base_aperture, ETALON_HW_REFUSED_PROGRAM, AT(pulse_base_aperture_ns), 0, 0},
	{at_base, ETALON_HW_REFUSED_PROGRAM, AT(detector) + 3, 0, 0},
	{ramp_outside, ETALON_HW_REFUSED_MODE, 0, 0, 0},
	{ramp_of_list, ETALON_HW_REFUSED_MODE, 1, 0, 0},
	{no_such_mode, ETALON_HW_REFUSED_MODE, 0, 0, 0},
	{source, ETALON_HW_REFUSED_CHANNEL, ERB1_SOURCES, 0, ERB1_SOURCES - 1},
	{detector, ETALON_HW_REFUSED_CHANNEL, ERB1_DETECTORS, 0, ERB1_DETECTORS - 1},
	{range, ETALON_HW_REFUSED_CHANNEL, ERB1_PD1, 0, 3},
	{list_missing, ETALON_HW_REFUSED_LIST, 0, 3, 3},
	{list_length, ETALON_HW_REFUSED_LIST, 0, 4, 4},
	{list_number, ETALON_HW_REFUSED_PROGRAM, AXIS(0, gang) + 2, 0, 0},
	{list_limit, ETALON_HW_REFUSED_LIMIT, ERB1_H1, 0, 12000000000},
	{list_grid, ETALON_HW_REFUSED_RESOLUTION, ERB1_H1, 200000, 200000},
	{limit_low, ETALON_HW_REFUSED_LIMIT, ERB1_H1, 0, 12000000000},
	{limit_high, ETALON_HW_REFUSED_LIMIT, ERB1_H1, 0, 12000000000},
	{extreme, ETALON_HW_REFUSED_LIMIT, ERB1_H1, 0, 12000000000},
	{run_in, ETALON_HW_REFUSED_LIMIT, ERB1_LASER_WAVELENGTH, 1480500000, 1639500000},
	{run_out, ETALON_HW_REFUSED_LIMIT, ERB1_LASER_WAVELENGTH, 1480500000, 1639500000},
	{grid, ETALON_HW_REFUSED_RESOLUTION, ERB1_H1, 200000, 200000},
	{grid_between, ETALON_HW_REFUSED_RESOLUTION, ERB1_H1, 200000, 200000},
	{ramp_grid, ETALON_HW_REFUSED_RESOLUTION, ERB1_LASER_WAVELENGTH, 100, 100},
	{period, ETALON_HW_REFUSED_TIMING, 0, 10000, 40000000000},
	{too_tight, ETALON_HW_REFUSED_TIMING, 0, 100001, 40000000000},
	{too_long, ETALON_HW_REFUSED_TIMING, 0, 50000, 40000000000},
	{delay_overflow, ETALON_HW_REFUSED_TIMING, 0, 39999, 40000000000},
	{aperture, ETALON_HW_REFUSED_TIMING, 1, 2000, 40000000000},
	{aperture_of_range, ETALON_HW_REFUSED_TIMING, 1, 100000, 40000000000},
	{slow, ETALON_HW_REFUSED_SPEED, 1, 500000, 100000000},
	{fast, ETALON_HW_REFUSED_SPEED, 1, 500000, 100000000},
	{comparator_kind, ETALON_HW_REFUSED_PROGRAM, COMPARATOR(1, kind), 0, 0},
	{comparator_action, ETALON_HW_REFUSED_PROGRAM, COMPARATOR(1, action), 0, 0},
	{comparator_detector, ETALON_HW_REFUSED_CHANNEL, ERB1_DETECTORS, 0, ERB1_DETECTORS - 1},
	{comparator_falls, ETALON_HW_REFUSED_PROGRAM, COMPARATOR(1, threshold), 0, 0},
};

static void upload_lists(struct bench *t)
{
	static const int64_t lists[][3] = {
		[0] = {0, 200000, 400000}, /* good */
		[2] = {0, 200000, 12000200000}, /* beyond the limit */
		[3] = {0, 100000, 400000}, /* off the grid */
	};

	for (uint16_t i = 0; i < ARRAY_SIZE(lists); i++)
		if (i != 1)
			ck_assert_uint_eq(bench_upload(t, ETALON_HW_UPLOAD_LIST, i, lists[i],
						       sizeof(lists[i])),
					  ETALON_HW_RESULT_OK);
}

START_TEST(a_good_program_is_loaded)
{
	struct bench *t = bench_default();
	struct etalon_hw_program p = good();

	upload_lists(t);
	ck_assert_uint_eq(bench_load(t, &p), ETALON_HW_RESULT_OK);
	p.axis[0].shape = ETALON_HW_AXIS_LIST;
	ck_assert_uint_eq(bench_load(t, &p), ETALON_HW_RESULT_OK);
	ck_assert_uint_eq(rd(t, ETALON_REG_SEQUENCER), ETALON_HW_SEQUENCER_READY);
	bench_close(t);
}
END_TEST

START_TEST(a_bad_program_is_refused_with_the_reason)
{
	struct bench *t = bench_default();
	struct etalon_hw_program p = good();

	upload_lists(t);
	refusals[_i].spoil(&p);
	ck_assert_msg(bench_load(t, &p) == refusals[_i].result, "case %d: result %u, not %u", _i,
		      rd(t, ETALON_REG_RESULT), refusals[_i].result);
	ck_assert_msg(rd(t, ETALON_REG_RESULT_DETAIL) == refusals[_i].detail,
		      "case %d: detail %u, not %zu", _i, rd(t, ETALON_REG_RESULT_DETAIL),
		      refusals[_i].detail);
	ck_assert_int_eq((int64_t)rd64(t, ETALON_REG_RESULT_LOW), refusals[_i].low);
	ck_assert_int_eq((int64_t)rd64(t, ETALON_REG_RESULT_HIGH), refusals[_i].high);
	ck_assert_uint_eq(rd(t, ETALON_REG_SEQUENCER), ETALON_HW_SEQUENCER_IDLE);
	ck_assert_uint_eq(command(t, ETALON_HW_COMMAND_START), ETALON_HW_REFUSED_STATE);
	bench_close(t);
}
END_TEST

START_TEST(more_records_than_the_link_carries_are_refused)
{
	struct bench *t =
		bench_open(&(struct bench_options){.parameters = "{\"record_rate_max\": 9999}"});
	struct etalon_hw_program p = good();

	ck_assert_uint_eq(rd(t, ETALON_REG_RECORD_RATE_MAX), 9999);
	ck_assert_uint_eq(bench_load(t, &p), ETALON_HW_REFUSED_RATE); /* 10 000 a second */
	ck_assert_uint_eq(rd64(t, ETALON_REG_RESULT_HIGH), 9999);
	bench_close(t);
}
END_TEST

START_TEST(limits_bind_at_start_too)
{
	struct bench *t = bench_default();
	struct etalon_hw_program p = good();

	ck_assert_uint_eq(bench_load(t, &p), ETALON_HW_RESULT_OK);
	wr64(t, ETALON_REG_SOURCE(ERB1_H1) + ETALON_SOURCE_LIMIT_LOW, 0);
	wr64(t, ETALON_REG_SOURCE(ERB1_H1) + ETALON_SOURCE_LIMIT_HIGH, 3000000000);
	ck_assert_uint_eq(command(t, ETALON_HW_COMMAND_START), ETALON_HW_REFUSED_LIMIT);
	ck_assert_uint_eq(rd(t, ETALON_REG_RESULT_DETAIL), ERB1_H1);
	ck_assert_uint_eq(rd64(t, ETALON_REG_RESULT_HIGH), 3000000000);
	bench_close(t);
}
END_TEST

static void needs_emission(struct etalon_hw_program *p)
{
	p->flags = ETALON_HW_PROGRAM_NEEDS_EMISSION;
}

static void opens_gate(struct etalon_hw_program *p)
{
	p->gate = ETALON_HW_GATE_OPEN;
}

static void drives_gate(struct etalon_hw_program *p)
{
	p->axis[0].gang[0] = (struct etalon_hw_gang){.source = ERB1_GATE, .start = 0, .stop = 1};
	p->axis[0].points = 2;
}

static void drives_current(struct etalon_hw_program *p)
{
	p->axis[0].gang[0] =
		(struct etalon_hw_gang){.source = ERB1_LD1, .start = 0, .stop = 40000000000000};
}

START_TEST(a_program_that_makes_light_starts_in_emitting_only)
{
	static void (*const kinds[])(struct etalon_hw_program *) = {needs_emission, opens_gate,
								    drives_gate, drives_current};
	struct bench *t = bench_default();
	struct etalon_hw_program p = good();

	kinds[_i](&p);
	ck_assert_uint_eq(bench_load(t, &p), ETALON_HW_RESULT_OK);
	ck_assert_uint_eq(command(t, ETALON_HW_COMMAND_START), ETALON_HW_REFUSED_EMISSION);
	bench_arm(t, 250);
	ck_assert_uint_eq(command(t, ETALON_HW_COMMAND_START), ETALON_HW_REFUSED_EMISSION);
	ck_assert_uint_eq(command(t, ETALON_HW_COMMAND_EMIT), ETALON_HW_RESULT_OK);
	ck_assert_uint_eq(command(t, ETALON_HW_COMMAND_START), ETALON_HW_REFUSED_EMISSION);
	t->kicks = true;
	bench_pass(t, 3001 * MS);
	ck_assert_uint_eq(command(t, ETALON_HW_COMMAND_START), ETALON_HW_RESULT_OK);
	bench_close(t);
}
END_TEST

START_TEST(a_running_program_keeps_what_it_drives)
{
	struct bench *t = bench_default();
	struct etalon_hw_program p = good();

	ck_assert_uint_eq(bench_load(t, &p), ETALON_HW_RESULT_OK);
	ck_assert_uint_eq(command(t, ETALON_HW_COMMAND_START), ETALON_HW_RESULT_OK);
	ck_assert_uint_eq(set_source(t, ERB1_H1, 200000), ETALON_HW_REFUSED_STATE);
	ck_assert_uint_eq(set_source(t, ERB1_H1 + 1, 200000), ETALON_HW_RESULT_OK);
	ck_assert_uint_eq(command(t, ETALON_HW_COMMAND_START), ETALON_HW_REFUSED_STATE);
	ck_assert_uint_eq(command(t, ETALON_HW_COMMAND_LOAD), ETALON_HW_REFUSED_STATE);
	ck_assert_uint_eq(rd(t, ETALON_REG_SEQUENCER), ETALON_HW_SEQUENCER_RUNNING);
	ck_assert_uint_eq(command(t, ETALON_HW_COMMAND_STOP), ETALON_HW_RESULT_OK);
	ck_assert_uint_eq(command(t, ETALON_HW_COMMAND_STOP),
			  ETALON_HW_RESULT_OK); /* always accepted */
	ck_assert_uint_eq(set_source(t, ERB1_H1, 200000), ETALON_HW_RESULT_OK);
	bench_close(t);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sequencer refusals");
	TCase *c = tcase_create("refusals");

	tcase_set_timeout(c, 60);
	tcase_add_test(c, a_good_program_is_loaded);
	tcase_add_loop_test(c, a_bad_program_is_refused_with_the_reason, 0, ARRAY_SIZE(refusals));
	tcase_add_test(c, more_records_than_the_link_carries_are_refused);
	tcase_add_test(c, limits_bind_at_start_too);
	tcase_add_loop_test(c, a_program_that_makes_light_starts_in_emitting_only, 0, 4);
	tcase_add_test(c, a_running_program_keeps_what_it_drives);
	suite_add_tcase(s, c);
	return run_suite(s);
}
