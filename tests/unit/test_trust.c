// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The verdict: what speaks against a run, what its limits say, and which of them wins.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "calibrate/trust.h"
#include "run_suite.h"

#include <check.h>

/* A good run; each case changes it by a JSON object that is merged in. */
static const char good[] =
	"{\"kind\": \"wavelength-sweep\","
	" \"ledger\": {\"complete\": true, \"produced\": 20001, \"received\": 20001, \"dropped\": 0,"
	"  \"gaps\": [], \"crc\": \"ok\", \"cause\": \"done\", \"why\": []},"
	" \"channels\": ["
	"  {\"column\": \"through\", \"detector\": \"pd1\", \"role\": \"signal\", \"noise_a\": 1.6e-10,"
	"   \"dark_before_a\": 5e-10, \"dark_after_a\": 5.1e-10, \"saturated\": 0, \"below_floor\": 100},"
	"  {\"column\": \"mon\", \"detector\": \"mon\", \"role\": \"monitor\", \"noise_a\": 1.6e-10,"
	"   \"saturated\": 0, \"below_floor\": 0}],"
	" \"environment\": {\"chip_temperature_c\": 25.0, \"chip_temperature_sigma_c\": 0.002},"
	" \"flags\": {}}";

/* Two resonances, 50 000 and 70 000. */
static const char analysis[] =
	"[{\"method\": \"resonances\", \"version\": \"1\", \"values\": {\"channel\": \"through\","
	" \"resonances\": ["
	"  {\"wavelength_nm\": 1545.0, \"wavelength_random_pm\": 0.01, \"q_loaded\": 50000,"
	"   \"q_loaded_random\": 100, \"fwhm_pm\": 31.0, \"fwhm_random_pm\": 0.06},"
	"  {\"wavelength_nm\": 1547.3, \"wavelength_random_pm\": 0.01, \"q_loaded\": 70000,"
	"   \"q_loaded_random\": 100, \"fwhm_pm\": 22.0, \"fwhm_random_pm\": 0.06}],"
	" \"fsr\": {\"fsr_nm\": 2.3, \"fsr_random_nm\": 0.001},"
	" \"axis\": {\"systematic_pm\": 1.7}}}]";

