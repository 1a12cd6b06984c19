// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Wavelength sweeps: a request becomes the programs that were meant, or is refused with what
 * is allowed and the nearest that would do.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "../common/erb1_board.h"
#include "base/util.h"
#include "measure/plan.h"
#include "measure/plan_count.h"
#include "measure/request.h"

#include "run_suite.h" /* last: it defines a macro fail() */

static struct description *board;

static const struct site_limit limits[] = {
	{"laser.power", 0, 2000000000000}, /* 3 dBm */
	{"laser.wavelength", 1500000000, 1700000000},
};
static const struct site_alias aliases[] = {{"through", "pd1"}, {"drop", "pd2"}, {"lost", "pd9"}};
static const struct site lab = {
	.default_power_fw = 1000000000000,
	.limits = limits,
	.limit_count = ARRAY_SIZE(limits),
	.aliases = aliases,
	.alias_count = 2,
};

#define DEMO                                                                          \
	"'kind': 'wavelength-sweep', 'start_fm': 1540000000, 'stop_fm': 1560000000, " \
	"'points': 20001, 'detectors': ['through', 'drop']"

/* JSON with ' for ". */
static json_t *parse(const char *text)
{
	char *copy = strdup(text);
	json_error_t error;
	json_t *json;

	for (char *p = copy; *p; p++)
		if (*p == '\'')
			*p = '"';
	json = json_loads(copy, JSON_DECODE_ANY, &error);
	ck_assert_msg(json, "%s in %s", error.text, text);
	free(copy);
	return json;
}

static int try(const struct site *site, const char *request, struct plan **ret, char **ret_message)
{
	json_t *json = parse(request);
	int r = plan_make(board, site, json, ret, ret_message);

	json_decref(json);
	return r;
}

static struct plan *make(const char *request)
{
	struct plan *plan = NULL;
	char *message = NULL;
	int r = try(&lab, request, &plan, &message);

	ck_assert_msg(r == 0, "%s", message);
	return plan;
}

static const char *line(const struct plan *plan, size_t i)
{
	return json_string_value(json_array_get(json_object_get(plan->summary, "lines"), i));
}

static void setup(void)
{
	board = erb1_board();
}

static void teardown(void)
{
	description_free(board);
}

/* ---- the demo ---- */

START_TEST(the_default_demo_is_planned_as_it_is_described)
{
	_cleanup_(plan_freep) struct plan *plan = make("{" DEMO ", 'reference': 'none'}");
	const struct segment *s = &plan->segments[1];
	const struct etalon_hw_axis *a = &s->program.axis[0];

	ck_assert_uint_eq(plan->segment_count, 3);
	ck_assert_int_eq(plan->segments[0].purpose, SEGMENT_DARK_BEFORE);
	ck_assert_int_eq(s->purpose, SEGMENT_MAIN);
	ck_assert_int_eq(plan->segments[2].purpose, SEGMENT_DARK_AFTER);
	ck_assert_uint_eq(s->program.axis_count, 1);
	ck_assert_int_eq(a->mode, ETALON_HW_MODE_RAMP);
	ck_assert_int_eq(a->direction, ETALON_HW_FORWARD);
	ck_assert_uint_eq(a->points, 20001);
	ck_assert_uint_eq(a->gang_count, 1);
	ck_assert_int_eq(a->gang[0].start, 1540000000);
	ck_assert_int_eq(a->gang[0].stop, 1560000000);
	ck_assert_uint_eq(s->program.period_ns, 50000);
	ck_assert_uint_eq(s->program.aperture_ns, 40000);
	ck_assert_uint_eq(s->program.delay_ns, 0);
	ck_assert_int_eq(s->program.gate, ETALON_HW_GATE_OPEN);
	ck_assert_uint_eq(s->program.flags, ETALON_HW_PROGRAM_NEEDS_EMISSION);
	ck_assert_uint_eq(plan->points, 20001);
	ck_assert(plan->needs_emission);
	ck_assert(plan->analyse);
	ck_assert_uint_eq(plan->setpoint_count, 1);
	ck_assert_int_eq(plan->setpoints[0].value, 1000000000000);
	ck_assert_str_eq(board->source[plan->setpoints[0].source].name, "laser.power");
	ck_assert_str_eq(
		line(plan, 0),
		"plan    20 001 points, 20 nm/s, aperture 40 us; 1.1 s of light after 3.0 s "
		"emission delay");
	ck_assert_str_eq(line(plan, 1),
			 "axis    wavemeter, systematic 1.7 pm    range  100 uA, 100 uA (fixed)    "
			 "reference  none: power, not loss");
	ck_assert_str_eq(line(plan, 3), "power   0 dBm (default of this site)");
}
END_TEST

