// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Bytes of whole records, taken in pieces of any length. See record_stream.h.
 */
#include "emulator/record_stream.h"

#include "base/util.h"
#include "emulator/records.h"

const uint8_t *record_stream_peek(const struct record_stream *s, struct board *b, size_t max,
				  size_t *ret_bytes)
{
	size_t whole;
	const uint8_t *records = board_records_peek(b, s->sent + max + RECORD_STRIDE_MAX, &whole);

	if (!records)
		return NULL;
	*ret_bytes = MIN(whole - s->sent, max);
	return records + s->sent;
}

void record_stream_consume(struct record_stream *s, struct board *b, const uint8_t *data,
			   size_t bytes)
{
	const uint8_t *records = data - s->sent;
	size_t whole = 0;

	s->sent += bytes;
	while (whole < s->sent) {
		const struct etalon_hw_record *r = (const void *)(records + whole);

		if (whole + r->size > s->sent)
			break;
		whole += r->size;
	}
	s->sent -= whole;
	if (whole)
		board_records_consume(b, whole);
}

void record_stream_restart(struct record_stream *s)
{
	s->sent = 0;
}
