// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Loss against a reference, on the measured axis: where there is one, and where there is none.
 */
#include "base/util.h"
#include "frame_bench.h"

#include "run_suite.h" /* last: it defines a macro fail() */

static struct frame_bench bench;

static void setup(void)
{
	frame_bench_begin(&bench);
}

static void teardown(void)
{
	frame_bench_end(&bench);
}

static double straight(unsigned int detector, double wavelength_nm, void *userdata)
{
	(void)userdata;
	return detector == FAKE_MON ? 0.9e-3 : 60e-6 * (1 + 0.01 * (wavelength_nm - 1550));
}

static double device(unsigned int detector, double wavelength_nm, void *userdata)
{
	/* Half of the light, at 3 % less power of the laser: loss is 3.01 dB all the same. */
	return 0.97 * straight(detector, wavelength_nm, userdata) *
	       (detector == FAKE_MON ? 1 : 0.5);
}

static void use_power(struct fake_run *run, unsigned int purpose, void *userdata)
{
	(void)purpose;
	run->power_w = userdata == NULL ? straight : device;
}

static int64_t reference_run(double start_nm, double stop_nm)
{
	struct etalon_hw_program p = fake_sweep(start_nm, stop_nm, 1501);
	json_t *meta = json_pack("{s:s}", "purpose", "reference");
	int64_t run = frame_bench_write(
		&bench, &p, &(struct writing_options){.adjust = use_power, .meta = meta});

	json_decref(meta);
	return run;
}

static int64_t device_run(int64_t reference, bool up_down)
{
	struct etalon_hw_program p = fake_sweep(1549, 1551, 2001);
	json_t *meta = json_pack("{s:{s:I}}", "reference", "run", (json_int_t)reference);
	int yes = 1;
	int64_t run;

	if (up_down)
		p.axis[p.axis_count - 1].direction = ETALON_HW_UP_DOWN;
	run = frame_bench_write(
		&bench, &p,
		&(struct writing_options){.adjust = use_power, .userdata = &yes, .meta = meta});
	json_decref(meta);
	return run;
}

START_TEST(loss_is_relative_to_the_reference_on_the_measured_axis)
{
	struct table *table =
		frame_bench_run(&bench, device_run(reference_run(1548.5, 1551.5), false));

	for (size_t i = 0; i < table->rows; i++) {
		ck_close(column_f64(table, "through loss")[i], 10 * log10(2), 1e-4);
		ck_close(column_f64(table, "drop loss")[i], 10 * log10(2), 1e-4);
	}
	ck_assert_str_eq(table_find(table, "through loss")->unit, "dB");
	ck_assert_ptr_null(table_find(table, "mon loss"));
	table_free(table);
}
END_TEST

START_TEST(uncovered_points_have_no_loss)
{
	struct table *table =
		frame_bench_run(&bench, device_run(reference_run(1549.5, 1551.5), false));
	size_t covered = 0;

	for (size_t i = 0; i < table->rows; i++) {
		bool inside = column_f64(table, "wavelength nominal")[i] > 1549.501;
		bool outside = column_f64(table, "wavelength nominal")[i] < 1549.499;

		ck_assert(!inside || isfinite(column_f64(table, "through loss")[i]));
		ck_assert(!outside || isnan(column_f64(table, "through loss")[i]));
		covered += inside;
	}
	ck_assert_uint_ge(covered, 1490);
	table_free(table);
}
END_TEST

START_TEST(the_way_back_needs_a_reference_of_its_own)
{
	struct table *table =
		frame_bench_run(&bench, device_run(reference_run(1548.5, 1551.5), true));

	ck_close(column_f64(table, "through loss")[100], 10 * log10(2), 1e-4);
	ck_assert(isnan(column_f64(table, "through loss")[2001 + 100]));
	table_free(table);
}
END_TEST

START_TEST(loss_alone_can_be_asked_for)
{
	static const char *const columns[] = {"drop loss"};
	int64_t run = device_run(reference_run(1548.5, 1551.5), false);
	struct read_request q = {.stride = 100, .columns = columns, .column_count = 1};
	struct read_info info;
	struct table *table = frame_bench_part(&bench, run, &q, &info);

	ck_assert_uint_eq(table->column_count, 1);
	ck_assert_uint_eq(table->rows, 21);
	for (size_t i = 0; i < table->rows; i++)
		ck_close(column_f64(table, "drop loss")[i], 10 * log10(2), 1e-4);
	table_free(table);
}
END_TEST

START_TEST(a_reference_that_is_gone_leaves_no_loss)
{
	int64_t reference = reference_run(1548.5, 1551.5), run = device_run(reference, false);
	struct table *table;

	ck_assert_int_eq(store_run_delete(bench.temp.store, reference), 0);
	table = frame_bench_run(&bench, run);
	for (size_t i = 0; i < table->rows; i++)
		ck_assert(isnan(column_f64(table, "through loss")[i]));
	table_free(table);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("read_frame_loss");
	TCase *tcase = tcase_create("loss");

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, loss_is_relative_to_the_reference_on_the_measured_axis);
	tcase_add_test(tcase, uncovered_points_have_no_loss);
	tcase_add_test(tcase, the_way_back_needs_a_reference_of_its_own);
	tcase_add_test(tcase, loss_alone_can_be_asked_for);
	tcase_add_test(tcase, a_reference_that_is_gone_leaves_no_loss);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
