// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Writing quantities: digits are moved, never rounded, but in dBm. See quantity.h.
 */
#include "base/quantity.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/util.h"

struct scale {
	int64_t divisor; /* a power of ten, largest first */
	const char *unit;
};

static const struct scale lengths[] = {{1000000, "nm"}, {1000, "pm"}, {1, "fm"}, {0, NULL}};
static const struct scale speeds[] = {{1000000, "nm/s"}, {1000, "pm/s"}, {1, "fm/s"}, {0, NULL}};
static const struct scale frequencies[] = {
	{1000000000000000, "THz"}, {1000000000000, "GHz"}, {1000000000, "MHz"},
	{1000000, "kHz"},	   {1000, "Hz"},	   {0, NULL}};
static const struct scale powers[] = {{1000000000000000, "W"},
				      {1000000000000, "mW"},
				      {1000000000, "uW"},
				      {1000000, "nW"},
				      {1000, "pW"},
				      {1, "fW"},
				      {0, NULL}};
static const struct scale currents[] = {{1000000000000000, "A"},
					{1000000000000, "mA"},
					{1000000000, "uA"},
					{1000000, "nA"},
					{1000, "pA"},
					{1, "fA"},
					{0, NULL}};
static const struct scale voltages[] = {{1000000000, "V"},
					{1000000, "mV"},
					{1000, "uV"},
					{1, "nV"},
					{0, NULL}};
static const struct scale temperatures[] = {{1000000, "C"}, {0, NULL}};
static const struct scale kelvins[] = {{1000000, "K"}, {0, NULL}};
static const struct scale positions[] = {{1000000, "mm"}, {1000, "um"}, {1, "nm"}, {0, NULL}};
static const struct scale attenuations[] = {{1000000000, "dB"}, {0, NULL}};
static const struct scale times[] = {{1000000000, "s"},
				     {1000000, "ms"},
				     {1000, "us"},
				     {1, "ns"},
				     {0, NULL}};
static const struct scale counts[] = {{1, ""}, {0, NULL}};

static const struct scale *const scales[QUANTITY_KINDS] = {
	[QUANTITY_WAVELENGTH] = lengths,
	[QUANTITY_WAVELENGTH_SPAN] = lengths,
	[QUANTITY_WAVELENGTH_SPEED] = speeds,
	[QUANTITY_FREQUENCY] = frequencies,
	[QUANTITY_POWER] = powers,
	[QUANTITY_CURRENT] = currents,
	[QUANTITY_VOLTAGE] = voltages,
	[QUANTITY_TEMPERATURE] = temperatures,
	[QUANTITY_POSITION] = positions,
	[QUANTITY_ATTENUATION] = attenuations,
	[QUANTITY_TIME] = times,
	[QUANTITY_COUNT] = counts,
};

/* The largest unit that leaves a whole part; the largest for 0. */
static const struct scale *fitting(const struct scale *s, uint64_t size)
{
	if (size == 0)
		return s;
	while (s[1].unit && size < (uint64_t)s->divisor)
		s++;
	return s;
}

/*
 * ".1234" of part / divisor without the zeros that say nothing, "" for none. divisor: a power of
 * ten.
 */
static void fraction_text(uint64_t part, uint64_t divisor, char text[static 24])
{
	size_t digits = 0;

	for (; divisor > 1; divisor /= 10)
		digits++;
	text[0] = '.';
	for (size_t i = digits; i > 0; i--) {
		text[i] = (char)('0' + part % 10);
		part /= 10;
	}
	while (digits > 0 && text[digits] == '0')
		digits--;
	text[digits > 0 ? digits + 1 : 0] = '\0';
}

static struct quantity_text decimal_text(const struct scale *list, int64_t value, const char *space)
{
	uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
	const struct scale *s = fitting(list, size);
	uint64_t divisor = (uint64_t)s->divisor;
	struct quantity_text q;
	char fraction[24];

	fraction_text(size % divisor, divisor, fraction);
	snprintf(q.text, sizeof(q.text), "%s%" PRIu64 "%s%s%s", value < 0 ? "-" : "",
		 size / divisor, fraction, *s->unit ? space : "", s->unit);
	return q;
}

/* Hundredths as an integer: no decimal sign of a locale. */
static struct quantity_text dbm_text(int64_t value_fw, const char *space)
{
	long hundredths =
		lround(1000 * log10((double)value_fw / (double)QUANTITY_ONE_MILLIWATT_FW));
	long size = labs(hundredths);
	struct quantity_text q;
	const char *sign = hundredths < 0 ? "-" : "";

	if (size % 100 == 0)
		snprintf(q.text, sizeof(q.text), "%s%ld%sdBm", sign, size / 100, space);
	else if (size % 10 == 0)
		snprintf(q.text, sizeof(q.text), "%s%ld.%ld%sdBm", sign, size / 100, size / 10 % 10,
			 space);
	else
		snprintf(q.text, sizeof(q.text), "%s%ld.%02ld%sdBm", sign, size / 100, size % 100,
			 space);
	return q;
}

static struct quantity_text format(enum quantity_kind kind, int64_t value, const char *space)
{
	int64_t celsius;

	if (kind == QUANTITY_POWER && value > 0)
		return dbm_text(value, space);
	if (kind == QUANTITY_TEMPERATURE) {
		if (__builtin_sub_overflow(value, (int64_t)QUANTITY_ZERO_CELSIUS_UK, &celsius))
			return decimal_text(kelvins, value, space);
		return decimal_text(temperatures, celsius, space);
	}
	return decimal_text(scales[kind], value, space);
}

struct quantity_text quantity_format(enum quantity_kind kind, int64_t value)
{
	return format(kind, value, " ");
}

struct quantity_text quantity_typed(enum quantity_kind kind, int64_t value)
{
	struct quantity_text q = format(kind, value, "");
	int64_t back;

	/* dBm is rounded: where that would change the value, milliwatts say it exactly. */
	if (kind == QUANTITY_POWER &&
	    (quantity_parse(q.text, kind, &back, NULL) < 0 || back != value))
		return decimal_text(powers, value, "");
	return q;
}

struct quantity_text quantity_count(uint64_t count)
{
	struct quantity_text q;
	char digits[24];
	size_t n = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, count), at = 0;

	for (size_t i = 0; i < n; i++) {
		if (i > 0 && (n - i) % 3 == 0)
			q.text[at++] = ' ';
		q.text[at++] = digits[i];
	}
	q.text[at] = '\0';
	return q;
}
