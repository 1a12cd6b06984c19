/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Columns in linear units, whatever unit a file has them in. Layer: export.
 */
#ifndef ETALON_EXPORT_LINEAR_H
#define ETALON_EXPORT_LINEAR_H

#include "data/table.h"

/*
 * A malloc'ed copy of a column in W (from dBm, W, mW, uW, nW, pW), as a ratio (from dB or
 * no unit) or in A (from A, mA, uA, nA, pA); *ret_unit is "W", "" or "A". Missing values
 * stay NaN, -inf dB is 0. -EINVAL with a message for other units and flag words.
 */
int table_column_linear_w(const struct table *table, const struct table_column *column,
			  double **ret, const char **ret_unit, char **ret_message);

double power_w_from_dbm(double dbm);
/* NaN where the power is not positive. */
double power_dbm_from_w(double w);

#endif
