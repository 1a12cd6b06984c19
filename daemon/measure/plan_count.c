// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Points and setpoints of a program, counted as its sequencer counts them.
 */
#include "measure/plan_count.h"

#include <errno.h>

#include "measure/plan.h"

uint64_t program_axis_length(const struct etalon_hw_program *p, unsigned int axis)
{
	uint64_t points = p->axis[axis].points;

	return p->axis[axis].direction == ETALON_HW_UP_DOWN ? 2 * points : points;
}

uint64_t program_axis_steps(const struct etalon_hw_program *p, unsigned int axis)
{
	uint64_t steps = 1;

	for (unsigned int a = 0; a <= axis; a++)
		if (__builtin_mul_overflow(steps, program_axis_length(p, a), &steps))
			return UINT64_MAX;
	return steps;
}

uint64_t program_points(const struct etalon_hw_program *p)
{
	return program_axis_steps(p, p->axis_count - 1);
}

uint32_t program_axis_index(const struct etalon_hw_program *p, unsigned int axis, uint64_t number)
{
	uint64_t length = program_axis_length(p, axis), step, pass, at;
	uint32_t points = p->axis[axis].points;

	for (unsigned int a = p->axis_count - 1; a > axis; a--)
		number /= program_axis_length(p, a);
	step = number % length;
	pass = number / length;
	at = step;
	switch (p->axis[axis].direction) {
	case ETALON_HW_REVERSE:
		at = points - 1 - step;
		break;
	case ETALON_HW_SERPENTINE:
		if (pass % 2 == 1)
			at = points - 1 - step;
		break;
	case ETALON_HW_UP_DOWN:
		if (step >= points)
			at = length - 1 - step;
		break;
	}
	return (uint32_t)at;
}

int plan_setpoint_at(const struct segment *segment, uint64_t number, unsigned int axis,
		     unsigned int member, int64_t *ret)
{
	const struct etalon_hw_program *p = &segment->program;
	const struct etalon_hw_gang *gang;
	uint32_t i;

	if (axis >= p->axis_count || member >= p->axis[axis].gang_count ||
	    number >= segment->points)
		return -EINVAL;
	gang = &p->axis[axis].gang[member];
	i = program_axis_index(p, axis, number);
	if (p->axis[axis].shape == ETALON_HW_AXIS_LIST) {
		if (gang->list >= segment->list_count || i >= segment->lists[gang->list].points)
			return -EINVAL;
		*ret = segment->lists[gang->list].values[i];
	} else {
		*ret = etalon_hw_setpoint(gang->start, gang->stop, p->axis[axis].points, i);
	}
	return 0;
}
