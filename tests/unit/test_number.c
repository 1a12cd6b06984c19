// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Numbers as text: exact both ways, shortest, the same in every locale. The C library
 * in its "C" locale is the oracle.
 */
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/util.h"
#include "export/number.h"

#include "run_suite.h" /* last: it defines a macro fail() */

static const struct {
	const char *text;
	enum number_kind kind;
	double value;
} texts[] = {
	{"0", NUMBER_FINITE, 0},
	{"-0.0", NUMBER_FINITE, -0.0},
	{"1540", NUMBER_FINITE, 1540},
	{"1500.0040", NUMBER_FINITE, 1500.004},
	{"-44.508", NUMBER_FINITE, -44.508},
	{"+.5", NUMBER_FINITE, 0.5},
	{"5.", NUMBER_FINITE, 5},
	{"1550.0000000000000e+00", NUMBER_FINITE, 1550},
	{"-21.000000000000000e+00", NUMBER_FINITE, -21},
	{"1E3", NUMBER_FINITE, 1000},
	{"1e-400", NUMBER_FINITE, 0},
	{"4.9406564584124654e-324", NUMBER_FINITE, 4.9406564584124654e-324},
	{"1.7976931348623157e308", NUMBER_FINITE, 1.7976931348623157e308},
	{"9007199254740993", NUMBER_FINITE, 9007199254740992.0}, /* a tie, to even */
	{"9007199254740993.0000000000000000001", NUMBER_FINITE, 9007199254740994.0},
	{"00000000000000000000000000001.5", NUMBER_FINITE, 1.5},
	{"0.000000000000000000000000000015", NUMBER_FINITE, 1.5e-29},
	{"15000000000000000000000000000000", NUMBER_FINITE, 1.5e31},
	{"1e99999999999999999999", NUMBER_INFINITE, INFINITY},
	{"0e99999999999999999999", NUMBER_FINITE, 0},
	{"-1e999", NUMBER_INFINITE, -INFINITY},
	{"inf", NUMBER_INFINITE, INFINITY},
	{"-Infinity", NUMBER_INFINITE, -INFINITY},
	{"NaN", NUMBER_NAN, 0},
	{"-nan", NUMBER_NAN, 0},
	{"", NUMBER_NOT_ONE, 0},
	{"-", NUMBER_NOT_ONE, 0},
	{".", NUMBER_NOT_ONE, 0},
	{"e5", NUMBER_NOT_ONE, 0},
	{"1e", NUMBER_NOT_ONE, 0},
	{"1e+", NUMBER_NOT_ONE, 0},
	{"1.2.3", NUMBER_NOT_ONE, 0},
	{"1,5", NUMBER_NOT_ONE, 0},
	{"0x10", NUMBER_NOT_ONE, 0},
	{"1 ", NUMBER_NOT_ONE, 0},
	{" 1", NUMBER_NOT_ONE, 0},
	{"--1", NUMBER_NOT_ONE, 0},
	{"12abc", NUMBER_NOT_ONE, 0},
};

START_TEST(text_is_read_exactly_or_named_what_it_is)
{
	double value = 12345;

	ck_assert_int_eq(number_parse(texts[_i].text, strlen(texts[_i].text), &value),
			 texts[_i].kind);
	if (texts[_i].kind == NUMBER_FINITE || texts[_i].kind == NUMBER_INFINITE)
		ck_assert_msg(memcmp(&value, &texts[_i].value, sizeof(value)) == 0, "%s: %.17g",
			      texts[_i].text, value);
}
END_TEST

static const struct {
	double value;
	const char *text;
} values[] = {
	{0, "0"},
	{-0.0, "-0"},
	{1, "1"},
	{-1.5, "-1.5"},
	{1540.001, "1540.001"},
	{1550.0000000000002, "1550.0000000000002"},
	{0.1, "0.1"},
	{0.0001, "0.0001"},
	{0.00012345, "0.00012345"},
	{1e-5, "1e-05"},
	{1.25e-6, "1.25e-06"},
	{5e-324, "4.94065645841247e-324"},
	{1.7976931348623157e308, "1.7976931348623157e+308"},
	{1e15, "1000000000000000"},
	{123456789012345680.0, "1.2345678901234568e+17"},
	{9007199254740992.0, "9007199254740992"},
	{1e22, "1e+22"},
	{0.3, "0.3"},
	{0.1 + 0.2, "0.30000000000000004"},
	{99999999999999.99, "99999999999999.98"},
	{0.999999999999999944, "0.9999999999999999"},
	{2.2250738585072014e-308, "2.2250738585072014e-308"},
};

START_TEST(a_value_is_written_in_its_shortest_form)
{
	char text[NUMBER_TEXT_MAX];

	ck_assert_uint_eq(number_format(text, values[_i].value), strlen(values[_i].text));
	ck_assert_str_eq(text, values[_i].text);
}
END_TEST

