// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What speaks against believing a run, in sentences, and the verdict over all. See trust.h.
 */
#include "calibrate/trust.h"

#include <inttypes.h>
#include <math.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "calibrate/expect.h"
#include "data/meta.h"

struct trust_limits trust_default_limits(void)
{
	return (struct trust_limits){
		.reference_age_max_s = 8 * 3600,
		.temperature_sigma_max_c = 0.05,
		.below_floor_max = 0.9,
		.dark_drift_max = 3,
		.coverage = 2,
	};
}

static void say(json_t *reasons, char *sentence)
{
	if (sentence)
		json_array_append_new(reasons, json_string(sentence));
	free(sentence);
}

static int64_t count_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static double number_of(const json_t *object, const char *key)
{
	const json_t *number = json_object_get(object, key);

	return json_is_number(number) ? json_number_value(number) : NAN;
}

static const char *plural(int64_t n)
{
	return n == 1 ? "" : "s";
}

/* ---- the ledger ---- */

static int64_t points_missing(const json_t *ledger)
{
	int64_t sum = 0;
	size_t i;
	json_t *gap;

	json_array_foreach(json_object_get(ledger, "gaps"), i, gap)
		sum += count_of(gap, "count");
	return sum;
}

/* ended_early: what its taker saw, who knows more of the end than the last record; NULL: nothing. */
static void judge_ledger(const json_t *ledger, const char *ended_early, json_t *reasons)
{
	const char *cause = json_string_value(json_object_get(ledger, "cause"));
	int64_t missing = points_missing(ledger);
	size_t i, before = json_array_size(reasons);
	json_t *why;

	if (!json_is_object(ledger)) {
		say(reasons, strdup("there is no ledger: nothing says that the data are whole"));
		return;
	}
	if (missing > 0)
		say(reasons, asprintf_or_null("gap in the ledger: %" PRId64 " point%s missing",
					      missing, plural(missing)));
	if (json_is_true(json_object_get(ledger, "complete")))
		return;
	if (cause && !streq(cause, "done"))
		say(reasons,
		    asprintf_or_null("the run is partial: %s", ended_early ? ended_early : cause));
	json_array_foreach(json_object_get(ledger, "why"), i, why)
		if (json_is_string(why))
			say(reasons, asprintf_or_null("ledger: %s", json_string_value(why)));
	if (json_array_size(reasons) == before)
		say(reasons, strdup("the ledger is not complete"));
}

/* ---- the reference and the surroundings ---- */

static void judge_reference(const json_t *reference, const struct trust_limits *limits,
			    json_t *reasons)
{
	double age_s = number_of(reference, "age_s");
	size_t i;
	json_t *reason;

	if (!json_is_object(reference))
		return;
	json_array_foreach(json_object_get(reference, META_REASONS), i, reason)
		json_array_append(reasons, reason);
	if (i == 0 && age_s > limits->reference_age_max_s)
		say(reasons,
		    asprintf_or_null(
			    "the reference is %.1f h old; %g h are allowed: take a new one",
			    age_s / 3600, limits->reference_age_max_s / 3600));
}

static void judge_temperature(const json_t *meta, const struct trust_limits *limits,
			      json_t *reasons)
{
	const json_t *environment = json_object_get(meta, META_ENVIRONMENT);
	double sigma = number_of(environment, "chip_temperature_sigma_c");
	const char *cause =
		json_string_value(json_object_get(json_object_get(meta, META_LEDGER), "cause"));

	if (cause && streq(cause, "never settled"))
		say(reasons, strdup("the temperature never settled within its time-out"));
	if (sigma > limits->temperature_sigma_max_c)
		say(reasons,
		    asprintf_or_null("the chip's temperature was not settled: it varied by "
				     "%.3f C (1 sigma); %g C are allowed",
				     sigma, limits->temperature_sigma_max_c));
}

