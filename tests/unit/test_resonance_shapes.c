// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Shapes other than a plain ring's: Fano resonances, doublets, neighbours, resonances that the
 * sampling does not resolve, that lie at an end of the span, or that nothing describes.
 */
#include <stdio.h>

#include "analyse_check.h"
#include "run_suite.h"

struct line_data {
	double centre_nm, fwhm_pm, depth, asymmetry;
};

static double lorentz(const struct line_data *l, double x_nm)
{
	double xi = (x_nm - l->centre_nm) * 2e3 / l->fwhm_pm;

	return (l->depth + l->asymmetry * xi) / (1 + xi * xi);
}

/* A list of dips, ended by a width of 0; their responses multiply. */
static double dips(const void *data, double x_nm)
{
	double t = 1;

	for (const struct line_data *l = data; l->fwhm_pm > 0; l++)
		t *= 1 - lorentz(l, x_nm);
	return t;
}

/* One resonance split in two: responses add up. */
static double doublet(const void *data, double x_nm)
{
	const struct line_data *l = data;

	return 1 - lorentz(&l[0], x_nm) - lorentz(&l[1], x_nm);
}

/* The carrier plasma of its own light pulls the resonance along: steep on one side. */
static double sheared(const void *data, double x_nm)
{
	const struct line_data *l = data;
	double y = 0;

	for (int i = 0; i < 100; i++) {
		double xi = (x_nm - l->centre_nm) * 2e3 / l->fwhm_pm - 1.5 * y;

		y += 0.2 * (1 / (1 + xi * xi) - y);
	}
	return 1 - l->depth * y;
}

static struct synth sweep_of(double (*response)(const void *, double), const struct line_data *l)
{
	struct synth s = synth_demo;

	s.response = response;
	s.response_data = l;
	s.start_nm = 1549;
	s.stop_nm = 1551;
	s.ripple_db_pp = 0;
	s.laser_ripple_db_pp = 0;
	s.tuning_offset_pm = 0;
	s.tuning_smooth_pm = 0;
	return s;
}

START_TEST(a_lone_lorentzian_is_fitted_without_a_family)
{
	const struct line_data l[] = {{1550.1234, 20, 0.9, 0}, {}};
	struct synth s = sweep_of(dips, l);
	struct pulls p[3] = {};

	for (s.seed = 1; s.seed <= 20; s.seed++) {
		json_t *result = analyse_synth(&s);
		const json_t *r = resonance_near(result, 1550.1234, 1);

		ck_assert_ptr_nonnull(r);
		ck_assert_uint_eq(json_array_size(resonances_of(result)), 1);
		ck_assert_str_eq(text_of(r, "model"), "lorentzian");
		ck_assert(json_is_null(json_object_get(r, "family")));
		ck_assert(json_is_null(json_object_get(result, "fsr")));
		ck_assert_str_eq(text_of(result, "fsr_text"), "one resonance only");
		pull(&p[0], number_of(r, "wavelength_nm") * 1e3, 1550123.4,
		     number_of(r, "wavelength_random_pm"));
		pull(&p[1], number_of(r, "fwhm_pm"), 20, number_of(r, "fwhm_random_pm"));
		pull(&p[2], number_of(r, "extinction_db"), 10,
		     number_of(r, "extinction_random_db"));
		ck_assert_double_eq_tol(number_of(r, "q_loaded"), 1550123.4 / 20, 100);
		json_decref(result);
	}
	assert_pulls(&p[0], "wavelength");
	assert_pulls(&p[1], "FWHM");
	assert_pulls(&p[2], "extinction");
}
END_TEST

static const double asymmetries[] = {0.08, 0.3, -0.3, 0.9};

