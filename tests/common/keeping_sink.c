// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Keeps what the engine hands out. See keeping_sink.h.
 */
#include "keeping_sink.h"

#include "base/util.h"

static int keep_begin(void *userdata, unsigned int segment, const struct segment *s,
		      const struct link_program *loaded)
{
	struct keeping_sink *k = userdata;
	struct kept_segment *kept = &k->segment[segment];

	if (k->begin_error && segment == k->error_segment)
		return k->begin_error;
	if (segment != k->segments)
		k->broken = "segments do not begin in order";
	if (k->segments > 0 && !k->segment[k->segments - 1].ended)
		k->broken = "a segment begins before the last one ended";
	kept->begun++;
	kept->purpose = s->purpose;
	kept->program = s->program;
	kept->loaded = *loaded;
	k->segments++;
	return 0;
}

static int keep_block(void *userdata, unsigned int segment, const void *records, size_t bytes)
{
	struct keeping_sink *k = userdata;
	struct kept_segment *kept = &k->segment[segment];

	if (k->block_error && segment == k->error_segment && kept->blocks >= k->block_error_after)
		return k->block_error;
	if (!kept->begun || kept->ended)
		k->broken = "a block outside its segment";
	if (bytes == 0 || bytes > ACQUIRE_BLOCK_BYTES || bytes % kept->loaded.stride != 0)
		k->broken = "a block of the wrong size";
	if (!k->forget) {
		kept->bytes = realloc(kept->bytes, kept->size + bytes);
		if (!kept->bytes)
			abort();
		memcpy(kept->bytes + kept->size, records, bytes);
	}
	kept->size += bytes;
	kept->blocks++;
	kept->largest = MAX(kept->largest, bytes);
	if (k->each_block)
		k->each_block(k, k->userdata);
	return 0;
}

static int keep_end(void *userdata, unsigned int segment, const struct ledger *ledger)
{
	struct keeping_sink *k = userdata;
	struct kept_segment *kept = &k->segment[segment];

	if (!kept->begun || kept->ended)
		k->broken = "a segment ends that did not run";
	kept->ended++;
	kept->ledger = *ledger;
	return k->end_error && segment == k->error_segment ? k->end_error : 0;
}

void keeping_sink_init(struct keeping_sink *k)
{
	*k = (struct keeping_sink){
		.sink = {.begin = keep_begin, .block = keep_block, .end = keep_end}};
	k->sink.userdata = k;
}

void keeping_sink_clear(struct keeping_sink *k)
{
	for (size_t i = 0; i < ARRAY_SIZE(k->segment); i++)
		free(k->segment[i].bytes);
	*k = (struct keeping_sink){};
}

size_t kept_records(const struct kept_segment *s, unsigned int type)
{
	size_t n = 0;

	for (size_t at = 0; at < s->size; at += s->loaded.stride) {
		struct etalon_hw_record head;

		memcpy(&head, s->bytes + at, sizeof(head));
		n += head.type == type;
	}
	return n;
}
