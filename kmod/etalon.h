/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The contract between the core (etalon.ko) and a link (etalon_pci.ko, ...). The core owns what
 * user space sees: the device node, who holds it, limits, the ring, the dead-man period. A link
 * owns how a board is reached.
 *
 * Life of a board:
 *
 *	etalon_board_alloc()	nothing to be seen yet; the link finds out what it drives
 *	etalon_board_register()	user space may open it: the board must be ready for every operation
 *	etalon_board_suspend() / etalon_board_resume()	around all that makes it forget
 *	etalon_board_unregister()	emission off, every fd told; nothing is called any more
 *	put_device(&board->dev)	memory goes with the last fd and the last mapping
 *
 * Locks, outermost first:
 *
 *	board->program_lock	upload, load, start; OFF and KICK never wait for it
 *	board->gpio_lock	handlers of auxiliary lines
 *	board->lock		one operation at a time; presence; who holds control
 *	board->ring_lock	(spinlock) ring positions, status page, what was told
 *
 * Nothing here calls OFF, HALT or KICK by a timer but the expiry of the dead-man period, which
 * ends emission.
 */
#ifndef ETALON_H
#define ETALON_H

#include <linux/cdev.h>
#include <linux/device.h>
#include <linux/hrtimer.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "description.h"
#include "hw.h"
#include "ring.h"
#include "sequencer.h"
#include "uapi/etalon.h"

#ifdef __BIG_ENDIAN
#error "hw.h is little-endian, in memory too: big-endian kernels are not supported"
#endif

struct etalon_board;
struct etalon_control;
struct etalon_gpio;
struct etalon_hwmon;

/* Section 5 of hw.h, as far as the board has told. */
struct etalon_safety {
	u32 state;
	u32 causes_live;
	u32 causes_latched;
	u32 last_off_cause;
	u32 sequencer;
	u32 status_bits;
	u64 last_off_tick;
	u64 emission_ready_tick;
};

/* What a board tells while a program runs, without being asked. */
struct etalon_progress {
	u64 producer;
	u64 lost;
	u32 state;
	u32 causes; /* latched */
	u32 causes_live;
	u32 sequencer;
	u32 status_bits;
};

struct etalon_loaded {
	u64 duration_ns;
	u64 points;
	u64 produced; /* sequence number of the board's next record */
	u32 crc;
	u32 stride;
	u32 duration_is_bound;
	u32 sequencer;
};

struct etalon_source_now {
	s64 setpoint;
	s64 actual;
	u32 status;
};

/*
 * How a board is operated. Called with board->lock held, in a context that may sleep, and only
 * between register and unregister, unless an operation says otherwise. 0, or:
 *	-ENODEV		the board does not answer; the core then takes it for gone
 *	an errno of etalon_hw_result_errno(), with *refusal: the board refused
 *	other		this one operation failed
 */
struct etalon_link_ops {
	const char *name; /* for people */
	u32 link; /* ETALON_LINK_* */

	/*
	 * For links that carry registers: `count` consecutive ones, low word first. With these,
	 * every operation marked (r) may be the one in registers.c.
	 */
	int (*read)(struct etalon_board *board, u32 address, u32 *values, unsigned int count);
	int (*write)(struct etalon_board *board, u32 address, const u32 *values,
		     unsigned int count);

	/* ---- safety (r) ---- */
	/*
	 * Asks for all but `sequencer`. Called after commands and when the progress shows another
	 * state or latched causes: what else changes comes with the progress.
	 */
	int (*safety)(struct etalon_board *board, struct etalon_safety *ret);
	/* ARM, EMIT, CLEAR, LOAD, START, STOP. */
	int (*command)(struct etalon_board *board, u32 command, struct etalon_refusal *refusal);
	/*
	 * OFF or HALT, then sees that the board obeyed: when it returns 0 the board is dark or on
	 * its way within its promised times, and all that it wrote to memory before can be seen.
	 * -EIO: it did not obey.
	 */
	int (*dark)(struct etalon_board *board, u32 command);
	int (*kick)(struct etalon_board *board);
	int (*set_watchdog)(struct etalon_board *board, u32 period_ns,
			    struct etalon_refusal *refusal);

