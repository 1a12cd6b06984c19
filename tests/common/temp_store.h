/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A store in a folder of its own, and runs of the fake board in it. For tests.
 */
#ifndef ETALON_TESTS_TEMP_STORE_H
#define ETALON_TESTS_TEMP_STORE_H

#include "fake_board.h"
#include "store/store.h"

struct temp_store {
	char folder[128];
	char path[160];
	struct store *store; /* STORE_WRITE */
	struct description *board;
};

void temp_store_begin(struct temp_store *t);
/* Closes and opens again for writing. */
void temp_store_reopen(struct temp_store *t);
void temp_store_end(struct temp_store *t); /* removes the folder */
struct store *temp_store_reader(const struct temp_store *t);

/* How a run is written; zero is a good default. */
struct writing_options {
	/* Called before each segment's first record. */
	void (*adjust)(struct fake_run *run, unsigned int purpose, void *userdata);
	void *userdata;
	const json_t *meta; /* keys put over the plan's */
	size_t block_bytes; /* 0: 256 KiB */
	bool leave_running; /* no segment_end of the last segment, no finish */
	unsigned int segments; /* of dark, main, dark; 0: all three */
};

/* Aborts the program when anything fails. Returns the run's number. */
int64_t write_run(struct store *s, const struct description *d,
		  const struct etalon_hw_program *program, const struct writing_options *options);

#endif
