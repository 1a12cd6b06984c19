// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The wavelength axis of a file: which units, what order, what is refused; and columns in
 * linear units.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "../common/exported.h"
#include "base/util.h"
#include "data/frame.h"
#include "export/axis_check.h"
#include "export/linear.h"

#include "run_suite.h" /* last: it defines a macro fail() */

#define VALUES_MAX 8

static struct table *axis_of(const char *name, const char *unit, const double *values, size_t rows)
{
	struct table *t = table_new(rows, 2);

	ck_assert_int_eq(table_set_column(t, 0, name, unit, COLUMN_F64), 0);
	ck_assert_int_eq(table_set_column(t, 1, "flags", "", COLUMN_U32), 0);
	for (size_t i = 0; i < rows; i++)
		t->columns[0].f64[i] = values[i];
	return t;
}

/* ---- units ---- */

static const struct {
	const char *name, *unit;
	double value;
	bool accepted;
} units[] = {
	{"wavelength", "nm", 1550, true},
	{"Wavelength", "nm", 1550, true},
	{"wavelength", "pm", 1550e3, true},
	{"wavelength", "um", 1.55, true},
	{"wavelength", "µm", 1.55, true},
	{"wavelength", "m", 1.55e-6, true},
	{"wavelength", "THz", 193.41448903225806, true},
	{"frequency", "THz", 193.41448903225806, true},
	{"Frequency", "GHz", 193414.48903225806, true},
	{"frequency", "Hz", 193.41448903225806e12, true},
	{"wavelength", "", 1550, false}, /* no unit is guessed */
	{"wavelength", "NM", 1550, false},
	{"wavelength", "Angstrom", 15500, false},
	{"frequency", "nm", 1550, false},
	{"lambda", "nm", 1550, false},
	{"wavelength nominal", "nm", 1550, false},
};

START_TEST(the_axis_becomes_wavelength_in_nm_or_is_refused)
{
	_cleanup_table_ struct table *t =
		axis_of(units[_i].name, units[_i].unit, &units[_i].value, 1);
	_cleanup_free_ char *message = NULL;
	int r = axis_check(t, "f.csv", NAN, &message);

	ck_assert_int_eq(r, units[_i].accepted ? 0 : -EBADMSG);
	if (r < 0) {
		ck_assert_msg(strstr(message, "\"wavelength, nm\"") != NULL, "%s", message);
		return;
	}
	ck_assert_str_eq(t->columns[0].name, "wavelength");
	ck_assert_str_eq(t->columns[0].unit, "nm");
	ck_assert_double_eq_tol(t->columns[0].f64[0], 1550, 1e-9);
}
END_TEST

/* ---- order ---- */

static const struct {
	const char *what;
	size_t rows;
	double nm[VALUES_MAX];
	double random_pm; /* given; NAN: default */
	const char *says; /* NULL: accepted */
} orders[] = {
	{"rising", 3, {1500, 1500.1, 1500.2}, NAN, NULL},
	{"falling", 3, {1500.2, 1500.1, 1500}, NAN, NULL},
	{"uneven steps", 3, {1500, 1500.001, 1580}, NAN, NULL},
	{"one row", 1, {1500}, NAN, NULL},
	{"all the same", 3, {1500, 1500, 1500}, NAN, NULL},
	{"repeats", 4, {1500, 1500.1, 1500.1, 1500.2}, NAN, NULL},
	{"steps back 2.3 pm of 2.4", 4, {1500, 1500.1, 1500.0977, 1500.2}, NAN, NULL},
	{"steps back 2.5 pm of 2.4", 4, {1500, 1500.1, 1500.0975, 1500.2}, NAN, "row 3"},
	{"falling, steps back", 4, {1500.2, 1500.1, 1500.1023, 1500}, NAN, NULL},
	{"falling, disorder", 4, {1500.2, 1500.1, 1500.2, 1500}, NAN, "row 3: 1500.200000 nm"},
	{"small steps that add up",
	 8,
	 {1500, 1500.1, 1500.2, 1500.3, 1500.299, 1500.298, 1500.297, 1500.4},
	 NAN,
	 "row 7"},
	{"given random term", 4, {1500, 1500.1, 1500.0977, 1500.2}, 0.1, "row 3"},
	{"no random term: repeats", 3, {1500, 1500, 1501}, 0, NULL},
	{"no random term: back", 3, {1500, 1499.99999, 1501}, 0, "row 2"},
	{"real disorder",
	 4,
	 {1500, 1502, 1501, 1503},
	 NAN,
	 "row 3: 1501.000000 nm comes after 1502.0"},
	{"an outlier at the end", 5, {1500, 1501, 1502, 1503, 1490}, NAN, "row 5: 1490.0"},
	{"an outlier at the beginning", 5, {1590, 1500, 1501, 1502, 1503}, NAN, "row 2: 1500.0"},
	{"missing", 3, {1500, NAN, 1502}, NAN, "row 2: the wavelength is missing"},
	{"infinite", 3, {1500, INFINITY, 1502}, NAN, "row 2: the wavelength is not finite"},
	{"negative", 2, {-1500, 1500}, NAN, "row 1: the wavelength is not positive"},
	{"zero", 2, {1500, 0}, NAN, "row 2: the wavelength is not positive"},
	{"random term", 2, {1500, 1501}, 1e9, "0 to 100 pm"},
	{"random term", 2, {1500, 1501}, -1, "0 to 100 pm"},
};

