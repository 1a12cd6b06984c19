// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The kernel link's system calls as the system makes them. See kernel_calls.h.
 */
#include "link/kernel_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/util.h"

static int system_open(_unused_ void *userdata, const char *path, int flags)
{
	int fd;

	do
		fd = open(path, flags);
	while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : fd;
}

static void system_close(_unused_ void *userdata, int fd)
{
	close(fd);
}

static int system_ioctl(_unused_ void *userdata, int fd, unsigned long request, void *argument)
{
	int r;

	do
		r = ioctl(fd, request, argument);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}

static int system_map(_unused_ void *userdata, int fd, uint64_t offset, size_t bytes,
		      const void **ret)
{
	void *address = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, (off_t)offset);

	if (address == MAP_FAILED)
		return -errno;
	*ret = address;
	return 0;
}

static void system_unmap(_unused_ void *userdata, const void *address, size_t bytes)
{
	munmap((void *)(uintptr_t)address, bytes);
}

static int system_poll(_unused_ void *userdata, struct pollfd *fds, unsigned int count,
		       int timeout_ms)
{
	int r = poll(fds, count, timeout_ms);

	return r < 0 ? -errno : r;
}

static int system_watch(_unused_ void *userdata, int epoll_fd, int fd, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.fd = fd};

	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

const struct kernel_calls kernel_calls_system = {
	.open = system_open,
	.close = system_close,
	.ioctl = system_ioctl,
	.map = system_map,
	.unmap = system_unmap,
	.poll = system_poll,
	.watch = system_watch,
	.lines = &lines_calls_system,
};
