// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Any part of a run, at any stride and of any columns; what does not exist is named; more than a frame holds
 * comes in several.
 */
#include <errno.h>
#include <string.h>

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

static const struct {
	uint64_t first, count, stride, rows, next;
} parts[] = {
	{0, 0, 1, 10000, UINT64_MAX},
	{0, 0, 0, 10000, UINT64_MAX}, /* stride 0 is 1 */
	{0, 1, 1, 1, 1},
	{9999, 0, 1, 1, UINT64_MAX},
	{1234, 4000, 1, 4000, 5234},
	{1234, 0, 1, 8766, UINT64_MAX},
	{0, 0, 3, 3334, UINT64_MAX},
	{5, 100, 7, 100, 705},
	{5, 0, 9994, 2, UINT64_MAX},
	{5, 0, 1000000, 1, UINT64_MAX},
	{2046, 3, 1, 3, 2049},
};

START_TEST(any_part_can_be_read)
{
	struct etalon_hw_program p = fake_sweep(1540, 1550, 10000);
	struct writing_options o = {.block_bytes = 37 * 128};
	int64_t run = frame_bench_write(&bench, &p, &o);
	struct read_request q = {
		.first = parts[_i].first, .count = parts[_i].count, .stride = parts[_i].stride};
	uint64_t stride = MAX(parts[_i].stride, (uint64_t)1);
	struct read_info info;
	struct table *table = frame_bench_part(&bench, run, &q, &info);

	ck_assert_uint_eq(info.rows, parts[_i].rows);
	ck_assert_uint_eq(table->rows, parts[_i].rows);
	ck_assert_uint_eq(info.next, parts[_i].next);
	ck_assert_uint_eq(info.total_rows, (10000 + stride - 1) / stride);
	for (size_t i = 0; i < table->rows; i++)
		ck_assert(column_f64(table, "point")[i] == (double)(parts[_i].first + i * stride));
	table_free(table);
}
END_TEST

START_TEST(chosen_columns_come_alone_and_in_the_asked_order)
{
	static const char *const columns[] = {"drop", "wavelength", "through.flags"};
	struct etalon_hw_program p = fake_sweep(1549, 1551, 300);
	int64_t run = frame_bench_write(&bench, &p, NULL);
	struct read_request q = {.stride = 1, .columns = columns, .column_count = 3};
	struct table *all = frame_bench_run(&bench, run), *some;
	struct read_info info;

	some = frame_bench_part(&bench, run, &q, &info);
	ck_assert_uint_eq(some->column_count, 3);
	for (size_t i = 0; i < 3; i++)
		ck_assert_str_eq(some->columns[i].name, columns[i]);
	for (size_t i = 0; i < 300; i++) {
		ck_assert(column_f64(some, "drop")[i] == column_f64(all, "drop")[i]);
		ck_assert(column_f64(some, "wavelength")[i] == column_f64(all, "wavelength")[i]);
	}
	table_free(all);
	table_free(some);
}
END_TEST

START_TEST(what_does_not_exist_is_named)
{
	static const char *const columns[] = {"gamma"};
	struct etalon_hw_program p = fake_sweep(1549, 1551, 300);
	int64_t run = frame_bench_write(&bench, &p, NULL);
	struct read_request wrong = {.stride = 1, .columns = columns, .column_count = 1};
	struct read_request none = {.stride = 1, .columns = columns};
	_cleanup_free_ char *column = NULL, *number = NULL, *point = NULL, *empty = NULL;

	ck_assert_int_eq(frame_bench_refused(&bench, run, &wrong, &column), -ENOENT);
	ck_assert_ptr_nonnull(strstr(column, "wavelength, wavelength nominal, through"));
	ck_assert_int_eq(
		frame_bench_refused(&bench, run + 1, &(struct read_request){.stride = 1}, &number),
		-ENOENT);
	ck_assert_int_eq(
		frame_bench_refused(&bench, run, &(struct read_request){.first = 300}, &point),
		-ENODATA);
	ck_assert_ptr_nonnull(strstr(point, "299"));
	ck_assert_int_eq(frame_bench_refused(&bench, run, &none, &empty), -EINVAL);
}
END_TEST

START_TEST(more_than_a_frame_holds_comes_in_several)
{
	static const char *const columns[] = {"point", "time", "wavelength",	    "through",
					      "drop",  "mon",  "wavelength nominal"};
	struct etalon_hw_program p = fake_sweep(1500, 1600, 1300000);
	int64_t run = frame_bench_write(&bench, &p, NULL);
	struct read_request q = {
		.stride = 1, .columns = columns, .column_count = ARRAY_SIZE(columns)};
	_cleanup_free_ char *message = NULL;
	struct read_info info;
	uint64_t rows = 0;
	int frames = 0, fd = -1;

	q.whole = true;
	ck_assert_int_eq(store_read_frame(bench.reader, run, &q, &info, &fd, &message), -EFBIG);
	ck_assert_int_eq(fd, -1);
	ck_assert_ptr_nonnull(strstr(message, "has 1300000 points; 1198"));
	q.whole = false;
	do {
		struct table *table = frame_bench_part(&bench, run, &q, &info);

		ck_assert_uint_le(table->rows * 7 * 8, FRAME_MAX_BYTES);
		ck_assert_uint_eq(info.total_rows, 1300000);
		ck_assert(column_f64(table, "point")[0] == (double)rows);
		ck_assert(column_f64(table, "point")[table->rows - 1] ==
			  (double)(rows + table->rows - 1));
		rows += table->rows;
		q.first = info.next;
		frames++;
		table_free(table);
	} while (info.next != UINT64_MAX);
	ck_assert_uint_eq(rows, 1300000);
	ck_assert_int_eq(frames, 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("read_frame_parts");
	TCase *tcase = tcase_create("parts");

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, any_part_can_be_read, 0, ARRAY_SIZE(parts));
	tcase_add_test(tcase, chosen_columns_come_alone_and_in_the_asked_order);
	tcase_add_test(tcase, what_does_not_exist_is_named);
	tcase_add_test(tcase, more_than_a_frame_holds_comes_in_several);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
