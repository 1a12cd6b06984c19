/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A laser diode on ld1: light, voltage and current for a drive current and a temperature.
 * Layer: emulator, inside the plant.
 */
#ifndef ETALON_EMULATOR_LASER_DIODE_H
#define ETALON_EMULATOR_LASER_DIODE_H

#include <jansson.h>
#include <stdint.h>

#include "emulator/parameters.h"

struct laser_diode_config {
	double threshold_a; /* at 25 C junction */
	double slope_w_per_a; /* at 25 C junction */
	double knee_a; /* softness of the threshold */
	double t0_k; /* of the threshold; infinite: none */
	double t1_k; /* of the slope; infinite: none */
	double thermal_k_per_w; /* rise of the junction: makes the rollover */
	double series_ohm;
	double ideality;
	double saturation_a; /* of the junction */
	double wavelength_m;
	double collection_db; /* loss from the facet to the photodiode */
	double compliance_v; /* where the conditions name none */
	double noise_a; /* rms of the current source ... */
	double noise_hz; /* ... in this bandwidth */
};

extern const struct parameter laser_diode_parameters[];
extern const size_t laser_diode_parameter_count;

/* Takes out of the configuration what `effects` leaves off. */
void laser_diode_init(struct laser_diode_config *config, uint32_t effects);
/* Voltage at the sense wires. */
double laser_diode_voltage(const struct laser_diode_config *config, double current_a);
/* The drive current, or less where it would need more than the compliance voltage. */
double laser_diode_current(const struct laser_diode_config *config, double drive_a,
			   double compliance_v);
/* Power at the facet, W. */
double laser_diode_power(const struct laser_diode_config *config, double current_a, double case_k);
int laser_diode_truth(const struct laser_diode_config *config, double case_k, json_t *truth);

#endif
