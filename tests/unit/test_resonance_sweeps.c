// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The same ring, however it was swept: fast and slow, wide apertures and narrow bandwidths, both ways,
 * falling, densely and coarsely, drop and through, with one ripple or two. No way of measuring may
 * move a value or make its stated uncertainty untrue.
 */
#include <stdio.h>

#include "analyse_check.h"
#include "run_suite.h"

#define MOST 16

/* Changes to the demo sweep over a span of a few resonances. */
struct sweep_case {
	const char *name;
	struct synth synth;
	unsigned int seeds;
};

#define DEMO                                                                                       \
	.radius_um = 40, .group_index = 4.18, .index_1550 = 2.4406, .loss_db_per_cm = 3,           \
	.envelope_db = 12, .envelope_centre_nm = 1552, .envelope_3db_nm = 40,                      \
	.ripple_period_nm = 0.32, .tuning_offset_pm = 20, .tuning_smooth_pm = 10, .power_w = 1e-3, \
	.rin_db_per_hz = -145, .read_a = 0.16e-9, .responsivity = 1, .shot = true,                 \
	.laser_ripple_period_nm = 0.7
#define RING .coupling_1 = 0.02, .coupling_2 = 0.02
#define RIPPLE .ripple_db_pp = 0.2, .laser_ripple_db_pp = 0.05
#define LOG .log_random_pm = 0.05
#define SPAN .start_nm = 1544, .stop_nm = 1554.6
#define SLOW .step_pm = 1, .speed_nm_per_s = 20, .aperture_part = 0.8, .subsamples = 4

static const struct sweep_case sweep_cases[] = {
	{"demo", {DEMO, RING, RIPPLE, LOG, SPAN, SLOW, .monitor = true}, 8},
	{"falling",
	 {DEMO, RING, RIPPLE, LOG, SLOW, .start_nm = 1554.6, .stop_nm = 1544, .monitor = true},
	 8},
	{"both ways, lagging by 0.4 pm",
	 {DEMO, RING, RIPPLE, LOG, SPAN, SLOW, .monitor = true, .both_ways = true, .lag_pm = 0.4},
	 6},
	{"no monitor: two ripples", {DEMO, RING, RIPPLE, LOG, SPAN, SLOW}, 8},
	{"no ripple at all", {DEMO, RING, LOG, SPAN, SLOW, .monitor = true}, 8},
	{"ripple even in frequency",
	 {DEMO, RING, RIPPLE, LOG, SPAN, SLOW, .monitor = true, .ripple_in_frequency = true},
	 8},
	{"all-pass ring", {DEMO, RIPPLE, LOG, SPAN, SLOW, .monitor = true, .coupling_1 = 0.03}, 8},
	{"drop port", {DEMO, RING, RIPPLE, LOG, SPAN, SLOW, .monitor = true, .drop = true}, 8},
	{"log with steps of 0.1 pm",
	 {DEMO, RING, RIPPLE, LOG, SPAN, SLOW, .monitor = true, .log_step_pm = 0.1},
	 8},
	{"a third of a picometre a point: groups",
	 {DEMO, RING, RIPPLE, LOG, SPAN, .monitor = true, .step_pm = 1.0 / 3, .speed_nm_per_s = 20,
	  .aperture_part = 0.8, .subsamples = 2},
	 4},
	{"four picometres a point",
	 {DEMO, RING, RIPPLE, LOG, SPAN, .monitor = true, .step_pm = 4, .speed_nm_per_s = 20,
	  .aperture_part = 0.8, .subsamples = 8},
	 16},
	{"aperture of 4 pm at 100 nm/s",
	 {DEMO, RING, RIPPLE, LOG, SPAN, .monitor = true, .step_pm = 5, .speed_nm_per_s = 100,
	  .aperture_part = 0.8, .subsamples = 64},
	 16},
	{"20 kHz at 100 nm/s",
	 {DEMO, RING, RIPPLE, LOG, SPAN, .monitor = true, .step_pm = 4, .speed_nm_per_s = 100,
	  .aperture_part = 0.5, .bandwidth_hz = 20e3, .subsamples = 64},
	 8},
	{"5 kHz at 50 nm/s: a tail of 1.6 pm",
	 {DEMO, RING, RIPPLE, LOG, SPAN, .monitor = true, .step_pm = 2, .speed_nm_per_s = 50,
	  .aperture_part = 0.5, .bandwidth_hz = 5e3, .subsamples = 64},
	 8},
};

static void pull_sweep(const struct synth *s, struct pulls p[3])
{
	struct synth_truth truths[MOST];
	size_t n = synth_truths(s, truths, MOST);
	json_t *result = analyse_synth(s);

	ck_assert_uint_eq(json_array_size(resonances_of(result)), n);
	for (size_t i = 0; i < n; i++) {
		const json_t *r = resonance_near(result, truths[i].wavelength_nm, 1);

		ck_assert_ptr_nonnull(r);
		ck_assert_str_eq(text_of(r, "model"), "lorentzian");
		ck_assert_str_eq(text_of(r, "kind"), s->drop ? "peak" : "dip");
		pull(&p[0], number_of(r, "wavelength_nm") * 1e3, truths[i].wavelength_nm * 1e3,
		     number_of(r, "wavelength_random_pm"));
		pull(&p[1], number_of(r, "fwhm_pm"), truths[i].fwhm_pm,
		     number_of(r, "fwhm_random_pm"));
		/* A drop port's floor is a thousandth of a thousandth: logarithms are not normal there. */
		if (!s->drop)
			pull(&p[2], number_of(r, "extinction_db"), truths[i].extinction_db,
			     number_of(r, "extinction_random_db"));
	}
	json_decref(result);
}

