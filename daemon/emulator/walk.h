/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The order of a program's points: nested axes, directions, legs. Layer: emulator, pure.
 *
 * A leg is what is run without a pause in between: a pass of the innermost STEP axis, one
 * direction of a RAMP, one point of a WAIT axis.
 */
#ifndef ETALON_EMULATOR_WALK_H
#define ETALON_EMULATOR_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "emulator/program.h"

struct walk {
	const struct program *p;
	bool begun;
	uint64_t position[ETALON_HW_AXES_MAX]; /* in execution order within the pass */
	uint64_t pass[ETALON_HW_AXES_MAX]; /* of this axis, since START */
	uint32_t changed; /* bit a: axis a was newly set for this leg */
	uint64_t leg_points;
};

void walk_begin(struct walk *w, const struct program *p);
/* To the next leg; false: there is none. */
bool walk_next_leg(struct walk *w);
/* Ends this pass of the innermost axis after the current leg. */
void walk_end_pass(struct walk *w);

/* Setpoint index and direction of an axis, for point `k` of the leg on the innermost axis. */
uint32_t walk_index(const struct walk *w, unsigned int axis, uint64_t k, bool *ret_reverse);

#endif
