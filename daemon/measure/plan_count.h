/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Counting in a program: lengths of axes, points, setpoints in order of execution. Layer: measure;
 * arithmetic of hw.h section 3 only.
 */
#ifndef ETALON_MEASURE_PLAN_COUNT_H
#define ETALON_MEASURE_PLAN_COUNT_H

#include <stdint.h>

#include "hw.h"

/* Steps of one pass of an axis: its points, twice for UP_DOWN. */
uint64_t program_axis_length(const struct etalon_hw_program *p, unsigned int axis);
/* Steps that an axis makes in the whole program; UINT64_MAX when that is more than fits. */
uint64_t program_axis_steps(const struct etalon_hw_program *p, unsigned int axis);
/* Points of the whole program; UINT64_MAX likewise. */
uint64_t program_points(const struct etalon_hw_program *p);
/* Index of the axis' setpoint at point `number`, direction taken into account. */
uint32_t program_axis_index(const struct etalon_hw_program *p, unsigned int axis, uint64_t number);

#endif
