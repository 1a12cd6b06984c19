/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the records of a run tell as a whole: dark currents, saturated readings, readings below
 * the floor, temperature, flags. Layer: calibrate. Fed with records as they come, in constant
 * memory.
 */
#ifndef ETALON_CALIBRATE_SUMMARY_H
#define ETALON_CALIBRATE_SUMMARY_H

#include <jansson.h>

#include "calibrate/convert.h"

/* What kind of segment is fed; the numbers are those of enum segment_purpose (measure/plan.h). */
enum summary_part {
	SUMMARY_DARK_BEFORE = 1,
	SUMMARY_MAIN = 2,
	SUMMARY_DARK_AFTER = 3,
};

struct summary;

/* The description must outlive the summary. */
int summary_new(const struct description *d, struct summary **ret);
struct summary *summary_free(struct summary *s);
DEFINE_CLEANUP(struct summary *, summary_free, summary_freep);

/* -EINVAL when the program names channels that the description does not have or the stride is too
 * short. */
int summary_begin(struct summary *s, unsigned int part, const struct etalon_hw_program *program,
		  uint32_t stride);
/* Whole records of the segment that was begun last. */
void summary_feed(struct summary *s, const void *records, size_t bytes);

/*
 * The dark readings of a segment in raw counts, to be kept and given back later:
 * [{detector, range, count, mean_q8, error_q8}]; NULL for the main segment or without memory.
 */
json_t *summary_dark(const struct summary *s, unsigned int part);
/* Applies one or two such arrays (either may be NULL) to a conversion of this detector and range.
 */
void summary_apply_dark(const json_t *before, const json_t *after, unsigned int detector,
			unsigned int range, struct conversion *c);

/*
 * Puts channels[].dark_before_a, dark_after_a, dark_sigma_a, noise_a, saturated, below_floor;
 * environment; flags and the ledger's saturated and below_floor (readings of signal channels) into
 * the meta of a run. Of one of kind "dark": channels[].dark_a and dark_random_a instead.
 */
int summary_meta(const struct summary *s, json_t *meta);

#endif
