// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * General sweeps and dark readings: any program that a board can run is planned, what it can
 * not run is refused in words, and light is never implied.
 */
#include <errno.h>
#include <string.h>

#include "../common/erb1_board.h"
#include "base/util.h"
#include "measure/plan.h"
#include "measure/plan_count.h"

#include "run_suite.h" /* last: it defines a macro fail() */

static struct description *board;
static const struct site_limit limits[] = {{"h1", 0, 6000000000}};
static const struct site lab = {.limits = limits, .limit_count = ARRAY_SIZE(limits)};

static void setup(void)
{
	board = erb1_board();
}

static void teardown(void)
{
	description_free(board);
}

/* JSON with ' for ". */
static int try(const char *text, struct plan **ret, char **ret_message)
{
	char *copy = strdup(text);
	json_error_t error;
	json_t *request;
	int r;

	for (char *p = copy; *p; p++)
		if (*p == '\'')
			*p = '"';
	request = json_loads(copy, 0, &error);
	ck_assert_msg(request, "%s in %s", error.text, text);
	r = plan_make(board, &lab, request, ret, ret_message);
	json_decref(request);
	free(copy);
	return r;
}

static struct plan *make(const char *text)
{
	struct plan *plan = NULL;
	char *message = NULL;

	ck_assert_msg(try(text, &plan, &message) == 0, "%s: %s", text, message);
	return plan;
}

#define SWEEP(rest) "{'kind': 'sweep', 'detectors': ['pd1'], " rest "}"
#define TIME "'delay_ns': 1000000, 'aperture_ns': 100000"
#define HEATER "{'source': 'h1', 'start': 0, 'stop': 1000000000}"

static bool reads(const struct etalon_hw_program *p, const char *name)
{
	for (uint32_t i = 0; i < p->detector_count; i++)
		if (streq(board->detector[p->detector[i].detector].name, name))
			return true;
	return false;
}

/* ---- what is planned ---- */

START_TEST(a_heater_sweep_reads_the_heater_back)
{
	_cleanup_(plan_freep) struct plan *plan =
		make(SWEEP("'axes': [{'sources': [" HEATER "], 'points': 11}], " TIME));
	const struct etalon_hw_program *p = &plan->segments[0].program;

	ck_assert_uint_eq(plan->segment_count, 1);
	ck_assert(reads(p, "pd1") && reads(p, "h1.v") && reads(p, "h1.i") && reads(p, "tec1.t"));
	ck_assert(!reads(p, "mon"));
	ck_assert(!plan->needs_emission);
	ck_assert(!plan->analyse);
	ck_assert_int_eq(p->gate, ETALON_HW_GATE_KEEP);
	ck_assert_uint_eq(p->flags, 0);
	ck_assert_uint_eq(p->period_ns, 1100000);
	ck_assert_str_eq(json_string_value(json_object_get(plan->meta, "kind")), "sweep");
}
END_TEST