START_TEST(dark_is_taken_with_the_gate_shut_and_everything_else_the_same)
{
	_cleanup_(plan_freep) struct plan *plan =
		make("{" DEMO ", 'ranges': {'drop': '10uA', 'mon': '2 mA'}}");
	const struct etalon_hw_program *main = &plan->segments[1].program;

	for (size_t i = 0; i < 3; i += 2) {
		const struct etalon_hw_program *dark = &plan->segments[i].program;

		ck_assert_int_eq(dark->gate, ETALON_HW_GATE_SHUT);
		ck_assert_uint_eq(dark->flags, ETALON_HW_PROGRAM_NEEDS_EMISSION); /* warm */
		ck_assert_uint_eq(dark->aperture_ns, main->aperture_ns);
		ck_assert_uint_eq(dark->axis[0].gang_count, 0);
		ck_assert_uint_eq(dark->detector_count, main->detector_count);
		ck_assert_int_eq(memcmp(dark->detector, main->detector, sizeof(dark->detector)), 0);
		/* The mean's error is below 5 % of one point's noise. */
		ck_assert_uint_ge(plan->segments[i].points, 400);
		ck_assert_uint_le(plan->segments[i].points, 2000);
		ck_assert_uint_le(plan->segments[i].duration_ns, 50000000);
	}
	ck_assert_uint_eq(main->detector[1].range, 2);
	ck_assert_uint_eq(main->detector[2].range, 0);
}
END_TEST

START_TEST(monitor_log_and_temperature_come_by_themselves)
{
	_cleanup_(plan_freep) struct plan *plan = make("{" DEMO "}");
	static const char *const expected[] = {"pd1", "pd2", "mon", "wlog", "tec1.t"};
	const struct etalon_hw_program *p = &plan->segments[1].program;

	ck_assert_uint_eq(p->detector_count, ARRAY_SIZE(expected));
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
		ck_assert_str_eq(board->detector[p->detector[i].detector].name, expected[i]);
}
END_TEST

START_TEST(what_was_asked_for_by_name_is_not_added_again)
{
	_cleanup_(plan_freep) struct plan *plan =
		make("{'kind': 'wavelength-sweep', 'start_fm': 1550000000, 'stop_fm': 1551000000, "
		     "'points': 101, 'detectors': ['wlog', 'mon', 'pd3']}");
	const struct etalon_hw_program *p = &plan->segments[1].program;

	ck_assert_uint_eq(p->detector_count, 4);
	ck_assert_str_eq(board->detector[p->detector[0].detector].name, "wlog");
	ck_assert_str_eq(board->detector[p->detector[3].detector].name, "tec1.t");
}
END_TEST

START_TEST(without_detectors_those_that_the_site_has_words_for_are_read)
{
	_cleanup_(plan_freep) struct plan *plan =
		make("{'kind': 'wavelength-sweep', 'start_fm': 1550000000, 'stop_fm': 1551000000, "
		     "'points': 101}");
	struct site bare = {.default_power_fw = 1000000000000};
	struct plan *other = NULL;

	ck_assert_uint_eq(plan->segments[1].program.detector_count, 5);
	ck_assert_str_eq(
		json_string_value(json_array_get(json_object_get(plan->request, "detectors"), 1)),
		"drop");
	ck_assert_int_eq(try(&bare,
			     "{'kind': 'wavelength-sweep', 'start_fm': 1550000000, "
			     "'stop_fm': 1551000000, 'points': 101}",
			     &other, NULL),
			 0);
	ck_assert_uint_eq(other->segments[1].program.detector_count, 7); /* pd1-4 and three */
	plan_free(other);
}
END_TEST

