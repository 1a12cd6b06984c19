// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The kernel link: a board behind /dev/etalonN. Here: opening and closing it. A control fd and a
 * capture fd; the ring of records is mapped and never copied. What the kernel keeps is kmod/uapi/etalon.h's.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "base/util.h"
#include "link/kernel_private.h"

#define DESCRIPTION_MAX (ETALON_REG_SPACE - ETALON_REG_DESCRIPTION)

void kernel_close(struct link *link)
{
	struct kernel *k = kernel_of(link);
	void *userdata = k->calls->userdata;

	if (k->control_fd >= 0) /* first: when this returns, the board is dark */
		k->calls->close(userdata, k->control_fd);
	kernel_lines_close(k);
	if (k->data)
		k->calls->unmap(userdata, k->data, k->info.data_bytes);
	if (k->ring)
		k->calls->unmap(userdata, k->ring, (size_t)sysconf(_SC_PAGESIZE));
	if (k->capture_fd >= 0)
		k->calls->close(userdata, k->capture_fd);
	closep(&k->event_fd);
	closep(&k->lost_fd);
	closep(&k->cancel_fd);
	description_free(k->description);
	pthread_mutex_destroy(&k->lines_lock);
	pthread_mutex_destroy(&k->limits_lock);
	pthread_rwlock_destroy(&k->control_lock);
	free(k->path);
	free(k);
}

static int open_message(const char *path, int error, char **ret_message)
{
	switch (error) {
	case -ENOENT:
	case -ENXIO:
	case -ENODEV:
		return fail(ret_message, -ENODEV,
			    "there is no board at %s (any more): check its cable and power", path);
	case -EBUSY:
		return fail(ret_message, error,
			    "the board at %s is in use by another program: stop that", path);
	case -EACCES:
	case -EPERM:
		return fail(ret_message, -EACCES,
			    "no permission to use %s: it is etalond's (user _etalond); everybody "
			    "else asks etalond, for instance with etalonctl",
			    path);
	default:
		return fail(ret_message, error, "can not open the board at %s: %s", path,
			    strerror(-error));
	}
}

static int stranger_message(const char *path, int error, char **ret_message)
{
	if (error == -ENODEV)
		return open_message(path, error, ret_message);
	return fail(ret_message, -EPROTO,
		    "%s does not speak as the etalon driver of this version does (%s): check the "
		    "path, or install driver and etalond of one version",
		    path, strerror(-error));
}

int kernel_read_info(struct kernel *k, int fd, struct etalon_info *ret)
{
	struct etalon_info info = {.size = sizeof(info)};
	int r = k->calls->ioctl(k->calls->userdata, fd, ETALON_IOC_INFO, &info);

	if (r < 0)
		return r;
	*ret = info;
	return 0;
}

int kernel_read_description(struct kernel *k, int fd, const struct etalon_info *info, void **ret)
{
	_cleanup_free_ void *buffer = NULL;
	struct etalon_description d = {.size = sizeof(d), .capacity = info->description_size};
	int r;

	if (info->description_size == 0 || info->description_size > DESCRIPTION_MAX)
		return -EPROTO;
	buffer = calloc(1, info->description_size);
	if (!buffer)
		return -ENOMEM;
	d.buffer = (uintptr_t)buffer;
	r = k->calls->ioctl(k->calls->userdata, fd, ETALON_IOC_DESCRIPTION, &d);
	if (r < 0)
		return r;
	*ret = take_ptr(buffer);
	return 0;
}

/* Who the board is, and the one look at its clock. */
static int get_acquainted(struct kernel *k, char **ret_message)
{
	_cleanup_free_ void *window = NULL;
	int r;

	r = kernel_read_info(k, k->control_fd, &k->info);
	if (r == 0)
		r = kernel_read_description(k, k->control_fd, &k->info, &window);
	k->clock = (struct etalon_clock){.size = sizeof(k->clock)};
	if (r == 0)
		r = k->calls->ioctl(k->calls->userdata, k->control_fd, ETALON_IOC_CLOCK, &k->clock);
	if (r < 0)
		return stranger_message(k->path, r, ret_message);
	return description_parse(window, k->info.description_size, &k->description, ret_message);
}

