// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Integers of the board contract in units that people use. See quantity.h. Exact for
 * everything linear: decimal digits are moved, nothing is rounded but dBm.
 */
#include "link/quantity.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "hw.h"

struct scale {
	int64_t divisor; /* a power of ten */
	const char *unit;
};

/* Largest first; the first whose divisor the magnitude reaches is used, else the last. */
static const struct scale length_scale[] = {
	{1000000, "nm"}, {1000, "pm"}, {1, "fm"}, {0, NULL}};
static const struct scale power_scale[] = {
	{1000000000000000, "W"}, {1000000000000, "mW"}, {1000000000, "uW"},
	{1000000, "nW"},	 {1000, "pW"},		{1, "fW"},
	{0, NULL}};
static const struct scale current_scale[] = {
	{1000000000000000, "A"}, {1000000000000, "mA"}, {1000000000, "uA"},
	{1000000, "nA"},	 {1000, "pA"},		{1, "fA"},
	{0, NULL}};
static const struct scale voltage_scale[] = {
	{1000000000, "V"}, {1000000, "mV"}, {1000, "uV"}, {1, "nV"}, {0, NULL}};
static const struct scale kelvin_scale[] = {{1000000, "K"}, {1000, "mK"}, {1, "uK"}, {0, NULL}};
static const struct scale celsius_scale[] = {{1000000, "C"}, {0, NULL}};
static const struct scale position_scale[] = {{1000000, "mm"}, {1000, "um"}, {1, "nm"}, {0, NULL}};
static const struct scale attenuation_scale[] = {{1000000000, "dB"}, {0, NULL}};
static const struct scale count_scale[] = {{1, ""}, {0, NULL}};
static const struct scale time_scale[] = {
	{1000000000, "s"}, {1000000, "ms"}, {1000, "us"}, {1, "ns"}, {0, NULL}};

#define ZERO_CELSIUS_UK 273150000
#define ONE_MILLIWATT_FW 1e12

static uint64_t magnitude(int64_t value)
{
	return value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}

/* ".5" of 500 and divisor 1000: the digits behind the point, without the zeros that say nothing. */
static void fraction(char *text, uint64_t part, uint64_t divisor)
{
	if (part > 0)
		*text++ = '.';
	while (part > 0) {
		divisor /= 10;
		*text++ = (char)('0' + part / divisor);
		part %= divisor;
	}
	*text = '\0';
}

static struct quantity decimal(int64_t value, const struct scale *scales, const char *suffix)
{
	const struct scale *s = scales;
	uint64_t size = magnitude(value);
	char behind_point[24];
	struct quantity q;

	while (s[1].unit && size < (uint64_t)s->divisor)
		s++;
	if (size == 0)
		s = scales; /* "0 nm", not "0 fm" */
	fraction(behind_point, size % (uint64_t)s->divisor, (uint64_t)s->divisor);
	snprintf(q.text, sizeof(q.text), "%s%" PRIu64 "%s%s%s%s", value < 0 ? "-" : "",
		 size / (uint64_t)s->divisor, behind_point, *s->unit ? " " : "", s->unit, suffix);
	return q;
}

static struct quantity decibel_milliwatt(int64_t value_fw)
{
	struct quantity q;
	double dbm;

	if (value_fw <= 0)
		return decimal(value_fw, power_scale, "");
	dbm = 10 * log10((double)value_fw / ONE_MILLIWATT_FW);
	snprintf(q.text, sizeof(q.text), "%.2f", dbm);
	for (size_t n = strlen(q.text); q.text[n - 1] == '0'; n--) /* ends at the point */
		q.text[n - 1] = '\0';
	if (q.text[strlen(q.text) - 1] == '.')
		q.text[strlen(q.text) - 1] = '\0';
	if (streq(q.text, "-0"))
		strcpy(q.text, "0");
	strcat(q.text, " dBm");
	return q;
}

static const struct scale *source_scale(unsigned int kind)
{
	switch (kind) {
	case ETALON_HW_SOURCE_WAVELENGTH:
		return length_scale;
	case ETALON_HW_SOURCE_POWER:
		return power_scale;
	case ETALON_HW_SOURCE_CURRENT:
		return current_scale;
	case ETALON_HW_SOURCE_VOLTAGE:
		return voltage_scale;
	case ETALON_HW_SOURCE_TEMPERATURE:
		return kelvin_scale;
	case ETALON_HW_SOURCE_POSITION:
		return position_scale;
	case ETALON_HW_SOURCE_ATTENUATION:
		return attenuation_scale;
	default:
		return count_scale;
	}
}

struct quantity source_quantity(unsigned int kind, int64_t value)
{
	int64_t celsius;

	if (kind == ETALON_HW_SOURCE_POWER)
		return decibel_milliwatt(value);
	if (kind == ETALON_HW_SOURCE_TEMPERATURE &&
	    !__builtin_sub_overflow(value, (int64_t)ZERO_CELSIUS_UK, &celsius))
		return decimal(celsius, celsius_scale, "");
	return decimal(value, source_scale(kind), "");
}

struct quantity detector_quantity(unsigned int kind, int64_t value)
{
	switch (kind) {
	case ETALON_HW_DETECTOR_PHOTOCURRENT:
	case ETALON_HW_DETECTOR_CURRENT:
		return decimal(value, current_scale, "");
	case ETALON_HW_DETECTOR_VOLTAGE:
		return decimal(value, voltage_scale, "");
	case ETALON_HW_DETECTOR_TEMPERATURE:
		return source_quantity(ETALON_HW_SOURCE_TEMPERATURE, value);
	case ETALON_HW_DETECTOR_WAVELENGTH:
		return decimal(value, length_scale, "");
	default:
		return decimal(value, count_scale, "");
	}
}

struct quantity source_distance(unsigned int kind, int64_t value)
{
	return decimal(value, source_scale(kind), "");
}

struct quantity source_speed(unsigned int kind, int64_t value_per_s)
{
	return decimal(value_per_s, source_scale(kind), "/s");
}

struct quantity duration_quantity(uint64_t ns)
{
	return decimal(ns > INT64_MAX ? INT64_MAX : (int64_t)ns, time_scale, "");
}

struct quantity count_quantity(uint64_t count)
{
	struct quantity q;
	char digits[24];
	size_t n, at = 0;

	n = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, count);
	for (size_t i = 0; i < n; i++) {
		if (i > 0 && (n - i) % 3 == 0)
			q.text[at++] = ' ';
		q.text[at++] = digits[i];
	}
	q.text[at] = '\0';
	return q;
}
