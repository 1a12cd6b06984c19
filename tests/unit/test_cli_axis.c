// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The axis of a sweep: what is asked for comes out exactly, and a step that does not divide its
 * span is refused with the nearest that does.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/quantity.h"
#include "base/util.h"
#include "cli/axis.h"
#include "cli/expect.h"
#include "cli/since.h"
#include "run_suite.h"

#include <check.h>

#define RESOLUTION 100 /* fm: 0.1 pm */

struct reading {
	struct axis_wish wish;
	int64_t start, stop;
	uint64_t points;
};

static const struct reading readings[] = {
	{{.from = "1540nm", .to = "1560nm", .step = "1pm"}, 1540000000, 1560000000, 20001},
	{{.from = "1540nm", .to = "1560nm", .points = "20 001"}, 1540000000, 1560000000, 20001},
	{{.from = "1.54um", .to = "1560000pm", .step = "20nm"}, 1540000000, 1560000000, 2},
	{{.centre = "1550nm", .span = "20nm", .step = "0.1pm"}, 1540000000, 1560000000, 200001},
	{{.centre = "1550nm", .span = "3fm", .points = "2"}, 1549999999, 1550000002, 2},
	/* 0.1 pm in binary is no number; in decimal it divides. */
	{{.from = "1549.3nm", .to = "1549.6nm", .step = "0.1pm"}, 1549300000, 1549600000, 3001},
	/* c / 193 THz = 1553.3288 nm, c / 194 THz = 1545.3219 nm, on the laser's grid of 0.1 pm */
	{{.from = "193THz", .to = "194THz", .points = "101"}, 1545321900, 1553328800, 101},
	{{.from = "194THz", .to = "193000GHz", .points = "101"}, 1545321900, 1553328800, 101},
	{{.centre = "193.5THz", .span = "1THz", .points = "101"}, 1545321900, 1553328800, 101},
};

START_TEST(what_is_asked_for_comes_out_exactly)
{
	const struct reading *c = &readings[_i];
	_cleanup_free_ char *message = NULL;
	struct axis a;
	int r = axis_read(&c->wish, RESOLUTION, &a, &message);

	ck_assert_msg(r == 0, "%s", message);
	ck_assert_int_eq(a.start_fm, c->start);
	ck_assert_int_eq(a.stop_fm, c->stop);
	ck_assert_uint_eq(a.points, c->points);
	ck_assert_int_eq(a.from_frequency,
			 quantity_is_frequency(c->wish.from ? c->wish.from : c->wish.centre));
}
END_TEST

struct refusal {
	struct axis_wish wish;
	const char *says;
};