static int map_ring(struct kernel *k)
{
	const struct kernel_calls *c = k->calls;
	const void *ring, *data;
	int r;

	if (!(k->info.features & ETALON_FEATURE_MMAP))
		return -EOPNOTSUPP;
	if (k->info.data_bytes < ETALON_HW_STRIDE_MIN || k->info.data_bytes > SIZE_MAX / 2)
		return -EPROTO;
	r = c->map(c->userdata, k->capture_fd, k->info.status_offset, (size_t)sysconf(_SC_PAGESIZE),
		   &ring);
	if (r < 0)
		return r;
	k->ring = ring;
	if (k->ring->magic != ETALON_RING_STATUS_MAGIC || k->ring->size < sizeof(*k->ring))
		return -EPROTO;
	r = c->map(c->userdata, k->capture_fd, k->info.data_offset, k->info.data_bytes, &data);
	if (r == 0)
		k->data = data;
	return r;
}

static int open_capture(struct kernel *k, char **ret_message)
{
	const struct kernel_calls *c = k->calls;
	int r = c->open(c->userdata, k->path, O_RDONLY | O_CLOEXEC);

	if (r < 0)
		return open_message(k->path, r, ret_message);
	k->capture_fd = r;
	r = map_ring(k);
	if (r < 0)
		return fail(ret_message, r, "can not map the records of the board at %s: %s",
			    k->path, strerror(-r));
	return 0;
}

static int watch(struct kernel *k)
{
	const struct kernel_calls *c = k->calls;
	struct epoll_event lost = {.events = EPOLLIN};
	int r;

	k->event_fd = epoll_create1(EPOLL_CLOEXEC);
	k->lost_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	k->cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (k->event_fd < 0 || k->lost_fd < 0 || k->cancel_fd < 0)
		return -errno;
	if (epoll_ctl(k->event_fd, EPOLL_CTL_ADD, k->lost_fd, &lost) < 0)
		return -errno;
	r = c->watch(c->userdata, k->event_fd, k->capture_fd, EPOLLPRI);
	if (r == 0)
		r = c->watch(c->userdata, k->event_fd, k->control_fd, 0);
	return r;
}

static int open_both(struct kernel *k, char **ret_message)
{
	const struct kernel_calls *c = k->calls;
	int r = c->open(c->userdata, k->path, O_RDWR | O_CLOEXEC);

	if (r < 0)
		return open_message(k->path, r, ret_message);
	k->control_fd = r;
	r = get_acquainted(k, ret_message);
	if (r == 0)
		r = open_capture(k, ret_message);
	return r < 0 ? r : watch(k);
}

static struct kernel *kernel_new(const struct kernel_calls *calls, const char *path)
{
	struct kernel *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->link.ops = &kernel_ops;
	k->link.holds_records = true;
	k->calls = calls;
	k->control_fd = k->capture_fd = k->event_fd = k->lost_fd = k->cancel_fd = -1;
	pthread_rwlock_init(&k->control_lock, NULL);
	pthread_mutex_init(&k->limits_lock, NULL);
	pthread_mutex_init(&k->lines_lock, NULL);
	k->path = strdup(path);
	return k;
}

int kernel_open(const struct kernel_calls *calls, const char *path, struct link **ret,
		char **ret_message)
{
	struct kernel *k = kernel_new(calls, path);
	int r;

	if (!k)
		return -ENOMEM;
	r = k->path ? open_both(k, ret_message) : -ENOMEM;
	if (r < 0) {
		kernel_close(&k->link);
		return r;
	}
	k->link.description = k->description;
	*ret = &k->link;
	return 0;
}

int link_open_kernel(const char *path, struct link **ret, char **ret_message)
{
	return kernel_open(&kernel_calls_system, path, ret, ret_message);
}