static void judge_flags(const json_t *meta, bool light, json_t *reasons)
{
	static const struct {
		const char *flag;
		bool light_only;
		const char *sentence;
	} flags[] = {
		{"unsettled", false, "were taken before their source had settled"},
		{"mode-hop", true, "were taken while the laser hopped between modes"},
		{"gate-closed", true, "were taken with the gate shut"},
		{"emission-off", true, "were taken without light"},
		{"interlock", true, "were taken with the interlock open"},
		{"trigger-missed", false, "missed their trigger"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		int64_t n = count_of(json_object_get(meta, META_FLAGS), flags[i].flag);

		if (n > 0 && (light || !flags[i].light_only))
			say(reasons, asprintf_or_null("%" PRId64 " point%s %s", n, plural(n),
						      flags[i].sentence));
	}
}

/* ---- channels ---- */

static void judge_drift(const json_t *channel, const char *name, const struct trust_limits *limits,
			json_t *reasons)
{
	double before = number_of(channel, "dark_before_a");
	double after = number_of(channel, "dark_after_a");
	double noise = number_of(channel, "noise_a");

	if (fabs(after - before) > limits->dark_drift_max * noise)
		say(reasons, asprintf_or_null("the dark current of %s drifted from %.3g to %.3g A; "
					      "%g times the noise of a point (%.2g A) is allowed",
					      name, before, after, limits->dark_drift_max, noise));
}

static void judge_channel(const json_t *channel, int64_t points, bool light,
			  const struct trust_limits *limits, json_t *reasons)
{
	const char *name = json_string_value(json_object_get(channel, "column"));
	const char *role = json_string_value(json_object_get(channel, "role"));
	int64_t saturated = count_of(channel, "saturated");
	double below = number_of(channel, "below_floor");

	if (!name)
		name = "a channel";
	judge_drift(channel, name, limits, reasons);
	if (!role || !(streq(role, "signal") || streq(role, "monitor")))
		return;
	if (saturated > 0)
		say(reasons, asprintf_or_null("%" PRId64 " point%s of %s saturated: take a less "
					      "sensitive range",
					      saturated, plural(saturated), name));
	if (light && points > 0 && below > limits->below_floor_max * (double)points)
		say(reasons, asprintf_or_null("%s is not coupled: %.0f %% of its points lie below "
					      "the floor",
					      name, 100 * below / (double)points));
}

static void judge_channels(const json_t *meta, bool light, const struct trust_limits *limits,
			   json_t *reasons)
{
	int64_t points = count_of(json_object_get(meta, META_LEDGER), "received");
	size_t i;
	json_t *channel;

	json_array_foreach(json_object_get(meta, META_CHANNELS), i, channel)
		judge_channel(channel, points, light, limits, reasons);
}

/* ---- the verdict ---- */

static void judge_trust(const json_t *meta, const struct trust_limits *limits, json_t *reasons)
{
	const char *kind = json_string_value(json_object_get(meta, META_KIND));
	/* Other sweeps may be dark on purpose: a dark current, a laser diode below threshold. */
	bool light = kind && streq(kind, "wavelength-sweep");

	judge_ledger(json_object_get(meta, META_LEDGER),
		     json_string_value(json_object_get(meta, META_ENDED_EARLY)), reasons);
	judge_reference(json_object_get(meta, META_REFERENCE), limits, reasons);
	judge_temperature(meta, limits, reasons);
	judge_channels(meta, light, limits, reasons);
	judge_flags(meta, light, reasons);
}

/* Several resonances may fall under one sentence: said once, where it comes first. */
static void leave_out_repeated(json_t *reasons)
{
	for (size_t i = 0; i < json_array_size(reasons); i++)
		for (size_t n = json_array_size(reasons) - 1; n > i; n--)
			if (json_equal(json_array_get(reasons, i), json_array_get(reasons, n)))
				json_array_remove(reasons, n);
}

static const char *word(enum expect_outcome outcome)
{
	switch (outcome) {
	case EXPECT_PASS:
		return "pass";
	case EXPECT_MARGINAL:
		return "marginal";
	case EXPECT_FAIL:
		return "fail";
	case EXPECT_UNKNOWN:
		break;
	}
	return "untrustworthy";
}

int trust_judge(const json_t *meta, const json_t *analyses, const json_t *expectations,
		const struct trust_limits *limits, const char **ret_verdict, json_t **ret_reasons,
		char **ret_message)
{
	enum expect_outcome worst = EXPECT_PASS;
	json_t *reasons, *expectation;
	size_t i;
	int r = expect_check(expectations, ret_message);

	if (r < 0)
		return r;
	reasons = json_array();
	if (!reasons)
		return -ENOMEM;
	judge_trust(meta, limits, reasons);
	if (json_array_size(reasons) > 0)
		worst = EXPECT_UNKNOWN;
	json_array_foreach(expectations, i, expectation)
		worst = MAX(worst, expect_judge(expectation, analyses, limits->coverage, reasons));
	leave_out_repeated(reasons);
	*ret_verdict = worst == EXPECT_PASS && json_array_size(expectations) == 0 ? "measured"
										  : word(worst);
	*ret_reasons = reasons;
	return 0;
}

int trust_check_expectations(const json_t *expectations, char **ret_message)
{
	return expect_check(expectations, ret_message);
}
