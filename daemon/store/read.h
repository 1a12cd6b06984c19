/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A run's data in engineering units: raw blocks -> calibrate -> columns of a frame.
 * Layer: store, above calibrate.
 */
#ifndef ETALON_STORE_READ_H
#define ETALON_STORE_READ_H

#include "store/store.h"

struct read_request {
	uint64_t first; /* number of the first point; of an averaged run: of the first row */
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
 * left for the next call (info->next). Rows are points in order of execution; a point that is missing has no row.
 * Columns, in this order:
 *   wavelength            nm, logged, at the instant the first signal channel saw (its range's group delay taken off)
 *   wavelength nominal    nm, the setpoint; other swept sources: `<source> nominal`
 *   <name>                each detector by its alias or name: W with responsivity, else A, V, K, nm; dark-subtracted
 *   <name>.flags          FRAME_CHANNEL_*
 *   <name> wavelength     nm, only of signal channels whose group delay differs from the first one's
 *   <name> loss           dB, of signal channels of a run with a reference; NaN where that does not reach
 *   flags, time, point    FRAME_POINT_*; s since START at the aperture's centre; number of the point
 * settings.average passes are averaged: one row for each setpoint and direction, flags ORed, `point` of the first pass.
 * The frame's meta is the run's (data/meta.h). Works on a run that is still being taken: what is committed.
 * -ENOENT unknown run or column (message lists the columns), -ENODATA nothing in that span.
 */
int store_read_frame(struct store *s, int64_t run, const struct read_request *request,
		     struct read_info *ret_info, int *ret_fd, char **ret_message);

/* Names and units of the columns: array of {name, unit}. */
int store_columns(struct store *s, int64_t run, json_t **ret, char **ret_message);

#endif
