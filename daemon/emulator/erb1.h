/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The emulated reference board ERB-1: the places of its channels. Layer: emulator.
 *
 * Only the emulator may know these numbers; everyone else reads the description.
 */
#ifndef ETALON_EMULATOR_ERB1_H
#define ETALON_EMULATOR_ERB1_H

#include <stddef.h>
#include <stdint.h>

#include "hw.h"

enum erb1_source {
	ERB1_LASER_WAVELENGTH,
	ERB1_LASER_POWER,
	ERB1_GATE,
	ERB1_LD1,
	ERB1_CUR1, /* .. cur4 */
	ERB1_H1 = ERB1_CUR1 + 4, /* .. h8 */
	ERB1_BIAS1 = ERB1_H1 + 8, /* .. bias2 */
	ERB1_TEC1 = ERB1_BIAS1 + 2,
	ERB1_POS_X,
	ERB1_POS_Y,
	ERB1_SOURCES,
};

enum erb1_detector {
	ERB1_PD1, /* .. pd4 */
	ERB1_MON = ERB1_PD1 + 4,
	ERB1_WLOG,
	ERB1_ETALON,
	ERB1_GAS,
	ERB1_IPD1, /* .. ipd2 */
	ERB1_LD1_V = ERB1_IPD1 + 2,
	ERB1_LD1_I,
	ERB1_H1_V, /* h1.v, h1.i, h2.v, h2.i .. h8.i */
	ERB1_TEC1_T = ERB1_H1_V + 16,
	ERB1_DETECTORS,
};

struct erb1_parameters;

struct erb1_identity {
	const char *serial;
	uint64_t seed; /* varies the factory's gains and offsets */
};

/*
 * The description window of the board, whole and with its CRC, malloc'ed. The calibration
 * table tells the front end's gains and offsets exactly.
 */
int erb1_describe(const struct erb1_parameters *parameters, const struct erb1_identity *identity,
		  void **ret, size_t *ret_size);

#endif
