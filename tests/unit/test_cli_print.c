// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Numbers and tables as people read them; D-Bus values and JSON into each other without loss;
 * resonances of two runs find their partners.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include "base/util.h"
#include "cli/compare.h"
#include "cli/print.h"
#include "cli/progress.h"
#include "cli/screen.h"
#include "cli/wire.h"
#include "run_suite.h"

#include <check.h>

static const struct {
	double value, sigma;
	int digits;
	const char *text;
} uncertain_numbers[] = {
	{20.7654, 0.01, 2, "20.77(1)"},
	{20.7654, 0.012, 2, "20.765(12)"},
	{20.7654, 0.0031, 2, "20.765(3)"},
	{20.7654, 0.096, 2, "20.8(1)"},
	{20.7654, 0.0951, 2, "20.8(1)"},
	{20.7654, 0.019, 2, "20.765(19)"},
	{20.7654, 0.0198, 2, "20.77(2)"},
	{20.7654, 0.5, 2, "20.8(5)"},
	{20.7654, 2, 2, "21(2)"},
	{20.7654, 1.4, 2, "20.8(14)"},
	{12345.6, 230, 2, "12300(200)"},
	{-0.5388, 0.0019, 2, "-0.5388(19)"},
	{20.7654, NAN, 2, "20.77"},
	{20.7654, 0, 1, "20.8"},
	{NAN, 0.1, 2, "-"},
	{20.7654, INFINITY, 3, "20.765"},
	{0, 0.02, 2, "0.00(2)"},
	{-0.001, 0.02, 2, "0.00(2)"},
};

START_TEST(an_uncertainty_stands_in_units_of_the_last_digit)
{
	ck_assert_str_eq(uncertain(uncertain_numbers[_i].value, uncertain_numbers[_i].sigma,
				   uncertain_numbers[_i].digits)
				 .text,
			 uncertain_numbers[_i].text);
}
END_TEST

static const struct {
	double value, sigma;
	const char *text;
} quality_numbers[] = {
	{74212, NAN, "74.2k"},	 {74212, 14, "74.212(14)k"}, {74212, 300, "74.2(3)k"},
	{74212, 2600, "74(3)k"}, {999, NAN, "999"},	     {999, 2, "999(2)"},
	{2.5e6, NAN, "2.50M"},	 {2.5e6, 40e3, "2.50(4)M"},  {NAN, 10, "-"},
	{INFINITY, 10, "-"},
};

START_TEST(a_quality_factor_has_its_uncertainty_in_the_same_unit)
{
	ck_assert_str_eq(uncertain_kilo(quality_numbers[_i].value, quality_numbers[_i].sigma).text,
			 quality_numbers[_i].text);
}
END_TEST

START_TEST(prefixes_keep_the_whole_part_readable)
{
	ck_assert_str_eq(engineering(0.51e-9, "A").text, "510.0 pA");
	ck_assert_str_eq(engineering(1e-9, "A").text, "1.000 nA");
	ck_assert_str_eq(engineering(40e-6, "s").text, "40.00 us");
	ck_assert_str_eq(engineering(-12.34e-3, "V").text, "-12.34 mV");
	ck_assert_str_eq(engineering(0, "W").text, "0.000 W");
	ck_assert_str_eq(engineering(2.5, "V").text, "2.500 V");
	ck_assert_str_eq(engineering(1e-20, "W").text, "0.000 fW");
	ck_assert_str_eq(engineering(NAN, "W").text, "-");
	ck_assert_str_eq(dbm(1e-3).text, "0.00");
	ck_assert_str_eq(dbm(0.5e-3).text, "-3.01");
	/* Where power is not positive there is no dBm: no sentinel, no NaN. */
	ck_assert_str_eq(dbm(0).text, "-");
	ck_assert_str_eq(dbm(-1e-9).text, "-");
	ck_assert_str_eq(dbm(NAN).text, "-");
	ck_assert_str_eq(duration(0.04).text, "0.0 s");
	ck_assert_str_eq(duration(59.4).text, "59 s");
	ck_assert_str_eq(duration(59.6).text, "1 min 0 s");
	ck_assert_str_eq(duration(200).text, "3 min 20 s");
	ck_assert_str_eq(duration(7500).text, "2 h 5 min");
	ck_assert_str_eq(duration(4 * 86400.0).text, "4 d");
	ck_assert_str_eq(duration(-1).text, "-");
}
END_TEST

