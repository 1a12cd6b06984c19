// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What the analysis makes of tables as they come: flags, missing values, units, order, too little,
 * too much and nonsense. Either a result that holds or a message that says what is wrong.
 */
#include <errno.h>
#include <float.h>

#include "analyse_check.h"
#include "run_suite.h"

/* A short sweep with two resonances at least: wavelength, through, mon, flags, through.flags. */
static struct table *short_sweep(void)
{
	struct synth s = synth_demo;

	s.seed = 3;
	s.start_nm = 1548;
	s.stop_nm = 1552.6;
	return synth_table(&s);
}

#define RESONANCES 2

static char *refusal_of(const struct table *t, const char *channel, int error)
{
	json_t *result = NULL;
	char *message = NULL;

	ck_assert_int_eq(analyse_resonances(t, channel, NULL, &result, &message), error);
	ck_assert_ptr_null(result);
	ck_assert_ptr_nonnull(message);
	return message;
}

static void assert_refused(const struct table *t, const char *channel, int error, const char *says)
{
	_cleanup_free_ char *message = refusal_of(t, channel, error);

	ck_assert_msg(strstr(message, says) != NULL, "\"%s\" does not say \"%s\"", message, says);
}

static void assert_found(const struct table *t, size_t count)
{
	json_t *result = analyse_table(t, NULL);

	ck_assert_uint_eq(json_array_size(resonances_of(result)), count);
	json_decref(result);
}

/* ---- flags and missing values ---- */

static const struct {
	uint32_t point, channel;
	bool used;
} flag_cases[] = {
	{0, FRAME_CHANNEL_SATURATED, false},	  {0, FRAME_CHANNEL_SETTLING, false},
	{0, FRAME_CHANNEL_RANGE_SWITCHED, false}, {0, FRAME_CHANNEL_OVERLOAD_RECOVERY, false},
	{0, FRAME_CHANNEL_STALE, false},	  {0, FRAME_CHANNEL_INVALID, false},
	{0, FRAME_CHANNEL_BELOW_FLOOR, true},	  {FRAME_POINT_RUN_IN, 0, false},
	{FRAME_POINT_UNSETTLED, 0, false},	  {FRAME_POINT_WAVELENGTH_INVALID, 0, false},
	{FRAME_POINT_MODE_HOP, 0, false},	  {FRAME_POINT_GATE_CLOSED, 0, false},
	{FRAME_POINT_EMISSION_OFF, 0, false},	  {FRAME_POINT_COMPARATOR, 0, true},
	{FRAME_POINT_TRIGGER_MISSED, 0, true},
};

START_TEST(flagged_points_have_no_say)
{
	_cleanup_table_ struct table *t = short_sweep();
	json_t *result;

	for (size_t i = 1000; i < 1200; i++) {
		t->columns[3].u32[i] |= flag_cases[_i].point;
		t->columns[4].u32[i] |= flag_cases[_i].channel;
		if (!flag_cases[_i].used)
			t->columns[1].f64[i] = 1;
	}
	result = analyse_table(t, "through");
	ck_assert_uint_eq(json_array_size(resonances_of(result)), RESONANCES);
	ck_assert_int_eq((int)number_of(result, "points_used"),
			 (int)t->rows - (flag_cases[_i].used ? 0 : 200));
	ck_assert_int_eq((int)number_of(result, "points"), (int)t->rows);
	json_decref(result);
}
END_TEST

static const double missing[] = {NAN, INFINITY, -INFINITY};

START_TEST(values_that_are_no_numbers_are_left_out)
{
	_cleanup_table_ struct table *t = short_sweep();

	for (size_t i = 0; i < t->rows; i += 7)
		t->columns[i % 2].f64[i] = missing[_i];
	assert_found(t, RESONANCES);
}
END_TEST

START_TEST(a_saturated_channel_says_so)
{
	_cleanup_table_ struct table *t = short_sweep();

	for (size_t i = 0; i < t->rows; i++)
		t->columns[4].u32[i] = FRAME_CHANNEL_SATURATED;
	assert_refused(t, "through", -ENODATA, "saturated");
}
END_TEST

START_TEST(single_spikes_are_no_resonances)
{
	_cleanup_table_ struct table *t = short_sweep();

	t->columns[1].f64[700] *= 5;
	t->columns[1].f64[2300] = 0;
	t->columns[1].f64[3100] *= 0.2;
	assert_found(t, RESONANCES);
}
END_TEST

