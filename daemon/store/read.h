/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A run's data in engineering units: raw blocks -> calibrate -> columns of a frame.
 * Layer: store, above calibrate.
 */
#ifndef ETALON_STORE_READ_H
#define ETALON_STORE_READ_H

#include "store/store.h"

struct read_request {
	uint64_t first; /* number of the first point */
	uint64_t count; /* points at most; 0: all that fit */
	uint64_t stride; /* >= 1: every stride-th point */
	const char *const *columns; /* NULL: all */
	size_t column_count;
};

struct read_info {
	uint64_t rows; /* in this frame */
	uint64_t total_rows; /* of the run at this stride */
	uint64_t next; /* first for the next call, or UINT64_MAX at the end */
};

/*
 * A sealed memfd with a frame (data/frame.h), at most FRAME_MAX_BYTES of columns: what does not fit is
 * left for the next call (info->next). Columns: point-order `wavelength` (nm, logged axis), `wavelength nominal`,
 * each detector by its alias or name (W with responsivity, else its unit; dark-subtracted), `<name>.flags`, `flags`,
 * `time` (s since START); general sweeps have one column for each swept source.
 * The frame's meta is the run's (data/meta.h). Works on a run that is still being taken: what is committed.
 * -ENOENT unknown run or column (message lists the columns), -ENODATA nothing in that span.
 */
int store_read_frame(struct store *s, int64_t run, const struct read_request *request,
		     struct read_info *ret_info, int *ret_fd, char **ret_message);

/* Names and units of the columns: array of {name, unit}. */
int store_columns(struct store *s, int64_t run, json_t **ret, char **ret_message);

#endif
