/* SPDX-License-Identifier: (GPL-2.0-or-later WITH Linux-syscall-note) OR MIT */
/*
 * The kernel contract of Etalon: one character device, /dev/etalonN, for each board.
 *
 * open(O_RDWR) gives the control fd: exclusive (-EBUSY), everything that acts on the board.
 * open(O_RDONLY) gives the capture fd: one a board (-EBUSY), the records. Each lives without the
 * other.
 *
 * Last close of the control fd, expiry of the dead-man period, suspend, reset and unplug mean:
 * emission off, sources to their safe action, sequencer halted, an END record with the cause. When
 * close() returns the board is dark: it has been told, and the time that it promises for that has
 * passed. After expiry, suspend or reset the control fd is revoked: every call -ESTALE, poll
 * EPOLLHUP, and the device can be opened again at once. The same when the board breaks its
 * contract; it then writes no records and tells nothing by itself until control is opened again,
 * which is -EIO where it does not begin anew. Calls that need the board while it sleeps or is
 * being reset are -EAGAIN. After unplug every call is -ENODEV but RELEASE and WANT, which need
 * memory alone, and poll says EPOLLHUP.
 *
 * The kernel kicks the board's watchdog from ETALON_IOC_KICK and from nowhere else.
 *
 * Every structure begins with its size, the one in the command's number, else -EINVAL. A kernel
 * that knows a longer one takes the missing part as zero; one that knows a shorter one refuses
 * (-E2BIG) unless the part it does not know is zero. Unknown flags and reserved fields that are
 * not zero are refused with -EINVAL, unknown commands with -ENOTTY. Layouts are the same for
 * 32-bit and 64-bit programs. Units and channel numbers are those of hw.h. No call waits for light
 * or records: poll() does.
 */
#ifndef _UAPI_ETALON_H
#define _UAPI_ETALON_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define ETALON_IOC_MAGIC 0xe7

/*
 * Why the board, or the kernel in its place, said no. Written whenever a call that carries it
 * fails with what etalon_hw_result_errno() of hw.h makes of the result: -EBUSY, -EACCES, -ERANGE or
 * -EINVAL; zero otherwise.
 */
struct etalon_refusal {
	__u32 result; /* enum etalon_hw_result */
	__u32 detail; /* as ETALON_REG_RESULT_DETAIL */
	__s64 low; /* what would be accepted */
	__s64 high;
};

#define ETALON_LINK_PCI 1
#define ETALON_LINK_USB 2
#define ETALON_LINK_FIXTURE 3

/* What the device is. Any fd. */
struct etalon_info {
	__u32 size;
	__u32 flags; /* in: 0 */
	__u32 link; /* ETALON_LINK_* */
	__u32 description_size; /* bytes for ETALON_IOC_DESCRIPTION */
	__u64 features; /* ETALON_FEATURE_* */
	__u64 status_offset; /* for mmap() of the capture fd: struct etalon_ring_status, one page */
	__u64 data_offset; /* ... and the records */
	__u64 data_bytes;
	__u64 record_rate_max; /* records/s that this link carries without loss */
	__u64 epoch; /* rises with every reset and resume: what was written before is gone */
};

#define ETALON_FEATURE_MMAP (1ULL << 0) /* the ring can be mapped */

/* struct etalon_hw_description and its tables, checked by the kernel. Any fd. */
struct etalon_description {
	__u32 size;
	__u32 flags; /* in: 0 */
	__u64 buffer; /* user pointer */
	__u32 capacity; /* of buffer; -ENOSPC when it is less than description_size */
	__u32 reserved;
};

/* Any fd. From memory and the last state event: costs no register access. */
struct etalon_status {
	__u32 size;
	__u32 flags; /* in: 0 */
	__u32 state; /* enum etalon_hw_state */
	__u32 causes_live; /* ETALON_HW_CAUSE_* */
	__u32 causes_latched;
	__u32 last_off_cause;
	__u32 sequencer; /* enum etalon_hw_sequencer_state */
	__u32 status_bits; /* ETALON_HW_STATUS_* */
	__u64 last_off_tick;
	__u64 emission_ready_tick; /* 0 when not in DELAY */
	__u64 records_lost;
	__u64 events; /* state events so far: differs from the last answer when something changed */
	__u64 interrupts; /* messages of the board so far */
	__u64 register_reads; /* accesses so far, watchdog kicks apart */
	__u64 register_writes;
	__u64 kicks;
};

