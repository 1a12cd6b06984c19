// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Rings: the reference board's expected truth, the transfer matrices multiplied out, energy, and
 * what a fine scan of the emulated light finds.
 */
#include <complex.h>

#include "emulator/noise.h"
#include "emulator/photodiode.h"
#include "plant_bench.h"

/* No couplers, no dark current: what is left is the device. */
#define BARE "\"coupler_loss_db\": 0, \"pd_dark_na\": 0, \"pd_gain_error_percent\": 0"

static struct plant *bare_ring(const char *device, const char *parameters)
{
	_cleanup_free_ char *all =
		asprintf_or_null("{" BARE "%s%s}", *parameters ? ", " : "", parameters);

	return bench_plant(device, all, BENCH_ALL, 1);
}

static double transmission(struct plant *plant, double wavelength_m, int pd)
{
	struct plant_conditions c = bench_conditions();

	c.value[ERB1_LASER_WAVELENGTH] = wavelength_m;
	return bench_mean(plant, &c, BENCH_PD(pd)) / (1e-3 * bench_responsivity(wavelength_m));
}

static json_t *resonances(const json_t *truth)
{
	json_t *list = json_object_get(truth, "resonances");

	ck_assert(json_is_array(list));
	return list;
}

/* ---- the default demo ---- */

/* A property at a wavelength, between the resonances beside it. */
static double interpolated(const json_t *list, const char *key, double wavelength_nm)
{
	double x0 = 0, y0 = 0;
	size_t i;
	json_t *r;

	json_array_foreach(list, i, r) {
		double x = bench_number(r, "wavelength_nm"), y = bench_number(r, key);

		if (x >= wavelength_nm)
			return y0 + (y - y0) * (wavelength_nm - x0) / (x - x0);
		x0 = x;
		y0 = y;
	}
	ck_abort_msg("no resonance above %g nm", wavelength_nm);
	return 0;
}

START_TEST(default_ring_has_the_reference_board_s_nine_resonances)
{
	_cleanup_(plant_freep) struct plant *plant = bench_plant(NULL, NULL, NULL, 1);
	json_t *truth = plant_truth(plant, 1540e-9, 1560e-9, 298.15), *list = resonances(truth);
	double first_gap = 0, gap = 0;

	ck_assert_str_eq(json_string_value(json_object_get(truth, "device")), "add-drop");
	ck_assert_uint_eq(json_array_size(list), 9);
	ck_assert_near(bench_number(json_array_get(list, 0), "wavelength_nm"), 1540.308, 0.0005);
	ck_assert_near(bench_number(json_array_get(list, 8), "wavelength_nm"), 1558.590, 0.0005);
	for (size_t i = 1; i < 9; i++) {
		gap = bench_number(json_array_get(list, i), "wavelength_nm") -
		      bench_number(json_array_get(list, i - 1), "wavelength_nm");
		if (i == 1)
			first_gap = gap;
	}
	ck_assert_near(first_gap, 2.262, 0.0005);
	ck_assert_near(gap, 2.309, 0.0005);
	ck_assert_near(bench_number(truth, "fsr_nm"), 2.287, 0.0005);
	json_decref(truth);
}
END_TEST

static const struct {
	double wavelength_nm;
	const char *key;
	double value, tolerance;
} expected[] = {
	{1540, "fwhm_pm", 20.76, 0.006},    {1550, "fwhm_pm", 21.03, 0.006},
	{1560, "fwhm_pm", 21.30, 0.006},    {1540, "q_loaded", 74.2e3, 50},
	{1550, "q_loaded", 73.7e3, 50},	    {1560, "q_loaded", 73.2e3, 60},
	{1550, "q_intrinsic", 245e3, 500},  {1550, "extinction_db", 10.4, 0.05},
	{1550, "drop_peak_db", -3.1, 0.05},
};

