/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A program as the board keeps it: checked, with copies of its lists. Layer: emulator,
 * below the sequencer. Checks against a description and limits; runs nothing.
 */
#ifndef ETALON_EMULATOR_PROGRAM_H
#define ETALON_EMULATOR_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "hw.h"

#define PERIOD_MAX_NS 40000000000ULL /* aperture_ticks has 32 bits */

/* What the RESULT registers tell. */
struct refusal {
	uint32_t result; /* enum etalon_hw_result */
	uint32_t detail;
	int64_t low, high;
};

struct uploaded_list {
	int64_t *values; /* owned */
	uint32_t points;
};

struct program_context {
	const struct etalon_hw_description *description; /* with its tables behind it */
	const int64_t *limit_low; /* for each source */
	const int64_t *limit_high;
	const struct uploaded_list *lists; /* ETALON_HW_LISTS_MAX of them */
	uint64_t record_rate_max;
};

struct program {
	struct etalon_hw_program image;
	uint32_t crc;
	uint32_t stride;
	uint64_t points;
	int64_t *values[ETALON_HW_AXES_MAX][ETALON_HW_GANG_MAX]; /* lists, owned */
	bool drives[ETALON_HW_SOURCES_MAX];
	bool steps[ETALON_HW_SOURCES_MAX];
	bool needs_emitting; /* flagged so, or it would open a gate or drive an emitting current */
	bool drives_ramp_zero; /* drives a source that ramps to zero when light goes off */
};

/* -EINVAL: refused, see *ret_refusal. -ENOMEM. */
int program_load(const struct program_context *context, const struct etalon_hw_program *image,
		 struct program **ret, struct refusal *ret_refusal);
/* The limits alone, again: they may have changed since. */
int program_check_limits(const struct program_context *context, const struct program *p,
			 struct refusal *ret_refusal);
struct program *program_free(struct program *p);
DEFINE_CLEANUP(struct program *, program_free, program_freep);

static inline const struct etalon_hw_axis *program_innermost(const struct program *p)
{
	return &p->image.axis[p->image.axis_count - 1];
}

/* Points of one pass of an axis: twice as many UP_DOWN. */
uint64_t program_pass_points(const struct etalon_hw_axis *axis);
int64_t program_setpoint(const struct program *p, unsigned int axis, unsigned int member,
			 uint32_t index);

/* Ramps: time from the start of motion to the first setpoint, and how far that is. */
uint64_t program_run_in_ns(const struct program *p, const struct etalon_hw_source *s,
			   unsigned int member);
int64_t program_run_in_distance(const struct program *p, const struct etalon_hw_source *s,
				unsigned int member);

const struct etalon_hw_source *hw_sources(const struct etalon_hw_description *d);
const struct etalon_hw_detector *hw_detectors(const struct etalon_hw_description *d);
const struct etalon_hw_range *hw_ranges(const struct etalon_hw_description *d);
const struct etalon_hw_calibration_point *hw_calibration(const struct etalon_hw_description *d);

#endif
