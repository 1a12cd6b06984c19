// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Reading quantities: number, then unit, then one rounding. See quantity.h.
 */
#include "base/quantity.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/decimal.h"
#include "base/util.h"

#define UNIT_MAX 24

struct kind {
	const char *name;
	const char *units;
	const char *example; /* of a unit to write behind a bare number */
	const char *smallest; /* one of the integers */
	const char *contract; /* the unit of the board contract */
};

static const struct kind kinds[QUANTITY_KINDS] = {
	[QUANTITY_WAVELENGTH] = {"a wavelength", "nm, pm, fm, um, THz, GHz", "nm", "1 fm", "fm"},
	[QUANTITY_WAVELENGTH_SPAN] = {"a wavelength span", "nm, pm, fm, um", "pm", "1 fm", NULL},
	[QUANTITY_WAVELENGTH_SPEED] = {"a sweep speed", "nm/s, pm/s, um/s, nm/ms, nm/min", "nm/s",
				       "1 fm/s", "fm/s"},
	[QUANTITY_FREQUENCY] = {"a frequency", "THz, GHz, MHz, kHz, Hz", "THz", "1 mHz", "mHz"},
	[QUANTITY_POWER] = {"an optical power", "dBm, mW, uW, nW, pW, W", "dBm", "1 fW", "fW"},
	[QUANTITY_CURRENT] = {"a current", "mA, uA, nA, pA, A", "mA", "1 fA", "fA"},
	[QUANTITY_VOLTAGE] = {"a voltage", "V, mV, uV, nV", "V", "1 nV", "nV"},
	[QUANTITY_TEMPERATURE] = {"a temperature", "C, K", "C", "1 uK", "uK"},
	[QUANTITY_POSITION] = {"a position", "um, nm, mm", "um", "1 nm", "nm"},
	[QUANTITY_ATTENUATION] = {"an attenuation", "dB", "dB", "1e-9 dB", "ndB"},
	[QUANTITY_TIME] = {"a time", "s, ms, us, ns, min, h", "ms", "1 ns", "ns"},
	[QUANTITY_COUNT] = {"a whole number", "no unit", "", "1", ""},
};

enum special { LINEAR, DBM, CELSIUS, FREQUENCY };

struct unit {
	const char *name;
	unsigned int kinds; /* bits of enum quantity_kind */
	int power; /* integer = number x factor x 10^power */
	int factor;
	enum special special;
};

#define K(kind) (1U << QUANTITY_##kind)
#define LENGTHS (K(WAVELENGTH) | K(WAVELENGTH_SPAN))
#define FREQUENCIES (K(WAVELENGTH) | K(FREQUENCY))

