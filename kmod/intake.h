/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records out of a stream of transfers that may be cut, repeated, damaged or come after a loss:
 * which of them belong into the ring, and what has to be said of those that do not come any more.
 * Section 7 of hw.h. Pure: no locks, no memory but its own; also compiled in user space.
 *
 *	while ((ret = etalon_intake_peek(intake, transfer, &item)) > 0) {
 *		copy item.bytes to the place of item.sequence, or come again when there is room
 *		etalon_intake_accept(intake, transfer);
 *	}
 *
 * Numbers only rise. After a loss the stream goes on with the next POINT or END, which tell by
 * their own numbers how many points are missing; a GAP record of ours, in the place of the last
 * lost record, says so. STATUS records until then count as lost.
 */
#ifndef ETALON_INTAKE_H
#define ETALON_INTAKE_H

#include <linux/types.h>
#ifndef __KERNEL__
#include <stdbool.h>
#endif

#include "hw.h"
#include "ring.h"

/* What one USB transfer brought; `used` of it is done with. */
struct etalon_intake_transfer {
	const __u8 *data;
	__u32 bytes;
	__u32 used;
	bool ends; /* a short packet: a record ends here, whatever is still missing of it */
};

struct etalon_intake_item {
	const __u8 *bytes; /* a whole record, `stride` of them */
	__u64 sequence;
	bool is_end; /* of the program */
	__u64 end_tick;
};

struct etalon_intake {
	__u32 stride; /* 0: no program, everything is dropped */
	__u64 first; /* sequence number at which the program may begin */
	__u64 next; /* sequence number of the next record */
	__u64 next_point; /* number of the next POINT */
	bool lost; /* until the next POINT or END nothing else counts */
	__u32 skip; /* bytes still to come of a record that nobody wants */
	__u32 stray; /* bytes since the last record that were none */
	__u32 repeats; /* records since the last new one whose number was there before */
	/* of all programs, for people */
	__u64 lost_records;
	__u64 repeated_records;
	/* the record that lies in two transfers */
	__u32 carried;
	__u8 carry[ETALON_RING_STRIDE_MAX];
	/* the record of ours that peek() has shown */
	bool shows_gap;
	__u32 shown; /* bytes of the board's record that it has shown */
	__u8 gap[ETALON_RING_STRIDE_MAX];
};

/* A board that sends so much else is not believed. */
#define ETALON_INTAKE_STRAY_MAX 0x100000U
#define ETALON_INTAKE_REPEATS_MAX 65536U
/* More cannot be lost on a bus within any time-out: such a number is damaged. */
#define ETALON_INTAKE_JUMP_MAX 0x100000000ULL

void etalon_intake_init(struct etalon_intake *intake);
/* A program is loaded: records from `first` on are its. What is under way of a record stays so. */
void etalon_intake_begin(struct etalon_intake *intake, __u32 stride, __u64 first);
/* Transfers were aborted: the next may begin anywhere in a record. */
void etalon_intake_cut(struct etalon_intake *intake);

/*
 * The next record for the ring: 1. The same again until it is accepted. 0: this transfer has no
 * more. -EPROTO: no records come, or only such as there were.
 */
int etalon_intake_peek(struct etalon_intake *intake, struct etalon_intake_transfer *transfer,
		       struct etalon_intake_item *ret);
void etalon_intake_accept(struct etalon_intake *intake, struct etalon_intake_transfer *transfer);

#endif
