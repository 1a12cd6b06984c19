// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Devices that are not rings: interferometer, waveguide, heater, laser diode, photodiode, and the
 * chip's temperature. Each against its truth or against a formula of its own.
 */
#include "emulator/photodiode.h"
#include "plant_bench.h"

#define BARE "\"coupler_loss_db\": 0, \"pd_dark_na\": 0, \"pd_gain_error_percent\": 0"

static struct plant *bare(const char *device, const char *parameters)
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

/* ---- interferometer ---- */

START_TEST(mzi_has_the_minima_period_and_extinction_of_its_truth)
{
	_cleanup_(plant_freep) struct plant *plant =
		bare("mzi", "\"fsr_nm\": 3, \"extinction_db\": 20, \"loss_db\": 2");
	json_t *truth = plant_truth(plant, 1545e-9, 1555e-9, 298.15),
	       *minima = json_object_get(truth, "minima_nm");
	double loss = pow(10, -0.2), darkest = 1, brightest = 0;

	ck_assert_near(bench_number(truth, "fsr_nm"), 3, 1e-9);
	ck_assert_near(bench_number(truth, "extinction_db"), 20, 0);
	ck_assert_uint_ge(json_array_size(minima), 3);
	for (size_t i = 0; i < json_array_size(minima); i++) {
		double nm = json_number_value(json_array_get(minima, i));

		ck_assert(transmission(plant, nm * 1e-9, 1) <
			  transmission(plant, (nm + 0.01) * 1e-9, 1));
		ck_assert(transmission(plant, nm * 1e-9, 1) <
			  transmission(plant, (nm - 0.01) * 1e-9, 1));
		ck_assert_near(transmission(plant, nm * 1e-9, 1), loss * 2 / 101 / 2, 1e-6);
	}
	for (double nm = 1545; nm < 1555; nm += 0.001) {
		double through = transmission(plant, nm * 1e-9, 1);

		ck_assert_near(through + transmission(plant, nm * 1e-9, 2), loss, 1e-12);
		darkest = fmin(darkest, through);
		brightest = fmax(brightest, through);
	}
	ck_assert_near(10 * log10(brightest / darkest), 20, 0.001);
	json_decref(truth);
}
END_TEST

START_TEST(straight_waveguide_loses_what_its_length_says)
{
	_cleanup_(plant_freep) struct plant *plant =
		bare("straight", "\"length_mm\": 20, \"loss_db_per_cm\": 2");
	json_t *truth = plant_truth(plant, 1500e-9, 1600e-9, 298.15);

	for (double nm = 1480; nm <= 1640; nm += 10)
		ck_assert_near(10 * log10(transmission(plant, nm * 1e-9, 1)), -4, 1e-9);
	ck_assert_near(bench_number(truth, "loss_db"), 4, 1e-12);
	json_decref(truth);
}
END_TEST

/* ---- couplers and position ---- */

START_TEST(couplers_have_their_loss_envelope_and_ripple)
{
	_cleanup_(plant_freep) struct plant *plain = bench_plant(
		"straight", "{\"length_mm\": 0, \"pd_dark_na\": 0, \"pd_gain_error_percent\": 0}",
		BENCH_ALL, 1);
	_cleanup_(plant_freep) struct plant *bent = bench_plant(
		"straight", "{\"length_mm\": 0, \"pd_dark_na\": 0, \"pd_gain_error_percent\": 0}",
		"rin,shot,jitter,tuning,ripple,fabry-perot,ase", 1);
	_cleanup_(plant_freep) struct plant *rippled = bench_plant(
		"straight", "{\"length_mm\": 0, \"pd_dark_na\": 0, \"pd_gain_error_percent\": 0}",
		"rin,shot,jitter,tuning,ripple,envelope,ase", 1);
	double low = 1, high = 0, crossings = 0, before = 0;

	ck_assert_near(10 * log10(transmission(plain, 1552e-9, 1)), -12, 1e-9);
	ck_assert_near(transmission(plain, 1500e-9, 1), transmission(plain, 1552e-9, 1), 1e-12);
	ck_assert_near(10 * log10(transmission(bent, 1552e-9, 1)), -12, 1e-9);
	ck_assert_near(10 * log10(transmission(bent, 1532e-9, 1)), -12 - 10 * log10(2), 1e-9);
	ck_assert_near(10 * log10(transmission(bent, 1572e-9, 1)), -12 - 10 * log10(2), 1e-9);
	for (double nm = 1550.4; nm < 1553.6; nm += 0.0005) {
		double db = 10 * log10(transmission(rippled, nm * 1e-9, 1)) + 12;

		low = fmin(low, db);
		high = fmax(high, db);
		crossings += before < 0 && db >= 0;
		before = db;
	}
	ck_assert_near(low, -0.1, 1e-4);
	ck_assert_near(high, 0.1, 1e-4);
	/* 3.2 nm hold ten periods */
	ck_assert_near(crossings, 10, 1);
}
END_TEST