	/* ---- sources and detectors (r); numbers exist, values were checked ---- */
	int (*set_limits)(struct etalon_board *board, u32 source, const struct etalon_span *limits,
			  struct etalon_refusal *refusal);
	int (*set_source)(struct etalon_board *board, u32 source, s64 value,
			  struct etalon_refusal *refusal);
	int (*get_source)(struct etalon_board *board, u32 source, struct etalon_source_now *ret);
	int (*set_compliance)(struct etalon_board *board, u32 source, s64 value,
			      struct etalon_refusal *refusal);
	int (*set_range)(struct etalon_board *board, u32 detector, u32 range,
			 struct etalon_refusal *refusal);
	int (*set_live_aperture)(struct etalon_board *board, u32 aperture_ns,
				 struct etalon_refusal *refusal);
	/* Last finished apertures of `count` detectors from number `first` on. */
	int (*live)(struct etalon_board *board, u32 first, u32 count, struct etalon_hw_live *ret);

	/* ---- programs ---- */
	/* Header and payload in one piece of vmalloc() memory. */
	int (*upload)(struct etalon_board *board, const struct etalon_hw_upload *upload,
		      struct etalon_refusal *refusal);
	/* What the board says of the program that it just loaded (r). */
	int (*loaded)(struct etalon_board *board, struct etalon_loaded *ret);

	/* ---- records ---- */
	/*
	 * A program was loaded: board->ring says where its records lie, and from which on. Under
	 * board->ring_lock. May be NULL.
	 */
	void (*begin)(struct etalon_board *board);
	/* Records before `sequence` may be overwritten. Under board->ring_lock: no sleep. */
	void (*consume)(struct etalon_board *board, u64 sequence);
	/* What the board has told by now, at no access to it. Under board->ring_lock: no sleep. */
	void (*progress)(struct etalon_board *board, struct etalon_progress *ret);
	/*
	 * The board writes to memory no more when this returns, whether it answers or not, until
	 * it is made ready again. Under board->lock. May be NULL, and ready() with it.
	 */
	void (*quiesce)(struct etalon_board *board);
	/* Undoes it for a board that was not reset; not being able to changes nothing. */
	int (*ready)(struct etalon_board *board);
	/*
	 * Around what we do with the ring, for memory that is not the same for board and CPU:
	 * makes what the board wrote visible, before we read or write there; gives it what we
	 * wrote, and the place back. Under board->ring_lock, and not once the board is gone: then
	 * the memory is ours alone. May be NULL, both.
	 */
	void (*sync)(struct etalon_board *board, const struct etalon_ring_span *span);
	void (*give)(struct etalon_board *board, const struct etalon_ring_span *span);

	/* ---- the rest (r) ---- */
	int (*tick)(struct etalon_board *board, u64 *ret);
	/* Auxiliary lines: one bit each. set() changes the bits of `mask` only. */
	int (*aux_direction)(struct etalon_board *board, u32 mask, u32 outputs);
	int (*aux_set)(struct etalon_board *board, u32 mask, u32 values);
	int (*aux_outputs)(struct etalon_board *board, u32 *ret_outputs);
	/* ret_edges may be NULL, and clears them else. */
	int (*aux_get)(struct etalon_board *board, u32 *ret_values, u32 *ret_edges);
};

/* Why emission goes off; also in the trace. */
enum etalon_cause {
	ETALON_CAUSE_REQUEST, /* OFF or HALT of the control fd */
	ETALON_CAUSE_CLOSE, /* last close of the control fd */
	ETALON_CAUSE_EXPIRY, /* dead-man period */
	ETALON_CAUSE_SUSPEND,
	ETALON_CAUSE_RESET,
	ETALON_CAUSE_UNPLUG, /* also unbind and rmmod */
	ETALON_CAUSE_SHUTDOWN,
	ETALON_CAUSE_DISTRUST, /* the board says what cannot be */
};

/* What can be said of the board's memory of itself. */
enum etalon_presence {
	ETALON_PRESENT,
	ETALON_ASLEEP, /* suspended or in reset: comes back */
	ETALON_GONE, /* for good */
};

/* Pages of the ring; mapped for DMA by the link, by user space, and by us. */
struct etalon_ring_memory {
	struct page **pages;
	unsigned long page_count;
	u8 *data; /* all of them in a row */
	struct etalon_ring_status *status; /* a page of its own */
};

struct etalon_board {
	struct device dev; /* owns this structure */
	struct cdev cdev;
	int number; /* of /dev/etalonN */
	const struct etalon_link_ops *ops;
	void *link; /* the link's own */

