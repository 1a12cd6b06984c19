/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a board says of itself, checked once and then trusted. Layer: link.
 */
#ifndef ETALON_LINK_DESCRIPTION_H
#define ETALON_LINK_DESCRIPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "hw.h"

struct description {
	struct etalon_hw_description head;
	const struct etalon_hw_source *source; /* head.source_count of them */
	const struct etalon_hw_detector *detector;
	const struct etalon_hw_range *range;
	const struct etalon_hw_calibration_point *calibration;
	void *raw; /* the window as read, owned; the tables point into it */
	size_t raw_size;
};

/*
 * Checks every count, offset, name, index and number of a description window and the CRC.
 * -EBADMSG with a message that names the wrong field. Copies raw.
 */
int description_parse(const void *raw, size_t size, struct description **ret, char **ret_message);
struct description *description_free(struct description *d);
DEFINE_CLEANUP(struct description *, description_free, description_freep);

/* Number by name, or -ENOENT. */
int description_source(const struct description *d, const char *name);
int description_detector(const struct description *d, const char *name);
/* Range by name ("100 uA", also "100uA") within a detector, or -ENOENT. */
int description_range(const struct description *d, unsigned int detector, const char *name);
const struct etalon_hw_range *description_range_of(const struct description *d,
						   unsigned int detector, unsigned int range);

/* "fm", "fW", "fA", "nV", "uK", "nm", "ndB" or "" of a source's or detector's kind. */
const char *source_unit(unsigned int kind);
const char *detector_unit(unsigned int kind);

/* Record stride of a program with so many detectors, bytes (hw.h section 4). */
size_t record_stride(unsigned int detectors);

#endif