START_TEST(tables_line_up_whatever_stands_in_them)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	struct grid g;

	grid_begin(&g, "rll");
	grid_heading(&g, "run|label|verdict");
	grid_cell(&g, "%d", 7);
	grid_cell(&g, "K\xc3\xbchler"); /* two bytes, one place */
	grid_cell(&g, "pass");
	grid_cell(&g, "%d", 17);
	grid_cell(&g,
		  "a\x1b[2Jb\n"); /* from somebody else's label: it shall not clear the screen */
	grid_cell(&g, "%s", "");
	grid_print(&g, f, 1);
	fclose(f);
	ck_assert_str_eq(text, " run  label    verdict\n"
			       "   7  K\xc3\xbchler   pass\n"
			       "  17  a?[2Jb?\n");
}
END_TEST

START_TEST(a_bar_is_full_when_all_is_done)
{
	char bar[16];

	bar_text(bar, sizeof(bar), 10, 0);
	ck_assert_str_eq(bar, "[          ]");
	bar_text(bar, sizeof(bar), 10, 0.999);
	ck_assert_str_eq(bar, "[######### ]");
	bar_text(bar, sizeof(bar), 10, 1);
	ck_assert_str_eq(bar, "[##########]");
	bar_text(bar, sizeof(bar), 10, 7);
	ck_assert_str_eq(bar, "[##########]");
	bar_text(bar, sizeof(bar), 20, 1);
	ck_assert_str_eq(bar, ""); /* no room: nothing rather than half */
}
END_TEST

START_TEST(large_digits_are_as_wide_as_said)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	for (int row = 0; row < DIGIT_ROWS; row++) {
		large_digits(f, "-12.08", row, false);
		fputc('\n', f);
	}
	fclose(f);
	for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
		ck_assert_uint_eq(strcspn(line, "\n"), large_width("-12.08"));
	ck_assert_ptr_nonnull(strstr(text, " ###   #  ####   #  # #### \n"));
}
END_TEST

/* ---- values on the wire ---- */

static sd_bus_message *a_message(sd_bus **ret_bus)
{
	sd_bus_message *m = NULL;

	/* Never connected: messages are written and read in memory. */
	ck_assert_int_ge(sd_bus_new(ret_bus), 0);
	ck_assert_int_ge(sd_bus_set_address(*ret_bus, "unix:path=/nonexistent"), 0);
	sd_bus_start(*ret_bus);
	ck_assert_int_ge(sd_bus_message_new(*ret_bus, &m, SD_BUS_MESSAGE_METHOD_CALL), 0);
	return m;
}

START_TEST(json_survives_the_wire)
{
	static const char document[] =
		"{\"a\": 1, \"b\": -9223372036854775808, \"c\": 1.5, \"d\": true, \"e\": \"text\", \"f\": [\"x\", \"y\"],"
		" \"g\": [], \"h\": {\"k\": {\"l\": [1, 2.5, \"m\", [3]]}}, \"i\": [{\"n\": 1}, {\"n\": 2}], \"j\": 25.0}";
	_cleanup_(json_decrefp) json_t *is = NULL, *should = json_loads(document, 0, NULL);
	sd_bus *bus = NULL;
	sd_bus_message *m = a_message(&bus);

	ck_assert_ptr_nonnull(should);
	ck_assert_int_ge(wire_append(m, should), 0);
	ck_assert_int_ge(sd_bus_message_seal(m, 1, 0), 0);
	ck_assert_int_ge(sd_bus_message_rewind(m, true), 0);
	ck_assert_int_ge(wire_read(m, &is), 0);
	ck_assert_msg(json_equal(is, should), "%s", json_dumps(is, 0));
	ck_assert(json_is_real(json_object_get(is, "j"))); /* 25.0 stays a number with a point */
	sd_bus_message_unref(m);
	sd_bus_unref(bus);
}
END_TEST

