// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The driver's check of programs: what a board may be asked for, and by whom not.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "../../kmod/sequencer.h"
#include "../common/erb1_board.h"
#include "base/util.h"
#include "kmod_program.h"

#include "run_suite.h" /* last: it defines a macro fail() */

#define RATE_MAX 100000

struct bench {
	struct description *board;
	struct etalon_description_view view;
	struct etalon_span limits[ETALON_HW_SOURCES_MAX];
	struct etalon_list lists[ETALON_HW_LISTS_MAX];
	struct etalon_program_context context;
	struct etalon_program_facts facts;
	struct etalon_refusal refusal;
};

static struct bench *bench_new(void)
{
	struct bench *b = calloc(1, sizeof(*b));
	struct etalon_description_fault fault;

	b->board = erb1_board();
	ck_assert_int_eq(etalon_description_check(b->board->raw, (uint32_t)b->board->raw_size,
						  &b->view, &fault),
			 0);
	for (uint32_t i = 0; i < b->view.head->source_count; i++)
		b->limits[i] = (struct etalon_span){b->view.source[i].min, b->view.source[i].max};
	b->lists[0].values = (const __s64 *)kmod_list;
	b->lists[0].points = KMOD_LIST_POINTS;
	b->context = (struct etalon_program_context){
		.description = &b->view,
		.limits = b->limits,
		.lists = b->lists,
		.record_rate_max = RATE_MAX,
	};
	return b;
}

static void bench_free(struct bench *b)
{
	description_free(b->board);
	free(b);
}

static int check(struct bench *b, const struct etalon_hw_program *p)
{
	b->refusal = (struct etalon_refusal){0};
	return etalon_program_check(&b->context, p, &b->facts, &b->refusal);
}

START_TEST(a_ramp_passes_with_its_run_in)
{
	struct bench *b = bench_new();
	const struct etalon_hw_program p = kmod_ramp(b->view.head);

	ck_assert_int_eq(check(b, &p), 0);
	ck_assert_uint_eq(b->facts.points, 20001);
	ck_assert_uint_eq(b->facts.stride, 128);
	ck_assert_uint_eq(b->facts.extent_count, 1);
	ck_assert_int_eq(b->facts.extent[0].setpoints.low, 1540000000);
	ck_assert_int_eq(b->facts.extent[0].setpoints.high, 1560000000);
	/* 25 ms at 20 nm/s: 500 pm, more than the least 90 pm */
	ck_assert_uint_eq(b->facts.extent[0].run_in, 500000);
	bench_free(b);
}
END_TEST

START_TEST(three_axes_with_a_list_pass)
{
	struct bench *b = bench_new();
	const struct etalon_hw_program p = kmod_nest(b->view.head);

	ck_assert_int_eq(check(b, &p), 0);
	ck_assert_uint_eq(b->facts.points, 3 * 2 * KMOD_LIST_POINTS * 101);
	ck_assert_uint_eq(b->facts.extent_count, 4);
	ck_assert_int_eq(b->facts.extent[1].setpoints.low, 0);
	ck_assert_int_eq(b->facts.extent[1].setpoints.high, INT64_C(50000000000000));
	bench_free(b);
}
END_TEST

#define AT(member) \
	offsetof(struct etalon_hw_program, member), sizeof(((struct etalon_hw_program *)0)->member)

