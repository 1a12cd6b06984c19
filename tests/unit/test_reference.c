// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Insertion loss against a reference, and which run may be one.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/util.h"
#include "calibrate/reference.h"
#include "run_suite.h"

#include <check.h>

#define N 1000
#define ck_close(a, b, absolute) ck_assert_double_le(fabs((a) - (b)), (absolute))

static double axis[N], power[N], monitor[N];

/* A grid that is nobody's: uneven, stepping back now and then as a log's random error makes it. */
static void fill(double start_nm, double step_nm)
{
	for (int i = 0; i < N; i++) {
		axis[i] = start_nm + step_nm * i + (i % 7 == 3 ? 1.2 * step_nm : 0);
		power[i] = 1e-6 * (1 + 0.1 * (axis[i] - 1550));
		monitor[i] = 1e-3;
	}
}

static struct reference *make(const double *mon)
{
	struct reference *r = NULL;

	ck_assert_int_eq(reference_make(axis, power, mon, NULL, N, &r), 0);
	return r;
}

START_TEST(loss_is_taken_in_linear_power_on_the_device_s_axis)
{
	_cleanup_(reference_freep) struct reference *r = NULL;

	fill(1549, 0.002);
	r = make(monitor);
	for (double nm = 1549.05; nm < 1550.95; nm += 0.00317) {
		double through = 1e-6 * (1 + 0.1 * (nm - 1550));

		/* A tenth of the light at twice the monitor's: 13.01 dB */
		ck_close(reference_loss_db(r, nm, through / 10, 2e-3), 10 * log10(20), 1e-6);
		ck_close(reference_loss_db(r, nm, through, 1e-3), 0, 1e-6);
	}
}
END_TEST

START_TEST(a_reference_without_a_monitor_divides_by_one)
{
	_cleanup_(reference_freep) struct reference *r = NULL;

	fill(1549, 0.002);
	r = make(NULL);
	ck_close(reference_loss_db(r, 1550, 0.5e-6, 1), 10 * log10(2), 1e-6);
}
END_TEST

START_TEST(nothing_is_extrapolated)
{
	_cleanup_(reference_freep) struct reference *r = NULL;

	fill(1549, 0.002);
	r = make(monitor);
	ck_assert(isnan(reference_ratio(r, 1548.9999)));
	ck_assert(isnan(reference_ratio(r, 1551.01)));
	ck_assert(isnan(reference_ratio(r, NAN)));
	ck_assert(!isnan(reference_ratio(r, axis[0])));
}
END_TEST

START_TEST(a_hole_in_the_reference_is_not_bridged)
{
	_cleanup_(reference_freep) struct reference *r = NULL;

	fill(1549, 0.002);
	for (int i = 400; i < 450; i++)
		power[i] = NAN;
	r = make(monitor);
	ck_assert(isnan(reference_ratio(r, 1549.85)));
	ck_assert(!isnan(reference_ratio(r, 1549.7)));
	ck_assert(!isnan(reference_ratio(r, 1549.95)));
}
END_TEST

START_TEST(passes_laid_over_one_another_have_no_holes)
{
	_cleanup_(reference_freep) struct reference *r = NULL;

	/* Two passes whose points nearly coincide: most neighbours are very close. */
	for (int i = 0; i < N; i++) {
		axis[i] = 1549 + 0.004 * (i % (N / 2)) + (i >= N / 2 ? 1e-6 : 0);
		power[i] = 1e-6;
		monitor[i] = 1e-3;
	}
	r = make(monitor);
	for (double nm = 1549.001; nm < 1550.99; nm += 0.0013)
		ck_assert(!isnan(reference_ratio(r, nm)));
}
END_TEST

