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

bool kernel_runs_program(const struct kernel *k)
{
	uint32_t sequencer = __atomic_load_n(&k->ring->sequencer, __ATOMIC_ACQUIRE);

	return sequencer == ETALON_HW_SEQUENCER_RUNNING || sequencer == ETALON_HW_SEQUENCER_WAITING;
}

int kernel_records_drop(struct kernel *k)
{
	struct kernel_records *r = &k->records;

	/* Of a program that runs somebody may want them: LOAD is refused then. */
	if (kernel_runs_program(k))
		return 0;
	r->next = producer(k);
	r->returned = r->skipped = 0;
	return release_up_to(k, r->next);
}

int kernel_records_begin(struct kernel *k, uint32_t stride, uint32_t generation)
{
	uint64_t modulus = k->ring->data_modulus;

	if (k->ring->stride != stride || modulus == 0 || modulus % stride != 0 ||
	    modulus > k->info.data_bytes)
		return -EPROTO;
	k->records = (struct kernel_records){
		.stride = stride,
		.generation = generation,
		.places = modulus / stride,
		.next = k->ring->consumer,
		.consumer = k->ring->consumer,
	};
	return 0;
}

/* ---- numbers without a record ---- */

static const char *place(const struct kernel *k, uint64_t sequence)
{
	return k->data + sequence % k->records.places * k->records.stride;
}

/*
 * Number of the record that lies at this number's place; UINT64_MAX: none of this program. A number that
 * was lost leaves there what was there before.
 */
static uint64_t number_at(const struct kernel *k, uint64_t sequence)
{
	struct etalon_hw_record head;

	memcpy(&head, place(k, sequence), sizeof(head));
	return head.magic == ETALON_HW_RECORD_MAGIC && head.generation == k->records.generation
		       ? head.sequence
		       : UINT64_MAX;
}

/* First number from `from` on that a record has, at most `there`. Looks at each place once at the most. */
static uint64_t skip_lost(const struct kernel *k, uint64_t from, uint64_t there)
{
	uint64_t looked = MIN(there - from, k->records.places), found = there;

	for (uint64_t s = from; s < from + looked; s++) {
		uint64_t number = number_at(k, s);

		if (number == s)
			return s;
		/* After a gap longer than the ring a number comes round to an earlier place. */
		if (number > s && number < found &&
		    number % k->records.places == s % k->records.places)
			found = number;
	}
	return found;
}

/* The number after `count` records from `from` on. */
static uint64_t step_over(const struct kernel *k, uint64_t from, uint64_t count, uint64_t there)
{
	while (count-- > 0)
		from = skip_lost(k, from, there) + 1;
	return from;
}

/* Records that lie in one piece from `next` on, at most `count_max`. */
static int at_hand(struct kernel *k, uint64_t count_max, uint64_t *ret_count)
{
	struct kernel_records *r = &k->records;
	uint64_t there = producer(k), first, count = 0;

	if (there < r->next)
		return -EPROTO;
	first = skip_lost(k, r->next, there);
	r->skipped += first - r->next;
	r->next = first;
	count_max = MIN(count_max, r->places - first % r->places);
	while (count < count_max && first + count < there &&
	       number_at(k, first + count) == first + count)
		count++;
	*ret_count = count;
	return 0;
}

/* ---- waiting ---- */

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
	uint64_t count;
	int error;

	if (r->stride == 0 || max_bytes < r->stride)
		return -EINVAL;
	for (;;) {
		error = at_hand(k, max_bytes / r->stride, &count);
		if (error < 0)
			return error;
		if (count > 0)
			break;
		if (r->returned > 0 && r->next - r->consumer >= r->places)
			return -ENOBUFS;
		error = wait_for_more(k, deadline_ns);
		if (error < 0)
			return error;
	}
	*ret = place(k, r->next);
	*ret_bytes = count * r->stride;
	r->next += count;
	r->returned += count;
	return 0;
}

int kernel_release(struct link *link, size_t bytes)
{
	struct kernel *k = kernel_of(link);
	struct kernel_records *r = &k->records;
	uint64_t count, to;

	if (bytes == 0)
		return 0;
	if (r->stride == 0 || bytes % r->stride != 0 || bytes / r->stride > r->returned)
		return -EINVAL;
	count = bytes / r->stride;
	if (count == r->returned)
		to = r->next;
	else
		to = r->skipped ? step_over(k, r->consumer, count, r->next) : r->consumer + count;
	r->skipped -= to - r->consumer - count;
	r->returned -= count;
	return release_up_to(k, to);
}

void kernel_records_cancel(struct link *link)
{
	eventfd_write(kernel_of(link)->cancel_fd, 1);
}
