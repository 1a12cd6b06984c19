// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * A run on its way into the store: run, segments, blocks. How it ends is in finish.c.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "data/meta.h"
#include "store/store_private.h"

struct writing *store_writing(struct store *s, int64_t run)
{
	struct writing *w = s->writing;

	while (w && w->run != run)
		w = w->next;
	return w;
}

void store_writing_free(struct store *s, struct writing *w)
{
	struct writing **at = &s->writing;

	while (*at && *at != w)
		at = &(*at)->next;
	if (*at)
		*at = w->next;
	summary_free(w->summary);
	description_free(w->description);
	free(w->lost_why);
	free(w);
}

void store_writing_lose(struct store *s, struct writing *w, int error)
{
	if (w->lost)
		return;
	w->lost = error;
	w->lost_why = strdup(store_message(s));
}

static int not_written(struct store *s, int64_t run)
{
	return store_fail(s, -ENOENT, "run %" PRId64 " is not being written", run);
}

/* ---- space ---- */

uint64_t store_file_bytes(struct store *s)
{
	int64_t pages = 0, unused = 0;

	if (store_query_integer(s, "PRAGMA page_count", &pages) < 0 ||
	    store_query_integer(s, "PRAGMA freelist_count", &unused) < 0)
		return 0;
	return (uint64_t)(pages - unused) * STORE_PAGE_BYTES;
}

void store_set_quota(struct store *s, uint64_t bytes)
{
	s->quota = bytes;
}

static int check_quota(struct store *s, uint64_t more)
{
	if (s->quota == 0 || s->used + more <= s->quota)
		return 0;
	return store_fail(s, -ENOSPC,
			  "the store %s has reached its quota: %.1f of %.1f MiB are used; what was "
			  "stored before is safe: delete runs or raise the quota",
			  s->path, (double)s->used / (1 << 20), (double)s->quota / (1 << 20));
}

/* ---- run ---- */

static int insert_lists(struct store *s, int64_t run, const struct plan *plan)
{
	_cleanup_statement_ sqlite3_stmt *statement = NULL;
	int r = store_prepare(s,
			      "INSERT INTO list (run, segment, number, points) VALUES (?, ?, ?, ?)",
			      &statement);

	for (size_t i = 0; r == 0 && i < plan->segment_count; i++) {
		for (unsigned int k = 0; r == 0 && k < plan->segments[i].list_count; k++) {
			const struct link_list *list = &plan->segments[i].lists[k];

			sqlite3_bind_int64(statement, 1, run);
			sqlite3_bind_int64(statement, 2, (int64_t)i);
			sqlite3_bind_int64(statement, 3, k);
			sqlite3_bind_blob64(statement, 4, list->values,
					    list->points * sizeof(*list->values), SQLITE_STATIC);
			r = store_run_statement(s, statement, "storing setpoints");
		}
	}
	return r;
}

static int insert_run(struct store *s, const struct plan *plan, const json_t *meta,
		      int64_t created_ns, int64_t description, int64_t *ret)
{
	_cleanup_statement_ sqlite3_stmt *statement = NULL;
	int r = store_prepare(
		s,
		"INSERT INTO run (created_ns, status, kind, purpose, label, device, wafer, die, points,"
		" description, request, meta) VALUES (:created, 'running', :kind, :purpose, :label,"
		" :device, :wafer, :die, :points, :description, :request, :meta)",
		&statement);

	if (r < 0)
		return r;
	store_bind_searchable(statement, meta);
	sqlite3_bind_int64(statement, sqlite3_bind_parameter_index(statement, ":created"),
			   created_ns);
	sqlite3_bind_int64(statement, sqlite3_bind_parameter_index(statement, ":points"),
			   (int64_t)plan->points);
	sqlite3_bind_int64(statement, sqlite3_bind_parameter_index(statement, ":description"),
			   description);
	if (store_bind_json(statement, sqlite3_bind_parameter_index(statement, ":request"),
			    plan->request) != SQLITE_OK ||
	    store_bind_json(statement, sqlite3_bind_parameter_index(statement, ":meta"), meta) !=
		    SQLITE_OK)
		return store_fail(s, -ENOMEM, "no memory for the description of a run");
	r = store_run_statement(s, statement, "storing the run");
	if (r == 0)
		*ret = sqlite3_last_insert_rowid(s->db);
	return r;
}

