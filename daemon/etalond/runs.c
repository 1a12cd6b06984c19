// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The cache of runs. See runs.h. Numbers of runs are for ever; only their descriptions are kept
 * here, and forgotten oldest first.
 */
#include "etalond/runs.h"

#include "base/util.h"
#include "store/read.h"

#define LOADS_MAX 64U

struct runs {
	struct context *context;
	int64_t last;
	int64_t recent[RUNS_RECENT]; /* newest first */
	size_t recent_count;
	struct run_entry *entries[RUNS_CACHED];
	size_t count;
	uint64_t clock;
	unsigned int loads;
};

struct load {
	struct task task;
	struct runs *runs;
	int64_t run;
	struct run_entry *entry;
	runs_loaded_t loaded;
	void *userdata;
};

struct run_entry *run_entry_free(struct run_entry *e)
{
	if (!e)
		return NULL;
	json_decref(e->meta);
	json_decref(e->request);
	json_decref(e->analyses);
	json_decref(e->columns);
	free(e);
	return NULL;
}

int run_entry_read(struct store *store, int64_t run, struct run_entry **ret, char **ret_message)
{
	_cleanup_(run_entry_freep) struct run_entry *e = calloc(1, sizeof(*e));
	int r;

	if (!e)
		return -ENOMEM;
	e->run = run;
	r = store_run_get(store, run, &e->meta);
	if (r == 0)
		r = store_run_request(store, run, &e->request);
	if (r == 0)
		r = store_run_analyses(store, run, &e->analyses);
	if (r == -ENOENT)
		return fail(ret_message, r,
			    "there is no run %lld in the store; ListRuns shows them",
			    (long long)run);
	if (r < 0)
		return fail(ret_message, r, "run %lld: %s", (long long)run, store_message(store));
	/* A run that ended before its first record has no columns. */
	if (store_columns(store, run, &e->columns, NULL) < 0)
		e->columns = json_array();
	*ret = take_ptr(e);
	return 0;
}

/* ---- the cache ---- */

int64_t runs_last(const struct runs *runs)
{
	return runs->last;
}

bool runs_may_exist(const struct runs *runs, int64_t run)
{
	return run > 0 && run <= runs->last;
}

static struct run_entry **find(struct runs *runs, int64_t run)
{
	for (size_t i = 0; i < runs->count; i++)
		if (runs->entries[i]->run == run)
			return &runs->entries[i];
	return NULL;
}

const struct run_entry *runs_get(struct runs *runs, int64_t run)
{
	struct run_entry **e = find(runs, run);

	if (!e)
		return NULL;
	(*e)->used = ++runs->clock;
	return *e;
}

static bool is_recent(const struct runs *runs, int64_t run)
{
	for (size_t i = 0; i < runs->recent_count; i++)
		if (runs->recent[i] == run)
			return true;
	return false;
}

static void drop(struct runs *runs, struct run_entry **e)
{
	run_entry_free(*e);
	*e = runs->entries[--runs->count];
}

/* Recent ones are never forgotten: the object tree shows them without reading. */
static void make_room(struct runs *runs)
{
	struct run_entry **oldest = NULL;

	if (runs->count < RUNS_CACHED)
		return;
	for (size_t i = 0; i < runs->count; i++)
		if (!is_recent(runs, runs->entries[i]->run) &&
		    (!oldest || runs->entries[i]->used < (*oldest)->used))
			oldest = &runs->entries[i];
	drop(runs, oldest);
}

static void keep(struct runs *runs, struct run_entry *entry)
{
	struct run_entry **old = find(runs, entry->run);

	if (old)
		drop(runs, old);
	make_room(runs);
	entry->used = ++runs->clock;
	runs->entries[runs->count++] = entry;
}

static void add_recent(struct runs *runs, int64_t run)
{
	const struct observer *o = runs->context->observer;
	int64_t leaves = 0;

	if (runs->recent_count == RUNS_RECENT)
		leaves = runs->recent[--runs->recent_count];
	memmove(runs->recent + 1, runs->recent, runs->recent_count * sizeof(runs->recent[0]));
	runs->recent[0] = run;
	runs->recent_count++;
	if (leaves && o)
		o->run_removed(o->userdata, leaves);
	if (o)
		o->run_added(o->userdata, run);
}

