// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Takes the raw POINT records of a run out of the daemon's store, without what tells when they were: what has to be equal
 * on every link. Ends with 1 and a line when there are none.
 *
 * usage: raw STORE RUN FILE
 */
#include <sqlite3.h>
#include <stdlib.h>

#include "guest/sweep_program.h"

static const char query[] = "SELECT block.records, segment.stride FROM block JOIN segment"
			    " ON segment.run = block.run AND segment.number = block.segment"
			    " WHERE block.run = ? ORDER BY block.segment, block.first_sequence";

static size_t keep_block(const char *records, size_t bytes, uint32_t stride, FILE *file)
{
	size_t points = 0;

	if (stride < sizeof(struct etalon_hw_record) || bytes % stride)
		return 0;
	for (size_t at = 0; at < bytes; at += stride) {
		const struct etalon_hw_record *head = (const void *)(records + at);

		points += head->type == ETALON_HW_RECORD_POINT;
		sweep_keep(file, head, stride);
	}
	return points;
}

static size_t keep_run(sqlite3 *store, int64_t run, FILE *file)
{
	sqlite3_stmt *blocks = NULL;
	size_t points = 0;

	if (sqlite3_prepare_v2(store, query, -1, &blocks, NULL) == SQLITE_OK)
		sqlite3_bind_int64(blocks, 1, run);
	while (blocks && sqlite3_step(blocks) == SQLITE_ROW)
		points += keep_block(sqlite3_column_blob(blocks, 0),
				     (size_t)sqlite3_column_bytes(blocks, 0),
				     (uint32_t)sqlite3_column_int(blocks, 1), file);
	sqlite3_finalize(blocks);
	return points;
}

int main(int argc, char **argv)
{
	sqlite3 *store = NULL;
	size_t points = 0;
	FILE *file;

	if (argc != 4)
		return 2;
	file = fopen(argv[3], "w");
	if (!file) {
		fprintf(stderr, "raw: cannot write %s\n", argv[3]);
		return 1;
	}
	if (sqlite3_open_v2(argv[1], &store, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK)
		points = keep_run(store, strtoll(argv[2], NULL, 10), file);
	if (points == 0)
		fprintf(stderr, "raw: no points of run %s in %s: %s\n", argv[2], argv[1],
			sqlite3_errmsg(store));
	sqlite3_close(store);
	return fclose(file) || points == 0;
}