START_TEST(the_description_of_the_run_is_complete_before_it)
{
	_cleanup_(plan_freep) struct plan *plan =
		make("{" DEMO ", 'label': 'ring40', 'die': 'D3', 'parent': 4}");
	const json_t *axis = json_object_get(plan->meta, "axis");
	const json_t *settings = json_object_get(plan->meta, "settings");
	const json_t *first = json_array_get(json_object_get(plan->meta, "channels"), 0);
	double noise = json_real_value(json_object_get(first, "noise_a"));

	ck_assert_str_eq(json_string_value(json_object_get(plan->meta, "kind")),
			 "wavelength-sweep");
	ck_assert_str_eq(json_string_value(json_object_get(axis, "provenance")), "wavemeter");
	ck_assert_double_eq_tol(json_real_value(json_object_get(axis, "random_pm")), 0.05, 1e-9);
	ck_assert_double_eq_tol(json_real_value(json_object_get(axis, "systematic_pm")),
				hypot(1.7, 0.3), 1e-9);
	ck_assert_double_eq_tol(json_real_value(json_object_get(settings, "power_w")), 1e-3, 1e-12);
	ck_assert_double_eq_tol(json_real_value(json_object_get(settings, "speed_nm_per_s")), 20,
				1e-9);
	ck_assert_double_eq_tol(json_real_value(json_object_get(settings, "span_nm")), 20, 1e-9);
	ck_assert_str_eq(json_string_value(json_object_get(settings, "mode")), "ramp");
	ck_assert_str_eq(json_string_value(json_object_get(first, "column")), "through");
	ck_assert_str_eq(json_string_value(json_object_get(first, "detector")), "pd1");
	ck_assert_str_eq(json_string_value(json_object_get(first, "unit")), "W");
	ck_assert_str_eq(json_string_value(json_object_get(first, "range")), "100 uA");
	ck_assert_double_eq_tol(json_real_value(json_object_get(first, "bandwidth_hz")), 200e3, 1);
	ck_assert(noise > 0.1e-9 && noise < 0.25e-9);
	ck_assert_double_eq_tol(json_real_value(json_object_get(first, "responsivity_a_per_w")),
				1.0, 0.05);
	ck_assert_str_eq(json_string_value(json_object_get(plan->meta, "monitor")), "mon");
	ck_assert_str_eq(json_string_value(json_object_get(plan->meta, "label")), "ring40");
	ck_assert_str_eq(json_string_value(json_object_get(plan->meta, "die")), "D3");
	ck_assert_int_eq(json_integer_value(json_object_get(plan->meta, "parent")), 4);
	ck_assert_double_eq_tol(json_real_value(json_object_get(
					json_object_get(plan->meta, "laser"), "rin_db_per_hz")),
				-145, 1e-9);
}
END_TEST

START_TEST(defaults_are_written_into_the_request)
{
	_cleanup_(plan_freep) struct plan *plan = make("{" DEMO "}");

	ck_assert_int_eq(json_integer_value(json_object_get(plan->request, "power_fw")),
			 1000000000000);
	ck_assert_int_eq(json_integer_value(json_object_get(plan->request, "speed_fm_per_s")),
			 20000000);
	ck_assert_int_eq(json_integer_value(json_object_get(plan->request, "aperture_ns")), 40000);
	ck_assert_int_eq(json_integer_value(json_object_get(plan->request, "average")), 1);
	ck_assert(json_is_false(json_object_get(plan->request, "both_ways")));
}
END_TEST

START_TEST(a_plan_of_the_filled_request_is_the_same_plan)
{
	_cleanup_(plan_freep) struct plan *plan =
		make("{" DEMO ", 'power_fw': 501187233627, 'both_ways': true, 'average': 3}");
	struct plan *again = NULL;

	ck_assert_int_eq(plan_make(board, &lab, plan->request, &again, NULL), 0);
	ck_assert_uint_eq(again->segment_count, plan->segment_count);
	for (size_t i = 0; i < plan->segment_count; i++)
		ck_assert_int_eq(memcmp(&plan->segments[i].program, &again->segments[i].program,
					sizeof(plan->segments[i].program)),
				 0);
	ck_assert(json_equal(plan->request, again->request));
	plan_free(again);
}
END_TEST

/* ---- passes ---- */

START_TEST(averages_repeat_and_both_ways_returns)
{
	_cleanup_(plan_freep) struct plan *plan =
		make("{" DEMO ", 'average': 4, 'both_ways': true}");
	const struct segment *s = &plan->segments[1];
	int64_t value;

	ck_assert_uint_eq(s->program.axis_count, 2);
	ck_assert_uint_eq(s->program.axis[0].gang_count, 0);
	ck_assert_uint_eq(s->program.axis[0].points, 4);
	ck_assert_int_eq(s->program.axis[1].direction, ETALON_HW_UP_DOWN);
	ck_assert_uint_eq(s->points, 4 * 2 * 20001);
	ck_assert_int_eq(plan_setpoint_at(s, 20000, 1, 0, &value), 0);
	ck_assert_int_eq(value, 1560000000);
	ck_assert_int_eq(plan_setpoint_at(s, 20001, 1, 0, &value), 0);
	ck_assert_int_eq(value, 1560000000);
	ck_assert_int_eq(plan_setpoint_at(s, 40001, 1, 0, &value), 0);
	ck_assert_int_eq(value, 1540000000);
	ck_assert_int_eq(plan_setpoint_at(s, 40002, 1, 0, &value), 0);
	ck_assert_int_eq(value, 1540000000);
	ck_assert_int_eq(plan_setpoint_at(s, 0, 0, 0, &value), -EINVAL); /* drives nothing */
	ck_assert_int_eq(plan_setpoint_at(s, s->points, 1, 0, &value), -EINVAL);
}
END_TEST

START_TEST(a_sweep_may_go_down)
{
	_cleanup_(plan_freep) struct plan *plan =
		make("{'kind': 'wavelength-sweep', 'start_fm': 1560000000, 'stop_fm': 1540000000, "
		     "'points': 20001, 'detectors': ['pd1']}");
	int64_t value;

	ck_assert_int_eq(plan_setpoint_at(&plan->segments[1], 1, 0, 0, &value), 0);
	ck_assert_int_eq(value, 1559999000);
	ck_assert_uint_eq(plan->segments[1].program.period_ns, 50000);
}
END_TEST