static const struct {
	bool nest; /* else the ramp */
	size_t at, width;
	uint64_t value;
	int expected;
	uint32_t result, detail;
} wrongs[] = {
	{false, AT(magic), 0, -EINVAL, ETALON_HW_REFUSED_PROGRAM, 0},
	{false, AT(size), 4, -EINVAL, ETALON_HW_REFUSED_PROGRAM, 4},
	{false, AT(generation), 0, -EINVAL, ETALON_HW_REFUSED_PROGRAM, 8},
	{false, AT(flags), 4, -EINVAL, ETALON_HW_REFUSED_PROGRAM, 12},
	{false, AT(axis_count), 0, -EINVAL, ETALON_HW_REFUSED_PROGRAM, 24},
	{false, AT(axis_count), 4, -EINVAL, ETALON_HW_REFUSED_PROGRAM, 24},
	{false, AT(detector_count), 33, -EINVAL, ETALON_HW_REFUSED_PROGRAM, 28},
	{false, AT(detector_count), UINT32_MAX, -EINVAL, ETALON_HW_REFUSED_PROGRAM, 28},
	{false, AT(reserved[2]), 1, -EINVAL, ETALON_HW_REFUSED_PROGRAM,
	 offsetof(struct etalon_hw_program, reserved[2])},
	{false, AT(aperture_ns), 0, -ERANGE, ETALON_HW_REFUSED_TIMING, 1},
	{false, AT(aperture_ns), UINT64_MAX, -ERANGE, ETALON_HW_REFUSED_TIMING, 1},
	{false, AT(delay_ns), 10001, -ERANGE, ETALON_HW_REFUSED_TIMING, 0},
	{false, AT(delay_ns), UINT64_MAX, -ERANGE, ETALON_HW_REFUSED_TIMING, 0},
	{false, AT(period_ns), UINT64_MAX, -ERANGE, ETALON_HW_REFUSED_TIMING, 0},
	{false, AT(axis[0].points), 0, -EINVAL, ETALON_HW_REFUSED_PROGRAM, 32},
	{false, AT(axis[0].points), 1, -EINVAL, ETALON_HW_REFUSED_PROGRAM, 32},
	{false, AT(axis[0].points), UINT32_MAX, -EINVAL, ETALON_HW_REFUSED_PROGRAM, 32},
	{false, AT(axis[0].points), 101, -ERANGE, ETALON_HW_REFUSED_SPEED, 0},
	{false, AT(axis[0].shape), ETALON_HW_AXIS_LIST, -EINVAL, ETALON_HW_REFUSED_MODE, 0},
	{false, AT(axis[0].mode), ETALON_HW_MODE_PULSE, -EINVAL, ETALON_HW_REFUSED_MODE, 0},
	{false, AT(pulse_base_aperture_ns), 20000, -EINVAL, ETALON_HW_REFUSED_PROGRAM,
	 offsetof(struct etalon_hw_program, pulse_base_aperture_ns)},
	{false, AT(detector[1].at_base), 1, -EINVAL, ETALON_HW_REFUSED_PROGRAM,
	 offsetof(struct etalon_hw_program, detector[1].at_base)},
	{false, AT(axis[0].mode), ETALON_HW_MODE_WAIT, -EINVAL, ETALON_HW_REFUSED_PROGRAM,
	 offsetof(struct etalon_hw_program, axis[0].wait_window)},
	{false, AT(axis[0].gang_count), 5, -EINVAL, ETALON_HW_REFUSED_PROGRAM,
	 offsetof(struct etalon_hw_program, axis[0].gang_count)},
	{false, AT(axis[0].gang[0].source), 64, -EINVAL, ETALON_HW_REFUSED_CHANNEL, 64},
	{false, AT(axis[0].gang[0].source), 0xffff, -EINVAL, ETALON_HW_REFUSED_CHANNEL, 0xffff},
	{false, AT(axis[0].gang[0].source), 1, -EINVAL, ETALON_HW_REFUSED_MODE, 0},
	{false, AT(axis[0].gang[0].start), 1480000000, -ERANGE, ETALON_HW_REFUSED_LIMIT, 0},
	{false, AT(axis[0].gang[0].start), 1ULL << 63, -ERANGE, ETALON_HW_REFUSED_SPEED, 0},
	{false, AT(axis[0].gang[0].start), 1540000001, -EINVAL, ETALON_HW_REFUSED_RESOLUTION, 0},
	{false, AT(detector[1].detector), 0, -EINVAL, ETALON_HW_REFUSED_PROGRAM,
	 offsetof(struct etalon_hw_program, detector[1])},
	{false, AT(detector[1].detector), 128, -EINVAL, ETALON_HW_REFUSED_CHANNEL, 128},
	{false, AT(detector[1].range), 200, -EINVAL, ETALON_HW_REFUSED_CHANNEL, 1},
	{false, AT(comparator[0].kind), 4, -EINVAL, ETALON_HW_REFUSED_PROGRAM,
	 offsetof(struct etalon_hw_program, comparator[0].kind)},
	{true, AT(axis[1].gang[0].list), 8, -EINVAL, ETALON_HW_REFUSED_PROGRAM,
	 offsetof(struct etalon_hw_program, axis[1].gang[0].list)},
	{true, AT(axis[1].gang[0].list), 1, -EINVAL, ETALON_HW_REFUSED_LIST, 1},
	{true, AT(axis[1].points), 10, -EINVAL, ETALON_HW_REFUSED_LIST, 1},
	{true, AT(axis[0].wait_timeout_ns), 1, -EINVAL, ETALON_HW_REFUSED_PROGRAM,
	 offsetof(struct etalon_hw_program, axis[0].wait_timeout_ns)},
	{true, AT(axis[0].mode), ETALON_HW_MODE_RAMP, -EINVAL, ETALON_HW_REFUSED_MODE, 0},
};

START_TEST(each_wrong_program_is_refused_for_its_reason)
{
	struct bench *b = bench_new();
	struct etalon_hw_program p =
		wrongs[_i].nest ? kmod_nest(b->view.head) : kmod_ramp(b->view.head);

	memcpy((char *)&p + wrongs[_i].at, &wrongs[_i].value, wrongs[_i].width);
	ck_assert_int_eq(check(b, &p), wrongs[_i].expected);
	ck_assert_uint_eq(b->refusal.result, wrongs[_i].result);
	ck_assert_uint_eq(b->refusal.detail, wrongs[_i].detail);
	bench_free(b);
}
END_TEST