static uint64_t next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void expect_round_trip(double value)
{
	char text[NUMBER_TEXT_MAX], shorter[64];
	size_t n = number_format(text, value);
	double back = 0, oracle = strtod(text, NULL);
	int digits = 0, seen = 0;

	ck_assert_int_eq(number_parse(text, n, &back), NUMBER_FINITE);
	ck_assert_msg(memcmp(&back, &value, sizeof(value)) == 0, "%s is not %.17g", text, value);
	ck_assert_msg(oracle == value, "%s is %.17g to the C library", text, value);
	for (size_t i = 0; i < n && text[i] != 'e'; i++) {
		seen += text[i] >= '0' && text[i] <= '9' && (seen > 0 || text[i] != '0');
		if (text[i] > '0' && text[i] <= '9')
			digits = seen;
	}
	if (digits <= 15 || digits > 17)
		return;
	snprintf(shorter, sizeof(shorter), "%.*g", digits - 1, value);
	ck_assert_msg(strtod(shorter, NULL) != value, "%s is longer than %s", text, shorter);
}

START_TEST(what_is_written_reads_back_as_the_same_double)
{
	static const double magnitudes[] = {1e-15, 1e-12, 1e-9, 1e-6, 1e-3, 1, 1e3, 1e9, 1e14};
	uint64_t state = 0x9e3779b97f4a7c15ULL;

	for (int i = 0; i < 20000; i++) {
		double unit = (double)(next(&state) >> 11) * 0x1p-53 + 0.5;
		double value, any;
		uint64_t bits = next(&state);

		value = unit * magnitudes[i % (int)ARRAY_SIZE(magnitudes)];
		expect_round_trip(i & 1 ? -value : value);
		expect_round_trip(ldexp(1, (int)(bits % 120) - 60)); /* uneven neighbours */
		memcpy(&any, &bits, sizeof(any));
		if (i % 10 == 0 && isfinite(any))
			expect_round_trip(any);
	}
}
END_TEST

START_TEST(reading_agrees_with_the_c_library)
{
	uint64_t state = 42;

	for (int i = 0; i < 30000; i++) {
		char text[64];
		double mine = 0;
		int n = snprintf(text, sizeof(text), "%s%llu.%llue%d", i & 1 ? "-" : "",
				 (unsigned long long)(next(&state) >> (next(&state) % 64)),
				 (unsigned long long)(next(&state) >> (next(&state) % 64)),
				 (int)(next(&state) % 60) - 30);

		ck_assert_int_eq(number_parse(text, (size_t)n, &mine), NUMBER_FINITE);
		ck_assert_msg(mine == strtod(text, NULL), "%s", text);
	}
}
END_TEST

/* Few machines have a locale with a decimal comma ready: it is compiled in a folder of ours. */
static bool take_decimal_comma(const char *folder)
{
	char command[160];

	snprintf(command, sizeof(command),
		 "localedef --no-archive -i de_DE -f UTF-8 %s/de_DE.UTF-8 2>&1", folder);
	return system(command) == 0 && setenv("LOCPATH", folder, 1) == 0 &&
	       setlocale(LC_NUMERIC, "de_DE.UTF-8") && streq(localeconv()->decimal_point, ",");
}

static void remove_locale(const char *folder)
{
	char command[80];

	snprintf(command, sizeof(command), "rm -r %s", folder);
	ck_assert_int_eq(system(command), 0);
}

START_TEST(the_locale_changes_nothing)
{
	char text[NUMBER_TEXT_MAX], folder[] = "/tmp/etalon-locale.XXXXXX";
	double value = 0;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	if (!take_decimal_comma(folder))
		printf("SKIP the_locale_changes_nothing: no locale with a decimal comma could be "
		       "made (Debian's package locales)\n");
	number_format(text, 1.5e-200);
	ck_assert_str_eq(text, "1.5e-200");
	ck_assert_int_eq(number_parse("1.5e-200", 8, &value), NUMBER_FINITE);
	ck_assert(value == 1.5e-200);
	setlocale(LC_NUMERIC, "C");
	remove_locale(folder);
}
END_TEST

START_TEST(flag_words_are_whole_numbers_of_32_bits)
{
	char text[NUMBER_TEXT_MAX];
	uint32_t word = 7;

	ck_assert_int_eq(number_parse_u32("4294967295", 10, &word), 0);
	ck_assert_uint_eq(word, UINT32_MAX);
	ck_assert_int_eq(number_parse_u32("4294967296", 10, &word), -ERANGE);
	ck_assert_int_eq(number_parse_u32("99999999999999999999999", 23, &word), -ERANGE);
	ck_assert_int_eq(number_parse_u32("-1", 2, &word), -EINVAL);
	ck_assert_int_eq(number_parse_u32("", 0, &word), -EINVAL);
	ck_assert_int_eq(number_parse_u32("1.0", 3, &word), -EINVAL);
	number_format_u64(text, UINT64_MAX);
	ck_assert_str_eq(text, "18446744073709551615");
	number_format_u64(text, 0);
	ck_assert_str_eq(text, "0");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("number");
	TCase *tc = tcase_create("number");

	tcase_set_timeout(tc, 300);
	tcase_add_loop_test(tc, text_is_read_exactly_or_named_what_it_is, 0,
			    (int)ARRAY_SIZE(texts));
	tcase_add_loop_test(tc, a_value_is_written_in_its_shortest_form, 0,
			    (int)ARRAY_SIZE(values));
	tcase_add_test(tc, what_is_written_reads_back_as_the_same_double);
	tcase_add_test(tc, reading_agrees_with_the_c_library);
	tcase_add_test(tc, the_locale_changes_nothing);
	tcase_add_test(tc, flag_words_are_whole_numbers_of_32_bits);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