START_TEST(every_type_of_the_wire_becomes_json)
{
	_cleanup_(json_decrefp) json_t *is = NULL;
	sd_bus *bus = NULL;
	sd_bus_message *m = a_message(&bus);

	ck_assert_int_ge(sd_bus_message_append(m, "(ybnqiuxtdsoag)", 200, 1, -5, 65535, -6,
					       4000000000U, (int64_t)-7, UINT64_MAX, 0.5, "s", "/o",
					       1, "a{sv}"),
			 0);
	ck_assert_int_ge(sd_bus_message_append(m, "a{sx}", 1, "key", (int64_t)5), 0);
	ck_assert_int_ge(sd_bus_message_append(m, "d", NAN), 0);
	ck_assert_int_ge(sd_bus_message_seal(m, 1, 0), 0);
	ck_assert_int_ge(sd_bus_message_rewind(m, true), 0);
	ck_assert_int_ge(wire_read(m, &is), 0);
	{
		_cleanup_free_ char *text = json_dumps(is, JSON_COMPACT);

		ck_assert_str_eq(
			text,
			"[200,true,-5,65535,-6,4000000000,-7,-1,0.5,\"s\",\"/o\",[\"a{sv}\"]]");
	}
	json_decref(is);
	is = NULL;
	ck_assert_int_ge(wire_read(m, &is), 0);
	ck_assert_int_eq(member_number(is, "key", 0), 5);
	json_decref(is);
	is = NULL;
	ck_assert_int_ge(wire_read(m, &is), 0);
	ck_assert(json_is_null(is));
	json_decref(is);
	is = NULL;
	ck_assert_int_lt(wire_read(m, &is), 0); /* nothing left */
	ck_assert_ptr_null(is);
	sd_bus_message_unref(m);
	sd_bus_unref(bus);
}
END_TEST

START_TEST(members_are_found_by_path_or_default)
{
	_cleanup_(json_decrefp) json_t *o = json_loads(
		"{\"laser.power\": 5, \"axis\": {\"random_pm\": 0.05, \"n\": 3, \"ok\": true, \"t\": \"x\"}}",
		0, NULL);

	ck_assert_int_eq(member_number(o, "laser.power", 0), 5); /* a key with a point in it */
	ck_assert_double_eq(member_value(o, "axis.random_pm"), 0.05);
	ck_assert_double_eq(member_value(o, "axis.n"), 3);
	ck_assert_str_eq(member_text(o, "axis.t"), "x");
	ck_assert(member_flag(o, "axis.ok"));
	ck_assert_str_eq(member_text(o, "axis.nothing"), "");
	ck_assert_int_eq(member_number(o, "axis.t", -1), -1);
	ck_assert(isnan(member_value(o, "no.such.thing")));
	ck_assert(!member_flag(NULL, "x"));
	ck_assert_ptr_null(member_at(o, "axis.n.deeper"));
}
END_TEST

/* ---- comparing ---- */

static json_t *resonances(const double *nm, size_t count, double random_pm)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_pack("{s:f, s:f}", "wavelength_nm", nm[i],
						      "wavelength_random_pm", random_pm));
	return list;
}

START_TEST(resonances_find_their_partners_and_no_others)
{
	static const double first[] = {1540, 1542.3, 1544.6, 1546.9},
			    second[] = {1540.01, 1544.62, 1546.88, 1549.2};
	_cleanup_(json_decrefp) json_t *a = resonances(first, 4, 0.3),
				       *b = resonances(second, 4, 0.4);
	struct shift s[4];
	struct common_shift mean;

	match_resonances(a, b, s);
	ck_assert_int_eq(s[0].partner, 0);
	ck_assert_int_eq(s[1].partner, -1); /* gone from the second run */
	ck_assert_int_eq(s[2].partner, 1);
	ck_assert_int_eq(s[3].partner, 2);
	ck_assert_double_eq_tol(s[0].pm, 10, 1e-6);
	ck_assert_double_eq_tol(s[3].pm, -20, 1e-6);
	ck_assert_double_eq_tol(s[0].sigma_pm, 0.5, 1e-12);
	ck_assert(isnan(s[1].pm));
	mean = mean_shift(s, 4);
	ck_assert_uint_eq(mean.count, 3);
	ck_assert_double_eq_tol(mean.pm, 10.0 / 3, 1e-6);
	ck_assert_double_eq_tol(mean.sigma_pm, 0.5 / sqrt(3), 1e-9);
}
END_TEST

