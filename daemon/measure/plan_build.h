/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A plan in the making: what the parts of plan_make() share. Layer: measure, private to plan*.c.
 *
 * Functions return 0 or a negative errno with *b->message set.
 */
#ifndef ETALON_MEASURE_PLAN_BUILD_H
#define ETALON_MEASURE_PLAN_BUILD_H

#include "base/util.h"
#include "link/quantity.h"
#include "measure/plan.h"
#include "measure/plan_count.h"
#include "measure/request.h"
#include "measure/request_read.h"

#define COLUMN_NAME_MAX 48

/* A detector of the plan's programs. */
struct column {
	unsigned int detector;
	unsigned int range;
	char name[COLUMN_NAME_MAX]; /* as asked for: alias or name */
	bool automatic; /* added by its role */
};

struct plan_build {
	const struct description *d;
	const struct site *site;
	json_t *request; /* the plan's copy: defaults are filled in as they are decided */
	char **message;
	struct plan *plan;
	struct column column[ETALON_HW_PROGRAM_DETECTORS_MAX];
	unsigned int column_count;
	json_t *lines; /* of the summary */
	json_t *warnings;
};

/* When and how points of a program are taken. */
struct timing {
	uint64_t period_ns;
	uint64_t delay_ns;
	uint64_t aperture_ns;
};

/* ---- plan.c ---- */
void plan_line(struct plan_build *b, const char *format, ...) _printf_(2, 3);
void plan_warn(struct plan_build *b, const char *format, ...) _printf_(2, 3);
/* Appends a zeroed segment whose program has its detectors and timing; NULL without memory. */
struct segment *plan_add_segment(struct plan_build *b, enum segment_purpose purpose,
				 const struct timing *t);
/* Counts points and time when the program's axes are in. */
int plan_finish_segment(struct plan_build *b, struct segment *s);

/* ---- one file for each kind of request: plan_wavelength.c, plan_sweep.c, plan_dark.c ---- */
int plan_wavelength_sweep(struct plan_build *b);
int plan_sweep(struct plan_build *b);
int plan_dark(struct plan_build *b);

/* ---- plan_actions.c: what a sweep does besides its axes ---- */
/* `set` of the request: setpoints before the first segment. */
int plan_set_sources(struct plan_build *b);
int plan_comparators(struct plan_build *b, struct etalon_hw_program *p);
/* start_input, clock, clock_input, clock_timeout_ns, outputs. */
int plan_triggers(struct plan_build *b, struct etalon_hw_program *p);

/* ---- plan_limits.c ---- */
/*
 * A setpoint within min(hardware, site, job), `margin` away from both ends (what a run-in needs),
 * on the source's grid. Moves *value to the grid where people can not know it (dBm, odd converter steps).
 */
int plan_check_setpoint(struct plan_build *b, unsigned int source, int64_t margin, int64_t *value);
/* The limits that the request and the site set name sources that exist. */
int plan_check_limit_names(struct plan_build *b);
/* The nearest setpoint of the source's grid. */
int64_t plan_on_grid(const struct etalon_hw_source *s, int64_t value);
struct names plan_source_names(const struct plan_build *b, const char **space);
/* Number of a source by name, with the message that lists all. */
int plan_find_source(struct plan_build *b, const char *name);

/* ---- plan_channels.c ---- */
/* Fills columns from `detectors` of the request; absent: those that measure light. */
int plan_columns(struct plan_build *b);
int plan_add_column(struct plan_build *b, unsigned int detector, const char *name, bool automatic);
/* Adds all detectors of this role that belong to `source` or a facet of it (-1: to any). */
int plan_add_role(struct plan_build *b, unsigned int role, int source);
/* The detectors that read a source back. */
int plan_add_readbacks(struct plan_build *b, unsigned int source);
/* Drops automatic columns that need a longer aperture, and says so. */
void plan_drop_slow_columns(struct plan_build *b, uint64_t aperture_ns);
/* The column of a name or alias, or -ENOENT with a message. */
int plan_find_column(struct plan_build *b, const char *name);
/* Ranges of the request, once all columns are there. */
int plan_ranges(struct plan_build *b);

/* ---- plan_timing.c ---- */
/* Aperture, delay and period against the board and each column's range. */
int plan_check_timing(struct plan_build *b, const struct timing *t);
/* Least aperture that all columns allow, and whose it is. */
uint64_t plan_aperture_min(const struct plan_build *b, const char **ret_whose);
/* Period at which `points` over `span` take this speed, rounded so that the speed stays allowed. 0: none. */
uint64_t ramp_period_ns(const struct etalon_hw_source *s, int64_t span, uint32_t points,
			int64_t speed);
/* Distance that a ramp runs before and after its span. */
int64_t ramp_run_in(const struct etalon_hw_source *s, int64_t span, uint32_t points,
		    uint64_t period_ns);
uint64_t program_duration_ns(const struct description *d, const struct etalon_hw_program *p);

/* ---- plan_axis.c ---- */
/* One source of an axis: from start to stop, or values (then owned by who made them). */
struct axis_member {
	unsigned int source;
	int64_t start, stop;
	const int64_t *values;
};
/*
 * From the command of an axis' longest step, or jump of its list, until its source has moved and
 * settled. The moves between passes and those of outer axes are not in it: the board waits for
 * them. For setpoints that were checked. (plan_timing.c)
 */
uint64_t step_settle_ns(const struct etalon_hw_source *s, const struct axis_member *m,
			uint32_t points);
/*
 * Checks every setpoint (`margin` as above, at both ends of a ramp) and fills axis number `axis` of the segment:
 * gang, shape and lists. What does not fall on a source's grid in mode STEP becomes a list of the nearest
 * setpoints.
 */
int plan_set_axis(struct plan_build *b, struct segment *s, unsigned int axis,
		  struct axis_member *members, unsigned int count, uint32_t points,
		  unsigned int mode);
/* An axis that drives nothing. */
void plan_repeat_axis(struct segment *s, unsigned int axis, uint32_t points);

/* ---- plan_dark.c ---- */
/* A segment with the gate shut, same ranges and aperture; warm: with the laser on behind the gate. */
int plan_add_dark(struct plan_build *b, enum segment_purpose purpose, const struct timing *t,
		  bool warm);

/* ---- plan_meta.c ---- */
int plan_meta(struct plan_build *b, const char *kind, json_t *settings, int wavelength_source,
	      int64_t axis_start_fm, int64_t axis_stop_fm);
/* "20 nm/s, aperture 40 us; 1.1 s of light after 3.0 s emission delay" and the rest of the summary. */
void plan_summary(struct plan_build *b, const char *how);

#endif
