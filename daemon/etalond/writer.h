/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The one thread that writes the store. Layer: etalond. It owns the only write connection;
 * what others want written is queued and done in order. Commits when the queue runs empty, so
 * that a crash loses little and a burst costs one commit.
 */
#ifndef ETALON_ETALOND_WRITER_H
#define ETALON_ETALOND_WRITER_H

#include "etalond/task.h"

struct writer;

/* Something to be written, part of the caller's own structure. */
struct write {
	struct write *next;
	/* On the writer thread, which touches the write no more afterwards. */
	void (*run)(struct write *write, struct store *store);
};

/* Somebody who wants to know that what was written has been committed. */
struct commit_watch {
	struct commit_watch *next;
	struct writer *writer; /* while it is watched */
	/* On the writer thread: a commit succeeded, or failed like this. */
	void (*committed)(struct commit_watch *watch, int error);
};

/*
 * Opens the store for writing, creates it where there is none, marks what a crash left
 * unfinished. *ret_status: "" or "1 unfinished run marked partial: 17".
 */
int writer_new(const char *path, uint64_t quota_bytes, struct writer **ret, char **ret_status,
	       char **ret_message);
/* Writes what is queued, then ends. */
struct writer *writer_free(struct writer *writer);
DEFINE_CLEANUP(struct writer *, writer_free, writer_freep);

void writer_submit(struct writer *writer, struct write *write);
void writer_watch(struct writer *writer, struct commit_watch *watch);
/* No call is under way when this returns. Harmless after the writer's end. */
void writer_unwatch(struct commit_watch *watch);
/* Runs f on the writer thread and waits for it: for job threads, never for the main loop. */
int writer_call(struct writer *writer, int (*f)(struct store *store, void *userdata),
		void *userdata, char **ret_message);
/* Runs a task with the write connection; task->done is called on the main loop. */
void writer_task(struct writer *writer, struct mailbox *mailbox, struct task *task);

#endif