/* ---- units ---- */

START_TEST(decibels_give_the_resonances_of_watts)
{
	_cleanup_table_ struct table *t = short_sweep();
	json_t *watts, *decibels;
	size_t i;
	const json_t *r;

	json_object_del(t->meta, "monitor");
	watts = analyse_table(t, "through");
	for (size_t row = 0; row < t->rows; row++)
		t->columns[1].f64[row] = 10 * log10(t->columns[1].f64[row] / 1e-3);
	strcpy(t->columns[1].unit, "dBm");
	decibels = analyse_table(t, "through");
	ck_assert_uint_eq(json_array_size(resonances_of(decibels)), RESONANCES);
	json_array_foreach(resonances_of(watts), i, r) {
		const json_t *same = json_array_get(resonances_of(decibels), i);

		ck_assert_double_eq_tol(number_of(same, "wavelength_nm"),
					number_of(r, "wavelength_nm"),
					0.3e-3 * number_of(r, "wavelength_random_pm"));
		ck_assert_double_eq_tol(number_of(same, "extinction_db"),
					number_of(r, "extinction_db"),
					0.5 * number_of(r, "extinction_random_db"));
	}
	json_decref(watts);
	json_decref(decibels);
}
END_TEST

/* Loss counts upwards. */
START_TEST(a_loss_in_decibels_has_dips_too)
{
	_cleanup_table_ struct table *t = short_sweep();
	json_t *result;

	for (size_t row = 0; row < t->rows; row++)
		t->columns[1].f64[row] = -10 * log10(t->columns[1].f64[row] / 1e-3);
	strcpy(t->columns[1].unit, "dB");
	strcpy(t->columns[1].name, "through loss");
	result = analyse_table(t, "through loss");
	ck_assert_uint_eq(json_array_size(resonances_of(result)), RESONANCES);
	ck_assert_str_eq(text_of(json_array_get(resonances_of(result), 0), "kind"), "dip");
	json_decref(result);
}
END_TEST

static const struct {
	const char *name, *unit;
	double factor; /* negative: over the value */
} axes[] = {
	{"wavelength", "um", 1e-3},	 {"wavelength", "pm", 1e3},
	{"wavelength", "m", 1e-9},	 {"frequency", "THz", -299792.458},
	{"through wavelength", "nm", 1},
};

START_TEST(axes_in_other_units_are_understood)
{
	_cleanup_table_ struct table *t = short_sweep();
	double f = axes[_i].factor;

	json_object_del(t->meta, "axis");
	for (size_t row = 0; row < t->rows; row++)
		t->columns[0].f64[row] =
			f > 0 ? f * t->columns[0].f64[row] : -f / t->columns[0].f64[row];
	strcpy(t->columns[0].name, axes[_i].name);
	strcpy(t->columns[0].unit, axes[_i].unit);
	assert_found(t, RESONANCES);
}
END_TEST

START_TEST(an_axis_in_a_strange_unit_is_refused)
{
	_cleanup_table_ struct table *t = short_sweep();

	strcpy(t->columns[0].unit, "furlong");
	assert_refused(t, "through", -EINVAL, "furlong");
}
END_TEST

/* A foreign table: no description at all. */
START_TEST(a_table_without_description_is_analysed_all_the_same)
{
	_cleanup_table_ struct table *t = short_sweep();
	json_t *result;
	const json_t *r;
	size_t i;

	json_object_clear(t->meta);
	result = analyse_table(t, "through");
	ck_assert_uint_eq(json_array_size(resonances_of(result)), RESONANCES);
	json_array_foreach(resonances_of(result), i, r)
		ck_assert_double_lt(number_of(r, "wavelength_random_pm"), 0.05);
	ck_assert(json_is_null(json_object_get(json_object_get(result, "axis"), "systematic_pm")));
	ck_assert_uint_ge(json_array_size(json_object_get(result, "warnings")), 2);
	json_decref(result);
}
END_TEST

