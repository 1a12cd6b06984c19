// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Zoomed in on one resonance: a span of ten to some hundred widths, in which ripple shows a few periods
 * or a part of one and cannot be told from a resonance's tails by eye. The resonance is found, and its
 * stated uncertainty has the ripple in it, whatever phase the ripple has; what may as well be a fringe is no
 * resonance, and the report says why.
 */
#include <stdio.h>

#include "analyse_check.h"
#include "run_suite.h"

#define MOST 16
#define OFF_CENTRE 0.1 /* of the span: as an operator zooms in */
#define END_NM 0.045 /* resonances nearer to an end are no part of the promise */

struct zoom_case {
	const char *name;
	double span_nm, period_nm, ripple_db;
	double step_pm, read_a;
	bool no_monitor, drop;
	double most_sigma_pm; /* of the FWHM, median */
	unsigned int seeds;
};

#define BOARD .period_nm = 0.32, .ripple_db = 0.2, .step_pm = 1, .read_a = 0.16e-9

static const struct zoom_case zoom_cases[] = {
	{"0.2 nm", .span_nm = 0.2, BOARD, .most_sigma_pm = 0.05, .seeds = 100},
	{"0.3 nm", .span_nm = 0.3, BOARD, .most_sigma_pm = 0.04, .seeds = 100},
	{"0.4 nm", .span_nm = 0.4, BOARD, .most_sigma_pm = 0.04, .seeds = 100},
	{"0.6 nm", .span_nm = 0.6, BOARD, .most_sigma_pm = 0.04, .seeds = 100},
	{"1 nm", .span_nm = 1, BOARD, .most_sigma_pm = 0.04, .seeds = 100},
	{"2 nm", .span_nm = 2, BOARD, .most_sigma_pm = 0.02, .seeds = 100},
	{"4 nm", .span_nm = 4, BOARD, .most_sigma_pm = 0.015, .seeds = 40},
	{"0.4 nm, no ripple", .span_nm = 0.4, .step_pm = 1, .read_a = 0.16e-9,
	 .most_sigma_pm = 0.04, .seeds = 60},
	{"0.4 nm, 1 dB of 0.9 nm", .span_nm = 0.4, .period_nm = 0.9, .ripple_db = 1, .step_pm = 1,
	 .read_a = 0.16e-9, .most_sigma_pm = 0.04, .seeds = 60},
	{"1 nm, 0.2 dB of 0.13 nm", .span_nm = 1, .period_nm = 0.13, .ripple_db = 0.2, .step_pm = 1,
	 .read_a = 0.16e-9, .most_sigma_pm = 0.04, .seeds = 60},
	{"1 nm, no monitor: two ripples", .span_nm = 1, BOARD, .no_monitor = true,
	 .most_sigma_pm = 0.04, .seeds = 60},
	{"0.2 nm, 3 pm a point", .span_nm = 0.2, .period_nm = 0.32, .ripple_db = 0.2, .step_pm = 3,
	 .read_a = 0.16e-9, .most_sigma_pm = 0.1, .seeds = 60},
	{"1 nm, noise of 0.2 %", .span_nm = 1, .period_nm = 0.32, .ripple_db = 0.2, .step_pm = 1,
	 .read_a = 100e-9, .most_sigma_pm = 0.15, .seeds = 60},
	{"0.4 nm, drop port", .span_nm = 0.4, BOARD, .drop = true, .most_sigma_pm = 0.04,
	 .seeds = 60},
	{"2 nm, drop port", .span_nm = 2, BOARD, .drop = true, .most_sigma_pm = 0.03, .seeds = 60},
};

/* Another resonance, place in the span and phase of the ripple with every seed. */
static struct synth sweep_of(const struct zoom_case *c, uint64_t seed)
{
	struct synth s = synth_demo;
	struct synth_truth truths[MOST];
	uint64_t state = synth_mix(seed * 77 + 3);
	size_t n = synth_truths(&s, truths, MOST);
	double off = OFF_CENTRE * (2 * synth_uniform(&state) - 1) * c->span_nm;

