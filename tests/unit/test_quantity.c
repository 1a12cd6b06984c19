// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Quantities: what people write becomes the right integer, whatever the locale; what is
 * wrong is refused with what would do.
 */
#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/quantity.h"
#include "base/util.h"

#include "run_suite.h" /* last: it defines a macro fail() */

struct reading {
	const char *text;
	enum quantity_kind kind;
	int64_t value;
};

static const struct reading readings[] = {
	{"1540nm", QUANTITY_WAVELENGTH, 1540000000},
	{"1540 nm", QUANTITY_WAVELENGTH, 1540000000},
	{"  1540\tnm  ", QUANTITY_WAVELENGTH, 1540000000},
	{"+1540.nm", QUANTITY_WAVELENGTH, 1540000000},
	{"1.54um", QUANTITY_WAVELENGTH, 1540000000},
	{"1.54\xc2\xb5m", QUANTITY_WAVELENGTH, 1540000000}, /* micro sign */
	{"1.54\xce\xbcm", QUANTITY_WAVELENGTH, 1540000000}, /* Greek mu */
	{"1.54e3nm", QUANTITY_WAVELENGTH, 1540000000},
	{"154E+1 nm", QUANTITY_WAVELENGTH, 1540000000},
	{"1540000000fm", QUANTITY_WAVELENGTH, 1540000000},
	{"1_540_000pm", QUANTITY_WAVELENGTH, 1540000000},
	{"1 540\xc2\xa0nm", QUANTITY_WAVELENGTH, 1540000000}, /* no-break space */
	{"1\xe2\x80\xaf"
	 "540 nm",
	 QUANTITY_WAVELENGTH, 1540000000}, /* narrow no-break space */
	{"1540.1234564nm", QUANTITY_WAVELENGTH, 1540123456},
	{"1540.1234565nm", QUANTITY_WAVELENGTH, 1540123456}, /* half to even */
	{"1540.1234575nm", QUANTITY_WAVELENGTH, 1540123458},
	{"1540.12345650000000000000000000000000000000000001nm", QUANTITY_WAVELENGTH, 1540123457},
	{"0.1pm", QUANTITY_WAVELENGTH_SPAN, 100},
	{".5pm", QUANTITY_WAVELENGTH_SPAN, 500},
	{"1pm", QUANTITY_WAVELENGTH_SPAN, 1000},
	{"0pm", QUANTITY_WAVELENGTH_SPAN, 0},
	{"-1pm", QUANTITY_WAVELENGTH_SPAN, -1000},
	{"\xe2\x88\x92"
	 "1pm",
	 QUANTITY_WAVELENGTH_SPAN, -1000}, /* a typographer's minus */
	/* One rounding only: doubles would make 8.4e9 x 1.1 something else. */
	{"9223372036.854775807nm", QUANTITY_POSITION, 9223372037},
	{"9007199254740993fm", QUANTITY_WAVELENGTH_SPAN, 9007199254740993},
	{"9223372036854775807fm", QUANTITY_WAVELENGTH_SPAN, INT64_MAX},
	{"20nm/s", QUANTITY_WAVELENGTH_SPEED, 20000000},
	{"20 nm/s", QUANTITY_WAVELENGTH_SPEED, 20000000},
	{"500pm/s", QUANTITY_WAVELENGTH_SPEED, 500000},
	{"0.02nm/ms", QUANTITY_WAVELENGTH_SPEED, 20000000},
	{"40us", QUANTITY_TIME, 40000},
	{"40\xc2\xb5s", QUANTITY_TIME, 40000},
	{"1.5min", QUANTITY_TIME, 90000000000},
	{"2h", QUANTITY_TIME, 7200000000000},
	{"0dBm", QUANTITY_POWER, 1000000000000},
	{"0 dbm", QUANTITY_POWER, 1000000000000},
	{"10dBm", QUANTITY_POWER, 10000000000000},
	{"-10dBm", QUANTITY_POWER, 100000000000},
	{"-30 dBm", QUANTITY_POWER, 1000000000},
	{"3dBm", QUANTITY_POWER, 1995262314969},
	{"1.5 mW", QUANTITY_POWER, 1500000000000},
	{"1500uW", QUANTITY_POWER, 1500000000000},
	{"0mW", QUANTITY_POWER, 0},
	{"1mA", QUANTITY_CURRENT, 1000000000000},
	{"-2.5V", QUANTITY_VOLTAGE, -2500000000},
	{"25C", QUANTITY_TEMPERATURE, 298150000},
	{"25\xc2\xb0"
	 "C",
	 QUANTITY_TEMPERATURE, 298150000},
	{"25 degC", QUANTITY_TEMPERATURE, 298150000},
	{"298.15K", QUANTITY_TEMPERATURE, 298150000},
	{"-273.15C", QUANTITY_TEMPERATURE, 0},
	{"3dB", QUANTITY_ATTENUATION, 3000000000},
	{"1.2mm", QUANTITY_POSITION, 1200000},
	{"20 001", QUANTITY_COUNT, 20001},
	{"20001.0", QUANTITY_COUNT, 20001},
	{"1e6", QUANTITY_COUNT, 1000000},
	{"1.5e3", QUANTITY_COUNT, 1500},
	/* c = 299 792 458 m/s: 1550.000 nm is 193.41448903 THz */
	{"193.414489032258THz", QUANTITY_WAVELENGTH, 1550000000},
	{"193414.489032258 GHz", QUANTITY_WAVELENGTH, 1550000000},
	{"193.4THz", QUANTITY_WAVELENGTH, 1550116122},
	{"193.4THz", QUANTITY_FREQUENCY, 193400000000000000},
};