START_TEST(fibres_must_be_where_the_couplers_are)
{
	_cleanup_(plant_freep) struct plant *plant =
		bare("straight", "\"position_x_um\": 3, \"position_y_um\": -2, \"length_mm\": 0");
	struct plant_conditions c = bench_conditions();
	double best;

	c.value[ERB1_POS_X] = 3e-6;
	c.value[ERB1_POS_Y] = -2e-6;
	best = bench_mean(plant, &c, BENCH_PD(1));
	ck_assert_near(best, 1e-3, 1e-12);
	c.value[ERB1_POS_X] = 8e-6;
	ck_assert_near(bench_mean(plant, &c, BENCH_PD(1)) / best, exp(-2), 1e-9);
	c.value[ERB1_POS_X] = 3e-6;
	c.value[ERB1_POS_Y] = -4.5e-6;
	ck_assert_near(bench_mean(plant, &c, BENCH_PD(1)) / best, exp(-0.5), 1e-9);
	/* The monitor is before the chip */
	ck_assert_near(bench_mean(plant, &c, ERB1_MON), 10e-6, 1e-12);
}
END_TEST

/* ---- heater ---- */

START_TEST(heater_s_resistance_grows_with_its_power)
{
	_cleanup_(plant_freep) struct plant *plant = bare("heater", "");
	struct plant_conditions c = bench_conditions();

	for (double v = 0.5; v <= 12; v += 0.5) {
		double volts, amps;

		c.value[ERB1_H1 + 2] = v;
		plant_begin(plant, &c);
		volts = bench_mean(plant, &c, (enum erb1_detector)(ERB1_H1_V + 4));
		amps = bench_mean(plant, &c, (enum erb1_detector)(ERB1_H1_V + 5));
		ck_assert_near(volts, v, 1e-12);
		/* +0.1 % for each K, 2 K for each mW */
		ck_assert_near(volts / amps, 1200 * (1 + 0.001 * 2000 * volts * amps), 1e-6);
	}
	ck_assert_near(bench_mean(plant, &c, ERB1_H1_V), 0, 0);
	ck_assert_near(bench_mean(plant, &c, (enum erb1_detector)(ERB1_H1_V + 1)), 0, 0);
}
END_TEST

START_TEST(heater_turns_the_light_over_at_p_pi)
{
	_cleanup_(plant_freep) struct plant *plant =
		bare("heater", "\"loss_db\": 0, \"heater_percent_per_k\": 0");
	json_t *truth = plant_truth(plant, 1500e-9, 1600e-9, 298.15),
	       *heater = json_object_get(truth, "heater");
	struct plant_conditions c = bench_conditions();
	double p_pi = bench_number(heater, "pi_mw") * 1e-3,
	       r = bench_number(heater, "resistance_ohm");

	ck_assert_near(p_pi, 22e-3, 1e-12);
	ck_assert_near(r, 1200, 1e-9);
	for (double part = 0; part <= 2; part += 0.1) {
		c.value[ERB1_H1] = sqrt(part * p_pi * r);
		plant_begin(plant, &c);
		/* 25 dB of extinction: visibility 0.9937 */
		ck_assert_near(transmission(plant, 1550e-9, 1),
			       (1 + 0.993696 * cos(M_PI * part)) / 2, 1e-6);
	}
	json_decref(truth);
}
END_TEST

