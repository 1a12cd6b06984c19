// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * How a run ends: what its records tell is written into its meta, and the last commit is on the
 * disk before anybody is told; where an analysis is to come, meanwhile. A run whose blocks were lost on
 * the way is closed by what is there.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "data/meta.h"
#include "store/store_private.h"

static const char *const label_keys[] = {META_LABELS};

/* Whatever people wrote on the run while it was taken stays. */
static int keep_labels(struct store *s, int64_t run, json_t *meta)
{
	_cleanup_json_ json_t *stored = NULL;
	int r = store_load_run(s, run, &stored, NULL, NULL);

	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(label_keys); i++) {
		json_t *value = json_object_get(stored, label_keys[i]);

		if (value)
			json_object_set(meta, label_keys[i], value);
	}
	if (!json_object_get(meta, META_CREATED) && json_object_get(stored, META_CREATED))
		json_object_set(meta, META_CREATED, json_object_get(stored, META_CREATED));
	if (!json_object_get(meta, META_PURPOSE) && json_object_get(stored, META_PURPOSE))
		json_object_set(meta, META_PURPOSE, json_object_get(stored, META_PURPOSE));
	return 0;
}

static int update_final(struct store *s, int64_t run, const char *status, const json_t *meta,
			const struct run_size *size)
{
	const char *cause =
		json_string_value(json_object_get(json_object_get(meta, META_LEDGER), "cause"));
	_cleanup_statement_ sqlite3_stmt *statement = NULL;
	int r = store_prepare(
		s,
		"UPDATE run SET status = :status, finished_ns = :finished, kind = :kind,"
		" purpose = :purpose, label = :label, device = :device, wafer = :wafer, die = :die,"
		" verdict = :verdict, cause = :cause, meta = :meta,"
		" points = :points, bytes = :bytes"
		" WHERE id = :run",
		&statement);

	if (r < 0)
		return r;
	store_bind_searchable(statement, meta);
	store_bind_text(statement, sqlite3_bind_parameter_index(statement, ":status"), status);
	store_bind_text(statement, sqlite3_bind_parameter_index(statement, ":cause"),
			cause && !streq(cause, "done") ? cause : "");
	sqlite3_bind_int64(statement, sqlite3_bind_parameter_index(statement, ":finished"),
			   (int64_t)wall_ns());
	sqlite3_bind_int64(statement, sqlite3_bind_parameter_index(statement, ":points"),
			   (int64_t)size->points);
	sqlite3_bind_int64(statement, sqlite3_bind_parameter_index(statement, ":bytes"),
			   (int64_t)size->bytes);
	sqlite3_bind_int64(statement, sqlite3_bind_parameter_index(statement, ":run"), run);
	if (store_bind_json(statement, sqlite3_bind_parameter_index(statement, ":meta"), meta) !=
	    SQLITE_OK)
		return store_fail(s, -ENOMEM, "no memory for the description of a run");
	r = store_run_statement(s, statement, "finishing a run");
	if (r == 0 && streq(status, "complete"))
		r = store_put_references(s, run, meta);
	return r;
}

static int write_final_once(struct store *s, int64_t run, const char *status, const json_t *meta,
			    const struct run_size *size)
{
	int r = store_op_begin(s);

	return r < 0 ? r : store_op_end(s, update_final(s, run, status, meta, size));
}

static int write_final_unsynced(struct store *s, int64_t run, const char *status,
				const json_t *meta, const struct run_size *size)
{
	int r = write_final_once(s, run, status, meta, size);

	if (r != -ENOSPC)
		return r;
	store_spend_reserve(s);
	return write_final_once(s, run, status, meta, size);
}

int store_write_final(struct store *s, int64_t run, const char *status, const json_t *meta,
		      const struct run_size *size)
{
	int r, back;

	r = store_exec(s, "PRAGMA synchronous = FULL");
	if (r < 0)
		return r;
	r = write_final_unsynced(s, run, status, meta, size);
	back = sqlite3_exec(s->db, "PRAGMA synchronous = NORMAL", NULL, NULL, NULL);
	return r < 0 ? r : store_sql_error(s, back, "finishing a run");
}

/* What was lost is not made up for: the run says so. */
static int finish_lost(struct store *s, struct writing *w)
{
	int error = w->lost, r;
	_cleanup_free_ char *cause = asprintf_or_null("not all of it could be stored: %s",
						      w->lost_why ? w->lost_why : strerror(-error));

	if (error == -ENOSPC)
		store_spend_reserve(s);
	r = store_recover_run(s, w->run, cause ? cause : "not all of it could be stored");
	if (r < 0)
		return r;
	return store_fail(s, error, "run %" PRId64 " was stored as partial: %s", w->run,
			  cause ? cause : "not all of it could be stored");
}

static bool ledger_says_complete(const json_t *meta)
{
	const json_t *ledger = json_object_get(meta, META_LEDGER);

	return !ledger || json_is_true(json_object_get(ledger, "complete"));
}

static int finish_whole(struct store *s, struct writing *w, const char *status, const json_t *given,
			bool synced)
{
	_cleanup_json_ json_t *meta = json_deep_copy(given);
	int r;

	if (!json_is_object(meta))
		return store_fail(s, -EINVAL, "run %" PRId64 ": its description is no object",
				  w->run);
	r = keep_labels(s, w->run, meta);
	if (r == 0 && !json_object_get(meta, META_FLAGS))
		r = store_run_summarise(s, w->run, meta);
	if (r < 0)
		return r;
	/* A run with a gap can never pass as complete, whoever says so. */
	if (!ledger_says_complete(meta))
		status = "partial";
	return synced ? store_write_final(s, w->run, status, meta, &w->size)
		      : write_final_unsynced(s, w->run, status, meta, &w->size);
}

static int finish(struct store *s, int64_t run, const char *status, const json_t *meta, bool synced)
{
	struct writing *w = store_writing(s, run);
	int r;

	if (!w)
		return store_fail(s, -ENOENT, "run %" PRId64 " is not being written", run);
	if (!streq(status, "complete") && !streq(status, "partial"))
		return store_fail(s, -EINVAL, "a run ends as complete or partial, not as \"%s\"",
				  status);
	store_commit(s); /* what fails here is remembered in w->lost */
	r = w->lost ? finish_lost(s, w) : finish_whole(s, w, status, meta, synced);
	/* Not even this found room: the run is left as it is, for another try or for the next
	 * start. */
	if (r == 0 || w->lost)
		store_writing_free(s, w);
	return r;
}

int store_run_finish(struct store *s, int64_t run, const char *status, const json_t *meta)
{
	return finish(s, run, status, meta, true);
}

int store_run_finish_unsynced(struct store *s, int64_t run, const char *status, const json_t *meta)
{
	return finish(s, run, status, meta, false);
}

/* What a commit left in the log and no checkpoint has taken from there, which syncs by itself. */
int store_sync(const char *path)
{
	_cleanup_free_ char *log = asprintf_or_null("%s-wal", path);
	_cleanup_close_ int fd = log ? open(log, O_RDWR | O_CLOEXEC) : -1;

	if (!log)
		return -ENOMEM;
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	return fdatasync(fd) < 0 ? -errno : 0;
}

void store_run_give_up(struct store *s, int64_t run)
{
	struct writing *w = store_writing(s, run);

	if (w)
		store_writing_free(s, w);
}