START_TEST(a_lone_resonance_has_a_partner_only_nearby)
{
	static const double one[] = {1550}, near[] = {1550.9}, far[] = {1551.1};
	_cleanup_(json_decrefp) json_t *a = resonances(one, 1, 1), *b = resonances(near, 1, 1),
				       *c = resonances(far, 1, 1);
	struct shift s;

	match_resonances(a, b, &s);
	ck_assert_int_eq(s.partner, 0);
	match_resonances(a, c, &s);
	ck_assert_int_eq(s.partner, -1);
	match_resonances(a, NULL, &s);
	ck_assert_int_eq(s.partner, -1);
	ck_assert_uint_eq(mean_shift(&s, 1).count, 0);
	ck_assert(isnan(mean_shift(&s, 1).pm));
}
END_TEST

START_TEST(overlaid_spectra_share_an_axis_in_order_and_keep_their_values)
{
	static const char *const columns[] = {"through", "through"}, *const names[] = {"run 1",
										       "run 2"};
	struct table *t[2];
	_cleanup_table_ struct table *all = NULL;

	for (size_t i = 0; i < 2; i++) {
		t[i] = table_new(3, 2);
		table_set_column(t[i], 0, "wavelength", "nm", COLUMN_F64);
		table_set_column(t[i], 1, "through", "W", COLUMN_F64);
		for (size_t k = 0; k < 3; k++) {
			t[i]->columns[0].f64[k] = 1550 + (double)k + 0.5 * (double)i;
			t[i]->columns[1].f64[k] = 10.0 * (double)(i + 1) + (double)k;
		}
	}
	t[1]->columns[0].f64[1] = NAN; /* a point without a wavelength is on no axis */
	all = overlay(t, columns, names, 2);
	ck_assert_ptr_nonnull(all);
	ck_assert_uint_eq(all->rows, 5);
	for (size_t k = 1; k < all->rows; k++)
		ck_assert(all->columns[0].f64[k] >= all->columns[0].f64[k - 1]);
	ck_assert_double_eq(all->columns[1].f64[0], 10);
	ck_assert(isnan(all->columns[2].f64[0]));
	ck_assert_double_eq(all->columns[2].f64[1], 20);
	ck_assert(isnan(all->columns[1].f64[1]));
	ck_assert_str_eq(all->columns[2].name, "run 2");
	ck_assert_str_eq(all->columns[2].unit, "W");
	ck_assert_ptr_null(overlay(t, (const char *const[]){"through", "nothing"}, names, 2));
	table_free(t[0]);
	table_free(t[1]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cli-print");
	TCase *tcase = tcase_create("cli-print");

	tcase_add_loop_test(tcase, an_uncertainty_stands_in_units_of_the_last_digit, 0,
			    ARRAY_SIZE(uncertain_numbers));
	tcase_add_loop_test(tcase, a_quality_factor_has_its_uncertainty_in_the_same_unit, 0,
			    ARRAY_SIZE(quality_numbers));
	tcase_add_test(tcase, prefixes_keep_the_whole_part_readable);
	tcase_add_test(tcase, tables_line_up_whatever_stands_in_them);
	tcase_add_test(tcase, a_bar_is_full_when_all_is_done);
	tcase_add_test(tcase, large_digits_are_as_wide_as_said);
	tcase_add_test(tcase, json_survives_the_wire);
	tcase_add_test(tcase, every_type_of_the_wire_becomes_json);
	tcase_add_test(tcase, members_are_found_by_path_or_default);
	tcase_add_test(tcase, resonances_find_their_partners_and_no_others);
	tcase_add_test(tcase, a_lone_resonance_has_a_partner_only_nearby);
	tcase_add_test(tcase, overlaid_spectra_share_an_axis_in_order_and_keep_their_values);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
