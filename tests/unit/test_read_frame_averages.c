// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Passes that are averaged: directions stay apart, parts are those of the whole, and a row that no pass has is
 * absent.
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

static void drop_in_second_pass(struct fake_run *run, unsigned int purpose, void *userdata)
{
	(void)userdata;
	if (purpose != SEGMENT_MAIN)
		return;
	run->noise_steps = 1;
	run->drop_first = 1100;
	run->drop_count = 20;
	run->saturate_point = 2050;
}

static double mean_of_passes(const struct table *all, const char *column, size_t row, size_t group)
{
	const double *point = column_f64(all, "point"), *value = column_f64(all, column);
	double sum = 0;
	int n = 0;

	for (size_t i = 0; i < all->rows; i++)
		if ((size_t)point[i] % group == row) {
			sum += value[i];
			n++;
		}
	return sum / n;
}

/* The same records twice: once averaged, once as they are. */
static void averaged_and_single(struct etalon_hw_program *p, const struct writing_options *o,
				int64_t *averaged, int64_t *single)
{
	struct writing_options apart = *o;
	json_t *meta = json_pack("{s:{s:i}}", "settings", "average", 1);

	*averaged = frame_bench_write(&bench, p, o);
	apart.meta = meta;
	*single = frame_bench_write(&bench, p, &apart);
	json_decref(meta);
}

static const struct {
	enum etalon_hw_axis_direction direction;
	uint32_t passes;
	size_t group;
} averages[] = {
	{ETALON_HW_FORWARD, 4, 1000},
	{ETALON_HW_UP_DOWN, 3, 2000},
	{ETALON_HW_SERPENTINE, 4, 2000},
};

START_TEST(passes_are_averaged_and_directions_stay_apart)
{
	struct etalon_hw_program p = fake_sweep(1549, 1551, 1000);
	struct writing_options o = {.adjust = drop_in_second_pass, .block_bytes = 300 * 128};
	size_t group = averages[_i].group;
	struct table *mean, *all;
	int64_t averaged, single;

	p.axis[0].direction = (uint8_t)averages[_i].direction;
	fake_repeat(&p, averages[_i].passes);
	averaged_and_single(&p, &o, &averaged, &single);
	mean = frame_bench_run(&bench, averaged);
	all = frame_bench_run(&bench, single);
	ck_assert_uint_eq(all->rows,
			  1000 * averages[_i].passes *
					  (averages[_i].direction == ETALON_HW_UP_DOWN ? 2 : 1) -
				  20);
	ck_assert_uint_eq(mean->rows, group);
	for (size_t i = 0; i < mean->rows; i += 13) {
		ck_close(column_f64(mean, "through")[i], mean_of_passes(all, "through", i, group),
			 1e-18);
		ck_close(column_f64(mean, "wavelength")[i],
			 mean_of_passes(all, "wavelength", i, group), 1e-9);
		ck_assert((column_u32(mean, "flags")[i] == FRAME_POINT_REVERSE) == (i >= 1000));
	}
	ck_assert_uint_eq(column_u32(mean, "through.flags")[2050 % group], FRAME_CHANNEL_SATURATED);
	table_free(mean);
	table_free(all);
}
END_TEST

START_TEST(parts_of_an_average_are_those_of_the_whole)
{
	struct etalon_hw_program p = fake_sweep(1549, 1551, 1000);
	struct writing_options o = {.adjust = drop_in_second_pass, .block_bytes = 300 * 128};
	struct read_request q = {.first = 90, .count = 300, .stride = 2};
	struct table *whole, *part;
	struct read_info info;
	int64_t run;

	fake_repeat(&p, 5);
	run = frame_bench_write(&bench, &p, &o);
	whole = frame_bench_run(&bench, run);
	part = frame_bench_part(&bench, run, &q, &info);
	ck_assert_uint_eq(part->rows, 300);
	ck_assert_uint_eq(info.total_rows, 500);
	ck_assert_uint_eq(info.next, 690);
	for (size_t i = 0; i < part->rows; i++) {
		ck_assert(column_f64(part, "through")[i] ==
			  column_f64(whole, "through")[90 + 2 * i]);
		ck_assert(column_f64(part, "point")[i] == (double)(90 + 2 * i));
		ck_assert_uint_eq(column_u32(part, "through.flags")[i],
				  column_u32(whole, "through.flags")[90 + 2 * i]);
	}
	table_free(whole);
	table_free(part);
}
END_TEST

static void drop_in_only_pass(struct fake_run *run, unsigned int purpose, void *userdata)
{
	(void)userdata;
	if (purpose == SEGMENT_MAIN) {
		run->stop_after = 1500; /* the second pass is not whole */
		run->drop_first = 100;
		run->drop_count = 10;
	}
}

START_TEST(a_row_that_no_pass_has_is_absent)
{
	struct etalon_hw_program p = fake_sweep(1549, 1551, 1000);
	struct writing_options o = {.adjust = drop_in_only_pass};
	struct table *table;

	p.axis[0].points = 2000;
	fake_repeat(&p, 2);
	table = frame_bench_run(&bench, frame_bench_write(&bench, &p, &o));
	ck_assert_uint_eq(table->rows, 1490);
	ck_assert(column_f64(table, "point")[99] == 99);
	ck_assert(column_f64(table, "point")[100] == 110);
	table_free(table);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("read_frame_averages");
	TCase *tcase = tcase_create("averages");

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, passes_are_averaged_and_directions_stay_apart, 0,
			    ARRAY_SIZE(averages));
	tcase_add_test(tcase, parts_of_an_average_are_those_of_the_whole);
	tcase_add_test(tcase, a_row_that_no_pass_has_is_absent);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