START_TEST(a_rate_beyond_the_link_is_refused_with_the_rate)
{
	struct bench *b = bench_new();
	struct etalon_hw_program p = kmod_ramp(b->view.head);

	b->context.record_rate_max = 19999;
	ck_assert_int_eq(check(b, &p), -ERANGE);
	ck_assert_uint_eq(b->refusal.result, ETALON_HW_REFUSED_RATE);
	ck_assert_int_eq(b->refusal.high, 19999);
	b->context.record_rate_max = 20000;
	ck_assert_int_eq(check(b, &p), 0);
	bench_free(b);
}
END_TEST

START_TEST(limits_hold_for_lines_lists_and_the_run_in_of_ramps)
{
	struct bench *b = bench_new();
	const struct etalon_hw_program ramp = kmod_ramp(b->view.head),
				       nest = kmod_nest(b->view.head);
	const uint16_t laser = ramp.axis[0].gang[0].source, diode = nest.axis[1].gang[0].source;

	b->limits[laser] = (struct etalon_span){1539500000, 1560500000};
	ck_assert_int_eq(check(b, &ramp), 0);
	b->limits[laser].high = 1560499900;
	ck_assert_int_eq(check(b, &ramp), -ERANGE);
	ck_assert_uint_eq(b->refusal.result, ETALON_HW_REFUSED_LIMIT);
	ck_assert_uint_eq(b->refusal.detail, laser);
	ck_assert_int_eq(b->refusal.low, 1540000000);
	ck_assert_int_eq(b->refusal.high, 1559999900);

	b->limits[diode].high = INT64_C(49000000000000);
	ck_assert_int_eq(check(b, &nest), -ERANGE);
	ck_assert_uint_eq(b->refusal.detail, diode);
	bench_free(b);
}
END_TEST

START_TEST(limits_that_came_after_the_load_hold_at_start)
{
	struct bench *b = bench_new();
	const struct etalon_hw_program p = kmod_nest(b->view.head);
	const uint16_t diode = p.axis[1].gang[0].source;

	ck_assert_int_eq(check(b, &p), 0);
	ck_assert_int_eq(etalon_program_check_limits(b->limits, &b->facts, &b->refusal), 0);
	b->limits[diode].high = INT64_C(49000000000000);
	ck_assert_int_eq(etalon_program_check_limits(b->limits, &b->facts, &b->refusal), -ERANGE);
	ck_assert_uint_eq(b->refusal.detail, diode);
	bench_free(b);
}
END_TEST

/* Pulses of 100 us each ms on ld1, 20 us at their end and at the base, both of the second detector. */
static struct etalon_hw_program pulsed(struct bench *b)
{
	struct etalon_hw_description *head = (void *)(uintptr_t)b->view.head;
	struct etalon_hw_source *sources = (void *)(uintptr_t)b->view.source;
	struct etalon_hw_program p = kmod_ramp(b->view.head);
	struct etalon_hw_axis *a = &p.axis[0];

	a->gang[0].source = kmod_source(head, "ld1");
	head->capabilities |= ETALON_HW_CAP_PULSE;
	sources[a->gang[0].source].modes |= ETALON_HW_MODE_PULSE;
	a->mode = ETALON_HW_MODE_PULSE;
	a->points = 11;
	a->gang[0].start = 0;
	a->gang[0].stop = INT64_C(50000000000000);
	a->pulse_width_ns = 100000;
	p.period_ns = 1000000;
	p.aperture_ns = p.pulse_base_aperture_ns = 20000;
	p.detector_count = 3;
	p.detector[2] = p.detector[1];
	p.detector[2].at_base = 1;
	return p;
}

START_TEST(a_board_with_pulses_reads_a_detector_at_both_levels)
{
	struct bench *b = bench_new();
	const struct etalon_hw_program p = pulsed(b);
	struct etalon_hw_program longest = p, none = p;

	ck_assert_int_eq(check(b, &p), 0);
	ck_assert_uint_eq(b->facts.points, 11);
	longest.pulse_base_aperture_ns = 900000;
	ck_assert_int_eq(check(b, &longest), 0);
	none.pulse_base_aperture_ns = 0;
	none.detector_count = 2;
	ck_assert_int_eq(check(b, &none), 0);
	bench_free(b);
}
END_TEST

