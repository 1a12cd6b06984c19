// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Reading a run in engineering units: values against the fake board's truth, parts, strides,
 * averages, gaps, losses, runs that are still being taken.
 */
#include <errno.h>
#include <math.h>
#include <sqlite3.h>
#include <stdlib.h>

#include "../common/temp_store.h"
#include "base/util.h"
#include "data/frame.h"
#include "store/read.h"
#include "run_suite.h"

#include <check.h>

static struct temp_store t;
static struct store *reader;

static void setup(void)
{
	temp_store_begin(&t);
	reader = temp_store_reader(&t);
}

static void teardown(void)
{
	store_close(reader);
	temp_store_end(&t);
}

#define ck_close(a, b, absolute)                                                                \
	ck_assert_msg(fabs((a) - (b)) <= (absolute), "%s = %.15g, %s = %.15g", #a, (double)(a), \
		      #b, (double)(b))

static struct table *read_part(int64_t run, const struct read_request *q, struct read_info *info)
{
	struct table *table = NULL;
	char *message = NULL;
	int fd = -1, r = store_read_frame(reader, run, q, info, &fd, &message);

	ck_assert_msg(r == 0, "store_read_frame: %d %s", r, message ? message : "");
	r = frame_to_table(fd, &table, &message);
	ck_assert_msg(r == 0, "frame_to_table: %d %s", r, message ? message : "");
	close(fd);
	return table;
}

static struct table *read_run(int64_t run)
{
	struct read_info info;
	struct table *table = read_part(run, &(struct read_request){.stride = 1}, &info);

	ck_assert_uint_eq(info.next, UINT64_MAX);
	ck_assert_uint_eq(info.rows, table->rows);
	return table;
}

static const double *f64(const struct table *table, const char *name)
{
	const struct table_column *c = table_find(table, name);

	ck_assert_msg(c && c->type == COLUMN_F64, "no column %s", name);
	return c->f64;
}

static const uint32_t *u32(const struct table *table, const char *name)
{
	const struct table_column *c = table_find(table, name);

	ck_assert_msg(c && c->type == COLUMN_U32, "no column %s", name);
	return c->u32;
}

/* ---- values ---- */

/* Group delay of the 100 uA range, 796 ns, at 20 nm/s. */
#define SHIFT_NM (796e-9 * 20)

START_TEST(values_are_those_that_the_board_measured)
{
	struct etalon_hw_program p = fake_sweep(1549, 1551, 2001);
	int64_t run = write_run(t.store, t.board, &p, NULL);
	struct table *table = read_run(run);

	ck_assert_uint_eq(table->rows, 2001);
	for (size_t i = 0; i < table->rows; i++) {
		double nominal = 1549 + 0.001 * (double)i, logged = nominal + FAKE_TUNING_NM;

		ck_close(f64(table, "wavelength nominal")[i], nominal, 1e-12);
		ck_close(f64(table, "wavelength")[i], logged - SHIFT_NM, 1e-9);
		/* A code is 0.76 nA / 256: 3 pW */
		ck_close(f64(table, "through")[i], fake_power_w(FAKE_PD1, logged, NULL), 3e-12);
		ck_close(f64(table, "drop")[i], fake_power_w(FAKE_PD2, logged, NULL), 3e-12);
		ck_close(f64(table, "mon")[i], 0.9e-3, 1e-10);
		ck_close(f64(table, "time")[i], (double)i * 50e-6 + 20e-6, 1e-12);
		ck_assert(f64(table, "point")[i] == (double)i);
		ck_assert_uint_eq(u32(table, "flags")[i], 0);
		ck_assert_uint_eq(u32(table, "through.flags")[i], 0);
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
	int64_t run = write_run(t.store, t.board, &p, NULL);
	struct table *table = read_run(run);
	json_t *columns = NULL, *one;
	char *message = NULL;
	size_t i;

	ck_assert_int_eq(store_columns(reader, run, &columns, &message), 0);
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
	int64_t run = write_run(t.store, t.board, &p, NULL);
	struct table *table = read_run(run);
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
	int64_t run = write_run(t.store, t.board, &p, NULL);
	struct read_info info;
	struct table *table =
		read_part(run, &(struct read_request){.stride = axes[_i].stride}, &info);

	for (size_t i = 0; i < table->rows; i++) {
		int64_t fm = etalon_hw_setpoint(g->start, g->stop, axes[_i].points,
						(uint32_t)(i * axes[_i].stride));

		ck_assert(f64(table, "wavelength nominal")[i] == (double)fm / 1e6);
	}
	table_free(table);
}
END_TEST

static void both_ways(struct etalon_hw_program *p)
{
	p->axis[p->axis_count - 1].direction = ETALON_HW_UP_DOWN;
}

START_TEST(the_delay_is_taken_off_along_the_direction)
{
	struct etalon_hw_program p = fake_sweep(1549, 1551, 501);
	struct table *table;

	both_ways(&p);
	p.period_ns = 200000; /* 20 nm/s */
	table = read_run(write_run(t.store, t.board, &p, NULL));
	ck_assert_uint_eq(table->rows, 1002);
	for (size_t i = 0; i < table->rows; i++) {
		bool back = i >= 501;
		double nominal = 1549 + 0.004 * (double)(back ? 1001 - i : i);

		ck_assert_uint_eq(u32(table, "flags")[i], back ? FRAME_POINT_REVERSE : 0);
		ck_close(f64(table, "wavelength nominal")[i], nominal, 1e-9);
		ck_close(f64(table, "wavelength")[i],
			 nominal + FAKE_TUNING_NM + (back ? SHIFT_NM : -SHIFT_NM), 1e-9);
	}
	table_free(table);
}
END_TEST

START_TEST(a_downward_sweep_is_shifted_upward)
{
	struct etalon_hw_program p = fake_sweep(1551, 1549, 2001);
	struct table *table = read_run(write_run(t.store, t.board, &p, NULL));

	ck_close(f64(table, "wavelength")[0], 1551 + FAKE_TUNING_NM + SHIFT_NM, 1e-9);
	table_free(table);
}
END_TEST

START_TEST(a_stepped_sweep_needs_no_shift)
{
	struct etalon_hw_program p = fake_sweep(1549, 1551, 2001);
	struct table *table;

	p.axis[0].mode = ETALON_HW_MODE_STEP;
	table = read_run(write_run(t.store, t.board, &p, NULL));
	ck_close(f64(table, "wavelength")[7], 1549.007 + FAKE_TUNING_NM, 1e-9);
	table_free(table);
}
END_TEST

START_TEST(a_channel_with_another_delay_has_its_own_axis)
{
	struct etalon_hw_program p = fake_sweep(1549, 1551, 2001);
	struct table *table;

	p.detector[1].range = FAKE_RANGE_10UA; /* 1592 ns */
	table = read_run(write_run(t.store, t.board, &p, NULL));
	ck_assert_ptr_null(table_find(table, "through wavelength"));
	ck_close(f64(table, "drop wavelength")[100], 1549.1 + FAKE_TUNING_NM - 2 * SHIFT_NM, 1e-9);
	ck_close(f64(table, "wavelength")[100], 1549.1 + FAKE_TUNING_NM - SHIFT_NM, 1e-9);
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
	struct table *table = read_run(write_run(t.store, t.board, &p, &o));

	for (size_t i = 0; i < table->rows; i++)
		ck_close(f64(table, "through")[i],
			 fake_power_w(FAKE_PD1, f64(table, "wavelength")[i] + SHIFT_NM, NULL),
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
	struct table *table = read_run(write_run(t.store, t.board, &p, &o));

	ck_assert_uint_eq(u32(table, "through.flags")[33], FRAME_CHANNEL_SATURATED);
	ck_assert_uint_eq(u32(table, "through.flags")[34], 0);
	ck_assert_uint_eq(u32(table, "drop.flags")[10], FRAME_CHANNEL_BELOW_FLOOR);
	ck_close(f64(table, "drop")[10], 0.2e-9, 10e-12);
	ck_assert_uint_eq(u32(table, "drop.flags")[190], 0);
	ck_close(f64(table, "drop")[190], -1.5e-9, 10e-12);
	table_free(table);
}
END_TEST

/* ---- parts ---- */

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
	int64_t run = write_run(t.store, t.board, &p, &o);
	struct read_request q = {
		.first = parts[_i].first, .count = parts[_i].count, .stride = parts[_i].stride};
	uint64_t stride = MAX(parts[_i].stride, (uint64_t)1);
	struct read_info info;
	struct table *table = read_part(run, &q, &info);

	ck_assert_uint_eq(info.rows, parts[_i].rows);
	ck_assert_uint_eq(table->rows, parts[_i].rows);
	ck_assert_uint_eq(info.next, parts[_i].next);
	ck_assert_uint_eq(info.total_rows, (10000 + stride - 1) / stride);
	for (size_t i = 0; i < table->rows; i++)
		ck_assert(f64(table, "point")[i] == (double)(parts[_i].first + i * stride));
	table_free(table);
}
END_TEST

START_TEST(chosen_columns_come_alone_and_in_the_asked_order)
{
	static const char *const columns[] = {"drop", "wavelength", "through.flags"};
	struct etalon_hw_program p = fake_sweep(1549, 1551, 300);
	int64_t run = write_run(t.store, t.board, &p, NULL);
	struct read_request q = {.stride = 1, .columns = columns, .column_count = 3};
	struct table *all = read_run(run), *some;
	struct read_info info;

	some = read_part(run, &q, &info);
	ck_assert_uint_eq(some->column_count, 3);
	for (size_t i = 0; i < 3; i++)
		ck_assert_str_eq(some->columns[i].name, columns[i]);
	for (size_t i = 0; i < 300; i++) {
		ck_assert(f64(some, "drop")[i] == f64(all, "drop")[i]);
		ck_assert(f64(some, "wavelength")[i] == f64(all, "wavelength")[i]);
	}
	table_free(all);
	table_free(some);
}
END_TEST

static int refused(int64_t run, const struct read_request *q, char **message)
{
	struct read_info info;
	int fd = -1, r = store_read_frame(reader, run, q, &info, &fd, message);

	ck_assert_int_lt(r, 0);
	ck_assert_ptr_nonnull(*message);
	return r;
}

START_TEST(what_does_not_exist_is_named)
{
	static const char *const columns[] = {"gamma"};
	struct etalon_hw_program p = fake_sweep(1549, 1551, 300);
	int64_t run = write_run(t.store, t.board, &p, NULL);
	struct read_request wrong = {.stride = 1, .columns = columns, .column_count = 1};
	struct read_request none = {.stride = 1, .columns = columns};
	_cleanup_free_ char *column = NULL, *number = NULL, *point = NULL, *empty = NULL;

	ck_assert_int_eq(refused(run, &wrong, &column), -ENOENT);
	ck_assert_ptr_nonnull(strstr(column, "wavelength, wavelength nominal, through"));
	ck_assert_int_eq(refused(run + 1, &(struct read_request){.stride = 1}, &number), -ENOENT);
	ck_assert_int_eq(refused(run, &(struct read_request){.first = 300}, &point), -ENODATA);
	ck_assert_ptr_nonnull(strstr(point, "299"));
	ck_assert_int_eq(refused(run, &none, &empty), -EINVAL);
}
END_TEST

START_TEST(more_than_a_frame_holds_comes_in_several)
{
	static const char *const columns[] = {"point", "time", "wavelength",	    "through",
					      "drop",  "mon",  "wavelength nominal"};
	struct etalon_hw_program p = fake_sweep(1500, 1600, 1300000);
	int64_t run = write_run(t.store, t.board, &p, NULL);
	struct read_request q = {
		.stride = 1, .columns = columns, .column_count = ARRAY_SIZE(columns)};
	_cleanup_free_ char *message = NULL;
	struct read_info info;
	uint64_t rows = 0;
	int frames = 0, fd = -1;

	q.whole = true;
	ck_assert_int_eq(store_read_frame(reader, run, &q, &info, &fd, &message), -EFBIG);
	ck_assert_int_eq(fd, -1);
	ck_assert_ptr_nonnull(strstr(message, "has 1300000 points; 1198"));
	q.whole = false;
	do {
		struct table *table = read_part(run, &q, &info);

		ck_assert_uint_le(table->rows * 7 * 8, FRAME_MAX_BYTES);
		ck_assert_uint_eq(info.total_rows, 1300000);
		ck_assert(f64(table, "point")[0] == (double)rows);
		ck_assert(f64(table, "point")[table->rows - 1] == (double)(rows + table->rows - 1));
		rows += table->rows;
		q.first = info.next;
		frames++;
		table_free(table);
	} while (info.next != UINT64_MAX);
	ck_assert_uint_eq(rows, 1300000);
	ck_assert_int_eq(frames, 2);
}
END_TEST

/* ---- gaps ---- */

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
	int64_t run = write_run(t.store, t.board, &p, &o);
	struct table *table = read_run(run);
	struct read_info info;

	ck_assert_uint_eq(table->rows, 1750);
	for (size_t i = 0; i < table->rows; i++) {
		double number = (double)(i < 700 ? i : i + 250);

		ck_assert(f64(table, "point")[i] == number);
		ck_close(f64(table, "wavelength nominal")[i], 1549 + 2 * number / 1999, 1e-6);
	}
	table_free(table);
	table = read_part(run, &(struct read_request){.first = 690, .count = 100}, &info);
	ck_assert_uint_eq(table->rows, 10);
	ck_assert_uint_eq(info.next, 790);
	ck_assert_uint_eq(info.total_rows, 1750);
	table_free(table);
	table = read_part(run, &(struct read_request){.first = 900, .count = 100}, &info);
	ck_assert_uint_eq(table->rows, 50);
	ck_assert(f64(table, "point")[0] == 950);
	table_free(table);
}
END_TEST

/* ---- averages ---- */

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
	double sum = 0;
	int n = 0;

	for (size_t i = 0; i < all->rows; i++)
		if ((size_t)f64(all, "point")[i] % group == row) {
			sum += f64(all, column)[i];
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

	*averaged = write_run(t.store, t.board, p, o);
	apart.meta = meta;
	*single = write_run(t.store, t.board, p, &apart);
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
	mean = read_run(averaged);
	all = read_run(single);
	ck_assert_uint_eq(all->rows,
			  1000 * averages[_i].passes *
					  (averages[_i].direction == ETALON_HW_UP_DOWN ? 2 : 1) -
				  20);
	ck_assert_uint_eq(mean->rows, group);
	for (size_t i = 0; i < mean->rows; i += 13) {
		ck_close(f64(mean, "through")[i], mean_of_passes(all, "through", i, group), 1e-18);
		ck_close(f64(mean, "wavelength")[i], mean_of_passes(all, "wavelength", i, group),
			 1e-9);
		ck_assert((u32(mean, "flags")[i] == FRAME_POINT_REVERSE) == (i >= 1000));
	}
	ck_assert_uint_eq(u32(mean, "through.flags")[2050 % group], FRAME_CHANNEL_SATURATED);
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
	run = write_run(t.store, t.board, &p, &o);
	whole = read_run(run);
	part = read_part(run, &q, &info);
	ck_assert_uint_eq(part->rows, 300);
	ck_assert_uint_eq(info.total_rows, 500);
	ck_assert_uint_eq(info.next, 690);
	for (size_t i = 0; i < part->rows; i++) {
		ck_assert(f64(part, "through")[i] == f64(whole, "through")[90 + 2 * i]);
		ck_assert(f64(part, "point")[i] == (double)(90 + 2 * i));
		ck_assert_uint_eq(u32(part, "through.flags")[i],
				  u32(whole, "through.flags")[90 + 2 * i]);
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
	table = read_run(write_run(t.store, t.board, &p, &o));
	ck_assert_uint_eq(table->rows, 1490);
	ck_assert(f64(table, "point")[99] == 99);
	ck_assert(f64(table, "point")[100] == 110);
	table_free(table);
}
END_TEST

/* ---- other sweeps ---- */

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
	table = read_run(write_run(t.store, t.board, &p, NULL));
	ck_assert_ptr_null(table_find(table, "wavelength"));
	ck_assert_str_eq(table->columns[0].name, "h1 nominal");
	ck_assert_str_eq(table->columns[0].unit, "V");
	ck_close(f64(table, "h1 nominal")[3], 3, 1e-12);
	ck_close(f64(table, "h1.i")[3], 5e-3, 1e-9);
	/* Nobody knows the wavelength: amperes, not a guessed power. */
	ck_assert_str_eq(table_find(table, "through")->unit, "A");
	ck_close(f64(table, "through")[3], 0, 3e-12);
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
	plan = fake_plan(t.board, &p);
	plan->segments[1].lists = lists;
	plan->segments[1].list_count = 1;
	ck_assert_int_eq(store_run_begin(t.store, t.board, plan, plan->meta, &run), 0);
	fake_run_begin(&records, t.board, &p, 1);
	ck_assert_int_eq(store_segment_begin(t.store, run, 1, SEGMENT_MAIN, &p, records.stride), 0);
	bytes = fake_records(&records, block, sizeof(block));
	ck_assert_int_eq(store_block(t.store, run, 1, block, bytes), 0);
	ck_assert_int_eq(store_commit(t.store), 0);
	table = read_run(run);
	for (int i = 0; i < 3; i++)
		ck_close(f64(table, "h1 nominal")[i], (double)list[i] * 1e-9, 1e-12);
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
	table = read_run(write_run(t.store, t.board, &p, &(struct writing_options){.segments = 2}));
	ck_assert_str_eq(table_find(table, "through")->unit, "A");
	ck_assert_uint_eq(u32(table, "flags")[0], FRAME_POINT_GATE_CLOSED);
	table_free(table);
}
END_TEST

/* ---- running and damaged runs ---- */

START_TEST(a_run_can_be_read_while_it_is_taken)
{
	struct etalon_hw_program p = fake_sweep(1549, 1551, 20000);
	struct plan *plan = fake_plan(t.board, &p);
	struct fake_run records;
	struct table *table;
	struct read_info info;
	_cleanup_free_ char *block = malloc(256 << 10), *message = NULL;
	size_t bytes;
	int64_t run;

	ck_assert_int_eq(store_run_begin(t.store, t.board, plan, plan->meta, &run), 0);
	ck_assert_int_eq(refused(run, &(struct read_request){.stride = 1}, &message), -ENODATA);
	fake_run_begin(&records, t.board, &p, 1);
	ck_assert_int_eq(store_segment_begin(t.store, run, 1, SEGMENT_MAIN, &p, records.stride), 0);
	for (uint64_t expected = 999; expected < 5000; expected += 1000) {
		bytes = fake_records(&records, block, 1000 * records.stride);
		ck_assert_int_eq(store_block(t.store, run, 1, block, bytes), 0);
		ck_assert_int_eq(store_commit(t.store), 0);
		table = read_part(run, &(struct read_request){.stride = 1}, &info);
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

	ck_assert_int_eq(sqlite3_open(t.path, &db), SQLITE_OK);
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
	int64_t run = write_run(t.store, t.board, &p, &o);
	_cleanup_free_ char *message = NULL;
	struct read_info info;
	struct table *table;

	damage(run, 1000);
	ck_assert_int_eq(refused(run, &(struct read_request){.stride = 1}, &message), -EUCLEAN);
	ck_assert_msg(strstr(message, "points 999 to 1098 of run"), "%s", message);
	table = read_part(run, &(struct read_request){.count = 999}, &info);
	ck_assert_uint_eq(table->rows, 999);
	table_free(table);
	table = read_part(run, &(struct read_request){.first = 1099}, &info);
	ck_assert_uint_eq(table->rows, 2000 - 1099);
	table_free(table);
}
END_TEST

/* ---- losses ---- */

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
	int64_t run = write_run(t.store, t.board, &p,
				&(struct writing_options){.adjust = use_power, .meta = meta});

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
		both_ways(&p);
	run = write_run(
		t.store, t.board, &p,
		&(struct writing_options){.adjust = use_power, .userdata = &yes, .meta = meta});
	json_decref(meta);
	return run;
}

START_TEST(loss_is_relative_to_the_reference_on_the_measured_axis)
{
	struct table *table = read_run(device_run(reference_run(1548.5, 1551.5), false));

	for (size_t i = 0; i < table->rows; i++) {
		ck_close(f64(table, "through loss")[i], 10 * log10(2), 1e-4);
		ck_close(f64(table, "drop loss")[i], 10 * log10(2), 1e-4);
	}
	ck_assert_str_eq(table_find(table, "through loss")->unit, "dB");
	ck_assert_ptr_null(table_find(table, "mon loss"));
	table_free(table);
}
END_TEST

START_TEST(uncovered_points_have_no_loss)
{
	struct table *table = read_run(device_run(reference_run(1549.5, 1551.5), false));
	size_t covered = 0;

	for (size_t i = 0; i < table->rows; i++) {
		bool inside = f64(table, "wavelength nominal")[i] > 1549.501;
		bool outside = f64(table, "wavelength nominal")[i] < 1549.499;

		ck_assert(!inside || isfinite(f64(table, "through loss")[i]));
		ck_assert(!outside || isnan(f64(table, "through loss")[i]));
		covered += inside;
	}
	ck_assert_uint_ge(covered, 1490);
	table_free(table);
}
END_TEST

START_TEST(the_way_back_needs_a_reference_of_its_own)
{
	struct table *table = read_run(device_run(reference_run(1548.5, 1551.5), true));

	ck_close(f64(table, "through loss")[100], 10 * log10(2), 1e-4);
	ck_assert(isnan(f64(table, "through loss")[2001 + 100]));
	table_free(table);
}
END_TEST

START_TEST(loss_alone_can_be_asked_for)
{
	static const char *const columns[] = {"drop loss"};
	int64_t run = device_run(reference_run(1548.5, 1551.5), false);
	struct read_request q = {.stride = 100, .columns = columns, .column_count = 1};
	struct read_info info;
	struct table *table = read_part(run, &q, &info);

	ck_assert_uint_eq(table->column_count, 1);
	ck_assert_uint_eq(table->rows, 21);
	for (size_t i = 0; i < table->rows; i++)
		ck_close(f64(table, "drop loss")[i], 10 * log10(2), 1e-4);
	table_free(table);
}
END_TEST

START_TEST(a_reference_that_is_gone_leaves_no_loss)
{
	int64_t reference = reference_run(1548.5, 1551.5), run = device_run(reference, false);
	struct table *table;

	ck_assert_int_eq(store_run_delete(t.store, reference), 0);
	table = read_run(run);
	for (size_t i = 0; i < table->rows; i++)
		ck_assert(isnan(f64(table, "through loss")[i]));
	table_free(table);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("read_frame");
	TCase *c = tcase_create("read_frame");

	tcase_set_timeout(c, 120);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, values_are_those_that_the_board_measured);
	tcase_add_test(c, columns_come_in_their_order_and_are_listed);
	tcase_add_test(c, a_frame_carries_the_run_s_description);
	tcase_add_loop_test(c, nominal_wavelengths_are_the_setpoints_of_the_contract, 0,
			    ARRAY_SIZE(axes));
	tcase_add_test(c, the_delay_is_taken_off_along_the_direction);
	tcase_add_test(c, a_downward_sweep_is_shifted_upward);
	tcase_add_test(c, a_stepped_sweep_needs_no_shift);
	tcase_add_test(c, a_channel_with_another_delay_has_its_own_axis);
	tcase_add_test(c, dark_is_the_mean_of_before_and_after);
	tcase_add_test(c, readings_are_flagged_and_keep_their_sign);
	tcase_add_loop_test(c, any_part_can_be_read, 0, ARRAY_SIZE(parts));
	tcase_add_test(c, chosen_columns_come_alone_and_in_the_asked_order);
	tcase_add_test(c, what_does_not_exist_is_named);
	tcase_add_test(c, more_than_a_frame_holds_comes_in_several);
	tcase_add_test(c, missing_points_are_absent_and_not_padded);
	tcase_add_loop_test(c, passes_are_averaged_and_directions_stay_apart, 0,
			    ARRAY_SIZE(averages));
	tcase_add_test(c, parts_of_an_average_are_those_of_the_whole);
	tcase_add_test(c, a_row_that_no_pass_has_is_absent);
	tcase_add_test(c, a_general_sweep_has_setpoints_and_read_backs);
	tcase_add_test(c, setpoints_of_a_list_are_those_of_the_list);
	tcase_add_test(c, a_dark_run_is_in_amperes);
	tcase_add_test(c, a_run_can_be_read_while_it_is_taken);
	tcase_add_test(c, damaged_points_are_named_and_the_others_can_be_read);
	tcase_add_test(c, loss_is_relative_to_the_reference_on_the_measured_axis);
	tcase_add_test(c, uncovered_points_have_no_loss);
	tcase_add_test(c, the_way_back_needs_a_reference_of_its_own);
	tcase_add_test(c, loss_alone_can_be_asked_for);
	tcase_add_test(c, a_reference_that_is_gone_leaves_no_loss);
	suite_add_tcase(s, c);
	return run_suite(s);
}
