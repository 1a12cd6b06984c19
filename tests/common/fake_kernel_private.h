/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Inside the fake kernel: its boards and its open files. Private to fake_kernel*.c.
 */
#ifndef ETALON_TESTS_FAKE_KERNEL_PRIVATE_H
#define ETALON_TESTS_FAKE_KERNEL_PRIVATE_H

#include <pthread.h>
#include <unistd.h>

#include "fake_kernel.h"
#include "uapi/etalon.h"

#define FILES_MAX 16
#define STATUS_OFFSET 0
#define DATA_OFFSET 0x100000

struct device {
	struct device *next;
	char path[32];
	bool plugged; /* under the kernel's lock */
	struct link *hardware;
	uint64_t epoch;
	pthread_mutex_t acting; /* a revocation and the darkness that comes with it are one */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t records_thread, events_thread;
	bool stop, gone, loaded, pausing; /* under lock */
	pthread_mutex_t hardware_records; /* whose turn it is on the hardware's records group */
	struct link_status status; /* under lock, as last told */
	uint64_t events;
	uint64_t kicked_ns, period_ns; /* under lock; period 0: not armed */
	struct etalon_hw_program program;
	bool have_program;
	int64_t *list[ETALON_HW_LISTS_MAX];
	uint32_t list_points[ETALON_HW_LISTS_MAX];
	bool limits_written[ETALON_HW_SOURCES_MAX];
	bool limits_stale; /* of an earlier control fd */
	int memory; /* memfd: status page, then the ring */
	struct etalon_ring_status *ring;
	unsigned char *data;
	size_t data_bytes;
};

/* An open file: its fd is an eventfd, readable while poll would say EPOLLHUP (or EPOLLPRI). */
struct file {
	int fd; /* -1: free */
	struct device *device;
	bool control, revoked;
	uint64_t want, events_seen;
};

struct fake_kernel {
	struct kernel_calls calls;
	pthread_mutex_t lock;
	struct device *device; /* the last one that was plugged in: what a test asks about */
	struct device *devices; /* all there ever were */
	struct file files[FILES_MAX];
	uint64_t epochs;
	size_t ring_bytes;
	bool control_is_wanted; /* by another program */
	unsigned int opens, counts[FAKE_KERNEL_IOCTLS];
	void (*at_load)(void *userdata); /* may be NULL */
	void *at_load_userdata;
};

static inline size_t fake_page_bytes(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

/* fake_kernel.c; with f->lock held */
struct file *fake_file_of(struct fake_kernel *f, int fd);
struct file *fake_file_for(struct fake_kernel *f, const struct device *d, bool control);

/* fake_kernel_device.c */
/* Asks the hardware for its state; what changed is an event. */
void fake_device_look(struct fake_kernel *f, struct device *d);
/* Light off, control fd revoked. */
void fake_device_revoke(struct fake_kernel *f, struct device *d);
/* The next holder begins with the hard limits, none of them written. */
int fake_device_reset_limits(struct device *d);
/* A record at its place; waits for room as the board does; false: nobody waits any more. */
bool fake_device_put(struct device *d, const char *record);

/* fake_kernel_ioctl.c */
int fake_ioctl(void *userdata, int fd, unsigned long request, void *argument);

#endif
