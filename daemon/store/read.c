// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * A part of a run as a frame: which points, which columns, how much fits; then blocks through
 * extract.c into the frame's own memory. Losses are added from loss.c.
 */
#include "store/read.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "data/frame.h"
#include "data/read_limits.h"
#include "store/average.h"
#include "store/extract.h"
#include "store/loss.h"
#include "store/scan.h"
#include "store/strip.h"

struct reading {
	struct store *store;
	struct sheet *sheet;
	const struct read_request *request;
	/* columns of the frame, then those that losses need besides */
	struct rule *rule;
	struct table_column *column;
	size_t visible, count;
	/* rows */
	uint64_t total; /* numbers of rows in the run, missing ones included */
	uint64_t first, last; /* numbers wanted, both included */
	uint64_t stride;
	uint64_t capacity; /* rows that the frame has room for */
	uint64_t rows; /* filled */
	struct tile tile;
	uint32_t row[TILE_ROWS]; /* of the tile's points, counted from `first` */
	struct strip *strip; /* either this ... */
	struct average *average; /* ... or this */
};

static void reading_clear(struct reading *r)
{
	for (size_t i = r->visible; r->column && i < r->count; i++)
		free(r->column[i].f64);
	free(r->rule);
	free(r->column);
	strip_free(r->strip);
	average_free(r->average);
	sheet_free(r->sheet);
}

/* ---- which columns ---- */

static void add_column(struct reading *r, size_t index)
{
	r->rule[r->count] = r->sheet->rule[index];
	r->column[r->count++] = r->sheet->column[index];
}

static bool has_rule(const struct reading *r, struct rule rule)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->rule[i].kind == rule.kind && r->rule[i].index == rule.index)
			return true;
	return false;
}

static void add_once(struct reading *r, size_t index)
{
	if (!has_rule(r, r->sheet->rule[index]))
		add_column(r, index);
}

static void add_hidden(struct reading *r, struct rule rule)
{
	for (size_t i = 0; i < r->sheet->count; i++)
		if (r->sheet->rule[i].kind == rule.kind && r->sheet->rule[i].index == rule.index &&
		    !has_rule(r, rule))
			add_column(r, i);
}

static void add_for_losses(struct reading *r)
{
	for (size_t i = 0; i < r->visible; i++) {
		unsigned int index = r->rule[i].index;

		if (r->rule[i].kind != RULE_LOSS)
			continue;
		add_hidden(r, (struct rule){RULE_WAVELENGTH, 0});
		add_hidden(r, (struct rule){RULE_VALUE, index});
		add_hidden(r, (struct rule){RULE_CHANNEL_WAVELENGTH, index});
		if (r->sheet->monitor >= 0)
			add_hidden(r, (struct rule){RULE_VALUE, (unsigned int)r->sheet->monitor});
		add_hidden(r, (struct rule){RULE_FLAGS, 0});
	}
}

static int choose_columns(struct reading *r, char **ret_message)
{
	const struct read_request *q = r->request;
	size_t most = r->sheet->count * 2;

	r->rule = calloc(most, sizeof(*r->rule));
	r->column = calloc(most, sizeof(*r->column));
	if (!r->rule || !r->column)
		return fail(ret_message, -ENOMEM, "no memory for columns");
	for (size_t i = 0; !q->columns && i < r->sheet->count; i++)
		add_column(r, i);
	for (size_t i = 0; q->columns && i < q->column_count; i++) {
		int index = sheet_find(r->sheet, q->columns[i], ret_message);

		if (index < 0)
			return index;
		add_once(r, (size_t)index);
	}
	for (size_t i = 0; i < q->optional_count; i++) {
		int index = sheet_find(r->sheet, q->optional[i], NULL);

		if (index >= 0)
			add_once(r, (size_t)index);
	}
	if (r->count == 0)
		return fail(ret_message, -EINVAL, "no column was asked for");
	r->visible = r->count;
	add_for_losses(r);
	return 0;
}

/* ---- which rows ---- */

static int count_stored(struct reading *r)
{
	_cleanup_statement_ sqlite3_stmt *row = NULL;
	int result,
		e = store_prepare(r->store,
				  "SELECT last_point FROM block WHERE run = ? AND segment = ?"
				  " AND first_point IS NOT NULL ORDER BY first_point DESC LIMIT 1",
				  &row);

	if (e < 0)
		return e;
	sqlite3_bind_int64(row, 1, r->sheet->run);
	sqlite3_bind_int64(row, 2, r->sheet->segment.number);
	result = sqlite3_step(row);
	e = store_sql_error(r->store, result, "reading records");
	if (e < 0)
		return e;
	r->total = result == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(row, 0) + 1 : 0;
	return 0;
}

