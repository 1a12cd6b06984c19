/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From a request to programs: the dry run and the real run share this. Layer: measure (link below).
 *
 * A plan is a list of segments, each one board program run to its END. Nothing here touches a
 * board. Limits are min(hardware, site, device under test, job): exceeding one is an error that
 * names the limit, who set it and the nearest value that would do; never a clamp.
 */
#ifndef ETALON_MEASURE_PLAN_H
#define ETALON_MEASURE_PLAN_H

#include <jansson.h>

#include "link/link.h"

/* What the site says, from its configuration; strings and arrays owned by the site. */
struct site_limit {
	const char *source;
	int64_t min;
	int64_t max;
};

struct site_alias {
	const char *name; /* "through" */
	const char *channel; /* "pd1" */
};

struct site {
	int64_t default_power_fw; /* 0: none, a sweep must name its power */
	const struct site_limit *limits;
	size_t limit_count;
	const struct site_alias *aliases;
	size_t alias_count;
};

enum segment_purpose {
	SEGMENT_DARK_BEFORE = 1,
	SEGMENT_MAIN = 2,
	SEGMENT_DARK_AFTER = 3,
};

struct segment {
	enum segment_purpose purpose;
	struct etalon_hw_program program; /* generation and run_key filled when it runs */
	struct link_list *lists; /* owned with their values */
	unsigned int list_count;
	uint64_t points; /* POINT records expected */
	uint64_t duration_ns; /* own estimate; the board's statement replaces it at load */
};

/* Setpoints to be made before the first segment: laser power, say. */
struct plan_setpoint {
	unsigned int source;
	int64_t value;
};

struct plan {
	struct segment *segments;
	size_t segment_count;
	struct plan_setpoint *setpoints;
	size_t setpoint_count;
	bool needs_emission; /* any segment wants EMITTING (dark with a warm laser included) */
	bool analyse; /* resonances of the first signal column wanted */
	uint64_t points; /* of the main segment */
	uint64_t duration_ns; /* all segments, without emission delay */
	json_t *request; /* as given, defaults filled in */
	json_t *meta; /* keys of data/meta.h known before the run: kind, settings, axis, channels, laser */
	json_t *summary; /* for people and a dry run: {"lines": [...], "setpoints_first": .., "warnings": [...]} */
};

/* -EINVAL bad request, -ERANGE limit, -ENOENT unknown channel, -ENOTSUP; message always set then. */
int plan_make(const struct description *d, const struct site *site, const json_t *request,
	      struct plan **ret, char **ret_message);
struct plan *plan_free(struct plan *plan);
/* Not of the darks around a measurement; of a plan of nothing but dark, every segment. */
bool plan_asks_for(const struct plan *plan, size_t segment);
/* POINT records of what was asked for. */
uint64_t plan_points(const struct plan *plan);

/* For who knows more than a plan: what the summary says of the reference, and of the emission delay
 * (0: the laser is warm). 0 or -ENOMEM. */
int plan_tell_reference(struct plan *plan, const char *text);
int plan_tell_light(struct plan *plan, uint64_t delay_ns);

DEFINE_CLEANUP(struct plan *, plan_free, plan_freep);

/* Every setpoint of the innermost..outermost axes in order of execution, for `--dry-run`: value of
 * point `number` for gang member `member` of axis `axis`. */
int plan_setpoint_at(const struct segment *segment, uint64_t number, unsigned int axis,
		     unsigned int member, int64_t *ret);

#endif
