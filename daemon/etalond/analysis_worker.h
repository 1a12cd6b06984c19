/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Fits run in a process of their own: a frame in, JSON out. Layer: etalond. Blocks: for job and
 * worker threads, never for the main loop.
 */
#ifndef ETALON_ETALOND_ANALYSIS_WORKER_H
#define ETALON_ETALOND_ANALYSIS_WORKER_H

#include <jansson.h>

#include "base/cleanup.h"

struct analysis_worker;

/*
 * Starts `program --frame-from N`, which waits for its frame: to have it ready when a sweep ends takes
 * its start off the time that a person waits. -ENOENT no such program.
 */
int analysis_worker_start(const char *program, struct analysis_worker **ret, char **ret_message);

/*
 * Hands over the frame, takes nothing; once for each worker, whose processor time is limited from here on.
 * 0 also when it has ended already: hearing it out tells why.
 */
int analysis_worker_send(struct analysis_worker *worker, int frame_fd, const char *channel,
			 int timeout_ms, char **ret_message);

/*
 * Hears out a worker that was sent its frame. -EINVAL the worker said no (its words in the message),
 * -ETIMEDOUT, -EPIPE it crashed, -EFBIG it did not stop talking.
 */
int analysis_worker_hear(struct analysis_worker *worker, int timeout_ms, json_t **ret,
			 char **ret_message);

/* Ends one that still waits. NULL is nothing. */
struct analysis_worker *analysis_worker_free(struct analysis_worker *worker);

DEFINE_CLEANUP(struct analysis_worker *, analysis_worker_free, analysis_worker_freep);
#define _cleanup_analysis_worker_ _cleanup_(analysis_worker_freep)

#endif