static const struct {
	const char *name;
	const char *change; /* to the meta */
	const char *expectations; /* NULL: none */
	const char *verdict;
	const char *says; /* part of the first reason, NULL: no reason */
} cases[] = {
	/* ---- trust ---- */
	{"a good run without limits", "{}", NULL, "measured", NULL},
	{"no limits is an empty list, too", "{}", "[]", "measured", NULL},
	{"no ledger", "{\"ledger\": null}", NULL, "untrustworthy", "no ledger"},
	{"gap",
	 "{\"ledger\": {\"complete\": false, \"received\": 19991, \"cause\": \"done\", \"gaps\": "
	 "[{\"first\": 7, \"count\": 10}], \"why\": [\"the board dropped 10 points\"]}}",
	 NULL, "untrustworthy", "gap in the ledger: 10 points missing"},
	{"cancelled", "{\"ledger\": {\"complete\": false, \"cause\": \"cancelled\"}}", NULL,
	 "untrustworthy", "the run is partial: cancelled"},
	{"its taker knows more of the end than the ledger",
	 "{\"ledger\": {\"complete\": false, \"cause\": \"light went off\"}, "
	 "\"ended_early\": \"the board is gone\"}",
	 NULL, "untrustworthy", "the run is partial: the board is gone"},
	{"a ledger that does not say why",
	 "{\"ledger\": {\"complete\": false, \"cause\": \"done\"}}", NULL, "untrustworthy",
	 "not complete"},
	{"lying END",
	 "{\"ledger\": {\"complete\": false, \"cause\": \"done\", \"why\": [\"CRC of the points "
	 "is 1; END says 2\"]}}",
	 NULL, "untrustworthy", "ledger: CRC of the points"},
	{"reference on another span",
	 "{\"reference\": {\"run\": 3, \"age_s\": 60, \"reasons\": [\"the "
	 "reference spans less\"]}}",
	 NULL, "untrustworthy", "spans less"},
	{"reference too old", "{\"reference\": {\"run\": 3, \"age_s\": 36000}}", NULL,
	 "untrustworthy", "10.0 h old"},
	{"a young reference", "{\"reference\": {\"run\": 3, \"age_s\": 60, \"reasons\": []}}", NULL,
	 "measured", NULL},
	{"temperature moved", "{\"environment\": {\"chip_temperature_sigma_c\": 0.2}}", NULL,
	 "untrustworthy", "not settled: it varied by 0.200 C"},
	{"temperature never settled",
	 "{\"ledger\": {\"complete\": false, \"cause\": \"never settled\"}}", NULL, "untrustworthy",
	 "never settled"},
	{"not coupled",
	 "{\"channels\": [{\"column\": \"drop\", \"role\": \"signal\", \"below_floor\": "
	 "19000}]}",
	 NULL, "untrustworthy", "drop is not coupled: 95 % of its points"},
	{"a deep filter is coupled",
	 "{\"channels\": [{\"column\": \"drop\", \"role\": \"signal\", "
	 "\"below_floor\": 15000}]}",
	 NULL, "measured", NULL},
	{"other sweeps may be dark",
	 "{\"kind\": \"sweep\", \"channels\": [{\"column\": \"drop\", \"role\": "
	 "\"signal\", \"below_floor\": 20001}]}",
	 NULL, "measured", NULL},
	{"saturated",
	 "{\"channels\": [{\"column\": \"through\", \"role\": \"signal\", \"saturated\": 3}]}",
	 NULL, "untrustworthy", "3 points of through saturated"},
	{"monitor saturated",
	 "{\"channels\": [{\"column\": \"mon\", \"role\": \"monitor\", \"saturated\": "
	 "1}]}",
	 NULL, "untrustworthy", "1 point of mon saturated"},
	{"dark drift",
	 "{\"channels\": [{\"column\": \"through\", \"role\": \"signal\", \"noise_a\": 1e-10, "
	 "\"dark_before_a\": 5e-10, \"dark_after_a\": 9e-10}]}",
	 NULL, "untrustworthy", "dark current of through drifted from 5e-10 to 9e-10 A"},
	{"unsettled", "{\"flags\": {\"unsettled\": 12}}", NULL, "untrustworthy",
	 "12 points were taken before"},
	{"gate shut", "{\"flags\": {\"gate-closed\": 1}}", NULL, "untrustworthy",
	 "1 point was taken|gate shut"},
	{"gate shut in a dark run", "{\"kind\": \"dark\", \"flags\": {\"gate-closed\": 500}}", NULL,
	 "measured", NULL},
	/* ---- limits ---- */
	{"kept", "{}", "[{\"quantity\": \"q_loaded\", \"low\": 40000}]", "pass", NULL},
	{"one resonance breaks it", "{}", "[{\"quantity\": \"q_loaded\", \"low\": 60000}]", "fail",
	 "q_loaded of through at 1545.000 nm is 50000, below 60000"},
	{"above", "{}", "[{\"quantity\": \"q_loaded\", \"high\": 60000}]", "fail",
	 "at 1547.300 nm is 70000, above 60000"},
	{"inside the guard band", "{}", "[{\"quantity\": \"q_loaded\", \"low\": 49900}]",
	 "marginal", "within the guard band 200 of the limit 49900"},
	{"just outside is marginal, too", "{}", "[{\"quantity\": \"q_loaded\", \"low\": 50100}]",
	 "marginal", "guard band"},
	{"guard given", "{}", "[{\"quantity\": \"q_loaded\", \"low\": 49900, \"guard\": 50}]",
	 "pass", NULL},
	{"guard given, wide", "{}",
	 "[{\"quantity\": \"q_loaded\", \"low\": 40000, \"guard\": 20000}]", "marginal",
	 "guard band"},
	{"by its stem", "{}", "[{\"quantity\": \"fwhm\", \"high\": 40, \"unit\": \"pm\"}]", "pass",
	 NULL},
	{"in another unit", "{}", "[{\"quantity\": \"fwhm\", \"high\": 0.03, \"unit\": \"nm\"}]",
	 "fail", "is 0.031 nm, above 0.03"},
	{"the axis' systematic part counts for wavelengths", "{}",
	 "[{\"quantity\": \"wavelength_nm\", \"low\": 1544.998, \"high\": 1560}]", "marginal",
	 "within the guard band 0.0034"},
	{"fsr", "{}", "[{\"quantity\": \"fsr_nm\", \"low\": 2.2, \"high\": 2.4}]", "pass", NULL},
	{"count", "{}", "[{\"quantity\": \"count\", \"low\": 2, \"high\": 2}]", "pass", NULL},
	{"count wrong", "{}", "[{\"quantity\": \"count\", \"low\": 9}]", "fail",
	 "count of through is 2"},
	{"another channel was not analysed", "{}",
	 "[{\"quantity\": \"q_loaded\", \"channel\": \"drop\", \"low\": 1}]", "untrustworthy",
	 "of drop was not analysed"},
	{"what this resonance does not have", "{}", "[{\"quantity\": \"fano_q\", \"low\": 1}]",
	 "untrustworthy", "gives no fano_q"},
	/* ---- which one wins ---- */
	{"fail beats marginal", "{}",
	 "[{\"quantity\": \"q_loaded\", \"low\": 49900}, {\"quantity\": \"count\", \"low\": 9}]",
	 "fail", "guard band"},
	{"marginal beats pass", "{}",
	 "[{\"quantity\": \"count\", \"low\": 1}, {\"quantity\": \"q_loaded\", \"low\": 49900}]",
	 "marginal", "guard band"},
	{"untrustworthy beats fail", "{\"flags\": {\"unsettled\": 1}}",
	 "[{\"quantity\": \"count\", \"low\": 9}]", "untrustworthy", "unsettled|settled"},
	{"untrustworthy beats pass", "{\"flags\": {\"unsettled\": 1}}",
	 "[{\"quantity\": \"count\", \"low\": 1}]", "untrustworthy", "settled"},
};

