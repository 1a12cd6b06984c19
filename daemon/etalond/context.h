/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * All that the daemon is, and whom it tells. Layer: etalond; knows no D-Bus: the bus observes.
 *
 * The main thread does no disk, no board I/O, no fit. Threads: one for the store (writer), a
 * few for queries (workers), one for each board (board_io), one for each running job.
 *
 * Errors of this layer are negative errno with a message for a person:
 *   -EINVAL malformed    -ERANGE beyond a limit    -ECHRNG no such channel    -ENOENT no such run, board, job
 *   -EACCES a live safety cause forbids it         -ENOLCK light needs a lease  -EUSERS somebody else has it
 *   -EPERM by policy     -EBUSY try again          -ENODEV the board is gone    -EOPNOTSUPP the board cannot
 *   -ENOSPC disk or quota full                     -EUCLEAN store damaged       -EIO store failed
 *   -ENODATA nothing there                         -ECANCELED overtaken by OFF or a cancel
 */
#ifndef ETALON_ETALOND_CONTEXT_H
#define ETALON_ETALOND_CONTEXT_H

#include "etalond/config.h"
#include "etalond/mailbox.h"
#include "etalond/workers.h"
#include "etalond/writer.h"

struct board;
struct job;
struct runs;

/* Who asks. */
struct actor {
	const char *name; /* on the bus, "" for the daemon itself */
	uint32_t uid;
	uint32_t pid;
};

/* What changed of a board: one bit for each property of the bus. */
enum board_change {
	BOARD_STATE = 1U << 0,
	BOARD_GATE = 1U << 1,
	BOARD_CAUSES = 1U << 2,
	BOARD_WHY_DARK = 1U << 3,
	BOARD_LAST_OFF = 1U << 4,
	BOARD_LEASE = 1U << 5,
	BOARD_JOB = 1U << 6,
	BOARD_SETPOINTS = 1U << 7,
};

enum job_change {
	JOB_STATE = 1U << 0,
	JOB_PROGRESS = 1U << 1,
	JOB_END = 1U << 2, /* result, verdict, message, error, ledger */
};

/* Told on the main loop. Every member must be set. */
struct observer {
	void (*board_added)(void *userdata, struct board *board);
	void (*board_removed)(void *userdata, struct board *board);
	void (*board_changed)(void *userdata, struct board *board, unsigned int what);
	void (*board_safety)(void *userdata, struct board *board, const char *state,
			     const char *cause);
	void (*job_added)(void *userdata, struct job *job);
	void (*job_changed)(void *userdata, struct job *job, unsigned int what);
	void (*job_finished)(void *userdata, struct job *job);
	void (*job_removed)(void *userdata, struct job *job);
	void (*run_added)(void *userdata, int64_t run);
	void (*run_changed)(void *userdata, int64_t run);
	void (*run_removed)(void *userdata, int64_t run);
	void *userdata;
};

struct context {
	sd_event *event;
	const struct config *config;
	struct mailbox *mailbox;
	struct writer *writer;
	struct workers *workers;
	struct runs *runs;
	const struct observer *observer;
	char *store_path;
	char *analyse_path;
	char *store_status;
	struct board *boards; /* by next */
	struct job *jobs; /* by next, newest first */
	uint32_t job_count; /* numbers given */
	bool stopping;
	sd_event_source *stop_timer;
};

/* Opens the store and starts the threads. The observer must be set before boards are added. */
int context_new(sd_event *event, const struct config *config, const char *store_path,
		struct context **ret, char **ret_message);
/*
 * When the loop has ended: tasks, jobs and boards end, and the observer hears of it for the last
 * time; afterwards it may go. Harmless when done twice.
 */
void context_quiesce(struct context *ctx);
/* Ends what is left at once; call after context_stop() has run its course. */
struct context *context_free(struct context *ctx);
DEFINE_CLEANUP(struct context *, context_free, context_freep);

/*
 * Orderly end: every board dark first, then jobs cancelled and stored, then the event loop exits with
 * 0. The loop goes on until then; after a few seconds it exits with 1, and only the end of the process
 * is left: it cuts the links, which is darkness by the boards themselves.
 */
void context_stop(struct context *ctx, const char *why);
/* Called by boards and jobs when they may be the last thing a stop waits for. */
void context_settled(struct context *ctx);

#endif