	/* constant once registered */
	struct etalon_description_view description;
	void *description_blob; /* kvmalloc'ed; given to the core */
	u64 record_rate_max; /* records/s that the link carries */
	u64 record_bytes_max; /* bytes/s of records that the bus carries, 0: any */
	struct etalon_ring_memory memory;

	/* ---- lock ---- */
	struct mutex lock;
	enum etalon_presence presence;
	struct etalon_control *control; /* who holds it, NULL: nobody */
	bool has_capture; /* the capture fd is open */
	bool distrusted; /* until the next holder or resume: quiet, and nobody has control */
	struct etalon_safety safety;
	DECLARE_BITMAP(limits_narrowed,
		       ETALON_HW_SOURCES_MAX); /* by an earlier holder, on the board */
	u64 epoch;
	struct etalon_hw_live live[ETALON_HW_DETECTORS_MAX]; /* of hwmon */
	unsigned long live_read; /* jiffies */
	bool live_valid;

	/* emission.c */
	bool armed;
	u64 period_ns;
	ktime_t deadline; /* of the next KICK */
	ktime_t dark_at; /* what the last end of emission takes is over */
	struct hrtimer expiry;
	struct work_struct expired;

	struct mutex program_lock; /* what the control fd uploaded, over load and start */

	/* ---- ring_lock ---- */
	spinlock_t ring_lock;
	struct etalon_ring ring;
	struct etalon_progress told; /* last progress */
	bool ring_closed; /* the board may not write any more, until the next load */
	bool close_gone; /* ... which will not come */
	enum etalon_cause close_cause;
	bool end_owed; /* a program was started: its END record is here, or owed */
	u32 generation; /* of that program */
	u64 started_at; /* producer when it was */
	u64 started_lost; /* told.lost when it was */
	u64 want; /* who waits for records does for this one */

	wait_queue_head_t wait; /* records, events, gone */
	atomic64_t events;
	atomic64_t interrupts; /* counted by the link, as the next two */
	atomic64_t register_reads;
	atomic64_t register_writes; /* kicks apart */
	atomic64_t kicks;

	struct etalon_hwmon *hwmon;
	struct mutex gpio_lock; /* gpio, while its handlers run; outside board->lock */
	struct etalon_gpio *gpio;
};

static inline struct etalon_board *to_etalon_board(struct device *dev)
{
	return container_of(dev, struct etalon_board, dev);
}

/* ---- for links ---- */
struct etalon_board *etalon_board_alloc(struct device *parent, const struct etalon_link_ops *ops,
					void *link);
/* Takes `blob` (kvmalloc'ed) whatever comes of it; checks it; says in one line what is wrong. */
int etalon_board_describe(struct etalon_board *board, void *blob, u32 bytes);
/* At least 2 s of the board's largest records at its highest rate. */
int etalon_board_alloc_ring(struct etalon_board *board);
int etalon_board_register(struct etalon_board *board);
void etalon_board_unregister(struct etalon_board *board);
/* The board may forget: emission off, control revoked, END; nothing is called until resume. */
void etalon_board_suspend(struct etalon_board *board, enum etalon_cause cause);
/* The same when the board cannot be reached meanwhile. */
void etalon_board_suspend_unreachable(struct etalon_board *board, enum etalon_cause cause);
void etalon_board_resume(struct etalon_board *board);
/* It does not answer and will not again. Unregister is still to be called. */
void etalon_board_lost(struct etalon_board *board);

/* New records, or another state: ops->progress will say which. May sleep. */
void etalon_board_progress(struct etalon_board *board);
void etalon_board_aux_event(struct etalon_board *board);
/* Where a record lies in the ring: for links that put it there. Under ring_lock, after begin(). */
void *etalon_board_place(struct etalon_board *board, u64 sequence);

/* ---- inside the core ---- */
/* Where mmap() finds what; any page size divides it. */
#define ETALON_STATUS_OFFSET 0
#define ETALON_DATA_OFFSET 0x100000UL

extern const struct file_operations etalon_fops;