/* Any of the parts between bars. */
static bool contains(const char *text, const char *parts)
{
	char *copy = strdup(parts), *rest = copy, *part;
	bool found = false;

	while ((part = strsep(&rest, "|")))
		found = found || strstr(text, part);
	free(copy);
	return found;
}

static json_t *parse(const char *text)
{
	json_error_t error;
	json_t *value = text ? json_loads(text, JSON_DECODE_ANY, &error) : NULL;

	ck_assert_msg(!text || value, "%s: %s", text, error.text);
	return value;
}

START_TEST(a_verdict_follows_from_what_is_known)
{
	const struct trust_limits limits = trust_default_limits();
	json_t *meta = parse(good), *change = parse(cases[_i].change);
	json_t *analyses = parse(analysis), *expectations = parse(cases[_i].expectations);
	json_t *reasons = NULL;
	const char *verdict = NULL, *first;
	_cleanup_free_ char *message = NULL;

	json_object_update_recursive(meta, change);
	ck_assert_int_eq(
		trust_judge(meta, analyses, expectations, &limits, &verdict, &reasons, &message),
		0);
	first = json_string_value(json_array_get(reasons, 0));
	ck_assert_msg(streq(verdict, cases[_i].verdict), "%s: %s (%s)", cases[_i].name, verdict,
		      first ? first : "no reason");
	if (cases[_i].says)
		ck_assert_msg(first && contains(first, cases[_i].says), "%s: %s", cases[_i].name,
			      first ? first : "no reason");
	else
		ck_assert_msg(!first, "%s: %s", cases[_i].name, first ? first : "");
	json_decref(meta);
	json_decref(change);
	json_decref(analyses);
	json_decref(expectations);
	json_decref(reasons);
}
END_TEST