START_TEST(a_dwell_makes_steps_that_wait_for_the_laser)
{
	_cleanup_(plan_freep) struct plan *plan =
		make("{'kind': 'wavelength-sweep', 'start_fm': 1550000000, 'stop_fm': 1550010000, "
		     "'points': 11, 'detectors': ['pd1'], 'dwell_ns': 150000000}");
	const struct etalon_hw_program *p = &plan->segments[1].program;

	ck_assert_int_eq(p->axis[0].mode, ETALON_HW_MODE_STEP);
	ck_assert_int_eq(p->axis[0].shape, ETALON_HW_AXIS_LINEAR);
	ck_assert_uint_eq(p->period_ns, 150000000);
	/* 1 pm at 100 nm/s, then 100 ms. */
	ck_assert_uint_eq(p->delay_ns, 100010000);
	ck_assert_uint_eq(p->aperture_ns, 49990000);
	/* Dark waits for no laser. */
	ck_assert_uint_eq(plan->segments[0].program.aperture_ns, 49990000);
	ck_assert_uint_eq(plan->segments[0].program.delay_ns, 0);
	ck_assert_uint_eq(plan->segments[0].program.period_ns, 49990000);
	ck_assert_uint_ge(plan->segments[0].points, 20);
	ck_assert_str_eq(
		line(plan, 0),
		"plan    11 points, dwell 150 ms, aperture 49.99 ms; 4.3 s of light after 3.0 s "
		"emission delay");
}
END_TEST

START_TEST(steps_off_the_grid_become_a_list_of_the_nearest)
{
	_cleanup_(plan_freep) struct plan *plan =
		make("{'kind': 'wavelength-sweep', 'start_fm': 1550000000, 'stop_fm': 1550001000, "
		     "'points': 4, 'detectors': ['pd1'], 'dwell_ns': 150000000}");
	const struct segment *s = &plan->segments[1];
	static const int64_t expected[] = {1550000000, 1550000300, 1550000700, 1550001000};
	int64_t value;

	ck_assert_int_eq(s->program.axis[0].shape, ETALON_HW_AXIS_LIST);
	ck_assert_uint_eq(s->list_count, 1);
	for (unsigned int i = 0; i < 4; i++) {
		ck_assert_int_eq(s->lists[0].values[i], expected[i]);
		ck_assert_int_eq(plan_setpoint_at(s, i, 0, 0, &value), 0);
		ck_assert_int_eq(value, expected[i]);
	}
	ck_assert_uint_eq(json_array_size(json_object_get(plan->summary, "warnings")), 1);
}
END_TEST

START_TEST(a_power_in_dbm_is_set_to_the_nearest_step)
{
	_cleanup_(plan_freep) struct plan *plan = make("{" DEMO ", 'power_fw': 501187233627}");

	/* -3 dBm; the laser is set in steps of 1 nW. */
	ck_assert_int_eq(plan->setpoints[0].value, 501187000000);
	ck_assert_int_eq(json_integer_value(json_object_get(plan->request, "power_fw")),
			 501187000000);
}
END_TEST

static const struct {
	int64_t speed;
	unsigned int points;
} speeds[] = {
	{500000, 20001}, {100000000, 20001}, {100000000, 19999}, {500000, 3},
	{20000000, 7},	 {33333333, 12345},  {500000, 99991},	 {99999999, 20000},
};

START_TEST(whole_nanoseconds_never_lead_out_of_the_lasers_speeds)
{
	char request[400];
	_cleanup_(plan_freep) struct plan *plan = NULL;
	const struct etalon_hw_program *p;
	double speed;

	snprintf(request, sizeof(request),
		 "{'kind': 'wavelength-sweep', 'start_fm': 1540000000, 'stop_fm': 1560000000, "
		 "'points': %u, 'detectors': ['pd1'], 'speed_fm_per_s': %lld}",
		 speeds[_i].points, (long long)speeds[_i].speed);
	plan = make(request);
	p = &plan->segments[1].program;
	speed = 20e6 * 1e9 / ((double)(speeds[_i].points - 1) * (double)p->period_ns);
	ck_assert_double_le(speed, 100e6 * (1 + 1e-15));
	ck_assert_double_ge(speed, 0.5e6 * (1 - 1e-15));
	ck_assert_double_eq_tol(speed, (double)speeds[_i].speed, 1e-4 * (double)speeds[_i].speed);
}
END_TEST

/* ---- refusals ---- */

#define SWEEP(rest) "{'kind': 'wavelength-sweep', 'detectors': ['pd1'], " rest "}"
#define SPAN(start, stop, points) "'start_fm': " #start ", 'stop_fm': " #stop ", 'points': " #points