static const struct unit units[] = {
	{"nm", LENGTHS, 6, 1, LINEAR},
	{"pm", LENGTHS, 3, 1, LINEAR},
	{"fm", LENGTHS, 0, 1, LINEAR},
	{"um", LENGTHS, 9, 1, LINEAR},
	{"nm", K(POSITION), 0, 1, LINEAR},
	{"um", K(POSITION), 3, 1, LINEAR},
	{"mm", K(POSITION), 6, 1, LINEAR},
	{"THz", FREQUENCIES, 15, 1, FREQUENCY},
	{"GHz", FREQUENCIES, 12, 1, FREQUENCY},
	{"MHz", K(FREQUENCY), 9, 1, FREQUENCY},
	{"kHz", K(FREQUENCY), 6, 1, FREQUENCY},
	{"Hz", K(FREQUENCY), 3, 1, FREQUENCY},
	{"nm/s", K(WAVELENGTH_SPEED), 6, 1, LINEAR},
	{"pm/s", K(WAVELENGTH_SPEED), 3, 1, LINEAR},
	{"fm/s", K(WAVELENGTH_SPEED), 0, 1, LINEAR},
	{"um/s", K(WAVELENGTH_SPEED), 9, 1, LINEAR},
	{"nm/ms", K(WAVELENGTH_SPEED), 9, 1, LINEAR},
	{"pm/ms", K(WAVELENGTH_SPEED), 6, 1, LINEAR},
	{"dBm", K(POWER), 0, 1, DBM},
	{"W", K(POWER), 15, 1, LINEAR},
	{"mW", K(POWER), 12, 1, LINEAR},
	{"uW", K(POWER), 9, 1, LINEAR},
	{"nW", K(POWER), 6, 1, LINEAR},
	{"pW", K(POWER), 3, 1, LINEAR},
	{"fW", K(POWER), 0, 1, LINEAR},
	{"A", K(CURRENT), 15, 1, LINEAR},
	{"mA", K(CURRENT), 12, 1, LINEAR},
	{"uA", K(CURRENT), 9, 1, LINEAR},
	{"nA", K(CURRENT), 6, 1, LINEAR},
	{"pA", K(CURRENT), 3, 1, LINEAR},
	{"fA", K(CURRENT), 0, 1, LINEAR},
	{"V", K(VOLTAGE), 9, 1, LINEAR},
	{"mV", K(VOLTAGE), 6, 1, LINEAR},
	{"uV", K(VOLTAGE), 3, 1, LINEAR},
	{"nV", K(VOLTAGE), 0, 1, LINEAR},
	{"C", K(TEMPERATURE), 6, 1, CELSIUS},
	{"degC", K(TEMPERATURE), 6, 1, CELSIUS},
	{"K", K(TEMPERATURE), 6, 1, LINEAR},
	{"dB", K(ATTENUATION), 9, 1, LINEAR},
	{"s", K(TIME), 9, 1, LINEAR},
	{"ms", K(TIME), 6, 1, LINEAR},
	{"us", K(TIME), 3, 1, LINEAR},
	{"ns", K(TIME), 0, 1, LINEAR},
	{"min", K(TIME), 9, 60, LINEAR},
	{"h", K(TIME), 9, 3600, LINEAR},
	{"", K(COUNT), 0, 1, LINEAR},
};

const char *quantity_kind_name(enum quantity_kind kind)
{
	return kinds[kind].name;
}

const char *quantity_kind_units(enum quantity_kind kind)
{
	return kinds[kind].units;
}

int quantity_kind_of_unit(const char *unit)
{
	for (int i = 0; i < QUANTITY_KINDS; i++) {
		if (kinds[i].contract && streq(kinds[i].contract, unit))
			return i;
	}
	return -ENOENT;
}

/* ---- the unit's text ---- */

static size_t skip_blanks(const char *s)
{
	static const char *const wide[] = {"\xc2\xa0", "\xe2\x80\xaf", "\xe2\x80\x89"};
	const char *p = s;

	for (;;) {
		size_t n = *p == ' ' || *p == '\t' ? 1 : 0;

		for (size_t i = 0; n == 0 && i < ARRAY_SIZE(wide); i++) {
			if (strncmp(p, wide[i], strlen(wide[i])) == 0)
				n = strlen(wide[i]);
		}
		if (n == 0)
			return (size_t)(p - s);
		p += n;
	}
}

/* Greek and micro signs become u, degree signs go, a micron stays a micron. */
static void plain_unit(const char *s, char plain[static UNIT_MAX])
{
	static const struct {
		const char *from;
		const char *to;
	} spellings[] = {
		{"\xc2\xb5", "u"}, {"\xce\xbc", "u"}, {"\xc2\xb0", ""}, {"\xe2\x84\x83", "C"}};
	size_t n = 0;

	while (*s && n < UNIT_MAX - 1) {
		size_t i = 0;

		while (i < ARRAY_SIZE(spellings) &&
		       strncmp(s, spellings[i].from, strlen(spellings[i].from)) != 0)
			i++;
		if (i < ARRAY_SIZE(spellings)) {
			s += strlen(spellings[i].from);
			if (*spellings[i].to)
				plain[n++] = *spellings[i].to;
		} else {
			plain[n++] = *s++;
		}
	}
	while (n > 0 && (plain[n - 1] == ' ' || plain[n - 1] == '\t'))
		n--;
	plain[n] = '\0';
	if (strcasecmp(plain, "dbm") == 0) /* nothing else can be meant */
		strcpy(plain, "dBm");
}

