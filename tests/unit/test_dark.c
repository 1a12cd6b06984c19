// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Dark currents and the other sums over the records of a run.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/util.h"
#include "calibrate/dark.h"
#include "calibrate/summary.h"
#include "../common/fake_board.h"
#include "run_suite.h"

#include <check.h>

#define BLOCK (256 << 10)
#define ck_close(a, b, absolute) ck_assert_double_le(fabs((a) - (b)), (absolute))

static struct description *board;
static char *block;

static void setup(void)
{
	board = fake_board();
	block = malloc(BLOCK);
}

static void teardown(void)
{
	description_free(board);
	free(block);
}

static struct conversion pd1(void)
{
	struct conversion c;

	ck_assert_int_eq(conversion_make(board, FAKE_PD1, FAKE_RANGE_100UA, 40000, NAN, NAN, &c),
			 0);
	return c;
}

static size_t dark_records(struct fake_run *run, uint32_t points, double noise_steps)
{
	struct etalon_hw_program p = fake_dark(points);

	fake_run_begin(run, board, &p, 1);
	run->noise_steps = noise_steps;
	return fake_records(run, block, BLOCK);
}

START_TEST(dark_is_the_mean_of_the_gate_shut_points)
{
	struct conversion c = pd1();
	struct fake_run run;
	size_t bytes = dark_records(&run, 500, 0.2);
	double mean, sigma;

	ck_assert_int_eq(dark_from_records(&c, block, bytes, run.stride, 0, &mean, &sigma), 0);
	/* 0.2 steps of 0.76 nA over 500 points: 7 pA */
	ck_assert_double_ge(sigma, 5.5e-12);
	ck_assert_double_le(sigma, 8.5e-12);
	ck_close(mean, fake_dark_a(FAKE_PD1), 4 * sigma);
}
END_TEST

static void flag_points(char *records, size_t bytes, uint32_t stride, uint32_t flags,
			uint8_t sample_flags)
{
	for (size_t at = 0; at < bytes; at += stride) {
		struct etalon_hw_record_point *p = (void *)(records + at);

		if (p->head.type != ETALON_HW_RECORD_POINT)
			continue;
		p->flags = flags;
		p->sample[0].flags = sample_flags;
	}
}

static const struct {
	uint32_t flags;
	uint8_t sample_flags;
	int result;
} unusable[] = {
	{0, 0, -ENODATA}, /* the gate was not shut */
	{ETALON_HW_POINT_GATE_CLOSED | ETALON_HW_POINT_UNSETTLED, 0, -ENODATA},
	{ETALON_HW_POINT_GATE_CLOSED, ETALON_HW_SAMPLE_SATURATED, -ENODATA},
	{ETALON_HW_POINT_GATE_CLOSED, ETALON_HW_SAMPLE_STALE, -ENODATA},
	{ETALON_HW_POINT_GATE_CLOSED, ETALON_HW_SAMPLE_OVERLOAD_RECOVERY, -ENODATA},
	{ETALON_HW_POINT_EMISSION_OFF, 0, 0},
};

START_TEST(what_is_not_surely_dark_is_not_used)
{
	struct conversion c = pd1();
	struct fake_run run;
	size_t bytes = dark_records(&run, 100, 0);
	double mean, sigma;

	flag_points(block, bytes, run.stride, unusable[_i].flags, unusable[_i].sample_flags);
	ck_assert_int_eq(dark_from_records(&c, block, bytes, run.stride, 0, &mean, &sigma),
			 unusable[_i].result);
}
END_TEST

START_TEST(a_sample_that_the_records_do_not_have_is_refused)
{
	struct conversion c = pd1();
	struct fake_run run;
	size_t bytes = dark_records(&run, 100, 0);
	double mean, sigma;

	ck_assert_int_eq(dark_from_records(&c, block, bytes, run.stride, 6, &mean, &sigma),
			 -EINVAL);
	ck_assert_int_eq(dark_from_records(&c, block, bytes - 1, run.stride, 0, &mean, &sigma),
			 -EINVAL);
}
END_TEST

/* ---- summary ---- */

static void feed_all(struct summary *s, unsigned int part, struct fake_run *run)
{
	size_t bytes;

	ck_assert_int_eq(summary_begin(s, part, &run->program, run->stride), 0);
	while ((bytes = fake_records(run, block, BLOCK)) > 0)
		summary_feed(s, block, bytes);
}

static double no_light_in_drop(unsigned int detector, double wavelength_nm, void *userdata)
{
	return detector == FAKE_PD2 ? 0 : fake_power_w(detector, wavelength_nm, userdata);
}

struct whole {
	struct summary *summary;
	struct plan *plan;
};

/* Dark at rest, main, dark with 0.2 nA more; pd2 is not coupled; one point saturated. */
static struct whole sum_up(void)
{
	struct etalon_hw_program sweep = fake_sweep(1549, 1551, 2001), dark = fake_dark(300);
	struct whole w = {.plan = fake_plan(board, &sweep)};
	struct fake_run run;

