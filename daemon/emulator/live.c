// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Live readings: apertures one after another since LIVE_APERTURE_NS was written, whatever
 * the board does; the last finished one goes into the window when the host latches it.
 */
#include "base/util.h"
#include "emulator/board_internal.h"

void live_restart(struct board *b, uint32_t aperture_ns)
{
	b->live.aperture_ns = aperture_ns;
	b->live.begin_ns = board_now(b);
	b->live.latched = -1;
}

/* Range in use now: a running program's or the host's. */
static uint8_t range_in_use(const struct board *b, unsigned int detector)
{
	const struct sequencer *s = &b->sequencer;

	for (size_t i = 0; sequencer_active(b) && i < s->channel_count; i++)
		if (s->channel[i] == detector)
			return s->front_end[i].range;
	return b->detector_state[detector].range;
}

static void read_detectors(struct board *b, int64_t number)
{
	const uint32_t count = b->description->detector_count;
	const int64_t end = b->live.begin_ns + number * (int64_t)b->live.aperture_ns;
	enum erb1_detector channels[ETALON_HW_DETECTORS_MAX] = {0};
	struct front_end front_ends[ETALON_HW_DETECTORS_MAX];
	struct etalon_hw_sample samples[ETALON_HW_DETECTORS_MAX];
	struct plant_conditions c;

	/* The sources are taken as they are now: a gate that has just shut reads dark at once. */
	if (!sequencer_active(b))
		board_plant_advance(b, board_now(b));
	board_conditions(b, board_now(b), &c);
	c.aperture_s = (double)b->live.aperture_ns * 1e-9;
	c.run_key = RUN_KEY_LIVE;
	c.point = (uint64_t)number;
	compliance_apply(b, &c);
	for (unsigned int n = 0; n < count; n++) {
		channels[n] = (enum erb1_detector)n;
		reading_prepare(b, n, range_in_use(b, n), b->live.aperture_ns, &front_ends[n]);
	}
	reading_take(b, &c, channels, front_ends, count, end, (uint64_t)number, samples, NULL);
	for (unsigned int n = 0; n < count; n++)
		b->live.window[n] = (struct etalon_hw_live){
			.mean_q8 = samples[n].mean_q8,
			.range = samples[n].range,
			.flags = samples[n].flags,
			.tick = board_tick(b, end - (int64_t)b->live.aperture_ns / 2),
		};
}

void live_latch(struct board *b)
{
	const int64_t number = (board_now(b) - b->live.begin_ns) / (int64_t)b->live.aperture_ns;

	if (number == b->live.latched)
		return;
	b->live.latched = number;
	if (number > 0)
		return read_detectors(b, number);
	for (unsigned int n = 0; n < b->description->detector_count; n++)
		b->live.window[n] = (struct etalon_hw_live){
			.range = range_in_use(b, n),
			.flags = ETALON_HW_SAMPLE_INVALID, /* none has finished */
		};
}
