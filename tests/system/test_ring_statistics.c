// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Do the stated uncertainties tell the truth? Emulated add-drop rings with all noise on, through the
 * whole path of a measurement, against the plant's truth on the plant's logged axis.
 *
 * ETALON_SEEDS: seeds 1..N, default 1000.
 */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gsl/gsl_linalg.h>

#include "analyse/analyse.h"
#include "base/util.h"
#include "emulator/plant.h"
#include "pipeline.h"
#include "run_suite.h"

#define NAMED 4 /* of the nine resonances: the one near 1549.4 nm */
#define RESONANCES 9
#define WORKERS 2
#define BOARDS 200 /* for the systematic part of the axis */
#define CHIP_K 298.15

enum quantity { WAVELENGTH, FWHM, EXTINCTION, QUANTITIES };
static const char *const quantity_names[QUANTITIES] = { "wavelength", "FWHM", "extinction" };

struct outcome {
	double z[QUANTITIES];
	double sigma[QUANTITIES]; /* stated: pm, pm, dB */
	double axis_z; /* (measured - true) / stated systematic sigma */
	int missed, invented;
	bool done;
};

static double number(const json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key));
}

/* The found resonance next to a true one, or NULL when none is within half its width. */
static const json_t *found_near(const json_t *found, double nm, double within_pm)
{
	const json_t *best = NULL;
	double least = within_pm;
	const json_t *r;
	size_t i;

	json_array_foreach(found, i, r) {
		double distance = fabs(number(r, "wavelength_nm") - nm) * 1e3;

		if (distance < least) {
			least = distance;
			best = r;
		}
	}
	return best;
}

static void judge(const json_t *analysis, const json_t *truth, double axis_error_nm, struct outcome *o)
{
	const json_t *found = json_object_get(analysis, "resonances");
	const json_t *true_ones = json_object_get(truth, "resonances"), *t;
	double systematic = number(json_object_get(analysis, "axis"), "systematic_pm");
	size_t i;

	ck_assert_uint_eq(json_array_size(true_ones), RESONANCES);
	o->invented = (int)json_array_size(found);
	json_array_foreach(true_ones, i, t) {
		double logged = number(t, "wavelength_nm") + axis_error_nm;
		const json_t *f = found_near(found, logged, number(t, "fwhm_pm") / 2);

		if (!f) {
			o->missed++;
			continue;
		}
		o->invented--;
		if (i != NAMED)
			continue;
		o->sigma[WAVELENGTH] = number(f, "wavelength_random_pm");
		o->sigma[FWHM] = number(f, "fwhm_random_pm");
		o->sigma[EXTINCTION] = number(f, "extinction_random_db");
		o->z[WAVELENGTH] =
			(number(f, "wavelength_nm") - logged) * 1e3 / o->sigma[WAVELENGTH];
		o->z[FWHM] = (number(f, "fwhm_pm") - number(t, "fwhm_pm")) / o->sigma[FWHM];
		o->z[EXTINCTION] = (number(f, "extinction_db") - number(t, "extinction_db")) /
				   o->sigma[EXTINCTION];
		o->axis_z = (number(f, "wavelength_nm") - number(t, "wavelength_nm")) * 1e3 / systematic;
	}
	o->done = true;
}

static void one_seed(struct store *store, unsigned int seed, struct outcome *o)
{
	const struct direct_config config = { .seed = seed };
	const uint64_t run_key = (uint64_t)seed << 8;
	_cleanup_free_ char *message = NULL;
	_cleanup_table_ struct table *table = NULL;
	json_t *request, *analysis = NULL, *truth;
	struct direct_board b;
	int64_t run;

	ck_assert_msg(direct_board_open(&config, &b, &message) == 0, "board: %s", message);
	ck_assert_int_eq(direct_board_emit(&b), 0);
	request = json_pack("{s:s, s:I, s:I, s:i, s:I, s:[s,s]}", "kind", "wavelength-sweep", "start_fm",
			    (json_int_t)1540000000, "stop_fm", (json_int_t)1560000000, "points", 20001,
			    "power_fw", (json_int_t)1000000000000, "detectors", "through", "drop");
	run = pipeline_run(&b, store, request, run_key);
	table = pipeline_table(store, run);
	ck_assert_msg(analyse_resonances(table, "through", NULL, &analysis, &message) == 0, "analysis: %s",
		      message);
	truth = plant_truth(b.plant, 1540e-9, 1560e-9, CHIP_K);
	/* Segment 1 is the sweep, between the two darks. */
	judge(analysis, truth, plant_axis_error(b.plant, run_key + 1) * 1e9, o);
	ck_assert_int_eq(store_run_delete(store, run), 0);
	json_decref(request);
	json_decref(analysis);
	json_decref(truth);
	direct_board_close(&b);
}

