// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Stated random uncertainties are those that occur, over many synthetic sweeps with all noise on,
 * and hardly larger than the noise allows; every resonance is found and none is invented.
 *
 * By default short spans and as many seeds as a check can afford, with limits as wide as their
 * number asks for; ETALON_DEEP=1: seeds 1..1000 of the whole demo span, with the limits of the contract.
 */
#include <gsl/gsl_linalg.h>
#include <stdio.h>

#include "analyse/analyse.h"
#include "analyse_synth.h"
#include "base/util.h"

#include "run_suite.h" /* last: it defines a macro fail() */

#define MOST 16
#define MATCH_NM 0.010

enum quantity { WAVELENGTH, FWHM, EXTINCTION, QUANTITIES };
static const char *const quantity_names[QUANTITIES] = {"wavelength", "FWHM", "extinction"};

struct tally {
	unsigned int seeds, count, missed, invented, not_lorentzian;
	double sum[QUANTITIES], squares[QUANTITIES];
	double *sigma[QUANTITIES]; /* stated: pm, pm, dB */
};

struct plan {
	struct synth synth;
	unsigned int seeds;
	double rms_low, rms_high, mean; /* limits */
	int named; /* the one resonance that counts; -1: all do */
};

static bool deep(void)
{
	const char *text = getenv("ETALON_DEEP");

	return text && streq(text, "1");
}

/* Four standard deviations of each statistic where the seeds are few. */
static struct plan plan_of(void)
{
	struct plan p = {.synth = synth_demo,
			 .seeds = 100,
			 .rms_low = 0.83,
			 .rms_high = 1.17,
			 .mean = 0.23,
			 .named = -1};

	p.synth.start_nm = 1548;
	p.synth.stop_nm = 1554.6;
	if (deep())
		p = (struct plan){synth_demo, 1000, 0.93, 1.07, 0.11, 4};
	return p;
}

static double number(const json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key));
}

static const json_t *near(const json_t *list, double nm)
{
	const json_t *r;
	size_t i;

	json_array_foreach(list, i, r)
		if (fabs(number(r, "wavelength_nm") - nm) < MATCH_NM)
			return r;
	return NULL;
}

static void count_one(struct tally *t, const json_t *r, const struct synth_truth *truth)
{
	double sigma[] = {number(r, "wavelength_random_pm"), number(r, "fwhm_random_pm"),
			  number(r, "extinction_random_db")};
	double error[] = {(number(r, "wavelength_nm") - truth->wavelength_nm) * 1e3,
			  number(r, "fwhm_pm") - truth->fwhm_pm,
			  number(r, "extinction_db") - truth->extinction_db};

	for (int q = 0; q < QUANTITIES; q++) {
		ck_assert(sigma[q] > 0);
		t->sum[q] += error[q] / sigma[q];
		t->squares[q] += error[q] * error[q] / (sigma[q] * sigma[q]);
		t->sigma[q][t->count] = sigma[q];
	}
	t->count++;
}

static void count_sweep(struct tally *t, const struct plan *p, uint64_t seed)
{
	struct synth s = p->synth;
	struct synth_truth truths[MOST];
	_cleanup_table_ struct table *table = NULL;
	_cleanup_free_ char *message = NULL;
	json_t *result = NULL, *list;
	size_t n, found = 0;

	s.seed = seed;
	n = synth_truths(&s, truths, MOST);
	table = synth_table(&s);
	ck_assert_msg(analyse_resonances(table, "through", NULL, &result, &message) == 0, "%s",
		      message);
	list = json_object_get(result, "resonances");
	for (size_t i = 0; i < n; i++) {
		const json_t *r = near(list, truths[i].wavelength_nm);

		t->missed += !r;
		found += r != NULL;
		if (!r)
			continue;
		t->not_lorentzian +=
			!streq(json_string_value(json_object_get(r, "model")), "lorentzian");
		if (p->named < 0 || p->named == (int)i)
			count_one(t, r, &truths[i]);
	}
	t->invented += (unsigned int)(json_array_size(list) - found);
	json_decref(result);
}

static struct tally tally;

static void count_all(void)
{
	struct plan p = plan_of();

	for (int q = 0; q < QUANTITIES; q++)
		tally.sigma[q] = calloc(p.seeds * MOST, sizeof(double));
	for (unsigned int seed = 1; seed <= p.seeds; seed++)
		count_sweep(&tally, &p, seed);
	tally.seeds = p.seeds;
}

static void forget_all(void)
{
	for (int q = 0; q < QUANTITIES; q++)
		free(tally.sigma[q]);
}

START_TEST(stated_random_sigmas_are_those_that_occur)
{
	struct plan p = plan_of();

	for (int q = 0; q < QUANTITIES; q++) {
		double mean = tally.sum[q] / tally.count;
		double rms = sqrt(tally.squares[q] / tally.count);

		printf("%-10s  mean z %+.3f  RMS z %.3f  (%u seeds, %u values)\n",
		       quantity_names[q], mean, rms, tally.seeds, tally.count);
		ck_assert_double_le(fabs(mean), p.mean);
		ck_assert_double_ge(rms, p.rms_low);
		ck_assert_double_le(rms, p.rms_high);
	}
}
END_TEST

START_TEST(every_resonance_is_found_and_none_is_invented)
{
	ck_assert_uint_eq(tally.missed, 0);
	ck_assert_uint_eq(tally.invented, 0);
}
END_TEST