START_TEST(what_people_write_is_read_exactly)
{
	const struct reading *c = &readings[_i];
	_cleanup_free_ char *message = NULL;
	int64_t value = -77;
	int r = quantity_parse(c->text, c->kind, &value, &message);

	ck_assert_msg(r == 0, "'%s': %s", c->text, message);
	ck_assert_msg(value == c->value, "'%s' became %" PRId64 ", not %" PRId64, c->text, value,
		      c->value);
	ck_assert_ptr_null(message);
}
END_TEST

struct refusal {
	const char *text;
	enum quantity_kind kind;
	int error;
	const char *says; /* part of the message */
};

static const struct refusal refusals[] = {
	{"1540", QUANTITY_WAVELENGTH, -EINVAL, "'1540' has no unit; write 1540nm"},
	{"0", QUANTITY_POWER, -EINVAL, "'0' has no unit; write 0dBm"},
	{"", QUANTITY_WAVELENGTH, -EINVAL,
	 "'' is not a wavelength; write a number and its unit, for instance 1550nm"},
	{"nm", QUANTITY_WAVELENGTH, -EINVAL, "is not a wavelength"},
	{"abc", QUANTITY_TIME, -EINVAL, "'abc' is not a time"},
	{".nm", QUANTITY_WAVELENGTH, -EINVAL, "is not a wavelength"},
	{"--5nm", QUANTITY_WAVELENGTH, -EINVAL, "is not a wavelength"},
	{"0x10nm", QUANTITY_WAVELENGTH, -EINVAL, "no unit 'x10nm'"},
	{"nan", QUANTITY_POWER, -EINVAL, "is not an optical power"},
	{"inf dBm", QUANTITY_POWER, -EINVAL, "is not an optical power"},
	{"10V", QUANTITY_WAVELENGTH, -EINVAL,
	 "'10V' is a voltage; a wavelength is wanted here (units: nm,"},
	{"1THz", QUANTITY_WAVELENGTH_SPAN, -EINVAL,
	 "'1THz' is a frequency; a wavelength span is wanted here (units: nm,"},
	{"1pm", QUANTITY_TIME, -EINVAL, "is a wavelength; a time is wanted"},
	{"100GHz", QUANTITY_WAVELENGTH_SPAN, -EINVAL, "a wavelength span is wanted"},
	{"1dB", QUANTITY_POWER, -EINVAL, "is an attenuation; an optical power is wanted"},
	{"1540nn", QUANTITY_WAVELENGTH, -EINVAL, "nearest: 1540nm"},
	{"1540NM", QUANTITY_WAVELENGTH, -EINVAL, "nearest: 1540nm"},
	{"1mw", QUANTITY_POWER, -EINVAL, "nearest: 1mW"},
	{"1MW", QUANTITY_POWER, -EINVAL, "nearest: 1mW"},
	{"0db", QUANTITY_POWER, -EINVAL, "nearest: 0dBm"},
	{"20nm/sec", QUANTITY_WAVELENGTH_SPEED, -EINVAL, "no unit 'nm/sec'"},
	{"20parsec", QUANTITY_WAVELENGTH_SPEED, -EINVAL, "units of a sweep speed: nm/s"},
	{"1,5mW", QUANTITY_POWER, -EINVAL, "'1,5mW' has a comma; write 1.5mW if that is meant"},
	{"1nm 2nm", QUANTITY_WAVELENGTH, -EINVAL, "no unit 'nm 2nm'"},
	{"100nm", QUANTITY_COUNT, -EINVAL,
	 "'100nm' has a unit; a plain whole number is wanted: 100"},
	{"1.5", QUANTITY_COUNT, -EINVAL, "'1.5' is not a whole number"},
	{"0THz", QUANTITY_WAVELENGTH, -EINVAL, "light has a frequency above 0"},
	{"-193THz", QUANTITY_WAVELENGTH, -EINVAL, "light has a frequency above 0"},
	{"9223372036854775808fm", QUANTITY_WAVELENGTH, -ERANGE, "64 bits"},
	{"1e300nm", QUANTITY_WAVELENGTH, -ERANGE, "beyond what 64 bits hold"},
	{"1e99999999999999999999nm", QUANTITY_WAVELENGTH, -ERANGE, "64 bits"},
	{"99999999999999999999999999999999999999999999999999nm", QUANTITY_WAVELENGTH, -ERANGE,
	 "64 bits"},
	{"1e-300nm", QUANTITY_WAVELENGTH_SPAN, -EDOM,
	 "too small to tell from 0; the smallest step is 1 fm"},
	{"0.4fm", QUANTITY_WAVELENGTH_SPAN, -EDOM, "smallest step is 1 fm"},
	{"1000dBm", QUANTITY_POWER, -ERANGE, "64 bits"},
	{"-1000dBm", QUANTITY_POWER, -EDOM, "smallest step is 1 fW"},
	{"1e10C", QUANTITY_TEMPERATURE, 0, NULL},
	{"9.3e12C", QUANTITY_TEMPERATURE, -ERANGE, "64 bits"},
};