START_TEST(light_that_is_not_positive_has_no_loss)
{
	_cleanup_(reference_freep) struct reference *r = NULL;

	fill(1549, 0.002);
	r = make(monitor);
	ck_assert(isnan(reference_loss_db(r, 1550, 0, 1e-3)));
	ck_assert(isnan(reference_loss_db(r, 1550, -1e-9, 1e-3)));
	ck_assert(isnan(reference_loss_db(r, 1550, 1e-6, 0)));
	ck_assert(isnan(reference_loss_db(r, 1550, NAN, 1e-3)));
}
END_TEST

START_TEST(unusable_points_are_left_out)
{
	_cleanup_(reference_freep) struct reference *r = NULL;
	uint8_t use[N] = {0};
	struct reference *none = NULL;

	fill(1549, 0.002);
	ck_assert_int_eq(reference_make(axis, power, monitor, use, N, &none), -ENODATA);
	ck_assert_int_eq(reference_make(axis, power, monitor, use, 0, &none), -ENODATA);
	for (int i = 0; i < N; i++)
		use[i] = i % 2 == 0;
	for (int i = 1; i < N; i += 2)
		power[i] = 1; /* would show */
	ck_assert_int_eq(reference_make(axis, power, monitor, use, N, &r), 0);
	ck_close(reference_loss_db(r, 1550, 1e-6, 1e-3), 0, 1e-3);
}
END_TEST

START_TEST(points_at_one_place_are_averaged)
{
	const double at[] = {1550, 1550, 1551}, p[] = {1, 3, 2};
	_cleanup_(reference_freep) struct reference *r = NULL;

	ck_assert_int_eq(reference_make(at, p, NULL, NULL, 3, &r), 0);
	ck_close(reference_ratio(r, 1550), 2, 1e-12);
}
END_TEST

/* ---- matching ---- */

static json_t *meta(void)
{
	return json_pack("{s:s, s:{s:s}, s:{s:f, s:f, s:s, s:b, s:f, s:f}, s:s,"
			 " s:[{s:s, s:s}, {s:s, s:s}, {s:s, s:s}], s:{s:f}, s:{s:b}, s:s}",
			 "kind", "wavelength-sweep", "board", "serial", "0001", "settings",
			 "power_w", 1e-3, "speed_nm_per_s", 20.0, "mode", "ramp", "both_ways", 0,
			 "start_nm", 1540.0, "stop_nm", 1560.0, "monitor", "mon", "channels",
			 "detector", "pd1", "role", "signal", "detector", "pd2", "role", "signal",
			 "detector", "mon", "role", "monitor", "environment", "chip_temperature_c",
			 25.0, "ledger", "complete", 1, "verdict", "measured");
}

static const struct {
	const char *group, *key;
	const char *value; /* JSON, put into the reference */
	const char *dut; /* JSON, put into the device's run, or NULL */
	double age_s;
	const char *says; /* part of the one sentence, NULL: nothing speaks against it */
} matches[] = {
	{NULL, NULL, NULL, NULL, 60, NULL},
	{NULL, NULL, NULL, NULL, 9 * 3600, "9.0 h old"},
	{"board", "serial", "\"0002\"", NULL, 60, "another board"},
	{"settings", "path", "\"port 2\"", NULL, 60, "another path"},
	{"settings", "path", "\"port 2\"", "\"port 2\"", 60, NULL},
	{"settings", "power_w", "2e-3", NULL, 60, "another power: 2 mW, not 1 mW"},
	{"settings", "power_w", "1.005e-3", NULL, 60, NULL},
	{"settings", "speed_nm_per_s", "40", NULL, 60, "another speed: 40 nm/s, not 20 nm/s"},
	{"settings", "mode", "\"step\"", NULL, 60, "another mode"},
	{"settings", "both_ways", "true", NULL, 60, NULL}, /* has both directions */
	{"settings", "both_ways", "false", "true", 60, "one way only"},
	{"settings", "start_nm", "1541", NULL, 60, "1541.000 to 1560.000 nm, this run 1540.000"},
	{"settings", "start_nm", "1540.05", NULL, 60, NULL}, /* within the tuning error */
	{"settings", "stop_nm", "1550", NULL, 60, "what is not covered has no loss"},
	{"settings", "stop_nm", "1600", NULL, 60, NULL},
	{"environment", "chip_temperature_c", "25.9", NULL, 60, NULL},
	{"environment", "chip_temperature_c", "27", NULL, 60, "27.00 C, this run at 25.00 C"},
	{"environment", "chip_temperature_c", "null", NULL, 60, NULL}, /* not known */
	{"ledger", "complete", "false", NULL, 60, "not complete"},
	{NULL, "verdict", "\"untrustworthy\"", NULL, 60, "itself untrustworthy"},
	{NULL, "monitor", "null", NULL, 60, NULL},
	{NULL, "channels",
	 "[{\"detector\": \"pd1\", \"role\": \"signal\"}, {\"detector\": \"mon\", "
	 "\"role\": \"monitor\"}]",
	 NULL, 60, "no detector pd2"},
};

