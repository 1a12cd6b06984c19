// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Grating couplers: a Gaussian envelope in dB, and the ripple of the cavity that two weak
 * reflections make. The fibres sit in one array, so both couplers see the same displacement.
 */
#include "emulator/coupling.h"

#include <math.h>

#include "base/util.h"
#include "emulator/effects.h"
#include "emulator/noise.h"

#define PARAMETER(key, field, scale, value, min, max)                                \
	{                                                                            \
		key, offsetof(struct coupling_config, field), scale, value, min, max \
	}

const struct parameter coupling_parameters[] = {
	PARAMETER("coupler_loss_db", coupler_db, 1, 6, 0, 100),
	PARAMETER("envelope_peak_nm", peak_m, 1e-9, 1552, 400, 3000),
	PARAMETER("envelope_width_nm", envelope_m, 1e-9, 40, 0.1, 100000),
	PARAMETER("fabry_perot_db", fabry_perot_db, 1, 0.2, 0, 10),
	PARAMETER("fabry_perot_period_nm", fabry_perot_period_m, 1e-9, 0.32, 0.001, 1000),
	PARAMETER("mode_radius_um", radius_m, 1e-6, 5, 0.1, 1000),
	PARAMETER("position_x_um", position_x_m, 1e-6, 0, -1e6, 1e6),
	PARAMETER("position_y_um", position_y_m, 1e-6, 0, -1e6, 1e6),
};
const size_t coupling_parameter_count = ARRAY_SIZE(coupling_parameters);

void coupling_init(struct coupling *coupling, uint64_t seed, uint32_t effects)
{
	const struct noise_key phase = {seed, 0, 0, NOISE_FABRY_PEROT, 0};
	const struct coupling_config *c = &coupling->config;
	double half = c->envelope_m / 2;

	coupling->loss = -NEPER_PER_DB * c->coupler_db;
	coupling->curvature = effects & EFFECT_ENVELOPE ? -M_LN2 / (half * half) : 0;
	coupling->ripple = effects & EFFECT_FABRY_PEROT ? NEPER_PER_DB * c->fabry_perot_db / 2 : 0;
	coupling->path_m = 2 * M_PI * c->peak_m * c->peak_m / c->fabry_perot_period_m;
	coupling->phase = 2 * M_PI * noise_uniform(&phase);
}

struct log_parabola coupling_at(const struct coupling *coupling, unsigned int couplers,
				double wavelength_m)
{
	double x = wavelength_m - coupling->config.peak_m, k = coupling->curvature * couplers / 2;

	return (struct log_parabola){couplers * coupling->loss + k * x * x, 2 * k * x, k};
}

double coupling_ripple(const struct coupling *coupling, double wavelength_m)
{
	return coupling->ripple * cos(coupling->path_m / wavelength_m + coupling->phase);
}

double coupling_position(const struct coupling *coupling, unsigned int couplers, double x_m,
			 double y_m)
{
	double x = (x_m - coupling->config.position_x_m) / coupling->config.radius_m;
	double y = (y_m - coupling->config.position_y_m) / coupling->config.radius_m;

	return exp(-(double)couplers * (x * x + y * y));
}

double coupling_feature_m(const struct coupling *coupling)
{
	return coupling->config.fabry_perot_period_m / 3;
}
