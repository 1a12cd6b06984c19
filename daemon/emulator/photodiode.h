/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Photodiodes: the board's own (responsivity, dark current) and the one on the chip that is biased
 * by bias1 and read by ipd1. Layer: emulator; photodiode_response() also makes the board's
 * factory calibration table.
 */
#ifndef ETALON_EMULATOR_PHOTODIODE_H
#define ETALON_EMULATOR_PHOTODIODE_H

#include <jansson.h>
#include <stdint.h>

#include "emulator/logarithm.h"
#include "emulator/parameters.h"

/* Response of InGaAs over wavelength: constant quantum efficiency up to a soft band edge. */
struct photodiode_band {
	double edge_m;
	double softness_m;
};

struct photodiode_config {
	double responsivity; /* A/W at 1550 nm */
	struct photodiode_band band;
	double dark_a; /* at 25 C */
	double dark_doubling_k;
	double gain_error; /* sigma, of each channel against the nominal responsivity */
	double monitor_tap; /* share of the port's power on the monitor diode */
	double ambient_c; /* of the board's diodes */
};

struct chip_diode_config {
	double responsivity; /* A/W at 1550 nm and full reverse bias */
	double collection_v; /* reverse voltage that collects 1 - 1/e of the carriers */
	double builtin_v;
	double dark_a; /* at -1 V and 25 C */
	double dark_doubling_k;
	double leakage_per_v; /* growth of the dark current with reverse voltage */
	double ideality;
	double series_ohm;
	double clamp_a; /* of the bias source */
};

extern const struct parameter photodiode_parameters[];
extern const size_t photodiode_parameter_count;
extern const struct parameter chip_diode_parameters[];
extern const size_t chip_diode_parameter_count;

/* Responsivity over that at 1550 nm. */
double photodiode_response(const struct photodiode_band *band, double wavelength_m);
/* Its logarithm around a wavelength. */
struct log_parabola photodiode_log_response(const struct photodiode_band *band,
					    double wavelength_m);
/* Relative error of one channel (0..) of the board with this seed. */
double photodiode_gain_error(const struct photodiode_config *config, uint64_t seed,
			     uint32_t channel);
double photodiode_dark(const struct photodiode_config *config);

/* A/W over A/W at 1550 nm, for a bias in V (negative: reverse). */
double chip_diode_collection(const struct chip_diode_config *config, double bias_v);
/* Current without light, A: positive in reverse, as photocurrent is. */
double chip_diode_dark(const struct chip_diode_config *config, double bias_v, double temperature_k);
int chip_diode_truth(const struct chip_diode_config *config, double temperature_k, json_t *truth);

#endif