START_TEST(heater_follows_with_its_time_constant)
{
	_cleanup_(plant_freep) struct plant *plant = bare("heater", "");
	const enum erb1_detector amps = (enum erb1_detector)(ERB1_H1_V + 1);
	struct plant_conditions c = bench_conditions();
	double start, end;

	plant_begin(plant, &c);
	c.value[ERB1_H1] = 4;
	start = bench_mean(plant, &c, amps);
	ck_assert_near(start, 4.0 / 1200, 1e-12);
	c.time_s = 15e-6;
	plant_advance(plant, &c);
	end = bench_mean(plant, &c, amps);
	c.time_s = 1;
	plant_advance(plant, &c);
	/* 1 - 1/e of the way in resistance, which is as good as linear in current here */
	ck_assert_near((end - start) / (bench_mean(plant, &c, amps) - start), 1 - exp(-1), 0.01);
}
END_TEST

/* ---- TEC ---- */

START_TEST(chip_temperature_follows_the_setpoint_in_8_s)
{
	_cleanup_(plant_freep) struct plant *plant = bare("straight", "");
	struct plant_conditions c = bench_conditions();

	plant_begin(plant, &c);
	ck_assert_near(bench_mean(plant, &c, ERB1_TEC1_T), 298.15, 0);
	c.value[ERB1_TEC1] = 308.15;
	ck_assert_near(bench_mean(plant, &c, ERB1_TEC1_T), 298.15, 0);
	for (c.time_s = 0.01; c.time_s < 8.005; c.time_s += 0.01)
		plant_advance(plant, &c);
	ck_assert_near(bench_mean(plant, &c, ERB1_TEC1_T), 308.15 - 10 * exp(-1), 1e-6);
	c.time_s = 400;
	plant_advance(plant, &c);
	ck_assert_near(bench_mean(plant, &c, ERB1_TEC1_T), 308.15, 1e-9);
	/* A program begins at the steady state of its setpoints */
	c.value[ERB1_TEC1] = 290;
	plant_begin(plant, &c);
	ck_assert_near(bench_mean(plant, &c, ERB1_TEC1_T), 290, 0);
}
END_TEST

/* 0.2 A move 5 K / 8 s until 5 K are left; then the loop settles as a small step does. */
START_TEST(without_the_chip_s_temperature_lines_stay_where_they_are_at_25_c)
{
	_cleanup_(plant_freep) struct plant *with =
		bench_plant("add-drop", "{" BARE "}", BENCH_ALL, 1);
	_cleanup_(plant_freep) struct plant *without =
		bench_plant("add-drop", "{" BARE "}", BENCH_ALL ",chip-temperature", 1);
	struct plant_conditions c = bench_conditions();
	bool moved = false;

	for (double nm = 1549; nm < 1551.3; nm += 0.005) {
		double cool, warm, as_ever;

		c.value[ERB1_LASER_WAVELENGTH] = nm * 1e-9;
		c.value[ERB1_TEC1] = 298.15;
		plant_begin(with, &c);
		plant_begin(without, &c);
		cool = bench_mean(with, &c, BENCH_PD(1));
		ck_assert(bench_mean(without, &c, BENCH_PD(1)) == cool);
		c.value[ERB1_TEC1] = 308.15;
		plant_begin(with, &c);
		plant_begin(without, &c);
		warm = bench_mean(with, &c, BENCH_PD(1));
		as_ever = bench_mean(without, &c, BENCH_PD(1));
		ck_assert(as_ever == cool);
		moved |= fabs(warm / cool - 1) > 0.5;
		/* The chip is warm all the same. */
		ck_assert_near(bench_mean(without, &c, ERB1_TEC1_T), 308.15, 0);
	}
	ck_assert(moved);
}
END_TEST

/* Of one diode; `disabled` besides everything random. */
static double diode_w(const char *disabled, double current_a, double case_k)
{
	_cleanup_free_ char *all = asprintf_or_null("%s%s", BENCH_ALL, disabled);
	_cleanup_(plant_freep) struct plant *plant =
		bench_plant("laser-diode", "{" BARE "}", all, 1);
	struct plant_conditions c = bench_conditions();

	c.value[ERB1_LD1] = current_a;
	c.value[ERB1_TEC1] = case_k;
	plant_begin(plant, &c);
	return plant_port_power(plant, &c) - 1e-3;
}

