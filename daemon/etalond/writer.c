// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The writer thread. See writer.h. Does not decide what is written.
 */
#include "etalond/writer.h"

#include <pthread.h>
#include <semaphore.h>

#include "base/util.h"

#define WRITES_PER_COMMIT 16U

struct writer {
	pthread_t thread;
	bool running;
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct write *first, **end; /* under lock */
	bool quit; /* under lock */
	pthread_mutex_t watch_lock;
	struct commit_watch *watches; /* under watch_lock */
	struct store *store; /* of the thread once it runs */
};

static struct write *take_next(struct writer *w, bool wait)
{
	struct write *write;

	pthread_mutex_lock(&w->lock);
	while (wait && !w->first && !w->quit)
		pthread_cond_wait(&w->more, &w->lock);
	write = w->first;
	if (write) {
		w->first = write->next;
		if (!w->first)
			w->end = &w->first;
	}
	pthread_mutex_unlock(&w->lock);
	return write;
}

static void commit(struct writer *w)
{
	int error = store_commit(w->store); /* met again by the next write or by the run's end */

	pthread_mutex_lock(&w->watch_lock);
	for (struct commit_watch *watch = w->watches; watch; watch = watch->next)
		watch->committed(watch, error);
	pthread_mutex_unlock(&w->watch_lock);
}

static void *writer_thread(void *userdata)
{
	struct writer *w = userdata;
	unsigned int uncommitted = 0;

	for (;;) {
		struct write *write = take_next(w, uncommitted == 0);

		if (write) {
			write->run(write, w->store);
			uncommitted++;
		}
		if (uncommitted > 0 && (!write || uncommitted >= WRITES_PER_COMMIT)) {
			commit(w);
			uncommitted = 0;
		} else if (!write) {
			return NULL; /* nothing left and told to quit */
		}
	}
}

void writer_submit(struct writer *w, struct write *write)
{
	write->next = NULL;
	pthread_mutex_lock(&w->lock);
	*w->end = write;
	w->end = &write->next;
	pthread_cond_signal(&w->more);
	pthread_mutex_unlock(&w->lock);
}

void writer_watch(struct writer *w, struct commit_watch *watch)
{
	pthread_mutex_lock(&w->watch_lock);
	watch->writer = w;
	watch->next = w->watches;
	w->watches = watch;
	pthread_mutex_unlock(&w->watch_lock);
}

void writer_unwatch(struct commit_watch *watch)
{
	struct writer *w = watch->writer;

	if (!w)
		return;
	pthread_mutex_lock(&w->watch_lock);
	for (struct commit_watch **p = &w->watches; *p; p = &(*p)->next) {
		if (*p != watch)
			continue;
		*p = watch->next;
		break;
	}
	watch->writer = NULL;
	pthread_mutex_unlock(&w->watch_lock);
}

/* ---- opening ---- */

static int describe_unfinished(const json_t *runs, char **ret)
{
	_cleanup_free_ char *numbers = strdup("");
	size_t i;
	json_t *run;

	json_array_foreach(runs, i, run) {
		char *longer = asprintf_or_null(
			"%s%s%lld", numbers, i > 0 ? ", " : "",
			(long long)json_integer_value(json_object_get(run, "run")));

		if (!longer)
			return -ENOMEM;
		free(numbers);
		numbers = longer;
	}
	*ret = asprintf_or_null("%zu unfinished run%s marked partial: %s", json_array_size(runs),
				json_array_size(runs) == 1 ? "" : "s", numbers);
	return *ret ? 0 : -ENOMEM;
}

static int recover(struct store *store, char **ret_status, char **ret_message)
{
	json_t *filter = json_pack("{s:s, s:i}", "status", "running", "limit", 100);
	json_t *unfinished = NULL;
	int r;

	r = store_runs(store, filter, &unfinished);
	json_decref(filter);
	if (r == 0)
		r = store_recover(store);
	if (r < 0)
		fail(ret_message, r, "the store cannot be recovered: %s", store_message(store));
	else if (r > 0)
		r = describe_unfinished(unfinished, ret_status);
	else
		*ret_status = strdup("");
	json_decref(unfinished);
	return r < 0 ? r : 0;
}

