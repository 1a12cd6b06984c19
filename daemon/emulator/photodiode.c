// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Photodiodes in numbers: constant quantum efficiency up to a soft band edge, dark current that
 * doubles with temperature, and for the diode on the chip a collection and a leakage that depend on
 * the bias.
 */
#include "emulator/photodiode.h"

#include <errno.h>
#include <math.h>

#include "base/util.h"
#include "emulator/noise.h"

#define REFERENCE_M 1550e-9
#define BOLTZMANN_V_PER_K 8.617333e-5
#define REFERENCE_K 298.15

#define PARAMETER(key, field, scale, value, min, max)                                  \
	{                                                                              \
		key, offsetof(struct photodiode_config, field), scale, value, min, max \
	}
const struct parameter photodiode_parameters[] = {
	PARAMETER("pd_responsivity_a_per_w", responsivity, 1, 1, 0.001, 10),
	/* So that 0.65 of it remain at 1640 nm */
	PARAMETER("pd_band_edge_pm", band.edge_m, 1e-12, 1646920, 1.2e6, 4e6),
	PARAMETER("pd_band_softness_pm", band.softness_m, 1e-12, 15000, 5000, 1e6),
	PARAMETER("pd_dark_na", dark_a, 1e-9, 0.5, 0, 1e6),
	PARAMETER("pd_dark_doubling_k", dark_doubling_k, 1, 10, 0.1, 1000),
	PARAMETER("pd_gain_error_percent", gain_error, 0.01, 0.2, 0, 10),
	PARAMETER("monitor_tap_percent", monitor_tap, 0.01, 1, 0, 50),
	PARAMETER("ambient_c", ambient_c, 1, 25, -40, 100),
};
const size_t photodiode_parameter_count = ARRAY_SIZE(photodiode_parameters);
#undef PARAMETER

#define PARAMETER(key, field, scale, value, min, max)                                  \
	{                                                                              \
		key, offsetof(struct chip_diode_config, field), scale, value, min, max \
	}
const struct parameter chip_diode_parameters[] = {
	PARAMETER("responsivity_a_per_w", responsivity, 1, 0.9, 0, 10),
	PARAMETER("collection_v", collection_v, 1, 0.4, 0.001, 100),
	PARAMETER("builtin_v", builtin_v, 1, 0.6, 0, 5),
	PARAMETER("dark_na", dark_a, 1e-9, 20, 0, 1e6),
	PARAMETER("dark_doubling_k", dark_doubling_k, 1, 12, 0.1, 1000),
	PARAMETER("leakage_per_v", leakage_per_v, 1, 0.6, 0, 100),
	PARAMETER("ideality", ideality, 1, 1.4, 1, 10),
	PARAMETER("series_ohm", series_ohm, 1, 50, 0.01, 1e6),
	PARAMETER("clamp_ma", clamp_a, 1e-3, 10, 0.001, 1000),
};
const size_t chip_diode_parameter_count = ARRAY_SIZE(chip_diode_parameters);
#undef PARAMETER

static double below_edge(const struct photodiode_band *band, double wavelength_m)
{
	return wavelength_m / (1 + exp((wavelength_m - band->edge_m) / band->softness_m));
}

double photodiode_response(const struct photodiode_band *band, double wavelength_m)
{
	return below_edge(band, wavelength_m) / below_edge(band, REFERENCE_M);
}

struct log_parabola photodiode_log_response(const struct photodiode_band *band, double wavelength_m)
{
	double beyond = 1 / (1 + exp((band->edge_m - wavelength_m) / band->softness_m));

	return (struct log_parabola){
		log(photodiode_response(band, wavelength_m)),
		1 / wavelength_m - beyond / band->softness_m,
		-(1 / (wavelength_m * wavelength_m) +
		  beyond * (1 - beyond) / (band->softness_m * band->softness_m)) /
			2,
	};
}

double photodiode_gain_error(const struct photodiode_config *config, uint64_t seed,
			     uint32_t channel)
{
	const struct noise_key key = {seed, 0, 0, NOISE_RESPONSIVITY, channel};

	return config->gain_error * noise_gauss(&key);
}

double photodiode_dark(const struct photodiode_config *config)
{
	return config->dark_a * exp2((config->ambient_c - 25) / config->dark_doubling_k);
}

double chip_diode_collection(const struct chip_diode_config *config, double bias_v)
{
	double field_v = config->builtin_v - bias_v;

	return field_v > 0 ? config->responsivity * -expm1(-field_v / config->collection_v) : 0;
}

/*
 * Forward current of a diode behind a resistor: v = i R + n Vt ln(1 + i / is), by Newton on the
 * junction voltage.
 */
static double forward_current(double is, double thermal_v, double series_ohm, double v)
{
	double junction = fmin(v, thermal_v * log1p(v / (series_ohm * is)));

	for (int i = 0; i < 50; i++) {
		double current = is * expm1(junction / thermal_v);
		double slope = 1 + series_ohm * (current + is) / thermal_v;
		double step = (junction + series_ohm * current - v) / slope;

		junction -= step;
		if (fabs(step) < 1e-15)
			break;
	}
	return is * expm1(junction / thermal_v);
}

double chip_diode_dark(const struct chip_diode_config *config, double bias_v, double temperature_k)
{
	double warm = exp2((temperature_k - REFERENCE_K) / config->dark_doubling_k);
	double thermal_v = config->ideality * BOLTZMANN_V_PER_K * temperature_k;
	/* The generation current that flows at -1 V, without its growth with voltage */
	double is = config->dark_a * warm / (1 + config->leakage_per_v) / -expm1(-1 / thermal_v);

	if (!(is > 0))
		return 0;
	if (bias_v > 0)
		return -fmin(config->clamp_a,
			     forward_current(is, thermal_v, config->series_ohm, bias_v));
	return fmin(config->clamp_a,
		    is * -expm1(bias_v / thermal_v) * (1 - config->leakage_per_v * bias_v));
}

int chip_diode_truth(const struct chip_diode_config *config, double temperature_k, json_t *truth)
{
	double at_1v = chip_diode_collection(config, -1),
	       dark_a = chip_diode_dark(config, -1, temperature_k);

	json_object_set_new(truth, "responsivity_at_-1v_a_per_w", json_real(at_1v));
	return json_object_set_new(truth, "dark_at_-1v_na", json_real(dark_a * 1e9)) < 0 ? -ENOMEM
											 : 0;
}
