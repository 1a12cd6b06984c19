// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Odometer over the axes of a program, leg by leg. See walk.h.
 */
#include "emulator/walk.h"

#include "base/util.h"

static unsigned int innermost(const struct walk *w)
{
	return w->p->image.axis_count - 1;
}

static uint64_t leg_points(const struct walk *w)
{
	const struct etalon_hw_axis *a = program_innermost(w->p);

	switch (a->mode) {
	case ETALON_HW_MODE_WAIT:
		return 1;
	case ETALON_HW_MODE_RAMP:
		return a->points;
	default:
		return program_pass_points(a);
	}
}

void walk_begin(struct walk *w, const struct program *p)
{
	*w = (struct walk){.p = p};
	w->leg_points = leg_points(w);
}

bool walk_next_leg(struct walk *w)
{
	unsigned int a = innermost(w);
	uint64_t step = w->leg_points;

	if (!w->begun) {
		w->begun = true;
		w->changed = (1U << w->p->image.axis_count) - 1;
		return true;
	}
	w->changed = 0;
	for (;;) {
		w->changed |= 1U << a;
		w->position[a] += step;
		if (w->position[a] < program_pass_points(&w->p->image.axis[a]))
			return true;
		if (a == 0)
			return false;
		w->position[a] = 0;
		w->pass[a]++;
		a--;
		step = 1;
	}
}

void walk_end_pass(struct walk *w)
{
	const unsigned int a = innermost(w);

	w->position[a] = program_pass_points(&w->p->image.axis[a]) - w->leg_points;
}

uint32_t walk_index(const struct walk *w, unsigned int axis, uint64_t k, bool *ret_reverse)
{
	const struct etalon_hw_axis *a = &w->p->image.axis[axis];
	const uint64_t position = w->position[axis] + (axis == innermost(w) ? k : 0);
	bool reverse = false;

	switch (a->direction) {
	case ETALON_HW_REVERSE:
		reverse = true;
		break;
	case ETALON_HW_SERPENTINE:
		reverse = w->pass[axis] & 1;
		break;
	case ETALON_HW_UP_DOWN:
		reverse = position >= a->points;
		break;
	default:
		break;
	}
	*ret_reverse = reverse;
	if (!reverse)
		return (uint32_t)position;
	if (a->direction == ETALON_HW_UP_DOWN)
		return (uint32_t)(2 * (uint64_t)a->points - 1 - position);
	return (uint32_t)(a->points - 1 - position);
}