static const struct refusal refusals[] = {
	{{.from = "1540nm", .to = "1560nm", .step = "3pm"},
	 "20 nm is not a multiple of 3 pm; nearest: --step 3.2pm or --points 6668"},
	{{.from = "1540nm", .to = "1540.01nm", .step = "3pm"}, "--step 2.5pm or --points 4"},
	{{.from = "1540nm", .to = "1540.000007nm", .step = "5fm"}, "nearest: --points 2"},
	{{.from = "193THz", .to = "194THz", .step = "1pm"},
	 "8.0069 nm is not a multiple of 1 pm; nearest: --points 8008"},
	{{.from = "193THz", .to = "194THz", .step = "1GHz"},
	 "points are equidistant in wavelength; as fine on average: --points 1001"},
	{{.centre = "193THz", .span = "10GHz", .step = "0.1GHz"}, "--points 101"},
	{{.from = "193THz", .to = "194THz", .step = "2THz"}, "does not fit into the span"},
	{{.from = "193THz", .to = "194THz", .step = "0GHz"}, "does not fit into the span"},
	{{.from = "1540nm", .to = "194THz", .points = "9"}, "give both as wavelengths"},
	{{.from = "1540nm", .to = "1560nm"}, "how fine? --step 1pm or --points 20001"},
	{{.from = "1540nm", .to = "1560nm", .step = "1pm", .points = "9"}, "give one of them"},
	{{.from = "1540nm", .to = "1560nm", .step = "0pm"}, "leads nowhere"},
	{{.from = "1540nm", .to = "1560nm", .step = "-1pm"}, "leads nowhere"},
	{{.from = "1540nm", .to = "1560nm", .step = "1e-9fm"}, "too small to tell from 0"},
	{{.from = "1540nm", .to = "1560nm", .step = "30nm"},
	 "wider than the span of 20 nm; at most --step 20nm"},
	{{.from = "1540nm", .to = "1560nm", .step = "1"}, "'1' has no unit; write 1pm"},
	{{.from = "1540nm", .to = "1560nm", .points = "1"}, "at least 2"},
	{{.from = "1540nm", .to = "1560nm", .points = "many"}, "not a whole number"},
	{{.from = "1560nm", .to = "1540nm", .step = "1pm"}, "a sweep runs upwards: 1540nm 1560nm"},
	{{.from = "1540nm", .to = "1540nm", .step = "1pm"}, "a sweep needs a span"},
	{{.from = "1540nm", .step = "1pm"}, "no stop"},
	{{.from = "1540", .to = "1560", .step = "1pm"}, "'1540' has no unit; write 1540nm"},
	{{.from = "1540nm", .to = "1560V", .step = "1pm"}, "'1560V' is a voltage"},
	{{.step = "1pm"}, "from where to where?"},
	{{.centre = "1550nm", .step = "1pm"}, "from where to where?"},
	{{.centre = "1550nm", .span = "1THz", .step = "1pm"},
	 "'1THz' is a frequency; a wavelength span is wanted"},
	{{.centre = "1550nm", .span = "-1nm", .step = "1pm"}, "is not possible"},
	{{.centre = "1550nm", .span = "4um", .step = "1pm"}, "is not possible"},
	{{.from = "1540nm", .to = "1560nm", .span = "1nm", .step = "1pm"}, "not both"},
};

START_TEST(what_does_not_fit_is_refused_with_what_would)
{
	const struct refusal *c = &refusals[_i];
	_cleanup_free_ char *message = NULL;
	struct axis a = {.points = 77};

	ck_assert_int_eq(axis_read(&c->wish, RESOLUTION, &a, &message), -EINVAL);
	ck_assert_msg(strstr(message, c->says) != NULL, "%s", message);
	ck_assert_uint_eq(a.points, 77);
}
END_TEST

START_TEST(every_nearest_step_that_is_offered_is_accepted)
{
	char step[32];

	for (int64_t fm = 300; fm < 20000; fm += 137) {
		struct axis_wish w = {.from = "1540nm", .to = "1560nm", .step = step};
		_cleanup_free_ char *message = NULL, *again = NULL;
		struct axis a;
		char *offered;

		snprintf(step, sizeof(step), "%" PRId64 "fm", fm);
		if (axis_read(&w, RESOLUTION, &a, &message) == 0)
			continue;
		offered = strstr(message, "--step ");
		ck_assert_msg(offered != NULL, "%s", message);
		ck_assert_int_eq(sscanf(offered, "--step %31s", step), 1);
		ck_assert_msg(axis_read(&w, RESOLUTION, &a, &again) == 0, "%s, then: %s", message,
			      again);
	}
}
END_TEST

START_TEST(odd_spans_do_not_take_for_ever)
{
	/* A prime number of femtometres: only --points can be offered. */
	struct axis_wish w = {.from = "1540nm", .to = "1559.999999fm", .step = "3pm"};
	_cleanup_free_ char *message = NULL;
	struct axis a;

	w.to = "1560.000003nm";
	ck_assert_int_eq(axis_read(&w, RESOLUTION, &a, &message), -EINVAL);
	ck_assert_msg(strstr(message, "--points 6668") != NULL, "%s", message);
}
END_TEST

/* ---- points in time ---- */

#define NOW 1740839400 /* 2025-03-01 14:30:00 UTC */