START_TEST(a_plain_ring_is_never_taken_for_another_shape)
{
	ck_assert_uint_eq(tally.not_lorentzian, 0);
}
END_TEST

/* ---- the bound: Fisher's information of all points, no fit involved ---- */

enum parameter { P_CENTRE, P_WIDTH, P_DEPTH, P_LEVEL, P_SLOPE, P_CURVE, P_COS, P_SIN, PARAMETERS };

#define FSR_PM 2285.0

static double transmission(const double v[PARAMETERS], double x_pm)
{
	double h = sin(M_PI * v[P_WIDTH] / (2 * FSR_PM)),
	       s = sin(M_PI * (x_pm - v[P_CENTRE]) / FSR_PM);
	double u = x_pm / 1e3, phase = 2 * M_PI * x_pm / 320;

	return v[P_LEVEL] * (1 - v[P_DEPTH] / (1 + s * s / (h * h))) *
	       (1 + v[P_SLOPE] * u + v[P_CURVE] * u * u + v[P_COS] * cos(phase) +
		v[P_SIN] * sin(phase));
}

/* Of signal over monitor, relative to the light beside the resonance. */
static double variance_of(const struct synth *s, double relative, double slope_per_pm)
{
	double aperture_s = s->aperture_part * s->step_pm * 1e-3 / s->speed_nm_per_s;
	double shot = 1.602176634e-19 / aperture_s, off_a = s->power_w * 0.0631,
	       monitor_a = 0.01 * s->power_w;
	double read = s->read_a * s->read_a;

	return (read + shot * relative * off_a) / (off_a * off_a) +
	       relative * relative * (read + shot * monitor_a) / (monitor_a * monitor_a) +
	       pow(slope_per_pm * s->log_random_pm, 2);
}

/* With the grid `phase_pm` off the resonance. */
static void cramer_rao(const struct synth *s, double phase_pm, double sigma[QUANTITIES])
{
	const double start[PARAMETERS] = {0, 21.02, 0.9097, 1, 0, 0, 0.023, 0};
	const double step[PARAMETERS] = {1e-3, 1e-3, 1e-5, 1e-4, 1e-4, 1e-4, 1e-4, 1e-4};
	gsl_matrix *fisher = gsl_matrix_calloc(PARAMETERS, PARAMETERS);
	double gradient[PARAMETERS];

	for (double x = phase_pm - 1142; x < 1142; x += s->step_pm) {
		double slope =
			(transmission(start, x + 0.01) - transmission(start, x - 0.01)) / 0.02;
		double weight = 1 / variance_of(s, transmission(start, x), slope);

		for (int p = 0; p < PARAMETERS; p++) {
			double up[PARAMETERS], down[PARAMETERS];

			memcpy(up, start, sizeof(up));
			memcpy(down, start, sizeof(down));
			up[p] += step[p];
			down[p] -= step[p];
			gradient[p] = (transmission(up, x) - transmission(down, x)) / (2 * step[p]);
		}
		for (int a = 0; a < PARAMETERS; a++)
			for (int b = 0; b < PARAMETERS; b++)
				*gsl_matrix_ptr(fisher, a, b) += weight * gradient[a] * gradient[b];
	}
	ck_assert_int_eq(gsl_linalg_cholesky_decomp1(fisher), 0);
	ck_assert_int_eq(gsl_linalg_cholesky_invert(fisher), 0);
	for (int q = 0; q < QUANTITIES; q++)
		sigma[q] = sqrt(gsl_matrix_get(fisher, (size_t)q, (size_t)q));
	sigma[EXTINCTION] *= 10 / M_LN10 / (1 - start[P_DEPTH]);
	gsl_matrix_free(fisher);
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

START_TEST(the_median_stated_sigma_is_near_the_cramer_rao_bound)
{
	double bounds[QUANTITIES][20];
	struct plan p = plan_of();

	for (int k = 0; k < 20; k++) {
		double sigma[QUANTITIES];

		cramer_rao(&p.synth, 0.05 * k, sigma);
		for (int q = 0; q < QUANTITIES; q++)
			bounds[q][k] = sigma[q];
	}
	for (int q = 0; q < QUANTITIES; q++) {
		double bound, median;

		qsort(bounds[q], 20, sizeof(double), ascending);
		qsort(tally.sigma[q], tally.count, sizeof(double), ascending);
		bound = (bounds[q][9] + bounds[q][10]) / 2;
		median = tally.sigma[q][tally.count / 2];
		printf("%-10s  median sigma %.5f  bound %.5f  ratio %.3f\n", quantity_names[q],
		       median, bound, median / bound);
		ck_assert_double_le(median, 1.3 * bound);
		ck_assert_double_ge(median, 0.8 * bound);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("resonance statistics");
	TCase *tc = tcase_create("rings");

	tcase_set_timeout(tc, 0);
	tcase_add_unchecked_fixture(tc, count_all, forget_all);
	tcase_add_test(tc, stated_random_sigmas_are_those_that_occur);
	tcase_add_test(tc, every_resonance_is_found_and_none_is_invented);
	tcase_add_test(tc, a_plain_ring_is_never_taken_for_another_shape);
	tcase_add_test(tc, the_median_stated_sigma_is_near_the_cramer_rao_bound);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
