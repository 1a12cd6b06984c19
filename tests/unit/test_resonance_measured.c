// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Measured spectra that lie beside the checkout ($ETALON_DATA or ../shared/data): every dip of the list
 * is found, noise holds none, and rings with several mode families have no single free spectral
 * range. Skipped, visibly, where the spectra are absent.
 */
#include <stdio.h>

#include "analyse_check.h"
#include "export/file_read.h"
#include "exported.h"
#include "run_suite.h"

#define DIPS "dips.csv"
#define WITHIN_PM 8.0

static const struct {
	const char *file;
	unsigned int dips; /* that are listed: none may be lost with a line that is not understood */
} rings[] = {
	{"ring-r10um-gap140nm.csv", 22},
	{"ring-r10um-gap70nm.csv", 15},
	{"ring-r6um-gap140nm.csv", 8},
};

/* Channels that saw no light: rectified noise. Channel 2 of the rings has a little. */
static const struct {
	const char *file;
	const char *channel;
} dark[] = {
	{"ring-r10um-gap140nm.csv", "channel_2"},
	{"ring-r10um-gap140nm.csv", "channel_3"},
	{"ring-r10um-gap140nm.csv", "channel_4"},
	{"ring-r10um-gap70nm.csv", "channel_2"},
	{"ring-r10um-gap70nm.csv", "channel_3"},
	{"ring-r10um-gap70nm.csv", "channel_4"},
	{"ring-r6um-gap140nm.csv", "channel_2"},
	{"ring-r6um-gap140nm.csv", "channel_3"},
	{"ring-r6um-gap140nm.csv", "channel_4"},
	{"mzi-a.csv", "channel_1"},
	{"mzi-a.csv", "channel_3"},
	{"mzi-a.csv", "channel_4"},
	{"mzi-b.csv", "channel_1"},
	{"mzi-b.csv", "channel_3"},
	{"mzi-b.csv", "channel_4"},
	{"loopback-calibration.csv", "channel_1"},
	{"loopback-calibration.csv", "channel_3"},
	{"loopback-calibration.csv", "channel_4"},
};

/* Light, but no resonator: fringes and couplers are none. */
static const char *const others[] = {"mzi-a.csv", "mzi-b.csv", "loopback-calibration.csv"};

/* NULL where the file is absent. */
static json_t *analyse_measured(const char *name, const char *channel)
{
	_cleanup_free_ char *path = measured_file(name), *message = NULL;
	_cleanup_table_ struct table *t = NULL;

	if (!path)
		return NULL;
	ck_assert_msg(table_read_file(path, &t, &message) == 0, "%s", message);
	return analyse_table(t, channel);
}

/* Goes through the listed dips of one file; how many there are. */
static unsigned int find_dips(const char *name, const json_t *result)
{
	_cleanup_free_ char *path = measured_file(DIPS);
	_cleanup_fclose_ FILE *f = path ? fopen(path, "re") : NULL;
	unsigned int count = 0;
	char line[256];

	while (f && fgets(line, sizeof(line), f)) {
		char *comma = strchr(line, ',');

		if (!comma)
			continue;
		*comma = '\0';
		if (!streq(line, name))
			continue;
		ck_assert_msg(resonance_near(result, strtod(comma + 1, NULL), WITHIN_PM) != NULL,
			      "%s: no resonance near %s", name, comma + 1);
		count++;
	}
	return count;
}

START_TEST(every_listed_dip_is_found)
{
	json_t *result = analyse_measured(rings[_i].file, "channel_1");

	if (!result)
		return;
	ck_assert_uint_eq(find_dips(rings[_i].file, result), rings[_i].dips);
	json_decref(result);
}
END_TEST

START_TEST(measured_rings_have_no_single_free_spectral_range)
{
	json_t *result = analyse_measured(rings[_i].file, "channel_1"), *family;
	double low = _i < 2 ? 10.3 : 17.4, high = _i < 2 ? 11.8 : 19.1;
	size_t i;

	if (!result)
		return;
	ck_assert(json_is_null(json_object_get(result, "fsr")));
	ck_assert_str_eq(text_of(result, "fsr_text"), "no single family");
	json_array_foreach(json_object_get(result, "families"), i, family) {
		ck_assert_double_ge(number_of(family, "fsr_nm"), low);
		ck_assert_double_le(number_of(family, "fsr_nm"), high);
	}
	json_decref(result);
}
END_TEST

START_TEST(widths_of_few_samples_are_bounds)
{
	json_t *result = analyse_measured(rings[_i].file, "channel_1");
	const json_t *r;
	size_t i;

	if (!result)
		return;
	json_array_foreach(resonances_of(result), i, r)
		ck_assert_int_eq(json_is_true(json_object_get(r, "q_is_bound")),
				 number_of(r, "samples_per_fwhm") < 6);
	json_decref(result);
}
END_TEST

START_TEST(noise_holds_no_resonance)
{
	json_t *result = analyse_measured(dark[_i].file, dark[_i].channel);

	if (!result)
		return;
	ck_assert_uint_eq(json_array_size(resonances_of(result)), 0);
	ck_assert_str_eq(text_of(result, "fsr_text"), "no resonance");
	json_decref(result);
}
END_TEST

START_TEST(fringes_and_couplers_are_no_resonances)
{
	json_t *result = analyse_measured(others[_i], "channel_2");

	if (!result)
		return;
	ck_assert_uint_eq(json_array_size(resonances_of(result)), 0);
	json_decref(result);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("resonances, measured");
	TCase *tc = tcase_create("measured");

	tcase_set_timeout(tc, 0);
	tcase_add_loop_test(tc, every_listed_dip_is_found, 0, (int)ARRAY_SIZE(rings));
	tcase_add_loop_test(tc, measured_rings_have_no_single_free_spectral_range, 0,
			    (int)ARRAY_SIZE(rings));
	tcase_add_loop_test(tc, widths_of_few_samples_are_bounds, 0, (int)ARRAY_SIZE(rings));
	tcase_add_loop_test(tc, noise_holds_no_resonance, 0, (int)ARRAY_SIZE(dark));
	tcase_add_loop_test(tc, fringes_and_couplers_are_no_resonances, 0, (int)ARRAY_SIZE(others));
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
