/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The link to one board: everything the daemon can do with it, whatever the bus. Layer: link;
 * knows hw.h, nothing of D-Bus, jobs or physics.
 *
 * A newcomer reads struct link_ops and understands the whole. Calls of the control group
 * may come from any thread, one at a time (the link locks); calls of the records group come
 * from one thread at a time and never wait behind control calls. All return 0 or a negative
 * errno: -ENODEV the board is gone (for good: close the link), -ETIMEDOUT no answer in time,
 * -EPROTO the board broke the contract, -EACCES..-ERANGE a refusal with *ret_refusal filled,
 * -ECANCELED the kernel has turned light off by itself since the last call (nobody kicked in time):
 * nothing was done, the next call works again; -EOPNOTSUPP this link cannot.
 *
 * No link kicks, arms or emits by itself.
 */
#ifndef ETALON_LINK_LINK_H
#define ETALON_LINK_LINK_H

#include "link/description.h"

struct link;

/* Why the board said no, as its RESULT registers tell. */
struct link_refusal {
	uint32_t result; /* enum etalon_hw_result, ETALON_HW_RESULT_OK: not a refusal */
	uint32_t detail;
	int64_t low;
	int64_t high;
	bool has_asked; /* what was asked for, where it is one value */
	int64_t asked;
};

struct link_status {
	uint32_t state; /* enum etalon_hw_state */
	uint32_t causes_live; /* ETALON_HW_CAUSE_* */
	uint32_t causes_latched;
	uint32_t last_off_cause;
	uint64_t last_off_tick;
	uint32_t sequencer; /* enum etalon_hw_sequencer_state */
	uint32_t status_bits; /* ETALON_HW_STATUS_* */
	uint64_t tick; /* of the board, or of its clock as it should stand by the host's */
	uint64_t emission_ready_tick; /* 0 when not in DELAY */
	uint64_t records_lost;
	uint32_t aux_in; /* 0 where lines do not go through the link */
};

struct link_list {
	const int64_t *values;
	uint32_t points;
};

struct link_program {
	uint64_t duration_ns; /* as the board states it */
	bool duration_is_bound;
	uint64_t points;
	uint32_t stride;
	uint32_t crc; /* of the program image: compare with START.program_crc */
};

struct link_ops {
	const char *name; /* "emulated", "usb", "kernel" */

	/* ---- control ---- */
	/* The board sees its cable pulled, or its control fd closed. */
	void (*close)(struct link *link);
	int (*status)(struct link *link, struct link_status *ret);
	int (*set_limits)(struct link *link, unsigned int source, int64_t low, int64_t high,
			  struct link_refusal *ret_refusal);
	int (*set_source)(struct link *link, unsigned int source, int64_t value,
			  struct link_refusal *ret_refusal);
	int (*get_source)(struct link *link, unsigned int source, int64_t *ret_setpoint,
			  int64_t *ret_actual);
	int (*set_compliance)(struct link *link, unsigned int source, int64_t value,
			      struct link_refusal *ret_refusal);
	int (*set_range)(struct link *link, unsigned int detector, unsigned int range,
			 struct link_refusal *ret_refusal);
	/* Latest finished aperture of every detector; ret has room for all of them. */
	int (*live)(struct link *link, struct etalon_hw_live *ret, unsigned int count);
	int (*set_live_aperture)(struct link *link, uint32_t aperture_ns);
	/*
	 * Uploads lists (lists[i] is list i) and program, loads, tells what it will take. Records of
	 * earlier programs that nobody read are dropped. From the thread that reads records, or while
	 * none does.
	 */
	int (*load)(struct link *link, const struct etalon_hw_program *program,
		    const struct link_list *lists, unsigned int list_count,
		    struct link_program *ret, struct link_refusal *ret_refusal);
	int (*start)(struct link *link, struct link_refusal *ret_refusal);
	int (*stop)(struct link *link);
	int (*arm)(struct link *link, uint32_t watchdog_ns, struct link_refusal *ret_refusal);
	int (*emit)(struct link *link, struct link_refusal *ret_refusal);
	int (*kick)(struct link *link);
	int (*off)(struct link *link); /* never refused; everything else on the link gives way */
	int (*halt)(struct link *link);
	int (*clear)(struct link *link, struct link_refusal *ret_refusal);
	/*
	 * Auxiliary lines, bit n is line n. The first of these calls takes them: edges are told from then on.
	 * Where lines are a gpiochip's: -ENOENT none has them (yet), -EACCES it is not ours, -EBUSY another program has them.
	 */
	int (*aux_direction)(struct link *link, uint32_t outputs);
	int (*aux_set)(struct link *link, uint32_t mask, uint32_t values);
	int (*aux_get)(struct link *link, uint32_t *ret_values);

	/* ---- events: poll event_fd() for POLLIN, then call; POLLIN or POLLHUP when the board is gone ---- */
	int (*event_fd)(struct link *link);
	/* One pending event, -EAGAIN when none, -ENODEV when the board is gone. */
	int (*event)(struct link *link, struct etalon_hw_usb_event *ret);

	/* ---- records ---- */
	/*
	 * The next whole records in order, at most max_bytes, each returned once and valid until
	 * released. Waits until there is at least one: -EAGAIN after timeout_ms, -ECANCELED after
	 * records_cancel() (also one that came too late for the call it meant), -ENOBUFS when too much
	 * is unreleased. Stride is that of the loaded program. Consecutive answers lie one after
	 * another in memory but where the buffer wraps.
	 */
	int (*records)(struct link *link, int timeout_ms, size_t max_bytes, const void **ret,
		       size_t *ret_bytes);
	/* Gives the oldest bytes back: call it when they are stored, so that a crash loses none. */
	int (*release)(struct link *link, size_t bytes);
	/* Wakes records() from any thread, once. */
	void (*records_cancel)(struct link *link);
};

struct link {
	const struct link_ops *ops;
	const struct description *description; /* read at open, constant */
	/*
	 * What records() returned is held outside this process until it is released, so that it outlives a
	 * crash: release it when it is committed, not before. Else the buffer is small: release it soon.
	 */
	bool holds_records;
};

/*
 * Opens the emulated board at a unix socket; checks magic and version before any write.
 * -ECONNREFUSED/-ENOENT nobody listens there, -EBUSY another daemon has it, -EPROTO not an
 * Etalon board, each with a message that says what to do.
 */
int link_open_emulated(const char *socket_path, struct link **ret, char **ret_message);

/*
 * Opens the board behind a device node of the kernel's driver (/dev/etalonN). -ENODEV no board there, -EBUSY
 * another program has it, -EACCES it is not ours to open, -EPROTO no Etalon device, each with a message
 * that says what to do.
 */
int link_open_kernel(const char *path, struct link **ret, char **ret_message);

static inline void link_close(struct link *link)
{
	if (link)
		link->ops->close(link);
}

/* A sentence for a person: what was refused, what is allowed. malloc'ed. */
char *link_refusal_message(const struct description *d, const struct link_refusal *refusal);
/* "interlock open, key off": malloc'ed, "" when none. */
char *link_causes_text(uint32_t causes);

#endif