static void put(json_t *o, const char *group, const char *key, const char *value)
{
	if (value && key)
		json_object_set_new(group ? json_object_get(o, group) : o, key,
				    json_loads(value, JSON_DECODE_ANY, NULL));
}

START_TEST(a_reference_must_match)
{
	const struct reference_rules rules = reference_default_rules();
	json_t *dut = meta(), *reference = meta(), *against;

	put(reference, matches[_i].group, matches[_i].key, matches[_i].value);
	put(dut, matches[_i].group, matches[_i].key, matches[_i].dut);
	against = reference_match(dut, reference, matches[_i].age_s, &rules);
	if (!matches[_i].says) {
		ck_assert_msg(json_array_size(against) == 0, "%s",
			      json_string_value(json_array_get(against, 0)));
	} else {
		const char *sentence = json_string_value(json_array_get(against, 0));

		ck_assert_uint_eq(json_array_size(against), 1);
		ck_assert_msg(strstr(sentence, matches[_i].says), "%s", sentence);
	}
	json_decref(against);
	json_decref(dut);
	json_decref(reference);
}
END_TEST

START_TEST(the_other_direction_is_no_match)
{
	const struct reference_rules rules = reference_default_rules();
	json_t *dut = meta(), *reference = meta(), *against;

	put(reference, "settings", "start_nm", "1560");
	put(reference, "settings", "stop_nm", "1540");
	against = reference_match(dut, reference, 60, &rules);
	ck_assert_uint_eq(json_array_size(against), 1);
	ck_assert_ptr_nonnull(
		strstr(json_string_value(json_array_get(against, 0)), "other direction"));
	json_decref(against);
	json_decref(dut);
	json_decref(reference);
}
END_TEST

START_TEST(only_one_monitor_is_no_match)
{
	const struct reference_rules rules = reference_default_rules();
	json_t *dut = meta(), *reference = meta(), *against;

	json_object_del(reference, "monitor");
	against = reference_match(dut, reference, 60, &rules);
	ck_assert_uint_eq(json_array_size(against), 1);
	json_decref(against);
	json_decref(dut);
	json_decref(reference);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("reference");
	TCase *t = tcase_create("reference");

	tcase_add_test(t, loss_is_taken_in_linear_power_on_the_device_s_axis);
	tcase_add_test(t, a_reference_without_a_monitor_divides_by_one);
	tcase_add_test(t, nothing_is_extrapolated);
	tcase_add_test(t, a_hole_in_the_reference_is_not_bridged);
	tcase_add_test(t, passes_laid_over_one_another_have_no_holes);
	tcase_add_test(t, light_that_is_not_positive_has_no_loss);
	tcase_add_test(t, unusable_points_are_left_out);
	tcase_add_test(t, points_at_one_place_are_averaged);
	tcase_add_loop_test(t, a_reference_must_match, 0, ARRAY_SIZE(matches));
	tcase_add_test(t, the_other_direction_is_no_match);
	tcase_add_test(t, only_one_monitor_is_no_match);
	suite_add_tcase(s, t);
	return run_suite(s);
}