/* The board's tick and CLOCK_MONOTONIC at one instant. Any fd. Reads registers. */
struct etalon_clock {
	__u32 size;
	__u32 flags; /* in: 0 */
	__u64 tick;
	__u64 monotonic_ns;
	__u64 uncertainty_ns; /* how long the reading took */
};

/* ---- control fd ---- */

/*
 * Limits of this control fd: inside the board's hard limits, never wider (-ERANGE). Enforced in
 * SET_SOURCE, LOAD and START. Gone when the fd closes: the next holder begins with the hard
 * limits, none of them written. Board OFF only.
 */
struct etalon_limits {
	__u32 size;
	__u32 flags; /* in: 0 */
	__u32 source;
	__u32 reserved;
	__s64 low;
	__s64 high;
	struct etalon_refusal refusal;
};

struct etalon_value {
	__u32 size;
	__u32 flags; /* in: 0 */
	__u32 channel; /* source, or detector of SET_RANGE */
	__u32 status; /* out, GET_SOURCE: ETALON_HW_SOURCE_* */
	__s64 value; /* setpoint, compliance or range number */
	__s64 actual; /* out, GET_SOURCE: where the setpoint generator is now */
	struct etalon_refusal refusal;
};

/* Latest finished apertures of all detectors. */
struct etalon_live {
	__u32 size;
	__u32 flags; /* in: 0 */
	__u64 buffer; /* user pointer: struct etalon_hw_live each */
	__u32 capacity; /* in structures; more than there are detectors: -EINVAL */
	__u32 aperture_ns; /* 0: as it is; else set, and readings start anew: nothing is read */
	struct etalon_refusal refusal;
};

/* A program or a list. Copied, and kept until it is replaced; LOAD checks and hands all over. */
struct etalon_upload {
	__u32 size;
	__u32 flags; /* in: 0 */
	__u64 data; /* user pointer */
	__u32 bytes; /* sizeof(struct etalon_hw_program), or 8 for each point of a list */
	__u16 kind; /* ETALON_HW_UPLOAD_* */
	__u16 list; /* number of the list */
	struct etalon_refusal refusal;
};

/*
 * Checks program and lists against this fd's limits, uploads, loads. -EBUSY while a program runs,
 * or while records of another stride are not released. -ERANGE with REFUSED_RATE beyond
 * record_rate_max.
 */
struct etalon_load {
	__u32 size;
	__u32 flags; /* in: 0 */
	__u64 duration_ns; /* out: as the board states it */
	__u64 points; /* out: POINT records */
	__u32 stride; /* out: bytes of each record */
	__u32 crc; /* out: CRC-32C of the program */
	__u32 duration_is_bound; /* out: 1: duration_ns is a lower bound */
	__u32 reserved;
	struct etalon_refusal refusal;
};

/* START, EMIT, CLEAR: what can be refused and says nothing else. ARM: with the dead-man period. */
struct etalon_command {
	__u32 size;
	__u32 flags; /* in: 0 */
	__u64 period_ns; /* ARM: of watchdog and this fd, in the limits of the board; else 0 */
	struct etalon_refusal refusal;
};

#define ETALON_IOC_INFO _IOWR(ETALON_IOC_MAGIC, 0x00, struct etalon_info)
#define ETALON_IOC_DESCRIPTION _IOWR(ETALON_IOC_MAGIC, 0x01, struct etalon_description)
#define ETALON_IOC_STATUS _IOWR(ETALON_IOC_MAGIC, 0x02, struct etalon_status)
#define ETALON_IOC_CLOCK _IOWR(ETALON_IOC_MAGIC, 0x03, struct etalon_clock)

#define ETALON_IOC_SET_LIMITS _IOWR(ETALON_IOC_MAGIC, 0x10, struct etalon_limits)
#define ETALON_IOC_SET_SOURCE _IOWR(ETALON_IOC_MAGIC, 0x11, struct etalon_value)
#define ETALON_IOC_GET_SOURCE _IOWR(ETALON_IOC_MAGIC, 0x12, struct etalon_value)
#define ETALON_IOC_SET_COMPLIANCE _IOWR(ETALON_IOC_MAGIC, 0x13, struct etalon_value)
#define ETALON_IOC_SET_RANGE _IOWR(ETALON_IOC_MAGIC, 0x14, struct etalon_value)
#define ETALON_IOC_LIVE _IOWR(ETALON_IOC_MAGIC, 0x15, struct etalon_live)
#define ETALON_IOC_UPLOAD _IOWR(ETALON_IOC_MAGIC, 0x16, struct etalon_upload)
#define ETALON_IOC_LOAD _IOWR(ETALON_IOC_MAGIC, 0x17, struct etalon_load)
#define ETALON_IOC_START _IOWR(ETALON_IOC_MAGIC, 0x18, struct etalon_command)
#define ETALON_IOC_STOP _IO(ETALON_IOC_MAGIC, 0x19)
#define ETALON_IOC_ARM _IOWR(ETALON_IOC_MAGIC, 0x1a, struct etalon_command)
#define ETALON_IOC_EMIT _IOWR(ETALON_IOC_MAGIC, 0x1b, struct etalon_command)
#define ETALON_IOC_KICK _IO(ETALON_IOC_MAGIC, 0x1c) /* -EACCES unless armed */
#define ETALON_IOC_OFF _IO(ETALON_IOC_MAGIC, 0x1d) /* never refused */
/* OFF, STOP, every source to its safe action; never refused */
#define ETALON_IOC_HALT _IO(ETALON_IOC_MAGIC, 0x1e)
#define ETALON_IOC_CLEAR _IOWR(ETALON_IOC_MAGIC, 0x1f, struct etalon_command)

