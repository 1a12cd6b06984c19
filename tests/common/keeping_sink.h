/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A sink of the sweep engine that keeps everything and checks the engine's promises as it does.
 */
#ifndef ETALON_TESTS_KEEPING_SINK_H
#define ETALON_TESTS_KEEPING_SINK_H

#include "measure/acquire.h"

#define KEPT_SEGMENTS 8

struct kept_segment {
	unsigned int purpose;
	struct etalon_hw_program program;
	struct link_program loaded;
	unsigned char *bytes;
	size_t size, blocks, largest;
	unsigned int begun, ended;
	struct ledger ledger;
};

struct keeping_sink {
	struct acquire_sink sink; /* give this to acquire_run() */
	struct kept_segment segment[KEPT_SEGMENTS];
	unsigned int segments;
	const char *broken; /* a promise that was not kept, or NULL */
	bool forget; /* count bytes, but keep none */
	/* What a test may set: */
	int begin_error, block_error, end_error;
	unsigned int error_segment; /* where that happens */
	unsigned int block_error_after; /* blocks */
	void (*each_block)(struct keeping_sink *k, void *userdata);
	void *userdata;
};

void keeping_sink_init(struct keeping_sink *k);
void keeping_sink_clear(struct keeping_sink *k);
/* Records of one type in a segment. */
size_t kept_records(const struct kept_segment *s, unsigned int type);

#endif