static size_t row_bytes(const struct reading *r)
{
	size_t bytes = 0;

	for (size_t i = 0; i < r->visible; i++)
		bytes += r->column[i].type == COLUMN_F64 ? sizeof(double) : sizeof(uint32_t);
	return bytes;
}

static uint64_t passes(const struct reading *r, uint64_t stored)
{
	return r->sheet->group > 0 ? (stored + r->sheet->group - 1) / r->sheet->group : 1;
}

/* Numbers, not rows: how far one call may look. */
static uint64_t scan_limit(const struct reading *r, uint64_t stored)
{
	return MAX(READ_SCAN_MAX_BYTES / r->sheet->segment.stride / passes(r, stored), (uint64_t)1);
}

static int choose_rows(struct reading *r, char **ret_message)
{
	const struct read_request *q = r->request;
	uint64_t stored = r->total, fit;

	r->stride = MAX(q->stride, (uint64_t)1);
	r->first = q->first;
	if (r->sheet->group > 0)
		r->total = MIN(r->total, r->sheet->group);
	if (r->first >= r->total)
		return fail(ret_message, -ENODATA,
			    r->total == 0 ? "run %" PRId64 " has no points%s"
					  : "run %" PRId64
					    " has no point there%s: they end at %" PRIu64,
			    r->sheet->run, r->sheet->finished ? "" : " yet", r->total - 1);
	fit = (FRAME_MAX_BYTES - r->visible * READ_COLUMN_ALIGN_BYTES) / row_bytes(r);
	fit = MIN(fit, (scan_limit(r, stored) - 1) / r->stride + 1);
	r->capacity = (r->total - 1 - r->first) / r->stride + 1;
	if (q->count > 0)
		r->capacity = MIN(r->capacity, q->count);
	if (q->whole && r->capacity > fit)
		return fail(ret_message, -EFBIG,
			    "run %" PRId64 " has %" PRIu64 " points; %" PRIu64 " fit in one piece",
			    r->sheet->run, r->capacity, fit);
	r->capacity = MIN(r->capacity, fit);
	r->last = r->first + (r->capacity - 1) * r->stride;
	return 0;
}

/* ---- filling ---- */

static void flush_tile(struct reading *r)
{
	if (r->tile.count == 0)
		return;
	if (r->average) {
		average_add(r->average, r->sheet, &r->tile, r->row);
	} else {
		strip_add(r->strip, r->sheet, &r->tile);
		r->rows += r->tile.count;
	}
	r->tile.count = 0;
}

/* Row of a point, counted from the first one wanted; false: it is not wanted. */
static bool row_of(const struct reading *r, const struct scan_block *block, uint64_t number,
		   uint64_t *ret)
{
	uint64_t row = number - block->first;

	if (number < block->first || number > block->last)
		return false;
	if (r->average)
		row %= r->sheet->group;
	if (r->stride > 1) {
		if (row % r->stride != 0)
			return false;
		row /= r->stride;
	}
	*ret = row;
	return row < r->capacity;
}

static void use_block(void *userdata, const struct scan_block *block)
{
	struct reading *r = userdata;
	const uint32_t stride = r->sheet->segment.stride;
	const char *end = (const char *)block->records + block->bytes;
	uint64_t row;

	for (const char *at = block->records; at < end; at += stride) {
		const struct etalon_hw_record_point *p = (const void *)at;

		if (p->head.type != ETALON_HW_RECORD_POINT || !row_of(r, block, p->number, &row))
			continue;
		/* Numbers that repeat against the contract must not run over the frame. */
		if (!r->average && r->rows + r->tile.count == r->capacity)
			break;
		r->row[r->tile.count] = (uint32_t)row;
		r->tile.point[r->tile.count++] = p;
		if (r->tile.count == TILE_ROWS)
			flush_tile(r);
	}
	flush_tile(r); /* the records are gone after this call */
}

static int make_hidden(struct reading *r)
{
	for (size_t i = r->visible; i < r->count; i++) {
		r->column[i].f64 = calloc(r->capacity, sizeof(double));
		if (!r->column[i].f64)
			return -ENOMEM;
	}
	return 0;
}

