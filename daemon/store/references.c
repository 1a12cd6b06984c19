// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Finding the reference for a run: the newest candidate of its detectors that nothing speaks
 * against. What speaks against one is decided in calibrate/reference.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "calibrate/reference.h"
#include "data/meta.h"
#include "store/store_private.h"

#define CANDIDATES_MAX 50 /* looked at, newest first */

static bool is_signal(const json_t *channel)
{
	const char *role = json_string_value(json_object_get(channel, "role"));

	return role && streq(role, "signal") &&
	       json_is_string(json_object_get(channel, "detector"));
}

int store_put_references(struct store *s, int64_t run, const json_t *meta)
{
	const char *purpose = json_string_value(json_object_get(meta, META_PURPOSE));
	_cleanup_statement_ sqlite3_stmt *statement = NULL;
	json_t *channel;
	size_t i;
	int r;

	if (!purpose || !streq(purpose, "reference"))
		return 0;
	r = store_prepare(s,
			  "INSERT OR IGNORE INTO reference (run, detector, created_ns)"
			  " SELECT id, ?, created_ns FROM run WHERE id = ?",
			  &statement);
	json_array_foreach(json_object_get(meta, META_CHANNELS), i, channel) {
		if (r < 0)
			break;
		if (!is_signal(channel))
			continue;
		store_bind_text(statement, 1,
				json_string_value(json_object_get(channel, "detector")));
		sqlite3_bind_int64(statement, 2, run);
		r = store_run_statement(s, statement, "storing a reference");
	}
	return r;
}

/* {run, age_s, reasons} of one candidate. */
static int judge(struct store *s, const json_t *meta, int64_t run, json_t **ret)
{
	const struct reference_rules rules = reference_default_rules();
	_cleanup_statement_ sqlite3_stmt *statement = NULL;
	_cleanup_json_ json_t *reference = NULL;
	_cleanup_free_ char *status = NULL;
	json_t *reasons;
	double age_s;
	int r = store_load_run(s, run, &reference, &status, NULL);

	if (r == 0)
		r = store_prepare(s, "SELECT created_ns FROM run WHERE id = ?", &statement);
	if (r < 0)
		return r;
	sqlite3_bind_int64(statement, 1, run);
	r = store_sql_error(s, sqlite3_step(statement), "reading a reference");
	if (r < 0)
		return r;
	age_s = ((double)wall_ns() - (double)sqlite3_column_int64(statement, 0)) * 1e-9;
	reasons = reference_match(meta, reference, age_s, &rules);
	if (!reasons)
		return -ENOMEM;
	if (!streq(status, "complete"))
		json_array_append_new(reasons, json_string("the reference is not complete"));
	*ret = json_pack("{s:I, s:f, s:o}", META_RUN, (json_int_t)run, "age_s", age_s, META_REASONS,
			 reasons);
	return *ret ? 0 : -ENOMEM;
}

static const char *first_signal(const json_t *meta)
{
	json_t *channel;
	size_t i;

	json_array_foreach(json_object_get(meta, META_CHANNELS), i, channel)
		if (is_signal(channel))
			return json_string_value(json_object_get(channel, "detector"));
	return NULL;
}

/* Why the newest candidate is none: the first thing that speaks against it. */
static char *why_not(const json_t *candidate)
{
	const json_t *reasons = json_object_get(candidate, "reasons");

	return asprintf_or_null("the newest is run %lld: %s",
				(long long)json_integer_value(json_object_get(candidate, "run")),
				json_string_value(json_array_get(reasons, 0)));
}

static int newest_that_fits(struct store *s, const json_t *meta, json_t **ret)
{
	_cleanup_statement_ sqlite3_stmt *statement = NULL;
	_cleanup_free_ char *why = NULL;
	const char *detector = first_signal(meta);
	int result, r;

	if (!detector)
		return store_fail(s, -ENOENT, "a run without signals has no reference");
	r = store_prepare(s,
			  "SELECT run FROM reference WHERE detector = ? ORDER BY created_ns DESC,"
			  " run DESC LIMIT ?",
			  &statement);
	if (r < 0)
		return r;
	store_bind_text(statement, 1, detector);
	sqlite3_bind_int(statement, 2, CANDIDATES_MAX);
	while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
		json_t *candidate;

		r = judge(s, meta, sqlite3_column_int64(statement, 0), &candidate);
		if (r == -ENOENT)
			continue;
		if (r < 0)
			return r;
		if (json_array_size(json_object_get(candidate, META_REASONS)) == 0) {
			*ret = candidate;
			return 0;
		}
		if (!why)
			why = why_not(candidate);
		json_decref(candidate);
	}
	r = store_sql_error(s, result, "looking for a reference");
	if (r < 0)
		return r;
	return store_fail(s, -ENOENT, "no stored reference fits this run (%s)",
			  why ? why : "there is none of its detectors yet");
}

int store_find_reference(struct store *s, const json_t *meta, int64_t reference_run, json_t **ret)
{
	if (reference_run > 0)
		return judge(s, meta, reference_run, ret);
	return newest_that_fits(s, meta, ret);
}
