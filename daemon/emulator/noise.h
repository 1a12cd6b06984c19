/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Counter-based random numbers: a value is a pure function of its key, so that a seed
 * repeats bit for bit on every transport and in any order of evaluation. Layer: emulator.
 */
#ifndef ETALON_EMULATOR_NOISE_H
#define ETALON_EMULATOR_NOISE_H

#include <stdint.h>

struct noise_key {
	uint64_t seed; /* of the emulated board */
	uint64_t run_key; /* of the program, or a constant for what belongs to the board */
	uint64_t point; /* number of the point */
	uint32_t channel; /* enum erb1_detector, or NOISE_* */
	uint32_t draw; /* several values for one channel and point */
};

/* Keys of what is not a detector. */
enum noise_channel {
	NOISE_LASER_JITTER = 1000, /* per-point wavelength */
	NOISE_LASER_SWEEP, /* per-program wavelength and power repeatability */
	NOISE_LASER_TUNING, /* smooth tuning error, of the board */
	NOISE_LASER_RIPPLE, /* power ripple, of the board */
	NOISE_LASER_RIN,
	NOISE_WLOG_SYSTEMATIC, /* of the board */
	NOISE_WLOG_SWEEP,
	NOISE_MODE_HOP,
	NOISE_TEC,
	NOISE_FABRY_PEROT, /* phase of the ripple, of the board */
	NOISE_RESPONSIVITY, /* gain error of a photodiode, of the board; draw = channel */
	NOISE_SOURCE, /* of a current source; draw = source */
	NOISE_GAS_SYSTEMATIC, /* of the board */
	NOISE_FRONT_END = 2000, /* + detector: Johnson and ADC noise */
};

uint64_t noise_bits(const struct noise_key *key);
double noise_uniform(const struct noise_key *key); /* (0, 1) */
double noise_gauss(const struct noise_key *key); /* mean 0, variance 1 */

#endif
