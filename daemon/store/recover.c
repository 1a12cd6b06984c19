// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Runs that were never finished: their ledgers are counted again from the blocks, whose CRCs
 * are checked, and they become partial. Nothing is guessed.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "calibrate/trust.h"
#include "data/meta.h"
#include "measure/ledger.h"
#include "measure/plan_count.h"
#include "store/store_private.h"

#define CRASH_CAUSE "etalond ended before the run did: what was stored until then is kept"

struct recount {
	struct ledger ledger;
	struct summary *summary;
	char *message; /* of the record that breaks the contract */
	uint64_t damaged; /* blocks */
	uint64_t bytes;
};

static int count_block(void *userdata, const void *records, size_t bytes, bool damaged)
{
	struct recount *c = userdata;

	c->bytes += bytes;
	c->damaged += damaged;
	/* After a record that cannot be understood nothing is counted any more. */
	if (damaged || c->message)
		return 0;
	if (bytes % c->ledger.stride == 0)
		summary_feed(c->summary, records, bytes);
	ledger_feed(&c->ledger, records, bytes, &c->message);
	return 0;
}

static json_t *recounted_ledger(const struct recount *c)
{
	json_t *ledger = ledger_json(&c->ledger);
	json_t *why = json_object_get(ledger, "why");
	_cleanup_free_ char *damage =
		asprintf_or_null("%" PRIu64 " stored blocks are damaged", c->damaged);

	if (c->message)
		json_array_append_new(why, json_string(c->message));
	if (c->damaged > 0 && damage)
		json_array_append_new(why, json_string(damage));
	if (c->message || c->damaged > 0)
		json_object_set_new(ledger, "complete", json_false());
	if (!c->ledger.ended)
		json_object_set_new(ledger, "cause", json_string("interrupted"));
	return ledger;
}

static int recount_segment(struct store *s, int64_t run, const struct stored_segment *segment,
			   struct summary *summary, json_t *meta, struct run_size *size)
{
	const struct etalon_hw_program *program = &segment->program;
	_cleanup_json_ json_t *ledger = NULL, *dark = NULL;
	struct recount c = {.summary = summary};
	int r = summary_begin(summary, segment->purpose, program, segment->stride);

	if (r < 0)
		return store_fail(s, -EUCLEAN, "%s is damaged: a program does not fit its board",
				  s->path);
	ledger_begin(&c.ledger, program->generation, program, segment->stride,
		     crc32c(0, program, sizeof(*program)), program_points(program));
	r = store_each_block(s, run, segment->number, count_block, &c);
	if (r == 0) {
		ledger = recounted_ledger(&c);
		dark = summary_dark(summary, segment->purpose);
		r = store_segment_save(s, run, segment->number, ledger, dark);
	}
	size->bytes += c.bytes;
	if (r == 0 && segment->purpose == SEGMENT_MAIN) {
		json_object_set(meta, META_LEDGER, ledger);
		size->points += c.ledger.received;
	}
	free(c.message);
	return r;
}

static int recount_segments(struct store *s, int64_t run, struct summary *summary, json_t *meta,
			    struct run_size *size)
{
	struct stored_segment *segments;
	size_t count;
	int r = store_segments(s, run, &segments, &count);

	if (r < 0)
		return r;
	json_object_set_new(meta, META_LEDGER,
			    json_pack("{s:b, s:n, s:i, s:i, s:[], s:s, s:s, s:[s]}", "complete", 0,
				      "produced", "received", 0, "dropped", 0, "gaps", "crc",
				      "unknown", "cause", "interrupted", "why",
				      "the measurement itself had not begun"));
	for (size_t i = 0; r == 0 && i < count; i++)
		r = recount_segment(s, run, &segments[i], summary, meta, size);
	store_segments_free(segments, count);
	return r;
}

static int judge(json_t *meta, const char *cause)
{
	const struct trust_limits limits = trust_default_limits();
	const char *verdict;
	json_t *reasons;
	int r = trust_judge(meta, NULL, NULL, &limits, &verdict, &reasons, NULL);

	if (r < 0)
		return r;
	json_array_insert_new(reasons, 0, json_string(cause));
	json_object_set_new(meta, META_REASONS, reasons);
	/* Whatever the counts say: nobody saw this run end. */
	json_object_set_new(meta, META_VERDICT, json_string("untrustworthy"));
	json_object_set_new(meta, META_RECOVERED, json_string(cause));
	return 0;
}

int store_recover_run(struct store *s, int64_t run, const char *cause)
{
	_cleanup_(description_freep) struct description *d = NULL;
	_cleanup_(summary_freep) struct summary *summary = NULL;
	_cleanup_json_ json_t *meta = NULL;
	struct run_size size = {0};
	int64_t description;
	int r = store_load_run(s, run, &meta, NULL, &description);

	if (r == 0)
		r = store_get_description(s, description, &d);
	if (r == 0)
		r = summary_new(d, &summary);
	if (r == 0)
		r = store_op_begin(s);
	if (r < 0)
		return r;
	r = store_op_end(s, recount_segments(s, run, summary, meta, &size));
	if (r == 0)
		r = summary_meta(summary, meta);
	if (r == 0)
		r = judge(meta, cause);
	return r < 0 ? r : store_write_final(s, run, "partial", meta, &size);
}

/* What is left of this one cannot be understood; the others must not wait for it. */
static int mark_damaged(struct store *s, int64_t run)
{
	_cleanup_statement_ sqlite3_stmt *statement = NULL;
	int r = store_op_begin(s);

	if (r < 0)
		return r;
	r = store_prepare(s,
			  "UPDATE run SET status = 'partial', verdict = 'untrustworthy',"
			  " cause = 'damaged' WHERE id = ?",
			  &statement);
	if (r == 0) {
		sqlite3_bind_int64(statement, 1, run);
		r = store_run_statement(s, statement, "recovering a run");
	}
	return store_op_end(s, r);
}

static int close_interrupted(struct store *s, int64_t run)
{
	return store_recover_run(s, run, CRASH_CAUSE);
}

/* Until there is none left: whatever `close` does, the query finds the run no more. */
static int close_each(struct store *s, const char *query,
		      int (*close)(struct store *s, int64_t run), int *ret_closed)
{
	int64_t run;
	int r;

	*ret_closed = 0;
	while ((r = store_query_integer(s, query, &run)) == 0) {
		r = close(s, run);
		if (r == -EUCLEAN)
			r = mark_damaged(s, run);
		if (r < 0)
			return r;
		(*ret_closed)++;
	}
	return r == -ENOENT ? 0 : r;
}

int store_recover(struct store *s)
{
	int recovered, judged, r;

	if (s->mode != STORE_WRITE)
		return store_fail(s, -EROFS, "this store was opened for reading");
	if (s->writing)
		return store_fail(s, -EBUSY, "recovery is for the start: a run is being written");
	r = close_each(s, "SELECT id FROM run WHERE status = 'running' ORDER BY id LIMIT 1",
		       close_interrupted, &recovered);
	if (r == 0)
		r = close_each(s,
			       "SELECT id FROM run WHERE status = 'complete' AND verdict = ''"
			       " ORDER BY id LIMIT 1",
			       store_judge_run, &judged);
	if (r == 0)
		r = store_tidy(s);
	return r < 0 ? r : recovered;
}