START_TEST(values_are_unbiased_and_sigmas_true)
{
	const struct sweep_case *c = &sweep_cases[_i];
	struct pulls p[3] = {};

	for (unsigned int seed = 1; seed <= c->seeds; seed++) {
		struct synth s = c->synth;

		s.seed = seed;
		pull_sweep(&s, p);
	}
	printf("%-60s mean z", c->name);
	for (int q = 0; q < 3; q++)
		printf(" %+.2f", p[q].count ? p[q].sum / p[q].count : 0);
	printf("  RMS z");
	for (int q = 0; q < 3; q++)
		printf(" %.2f", p[q].count ? sqrt(p[q].squares / p[q].count) : 0);
	printf("  of %u\n", p[0].count);
	assert_pulls(&p[0], "wavelength");
	assert_pulls(&p[1], "FWHM");
	if (p[2].count)
		assert_pulls(&p[2], "extinction");
}
END_TEST

/* A tail of 8 pm on a width of 21 pm: taken into account, and said to be much. */
START_TEST(blur_as_wide_as_the_resonance_is_flagged_and_still_taken_out)
{
	struct synth s = synth_demo;
	struct synth_truth truths[MOST];
	size_t n;
	json_t *result;

	s.start_nm = 1544;
	s.stop_nm = 1554.6;
	s.step_pm = 4;
	s.speed_nm_per_s = 100;
	s.aperture_part = 0.5;
	s.bandwidth_hz = 2e3;
	s.subsamples = 64;
	n = synth_truths(&s, truths, MOST);
	result = analyse_synth(&s);
	for (size_t i = 0; i < n; i++) {
		const json_t *r = resonance_near(result, truths[i].wavelength_nm, 1);

		ck_assert_ptr_nonnull(r);
		ck_assert(has_flag(r, "kernel-wide"));
		ck_assert(json_is_true(json_object_get(r, "q_is_bound")));
		ck_assert_double_eq_tol(number_of(r, "fwhm_pm"), truths[i].fwhm_pm, 0.3);
	}
	json_decref(result);
}
END_TEST

START_TEST(the_lag_between_directions_is_reported)
{
	struct synth s = synth_demo;
	json_t *result;

	s.start_nm = 1548;
	s.stop_nm = 1554.6;
	s.both_ways = true;
	s.lag_pm = 0.4;
	result = analyse_synth(&s);
	ck_assert_double_eq_tol(number_of(json_object_get(result, "axis"), "direction_lag_pm"), 0.4,
				0.03);
	json_decref(result);
	s.both_ways = false;
	result = analyse_synth(&s);
	ck_assert(isnan(number_of(json_object_get(result, "axis"), "direction_lag_pm")));
	json_decref(result);
}
END_TEST

START_TEST(the_free_spectral_range_is_that_of_the_group_index)
{
	struct synth s = synth_demo;
	json_t *result = analyse_synth(&s);
	const json_t *fsr = json_object_get(result, "fsr");
	double at = number_of(fsr, "at_nm");
	double truth = at * at / (4.18 * 2 * M_PI * 40e3);

	ck_assert(json_is_object(fsr));
	ck_assert_uint_eq(json_array_size(resonances_of(result)), 9);
	ck_assert_double_eq_tol(number_of(fsr, "fsr_nm"), truth,
				5 * number_of(fsr, "fsr_random_nm"));
	ck_assert_double_lt(number_of(fsr, "fsr_random_nm"), 1e-5);
	json_decref(result);
}
END_TEST

START_TEST(random_and_systematic_parts_stay_apart)
{
	struct synth s = synth_demo;
	json_t *result;

	s.start_nm = 1548;
	s.stop_nm = 1554.6;
	result = analyse_synth(&s);
	ck_assert_double_eq_tol(number_of(json_object_get(result, "axis"), "systematic_pm"), 1.7,
				1e-12);
	ck_assert_double_eq_tol(number_of(json_object_get(result, "axis"), "random_pm"), 0.05,
				1e-12);
	ck_assert_double_lt(
		number_of(json_array_get(resonances_of(result), 0), "wavelength_random_pm"), 0.01);
	json_decref(result);
}
END_TEST

/* An axis that scatters more than the board states: the sigmas follow the data, and it is said. */
START_TEST(a_board_that_understates_its_axis_is_found_out)
{
	struct synth s = synth_demo;
	_cleanup_table_ struct table *table = NULL;
	json_t *result;

	s.start_nm = 1548;
	s.stop_nm = 1554.6;
	s.log_random_pm = 0.1;
	table = synth_table(&s);
	json_object_set_new(json_object_get(table->meta, "axis"), "random_pm", json_real(0.03));
	result = analyse_table(table, "through");
	ck_assert_double_eq_tol(number_of(json_object_get(result, "axis"), "random_used_pm"), 0.1,
				0.01);
	ck_assert_uint_ge(json_array_size(json_object_get(result, "warnings")), 1);
	json_decref(result);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("resonance sweeps");
	TCase *tc = tcase_create("sweeps");

	tcase_set_timeout(tc, 0);
	tcase_add_loop_test(tc, values_are_unbiased_and_sigmas_true, 0,
			    (int)ARRAY_SIZE(sweep_cases));
	tcase_add_test(tc, blur_as_wide_as_the_resonance_is_flagged_and_still_taken_out);
	tcase_add_test(tc, the_lag_between_directions_is_reported);
	tcase_add_test(tc, the_free_spectral_range_is_that_of_the_group_index);
	tcase_add_test(tc, random_and_systematic_parts_stay_apart);
	tcase_add_test(tc, a_board_that_understates_its_axis_is_found_out);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
