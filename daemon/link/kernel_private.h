/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Inside the kernel link: its state, and what its files ask of each other. Layer: link, private
 * to kernel*.c.
 */
#ifndef ETALON_LINK_KERNEL_PRIVATE_H
#define ETALON_LINK_KERNEL_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "link/kernel_calls.h"
#include "link/link.h"
#include "uapi/etalon.h"

/* A source's limits as the daemon set them: a control fd that is opened anew has none of them. */
struct kernel_limit {
	bool written;
	int64_t low, high;
};

/* Used by one thread at a time, the one that reads records. In records and sequence numbers, not bytes. */
struct kernel_records {
	uint32_t stride; /* 0: nothing was loaded */
	uint32_t generation; /* of the program */
	uint64_t places; /* records that the ring has room for */
	uint64_t next; /* returned up to here */
	uint64_t consumer; /* released up to here */
	uint64_t returned; /* records in between ... */
	uint64_t skipped; /* ... and numbers that no record has: the board lost those */
};

struct kernel {
	struct link link; /* first */
	const struct kernel_calls *calls;
	char *path;
	struct description *description;
	struct etalon_info info; /* as of the opening */
	struct etalon_clock clock;

	pthread_rwlock_t control_lock; /* for writing while the control fd is replaced */
	int control_fd;
	unsigned int revocations; /* under control_lock */
	atomic_bool revoked_dark; /* the kernel turned light off by itself since the last ARM */

	pthread_mutex_t limits_lock;
	struct kernel_limit limit[ETALON_HW_SOURCES_MAX];
	bool limits_due; /* the control fd does not have them yet */

	int capture_fd;
	int event_fd; /* epoll: what happens to both fds, and lost_fd */
	int lost_fd; /* readable once the board is lost */
	uint64_t events_told;
	atomic_bool lost; /* control is over; records that are there may still be read */

	pthread_mutex_t lines_lock; /* auxiliary lines: control calls and events */
	struct lines *lines; /* NULL: nobody has asked for them */
	uint32_t line_values; /* as of the last edges */
	uint32_t line_outputs;
	uint32_t line_levels; /* of outputs, also of those to come */

	int cancel_fd;
	const struct etalon_ring_status *ring; /* mapped */
	const char *data; /* mapped */
	struct kernel_records records;
};

static inline struct kernel *kernel_of(struct link *link)
{
	return (struct kernel *)link;
}

static inline int kernel_capture_ioctl(struct kernel *k, unsigned long request, void *argument)
{
	return k->calls->ioctl(k->calls->userdata, k->capture_fd, request, argument);
}

/* kernel.c */
void kernel_close(struct link *link);
int kernel_read_info(struct kernel *k, int fd, struct etalon_info *ret);
int kernel_read_description(struct kernel *k, int fd, const struct etalon_info *info, void **ret);

/* kernel_revoked.c */
/*
 * One call on the control fd. When the kernel has revoked it, opens it anew, gives it its limits and returns
 * -ECANCELED: what was decided before light went off must not be done after it.
 */
int kernel_control_ioctl(struct kernel *k, unsigned long request, void *argument);
/* Opens a control fd anew that was revoked behind our back; 0 also when it was not. */
int kernel_look_after_control(struct kernel *k);
/* Marks the board as lost, wakes everybody: -ENODEV. */
int kernel_lost(struct kernel *k);
/* An errno of a call as one that link.h promises. */
int kernel_errno(struct kernel *k, int error);

/* kernel_limits.c */
int kernel_set_limits(struct link *link, unsigned int source, int64_t low, int64_t high,
		      struct link_refusal *ret_refusal);
/* Writes what the control fd lacks, through `set` (a call on that fd); 0: nothing is due any more. */
int kernel_settle_limits(struct kernel *k,
			 int (*set)(struct kernel *k, unsigned long request, void *argument),
			 struct link_refusal *ret_refusal);
void kernel_limits_are_due(struct kernel *k);
/* Is a setpoint within the limits, whether the kernel has them or not? */
int kernel_check_limits(struct kernel *k, unsigned int source, int64_t value,
			struct link_refusal *ret_refusal);

/* kernel_control.c */
extern const struct link_ops kernel_ops;
void kernel_refused(const struct etalon_refusal *said, struct link_refusal *ret_refusal);
void kernel_note_asked(struct link_refusal *refusal, int64_t asked);
int kernel_check_status(const struct etalon_status *s);

/* kernel_events.c */
uint64_t kernel_tick(const struct kernel *k);
int kernel_event_fd(struct link *link);
int kernel_event(struct link *link, struct etalon_hw_usb_event *ret);
/* What ended light: the kernel itself is no cause of hw.h, an owner who does not kick is. */
uint32_t kernel_off_cause(const struct kernel *k, const struct etalon_status *s);

/* kernel_lines.c */
int kernel_aux_direction(struct link *link, uint32_t outputs);
int kernel_aux_set(struct link *link, uint32_t mask, uint32_t values);
int kernel_aux_get(struct link *link, uint32_t *ret_values);
/* Have lines changed since the last call? And where they are, 0 while nobody has asked for them. */
bool kernel_lines_changed(struct kernel *k, uint32_t *ret_values);
void kernel_lines_close(struct kernel *k);

/* kernel_program.c */
int kernel_load(struct link *link, const struct etalon_hw_program *program,
		const struct link_list *lists, unsigned int list_count, struct link_program *ret,
		struct link_refusal *ret_refusal);
int kernel_start(struct link *link, struct link_refusal *ret_refusal);
int kernel_stop(struct link *link);

/* kernel_records.c */
bool kernel_runs_program(const struct kernel *k);
/* Gives back all that is in the ring: of programs that nobody reads any more. */
int kernel_records_drop(struct kernel *k);
/* Records of a program that was just loaded begin here. */
int kernel_records_begin(struct kernel *k, uint32_t stride, uint32_t generation);
int kernel_records(struct link *link, int timeout_ms, size_t max_bytes, const void **ret,
		   size_t *ret_bytes);
int kernel_release(struct link *link, size_t bytes);
void kernel_records_cancel(struct link *link);

#endif
