// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The calls of the scripted link, those of programs apart: each does as the script says, is logged, and changes
 * the board. See fake_link.h.
 */
#include "fake_link_private.h"

static void fake_close(struct link *link)
{
	struct fake_link *f = fake_link_of(link);

	fake_link_lock(f);
	f->closed++;
	if (fake_link_is_lit(f)) {
		f->status.causes_latched |= ETALON_HW_CAUSE_LINK;
		fake_link_end_light(f, ETALON_HW_STATE_TRIPPED, ETALON_HW_CAUSE_LINK);
	}
	fake_link_note(f, "close;");
	fake_link_unlock(f);
}

static int fake_status(struct link *link, struct link_status *ret)
{
	struct fake_link *f = fake_link_of(link);
	int r;

	fake_link_lock(f);
	r = fake_link_scripted(f, "status", NULL);
	*ret = f->status;
	fake_link_unlock(f);
	return r;
}

static int fake_set_limits(struct link *link, unsigned int source, int64_t low, int64_t high,
			   struct link_refusal *ret)
{
	struct fake_link *f = fake_link_of(link);
	int r;

	fake_link_lock(f);
	r = fake_link_scripted(f, "set_limits", ret);
	fake_link_note(f, "limits %s %lld %lld;", link->description->source[source].name,
		       (long long)low, (long long)high);
	fake_link_unlock(f);
	return r;
}

static int fake_set_source(struct link *link, unsigned int source, int64_t value,
			   struct link_refusal *ret)
{
	struct fake_link *f = fake_link_of(link);
	int r;

	fake_link_lock(f);
	r = fake_link_scripted(f, "set_source", ret);
	if (r == 0 && source == FAKE_GATE && f->program_has_gate) {
		*ret = (struct link_refusal){.result = ETALON_HW_REFUSED_STATE, .detail = source};
		r = -EBUSY;
	}
	fake_link_note(f, "set %s %lld;", link->description->source[source].name, (long long)value);
	if (r == 0)
		f->setpoints[source] = value;
	if (r == 0 && source == FAKE_GATE) {
		fake_link_set_gate(f, value != 0);
		fake_link_tell(f);
	}
	fake_link_unlock(f);
	return r;
}

static int fake_get_source(struct link *link, unsigned int source, int64_t *ret_setpoint,
			   int64_t *ret_actual)
{
	struct fake_link *f = fake_link_of(link);
	int r;

	fake_link_lock(f);
	r = fake_link_scripted(f, "get_source", NULL);
	*ret_setpoint = *ret_actual = f->setpoints[source];
	fake_link_unlock(f);
	return r;
}

static int fake_set_compliance(struct link *link, unsigned int source, int64_t value,
			       struct link_refusal *ret)
{
	(void)source;
	(void)value;
	return fake_link_scripted(fake_link_of(link), "set_compliance", ret);
}

static int fake_set_range(struct link *link, unsigned int detector, unsigned int range,
			  struct link_refusal *ret)
{
	struct fake_link *f = fake_link_of(link);
	int r;

	fake_link_lock(f);
	r = fake_link_scripted(f, "set_range", ret);
	fake_link_note(f, "range %s %u;", link->description->detector[detector].name, range);
	fake_link_unlock(f);
	return r;
}

static int fake_live(struct link *link, struct etalon_hw_live *ret, unsigned int count)
{
	struct fake_link *f = fake_link_of(link);
	int r;

	fake_link_lock(f);
	r = fake_link_scripted(f, "live", NULL);
	for (unsigned int i = 0; i < count; i++)
		ret[i] = (struct etalon_hw_live){.mean_q8 = 256 * (int)(i + 1), .tick = 1};
	fake_link_unlock(f);
	return r;
}

static int fake_set_live_aperture(struct link *link, uint32_t aperture_ns)
{
	struct fake_link *f = fake_link_of(link);
	int r;

	fake_link_lock(f);
	r = fake_link_scripted(f, "set_live_aperture", NULL);
	fake_link_note(f, "aperture %u;", aperture_ns);
	fake_link_unlock(f);
	return r;
}