START_TEST(what_is_wrong_is_refused_with_what_would_do)
{
	const struct refusal *c = &refusals[_i];
	_cleanup_free_ char *message = NULL;
	int64_t value = -77;
	int r = quantity_parse(c->text, c->kind, &value, &message);

	ck_assert_msg(r == c->error, "'%s' gave %d: %s", c->text, r, message);
	if (r == 0)
		return;
	ck_assert_msg(strstr(message, c->says) != NULL, "'%s': %s", c->text, message);
	ck_assert_int_eq(value, -77);
	ck_assert_int_eq(quantity_parse(c->text, c->kind, &value, NULL), c->error);
}
END_TEST

struct writing {
	enum quantity_kind kind;
	int64_t value;
	const char *text;
	const char *typed;
};

static const struct writing writings[] = {
	{QUANTITY_WAVELENGTH, 1540000000, "1540 nm", "1540nm"},
	{QUANTITY_WAVELENGTH, 1540000001, "1540.000001 nm", "1540.000001nm"},
	{QUANTITY_WAVELENGTH_SPAN, 2500, "2.5 pm", "2.5pm"},
	{QUANTITY_WAVELENGTH_SPAN, 999, "999 fm", "999fm"},
	{QUANTITY_WAVELENGTH_SPAN, 0, "0 nm", "0nm"},
	{QUANTITY_WAVELENGTH_SPAN, -1000, "-1 pm", "-1pm"},
	{QUANTITY_WAVELENGTH_SPEED, 20000000, "20 nm/s", "20nm/s"},
	{QUANTITY_FREQUENCY, 193400000000000000, "193.4 THz", "193.4THz"},
	{QUANTITY_POWER, 1000000000000, "0 dBm", "0dBm"},
	{QUANTITY_POWER, 1995262314969, "3 dBm", "3dBm"},
	{QUANTITY_POWER, 1500000000000, "1.76 dBm", "1.5mW"}, /* typed: nothing may be lost */
	{QUANTITY_POWER, 100000000000, "-10 dBm", "-10dBm"},
	{QUANTITY_POWER, 970000000000, "-0.13 dBm", "970uW"},
	{QUANTITY_POWER, 999999999999, "0 dBm", "999.999999999uW"},
	{QUANTITY_POWER, 0, "0 W", "0W"},
	{QUANTITY_CURRENT, 100000000000, "100 uA", "100uA"},
	{QUANTITY_VOLTAGE, -2500000000, "-2.5 V", "-2.5V"},
	{QUANTITY_TEMPERATURE, 298150000, "25 C", "25C"},
	{QUANTITY_TEMPERATURE, 0, "-273.15 C", "-273.15C"},
	{QUANTITY_ATTENUATION, 3500000000, "3.5 dB", "3.5dB"},
	{QUANTITY_TIME, 40000, "40 us", "40us"},
	{QUANTITY_TIME, 1050000000, "1.05 s", "1.05s"},
	{QUANTITY_COUNT, 20001, "20001", "20001"},
	{QUANTITY_WAVELENGTH, INT64_MIN, "-9223372036854.775808 nm", NULL},
	{QUANTITY_WAVELENGTH, INT64_MAX, "9223372036854.775807 nm", "9223372036854.775807nm"},
};

