/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The system calls that the kernel link makes. Layer: link, below kernel*.c. One struct, so that
 * tests can put a kernel of their own in their place. Negative errno everywhere; calls that a signal
 * interrupted are made again.
 */
#ifndef ETALON_LINK_KERNEL_CALLS_H
#define ETALON_LINK_KERNEL_CALLS_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

#include "link/lines.h"

struct link;

struct kernel_calls {
	int (*open)(void *userdata, const char *path, int flags);
	void (*close)(void *userdata, int fd);
	int (*ioctl)(void *userdata, int fd, unsigned long request, void *argument);
	/* Read-only and shared. */
	int (*map)(void *userdata, int fd, uint64_t offset, size_t bytes, const void **ret);
	void (*unmap)(void *userdata, const void *address, size_t bytes);
	int (*poll)(void *userdata, struct pollfd *fds, unsigned int count, int timeout_ms);
	/* Makes an epoll fd readable by what happens to fd (EPOLLHUP always) until fd is closed. */
	int (*watch)(void *userdata, int epoll_fd, int fd, uint32_t events);
	const struct lines_calls *lines; /* auxiliary lines */
	void *userdata;
};

extern const struct kernel_calls kernel_calls_system;

/* As link_open_kernel(), over these calls, which must outlive the link. */
int kernel_open(const struct kernel_calls *calls, const char *path, struct link **ret,
		char **ret_message);

#endif
