/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where records lie in the ring, and which numbers of the board and of user space make sense.
 * Pure: no memory, no locks; also compiled in user space. Sequence numbers count records.
 */
#ifndef ETALON_RING_H
#define ETALON_RING_H

#include <linux/types.h>
#ifndef __KERNEL__
#include <stdbool.h>
#endif

/* Far beyond any board's life; keeps sequence x stride inside a file offset. */
#define ETALON_RING_SEQUENCE_MAX 0x4000000000000ULL
#define ETALON_RING_STRIDE_MAX 4096U

struct etalon_ring {
	__u64 bytes; /* of memory */
	__u64 modulus; /* largest multiple of stride within bytes; 0: nothing loaded */
	__u32 stride;
	__u64 capacity; /* records */
	__u64 first; /* sequence number at which the loaded program may begin */
	__u64 producer; /* next record */
	__u64 consumer; /* first that is not released */
};

/* A piece of ring memory. */
struct etalon_ring_span {
	__u64 offset;
	__u64 bytes;
};

void etalon_ring_init(struct etalon_ring *ring, __u64 bytes);

/*
 * Whether a program of this stride whose records begin at `first` can be loaded now. -EBUSY:
 * records that are not released would move. -EPROTO: no board counts like this.
 */
int etalon_ring_can_load(const struct etalon_ring *ring, __u32 stride, __u64 first);
/* Does it. Changes nothing when it cannot. */
int etalon_ring_load(struct etalon_ring *ring, __u32 stride, __u64 first);

/*
 * The board says that `producer` is its next record: how far that is on, or -EPROTO when it cannot
 * be. A number from before the program was loaded is old, not wrong: 0. Where all was released,
 * one record may follow a gap of any length; what a place holds is then told by the sequence
 * number in it.
 */
__s64 etalon_ring_produce(struct etalon_ring *ring, __u64 producer);
/* A place for one more record, written by the host: its sequence number. -ENOSPC: none is free. */
__s64 etalon_ring_append(struct etalon_ring *ring);
/* Records before `sequence` are not needed any more. -EINVAL: gone already, or yet to come. */
int etalon_ring_release(struct etalon_ring *ring, __u64 sequence);
/* Offset of a record. Only after a load. */
__u64 etalon_ring_offset(const struct etalon_ring *ring, __u64 sequence);
/*
 * `count` bytes asked for at file position `position`: where whole records lie, in one piece up to
 * the ring's end. Bytes 0: they are yet to come. -EINVAL: no record begins there, or not one fits.
 * -EPIPE: released.
 */
int etalon_ring_read(const struct etalon_ring *ring, __u64 position, __u64 count,
		     struct etalon_ring_span *ret);
/* The same for the places of records [from, to), from < to. */
void etalon_ring_span(const struct etalon_ring *ring, __u64 from, __u64 to,
		      struct etalon_ring_span *ret);

#endif
