// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Segments and blocks of a stored run, read in order and checked, and what a segment has at its end. Fast reading
 * by point number is in scan.c.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "store/store_private.h"

void store_segments_free(struct stored_segment *segments, size_t count)
{
	for (size_t i = 0; i < count; i++)
		json_decref(segments[i].dark);
	free(segments);
}

static int take_segment(struct store *s, sqlite3_stmt *row, struct stored_segment *ret)
{
	const void *program = sqlite3_column_blob(row, 4);

	*ret = (struct stored_segment){
		.number = (unsigned int)sqlite3_column_int64(row, 0),
		.purpose = (unsigned int)sqlite3_column_int64(row, 1),
		.stride = (uint32_t)sqlite3_column_int64(row, 2),
		.has_start = sqlite3_column_type(row, 3) != SQLITE_NULL,
		.start_tick = (uint64_t)sqlite3_column_int64(row, 3),
		.dark = store_column_json(row, 5),
	};
	if (!program || sqlite3_column_bytes(row, 4) != sizeof(ret->program) ||
	    ret->stride < ETALON_HW_STRIDE_MIN || ret->stride > STORE_BLOCK_MAX ||
	    ret->stride % 8 != 0)
		return store_fail(s, -EUCLEAN, "%s is damaged: a segment's program is not whole",
				  s->path);
	memcpy(&ret->program, program, sizeof(ret->program));
	if (ret->program.axis_count < 1 || ret->program.axis_count > ETALON_HW_AXES_MAX ||
	    ret->program.detector_count > ETALON_HW_PROGRAM_DETECTORS_MAX ||
	    ret->stride < sizeof(struct etalon_hw_record_point) +
				  ret->program.detector_count * sizeof(struct etalon_hw_sample))
		return store_fail(s, -EUCLEAN, "%s is damaged: a segment's program makes no sense",
				  s->path);
	return 0;
}

int store_segments(struct store *s, int64_t run, struct stored_segment **ret, size_t *ret_count)
{
	_cleanup_statement_ sqlite3_stmt *statement = NULL;
	struct stored_segment *segments = NULL, *more;
	size_t count = 0;
	int result, r = store_prepare(s,
				      "SELECT number, purpose, stride, start_tick, program, dark"
				      " FROM segment WHERE run = ? ORDER BY number",
				      &statement);

	if (r < 0)
		return r;
	sqlite3_bind_int64(statement, 1, run);
	while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
		more = reallocarray(segments, count + 1, sizeof(*more));
		r = more ? 0 : -ENOMEM;
		if (r == 0) {
			segments = more;
			r = take_segment(s, statement, &segments[count++]);
		}
		if (r < 0)
			break;
	}
	if (r == 0)
		r = store_sql_error(s, result, "reading segments");
	if (r < 0) {
		store_segments_free(segments, count);
		return r;
	}
	*ret = segments;
	*ret_count = count;
	return 0;
}

static int visit_block(struct store *s, sqlite3_stmt *fetch, int64_t id, store_block_f f,
		       void *userdata)
{
	const void *records;
	size_t bytes;
	bool damaged;
	int result, r;

	sqlite3_bind_int64(fetch, 1, id);
	result = sqlite3_step(fetch);
	r = store_sql_error(s, result, "reading records");
	if (r < 0 || result != SQLITE_ROW) {
		sqlite3_reset(fetch);
		return r;
	}
	records = sqlite3_column_blob(fetch, 1);
	bytes = (size_t)sqlite3_column_bytes(fetch, 1);
	damaged = crc32c(0, records, bytes) != (uint32_t)sqlite3_column_int64(fetch, 0);
	r = f(userdata, records, bytes, damaged);
	sqlite3_reset(fetch);
	return r;
}

int store_each_block(struct store *s, int64_t run, unsigned int segment, store_block_f f,
		     void *userdata)
{
	_cleanup_statement_ sqlite3_stmt *ids = NULL, *fetch = NULL;
	int result = SQLITE_DONE, r;

	/* Two statements: sorting the blocks themselves would hold all of a run in memory. */
	r = store_prepare(s, "SELECT id FROM block WHERE run = ? AND segment = ? ORDER BY id",
			  &ids);
	if (r == 0)
		r = store_prepare(s, "SELECT crc, records FROM block WHERE id = ?", &fetch);
	if (r < 0)
		return r;
	sqlite3_bind_int64(ids, 1, run);
	sqlite3_bind_int64(ids, 2, segment);
	while (r == 0 && (result = sqlite3_step(ids)) == SQLITE_ROW)
		r = visit_block(s, fetch, sqlite3_column_int64(ids, 0), f, userdata);
	return r < 0 ? r : store_sql_error(s, result, "reading records");
}

int store_segment_save(struct store *s, int64_t run, unsigned int segment, const json_t *ledger,
		       const json_t *dark)
{
	_cleanup_statement_ sqlite3_stmt *statement = NULL;
	int r = store_prepare(
		s, "UPDATE segment SET ledger = ?, dark = ? WHERE run = ? AND number = ?",
		&statement);

	if (r < 0)
		return r;
	if (store_bind_json(statement, 1, ledger) != SQLITE_OK ||
	    store_bind_json(statement, 2, dark) != SQLITE_OK)
		return store_fail(s, -ENOMEM, "no memory for a ledger");
	sqlite3_bind_int64(statement, 3, run);
	sqlite3_bind_int64(statement, 4, segment);
	return store_run_statement(s, statement, "storing a ledger");
}
