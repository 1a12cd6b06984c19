// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * One expectation against what an analysis says: finds the values, brings them to the asked unit,
 * compares with guard bands. What is trusted at all is decided in trust.c.
 */
#include "calibrate/expect.h"

#include <errno.h>
#include <math.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/util.h"

#define METHOD_DEFAULT "resonances"
#define KEY_MAX 80

/* ---- units: a key's ending names the unit of its value ---- */

static const struct unit {
	const char *name;
	char dimension;
	double factor;
} units[] = {
	{"m", 'l', 1},	    {"um", 'l', 1e-6},	{"nm", 'l', 1e-9}, {"pm", 'l', 1e-12},
	{"fm", 'l', 1e-15}, {"w", 'p', 1},	{"mw", 'p', 1e-3}, {"uw", 'p', 1e-6},
	{"nw", 'p', 1e-9},  {"a", 'i', 1},	{"ma", 'i', 1e-3}, {"ua", 'i', 1e-6},
	{"na", 'i', 1e-9},  {"v", 'v', 1},	{"mv", 'v', 1e-3}, {"uv", 'v', 1e-6},
	{"db", 'd', 1},	    {"ohm", 'r', 1},	{"c", 't', 1},	   {"hz", 'f', 1},
	{"ghz", 'f', 1e9},  {"thz", 'f', 1e12},
};

static const struct unit *unit_find(const char *name)
{
	for (size_t i = 0; name && i < ARRAY_SIZE(units); i++)
		if (strcasecmp(units[i].name, name) == 0)
			return &units[i];
	return NULL;
}

/* "fwhm_pm" -> pm; NULL: a pure number */
static const struct unit *unit_of_key(const char *key)
{
	const char *end = strrchr(key, '_');

	return end ? unit_find(end + 1) : NULL;
}

/* What turns a value in `from` into `to`; NaN when they measure different things. */
static double unit_factor(const struct unit *from, const struct unit *to)
{
	if (from == to)
		return 1;
	if (!from || !to || from->dimension != to->dimension)
		return NAN;
	return from->factor / to->factor;
}

/* ---- finding values ---- */

struct value {
	double value, sigma; /* in the unit of the expectation; sigma 0: not known */
	double wavelength_nm; /* where, or NaN */
};

/* Length of the key without its unit. */
static size_t stem_length(const char *key)
{
	return unit_of_key(key) ? (size_t)(strrchr(key, '_') - key) : strlen(key);
}

/* The key of `object` that holds a quantity: "fwhm_pm" for "fwhm_pm" and for "fwhm". */
static const char *find_key(const json_t *object, const char *quantity)
{
	const char *key;
	json_t *value;

	if (json_object_get(object, quantity))
		return quantity;
	json_object_foreach((json_t *)(uintptr_t)object, key, value) {
		if (unit_of_key(key) && stem_length(key) == strlen(quantity) &&
		    strncmp(key, quantity, stem_length(key)) == 0)
			return key;
	}
	return NULL;
}

/* The part `kind` ("random", "systematic") of a key's uncertainty, in the unit `to`; 0 when absent.
 */
static double find_part(const json_t *object, const char *key, const char *kind,
			const struct unit *to)
{
	char name[KEY_MAX];
	const char *found;
	double sigma;

	snprintf(name, sizeof(name), "%.*s_%s", (int)stem_length(key), key, kind);
	found = find_key(object, name);
	if (!found || !json_is_number(json_object_get(object, found)))
		return 0;
	sigma = json_number_value(json_object_get(object, found)) *
		unit_factor(unit_of_key(found), to);
	return isfinite(sigma) ? fabs(sigma) : 0;
}

static const struct unit *wanted_unit(const json_t *expectation, const char *key)
{
	const char *unit = json_string_value(json_object_get(expectation, "unit"));

	return unit && *unit ? unit_find(unit) : unit_of_key(key);
}

