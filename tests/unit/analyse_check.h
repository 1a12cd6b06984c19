/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the tests of the analysis share: running it on a synthetic sweep and looking at one resonance.
 */
#ifndef ETALON_TESTS_ANALYSE_CHECK_H
#define ETALON_TESTS_ANALYSE_CHECK_H

#include "analyse/analyse.h"
#include "analyse_synth.h"
#include "base/util.h"

#include <check.h> /* last: it defines a macro fail() */

static inline double number_of(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_number(value) ? json_number_value(value) : NAN;
}

static inline const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* New reference; the analysis must succeed. */
static inline json_t *analyse_table(const struct table *table, const char *channel)
{
	_cleanup_free_ char *message = NULL;
	json_t *result = NULL;

	ck_assert_msg(analyse_resonances(table, channel, NULL, &result, &message) == 0, "%s",
		      message);
	ck_assert(json_is_object(result));
	return result;
}

static inline json_t *analyse_synth(const struct synth *s)
{
	_cleanup_table_ struct table *table = synth_table(s);

	return analyse_table(table, "through");
}

static inline const json_t *resonances_of(const json_t *result)
{
	return json_object_get(result, "resonances");
}

/* Borrowed; NULL when there is none within `within_pm`. */
static inline const json_t *resonance_near(const json_t *result, double nm, double within_pm)
{
	const json_t *r;
	size_t i;

	json_array_foreach(resonances_of(result), i, r)
		if (fabs(number_of(r, "wavelength_nm") - nm) * 1e3 < within_pm)
			return r;
	return NULL;
}

static inline bool has_flag(const json_t *resonance, const char *name)
{
	const json_t *flag;
	size_t i;

	json_array_foreach(json_object_get(resonance, "flags"), i, flag)
		if (streq(json_string_value(flag), name))
			return true;
	return false;
}

/* Mean of (value - truth) / sigma over resonances and seeds, and how many values it is of. */
struct pulls {
	double sum, squares;
	unsigned int count;
};

static inline void pull(struct pulls *p, double value, double truth, double sigma)
{
	double z = (value - truth) / sigma;

	ck_assert(isfinite(z));
	p->sum += z;
	p->squares += z * z;
	p->count++;
}

/* No bias and no understatement beyond four standard deviations of either statistic. */
static inline void assert_pulls(const struct pulls *p, const char *what)
{
	double n = p->count, mean = p->sum / n, rms = sqrt(p->squares / n);

	ck_assert_msg(fabs(mean) < 4 / sqrt(n) && rms < 1 + 4 / sqrt(2 * n) &&
			      rms > 1 - 4 / sqrt(2 * n),
		      "%s: mean z %.3f, RMS z %.3f of %u values", what, mean, rms, p->count);
}

#endif