static const struct {
	const char *request;
	int error;
	const char *message; /* all of it */
} refusals[] = {
	{"[]", -EINVAL, "request: must be an object"},
	{"{}", -EINVAL, "request: kind is missing; allowed: wavelength-sweep, sweep, dark"},
	{"{'kind': 'wavelength sweep'}", -EINVAL,
	 "no request: kind \"wavelength sweep\"; allowed: wavelength-sweep, sweep, dark; did you mean "
	 "\"wavelength-sweep\"?"},
	{"{'kind': 5}", -EINVAL, "request: kind must be a text"},
	{SWEEP(SPAN(1540000000, 1560000000, 101) ", 'detectros': []"), -EINVAL,
	 "no request: key \"detectros\"; allowed: kind, detectors, ranges, label, device, wafer, die, "
	 "note, operator, parent, expectations, analyse, limits, start_fm, stop_fm, points, power_fw, "
	 "speed_fm_per_s, dwell_ns, aperture_ns, average, both_ways, reference, purpose; did you mean "
	 "\"detectors\"?"},
	{SWEEP("'stop_fm': 1560000000, 'points': 5"), -EINVAL, "request: start_fm is missing"},
	{SWEEP(SPAN('1540nm', 1560000000, 5)), -EINVAL, "request: start_fm must be a number"},
	{SWEEP(SPAN(1540000000.5, 1560000000, 5)), -EINVAL,
	 "request: start_fm must be a whole number, not 1.54e+09"},
	{SWEEP(SPAN(1540000000, 1700000000, 101)), -ERANGE,
	 "1700 nm is above laser.wavelength's 1640 nm, set by the board; allowed 1500 nm to 1640 nm"},
	{SWEEP(SPAN(1490000000, 1560000000, 101)), -ERANGE,
	 "1490 nm is below laser.wavelength's 1500 nm, set by the site; allowed 1500 nm to 1640 nm"},
	{SWEEP(SPAN(-5, 1560000000, 101)), -ERANGE,
	 "-5 fm is below laser.wavelength's 1500 nm, set by the site; allowed 1500 nm to 1640 nm"},
	{SWEEP(SPAN(1540000000, 9223372036854775807, 101)), -ERANGE,
	 "9223372036854.775807 nm is above laser.wavelength's 1640 nm, set by the board; allowed 1500 "
	 "nm to 1640 nm"},
	{SWEEP(SPAN(1540000000, 1639900000, 101)), -ERANGE,
	 "1639.9 nm is above laser.wavelength's 1639.5 nm, set by the board, which leaves 500 pm for "
	 "the run-in; allowed 1500.5 nm to 1639.5 nm"},
	{SWEEP(SPAN(1540000000, 1560000000, 101) ", 'limits': {'laser.wavelength': {'max': "
						 "1555000000}}"),
	 -ERANGE,
	 "1560 nm is above laser.wavelength's 1555 nm, set by this job; allowed 1500 nm to 1555 nm"},
	{SWEEP(SPAN(1540000000, 1560000000,
		    101) ", 'limits': {'laser.power': {'max': 100000000000, "
			 "'by': 'the device'}}"),
	 -ERANGE,
	 "0 dBm is above laser.power's -10 dBm, set by the device; allowed -10 dBm to -10 dBm"},
	{SWEEP(SPAN(1540000000, 1560000000, 101) ", 'limits': {'laser.power': {'max': 1}}"),
	 -ERANGE,
	 "laser.power: no value is allowed: the board asks for at least -10 dBm, this job for at most "
	 "-120 dBm"},
	{SWEEP(SPAN(1540000000, 1560000000, 101) ", 'limits': {'lasr.power': {'max': 1}}"), -ENOENT,
	 NULL},
	{SWEEP(SPAN(1540000050, 1560000000, 101)), -EINVAL,
	 "1540.00005 nm: laser.wavelength is set in steps of 100 fm; the nearest are 1540 nm and "
	 "1540.0001 nm"},
	{SWEEP(SPAN(1540000000, 1540000000, 101)), -EINVAL,
	 "start and stop are both 1540 nm: a sweep needs a span"},
	{SWEEP(SPAN(1540000000, 1560000000, 1)), -EINVAL,
	 "request: points is 1; allowed 2 to 1000000000"},
	{SWEEP(SPAN(1540000000, 1560000000, 0)), -EINVAL,
	 "request: points is 0; allowed 2 to 1000000000"},
	{SWEEP(SPAN(1540000000, 1560000000, -7)), -EINVAL,
	 "request: points is -7; allowed 2 to 1000000000"},
	{SWEEP(SPAN(1540000000, 1560000000, 1000000000000)), -EINVAL,
	 "request: points is 1000000000000; allowed 2 to 1000000000"},
	{SWEEP(SPAN(1540000000, 1560000000, 20001) ", 'power_fw': 10000000000000"), -ERANGE,
	 "10 dBm is above laser.power's 3.01 dBm, set by the site; allowed -10 dBm to 3.01 dBm"},
	{SWEEP(SPAN(1540000000, 1560000000, 20001) ", 'power_fw': 0"), -ERANGE,
	 "0 W is below laser.power's -10 dBm, set by the board; allowed -10 dBm to 3.01 dBm"},
	{SWEEP(SPAN(1540000000, 1560000000, 20001) ", 'speed_fm_per_s': 200000000"), -ERANGE,
	 "200 nm/s is above laser.wavelength's 100 nm/s; allowed 500 pm/s to 100 nm/s"},
	{SWEEP(SPAN(1540000000, 1560000000, 20001) ", 'speed_fm_per_s': 1000"), -ERANGE,
	 "1 pm/s is below laser.wavelength's 500 pm/s; allowed 500 pm/s to 100 nm/s"},
	{SWEEP(SPAN(1540000000, 1560000000, 20001) ", 'speed_fm_per_s': 0"), -EINVAL,
	 "request: speed_fm_per_s is 0; allowed 1 to 9223372036854775807"},
	{SWEEP(SPAN(1540000000, 1560000000, 1000001)), -ERANGE,
	 "1 000 001 points at 20 nm/s come faster than this board's period of 10 us: at most 2 nm/s, or "
	 "at most 100 001 points"},
	{SWEEP(SPAN(1540000000, 1540020000, 100001)), -ERANGE,
	 "100 001 points at 20 nm/s come faster than this board's period of 10 us: at most 101 points"},
	{SWEEP(SPAN(1540000000, 1540000100, 1001) ", 'speed_fm_per_s': 500000"), -ERANGE,
	 "1 001 points at 500 pm/s come faster than this board's period of 10 us: at most 21 points"},
	{SWEEP(SPAN(1540000000, 1560000000, 20001) ", 'aperture_ns': 60000"), -ERANGE,
	 "delay 0 s and aperture 60 us do not fit the period 50 us: at least 60 us"},
	{SWEEP(SPAN(1540000000, 1560000000, 20001) ", 'aperture_ns': 1000"), -ERANGE,
	 "aperture 1 us is shorter than the 2 us that the board needs: at least 2 us"},
	{SWEEP(SPAN(1540000000, 1560000000, 20001) ", 'dwell_ns': 1000000"), -ERANGE,
	 "dwell 1 ms is too short: laser.wavelength moves and settles for 100.01 ms and the board needs "
	 "an aperture of 2 us; at least 100.012 ms"},
	{SWEEP(SPAN(1549000000, 1550000000, 11) ", 'dwell_ns': 110000000, 'aperture_ns': 10000000"),
	 -ERANGE,
	 "aperture 10 ms does not fit the dwell of 110 ms after 101 ms of moving and settling: at most "
	 "9 ms"},
	{SWEEP(SPAN(1540000000, 1560000000,
		    201) ", 'dwell_ns': 150000000, 'aperture_ns': 60000000"),
	 -ERANGE,
	 "aperture 60 ms does not fit the dwell of 150 ms after 101 ms of moving and settling: at most "
	 "49 ms"},
	{SWEEP(SPAN(1540000000, 1540001000, 101) ", 'dwell_ns': 150000000"), -ERANGE,
	 "laser.wavelength: 101 points over 1 pm are finer than its steps of 100 fm; at most 11 points"},
	{SWEEP(SPAN(1540000000, 1560000000,
		    201) ", 'dwell_ns': 150000000, 'speed_fm_per_s': 1000000"),
	 -EINVAL, "speed_fm_per_s and dwell_ns exclude each other: sweep or step"},
	{SWEEP(SPAN(1540000000, 1560000000, 20001) ", 'dwell_ns': 3600000000000"), -ERANGE, NULL},
	{SWEEP(SPAN(1540000000, 1560000000, 20001) ", 'average': 1001"), -EINVAL,
	 "request: average is 1001; allowed 1 to 1000"},
	{SWEEP(SPAN(1540000000, 1560000000, 2000001) ", 'average': 1000, 'speed_fm_per_s': 500000"),
	 -ERANGE, "2 000 001 000 points are more than one run may have; at most 1 000 000 000"},
	{SWEEP(SPAN(1540000000, 1560000000, 101) ", 'both_ways': 1"), -EINVAL,
	 "request: both_ways must be true or false"},
	{SWEEP(SPAN(1540000000, 1560000000, 101) ", 'reference': 'newest'"), -EINVAL,
	 "no request: reference \"newest\"; allowed: none, latest; did you mean \"latest\"?"},
	{SWEEP(SPAN(1540000000, 1560000000, 101) ", 'reference': 0"), -EINVAL,
	 "request: reference is 0; allowed 1 to 9223372036854775807"},
	{SWEEP(SPAN(1540000000, 1560000000, 101) ", 'label': 7"), -EINVAL,
	 "request: label must be a text"},
	{SWEEP(SPAN(1540000000, 1560000000, 101) ", 'parent': -1"), -EINVAL,
	 "request: parent is -1; allowed 1 to 9223372036854775807"},
	{SWEEP(SPAN(1540000000, 1560000000, 101) ", 'expectations': [{'quantity': 'q'}]"), -EINVAL,
	 "expectations[0]: give low, high or both"},
	{SWEEP(SPAN(1540000000, 1560000000, 101) ", 'expectations': [{'quantity': 'q', 'low': 2, "
						 "'high': 1}]"),
	 -EINVAL, "expectations[0]: low is above high"},
	{SWEEP(SPAN(1540000000, 1560000000, 101) ", 'expectations': [{'quantity': 'q', 'low': 2, "
						 "'channel': 'pd3'}]"),
	 -ENOENT, "pd3 is not among the detectors of this request"},
	{"{'kind': 'wavelength-sweep', 'detectors': ['pd1', 'through'], " SPAN(1540000000,
									       1560000000, 101) "}",
	 -EINVAL, "detectors: pd1 is named twice (pd1 is the same)"},
	{"{'kind': 'wavelength-sweep', 'detectors': [], " SPAN(1540000000, 1560000000, 101) "}",
	 -EINVAL, "detectors must be a list of names"},
	{"{'kind': 'wavelength-sweep', 'detectors': [1], " SPAN(1540000000, 1560000000, 101) "}",
	 -EINVAL, "detectors[0] must be a name"},
	{SWEEP(SPAN(1540000000, 1560000000, 101) ", 'ranges': {'pd1': '50 uA'}"), -ENOENT,
	 "no range of pd1 \"50 uA\"; it has: 2 mA, 100 uA, 10 uA, 1 uA; did you mean \"10 uA\"?"},
	{SWEEP(SPAN(1540000000, 1560000000, 101) ", 'ranges': {'pd4': '2 mA'}"), -ENOENT,
	 "pd4 is not among the detectors of this request"},
	{SWEEP(SPAN(1540000000, 1560000000, 101) ", 'ranges': {'pd1': 2}"), -EINVAL,
	 "ranges: pd1 must be a text such as \"2 mA\""},
};

