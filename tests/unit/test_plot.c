// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Pictures of spectra, on paper and in a terminal: no dip is lost, labels are true, sizes
 * hold, and what can not be drawn is said.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../common/exported.h"
#include "base/util.h"
#include "data/frame.h"
#include "export/plot.h"
#include "export/svg.h"
#include "export/terminal_plot.h"

#include "run_suite.h" /* last: it defines a macro fail() */

/* -20 dBm all over, with one point of -50 dBm. */
static struct table *one_dip(size_t rows, size_t at)
{
	struct table *t = table_new(rows, 2);

	table_set_column(t, 0, "wavelength", "nm", COLUMN_F64);
	table_set_column(t, 1, "through", "W", COLUMN_F64);
	for (size_t i = 0; i < rows; i++) {
		t->columns[0].f64[i] = 1540 + 20.0 * (double)i / (double)(rows - 1);
		t->columns[1].f64[i] = i == at ? 1e-8 : 1e-5;
	}
	return t;
}

static struct plot *plot_of(const struct table *t, const struct plot_options *options, size_t bins)
{
	_cleanup_free_ char *message = NULL;
	struct plot *plot = NULL;

	ck_assert_msg(plot_new(t, options, bins, &plot, &message) == 0, "%s", message);
	return plot;
}

/* ---- reduction ---- */

START_TEST(a_dip_of_one_point_in_many_is_kept)
{
	static const size_t places[] = {0, 1, 77777, 499999, 999998, 999999};
	_cleanup_table_ struct table *t = one_dip(1000000, places[_i]);
	_cleanup_plot_ struct plot *plot = plot_of(t, &(struct plot_options){}, 100);
	size_t deep = 0, points = 0;

	for (size_t i = 0; i < plot->bin_count; i++) {
		points += plot->series[0].bins[i].points;
		deep += fabs(plot->series[0].bins[i].low + 50) < 1e-9;
		ck_assert_double_eq_tol(plot->series[0].bins[i].high, -20, 1e-9);
	}
	ck_assert_uint_eq(deep, 1);
	ck_assert_uint_eq(points, 1000000);
	ck_assert_str_eq(plot->y_unit, "dBm");
	ck_assert(plot->y_low < -50 && plot->y_high > -20);
}
END_TEST

START_TEST(what_has_no_decibels_is_a_gap_not_a_value)
{
	_cleanup_table_ struct table *t = one_dip(100, 50);
	_cleanup_plot_ struct plot *plot = NULL;

	t->columns[1].f64[10] = -1e-9;
	t->columns[1].f64[20] = NAN;
	t->columns[1].f64[30] = 0;
	plot = plot_of(t, &(struct plot_options){}, 100);
	for (size_t i = 0; i < 100; i++)
		ck_assert_uint_eq(plot->series[0].bins[i].valid,
				  i != 10 && i != 20 && i != 30 ? 1 : 0);
}
END_TEST

START_TEST(near_zero_power_does_not_stretch_the_scale)
{
	_cleanup_table_ struct table *t = one_dip(100, 50);
	_cleanup_plot_ struct plot *plot = NULL;

	t->columns[1].f64[50] = 1e-30;
	plot = plot_of(t, &(struct plot_options){}, 100);
	ck_assert(plot->y_low > -20 - 1.1 * PLOT_DB_SPAN_MAX);
}
END_TEST

START_TEST(signals_are_drawn_and_what_describes_them_is_not)
{
	_cleanup_table_ struct table *t = sample_run(1000);
	_cleanup_plot_ struct plot *plot = plot_of(t, &(struct plot_options){}, 50);

	ck_assert_uint_eq(plot->series_count, 2);
	ck_assert_str_eq(plot->series[0].name, "through");
	ck_assert_str_eq(plot->series[1].name, "drop");
}
END_TEST

START_TEST(the_monitor_is_drawn_only_when_asked_for)
{
	const char *const channels[] = {"drop", NULL};
	_cleanup_table_ struct table *t = sample_run(1000);
	_cleanup_plot_ struct plot *without = NULL, *with = NULL;

	json_object_set_new(t->meta, "monitor", json_string("drop"));
	without = plot_of(t, &(struct plot_options){}, 50);
	ck_assert_uint_eq(without->series_count, 1);
	with = plot_of(t, &(struct plot_options){.channels = channels}, 50);
	ck_assert_str_eq(with->series[0].name, "drop");
}
END_TEST