START_TEST(a_device_without_resonances_fails)
{
	const struct trust_limits limits = trust_default_limits();
	json_t *meta = parse(good), *reasons = NULL;
	json_t *analyses =
		parse("[{\"method\": \"resonances\", \"values\": {\"channel\": \"through\", "
		      "\"resonances\": []}}]");
	json_t *expectations = parse("[{\"quantity\": \"q_loaded\", \"low\": 1}]");
	const char *verdict = NULL;

	ck_assert_int_eq(
		trust_judge(meta, analyses, expectations, &limits, &verdict, &reasons, NULL), 0);
	ck_assert_str_eq(verdict, "fail");
	ck_assert_ptr_nonnull(
		strstr(json_string_value(json_array_get(reasons, 0)), "no resonance was found"));
	json_decref(meta);
	json_decref(analyses);
	json_decref(expectations);
	json_decref(reasons);
}
END_TEST

static const struct {
	const char *expectations;
	const char *says;
} malformed[] = {
	{"{}", "must be a list"},
	{"[1]", "is no object"},
	{"[{\"low\": 1}]", "names no quantity"},
	{"[{\"quantity\": \"q\"}]", "has no limit"},
	{"[{\"quantity\": \"q\", \"low\": \"1\"}]", "low must be a number"},
	{"[{\"quantity\": \"q\", \"low\": 2, \"high\": 1}]", "low is above high"},
	{"[{\"quantity\": \"q\", \"low\": 2, \"guard\": -1}]", "guard is below 0"},
	{"[{\"quantity\": \"q\", \"low\": 2, \"unit\": \"furlong\"}]",
	 "unit \"furlong\" is not known"},
	{"[{\"quantity\": \"q\", \"low\": 2, \"hihg\": 1}]", "unknown key \"hihg\""},
	{"[{\"quantity\": \"finesse\", \"low\": 1}]",
	 "nothing measures \"finesse\"; quantities are count, wavelength, fwhm, q_loaded"},
	{"[{\"quantity\": \"fwhm\", \"low\": 19, \"high\": 22}]",
	 "limits of fwhm need a unit; write pm if that is meant"},
	{"[{\"quantity\": \"fwhm\", \"low\": 1, \"unit\": \"dB\"}]",
	 "fwhm is not measured in db but in pm"},
	{"[{\"quantity\": \"count\", \"low\": 1, \"unit\": \"nm\"}]",
	 "count is not measured in nm but has no unit"},
};

START_TEST(a_malformed_expectation_is_refused)
{
	const struct trust_limits limits = trust_default_limits();
	json_t *meta = parse(good), *expectations = parse(malformed[_i].expectations), *reasons;
	_cleanup_free_ char *message = NULL, *again = NULL;
	const char *verdict;

	ck_assert_int_eq(trust_check_expectations(expectations, &message), -EINVAL);
	ck_assert_msg(strstr(message, malformed[_i].says), "%s", message);
	ck_assert_int_eq(trust_judge(meta, NULL, expectations, &limits, &verdict, &reasons, &again),
			 -EINVAL);
	json_decref(meta);
	json_decref(expectations);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("trust");
	TCase *t = tcase_create("trust");

	tcase_add_loop_test(t, a_verdict_follows_from_what_is_known, 0, ARRAY_SIZE(cases));
	tcase_add_test(t, a_device_without_resonances_fails);
	tcase_add_loop_test(t, a_malformed_expectation_is_refused, 0, ARRAY_SIZE(malformed));
	suite_add_tcase(s, t);
	return run_suite(s);
}