	ck_assert_int_eq(summary_new(board, &w.summary), 0);
	fake_run_begin(&run, board, &dark, 1);
	run.noise_steps = 0.2;
	feed_all(w.summary, SUMMARY_DARK_BEFORE, &run);
	fake_run_begin(&run, board, &sweep, 1000);
	run.noise_steps = 0.2;
	run.power_w = no_light_in_drop;
	run.saturate_point = 77;
	run.status_every = 100;
	run.temperature_c = 25.125;
	feed_all(w.summary, SUMMARY_MAIN, &run);
	fake_run_begin(&run, board, &dark, 5000);
	run.noise_steps = 0.2;
	run.extra_dark_a = 0.2e-9;
	feed_all(w.summary, SUMMARY_DARK_AFTER, &run);
	json_object_set_new(w.plan->meta, "ledger", json_object());
	ck_assert_int_eq(summary_meta(w.summary, w.plan->meta), 0);
	return w;
}

static void clear(struct whole w)
{
	summary_free(w.summary);
	plan_free(w.plan);
}

static double number(const json_t *object, const char *key)
{
	const json_t *n = json_object_get(object, key);

	ck_assert_msg(json_is_number(n), "%s is missing", key);
	return json_number_value(n);
}

START_TEST(a_summary_tells_dark_before_and_after)
{
	struct whole w = sum_up();
	const json_t *through = json_array_get(json_object_get(w.plan->meta, "channels"), 0);

	ck_close(number(through, "dark_before_a"), 0.25e-9, 40e-12);
	ck_close(number(through, "dark_after_a"), 0.45e-9, 40e-12);
	ck_close(number(through, "dark_sigma_a"), 0.2e-9 / sqrt(12), 15e-12);
	ck_close(number(through, "noise_a"), 0.16e-9, 0.01e-9);
	clear(w);
}
END_TEST

START_TEST(a_summary_counts_saturated_and_dark_points)
{
	struct whole w = sum_up();
	const json_t *through = json_array_get(json_object_get(w.plan->meta, "channels"), 0);
	const json_t *drop = json_array_get(json_object_get(w.plan->meta, "channels"), 1);
	const json_t *ledger = json_object_get(w.plan->meta, "ledger");

	ck_assert(number(through, "saturated") == 1);
	ck_assert(number(through, "below_floor") == 0);
	ck_assert(number(drop, "saturated") == 0);
	/* Noise alone stays within 3 sigma nearly always; dark differs by half its drift. */
	ck_assert_double_ge(number(drop, "below_floor"), 1950);
	ck_assert_double_le(number(drop, "below_floor"), 2001);
	ck_assert(number(ledger, "saturated") == 1);
	ck_assert(number(ledger, "below_floor") == number(drop, "below_floor"));
	clear(w);
}
END_TEST

START_TEST(a_summary_tells_the_chip_s_temperature)
{
	struct whole w = sum_up();
	const json_t *environment = json_object_get(w.plan->meta, "environment");

	ck_close(number(environment, "chip_temperature_c"), 25.125, 1e-4);
	ck_close(number(environment, "chip_temperature_sigma_c"), 0, 1e-4);
	ck_assert_uint_eq(json_object_size(json_object_get(w.plan->meta, "flags")), 0);
	clear(w);
}
END_TEST

/* It varies as it was told to, which is not what makes a run untrustworthy. */
START_TEST(a_summary_of_a_temperature_sweep_has_no_spread)
{
	struct etalon_hw_program sweep = fake_sweep(1549, 1551, 2001);
	struct etalon_hw_axis *axis = &sweep.axis[0];
	struct summary *summary;
	json_t *meta = json_object();
	const json_t *environment;
	struct fake_run run;

	axis->gang[axis->gang_count++].source = FAKE_TEC;
	ck_assert_int_eq(summary_new(board, &summary), 0);
	fake_run_begin(&run, board, &sweep, 1000);
	run.status_every = 100;
	run.temperature_c = 25.125;
	feed_all(summary, SUMMARY_MAIN, &run);
	ck_assert_int_eq(summary_meta(summary, meta), 0);
	environment = json_object_get(meta, "environment");
	ck_close(number(environment, "chip_temperature_c"), 25.125, 1e-4);
	ck_assert_ptr_null(json_object_get(environment, "chip_temperature_sigma_c"));
	json_decref(meta);
	summary_free(summary);
}
END_TEST

