// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Reads request objects strictly and tells people what would have been right. See request_read.h.
 */
#include "measure/request_read.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>

#include "base/cleanup.h"
#include "base/util.h"

#define NAME_LENGTH_MAX 63 /* longer names have no near ones */

char *names_list(struct names names)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	for (size_t i = 0; i < names.count; i++)
		fprintf(f, "%s%s", i > 0 ? ", " : "", names.name[i]);
	fclose(f);
	return text;
}

/* Insertions, deletions and replacements that make b of a. */
static size_t distance(const char *a, const char *b)
{
	size_t row[NAME_LENGTH_MAX + 1], n = strlen(a), m = strlen(b);

	if (n > NAME_LENGTH_MAX || m > NAME_LENGTH_MAX)
		return SIZE_MAX;
	for (size_t k = 0; k <= m; k++)
		row[k] = k;
	for (size_t i = 1; i <= n; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t k = 1; k <= m; k++) {
			size_t replaced = diagonal + (a[i - 1] != b[k - 1]);

			diagonal = row[k];
			row[k] = MIN(replaced, MIN(row[k], row[k - 1]) + 1);
		}
	}
	return row[m];
}

const char *names_nearest(struct names names, const char *asked)
{
	const char *nearest = NULL;
	size_t least = MAX(strlen(asked) / 2, (size_t)1) + 1;

	for (size_t i = 0; i < names.count; i++) {
		size_t d = distance(asked, names.name[i]);

		if (d < least) {
			least = d;
			nearest = names.name[i];
		}
	}
	return nearest;
}

int unknown_name(char **ret_message, int error, const char *what, const char *asked,
		 const char *owner, struct names names)
{
	_cleanup_free_ char *list = names_list(names);
	const char *nearest = names_nearest(names, asked);

	return fail(ret_message, error, "no %s \"%s\"; %s: %s%s%s%s", what, asked, owner,
		    list && *list ? list : "none", nearest ? "; did you mean \"" : "",
		    nearest ? nearest : "", nearest ? "\"?" : "");
}

int request_check_keys(const json_t *object, const char *where, struct names allowed,
		       char **ret_message)
{
	const char *key;
	json_t *value;

	if (!json_is_object(object))
		return fail(ret_message, -EINVAL, "%s: must be an object", where);
	json_object_foreach((json_t *)(uintptr_t)object, key, value) {
		_cleanup_free_ char *what = NULL;
		bool known = false;

		for (size_t i = 0; i < allowed.count && !known; i++)
			known = streq(key, allowed.name[i]);
		if (known)
			continue;
		what = asprintf_or_null("%s: key", where);
		return unknown_name(ret_message, -EINVAL, what ? what : "key", key, "allowed",
				    allowed);
	}
	return 0;
}

int request_number(const json_t *value, const char *where, const char *key, int64_t *ret,
		   char **ret_message)
{
	double real;

	if (json_is_integer(value)) {
		*ret = json_integer_value(value);
		return 1;
	}
	if (!json_is_real(value))
		return fail(ret_message, -EINVAL, "%s: %s must be a number", where, key);
	real = json_real_value(value);
	if (!isfinite(real) || real != rint(real) || fabs(real) > 9007199254740992.0)
		return fail(ret_message, -EINVAL, "%s: %s must be a whole number, not %g", where,
			    key, real);
	*ret = (int64_t)real;
	return 1;
}

int request_integer(const json_t *object, const char *where, const char *key, int64_t *ret,
		    char **ret_message)
{
	const json_t *value = json_object_get(object, key);

	return value ? request_number(value, where, key, ret, ret_message) : 0;
}

int request_within(const json_t *object, const char *where, const char *key, int64_t low,
		   int64_t high, int64_t *ret, char **ret_message)
{
	int64_t value;
	int r = request_integer(object, where, key, &value, ret_message);

	if (r <= 0)
		return r;
	if (value < low || value > high)
		return fail(ret_message, -EINVAL,
			    "%s: %s is %" PRId64 "; allowed %" PRId64 " to %" PRId64, where, key,
			    value, low, high);
	*ret = value;
	return 1;
}

int request_flag(const json_t *object, const char *where, const char *key, bool *ret,
		 char **ret_message)
{
	const json_t *value = json_object_get(object, key);

	if (!value)
		return 0;
	if (!json_is_boolean(value))
		return fail(ret_message, -EINVAL, "%s: %s must be true or false", where, key);
	*ret = json_is_true(value);
	return 1;
}

int request_text(const json_t *object, const char *where, const char *key, const char **ret,
		 char **ret_message)
{
	const json_t *value = json_object_get(object, key);

	if (!value)
		return 0;
	if (!json_is_string(value))
		return fail(ret_message, -EINVAL, "%s: %s must be a text", where, key);
	*ret = json_string_value(value);
	return 1;
}

int request_choice(const json_t *object, const char *where, const char *key, struct names choices,
		   unsigned int *ret, char **ret_message)
{
	_cleanup_free_ char *what = NULL;
	const char *text = "";
	int r = request_text(object, where, key, &text, ret_message);

	if (r <= 0)
		return r;
	for (size_t i = 0; i < choices.count; i++)
		if (streq(choices.name[i], text)) {
			*ret = (unsigned int)i;
			return 1;
		}
	what = asprintf_or_null("%s: %s", where, key);
	return unknown_name(ret_message, -EINVAL, what ? what : key, text, "allowed", choices);
}
