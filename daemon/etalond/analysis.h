/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A run's resonances: from the store through the worker. Layer: etalond. Blocks: for job and worker
 * threads, never for the main loop.
 */
#ifndef ETALON_ETALOND_ANALYSIS_H
#define ETALON_ETALOND_ANALYSIS_H

#include <jansson.h>

#include "etalond/analysis_worker.h"
#include "store/store.h"

#define ANALYSIS_TIMEOUT_MS 60000

/*
 * Reads the columns that an analysis of this channel needs and hands them to the worker, which has had no
 * frame yet and is to be heard out afterwards. meta is the run's (data/meta.h); channel NULL: the first
 * signal channel. -EFBIG when the run does not fit one frame; else as analysis_worker_send().
 */
int analysis_begin(struct store *store, int64_t run, const json_t *meta, const char *channel,
		   struct analysis_worker *worker, char **ret_message);

/*
 * All of it with a worker of its own, for a run that is stored already. -ENOENT no such run; else as
 * analysis_begin() and analysis_worker_hear().
 */
int analysis_again(struct store *store, int64_t run, const char *channel, const char *program,
		   json_t **ret, char **ret_message);

#endif
