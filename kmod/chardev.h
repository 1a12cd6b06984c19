/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two kinds of open files, and how their calls are found. Private to chardev.c, control.c,
 * program.c and capture.c.
 */
#ifndef ETALON_CHARDEV_H
#define ETALON_CHARDEV_H

#include <linux/fs.h>
#include <linux/poll.h>

#include "etalon.h"

/* What both kinds begin with. */
struct etalon_file {
	struct etalon_board *board; /* a reference of its own */
	s64 events_seen; /* by the last STATUS */
};

/* Uploads as the board wants them, header first; vmalloc'ed. */
struct etalon_uploads {
	struct etalon_hw_upload *program;
	struct etalon_hw_upload *list[ETALON_HW_LISTS_MAX];
};

/*
 * The control fd. In control as long as board->control points here; afterwards it is revoked.
 * `uploads`, `loaded` and `facts` belong to board->program_lock, the rest to board->lock.
 */
struct etalon_control {
	struct etalon_file file; /* first */
	struct etalon_span limits[ETALON_HW_SOURCES_MAX];
	DECLARE_BITMAP(limits_written, ETALON_HW_SOURCES_MAX);
	struct etalon_uploads uploads;
	struct etalon_span limits_checked[ETALON_HW_SOURCES_MAX]; /* of a LOAD under way */
	bool loaded;
	u32 generation;
	struct etalon_program_facts facts; /* of the loaded program */
};

struct etalon_capture {
	struct etalon_file file; /* first */
};

/*
 * A call: `argument` is the kernel's copy, zero beyond what user space gave, and goes back to it
 * whatever is returned. The refusal in it is zero at first.
 */
struct etalon_call {
	unsigned int command;
	u16 refusal; /* offset in the argument, 0: none */
	int (*run)(struct etalon_file *file, void *argument, struct etalon_refusal *refusal);
};

#define ETALON_CALL(command, type, run)                      \
	{                                                    \
		command, offsetof(struct type, refusal), run \
	}
#define ETALON_CALL_PLAIN(command, run) \
	{                               \
		command, 0, run         \
	}

long etalon_calls_run(struct etalon_file *file, const struct etalon_call *calls, size_t count,
		      unsigned int command, void __user *argument);
/* Calls of any fd: INFO, DESCRIPTION, STATUS, CLOCK. -ENOTTY: none of these. */
long etalon_calls_common(struct etalon_file *file, unsigned int command, void __user *argument);

static inline bool etalon_file_saw_all(const struct etalon_file *file)
{
	return file->events_seen == atomic64_read(&file->board->events);
}

/* control.c */
extern const struct file_operations etalon_control_fops;
struct etalon_control *etalon_control_open(struct etalon_board *board, int *ret_error);
/* board->lock, and control: 0, -ENODEV, -ESTALE, or -EAGAIN. Nothing is held unless it is 0. */
int etalon_control_enter(struct etalon_control *control);
/* Gives the lock back; `ret` is what the operation said. */
int etalon_control_leave(struct etalon_control *control, int ret);

static inline struct etalon_control *etalon_control_of(struct etalon_file *file)
{
	return container_of(file, struct etalon_control, file);
}

/* program.c */
int etalon_program_upload(struct etalon_file *file, void *argument, struct etalon_refusal *refusal);
int etalon_program_load(struct etalon_file *file, void *argument, struct etalon_refusal *refusal);
int etalon_program_start(struct etalon_file *file, void *argument, struct etalon_refusal *refusal);
void etalon_program_free(struct etalon_control *control);

/* capture.c */
extern const struct file_operations etalon_capture_fops;
struct etalon_capture *etalon_capture_open(struct etalon_board *board, int *ret_error);

#endif