static const struct unit *find_unit(const char *name, unsigned int kinds_wanted)
{
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if ((units[i].kinds & kinds_wanted) && streq(units[i].name, name))
			return &units[i];
	}
	return NULL;
}

/* A unit of this kind that differs in case or by one wrong, missing or needless letter. */
static const struct unit *nearest_unit(const char *name, enum quantity_kind kind)
{
	size_t m = strlen(name);

	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if ((units[i].kinds & (1U << kind)) && strcasecmp(units[i].name, name) == 0)
			return &units[i];
	}
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		size_t n = strlen(units[i].name), same = 0;

		if (!(units[i].kinds & (1U << kind)) || n < 2)
			continue;
		while (same < MIN(n, m) && strncasecmp(units[i].name, name, same + 1) == 0)
			same++;
		if (same + 1 >= MAX(n, m))
			return &units[i];
	}
	return NULL;
}

static const struct unit *unit_of_text(const char *text, char name[static UNIT_MAX],
				       unsigned int kinds_wanted)
{
	struct decimal d;
	const char *p = text + skip_blanks(text);
	size_t n = decimal_scan(p, &d);

	if (n == 0)
		return NULL;
	p += n;
	plain_unit(p + skip_blanks(p), name);
	return find_unit(name, kinds_wanted);
}

bool quantity_is_frequency(const char *text)
{
	char name[UNIT_MAX];
	const struct unit *u = unit_of_text(text, name, ~0U);

	return u && u->special == FREQUENCY;
}

bool quantity_is_unit(const char *word)
{
	char name[UNIT_MAX];

	plain_unit(word, name);
	return *name && find_unit(name, ~0U);
}

bool quantity_is_derived(const char *text)
{
	char name[UNIT_MAX];
	const struct unit *u = unit_of_text(text, name, ~0U);

	return u && (u->special == FREQUENCY || u->special == DBM);
}

/* ---- refusals ---- */

static int refuse_unit(const char *text, int number_length, const char *name,
		       enum quantity_kind kind, char **ret_message)
{
	const struct unit *other = find_unit(name, ~0U), *nearest = nearest_unit(name, kind);
	const struct kind *k = &kinds[kind];

	if (kind == QUANTITY_COUNT)
		return fail(ret_message, -EINVAL,
			    "'%s' has a unit; a plain whole number is wanted: %.*s", text,
			    number_length, text);
	if (*name == '\0')
		return fail(ret_message, -EINVAL,
			    "'%s' has no unit; write %.*s%s if that is meant "
			    "(units of %s: %s)",
			    text, number_length, text, k->example, k->name, k->units);
	if (other) {
		int theirs = other->special == FREQUENCY ? (int)QUANTITY_FREQUENCY
							 : __builtin_ctz(other->kinds);

		return fail(ret_message, -EINVAL, "'%s' is %s; %s is wanted here (units: %s)", text,
			    kinds[theirs].name, k->name, k->units);
	}
	if (nearest)
		return fail(ret_message, -EINVAL,
			    "'%s': there is no unit '%s'; nearest: %.*s%s "
			    "(units of %s: %s)",
			    text, name, number_length, text, nearest->name, k->name, k->units);
	return fail(ret_message, -EINVAL, "'%s': there is no unit '%s' (units of %s: %s)", text,
		    name, k->name, k->units);
}

static int refuse_number(const char *text, enum quantity_kind kind, char **ret_message)
{
	const struct kind *k = &kinds[kind];

	return fail(ret_message, -EINVAL, "'%s' is not %s; write a number%s, for instance %s%s",
		    text, k->name, *k->example ? " and its unit" : "",
		    kind == QUANTITY_WAVELENGTH ? "1550" : "10", k->example);
}

