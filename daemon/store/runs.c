// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What is known of one run: meta, request, analyses, description; and later additions to it. Data
 * of a run never change.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/util.h"
#include "data/meta.h"
#include "store/store_private.h"

char *store_time_text(int64_t ns)
{
	time_t seconds = (time_t)(ns / (int64_t)NSEC_PER_SEC);
	char text[32];
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) ||
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return NULL;
	return strdup(text);
}

static int no_run(struct store *s, int64_t run)
{
	return store_fail(s, -ENOENT, "there is no run %" PRId64, run);
}

/* The row of one run; deleted ones are gone even while their blocks are being removed. */
static int find_run(struct store *s, int64_t run, const char *columns, sqlite3_stmt **ret)
{
	_cleanup_free_ char *sql = asprintf_or_null(
		"SELECT %s FROM run WHERE id = ? AND status <> 'deleting'", columns);
	int result, r = sql ? store_prepare(s, sql, ret) : -ENOMEM;

	if (r < 0)
		return r;
	sqlite3_bind_int64(*ret, 1, run);
	result = sqlite3_step(*ret);
	if (result == SQLITE_DONE)
		return no_run(s, run);
	return store_sql_error(s, result, "reading a run");
}

static int damaged_run(struct store *s, int64_t run)
{
	return store_fail(s, -EUCLEAN, "%s is damaged: run %" PRId64 " has no description", s->path,
			  run);
}

int store_load_run(struct store *s, int64_t run, json_t **ret_meta, char **ret_status,
		   int64_t *ret_description)
{
	_cleanup_statement_ sqlite3_stmt *row = NULL;
	_cleanup_json_ json_t *meta = NULL;
	int r = find_run(s, run, "meta, status, description", &row);

	if (r < 0)
		return r;
	meta = store_column_json(row, 0);
	if (!json_is_object(meta))
		return damaged_run(s, run);
	if (ret_status) {
		*ret_status = strdup(store_column_text(row, 1));
		if (!*ret_status)
			return -ENOMEM;
	}
	if (ret_description)
		*ret_description = sqlite3_column_int64(row, 2);
	*ret_meta = take_ptr(meta);
	return 0;
}

static void set_time(json_t *o, const char *key, sqlite3_stmt *row, int column)
{
	_cleanup_free_ char *text = NULL;

	if (sqlite3_column_type(row, column) == SQLITE_NULL)
		return;
	text = store_time_text(sqlite3_column_int64(row, column));
	if (text)
		json_object_set_new(o, key, json_string(text));
}

int store_run_get(struct store *s, int64_t run, json_t **ret)
{
	_cleanup_statement_ sqlite3_stmt *row = NULL;
	_cleanup_json_ json_t *meta = NULL;
	int r = find_run(s, run, "meta, status, created_ns, finished_ns, bytes, points", &row);

	if (r < 0)
		return r;
	meta = store_column_json(row, 0);
	if (!json_is_object(meta))
		return damaged_run(s, run);
	json_object_set_new(meta, META_RUN, json_integer(run));
	json_object_set_new(meta, "status", json_string(store_column_text(row, 1)));
	if (!json_object_get(meta, META_CREATED))
		set_time(meta, META_CREATED, row, 2);
	set_time(meta, "finished", row, 3);
	json_object_set_new(meta, "bytes", json_integer(sqlite3_column_int64(row, 4)));
	json_object_set_new(meta, "points", json_integer(sqlite3_column_int64(row, 5)));
	*ret = take_ptr(meta);
	return 0;
}

int store_run_request(struct store *s, int64_t run, json_t **ret)
{
	_cleanup_statement_ sqlite3_stmt *row = NULL;
	int r = find_run(s, run, "request", &row);

	if (r < 0)
		return r;
	*ret = store_column_json(row, 0);
	return *ret ? 0 : damaged_run(s, run);
}

int store_run_description(struct store *s, int64_t run, struct description **ret)
{
	_cleanup_statement_ sqlite3_stmt *row = NULL;
	int r = find_run(s, run, "description", &row);

	return r < 0 ? r : store_get_description(s, sqlite3_column_int64(row, 0), ret);
}

/* ---- analyses ---- */

static json_t *analysis_object(sqlite3_stmt *row)
{
	json_t *o = json_object(), *covariance = store_column_json(row, 5);

	json_object_set_new(o, "method", json_string(store_column_text(row, 0)));
	json_object_set_new(o, "version", json_string(store_column_text(row, 1)));
	json_object_set_new(o, "calibration", store_column_json(row, 2));
	set_time(o, "created", row, 3);
	json_object_set_new(o, "values", store_column_json(row, 4));
	if (covariance)
		json_object_set_new(o, "covariance", covariance);
	return o;
}

int store_run_analyses(struct store *s, int64_t run, json_t **ret)
{
	_cleanup_statement_ sqlite3_stmt *known = NULL, *rows = NULL;
	_cleanup_json_ json_t *all = json_array();
	int result, r = find_run(s, run, "id", &known);

	if (r == 0)
		r = store_prepare(
			s,
			"SELECT method, version, calibration, created_ns, result, covariance"
			" FROM analysis WHERE run = ? ORDER BY id DESC",
			&rows);
	if (r < 0)
		return r;
	sqlite3_bind_int64(rows, 1, run);
	while ((result = sqlite3_step(rows)) == SQLITE_ROW)
		json_array_append_new(all, analysis_object(rows));
	r = store_sql_error(s, result, "reading analyses");
	if (r == 0)
		*ret = take_ptr(all);
	return r;
}

