/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A piece of work away from the main loop that comes back to it. Layer: etalond. The same task
 * fits the worker pool (read connection) and the writer (write connection).
 */
#ifndef ETALON_ETALOND_TASK_H
#define ETALON_ETALOND_TASK_H

#include "etalond/mailbox.h"
#include "store/store.h"

struct workers;

struct task {
	struct mail mail;
	struct task *next;
	uint32_t uid; /* whose request: for the limit per user */
	struct workers *pool; /* set by the pool */
	bool bulk; /* takes long and may wait for what does not */
	bool without_store; /* pure work: store may be NULL */
	/* On the other thread. Negative errno with task->message. */
	int (*run)(struct task *task, struct store *store);
	/* On the main loop: looks at error and message, frees the task. */
	void (*done)(struct task *task);
	int error;
	char *message; /* owned */
};

static inline void task_deliver(struct mail *mail)
{
	struct task *task = container_of(mail, struct task, mail);

	task->done(task);
}

#endif