static int begin_run(struct store *s, struct writing *w, const struct plan *plan, json_t *meta)
{
	int64_t created_ns = (int64_t)wall_ns(), description;
	_cleanup_free_ char *created = store_time_text(created_ns);
	int r;

	if (!json_object_get(meta, META_CREATED) && created)
		json_object_set_new(meta, META_CREATED, json_string(created));
	if (!json_object_get(meta, META_PURPOSE) && json_object_get(plan->request, "purpose"))
		json_object_set(meta, META_PURPOSE, json_object_get(plan->request, "purpose"));
	r = store_put_description(s, w->description, &description);
	if (r == 0)
		r = insert_run(s, plan, meta, created_ns, description, &w->run);
	return r < 0 ? r : insert_lists(s, w->run, plan);
}

static struct writing *writing_new(const struct description *d)
{
	struct writing *w = calloc(1, sizeof(*w));

	/* A copy: the board may be unplugged before its run is finished. */
	if (w && description_parse(d->raw, d->raw_size, &w->description, NULL) == 0 &&
	    summary_new(w->description, &w->summary) == 0)
		return w;
	if (w)
		description_free(w->description);
	free(w);
	return NULL;
}

int store_run_begin(struct store *s, const struct description *d, const struct plan *plan,
		    const json_t *meta, int64_t *ret_run)
{
	_cleanup_json_ json_t *own = json_deep_copy(meta ? meta : plan->meta);
	struct writing *w;
	int r = check_quota(s, 0);

	if (r < 0)
		return r;
	w = writing_new(d);
	if (!w || !json_is_object(own)) {
		r = store_fail(s, -ENOMEM, "no memory for a run");
	} else {
		r = store_op_begin(s);
		if (r == 0)
			r = store_op_end(s, begin_run(s, w, plan, own));
	}
	if (r < 0) {
		if (w)
			store_writing_free(s, w);
		return r;
	}
	w->next = s->writing;
	s->writing = w;
	store_make_reserve(s); /* a full disk may have taken it */
	*ret_run = w->run;
	return 0;
}

/* ---- segment ---- */

static int insert_segment(struct store *s, const struct writing *w,
			  const struct etalon_hw_program *program)
{
	_cleanup_statement_ sqlite3_stmt *statement = NULL;
	int r = store_prepare(
		s,
		"INSERT INTO segment (run, number, purpose, stride, program) VALUES (?, ?, ?, ?, ?)",
		&statement);

	if (r < 0)
		return r;
	sqlite3_bind_int64(statement, 1, w->run);
	sqlite3_bind_int64(statement, 2, w->segment);
	sqlite3_bind_int64(statement, 3, w->purpose);
	sqlite3_bind_int64(statement, 4, w->stride);
	sqlite3_bind_blob(statement, 5, program, sizeof(*program), SQLITE_STATIC);
	return store_run_statement(s, statement, "storing a segment");
}

int store_segment_begin(struct store *s, int64_t run, unsigned int segment, unsigned int purpose,
			const struct etalon_hw_program *program, uint32_t stride)
{
	struct writing *w = store_writing(s, run);
	int r;

	if (!w)
		return not_written(s, run);
	if (summary_begin(w->summary, purpose, program, stride) < 0)
		return store_fail(s, -EINVAL,
				  "segment %u of run %" PRId64
				  ": its program does not fit the board's description",
				  segment, run);
	w->segment = segment;
	w->purpose = purpose;
	w->stride = stride;
	w->in_segment = true;
	w->has_start = false;
	r = store_op_begin(s);
	return r < 0 ? r : store_op_end(s, insert_segment(s, w, program));
}

static int update_segment(struct store *s, const struct writing *w, const json_t *ledger)
{
	_cleanup_json_ json_t *dark = summary_dark(w->summary, w->purpose);

	return store_segment_save(s, w->run, w->segment, ledger, dark);
}

static int already_lost(struct store *s, const struct writing *w)
{
	return store_fail(s, w->lost, "run %" PRId64 ": blocks could not be stored: %s", w->run,
			  w->lost_why ? w->lost_why : strerror(-w->lost));
}

int store_segment_end(struct store *s, int64_t run, unsigned int segment, const json_t *ledger)
{
	struct writing *w = store_writing(s, run);
	int r;

	if (!w || !w->in_segment || w->segment != segment)
		return not_written(s, run);
	w->in_segment = false;
	/* Blocks first: should the ledger find no room, they are in. */
	r = store_commit(s);
	if (w->lost)
		return already_lost(s, w);
	if (r < 0)
		return r;
	r = store_op_begin(s);
	return r < 0 ? r : store_op_end(s, update_segment(s, w, ledger));
}

/* ---- block ---- */

struct scan {
	uint64_t first_sequence, last_sequence;
	uint64_t first_point, last_point, points;
	const struct etalon_hw_record_start *start;
};

