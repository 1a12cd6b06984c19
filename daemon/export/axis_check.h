/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What makes a table a spectrum: a wavelength axis in order. Turns the column into
 * "wavelength" in nm and refuses disorder; drops, sorts and repairs nothing. Layer: export.
 *
 * A logged axis has a random term: neighbours may repeat or step back within
 * AXIS_STEP_BACK_SIGMAS of it. So may a laser that jitters by more than its log errs: the scatter
 * that the axis itself shows counts, up to AXIS_RANDOM_PM. Rows that run the other way (FRAME_POINT_REVERSE) form a
 * leg of their own with its own direction.
 */
#ifndef ETALON_EXPORT_AXIS_CHECK_H
#define ETALON_EXPORT_AXIS_CHECK_H

#include "data/table.h"

#define AXIS_RANDOM_PM 0.3 /* per point, 1 sigma, of a file that declares none */
#define AXIS_RANDOM_PM_MAX 100.0
#define AXIS_STEP_BACK_SIGMAS 8

/*
 * How far a row may step back, with a stated random term of the log, from 1-sigma in pm. Also what
 * the `n` values scatter about their own run, as far as a laser may move by itself.
 */
double axis_tolerance_nm(const double *nm, size_t n, double random_pm);

/*
 * The axis is a column "wavelength" in nm, pm, um or m, or "frequency" in Hz, GHz or THz
 * (vacuum wavelength = c / frequency), in any case of letters. `random_pm` NaN: what the
 * table declares (axis.random_pm), else AXIS_RANDOM_PM. `name` of the file is for messages.
 * -EBADMSG with a message that names the row (from 1) and the two values.
 */
int axis_check(struct table *table, const char *name, double random_pm, char **ret_message);

#endif