START_TEST(default_ring_has_the_reference_board_s_numbers)
{
	_cleanup_(plant_freep) struct plant *plant = bench_plant("add-drop", NULL, NULL, 1);
	json_t *truth = plant_truth(plant, 1530e-9, 1570e-9, 298.15);

	ck_assert_near(
		interpolated(resonances(truth), expected[_i].key, expected[_i].wavelength_nm),
		expected[_i].value, expected[_i].tolerance);
	json_decref(truth);
}
END_TEST

START_TEST(truth_of_no_span_has_no_resonances)
{
	static const double spans[][2] = {
		{0, 0}, {1560e-9, 1540e-9}, {0, 1560e-9}, {1540e-9, 1}, {NAN, NAN}};
	_cleanup_(plant_freep) struct plant *plant = bench_plant(NULL, NULL, NULL, 1);

	for (size_t i = 0; i < ARRAY_SIZE(spans); i++) {
		json_t *truth = plant_truth(plant, spans[i][0], spans[i][1], 298.15);

		ck_assert_uint_eq(json_array_size(resonances(truth)), 0);
		json_decref(truth);
	}
}
END_TEST

/* ---- the model ---- */

/* Product of the transfer matrices of coupler, waveguide, waveguide and coupler. */
static void by_matrices(double k1, double k2, double amplitude, double phase, double *through,
			double *drop)
{
	double t1 = sqrt(1 - k1), t2 = sqrt(1 - k2);
	double complex way = sqrt(amplitude) * cexp(I * phase / 2);
	/* (in, through) -> waves after and before the first coupler */
	double complex a[2][2] = {{-1 / (I * sqrt(k1)), t1 / (I * sqrt(k1))},
				  {-t1 / (I * sqrt(k1)), 1 / (I * sqrt(k1))}};
	/* -> before and after the second */
	double complex b[2][2] = {{way * a[0][0], way * a[0][1]}, {a[1][0] / way, a[1][1] / way}};
	/* (after, before) the second coupler -> (add, drop); the inverse of the first one's kind */
	double complex c[2][2] = {{1 / (I * sqrt(k2)), -t2 / (I * sqrt(k2))},
				  {t2 / (I * sqrt(k2)), -1 / (I * sqrt(k2))}};
	double complex add_in = c[0][0] * b[1][0] + c[0][1] * b[0][0];
	double complex add_through = c[0][0] * b[1][1] + c[0][1] * b[0][1];
	double complex drop_in = c[1][0] * b[1][0] + c[1][1] * b[0][0];
	double complex drop_through = c[1][0] * b[1][1] + c[1][1] * b[0][1];
	double complex t = -add_in / add_through; /* nothing is added */

	*through = creal(t * conj(t));
	t = drop_in + drop_through * t;
	*drop = creal(t * conj(t));
}

START_TEST(light_is_the_product_of_the_transfer_matrices)
{
	const double length = 2 * M_PI * 40e-6, amplitude = pow(10, -300 * length / 20);
	_cleanup_(plant_freep) struct plant *plant =
		bare_ring("add-drop", "\"coupling\": 0.05, \"coupling_drop\": 0.03");

	for (double nm = 1480; nm < 1640; nm += 0.317) {
		double index = 2.4406 - (4.18 - 2.4406) / 1550 * (nm - 1550);
		double through, drop;

		by_matrices(0.05, 0.03, amplitude, 2 * M_PI * index * length / (nm * 1e-9),
			    &through, &drop);
		ck_assert_near(transmission(plant, nm * 1e-9, 1) / through, 1, 1e-9);
		ck_assert_near(transmission(plant, nm * 1e-9, 2) / drop, 1, 1e-9);
	}
}
END_TEST

static double any(uint32_t draw, double low, double high)
{
	struct noise_key key = {2024, 0, 0, 0, draw};

	return low + (high - low) * noise_uniform(&key);
}

