// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Compliance of voltage sources that sense their current (heaters): beyond the limit they
 * deliver less than they were told. What current sources do at their voltage limit, the
 * plant knows (a diode is no resistor).
 */
#include <math.h>

#include "base/util.h"
#include "emulator/board_internal.h"

#define SENSE_BANDWIDTH_HZ 200e3

/* The current sense of a voltage source, or -1. */
static int sense_of(const struct board *b, unsigned int n)
{
	const struct etalon_hw_source *s = &b->source[n];

	if (s->kind != ETALON_HW_SOURCE_VOLTAGE || !s->compliance_max)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(s->readback); i++)
		if (s->readback[i] != ETALON_HW_NO_CHANNEL &&
		    b->detector[s->readback[i]].kind == ETALON_HW_DETECTOR_CURRENT)
			return s->readback[i];
	return -1;
}

/* Part of the voltage that the limit leaves: the load is a resistor. */
static double share(struct board *b, const struct plant_conditions *c, unsigned int n, int detector)
{
	const double limit_a = (double)b->source_state[n].compliance * 1e-15;
	const enum erb1_detector one = (enum erb1_detector)detector;
	const double bandwidth = SENSE_BANDWIDTH_HZ;
	struct plant_reading reading;
	uint32_t flags = 0;

	plant_point(b->plant, c, &one, &bandwidth, 1, &reading, &flags);
	return fabs(reading.mean) > limit_a ? limit_a / fabs(reading.mean) : 1;
}

void compliance_apply(struct board *b, struct plant_conditions *c)
{
	for (unsigned int n = 0; n < b->description->source_count; n++) {
		struct source_state *state = &b->source_state[n];

		if (c->value[n] == 0 || b->sense[n] < 0) {
			state->in_compliance = false;
			continue;
		}
		if (c->value[n] !=
		    state->judged_v) { /* asking the plant costs: ask when the voltage changes */
			state->judged_v = c->value[n];
			state->judged_share = share(b, c, n, b->sense[n]);
		}
		state->in_compliance = state->judged_share < 1;
		c->value[n] *= state->judged_share;
	}
}

void compliance_reset(struct board *b)
{
	for (unsigned int n = 0; n < b->description->source_count; n++)
		b->sense[n] = sense_of(b, n);
}
