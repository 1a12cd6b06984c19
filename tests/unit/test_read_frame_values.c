// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Values of a run in engineering units, against the fake board's truth: wavelengths and their delays, power,
 * dark, flags.
 */
#include "base/util.h"
#include "data/frame.h"
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

/* Group delay of the 100 uA range, 796 ns, at 20 nm/s. */
#define SHIFT_NM (796e-9 * 20)

START_TEST(values_are_those_that_the_board_measured)
{
	struct etalon_hw_program p = fake_sweep(1549, 1551, 2001);
	int64_t run = frame_bench_write(&bench, &p, NULL);
	struct table *table = frame_bench_run(&bench, run);

	ck_assert_uint_eq(table->rows, 2001);
	for (size_t i = 0; i < table->rows; i++) {
		double nominal = 1549 + 0.001 * (double)i, logged = nominal + FAKE_TUNING_NM;

		ck_close(column_f64(table, "wavelength nominal")[i], nominal, 1e-12);
		ck_close(column_f64(table, "wavelength")[i], logged - SHIFT_NM, 1e-9);
		/* A code is 0.76 nA / 256: 3 pW */
		ck_close(column_f64(table, "through")[i], fake_power_w(FAKE_PD1, logged, NULL),
			 3e-12);
		ck_close(column_f64(table, "drop")[i], fake_power_w(FAKE_PD2, logged, NULL), 3e-12);
		ck_close(column_f64(table, "mon")[i], 0.9e-3, 1e-10);
		ck_close(column_f64(table, "time")[i], (double)i * 50e-6 + 20e-6, 1e-12);
		ck_assert(column_f64(table, "point")[i] == (double)i);
		ck_assert_uint_eq(column_u32(table, "flags")[i], 0);
		ck_assert_uint_eq(column_u32(table, "through.flags")[i], 0);
	}
	table_free(table);
}
END_TEST

START_TEST(columns_come_in_their_order_and_are_listed)
{
	static const struct {
		const char *name, *unit;
	} expected[] = {
		{"wavelength", "nm"}, {"wavelength nominal", "nm"},
		{"through", "W"},     {"through.flags", ""},
		{"drop", "W"},	      {"drop.flags", ""},
		{"mon", "W"},	      {"mon.flags", ""},
		{"flags", ""},	      {"time", "s"},
		{"point", ""},
	};
	struct etalon_hw_program p = fake_sweep(1549, 1551, 100);
	int64_t run = frame_bench_write(&bench, &p, NULL);
	struct table *table = frame_bench_run(&bench, run);
	json_t *columns = NULL, *one;
	char *message = NULL;
	size_t i;

	ck_assert_int_eq(store_columns(bench.reader, run, &columns, &message), 0);
	ck_assert_uint_eq(json_array_size(columns), ARRAY_SIZE(expected));
	ck_assert_uint_eq(table->column_count, ARRAY_SIZE(expected));
	json_array_foreach(columns, i, one) {
		ck_assert_str_eq(json_string_value(json_object_get(one, "name")), expected[i].name);
		ck_assert_str_eq(json_string_value(json_object_get(one, "unit")), expected[i].unit);
		ck_assert_str_eq(table->columns[i].name, expected[i].name);
		ck_assert_str_eq(table->columns[i].unit, expected[i].unit);
	}
	json_decref(columns);
	table_free(table);
}
END_TEST

START_TEST(a_frame_carries_the_run_s_description)
{
	struct etalon_hw_program p = fake_sweep(1549, 1551, 100);
	int64_t run = frame_bench_write(&bench, &p, NULL);
	struct table *table = frame_bench_run(&bench, run);
	const json_t *axis = json_object_get(table->meta, "axis");

	ck_assert_int_eq(json_integer_value(json_object_get(table->meta, "run")), run);
	ck_assert_str_eq(json_string_value(json_object_get(table->meta, "kind")),
			 "wavelength-sweep");
	ck_assert_int_eq(json_integer_value(json_object_get(axis, "delay_taken_off_ns")), 796);
	table_free(table);
}
END_TEST

static const struct {
	double start_nm, stop_nm;
	uint32_t points;
	uint64_t stride;
} axes[] = {
	{1549, 1551, 1234, 1},	     {1551, 1549, 1234, 1},	{1549, 1551, 1234, 7},
	{1549, 1550.999999, 777, 1}, {1550, 1550.000001, 3, 1}, {1500, 1600, 5000, 3},
	{1600, 1500, 5000, 3},	     {1540, 1560, 2, 1},
};

START_TEST(nominal_wavelengths_are_the_setpoints_of_the_contract)
{
	struct etalon_hw_program p =
		fake_sweep(axes[_i].start_nm, axes[_i].stop_nm, axes[_i].points);
	const struct etalon_hw_gang *g = &p.axis[0].gang[0];
	int64_t run = frame_bench_write(&bench, &p, NULL);
	struct read_info info;
	struct table *table = frame_bench_part(
		&bench, run, &(struct read_request){.stride = axes[_i].stride}, &info);

	for (size_t i = 0; i < table->rows; i++) {
		int64_t fm = etalon_hw_setpoint(g->start, g->stop, axes[_i].points,
						(uint32_t)(i * axes[_i].stride));

		ck_assert(column_f64(table, "wavelength nominal")[i] == (double)fm / 1e6);
	}
	table_free(table);
}
END_TEST

