// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Levels of the plant's noise against the numbers that the reference board declares. Seeds are
 * fixed; bounds are about five standard deviations of the estimate.
 */
#include "plant_bench.h"

#define POINTS 50000
#define ELECTRON 1.602176634e-19

struct statistics {
	double mean;
	double sigma;
};

static struct statistics of_values(const double *values, size_t count)
{
	struct statistics s = {0};

	for (size_t i = 0; i < count; i++)
		s.mean += values[i] / (double)count;
	for (size_t i = 0; i < count; i++)
		s.sigma += (values[i] - s.mean) * (values[i] - s.mean);
	s.sigma = sqrt(s.sigma / (double)(count - 1));
	return s;
}

static double correlation(const double *a, const double *b, size_t count)
{
	struct statistics sa = of_values(a, count), sb = of_values(b, count);
	double sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += (a[i] - sa.mean) * (b[i] - sb.mean);
	return sum / (double)(count - 1) / sa.sigma / sb.sigma;
}

/* Readings of one detector at POINTS points. */
static struct statistics of_detector(struct plant *plant, struct plant_conditions c,
				     enum erb1_detector detector, double bandwidth_hz,
				     double *ret_rms)
{
	static double values[POINTS];
	struct plant_reading reading = {0};

	for (c.point = 0; c.point < POINTS; c.point++) {
		reading = bench_read(plant, &c, detector, bandwidth_hz);
		values[c.point] = reading.mean;
	}
	if (ret_rms)
		*ret_rms = reading.rms;
	return of_values(values, POINTS);
}

static const struct {
	double aperture_s, bandwidth_hz;
} filters[] = {{40e-6, 200e3}, {10e-6, 20e3}, {1e-3, 200e3}};

/*
 * Mean of white noise through pole and aperture: the formula, and its two limits in
 * test_plant_aperture.c.
 */
static double noise_bandwidth(double aperture_s, double bandwidth_hz)
{
	double x = aperture_s * 2 * M_PI * bandwidth_hz;

	return (1 - (1 - exp(-x)) / x) / (2 * aperture_s);
}

START_TEST(shot_noise_is_that_of_the_current)
{
	_cleanup_(plant_freep) struct plant *plant =
		bench_plant("straight", NULL, "rin,jitter,wlog-noise", 11);
	struct plant_conditions c = bench_conditions();
	double bandwidth = filters[_i].bandwidth_hz, rms, expected;
	struct statistics s;

	c.aperture_s = filters[_i].aperture_s;
	s = of_detector(plant, c, BENCH_PD(1), bandwidth, &rms);
	ck_assert(s.mean > 10e-6 && s.mean < 100e-6);
	expected = sqrt(2 * ELECTRON * s.mean * noise_bandwidth(c.aperture_s, bandwidth));
	ck_assert_near(s.sigma / expected, 1, 5 / sqrt(2 * POINTS));
	/* One conversion sees the whole response */
	ck_assert_near(rms / sqrt(2 * ELECTRON * s.mean * M_PI / 2 * bandwidth), 1, 1e-3);
}
END_TEST

START_TEST(dark_current_has_shot_noise_too)
{
	_cleanup_(plant_freep) struct plant *plant = bench_plant(NULL, NULL, NULL, 12);
	struct plant_conditions c = bench_conditions();
	struct statistics s;

	c.emitting = false;
	s = of_detector(plant, c, BENCH_PD(3), 200e3, NULL);
	ck_assert_near(s.mean, 0.5e-9, 0.5e-9 * 1e-3);
	ck_assert_near(s.sigma / sqrt(2 * ELECTRON * 0.5e-9 * noise_bandwidth(40e-6, 200e3)), 1,
		       5 / sqrt(2 * POINTS));
}
END_TEST

START_TEST(intensity_noise_has_the_declared_density)
{
	_cleanup_(plant_freep) struct plant *plant =
		bench_plant("straight", NULL, "shot,jitter,wlog-noise", 13);
	struct plant_conditions c = bench_conditions();
	double bandwidth = filters[_i].bandwidth_hz, rms, relative;
	struct statistics s;

	c.aperture_s = filters[_i].aperture_s;
	s = of_detector(plant, c, ERB1_MON, bandwidth, &rms);
	relative = sqrt(pow(10, -14.5) * noise_bandwidth(c.aperture_s, bandwidth));
	ck_assert_near(s.sigma / s.mean / relative, 1, 5 / sqrt(2 * POINTS));
	ck_assert_near(rms / s.mean / sqrt(pow(10, -14.5) * M_PI / 2 * bandwidth), 1, 1e-3);
}
END_TEST