START_TEST(a_fano_resonance_is_one_and_its_pole_is_found)
{
	double e = asymmetries[_i], d = 0.7, ratio = e / d;
	const struct line_data l[] = {{1550.1, 20, d, e}, {}};
	double q = -(sqrt(1 + ratio * ratio) - 1) / ratio;
	struct synth s = sweep_of(dips, l);
	struct pulls p[2] = {};

	/* Wide enough to show that there is no ripple: a little asymmetry may be that as well. */
	s.start_nm = 1546.5;
	s.stop_nm = 1553.5;
	for (s.seed = 1; s.seed <= 10; s.seed++) {
		json_t *result = analyse_synth(&s);
		const json_t *r = resonance_near(result, 1550.1, 1);

		ck_assert_uint_eq(json_array_size(resonances_of(result)), 1);
		ck_assert_ptr_nonnull(r);
		ck_assert_str_eq(text_of(r, "model"), "fano");
		ck_assert_double_eq_tol(number_of(r, "fano_q"), q, 0.02 * fabs(q));
		/* Where the curve is lowest is another place than the resonance. */
		ck_assert((number_of(r, "extreme_nm") - 1550.1) * e > 0);
		pull(&p[0], number_of(r, "wavelength_nm") * 1e3, 1550100,
		     number_of(r, "wavelength_random_pm"));
		pull(&p[1], number_of(r, "fwhm_pm"), 20, number_of(r, "fwhm_random_pm"));
		json_decref(result);
	}
	assert_pulls(&p[0], "wavelength");
	assert_pulls(&p[1], "FWHM");
}
END_TEST

static const double splittings_pm[] = {12, 20, 35, 60};

START_TEST(a_doublet_is_one_split_resonance)
{
	double half_nm = splittings_pm[_i] / 2e3;
	const struct line_data l[] = {{1550 - half_nm, 20, 0.5, 0}, {1550 + half_nm, 20, 0.4, 0}};
	struct synth s = sweep_of(doublet, l);
	struct pulls p[3] = {};

	for (s.seed = 1; s.seed <= 10; s.seed++) {
		json_t *result = analyse_synth(&s);
		const json_t *r = resonance_near(result, 1550, 2);

		if (splittings_pm[_i] >= 60) { /* resolved: two resonances are as good */
			ck_assert_uint_ge(json_array_size(resonances_of(result)), 1);
			json_decref(result);
			continue;
		}
		ck_assert_uint_eq(json_array_size(resonances_of(result)), 1);
		ck_assert_ptr_nonnull(r);
		ck_assert_str_eq(text_of(r, "model"), "split");
		pull(&p[0], number_of(r, "wavelength_nm") * 1e3, 1550000,
		     number_of(r, "wavelength_random_pm"));
		pull(&p[1], number_of(r, "fwhm_pm"), 20, number_of(r, "fwhm_random_pm"));
		pull(&p[2], number_of(r, "splitting_pm"), splittings_pm[_i],
		     number_of(r, "splitting_random_pm"));
		json_decref(result);
	}
	for (int k = 0; k < 3 && p[k].count; k++)
		assert_pulls(&p[k], "wavelength, FWHM, splitting");
}
END_TEST

/* The demo's ring with a weak reflector inside: both senses of rotation couple, amplitudes add up. */
static double reflecting_ring(const void *data, double x_nm)
{
	const double *split_rad = data;
	double t = sqrt(1 - synth_demo.coupling_1), phase = synth_phase(&synth_demo, x_nm);
	double length_cm = 2 * M_PI * synth_demo.radius_um * 1e-4;
	double q = t * pow(10, -synth_demo.loss_db_per_cm * length_cm / 20), p = t * q;
	double complex upper = cexp(I * (phase + *split_rad)),
		       lower = cexp(I * (phase - *split_rad));
	double complex field =
		(t - q * upper) / (1 - p * upper) + (t - q * lower) / (1 - p * lower);

	return creal(field * conj(field)) / 4;
}

static const double split_rads[] = {0.02, 0.0316, 0.0706};

