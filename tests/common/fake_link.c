// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The scripted link. See fake_link.h.
 */
#include "fake_link.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "base/util.h"

#define WAIT_S 10

static struct fake_link *fake_of(struct link *link)
{
	return (struct fake_link *)link;
}

static void lock(struct fake_link *f)
{
	pthread_mutex_lock(&f->lock);
}

static void unlock(struct fake_link *f)
{
	pthread_cond_broadcast(&f->changed);
	pthread_mutex_unlock(&f->lock);
}

static void note(struct fake_link *f, const char *format, ...) _printf_(2, 3);
static void note(struct fake_link *f, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(f->log + f->log_size, sizeof(f->log) - f->log_size, format, ap);
	va_end(ap);
	if (n > 0 && f->log_size + (size_t)n < sizeof(f->log))
		f->log_size += (size_t)n;
}

static bool is_lit(const struct fake_link *f)
{
	return f->status.state == ETALON_HW_STATE_ARMED ||
	       f->status.state == ETALON_HW_STATE_DELAY ||
	       f->status.state == ETALON_HW_STATE_EMITTING;
}

static void tell(struct fake_link *f)
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

static void set_gate(struct fake_link *f, bool open)
{
	f->setpoints[FAKE_GATE] = open;
	if (open)
		f->status.status_bits |= ETALON_HW_STATUS_GATE_OPEN;
	else
		f->status.status_bits &= ~ETALON_HW_STATUS_GATE_OPEN;
}

static void end_program(struct fake_link *f)
{
	f->stop_program = true;
	if (f->program_has_gate)
		set_gate(f, false);
	f->program_has_gate = false;
}

static void end_light(struct fake_link *f, uint32_t state, uint32_t cause)
{
	if (is_lit(f)) {
		f->status.last_off_cause = cause;
		f->status.last_off_tick = f->status.tick;
	}
	set_gate(f, false);
	f->status.state = state;
	end_program(f);
	tell(f);
}

/* 0, or what the script says of this call. */
static int scripted(struct fake_link *f, const char *call, struct link_refusal *ret_refusal)
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

/* ---- control ---- */

static void fake_close(struct link *link)
{
	struct fake_link *f = fake_of(link);

	lock(f);
	f->closed++;
	if (is_lit(f)) {
		f->status.causes_latched |= ETALON_HW_CAUSE_LINK;
		end_light(f, ETALON_HW_STATE_TRIPPED, ETALON_HW_CAUSE_LINK);
	}
	note(f, "close;");
	unlock(f);
}

static int fake_status(struct link *link, struct link_status *ret)
{
	struct fake_link *f = fake_of(link);
	int r;

	lock(f);
	r = scripted(f, "status", NULL);
	*ret = f->status;
	unlock(f);
	return r;
}

static int fake_set_limits(struct link *link, unsigned int source, int64_t low, int64_t high,
			   struct link_refusal *ret)
{
	struct fake_link *f = fake_of(link);
	int r;

	lock(f);
	r = scripted(f, "set_limits", ret);
	note(f, "limits %s %lld %lld;", link->description->source[source].name, (long long)low,
	     (long long)high);
	unlock(f);
	return r;
}

static int fake_set_source(struct link *link, unsigned int source, int64_t value,
			   struct link_refusal *ret)
{
	struct fake_link *f = fake_of(link);
	int r;

	lock(f);
	r = scripted(f, "set_source", ret);
	if (r == 0 && source == FAKE_GATE && f->program_has_gate) {
		*ret = (struct link_refusal){.result = ETALON_HW_REFUSED_STATE, .detail = source};
		r = -EBUSY;
	}
	note(f, "set %s %lld;", link->description->source[source].name, (long long)value);
	if (r == 0)
		f->setpoints[source] = value;
	if (r == 0 && source == FAKE_GATE) {
		set_gate(f, value != 0);
		tell(f);
	}
	unlock(f);
	return r;
}

