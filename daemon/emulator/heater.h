/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The eight heaters of the chip: voltage to heat through a resistance that grows with it, thermal
 * time constant, and the phase that heat makes at the device. Layer: emulator, inside the plant.
 */
#ifndef ETALON_EMULATOR_HEATER_H
#define ETALON_EMULATOR_HEATER_H

#include <jansson.h>

#include "emulator/parameters.h"

#define HEATERS 8

struct heater_config {
	double resistance_ohm; /* at 25 C */
	double per_k; /* growth of the resistance */
	double k_per_w; /* rise of the heater itself */
	double pi_w; /* power of a phase of pi */
	double tau_s;
	double crosstalk; /* share of the phase that the next neighbour sees */
};

struct heaters {
	struct heater_config config;
	double power_w[HEATERS]; /* heat in effect: follows the electrical power with tau */
};

extern const struct parameter heater_parameters[];
extern const size_t heater_parameter_count;

/* `voltages` are those of h1..h8, held from the last call until now. */
void heaters_settle(struct heaters *heaters, const double *voltages);
void heaters_advance(struct heaters *heaters, const double *voltages, double dt_s);
double heater_resistance(const struct heaters *heaters, size_t index);
/* Of heater h1 and what leaks there from the others. */
double heaters_phase(const struct heaters *heaters);
int heater_truth(const struct heaters *heaters, json_t *truth);

#endif