START_TEST(intensity_noise_is_common_to_all_detectors_and_shot_noise_is_not)
{
	static const enum erb1_detector detectors[] = {ERB1_MON, BENCH_PD(1), ERB1_ETALON,
						       ERB1_GAS};
	static const double bandwidths[] = {200e3, 200e3, 200e3, 200e3};
	static double values[ARRAY_SIZE(detectors)][POINTS];
	_cleanup_(plant_freep) struct plant *common =
		bench_plant("straight", NULL, "shot,jitter,wlog-noise", 14);
	_cleanup_(plant_freep) struct plant *own =
		bench_plant("straight", NULL, "rin,jitter,wlog-noise", 14);
	struct plant_reading readings[ARRAY_SIZE(detectors)];
	uint32_t flags;

	for (int shot = 0; shot < 2; shot++) {
		struct plant_conditions c = bench_conditions();

		for (c.point = 0; c.point < POINTS; c.point++) {
			plant_point(shot ? own : common, &c, detectors, bandwidths,
				    ARRAY_SIZE(detectors), readings, &flags);
			for (size_t k = 0; k < ARRAY_SIZE(detectors); k++)
				values[k][c.point] = readings[k].mean;
		}
		for (size_t k = 1; k < ARRAY_SIZE(detectors); k++)
			ck_assert_near(correlation(values[0], values[k], POINTS), shot ? 0 : 1,
				       shot ? 5 / sqrt(POINTS) : 1e-6);
	}
}
END_TEST

START_TEST(noise_of_neighbouring_points_is_not_correlated)
{
	static double values[POINTS + 1];
	_cleanup_(plant_freep) struct plant *plant = bench_plant("straight", NULL, NULL, 15);
	struct plant_conditions c = bench_conditions();

	for (c.point = 0; c.point <= POINTS; c.point++)
		values[c.point] = bench_mean(plant, &c, BENCH_PD(1));
	ck_assert_near(correlation(values, values + 1, POINTS), 0, 5 / sqrt(POINTS));
}
END_TEST

START_TEST(wavelength_log_has_its_declared_error_per_point)
{
	_cleanup_(plant_freep) struct plant *plant = bench_plant(NULL, NULL, "jitter", 16);
	_cleanup_(plant_freep) struct plant *quiet = bench_plant(NULL, NULL, BENCH_RANDOM, 16);
	struct plant_conditions c = bench_conditions();
	struct statistics s;
	double rms;

	s = of_detector(plant, c, ERB1_WLOG, 200e3, &rms);
	ck_assert_near(s.sigma / 0.05e-12, 1, 5 / sqrt(2 * POINTS));
	ck_assert_near(s.mean, bench_mean(quiet, &c, ERB1_WLOG), 5 * 0.05e-12 / sqrt(POINTS));
	ck_assert_near(rms, 0.05e-12, 1e-18);
}
END_TEST

START_TEST(wavelength_jitter_from_point_to_point_and_sweep_to_sweep)
{
	static double sweeps[4000];
	_cleanup_(plant_freep) struct plant *plant =
		bench_plant(NULL, NULL, "wlog-noise,wlog-sweep,wlog-systematic", 17);
	_cleanup_(plant_freep) struct plant *still =
		bench_plant(NULL, "{\"laser_point_jitter_pm\": 0}",
			    "wlog-noise,wlog-sweep,wlog-systematic", 17);
	struct plant_conditions c = bench_conditions();
	struct statistics s = of_detector(plant, c, ERB1_WLOG, 200e3, NULL);

	ck_assert_near(s.sigma / 0.1e-12, 1, 5 / sqrt(2 * POINTS));
	for (size_t i = 0; i < ARRAY_SIZE(sweeps); i++) {
		c.run_key = i;
		sweeps[i] = bench_mean(still, &c, ERB1_WLOG);
	}
	s = of_values(sweeps, ARRAY_SIZE(sweeps));
	ck_assert_near(s.sigma / 1e-12, 1, 5 / sqrt(2.0 * ARRAY_SIZE(sweeps)));
}
END_TEST

