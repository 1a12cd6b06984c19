// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Which quantity a channel's kind is, and the distances and speeds that people write in other
 * units than the values themselves. See quantity.h.
 */
#include "link/quantity.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "hw.h"

static enum quantity_kind kind_of_source(unsigned int kind)
{
	switch (kind) {
	case ETALON_HW_SOURCE_WAVELENGTH:
		return QUANTITY_WAVELENGTH;
	case ETALON_HW_SOURCE_POWER:
		return QUANTITY_POWER;
	case ETALON_HW_SOURCE_CURRENT:
		return QUANTITY_CURRENT;
	case ETALON_HW_SOURCE_VOLTAGE:
		return QUANTITY_VOLTAGE;
	case ETALON_HW_SOURCE_TEMPERATURE:
		return QUANTITY_TEMPERATURE;
	case ETALON_HW_SOURCE_POSITION:
		return QUANTITY_POSITION;
	case ETALON_HW_SOURCE_ATTENUATION:
		return QUANTITY_ATTENUATION;
	default:
		return QUANTITY_COUNT;
	}
}

static enum quantity_kind kind_of_detector(unsigned int kind)
{
	switch (kind) {
	case ETALON_HW_DETECTOR_PHOTOCURRENT:
	case ETALON_HW_DETECTOR_CURRENT:
		return QUANTITY_CURRENT;
	case ETALON_HW_DETECTOR_VOLTAGE:
		return QUANTITY_VOLTAGE;
	case ETALON_HW_DETECTOR_TEMPERATURE:
		return QUANTITY_TEMPERATURE;
	case ETALON_HW_DETECTOR_WAVELENGTH:
		return QUANTITY_WAVELENGTH;
	default:
		return QUANTITY_COUNT;
	}
}

/* Watts and kelvins as differences: quantity_format() writes them as dBm and C. */
static struct quantity_text linear(int64_t value, enum quantity_kind scale, const char *unit)
{
	/* Amperes have the same prefixes above femto as watts, volts above nano as kelvins above micro. */
	struct quantity_text q = quantity_format(scale, value);
	size_t n = strlen(q.text);

	if (n > 0)
		snprintf(q.text + n - 1, sizeof(q.text) - n + 1, "%s", unit);
	return q;
}

struct quantity_text source_quantity(unsigned int kind, int64_t value)
{
	return quantity_format(kind_of_source(kind), value);
}

struct quantity_text detector_quantity(unsigned int kind, int64_t value)
{
	return quantity_format(kind_of_detector(kind), value);
}

struct quantity_text source_distance(unsigned int kind, int64_t value)
{
	int64_t nano;

	switch (kind) {
	case ETALON_HW_SOURCE_WAVELENGTH:
		return quantity_format(QUANTITY_WAVELENGTH_SPAN, value);
	case ETALON_HW_SOURCE_POWER:
		return linear(value, QUANTITY_CURRENT, "W");
	case ETALON_HW_SOURCE_TEMPERATURE:
		if (__builtin_mul_overflow(value, (int64_t)1000, &nano))
			nano = value < 0 ? INT64_MIN : INT64_MAX;
		return linear(nano, QUANTITY_VOLTAGE, "K");
	default:
		return source_quantity(kind, value);
	}
}

struct quantity_text source_speed(unsigned int kind, int64_t value_per_s)
{
	struct quantity_text q = source_distance(kind, value_per_s);

	if (kind == ETALON_HW_SOURCE_WAVELENGTH)
		return quantity_format(QUANTITY_WAVELENGTH_SPEED, value_per_s);
	strncat(q.text, "/s", sizeof(q.text) - strlen(q.text) - 1);
	return q;
}

struct quantity_text duration_quantity(uint64_t ns)
{
	return quantity_format(QUANTITY_TIME, (int64_t)MIN(ns, (uint64_t)INT64_MAX));
}