START_TEST(no_port_gives_more_than_came_in)
{
	for (uint32_t trial = 0; trial < 60; trial++) {
		_cleanup_free_ char *parameters = asprintf_or_null(
			"\"radius_um\": %g, \"loss_db_per_cm\": %g, "
			"\"coupling\": %g, \"coupling_drop\": %g, "
			"\"backscatter\": %g",
			any(trial * 8, 3, 200), trial % 5 ? any(trial * 8 + 1, 0, 50) : 0,
			any(trial * 8 + 2, 0.001, 0.9), any(trial * 8 + 3, 0.001, 0.9),
			trial % 2 ? any(trial * 8 + 4, 0, 0.05) : 0);
		_cleanup_(plant_freep) struct plant *plant = bare_ring("add-drop", parameters);

		for (uint32_t i = 0; i < 200; i++) {
			double wavelength = any(1000 + 200 * trial + i, 1480e-9, 1640e-9);
			double through = transmission(plant, wavelength, 1),
			       drop = transmission(plant, wavelength, 2);

			ck_assert(through >= 0 && drop >= 0);
			/* Without loss and backscatter exactly as much */
			ck_assert(through + drop <= 1 + 1e-12);
			if (trial % 10 == 0)
				ck_assert_near(through + drop, 1, 1e-9);
		}
	}
}
END_TEST

START_TEST(critically_coupled_all_pass_ring_is_dark_at_resonance)
{
	/* Coupling = loss of one round trip */
	_cleanup_free_ char *parameters =
		asprintf_or_null("\"coupling\": %.17g", 1 - pow(10, -300 * 2 * M_PI * 40e-6 / 10));
	_cleanup_(plant_freep) struct plant *plant = bare_ring("all-pass", parameters);
	json_t *truth = plant_truth(plant, 1549e-9, 1552e-9, 298.15);
	double wavelength =
		bench_number(json_array_get(resonances(truth), 0), "wavelength_nm") * 1e-9;

	ck_assert(transmission(plant, wavelength, 1) < 1e-12);
	ck_assert(transmission(plant, wavelength + 0.5e-9, 1) > 0.99);
	ck_assert(transmission(plant, wavelength, 2) == 0);
	json_decref(truth);
}
END_TEST

/* ---- truth against a scan ---- */

/* Wavelength between two others where a port passes a level. */
static double crossing(struct plant *plant, int pd, double a, double b, double level)
{
	bool above = transmission(plant, a, pd) > level;

	for (int i = 0; i < 60; i++) {
		double middle = (a + b) / 2;

		if ((transmission(plant, middle, pd) > level) == above)
			a = middle;
		else
			b = middle;
	}
	return (a + b) / 2;
}

static const struct {
	const char *device;
	const char *parameters;
	int pd; /* whose feature is measured */
} scans[] = {
	{"add-drop", "", 1},
	{"add-drop", "", 2},
	{"all-pass", "", 1},
	{"add-drop", "\"coupling\": 0.1, \"coupling_drop\": 0.005", 1},
	{"add-drop", "\"coupling\": 0.3, \"coupling_drop\": 0.3, \"radius_um\": 5", 2},
	{"add-drop", "\"group_index\": 2.1, \"effective_index\": 1.7, \"radius_um\": 100", 1},
};

