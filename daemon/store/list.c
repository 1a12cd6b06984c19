// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Lists of runs by what was written on them. Filters become parameters, never SQL text.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "store/store_private.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MAX 10000

static const struct filter {
	const char *key;
	const char *exact; /* condition with one parameter */
	const char *pattern; /* the same for a text with * or ?, or NULL */
	int64_t scale; /* of a number; 0: a text */
} filters[] = {
	{"label", "label = ?", "label GLOB ?", 0},
	{"device", "device = ?", "device GLOB ?", 0},
	{"wafer", "wafer = ?", "wafer GLOB ?", 0},
	{"die", "die = ?", "die GLOB ?", 0},
	{"kind", "kind = ?", NULL, 0},
	{"status", "status = ?", NULL, 0},
	{"verdict", "verdict = ?", NULL, 0},
	{"purpose", "purpose = ?", NULL, 0},
	{"since_s", "created_ns >= ?", NULL, (int64_t)NSEC_PER_SEC},
	{"until_s", "created_ns < ?", NULL, (int64_t)NSEC_PER_SEC},
	{"before", "id < ?", NULL, 1},
};

static bool is_pattern(const char *text)
{
	return strpbrk(text, "*?") != NULL;
}

static int check_filter(struct store *s, const json_t *filter)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)filter, key, value) {
		const struct filter *f = NULL;

		for (size_t i = 0; i < ARRAY_SIZE(filters); i++)
			if (streq(filters[i].key, key))
				f = &filters[i];
		if (!f && !streq(key, "limit"))
			return store_fail(
				s, -EINVAL,
				"runs cannot be chosen by \"%s\"; allowed are label, device, "
				"wafer, die, kind, status, verdict, purpose, since_s, until_s, "
				"before, limit",
				key);
		if (f && f->scale == 0 ? !json_is_string(value) : !json_is_number(value))
			return store_fail(s, -EINVAL, "runs by %s: it must be a %s", key,
					  f && f->scale == 0 ? "text" : "number");
	}
	return 0;
}

static char *filter_sql(const json_t *filter)
{
	char *sql =
		strdup("SELECT id, created_ns, kind, label, device, wafer, die, purpose, status,"
		       " verdict, cause, points, bytes FROM run WHERE status <> 'deleting'");

	for (size_t i = 0; sql && i < ARRAY_SIZE(filters); i++) {
		const json_t *value = json_object_get(filter, filters[i].key);
		bool pattern = filters[i].pattern && json_is_string(value) &&
			       is_pattern(json_string_value(value));
		char *longer;

		if (!value)
			continue;
		longer = asprintf_or_null("%s AND %s", sql,
					  pattern ? filters[i].pattern : filters[i].exact);
		free(sql);
		sql = longer;
	}
	if (sql) {
		char *whole = asprintf_or_null("%s ORDER BY id DESC LIMIT ?", sql);

		free(sql);
		sql = whole;
	}
	return sql;
}

static int64_t scaled(const json_t *value, int64_t scale)
{
	double x = json_number_value(value) * (double)scale;

	if (json_is_integer(value) && scale == 1)
		return json_integer_value(value);
	return x >= 9e18 ? INT64_MAX : x <= -9e18 ? INT64_MIN : (int64_t)x;
}

static void bind_filter(sqlite3_stmt *statement, const json_t *filter)
{
	const json_t *limit = json_object_get(filter, "limit");
	double asked = limit ? json_number_value(limit) : LIMIT_DEFAULT;
	int index = 0;

	for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
		const json_t *value = json_object_get(filter, filters[i].key);

		if (!value)
			continue;
		if (filters[i].scale == 0)
			store_bind_text(statement, ++index, json_string_value(value));
		else
			sqlite3_bind_int64(statement, ++index, scaled(value, filters[i].scale));
	}
	sqlite3_bind_int64(statement, index + 1,
			   asked > LIMIT_MAX ? LIMIT_MAX
			   : asked < 0	     ? 0
					     : (int64_t)asked);
}

static json_t *short_object(sqlite3_stmt *row)
{
	static const char *const texts[] = {"kind",    "label",	 "device",  "wafer", "die",
					    "purpose", "status", "verdict", "cause"};
	json_t *o = json_object();
	_cleanup_free_ char *created = store_time_text(sqlite3_column_int64(row, 1));

	json_object_set_new(o, "run", json_integer(sqlite3_column_int64(row, 0)));
	json_object_set_new(o, "created", json_string(created ? created : ""));
	for (int i = 0; i < (int)ARRAY_SIZE(texts); i++) {
		const char *text = store_column_text(row, 2 + i);

		/* Who lists runs may count on these; the others only where there is something. */
		if (*text || i < 3 || i == 6 || i == 7)
			json_object_set_new(o, texts[i], json_string(text));
	}
	json_object_set_new(o, "points", json_integer(sqlite3_column_int64(row, 11)));
	json_object_set_new(o, "bytes", json_integer(sqlite3_column_int64(row, 12)));
	return o;
}

int store_runs(struct store *s, const json_t *filter, json_t **ret)
{
	_cleanup_statement_ sqlite3_stmt *statement = NULL;
	_cleanup_json_ json_t *all = json_array();
	_cleanup_free_ char *sql = NULL;
	int result, r = check_filter(s, filter);

	if (r < 0)
		return r;
	sql = filter_sql(filter);
	r = sql ? store_prepare(s, sql, &statement) : -ENOMEM;
	if (r < 0)
		return r;
	bind_filter(statement, filter);
	while ((result = sqlite3_step(statement)) == SQLITE_ROW)
		json_array_append_new(all, short_object(statement));
	r = store_sql_error(s, result, "listing runs");
	if (r == 0)
		*ret = take_ptr(all);
	return r;
}
