// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The worker pool. See workers.h. Knows neither what a task does nor whom it answers.
 */
#include "etalond/workers.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "base/util.h"

#define WORKER_NICE 10 /* light and records come first */

struct workers {
	struct mailbox *mailbox;
	char *store_path;
	pthread_t threads[WORKERS_COUNT];
	unsigned int thread_count;
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct task *first, **end; /* waiting; under lock */
	bool quit; /* under lock */
	/* Main loop: who has how many queued or running. */
	uint32_t uids[WORKERS_QUEUED_MAX];
	unsigned int count;
};

static struct task *take_next(struct workers *w)
{
	struct task *task = NULL;

	pthread_mutex_lock(&w->lock);
	while (!w->first && !w->quit)
		pthread_cond_wait(&w->more, &w->lock);
	if (!w->quit) {
		task = w->first;
		w->first = task->next;
		if (!w->first)
			w->end = &w->first;
	}
	pthread_mutex_unlock(&w->lock);
	return task;
}

static void run_task(struct workers *w, struct task *task, struct store **store)
{
	/* Opened when first needed, and again after a failure. */
	if (!*store && !task->without_store) {
		task->error = store_open(w->store_path, STORE_READ, store, &task->message);
		if (task->error < 0)
			return;
	}
	task->error = task->run(task, *store);
	if (task->error < 0 && !task->message && *store)
		task->message = strdup(store_message(*store));
	if (task->error == -EIO || task->error == -EUCLEAN)
		*store = store_close(*store);
}

static void *worker_thread(void *userdata)
{
	_cleanup_(store_closep) struct store *store = NULL;
	struct workers *w = userdata;
	struct task *task;

	setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), WORKER_NICE);
	while ((task = take_next(w))) {
		run_task(w, task, &store);
		mailbox_post(w->mailbox, &task->mail);
	}
	return NULL;
}

/* ---- main loop ---- */

static unsigned int count_of(const struct workers *w, uint32_t uid)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < w->count; i++)
		n += w->uids[i] == uid;
	return n;
}

static void forget(struct workers *w, uint32_t uid)
{
	for (unsigned int i = 0; i < w->count; i++) {
		if (w->uids[i] != uid)
			continue;
		w->uids[i] = w->uids[--w->count];
		return;
	}
}

static void deliver(struct mail *mail)
{
	struct task *task = container_of(mail, struct task, mail);

	forget(task->pool, task->uid);
	task->done(task);
}

int workers_submit(struct workers *w, struct task *task, char **ret_message)
{
	bool own = task->uid == WORKERS_UID_DAEMON;

	if (!own && count_of(w, task->uid) >= WORKERS_QUEUED_PER_UID_MAX)
		return fail(ret_message, -EBUSY,
			    "%u requests of this user are being served; "
			    "wait for one to end, then try again",
			    WORKERS_QUEUED_PER_UID_MAX);
	if (!own && w->count >= WORKERS_QUEUED_MAX)
		return fail(ret_message, -EBUSY, "%u requests are being served; try again",
			    WORKERS_QUEUED_MAX);
	if (!own)
		w->uids[w->count++] = task->uid;
	task->pool = w;
	task->mail.deliver = deliver;
	task->next = NULL;
	pthread_mutex_lock(&w->lock);
	*w->end = task;
	w->end = &task->next;
	pthread_cond_signal(&w->more);
	pthread_mutex_unlock(&w->lock);
	return 0;
}

int workers_new(const char *store_path, struct mailbox *mailbox, struct workers **ret)
{
	_cleanup_(workers_freep) struct workers *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->more, NULL);
	w->end = &w->first;
	w->mailbox = mailbox;
	w->store_path = strdup(store_path);
	if (!w->store_path)
		return -ENOMEM;
	for (; w->thread_count < WORKERS_COUNT; w->thread_count++) {
		int r = pthread_create(&w->threads[w->thread_count], NULL, worker_thread, w);

		if (r != 0)
			return -r;
	}
	*ret = take_ptr(w);
	return 0;
}

struct workers *workers_free(struct workers *w)
{
	struct task *waiting;

	if (!w)
		return NULL;
	pthread_mutex_lock(&w->lock);
	w->quit = true;
	waiting = w->first;
	w->first = NULL;
	w->end = &w->first;
	pthread_cond_broadcast(&w->more);
	pthread_mutex_unlock(&w->lock);
	for (unsigned int i = 0; i < w->thread_count; i++)
		pthread_join(w->threads[i], NULL);
	mailbox_drain(w->mailbox); /* what was finished still counts here */
	while (waiting) {
		struct task *task = waiting;

		waiting = task->next;
		task->error = -ECANCELED;
		task->done(task);
	}
	free(w->store_path);
	pthread_cond_destroy(&w->more);
	pthread_mutex_destroy(&w->lock);
	free(w);
	return NULL;
}