/* core.c: call with board->lock held */
/* 0, -ENODEV gone, -EAGAIN asleep. */
int etalon_board_present(const struct etalon_board *board);
/* Asks the board for all of board->safety. */
int etalon_board_read_safety(struct etalon_board *board);
/* Brings records, board->told and with it board->safety up to date. */
void etalon_board_collect(struct etalon_board *board);
/* What an operation returned: takes the board for gone on -ENODEV. */
int etalon_board_result(struct etalon_board *board, int ret);
/* The board says what cannot be: one line, trip, and no more of it. */
void etalon_board_distrust(struct etalon_board *board, const char *what);
/* Whatever it did is over: it may write to memory again. 0, or it stays as it is. */
int etalon_board_trust(struct etalon_board *board);
/* Something changed that STATUS tells. */
void etalon_board_note_event(struct etalon_board *board);

/* memory.c */
int etalon_memory_alloc(struct etalon_ring_memory *memory, int node, u64 bytes);
void etalon_memory_free(struct etalon_ring_memory *memory);

/* records.c: take board->ring_lock themselves */
/* 0, or -EPROTO; *ret_changed: more than the counts is not what it was. */
int etalon_records_take(struct etalon_board *board, bool *ret_changed);
/* -EBUSY: records of another layout are not released; *refusal says which. */
int etalon_records_can_load(struct etalon_board *board, u32 stride, struct etalon_refusal *refusal);
int etalon_records_load(struct etalon_board *board, u32 stride, u64 first,
			struct etalon_refusal *refusal);
/* Around START: the END record of `generation` is owed once it is accepted. */
void etalon_records_want(struct etalon_board *board, u64 sequence);
u64 etalon_records_mark(struct etalon_board *board);
void etalon_records_begin(struct etalon_board *board, u32 generation, u64 mark);
/* A program runs, or its END has not arrived. */
bool etalon_records_lack_end(struct etalon_board *board);
/* What the board tells of records is not believed from here on. */
void etalon_records_shut(struct etalon_board *board, enum etalon_cause cause);
/* The board will write no more: END in its place if it is owed. */
void etalon_records_close(struct etalon_board *board, enum etalon_cause cause, bool gone);
int etalon_records_release(struct etalon_board *board, u64 sequence);
/* Whole records at a file position, to user space; how many bytes. */
ssize_t etalon_records_read(struct etalon_board *board, char __user *buffer, size_t count,
			    loff_t position);

/* emission.c: call with board->lock held */
void etalon_emission_init(struct etalon_board *board);
void etalon_emission_destroy(struct etalon_board *board); /* without */
/* Into the trace, as early as it is known; needs no lock. */
void etalon_emission_cause(struct etalon_board *board, enum etalon_cause cause);
/* OFF or HALT. When it returns, the board has been told, or there is none. */
int etalon_emission_off(struct etalon_board *board, u32 command, enum etalon_cause cause);
/*
 * Until the board is dark by its own promise: where its holder or the driver goes, nobody looks
 * after it any more. Sleeps; without the lock.
 */
void etalon_emission_await_dark(struct etalon_board *board);
/* board->safety is new: the board may have left the armed states by itself. */
void etalon_emission_noted(struct etalon_board *board);
int etalon_emission_arm(struct etalon_board *board, u64 period_ns, struct etalon_refusal *refusal);
int etalon_emission_kick(struct etalon_board *board);
/* The holder loses control: from now on -ESTALE. */
void etalon_emission_revoke(struct etalon_board *board);

/* control.c: with board->lock held, in OFF. What was narrowed has the present holder's limits. */
int etalon_control_settle_limits(struct etalon_board *board);

#if IS_REACHABLE(CONFIG_HWMON)
void etalon_hwmon_register(struct etalon_board *board);
void etalon_hwmon_unregister(struct etalon_board *board);
#else
static inline void etalon_hwmon_register(struct etalon_board *board)
{
}

static inline void etalon_hwmon_unregister(struct etalon_board *board)
{
}
#endif

#if IS_ENABLED(CONFIG_GPIOLIB_IRQCHIP)
void etalon_gpio_register(struct etalon_board *board);
void etalon_gpio_unregister(struct etalon_board *board);
void etalon_gpio_edges(struct etalon_board *board);
/* After a reset. Call with board->gpio_lock and board->lock held. */
void etalon_gpio_restore(struct etalon_board *board);
#else
static inline void etalon_gpio_register(struct etalon_board *board)
{
}

static inline void etalon_gpio_unregister(struct etalon_board *board)
{
}

static inline void etalon_gpio_edges(struct etalon_board *board)
{
}

static inline void etalon_gpio_restore(struct etalon_board *board)
{
}
#endif

#endif
