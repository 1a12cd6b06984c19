// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * A thread that sleeps for a moment again and again, and adds up how late it wakes. See
 * stall_watch.h.
 */
#include "stall_watch.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/util.h"

#include <check.h> /* last: it defines a macro fail() */

#define NAP_NS (1 * NSEC_PER_MSEC)
#define USUAL_NS (10 * NSEC_PER_MSEC) /* what a busy machine takes to run a thread */

struct stall_watch {
	pthread_t thread;
	atomic_bool ends;
	uint64_t stalled_ns;
};

static void *watch_time(void *userdata)
{
	const struct timespec nap = {.tv_nsec = NAP_NS};
	struct stall_watch *w = userdata;

	while (!atomic_load(&w->ends)) {
		uint64_t before = now_ns(), late;

		nanosleep(&nap, NULL);
		late = now_ns() - before - NAP_NS;
		if (late > USUAL_NS)
			w->stalled_ns += late;
	}
	return NULL;
}

struct stall_watch *stall_watch_begin(void)
{
	struct stall_watch *w = calloc(1, sizeof(*w));

	ck_assert_ptr_nonnull(w);
	ck_assert_int_eq(pthread_create(&w->thread, NULL, watch_time, w), 0);
	return w;
}

uint64_t stall_watch_end(struct stall_watch *w)
{
	uint64_t stalled_ns;

	atomic_store(&w->ends, true);
	pthread_join(w->thread, NULL);
	stalled_ns = w->stalled_ns;
	free(w);
	return stalled_ns;
}