/* The axis' systematic part is common to all wavelengths: it counts where one is judged. */
static double axis_part(const json_t *values, const char *key, const struct unit *to)
{
	const json_t *systematic =
		json_object_get(json_object_get(values, "axis"), "systematic_pm");

	if (strncmp(key, "wavelength", strlen("wavelength")) != 0 || !json_is_number(systematic))
		return 0;
	return json_number_value(systematic) * unit_factor(unit_find("pm"), to);
}

/* false: this object does not hold the quantity as a number. */
static bool take_value(const json_t *expectation, const json_t *values, const json_t *object,
		       struct value *ret)
{
	const char *quantity = json_string_value(json_object_get(expectation, "quantity"));
	const char *key = find_key(object, quantity);
	const json_t *number = key ? json_object_get(object, key) : NULL;
	const json_t *wavelength = json_object_get(object, "wavelength_nm");
	const struct unit *to;

	if (!json_is_number(number))
		return false;
	to = wanted_unit(expectation, key);
	ret->value = json_number_value(number) * unit_factor(unit_of_key(key), to);
	ret->sigma = hypot(hypot(find_part(object, key, "random", to),
				 find_part(object, key, "systematic", to)),
			   axis_part(values, key, to));
	ret->wavelength_nm = json_is_number(wavelength) ? json_number_value(wavelength) : NAN;
	return isfinite(ret->value);
}

/* ---- judging ---- */

static const char *channel_text(const json_t *expectation, const json_t *values)
{
	const char *channel = json_string_value(json_object_get(expectation, "channel"));

	if (!channel)
		channel = json_string_value(json_object_get(values, "channel"));
	return channel ? channel : "the first channel";
}

static void say(json_t *reasons, char *sentence)
{
	if (sentence)
		json_array_append_new(reasons, json_string(sentence));
	free(sentence);
}

static double number_or(const json_t *object, const char *key, double fallback)
{
	const json_t *number = json_object_get(object, key);

	return json_is_number(number) ? json_number_value(number) : fallback;
}

/* "fwhm of through at 1540.308 nm is 21 pm" */
static char *state(const json_t *expectation, const json_t *values, const struct value *v)
{
	const char *unit = json_string_value(json_object_get(expectation, "unit"));
	char where[32] = "";

	if (isfinite(v->wavelength_nm))
		snprintf(where, sizeof(where), " at %.3f nm", v->wavelength_nm);
	return asprintf_or_null("%s of %s%s is %.6g%s%s",
				json_string_value(json_object_get(expectation, "quantity")),
				channel_text(expectation, values), where, v->value,
				unit && *unit ? " " : "", unit ? unit : "");
}

static enum expect_outcome compare(const json_t *expectation, const json_t *values,
				   const struct value *v, double coverage, json_t *reasons)
{
	double low = number_or(expectation, "low", -INFINITY);
	double high = number_or(expectation, "high", INFINITY);
	double guard = number_or(expectation, "guard", coverage * v->sigma);
	_cleanup_free_ char *is = NULL;

	if (v->value >= low + guard && v->value <= high - guard)
		return EXPECT_PASS;
	is = state(expectation, values, v);
	if (v->value < low - guard)
		say(reasons, asprintf_or_null("%s, below %g", is, low));
	else if (v->value > high + guard)
		say(reasons, asprintf_or_null("%s, above %g", is, high));
	else
		say(reasons,
		    asprintf_or_null("%s, within the guard band %.3g of the limit %g", is, guard,
				     fabs(v->value - low) < fabs(v->value - high) ? low : high));
	return v->value < low - guard || v->value > high + guard ? EXPECT_FAIL : EXPECT_MARGINAL;
}

static const json_t *find_analysis(const json_t *expectation, const json_t *analyses)
{
	const char *method = json_string_value(json_object_get(expectation, "method"));
	const char *channel = json_string_value(json_object_get(expectation, "channel"));
	size_t i;
	json_t *analysis;

	json_array_foreach(analyses, i, analysis) {
		const json_t *values = json_object_get(analysis, "values");
		const char *has = json_string_value(json_object_get(analysis, "method"));
		const char *of = json_string_value(json_object_get(values, "channel"));

		if (!has || !streq(has, method ? method : METHOD_DEFAULT))
			continue;
		if (!channel || (of && streq(of, channel)))
			return values;
	}
	return NULL;
}

