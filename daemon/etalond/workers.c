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

struct queue {
	struct task *first, *last;
};

struct request {
	uint32_t uid;
	bool bulk;
};

struct workers {
	struct mailbox *mailbox;
	char *store_path;
	pthread_t threads[WORKERS_COUNT];
	unsigned int thread_count;
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct queue small, bulk; /* waiting; under lock */
	unsigned int bulk_running; /* under lock */
	bool quit; /* under lock */
	/* Main loop: who has what queued or running. */
	struct request requests[WORKERS_QUEUED_MAX];
	unsigned int count;
};

static void queue_put(struct queue *q, struct task *task)
{
	task->next = NULL;
	if (q->last)
		q->last->next = task;
	else
		q->first = task;
	q->last = task;
}

static struct task *queue_take(struct queue *q)
{
	struct task *task = q->first;

	if (!task)
		return NULL;
	q->first = task->next;
	if (!q->first)
		q->last = NULL;
	return task;
}

/* One thread is always left for what is small: a plan does not wait for somebody's megabytes. */
static struct task *choose(struct workers *w)
{
	struct task *task = queue_take(&w->small);

	if (!task && w->bulk_running < WORKERS_COUNT - 1) {
		task = queue_take(&w->bulk);
		if (task)
			w->bulk_running++;
	}
	return task;
}

static struct task *take_next(struct workers *w)
{
	struct task *task = NULL;

	pthread_mutex_lock(&w->lock);
	while (!w->quit && !(task = choose(w)))
		pthread_cond_wait(&w->more, &w->lock);
	pthread_mutex_unlock(&w->lock);
	return task;
}

static void bulk_ended(struct workers *w)
{
	pthread_mutex_lock(&w->lock);
	w->bulk_running--;
	pthread_cond_broadcast(&w->more);
	pthread_mutex_unlock(&w->lock);
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
		bool bulk = task->bulk;

		run_task(w, task, &store);
		if (bulk)
			bulk_ended(w);
		mailbox_post(w->mailbox, &task->mail);
	}
	return NULL;
}

/* ---- main loop ---- */

static unsigned int count_of(const struct workers *w, struct request like)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < w->count; i++)
		n += w->requests[i].uid == like.uid && w->requests[i].bulk == like.bulk;
	return n;
}

static void forget(struct workers *w, struct request like)
{
	for (unsigned int i = 0; i < w->count; i++) {
		if (w->requests[i].uid != like.uid || w->requests[i].bulk != like.bulk)
			continue;
		w->requests[i] = w->requests[--w->count];
		return;
	}
}

static void deliver(struct mail *mail)
{
	struct task *task = container_of(mail, struct task, mail);

	forget(task->pool, (struct request){task->uid, task->bulk});
	task->done(task);
}

int workers_submit(struct workers *w, struct task *task, char **ret_message)
{
	const struct request request = {task->uid, task->bulk};
	const unsigned int most = task->bulk ? WORKERS_BULK_PER_UID_MAX : WORKERS_SMALL_PER_UID_MAX;
	bool own = task->uid == WORKERS_UID_DAEMON;

	if (!own && count_of(w, request) >= most)
		return fail(ret_message, -EBUSY,
			    "%u requests of this user are being served; "
			    "wait for one to end, then try again",
			    most);
	if (!own && w->count >= WORKERS_QUEUED_MAX)
		return fail(ret_message, -EBUSY, "%u requests are being served; try again",
			    WORKERS_QUEUED_MAX);
	if (!own)
		w->requests[w->count++] = request;
	task->pool = w;
	task->mail.deliver = deliver;
	pthread_mutex_lock(&w->lock);
	queue_put(task->bulk ? &w->bulk : &w->small, task);
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
	struct queue waiting[2];

	if (!w)
		return NULL;
	pthread_mutex_lock(&w->lock);
	w->quit = true;
	waiting[0] = w->small;
	waiting[1] = w->bulk;
	w->small = w->bulk = (struct queue){NULL, NULL};
	pthread_cond_broadcast(&w->more);
	pthread_mutex_unlock(&w->lock);
	for (unsigned int i = 0; i < w->thread_count; i++)
		pthread_join(w->threads[i], NULL);
	mailbox_drain(w->mailbox); /* what was finished still counts here */
	for (int i = 0; i < 2; i++) {
		struct task *task;

		while ((task = queue_take(&waiting[i]))) {
			task->error = -ECANCELED;
			task->done(task);
		}
	}
	free(w->store_path);
	pthread_cond_destroy(&w->more);
	pthread_mutex_destroy(&w->lock);
	free(w);
	return NULL;
}