START_TEST(order_holds_within_the_random_term)
{
	_cleanup_table_ struct table *t =
		axis_of("wavelength", "nm", orders[_i].nm, orders[_i].rows);
	_cleanup_free_ char *message = NULL;
	int r = axis_check(t, "f.csv", orders[_i].random_pm, &message);

	ck_assert_msg(r == (orders[_i].says ? -EBADMSG : 0), "%s: %s", orders[_i].what,
		      message ? message : "accepted");
	if (r < 0)
		ck_assert_msg(strstr(message, orders[_i].says) != NULL, "%s: %s", orders[_i].what,
			      message);
	else /* kept as they are */
		ck_assert_mem_eq(t->columns[0].f64, orders[_i].nm, orders[_i].rows * 8);
}
END_TEST

START_TEST(the_file_declares_its_own_random_term)
{
	static const double nm[] = {1500, 1500.1, 1500.08, 1500.2};
	_cleanup_table_ struct table *t = axis_of("wavelength", "nm", nm, 4);
	_cleanup_free_ char *message = NULL;

	ck_assert_int_eq(axis_check(t, "f", NAN, &message), -EBADMSG);
	json_object_set_new(t->meta, "axis", json_pack("{s:f}", "random_pm", 3.0));
	ck_assert_int_eq(axis_check(t, "f", NAN, NULL), 0);
	json_object_set_new(t->meta, "axis", json_pack("{s:f}", "random_pm", 1.0));
	ck_assert_int_eq(axis_check(t, "f", NAN, NULL), -EBADMSG);
	json_object_set_new(t->meta, "axis", json_pack("{s:s}", "random_pm", "much"));
	ck_assert_int_eq(axis_check(t, "f", NAN, NULL), -EBADMSG);
}
END_TEST

#define DENSE 4001

/* 0.1 pm steps of a laser that moves by 0.1 pm from point to point; its log errs by 0.05 pm. */
static struct table *dense_axis(void)
{
	static double nm[DENSE];
	uint64_t state = 7;
	struct table *t;

	for (size_t i = 0; i < DENSE; i++) {
		double sum = -6; /* of 12 uniform values: normal enough, sigma 1 */

		for (int k = 0; k < 12; k++) {
			state = state * 6364136223846793005 + 1442695040888963407;
			sum += (double)(state >> 11) * 0x1p-53;
		}
		nm[i] = 1549.2 + 1e-4 * (double)i + 0.112e-3 * sum;
	}
	t = axis_of("wavelength", "nm", nm, DENSE);
	json_object_set_new(t->meta, "axis", json_pack("{s:f}", "random_pm", 0.05));
	return t;
}

START_TEST(a_laser_may_jitter_by_more_than_its_log_errs)
{
	_cleanup_table_ struct table *t = dense_axis();
	_cleanup_free_ char *message = NULL;

	ck_assert_double_eq_tol(axis_tolerance_nm(t->columns[0].f64, DENSE, 0.05), 0.9e-3, 0.1e-3);
	ck_assert_int_eq(axis_check(t, "f", NAN, &message), 0);
	t->columns[0].f64[2000] -= 2e-3; /* this is not jitter */
	ck_assert_int_eq(axis_check(t, "f", NAN, &message), -EBADMSG);
	ck_assert_msg(strstr(message, "row 2001:") != NULL, "%s", message);
}
END_TEST

START_TEST(disorder_makes_no_room_for_itself)
{
	_cleanup_table_ struct table *t = dense_axis();

	for (size_t i = 0; i < DENSE; i += 2) /* two sweeps whose rows alternate */
		t->columns[0].f64[i] += 5e-3;
	ck_assert_double_eq_tol(axis_tolerance_nm(t->columns[0].f64, DENSE, 0.05), 2.4e-3, 1e-9);
	ck_assert_int_eq(axis_check(t, "f", NAN, NULL), -EBADMSG);
}
END_TEST

START_TEST(a_sweep_up_and_down_has_two_legs)
{
	static const double nm[] = {1500, 1501, 1502, 1502, 1501, 1500};
	_cleanup_table_ struct table *t = axis_of("wavelength", "nm", nm, 6);
	_cleanup_free_ char *message = NULL;

	ck_assert_int_eq(axis_check(t, "f", NAN, &message), -EBADMSG);
	for (size_t i = 3; i < 6; i++)
		t->columns[1].u32[i] = FRAME_POINT_REVERSE | FRAME_POINT_MODE_HOP;
	ck_assert_int_eq(axis_check(t, "f", NAN, NULL), 0);
	t->columns[0].f64[4] = 1510; /* disorder within a leg stays disorder */
	ck_assert_int_eq(axis_check(t, "f", NAN, NULL), -EBADMSG);
}
END_TEST