int writer_new(const char *path, uint64_t quota_bytes, struct writer **ret, char **ret_status,
	       char **ret_message)
{
	_cleanup_(writer_freep) struct writer *w = calloc(1, sizeof(*w));
	_cleanup_free_ char *status = NULL;
	int r;

	if (!w)
		return -ENOMEM;
	pthread_mutex_init(&w->lock, NULL);
	pthread_mutex_init(&w->watch_lock, NULL);
	pthread_cond_init(&w->more, NULL);
	w->end = &w->first;
	r = store_open(path, STORE_WRITE, &w->store, ret_message);
	if (r < 0)
		return r;
	store_set_quota(w->store, quota_bytes);
	r = recover(w->store, &status, ret_message);
	if (r < 0)
		return r;
	r = pthread_create(&w->thread, NULL, writer_thread, w);
	if (r != 0)
		return fail(ret_message, -r, "no thread for the store: %s", strerror(r));
	w->running = true;
	*ret_status = take_ptr(status);
	*ret = take_ptr(w);
	return 0;
}

struct writer *writer_free(struct writer *w)
{
	if (!w)
		return NULL;
	if (w->running) {
		pthread_mutex_lock(&w->lock);
		w->quit = true;
		pthread_cond_signal(&w->more);
		pthread_mutex_unlock(&w->lock);
		pthread_join(w->thread, NULL);
	}
	while (w->watches)
		writer_unwatch(w->watches);
	store_close(w->store);
	pthread_cond_destroy(&w->more);
	pthread_mutex_destroy(&w->watch_lock);
	pthread_mutex_destroy(&w->lock);
	free(w);
	return NULL;
}

/* ---- calls that wait, tasks that come back ---- */

struct call {
	struct write write;
	int (*f)(struct store *store, void *userdata);
	void *userdata;
	int error;
	char *message;
	sem_t done;
};

static void run_call(struct write *write, struct store *store)
{
	struct call *call = container_of(write, struct call, write);

	call->error = call->f(store, call->userdata);
	if (call->error < 0)
		call->message = strdup(store_message(store));
	sem_post(&call->done);
}

int writer_call(struct writer *w, int (*f)(struct store *, void *), void *userdata,
		char **ret_message)
{
	struct call call = {.write.run = run_call, .f = f, .userdata = userdata};

	sem_init(&call.done, 0, 0);
	writer_submit(w, &call.write);
	while (sem_wait(&call.done) < 0 && errno == EINTR)
		;
	sem_destroy(&call.done);
	if (call.error < 0 && ret_message)
		*ret_message = call.message;
	else
		free(call.message);
	return call.error;
}

struct task_write {
	struct write write;
	struct task *task;
	struct mailbox *mailbox;
};

static void run_task(struct write *write, struct store *store)
{
	struct task_write *tw = container_of(write, struct task_write, write);
	struct task *task = tw->task;

	task->error = task->run(task, store);
	if (task->error < 0 && !task->message)
		task->message = strdup(store_message(store));
	/* What the client is told has happened must outlive a crash. */
	if (task->error == 0)
		task->error = store_commit(store);
	mailbox_post(tw->mailbox, &task->mail);
	free(tw);
}

void writer_task(struct writer *w, struct mailbox *mailbox, struct task *task)
{
	struct task_write *tw = calloc(1, sizeof(*tw));

	task->mail.deliver = task_deliver;
	if (!tw) {
		task->error = -ENOMEM;
		mailbox_post(mailbox, &task->mail);
		return;
	}
	*tw = (struct task_write){.write.run = run_task, .task = task, .mailbox = mailbox};
	writer_submit(w, &tw->write);
}