START_TEST(a_linear_scale_has_a_readable_unit)
{
	_cleanup_table_ struct table *t = one_dip(100, 50);
	_cleanup_plot_ struct plot *plot =
		plot_of(t, &(struct plot_options){.scale = PLOT_LINEAR}, 100);

	ck_assert_str_eq(plot->y_unit, "uW");
	ck_assert_double_eq_tol(plot->series[0].bins[0].high, 10, 1e-9);
}
END_TEST

START_TEST(currents_stay_linear)
{
	_cleanup_table_ struct table *t = one_dip(100, 50);
	_cleanup_plot_ struct plot *plot = NULL;

	strcpy(t->columns[1].unit, "A");
	t->columns[1].f64[3] = -1e-5;
	plot = plot_of(t, &(struct plot_options){}, 100);
	ck_assert_str_eq(plot->y_unit, "uA");
	ck_assert_str_eq(plot->y_title, "Photocurrent");
	ck_assert_uint_eq(plot->series[0].bins[3].valid, 1);
}
END_TEST

START_TEST(a_part_of_the_axis_has_a_scale_of_its_own)
{
	_cleanup_table_ struct table *t = one_dip(20001, 10000);
	_cleanup_plot_ struct plot *plot =
		plot_of(t, &(struct plot_options){.from_nm = 1541, .to_nm = 1545}, 100);

	ck_assert(plot->x_low == 1541 && plot->x_high == 1545);
	ck_assert(plot->y_low > -25);
}
END_TEST

static const char *const nobody[] = {"nobody", NULL};
static const char *const axis_only[] = {"flags", NULL};

static const struct {
	const char *what;
	struct plot_options options;
	double value; /* of all points */
	const char *says;
} nothing[] = {
	{"unknown channel", {.channels = nobody}, 1e-5, "no channel \"nobody\""},
	{"no channel", {.channels = axis_only}, 1e-5, "no channel \"flags\""},
	{"all negative", {}, -1e-9, "try a linear scale"},
	{"all missing", {.scale = PLOT_LINEAR}, NAN, "no value to draw"},
	{"elsewhere",
	 {.from_nm = 1300, .to_nm = 1310},
	 1e-5,
	 "the spectrum is from 1540 to 1560 nm"},
};

START_TEST(what_can_not_be_drawn_is_said)
{
	_cleanup_table_ struct table *t = one_dip(100, 200);
	const struct terminal_size size = {.width = 80, .height = 24};
	_cleanup_free_ char *one = NULL, *two = NULL;
	FILE *f = fopen("/dev/null", "w");

	for (size_t i = 0; i < t->rows; i++)
		t->columns[1].f64[i] = nothing[_i].value;
	ck_assert_int_eq(svg_write(f, t, &nothing[_i].options, &one), -EINVAL);
	ck_assert_msg(strstr(one, nothing[_i].says) != NULL, "%s", one);
	ck_assert_int_eq(terminal_plot(f, t, &nothing[_i].options, &size, &two), -EINVAL);
	ck_assert_str_eq(one, two);
	fclose(f);
}
END_TEST

START_TEST(a_table_without_an_axis_is_refused)
{
	_cleanup_table_ struct table *t = one_dip(10, 5), *empty = table_new(0, 0);
	struct plot *plot = NULL;

	strcpy(t->columns[0].unit, "um");
	ck_assert_int_eq(plot_new(t, &(struct plot_options){}, 10, &plot, NULL), -EINVAL);
	ck_assert_int_eq(plot_new(empty, &(struct plot_options){}, 10, &plot, NULL), -EINVAL);
}
END_TEST

/* ---- ticks ---- */

