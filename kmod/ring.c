// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Index arithmetic of the record ring; see ring.h. Everything that comes in is hostile.
 */
#include <linux/errno.h>
#include <linux/math64.h>
#include <linux/minmax.h>

#include "ring.h"

void etalon_ring_init(struct etalon_ring *ring, __u64 bytes)
{
	*ring = (struct etalon_ring){.bytes = bytes};
}

int etalon_ring_can_load(const struct etalon_ring *ring, __u32 stride, __u64 first)
{
	if (!stride || stride % 8 || stride > ETALON_RING_STRIDE_MAX || stride > ring->bytes / 2)
		return -EPROTO;
	if (first > ETALON_RING_SEQUENCE_MAX)
		return -EPROTO;
	if (ring->consumer == ring->producer)
		return 0;
	return stride == ring->stride && first == ring->producer ? 0 : -EBUSY;
}

int etalon_ring_load(struct etalon_ring *ring, __u32 stride, __u64 first)
{
	int ret = etalon_ring_can_load(ring, stride, first);

	if (ret)
		return ret;
	if (ring->consumer == ring->producer)
		ring->consumer = first;
	ring->stride = stride;
	ring->capacity = div_u64(ring->bytes, stride);
	ring->modulus = ring->capacity * stride;
	ring->first = first;
	ring->producer = first;
	return 0;
}

__s64 etalon_ring_produce(struct etalon_ring *ring, __u64 producer)
{
	__u64 more;

	if (!ring->modulus || producer < ring->first)
		return 0;
	if (producer == ring->producer)
		return 0;
	if (producer < ring->producer || producer > ETALON_RING_SEQUENCE_MAX)
		return -EPROTO;
	if (producer - ring->consumer > ring->capacity && ring->consumer != ring->producer)
		return -EPROTO;
	more = producer - ring->producer;
	ring->producer = producer;
	return more;
}

__s64 etalon_ring_append(struct etalon_ring *ring)
{
	if (!ring->modulus ||
	    (ring->producer - ring->consumer >= ring->capacity && ring->consumer != ring->producer))
		return -ENOSPC;
	return ring->producer++;
}

int etalon_ring_release(struct etalon_ring *ring, __u64 sequence)
{
	if (sequence < ring->consumer || sequence > ring->producer)
		return -EINVAL;
	ring->consumer = sequence;
	return 0;
}

__u64 etalon_ring_offset(const struct etalon_ring *ring, __u64 sequence)
{
	__u64 slot;

	div64_u64_rem(sequence, ring->capacity, &slot);
	return slot * ring->stride;
}

void etalon_ring_span(const struct etalon_ring *ring, __u64 from, __u64 to,
		      struct etalon_ring_span *ret)
{
	ret->offset = etalon_ring_offset(ring, from);
	ret->bytes = min((to - from) * ring->stride, ring->modulus - ret->offset);
}

int etalon_ring_read(const struct etalon_ring *ring, __u64 position, __u64 count,
		     struct etalon_ring_span *ret)
{
	__u64 sequence, records;
	__u32 rest;

	*ret = (struct etalon_ring_span){0};
	if (!ring->modulus)
		return 0;
	sequence = div_u64_rem(position, ring->stride, &rest);
	records = div_u64(count, ring->stride);
	if (rest || !records)
		return -EINVAL;
	if (sequence < ring->consumer)
		return -EPIPE;
	if (sequence >= ring->producer)
		return 0;
	records = min(records, ring->producer - sequence);
	etalon_ring_span(ring, sequence, sequence + records, ret);
	return 0;
}