START_TEST(a_ring_with_a_reflector_splits_as_it_does)
{
	double rad = split_rads[_i];
	struct synth s = synth_demo;
	struct synth_truth truths[16];
	struct pulls p[3] = {0};
	size_t n;

	s.start_nm = 1544;
	s.stop_nm = 1554.6;
	n = synth_truths(&s, truths, 16);
	s.response = reflecting_ring;
	s.response_data = &rad;
	for (s.seed = 1; s.seed <= 4; s.seed++) {
		json_t *result = analyse_synth(&s);

		ck_assert_uint_eq(json_array_size(resonances_of(result)), n);
		for (size_t k = 0; k < n; k++) {
			double nm = truths[k].wavelength_nm,
			       fsr_nm = nm * nm / (4.18 * 2 * M_PI * 40e3);
			const json_t *r = resonance_near(result, nm, 2);

			ck_assert_ptr_nonnull(r);
			ck_assert_str_eq(text_of(r, "model"), "split");
			pull(&p[0], number_of(r, "wavelength_nm") * 1e3, nm * 1e3,
			     number_of(r, "wavelength_random_pm"));
			pull(&p[1], number_of(r, "fwhm_pm"), truths[k].fwhm_pm,
			     number_of(r, "fwhm_random_pm"));
			pull(&p[2], number_of(r, "splitting_pm"), rad / M_PI * fsr_nm * 1e3,
			     number_of(r, "splitting_random_pm"));
		}
		json_decref(result);
	}
	for (int k = 0; k < 3; k++)
		assert_pulls(&p[k], k == 0 ? "wavelength" : k == 1 ? "FWHM" : "splitting");
}
END_TEST

START_TEST(neighbours_do_not_disturb_each_other)
{
	const struct line_data l[] = {
		{1549.8, 20, 0.9, 0}, {1550.0, 30, 0.5, 0}, {1550.35, 15, 0.3, 0}, {}};
	struct synth s = sweep_of(dips, l);
	struct pulls p[2] = {};

	for (s.seed = 1; s.seed <= 10; s.seed++) {
		json_t *result = analyse_synth(&s);

		ck_assert_uint_eq(json_array_size(resonances_of(result)), 3);
		for (int k = 0; k < 3; k++) {
			const json_t *r = resonance_near(result, l[k].centre_nm, 1);

			ck_assert_ptr_nonnull(r);
			ck_assert_str_eq(text_of(r, "model"), "lorentzian");
			pull(&p[0], number_of(r, "wavelength_nm") * 1e3, l[k].centre_nm * 1e3,
			     number_of(r, "wavelength_random_pm"));
			pull(&p[1], number_of(r, "fwhm_pm"), l[k].fwhm_pm,
			     number_of(r, "fwhm_random_pm"));
		}
		json_decref(result);
	}
	assert_pulls(&p[0], "wavelength");
	assert_pulls(&p[1], "FWHM");
}
END_TEST

/* FWHM 20 pm: 20, 6.7, 5 and 2.5 samples wide. */
static const struct {
	double step_pm;
	bool limited;
} resolutions[] = {{1, false}, {3, false}, {4, true}, {8, true}};

START_TEST(below_six_samples_per_width_q_is_a_bound)
{
	const struct line_data l[] = {{1550.1, 20, 0.9, 0}, {}};
	struct synth s = sweep_of(dips, l);
	const json_t *r;
	json_t *result;

	s.start_nm = 1545;
	s.stop_nm = 1555;
	s.step_pm = resolutions[_i].step_pm;
	result = analyse_synth(&s);
	r = resonance_near(result, 1550.1, 1);
	ck_assert_ptr_nonnull(r);
	ck_assert_double_eq_tol(number_of(r, "samples_per_fwhm"), 20 / s.step_pm, 0.3);
	ck_assert_int_eq(json_is_true(json_object_get(r, "resolution_limited")),
			 resolutions[_i].limited);
	ck_assert_int_eq(json_is_true(json_object_get(r, "q_is_bound")), resolutions[_i].limited);
	ck_assert_int_eq(has_flag(r, "resolution-limited"), resolutions[_i].limited);
	json_decref(result);
}
END_TEST

/* Distance of the centre from the end of the span, pm; FWHM 20 pm. */
static const struct {
	double inside_pm;
	bool reported, flagged;
} edges[] = {{200, true, false},
	     {100, true, false},
	     {45, true, true},
	     {5, false, false},
	     {-30, false, false}};