START_TEST(laser_diode_s_heat_and_temperatures_can_be_switched_off)
{
	/* At 0.1 A: all, then without what the junction does to threshold and slope */
	const double plain = 0.25 * (0.1 - 0.012);

	ck_assert_near(diode_w(",rollover", 0.1, 298.15), plain, 1e-6);
	ck_assert_near(diode_w(",t0,t1", 0.1, 298.15), plain, 1e-6);
	ck_assert(diode_w("", 0.1, 298.15) < 0.95 * plain);
	ck_assert_near(diode_w(",rollover,t1", 0.1, 318.15), 0.25 * (0.1 - 0.012 * exp(20.0 / 55)),
		       1e-6);
	ck_assert_near(diode_w(",rollover,t0", 0.1, 318.15), plain * exp(-20.0 / 150), 1e-6);
	ck_assert_near(diode_w(",t0,t1", 0.1, 318.15), plain, 1e-6);
}
END_TEST

START_TEST(tec_has_no_more_than_its_current)
{
	_cleanup_(plant_freep) struct plant *free_loop = bare("straight", "");
	_cleanup_(plant_freep) struct plant *plant = bare("straight", "\"tec_max_a\": 0.2");
	_cleanup_(plant_freep) struct plant *at_once = bare("straight", "\"tec_max_a\": 0.2");
	struct plant_conditions c = bench_conditions();

	for (int direction = -1; direction <= 1; direction += 2) {
		c.time_s = 0;
		c.value[ERB1_TEC1] = 298.15;
		plant_begin(free_loop, &c);
		plant_begin(plant, &c);
		plant_begin(at_once, &c);
		c.value[ERB1_TEC1] = 298.15 + direction * 15;
		while (c.time_s < 15.95) {
			c.time_s += 0.1;
			plant_advance(free_loop, &c);
			plant_advance(plant, &c);
			ck_assert_near(bench_mean(free_loop, &c, ERB1_TEC1_T),
				       298.15 + direction * -15 * expm1(-c.time_s / 8), 1e-9);
			ck_assert_near(bench_mean(plant, &c, ERB1_TEC1_T),
				       298.15 + direction * 5 * c.time_s / 8, 1e-9);
		}
		c.time_s = 24;
		plant_advance(plant, &c);
		plant_advance(at_once, &c);
		ck_assert_near(bench_mean(plant, &c, ERB1_TEC1_T),
			       298.15 + direction * (15 - 5 * exp(-1)), 1e-9);
		ck_assert_near(bench_mean(at_once, &c, ERB1_TEC1_T),
			       bench_mean(plant, &c, ERB1_TEC1_T), 1e-9);
	}
}
END_TEST

START_TEST(unstable_tec_never_settles)
{
	_cleanup_(plant_freep) struct plant *plant = bare("straight", "");
	struct plant_conditions c = bench_conditions();
	double low = 1000, high = 0;

	plant_begin(plant, &c);
	plant_set_tec_unstable(plant, true);
	for (c.time_s = 1000; c.time_s < 1010; c.time_s += 0.05) {
		double t;

		plant_advance(plant, &c);
		t = bench_mean(plant, &c, ERB1_TEC1_T);
		low = fmin(low, t);
		high = fmax(high, t);
	}
	ck_assert_near(high - low, 1, 0.01);
	plant_set_tec_unstable(plant, false);
	ck_assert_near(bench_mean(plant, &c, ERB1_TEC1_T), 298.15, 0);
}
END_TEST

/* ---- laser diode ---- */

static struct plant_conditions diode_at(double current_a)
{
	struct plant_conditions c = bench_conditions();

	c.emitting = false;
	c.value[ERB1_LD1] = current_a;
	return c;
}

static double diode_light(struct plant *plant, double current_a)
{
	struct plant_conditions c = diode_at(current_a);

	return bench_mean(plant, &c, BENCH_PD(1)) / bench_responsivity(1550e-9) * pow(10, 1.5);
}

