// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The instruments that tell the wavelength: log, fibre interferometer, gas cell; and spontaneous
 * emission.
 */
#include "emulator/photodiode.h"
#include "plant_bench.h"

#define BARE "{\"pd_gain_error_percent\": 0, \"pd_dark_na\": 0}"

#define BUT_ASE                                                                     \
	"rin,shot,jitter,tuning,ripple,fabry-perot,envelope,wlog-noise,wlog-sweep," \
	"wlog-systematic,tec-noise,crosstalk,source-noise"

#define BUT_GAS                                                                     \
	"rin,shot,jitter,tuning,ripple,fabry-perot,envelope,wlog-noise,wlog-sweep," \
	"wlog-systematic,ase,tec-noise,crosstalk,source-noise"

static double at(struct plant *plant, enum erb1_detector detector, double wavelength_m)
{
	struct plant_conditions c = bench_conditions();

	c.value[ERB1_LASER_WAVELENGTH] = wavelength_m;
	return bench_mean(plant, &c, detector) / bench_responsivity(wavelength_m);
}

START_TEST(log_lags_by_the_group_delay_of_its_range)
{
	_cleanup_(plant_freep) struct plant *plant = bench_plant(NULL, NULL, BENCH_ALL, 1);
	struct plant_conditions c = bench_conditions();
	const double bandwidth = 20e3, tau = 1 / (2 * M_PI * bandwidth);

	c.slope[ERB1_LASER_WAVELENGTH] = 20e-9;
	ck_assert_near(bench_read(plant, &c, ERB1_WLOG, bandwidth).mean, 1550e-9 - 20e-9 * tau,
		       1e-20);
	ck_assert_near(bench_read(plant, &c, ERB1_WLOG, 0).mean, 1550e-9, 1e-20);
	c.slope[ERB1_LASER_WAVELENGTH] = -20e-9;
	ck_assert_near(bench_read(plant, &c, ERB1_WLOG, bandwidth).mean, 1550e-9 + 20e-9 * tau,
		       1e-20);
}
END_TEST

START_TEST(log_follows_the_true_wavelength_of_a_laser_that_mistunes)
{
	_cleanup_(plant_freep) struct plant *plant =
		bench_plant("mzi", BARE,
			    "rin,shot,jitter,ripple,envelope,fabry-perot,wlog-noise,wlog-sweep,"
			    "wlog-systematic,ase",
			    8);
	_cleanup_(plant_freep) struct plant *exact = bench_plant("mzi", BARE, BENCH_ALL, 8);

	/* Light at the logged wavelength is what a laser without error would give there */
	for (double nm = 1520; nm < 1580; nm += 0.777) {
		struct plant_conditions c = bench_conditions();
		double logged, light;

		c.value[ERB1_LASER_WAVELENGTH] = nm * 1e-9;
		logged = bench_mean(plant, &c, ERB1_WLOG);
		light = bench_mean(plant, &c, BENCH_PD(1));
		ck_assert(logged != nm * 1e-9);
		c.value[ERB1_LASER_WAVELENGTH] = logged;
		ck_assert_near(bench_mean(exact, &c, BENCH_PD(1)) / light, 1, 1e-9);
	}
}
END_TEST

START_TEST(interferometer_has_fringes_of_100_pm)
{
	_cleanup_(plant_freep) struct plant *plant = bench_plant(NULL, BARE, BENCH_ALL, 1);
	double low = 1, high = 0, before = 0, first = 0, last = 0;
	int crossings = 0;

	for (double nm = 1549.5; nm < 1550.5; nm += 0.0002) {
		double x = at(plant, ERB1_ETALON, nm * 1e-9);

		low = fmin(low, x);
		high = fmax(high, x);
		if (before > 0 && before < 5e-6 && x >= 5e-6) {
			crossings++;
			last = nm;
			if (first == 0)
				first = nm;
		}
		before = x;
	}
	ck_assert_int_ge(crossings, 9);
	ck_assert_near((last - first) / (crossings - 1), 0.1, 0.0001);
	ck_assert_near(high, 10e-6, 1e-9);
	ck_assert_near((high - low) / (high + low), 0.96, 0.001);
}
END_TEST

/* Vacuum wavelengths, nm, that the national standards publish for H13C14N. */
static const double lines[] = {1527.63342, 1530.30666, 1534.41514, 1539.78523,
			       1541.75280, 1543.11423, 1545.23033, 1549.73051,
			       1552.11546, 1556.29141, 1560.71983, 1563.49859};

START_TEST(gas_cell_absorbs_where_the_standard_says)
{
	_cleanup_(plant_freep) struct plant *plant = bench_plant(NULL, BARE, BENCH_ALL, 1);
	double lowest = lines[_i], least = 1;

	for (double pm = -20; pm <= 20; pm += 0.05) {
		double x = at(plant, ERB1_GAS, (lines[_i] + pm * 1e-3) * 1e-9);

		if (x < least) {
			least = x;
			lowest = lines[_i] + pm * 1e-3;
		}
	}
	/* Wings of the others pull by a little */
	ck_assert_near(lowest, lines[_i], 0.0001);
	ck_assert(least > 10e-6 * 0.49 && least < 10e-6 * 0.99);
	/* 10 pm wide in absorbance */
	ck_assert_near(log(at(plant, ERB1_GAS, (lines[_i] + 0.005) * 1e-9) / 10e-6) /
			       log(least / 10e-6),
		       0.5, 0.01);
}
END_TEST

