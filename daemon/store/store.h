/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The run store: one SQLite file, this daemon its only writer. Layer: store (measure and link
 * formats below; knows no D-Bus).
 *
 * Blocks hold raw records; conversion happens on reading (store/read.h). A store handle is used by
 * one thread; the writer opens it with STORE_WRITE, each reader its own with STORE_READ. journal
 * WAL, synchronous NORMAL; user_version with migrations; incremental vacuum; quota.
 *
 * A finished run is on the disk before its end is told: by the FULL commit of store_run_finish(), or, while it is
 * analysed, by store_sync() after store_run_finish_unsynced(). Readers see its status with the commit: a list
 * may show a run as complete that a loss of power can still take, until its job is done.
 *
 * Errors: -ENOSPC disk or quota full, -EUCLEAN not a database or damaged, -EBUSY a second writer,
 * -ENOENT no such run, each with a message. A full disk loses nothing that was committed.
 */
#ifndef ETALON_STORE_STORE_H
#define ETALON_STORE_STORE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "link/description.h"
#include "measure/plan.h"

struct store;

enum store_mode {
	STORE_READ,
	STORE_WRITE, /* takes an exclusive lock file beside the store for the process's life */
};

int store_open(const char *path, enum store_mode mode, struct store **ret, char **ret_message);
struct store *store_close(struct store *s);
DEFINE_CLEANUP(struct store *, store_close, store_closep);
const char *store_message(const struct store *s); /* of the last error, "" */

/*
 * After a crash: runs that were never finished become partial; their ledgers are rebuilt from their
 * blocks. Runs that were finished and still waited for their verdict are judged. Returns how many
 * became partial, or negative errno. Call once after opening for writing.
 */
int store_recover(struct store *s);
void store_set_quota(struct store *s, uint64_t bytes); /* 0: none */

/* --- writing a run --- */
/* Creates the run, status "running"; stores description (once for each calibration) and request. */
int store_run_begin(struct store *s, const struct description *d, const struct plan *plan,
		    const json_t *meta, int64_t *ret_run);
int store_segment_begin(struct store *s, int64_t run, unsigned int segment, unsigned int purpose,
			const struct etalon_hw_program *program, uint32_t stride);
/* One block of whole records, at most 256 KiB; CRC-32C and first/last sequence are stored beside
 * it. */
int store_block(struct store *s, int64_t run, unsigned int segment, const void *records,
		size_t bytes);
int store_commit(struct store *s); /* what was written so far survives a crash of this process */
int store_segment_end(struct store *s, int64_t run, unsigned int segment, const json_t *ledger);
/*
 * status "complete" or "partial"; meta is the final object of data/meta.h; FULL synchronous commit.
 * Labels that store_run_update() changed meanwhile win. When blocks of the run were lost by a
 * failed write, the run is stored as partial with the ledger of what is there, and the error of
 * that write is returned.
 */
int store_run_finish(struct store *s, int64_t run, const char *status, const json_t *meta);
/* The same by a commit that a crash cannot undo but a loss of power can, until store_sync(). */
int store_run_finish_unsynced(struct store *s, int64_t run, const char *status,
			      const json_t *meta);
/* What was committed to the store at `path` is on the disk when this returns. From any thread. */
int store_sync(const char *path);
/*
 * A run that could not be finished is written no more: what is committed stays, and may be deleted;
 * else the next start marks it partial. Harmless for a run that is not being written.
 */
void store_run_give_up(struct store *s, int64_t run);
/* Later changes: label, device, wafer, die, note; verdict and reasons after the analysis. */
int store_run_update(struct store *s, int64_t run, const json_t *changes);
int store_add_analysis(struct store *s, int64_t run, const char *method, const char *version,
		       const json_t *values, const json_t *covariance);
int store_run_delete(struct store *s, int64_t run);
/*
 * Puts into meta what the run's own records tell: channels[].dark_before_a, dark_after_a,
 * dark_sigma_a, noise_a, saturated, below_floor; environment; flags ({"unsettled": points, ...});
 * saturated and below_floor of ledger; reasons of reference, judged again. Call it after the last
 * segment_end and before the verdict (calibrate/trust.h). For a run that this handle writes it
 * costs no disk access.
 */
int store_run_summarise(struct store *s, int64_t run, json_t *meta);
/*
 * A reference for the run that `meta` describes (kind, board, settings, channels; environment when
 * known): reference_run, or with 0 the newest that nothing speaks against. *ret is the object
 * `reference` of data/meta.h: {run, age_s, reasons: [why it is not to be trusted]}. -ENOENT: none.
 */
int store_find_reference(struct store *s, const json_t *meta, int64_t reference_run, json_t **ret);

/* --- reading --- */
/* The run's meta with "run", "status", "created", "finished", "bytes", "points" (while it is taken:
 * planned); new reference. */
int store_run_get(struct store *s, int64_t run, json_t **ret);
int store_run_request(struct store *s, int64_t run, json_t **ret);
int store_run_analyses(struct store *s, int64_t run, json_t **ret);
int store_run_description(struct store *s, int64_t run, struct description **ret);
/* filter: {label, device, wafer, die, kind, status, verdict, since_s, until_s, purpose, limit,
 * before}; newest first; array of short objects {run, created, kind, label, device, status,
 * verdict, points...}. */
int store_runs(struct store *s, const json_t *filter, json_t **ret);

#endif