void runs_put(struct runs *runs, struct run_entry *entry)
{
	const struct observer *o = runs->context->observer;
	int64_t run = entry->run;

	keep(runs, entry);
	if (run > runs->last) {
		runs->last = run;
		add_recent(runs, run);
	} else if (o) {
		o->run_changed(o->userdata, run);
	}
}

size_t runs_recent(const struct runs *runs, int64_t *ret, size_t max)
{
	size_t n = MIN(max, runs->recent_count);

	memcpy(ret, runs->recent, n * sizeof(*ret));
	return n;
}

void runs_deleted(struct runs *runs, int64_t run)
{
	const struct observer *o = runs->context->observer;
	struct run_entry **e = find(runs, run);
	bool was_recent = is_recent(runs, run);
	size_t kept = 0;

	if (was_recent && o)
		o->run_removed(o->userdata, run);
	for (size_t i = 0; i < runs->recent_count; i++)
		if (runs->recent[i] != run)
			runs->recent[kept++] = runs->recent[i];
	runs->recent_count = kept;
	if (e)
		drop(runs, e);
}

/* ---- loading ---- */

static int run_load(struct task *task, struct store *store)
{
	struct load *l = container_of(task, struct load, task);

	return run_entry_read(store, l->run, &l->entry, &task->message);
}

static void load_done(struct task *task)
{
	struct load *l = container_of(task, struct load, task);
	struct run_entry *entry = take_ptr(l->entry);

	l->runs->loads--;
	if (entry)
		keep(l->runs, entry);
	if (l->loaded)
		l->loaded(entry, task->error, task->message, l->userdata);
	free(task->message);
	free(l);
}

static int submit_load(struct runs *runs, int64_t run, void (*done)(struct task *),
		       runs_loaded_t loaded, void *userdata)
{
	struct load *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return -ENOMEM;
	*l = (struct load){.runs = runs, .run = run, .loaded = loaded, .userdata = userdata};
	l->task.uid = WORKERS_UID_DAEMON;
	l->task.run = run_load;
	l->task.done = done;
	r = workers_submit(runs->context->workers, &l->task, NULL);
	if (r < 0) {
		free(l);
		return r;
	}
	runs->loads++;
	return 0;
}

int runs_load(struct runs *runs, int64_t run, runs_loaded_t loaded, void *userdata,
	      char **ret_message)
{
	const struct run_entry *entry = runs_get(runs, run);

	if (entry) {
		loaded(entry, 0, NULL, userdata);
		return 0;
	}
	if (runs->loads >= LOADS_MAX)
		return fail(ret_message, -EBUSY, "%u runs are being read; try again", LOADS_MAX);
	return submit_load(runs, run, load_done, loaded, userdata);
}

static void reload_done(struct task *task)
{
	struct load *l = container_of(task, struct load, task);

	l->runs->loads--;
	if (l->entry)
		runs_put(l->runs, take_ptr(l->entry));
	if (l->loaded)
		l->loaded(NULL, task->error, task->message, l->userdata);
	free(task->message);
	free(l);
}

void runs_changed(struct runs *runs, int64_t run, runs_loaded_t loaded, void *userdata)
{
	int r = submit_load(runs, run, reload_done, loaded, userdata);

	if (r < 0)
		loaded(NULL, r, NULL, userdata);
}

/* ---- life ---- */

int runs_new(struct context *ctx, struct store *store, struct runs **ret)
{
	struct runs *runs = calloc(1, sizeof(*runs));
	json_t *filter = json_pack("{s:i}", "limit", RUNS_RECENT);
	json_t *list = NULL, *item;
	size_t i;
	int r;

	if (!runs || !filter) {
		free(runs);
		json_decref(filter);
		return -ENOMEM;
	}
	runs->context = ctx;
	r = store_runs(store, filter, &list);
	json_decref(filter);
	json_array_foreach(list, i, item) {
		struct run_entry *entry;
		int64_t run = json_integer_value(json_object_get(item, "run"));

		if (run_entry_read(store, run, &entry, NULL) < 0)
			continue;
		runs->last = MAX(runs->last, run);
		runs->recent[runs->recent_count++] = run;
		keep(runs, entry);
		if (runs->recent_count == RUNS_RECENT)
			break;
	}
	json_decref(list);
	if (r < 0)
		return runs_free(runs), r;
	*ret = runs;
	return 0;
}

struct runs *runs_free(struct runs *runs)
{
	if (!runs)
		return NULL;
	while (runs->count > 0)
		drop(runs, &runs->entries[0]);
	free(runs);
	return NULL;
}