static const struct {
	double low, high;
	size_t most;
	const char *texts; /* joined by blanks */
} ticks[] = {
	{1540, 1560, 10, "1540 1542 1544 1546 1548 1550 1552 1554 1556 1558 1560"},
	{1540.3, 1540.34, 5, "1540.30 1540.31 1540.32 1540.33 1540.34"},
	{-72.3, -18.9, 6, "-70 -60 -50 -40 -30 -20"},
	{-0.3, 0.3, 4, "-0.2 0.0 0.2"},
	{0, 0, 5, ""},
	{0, INFINITY, 5, ""},
	{1e17, 1e17 + 32, 5, ""},
	{NAN, 1, 5, ""},
};

START_TEST(ticks_are_round_and_within)
{
	struct plot_tick out[PLOT_TICKS_MAX];
	size_t count = plot_ticks(ticks[_i].low, ticks[_i].high, ticks[_i].most, out);
	char joined[256] = "";

	for (size_t i = 0; i < count; i++) {
		strcat(joined, i ? " " : "");
		strcat(joined, out[i].text);
	}
	ck_assert_str_eq(joined, ticks[_i].texts);
}
END_TEST

/* ---- SVG ---- */

static char *svg_of(const struct table *t, const struct plot_options *options, size_t *ret_size)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, ret_size);
	_cleanup_free_ char *message = NULL;

	ck_assert_msg(svg_write(f, t, options, &message) == 0, "%s", message);
	fclose(f);
	return text;
}

START_TEST(a_picture_is_small_whatever_the_run)
{
	_cleanup_table_ struct table *t = one_dip(1000000, 5);
	_cleanup_free_ char *text = NULL;
	size_t size;

	for (size_t i = 0; i < t->rows; i++) /* noise: the worst case */
		t->columns[1].f64[i] *= 1 + 0.5 * sin((double)(i * i));
	text = svg_of(t, NULL, &size);
	ck_assert_uint_lt(size, 400000);
	ck_assert_ptr_nonnull(strstr(text, "<svg"));
	ck_assert_ptr_nonnull(strstr(text, "</svg>"));
	ck_assert_ptr_nonnull(strstr(text, "width=\"960px\""));
}
END_TEST

START_TEST(marks_are_drawn_in_any_number_and_place)
{
	struct plot_mark marks[60];
	struct plot_options options = {.marks = marks, .mark_count = ARRAY_SIZE(marks)};
	_cleanup_table_ struct table *t = sample_run(1000);
	_cleanup_free_ char *with = NULL, *without = NULL;
	size_t with_size, without_size;

	for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
		marks[i] = (struct plot_mark){.wavelength_nm = 1539.9 + 0.02 * (double)i};
	marks[0].wavelength_nm = NAN;
	strcpy(marks[9].label, "a label 15 long");
	with = svg_of(t, &options, &with_size);
	without = svg_of(t, NULL, &without_size);
	ck_assert_uint_gt(with_size, without_size + 50 * 100);
}
END_TEST

START_TEST(a_picture_on_a_full_device_is_an_error)
{
	_cleanup_table_ struct table *t = sample_run(1000);
	FILE *f = fopen("/dev/full", "w");

	setvbuf(f, NULL, _IONBF, 0);
	ck_assert_int_eq(svg_write(f, t, NULL, NULL), -ENOSPC);
	fclose(f);
}
END_TEST