START_TEST(a_point_that_the_board_has_no_wavelength_for_is_known)
{
	static const double nm[] = {1500, NAN, 1502, 1501};
	_cleanup_table_ struct table *t = axis_of("wavelength", "nm", nm, 3);

	t->columns[1].u32[1] = FRAME_POINT_WAVELENGTH_INVALID;
	ck_assert_int_eq(axis_check(t, "f", NAN, NULL), 0);
	ck_assert(isnan(t->columns[0].f64[1]));
	t->columns[1].u32[1] = FRAME_POINT_UNSETTLED;
	ck_assert_int_eq(axis_check(t, "f", NAN, NULL), -EBADMSG);
}
END_TEST

/* ---- linear units ---- */

static const struct {
	const char *unit;
	double value, linear;
	const char *becomes; /* NULL: refused */
} columns[] = {
	{"dBm", 0, 1e-3, "W"},	  {"dBm", -30, 1e-6, "W"}, {"dBm", -INFINITY, 0, "W"},
	{"dB", -10, 0.1, ""},	  {"dB", 0, 1, ""},	   {"", 0.5, 0.5, ""},
	{"W", -2e-9, -2e-9, "W"}, {"mW", 2, 2e-3, "W"},	   {"uW", 2, 2e-6, "W"},
	{"nW", 2, 2e-9, "W"},	  {"pW", 2, 2e-12, "W"},   {"A", 1e-6, 1e-6, "A"},
	{"uA", 1, 1e-6, "A"},	  {"dBm", NAN, NAN, "W"},  {"V", 1, 0, NULL},
	{"K", 1, 0, NULL},	  {"dbm", 1, 0, NULL},	   {"kA/cm**2", 1, 0, NULL},
};

START_TEST(columns_become_linear_or_are_refused)
{
	_cleanup_table_ struct table *t = axis_of("a", columns[_i].unit, &columns[_i].value, 1);
	_cleanup_free_ double *out = NULL;
	_cleanup_free_ char *message = NULL;
	const char *unit = NULL;
	int r = table_column_linear_w(t, &t->columns[0], &out, &unit, &message);

	if (!columns[_i].becomes) {
		ck_assert_int_eq(r, -EINVAL);
		ck_assert_msg(strstr(message, "column \"a\" is in") != NULL, "%s", message);
		return;
	}
	ck_assert_int_eq(r, 0);
	ck_assert_str_eq(unit, columns[_i].becomes);
	if (isnan(columns[_i].linear))
		ck_assert(isnan(out[0]));
	else
		ck_assert_double_eq_tol(out[0], columns[_i].linear,
					1e-15 * fabs(columns[_i].linear) + 1e-300);
}
END_TEST

START_TEST(flag_words_are_no_power)
{
	_cleanup_table_ struct table *t = axis_of("a", "W", (const double[]){1}, 1);
	double *out = NULL;

	ck_assert_int_eq(table_column_linear_w(t, &t->columns[1], &out, NULL, NULL), -EINVAL);
	ck_assert_ptr_null(out);
}
END_TEST

START_TEST(dbm_exists_for_positive_power_only)
{
	ck_assert_double_eq_tol(power_dbm_from_w(1e-3), 0, 1e-12);
	ck_assert_double_eq_tol(power_dbm_from_w(power_w_from_dbm(-44.508)), -44.508, 1e-12);
	ck_assert(isnan(power_dbm_from_w(0)));
	ck_assert(isnan(power_dbm_from_w(-1e-9)));
	ck_assert(isnan(power_dbm_from_w(NAN)));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("axis");
	TCase *tc = tcase_create("axis");

	tcase_add_loop_test(tc, the_axis_becomes_wavelength_in_nm_or_is_refused, 0,
			    (int)ARRAY_SIZE(units));
	tcase_add_loop_test(tc, order_holds_within_the_random_term, 0, (int)ARRAY_SIZE(orders));
	tcase_add_test(tc, the_file_declares_its_own_random_term);
	tcase_add_test(tc, a_laser_may_jitter_by_more_than_its_log_errs);
	tcase_add_test(tc, disorder_makes_no_room_for_itself);
	tcase_add_test(tc, a_sweep_up_and_down_has_two_legs);
	tcase_add_test(tc, a_point_that_the_board_has_no_wavelength_for_is_known);
	tcase_add_loop_test(tc, columns_become_linear_or_are_refused, 0, (int)ARRAY_SIZE(columns));
	tcase_add_test(tc, flag_words_are_no_power);
	tcase_add_test(tc, dbm_exists_for_positive_power_only);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
