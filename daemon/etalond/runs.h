/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is known of stored runs without reading the disk: a few recent ones always, others once
 * they were asked for. Layer: etalond, main loop.
 */
#ifndef ETALON_ETALOND_RUNS_H
#define ETALON_ETALOND_RUNS_H

#include "etalond/context.h"

#define RUNS_RECENT 8 /* shown in the object tree */
#define RUNS_CACHED 64

struct run_entry {
	int64_t run;
	json_t *meta; /* as store_run_get() */
	json_t *request;
	json_t *analyses;
	json_t *columns; /* [{name, unit}] */
	uint64_t used; /* for the order of forgetting */
};

struct runs;

/* Reads the recent runs: before the main loop runs. */
int runs_new(struct context *ctx, struct store *store, struct runs **ret);
struct runs *runs_free(struct runs *runs);

/* The highest number given so far; 0: none. */
int64_t runs_last(const struct runs *runs);
/* Could this be a run? Numbers up to the last, whether or not it was deleted. */
bool runs_may_exist(const struct runs *runs, int64_t run);
/* The entry, or NULL when it must be loaded; valid until the next call. */
const struct run_entry *runs_get(struct runs *runs, int64_t run);

typedef void (*runs_loaded_t)(const struct run_entry *entry, int error, const char *message,
			      void *userdata);
/* Calls loaded with the entry, at once or after a worker has read it. -EBUSY: too many at once. */
int runs_load(struct runs *runs, int64_t run, runs_loaded_t loaded, void *userdata,
	      char **ret_message);
/* Takes the entry; tells the observer that the run is new or changed. */
void runs_put(struct runs *runs, struct run_entry *entry);
/* Reads again what changed in the store; then, however that went, calls loaded without an entry. */
void runs_changed(struct runs *runs, int64_t run, runs_loaded_t loaded, void *userdata);
void runs_deleted(struct runs *runs, int64_t run);
/* Numbers of those in the object tree, newest first; returns how many. */
size_t runs_recent(const struct runs *runs, int64_t *ret, size_t max);

/* On any thread with a store. */
int run_entry_read(struct store *store, int64_t run, struct run_entry **ret, char **ret_message);
struct run_entry *run_entry_free(struct run_entry *entry);
DEFINE_CLEANUP(struct run_entry *, run_entry_free, run_entry_freep);

#endif