START_TEST(three_axes_nest_and_gangs_move_together)
{
	_cleanup_(plan_freep) struct plan *plan = make(SWEEP(
		"'emission': true, 'axes': ["
		"{'sources': [{'source': 'tec1', 'start': 298150000, 'stop': 308150000}], 'points': 3, "
		"'mode': 'wait', 'window': 10000, 'hold_ns': 2000000000, 'slope': 5000, 'timeout_ns': "
		"60000000000, 'settle_ns': 1000}, "
		"{'sources': [" HEATER ", {'source': 'h2', 'start': 1000000000, 'stop': 0}], "
		"'points': 5, 'direction': 'serpentine'}, "
		"{'sources': [{'source': 'laser.wavelength', 'start': 1550000000, 'stop': 1551000000}], "
		"'points': 1001, 'mode': 'ramp', 'direction': 'up-down'}], 'period_ns': 50000"));
	const struct segment *s = &plan->segments[0];
	const struct etalon_hw_axis *a = s->program.axis;
	int64_t h1, h2, t;

	ck_assert_uint_eq(s->program.axis_count, 3);
	ck_assert_uint_eq(s->points, 3 * 5 * 2002);
	ck_assert_int_eq(a[0].mode, ETALON_HW_MODE_WAIT);
	ck_assert_int_eq(a[0].wait_window, 10000);
	ck_assert_int_eq(a[0].wait_slope, 5000);
	ck_assert_uint_eq(a[0].wait_hold_ns, 2000000000);
	ck_assert_uint_eq(a[0].wait_timeout_ns, 60000000000);
	ck_assert_uint_eq(a[0].settle_ns, 1000);
	ck_assert_uint_eq(a[1].gang_count, 2);
	ck_assert_int_eq(a[1].direction, ETALON_HW_SERPENTINE);
	ck_assert_int_eq(a[2].mode, ETALON_HW_MODE_RAMP);
	ck_assert_uint_eq(s->program.aperture_ns, 40000); /* 0.8 of the period */
	ck_assert_int_eq(s->program.gate, ETALON_HW_GATE_OPEN);
	ck_assert(plan->needs_emission);
	ck_assert(reads(&s->program, "mon") && reads(&s->program, "wlog"));
	/* First point of the second pass of the heaters: they run backwards now. */
	ck_assert_int_eq(plan_setpoint_at(s, 5 * 2002, 1, 0, &h1), 0);
	ck_assert_int_eq(plan_setpoint_at(s, 5 * 2002, 1, 1, &h2), 0);
	ck_assert_int_eq(plan_setpoint_at(s, 5 * 2002, 0, 0, &t), 0);
	ck_assert_int_eq(h1,
			 a[1].shape == ETALON_HW_AXIS_LIST ? s->lists[0].values[4] : 1000000000);
	ck_assert_int_eq(h2, 0);
	ck_assert_int_eq(t, 303150000);
}
END_TEST

START_TEST(lists_and_lines_share_a_gang)
{
	_cleanup_(plan_freep) struct plan *plan =
		make(SWEEP("'axes': [{'sources': [{'source': 'pos_x', 'values': [5000, -5000, 0]}, "
			   "{'source': 'pos_y', 'start': 0, 'stop': 1000}]}], " TIME));
	const struct segment *s = &plan->segments[0];

	ck_assert_int_eq(s->program.axis[0].shape, ETALON_HW_AXIS_LIST);
	ck_assert_uint_eq(s->program.axis[0].points, 3);
	ck_assert_uint_eq(s->list_count, 2);
	ck_assert_int_eq(s->lists[0].values[1], -5000);
	ck_assert_uint_eq(s->program.axis[0].gang[1].list, 1);
	ck_assert_int_eq(s->lists[1].values[2], 1000);
}
END_TEST

START_TEST(a_converters_odd_step_takes_the_nearest_value)
{
	/* 6 V / (12 V / 65535) is no whole number of steps. */
	_cleanup_(plan_freep) struct plan *plan = make(SWEEP(
		"'axes': [{'sources': [{'source': 'h1', 'start': 0, 'stop': 6000000000}], 'points': "
		"2}], " TIME));
	const struct etalon_hw_source *s = &board->source[description_source(board, "h1")];
	int64_t value;

	ck_assert_int_eq(plan_setpoint_at(&plan->segments[0], 1, 0, 0, &value), 0);
	ck_assert_int_eq(value % s->resolution, 0);
	ck_assert_int_le(llabs(value - 6000000000), s->resolution);
	ck_assert_int_le(value, 6000000000); /* rounding does not lead over the limit */
}
END_TEST

START_TEST(an_axis_without_sources_repeats)
{
	_cleanup_(plan_freep) struct plan *plan = make(
		SWEEP("'axes': [{'points': 4}, {'sources': [" HEATER "], 'points': 2}], " TIME));

	ck_assert_uint_eq(plan->points, 8);
	ck_assert_uint_eq(plan->segments[0].program.axis[0].gang_count, 0);
}
END_TEST

START_TEST(dark_comes_before_and_after_when_asked)
{
	_cleanup_(plan_freep) struct plan *plan =
		make(SWEEP("'emission': true, 'dark': true, 'axes': [{'sources': [" HEATER
			   "], 'points': 11}], " TIME));

	ck_assert_uint_eq(plan->segment_count, 3);
	ck_assert_int_eq(plan->segments[0].program.gate, ETALON_HW_GATE_SHUT);
	ck_assert_uint_eq(plan->segments[2].program.flags, ETALON_HW_PROGRAM_NEEDS_EMISSION);
	ck_assert_int_eq(plan->segments[1].program.gate, ETALON_HW_GATE_OPEN);
}
END_TEST

