// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The aperture's mean through a one-pole response while the laser ramps, against the filter's own
 * differential equation stepped finely. The effects that differ from point to point are off, all
 * others on.
 */
#include "plant_bench.h"

#include "emulator/aperture.h"

#define STEPS 120000

static const struct {
	const char *device;
	double aperture_s;
	double bandwidth_hz; /* 0: no response */
	double speed; /* nm/s */
} ramps[] = {
	{"add-drop", 40e-6, 200e3, 20},	 {"add-drop", 40e-6, 200e3, -20},
	{"add-drop", 40e-6, 0, 20},	 {"add-drop", 2e-6, 20e3, 100},
	{"add-drop", 10e-6, 1e6, 100},	 {"add-drop", 2e-6, 500, 100},
	{"add-drop", 1e-3, 200e3, 100},	 {"add-drop", 10e-3, 500, 20},
	{"add-drop", 10e-3, 500, -20},	 {"add-drop", 20e-3, 20e3, 100},
	{"all-pass", 40e-6, 100e3, 0.5}, {"all-pass", 500e-6, 2e3, 20},
	{"mzi", 100e-3, 20e3, 100},	 {"straight", 20e-3, 500, 100},
	{"add-drop", 40e-6, 200e3, 0},
};

static const enum erb1_detector watched[] = {BENCH_PD(1), BENCH_PD(2), ERB1_MON, ERB1_ETALON,
					     ERB1_GAS};

/* What the detectors see at one instant. */
static void instant(struct plant *plant, double wavelength_m, double *ret)
{
	static const double none[ARRAY_SIZE(watched)] = {0};
	struct plant_reading readings[ARRAY_SIZE(watched)];
	struct plant_conditions c = bench_conditions();
	uint32_t flags;

	c.value[ERB1_LASER_WAVELENGTH] = wavelength_m;
	plant_point(plant, &c, watched, none, ARRAY_SIZE(watched), readings, &flags);
	for (size_t k = 0; k < ARRAY_SIZE(watched); k++)
		ret[k] = readings[k].mean;
}

/*
 * tau y' + y = s for an s that is straight in each step, solved exactly; the mean of y is that of s
 * less tau / A (y(end) - y(start)).
 */
static void by_differential_equation(struct plant *plant, double centre_m, double speed,
				     double aperture_s, double tau_s, double *ret)
{
	double before[ARRAY_SIZE(watched)], now[ARRAY_SIZE(watched)], y[ARRAY_SIZE(watched)];
	double y_start[ARRAY_SIZE(watched)], sum[ARRAY_SIZE(watched)] = {0};
	double lead_s = 40 * tau_s;
	size_t lead = tau_s > 0 ? STEPS : 0;

	for (size_t i = 0; i <= lead + STEPS; i++) {
		bool inside = i > lead;
		double h = inside ? aperture_s / STEPS : lead_s / STEPS,
		       a = tau_s > 0 ? h / tau_s : INFINITY;
		double t = inside ? -aperture_s / 2 + h * (double)(i - lead)
				  : -aperture_s / 2 - lead_s + (lead ? h * (double)i : 0);
		double keep = exp(-a), gain = -expm1(-a);

		instant(plant, centre_m + speed * t, now);
		for (size_t k = 0; k < ARRAY_SIZE(watched); k++) {
			if (i == 0)
				y[k] = now[k];
			else
				y[k] = keep * y[k] + gain * before[k] +
				       (now[k] - before[k]) * (1 - gain / a);
			if (i == lead)
				y_start[k] = y[k];
			if (inside)
				sum[k] += (before[k] + now[k]) / 2 / STEPS;
			before[k] = now[k];
		}
	}
	for (size_t k = 0; k < ARRAY_SIZE(watched); k++)
		ret[k] = sum[k] - tau_s / aperture_s * (y[k] - y_start[k]);
}

START_TEST(mean_over_the_aperture_is_exact_to_1e_6)
{
	const double bandwidth = ramps[_i].bandwidth_hz,
		     tau = bandwidth > 0 ? 1 / (2 * M_PI * bandwidth) : 0;
	_cleanup_(plant_freep) struct plant *plant =
		bench_plant(ramps[_i].device, NULL, BENCH_RANDOM, 3);
	double bandwidths[ARRAY_SIZE(watched)], exact[ARRAY_SIZE(watched)];
	struct plant_reading readings[ARRAY_SIZE(watched)];
	struct plant_conditions c = bench_conditions();
	uint32_t flags;

	/* On a flank: a line of the gas is near as well */
	c.value[ERB1_LASER_WAVELENGTH] = 1549.394e-9;
	c.slope[ERB1_LASER_WAVELENGTH] = ramps[_i].speed * 1e-9;
	c.aperture_s = ramps[_i].aperture_s;
	for (size_t k = 0; k < ARRAY_SIZE(watched); k++)
		bandwidths[k] = bandwidth;
	plant_point(plant, &c, watched, bandwidths, ARRAY_SIZE(watched), readings, &flags);
	by_differential_equation(plant, c.value[ERB1_LASER_WAVELENGTH],
				 c.slope[ERB1_LASER_WAVELENGTH], c.aperture_s, tau, exact);
	for (size_t k = 0; k < ARRAY_SIZE(watched); k++)
		if (!(fabs(readings[k].mean / exact[k] - 1) < 1e-6))
			ck_abort_msg("detector %d: %.10g, by differential equation %.10g, "
				     "ratio - 1 = %.2g",
				     (int)watched[k], readings[k].mean, exact[k],
				     readings[k].mean / exact[k] - 1);
}
END_TEST

