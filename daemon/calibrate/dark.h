/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which readings are dark readings, and their mean in raw counts. Layer: calibrate.
 */
#ifndef ETALON_CALIBRATE_DARK_H
#define ETALON_CALIBRATE_DARK_H

#include "calibrate/convert.h"
#include "calibrate/moments.h"

/* A dark reading: no light reached the port, the sample is whole, from this range. */
static inline bool dark_usable(const struct etalon_hw_record_point *point,
			       const struct etalon_hw_sample *sample)
{
	const uint32_t dark = ETALON_HW_POINT_GATE_CLOSED | ETALON_HW_POINT_EMISSION_OFF;

	return (point->flags & dark) && !(point->flags & ETALON_HW_POINT_UNSETTLED) &&
	       sample->flags == 0;
}

/* Mean (raw counts) as a physical quantity and its standard error. NaN without readings. */
static inline double dark_mean(const struct conversion *c, double mean_q8)
{
	return mean_q8 * c->scale + c->offset;
}

static inline double dark_error(const struct conversion *c, double error_q8)
{
	return fabs(error_q8 * c->scale);
}

#endif