/* Whole groups lie one after another; parts of groups are visited pass by pass. */
static struct scan_request scan_request(const struct reading *r, uint64_t stored)
{
	struct scan_request scan = {
		.run = r->sheet->run,
		.segment = r->sheet->segment.number,
		.stride = r->sheet->segment.stride,
		.first = r->first,
		.last = r->last,
		.period = r->sheet->group,
		.repeats = passes(r, stored),
	};

	if (r->sheet->group > 0 && r->first == 0 && r->last + r->stride >= r->sheet->group) {
		scan.last = stored - 1;
		scan.repeats = 1;
	}
	return scan;
}

static int prepare(struct reading *r, const struct frame_builder *builder)
{
	int e = make_hidden(r);

	if (e < 0)
		return e;
	if (r->sheet->group > 0)
		return average_new(r->column, r->rule, r->count, r->capacity, &r->average);
	return strip_new(builder, r->column, r->rule, r->visible, r->count, &r->strip);
}

static int fill(struct reading *r, const struct frame_builder *builder, uint64_t stored)
{
	struct scan_request scan = scan_request(r, stored);
	int64_t rows = 0;
	int e = prepare(r, builder);

	if (e == 0)
		e = scan_blocks(r->store, &scan, use_block, r);
	if (e < 0)
		return e;
	rows = r->average ? (int64_t)average_finish(r->average) : strip_finish(r->strip);
	if (rows < 0)
		return store_fail(r->store, (int)rows, "writing a frame: %s", strerror((int)-rows));
	r->rows = (uint64_t)rows;
	return loss_fill(r->store, r->sheet, r->column, r->rule, r->count, r->rows);
}

/* Fewer rows than there was room for: points are missing, and are not padded. */
static void set_rows(struct frame_builder *builder, uint64_t rows)
{
	((struct frame_header *)builder->map)->rows = rows;
}

static int make_frame(struct reading *r, int *ret_fd, char **ret_message)
{
	_cleanup_free_ char *meta = json_dumps(r->sheet->meta, JSON_COMPACT);
	struct frame_builder builder;
	uint64_t stored = r->total;
	int e = choose_rows(r, ret_message);

	if (e < 0)
		return e;
	if (!meta)
		return fail(ret_message, -ENOMEM, "no memory for a frame");
	e = frame_begin(&builder, r->column, r->visible, r->capacity, r->first, r->stride, meta);
	if (e < 0)
		return fail(ret_message, e, "no memory for a frame: %s", strerror(-e));
	e = fill(r, &builder, stored);
	if (e == 0 && r->rows == 0)
		e = store_fail(r->store, -ENODATA, "run %" PRId64 ": these points are missing",
			       r->sheet->run);
	if (e < 0) {
		frame_abandon(&builder);
		return fail(ret_message, e, "%s",
			    e == -ENOMEM ? "no memory for a frame" : store_message(r->store));
	}
	set_rows(&builder, r->rows);
	*ret_fd = frame_finish(&builder);
	return *ret_fd < 0 ? fail(ret_message, *ret_fd, "a frame: %s", strerror(-*ret_fd)) : 0;
}

static void tell(const struct reading *r, struct read_info *ret)
{
	uint64_t next = r->first + r->capacity * r->stride;
	uint64_t total = r->total;

	/* With points missing their numbers are more than the rows: a finished run knows its rows.
	 */
	if (r->stride == 1 && r->sheet->group == 0 && r->sheet->finished &&
	    r->sheet->points_stored > 0)
		total = (uint64_t)r->sheet->points_stored;
	*ret = (struct read_info){
		.rows = r->rows,
		.total_rows = (total + r->stride - 1) / r->stride,
		.next = next < r->total ? next : UINT64_MAX,
	};
}

int store_read_frame(struct store *s, int64_t run, const struct read_request *request,
		     struct read_info *ret_info, int *ret_fd, char **ret_message)
{
	struct reading r = {.store = s, .request = request};
	int fd = -1, e;

	/* One view of the run for all statements, also while it is being written. */
	e = store_exec(s, "SAVEPOINT reading");
	if (e < 0)
		return fail(ret_message, e, "%s", store_message(s));
	e = sheet_make(s, run, &r.sheet, ret_message);
	if (e == 0)
		e = choose_columns(&r, ret_message);
	if (e == 0) {
		e = count_stored(&r);
		if (e < 0)
			fail(ret_message, e, "%s", store_message(s));
	}
	if (e == 0)
		e = make_frame(&r, &fd, ret_message);
	if (e == 0) {
		tell(&r, ret_info);
		*ret_fd = fd;
	}
	sqlite3_exec(s->db, "RELEASE reading", NULL, NULL, NULL);
	reading_clear(&r);
	return e;
}