START_TEST(a_diode_sweep_leaves_the_lasers_gate_alone)
{
	_cleanup_(plan_freep) struct plan *plan = make(SWEEP(
		"'emission': true, 'axes': [{'sources': [{'source': 'ld1', 'start': 0, 'stop': "
		"50000000000000}], 'points': 51}], " TIME));
	const struct etalon_hw_program *p = &plan->segments[0].program;

	ck_assert_int_eq(p->gate, ETALON_HW_GATE_KEEP);
	ck_assert_uint_eq(p->flags, ETALON_HW_PROGRAM_NEEDS_EMISSION);
	ck_assert(reads(p, "ld1.v") && reads(p, "ld1.i"));
}
END_TEST

START_TEST(comparators_triggers_and_setpoints_reach_the_program)
{
	_cleanup_(plan_freep) struct plan *plan = make(SWEEP(
		"'axes': [{'sources': [" HEATER "], 'points': 11}], " TIME
		", 'comparators': [{'detector': 'h1.v', 'kind': 'above', 'action': 'end-axis', "
		"'threshold': 5}, {'detector': 'pd1', 'kind': 'falls', 'action': 'flag', 'threshold': "
		"200000}], 'start_input': 1, 'clock': 'edge', 'clock_input': 0, 'clock_timeout_ns': "
		"1000000000, 'outputs': ['point', 'end'], 'set': {'pos_x': 2500}"));
	const struct etalon_hw_program *p = &plan->segments[0].program;

	ck_assert_int_eq(p->comparator[0].kind, ETALON_HW_COMPARATOR_ABOVE);
	ck_assert_int_eq(p->comparator[0].action, ETALON_HW_COMPARATOR_END_AXIS);
	ck_assert_int_eq(p->comparator[0].detector, description_detector(board, "h1.v"));
	ck_assert_int_eq(p->comparator[1].kind, ETALON_HW_COMPARATOR_FALLS);
	ck_assert_int_eq(p->comparator[1].threshold, 200000);
	ck_assert_int_eq(p->start_source, ETALON_HW_START_EDGE);
	ck_assert_int_eq(p->start_input, 1);
	ck_assert_int_eq(p->point_clock, ETALON_HW_CLOCK_EDGE);
	ck_assert_uint_eq(p->clock_timeout_ns, 1000000000);
	ck_assert_int_eq(p->output[0], ETALON_HW_OUTPUT_POINT);
	ck_assert_int_eq(p->output[1], ETALON_HW_OUTPUT_END);
	ck_assert_uint_eq(plan->setpoint_count, 1);
	ck_assert_int_eq(plan->setpoints[0].value, 2500);
}
END_TEST

START_TEST(detectors_that_are_too_slow_are_left_out_unless_they_were_asked_for)
{
	/* A bias is read back by an on-chip photodiode whose range wants a long aperture. */
	_cleanup_(plan_freep) struct plan *plan = make(SWEEP(
		"'axes': [{'sources': [{'source': 'bias1', 'start': 0, 'stop': 1000000000}], 'points': "
		"3}], 'delay_ns': 1000000, 'aperture_ns': 2000"));
	const struct etalon_hw_range *g = description_range_of(
		board, (unsigned int)description_detector(board, "ipd1"),
		board->detector[description_detector(board, "ipd1")].range_default);

	ck_assert_int_eq(reads(&plan->segments[0].program, "ipd1"), g->aperture_min_ns <= 2000);
	ck_assert(reads(&plan->segments[0].program, "tec1.t")); /* slow ones repeat themselves */
}
END_TEST

/* 0, 1, 11, 8 um: the longest jump counts, as long as it takes at the stage's speed. */
#define STAGE                                                                              \
	"'axes': [{'sources': [{'source': 'pos_x', 'values': [0, 1000, 11000, 8000]}]}], " \
	"'aperture_ns': 100000"