START_TEST(a_file_that_may_be_cut_is_told_of)
{
	_cleanup_table_ struct table *t = short_sweep();
	_cleanup_free_ char *whole = NULL, *cut = NULL;
	json_t *result = analyse_table(t, "through");

	whole = json_dumps(json_object_get(result, "warnings"), 0);
	json_decref(result);
	t->open_end = true;
	result = analyse_table(t, "through");
	cut = json_dumps(json_object_get(result, "warnings"), 0);
	json_decref(result);
	ck_assert_ptr_null(strstr(whole, "has no line end"));
	ck_assert_ptr_nonnull(strstr(cut, "has no line end"));
}
END_TEST

/* ---- order ---- */

START_TEST(an_axis_that_repeats_and_steps_back_within_its_random_term_works)
{
	_cleanup_table_ struct table *t = short_sweep();

	for (size_t i = 1; i < t->rows; i += 3)
		t->columns[0].f64[i] = t->columns[0].f64[i - 1];
	for (size_t i = 2; i < t->rows; i += 97)
		t->columns[0].f64[i] = t->columns[0].f64[i - 1] - 0.0003;
	assert_found(t, RESONANCES);
}
END_TEST

START_TEST(real_disorder_is_refused_naming_the_row)
{
	_cleanup_table_ struct table *t = short_sweep();

	t->columns[0].f64[1234] -= 0.1;
	assert_refused(t, "through", -EINVAL, "row 1235 ");
}
END_TEST

START_TEST(shuffled_rows_are_refused)
{
	_cleanup_table_ struct table *t = short_sweep();
	uint64_t state = 5;

	for (size_t i = t->rows - 1; i > 0; i--) {
		size_t j = (size_t)(synth_uniform(&state) * (double)(i + 1));
		double swap = t->columns[0].f64[i];

		t->columns[0].f64[i] = t->columns[0].f64[j];
		t->columns[0].f64[j] = swap;
	}
	assert_refused(t, "through", -EINVAL, "out of order");
}
END_TEST

/* Up and down without flags: a file that somebody put together. */
START_TEST(a_sweep_up_and_down_needs_no_flags)
{
	struct synth s = synth_demo;
	_cleanup_table_ struct table *t = NULL;

	s.start_nm = 1548;
	s.stop_nm = 1552.6;
	s.both_ways = true;
	t = synth_table(&s);
	for (size_t i = 0; i < t->rows; i++)
		t->columns[3].u32[i] = 0;
	assert_found(t, RESONANCES);
}
END_TEST

START_TEST(an_axis_that_stands_still_is_refused)
{
	_cleanup_table_ struct table *t = short_sweep();

	for (size_t i = 0; i < t->rows; i++)
		t->columns[0].f64[i] = 1550;
	assert_refused(t, "through", -EINVAL, "stands still");
}
END_TEST

/* ---- too little ---- */

static const size_t few[] = {0, 1, 3, 31};

START_TEST(too_few_points_are_refused_saying_how_many_are_needed)
{
	_cleanup_table_ struct table *t = short_sweep();
	size_t rows = t->rows;

	t->rows = few[_i];
	assert_refused(t, "through", -ENODATA, "at least 32");
	t->rows = rows;
}
END_TEST

START_TEST(the_fewest_points_give_a_result)
{
	_cleanup_table_ struct table *t = short_sweep();
	size_t rows = t->rows;

	t->rows = 32;
	assert_found(t, 0);
	t->rows = rows;
}
END_TEST

START_TEST(a_channel_that_is_not_there_is_refused_naming_those_that_are)
{
	_cleanup_table_ struct table *t = short_sweep();

	assert_refused(t, "dorp", -ENOENT, "through");
	assert_refused(t, "wavelength", -ENOENT, "through");
	assert_refused(t, "flags", -ENOENT, "through");
}
END_TEST

START_TEST(a_table_without_an_axis_is_refused)
{
	_cleanup_table_ struct table *t = short_sweep();

	strcpy(t->columns[0].name, "voltage");
	assert_refused(t, "through", -ENOENT, "no wavelength axis");
}
END_TEST

/* ---- odd numbers ---- */

static const double constants[] = {0, 1e-6, -1e-6, 1e300, 1e-310, DBL_MAX};

START_TEST(a_constant_channel_has_no_resonance)
{
	_cleanup_table_ struct table *t = short_sweep();

	for (size_t i = 0; i < t->rows; i++)
		t->columns[1].f64[i] = constants[_i];
	json_object_del(t->meta, "monitor");
	assert_found(t, 0);
}
END_TEST