START_TEST(a_resonance_at_an_end_is_flagged_or_left_out)
{
	const struct line_data l[] = {
		{1551 - edges[_i].inside_pm * 1e-3, 20, 0.9, 0}, {1549.5, 20, 0.9, 0}, {}};
	struct synth s = sweep_of(dips, l);
	json_t *result = analyse_synth(&s);
	const json_t *r = resonance_near(result, l[0].centre_nm, 2);

	ck_assert_ptr_nonnull(resonance_near(result, 1549.5, 1));
	ck_assert_int_eq(r != NULL, edges[_i].reported);
	ck_assert_int_eq(r && has_flag(r, "edge"), edges[_i].flagged);
	ck_assert_uint_eq(json_array_size(resonances_of(result)), edges[_i].reported ? 2 : 1);
	json_decref(result);
}
END_TEST

START_TEST(what_no_shape_describes_is_said_to_be_so)
{
	const struct line_data l = {1550.1, 20, 0.9, 0};
	struct synth s = sweep_of(sheared, &l);
	const json_t *r;
	json_t *result;

	result = analyse_synth(&s);
	ck_assert_uint_eq(json_array_size(resonances_of(result)), 1);
	r = json_array_get(resonances_of(result), 0);
	ck_assert(has_flag(r, "model-misfit"));
	/* Lowest where the pull is greatest: 1.5 half widths up. */
	ck_assert_double_eq_tol(number_of(r, "wavelength_nm"), 1550.115, 0.003);
	ck_assert_double_gt(number_of(r, "wavelength_random_pm"), 0.1);
	ck_assert_uint_ge(json_array_size(json_object_get(result, "warnings")), 1);
	json_decref(result);
}
END_TEST

START_TEST(deep_and_shallow_dips_are_found_by_their_extinction)
{
	const struct line_data l[] = {
		{1549.4, 20, 0.999, 0}, {1549.8, 20, 0.05, 0}, {1550.2, 20, 0.01, 0}, {}};
	struct synth s = sweep_of(dips, l);
	json_t *result = analyse_synth(&s);

	ck_assert_uint_eq(json_array_size(resonances_of(result)), 2);
	ck_assert_double_eq_tol(number_of(resonance_near(result, 1549.4, 1), "extinction_db"), 30,
				1);
	ck_assert_double_eq_tol(number_of(resonance_near(result, 1549.8, 1), "extinction_db"),
				0.2228, 0.003);
	json_decref(result);
}
END_TEST

START_TEST(shallower_ones_are_found_when_asked_for)
{
	const struct analyse_options options = {.min_extinction_db = 0.02};
	const struct line_data l[] = {{1550.2, 20, 0.01, 0}, {}};
	struct synth s = sweep_of(dips, l);
	_cleanup_table_ struct table *table = synth_table(&s);
	json_t *result = NULL;

	ck_assert_int_eq(analyse_resonances(table, "through", &options, &result, NULL), 0);
	ck_assert_uint_eq(json_array_size(resonances_of(result)), 1);
	json_decref(result);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("resonance shapes");
	TCase *tc = tcase_create("shapes");

	tcase_set_timeout(tc, 0);
	tcase_add_test(tc, a_lone_lorentzian_is_fitted_without_a_family);
	tcase_add_loop_test(tc, a_fano_resonance_is_one_and_its_pole_is_found, 0,
			    (int)ARRAY_SIZE(asymmetries));
	tcase_add_loop_test(tc, a_doublet_is_one_split_resonance, 0,
			    (int)ARRAY_SIZE(splittings_pm));
	tcase_add_loop_test(tc, a_ring_with_a_reflector_splits_as_it_does, 0,
			    (int)ARRAY_SIZE(split_rads));
	tcase_add_test(tc, neighbours_do_not_disturb_each_other);
	tcase_add_loop_test(tc, below_six_samples_per_width_q_is_a_bound, 0,
			    (int)ARRAY_SIZE(resolutions));
	tcase_add_loop_test(tc, a_resonance_at_an_end_is_flagged_or_left_out, 0,
			    (int)ARRAY_SIZE(edges));
	tcase_add_test(tc, what_no_shape_describes_is_said_to_be_so);
	tcase_add_test(tc, deep_and_shallow_dips_are_found_by_their_extinction);
	tcase_add_test(tc, shallower_ones_are_found_when_asked_for);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
