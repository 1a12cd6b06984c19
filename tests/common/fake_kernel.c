// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * A kernel driver in this process: its files, its mapping, its poll. See fake_kernel.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "fake_kernel_private.h"
#include "fake_lines.h"

/* ---- files ---- */

struct file *fake_file_of(struct fake_kernel *f, int fd)
{
	for (size_t i = 0; i < FILES_MAX; i++)
		if (f->files[i].fd == fd && fd >= 0)
			return &f->files[i];
	return NULL;
}

struct file *fake_file_for(struct fake_kernel *f, const struct device *d, bool control)
{
	for (size_t i = 0; i < FILES_MAX; i++)
		if (f->files[i].fd >= 0 && f->files[i].device == d &&
		    f->files[i].control == control && !f->files[i].revoked)
			return &f->files[i];
	return NULL;
}

/* ---- open and close ---- */

static int add_file(struct fake_kernel *f, struct device *d, bool control)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	for (size_t i = 0; i < FILES_MAX && fd >= 0; i++) {
		if (f->files[i].fd >= 0)
			continue;
		f->files[i] = (struct file){.fd = fd, .device = d, .control = control};
		return fd;
	}
	return -EMFILE;
}

static int call_open(void *userdata, const char *path, int flags)
{
	struct fake_kernel *f = userdata;
	bool control = (flags & O_ACCMODE) == O_RDWR;
	struct device *d;
	int r;

	pthread_mutex_lock(&f->lock);
	f->opens++;
	d = f->devices;
	while (d && (!d->plugged || !streq(d->path, path)))
		d = d->next;
	if (!d)
		r = -ENOENT;
	else if (fake_file_for(f, d, control) || (control && f->control_is_wanted))
		r = -EBUSY;
	else
		r = add_file(f, d, control);
	pthread_mutex_unlock(&f->lock);
	if (r >= 0 && control)
		fake_device_reset_limits(d);
	return r;
}

static void call_close(void *userdata, int fd)
{
	struct fake_kernel *f = userdata;
	struct file file = {.fd = -1}, *open;

	pthread_mutex_lock(&f->lock);
	open = fake_file_of(f, fd);
	if (open) {
		file = *open;
		open->fd = -1;
	}
	if (file.control && !file.revoked)
		file.device->period_ns = 0;
	pthread_mutex_unlock(&f->lock);
	if (file.fd >= 0 && file.control && !file.revoked)
		file.device->hardware->ops->halt(file.device->hardware);
	close(fd);
}

/* ---- mapping and waiting ---- */

static int call_map(void *userdata, int fd, uint64_t offset, size_t bytes, const void **ret)
{
	struct fake_kernel *f = userdata;
	struct file *file;
	struct device *d;
	void *at;

	pthread_mutex_lock(&f->lock);
	file = fake_file_of(f, fd);
	d = file && !file->control ? file->device : NULL;
	pthread_mutex_unlock(&f->lock);
	if (!d)
		return -EBADF;
	if ((offset == STATUS_OFFSET && bytes != fake_page_bytes()) ||
	    (offset == DATA_OFFSET && bytes != d->data_bytes) ||
	    (offset != STATUS_OFFSET && offset != DATA_OFFSET))
		return -EINVAL;
	at = mmap(NULL, bytes, PROT_READ, MAP_SHARED, d->memory,
		  offset == STATUS_OFFSET ? 0 : (off_t)fake_page_bytes());
	if (at == MAP_FAILED)
		return -errno;
	*ret = at;
	return 0;
}

static void call_unmap(void *userdata, const void *address, size_t bytes)
{
	(void)userdata;
	munmap((void *)(uintptr_t)address, bytes);
}

static short ready(const struct file *file)
{
	struct device *d = file->device;
	short events = 0;

	if (file->revoked || __atomic_load_n(&d->ring->gone, __ATOMIC_ACQUIRE))
		events |= POLLHUP;
	if (!file->control && __atomic_load_n(&d->ring->producer, __ATOMIC_ACQUIRE) > file->want)
		events |= POLLIN;
	return events;
}

static int look_at_fds(struct fake_kernel *f, struct pollfd *fds, unsigned int count)
{
	int found = 0;

	for (unsigned int i = 0; i < count; i++) {
		struct file *file;

		pthread_mutex_lock(&f->lock);
		file = fake_file_of(f, fds[i].fd);
		fds[i].revents = file ? ready(file) & (fds[i].events | POLLHUP) : 0;
		pthread_mutex_unlock(&f->lock);
		if (!file)
			poll(&fds[i], 1, 0);
		found += fds[i].revents != 0;
	}
	return found;
}