static int fake_arm(struct link *link, uint32_t watchdog_ns, struct link_refusal *ret)
{
	struct fake_link *f = fake_link_of(link);
	int r;

	fake_link_lock(f);
	r = fake_link_scripted(f, "arm", ret);
	fake_link_note(f, "arm %u;", watchdog_ns);
	if (r == 0) {
		f->status.state = ETALON_HW_STATE_ARMED;
		fake_link_tell(f);
	}
	fake_link_unlock(f);
	return r;
}

static int fake_emit(struct link *link, struct link_refusal *ret)
{
	struct fake_link *f = fake_link_of(link);
	int r;

	fake_link_lock(f);
	r = fake_link_scripted(f, "emit", ret);
	fake_link_note(f, "emit;");
	if (r == 0) {
		f->status.state = ETALON_HW_STATE_DELAY;
		fake_link_tell(f);
	}
	if (r == 0 && !f->hold_delay) {
		f->status.state = ETALON_HW_STATE_EMITTING;
		fake_link_tell(f);
	}
	fake_link_unlock(f);
	return r;
}

static int fake_kick(struct link *link)
{
	struct fake_link *f = fake_link_of(link);
	int r;

	fake_link_lock(f);
	r = fake_link_scripted(f, "kick", NULL);
	f->kicks++;
	fake_link_unlock(f);
	return r;
}

static int fake_off(struct link *link)
{
	struct fake_link *f = fake_link_of(link);
	int r;

	fake_link_lock(f);
	r = fake_link_scripted(f, "off", NULL);
	fake_link_note(f, "off;");
	if (r == 0 && f->status.state != ETALON_HW_STATE_TRIPPED)
		fake_link_end_light(f, ETALON_HW_STATE_OFF, ETALON_HW_CAUSE_HOST);
	fake_link_unlock(f);
	return r;
}

static int fake_clear(struct link *link, struct link_refusal *ret)
{
	struct fake_link *f = fake_link_of(link);
	int r;

	fake_link_lock(f);
	r = fake_link_scripted(f, "clear", ret);
	fake_link_note(f, "clear;");
	if (r == 0 && f->status.causes_live) {
		*ret = (struct link_refusal){.result = ETALON_HW_REFUSED_CAUSE,
					     .detail = f->status.causes_live};
		r = -EACCES;
	}
	if (r == 0) {
		f->status.state = ETALON_HW_STATE_OFF;
		f->status.causes_latched = 0;
		fake_link_tell(f);
	}
	fake_link_unlock(f);
	return r;
}

static int fake_aux(struct link *link, uint32_t a)
{
	(void)a;
	return fake_link_scripted(fake_link_of(link), "aux", NULL);
}

static int fake_aux_set(struct link *link, uint32_t mask, uint32_t values)
{
	(void)mask;
	(void)values;
	return fake_link_scripted(fake_link_of(link), "aux", NULL);
}

static int fake_aux_get(struct link *link, uint32_t *ret)
{
	*ret = 0;
	return fake_link_scripted(fake_link_of(link), "aux", NULL);
}

static int fake_event_fd(struct link *link)
{
	return fake_link_of(link)->event_fd;
}

static int fake_event(struct link *link, struct etalon_hw_usb_event *ret)
{
	struct fake_link *f = fake_link_of(link);
	uint64_t count;
	int r = 0;

	fake_link_lock(f);
	if (f->event_count > 0) {
		*ret = f->events[0];
		memmove(f->events, f->events + 1, --f->event_count * sizeof(f->events[0]));
	} else {
		r = f->gone ? -ENODEV : -EAGAIN;
		if (!f->gone && read(f->event_fd, &count, sizeof(count)) < 0)
			r = -EAGAIN;
	}
	fake_link_unlock(f);
	return r;
}

const struct link_ops fake_link_ops = {
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
	.load = fake_link_load,
	.start = fake_link_start,
	.stop = fake_link_stop,
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
	.records = fake_link_records,
	.release = fake_link_release,
	.records_cancel = fake_link_records_cancel,
};