START_TEST(power_repeats_from_sweep_to_sweep_to_0_02_db)
{
	static double db[4000];
	_cleanup_(plant_freep) struct plant *plant =
		bench_plant("straight", NULL, BENCH_RANDOM, 18);
	struct plant_conditions c = bench_conditions();

	for (size_t i = 0; i < ARRAY_SIZE(db); i++) {
		c.run_key = i;
		db[i] = 10 * log10(bench_mean(plant, &c, ERB1_MON));
	}
	ck_assert_near(of_values(db, ARRAY_SIZE(db)).sigma / 0.02, 1,
		       5 / sqrt(2.0 * ARRAY_SIZE(db)));
}
END_TEST

START_TEST(temperature_readings_scatter_by_2_mk_and_the_chip_does_not)
{
	_cleanup_(plant_freep) struct plant *plant = bench_plant(NULL, NULL, NULL, 19);
	struct plant_conditions c = bench_conditions();
	struct statistics s = of_detector(plant, c, ERB1_TEC1_T, 200e3, NULL);

	ck_assert_near(s.mean, 298.15, 5 * 2e-3 / sqrt(POINTS));
	ck_assert_near(s.sigma / 2e-3, 1, 5 / sqrt(2 * POINTS));
}
END_TEST

/* ---- over boards ---- */

#define BOARDS 1500

/* Each board's common error of the logged axis. */
START_TEST(axis_errors_of_boards_have_the_declared_sigmas)
{
	static double systematic[BOARDS], all[BOARDS];

	for (uint64_t seed = 0; seed < BOARDS; seed++) {
		_cleanup_(plant_freep) struct plant *plant =
			bench_plant("laser-diode", NULL, NULL, seed);
		_cleanup_(plant_freep) struct plant *one =
			bench_plant("laser-diode", NULL, "wlog-sweep", seed);

		systematic[seed] = plant_axis_error(one, 1);
		ck_assert(plant_axis_error(one, 2) == systematic[seed]);
		all[seed] = plant_axis_error(plant, 1);
		ck_assert(plant_axis_error(plant, 2) != all[seed]);
	}
	ck_assert_near(of_values(systematic, BOARDS).mean, 0, 5 * 1.7e-12 / sqrt(BOARDS));
	ck_assert_near(of_values(systematic, BOARDS).sigma / 1.7e-12, 1, 5 / sqrt(2 * BOARDS));
	ck_assert_near(of_values(all, BOARDS).sigma / hypot(1.7e-12, 0.3e-12), 1,
		       5 / sqrt(2 * BOARDS));
}
END_TEST

START_TEST(axis_error_is_what_the_log_shows_beside_the_true_wavelength)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		_cleanup_(plant_freep) struct plant *logged =
			bench_plant(NULL, NULL, "wlog-noise", seed);
		_cleanup_(plant_freep) struct plant *true_axis =
			bench_plant(NULL, NULL, "wlog-noise,wlog-sweep,wlog-systematic", seed);
		struct plant_conditions c = bench_conditions();

		c.run_key = seed * 77;
		c.point = 5;
		ck_assert_near(bench_mean(logged, &c, ERB1_WLOG) -
				       bench_mean(true_axis, &c, ERB1_WLOG),
			       plant_axis_error(logged, c.run_key), 1e-20);
	}
}
END_TEST

START_TEST(tuning_errors_of_boards_stay_within_20_pm_and_10_pm_smooth)
{
	static double offsets[BOARDS];
	double widest = 0;

	for (uint64_t seed = 0; seed < BOARDS; seed++) {
		_cleanup_(plant_freep) struct plant *plant = bench_plant(
			"laser-diode", NULL, "jitter,wlog-noise,wlog-sweep,wlog-systematic", seed);
		struct plant_conditions c = bench_conditions();
		double low = 1, high = -1, before = 0;

		for (double nm = 1480; nm <= 1640; nm += 2) {
			double error;

			c.value[ERB1_LASER_WAVELENGTH] = nm * 1e-9;
			error = bench_mean(plant, &c, ERB1_WLOG) - nm * 1e-9;
			low = fmin(low, error);
			high = fmax(high, error);
			/* Smooth: periods of 12 nm and more */
			if (nm > 1480)
				ck_assert(fabs(error - before) < 10e-12 * 2 * M_PI / 12 * 2);
			before = error;
		}
		ck_assert(low > -30e-12 && high < 30e-12);
		ck_assert(high - low > 1e-12 && high - low < 20.1e-12);
		widest = fmax(widest, high - low);
		offsets[seed] = (high + low) / 2;
	}
	ck_assert(widest > 15e-12);
	/* Evenly within +-20 pm: sigma 11.5 pm, little more with what is left of the smooth part */
	ck_assert_near(of_values(offsets, BOARDS).mean, 0, 5 * 11.5e-12 / sqrt(BOARDS));
	ck_assert_near(of_values(offsets, BOARDS).sigma, 11.7e-12, 0.8e-12);
}
END_TEST

