// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Deleting runs for good, in steps that keep the log small and that a crash may interrupt; giving
 * the space back.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/util.h"
#include "store/store_private.h"

#define BLOCKS_PER_STEP 64 /* 16 MiB */
#define PAGES_PER_STEP 256 /* 16 MiB */
#define DELETE_BESIDE_MAX \
	(64LL << 20) /* bytes of a run that may be deleted while another is taken */

static int step(struct store *s, const char *sql, int64_t run, int *ret_changes)
{
	_cleanup_statement_ sqlite3_stmt *statement = NULL;
	int r = store_prepare(s, sql, &statement);

	if (r < 0)
		return r;
	sqlite3_bind_int64(statement, 1, run);
	if (sqlite3_bind_parameter_count(statement) > 1)
		sqlite3_bind_int(statement, 2, BLOCKS_PER_STEP);
	r = store_run_statement(s, statement, "deleting a run");
	if (ret_changes)
		*ret_changes = sqlite3_changes(s->db);
	return r;
}

static int delete_some_blocks(struct store *s, int64_t run, bool *ret_more)
{
	int changes = 0, r = store_op_begin(s);

	if (r < 0)
		return r;
	r = step(s, "DELETE FROM block WHERE id IN (SELECT id FROM block WHERE run = ? LIMIT ?)",
		 run, &changes);
	*ret_more = changes == BLOCKS_PER_STEP;
	return store_op_end(s, r);
}

static int delete_rest(struct store *s, int64_t run)
{
	static const char *const parts[] = {
		"DELETE FROM analysis WHERE run = ?", "DELETE FROM reference WHERE run = ?",
		"DELETE FROM list WHERE run = ?",     "DELETE FROM segment WHERE run = ?",
		"DELETE FROM run WHERE id = ?",
	};
	int r = store_op_begin(s);

	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(parts); i++)
		r = step(s, parts[i], run, NULL);
	return store_op_end(s, r);
}

static int vacuum_some(struct store *s, int64_t *ret_unused)
{
	char sql[48];
	int r;

	snprintf(sql, sizeof(sql), "PRAGMA incremental_vacuum(%d)", PAGES_PER_STEP);
	r = store_exec(s, sql);
	return r < 0 ? r : store_query_integer(s, "PRAGMA freelist_count", ret_unused);
}

/* Emptying the log into the database needs no space once the database has shrunk to what its file
 * holds. */
static bool log_fits(struct store *s)
{
	struct stat st;
	int64_t pages;

	return stat(s->path, &st) == 0 &&
	       store_query_integer(s, "PRAGMA page_count", &pages) == 0 &&
	       pages * STORE_PAGE_BYTES <= st.st_size;
}

/*
 * On a full disk the log only grows, and the reserve is all that it can grow into. So what is freed
 * is used at once: pages from the end of the database move there, until the log can be emptied and
 * its space serves again.
 */
static int make_room(struct store *s)
{
	int64_t unused;
	int r;

	if (s->reserve_fd >= 0 || s->writing)
		return 0;
	r = vacuum_some(s, &unused);
	if (r == 0 && log_fits(s))
		sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	return r;
}

static int delete_marked(struct store *s, int64_t run)
{
	bool more = true;
	int r = 0;

	while (r == 0 && more) {
		r = delete_some_blocks(s, run, &more);
		if (r == 0)
			r = make_room(s);
	}
	return r < 0 ? r : delete_rest(s, run);
}

static int give_back(struct store *s)
{
	int64_t unused = 0, before = -1;
	int r = store_query_integer(s, "PRAGMA freelist_count", &unused);

	while (r == 0 && unused > 0 && unused != before) {
		before = unused;
		r = vacuum_some(s, &unused);
	}
	s->used = store_file_bytes(s);
	return r;
}

static int may_delete(struct store *s, int64_t run)
{
	_cleanup_json_ json_t *meta = NULL;
	int r = store_run_get(s, run, &meta);

	if (r < 0)
		return r;
	if (store_writing(s, run))
		return store_fail(s, -EBUSY,
				  "run %" PRId64 " is being taken: cancel it before deleting it",
				  run);
	/* The writer must keep up with the board. */
	if (s->writing && json_integer_value(json_object_get(meta, "bytes")) > DELETE_BESIDE_MAX)
		return store_fail(
			s, -EBUSY,
			"run %" PRId64
			" is large and another run is being taken: delete it when that has "
			"ended",
			run);
	return 0;
}

static int mark(struct store *s, int64_t run)
{
	int r = store_op_begin(s);

	if (r < 0)
		return r;
	return store_op_end(s,
			    step(s, "UPDATE run SET status = 'deleting' WHERE id = ?", run, NULL));
}

static int mark_and_delete(struct store *s, int64_t run)
{
	int r = mark(s, run);

	if (r == 0)
		r = delete_marked(s, run);
	if (r < 0)
		return r;
	/* Space that is not given back now serves the next runs; the next start gives back the
	 * rest. */
	if (!s->writing)
		return give_back(s);
	s->used = store_file_bytes(s);
	return 0;
}

int store_run_delete(struct store *s, int64_t run)
{
	int r = may_delete(s, run);

	if (r < 0)
		return r;
	r = mark_and_delete(s, run);
	if (r == -ENOSPC && s->reserve_fd >= 0) {
		/* Deleting writes a little before it frees much. */
		store_spend_reserve(s);
		r = mark_and_delete(s, run);
	}
	if (r == 0 && s->reserve_fd < 0 && !s->writing) {
		if (log_fits(s))
			sqlite3_wal_checkpoint_v2(s->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL,
						  NULL);
		store_make_reserve(s);
	}
	return r;
}

int store_tidy(struct store *s)
{
	int64_t run;
	int r;

	while ((r = store_query_integer(s, "SELECT id FROM run WHERE status = 'deleting' LIMIT 1",
					&run)) == 0) {
		r = delete_marked(s, run);
		if (r < 0)
			return r;
	}
	return r == -ENOENT ? give_back(s) : r;
}