/* What the analysed numbers depend on: the board's calibration, and the reference's. */
static int calibration_of(struct store *s, int64_t run, json_t **ret)
{
	_cleanup_(description_freep) struct description *d = NULL;
	_cleanup_json_ json_t *meta = NULL, *ids = json_object();
	_cleanup_free_ char *id = NULL;
	const json_t *reference;
	int64_t row;
	int r = store_load_run(s, run, &meta, NULL, &row);

	if (r == 0)
		r = store_get_description(s, row, &d);
	if (r < 0)
		return r;
	id = store_calibration_id(d);
	reference = json_object_get(json_object_get(meta, META_REFERENCE), META_RUN);
	json_object_set_new(ids, "board", json_string(id ? id : ""));
	if (json_is_integer(reference))
		json_object_set_new(ids, "reference", json_integer(json_integer_value(reference)));
	*ret = take_ptr(ids);
	return 0;
}

static int insert_analysis(struct store *s, int64_t run, const char *method, const char *version,
			   const json_t *values, const json_t *covariance)
{
	_cleanup_statement_ sqlite3_stmt *statement = NULL;
	_cleanup_json_ json_t *calibration = NULL;
	int r = calibration_of(s, run, &calibration);

	if (r == 0)
		r = store_prepare(
			s,
			"INSERT INTO analysis (run, created_ns, method, version, calibration,"
			" result, covariance) VALUES (?, ?, ?, ?, ?, ?, ?)",
			&statement);
	if (r < 0)
		return r;
	sqlite3_bind_int64(statement, 1, run);
	sqlite3_bind_int64(statement, 2, (int64_t)wall_ns());
	store_bind_text(statement, 3, method);
	store_bind_text(statement, 4, version);
	if (store_bind_json(statement, 5, calibration) != SQLITE_OK ||
	    store_bind_json(statement, 6, values) != SQLITE_OK ||
	    store_bind_json(statement, 7, covariance) != SQLITE_OK)
		return store_fail(s, -ENOMEM, "no memory for an analysis");
	return store_run_statement(s, statement, "storing an analysis");
}

int store_add_analysis(struct store *s, int64_t run, const char *method, const char *version,
		       const json_t *values, const json_t *covariance)
{
	int r = store_op_begin(s);

	return r < 0 ? r
		     : store_op_end(s,
				    insert_analysis(s, run, method, version, values, covariance));
}

/* ---- labels ---- */

void store_bind_searchable(sqlite3_stmt *statement, const json_t *meta)
{
	static const char *const keys[] = {"kind",  "purpose", "label",	 "device",
					   "wafer", "die",     "verdict"};
	char parameter[16];

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const char *text = json_string_value(json_object_get(meta, keys[i]));
		int index;

		snprintf(parameter, sizeof(parameter), ":%s", keys[i]);
		index = sqlite3_bind_parameter_index(statement, parameter);
		if (index > 0)
			store_bind_text(statement, index, text ? text : "");
	}
}

static int check_changes(struct store *s, const json_t *changes)
{
	static const char *const texts[] = {META_LABELS, META_VERDICT};
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)changes, key, value) {
		bool known = streq(key, META_REASONS) && json_is_array(value);

		for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
			known = known || (streq(key, texts[i]) && json_is_string(value));
		if (!known)
			return store_fail(
				s, -EINVAL,
				"\"%s\" of a run cannot be changed; label, device, wafer, die, "
				"note and operator can, to a text",
				key);
	}
	return 0;
}

/* "" removes. */
static void apply_changes(json_t *meta, const json_t *changes)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)changes, key, value) {
		if (json_is_string(value) && json_string_length(value) == 0)
			json_object_del(meta, key);
		else
			json_object_set(meta, key, value);
	}
}

static int update_run(struct store *s, int64_t run, const json_t *changes)
{
	_cleanup_statement_ sqlite3_stmt *statement = NULL;
	_cleanup_json_ json_t *meta = NULL;
	int r = store_load_run(s, run, &meta, NULL, NULL);

	if (r == 0)
		r = store_prepare(
			s,
			"UPDATE run SET kind = :kind, purpose = :purpose, label = :label,"
			" device = :device, wafer = :wafer, die = :die, verdict = :verdict,"
			" meta = :meta WHERE id = :run",
			&statement);
	if (r < 0)
		return r;
	apply_changes(meta, changes);
	store_bind_searchable(statement, meta);
	sqlite3_bind_int64(statement, sqlite3_bind_parameter_index(statement, ":run"), run);
	if (store_bind_json(statement, sqlite3_bind_parameter_index(statement, ":meta"), meta) !=
	    SQLITE_OK)
		return store_fail(s, -ENOMEM, "no memory for the description of a run");
	return store_run_statement(s, statement, "changing a run");
}

int store_run_update(struct store *s, int64_t run, const json_t *changes)
{
	int r = check_changes(s, changes);

	if (r == 0)
		r = store_op_begin(s);
	return r < 0 ? r : store_op_end(s, update_run(s, run, changes));
}