	s.start_nm = truths[seed % n].wavelength_nm + off - c->span_nm / 2;
	s.stop_nm = s.start_nm + c->span_nm;
	s.tuning_offset_pm = s.tuning_smooth_pm = 0;
	s.ripple_turns = synth_uniform(&state);
	s.ripple_db_pp = c->ripple_db;
	s.ripple_period_nm = c->period_nm * (0.9 + 0.2 * synth_uniform(&state));
	s.step_pm = c->step_pm;
	s.read_a = c->read_a;
	s.monitor = !c->no_monitor;
	s.drop = c->drop;
	s.seed = seed;
	return s;
}

struct tally {
	struct pulls p[3];
	double sigma[2 * 100]; /* of the FWHM, pm */
};

static void pull_sweep(const struct synth *s, struct tally *t)
{
	struct synth_truth truths[MOST];
	size_t n = synth_truths(s, truths, MOST), at_ends = 0;
	json_t *result = analyse_synth(s);

	for (size_t i = 0; i < n; i++) {
		double nm = truths[i].wavelength_nm;
		const json_t *r = resonance_near(result, nm, 2);

		if (fmin(nm - s->start_nm, s->stop_nm - nm) < END_NM) {
			at_ends++;
			continue;
		}
		ck_assert_ptr_nonnull(r);
		ck_assert_str_eq(text_of(r, "kind"), s->drop ? "peak" : "dip");
		ck_assert_str_eq(text_of(r, "model"), "lorentzian");
		ck_assert(has_flag(r, "short-span"));
		t->sigma[t->p[1].count] = number_of(r, "fwhm_random_pm");
		pull(&t->p[0], number_of(r, "wavelength_nm") * 1e3, nm * 1e3,
		     number_of(r, "wavelength_random_pm"));
		pull(&t->p[1], number_of(r, "fwhm_pm"), truths[i].fwhm_pm,
		     number_of(r, "fwhm_random_pm"));
		if (!s->drop) /* its floor is not known without a second resonance */
			pull(&t->p[2], number_of(r, "extinction_db"), truths[i].extinction_db,
			     number_of(r, "extinction_random_db"));
	}
	ck_assert_uint_le(json_array_size(resonances_of(result)), n);
	ck_assert_uint_ge(json_array_size(resonances_of(result)), n - at_ends);
	json_decref(result);
}

