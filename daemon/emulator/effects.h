/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The effects of the plant and of the board's front end that can be switched off by name.
 * Layer: emulator. plant.h lists the names for its users; effects.c is their one place.
 */
#ifndef ETALON_EMULATOR_EFFECTS_H
#define ETALON_EMULATOR_EFFECTS_H

#include <stddef.h>
#include <stdint.h>

enum effect {
	EFFECT_RIN = 1U << 0,
	EFFECT_SHOT = 1U << 1,
	EFFECT_JITTER = 1U << 2,
	EFFECT_TUNING = 1U << 3,
	EFFECT_RIPPLE = 1U << 4,
	EFFECT_FABRY_PEROT = 1U << 5,
	EFFECT_ENVELOPE = 1U << 6,
	EFFECT_WLOG_NOISE = 1U << 7,
	EFFECT_WLOG_SWEEP = 1U << 8,
	EFFECT_WLOG_SYSTEMATIC = 1U << 9,
	EFFECT_JOHNSON = 1U << 10,
	EFFECT_ADC = 1U << 11,
	EFFECT_ASE = 1U << 12,
	EFFECT_MODE_HOPS = 1U << 13,
	EFFECT_TEC_NOISE = 1U << 14,
	EFFECT_CROSSTALK = 1U << 15,
	EFFECT_SOURCE_NOISE = 1U << 16,
	EFFECT_GAS_SYSTEMATIC = 1U << 17,
	EFFECT_BANDWIDTH = 1U << 18,
	EFFECT_SATURATION = 1U << 19,
	EFFECT_OVERLOAD = 1U << 20,
	EFFECT_ROLLOVER = 1U << 21,
	EFFECT_T0 = 1U << 22,
	EFFECT_T1 = 1U << 23,
	EFFECT_SERIES_RESISTANCE = 1U << 24,
	EFFECT_CHIP_TEMPERATURE = 1U << 25,
};

/*
 * `disabled` is a comma-separated list or NULL; what remains enabled goes to *ret. -EINVAL with a
 * message.
 */
int effects_parse(const char *disabled, uint32_t *ret, char **ret_message);
/* Mask of the effect of this name, 0 when there is none. */
uint32_t effects_find(const char *name, size_t length);

#endif