static int call_poll(void *userdata, struct pollfd *fds, unsigned int count, int timeout_ms)
{
	const struct timespec pause = {.tv_nsec = 200000};
	uint64_t until = now_ns() + (uint64_t)MAX(timeout_ms, 0) * NSEC_PER_MSEC;
	int found;

	while ((found = look_at_fds(userdata, fds, count)) == 0 && now_ns() < until)
		nanosleep(&pause, NULL);
	return found;
}

static int call_watch(void *userdata, int epoll_fd, int fd, uint32_t events)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	(void)userdata;
	(void)events;
	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

const struct kernel_calls *fake_kernel_calls(struct fake_kernel *f)
{
	f->calls = (struct kernel_calls){
		.open = call_open,
		.close = call_close,
		.ioctl = fake_ioctl,
		.map = call_map,
		.unmap = call_unmap,
		.poll = call_poll,
		.watch = call_watch,
		.lines = &fake_lines_calls,
		.userdata = f,
	};
	return &f->calls;
}

int fake_kernel_open(void *userdata, struct link **ret, char **ret_message)
{
	return kernel_open(fake_kernel_calls(userdata), FAKE_KERNEL_PATH, ret, ret_message);
}

/* ---- what a test does and asks ---- */

void fake_kernel_revoke(struct fake_kernel *f, bool reset)
{
	if (reset)
		f->device->epoch = ++f->epochs;
	fake_device_revoke(f, f->device);
}

void fake_kernel_take_control(struct fake_kernel *f)
{
	pthread_mutex_lock(&f->lock);
	f->control_is_wanted = true;
	pthread_mutex_unlock(&f->lock);
}

void fake_kernel_give_back(struct fake_kernel *f)
{
	pthread_mutex_lock(&f->lock);
	f->control_is_wanted = false;
	pthread_mutex_unlock(&f->lock);
}

unsigned int fake_kernel_count(struct fake_kernel *f, unsigned long request)
{
	unsigned int count;

	pthread_mutex_lock(&f->lock);
	count = f->counts[request & (FAKE_KERNEL_IOCTLS - 1)];
	pthread_mutex_unlock(&f->lock);
	return count;
}

unsigned int fake_kernel_costly(struct fake_kernel *f)
{
	static const unsigned long free_of_charge[] = {
		ETALON_IOC_KICK, ETALON_IOC_STATUS, ETALON_IOC_WANT,	   ETALON_IOC_RELEASE,
		ETALON_IOC_INFO, ETALON_IOC_UPLOAD, ETALON_IOC_DESCRIPTION};
	unsigned int all = 0;

	for (unsigned int i = 0; i < FAKE_KERNEL_IOCTLS; i++)
		all += fake_kernel_count(f, i);
	for (size_t i = 0; i < ARRAY_SIZE(free_of_charge); i++)
		all -= fake_kernel_count(f, free_of_charge[i]);
	return all;
}

uint64_t fake_kernel_consumer(struct fake_kernel *f)
{
	return __atomic_load_n(&f->device->ring->consumer, __ATOMIC_ACQUIRE);
}

uint64_t fake_kernel_producer(struct fake_kernel *f)
{
	return __atomic_load_n(&f->device->ring->producer, __ATOMIC_ACQUIRE);
}

unsigned int fake_kernel_opens(struct fake_kernel *f)
{
	unsigned int opens;

	pthread_mutex_lock(&f->lock);
	opens = f->opens;
	pthread_mutex_unlock(&f->lock);
	return opens;
}

unsigned int fake_kernel_open_fds(struct fake_kernel *f)
{
	unsigned int count = 0;

	pthread_mutex_lock(&f->lock);
	for (size_t i = 0; i < FILES_MAX; i++)
		count += f->files[i].fd >= 0;
	pthread_mutex_unlock(&f->lock);
	return count;
}

void fake_kernel_put(struct fake_kernel *f, const void *record, size_t bytes)
{
	if (bytes != f->device->ring->stride || !fake_device_put(f->device, record))
		abort();
}

void fake_kernel_at_load(struct fake_kernel *f, void (*hook)(void *userdata), void *userdata)
{
	f->at_load = hook;
	f->at_load_userdata = userdata;
}
