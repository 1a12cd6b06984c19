// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The record stream of the register driver: a bounded buffer that records() itself fills.
 * Looks at records only to find where a program's first one begins; what they say is for
 * measure/ledger.c.
 */
#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "link/registers_private.h"

#define STRIDE_MAX 4096

int records_init(struct registers *r)
{
	r->records.bytes = malloc(RECORDS_BYTES);
	if (!r->records.bytes)
		return -ENOMEM;
	/* All of it now: a long run must not need more memory than a short one. */
	memset(r->records.bytes, 0, RECORDS_BYTES);
	return -pthread_mutex_init(&r->reset.mutex, NULL);
}

void records_destroy(struct registers *r)
{
	free(r->records.bytes);
	pthread_mutex_destroy(&r->reset.mutex);
}

void records_expect(struct registers *r, uint32_t stride, uint32_t generation,
		    uint64_t first_sequence)
{
	pthread_mutex_lock(&r->reset.mutex);
	r->reset.pending = true;
	r->reset.stride = stride;
	r->reset.generation = generation;
	r->reset.first_sequence = first_sequence;
	pthread_mutex_unlock(&r->reset.mutex);
}

/* Begins anew after a load. Bytes of the program before, here or in the board, are dropped later. */
static void take_reset(struct registers *r)
{
	struct records *b = &r->records;

	pthread_mutex_lock(&r->reset.mutex);
	if (r->reset.pending) {
		b->stride = r->reset.stride;
		b->generation = r->reset.generation;
		b->first_sequence = r->reset.first_sequence;
		b->capacity = RECORDS_BYTES / b->stride * b->stride;
		b->head = b->next = b->tail = 0;
		b->in_step = false;
		r->reset.pending = false;
	}
	pthread_mutex_unlock(&r->reset.mutex);
}

static bool plausible(const struct etalon_hw_record *head)
{
	return head->magic == ETALON_HW_RECORD_MAGIC && head->size >= ETALON_HW_STRIDE_MIN &&
	       head->size <= STRIDE_MAX && head->size % 8 == 0;
}

/*
 * Drops what was left of earlier programs, record by record, and byte by byte where it is damaged or was
 * cut by the load, until the first record of this one is at the front.
 */
static void find_step(struct records *b)
{
	size_t got = (size_t)b->head, at = 0;

	while (got - at >= sizeof(struct etalon_hw_record)) {
		struct etalon_hw_record head;

		memcpy(&head, b->bytes + at, sizeof(head));
		if (!plausible(&head)) {
			at++;
			continue;
		}
		if (head.generation == b->generation && head.sequence >= b->first_sequence &&
		    head.size == b->stride) {
			b->in_step = true;
			break;
		}
		if (got - at < head.size)
			break; /* the rest of it is still to come */
		at += head.size;
	}
	memmove(b->bytes, b->bytes + at, got - at);
	b->head = got - at;
}

/* Whole records from `next` to where the buffer wraps. */
static size_t at_hand(const struct records *b, const void **ret)
{
	size_t offset = (size_t)(b->next % b->capacity);
	size_t whole;

	if (!b->in_step)
		return 0;
	whole = (size_t)(b->head - b->next) / b->stride * b->stride;
	*ret = b->bytes + offset;
	return MIN(whole, b->capacity - offset);
}

/* Free bytes from `head` to where the buffer wraps. */
static size_t room_at(const struct records *b, void **ret)
{
	size_t offset = (size_t)(b->head % b->capacity);
	size_t free_bytes = b->capacity - (size_t)(b->head - b->tail);

	*ret = b->bytes + offset;
	return MIN(free_bytes, b->capacity - offset);
}

static int remaining_ms(uint64_t deadline_ns)
{
	uint64_t now = now_ns();

	if (deadline_ns <= now)
		return 0;
	return (int)MIN((deadline_ns - now + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC, 1000000000U);
}

int registers_records(struct link *link, int timeout_ms, size_t max_bytes, const void **ret,
		      size_t *ret_bytes)
{
	struct registers *r = registers_of(link);
	struct records *b = &r->records;
	uint64_t deadline_ns = now_ns() + (uint64_t)MAX(timeout_ms, 0) * NSEC_PER_MSEC;
	const void *at;
	size_t bytes;

	take_reset(r);
	if (b->stride == 0 || max_bytes < b->stride)
		return -EINVAL;
	while ((bytes = at_hand(b, &at)) == 0) {
		void *to;
		size_t room = room_at(b, &to);
		ssize_t n;

		if (room == 0)
			return -ENOBUFS;
		n = r->transport->ops->bulk_in(r->transport, to, room, remaining_ms(deadline_ns));
		if (n < 0)
			return (int)n;
		b->head += (uint64_t)n;
		if (!b->in_step)
			find_step(b);
	}
	bytes = MIN(bytes, max_bytes / b->stride * b->stride);
	b->next += bytes;
	*ret = at;
	*ret_bytes = bytes;
	return 0;
}

int registers_release(struct link *link, size_t bytes)
{
	struct records *b = &registers_of(link)->records;

	if (bytes > b->next - b->tail)
		return -EINVAL;
	b->tail += bytes;
	if (b->tail == b->head) /* empty: the next block lies in one piece */
		b->head = b->next = b->tail = 0;
	return 0;
}

void registers_records_cancel(struct link *link)
{
	struct registers *r = registers_of(link);

	r->transport->ops->bulk_in_cancel(r->transport);
}
