// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Records of the kernel link: pointers into the mapped ring, no copy, no call while records are
 * there. They stay in the ring until they are released. What they say is for measure/ledger.c.
 */
#include <errno.h>
#include <sys/eventfd.h>

#include "base/util.h"
#include "link/kernel_private.h"

/* The kernel writes it while we look: the records before it are whole. */
static uint64_t producer(const struct kernel *k)
{
	return __atomic_load_n(&k->ring->producer, __ATOMIC_ACQUIRE);
}

static bool is_gone(const struct kernel *k)
{
	return __atomic_load_n(&k->ring->gone, __ATOMIC_ACQUIRE) != 0;
}

static int release_up_to(struct kernel *k, uint64_t sequence)
{
	struct etalon_sequence s = {.size = sizeof(s), .sequence = sequence};
	int r;

	if (sequence == k->records.consumer)
		return 0;
	r = kernel_capture_ioctl(k, ETALON_IOC_RELEASE, &s);
	/* Of a board that is gone, what is in the ring can still be read: that is for records() to tell. */
	if (r < 0 && r != -ENODEV)
		return kernel_errno(k, r);
	k->records.consumer = sequence;
	return 0;
}

int kernel_records_drop(struct kernel *k)
{
	uint32_t sequencer = __atomic_load_n(&k->ring->sequencer, __ATOMIC_ACQUIRE);

	/* Of a program that runs somebody may want them: LOAD is refused then. */
	if (sequencer == ETALON_HW_SEQUENCER_RUNNING || sequencer == ETALON_HW_SEQUENCER_WAITING)
		return 0;
	return release_up_to(k, producer(k));
}

int kernel_records_begin(struct kernel *k, uint32_t stride)
{
	struct kernel_records *r = &k->records;
	uint64_t modulus = k->ring->data_modulus;

	if (k->ring->stride != stride || modulus == 0 || modulus % stride != 0 ||
	    modulus > k->info.data_bytes)
		return -EPROTO;
	r->stride = stride;
	r->modulus = modulus;
	r->next = r->consumer = k->ring->consumer;
	return 0;
}

/* Whole records from `next` to where the ring wraps. */
static int at_hand(const struct kernel *k, const void **ret, size_t *ret_bytes)
{
	const struct kernel_records *r = &k->records;
	uint64_t room = r->modulus / r->stride;
	uint64_t slot = r->next % room, there = producer(k);

	if (there < r->next || there - r->consumer > room)
		return -EPROTO; /* it would have overwritten what is still needed */
	*ret = k->data + slot * r->stride;
	*ret_bytes = MIN(there - r->next, room - slot) * r->stride;
	return 0;
}

static int remaining_ms(uint64_t deadline_ns)
{
	uint64_t now = now_ns();

	if (deadline_ns <= now)
		return 0;
	return (int)MIN((deadline_ns - now + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC, 1000000000U);
}

/* The board is gone and `producer` final. */
static int last_look(const struct kernel *k)
{
	return producer(k) > k->records.next ? 0 : -ENODEV;
}

/* Until there is a record after `next`, the deadline (-EAGAIN), or a cancel. */
static int wait_for_more(struct kernel *k, uint64_t deadline_ns)
{
	struct etalon_sequence want = {.size = sizeof(want), .sequence = k->records.next};
	struct pollfd fds[] = {{.fd = k->capture_fd, .events = POLLIN},
			       {.fd = k->cancel_fd, .events = POLLIN}};
	eventfd_t tokens;
	int r;

	if (is_gone(k))
		return last_look(k);
	r = kernel_capture_ioctl(k, ETALON_IOC_WANT, &want);
	if (r == 0)
		r = k->calls->poll(k->calls->userdata, fds, ARRAY_SIZE(fds),
				   remaining_ms(deadline_ns));
	if (r == -ENODEV)
		return last_look(k);
	if (r < 0)
		return r == -EINTR ? 0 : kernel_errno(k, r);
	if (fds[0].revents & POLLIN)
		return 0;
	if (fds[0].revents)
		return last_look(k);
	if (fds[1].revents && eventfd_read(k->cancel_fd, &tokens) == 0)
		return -ECANCELED;
	if (now_ns() < deadline_ns)
		return 0;
	/* Nobody will tell that board of anything any more. */
	return atomic_load(&k->lost) ? -ENODEV : -EAGAIN;
}

int kernel_records(struct link *link, int timeout_ms, size_t max_bytes, const void **ret,
		   size_t *ret_bytes)
{
	struct kernel *k = kernel_of(link);
	struct kernel_records *r = &k->records;
	uint64_t deadline_ns = now_ns() + (uint64_t)MAX(timeout_ms, 0) * NSEC_PER_MSEC;
	const void *at;
	size_t bytes;
	int error;

	if (r->stride == 0 || max_bytes < r->stride)
		return -EINVAL;
	for (;;) {
		error = at_hand(k, &at, &bytes);
		if (error < 0)
			return error;
		if (bytes > 0)
			break;
		if ((r->next - r->consumer) * r->stride >= r->modulus)
			return -ENOBUFS;
		error = wait_for_more(k, deadline_ns);
		if (error < 0)
			return error;
	}
	bytes = MIN(bytes, max_bytes / r->stride * r->stride);
	r->next += bytes / r->stride;
	*ret = at;
	*ret_bytes = bytes;
	return 0;
}

int kernel_release(struct link *link, size_t bytes)
{
	struct kernel *k = kernel_of(link);
	struct kernel_records *r = &k->records;

	if (r->stride == 0)
		return bytes == 0 ? 0 : -EINVAL;
	if (bytes % r->stride != 0 || bytes / r->stride > r->next - r->consumer)
		return -EINVAL;
	return release_up_to(k, r->consumer + bytes / r->stride);
}

void kernel_records_cancel(struct link *link)
{
	eventfd_write(kernel_of(link)->cancel_fd, 1);
}
