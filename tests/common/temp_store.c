// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Stores for tests. See temp_store.h.
 */
#include "temp_store.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "measure/ledger.h"

#define BLOCK (256U << 10)

/* Benchmarks use this file, too: no assertion of the test framework here. */
#define require(condition, ...)                       \
	do {                                          \
		if (!(condition)) {                   \
			fprintf(stderr, __VA_ARGS__); \
			fputc('\n', stderr);          \
			abort();                      \
		}                                     \
	} while (0)

static void open_store(struct temp_store *t)
{
	char *message = NULL;
	int r = store_open(t->path, STORE_WRITE, &t->store, &message);

	require(r == 0, "store_open: %d %s", r, message ? message : "");
}

void temp_store_begin(struct temp_store *t)
{
	const char *base = getenv("TMPDIR");

	snprintf(t->folder, sizeof(t->folder), "%s/etalon-store-XXXXXX", base ? base : "/tmp");
	require(mkdtemp(t->folder), "no folder %s", t->folder);
	snprintf(t->path, sizeof(t->path), "%s/runs.db", t->folder);
	t->board = fake_board();
	open_store(t);
}

void temp_store_reopen(struct temp_store *t)
{
	t->store = store_close(t->store);
	open_store(t);
}

void temp_store_end(struct temp_store *t)
{
	DIR *dir;
	struct dirent *entry;

	t->store = store_close(t->store);
	t->board = description_free(t->board);
	dir = opendir(t->folder);
	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	rmdir(t->folder);
}

struct store *temp_store_reader(const struct temp_store *t)
{
	struct store *s = NULL;
	char *message = NULL;
	int r = store_open(t->path, STORE_READ, &s, &message);

	require(r == 0, "store_open: %d %s", r, message ? message : "");
	return s;
}

/* ---- runs ---- */

#define must(s, call)                                                                      \
	do {                                                                               \
		int must_result = (call);                                                  \
		require(must_result == 0, #call ": %d %s", must_result, store_message(s)); \
	} while (0)

static json_t *write_segment(struct store *s, int64_t run, unsigned int number,
			     const struct segment *segment, const struct description *d,
			     uint64_t *sequence, const struct writing_options *o, bool end)
{
	size_t max = o->block_bytes ? o->block_bytes : BLOCK, bytes;
	struct fake_run records;
	struct ledger ledger;
	char *block = malloc(BLOCK);
	json_t *result;

	require(block, "no memory");
	fake_run_begin(&records, d, &segment->program, *sequence);
	records.seed = number + 1;
	if (o->adjust)
		o->adjust(&records, segment->purpose, o->userdata);
	must(s, store_segment_begin(s, run, number, segment->purpose, &records.program,
				    records.stride));
	ledger_begin(&ledger, records.program.generation, &records.program, records.stride,
		     crc32c(0, &records.program, sizeof(records.program)), segment->points);
	while ((bytes = fake_records(&records, block, max / records.stride * records.stride)) > 0) {
		require(ledger_feed(&ledger, block, bytes, NULL) == 0, "records are wrong");
		must(s, store_block(s, run, number, block, bytes));
	}
	*sequence = records.sequence;
	result = ledger_json(&ledger);
	if (end)
		must(s, store_segment_end(s, run, number, result));
	free(block);
	return result;
}

int64_t write_run(struct store *s, const struct description *d,
		  const struct etalon_hw_program *program, const struct writing_options *options)
{
	static const struct writing_options none;
	const struct writing_options *o = options ? options : &none;
	unsigned int segments = o->segments ? o->segments : 3;
	struct plan *plan = fake_plan(d, program);
	uint64_t sequence = 1000;
	json_t *meta = json_deep_copy(plan->meta);
	int64_t run = -1;

	if (o->meta)
		json_object_update(meta, (json_t *)(uintptr_t)o->meta);
	must(s, store_run_begin(s, d, plan, meta, &run));
	for (unsigned int i = 0; i < segments; i++) {
		json_t *ledger = write_segment(s, run, i, &plan->segments[i], d, &sequence, o,
					       !o->leave_running || i + 1 < segments);

		if (plan->segments[i].purpose == SEGMENT_MAIN)
			json_object_set(meta, "ledger", ledger);
		json_decref(ledger);
	}
	must(s, store_commit(s));
	if (!o->leave_running) {
		const json_t *ledger = json_object_get(meta, "ledger");
		bool complete = json_is_true(json_object_get(ledger, "complete"));

		json_object_set_new(meta, "verdict", json_string("measured"));
		must(s, store_run_finish(s, run, complete ? "complete" : "partial", meta));
	}
	json_decref(meta);
	plan_free(plan);
	return run;
}
