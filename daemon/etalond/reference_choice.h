/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which stored reference a run is divided by: asked for by number, by "latest", or by nothing.
 * Layer: etalond, on a worker or the writer thread.
 */
#ifndef ETALON_ETALOND_REFERENCE_CHOICE_H
#define ETALON_ETALOND_REFERENCE_CHOICE_H

#include <jansson.h>

#include "measure/plan.h"
#include "store/store.h"

/*
 * {run, age_s, reasons}, or NULL: power, not loss. `meta` describes the run that is to be. -ENOENT
 * with a message where one was asked for by number that is none, or by "latest" and none fits.
 */
int reference_choose(struct store *store, const json_t *request, const json_t *meta, json_t **ret,
		     char **ret_message);

/* Says in the plan's summary what would be chosen now, and what speaks against it. */
int reference_foretell(struct store *store, struct plan *plan, char **ret_message);

#endif