START_TEST(detectors_of_different_bandwidth_do_not_touch_each_other)
{
	static const double bandwidths[] = {200e3, 20e3, 0, 100e3, 20e3};
	_cleanup_(plant_freep) struct plant *plant = bench_plant("add-drop", NULL, NULL, 4);
	struct plant_reading readings[ARRAY_SIZE(watched)], alone;
	struct plant_conditions c = bench_conditions();
	uint32_t flags;

	c.value[ERB1_LASER_WAVELENGTH] = 1549.394e-9;
	c.slope[ERB1_LASER_WAVELENGTH] = 100e-9;
	plant_point(plant, &c, watched, bandwidths, ARRAY_SIZE(watched), readings, &flags);
	for (size_t k = 0; k < ARRAY_SIZE(watched); k++) {
		alone = bench_read(plant, &c, watched[k], bandwidths[k]);
		ck_assert_mem_eq(&alone, &readings[k], sizeof(alone));
	}
}
END_TEST

START_TEST(legendre_rule_integrates_polynomials_exactly)
{
	double x[20], w[20];

	for (size_t n = 1; n <= ARRAY_SIZE(x); n++) {
		gauss_legendre(n, x, w);
		for (size_t degree = 0; degree < 2 * n; degree++) {
			double sum = 0;

			for (size_t i = 0; i < n; i++)
				sum += w[i] * pow(x[i], (double)degree);
			ck_assert_near(sum, degree % 2 ? 0 : 2 / ((double)degree + 1), 1e-13);
		}
	}
}
END_TEST

START_TEST(rule_has_the_kernel_s_moments)
{
	_cleanup_(aperture_cache_freep) struct aperture_cache *cache = aperture_cache_new();
	const double aperture = 40e-6, bandwidth = 20e3, tau = 1 / (2 * M_PI * bandwidth);

	for (double features_per_s = 0; features_per_s < 1e6;
	     features_per_s = features_per_s * 3 + 10) {
		const struct aperture *a = aperture_get(cache, aperture, bandwidth, features_per_s);
		double zeroth = 0, first = 0, second = 0;

		for (size_t i = 0; i < a->count; i++) {
			zeroth += a->w[i];
			first += a->w[i] * a->u_s[i];
			second += a->w[i] * (a->u_s[i] + tau) * (a->u_s[i] + tau);
		}
		ck_assert_near(zeroth, 1, 1e-12);
		ck_assert_near(first / -tau, 1, 1e-9);
		if (a->count > 1)
			ck_assert_near(second / (aperture * aperture / 12 + tau * tau), 1, 1e-9);
	}
}
END_TEST

/* The variance of a mean of filtered white noise, from the autocorrelation of its filter. */
START_TEST(noise_bandwidth_is_that_of_rectangle_and_pole)
{
	static const double apertures[] = {2e-6, 40e-6, 1e-3}, bandwidths[] = {500, 20e3, 200e3};
	_cleanup_(aperture_cache_freep) struct aperture_cache *cache = aperture_cache_new();

	for (size_t i = 0; i < ARRAY_SIZE(apertures); i++)
		for (size_t k = 0; k < ARRAY_SIZE(bandwidths); k++) {
			const struct aperture *a =
				aperture_get(cache, apertures[i], bandwidths[k], 0);
			double tau = 1 / (2 * M_PI * bandwidths[k]), sum = 0;
			const int steps = 20000;

			/* integral over lag of (1 - lag / A) exp(-lag / tau) / tau, over A */
			for (int j = 0; j < steps; j++) {
				double lag = apertures[i] * (j + 0.5) / steps;

				sum += (1 - lag / apertures[i]) * exp(-lag / tau) / tau / steps;
			}
			ck_assert_near(a->noise_hz / (sum / 2), 1, 1e-3);
			ck_assert_near(a->conversion_hz, M_PI / 2 * bandwidths[k], 1e-6);
		}
	ck_assert_near(aperture_get(cache, 40e-6, 0, 0)->noise_hz, 12500, 1e-9);
}
END_TEST

static Suite *aperture_suite(void)
{
	Suite *s = suite_create("plant aperture");
	TCase *t = tcase_create("aperture");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, mean_over_the_aperture_is_exact_to_1e_6, 0, ARRAY_SIZE(ramps));
	tcase_add_test(t, detectors_of_different_bandwidth_do_not_touch_each_other);
	tcase_add_test(t, legendre_rule_integrates_polynomials_exactly);
	tcase_add_test(t, rule_has_the_kernel_s_moments);
	tcase_add_test(t, noise_bandwidth_is_that_of_rectangle_and_pole);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return run_suite(aperture_suite());
}