START_TEST(what_is_printed_can_be_typed_again)
{
	const struct writing *c = &writings[_i];
	_cleanup_free_ char *message = NULL;
	int64_t back;

	ck_assert_str_eq(quantity_format(c->kind, c->value).text, c->text);
	if (!c->typed)
		return;
	ck_assert_str_eq(quantity_typed(c->kind, c->value).text, c->typed);
	ck_assert_msg(quantity_parse(c->typed, c->kind, &back, &message) == 0, "%s", message);
	ck_assert_int_eq(back, c->value);
}
END_TEST

START_TEST(every_value_survives_being_typed)
{
	uint64_t seed = 1;

	for (int i = 0; i < 20000; i++) {
		enum quantity_kind kind = (enum quantity_kind)(i % QUANTITY_KINDS);
		struct quantity_text typed;
		int64_t value, back;

		seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
		value = (int64_t)(seed >> (1 + (i / QUANTITY_KINDS) % 62));
		if (kind == QUANTITY_TEMPERATURE)
			value &= INT64_MAX >> 2;
		typed = quantity_typed(kind, value);
		ck_assert_msg(quantity_parse(typed.text, kind, &back, NULL) == 0, "%s", typed.text);
		ck_assert_msg(back == value, "%" PRId64 " -> %s -> %" PRId64, value, typed.text,
			      back);
	}
}
END_TEST

START_TEST(the_locale_changes_nothing)
{
	static const char *const locales[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "C.UTF-8", "C"};
	int64_t value;

	for (size_t i = 0; i < ARRAY_SIZE(locales); i++) {
		if (!setlocale(LC_ALL, locales[i]))
			continue;
		ck_assert_int_eq(quantity_parse("1540.5nm", QUANTITY_WAVELENGTH, &value, NULL), 0);
		ck_assert_int_eq(value, 1540500000);
		ck_assert_int_eq(quantity_parse("-2.5dBm", QUANTITY_POWER, &value, NULL), 0);
		ck_assert_int_eq(value, 562341325190);
		ck_assert_str_eq(quantity_format(QUANTITY_POWER, 1500000000000).text, "1.76 dBm");
	}
	setlocale(LC_ALL, "C");
}
END_TEST

START_TEST(counts_are_grouped)
{
	ck_assert_str_eq(quantity_count(0).text, "0");
	ck_assert_str_eq(quantity_count(999).text, "999");
	ck_assert_str_eq(quantity_count(20001).text, "20 001");
	ck_assert_str_eq(quantity_count(UINT64_MAX).text, "18 446 744 073 709 551 615");
}
END_TEST