START_TEST(a_bad_request_is_refused_with_what_would_do)
{
	struct plan *plan = NULL;
	_cleanup_free_ char *message = NULL;
	int r = try(&lab, refusals[_i].request, &plan, &message);

	ck_assert_msg(r == refusals[_i].error, "%s gave %d: %s", refusals[_i].request, r,
		      message ? message : "(no message)");
	ck_assert_ptr_null(plan);
	ck_assert_ptr_nonnull(message);
	if (refusals[_i].message)
		ck_assert_str_eq(message, refusals[_i].message);
}
END_TEST

START_TEST(an_unknown_detector_gets_the_list_and_the_nearest)
{
	struct plan *plan = NULL;
	_cleanup_free_ char *message = NULL;

	ck_assert_int_eq(try(&lab,
			     "{'kind': 'wavelength-sweep', 'detectors': ['thruogh'], "
			     "'start_fm': 1540000000, 'stop_fm': 1560000000, 'points': 101}",
			     &plan, &message),
			 -ENOENT);
	ck_assert_ptr_nonnull(strstr(message, "no detector \"thruogh\"; this board has: through, "
					      "drop, pd1, pd2, pd3, pd4, mon, wlog"));
	ck_assert_ptr_nonnull(strstr(message, "did you mean \"through\"?"));
}
END_TEST

