/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a board says it is, checked once and trusted from then on. Pure; also compiled in user
 * space.
 */
#ifndef ETALON_DESCRIPTION_H
#define ETALON_DESCRIPTION_H

#include <linux/types.h>

#include "hw.h"

#define ETALON_DESCRIPTION_BYTES_MAX (ETALON_REG_SPACE - ETALON_REG_DESCRIPTION)

/* Pointers into the blob. */
struct etalon_description_view {
	const struct etalon_hw_description *head;
	const struct etalon_hw_source *source;
	const struct etalon_hw_detector *detector;
	const struct etalon_hw_range *range;
	const struct etalon_hw_calibration_point *calibration;
};

/* What is wrong, for one line of the log. */
struct etalon_description_fault {
	const char *what;
	const char *table; /* "source", ...; "" for the head */
	__u32 number; /* in that table */
};

/*
 * `blob` holds `bytes`, aligned to 8. On success *ret points into it and every count, offset and
 * index in it leads to something; sums of any two values and differences of any two limits do not
 * overflow. -EBADMSG else, with *fault.
 */
int etalon_description_check(const void *blob, __u32 bytes, struct etalon_description_view *ret,
			     struct etalon_description_fault *fault);

/* Bytes of each record of a program with so many detectors. */
__u32 etalon_record_stride(__u32 detectors);

/* Range `range` of detector `detector`, both of which exist. */
static inline const struct etalon_hw_range *
etalon_description_range(const struct etalon_description_view *d, __u32 detector, __u32 range)
{
	return &d->range[d->detector[detector].range_first + range];
}

#endif
