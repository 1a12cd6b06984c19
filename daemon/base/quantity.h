/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Quantities as people write them, to and from the integers of the board contract:
 * "1540nm", "0 dBm", "1pm", "20nm/s", "40us", "193.4THz", "1.5 mW". Layer: base.
 *
 * Decimal text becomes an integer with one correct rounding (half to even) and no double in
 * between; only dBm and optical frequencies need a transcendental function or a quotient.
 * A unit is never guessed: a number without one is refused with what would do. Independent of
 * the locale. Knows nothing of channels and limits.
 */
#ifndef ETALON_BASE_QUANTITY_H
#define ETALON_BASE_QUANTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum quantity_kind {
	QUANTITY_WAVELENGTH, /* fm in vacuum; also written as an optical frequency */
	QUANTITY_WAVELENGTH_SPAN, /* fm between two wavelengths */
	QUANTITY_WAVELENGTH_SPEED, /* fm/s */
	QUANTITY_FREQUENCY, /* mHz */
	QUANTITY_POWER, /* fW; also written in dBm */
	QUANTITY_CURRENT, /* fA */
	QUANTITY_VOLTAGE, /* nV */
	QUANTITY_TEMPERATURE, /* uK above absolute zero; written in C or K */
	QUANTITY_POSITION, /* nm */
	QUANTITY_ATTENUATION, /* ndB */
	QUANTITY_TIME, /* ns */
	QUANTITY_COUNT, /* a whole number, no unit */
	QUANTITY_KINDS
};

/*
 * -EINVAL not a number, no unit, or a unit of something else; -ERANGE too large for 64 bits;
 * -EDOM so small that it would become 0. *ret_message says what is wrong and what would do, in
 * one sentence that begins with the text in quotes.
 */
int quantity_parse(const char *text, enum quantity_kind kind, int64_t *ret, char **ret_message);

/*
 * True when the text's unit is one of optical frequency (THz, GHz ...), whether or not it parses.
 */
bool quantity_is_frequency(const char *text);

/*
 * True for dBm and optical frequencies: hardly any of the contract's integers can be written so,
 * and who sets a source must take the nearest that it has. False for decimal units, which say
 * exactly what is meant.
 */
bool quantity_is_derived(const char *text);

/* True for a unit alone, "nm": somebody left a blank in front of it. */
bool quantity_is_unit(const char *word);

struct quantity_text {
	char text[48];
};

/*
 * In the largest unit that leaves a whole part: "1540 nm", "2.5 pm", "0 dBm", "25 C". All digits
 * are kept, but dBm, which has two decimals.
 */
struct quantity_text quantity_format(enum quantity_kind kind, int64_t value);
/* The same without a space, as one would type it: "1540nm". quantity_parse() reads it back. */
struct quantity_text quantity_typed(enum quantity_kind kind, int64_t value);
/* 20001 -> "20 001" */
struct quantity_text quantity_count(uint64_t count);

/* "wavelength", "power": for messages. */
const char *quantity_kind_name(enum quantity_kind kind);
/* "nm, pm, fm, um, THz, GHz": the units that quantity_parse() takes. */
const char *quantity_kind_units(enum quantity_kind kind);
/*
 * The kind for a channel whose integers have this unit of the board contract ("fm", "fW", "fA",
 * "nV", "uK", "nm", "ndB", "ns"; "" is a count), or -ENOENT.
 */
int quantity_kind_of_unit(const char *unit);

#define QUANTITY_ZERO_CELSIUS_UK 273150000LL
#define QUANTITY_ONE_MILLIWATT_FW 1000000000000LL
#define LIGHT_M_PER_S 299792458LL

/* c / f, rounded half to even; mhz above 0. -ERANGE when it is more than 64 bits hold. */
int wavelength_of_frequency(int64_t mhz, int64_t *ret_fm);

#endif
