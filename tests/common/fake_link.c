// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The scripted link: its board's state, and how that changes. See fake_link.h.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "fake_link_private.h"

struct fake_link *fake_link_of(struct link *link)
{
	return (struct fake_link *)link;
}

void fake_link_lock(struct fake_link *f)
{
	pthread_mutex_lock(&f->lock);
}

void fake_link_unlock(struct fake_link *f)
{
	pthread_cond_broadcast(&f->changed);
	pthread_mutex_unlock(&f->lock);
}

void fake_link_note(struct fake_link *f, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(f->log + f->log_size, sizeof(f->log) - f->log_size, format, ap);
	va_end(ap);
	if (n > 0 && f->log_size + (size_t)n < sizeof(f->log))
		f->log_size += (size_t)n;
}

bool fake_link_is_lit(const struct fake_link *f)
{
	return f->status.state == ETALON_HW_STATE_ARMED ||
	       f->status.state == ETALON_HW_STATE_DELAY ||
	       f->status.state == ETALON_HW_STATE_EMITTING;
}

void fake_link_tell(struct fake_link *f)
{
	uint64_t one = 1;

	f->status.tick++;
	if (f->event_count < ARRAY_SIZE(f->events))
		f->events[f->event_count++] = (struct etalon_hw_usb_event){
			.events = ETALON_HW_EVENT_STATE,
			.state = f->status.state,
			.causes_live = f->status.causes_live,
			.causes_latched = f->status.causes_latched,
			.tick = f->status.tick,
			.status_bits = f->status.status_bits,
			.last_off_cause = f->status.last_off_cause,
		};
	if (write(f->event_fd, &one, sizeof(one)) < 0)
		abort();
}

void fake_link_set_gate(struct fake_link *f, bool open)
{
	f->setpoints[FAKE_GATE] = open;
	if (open)
		f->status.status_bits |= ETALON_HW_STATUS_GATE_OPEN;
	else
		f->status.status_bits &= ~ETALON_HW_STATUS_GATE_OPEN;
}

void fake_link_end_program(struct fake_link *f)
{
	f->stop_program = true;
	if (f->program_has_gate)
		fake_link_set_gate(f, false);
	f->program_has_gate = false;
}

void fake_link_end_light(struct fake_link *f, uint32_t state, uint32_t cause)
{
	if (fake_link_is_lit(f)) {
		f->status.last_off_cause = cause;
		f->status.last_off_tick = f->status.tick;
	}
	fake_link_set_gate(f, false);
	f->status.state = state;
	fake_link_end_program(f);
	fake_link_tell(f);
}

int fake_link_scripted(struct fake_link *f, const char *call, struct link_refusal *ret_refusal)
{
	if (f->gone)
		return -ENODEV;
	if (f->break_call && streq(f->break_call, call))
		return f->break_error;
	if (!f->refuse || !streq(f->refuse, call) || !ret_refusal)
		return 0;
	*ret_refusal = f->refusal;
	return -ERANGE;
}

struct fake_link *fake_link_new(void)
{
	struct fake_link *f = calloc(1, sizeof(*f));

	if (!f)
		abort();
	f->link.ops = &fake_link_ops;
	f->link.description = fake_board();
	f->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	f->setpoints[FAKE_WAVELENGTH] = 1550000000;
	f->setpoints[FAKE_POWER] = 100000000000;
	f->setpoints[FAKE_TEC] = 298150000;
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->changed, NULL);
	return f;
}

void fake_link_free(struct fake_link *f)
{
	struct description *d = (struct description *)(uintptr_t)f->link.description;

	description_free(d);
	closep(&f->event_fd);
	pthread_cond_destroy(&f->changed);
	pthread_mutex_destroy(&f->lock);
	free(f->records);
	free(f);
}

int fake_link_open(void *userdata, struct link **ret, char **ret_message)
{
	struct fake_link *f = userdata;
	bool absent;

	fake_link_lock(f);
	absent = f->absent;
	if (!absent)
		f->opened++;
	fake_link_unlock(f);
	if (absent)
		return fail(ret_message, -ENOENT, "nobody there");
	*ret = &f->link;
	return 0;
}
