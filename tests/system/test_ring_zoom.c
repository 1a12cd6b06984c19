// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * An operator zooms in on one resonance of the emulated ring, all noise on: the whole path of a
 * measurement in spans of ten to a hundred widths, against the plant's truth on the plant's logged axis.
 * Every board has another phase of its Fabry-Perot ripple.
 *
 * ETALON_ZOOM_SEEDS: boards 1..N for each span, default 60.
 */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analyse/analyse.h"
#include "base/util.h"
#include "emulator/plant.h"
#include "pipeline.h"
#include "run_suite.h"

#define RESONANCES 9 /* of the ring between 1540 and 1560 nm */
#define STEP_FM 1000
#define CHIP_K 298.15

enum quantity { WAVELENGTH, FWHM, EXTINCTION, QUANTITIES };
static const char *const quantity_names[QUANTITIES] = {"wavelength", "FWHM", "extinction"};

static const double spans_nm[] = {0.2, 0.4, 1, 2};

struct tally {
	double sum[QUANTITIES], squares[QUANTITIES];
	unsigned int count;
};

static struct store *store;
static char folder[] = "/tmp/etalon-zoom-XXXXXX";
#define UNNAMED "XXXXXX"

static void open_store(void)
{
	_cleanup_free_ char *path = NULL, *message = NULL;

	memcpy(folder + sizeof(folder) - sizeof(UNNAMED), UNNAMED, sizeof(UNNAMED));
	ck_assert(mkdtemp(folder) != NULL);
	path = asprintf_or_null("%s/runs.db", folder);
	ck_assert_msg(store_open(path, STORE_WRITE, &store, &message) == 0, "store: %s", message);
}

static void close_store(void)
{
	_cleanup_free_ char *remove = asprintf_or_null("rm -rf %s", folder);

	store_close(store);
	ck_assert_int_eq(system(remove), 0);
}

static unsigned int seed_count(void)
{
	const char *text = getenv("ETALON_ZOOM_SEEDS");

	return text ? (unsigned int)strtoul(text, NULL, 10) : 60;
}

static double number(const json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key));
}

static void count(struct tally *t, enum quantity q, double error, double sigma)
{
	ck_assert(sigma > 0);
	t->sum[q] += error / sigma;
	t->squares[q] += error / sigma * error / sigma;
}

/* New reference. */
static json_t *sweep(const struct direct_board *b, double centre_nm, double span_nm,
		     uint64_t run_key)
{
	json_int_t start_fm = (json_int_t)llround((centre_nm - span_nm / 2) * 1e3) * STEP_FM;
	json_int_t points = (json_int_t)llround(span_nm * 1e6 / STEP_FM);
	_cleanup_free_ char *message = NULL;
	_cleanup_table_ struct table *table = NULL;
	json_t *request = json_pack("{s:s, s:I, s:I, s:I, s:I, s:[s,s]}", "kind",
				    "wavelength-sweep", "start_fm", start_fm, "stop_fm",
				    start_fm + points * STEP_FM, "points", points + 1, "power_fw",
				    (json_int_t)1000000000000, "detectors", "through", "drop");
	json_t *analysis = NULL;
	int64_t run = pipeline_run(b, store, request, run_key);

	table = pipeline_table(store, run);
	ck_assert_msg(analyse_resonances(table, "through", NULL, &analysis, &message) == 0,
		      "analysis: %s", message);
	ck_assert_int_eq(store_run_delete(store, run), 0);
	json_decref(request);
	return analysis;
}

static void one_board(unsigned int seed, double span_nm, struct tally *t)
{
	const struct direct_config config = {.seed = seed};
	const uint64_t run_key = (uint64_t)seed << 8;
	_cleanup_free_ char *message = NULL;
	const json_t *true_one, *found;
	json_t *truth, *analysis;
	struct direct_board b;
	double logged_nm;

	ck_assert_msg(direct_board_open(&config, &b, &message) == 0, "board: %s", message);
	ck_assert_int_eq(direct_board_emit(&b), 0);
	truth = plant_truth(b.plant, 1540e-9, 1560e-9, CHIP_K);
	true_one = json_array_get(json_object_get(truth, "resonances"), seed % RESONANCES);
	analysis = sweep(&b, number(true_one, "wavelength_nm"), span_nm, run_key);
	ck_assert_msg(json_array_size(json_object_get(analysis, "resonances")) == 1,
		      "board %u: %zu found", seed,
		      json_array_size(json_object_get(analysis, "resonances")));
	found = json_array_get(json_object_get(analysis, "resonances"), 0);
	/* Segment 1 is the sweep, between the two darks. */
	logged_nm =
		number(true_one, "wavelength_nm") + plant_axis_error(b.plant, run_key + 1) * 1e9;
	count(t, WAVELENGTH, (number(found, "wavelength_nm") - logged_nm) * 1e3,
	      number(found, "wavelength_random_pm"));
	count(t, FWHM, number(found, "fwhm_pm") - number(true_one, "fwhm_pm"),
	      number(found, "fwhm_random_pm"));
	count(t, EXTINCTION, number(found, "extinction_db") - number(true_one, "extinction_db"),
	      number(found, "extinction_random_db"));
	t->count++;
	json_decref(analysis);
	json_decref(truth);
	direct_board_close(&b);
}

/*
 * Four standard deviations of each statistic above; below, the stated sigma may be somewhat too large:
 * it allows for more ripple than there is.
 */
START_TEST(a_zoomed_in_resonance_is_found_and_its_sigmas_are_those_that_occur)
{
	struct tally t = {0};

	for (unsigned int seed = 1; seed <= seed_count(); seed++)
		one_board(seed, spans_nm[_i], &t);
	for (int q = 0; q < QUANTITIES; q++) {
		double mean = t.sum[q] / t.count, rms = sqrt(t.squares[q] / t.count);

		printf("%.1f nm  %-10s  mean z %+.3f  RMS z %.3f  (%u boards)\n", spans_nm[_i],
		       quantity_names[q], mean, rms, t.count);
		ck_assert_double_le(fabs(mean), 4 / sqrt(t.count));
		ck_assert_double_le(rms, 1 + 4 / sqrt(2.0 * t.count));
		ck_assert_double_ge(rms, 0.6);
	}
}
END_TEST

static Suite *zoom_suite(void)
{
	Suite *s = suite_create("ring, zoomed in");
	TCase *t = tcase_create("zoom");

	tcase_set_timeout(t, 0);
	tcase_add_checked_fixture(t, open_store, close_store);
	tcase_add_loop_test(t, a_zoomed_in_resonance_is_found_and_its_sigmas_are_those_that_occur,
			    0, (int)ARRAY_SIZE(spans_nm));
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return run_suite(zoom_suite());
}
