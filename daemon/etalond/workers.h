/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A small pool of threads for what takes long: queries, bulk data, plans, analyses on request.
 * Layer: etalond. Each has its own read connection. Bounded: in all, and for each user.
 */
#ifndef ETALON_ETALOND_WORKERS_H
#define ETALON_ETALOND_WORKERS_H

#include "etalond/task.h"

#define WORKERS_COUNT 2
#define WORKERS_QUEUED_MAX 64 /* of all users */
#define WORKERS_SMALL_PER_UID_MAX 16 /* queued or running: queries, plans */
#define WORKERS_BULK_PER_UID_MAX \
	4 /* data, analyses: one thread serves them, the other never does */
#define WORKERS_UID_DAEMON UINT32_MAX /* the daemon's own work: not limited */

struct workers;

int workers_new(const char *store_path, struct mailbox *mailbox, struct workers **ret);
/* Finishes what runs, drops what waits (done is called with -ECANCELED), ends the threads. */
struct workers *workers_free(struct workers *workers);
DEFINE_CLEANUP(struct workers *, workers_free, workers_freep);

/* Main loop only. -EBUSY with a message when a limit is reached: the task is the caller's still. */
int workers_submit(struct workers *workers, struct task *task, char **ret_message);

#endif
