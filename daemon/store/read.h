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
	const char *const *optional; /* besides them, those that the run has */
	size_t optional_count;
	bool whole; /* nothing at all, -EFBIG, when what is asked for does not fit */
};

struct read_info {
	uint64_t rows; /* in this frame */
	uint64_t total_rows; /* of the run at this stride */
	uint64_t next; /* first for the next call, or UINT64_MAX at the end */
};

/*
 * A sealed memfd with a frame (data/frame.h), at most FRAME_MAX_BYTES of columns: what does not
 * fit is left for the next call (info->next). Rows are points in order of execution; a point that
 * is missing has no row. Columns, in this order:
 *
 *   wavelength          nm, as logged, at the instant that the first signal channel saw (its
 *                       range's group delay is taken off)
 *   wavelength nominal  nm, the setpoint; of other swept sources `<source> nominal`
 *   <name>              each detector by its alias or name, dark taken off: W where responsivity
 *                       and wavelength are known, else A, V, K, nm
 *   <name>.flags        FRAME_CHANNEL_*
 *   <name> wavelength   nm, of signal channels whose group delay differs from the first one's
 *   <name> loss         dB, of signal channels of a run with a reference; NaN where that does
 *                       not reach
 *   flags               FRAME_POINT_*
 *   time                s since START, at the aperture's centre
 *   point               number of the point
 *
 * settings.average passes are averaged: one row for each setpoint and direction, flags ORed,
 * `point` of the first pass. The frame's meta is the run's (data/meta.h). Works on a run that is
 * still being taken: what is committed.
 *
 * -EFBIG (whole) with how many would fit, -ENOENT unknown run or column (the message lists the columns), -ENODATA nothing in that span,
 * -EUCLEAN some of it is damaged (the message says which points).
 */
int store_read_frame(struct store *s, int64_t run, const struct read_request *request,
		     struct read_info *ret_info, int *ret_fd, char **ret_message);

/* Names and units of the columns: array of {name, unit}. */
int store_columns(struct store *s, int64_t run, json_t **ret, char **ret_message);

#endif
