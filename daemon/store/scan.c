// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Reads blocks by point number. The calling thread reads and verifies, a second one uses what was
 * read: reading and converting cost about the same.
 */
#include "store/scan.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/util.h"

#define SLOTS 4U
#define THREAD_FROM_POINTS 4096 /* fewer are used sooner than a thread starts */

struct slot {
	void *records; /* STORE_BLOCK_MAX */
	struct scan_block block;
};

struct reader {
	struct store *store;
	const struct scan_request *request;
	scan_f f;
	void *userdata;
	sqlite3_blob *blob;
	struct slot slot[SLOTS];

	bool threaded;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint64_t filled, used; /* slots so far; under lock */
	bool end; /* under lock */
};

/* ---- the second thread ---- */

static void *use_slots(void *userdata)
{
	struct reader *r = userdata;

	for (;;) {
		struct slot *slot;

		pthread_mutex_lock(&r->lock);
		while (r->used == r->filled && !r->end)
			pthread_cond_wait(&r->changed, &r->lock);
		if (r->used == r->filled) {
			pthread_mutex_unlock(&r->lock);
			return NULL;
		}
		slot = &r->slot[r->used % SLOTS];
		pthread_mutex_unlock(&r->lock);

		r->f(r->userdata, &slot->block);

		pthread_mutex_lock(&r->lock);
		r->used++;
		pthread_cond_signal(&r->changed);
		pthread_mutex_unlock(&r->lock);
	}
}

static struct slot *free_slot(struct reader *r)
{
	struct slot *slot;

	if (!r->threaded)
		return &r->slot[0];
	pthread_mutex_lock(&r->lock);
	while (r->filled - r->used == SLOTS)
		pthread_cond_wait(&r->changed, &r->lock);
	slot = &r->slot[r->filled % SLOTS];
	pthread_mutex_unlock(&r->lock);
	return slot;
}

static void hand_over(struct reader *r, struct slot *slot)
{
	if (!r->threaded) {
		r->f(r->userdata, &slot->block);
		return;
	}
	pthread_mutex_lock(&r->lock);
	r->filled++;
	pthread_cond_signal(&r->changed);
	pthread_mutex_unlock(&r->lock);
}

/* ---- reading ---- */

static int open_block(struct reader *r, int64_t id)
{
	int result = r->blob ? sqlite3_blob_reopen(r->blob, id)
			     : sqlite3_blob_open(r->store->db, "main", "block", "records", id, 0,
						 &r->blob);

	return store_sql_error(r->store, result, "reading records");
}

static int read_block(struct reader *r, int64_t id, uint32_t crc, struct slot *slot)
{
	int size, e = open_block(r, id);

	if (e < 0)
		return e;
	size = sqlite3_blob_bytes(r->blob);
	slot->block.bytes = (size_t)size;
	if (size <= 0 || slot->block.bytes > STORE_BLOCK_MAX ||
	    slot->block.bytes % r->request->stride != 0)
		return -EUCLEAN;
	e = store_sql_error(r->store, sqlite3_blob_read(r->blob, slot->records, size, 0),
			    "reading records");
	if (e < 0)
		return e;
	return crc32c(0, slot->records, slot->block.bytes) == crc ? 0 : -EUCLEAN;
}

static int damaged(struct reader *r, uint64_t first, uint64_t last)
{
	return store_fail(
		r->store, -EUCLEAN,
		"points %" PRIu64 " to %" PRIu64 " of run %" PRId64
		" are damaged in the store %s: what lies before and after them can be read",
		first, last, r->request->run, r->store->path);
}

static int read_span(struct reader *r, sqlite3_stmt *rows, uint64_t first, uint64_t last)
{
	int result, e = 0;

	sqlite3_bind_int64(rows, 1, r->request->run);
	sqlite3_bind_int64(rows, 2, r->request->segment);
	sqlite3_bind_int64(rows, 3, (int64_t)first);
	sqlite3_bind_int64(rows, 4, (int64_t)last);
	while (e == 0 && (result = sqlite3_step(rows)) == SQLITE_ROW) {
		uint64_t first_here = (uint64_t)sqlite3_column_int64(rows, 1);
		uint64_t last_here = (uint64_t)sqlite3_column_int64(rows, 2);
		struct slot *slot;

		if (last_here < first)
			continue; /* a gap lies between this block and the span */
		slot = free_slot(r);
		e = read_block(r, sqlite3_column_int64(rows, 0),
			       (uint32_t)sqlite3_column_int64(rows, 3), slot);
		if (e == -EUCLEAN)
			e = damaged(r, first_here, last_here);
		slot->block.first = first;
		slot->block.last = last;
		if (e == 0)
			hand_over(r, slot);
	}
	sqlite3_reset(rows);
	return e < 0 ? e : store_sql_error(r->store, result, "reading records");
}

static int read_spans(struct reader *r)
{
	_cleanup_statement_ sqlite3_stmt *rows = NULL;
	const struct scan_request *q = r->request;
	int e = store_prepare(
		r->store,
		"SELECT id, first_point, last_point, crc FROM block"
		" WHERE run = ?1 AND segment = ?2 AND first_point >= coalesce((SELECT max(first_point)"
		"  FROM block WHERE run = ?1 AND segment = ?2 AND first_point <= ?3), 0)"
		" AND first_point <= ?4 ORDER BY first_point",
		&rows);

	for (uint64_t k = 0; e == 0 && k < q->repeats; k++)
		e = read_span(r, rows, q->first + k * q->period, q->last + k * q->period);
	return e;
}

/* ---- both together ---- */

static bool want_thread(const struct scan_request *q)
{
	return (q->last - q->first + 1) * q->repeats >= THREAD_FROM_POINTS;
}

static int make_slots(struct reader *r)
{
	for (unsigned int i = 0; i < (r->threaded ? SLOTS : 1U); i++) {
		r->slot[i].records = malloc(STORE_BLOCK_MAX);
		if (!r->slot[i].records)
			return -ENOMEM;
		r->slot[i].block.records = r->slot[i].records;
	}
	return 0;
}

static void end_thread(struct reader *r)
{
	pthread_mutex_lock(&r->lock);
	r->end = true;
	pthread_cond_signal(&r->changed);
	pthread_mutex_unlock(&r->lock);
	pthread_join(r->thread, NULL);
}

int scan_blocks(struct store *s, const struct scan_request *request, scan_f f, void *userdata)
{
	struct reader r = {
		.store = s,
		.request = request,
		.f = f,
		.userdata = userdata,
		.threaded = want_thread(request),
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER,
	};
	int e = make_slots(&r);

	/* A thread that cannot be had is no error, only slower. */
	if (e == 0 && r.threaded)
		r.threaded = pthread_create(&r.thread, NULL, use_slots, &r) == 0;
	if (e == 0) {
		e = read_spans(&r);
		if (r.threaded)
			end_thread(&r);
	}
	for (unsigned int i = 0; i < SLOTS; i++)
		free(r.slot[i].records);
	sqlite3_blob_close(r.blob);
	return e;
}