static void work(unsigned int worker, unsigned int seeds, struct outcome *outcomes)
{
	char dir[] = "/tmp/etalon-statistics-XXXXXX";
	_cleanup_free_ char *path = NULL, *remove = NULL, *message = NULL;
	struct store *store = NULL;

	ck_assert(mkdtemp(dir) != NULL);
	path = asprintf_or_null("%s/runs.db", dir);
	remove = asprintf_or_null("rm -rf %s", dir);
	ck_assert_msg(store_open(path, STORE_WRITE, &store, &message) == 0, "store: %s", message);
	for (unsigned int seed = 1 + worker; seed <= seeds; seed += WORKERS)
		one_seed(store, seed, &outcomes[seed - 1]);
	store_close(store);
	ck_assert_int_eq(system(remove), 0);
}

static unsigned int seed_count(void)
{
	const char *text = getenv("ETALON_SEEDS");

	return text ? (unsigned int)strtoul(text, NULL, 10) : 1000;
}

static struct outcome *outcomes;

static void measure_all(void)
{
	unsigned int seeds = seed_count();
	pid_t pids[WORKERS];

	outcomes = mmap(NULL, seeds * sizeof(*outcomes), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert(outcomes != MAP_FAILED);
	for (unsigned int w = 0; w < WORKERS; w++) {
		pids[w] = fork();
		if (pids[w] == 0) {
			work(w, seeds, outcomes);
			_exit(0);
		}
	}
	for (unsigned int w = 0; w < WORKERS; w++)
		waitpid(pids[w], NULL, 0);
	for (unsigned int i = 0; i < seeds; i++)
		ck_assert_msg(outcomes[i].done, "seed %u did not come to its end", i + 1);
}

START_TEST(stated_random_sigmas_are_those_that_occur)
{
	unsigned int seeds = seed_count();

	for (int q = 0; q < QUANTITIES; q++) {
		double sum = 0, squares = 0;

		for (unsigned int i = 0; i < seeds; i++) {
			sum += outcomes[i].z[q];
			squares += outcomes[i].z[q] * outcomes[i].z[q];
		}
		printf("%-10s  mean z %+.3f  RMS z %.3f  (%u seeds)\n", quantity_names[q],
		       sum / seeds, sqrt(squares / seeds), seeds);
		ck_assert_double_le(fabs(sum / seeds), 0.11 * fmax(1, sqrt(1000.0 / seeds)));
		ck_assert_double_ge(sqrt(squares / seeds), 1 - 0.07 * fmax(1, sqrt(1000.0 / seeds)));
		ck_assert_double_le(sqrt(squares / seeds), 1 + 0.07 * fmax(1, sqrt(1000.0 / seeds)));
	}
}
END_TEST

START_TEST(at_most_one_resonance_is_missed_and_none_invented)
{
	int missed = 0, invented = 0;

	for (unsigned int i = 0; i < seed_count(); i++) {
		missed += outcomes[i].missed;
		invented += outcomes[i].invented;
	}
	printf("missed %d, invented %d of %u\n", missed, invented, seed_count() * RESONANCES);
	ck_assert_int_le(missed, 1);
	ck_assert_int_eq(invented, 0);
}
END_TEST

START_TEST(the_true_axis_lies_within_two_systematic_sigmas_as_often_as_it_should)
{
	int within = 0;

	if (seed_count() < BOARDS) {
		printf("SKIP the systematic axis needs %d boards, ETALON_SEEDS is %u\n", BOARDS,
		       seed_count());
		return;
	}
	for (unsigned int i = 0; i < BOARDS; i++)
		within += fabs(outcomes[i].axis_z) <= 2;
	printf("axis within 2 systematic sigmas: %d of %d\n", within, BOARDS);
	ck_assert_int_ge(within, 180);
	ck_assert_int_le(within, 199);
}
END_TEST

/* ---- the Cramer-Rao bound of the plant's noise, from the numbers of the reference board alone ---- */

enum parameter { P_CENTRE, P_WIDTH, P_EXTINCTION, P_LEVEL, P_SLOPE, P_CURVE, P_COS, P_SIN, PARAMETERS };

struct line { /* pm, relative transmission */
	double value[PARAMETERS];
};

#define FSR_PM 2285.0
#define RIPPLE_PM 320.0
#define PHASES 41

static double transmission(const struct line *l, double x_pm)
{
	const double *v = l->value;
	double finesse = 1 / pow(sin(M_PI * v[P_WIDTH] / 2 / FSR_PM), 2);
	double s = sin(M_PI * (x_pm - v[P_CENTRE]) / FSR_PM);
	double depth = 1 - pow(10, -v[P_EXTINCTION] / 10);
	double airy = 1 - depth / (1 + finesse * s * s);
	double u = x_pm / 1000, phase = 2 * M_PI * x_pm / RIPPLE_PM;

	return airy * v[P_LEVEL] * (1 + v[P_SLOPE] * u + v[P_CURVE] * u * u) *
	       (1 + v[P_COS] * cos(phase) + v[P_SIN] * sin(phase));
}

/*
 * Variance of one point of signal over monitor, relative to the level off resonance. The jitter of the logged wavelength acts
 * through the slope and, where there is none, through the curvature.
 */
static double point_variance(double relative, double slope_per_pm, double curvature_per_pm2)
{
	const double bandwidth = 1 / (2 * 40e-6), q = 1.602176634e-19;
	const double off_a = 1e-3 * pow(10, -1.2), monitor_a = 10e-6, read_a = 0.16e-9;
	const double jitter_pm = 0.05;
	double signal_a = off_a * relative;
	double signal = (read_a * read_a + 2 * q * signal_a * bandwidth) / (off_a * off_a);
	double monitor = (read_a * read_a + 2 * q * monitor_a * bandwidth) / (monitor_a * monitor_a);

	return signal + monitor * relative * relative + pow(slope_per_pm * jitter_pm, 2) +
	       pow(curvature_per_pm2 * jitter_pm * jitter_pm, 2) / 2;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* With points 1 pm apart, one of them at `phase_pm` from the centre. */
static void bound_at(double phase_pm, double sigma[QUANTITIES])
{
	struct line l = { { 0, 21.02, 10.4, 1, 0, 0, 0.0115, 0 } };
	const double step[PARAMETERS] = { 1e-3, 1e-3, 1e-4, 1e-4, 1e-4, 1e-4, 1e-4, 1e-4 };
	gsl_matrix *fisher = gsl_matrix_calloc(PARAMETERS, PARAMETERS);
	double gradient[PARAMETERS];

	for (double x = phase_pm - floor(FSR_PM / 2); x <= FSR_PM / 2; x += 1) {
		double up = transmission(&l, x + 0.1), here = transmission(&l, x),
		       down = transmission(&l, x - 0.1);
		double weight = 1 / point_variance(here, (up - down) / 0.2,
						   (up - 2 * here + down) / 0.01);

		for (int p = 0; p < PARAMETERS; p++) {
			struct line more = l, less = l;

			more.value[p] += step[p];
			less.value[p] -= step[p];
			gradient[p] = (transmission(&more, x) - transmission(&less, x)) / (2 * step[p]);
		}
		for (int a = 0; a < PARAMETERS; a++)
			for (int b = 0; b < PARAMETERS; b++)
				*gsl_matrix_ptr(fisher, a, b) += gradient[a] * gradient[b] * weight;
	}
	gsl_linalg_cholesky_decomp1(fisher);
	gsl_linalg_cholesky_invert(fisher);
	for (int p = 0; p < QUANTITIES; p++)
		sigma[p] = sqrt(gsl_matrix_get(fisher, p, p));
	gsl_matrix_free(fisher);
}

/* Where the points fall relative to the centre is chance: the median over all such phases. */
static void cramer_rao(double sigma[QUANTITIES])
{
	double at[QUANTITIES][PHASES], one[QUANTITIES];

	for (int i = 0; i < PHASES; i++) {
		bound_at((i + 0.5) / PHASES, one);
		for (int q = 0; q < QUANTITIES; q++)
			at[q][i] = one[q];
	}
	for (int q = 0; q < QUANTITIES; q++) {
		qsort(at[q], PHASES, sizeof(at[q][0]), ascending);
		sigma[q] = at[q][PHASES / 2];
	}
}

START_TEST(the_median_stated_sigma_is_near_the_cramer_rao_bound)
{
	unsigned int seeds = seed_count();
	_cleanup_free_ double *sorted = calloc(seeds, sizeof(*sorted));
	double bound[QUANTITIES];

	ck_assert(sorted != NULL);
	cramer_rao(bound);
	for (int q = 0; q < QUANTITIES; q++) {
		for (unsigned int i = 0; i < seeds; i++)
			sorted[i] = outcomes[i].sigma[q];
		qsort(sorted, seeds, sizeof(*sorted), ascending);
		printf("%-10s  median sigma %.5f  bound %.5f  ratio %.3f\n", quantity_names[q],
		       sorted[seeds / 2], bound[q], sorted[seeds / 2] / bound[q]);
		ck_assert_double_le(sorted[seeds / 2], 1.3 * bound[q]);
	}
}
END_TEST

static Suite *statistics_suite(void)
{
	Suite *s = suite_create("ring statistics");
	TCase *t = tcase_create("rings");

	tcase_set_timeout(t, 0);
	tcase_add_unchecked_fixture(t, measure_all, NULL);
	tcase_add_test(t, stated_random_sigmas_are_those_that_occur);
	tcase_add_test(t, at_most_one_resonance_is_missed_and_none_invented);
	tcase_add_test(t, the_median_stated_sigma_is_near_the_cramer_rao_bound);
	tcase_add_test(t, the_true_axis_lies_within_two_systematic_sigmas_as_often_as_it_should);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return run_suite(statistics_suite());
}
