/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The temperature loop of the chip. Layer: emulator, inside the plant.
 */
#ifndef ETALON_EMULATOR_TEC_H
#define ETALON_EMULATOR_TEC_H

#include <stdbool.h>

#include "emulator/parameters.h"

struct tec_config {
	double tau_s;
	double max_a; /* the current that the loop can drive, either way ... */
	double k_per_a; /* ... of which each ampere answers to so many kelvin of error */
	double noise_k; /* sigma of a reading; the chip itself is quiet */
	double hunting_k; /* amplitude of a loop that never settles ... */
	double hunting_s; /* ... and its period */
};

struct tec {
	struct tec_config config;
	double settled_k; /* without hunting */
	bool hunting;
};

extern const struct parameter tec_parameters[];
extern const size_t tec_parameter_count;

/* `dt_s` later; beyond the limit of its current the loop moves at a constant rate. */
void tec_advance(struct tec *tec, double setpoint_k, double dt_s);
double tec_temperature(const struct tec *tec, double time_s);

#endif