START_TEST(laser_diode_has_the_threshold_and_slope_of_its_truth)
{
	_cleanup_(plant_freep) struct plant *plant = bare("laser-diode", "");
	json_t *truth = plant_truth(plant, 0, 0, 298.15);
	double threshold = bench_number(truth, "threshold_ma") * 1e-3,
	       slope = bench_number(truth, "slope_w_per_a");
	double step = 20e-6, bend, most = 0, at = 0, far = 6e-3;

	/* The second derivative of the light peaks at threshold */
	for (double i = threshold - 2e-3; i < threshold + 2e-3; i += 5e-6) {
		bend = diode_light(plant, i - step) - 2 * diode_light(plant, i) +
		       diode_light(plant, i + step);
		if (bend > most) {
			most = bend;
			at = i;
		}
	}
	ck_assert_near(at, threshold, 20e-6);
	ck_assert_near(threshold, 12e-3, 0.5e-3);
	/* The knee is soft: ln 2 of its width at threshold, already some below */
	ck_assert_near(diode_light(plant, threshold) / (slope * 0.3e-3), log(2), 0.05);
	ck_assert(diode_light(plant, threshold - 0.3e-3) > 0.25 * slope * 0.3e-3);
	/* Beyond the knee the light leaves the threshold with that slope, less its slow bend */
	bend = diode_light(plant, threshold + far) / (slope * far);
	ck_assert_near(bend, 1, 0.01);
	ck_assert_near(slope, 0.25, 0.005);
	json_decref(truth);
}
END_TEST

START_TEST(laser_diode_is_dark_without_current_and_rolls_over_with_much)
{
	_cleanup_(plant_freep) struct plant *plant = bare("laser-diode", "\"compliance_v\": 6");
	double most = 0, at = 0;

	ck_assert_near(diode_light(plant, 0), 0, 0);
	for (double i = 0; i <= 0.5; i += 1e-3) {
		ck_assert(diode_light(plant, i) >= 0);
		if (diode_light(plant, i) > most) {
			most = diode_light(plant, i);
			at = i;
		}
	}
	ck_assert(at > 0.2 && at < 0.5);
	ck_assert(most > 0.03 && most < 0.1);
	ck_assert(diode_light(plant, 0.1) / 0.088 < 0.25);
}
END_TEST

START_TEST(threshold_rises_with_temperature_by_t0)
{
	_cleanup_(plant_freep) struct plant *plant =
		bare("laser-diode", "\"thermal_k_per_w\": 0, \"t0_k\": 50");
	json_t *cold = plant_truth(plant, 0, 0, 298.15), *warm = plant_truth(plant, 0, 0, 318.15);
	double ratio = bench_number(warm, "threshold_ma") / bench_number(cold, "threshold_ma");

	ck_assert_near(log(ratio), 20.0 / 50, 1e-6);
	ck_assert_near(bench_number(cold, "threshold_ma"), 12, 1e-6);
	json_decref(cold);
	json_decref(warm);
}
END_TEST

START_TEST(diode_s_voltage_has_the_series_resistance_of_its_truth)
{
	_cleanup_(plant_freep) struct plant *plant = bare("laser-diode", "");
	json_t *truth = plant_truth(plant, 0, 0, 298.15);
	struct plant_conditions low = diode_at(0.299), high = diode_at(0.301);
	double dv = bench_mean(plant, &high, ERB1_LD1_V) - bench_mean(plant, &low, ERB1_LD1_V);

	/* Ideality 1.8 leaves n kT/q / I beside it */
	ck_assert_near(dv / 2e-3 - 1.8 * 0.02569 / 0.3, bench_number(truth, "series_ohm"), 1e-3);
	ck_assert_near(bench_mean(plant, &high, ERB1_LD1_I), 0.301, 1e-12);
	json_decref(truth);
}
END_TEST

START_TEST(compliance_voltage_holds_the_current_back_and_says_so)
{
	_cleanup_(plant_freep) struct plant *plant = bare("laser-diode", "");
	struct plant_conditions c = diode_at(0.45);

	c.compliance[ERB1_LD1] = 2;
	ck_assert_near(bench_mean(plant, &c, ERB1_LD1_V), 2, 1e-6);
	ck_assert(bench_mean(plant, &c, ERB1_LD1_I) < 0.35);
	ck_assert_uint_eq(bench_flags(plant, &c) & ETALON_HW_POINT_COMPLIANCE,
			  ETALON_HW_POINT_COMPLIANCE);
	c.compliance[ERB1_LD1] = 6;
	ck_assert_near(bench_mean(plant, &c, ERB1_LD1_I), 0.45, 1e-12);
	ck_assert_uint_eq(bench_flags(plant, &c) & ETALON_HW_POINT_COMPLIANCE, 0);
}
END_TEST

