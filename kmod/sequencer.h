/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a program, with its lists, is one that this board can run within these limits. The board
 * judges again; this keeps user space from asking it for more than SET_LIMITS allows, whatever
 * the board thinks. Pure; also compiled in user space.
 */
#ifndef ETALON_SEQUENCER_H
#define ETALON_SEQUENCER_H

#include <linux/types.h>

#include "description.h"
#include "uapi/etalon.h"

/* Of a source. */
struct etalon_span {
	__s64 low;
	__s64 high;
};

struct etalon_list {
	const __s64 *values;
	__u32 points; /* 0: not uploaded */
};

struct etalon_program_context {
	const struct etalon_description_view *description;
	const struct etalon_span *limits; /* one for each source, within its hard limits */
	const struct etalon_list *lists; /* ETALON_HW_LISTS_MAX */
	__u64 record_rate_max;
};

#define ETALON_EXTENTS_MAX (ETALON_HW_AXES_MAX * ETALON_HW_GANG_MAX)

/* Where a program drives a source, run-in apart. */
struct etalon_extent {
	__u32 source;
	struct etalon_span setpoints;
	__u64 run_in;
};

struct etalon_program_facts {
	__u64 points; /* POINT records */
	__u32 stride;
	__u32 extent_count;
	struct etalon_extent extent[ETALON_EXTENTS_MAX];
};

/* 0 and *ret, or the errno of *refusal. */
int etalon_program_check(const struct etalon_program_context *context,
			 const struct etalon_hw_program *program, struct etalon_program_facts *ret,
			 struct etalon_refusal *refusal);
/* The limits alone, again: they may have changed since. */
int etalon_program_check_limits(const struct etalon_span *limits,
				const struct etalon_program_facts *facts,
				struct etalon_refusal *refusal);
/* One setpoint of one source. */
int etalon_setpoint_check(const struct etalon_hw_source *source, __u32 number,
			  const struct etalon_span *limits, __s64 value,
			  struct etalon_refusal *refusal);

/* Fills *refusal, returns its errno. */
int etalon_refuse(struct etalon_refusal *refusal, __u32 result, __u32 detail, __s64 low,
		  __s64 high);

#endif
