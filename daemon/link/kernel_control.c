// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The control calls of the kernel link: each is one ioctl on the control fd. Refusals are handed
 * on as the board or the kernel gave them.
 */
#include <errno.h>

#include "base/util.h"
#include "link/kernel_private.h"

#define DARK_NS (100 * NSEC_PER_MSEC) /* so long may it take until OFF is seen */

void kernel_refused(const struct etalon_refusal *said, struct link_refusal *ret_refusal)
{
	if (!ret_refusal)
		return;
	*ret_refusal = (struct link_refusal){.result = said->result,
					     .detail = said->detail,
					     .low = said->low,
					     .high = said->high};
}

void kernel_note_asked(struct link_refusal *refusal, int64_t asked)
{
	if (!refusal || refusal->result == ETALON_HW_RESULT_OK)
		return;
	refusal->has_asked = true;
	refusal->asked = asked;
}

int kernel_check_status(const struct etalon_status *s)
{
	return s->state > ETALON_HW_STATE_TRIPPED || s->sequencer > ETALON_HW_SEQUENCER_ENDED
		       ? -EPROTO
		       : 0;
}

/* Costs no register access. A look is made again on a new fd: nothing is decided by it. */
static int read_status(struct kernel *k, struct etalon_status *ret)
{
	int r, attempts = 2;

	do {
		*ret = (struct etalon_status){.size = sizeof(*ret)};
		r = kernel_control_ioctl(k, ETALON_IOC_STATUS, ret);
	} while (r == -ECANCELED && --attempts > 0);
	return r < 0 ? r : kernel_check_status(ret);
}

static int kernel_status(struct link *link, struct link_status *ret)
{
	struct kernel *k = kernel_of(link);
	struct etalon_status s;
	int r = read_status(k, &s);

	if (r < 0)
		return r;
	*ret = (struct link_status){
		.state = s.state,
		.causes_live = s.causes_live,
		.causes_latched = s.causes_latched,
		.last_off_cause = kernel_off_cause(k, &s),
		.last_off_tick = s.last_off_tick,
		.sequencer = s.sequencer,
		.status_bits = s.status_bits,
		.tick = kernel_tick(k),
		.emission_ready_tick = s.emission_ready_tick,
		.records_lost = s.records_lost,
	};
	return 0;
}

/* ---- sources and detectors ---- */

static int set_value(struct kernel *k, unsigned long request, unsigned int channel, int64_t value,
		     struct link_refusal *ret_refusal)
{
	struct etalon_value v = {.size = sizeof(v), .channel = channel, .value = value};
	int r = kernel_control_ioctl(k, request, &v);

	kernel_refused(&v.refusal, ret_refusal);
	return r;
}

static int kernel_set_source(struct link *link, unsigned int source, int64_t value,
			     struct link_refusal *ret_refusal)
{
	struct kernel *k = kernel_of(link);
	int r;

	if (source >= k->description->head.source_count)
		return -EINVAL;
	r = kernel_check_limits(k, source, value, ret_refusal);
	if (r == 0)
		r = set_value(k, ETALON_IOC_SET_SOURCE, source, value, ret_refusal);
	kernel_note_asked(ret_refusal, value);
	return r;
}

static int kernel_get_source(struct link *link, unsigned int source, int64_t *ret_setpoint,
			     int64_t *ret_actual)
{
	struct kernel *k = kernel_of(link);
	struct etalon_value v = {.size = sizeof(v), .channel = source};
	int r;

	if (source >= k->description->head.source_count)
		return -EINVAL;
	r = kernel_control_ioctl(k, ETALON_IOC_GET_SOURCE, &v);
	if (r < 0)
		return r;
	*ret_setpoint = v.value;
	*ret_actual = v.actual;
	return 0;
}

static int kernel_set_compliance(struct link *link, unsigned int source, int64_t value,
				 struct link_refusal *ret_refusal)
{
	struct kernel *k = kernel_of(link);
	int r;

	if (source >= k->description->head.source_count)
		return -EINVAL;
	r = set_value(k, ETALON_IOC_SET_COMPLIANCE, source, value, ret_refusal);
	kernel_note_asked(ret_refusal, value);
	return r;
}

static int kernel_set_range(struct link *link, unsigned int detector, unsigned int range,
			    struct link_refusal *ret_refusal)
{
	struct kernel *k = kernel_of(link);

	if (detector >= k->description->head.detector_count)
		return -EINVAL;
	return set_value(k, ETALON_IOC_SET_RANGE, detector, range, ret_refusal);
}

