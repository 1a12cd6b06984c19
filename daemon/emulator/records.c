// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The record FIFO in one ring of bytes. A record never straddles the ring's end: what is left
 * there is skipped. See records.h.
 */
#include "emulator/records.h"

#include <sys/mman.h>

#include "base/util.h"

#define RESERVE 2 /* GAP and END always find a place */

struct records {
	uint8_t *ring;
	size_t size; /* of the ring */
	size_t head; /* next byte to be written */
	size_t tail; /* oldest byte */
	size_t wrap; /* where the ring's content ends when head < tail or the ring has wrapped */
	bool wrapped;
	uint32_t capacity;
	uint32_t used;
	uint64_t sequence;
	uint64_t lost;
};

int records_new(uint32_t capacity, struct records **ret)
{
	_cleanup_free_ struct records *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->capacity = capacity;
	/* One record more than can be used keeps head and tail apart; one more pays for the skip. */
	r->size = (size_t)(capacity + RESERVE + 2) * RECORD_STRIDE_MAX;
	r->ring = mmap(NULL, r->size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (r->ring == MAP_FAILED)
		return -errno;
	*ret = take_ptr(r);
	return 0;
}

struct records *records_free(struct records *r)
{
	if (r) {
		munmap(r->ring, r->size);
		free(r);
	}
	return NULL;
}

uint32_t records_stride(uint32_t detectors)
{
	size_t bytes =
		sizeof(struct etalon_hw_record_point) + detectors * sizeof(struct etalon_hw_sample);

	return (uint32_t)MAX((bytes + 7) & ~(size_t)7, (size_t)ETALON_HW_STRIDE_MIN);
}

bool records_room(const struct records *r, uint32_t count)
{
	return r->used + count <= r->capacity;
}

bool records_empty(const struct records *r)
{
	return r->used == 0;
}

uint32_t records_used(const struct records *r)
{
	return r->used;
}

uint64_t records_sequence(const struct records *r)
{
	return r->sequence;
}

uint64_t records_lost(const struct records *r)
{
	return r->lost;
}

void records_lose(struct records *r)
{
	r->sequence++;
	r->lost++;
}

void records_skip(struct records *r)
{
	r->sequence++;
}

static uint8_t *grow(struct records *r, uint32_t stride)
{
	uint8_t *at;

	if (!r->used) { /* an empty ring starts anew: its first pages stay in the cache */
		r->head = r->tail = 0;
		r->wrapped = false;
	}
	if (!r->wrapped && r->size - r->head < stride) {
		r->wrap = r->head;
		r->wrapped = true;
		r->head = 0;
	}
	at = r->ring + r->head;
	r->head += stride;
	r->used++;
	return at;
}

void *records_append(struct records *r, uint16_t type, uint32_t stride, uint32_t generation)
{
	uint8_t *at = grow(r, stride);
	struct etalon_hw_record *head = (struct etalon_hw_record *)(void *)at;

	memset(at, 0, stride);
	head->magic = ETALON_HW_RECORD_MAGIC;
	head->type = type;
	head->size = (uint16_t)stride;
	head->generation = generation;
	head->sequence = r->sequence++;
	return at;
}

void records_repeat(struct records *r, const void *record, uint32_t stride)
{
	uint8_t copy[RECORD_STRIDE_MAX];

	memcpy(copy, record, stride);
	memcpy(grow(r, stride), copy, stride);
}

void records_withdraw(struct records *r, uint32_t stride)
{
	r->head -= stride;
	r->used--;
}

const void *records_peek(const struct records *r, size_t max_bytes, size_t *ret_bytes)
{
	size_t available, bytes = 0;

	if (!r->used)
		return NULL;
	available = (r->wrapped ? r->wrap : r->head) - r->tail;
	while (bytes < available) { /* strides differ where one program follows another */
		const struct etalon_hw_record *record =
			(const struct etalon_hw_record *)(const void *)(r->ring + r->tail + bytes);

		if (bytes + record->size > max_bytes)
			break;
		bytes += record->size;
	}
	*ret_bytes = bytes;
	return bytes ? r->ring + r->tail : NULL;
}

void records_consume(struct records *r, size_t bytes)
{
	while (bytes && r->used) {
		const struct etalon_hw_record *record =
			(const struct etalon_hw_record *)(const void *)(r->ring + r->tail);

		r->tail += record->size;
		bytes -= MIN(bytes, (size_t)record->size);
		r->used--;
		if (r->wrapped && r->tail == r->wrap) {
			r->tail = 0;
			r->wrapped = false;
		}
	}
}

void records_flush(struct records *r)
{
	r->lost += r->used;
	r->used = 0;
	r->head = r->tail = 0;
	r->wrapped = false;
}