static const struct {
	const char *text;
	int64_t value; /* -1: refused */
} times[] = {
	{"today", NOW - 52200},
	{"yesterday", NOW - 52200 - 86400},
	{"2h", NOW - 7200},
	{"90s", NOW - 90},
	{"20min", NOW - 1200},
	{"3d", NOW - 3 * 86400},
	{"1w", NOW - 7 * 86400},
	{"0s", NOW},
	{"2025-03-01", NOW - 52200},
	{"2025-03-01 14:30", NOW},
	{"2025-03-01T14:30", NOW},
	{"2025-03-01 14:30:05", NOW + 5},
	{"2025-02-31", -1},
	{"tomorrow", -1},
	{"2x", -1},
	{"", -1},
	{"-3d", -1},
	{"2025-03-01 25:00", -1},
};

START_TEST(points_in_time_are_read_as_people_write_them)
{
	_cleanup_free_ char *message = NULL;
	int64_t value = -1;
	int r;

	setenv("TZ", "UTC", 1);
	tzset();
	r = since_parse(times[_i].text, NOW, &value, &message);
	ck_assert_msg((r == 0) == (times[_i].value != -1), "'%s': %d %s", times[_i].text, r,
		      message);
	ck_assert_msg(value == times[_i].value, "'%s' is %" PRId64, times[_i].text, value);
}
END_TEST

/* ---- expectations ---- */

static const struct {
	const char *text;
	const char *json; /* NULL: refused */
} limits[] = {
	{"fwhm=19pm..22pm",
	 "{\"quantity\": \"fwhm\", \"low\": 19.0, \"high\": 22.0, \"unit\": \"pm\"}"},
	{"q_loaded=70000..", "{\"quantity\": \"q_loaded\", \"low\": 70000.0}"},
	{"extinction=..12.5 dB",
	 "{\"quantity\": \"extinction\", \"high\": 12.5, \"unit\": \"dB\"}"},
	{"count=9", "{\"quantity\": \"count\", \"low\": 9.0, \"high\": 9.0}"},
	{"shift=-1.5pm..+1.5pm",
	 "{\"quantity\": \"shift\", \"low\": -1.5, \"high\": 1.5, \"unit\": \"pm\"}"},
	{"fwhm", NULL},
	{"=3", NULL},
	{"fwhm=", NULL},
	{"fwhm=..", NULL},
	{"fwhm=wide", NULL},
	{"fwhm=19pm..22nm", NULL},
	{"fwhm=22pm..19pm", NULL},
};

START_TEST(limits_of_a_verdict_are_read_or_refused)
{
	_cleanup_free_ char *message = NULL;
	json_t *is = NULL, *should;
	int r = expect_parse(limits[_i].text, &is, &message);

	ck_assert_msg((r == 0) == (limits[_i].json != NULL), "'%s': %d %s", limits[_i].text, r,
		      message);
	if (!limits[_i].json) {
		ck_assert_ptr_nonnull(message);
		return;
	}
	should = json_loads(limits[_i].json, 0, NULL);
	ck_assert_msg(json_equal(is, should), "'%s'", limits[_i].text);
	json_decref(is);
	json_decref(should);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cli-axis");
	TCase *tcase = tcase_create("cli-axis");

	tcase_add_loop_test(tcase, what_is_asked_for_comes_out_exactly, 0, ARRAY_SIZE(readings));
	tcase_add_loop_test(tcase, what_does_not_fit_is_refused_with_what_would, 0,
			    ARRAY_SIZE(refusals));
	tcase_add_test(tcase, every_nearest_step_that_is_offered_is_accepted);
	tcase_add_test(tcase, odd_spans_do_not_take_for_ever);
	tcase_add_loop_test(tcase, points_in_time_are_read_as_people_write_them, 0,
			    ARRAY_SIZE(times));
	tcase_add_loop_test(tcase, limits_of_a_verdict_are_read_or_refused, 0, ARRAY_SIZE(limits));
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