START_TEST(light_travels_at_c)
{
	static const struct {
		int64_t mhz, fm;
	} pairs[] = {
		{299792458000000000, 1000000000}, /* 299.792458 THz is 1 um to the last digit */
		{149896229000000000, 2000000000},
		{193414489032258065, 1550000000},
		{INT64_MAX, 32503563}, /* 32503563.43 */
		{59958491600000000, 5000000000},
	};
	int64_t fm;

	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		ck_assert_int_eq(wavelength_of_frequency(pairs[i].mhz, &fm), 0);
		ck_assert_int_eq(fm, pairs[i].fm);
	}
	ck_assert_int_eq(wavelength_of_frequency(1, &fm), -ERANGE);
}
END_TEST

START_TEST(no_text_breaks_the_parser)
{
	static const char letters[] =
		"0123456789.-+eE ,_'nmupfWVAsdBHzTGC/\xc2\xb5\xe2\x88\x92\xa0";
	uint64_t seed = 42;

	for (int i = 0; i < 50000; i++) {
		enum quantity_kind kind = (enum quantity_kind)(i % QUANTITY_KINDS);
		_cleanup_free_ char *message = NULL;
		char text[40];
		int64_t value = 7;
		size_t n;
		int r;

		seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
		n = (seed >> 33) % (sizeof(text) - 1);
		for (size_t k = 0; k < n; k++) {
			seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
			text[k] = letters[(seed >> 33) % (sizeof(letters) - 1)];
		}
		text[n] = '\0';
		r = quantity_parse(text, kind, &value, &message);
		/* Refused with a sentence and nothing changed, or read. */
		ck_assert(r == 0 ? message == NULL : message != NULL && value == 7);
	}
}
END_TEST

START_TEST(units_of_the_contract_have_a_kind)
{
	ck_assert_int_eq(quantity_kind_of_unit("fm"), QUANTITY_WAVELENGTH);
	ck_assert_int_eq(quantity_kind_of_unit("fW"), QUANTITY_POWER);
	ck_assert_int_eq(quantity_kind_of_unit("fA"), QUANTITY_CURRENT);
	ck_assert_int_eq(quantity_kind_of_unit("nV"), QUANTITY_VOLTAGE);
	ck_assert_int_eq(quantity_kind_of_unit("uK"), QUANTITY_TEMPERATURE);
	ck_assert_int_eq(quantity_kind_of_unit("nm"), QUANTITY_POSITION);
	ck_assert_int_eq(quantity_kind_of_unit("ndB"), QUANTITY_ATTENUATION);
	ck_assert_int_eq(quantity_kind_of_unit("ns"), QUANTITY_TIME);
	ck_assert_int_eq(quantity_kind_of_unit(""), QUANTITY_COUNT);
	ck_assert_int_eq(quantity_kind_of_unit("furlong"), -ENOENT);
	for (int kind = 0; kind < QUANTITY_KINDS; kind++) {
		ck_assert_ptr_nonnull(quantity_kind_name((enum quantity_kind)kind));
		ck_assert_ptr_nonnull(quantity_kind_units((enum quantity_kind)kind));
	}
}
END_TEST

START_TEST(frequencies_are_told_from_wavelengths)
{
	ck_assert(quantity_is_frequency("193.4THz"));
	ck_assert(quantity_is_frequency("100 GHz"));
	ck_assert(!quantity_is_frequency("1540nm"));
	ck_assert(!quantity_is_frequency("1540"));
	ck_assert(!quantity_is_frequency("THz"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("quantity");
	TCase *tcase = tcase_create("quantity");

	tcase_add_loop_test(tcase, what_people_write_is_read_exactly, 0, ARRAY_SIZE(readings));
	tcase_add_loop_test(tcase, what_is_wrong_is_refused_with_what_would_do, 0,
			    ARRAY_SIZE(refusals));
	tcase_add_loop_test(tcase, what_is_printed_can_be_typed_again, 0, ARRAY_SIZE(writings));
	tcase_add_test(tcase, every_value_survives_being_typed);
	tcase_add_test(tcase, the_locale_changes_nothing);
	tcase_add_test(tcase, counts_are_grouped);
	tcase_add_test(tcase, light_travels_at_c);
	tcase_add_test(tcase, no_text_breaks_the_parser);
	tcase_add_test(tcase, units_of_the_contract_have_a_kind);
	tcase_add_test(tcase, frequencies_are_told_from_wavelengths);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
