// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Dark current from the records of a segment with the gate shut. Does not decide when a dark is
 * taken or how long it holds.
 */
#include "calibrate/dark.h"

#include <errno.h>

int dark_from_records(const struct conversion *c, const void *records, size_t bytes,
		      uint32_t stride, unsigned int sample_index, double *ret_mean,
		      double *ret_sigma)
{
	const size_t last = sizeof(struct etalon_hw_record_point) +
			    (sample_index + 1) * sizeof(struct etalon_hw_sample);
	struct moments m = {0};

	if (stride < last || bytes % stride != 0)
		return -EINVAL;
	for (size_t at = 0; at < bytes; at += stride) {
		const struct etalon_hw_record_point *point =
			(const void *)((const char *)records + at);

		if (point->head.type == ETALON_HW_RECORD_POINT &&
		    dark_usable(point, &point->sample[sample_index]))
			moments_add(&m, point->sample[sample_index].mean_q8);
	}
	if (m.count < 2)
		return -ENODATA;
	*ret_mean = dark_mean(c, moments_mean(&m));
	*ret_sigma = dark_error(c, moments_error(&m));
	return 0;
}