START_TEST(the_words_above_a_picture_are_the_run_s)
{
	_cleanup_table_ struct table *t = sample_run(10), *bare = one_dip(10, 3);
	char text[PLOT_TEXT_MAX];

	plot_title(t, &(struct plot_options){}, text);
	ck_assert_str_eq(text, "ring40, wafer 0012, run 17, 2026-03-02 14:05");
	plot_title(t, &(struct plot_options){.title = "mine"}, text);
	ck_assert_str_eq(text, "mine");
	plot_ledger_line(t, text);
	ck_assert_str_eq(text, "measured; produced 20001, received 20001, dropped 0, CRC ok");
	plot_axis_line(t, text);
	ck_assert_str_eq(text,
			 "axis wavemeter (vacuum), random 0.05 pm, systematic 1.7 pm; 1 mW at the "
			 "port; 20 nm/s; aperture 40 us");
	json_object_set_new(json_object_get(t->meta, "ledger"), "complete", json_false());
	plot_ledger_line(t, text);
	ck_assert_ptr_nonnull(strstr(text, "PARTIAL RUN"));
	plot_title(bare, &(struct plot_options){}, text);
	ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(long_words_are_cut_not_overrun)
{
	_cleanup_table_ struct table *t = one_dip(10, 3);
	char text[PLOT_TEXT_MAX], *word = calloc(1, 5001);

	memset(word, 'w', 5000);
	for (size_t i = 0; i < 4; i++)
		json_object_set_new(t->meta, (const char *[]){"label", "device", "wafer", "die"}[i],
				    json_string(word));
	json_object_set_new(t->meta, "created", json_string(word));
	json_object_set_new(t->meta, "verdict", json_string(word));
	plot_title(t, &(struct plot_options){}, text);
	ck_assert_uint_lt(strlen(text), PLOT_TEXT_MAX);
	plot_ledger_line(t, text);
	ck_assert_uint_lt(strlen(text), PLOT_TEXT_MAX);
	free(word);
}
END_TEST

/* ---- terminal ---- */

static char *terminal_of(const struct table *t, const struct plot_options *options,
			 const struct terminal_size *size)
{
	char *text = NULL;
	size_t length;
	FILE *f = open_memstream(&text, &length);
	_cleanup_free_ char *message = NULL;

	ck_assert_msg(terminal_plot(f, t, options, size, &message) == 0, "%s", message);
	fclose(f);
	return text;
}

/* Characters, not bytes, of the longest line; *ret_lines of them. */
static size_t widest(const char *text, size_t *ret_lines)
{
	size_t wide = 0, now = 0;

	*ret_lines = 0;
	for (; *text; text++) {
		if (*text == '\n') {
			wide = MAX(wide, now);
			now = 0;
			(*ret_lines)++;
		} else {
			now += ((unsigned char)*text & 0xc0) != 0x80;
		}
	}
	return wide;
}

static const struct terminal_size sizes[] = {
	{.width = 80, .height = 24},
	{.width = 80, .height = 24, .ascii = true},
	{.width = 200, .height = 60},
	{.width = 1000, .height = 10},
	{.width = 40, .height = 8, .ascii = true},
	{.width = 0, .height = 0}, /* taken as the least */
	{.width = -5, .height = 1, .ascii = true},
};

START_TEST(a_plot_stays_within_its_size)
{
	const struct plot_mark marks[] = {{.wavelength_nm = 1540},
					  {.wavelength_nm = 1540.5},
					  {.wavelength_nm = 1541.0},
					  {.wavelength_nm = 1700}};
	const struct plot_options options = {.marks = marks, .mark_count = (size_t)(_i % 2 * 4)};
	_cleanup_table_ struct table *t = sample_run(1000);
	const struct terminal_size *size = &sizes[_i / 2];
	_cleanup_free_ char *text = terminal_of(t, &options, size);
	size_t lines, width = widest(text, &lines);

	ck_assert_uint_le(lines, (size_t)MAX(size->height, TERMINAL_PLOT_HEIGHT_MIN));
	/* " nm" may stand behind the last number. */
	ck_assert_uint_le(width, (size_t)MAX(size->width, TERMINAL_PLOT_WIDTH_MIN) + 3);
	ck_assert_ptr_null(strchr(text, '\033'));
	for (const char *p = text; size->ascii && *p; p++)
		ck_assert_msg((unsigned char)*p < 0x80, "%s", text);
}
END_TEST

START_TEST(ascii_shows_the_level_and_the_dip_where_they_are)
{
	const struct terminal_size size = {.width = 49, .height = 13, .ascii = true};
	_cleanup_table_ struct table *t = one_dip(20001, 10000);
	const struct plot_mark mark = {.wavelength_nm = 1550};
	const struct plot_options options = {.marks = &mark, .mark_count = 1};
	_cleanup_free_ char *text = terminal_of(t, &options, &size);

	ck_assert_str_eq(text, "    dBm  * through\n"
			       "                             1                   \n"
			       "                             v                   \n"
			       "    -20 +****************************************\n"
			       "        |                    *                   \n"
			       "        |                    *                   \n"
			       "        |                    *                   \n"
			       "        |                    *                   \n"
			       "    -40 +                    *                   \n"
			       "        |                    *                   \n"
			       "        |                    *                   \n"
			       "        ++-------------------+------------------+\n"
			       "         1540              1550              1560 nm\n");
}
END_TEST

START_TEST(braille_shows_the_dip_too)
{
	const struct terminal_size size = {.width = 49, .height = 11};
	_cleanup_table_ struct table *t = one_dip(20001, 10000);
	_cleanup_free_ char *text = terminal_of(t, NULL, &size);
	size_t cells = 0;

	for (const char *p = text; (p = strstr(p, "\xe2\xa1\x87")) != NULL; p++)
		cells++; /* U+2847: the left column of dots, all four */
	ck_assert_uint_ge(cells, 4);
}
END_TEST

START_TEST(points_further_apart_than_characters_are_joined)
{
	const struct terminal_size size = {.width = 60, .height = 20, .ascii = true};
	_cleanup_table_ struct table *t = one_dip(3, 1);
	_cleanup_free_ char *text = terminal_of(t, NULL, &size);
	size_t stars = 0;

	for (const char *p = text; *p; p++)
		stars += *p == '*';
	ck_assert_uint_ge(stars, 51); /* one per column, at least */
}
END_TEST

START_TEST(colours_are_switched_off_again)
{
	const struct terminal_size size = {.width = 80, .height = 20, .colour = true};
	_cleanup_table_ struct table *t = sample_run(1000);
	_cleanup_free_ char *text = terminal_of(t, NULL, &size);
	size_t on = 0, off = 0;

	for (const char *p = text; (p = strstr(p, "\033[")) != NULL; p++) {
		if (strncmp(p, "\033[0m", 4) == 0)
			off++;
		else
			on++;
	}
	ck_assert_uint_gt(on, 2);
	ck_assert_uint_eq(on, off);
}
END_TEST

START_TEST(a_closed_terminal_is_an_error)
{
	const struct terminal_size size = {.width = 80, .height = 20};
	_cleanup_table_ struct table *t = sample_run(1000);
	FILE *f = fopen("/dev/full", "w");

	ck_assert_int_eq(terminal_plot(f, t, NULL, &size, NULL), -ENOSPC);
	fclose(f);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("plot");
	TCase *tc = tcase_create("plot");

	tcase_add_checked_fixture(tc, NULL, forget_fonts);
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, a_dip_of_one_point_in_many_is_kept, 0, 6);
	tcase_add_test(tc, what_has_no_decibels_is_a_gap_not_a_value);
	tcase_add_test(tc, near_zero_power_does_not_stretch_the_scale);
	tcase_add_test(tc, signals_are_drawn_and_what_describes_them_is_not);
	tcase_add_test(tc, the_monitor_is_drawn_only_when_asked_for);
	tcase_add_test(tc, a_linear_scale_has_a_readable_unit);
	tcase_add_test(tc, currents_stay_linear);
	tcase_add_test(tc, a_part_of_the_axis_has_a_scale_of_its_own);
	tcase_add_loop_test(tc, what_can_not_be_drawn_is_said, 0, (int)ARRAY_SIZE(nothing));
	tcase_add_test(tc, a_table_without_an_axis_is_refused);
	tcase_add_loop_test(tc, ticks_are_round_and_within, 0, (int)ARRAY_SIZE(ticks));
	tcase_add_test(tc, a_picture_is_small_whatever_the_run);
	tcase_add_test(tc, marks_are_drawn_in_any_number_and_place);
	tcase_add_test(tc, a_picture_on_a_full_device_is_an_error);
	tcase_add_test(tc, the_words_above_a_picture_are_the_run_s);
	tcase_add_test(tc, long_words_are_cut_not_overrun);
	tcase_add_loop_test(tc, a_plot_stays_within_its_size, 0, 2 * (int)ARRAY_SIZE(sizes));
	tcase_add_test(tc, ascii_shows_the_level_and_the_dip_where_they_are);
	tcase_add_test(tc, braille_shows_the_dip_too);
	tcase_add_test(tc, points_further_apart_than_characters_are_joined);
	tcase_add_test(tc, colours_are_switched_off_again);
	tcase_add_test(tc, a_closed_terminal_is_an_error);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