START_TEST(a_delay_holds_the_longest_move_and_the_settling)
{
	const struct etalon_hw_source *s = &board->source[description_source(board, "pos_x")];
	uint64_t settle = 10000 * NSEC_PER_SEC / (uint64_t)s->default_slew + s->settle_ns;
	_cleanup_(plan_freep) struct plan *plan = make(SWEEP(STAGE)), *hasty = NULL;
	_cleanup_free_ char *request =
		asprintf_or_null(SWEEP(STAGE ", 'delay_ns': %llu"), (unsigned long long)settle - 1);
	const struct etalon_hw_program *p = &plan->segments[0].program;

	ck_assert_uint_gt(settle, s->settle_ns);
	ck_assert_uint_eq(p->delay_ns, settle);
	ck_assert_uint_eq(p->period_ns, settle + p->aperture_ns);
	ck_assert_uint_eq(json_array_size(json_object_get(plan->summary, "warnings")), 0);
	hasty = make(request);
	ck_assert_ptr_nonnull(strstr(
		json_string_value(json_array_get(json_object_get(hasty->summary, "warnings"), 0)),
		"is shorter than the sources move and settle"));
}
END_TEST

#define STAGE_AND_HEATER(stop)                                                      \
	SWEEP("'axes': [{'sources': [{'source': 'pos_x', 'start': 0, 'stop': " stop \
	      "}], 'points': 5}, {'sources': [" HEATER "], 'points': 3}], " TIME)

/* The stage's four steps are 0.5 um longer each. */
START_TEST(the_estimate_holds_the_ways_of_an_outer_axis)
{
	_cleanup_(plan_freep) struct plan *near = make(STAGE_AND_HEATER("2000"));
	_cleanup_(plan_freep) struct plan *far = make(STAGE_AND_HEATER("4000"));
	const struct etalon_hw_source *stage =
		&board->source[far->segments[0].program.axis[0].gang[0].source];
	uint64_t way_ns = (uint64_t)(500 * 1e9 / (double)stage->default_slew);

	ck_assert_str_eq(stage->name, "pos_x");
	ck_assert_uint_gt(way_ns, 0);
	ck_assert_uint_ge(far->duration_ns - near->duration_ns, 4 * way_ns);
	ck_assert_uint_le(far->duration_ns - near->duration_ns, 5 * way_ns + 5);
}
END_TEST

START_TEST(zero_needs_no_light_and_reads_all_that_was_named)
{
	_cleanup_(plan_freep) struct plan *plan = make(
		"{'kind': 'dark', 'detectors': ['pd1', 'pd2', 'mon'], 'ranges': {'pd1': '1uA'}}");
	const struct etalon_hw_program *p = &plan->segments[0].program;

	ck_assert_uint_eq(plan->segment_count, 1);
	ck_assert(!plan->needs_emission);
	ck_assert_uint_eq(p->flags, 0);
	ck_assert_int_eq(p->gate, ETALON_HW_GATE_SHUT);
	ck_assert_uint_eq(p->detector_count, 4);
	ck_assert_uint_eq(p->detector[0].range, 3);
	ck_assert_uint_ge(plan->points, 400);
	ck_assert_str_eq(json_string_value(json_object_get(plan->meta, "kind")), "dark");
	ck_assert_uint_gt(p->aperture_ns, 0);
	ck_assert_uint_le(p->delay_ns + p->aperture_ns, p->period_ns);
}
END_TEST

/* ---- refusals ---- */

#define ONE(source) "'axes': [{'sources': [" source "], 'points': 11}], " TIME