static enum expect_outcome judge_each(const json_t *expectation, const json_t *values,
				      const json_t *resonances, double coverage, json_t *reasons,
				      size_t *ret_found)
{
	enum expect_outcome worst = EXPECT_PASS;
	size_t i;
	json_t *resonance;

	*ret_found = 0;
	json_array_foreach(resonances, i, resonance) {
		struct value v;

		if (!take_value(expectation, values, resonance, &v))
			continue;
		(*ret_found)++;
		worst = MAX(worst, compare(expectation, values, &v, coverage, reasons));
	}
	return worst;
}

static bool find_scalar(const json_t *expectation, const json_t *values, struct value *ret)
{
	const char *key;
	json_t *group;

	if (take_value(expectation, values, values, ret))
		return true;
	json_object_foreach((json_t *)(uintptr_t)values, key, group) {
		if (json_is_object(group) && take_value(expectation, values, group, ret))
			return true;
	}
	return false;
}

enum expect_outcome expect_judge(const json_t *expectation, const json_t *analyses, double coverage,
				 json_t *reasons)
{
	const char *quantity = json_string_value(json_object_get(expectation, "quantity"));
	const json_t *values = find_analysis(expectation, analyses);
	const json_t *resonances = json_object_get(values, "resonances");
	enum expect_outcome outcome;
	struct value v = {.wavelength_nm = NAN};
	size_t found;

	if (!values) {
		say(reasons, asprintf_or_null("%s of %s was not analysed: it cannot be judged",
					      quantity, channel_text(expectation, NULL)));
		return EXPECT_UNKNOWN;
	}
	if (streq(quantity, "count") && json_is_array(resonances)) {
		v.value = (double)json_array_size(resonances);
		return compare(expectation, values, &v, coverage, reasons);
	}
	outcome = judge_each(expectation, values, resonances, coverage, reasons, &found);
	if (found > 0)
		return outcome;
	if (find_scalar(expectation, values, &v))
		return compare(expectation, values, &v, coverage, reasons);
	if (json_is_array(resonances) && json_array_size(resonances) == 0) {
		say(reasons, asprintf_or_null("no resonance was found in %s: there is no %s",
					      channel_text(expectation, values), quantity));
		return EXPECT_FAIL;
	}
	say(reasons, asprintf_or_null("the analysis of %s gives no %s%s: it cannot be judged",
				      channel_text(expectation, values), quantity,
				      json_object_get(expectation, "unit") ? " in this unit" : ""));
	return EXPECT_UNKNOWN;
}

/* ---- checking what was asked ---- */

static int check_number(const json_t *e, size_t i, const char *key, char **ret_message)
{
	const json_t *number = json_object_get(e, key);

	if (!number || json_is_null(number) ||
	    (json_is_number(number) && isfinite(json_number_value(number))))
		return 0;
	return fail(ret_message, -EINVAL, "expectation %zu: %s must be a number", i + 1, key);
}

/* What analyses by the default method tell of a resonance, or of all; 0: a pure number. */
static const struct quantity {
	const char *name;
	char dimension;
	const char *example; /* of a unit */
} quantities[] = {
	{"count", 0, ""},	  {"wavelength", 'l', "nm"}, {"fwhm", 'l', "pm"},
	{"q_loaded", 0, ""},	  {"extinction", 'd', "dB"}, {"fsr", 'l', "nm"},
	{"splitting", 'l', "pm"}, {"fano_q", 0, ""},
};

static const struct quantity *quantity_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(quantities); i++)
		if (strlen(quantities[i].name) == stem_length(name) &&
		    strncmp(quantities[i].name, name, stem_length(name)) == 0)
			return &quantities[i];
	return NULL;
}

