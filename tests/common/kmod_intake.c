// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * See kmod_intake.h.
 */
#include "kmod_intake.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define GENERATION 7

void intake_append(struct intake_stream *s, uint16_t type, uint64_t sequence, uint64_t number)
{
	union {
		struct etalon_hw_record head;
		struct etalon_hw_record_point point;
		struct etalon_hw_record_end end;
		uint8_t bytes[INTAKE_STRIDE];
	} record = {.bytes = {0}};

	assert(s->size + INTAKE_STRIDE <= sizeof(s->bytes));
	if (type == ETALON_HW_RECORD_POINT)
		record.point.number = number;
	if (type == ETALON_HW_RECORD_END) {
		record.end.produced = number;
		record.end.tick = 1000 + number;
	}
	record.head = (struct etalon_hw_record){
		.magic = ETALON_HW_RECORD_MAGIC,
		.type = type,
		.size = INTAKE_STRIDE,
		.generation = GENERATION,
		.sequence = sequence,
	};
	memcpy(s->bytes + s->size, &record, INTAKE_STRIDE);
	s->size += INTAKE_STRIDE;
}

void intake_program(struct intake_stream *s, uint64_t first, unsigned int points)
{
	intake_append(s, ETALON_HW_RECORD_START, first, 0);
	for (unsigned int i = 0; i < points; i++)
		intake_append(s, ETALON_HW_RECORD_POINT, first + 1 + i, i);
	intake_append(s, ETALON_HW_RECORD_END, first + 1 + points, points);
}

void intake_expect(struct intake_taker *t, uint64_t first)
{
	memset(t, 0, sizeof(*t));
	etalon_intake_init(&t->intake);
	etalon_intake_begin(&t->intake, INTAKE_STRIDE, first);
}

static void take(struct intake_taker *t, const struct etalon_intake_item *item)
{
	struct etalon_hw_record head;

	memcpy(&head, item->bytes, sizeof(head));
	if (head.type == ETALON_HW_RECORD_GAP)
		memcpy(&t->gap, item->bytes, sizeof(t->gap));
	if (item->is_end) {
		t->ended = true;
		t->end_tick = item->end_tick;
	}
	if (t->count < INTAKE_RECORDS_MAX) {
		t->sequence[t->count] = item->sequence;
		t->type[t->count] = head.type;
	}
	t->count++;
}

void intake_feed(struct intake_taker *t, const void *bytes, size_t size, bool ends)
{
	uint8_t *copy = malloc(size ? size : 1); /* a read beyond it is seen */
	struct etalon_intake_transfer transfer = {.data = copy, .bytes = (__u32)size, .ends = ends};
	struct etalon_intake_item item;

	assert(copy);
	if (size)
		memcpy(copy, bytes, size);
	while ((t->result = etalon_intake_peek(&t->intake, &transfer, &item)) > 0) {
		take(t, &item);
		etalon_intake_accept(&t->intake, &transfer);
	}
	free(copy);
}
