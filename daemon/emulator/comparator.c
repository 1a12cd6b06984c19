// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Comparators: judge each point on the board, before the host has seen it.
 */
#include "base/util.h"
#include "emulator/board_internal.h"

static bool strikes(struct sequencer *s, size_t n, double value)
{
	const struct etalon_hw_comparator *c = &s->program->image.comparator[n];

	switch (c->kind) {
	case ETALON_HW_COMPARATOR_ABOVE:
		return value > (double)c->threshold;
	case ETALON_HW_COMPARATOR_BELOW:
		return value < (double)c->threshold;
	case ETALON_HW_COMPARATOR_FALLS:
		s->comparator_max[n] = MAX(s->comparator_max[n], value);
		return s->comparator_max[n] > 0 &&
		       value < s->comparator_max[n] * (1 - 1e-6 * (double)c->threshold);
	default:
		return false;
	}
}

unsigned int comparators_judge(struct board *b, const struct etalon_hw_sample *samples,
			       uint32_t *flags)
{
	struct sequencer *s = &b->sequencer;
	unsigned int gravest = 0;

	for (size_t i = 0; i < ETALON_HW_COMPARATORS_MAX; i++) {
		const struct etalon_hw_comparator *c = &s->program->image.comparator[i];
		const uint8_t channel = s->comparator_channel[i];

		if (c->kind == ETALON_HW_COMPARATOR_NONE ||
		    samples[channel].flags & ETALON_HW_SAMPLE_INVALID ||
		    !strikes(s, i, front_end_value(&s->front_end[channel], &samples[channel])))
			continue;
		*flags |= ETALON_HW_POINT_COMPARATOR;
		gravest = MAX(gravest, c->action + 1U);
	}
	return gravest;
}