static int fake_get_source(struct link *link, unsigned int source, int64_t *ret_setpoint,
			   int64_t *ret_actual)
{
	struct fake_link *f = fake_of(link);
	int r;

	lock(f);
	r = scripted(f, "get_source", NULL);
	*ret_setpoint = *ret_actual = f->setpoints[source];
	unlock(f);
	return r;
}

static int fake_set_compliance(struct link *link, unsigned int source, int64_t value,
			       struct link_refusal *ret)
{
	(void)source;
	(void)value;
	return scripted(fake_of(link), "set_compliance", ret);
}

static int fake_set_range(struct link *link, unsigned int detector, unsigned int range,
			  struct link_refusal *ret)
{
	struct fake_link *f = fake_of(link);
	int r;

	lock(f);
	r = scripted(f, "set_range", ret);
	note(f, "range %s %u;", link->description->detector[detector].name, range);
	unlock(f);
	return r;
}

static int fake_live(struct link *link, struct etalon_hw_live *ret, unsigned int count)
{
	struct fake_link *f = fake_of(link);
	int r;

	lock(f);
	r = scripted(f, "live", NULL);
	for (unsigned int i = 0; i < count; i++)
		ret[i] = (struct etalon_hw_live){.mean_q8 = 256 * (int)(i + 1), .tick = 1};
	unlock(f);
	return r;
}

static int fake_set_live_aperture(struct link *link, uint32_t aperture_ns)
{
	struct fake_link *f = fake_of(link);
	int r;

	lock(f);
	r = scripted(f, "set_live_aperture", NULL);
	note(f, "aperture %u;", aperture_ns);
	unlock(f);
	return r;
}

static int fake_arm(struct link *link, uint32_t watchdog_ns, struct link_refusal *ret)
{
	struct fake_link *f = fake_of(link);
	int r;

	lock(f);
	r = scripted(f, "arm", ret);
	note(f, "arm %u;", watchdog_ns);
	if (r == 0) {
		f->status.state = ETALON_HW_STATE_ARMED;
		tell(f);
	}
	unlock(f);
	return r;
}

static int fake_emit(struct link *link, struct link_refusal *ret)
{
	struct fake_link *f = fake_of(link);
	int r;

	lock(f);
	r = scripted(f, "emit", ret);
	note(f, "emit;");
	if (r == 0) {
		f->status.state = ETALON_HW_STATE_DELAY;
		tell(f);
	}
	if (r == 0 && !f->hold_delay) {
		f->status.state = ETALON_HW_STATE_EMITTING;
		tell(f);
	}
	unlock(f);
	return r;
}

static int fake_kick(struct link *link)
{
	struct fake_link *f = fake_of(link);
	int r;

	lock(f);
	r = scripted(f, "kick", NULL);
	f->kicks++;
	unlock(f);
	return r;
}

static int fake_off(struct link *link)
{
	struct fake_link *f = fake_of(link);
	int r;

	lock(f);
	r = scripted(f, "off", NULL);
	note(f, "off;");
	if (r == 0 && f->status.state != ETALON_HW_STATE_TRIPPED)
		end_light(f, ETALON_HW_STATE_OFF, ETALON_HW_CAUSE_HOST);
	unlock(f);
	return r;
}

static int fake_clear(struct link *link, struct link_refusal *ret)
{
	struct fake_link *f = fake_of(link);
	int r;

	lock(f);
	r = scripted(f, "clear", ret);
	note(f, "clear;");
	if (r == 0 && f->status.causes_live) {
		*ret = (struct link_refusal){.result = ETALON_HW_REFUSED_CAUSE,
					     .detail = f->status.causes_live};
		r = -EACCES;
	}
	if (r == 0) {
		f->status.state = ETALON_HW_STATE_OFF;
		f->status.causes_latched = 0;
		tell(f);
	}
	unlock(f);
	return r;
}

static int fake_aux(struct link *link, uint32_t a)
{
	(void)a;
	return scripted(fake_of(link), "aux", NULL);
}

static int fake_aux_set(struct link *link, uint32_t mask, uint32_t values)
{
	(void)mask;
	(void)values;
	return scripted(fake_of(link), "aux", NULL);
}

