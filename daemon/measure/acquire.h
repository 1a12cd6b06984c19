/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The sweep engine: runs the segments of a plan on a link and hands records to a sink, in
 * constant memory. Layer: measure. Any program; knows nothing of what is measured.
 *
 * acquire_run() blocks and belongs on a thread of its own. It makes the plan's setpoints and runs its
 * segments; it never turns light on or off but for what programs do with the gate; arming, kicking and OFF
 * belong to the board's owner. No call on the sink or the board is made after it returned.
 */
#ifndef ETALON_MEASURE_ACQUIRE_H
#define ETALON_MEASURE_ACQUIRE_H

#include <stdatomic.h>

#include "measure/ledger.h"
#include "measure/plan.h"

#define ACQUIRE_BLOCK_BYTES (256U << 10)

/* Where records go. Calls come from the acquiring thread. Negative errno ends the run. */
struct acquire_sink {
	/* A segment starts: its program as loaded. */
	int (*begin)(void *userdata, unsigned int segment, const struct segment *s,
		     const struct link_program *loaded);
	/* Whole records, at most ACQUIRE_BLOCK_BYTES; may block (bounded queue). The sink copies. */
	int (*block)(void *userdata, unsigned int segment, const void *records, size_t bytes);
	/* A segment ended, for whatever reason; called for every begin. */
	int (*end)(void *userdata, unsigned int segment, const struct ledger *ledger);
	/*
	 * Bytes, of all that were handed to block() in this run, that outlive a crash of this process; with `wait`
	 * when all do. Records of a link that holds them are released when they are among these. NULL: what block()
	 * has taken is safe.
	 */
	int (*committed)(void *userdata, bool wait, uint64_t *ret_bytes);
	void *userdata;
};

struct acquire_progress { /* read from other threads at any time */
	_Atomic uint64_t points_done; /* of plan_points() */
	_Atomic uint64_t board_ns; /* END - START of finished segments, board ticks */
	_Atomic uint32_t segment; /* index now running */
	_Atomic bool cancel; /* set by others: stop at once, keep what is there */
};

struct acquire_result {
	/*
	 * 0; -ECANCELED stopped; -ECONNABORTED light went off or the board tripped; -ETIME a source never settled
	 * or no clock edge came; -ENOBUFS overflow; -EIO board fault or reset; -ETIMEDOUT the board stopped
	 * sending; -EPROTO it broke the contract; -ENODEV it is gone; a refusal; or what the sink said.
	 */
	int error;
	char *message; /* owned */
	struct link_refusal refusal;
	struct ledger *ledgers; /* one for each segment begun, owned */
	size_t ledger_count;
};

/* run_key_base + segment index keys the programs; generations count up from *generation. */
int acquire_run(struct link *link, const struct plan *plan, uint64_t run_key_base,
		uint32_t *generation, const struct acquire_sink *sink,
		struct acquire_progress *progress, struct acquire_result *ret);
void acquire_result_clear(struct acquire_result *r);
/* Sets progress->cancel and wakes acquire_run(), which stops the board's program. Does not wait. */
void acquire_cancel(struct link *link, struct acquire_progress *progress);

#endif
