// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Calls on the control fd, and what follows when the kernel has revoked it: after its dead-man
 * period, a suspend or a reset. Light is off then; the fd is opened anew and gets its limits back, and the call
 * that met the revocation is void.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>

#include "base/util.h"
#include "link/kernel_private.h"

int kernel_lost(struct kernel *k)
{
	atomic_store(&k->lost, true);
	eventfd_write(k->lost_fd, 1);
	return -ENODEV;
}

int kernel_errno(struct kernel *k, int error)
{
	switch (error) {
	case -ENODEV:
	case -ENXIO:
		return kernel_lost(k);
	case -ENOTTY:
	case -E2BIG:
	case -EFAULT:
	case -EBADF:
		return -EPROTO; /* module and daemon do not understand each other */
	default:
		return error;
	}
}

static int direct(struct kernel *k, unsigned long request, void *argument)
{
	return k->calls->ioctl(k->calls->userdata, k->control_fd, request, argument);
}

/* Is what was opened anew what was open before? Another board may have got its number. */
static int check_same(struct kernel *k)
{
	_cleanup_free_ void *window = NULL;
	struct etalon_info info;
	int r = kernel_read_info(k, k->control_fd, &info);

	if (r < 0)
		return r;
	/* After a reset nothing of what the daemon believes of the board is true. */
	if (info.epoch != k->info.epoch || info.description_size != k->info.description_size)
		return -ENODEV;
	r = kernel_read_description(k, k->control_fd, &info, &window);
	if (r < 0)
		return r;
	return memcmp(window, k->description->raw, info.description_size) == 0 ? 0 : -ENODEV;
}

static int open_anew(struct kernel *k)
{
	const struct kernel_calls *c = k->calls;
	int r;

	c->close(c->userdata, k->control_fd);
	k->control_fd = -1;
	r = c->open(c->userdata, k->path, O_RDWR | O_CLOEXEC);
	if (r < 0)
		return r;
	k->control_fd = r;
	r = check_same(k);
	if (r < 0)
		return r;
	kernel_limits_are_due(k);
	r = kernel_settle_limits(k, direct, NULL);
	if (r < 0 && r != -EBUSY) /* tripped: they follow the CLEAR */
		return r;
	return c->watch(c->userdata, k->event_fd, k->control_fd, 0);
}

/* `seen`: revocations when the caller met this one; another thread may have been faster. */
static int replace(struct kernel *k, unsigned int seen)
{
	int r = 0;

	pthread_rwlock_wrlock(&k->control_lock);
	if (k->revocations == seen && !atomic_load(&k->lost)) {
		k->revocations++;
		r = open_anew(k);
		atomic_store(&k->revoked_dark, true);
	}
	/* Somebody else has it now, or it is another board: it is not ours any more. */
	if (r < 0)
		kernel_lost(k);
	r = atomic_load(&k->lost) ? -ENODEV : 0;
	pthread_rwlock_unlock(&k->control_lock);
	return r;
}

int kernel_control_ioctl(struct kernel *k, unsigned long request, void *argument)
{
	unsigned int seen;
	int r;

	pthread_rwlock_rdlock(&k->control_lock);
	seen = k->revocations;
	r = atomic_load(&k->lost) ? -ENODEV : direct(k, request, argument);
	pthread_rwlock_unlock(&k->control_lock);
	if (r != -ESTALE)
		return r < 0 ? kernel_errno(k, r) : 0;
	r = replace(k, seen);
	return r < 0 ? r : -ECANCELED;
}

int kernel_look_after_control(struct kernel *k)
{
	struct pollfd p = {.events = 0};
	unsigned int seen;
	int r;

	pthread_rwlock_rdlock(&k->control_lock);
	seen = k->revocations;
	p.fd = k->control_fd;
	r = atomic_load(&k->lost) ? -ENODEV : k->calls->poll(k->calls->userdata, &p, 1, 0);
	pthread_rwlock_unlock(&k->control_lock);
	if (r <= 0)
		return r == -EINTR ? 0 : r;
	return replace(k, seen);
}