START_TEST(the_delay_is_taken_off_along_the_direction)
{
	struct etalon_hw_program p = fake_sweep(1549, 1551, 501);
	struct table *table;

	p.axis[p.axis_count - 1].direction = ETALON_HW_UP_DOWN;
	p.period_ns = 200000; /* 20 nm/s */
	table = frame_bench_run(&bench, frame_bench_write(&bench, &p, NULL));
	ck_assert_uint_eq(table->rows, 1002);
	for (size_t i = 0; i < table->rows; i++) {
		bool back = i >= 501;
		double nominal = 1549 + 0.004 * (double)(back ? 1001 - i : i);

		ck_assert_uint_eq(column_u32(table, "flags")[i], back ? FRAME_POINT_REVERSE : 0);
		ck_close(column_f64(table, "wavelength nominal")[i], nominal, 1e-9);
		ck_close(column_f64(table, "wavelength")[i],
			 nominal + FAKE_TUNING_NM + (back ? SHIFT_NM : -SHIFT_NM), 1e-9);
	}
	table_free(table);
}
END_TEST

START_TEST(a_downward_sweep_is_shifted_upward)
{
	struct etalon_hw_program p = fake_sweep(1551, 1549, 2001);
	struct table *table = frame_bench_run(&bench, frame_bench_write(&bench, &p, NULL));

	ck_close(column_f64(table, "wavelength")[0], 1551 + FAKE_TUNING_NM + SHIFT_NM, 1e-9);
	table_free(table);
}
END_TEST

START_TEST(a_stepped_sweep_needs_no_shift)
{
	struct etalon_hw_program p = fake_sweep(1549, 1551, 2001);
	struct table *table;

	p.axis[0].mode = ETALON_HW_MODE_STEP;
	table = frame_bench_run(&bench, frame_bench_write(&bench, &p, NULL));
	ck_close(column_f64(table, "wavelength")[7], 1549.007 + FAKE_TUNING_NM, 1e-9);
	table_free(table);
}
END_TEST

START_TEST(a_channel_with_another_delay_has_its_own_axis)
{
	struct etalon_hw_program p = fake_sweep(1549, 1551, 2001);
	struct table *table;

	p.detector[1].range = FAKE_RANGE_10UA; /* 1592 ns */
	table = frame_bench_run(&bench, frame_bench_write(&bench, &p, NULL));
	ck_assert_ptr_null(table_find(table, "through wavelength"));
	ck_close(column_f64(table, "drop wavelength")[100], 1549.1 + FAKE_TUNING_NM - 2 * SHIFT_NM,
		 1e-9);
	ck_close(column_f64(table, "wavelength")[100], 1549.1 + FAKE_TUNING_NM - SHIFT_NM, 1e-9);
	table_free(table);
}
END_TEST

static void drifting_dark(struct fake_run *run, unsigned int purpose, void *userdata)
{
	(void)userdata;
	if (purpose == SEGMENT_MAIN)
		run->extra_dark_a = 1e-9;
	if (purpose == SEGMENT_DARK_AFTER)
		run->extra_dark_a = 2e-9;
}

START_TEST(dark_is_the_mean_of_before_and_after)
{
	struct etalon_hw_program p = fake_sweep(1549, 1551, 2001);
	struct writing_options o = {.adjust = drifting_dark};
	struct table *table = frame_bench_run(&bench, frame_bench_write(&bench, &p, &o));

	for (size_t i = 0; i < table->rows; i++)
		ck_close(
			column_f64(table, "through")[i],
			fake_power_w(FAKE_PD1, column_f64(table, "wavelength")[i] + SHIFT_NM, NULL),
			6e-12);
	table_free(table);
}
END_TEST

static double faint(unsigned int detector, double wavelength_nm, void *userdata)
{
	(void)userdata;
	/* 3 sigma of 0.16 nA is 0.5 nW: below at first, above later */
	return detector == FAKE_PD2 ? (wavelength_nm < 1550 ? 0.2e-9 : -1.5e-9)
				    : fake_power_w(detector, wavelength_nm, NULL);
}

static void trouble(struct fake_run *run, unsigned int purpose, void *userdata)
{
	(void)userdata;
	if (purpose == SEGMENT_MAIN) {
		run->power_w = faint;
		run->saturate_point = 33;
	}
}

START_TEST(readings_are_flagged_and_keep_their_sign)
{
	struct etalon_hw_program p = fake_sweep(1549, 1551, 201);
	struct writing_options o = {.adjust = trouble};
	struct table *table = frame_bench_run(&bench, frame_bench_write(&bench, &p, &o));

	ck_assert_uint_eq(column_u32(table, "through.flags")[33], FRAME_CHANNEL_SATURATED);
	ck_assert_uint_eq(column_u32(table, "through.flags")[34], 0);
	ck_assert_uint_eq(column_u32(table, "drop.flags")[10], FRAME_CHANNEL_BELOW_FLOOR);
	ck_close(column_f64(table, "drop")[10], 0.2e-9, 10e-12);
	ck_assert_uint_eq(column_u32(table, "drop.flags")[190], 0);
	ck_close(column_f64(table, "drop")[190], -1.5e-9, 10e-12);
	table_free(table);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("read_frame_values");
	TCase *tcase = tcase_create("values");

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, values_are_those_that_the_board_measured);
	tcase_add_test(tcase, columns_come_in_their_order_and_are_listed);
	tcase_add_test(tcase, a_frame_carries_the_run_s_description);
	tcase_add_loop_test(tcase, nominal_wavelengths_are_the_setpoints_of_the_contract, 0,
			    ARRAY_SIZE(axes));
	tcase_add_test(tcase, the_delay_is_taken_off_along_the_direction);
	tcase_add_test(tcase, a_downward_sweep_is_shifted_upward);
	tcase_add_test(tcase, a_stepped_sweep_needs_no_shift);
	tcase_add_test(tcase, a_channel_with_another_delay_has_its_own_axis);
	tcase_add_test(tcase, dark_is_the_mean_of_before_and_after);
	tcase_add_test(tcase, readings_are_flagged_and_keep_their_sign);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