START_TEST(a_measurement_of_the_dark_current_tells_it)
{
	struct etalon_hw_program dark = fake_dark(500);
	struct whole w = {.plan = fake_plan(board, &dark)};
	const json_t *through = json_array_get(json_object_get(w.plan->meta, "channels"), 0);
	struct fake_run run;

	ck_assert_int_eq(summary_new(board, &w.summary), 0);
	fake_run_begin(&run, board, &dark, 1);
	run.noise_steps = 0.2;
	feed_all(w.summary, SUMMARY_MAIN, &run);
	json_object_set_new(w.plan->meta, "kind", json_string("dark"));
	json_object_set_new(w.plan->meta, "ledger", json_object());
	ck_assert_int_eq(summary_meta(w.summary, w.plan->meta), 0);
	ck_close(number(through, "dark_random_a"), 7e-12, 1.5e-12);
	ck_close(number(through, "dark_a"), fake_dark_a(FAKE_PD1),
		 4 * number(through, "dark_random_a"));
	/* It is not light that is missing here. */
	ck_assert_ptr_null(json_object_get(through, "below_floor"));
	ck_assert(number(json_object_get(w.plan->meta, "ledger"), "below_floor") == 0);
	clear(w);
}
END_TEST

START_TEST(kept_dark_readings_give_the_same_conversion)
{
	struct whole w = sum_up();
	const json_t *through = json_array_get(json_object_get(w.plan->meta, "channels"), 0);
	json_t *before = summary_dark(w.summary, SUMMARY_DARK_BEFORE);
	json_t *after = summary_dark(w.summary, SUMMARY_DARK_AFTER);
	struct conversion c = pd1();

	ck_assert_ptr_null(summary_dark(w.summary, SUMMARY_MAIN));
	summary_apply_dark(before, after, FAKE_PD1, FAKE_RANGE_100UA, &c);
	ck_close(c.dark_before, number(through, "dark_before_a"), 1e-18);
	ck_close(c.dark_after, number(through, "dark_after_a"), 1e-18);
	ck_close(c.dark_sigma, number(through, "dark_sigma_a"), 1e-18);
	c = pd1();
	summary_apply_dark(before, NULL, FAKE_PD1, FAKE_RANGE_10UA, &c); /* another range */
	ck_assert(c.dark == 0 && isnan(c.dark_before));
	json_decref(before);
	json_decref(after);
	clear(w);
}
END_TEST

START_TEST(flags_are_counted_by_name)
{
	struct etalon_hw_program sweep = fake_sweep(1549, 1551, 1000);
	struct summary *s;
	struct fake_run run;
	json_t *meta = json_object();
	size_t bytes;

	ck_assert_int_eq(summary_new(board, &s), 0);
	fake_run_begin(&run, board, &sweep, 1);
	bytes = fake_records(&run, block, BLOCK);
	flag_points(block, bytes, run.stride,
		    ETALON_HW_POINT_MODE_HOP | ETALON_HW_POINT_INTERLOCK | ETALON_HW_POINT_REVERSE,
		    0);
	ck_assert_int_eq(summary_begin(s, SUMMARY_MAIN, &run.program, run.stride), 0);
	summary_feed(s, block, bytes);
	ck_assert_int_eq(summary_meta(s, meta), 0);
	ck_assert_uint_eq(json_object_size(json_object_get(meta, "flags")), 2);
	ck_assert(number(json_object_get(meta, "flags"), "mode-hop") == 1000);
	ck_assert(number(json_object_get(meta, "flags"), "interlock") == 1000);
	json_decref(meta);
	summary_free(s);
}
END_TEST

START_TEST(a_program_with_unknown_channels_is_refused)
{
	struct etalon_hw_program p = fake_dark(10);
	struct summary *s;

	ck_assert_int_eq(summary_new(board, &s), 0);
	ck_assert_int_eq(summary_begin(s, SUMMARY_MAIN, &p, 100), -EINVAL);
	p.detector[0].detector = FAKE_DETECTORS;
	ck_assert_int_eq(summary_begin(s, SUMMARY_MAIN, &p, 128), -EINVAL);
	p.detector[0] = (struct etalon_hw_program_detector){.range = 3};
	ck_assert_int_eq(summary_begin(s, SUMMARY_MAIN, &p, 128), -EINVAL);
	p.detector_count = ETALON_HW_PROGRAM_DETECTORS_MAX + 1;
	ck_assert_int_eq(summary_begin(s, SUMMARY_MAIN, &p, 1000), -EINVAL);
	summary_free(s);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("dark");
	TCase *t = tcase_create("dark");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, dark_is_the_mean_of_the_gate_shut_points);
	tcase_add_loop_test(t, what_is_not_surely_dark_is_not_used, 0, ARRAY_SIZE(unusable));
	tcase_add_test(t, a_sample_that_the_records_do_not_have_is_refused);
	tcase_add_test(t, a_summary_tells_dark_before_and_after);
	tcase_add_test(t, a_measurement_of_the_dark_current_tells_it);
	tcase_add_test(t, a_summary_counts_saturated_and_dark_points);
	tcase_add_test(t, a_summary_tells_the_chip_s_temperature);
	tcase_add_test(t, a_summary_of_a_temperature_sweep_has_no_spread);
	tcase_add_test(t, kept_dark_readings_give_the_same_conversion);
	tcase_add_test(t, flags_are_counted_by_name);
	tcase_add_test(t, a_program_with_unknown_channels_is_refused);
	suite_add_tcase(s, t);
	return run_suite(s);
}
