// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Heaters of the chip. The chip's base temperature is the TEC's affair (tec.c).
 */
#include "emulator/heater.h"

#include <errno.h>
#include <math.h>

#include "base/util.h"

#define PARAMETER(key, field, scale, value, min, max)                              \
	{                                                                          \
		key, offsetof(struct heater_config, field), scale, value, min, max \
	}
const struct parameter heater_parameters[] = {
	PARAMETER("heater_ohm", resistance_ohm, 1, 1200, 1, 1e6),
	PARAMETER("heater_percent_per_k", per_k, 0.01, 0.1, 0, 10),
	PARAMETER("heater_k_per_mw", k_per_w, 1e3, 2, 0, 100),
	PARAMETER("heater_pi_mw", pi_w, 1e-3, 22, 0.001, 1e6),
	PARAMETER("heater_tau_us", tau_s, 1e-6, 15, 0.001, 1e6),
	PARAMETER("heater_crosstalk", crosstalk, 1, 0.05, 0, 1),
};
const size_t heater_parameter_count = ARRAY_SIZE(heater_parameters);

/* v^2 / (R (1 + k p)) = p: the power at which heat and resistance agree. */
static double settled_power(const struct heater_config *c, double v)
{
	double cold_w = v * v / c->resistance_ohm, k = c->per_k * c->k_per_w;

	return 2 * cold_w / (1 + sqrt(1 + 4 * k * cold_w));
}

void heaters_settle(struct heaters *heaters, const double *voltages)
{
	for (size_t i = 0; i < HEATERS; i++)
		heaters->power_w[i] = settled_power(&heaters->config, voltages[i]);
}

void heaters_advance(struct heaters *heaters, const double *voltages, double dt_s)
{
	double reached = -expm1(-dt_s / heaters->config.tau_s);

	for (size_t i = 0; i < HEATERS; i++)
		heaters->power_w[i] +=
			(settled_power(&heaters->config, voltages[i]) - heaters->power_w[i]) *
			reached;
}

double heater_resistance(const struct heaters *heaters, size_t index)
{
	const struct heater_config *c = &heaters->config;

	return c->resistance_ohm * (1 + c->per_k * c->k_per_w * heaters->power_w[index]);
}

double heaters_phase(const struct heaters *heaters)
{
	double power_w = 0, share = 1;

	for (size_t i = 0; i < HEATERS; i++) {
		power_w += share * heaters->power_w[i];
		share *= heaters->config.crosstalk;
	}
	return M_PI * power_w / heaters->config.pi_w;
}

int heater_truth(const struct heaters *heaters, json_t *truth)
{
	const struct heater_config *c = &heaters->config;
	json_t *json = json_pack("{s:f, s:f, s:f, s:f}", "resistance_ohm", c->resistance_ohm,
				 "percent_per_k", c->per_k * 100, "pi_mw", c->pi_w * 1e3, "tau_us",
				 c->tau_s * 1e6);

	return json_object_set_new(truth, "heater", json) < 0 ? -ENOMEM : 0;
}
