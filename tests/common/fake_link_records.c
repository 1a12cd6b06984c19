// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Programs of the scripted link, and their records: all at once, or half of them and the rest on a stop. See
 * fake_link.h.
 */
#include <stdlib.h>
#include <time.h>

#include "fake_link_private.h"

int fake_link_load(struct link *link, const struct etalon_hw_program *program,
		   const struct link_list *lists, unsigned int list_count, struct link_program *ret,
		   struct link_refusal *ret_refusal)
{
	struct fake_link *f = fake_link_of(link);
	int r;

	(void)lists;
	(void)list_count;
	fake_link_lock(f);
	r = fake_link_scripted(f, "load", ret_refusal);
	fake_link_note(f, "load;");
	f->program = *program;
	fake_run_begin(&f->run, link->description, program, f->sequence);
	*ret = (struct link_program){
		.duration_ns = 1000000,
		.points = f->run.points,
		.stride = f->run.stride,
		.crc = crc32c(0, program, sizeof(*program)),
	};
	fake_link_unlock(f);
	return r;
}

static void lie(struct fake_link *f, char *records, size_t size)
{
	struct etalon_hw_record *last = (void *)(records + size - f->run.stride);

	if (f->end_lies && last->type == ETALON_HW_RECORD_END)
		((struct etalon_hw_record_end *)last)->produced++;
}

/* All records at once; when they are held, half the points and the rest only on a stop. */
static void make_records(struct fake_link *f)
{
	size_t room = (f->run.points + 16) * f->run.stride, n;

	free(f->records);
	f->records = calloc(1, room);
	f->records_at = f->records_size = 0;
	if (f->program.gate != ETALON_HW_GATE_SHUT && f->hold_records)
		f->run.stop_after = f->run.points / 2;
	while ((n = fake_records(&f->run, f->records + f->records_size, room - f->records_size)) >
	       0)
		f->records_size += n;
	lie(f, f->records, f->records_size);
	f->sequence = f->run.sequence;
}

int fake_link_start(struct link *link, struct link_refusal *ret)
{
	struct fake_link *f = fake_link_of(link);
	int r;

	fake_link_lock(f);
	r = fake_link_scripted(f, "start", ret);
	fake_link_note(f, "start;");
	if (r == 0 && (f->program.flags & ETALON_HW_PROGRAM_NEEDS_EMISSION) &&
	    f->status.state != ETALON_HW_STATE_EMITTING) {
		*ret = (struct link_refusal){.result = ETALON_HW_REFUSED_EMISSION};
		r = -EACCES;
	}
	if (r == 0) {
		f->stop_program = false;
		f->program_has_gate = f->program.gate == ETALON_HW_GATE_OPEN;
		if (f->program_has_gate)
			fake_link_set_gate(f, true);
		make_records(f);
	}
	fake_link_unlock(f);
	return r;
}

int fake_link_stop(struct link *link)
{
	struct fake_link *f = fake_link_of(link);
	int r;

	fake_link_lock(f);
	r = fake_link_scripted(f, "stop", NULL);
	fake_link_note(f, "stop;");
	fake_link_end_program(f);
	fake_link_unlock(f);
	return r;
}

/* The END record of a program that is held comes when it is stopped. */
static bool may_give(const struct fake_link *f)
{
	size_t end = f->records_size;

	if (f->run.stop_after != UINT64_MAX && !f->stop_program && end > 0)
		end -= f->run.stride;
	return f->records_at < end;
}

int fake_link_records(struct link *link, int timeout_ms, size_t max_bytes, const void **ret,
		      size_t *ret_bytes)
{
	struct fake_link *f = fake_link_of(link);
	struct timespec until;
	int r = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += timeout_ms / 1000;
	until.tv_nsec += timeout_ms % 1000 * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000L;
	}
	fake_link_lock(f);
	while (r == 0 && !f->gone && !f->cancelled && !may_give(f))
		r = pthread_cond_timedwait(&f->changed, &f->lock, &until);
	if (f->gone)
		r = -ENODEV;
	else if (f->cancelled)
		r = -ECANCELED;
	else if (!may_give(f))
		r = -EAGAIN;
	else
		r = 0;
	f->cancelled = false;
	if (r == 0) {
		size_t end = f->records_size;

		if (f->run.stop_after != UINT64_MAX && !f->stop_program)
			end -= f->run.stride;
		*ret = f->records + f->records_at;
		*ret_bytes = MIN(max_bytes, end - f->records_at) / f->run.stride * f->run.stride;
		f->records_at += *ret_bytes;
		if (f->records_at == f->records_size)
			fake_link_end_program(f);
	}
	fake_link_unlock(f);
	return r;
}

int fake_link_release(struct link *link, size_t bytes)
{
	(void)link;
	(void)bytes;
	return 0;
}

void fake_link_records_cancel(struct link *link)
{
	struct fake_link *f = fake_link_of(link);

	fake_link_lock(f);
	f->cancelled = true;
	fake_link_unlock(f);
}