static const struct {
	size_t at, width;
	uint64_t value;
	int expected;
	uint32_t result, detail;
} wrong_pulses[] = {
	{AT(pulse_base_aperture_ns), 900001, -EINVAL, ETALON_HW_REFUSED_PROGRAM,
	 offsetof(struct etalon_hw_program, pulse_base_aperture_ns)},
	{AT(pulse_base_aperture_ns), UINT64_MAX, -EINVAL, ETALON_HW_REFUSED_PROGRAM,
	 offsetof(struct etalon_hw_program, pulse_base_aperture_ns)},
	{AT(pulse_base_aperture_ns), 1999, -ERANGE, ETALON_HW_REFUSED_TIMING, 1},
	{AT(pulse_base_aperture_ns), 0, -EINVAL, ETALON_HW_REFUSED_PROGRAM,
	 offsetof(struct etalon_hw_program, detector[2].at_base)},
	{AT(detector[2].at_base), 2, -EINVAL, ETALON_HW_REFUSED_PROGRAM,
	 offsetof(struct etalon_hw_program, detector[2].at_base)},
	{AT(detector[2].at_base), 0, -EINVAL, ETALON_HW_REFUSED_PROGRAM,
	 offsetof(struct etalon_hw_program, detector[2])},
	{AT(detector[1].at_base), 1, -EINVAL, ETALON_HW_REFUSED_PROGRAM,
	 offsetof(struct etalon_hw_program, detector[2])},
	{AT(delay_ns), 1, -EINVAL, ETALON_HW_REFUSED_PROGRAM,
	 offsetof(struct etalon_hw_program, delay_ns)},
	{AT(axis[0].pulse_width_ns), 19999, -EINVAL, ETALON_HW_REFUSED_PROGRAM,
	 offsetof(struct etalon_hw_program, axis[0].pulse_width_ns)},
	{AT(axis[0].pulse_width_ns), 1000001, -EINVAL, ETALON_HW_REFUSED_PROGRAM,
	 offsetof(struct etalon_hw_program, axis[0].pulse_width_ns)},
	{AT(axis[0].mode), ETALON_HW_MODE_STEP, -EINVAL, ETALON_HW_REFUSED_PROGRAM,
	 offsetof(struct etalon_hw_program, pulse_base_aperture_ns)},
};

START_TEST(each_wrong_pulse_is_refused_for_its_reason)
{
	struct bench *b = bench_new();
	struct etalon_hw_program p = pulsed(b);

	memcpy((char *)&p + wrong_pulses[_i].at, &wrong_pulses[_i].value, wrong_pulses[_i].width);
	ck_assert_int_eq(check(b, &p), wrong_pulses[_i].expected);
	ck_assert_uint_eq(b->refusal.result, wrong_pulses[_i].result);
	ck_assert_uint_eq(b->refusal.detail, wrong_pulses[_i].detail);
	bench_free(b);
}
END_TEST

static const struct {
	int64_t value;
	int expected;
	uint32_t result;
} setpoints[] = {
	{1540000000, 0, 0},
	{1550000000, 0, 0},
	{1540000050, -EINVAL, ETALON_HW_REFUSED_RESOLUTION},
	{1539999900, -ERANGE, ETALON_HW_REFUSED_LIMIT},
	{1550000100, -ERANGE, ETALON_HW_REFUSED_LIMIT},
	{INT64_MIN, -ERANGE, ETALON_HW_REFUSED_LIMIT},
};

START_TEST(a_setpoint_lies_within_its_limits_and_on_its_grid)
{
	struct bench *b = bench_new();
	const struct etalon_span limits = {1540000000, 1550000000};

	ck_assert_int_eq(etalon_setpoint_check(&b->view.source[0], 0, &limits, setpoints[_i].value,
					       &b->refusal),
			 setpoints[_i].expected);
	ck_assert_uint_eq(b->refusal.result, setpoints[_i].result);
	bench_free(b);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kmod sequencer");
	TCase *tc = tcase_create("sequencer");

	tcase_add_test(tc, a_ramp_passes_with_its_run_in);
	tcase_add_test(tc, three_axes_with_a_list_pass);
	tcase_add_loop_test(tc, each_wrong_program_is_refused_for_its_reason, 0,
			    ARRAY_SIZE(wrongs));
	tcase_add_test(tc, a_rate_beyond_the_link_is_refused_with_the_rate);
	tcase_add_test(tc, limits_hold_for_lines_lists_and_the_run_in_of_ramps);
	tcase_add_test(tc, limits_that_came_after_the_load_hold_at_start);
	tcase_add_test(tc, a_board_with_pulses_reads_a_detector_at_both_levels);
	tcase_add_loop_test(tc, each_wrong_pulse_is_refused_for_its_reason, 0,
			    ARRAY_SIZE(wrong_pulses));
	tcase_add_loop_test(tc, a_setpoint_lies_within_its_limits_and_on_its_grid, 0,
			    ARRAY_SIZE(setpoints));
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