START_TEST(port_power_counts_the_diode_s_light)
{
	_cleanup_(plant_freep) struct plant *plant = bare("laser-diode", "");
	_cleanup_(plant_freep) struct plant *ring = bare("add-drop", "");
	struct plant_conditions c = diode_at(0.1);

	ck_assert_near(plant_port_power(plant, &c), diode_light(plant, 0.1), 1e-9);
	ck_assert_near(plant_port_power(ring, &c), 0, 0);
	c = bench_conditions();
	ck_assert_near(plant_port_power(ring, &c), 1e-3, 1e-12);
	c.gate = 1e-7;
	ck_assert_near(plant_port_power(ring, &c), 1e-10, 1e-19);
	c.emitting = false;
	ck_assert_near(plant_port_power(ring, &c), 0, 0);
}
END_TEST

/* ---- photodiodes ---- */

START_TEST(board_s_responsivity_is_1_at_1550_and_0_65_at_1640)
{
	double before = 0;

	ck_assert_near(bench_responsivity(1550e-9), 1, 1e-12);
	ck_assert_near(bench_responsivity(1640e-9), 0.65, 1e-4);
	for (double nm = 1480; nm < 1575; nm += 1) {
		ck_assert(bench_responsivity(nm * 1e-9) > before);
		before = bench_responsivity(nm * 1e-9);
	}
	for (double nm = 1480; nm <= 1640; nm += 1) {
		struct log_parabola p = photodiode_log_response(&BENCH_BAND, nm * 1e-9);
		double x = 0.2e-9;

		ck_assert_near(exp(log_parabola_at(&p, x)) / bench_responsivity(nm * 1e-9 + x), 1,
			       1e-7);
	}
}
END_TEST

START_TEST(board_s_responsivity_is_as_set_and_no_other_instrument_s)
{
	static const char parameters[] =
		"\"pd_responsivity_a_per_w\": 0.8, \"pd_band_edge_pm\": 1700000, "
		"\"pd_band_softness_pm\": 20000";
	const struct photodiode_band band = {.edge_m = 1700e-9, .softness_m = 20e-9};
	_cleanup_(plant_freep) struct plant *plant = bare("straight", "");
	_cleanup_(plant_freep) struct plant *other = bare("straight", parameters);
	_cleanup_(plant_freep) struct plant *laser = bare("laser-diode", "");
	_cleanup_(plant_freep) struct plant *other_laser =
		bare("laser-diode", "\"pd_responsivity_a_per_w\": 0.8");
	static const enum erb1_detector own[] = {BENCH_PD(1), ERB1_MON};
	static const enum erb1_detector apart[] = {ERB1_ETALON, ERB1_GAS};
	struct plant_conditions c = bench_conditions();
	const double nm[] = {1490, 1550, 1640};

	for (size_t k = 0; k < ARRAY_SIZE(nm); k++) {
		const double wavelength_m = nm[k] * 1e-9;
		const double shape =
			photodiode_response(&band, wavelength_m) / bench_responsivity(wavelength_m);

		c.value[ERB1_LASER_WAVELENGTH] = wavelength_m;
		for (size_t i = 0; i < ARRAY_SIZE(own); i++)
			ck_assert_near(bench_mean(other, &c, own[i]) /
					       bench_mean(plant, &c, own[i]),
				       0.8 * shape, 1e-9);
		for (size_t i = 0; i < ARRAY_SIZE(apart); i++)
			ck_assert_near(bench_mean(other, &c, apart[i]) /
					       bench_mean(plant, &c, apart[i]),
				       shape, 1e-9);
	}
	c.value[ERB1_LD1] = 0.1;
	ck_assert_near(bench_mean(other_laser, &c, BENCH_PD(1)) /
			       bench_mean(laser, &c, BENCH_PD(1)),
		       0.8, 1e-9);
}
END_TEST

START_TEST(dark_current_doubles_every_10_kelvin)
{
	static const double celsius[] = {5, 15, 25, 35, 45};
	struct plant_conditions c = bench_conditions();

	c.emitting = false;
	for (size_t i = 0; i < ARRAY_SIZE(celsius); i++) {
		_cleanup_free_ char *parameters =
			asprintf_or_null("{\"ambient_c\": %g}", celsius[i]);
		_cleanup_(plant_freep) struct plant *plant =
			bench_plant(NULL, parameters, BENCH_ALL, 1);

		for (int pd = 1; pd <= 4; pd++)
			ck_assert_near(bench_mean(plant, &c, BENCH_PD(pd)),
				       0.5e-9 * pow(2, (celsius[i] - 25) / 10), 1e-18);
	}
}
END_TEST