START_TEST(a_site_that_names_what_is_not_there_is_told)
{
	struct site_limit limit = {"laser.powr", 0, 1};
	struct site broken = lab;
	struct plan *plan = NULL;
	_cleanup_free_ char *message = NULL, *second = NULL;

	broken.limits = &limit;
	broken.limit_count = 1;
	ck_assert_int_eq(try(&broken, "{" DEMO "}", &plan, &message), -ENOENT);
	ck_assert_ptr_nonnull(strstr(message, "limits of the site: no source \"laser.powr\""));
	broken = lab;
	broken.alias_count = 3;
	ck_assert_int_eq(try(&broken,
			     "{'kind': 'wavelength-sweep', 'detectors': ['lost'], "
			     "'start_fm': 1540000000, 'stop_fm': 1560000000, 'points': 101}",
			     &plan, &second),
			 -ENOENT);
	ck_assert_str_eq(second, "the site calls \"lost\" what this board does not have: pd9");
}
END_TEST

START_TEST(no_power_is_ever_guessed)
{
	struct site silent = {};
	struct plan *plan = NULL;
	_cleanup_free_ char *message = NULL;

	ck_assert_int_eq(try(&silent,
			     "{'kind': 'wavelength-sweep', 'start_fm': 1540000000, "
			     "'stop_fm': 1560000000, 'points': 101}",
			     &plan, &message),
			 -EINVAL);
	ck_assert_str_eq(message,
			 "how much power? Say it with --power (power_fw) or as the site's default_power; "
			 "allowed -10 dBm to 10 dBm");
}
END_TEST

