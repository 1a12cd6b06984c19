/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The bounded way of a job's records from its acquisition to the writer: so much memory and no
 * more, all of it taken as the job begins. Layer: etalond.
 */
#ifndef ETALON_ETALOND_STREAM_H
#define ETALON_ETALOND_STREAM_H

#include "etalond/writer.h"
#include "measure/acquire.h"

#define STREAM_BLOCKS 32U /* of ACQUIRE_BLOCK_BYTES: 8 MiB, half a second of the fastest board */

struct stream;

/* failed: told once, on the writer thread, when something could not be written. */
int stream_new(struct writer *writer, int64_t run, void (*failed)(void *userdata), void *userdata,
	       struct stream **ret);
/* Waits for what is queued. */
struct stream *stream_free(struct stream *stream);
DEFINE_CLEANUP(struct stream *, stream_free, stream_freep);

/* For acquire_run(), on the acquiring thread: waits while the writer is behind. */
int stream_segment_begin(struct stream *s, unsigned int segment, unsigned int purpose,
			 const struct etalon_hw_program *program, uint32_t stride);
int stream_block(struct stream *s, unsigned int segment, const void *records, size_t bytes);
int stream_segment_end(struct stream *s, unsigned int segment, const struct ledger *ledger);

/* Bytes of blocks that are committed: they outlive a crash. `wait`: all that were handed over, or the first error. */
int stream_committed(struct stream *s, bool wait, uint64_t *ret_bytes);

/* The first error so far, with its message (malloc'ed); 0: none. Does not wait. */
int stream_error(struct stream *s, char **ret_message);
/* Waits until all is written; 0 or the first error with its message. */
int stream_flush(struct stream *s, char **ret_message);

#endif
