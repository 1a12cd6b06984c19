/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The board's records as the bytes of a bulk endpoint: a transfer may end within a record, and the
 * next one goes on there. Layer: emulator front ends.
 */
#ifndef ETALON_EMULATOR_RECORD_STREAM_H
#define ETALON_EMULATOR_RECORD_STREAM_H

#include "emulator/board.h"

struct record_stream {
	size_t sent; /* bytes of the oldest record that have gone */
};

/*
 * The next bytes, at most `max`; NULL when there are none. Fewer than `max` end with a whole record. Valid
 * until consumed.
 */
const uint8_t *record_stream_peek(const struct record_stream *s, struct board *b, size_t max,
				  size_t *ret_bytes);
/* The first `bytes` of what peek gave have gone. */
void record_stream_consume(struct record_stream *s, struct board *b, const uint8_t *data,
			   size_t bytes);
/* The oldest record goes anew, from its start. */
void record_stream_restart(struct record_stream *s);

#endif
