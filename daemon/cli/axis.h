/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The wavelength axis of a sweep as people ask for it: A B or centre and span, step or points, nm
 * or THz. Layer: cli; pure: knows no board, no bus.
 */
#ifndef ETALON_CLI_AXIS_H
#define ETALON_CLI_AXIS_H

#include <stdbool.h>
#include <stdint.h>

struct axis_wish { /* texts, NULL where nothing was given */
	const char *from, *to;
	const char *centre, *span;
	const char *step, *points;
};

struct axis {
	int64_t start_fm, stop_fm;
	uint64_t points; /* with both ends */
	bool from_frequency; /* points are equidistant in wavelength all the same */
};

/*
 * A step must divide the span. The message names the nearest steps that do; those that are
 * multiples of resolution_fm (0: unknown) are preferred. Ends given as frequencies become the
 * nearest multiples of it. -EINVAL with a message.
 */
int axis_read(const struct axis_wish *wish, int64_t resolution_fm, struct axis *ret,
	      char **ret_message);

#endif
