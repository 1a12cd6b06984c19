// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The test's side of the scripted link: what shall happen to the board, and what it has seen. See fake_link.h.
 */
#include <stdio.h>

#include "fake_link_private.h"

#define WAIT_S 10

void fake_link_refuse(struct fake_link *f, const char *call, struct link_refusal refusal)
{
	fake_link_lock(f);
	f->refuse = call;
	f->refusal = refusal;
	fake_link_unlock(f);
}

void fake_link_break(struct fake_link *f, const char *call, int error)
{
	fake_link_lock(f);
	f->break_call = call;
	f->break_error = error;
	fake_link_unlock(f);
}

void fake_link_cause(struct fake_link *f, uint32_t cause)
{
	fake_link_lock(f);
	f->status.causes_live |= cause;
	if (fake_link_is_lit(f)) {
		f->status.causes_latched |= cause;
		fake_link_end_light(f, ETALON_HW_STATE_TRIPPED, cause);
	} else {
		fake_link_tell(f);
	}
	fake_link_unlock(f);
}

void fake_link_cause_ends(struct fake_link *f, uint32_t cause)
{
	fake_link_lock(f);
	f->status.causes_live &= ~cause;
	fake_link_tell(f);
	fake_link_unlock(f);
}

void fake_link_trip(struct fake_link *f, uint32_t cause)
{
	fake_link_lock(f);
	f->status.causes_latched |= cause;
	fake_link_end_light(f, ETALON_HW_STATE_TRIPPED, cause);
	fake_link_unlock(f);
}

void fake_link_delay_over(struct fake_link *f)
{
	fake_link_lock(f);
	if (f->status.state == ETALON_HW_STATE_DELAY) {
		f->status.state = ETALON_HW_STATE_EMITTING;
		fake_link_tell(f);
	}
	fake_link_unlock(f);
}

void fake_link_unplug(struct fake_link *f)
{
	fake_link_lock(f);
	f->gone = f->absent = true;
	f->event_count = 0;
	fake_link_tell(f);
	f->event_count = 0;
	fake_link_unlock(f);
}

void fake_link_plug(struct fake_link *f)
{
	fake_link_lock(f);
	f->gone = f->absent = false;
	fake_link_unlock(f);
}

static void deadline(struct timespec *until)
{
	clock_gettime(CLOCK_REALTIME, until);
	until->tv_sec += WAIT_S;
}

bool fake_link_has_seen(struct fake_link *f, const char *text)
{
	bool seen;

	fake_link_lock(f);
	seen = strstr(f->log, text) != NULL;
	fake_link_unlock(f);
	return seen;
}

bool fake_link_saw(struct fake_link *f, const char *text)
{
	struct timespec until;
	bool seen;

	deadline(&until);
	fake_link_lock(f);
	while (!strstr(f->log, text) && pthread_cond_timedwait(&f->changed, &f->lock, &until) == 0)
		;
	seen = strstr(f->log, text) != NULL;
	if (!seen)
		fprintf(stderr, "the link did not see \"%s\": %s\n", text, f->log);
	fake_link_unlock(f);
	return seen;
}

void fake_link_forget(struct fake_link *f)
{
	fake_link_lock(f);
	f->log[0] = '\0';
	f->log_size = 0;
	fake_link_unlock(f);
}

unsigned int fake_link_kicks(struct fake_link *f)
{
	unsigned int kicks;

	fake_link_lock(f);
	kicks = f->kicks;
	fake_link_unlock(f);
	return kicks;
}

bool fake_link_wait_kicks(struct fake_link *f, unsigned int more_than)
{
	struct timespec until;
	bool enough;

	deadline(&until);
	fake_link_lock(f);
	while (f->kicks <= more_than && pthread_cond_timedwait(&f->changed, &f->lock, &until) == 0)
		;
	enough = f->kicks > more_than;
	fake_link_unlock(f);
	return enough;
}
