// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Lies, mostly near the truth: those are the ones that a driver believes. See hostile.h.
 */
#include "emulator/hostile.h"

#include <inttypes.h>

#include "base/util.h"
#include "emulator/board_internal.h"

#define RUN_KEY_HOSTILE 0x4057ULL

static uint64_t draw(struct board *b)
{
	const struct noise_key key = {
		.seed = b->config.seed,
		.run_key = RUN_KEY_HOSTILE,
		.point = b->hostile.draws++,
	};

	return noise_bits(&key);
}

void hostile_begin(struct board *b, uint64_t steps, uint32_t one_in)
{
	b->hostile.left = steps;
	b->hostile.done = 0;
	b->hostile.one_in = one_in;
}

bool hostile_active(const struct board *b)
{
	return b->hostile.left > 0;
}

static void step(struct board *b)
{
	struct hostile *h = &b->hostile;

	h->done++;
	if (--h->left)
		return;
	b->dma.tell = true; /* the truth again */
	event_log_line(b->log, b->real_ns, board_tick(b, board_now(b)), "hostile-end",
		       "\"steps\":%" PRIu64, h->done);
}

static bool keeps_to_the_truth(struct board *b)
{
	const uint32_t one_in = b->hostile.one_in;

	return one_in > 1 && draw(b) % one_in;
}

static uint64_t lie(struct board *b, uint64_t truth)
{
	if (keeps_to_the_truth(b))
		return truth;
	switch (draw(b) % 8) {
	case 0:
		return draw(b);
	case 1:
		return UINT64_MAX;
	case 2:
		return 0;
	case 3:
		return truth ^ 1ULL << draw(b) % 64;
	case 4:
		return truth + draw(b) % 16 - 8;
	default:
		return truth;
	}
}

uint32_t hostile_read(struct board *b, uint32_t truth)
{
	if (!hostile_active(b))
		return truth;
	step(b);
	return (uint32_t)lie(b, truth);
}

static void fill(struct board *b, uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)draw(b);
}

static void flip(struct board *b, uint8_t *bytes, size_t size)
{
	bytes[draw(b) % size] ^= (uint8_t)(1U << draw(b) % 8);
}

void hostile_record(struct board *b, struct etalon_hw_record *record)
{
	const uint16_t size = record->size;

	if (!hostile_active(b))
		return;
	step(b);
	if (keeps_to_the_truth(b))
		return;
	if (draw(b) % 8 == 0)
		return fill(b, (uint8_t *)record, size);
	flip(b, (uint8_t *)record, size);
	record->sequence = lie(b, record->sequence);
	record->type = (uint16_t)lie(b, record->type);
	record->size = (uint16_t)lie(b, size);
}

void hostile_records(struct board *b, void *records, size_t bytes)
{
	struct etalon_hw_record *record;
	size_t size;

	for (size_t at = 0; at + sizeof(*record) <= bytes; at += size) {
		record = (struct etalon_hw_record *)(void *)((uint8_t *)records + at);
		size = record->size; /* the true one */
		if (at + size > bytes)
			return;
		hostile_record(b, record);
	}
}

size_t hostile_bytes(struct board *b, void *bytes, size_t size)
{
	if (!hostile_active(b) || !size)
		return size;
	step(b);
	if (keeps_to_the_truth(b))
		return size;
	if (draw(b) % 8 == 0)
		fill(b, bytes, size);
	else
		flip(b, bytes, size);
	return MIN((size_t)lie(b, size), size);
}

void hostile_control(struct board *b, struct etalon_hw_control *control)
{
	if (!hostile_active(b))
		return;
	control->producer = lie(b, control->producer);
	control->lost = lie(b, control->lost);
	control->state = (uint32_t)lie(b, control->state);
	control->causes = (uint32_t)lie(b, control->causes);
	control->sequencer = (uint32_t)lie(b, control->sequencer);
	control->events = (uint32_t)lie(b, control->events);
	control->causes_live = (uint32_t)lie(b, control->causes_live);
	control->status_bits = (uint32_t)lie(b, control->status_bits);
}