static int fake_aux_get(struct link *link, uint32_t *ret)
{
	*ret = 0;
	return scripted(fake_of(link), "aux", NULL);
}

/* ---- programs and records ---- */

static int fake_load(struct link *link, const struct etalon_hw_program *program,
		     const struct link_list *lists, unsigned int list_count,
		     struct link_program *ret, struct link_refusal *ret_refusal)
{
	struct fake_link *f = fake_of(link);
	int r;

	(void)lists;
	(void)list_count;
	lock(f);
	r = scripted(f, "load", ret_refusal);
	note(f, "load;");
	f->program = *program;
	fake_run_begin(&f->run, link->description, program, f->sequence);
	*ret = (struct link_program){
		.duration_ns = 1000000,
		.points = f->run.points,
		.stride = f->run.stride,
		.crc = crc32c(0, program, sizeof(*program)),
	};
	unlock(f);
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

static int fake_start(struct link *link, struct link_refusal *ret)
{
	struct fake_link *f = fake_of(link);
	int r;

	lock(f);
	r = scripted(f, "start", ret);
	note(f, "start;");
	if (r == 0 && (f->program.flags & ETALON_HW_PROGRAM_NEEDS_EMISSION) &&
	    f->status.state != ETALON_HW_STATE_EMITTING) {
		*ret = (struct link_refusal){.result = ETALON_HW_REFUSED_EMISSION};
		r = -EACCES;
	}
	if (r == 0) {
		f->stop_program = false;
		f->program_has_gate = f->program.gate == ETALON_HW_GATE_OPEN;
		if (f->program_has_gate)
			set_gate(f, true);
		make_records(f);
	}
	unlock(f);
	return r;
}

static int fake_stop(struct link *link)
{
	struct fake_link *f = fake_of(link);
	int r;

	lock(f);
	r = scripted(f, "stop", NULL);
	note(f, "stop;");
	end_program(f);
	unlock(f);
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

static int fake_records_call(struct link *link, int timeout_ms, size_t max_bytes, const void **ret,
			     size_t *ret_bytes)
{
	struct fake_link *f = fake_of(link);
	struct timespec until;
	int r = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += timeout_ms / 1000;
	until.tv_nsec += timeout_ms % 1000 * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000L;
	}
	lock(f);
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
			end_program(f);
	}
	unlock(f);
	return r;
}

static int fake_release(struct link *link, size_t bytes)
{
	(void)link;
	(void)bytes;
	return 0;
}

static void fake_records_cancel(struct link *link)
{
	struct fake_link *f = fake_of(link);

	lock(f);
	f->cancelled = true;
	unlock(f);
}

/* ---- events ---- */

static int fake_event_fd(struct link *link)
{
	return fake_of(link)->event_fd;
}

static int fake_event(struct link *link, struct etalon_hw_usb_event *ret)
{
	struct fake_link *f = fake_of(link);
	uint64_t count;
	int r = 0;

	lock(f);
	if (f->event_count > 0) {
		*ret = f->events[0];
		memmove(f->events, f->events + 1, --f->event_count * sizeof(f->events[0]));
	} else {
		r = f->gone ? -ENODEV : -EAGAIN;
		if (!f->gone && read(f->event_fd, &count, sizeof(count)) < 0)
			r = -EAGAIN;
	}
	unlock(f);
	return r;
}

static const struct link_ops fake_ops = {
	.name = "emulated",
	.close = fake_close,
	.status = fake_status,
	.set_limits = fake_set_limits,
	.set_source = fake_set_source,
	.get_source = fake_get_source,
	.set_compliance = fake_set_compliance,
	.set_range = fake_set_range,
	.live = fake_live,
	.set_live_aperture = fake_set_live_aperture,
	.load = fake_load,
	.start = fake_start,
	.stop = fake_stop,
	.arm = fake_arm,
	.emit = fake_emit,
	.kick = fake_kick,
	.off = fake_off,
	.halt = fake_off,
	.clear = fake_clear,
	.aux_direction = fake_aux,
	.aux_set = fake_aux_set,
	.aux_get = fake_aux_get,
	.event_fd = fake_event_fd,
	.event = fake_event,
	.records = fake_records_call,
	.release = fake_release,
	.records_cancel = fake_records_cancel,
};

