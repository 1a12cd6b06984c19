/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The result of an analysis as a JSON object. Layer: analyse.
 */
#ifndef ETALON_ANALYSE_REPORT_H
#define ETALON_ANALYSE_REPORT_H

#include <jansson.h>

#include "analyse/family.h"
#include "analyse/pool.h"

struct report {
	const struct spectrum *spectrum;
	const struct resonances *all;
	const struct ripple *ripple;
	const struct family *families;
	size_t family_count;
	size_t left_out_at_edges, left_out_as_fringes;
	double change_db; /* of the light within the span, where no resonance is */
	struct pool_result noise;
	bool noise_from_data;
	double level; /* of the baseline, in the spectrum's unit */
};

/* New object, NULL when out of memory. */
json_t *report_make(const struct report *report);

#endif