/* Where the line at 1549.73051 nm is deepest, from where it should be, pm. */
static double line_error_pm(struct plant *plant)
{
	const double expected_m = 1549.73051e-9, side_m = 2e-12;
	double low = expected_m - 5e-12, high = expected_m + 5e-12;

	for (int i = 0; i < 60; i++) {
		const double middle = (low + high) / 2;

		if (at(plant, ERB1_GAS, middle - side_m) > at(plant, ERB1_GAS, middle + side_m))
			low = middle;
		else
			high = middle;
	}
	return (low - expected_m) * 1e12;
}

#define CELLS 200

START_TEST(gas_cells_lie_off_by_the_sigma_that_they_declare)
{
	const double sigma = _i ? 0.6 : 0.2;
	_cleanup_free_ char *parameters = asprintf_or_null(
		"{\"pd_gain_error_percent\": 0, \"pd_dark_na\": 0, \"gas_systematic_pm\": %g}",
		sigma);
	double sum = 0, squares = 0;

	for (uint64_t seed = 1; seed <= CELLS; seed++) {
		_cleanup_(plant_freep) struct plant *plant =
			bench_plant(NULL, parameters, BUT_GAS, seed);
		const double error = line_error_pm(plant);

		sum += error;
		squares += error * error;
	}
	ck_assert_near(sum / CELLS / sigma, 0, 3 / sqrt(CELLS));
	ck_assert_near(sqrt(squares / CELLS) / sigma, 1, 3 / sqrt(2.0 * CELLS));
}
END_TEST

START_TEST(gas_cell_is_clear_beside_its_band_and_deepest_by_half)
{
	_cleanup_(plant_freep) struct plant *plant = bench_plant(NULL, BARE, BENCH_ALL, 1);
	double least = 1;

	ck_assert(at(plant, ERB1_GAS, 1500e-9) > 9.999e-6);
	ck_assert(at(plant, ERB1_GAS, 1600e-9) > 9.999e-6);
	for (double nm = 1527; nm < 1564; nm += 0.0005)
		least = fmin(least, at(plant, ERB1_GAS, nm * 1e-9));
	ck_assert_near(least, 5e-6, 0.02e-6);
}
END_TEST

START_TEST(spontaneous_emission_is_60_db_below_the_line)
{
	/* All of it within a span in which nothing changes */
	static const char narrow[] =
		"{\"pd_gain_error_percent\": 0, \"pd_dark_na\": 0, "
		"\"laser_span_start_nm\": 1549.9, \"laser_span_stop_nm\": 1550.1}";
	static const enum erb1_detector detectors[] = {BENCH_PD(1), ERB1_MON};
	_cleanup_(plant_freep) struct plant *with = bench_plant("straight", narrow, BUT_ASE, 1);
	_cleanup_(plant_freep) struct plant *without =
		bench_plant("straight", narrow, BENCH_ALL, 1);
	struct plant_conditions c = bench_conditions();

	for (size_t i = 0; i < ARRAY_SIZE(detectors); i++)
		ck_assert_near(bench_mean(with, &c, detectors[i]) /
					       bench_mean(without, &c, detectors[i]) -
				       1,
			       1e-6, 1e-9);
}
END_TEST

START_TEST(spontaneous_emission_passes_where_the_line_does_not)
{
	_cleanup_(plant_freep) struct plant *mzi = bench_plant(
		"mzi", "{\"extinction_db\": 100, \"pd_dark_na\": 0, \"loss_db\": 0}", BUT_ASE, 1);
	json_t *truth = plant_truth(mzi, 1545e-9, 1555e-9, 298.15);
	json_t *minimum = json_array_get(json_object_get(truth, "minima_nm"), 0);
	struct plant_conditions c = bench_conditions();

	c.value[ERB1_LASER_WAVELENGTH] = json_number_value(minimum) * 1e-9;
	/* Half of it, as responsivity over the laser's span lets it */
	ck_assert_near(bench_mean(mzi, &c, BENCH_PD(1)) / (1e-3 * pow(10, -1.2) * 1e-6 * 0.5), 1,
		       0.1);
	json_decref(truth);
}
END_TEST

static Suite *references_suite(void)
{
	Suite *s = suite_create("wavelength references");
	TCase *t = tcase_create("references");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, log_lags_by_the_group_delay_of_its_range);
	tcase_add_test(t, log_follows_the_true_wavelength_of_a_laser_that_mistunes);
	tcase_add_test(t, interferometer_has_fringes_of_100_pm);
	tcase_add_loop_test(t, gas_cell_absorbs_where_the_standard_says, 0, ARRAY_SIZE(lines));
	tcase_add_loop_test(t, gas_cells_lie_off_by_the_sigma_that_they_declare, 0, 2);
	tcase_add_test(t, gas_cell_is_clear_beside_its_band_and_deepest_by_half);
	tcase_add_test(t, spontaneous_emission_is_60_db_below_the_line);
	tcase_add_test(t, spontaneous_emission_passes_where_the_line_does_not);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return run_suite(references_suite());
}