START_TEST(chip_s_photodiode_answers_to_bias_and_light)
{
	_cleanup_(plant_freep) struct plant *plant = bench_plant(
		"photodiode", "{\"length_mm\": 0, \"envelope_peak_nm\": 1550}", BENCH_ALL, 1);
	json_t *truth = plant_truth(plant, 0, 0, 298.15);
	struct plant_conditions c = bench_conditions();
	double dark, light;

	c.value[ERB1_BIAS1] = -1;
	light = bench_mean(plant, &c, ERB1_IPD1);
	c.emitting = false;
	dark = bench_mean(plant, &c, ERB1_IPD1);
	ck_assert_near(dark * 1e9, bench_number(truth, "dark_at_-1v_na"), 1e-6);
	ck_assert_near(dark, 20e-9, 1e-12);
	/* One coupler */
	ck_assert_near((light - dark) / (1e-3 * pow(10, -0.6)),
		       bench_number(truth, "responsivity_at_-1v_a_per_w"), 1e-9);
	c.value[ERB1_BIAS1] = -10;
	ck_assert(bench_mean(plant, &c, ERB1_IPD1) > 3 * dark);
	ck_assert_uint_eq(bench_flags(plant, &c) & ETALON_HW_POINT_CLAMP, 0);
	c.value[ERB1_BIAS1] = 0.4;
	ck_assert(bench_mean(plant, &c, ERB1_IPD1) < -1e-6);
	c.value[ERB1_BIAS1] = 5;
	ck_assert_near(bench_mean(plant, &c, ERB1_IPD1), -10e-3, 1e-12);
	ck_assert_uint_eq(bench_flags(plant, &c) & ETALON_HW_POINT_CLAMP, ETALON_HW_POINT_CLAMP);
	/* Nothing reaches the board's own diodes, nothing is on ipd2 */
	c = bench_conditions();
	ck_assert_near(bench_mean(plant, &c, BENCH_PD(1)), 0.5e-9, 1e-18);
	ck_assert_near(bench_mean(plant, &c, (enum erb1_detector)(ERB1_IPD1 + 1)), 0, 0);
	json_decref(truth);
}
END_TEST

static Suite *chip_suite(void)
{
	Suite *s = suite_create("devices");
	TCase *t = tcase_create("devices");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, mzi_has_the_minima_period_and_extinction_of_its_truth);
	tcase_add_test(t, straight_waveguide_loses_what_its_length_says);
	tcase_add_test(t, couplers_have_their_loss_envelope_and_ripple);
	tcase_add_test(t, fibres_must_be_where_the_couplers_are);
	tcase_add_test(t, heater_s_resistance_grows_with_its_power);
	tcase_add_test(t, heater_turns_the_light_over_at_p_pi);
	tcase_add_test(t, heater_follows_with_its_time_constant);
	tcase_add_test(t, chip_temperature_follows_the_setpoint_in_8_s);
	tcase_add_test(t, without_the_chip_s_temperature_lines_stay_where_they_are_at_25_c);
	tcase_add_test(t, laser_diode_s_heat_and_temperatures_can_be_switched_off);
	tcase_add_test(t, tec_has_no_more_than_its_current);
	tcase_add_test(t, unstable_tec_never_settles);
	tcase_add_test(t, laser_diode_has_the_threshold_and_slope_of_its_truth);
	tcase_add_test(t, laser_diode_is_dark_without_current_and_rolls_over_with_much);
	tcase_add_test(t, threshold_rises_with_temperature_by_t0);
	tcase_add_test(t, diode_s_voltage_has_the_series_resistance_of_its_truth);
	tcase_add_test(t, compliance_voltage_holds_the_current_back_and_says_so);
	tcase_add_test(t, port_power_counts_the_diode_s_light);
	tcase_add_test(t, board_s_responsivity_is_1_at_1550_and_0_65_at_1640);
	tcase_add_test(t, board_s_responsivity_is_as_set_and_no_other_instrument_s);
	tcase_add_test(t, dark_current_doubles_every_10_kelvin);
	tcase_add_test(t, chip_s_photodiode_answers_to_bias_and_light);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return run_suite(chip_suite());
}
