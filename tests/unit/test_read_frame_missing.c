// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Runs of which not all is there: points that the board dropped, blocks that are damaged, the rest of a run
 * that is still being taken.
 */
#include <errno.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

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

static void with_gap(struct fake_run *run, unsigned int purpose, void *userdata)
{
	(void)userdata;
	run->status_every = 64;
	if (purpose == SEGMENT_MAIN) {
		run->drop_first = 700;
		run->drop_count = 250;
	}
}

START_TEST(missing_points_are_absent_and_not_padded)
{
	struct etalon_hw_program p = fake_sweep(1549, 1551, 2000);
	struct writing_options o = {.adjust = with_gap, .block_bytes = 50 * 128};
	int64_t run = frame_bench_write(&bench, &p, &o);
	struct table *table = frame_bench_run(&bench, run);
	struct read_info info;

	ck_assert_uint_eq(table->rows, 1750);
	for (size_t i = 0; i < table->rows; i++) {
		double number = (double)(i < 700 ? i : i + 250);

		ck_assert(column_f64(table, "point")[i] == number);
		ck_close(column_f64(table, "wavelength nominal")[i], 1549 + 2 * number / 1999,
			 1e-6);
	}
	table_free(table);
	table = frame_bench_part(&bench, run, &(struct read_request){.first = 690, .count = 100},
				 &info);
	ck_assert_uint_eq(table->rows, 10);
	ck_assert_uint_eq(info.next, 790);
	ck_assert_uint_eq(info.total_rows, 1750);
	table_free(table);
	table = frame_bench_part(&bench, run, &(struct read_request){.first = 900, .count = 100},
				 &info);
	ck_assert_uint_eq(table->rows, 50);
	ck_assert(column_f64(table, "point")[0] == 950);
	table_free(table);
}
END_TEST

START_TEST(a_run_can_be_read_while_it_is_taken)
{
	struct etalon_hw_program p = fake_sweep(1549, 1551, 20000);
	struct plan *plan = fake_plan(bench.temp.board, &p);
	struct fake_run records;
	struct table *table;
	struct read_info info;
	_cleanup_free_ char *block = malloc(256 << 10), *message = NULL;
	size_t bytes;
	int64_t run;

	ck_assert_int_eq(
		store_run_begin(bench.temp.store, bench.temp.board, plan, plan->meta, &run), 0);
	ck_assert_int_eq(
		frame_bench_refused(&bench, run, &(struct read_request){.stride = 1}, &message),
		-ENODATA);
	fake_run_begin(&records, bench.temp.board, &p, 1);
	ck_assert_int_eq(
		store_segment_begin(bench.temp.store, run, 1, SEGMENT_MAIN, &p, records.stride), 0);
	for (uint64_t expected = 999; expected < 5000; expected += 1000) {
		bytes = fake_records(&records, block, 1000 * records.stride);
		ck_assert_int_eq(store_block(bench.temp.store, run, 1, block, bytes), 0);
		ck_assert_int_eq(store_commit(bench.temp.store), 0);
		table = frame_bench_part(&bench, run, &(struct read_request){.stride = 1}, &info);
		ck_assert_uint_eq(table->rows, expected);
		ck_assert_uint_eq(info.next, UINT64_MAX);
		table_free(table);
	}
	plan_free(plan);
}
END_TEST

static void damage(int64_t run, int64_t first_point)
{
	sqlite3 *db = NULL;
	sqlite3_blob *blob = NULL;
	sqlite3_stmt *row = NULL;

	ck_assert_int_eq(sqlite3_open(bench.temp.path, &db), SQLITE_OK);
	ck_assert_int_eq(
		sqlite3_prepare_v2(db,
				   "SELECT id FROM block WHERE run = ? AND segment = 1 AND "
				   "first_point <= ? AND last_point >= ?2",
				   -1, &row, NULL),
		SQLITE_OK);
	sqlite3_bind_int64(row, 1, run);
	sqlite3_bind_int64(row, 2, first_point);
	ck_assert_int_eq(sqlite3_step(row), SQLITE_ROW);
	ck_assert_int_eq(sqlite3_blob_open(db, "main", "block", "records",
					   sqlite3_column_int64(row, 0), 1, &blob),
			 SQLITE_OK);
	ck_assert_int_eq(sqlite3_blob_write(blob, "x", 1, 777), SQLITE_OK);
	sqlite3_blob_close(blob);
	sqlite3_finalize(row);
	sqlite3_close(db);
}

START_TEST(damaged_points_are_named_and_the_others_can_be_read)
{
	struct etalon_hw_program p = fake_sweep(1549, 1551, 2000);
	struct writing_options o = {.block_bytes = 100 * 128};
	int64_t run = frame_bench_write(&bench, &p, &o);
	_cleanup_free_ char *message = NULL;
	struct read_info info;
	struct table *table;

	damage(run, 1000);
	ck_assert_int_eq(
		frame_bench_refused(&bench, run, &(struct read_request){.stride = 1}, &message),
		-EUCLEAN);
	ck_assert_msg(strstr(message, "points 999 to 1098 of run"), "%s", message);
	table = frame_bench_part(&bench, run, &(struct read_request){.count = 999}, &info);
	ck_assert_uint_eq(table->rows, 999);
	table_free(table);
	table = frame_bench_part(&bench, run, &(struct read_request){.first = 1099}, &info);
	ck_assert_uint_eq(table->rows, 2000 - 1099);
	table_free(table);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("read_frame_missing");
	TCase *tcase = tcase_create("missing");

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, missing_points_are_absent_and_not_padded);
	tcase_add_test(tcase, a_run_can_be_read_while_it_is_taken);
	tcase_add_test(tcase, damaged_points_are_named_and_the_others_can_be_read);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