START_TEST(power_over_wavelength_stays_within_flatness_and_ripple)
{
	double widest = 0;

	for (uint64_t seed = 0; seed < 50; seed++) {
		_cleanup_(plant_freep) struct plant *plant =
			bench_plant("laser-diode",
				    "{\"laser_repeatability_db\": 0, \"pd_gain_error_percent\": 0}",
				    "rin,shot,jitter,tuning,ase", seed);
		struct plant_conditions c = bench_conditions();
		double low = 1, high = -1;

		for (double nm = 1480; nm <= 1640; nm += 0.1) {
			double db;

			c.value[ERB1_LASER_WAVELENGTH] = nm * 1e-9;
			db = 10 * log10(plant_port_power(plant, &c) / 1e-3);
			low = fmin(low, db);
			high = fmax(high, db);
		}
		ck_assert(low > -0.2251 && high < 0.2251);
		widest = fmax(widest, high - low);
	}
	ck_assert(widest > 0.35);
}
END_TEST

START_TEST(power_ripple_is_0_05_db_from_peak_to_peak)
{
	_cleanup_(plant_freep) struct plant *plant = bench_plant(
		"laser-diode", "{\"laser_repeatability_db\": 0, \"laser_flatness_db\": 0}",
		"rin,shot,jitter,tuning,ase", 5);
	struct plant_conditions c = bench_conditions();
	double low = 1, high = -1;

	for (double nm = 1549; nm <= 1551; nm += 0.001) {
		double db;

		c.value[ERB1_LASER_WAVELENGTH] = nm * 1e-9;
		db = 10 * log10(plant_port_power(plant, &c) / 1e-3);
		low = fmin(low, db);
		high = fmax(high, db);
	}
	ck_assert_near(low, -0.025, 1e-5);
	ck_assert_near(high, 0.025, 1e-5);
}
END_TEST

START_TEST(laser_diode_current_has_the_source_s_noise)
{
	_cleanup_(plant_freep) struct plant *plant = bench_plant("laser-diode", NULL, NULL, 21);
	struct plant_conditions c = bench_conditions();
	struct statistics s;

	c.value[ERB1_LD1] = 0.05;
	s = of_detector(plant, c, ERB1_LD1_I, 200e3, NULL);
	ck_assert_near(s.mean, 0.05, 5 * 2e-6 / sqrt(POINTS));
	/* 2 uA in 100 kHz */
	ck_assert_near(s.sigma / (2e-6 * sqrt(noise_bandwidth(40e-6, 200e3) / 100e3)), 1,
		       5 / sqrt(2 * POINTS));
}
END_TEST

static Suite *noise_suite(void)
{
	Suite *s = suite_create("plant noise");
	TCase *t = tcase_create("noise");

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, shot_noise_is_that_of_the_current, 0, ARRAY_SIZE(filters));
	tcase_add_test(t, dark_current_has_shot_noise_too);
	tcase_add_loop_test(t, intensity_noise_has_the_declared_density, 0, ARRAY_SIZE(filters));
	tcase_add_test(t, intensity_noise_is_common_to_all_detectors_and_shot_noise_is_not);
	tcase_add_test(t, noise_of_neighbouring_points_is_not_correlated);
	tcase_add_test(t, wavelength_log_has_its_declared_error_per_point);
	tcase_add_test(t, wavelength_jitter_from_point_to_point_and_sweep_to_sweep);
	tcase_add_test(t, power_repeats_from_sweep_to_sweep_to_0_02_db);
	tcase_add_test(t, temperature_readings_scatter_by_2_mk_and_the_chip_does_not);
	tcase_add_test(t, axis_errors_of_boards_have_the_declared_sigmas);
	tcase_add_test(t, axis_error_is_what_the_log_shows_beside_the_true_wavelength);
	tcase_add_test(t, tuning_errors_of_boards_stay_within_20_pm_and_10_pm_smooth);
	tcase_add_test(t, power_over_wavelength_stays_within_flatness_and_ripple);
	tcase_add_test(t, power_ripple_is_0_05_db_from_peak_to_peak);
	tcase_add_test(t, laser_diode_current_has_the_source_s_noise);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return run_suite(noise_suite());
}
