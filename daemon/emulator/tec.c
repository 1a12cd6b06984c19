// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * A temperature loop of first order, and the fault that it hunts for ever.
 */
#include "emulator/tec.h"

#include <math.h>

#include "base/util.h"

#define PARAMETER(key, field, scale, value, min, max)                           \
	{                                                                       \
		key, offsetof(struct tec_config, field), scale, value, min, max \
	}
const struct parameter tec_parameters[] = {
	PARAMETER("tec_tau_s", tau_s, 1, 8, 1e-6, 1e6),
	PARAMETER("tec_noise_mk", noise_k, 1e-3, 2, 0, 1e6),
	PARAMETER("tec_hunting_k", hunting_k, 1, 0.5, 0, 100),
	PARAMETER("tec_hunting_period_s", hunting_s, 1, 7, 0.001, 1e6),
};
const size_t tec_parameter_count = ARRAY_SIZE(tec_parameters);

void tec_advance(struct tec *tec, double setpoint_k, double dt_s)
{
	tec->settled_k += (setpoint_k - tec->settled_k) * -expm1(-dt_s / tec->config.tau_s);
}

double tec_temperature(const struct tec *tec, double time_s)
{
	if (!tec->hunting)
		return tec->settled_k;
	return tec->settled_k +
	       tec->config.hunting_k * sin(2 * M_PI * time_s / tec->config.hunting_s);
}
