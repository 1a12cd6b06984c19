// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What the board says by itself, through the capture fd, which outlives a revocation, and through its
 * auxiliary lines. Reads no register.
 */
#include <errno.h>

#include "base/util.h"
#include "link/kernel_private.h"

/*
 * The board's clock as it should stand now, by the host's and the pair that was read at open: asking the board
 * would cost accesses for as long as the daemon runs.
 */
uint64_t kernel_tick(const struct kernel *k)
{
	uint64_t now = now_ns();
	unsigned __int128 passed_ps;

	if (now <= k->clock.monotonic_ns)
		return k->clock.tick;
	passed_ps = (unsigned __int128)(now - k->clock.monotonic_ns) * 1000;
	return k->clock.tick + (uint64_t)(passed_ps / k->description->head.tick_ps);
}

uint32_t kernel_off_cause(const struct kernel *k, const struct etalon_status *s)
{
	if (s->state == ETALON_HW_STATE_OFF && atomic_load(&k->revoked_dark))
		return ETALON_HW_CAUSE_WATCHDOG;
	return s->last_off_cause;
}

int kernel_event_fd(struct link *link)
{
	return kernel_of(link)->event_fd;
}

int kernel_event(struct link *link, struct etalon_hw_usb_event *ret)
{
	struct kernel *k = kernel_of(link);
	struct etalon_status s = {.size = sizeof(s)};
	uint32_t events = 0, lines;
	int r = kernel_capture_ioctl(k, ETALON_IOC_STATUS, &s);

	if (r < 0)
		return kernel_errno(k, r);
	/* In this order: where the kernel has turned light off, it has revoked by now. */
	r = kernel_look_after_control(k);
	if (r < 0)
		return kernel_lost(k);
	if (s.events != k->events_told)
		events |= ETALON_HW_EVENT_STATE;
	if (kernel_lines_changed(k, &lines))
		events |= ETALON_HW_EVENT_AUX;
	if (events == 0)
		return -EAGAIN;
	r = kernel_check_status(&s);
	if (r < 0)
		return r;
	k->events_told = s.events;
	*ret = (struct etalon_hw_usb_event){
		.events = events,
		.state = s.state,
		.causes_live = s.causes_live,
		.causes_latched = s.causes_latched,
		.sequencer = s.sequencer,
		.tick = kernel_tick(k),
		.lost = s.records_lost,
		.status_bits = s.status_bits,
		.last_off_cause = kernel_off_cause(k, &s),
		.aux_in = lines,
	};
	return 0;
}
