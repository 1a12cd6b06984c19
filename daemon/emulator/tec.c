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
	PARAMETER("tec_max_a", max_a, 1, 3, 0.001, 100),
	/* So that no step within 10 to 80 C asks for more than 3 A */
	PARAMETER("tec_k_per_a", k_per_a, 1, 25, 0.01, 1e4),
	PARAMETER("tec_noise_mk", noise_k, 1e-3, 2, 0, 1e6),
	PARAMETER("tec_hunting_k", hunting_k, 1, 0.5, 0, 100),
	PARAMETER("tec_hunting_period_s", hunting_s, 1, 7, 0.001, 1e6),
};
const size_t tec_parameter_count = ARRAY_SIZE(tec_parameters);

/* The part of `dt_s` that passes while the loop drives all the current that it has. */
static double at_the_limit(struct tec *tec, double setpoint_k, double dt_s)
{
	const double linear_k = tec->config.max_a * tec->config.k_per_a;
	const double error_k = setpoint_k - tec->settled_k;
	const double rate = linear_k / tec->config.tau_s;
	double limited_s;

	if (!(fabs(error_k) > linear_k))
		return 0;
	limited_s = fmin(dt_s, (fabs(error_k) - linear_k) / rate);
	tec->settled_k += copysign(rate * limited_s, error_k);
	return limited_s;
}

void tec_advance(struct tec *tec, double setpoint_k, double dt_s)
{
	dt_s -= at_the_limit(tec, setpoint_k, dt_s);
	tec->settled_k += (setpoint_k - tec->settled_k) * -expm1(-dt_s / tec->config.tau_s);
}

double tec_temperature(const struct tec *tec, double time_s)
{
	if (!tec->hunting)
		return tec->settled_k;
	return tec->settled_k +
	       tec->config.hunting_k * sin(2 * M_PI * time_s / tec->config.hunting_s);
}
