/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Fits run in a process of their own: a frame in, JSON out. Layer: etalond. Blocks: for job and
 * worker threads, never for the main loop.
 */
#ifndef ETALON_ETALOND_ANALYSIS_H
#define ETALON_ETALOND_ANALYSIS_H

#include <jansson.h>

#include "store/store.h"

#define ANALYSIS_TIMEOUT_MS 60000

/*
 * Runs `program --frame-fd N --channel NAME`; takes nothing. -EINVAL the worker said no (its words in
 * the message), -ETIMEDOUT, -EPIPE it crashed, -ENOENT no such program.
 */
int analysis_run(const char *program, int frame_fd, const char *channel, int timeout_ms,
		 json_t **ret, char **ret_message);

/*
 * The whole of it for a run: reads the columns that an analysis of this channel needs, runs it. channel
 * NULL: the first signal channel. -EFBIG when the run does not fit one frame.
 */
int analysis_of_run(struct store *store, int64_t run, const char *channel, const char *program,
		    json_t **ret, char **ret_message);

#endif
