// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The measured spectra that lie beside the checkout: every file is read, goes through
 * every format and comes back the same. Skipped, visibly, where they are absent.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../common/exported.h"
#include "base/util.h"
#include "export/file_read.h"
#include "export/file_write.h"
#include "export/terminal_plot.h"

#include "run_suite.h" /* last: it defines a macro fail() */

static const char *const names[] = {
	"ring-r10um-gap140nm.csv",
	"ring-r10um-gap70nm.csv",
	"ring-r6um-gap140nm.csv",
	"mzi-a.csv",
	"mzi-b.csv",
	"loopback-calibration.csv",
};

static struct table *read_measured(const char *name)
{
	_cleanup_free_ char *path = measured_file(name), *message = NULL;
	struct table *t = NULL;

	if (path)
		ck_assert_msg(table_read_file(path, &t, &message) == 0, "%s", message);
	return t;
}

START_TEST(a_measured_spectrum_is_what_its_maker_says)
{
	_cleanup_table_ struct table *t = read_measured(names[_i]);
	_cleanup_free_ double *w = NULL;

	if (!t)
		return;
	ck_assert_uint_eq(t->rows, 20000);
	ck_assert_uint_eq(t->column_count, 5);
	ck_assert(t->columns[0].f64[0] == 1500.004);
	ck_assert(t->columns[0].f64[19999] == 1580);
	for (size_t i = 1; i < 5; i++) {
		ck_assert_str_eq(t->columns[i].unit, "dBm");
		for (size_t row = 0; row < t->rows; row++)
			ck_assert(t->columns[i].f64[row] > -90 && t->columns[i].f64[row] < 10);
	}
	ck_assert_int_eq(table_column_linear_w(t, table_find(t, "channel_1"), &w, NULL, NULL), 0);
	ck_assert_double_eq_tol(10 * log10(w[0] / 1e-3), table_find(t, "channel_1")->f64[0], 1e-9);
}
END_TEST

START_TEST(a_measured_spectrum_comes_back_from_every_format)
{
	static const char *const formats[] = {"back.csv", "back.oedf", "back.h5"};
	_cleanup_table_ struct table *t = read_measured(names[_i]);
	char *folder;

	if (!t)
		return;
	folder = make_folder();
	for (size_t f = 0; f < ARRAY_SIZE(formats); f++) {
		_cleanup_free_ char *path = path_in(folder, formats[f]), *message = NULL;
		_cleanup_table_ struct table *back = NULL;

		ck_assert_msg(table_write_file(path, t, NULL, &message) == 0, "%s", message);
		ck_assert_msg(table_read_file(path, &back, &message) == 0, "%s", message);
		ck_assert_msg(table_columns_equal(t, back), "%s", formats[f]);
	}
	remove_folder(folder);
}
END_TEST

START_TEST(a_measured_spectrum_is_drawn)
{
	const struct terminal_size size = {.width = 100, .height = 24};
	_cleanup_table_ struct table *t = read_measured(names[_i]);
	FILE *f = fopen("/dev/null", "w");

	if (t)
		ck_assert_int_eq(terminal_plot(f, t, NULL, &size, NULL), 0);
	fclose(f);
}
END_TEST

START_TEST(a_list_with_text_in_it_is_no_spectrum_and_says_so)
{
	_cleanup_free_ char *path = measured_file("dips.csv"), *message = NULL;
	struct table *t = NULL;

	if (!path)
		return;
	ck_assert_int_eq(table_read_file(path, &t, &message), -EBADMSG);
	ck_assert_msg(strstr(message, "row 1 (line 2), column 1 \"file\"") != NULL, "%s", message);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("measured files");
	TCase *tc = tcase_create("measured files");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, a_measured_spectrum_is_what_its_maker_says, 0,
			    (int)ARRAY_SIZE(names));
	tcase_add_loop_test(tc, a_measured_spectrum_comes_back_from_every_format, 0,
			    (int)ARRAY_SIZE(names));
	tcase_add_loop_test(tc, a_measured_spectrum_is_drawn, 0, (int)ARRAY_SIZE(names));
	tcase_add_test(tc, a_list_with_text_in_it_is_no_spectrum_and_says_so);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