static const struct {
	const char *request;
	int error;
	const char *message; /* part of it */
} refusals[] = {
	{SWEEP(TIME), -EINVAL, "axes must be a list of 1 to 3 axes"},
	{SWEEP("'axes': [{'points': 1}, {'points': 1}, {'points': 1}, {'points': 1}], " TIME),
	 -EINVAL, "axes must be a list of 1 to 3 axes"},
	{SWEEP("'axes': [5], " TIME), -EINVAL, "axes[0]: must be an object"},
	{SWEEP("'axes': [{'point': 5}], " TIME), -EINVAL, "no axes[0]: key \"point\""},
	{SWEEP("'axes': [{'sources': [" HEATER "]}], " TIME), -EINVAL,
	 "axes[0]: points is missing"},
	{SWEEP(ONE("{'source': 'h9', 'start': 0, 'stop': 1}")), -ENOENT, "no source \"h9\""},
	{SWEEP(ONE("{'source': 'gate', 'start': 0, 'stop': 1}")), -EINVAL,
	 "gate is no source to sweep: say \"gate\": \"open\" or \"shut\""},
	{SWEEP(ONE("{'source': 'h1', 'start': 0}")), -EINVAL, "give start and stop, or values"},
	{SWEEP(ONE("{'source': 'h1', 'start': 0, 'values': [1]}")), -EINVAL, "exclude each other"},
	{SWEEP(ONE("{'source': 'h1', 'values': [1, 2]}")), -EINVAL,
	 "2 values where the axis has 11 points"},
	{SWEEP(ONE("{'source': 'h1', 'values': []}")), -EINVAL, "values must be a list"},
	{SWEEP(ONE("{'source': 'h1', 'values': 'x'}")), -EINVAL, "values must be a list"},
	{SWEEP("'axes': [{'sources': [{'source': 'pos_x', 'values': [0, 'x']}]}], " TIME), -EINVAL,
	 "values must be a number"},
	{SWEEP("'axes': [{'sources': [{'source': 'h1', 'values': [0, 13000000000]}]}], " TIME),
	 -ERANGE, "13 V is above h1's 6 V, set by the site; allowed 0 V to 6 V"},
	{SWEEP("'axes': [{'sources': [{'source': 'pos_x', 'values': [-9223372036854775807, "
	       "9223372036854775807]}]}], 'aperture_ns': 100000"),
	 -ERANGE, "is below pos_x's"},
	{SWEEP("'axes': [{'sources': [{'source': 'pos_x', 'start': -9223372036854775807, 'stop': "
	       "9223372036854775807}], 'points': 3}], 'aperture_ns': 100000"),
	 -ERANGE, "is below pos_x's"},
	{SWEEP(ONE("{'source': 'h1', 'start': 0, 'stop': 7000000000}")), -ERANGE,
	 "7 V is above h1's 6 V, set by the site"},
	{SWEEP(ONE("{'source': 'h2', 'start': 0, 'stop': 13000000000}")), -ERANGE,
	 "13 V is above h2's 12 V, set by the board"},
	{SWEEP(ONE(HEATER ", " HEATER)), -EINVAL, "h1 is swept twice"},
	{SWEEP("'axes': [{'sources': [" HEATER "], 'points': 2}, {'sources': [" HEATER
	       "], 'points': 2}], " TIME),
	 -EINVAL, "h1 is swept twice"},
	{SWEEP(ONE("{'source': 'h1', 'start': 0, 'stop': 0}")), -EINVAL,
	 "start and stop are both 0 V"},
	{SWEEP("'axes': [{'sources': [" HEATER "], 'points': 11, 'mode': 'pulse'}], " TIME),
	 -EINVAL, "no axes[0]: mode \"pulse\"; allowed: step, ramp, wait"},
	{SWEEP("'axes': [{'sources': [" HEATER "], 'points': 11, 'direction': 'back'}], " TIME),
	 -EINVAL, "no axes[0]: direction \"back\""},
	{SWEEP("'axes': [{'sources': [" HEATER
	       "], 'points': 11, 'mode': 'wait', 'window': 1, 'slope': "
	       "1, 'timeout_ns': 5}], " TIME),
	 -ENOTSUP, "h1 can not be swept in mode wait; it has: step, ramp"},
	{SWEEP("'axes': [{'sources': [{'source': 'tec1', 'start': 298150000, 'stop': 299150000}], "
	       "'points': 2, 'mode': 'wait'}], " TIME),
	 -EINVAL, "mode wait needs window, slope and timeout_ns"},
	{SWEEP("'axes': [{'sources': [{'source': 'tec1', 'start': 298150000, 'stop': 299150000}], "
	       "'points': 2, 'mode': 'wait', 'window': 1, 'slope': 1, 'timeout_ns': 5, 'hold_ns': 6}], " TIME),
	 -EINVAL, "timeout_ns is shorter than hold_ns"},
	{SWEEP("'axes': [{'points': 11, 'mode': 'ramp'}], " TIME), -EINVAL,
	 "this mode needs a source"},
	{SWEEP("'axes': [{'sources': [" HEATER
	       "], 'points': 11, 'mode': 'ramp'}, {'points': 2}], " TIME),
	 -EINVAL, "only the innermost axis can ramp"},
	{SWEEP("'axes': [{'sources': [" HEATER "], 'points': 1, 'mode': 'ramp'}], " TIME), -EINVAL,
	 "a ramp has at least 2 points"},
	{SWEEP("'axes': [{'sources': [" HEATER
	       "], 'points': 11, 'mode': 'ramp'}], 'aperture_ns': 5000"),
	 -EINVAL, "a ramp needs period_ns"},
	{SWEEP("'axes': [{'sources': [{'source': 'laser.wavelength', 'start': 1550000000, 'stop': "
	       "1560000000}], 'points': 11, 'mode': 'ramp'}], 'period_ns': 10000"),
	 -ERANGE, "laser.wavelength would ramp at 100000 nm/s; allowed 500 pm/s to 100 nm/s"},
	{SWEEP("'axes': [{'sources': [" HEATER "], 'points': 11}]"), -EINVAL,
	 "aperture_ns is missing"},
	{SWEEP("'axes': [{'sources': [" HEATER
	       "], 'points': 11}], 'aperture_ns': 100000, 'period_ns': "
	       "50000, 'delay_ns': 0"),
	 -ERANGE, "do not fit the period"},
	{SWEEP("'axes': [{'points': 11}], 'aperture_ns': 2000, 'period_ns': 5000"), -ERANGE,
	 "period 5 us is shorter than this board's 10 us"},
	{SWEEP("'axes': [{'points': 11}], 'aperture_ns': 60000000000"), -ERANGE,
	 "longer than the board counts"},
	{SWEEP("'axes': [{'points': 100000}, {'points': 100000}], 'aperture_ns': 10000"), -ERANGE,
	 "10 000 000 000 points are more than one run may have"},
	{SWEEP("'axes': [{'points': 1000000000}], 'aperture_ns': 10000000"), -ERANGE,
	 "days; a run may take at most 30"},
	{SWEEP(ONE("{'source': 'ld1', 'start': 0, 'stop': 50000000000000}")), -EINVAL,
	 "ld1 emits light: ask for it with \"emission\": true"},
	{SWEEP(ONE(HEATER) ", 'gate': 'open'"), -EINVAL, "an open gate lets light out"},
	{SWEEP(ONE(HEATER) ", 'gate': 'ajar'"), -EINVAL, "no request: gate \"ajar\""},
	{SWEEP(ONE(HEATER) ", 'emission': 'yes'"), -EINVAL, "emission must be true or false"},
	{SWEEP(ONE("{'source': 'ld1', 'start': 0, 'stop': 50000000000000}") ", 'emission': true, "
									    "'dark': true"),
	 -ENOTSUP, "does not darken ld1"},
	{SWEEP(ONE(HEATER) ", 'set': {'gate': 1}"), -EINVAL, "say \"gate\": \"open\""},
	{SWEEP(ONE(HEATER) ", 'set': {'h2': 13000000000}"), -ERANGE, "13 V is above h2's 12 V"},
	{SWEEP(ONE(HEATER) ", 'set': {'h2': '5V'}"), -EINVAL, "set: h2 must be a number"},
	{SWEEP(ONE(HEATER) ", 'set': {'hh': 1}"), -ENOENT, "no source \"hh\""},
	{SWEEP(ONE(
		 HEATER) ", 'comparators': [{'detector': 'pd2', 'kind': 'above', 'action': 'flag', "
			 "'threshold': 1}]"),
	 -ENOENT, "pd2 is not among the detectors of this request"},
	{SWEEP(ONE(
		 HEATER) ", 'comparators': [{'detector': 'pd1', 'kind': 'above', 'threshold': 1}]"),
	 -EINVAL, "comparators[0]: action is missing; allowed: flag, end-axis, end-program, trip"},
	{SWEEP(ONE(
		 HEATER) ", 'comparators': [{'detector': 'pd1', 'kind': 'falls', 'action': 'flag', "
			 "'threshold': 1000000}]"),
	 -EINVAL, "1 to 999999"},
	{SWEEP(ONE(HEATER) ", 'comparators': [{}, {}, {}, {}, {}]"), -ENOTSUP,
	 "5 comparators; this board has 4"},
	{SWEEP(ONE(HEATER) ", 'clock': 'edge'"), -EINVAL, "needs clock_input"},
	{SWEEP(ONE(HEATER) ", 'clock_input': 1"), -EINVAL, "goes with clock \"edge\""},
	{SWEEP(ONE(HEATER) ", 'start_input': 2"), -EINVAL, "start_input is 2; allowed 0 to 1"},
	{SWEEP(ONE(HEATER) ", 'outputs': ['point', 'point', 'point']"), -EINVAL,
	 "a list of at most 2 texts"},
	{SWEEP(ONE(HEATER) ", 'outputs': ['points']"), -EINVAL, "no request: outputs \"points\""},
	{"{'kind': 'dark', 'points': 1}", -EINVAL, "points is 1; allowed 2 to"},
	{"{'kind': 'dark', 'power_fw': 1}", -EINVAL, "no request: key \"power_fw\""},
	{"{'kind': 'dark', 'aperture_ns': 1000}", -ERANGE, "at least 2 us"},
	{"{'kind': 'dark', 'aperture_ns': 20000, 'period_ns': 10000}", -ERANGE, "do not fit"},
};

