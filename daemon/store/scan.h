/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The blocks of a segment by point number, each CRC verified, read ahead while the one before is
 * being used. Private to this folder.
 */
#ifndef ETALON_STORE_SCAN_H
#define ETALON_STORE_SCAN_H

#include "store/store_private.h"

struct scan_request {
	int64_t run;
	unsigned int segment;
	uint32_t stride; /* of records */
	uint64_t first, last; /* numbers of points, both included */
	uint64_t period; /* the span once more at first + period, and so on ... */
	uint64_t repeats; /* ... in all so many times, >= 1 */
};

/* The records of a block that holds points of the span first..last, others besides. */
struct scan_block {
	const void *records;
	size_t bytes;
	uint64_t first, last; /* of the span */
};

typedef void (*scan_f)(void *userdata, const struct scan_block *block);

/*
 * Calls f with each block of each span, in order of point number within a span. f may run on
 * another thread, one call at a time, and never after the return. -EUCLEAN names a damaged block.
 */
int scan_blocks(struct store *s, const struct scan_request *request, scan_f f, void *userdata);

#endif