static int unknown_quantity(const char *name, size_t i, char **ret_message)
{
	char known[160] = "";
	size_t used = 0;

	for (size_t k = 0; k < ARRAY_SIZE(quantities); k++)
		used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s", k ? ", " : "",
					 quantities[k].name);
	return fail(ret_message, -EINVAL,
		    "expectation %zu: nothing measures \"%s\"; quantities are %s", i + 1, name,
		    known);
}

/* Before any light: nobody can judge what no analysis gives, nor a limit whose unit is a guess. */
static int check_quantity(const json_t *e, size_t i, const char *name, const char *unit,
			  char **ret_message)
{
	const char *method = json_string_value(json_object_get(e, "method"));
	const struct quantity *q = quantity_find(name);
	const struct unit *given = unit && *unit ? unit_find(unit) : unit_of_key(name);

	if (method && !streq(method, METHOD_DEFAULT))
		return 0;
	if (!q)
		return unknown_quantity(name, i, ret_message);
	if (q->dimension && !given)
		return fail(ret_message, -EINVAL,
			    "expectation %zu: limits of %s need a unit; write %s if that is meant",
			    i + 1, name, q->example);
	if (given && given->dimension != q->dimension)
		return fail(ret_message, -EINVAL,
			    "expectation %zu: %s is not measured in %s but %s%s", i + 1, name,
			    given->name, q->dimension ? "in " : "has no unit", q->example);
	return 0;
}

static int check_one(const json_t *e, size_t i, char **ret_message)
{
	static const char *const known[] = {"quantity", "method", "channel", "low",
					    "high",	"unit",	  "guard"};
	const char *quantity = json_string_value(json_object_get(e, "quantity"));
	const char *unit = json_string_value(json_object_get(e, "unit"));
	const char *key;
	json_t *value;
	int r = 0;

	json_object_foreach((json_t *)(uintptr_t)e, key, value) {
		size_t k = 0;

		while (k < ARRAY_SIZE(known) && !streq(known[k], key))
			k++;
		if (k == ARRAY_SIZE(known))
			return fail(
				ret_message, -EINVAL,
				"expectation %zu: unknown key \"%s\"; allowed are quantity, method, "
				"channel, low, high, unit, guard",
				i + 1, key);
	}
	if (!quantity || !*quantity || strlen(quantity) > KEY_MAX / 2)
		return fail(ret_message, -EINVAL, "expectation %zu names no quantity", i + 1);
	for (size_t k = 0; k < 3 && r == 0; k++)
		r = check_number(e, i, (const char *const[]){"low", "high", "guard"}[k],
				 ret_message);
	if (r < 0)
		return r;
	if (unit && *unit && !unit_find(unit))
		return fail(ret_message, -EINVAL, "expectation %zu: the unit \"%s\" is not known",
			    i + 1, unit);
	if (!json_is_number(json_object_get(e, "low")) &&
	    !json_is_number(json_object_get(e, "high")))
		return fail(ret_message, -EINVAL,
			    "expectation %zu (%s) has no limit: give low, high or both", i + 1,
			    quantity);
	if (number_or(e, "low", -INFINITY) > number_or(e, "high", INFINITY))
		return fail(ret_message, -EINVAL, "expectation %zu (%s): low is above high", i + 1,
			    quantity);
	if (number_or(e, "guard", 0) < 0)
		return fail(ret_message, -EINVAL, "expectation %zu (%s): guard is below 0", i + 1,
			    quantity);
	return check_quantity(e, i, quantity, unit, ret_message);
}

int expect_check(const json_t *expectations, char **ret_message)
{
	size_t i;
	json_t *e;

	if (!expectations || json_is_null(expectations))
		return 0;
	if (!json_is_array(expectations))
		return fail(ret_message, -EINVAL, "expectations must be a list of objects");
	json_array_foreach(expectations, i, e) {
		int r = json_is_object(e)
				? check_one(e, i, ret_message)
				: fail(ret_message, -EINVAL, "expectation %zu is no object", i + 1);

		if (r < 0)
			return r;
	}
	return 0;
}
