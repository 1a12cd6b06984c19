// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Names of the effects that can be switched off, and the parser of the list of them.
 */
#include "emulator/effects.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"

static const struct {
	const char *name;
	uint32_t mask;
} effect_names[] = {
	{"rin", EFFECT_RIN},
	{"shot", EFFECT_SHOT},
	{"jitter", EFFECT_JITTER},
	{"tuning", EFFECT_TUNING},
	{"ripple", EFFECT_RIPPLE},
	{"fabry-perot", EFFECT_FABRY_PEROT},
	{"envelope", EFFECT_ENVELOPE},
	{"wlog-noise", EFFECT_WLOG_NOISE},
	{"wlog-sweep", EFFECT_WLOG_SWEEP},
	{"wlog-systematic", EFFECT_WLOG_SYSTEMATIC},
	{"johnson", EFFECT_JOHNSON},
	{"adc", EFFECT_ADC},
	{"ase", EFFECT_ASE},
	{"mode-hops", EFFECT_MODE_HOPS},
	{"tec-noise", EFFECT_TEC_NOISE},
	{"crosstalk", EFFECT_CROSSTALK},
	{"source-noise", EFFECT_SOURCE_NOISE},
	{"gas-systematic", EFFECT_GAS_SYSTEMATIC},
	{"bandwidth", EFFECT_BANDWIDTH},
	{"saturation", EFFECT_SATURATION},
	{"overload", EFFECT_OVERLOAD},
	{"rollover", EFFECT_ROLLOVER},
	{"t0", EFFECT_T0},
	{"t1", EFFECT_T1},
	{"series-resistance", EFFECT_SERIES_RESISTANCE},
	{"chip-temperature", EFFECT_CHIP_TEMPERATURE},
};

uint32_t effects_find(const char *name, size_t length)
{
	for (size_t i = 0; i < ARRAY_SIZE(effect_names); i++)
		if (strlen(effect_names[i].name) == length &&
		    memcmp(effect_names[i].name, name, length) == 0)
			return effect_names[i].mask;
	return 0;
}

static int unknown_effect(const char *name, size_t length, char **ret_message)
{
	char known[512] = "";
	size_t used = 0;

	for (size_t i = 0; i < ARRAY_SIZE(effect_names); i++)
		used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s", i ? ", " : "",
					 effect_names[i].name);
	return fail(ret_message, -EINVAL,
		    "no effect is called '%.*s'; effects that can be disabled: %s", (int)length,
		    name, known);
}

int effects_parse(const char *disabled, uint32_t *ret, char **ret_message)
{
	uint32_t enabled = UINT32_MAX;

	while (disabled && *disabled) {
		size_t length = strcspn(disabled, ",");
		uint32_t mask = effects_find(disabled, length);

		if (!mask)
			return unknown_effect(disabled, length, ret_message);
		enabled &= ~mask;
		disabled += length;
		if (*disabled == ',')
			disabled++;
	}
	*ret = enabled;
	return 0;
}
