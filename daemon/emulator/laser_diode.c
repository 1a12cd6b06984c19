// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * A laser diode in steady state. The threshold has a soft knee; the rollover is not a formula of
 * its own but self-heating: threshold rises and slope falls with the junction's temperature.
 */
#include "emulator/laser_diode.h"

#include <errno.h>
#include <math.h>

#include "base/util.h"
#include "emulator/effects.h"

#define THERMAL_V 0.02569 /* kT/q at 25 C */
#define REFERENCE_K 298.15

#define PARAMETER(key, field, scale, value, min, max)                                   \
	{                                                                               \
		key, offsetof(struct laser_diode_config, field), scale, value, min, max \
	}
const struct parameter laser_diode_parameters[] = {
	PARAMETER("threshold_ma", threshold_a, 1e-3, 12, 0.001, 1000),
	PARAMETER("slope_w_per_a", slope_w_per_a, 1, 0.25, 0.0001, 10),
	PARAMETER("knee_ma", knee_a, 1e-3, 0.3, 0.0001, 100),
	PARAMETER("t0_k", t0_k, 1, 55, 1, 1e6),
	PARAMETER("t1_k", t1_k, 1, 150, 1, 1e6),
	PARAMETER("thermal_k_per_w", thermal_k_per_w, 1, 60, 0, 1e4),
	PARAMETER("series_ohm", series_ohm, 1, 4, 0.001, 1e4),
	PARAMETER("ideality", ideality, 1, 1.8, 1, 10),
	PARAMETER("saturation_na", saturation_a, 1e-9, 0.1, 1e-9, 1e6),
	PARAMETER("wavelength_nm", wavelength_m, 1e-9, 1550, 400, 3000),
	PARAMETER("collection_db", collection_db, 1, 15, 0, 100),
	PARAMETER("compliance_v", compliance_v, 1, 3, 0.1, 100),
	PARAMETER("noise_ua", noise_a, 1e-6, 2, 0, 1000),
	PARAMETER("noise_bandwidth_khz", noise_hz, 1e3, 100, 0.001, 1e6),
};
const size_t laser_diode_parameter_count = ARRAY_SIZE(laser_diode_parameters);

void laser_diode_init(struct laser_diode_config *config, uint32_t effects)
{
	if (!(effects & EFFECT_ROLLOVER))
		config->thermal_k_per_w = 0;
	if (!(effects & EFFECT_T0))
		config->t0_k = INFINITY;
	if (!(effects & EFFECT_T1))
		config->t1_k = INFINITY;
	if (!(effects & EFFECT_SERIES_RESISTANCE))
		config->series_ohm = 0;
}

double laser_diode_voltage(const struct laser_diode_config *config, double current_a)
{
	double junction = config->ideality * THERMAL_V * log1p(current_a / config->saturation_a);

	return junction + config->series_ohm * current_a;
}

double laser_diode_current(const struct laser_diode_config *config, double drive_a,
			   double compliance_v)
{
	double low = 0, high = drive_a;

	if (!(drive_a > 0))
		return 0;
	if (!(laser_diode_voltage(config, drive_a) > compliance_v))
		return drive_a;
	for (int i = 0; i < 60; i++) {
		double middle = (low + high) / 2;

		if (laser_diode_voltage(config, middle) > compliance_v)
			high = middle;
		else
			low = middle;
	}
	return low;
}

static double junction_k(const struct laser_diode_config *config, double current_a, double case_k)
{
	return case_k +
	       config->thermal_k_per_w * current_a * laser_diode_voltage(config, current_a);
}

/* How far the current is above the threshold of the junction that it heats. */
static double above_threshold(const struct laser_diode_config *config, double current_a,
			      double case_k)
{
	double warm = junction_k(config, current_a, case_k) - REFERENCE_K;

	return current_a - config->threshold_a * exp(warm / config->t0_k);
}

static double slope_at(const struct laser_diode_config *config, double current_a, double case_k)
{
	double warm = junction_k(config, current_a, case_k) - REFERENCE_K;

	return config->slope_w_per_a * exp(-warm / config->t1_k);
}

double laser_diode_power(const struct laser_diode_config *config, double current_a, double case_k)
{
	double x = above_threshold(config, current_a, case_k) / config->knee_a;
	double soft;

	if (!(current_a > 0))
		return 0;
	soft = x > 30 ? x : log1p(exp(x));
	return slope_at(config, current_a, case_k) * config->knee_a * soft;
}

/*
 * The current at which the diode is exactly at threshold: where the knee bends most. Found from
 * below, because a hot diode falls out of lasing again. NAN when it never lases.
 */
static double threshold_current(const struct laser_diode_config *config, double case_k)
{
	double high = config->threshold_a / 10, low = 0;

	while (above_threshold(config, high, case_k) < 0) {
		low = high;
		high += config->threshold_a / 10;
		if (high > 1000 * config->threshold_a)
			return NAN;
	}
	for (int i = 0; i < 100; i++) {
		double middle = (low + high) / 2;

		if (above_threshold(config, middle, case_k) > 0)
			high = middle;
		else
			low = middle;
	}
	return low;
}

int laser_diode_truth(const struct laser_diode_config *config, double case_k, json_t *truth)
{
	double threshold = threshold_current(config, case_k), step = threshold * 1e-5;
	/*
	 * Slope of the line above the knee, where it leaves the threshold; self-heating costs a
	 * little of it.
	 */
	double opening = (above_threshold(config, threshold + step, case_k) -
			  above_threshold(config, threshold - step, case_k)) /
			 (2 * step);

	if (isfinite(threshold)) {
		json_object_set_new(truth, "threshold_ma", json_real(threshold * 1e3));
		json_object_set_new(truth, "slope_w_per_a",
				    json_real(slope_at(config, threshold, case_k) * opening));
	}
	json_object_set_new(truth, "series_ohm", json_real(config->series_ohm));
	if (isfinite(config->t0_k))
		json_object_set_new(truth, "t0_k", json_real(config->t0_k));
	json_object_set_new(truth, "collection_db", json_real(config->collection_db));
	return json_object_set_new(truth, "wavelength_nm", json_real(config->wavelength_m * 1e9)) <
			       0
		       ? -ENOMEM
		       : 0;
}