START_TEST(a_board_without_a_gate_takes_no_dark_and_says_so)
{
	_cleanup_(plan_freep) struct plan *plan = NULL;

	board->head.capabilities &= ~(uint64_t)ETALON_HW_CAP_GATE;
	plan = make("{" DEMO "}");
	ck_assert_uint_eq(plan->segment_count, 1);
	ck_assert_int_eq(plan->segments[0].program.gate, ETALON_HW_GATE_KEEP);
	ck_assert_uint_eq(json_array_size(json_object_get(plan->summary, "warnings")), 1);
}
END_TEST

/* Passes that are averaged are one row; there and back are two. */
START_TEST(what_is_too_long_for_an_analysis_says_so_before)
{
	static const struct {
		const char *more;
		const char *says; /* NULL: nothing */
	} sweeps[] = {
		{"'average': 2", NULL},
		{"'both_ways': true, 'analyse': false", NULL},
		{"'both_ways': true",
		 "no analysis: 2600002 points are too many for one (2097142 fit)"},
		{"'average': 50", "no analysis: 1300001 points are too many for one ("},
		{"'both_ways': true, 'average': 2",
		 "no analysis: 2600002 points are too many for one (2097142 fit)"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(sweeps); i++) {
		_cleanup_free_ char *request = asprintf_or_null(
			"{'kind': 'wavelength-sweep', 'start_fm': 1505000000, 'stop_fm': "
			"1635000000, 'points': 1300001, 'speed_fm_per_s': 2000000, 'detectors': "
			"['through'], %s}",
			sweeps[i].more);
		_cleanup_(plan_freep) struct plan *plan = make(request);
		const json_t *warnings = json_object_get(plan->summary, "warnings");
		const char *says = json_string_value(json_array_get(warnings, 0));

		ck_assert_uint_eq(json_array_size(warnings), sweeps[i].says ? 1 : 0);
		ck_assert_msg(!sweeps[i].says || strstr(says, sweeps[i].says), "%s", says);
	}
}
END_TEST

START_TEST(the_summary_shows_first_and_last_setpoints)
{
	_cleanup_(plan_freep) struct plan *plan = make("{" DEMO "}");
	const json_t *first = json_object_get(plan->summary, "setpoints_first");
	const json_t *last = json_object_get(plan->summary, "setpoints_last");

	ck_assert_int_eq(json_integer_value(json_array_get(first, 1)), 1540001000);
	ck_assert_int_eq(json_integer_value(json_array_get(last, json_array_size(last) - 1)),
			 1560000000);
	ck_assert_str_eq(json_string_value(json_object_get(plan->summary, "setpoints_unit")), "fm");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plan wavelength");
	TCase *tc = tcase_create("wavelength");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, the_default_demo_is_planned_as_it_is_described);
	tcase_add_test(tc, dark_is_taken_with_the_gate_shut_and_everything_else_the_same);
	tcase_add_test(tc, monitor_log_and_temperature_come_by_themselves);
	tcase_add_test(tc, what_was_asked_for_by_name_is_not_added_again);
	tcase_add_test(tc, without_detectors_those_that_the_site_has_words_for_are_read);
	tcase_add_test(tc, the_description_of_the_run_is_complete_before_it);
	tcase_add_test(tc, defaults_are_written_into_the_request);
	tcase_add_test(tc, a_plan_of_the_filled_request_is_the_same_plan);
	tcase_add_test(tc, averages_repeat_and_both_ways_returns);
	tcase_add_test(tc, a_sweep_may_go_down);
	tcase_add_test(tc, a_dwell_makes_steps_that_wait_for_the_laser);
	tcase_add_test(tc, steps_off_the_grid_become_a_list_of_the_nearest);
	tcase_add_test(tc, a_power_in_dbm_is_set_to_the_nearest_step);
	tcase_add_loop_test(tc, whole_nanoseconds_never_lead_out_of_the_lasers_speeds, 0,
			    (int)ARRAY_SIZE(speeds));
	tcase_add_loop_test(tc, a_bad_request_is_refused_with_what_would_do, 0,
			    (int)ARRAY_SIZE(refusals));
	tcase_add_test(tc, an_unknown_detector_gets_the_list_and_the_nearest);
	tcase_add_test(tc, a_site_that_names_what_is_not_there_is_told);
	tcase_add_test(tc, no_power_is_ever_guessed);
	tcase_add_test(tc, a_board_without_a_gate_takes_no_dark_and_says_so);
	tcase_add_test(tc, what_is_too_long_for_an_analysis_says_so_before);
	tcase_add_test(tc, the_summary_shows_first_and_last_setpoints);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
