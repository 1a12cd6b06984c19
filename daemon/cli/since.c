// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Points in time. See since.h.
 */
#include "cli/since.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/quantity.h"
#include "base/util.h"

#define FORMS "today, yesterday, 2h, 3d, 1w, 2025-03-01 or \"2025-03-01 14:30\""

static int64_t midnight(int64_t now_s, int days_ago)
{
	time_t now = (time_t)now_s;
	struct tm tm;

	localtime_r(&now, &tm);
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	tm.tm_mday -= days_ago;
	tm.tm_isdst = -1;
	return (int64_t)mktime(&tm);
}

/* Days and weeks, which are no unit of a measurement. */
static bool ago_in_days(const char *text, int64_t *ret_seconds)
{
	char *end;
	long n;

	if (*text < '0' || *text > '9')
		return false;
	n = strtol(text, &end, 10);
	if ((!streq(end, "d") && !streq(end, "w")) || n > 100000)
		return false;
	*ret_seconds = n * 86400 * (*end == 'w' ? 7 : 1);
	return true;
}

static bool date(const char *text, int64_t *ret)
{
	static const char *const formats[] = {"%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M",
					      "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"};

	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		struct tm tm = {.tm_isdst = -1}, check;
		int64_t seconds;
		const char *end = strptime(text, formats[i], &tm);

		if (!end || *end)
			continue;
		check = tm;
		seconds = (int64_t)mktime(&check);
		if (check.tm_mday != tm.tm_mday) /* the 31st of February */
			return false;
		*ret = seconds;
		return true;
	}
	return false;
}

int since_parse(const char *text, int64_t now_s, int64_t *ret, char **ret_message)
{
	int64_t seconds;

	if (streq(text, "today") || streq(text, "yesterday")) {
		*ret = midnight(now_s, *text == 'y');
		return 0;
	}
	if (date(text, ret))
		return 0;
	if (ago_in_days(text, &seconds) ||
	    (quantity_parse(text, QUANTITY_TIME, &seconds, NULL) == 0 &&
	     (seconds /= 1000000000) >= 0)) {
		*ret = now_s - seconds;
		return 0;
	}
	return fail(ret_message, -EINVAL, "'%s' is not a point in time; allowed: " FORMS, text);
}
