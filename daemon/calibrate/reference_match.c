// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * May this run serve as the reference of that one? Compares what both say of themselves and
 * names each difference; reads no data.
 */
#include <math.h>

#include "base/util.h"
#include "calibrate/reference.h"
#include "data/meta.h"

struct reference_rules reference_default_rules(void)
{
	return (struct reference_rules){
		.age_max_s = 8 * 3600, /* a working day */
		.temperature_tolerance_c = 1,
		.power_tolerance = 0.01,
		.speed_tolerance = 1e-6,
		.span_margin_nm = 0.1,
	};
}

struct match {
	const json_t *dut;
	const json_t *reference;
	const struct reference_rules *rules;
	json_t *against;
};

static void say(struct match *m, char *sentence)
{
	if (sentence)
		json_array_append_new(m->against, json_string(sentence));
	free(sentence);
}

static double number(const json_t *meta, const char *group, const char *key)
{
	const json_t *value = json_object_get(json_object_get(meta, group), key);

	return json_is_number(value) ? json_number_value(value) : NAN;
}

static const char *text(const json_t *meta, const char *group, const char *key)
{
	const char *s = json_string_value(json_object_get(json_object_get(meta, group), key));

	return s ? s : "";
}

static bool within(double a, double b, double relative)
{
	return fabs(a - b) <= relative * fmax(fabs(a), fabs(b));
}

static void match_text(struct match *m, const char *group, const char *key, const char *what)
{
	const char *dut = text(m->dut, group, key), *ref = text(m->reference, group, key);

	if (!streq(dut, ref))
		say(m,
		    asprintf_or_null("the reference was taken with another %s: \"%s\", not \"%s\"",
				     what, ref, dut));
}

static void match_number(struct match *m, const char *key, double tolerance, double scale,
			 const char *unit, const char *what)
{
	double dut = number(m->dut, META_SETTINGS, key),
	       ref = number(m->reference, META_SETTINGS, key);

	/* Absent on both sides is equal: a stepped sweep has no speed. */
	if (isnan(dut) && isnan(ref))
		return;
	if (isnan(dut) || isnan(ref) || !within(dut, ref, tolerance))
		say(m, asprintf_or_null("the reference was taken with another %s: %g %s, not %g %s",
					what, ref * scale, unit, dut * scale, unit));
}

/* +1 rising, -1 falling, 0 unknown */
static int direction(const json_t *meta)
{
	double way =
		number(meta, META_SETTINGS, "stop_nm") - number(meta, META_SETTINGS, "start_nm");

	return (way > 0) - (way < 0);
}

static void match_direction(struct match *m)
{
	bool dut =
		json_is_true(json_object_get(json_object_get(m->dut, META_SETTINGS), "both_ways"));
	bool ref = json_is_true(
		json_object_get(json_object_get(m->reference, META_SETTINGS), "both_ways"));

	if (dut && !ref)
		say(m, strdup("the reference was taken one way only, this run both ways"));
	else if (!ref && direction(m->dut) != direction(m->reference))
		say(m, strdup("the reference was taken in the other direction"));
}

static void match_span(struct match *m)
{
	double dut_a = number(m->dut, META_SETTINGS, "start_nm");
	double dut_b = number(m->dut, META_SETTINGS, "stop_nm");
	double ref_a = number(m->reference, META_SETTINGS, "start_nm");
	double ref_b = number(m->reference, META_SETTINGS, "stop_nm");
	double margin = m->rules->span_margin_nm;

	if (isnan(dut_a) || isnan(dut_b))
		return;
	if (isnan(ref_a) || isnan(ref_b) || fmin(dut_a, dut_b) < fmin(ref_a, ref_b) - margin ||
	    fmax(dut_a, dut_b) > fmax(ref_a, ref_b) + margin)
		say(m, asprintf_or_null("the reference spans %.3f to %.3f nm, this run %.3f to "
					"%.3f nm: what is not covered has no loss",
					fmin(ref_a, ref_b), fmax(ref_a, ref_b), fmin(dut_a, dut_b),
					fmax(dut_a, dut_b)));
}

static void match_temperature(struct match *m)
{
	double dut = number(m->dut, META_ENVIRONMENT, "chip_temperature_c");
	double ref = number(m->reference, META_ENVIRONMENT, "chip_temperature_c");

	if (fabs(dut - ref) > m->rules->temperature_tolerance_c)
		say(m,
		    asprintf_or_null("the reference was taken at %.2f C, this run at %.2f C; %g C "
				     "apart are allowed",
				     ref, dut, m->rules->temperature_tolerance_c));
}

static const json_t *channel_of(const json_t *meta, const char *detector)
{
	size_t i;
	json_t *channel;

	json_array_foreach(json_object_get(meta, META_CHANNELS), i, channel) {
		const char *name = json_string_value(json_object_get(channel, "detector"));

		if (name && streq(name, detector))
			return channel;
	}
	return NULL;
}

static void match_detectors(struct match *m)
{
	size_t i;
	json_t *channel;

	json_array_foreach(json_object_get(m->dut, META_CHANNELS), i, channel) {
		const char *role = json_string_value(json_object_get(channel, "role"));
		const char *name = json_string_value(json_object_get(channel, "detector"));

		if (!role || !name || !(streq(role, "signal") || streq(role, "monitor")))
			continue;
		if (!channel_of(m->reference, name))
			say(m, asprintf_or_null("the reference has no detector %s", name));
	}
	if (!!json_object_get(m->dut, META_MONITOR) !=
	    !!json_object_get(m->reference, META_MONITOR))
		say(m, strdup("only one of the two runs has a power monitor"));
}

static void match_quality(struct match *m, double age_s)
{
	const char *verdict = json_string_value(json_object_get(m->reference, META_VERDICT));
	const json_t *ledger = json_object_get(m->reference, META_LEDGER);

	if (ledger && !json_is_true(json_object_get(ledger, "complete")))
		say(m, strdup("the reference is not complete"));
	if (verdict && streq(verdict, "untrustworthy"))
		say(m, strdup("the reference is itself untrustworthy"));
	if (age_s > m->rules->age_max_s)
		say(m, asprintf_or_null(
			       "the reference is %.1f h old; %g h are allowed: take a new one",
			       age_s / 3600, m->rules->age_max_s / 3600));
}

json_t *reference_match(const json_t *dut, const json_t *reference, double age_s,
			const struct reference_rules *rules)
{
	struct match m = {dut, reference, rules, json_array()};

	if (!m.against)
		return NULL;
	match_text(&m, META_BOARD, "serial", "board");
	match_text(&m, META_SETTINGS, "path", "path");
	match_text(&m, META_SETTINGS, "mode", "mode of sweeping");
	match_detectors(&m);
	match_number(&m, "power_w", rules->power_tolerance, 1e3, "mW", "power");
	match_number(&m, "speed_nm_per_s", rules->speed_tolerance, 1, "nm/s", "speed");
	match_direction(&m);
	match_temperature(&m);
	match_span(&m);
	match_quality(&m, age_s);
	return m.against;
}