static const double factors[] = {1e-300, 1e-12, 1e12, 1e300};

START_TEST(the_size_of_the_numbers_does_not_matter)
{
	_cleanup_table_ struct table *t = short_sweep();

	json_object_clear(t->meta);
	for (size_t i = 0; i < t->rows; i++)
		t->columns[1].f64[i] *= factors[_i];
	assert_found(t, RESONANCES);
}
END_TEST

START_TEST(absurd_descriptions_do_no_harm)
{
	static const char *const absurd[] = {
		"{\"axis\": {\"random_pm\": 1e300}}",
		"{\"axis\": {\"random_pm\": -5, \"systematic_pm\": \"much\"}, \"channels\": 7}",
		"{\"settings\": {\"speed_nm_per_s\": 1e300, \"aperture_ns\": 1e300, \"mode\": 3}}",
		"{\"settings\": {\"aperture_ns\": 0}, \"channels\": [{\"column\": \"through\", \"unit\": "
		"\"W\", \"noise_a\": 0, \"responsivity_a_per_w\": 0, \"bandwidth_hz\": 1e-300}]}",
		"{\"settings\": {\"speed_nm_per_s\": 20}, \"channels\": [{\"column\": \"through\", "
		"\"bandwidth_hz\": 1e-9}], \"laser\": {\"rin_db_per_hz\": 5000}}",
		"{\"monitor\": \"through\"}",
		"{\"monitor\": \"flags\"}",
		"{\"monitor\": \"wavelength\"}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(absurd); i++) {
		_cleanup_table_ struct table *t = short_sweep();
		_cleanup_free_ char *message = NULL;
		json_t *result = NULL;
		int r;

		json_decref(t->meta);
		t->meta = json_loads(absurd[i], 0, NULL);
		ck_assert_ptr_nonnull(t->meta);
		r = analyse_resonances(t, "through", NULL, &result, &message);
		ck_assert_msg(r == 0 || message, "%s", absurd[i]);
		json_decref(result);
	}
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_loop_test(tc, flagged_points_have_no_say, 0, (int)ARRAY_SIZE(flag_cases));
	tcase_add_loop_test(tc, values_that_are_no_numbers_are_left_out, 0,
			    (int)ARRAY_SIZE(missing));
	tcase_add_test(tc, a_saturated_channel_says_so);
	tcase_add_test(tc, single_spikes_are_no_resonances);
	tcase_add_test(tc, decibels_give_the_resonances_of_watts);
	tcase_add_test(tc, a_loss_in_decibels_has_dips_too);
	tcase_add_loop_test(tc, axes_in_other_units_are_understood, 0, (int)ARRAY_SIZE(axes));
	tcase_add_test(tc, an_axis_in_a_strange_unit_is_refused);
	tcase_add_test(tc, a_file_that_may_be_cut_is_told_of);
	tcase_add_test(tc, a_table_without_description_is_analysed_all_the_same);
	tcase_add_test(tc, an_axis_that_repeats_and_steps_back_within_its_random_term_works);
	tcase_add_test(tc, real_disorder_is_refused_naming_the_row);
	tcase_add_test(tc, shuffled_rows_are_refused);
	tcase_add_test(tc, a_sweep_up_and_down_needs_no_flags);
	tcase_add_test(tc, an_axis_that_stands_still_is_refused);
	tcase_add_loop_test(tc, too_few_points_are_refused_saying_how_many_are_needed, 0,
			    (int)ARRAY_SIZE(few));
	tcase_add_test(tc, the_fewest_points_give_a_result);
	tcase_add_test(tc, a_channel_that_is_not_there_is_refused_naming_those_that_are);
	tcase_add_test(tc, a_table_without_an_axis_is_refused);
	tcase_add_loop_test(tc, a_constant_channel_has_no_resonance, 0, (int)ARRAY_SIZE(constants));
	tcase_add_loop_test(tc, the_size_of_the_numbers_does_not_matter, 0,
			    (int)ARRAY_SIZE(factors));
	tcase_add_test(tc, absurd_descriptions_do_no_harm);
}

int main(void)
{
	Suite *suite = suite_create("analysis input");
	TCase *tc = tcase_create("input");

	tcase_set_timeout(tc, 0);
	add_tests(tc);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