static int kernel_live(struct link *link, struct etalon_hw_live *ret, unsigned int count)
{
	struct kernel *k = kernel_of(link);
	struct etalon_live live = {
		.size = sizeof(live), .buffer = (uintptr_t)ret, .capacity = count};

	if (count == 0 || count > k->description->head.detector_count)
		return -EINVAL;
	return kernel_control_ioctl(k, ETALON_IOC_LIVE, &live);
}

static int kernel_set_live_aperture(struct link *link, uint32_t aperture_ns)
{
	struct etalon_live live = {.size = sizeof(live), .aperture_ns = aperture_ns};

	if (aperture_ns == 0)
		return -ERANGE;
	return kernel_control_ioctl(kernel_of(link), ETALON_IOC_LIVE, &live);
}

/* ---- light ---- */

static int command(struct kernel *k, unsigned long request, uint64_t period_ns,
		   struct link_refusal *ret_refusal)
{
	struct etalon_command c = {.size = sizeof(c), .period_ns = period_ns};
	int r = kernel_control_ioctl(k, request, &c);

	kernel_refused(&c.refusal, ret_refusal);
	return r;
}

static int kernel_arm(struct link *link, uint32_t watchdog_ns, struct link_refusal *ret_refusal)
{
	struct kernel *k = kernel_of(link);
	int r = kernel_settle_limits(k, kernel_control_ioctl, ret_refusal);

	if (r == 0)
		r = command(k, ETALON_IOC_ARM, watchdog_ns, ret_refusal);
	if (r == 0)
		atomic_store(&k->revoked_dark, false);
	return r;
}

static int kernel_emit(struct link *link, struct link_refusal *ret_refusal)
{
	return command(kernel_of(link), ETALON_IOC_EMIT, 0, ret_refusal);
}

static int kernel_kick(struct link *link)
{
	return kernel_control_ioctl(kernel_of(link), ETALON_IOC_KICK, NULL);
}

static bool is_dark(uint32_t state)
{
	return state == ETALON_HW_STATE_OFF || state == ETALON_HW_STATE_TRIPPED;
}

/* The state comes by memory and by event: a moment after the command, at the most. */
static int await_dark(struct kernel *k)
{
	const struct timespec pause = {.tv_nsec = 200000};
	uint64_t until = now_ns() + DARK_NS;
	struct etalon_status s;

	for (;;) {
		int r = read_status(k, &s);

		if (r < 0 || is_dark(s.state))
			return r;
		if (now_ns() > until)
			return -EPROTO;
		nanosleep(&pause, NULL);
	}
}

static int go_dark(struct kernel *k, unsigned long request)
{
	int r = kernel_control_ioctl(k, request, NULL);

	if (r == -ECANCELED) /* dark already, but nobody said so to this fd */
		r = kernel_control_ioctl(k, request, NULL);
	return r < 0 ? r : await_dark(k);
}

static int kernel_off(struct link *link)
{
	return go_dark(kernel_of(link), ETALON_IOC_OFF);
}

static int kernel_halt(struct link *link)
{
	return go_dark(kernel_of(link), ETALON_IOC_HALT);
}

static int kernel_clear(struct link *link, struct link_refusal *ret_refusal)
{
	struct kernel *k = kernel_of(link);
	int r = command(k, ETALON_IOC_CLEAR, 0, ret_refusal);

	return r < 0 ? r : kernel_settle_limits(k, kernel_control_ioctl, ret_refusal);
}

const struct link_ops kernel_ops = {
	.name = "kernel",
	.close = kernel_close,
	.status = kernel_status,
	.set_limits = kernel_set_limits,
	.set_source = kernel_set_source,
	.get_source = kernel_get_source,
	.set_compliance = kernel_set_compliance,
	.set_range = kernel_set_range,
	.live = kernel_live,
	.set_live_aperture = kernel_set_live_aperture,
	.load = kernel_load,
	.start = kernel_start,
	.stop = kernel_stop,
	.arm = kernel_arm,
	.emit = kernel_emit,
	.kick = kernel_kick,
	.off = kernel_off,
	.halt = kernel_halt,
	.clear = kernel_clear,
	.aux_direction = kernel_aux_direction,
	.aux_set = kernel_aux_set,
	.aux_get = kernel_aux_get,
	.event_fd = kernel_event_fd,
	.event = kernel_event,
	.records = kernel_records,
	.release = kernel_release,
	.records_cancel = kernel_records_cancel,
};