static struct scan scan_block(const char *records, size_t bytes, uint32_t stride)
{
	struct scan scan = {0};

	for (size_t at = 0; at < bytes; at += stride) {
		const struct etalon_hw_record *head = (const void *)(records + at);
		const struct etalon_hw_record_point *point = (const void *)head;

		if (at == 0)
			scan.first_sequence = head->sequence;
		scan.last_sequence = head->sequence;
		if (head->type == ETALON_HW_RECORD_START)
			scan.start = (const void *)head;
		if (head->type != ETALON_HW_RECORD_POINT)
			continue;
		if (scan.points++ == 0)
			scan.first_point = point->number;
		scan.last_point = point->number;
	}
	return scan;
}

static int insert_block(struct store *s, const struct writing *w, const void *records, size_t bytes,
			const struct scan *scan)
{
	int r = 0;

	if (!s->insert_block)
		r = store_prepare(
			s,
			"INSERT INTO block (run, segment, first_point, last_point, points,"
			" first_sequence, last_sequence, crc, records)"
			" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
			&s->insert_block);
	if (r < 0)
		return r;
	sqlite3_bind_int64(s->insert_block, 1, w->run);
	sqlite3_bind_int64(s->insert_block, 2, w->segment);
	if (scan->points > 0) {
		sqlite3_bind_int64(s->insert_block, 3, (int64_t)scan->first_point);
		sqlite3_bind_int64(s->insert_block, 4, (int64_t)scan->last_point);
	} else {
		sqlite3_bind_null(s->insert_block, 3);
		sqlite3_bind_null(s->insert_block, 4);
	}
	sqlite3_bind_int64(s->insert_block, 5, (int64_t)scan->points);
	sqlite3_bind_int64(s->insert_block, 6, (int64_t)scan->first_sequence);
	sqlite3_bind_int64(s->insert_block, 7, (int64_t)scan->last_sequence);
	sqlite3_bind_int64(s->insert_block, 8, crc32c(0, records, bytes));
	sqlite3_bind_blob64(s->insert_block, 9, records, bytes, SQLITE_STATIC);
	r = store_run_statement(s, s->insert_block, "storing records");
	sqlite3_clear_bindings(s->insert_block);
	return r;
}

/* Time counts from the START record. */
static int store_start(struct store *s, struct writing *w, const struct scan *scan)
{
	_cleanup_statement_ sqlite3_stmt *statement = NULL;
	int r;

	if (w->has_start || !scan->start)
		return 0;
	r = store_prepare(s, "UPDATE segment SET start_tick = ? WHERE run = ? AND number = ?",
			  &statement);
	if (r < 0)
		return r;
	sqlite3_bind_int64(statement, 1, (int64_t)scan->start->tick);
	sqlite3_bind_int64(statement, 2, w->run);
	sqlite3_bind_int64(statement, 3, w->segment);
	r = store_run_statement(s, statement, "storing records");
	w->has_start = r == 0;
	return r;
}

static int write_block(struct store *s, struct writing *w, const void *records, size_t bytes)
{
	struct scan scan = scan_block(records, bytes, w->stride);
	int r = check_quota(s, bytes);

	if (r == 0)
		r = store_begin(s);
	if (r == 0)
		r = insert_block(s, w, records, bytes, &scan);
	if (r == 0) {
		w->uncommitted++;
		r = store_start(s, w, &scan);
	}
	if (r == 0 && w->purpose == SEGMENT_MAIN)
		w->size.points += scan.points;
	return r;
}

int store_block(struct store *s, int64_t run, unsigned int segment, const void *records,
		size_t bytes)
{
	struct writing *w = store_writing(s, run);
	int r;

	if (!w || !w->in_segment || w->segment != segment)
		return not_written(s, run);
	if (w->lost)
		return already_lost(s, w);
	if (bytes == 0 || bytes > STORE_BLOCK_MAX || bytes % w->stride != 0)
		return store_fail(s, -EINVAL,
				  "a block of %zu bytes: whole records of %u bytes are allowed, at "
				  "most %u bytes",
				  bytes, w->stride, STORE_BLOCK_MAX);
	r = write_block(s, w, records, bytes);
	if (r < 0) {
		_cleanup_free_ char *message = strdup(store_message(s));

		/* What came before this block may still be kept; after it nothing: no gap is made
		 * here. */
		store_after_error(s, r);
		store_writing_lose(s, w, r);
		store_commit(s);
		return store_fail(s, r, "%s", message ? message : "storing records failed");
	}
	w->size.bytes += bytes;
	s->used += bytes;
	summary_feed(w->summary, records, bytes);
	return 0;
}
