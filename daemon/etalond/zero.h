/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The dark currents that a board's last `zero` found, for live readings: sweeps take their own.
 * Layer: etalond.
 *
 * They hold for the range in which they were taken and until the board goes away; how old they
 * are is told with each reading, and the user's to judge.
 */
#ifndef ETALON_ETALOND_ZERO_H
#define ETALON_ETALOND_ZERO_H

#include <jansson.h>

#include "etalond/facts.h"

struct zero_level {
	int64_t run; /* that measured it; 0: there is none */
	uint64_t taken_ns; /* CLOCK_REALTIME */
	unsigned int range;
	double dark_a, dark_sigma_a; /* with the range's offset taken off */
};

struct zero {
	struct zero_level level[ETALON_HW_DETECTORS_MAX];
};

/* Takes what a complete run of kind "dark" found (its meta); other runs change nothing. */
void zero_take(struct zero *zero, const struct facts *facts, int64_t run, const json_t *meta,
	       uint64_t now_ns);
/* What to take off a reading of this detector in this range; NULL: nothing is known. */
const struct zero_level *zero_find(const struct zero *zero, unsigned int detector,
				   unsigned int range);

#endif
