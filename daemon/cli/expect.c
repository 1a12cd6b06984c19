// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Limits of a verdict. Quantities and units are known to the daemon, which refuses others. See
 * expect.h.
 */
#include "cli/expect.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/decimal.h"
#include "base/util.h"

#define FORMS "for instance fwhm=19pm..22pm, q_loaded=70000.., extinction=..12dB, count=9"

struct bound {
	bool given;
	double value;
	const char *unit;
};

/* "19pm"; empty: not given. */
static int read_bound(const char *text, struct bound *ret)
{
	struct decimal d;
	size_t n;

	*ret = (struct bound){.given = *text != '\0', .unit = ""};
	if (!ret->given)
		return 0;
	n = decimal_scan(text, &d);
	if (n == 0)
		return -EINVAL;
	ret->value = decimal_to_double(&d);
	ret->unit = text + n + strspn(text + n, " ");
	return 0;
}

static int read_bounds(char *text, struct bound *low, struct bound *high)
{
	char *dots = strstr(text, "..");
	int r;

	if (!dots) { /* one value: exactly that */
		r = read_bound(text, low);
		*high = *low;
		return r;
	}
	*dots = '\0';
	r = read_bound(text, low);
	return r < 0 ? r : read_bound(dots + 2, high);
}

int expect_parse(const char *text, json_t **ret, char **ret_message)
{
	_cleanup_free_ char *copy = strdup(text);
	_cleanup_(json_decrefp) json_t *o = json_object();
	struct bound low, high;
	const char *unit;
	char *equals;

	if (!copy || !o)
		return -ENOMEM;
	equals = strchr(copy, '=');
	if (!equals || equals == copy)
		return fail(ret_message, -EINVAL, "'%s': " FORMS, text);
	*equals = '\0';
	if (read_bounds(equals + 1, &low, &high) < 0 || (!low.given && !high.given))
		return fail(ret_message, -EINVAL, "'%s' has no limit; " FORMS, text);
	unit = low.given ? low.unit : high.unit;
	if (low.given && high.given && !streq(low.unit, high.unit))
		return fail(ret_message, -EINVAL, "'%s': give both limits in one unit; " FORMS,
			    text);
	if (low.given && high.given && low.value > high.value)
		return fail(ret_message, -EINVAL, "'%s': the lower limit is above the higher one",
			    text);
	json_object_set_new(o, "quantity", json_string(copy));
	if (low.given)
		json_object_set_new(o, "low", json_real(low.value));
	if (high.given)
		json_object_set_new(o, "high", json_real(high.value));
	if (*unit)
		json_object_set_new(o, "unit", json_string(unit));
	*ret = take_ptr(o);
	return 0;
}
