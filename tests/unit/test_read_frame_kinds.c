// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Runs that are no wavelength sweep: setpoints and what was read back of them, lists, dark, in the units that
 * can be known.
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

static struct etalon_hw_program heater_sweep(void)
{
	struct etalon_hw_program p = fake_dark(11);

	p.axis[0].gang_count = 1;
	p.axis[0].gang[0] = (struct etalon_hw_gang){.source = FAKE_HEATER, .stop = 10000000000};
	p.detector_count = 2;
	p.detector[1] = (struct etalon_hw_program_detector){.detector = FAKE_HEATER_I};
	return p;
}

START_TEST(a_general_sweep_has_setpoints_and_read_backs)
{
	struct etalon_hw_program p = heater_sweep();
	struct table *table;

	p.period_ns = 1000000;
	table = frame_bench_run(&bench, frame_bench_write(&bench, &p, NULL));
	ck_assert_ptr_null(table_find(table, "wavelength"));
	ck_assert_str_eq(table->columns[0].name, "h1 nominal");
	ck_assert_str_eq(table->columns[0].unit, "V");
	ck_close(column_f64(table, "h1 nominal")[3], 3, 1e-12);
	ck_close(column_f64(table, "h1.i")[3], 5e-3, 1e-9);
	/* Nobody knows the wavelength: amperes, not a guessed power. */
	ck_assert_str_eq(table_find(table, "through")->unit, "A");
	ck_close(column_f64(table, "through")[3], 0, 3e-12);
	table_free(table);
}
END_TEST

START_TEST(setpoints_of_a_list_are_those_of_the_list)
{
	static const int64_t list[] = {1000000000, 7000000000, 2500000000};
	struct link_list lists[] = {{.values = list, .points = 3}};
	struct etalon_hw_program p = heater_sweep();
	struct plan *plan;
	struct fake_run records;
	struct table *table;
	char block[4096];
	size_t bytes;
	int64_t run;

	p.axis[0].shape = ETALON_HW_AXIS_LIST;
	p.axis[0].points = 3;
	plan = fake_plan(bench.temp.board, &p);
	plan->segments[1].lists = lists;
	plan->segments[1].list_count = 1;
	ck_assert_int_eq(
		store_run_begin(bench.temp.store, bench.temp.board, plan, plan->meta, &run), 0);
	fake_run_begin(&records, bench.temp.board, &p, 1);
	ck_assert_int_eq(
		store_segment_begin(bench.temp.store, run, 1, SEGMENT_MAIN, &p, records.stride), 0);
	bytes = fake_records(&records, block, sizeof(block));
	ck_assert_int_eq(store_block(bench.temp.store, run, 1, block, bytes), 0);
	ck_assert_int_eq(store_commit(bench.temp.store), 0);
	table = frame_bench_run(&bench, run);
	for (int i = 0; i < 3; i++)
		ck_close(column_f64(table, "h1 nominal")[i], (double)list[i] * 1e-9, 1e-12);
	table_free(table);
	plan->segments[1].lists = NULL;
	plan->segments[1].list_count = 0;
	plan_free(plan);
}
END_TEST

START_TEST(a_dark_run_is_in_amperes)
{
	struct etalon_hw_program p = fake_dark(500);
	struct table *table;

	p.detector_count = 3;
	table = frame_bench_run(
		&bench, frame_bench_write(&bench, &p, &(struct writing_options){.segments = 2}));
	ck_assert_str_eq(table_find(table, "through")->unit, "A");
	ck_assert_uint_eq(column_u32(table, "flags")[0], FRAME_POINT_GATE_CLOSED);
	table_free(table);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("read_frame_kinds");
	TCase *tcase = tcase_create("kinds");

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_general_sweep_has_setpoints_and_read_backs);
	tcase_add_test(tcase, setpoints_of_a_list_are_those_of_the_list);
	tcase_add_test(tcase, a_dark_run_is_in_amperes);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