/* ---- capture fd ---- */

/*
 * Records stay until they are released: reading never consumes. pread() at sequence x stride gives
 * whole records (-EINVAL for any other offset, -EPIPE for one that is released, 0 for one to
 * come). Mapped, record s lies at data_offset + (s x stride) modulo data_modulus. Nothing is
 * overwritten: a ring that is full stops the program or drops records, as the program says,
 * counted and told by a GAP record. A record that was dropped leaves its place as it was: the
 * sequence number in a record says whether it is the one that was looked for. Records that were
 * lost on their way from the board, on a bus with time-outs, are told by a GAP record of the kernel
 * in the place of the last of them: see hw.h.
 *
 * Where the board can no longer say END, the kernel says it: cause TRIPPED with LINK (unplug,
 * suspend), RESET or FAULT (the board broke its contract),
 * with ETALON_HW_END_FLAG_HOST. In a ring that is full it comes
 * with the next RELEASE; `gone` comes after it.
 *
 * EPOLLIN: `producer` is beyond the sequence number of the last WANT. EPOLLPRI: a state event
 * since the last STATUS on this fd. EPOLLHUP: the board is gone; what is in the ring can still be
 * read.
 */
struct etalon_sequence {
	__u32 size;
	__u32 flags; /* in: 0 */
	__u64 sequence; /* RELEASE: first still needed. WANT: first that poll() tells of */
};

#define ETALON_IOC_RELEASE _IOWR(ETALON_IOC_MAGIC, 0x30, struct etalon_sequence)
#define ETALON_IOC_WANT _IOWR(ETALON_IOC_MAGIC, 0x31, struct etalon_sequence)

#define ETALON_RING_STATUS_MAGIC 0x474e5245U /* "ERNG" */

/*
 * The status page of the mapping; the kernel writes it, nobody else. Load `producer` with acquire
 * semantics, then read the records before it. stride and data_modulus change in LOAD only.
 */
struct etalon_ring_status {
	__u32 magic; /* ETALON_RING_STATUS_MAGIC */
	__u32 size; /* of this structure */
	__u64 producer; /* sequence number of the next record */
	__u64 consumer; /* first that is not released */
	__u64 lost; /* records dropped since power-on */
	__u64 data_modulus; /* largest multiple of stride that fits data_bytes; 0: nothing loaded */
	__u32 stride;
	__u32 gone; /* 1: the board is gone, producer is final */
	__u32 state; /* enum etalon_hw_state */
	__u32 sequencer; /* enum etalon_hw_sequencer_state */
};

#ifndef __KERNEL__
_Static_assert(sizeof(struct etalon_refusal) == 24, "layout");
_Static_assert(sizeof(struct etalon_info) == 64, "layout");
_Static_assert(sizeof(struct etalon_description) == 24, "layout");
_Static_assert(sizeof(struct etalon_status) == 96, "layout");
_Static_assert(sizeof(struct etalon_clock) == 32, "layout");
_Static_assert(sizeof(struct etalon_limits) == 56, "layout");
_Static_assert(sizeof(struct etalon_value) == 56, "layout");
_Static_assert(sizeof(struct etalon_live) == 48, "layout");
_Static_assert(sizeof(struct etalon_upload) == 48, "layout");
_Static_assert(sizeof(struct etalon_load) == 64, "layout");
_Static_assert(sizeof(struct etalon_command) == 40, "layout");
_Static_assert(sizeof(struct etalon_sequence) == 16, "layout");
_Static_assert(sizeof(struct etalon_ring_status) == 56, "layout");
#endif

#endif /* _UAPI_ETALON_H */