START_TEST(width_and_depth_of_a_fine_scan_equal_the_truth)
{
	_cleanup_(plant_freep) struct plant *plant =
		bare_ring(scans[_i].device, scans[_i].parameters);
	json_t *truth = plant_truth(plant, 1480e-9, 1640e-9, 298.15), *list = resonances(truth);
	json_t *resonance = json_array_get(list, 1);
	double centre = bench_number(resonance, "wavelength_nm") * 1e-9;
	double fwhm = bench_number(resonance, "fwhm_pm") * 1e-12;
	double lowest = centre, extreme, other, half, left, right;
	int pd = scans[_i].pd;

	for (int i = -2000; i <= 2000; i++) {
		double x = centre + fwhm * i / 2000;

		if ((transmission(plant, x, pd) < transmission(plant, lowest, pd)) == (pd == 1) &&
		    x != lowest)
			lowest = x;
	}
	ck_assert_near(lowest, centre, fwhm / 1000);
	extreme = transmission(plant, centre, pd);
	/* Airy's other extreme: half way to the neighbour in 1 / wavelength */
	other = transmission(
		plant,
		2 / (1 / centre + 1e9 / bench_number(json_array_get(list, 2), "wavelength_nm")),
		pd);
	half = (extreme + (pd == 1 ? 1 : 0)) / 2;
	left = crossing(plant, pd, centre - 2 * fwhm, centre, half);
	right = crossing(plant, pd, centre, centre + 2 * fwhm, half);
	ck_assert_near((right - left) / fwhm, 1, 1e-4);
	ck_assert_near(bench_number(resonance, "q_loaded") * (right - left) / centre, 1, 1e-4);
	if (pd == 1)
		ck_assert_near(10 * log10(other / extreme),
			       bench_number(resonance, "extinction_db"), 1e-6);
	else
		ck_assert_near(10 * log10(extreme), bench_number(resonance, "drop_peak_db"), 1e-6);
	json_decref(truth);
}
END_TEST

static double first_resonance_nm(struct plant *plant, double temperature_k)
{
	json_t *truth = plant_truth(plant, 1549e-9, 1551.2e-9, temperature_k);
	double nm = bench_number(json_array_get(resonances(truth), 0), "wavelength_nm");

	json_decref(truth);
	return nm;
}

START_TEST(chip_temperature_moves_resonances_by_75_pm_per_kelvin)
{
	_cleanup_(plant_freep) struct plant *plant = bare_ring("add-drop", "");
	double cold = first_resonance_nm(plant, 298.15), warm = first_resonance_nm(plant, 303.15);
	struct plant_conditions c = bench_conditions();

	ck_assert_near(warm - cold, 5 * 0.075 * cold / 1550, 1e-7);
	/* And the light follows the chip, not the setpoint */
	c.value[ERB1_LASER_WAVELENGTH] = warm * 1e-9;
	ck_assert(transmission(plant, warm * 1e-9, 1) > 0.9);
	c.value[ERB1_TEC1] = 303.15;
	plant_begin(plant, &c);
	ck_assert(transmission(plant, warm * 1e-9, 1) < 0.0904);
}
END_TEST

START_TEST(heater_moves_the_ring_by_half_a_period_at_p_pi)
{
	_cleanup_(plant_freep) struct plant *quiet =
		bench_plant("add-drop", "{" BARE ", \"heater_percent_per_k\": 0}", BENCH_ALL, 1);
	double nm = first_resonance_nm(quiet, 298.15);
	struct plant_conditions c = bench_conditions();

	c.value[ERB1_H1] = sqrt(22e-3 * 1200);
	plant_begin(quiet, &c);
	ck_assert(transmission(quiet, nm * 1e-9, 1) > 0.999);
	c.value[ERB1_H1] = sqrt(44e-3 * 1200);
	plant_begin(quiet, &c);
	ck_assert_near(transmission(quiet, nm * 1e-9, 1), 0.0903, 0.0002);
}
END_TEST