START_TEST(a_bad_sweep_is_refused_in_words)
{
	struct plan *plan = NULL;
	_cleanup_free_ char *message = NULL;
	int r = try(refusals[_i].request, &plan, &message);

	ck_assert_msg(r == refusals[_i].error, "%s gave %d: %s", refusals[_i].request, r,
		      message ? message : "(no message)");
	ck_assert_ptr_null(plan);
	ck_assert_msg(message && strstr(message, refusals[_i].message), "%s: %s",
		      refusals[_i].message, message ? message : "(no message)");
}
END_TEST

/* ---- counting ---- */

static const struct {
	uint8_t direction;
	uint32_t expected[12]; /* of an axis of 3 points, over its passes */
	unsigned int count;
} orders[] = {
	{ETALON_HW_FORWARD, {0, 1, 2, 0, 1, 2}, 6},
	{ETALON_HW_REVERSE, {2, 1, 0, 2, 1, 0}, 6},
	{ETALON_HW_SERPENTINE, {0, 1, 2, 2, 1, 0}, 6},
	{ETALON_HW_UP_DOWN, {0, 1, 2, 2, 1, 0, 0, 1, 2, 2, 1, 0}, 12},
};

START_TEST(points_are_counted_in_order_of_execution)
{
	struct etalon_hw_program p = {
		.axis_count = 2,
		.axis = {{.points = 2}, {.points = 3, .direction = orders[_i].direction}},
	};

	ck_assert_uint_eq(program_points(&p), orders[_i].count);
	for (unsigned int i = 0; i < orders[_i].count; i++) {
		ck_assert_uint_eq(program_axis_index(&p, 1, i), orders[_i].expected[i]);
		ck_assert_uint_eq(program_axis_index(&p, 0, i), i / (orders[_i].count / 2));
	}
}
END_TEST