/* ---- for tests ---- */

struct fake_link *fake_link_new(void)
{
	struct fake_link *f = calloc(1, sizeof(*f));

	if (!f)
		abort();
	f->link.ops = &fake_ops;
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

	lock(f);
	absent = f->absent;
	if (!absent)
		f->opened++;
	unlock(f);
	if (absent)
		return fail(ret_message, -ENOENT, "nobody there");
	*ret = &f->link;
	return 0;
}

void fake_link_refuse(struct fake_link *f, const char *call, struct link_refusal refusal)
{
	lock(f);
	f->refuse = call;
	f->refusal = refusal;
	unlock(f);
}

void fake_link_break(struct fake_link *f, const char *call, int error)
{
	lock(f);
	f->break_call = call;
	f->break_error = error;
	unlock(f);
}

void fake_link_cause(struct fake_link *f, uint32_t cause)
{
	lock(f);
	f->status.causes_live |= cause;
	if (is_lit(f)) {
		f->status.causes_latched |= cause;
		end_light(f, ETALON_HW_STATE_TRIPPED, cause);
	} else {
		tell(f);
	}
	unlock(f);
}

void fake_link_cause_ends(struct fake_link *f, uint32_t cause)
{
	lock(f);
	f->status.causes_live &= ~cause;
	tell(f);
	unlock(f);
}

void fake_link_trip(struct fake_link *f, uint32_t cause)
{
	lock(f);
	f->status.causes_latched |= cause;
	end_light(f, ETALON_HW_STATE_TRIPPED, cause);
	unlock(f);
}

void fake_link_delay_over(struct fake_link *f)
{
	lock(f);
	if (f->status.state == ETALON_HW_STATE_DELAY) {
		f->status.state = ETALON_HW_STATE_EMITTING;
		tell(f);
	}
	unlock(f);
}

void fake_link_unplug(struct fake_link *f)
{
	lock(f);
	f->gone = f->absent = true;
	f->event_count = 0;
	tell(f);
	f->event_count = 0;
	unlock(f);
}

void fake_link_plug(struct fake_link *f)
{
	lock(f);
	f->gone = f->absent = false;
	unlock(f);
}

static void deadline(struct timespec *until)
{
	clock_gettime(CLOCK_REALTIME, until);
	until->tv_sec += WAIT_S;
}

bool fake_link_has_seen(struct fake_link *f, const char *text)
{
	bool seen;

	lock(f);
	seen = strstr(f->log, text) != NULL;
	unlock(f);
	return seen;
}

bool fake_link_saw(struct fake_link *f, const char *text)
{
	struct timespec until;
	bool seen;

	deadline(&until);
	lock(f);
	while (!strstr(f->log, text) && pthread_cond_timedwait(&f->changed, &f->lock, &until) == 0)
		;
	seen = strstr(f->log, text) != NULL;
	if (!seen)
		fprintf(stderr, "the link did not see \"%s\": %s\n", text, f->log);
	unlock(f);
	return seen;
}

void fake_link_forget(struct fake_link *f)
{
	lock(f);
	f->log[0] = '\0';
	f->log_size = 0;
	unlock(f);
}

unsigned int fake_link_kicks(struct fake_link *f)
{
	unsigned int kicks;

	lock(f);
	kicks = f->kicks;
	unlock(f);
	return kicks;
}

bool fake_link_wait_kicks(struct fake_link *f, unsigned int more_than)
{
	struct timespec until;
	bool enough;

	deadline(&until);
	lock(f);
	while (f->kicks <= more_than && pthread_cond_timedwait(&f->changed, &f->lock, &until) == 0)
		;
	enough = f->kicks > more_than;
	unlock(f);
	return enough;
}
