// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Threads that wait for a loop and take its turns one by one. See team.h.
 */
#include "analyse/team.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/util.h"

#define HELPERS_MAX 3U /* a resonance's fit is short: more threads wait more than they work */

struct loop {
	size_t count, next;
	int (*turn)(void *userdata, size_t i);
	void *userdata;
	size_t failed; /* the lowest turn that did, SIZE_MAX: none */
	int error;
};

struct team {
	pthread_mutex_t lock;
	pthread_cond_t changed; /* whatever a thread may wait for */
	struct loop *loop; /* NULL: nothing to do */
	unsigned int helpers, waiting;
	bool over;
	pthread_t threads[HELPERS_MAX];
};

/* Called and returns with the lock held. */
static void take_turns(struct team *t, struct loop *l)
{
	while (l->next < l->count) {
		size_t i = l->next++;
		int r;

		pthread_mutex_unlock(&t->lock);
		r = l->turn(l->userdata, i);
		pthread_mutex_lock(&t->lock);
		if (r < 0 && i < l->failed) {
			l->failed = i;
			l->error = r;
		}
	}
}

static void *help(void *userdata)
{
	struct team *t = userdata;

	pthread_mutex_lock(&t->lock);
	while (!t->over) {
		t->waiting++;
		pthread_cond_broadcast(&t->changed);
		while (!t->over && (!t->loop || t->loop->next >= t->loop->count))
			pthread_cond_wait(&t->changed, &t->lock);
		t->waiting--;
		if (!t->over)
			take_turns(t, t->loop);
	}
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

/* Nobody has a turn in hand. */
static void wait_for_all(struct team *t)
{
	while (t->waiting < t->helpers)
		pthread_cond_wait(&t->changed, &t->lock);
}

int team_run(struct team *t, size_t count, int (*turn)(void *userdata, size_t i), void *userdata)
{
	struct loop l = {.count = count, .turn = turn, .userdata = userdata, .failed = SIZE_MAX};
	struct team alone = {.lock = PTHREAD_MUTEX_INITIALIZER};

	if (!t)
		t = &alone;
	pthread_mutex_lock(&t->lock);
	if (t->helpers > 0) {
		t->loop = &l;
		pthread_cond_broadcast(&t->changed);
	}
	take_turns(t, &l);
	wait_for_all(t);
	t->loop = NULL;
	pthread_mutex_unlock(&t->lock);
	return l.error;
}

int team_new(unsigned int helpers, struct team **ret)
{
	_cleanup_(team_freep) struct team *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->changed, NULL);
	while (t->helpers < MIN(helpers, HELPERS_MAX)) {
		int r = pthread_create(&t->threads[t->helpers], NULL, help, t);

		if (r != 0)
			return -r;
		t->helpers++;
	}
	pthread_mutex_lock(&t->lock);
	wait_for_all(t);
	pthread_mutex_unlock(&t->lock);
	*ret = take_ptr(t);
	return 0;
}

struct team *team_free(struct team *t)
{
	if (!t)
		return NULL;
	pthread_mutex_lock(&t->lock);
	t->over = true;
	pthread_cond_broadcast(&t->changed);
	pthread_mutex_unlock(&t->lock);
	for (unsigned int i = 0; i < t->helpers; i++)
		pthread_join(t->threads[i], NULL);
	pthread_cond_destroy(&t->changed);
	pthread_mutex_destroy(&t->lock);
	free(t);
	return NULL;
}

unsigned int team_helpers_here(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 0;
	return MIN((unsigned int)CPU_COUNT(&set) - 1, HELPERS_MAX);
}