START_TEST(more_points_than_fit_are_not_counted_as_few)
{
	struct etalon_hw_program p = {
		.axis_count = 3,
		.axis = {{.points = 0x7fffffff}, {.points = 0x7fffffff}, {.points = 0x7fffffff}},
	};

	ck_assert_uint_eq(program_points(&p), UINT64_MAX);
	ck_assert_uint_eq(program_axis_steps(&p, 0), 0x7fffffff);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plan sweep");
	TCase *tc = tcase_create("sweep");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_heater_sweep_reads_the_heater_back);
	tcase_add_test(tc, three_axes_nest_and_gangs_move_together);
	tcase_add_test(tc, lists_and_lines_share_a_gang);
	tcase_add_test(tc, a_converters_odd_step_takes_the_nearest_value);
	tcase_add_test(tc, an_axis_without_sources_repeats);
	tcase_add_test(tc, dark_comes_before_and_after_when_asked);
	tcase_add_test(tc, a_diode_sweep_leaves_the_lasers_gate_alone);
	tcase_add_test(tc, comparators_triggers_and_setpoints_reach_the_program);
	tcase_add_test(tc, detectors_that_are_too_slow_are_left_out_unless_they_were_asked_for);
	tcase_add_test(tc, a_delay_holds_the_longest_move_and_the_settling);
	tcase_add_test(tc, the_estimate_holds_the_ways_of_an_outer_axis);
	tcase_add_test(tc, zero_needs_no_light_and_reads_all_that_was_named);
	tcase_add_loop_test(tc, a_bad_sweep_is_refused_in_words, 0, (int)ARRAY_SIZE(refusals));
	tcase_add_loop_test(tc, points_are_counted_in_order_of_execution, 0,
			    (int)ARRAY_SIZE(orders));
	tcase_add_test(tc, more_points_than_fit_are_not_counted_as_few);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