static int refuse_size(const char *text, int error, enum quantity_kind kind, char **ret_message)
{
	if (error == -EDOM)
		return fail(ret_message, error,
			    "'%s' is too small to tell from 0; the smallest step is %s", text,
			    kinds[kind].smallest);
	return fail(ret_message, error, "'%s' is beyond what 64 bits hold; the largest is %s", text,
		    quantity_format(kind, INT64_MAX).text);
}

/* "1,5mW" has one reading in Paris and another in London: neither is taken. */
static int refuse_comma(const char *text, char **ret_message)
{
	_cleanup_free_ char *pointed = strdup(text);

	if (!pointed)
		return -ENOMEM;
	*strchr(pointed, ',') = '.';
	return fail(ret_message, -EINVAL, "'%s' has a comma; write %s if that is meant", text,
		    pointed);
}

/* ---- values ---- */

static int from_dbm(const struct decimal *d, int64_t *ret)
{
	double fw = round((double)QUANTITY_ONE_MILLIWATT_FW * pow(10, decimal_to_double(d) / 10));

	if (fw < 1)
		return -EDOM;
	if (!(fw < 0x1p63))
		return -ERANGE;
	*ret = (int64_t)fw;
	return 0;
}

static int value_of(const struct decimal *d, const struct unit *u, enum quantity_kind kind,
		    int64_t *ret)
{
	int64_t value;
	int r;

	if (u->special == DBM)
		return from_dbm(d, ret);
	r = decimal_to_integer(d, u->factor, u->power, &value);
	if (r < 0)
		return r;
	if (u->special == CELSIUS &&
	    __builtin_add_overflow(value, (int64_t)QUANTITY_ZERO_CELSIUS_UK, &value))
		return -ERANGE;
	if (u->special == FREQUENCY && kind == QUANTITY_WAVELENGTH)
		return wavelength_of_frequency(value, ret);
	*ret = value;
	return 0;
}

int quantity_parse(const char *text, enum quantity_kind kind, int64_t *ret, char **ret_message)
{
	const char *start = text + skip_blanks(text);
	char name[UNIT_MAX];
	const struct unit *u;
	struct decimal d;
	size_t n = decimal_scan(start, &d);
	int r;

	if (n == 0)
		return refuse_number(text, kind, ret_message);
	if (start[n] == ',')
		return refuse_comma(text, ret_message);
	u = unit_of_text(start, name, 1U << kind);
	if (!u)
		return refuse_unit(start, (int)n, name, kind, ret_message);
	if (kind == QUANTITY_COUNT && !decimal_is_whole(&d))
		return fail(ret_message, -EINVAL, "'%s' is not a whole number", text);
	if (u->special == FREQUENCY && kind == QUANTITY_WAVELENGTH && (d.negative || d.digits == 0))
		return fail(ret_message, -EINVAL, "'%s': light has a frequency above 0", text);
	r = value_of(&d, u, kind, ret);
	if (r == -ERANGE || r == -EDOM)
		return refuse_size(text, r, kind, ret_message);
	return r;
}

int wavelength_of_frequency(int64_t mhz, int64_t *ret_fm)
{
	/* c m/s x 1e15 fm/m x 1e3 mHz/Hz */
	const unsigned __int128 light =
		(unsigned __int128)LIGHT_M_PER_S * 1000000000ULL * 1000000000ULL;
	unsigned __int128 fm = light / (uint64_t)mhz;
	uint64_t rest = (uint64_t)(light % (uint64_t)mhz), up = (uint64_t)mhz - rest;

	if (rest > up || (rest == up && (fm & 1)))
		fm++;
	if (fm > INT64_MAX)
		return -ERANGE;
	*ret_fm = (int64_t)fm;
	return 0;
}