static int ascending(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/*
 * The prior that stands for unseen ripple is wider than this board's ripple: stated sigmas may be somewhat
 * larger than the errors, but no smaller than chance makes them look.
 */
static void assert_honest(const struct pulls *p, const char *what)
{
	double n = p->count, mean = p->sum / n, rms = sqrt(p->squares / n);

	ck_assert_msg(fabs(mean) < 4 / sqrt(n) && rms < 1 + 4 / sqrt(2 * n) && rms > 0.6,
		      "%s: mean z %.3f, RMS z %.3f of %u values", what, mean, rms, p->count);
}

START_TEST(a_zoomed_in_resonance_is_found_and_its_sigma_is_true)
{
	const struct zoom_case *c = &zoom_cases[_i];
	struct tally t = {};
	double median;

	for (unsigned int seed = 1; seed <= c->seeds; seed++) {
		struct synth s = sweep_of(c, seed);

		pull_sweep(&s, &t);
	}
	ck_assert_uint_ge(t.p[1].count, c->seeds);
	qsort(t.sigma, t.p[1].count, sizeof(*t.sigma), ascending);
	median = t.sigma[t.p[1].count / 2];
	printf("%-32s RMS z", c->name);
	for (int q = 0; q < 3; q++)
		printf(" %.2f", t.p[q].count ? sqrt(t.p[q].squares / t.p[q].count) : 0);
	printf("  FWHM sigma %.4f pm  of %u\n", median, t.p[0].count);
	assert_honest(&t.p[0], "wavelength");
	assert_honest(&t.p[1], "FWHM");
	if (t.p[2].count)
		assert_honest(&t.p[2], "extinction");
	ck_assert_double_lt(median, c->most_sigma_pm);
}
END_TEST

/* ---- what is no resonance ---- */

static bool is_warned(const json_t *result, const char *words)
{
	const json_t *warning;
	size_t i;

	json_array_foreach(json_object_get(result, "warnings"), i, warning)
		if (strstr(json_string_value(warning), words))
			return true;
	return false;
}

START_TEST(a_short_span_is_said_to_be_one)
{
	const struct zoom_case one_nm = {.span_nm = 1, BOARD};
	struct synth s = sweep_of(&one_nm, 1);
	json_t *result = analyse_synth(&s);

	ck_assert(is_warned(result, "too short to show what ripple there is"));
	json_decref(result);
	s = synth_demo;
	result = analyse_synth(&s);
	ck_assert(!is_warned(result, "too short"));
	ck_assert(!has_flag(json_array_get(resonances_of(result), 0), "short-span"));
	json_decref(result);
}
END_TEST

/* Five widths are too few to part a resonance from a fringe: none is reported, with the reason. */
START_TEST(a_span_of_too_few_widths_has_a_reason_in_place_of_a_resonance)
{
	const struct zoom_case narrow = {.span_nm = 0.1, BOARD};
	struct synth s = sweep_of(&narrow, 2);
	json_t *result = analyse_synth(&s);

	ck_assert_uint_eq(json_array_size(resonances_of(result)), 0);
	ck_assert(is_warned(result, "at least seven of its widths"));
	json_decref(result);
}
END_TEST

struct fringes {
	double period_nm, turns, contrast;
};

static double interferometer(const void *data, double x_nm)
{
	const struct fringes *f = data;
	double wave = cos(2 * M_PI * ((x_nm - 1550) / f->period_nm + f->turns));

	return 1 - f->contrast * (1 - wave) / 2;
}

static const double zoomed_spans_nm[] = {0.2, 0.4, 1, 2};

START_TEST(fringes_and_ripple_are_no_resonances_in_any_span)
{
	double span_nm = zoomed_spans_nm[_i];
	struct synth s = synth_demo;
	struct fringes f;

	s.response = interferometer;
	s.response_data = &f;
	s.start_nm = 1549.3 - span_nm / 2;
	s.stop_nm = 1549.3 + span_nm / 2;
	for (double part = 0.06; part < 4; part *= 1.19)
		for (int k = 0; k < 9; k++) {
			static const double contrasts[] = {1, 0.5, 0.03};
			json_t *result;

			f = (struct fringes){part * span_nm, 0.13 * k + part, contrasts[k % 3]};
			s.ripple_db_pp = k % 2 ? 0.2 : 0;
			s.seed = (uint64_t)k;
			result = analyse_synth(&s);
			ck_assert_msg(json_array_size(resonances_of(result)) == 0,
				      "%g nm, fringes of %g nm, contrast %g", span_nm, f.period_nm,
				      f.contrast);
			json_decref(result);
		}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("resonances, zoomed in");
	TCase *tc = tcase_create("zoom");

	tcase_set_timeout(tc, 0);
	tcase_add_loop_test(tc, a_zoomed_in_resonance_is_found_and_its_sigma_is_true, 0,
			    (int)ARRAY_SIZE(zoom_cases));
	tcase_add_test(tc, a_short_span_is_said_to_be_one);
	tcase_add_test(tc, a_span_of_too_few_widths_has_a_reason_in_place_of_a_resonance);
	tcase_add_loop_test(tc, fringes_and_ripple_are_no_resonances_in_any_span, 0,
			    (int)ARRAY_SIZE(zoomed_spans_nm));
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