START_TEST(neighbours_of_the_heater_leak_5_percent_each_step)
{
	static const char stiff[] = "{" BARE ", \"heater_percent_per_k\": 0}";
	_cleanup_(plant_freep) struct plant *leaky = bench_plant(
		"add-drop", stiff, "rin,shot,jitter,tuning,ripple,envelope,fabry-perot,ase", 1);
	_cleanup_(plant_freep) struct plant *tight = bench_plant("add-drop", stiff, BENCH_ALL, 1);
	double nm = first_resonance_nm(tight, 298.15), share = 1, alone, leaked;

	for (int n = 0; n < 4; n++) {
		struct plant_conditions c = bench_conditions();

		c.value[ERB1_H1] = sqrt(share * 0.5e-3 * 1200);
		plant_begin(leaky, &c);
		alone = transmission(leaky, nm * 1e-9, 1);
		c.value[ERB1_H1] = 0;
		c.value[ERB1_H1 + n] = sqrt(0.5e-3 * 1200);
		plant_begin(leaky, &c);
		leaked = transmission(leaky, nm * 1e-9, 1);
		ck_assert_near(leaked, alone, 1e-9);
		ck_assert(n > 1 || leaked > 0.1);
		/* Without crosstalk only h1 counts */
		plant_begin(tight, &c);
		if (n > 0)
			ck_assert(transmission(tight, nm * 1e-9, 1) < 0.0904);
		share *= 0.05;
	}
}
END_TEST

START_TEST(backscatter_splits_a_resonance_as_the_truth_says)
{
	_cleanup_(plant_freep) struct plant *plant = bare_ring("add-drop", "\"backscatter\": 0.02");
	_cleanup_(plant_freep) struct plant *weak = bare_ring("add-drop", "\"backscatter\": 1e-20");
	_cleanup_(plant_freep) struct plant *plain = bare_ring("add-drop", "");
	json_t *truth = plant_truth(plant, 1549e-9, 1551e-9, 298.15);
	json_t *resonance = json_array_get(resonances(truth), 0);
	double centre = bench_number(resonance, "wavelength_nm") * 1e-9;
	double split = bench_number(resonance, "split_pm") * 1e-12;
	double left = centre, right = centre;

	for (int i = 0; i < 2000; i++) {
		double x = split * i / 2000;

		if (transmission(plant, centre - x, 1) < transmission(plant, left, 1))
			left = centre - x;
		if (transmission(plant, centre + x, 1) < transmission(plant, right, 1))
			right = centre + x;
	}
	/* +- the reflector's phase, of 2 pi for a free spectral range */
	ck_assert_near(split / (2 * asin(sqrt(0.02)) / (2 * M_PI) *
				(centre * centre / (4.18 * 2 * M_PI * 40e-6))),
		       1, 1e-4);
	/* The flanks of two dips pull each other by a little */
	ck_assert_near((right - left) / split, 1, 0.03);
	ck_assert(transmission(plant, centre, 1) > 1.5 * transmission(plant, left, 1));
	for (double x = -1e-9; x < 1e-9; x += 1.7e-12)
		ck_assert_near(transmission(weak, centre + x, 1) /
				       transmission(plain, centre + x, 1),
			       1, 1e-7);
	json_decref(truth);
}
END_TEST

static Suite *ring_suite(void)
{
	Suite *s = suite_create("ring");
	TCase *t = tcase_create("ring");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, default_ring_has_the_reference_board_s_nine_resonances);
	tcase_add_loop_test(t, default_ring_has_the_reference_board_s_numbers, 0,
			    ARRAY_SIZE(expected));
	tcase_add_test(t, truth_of_no_span_has_no_resonances);
	tcase_add_test(t, light_is_the_product_of_the_transfer_matrices);
	tcase_add_test(t, no_port_gives_more_than_came_in);
	tcase_add_test(t, critically_coupled_all_pass_ring_is_dark_at_resonance);
	tcase_add_loop_test(t, width_and_depth_of_a_fine_scan_equal_the_truth, 0,
			    ARRAY_SIZE(scans));
	tcase_add_test(t, chip_temperature_moves_resonances_by_75_pm_per_kelvin);
	tcase_add_test(t, heater_moves_the_ring_by_half_a_period_at_p_pi);
	tcase_add_test(t, neighbours_of_the_heater_leak_5_percent_each_step);
	tcase_add_test(t, backscatter_splits_a_resonance_as_the_truth_says);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return run_suite(ring_suite());
}
