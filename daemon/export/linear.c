// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * dBm, dB and SI prefixes to linear units. Layer: export.
 */
#include "export/linear.h"

#include <errno.h>
#include <math.h>

#include "base/util.h"

static const struct unit {
	const char *name, *linear;
	double factor;
	bool logarithmic;
} units[] = {
	{"dBm", "W", 1e-3, true}, {"dB", "", 1, true},	    {"", "", 1, false},
	{"W", "W", 1, false},	  {"mW", "W", 1e-3, false}, {"uW", "W", 1e-6, false},
	{"µW", "W", 1e-6, false}, {"nW", "W", 1e-9, false}, {"pW", "W", 1e-12, false},
	{"A", "A", 1, false},	  {"mA", "A", 1e-3, false}, {"uA", "A", 1e-6, false},
	{"µA", "A", 1e-6, false}, {"nA", "A", 1e-9, false}, {"pA", "A", 1e-12, false},
};

double power_w_from_dbm(double dbm)
{
	return 1e-3 * exp10(dbm / 10);
}

double power_dbm_from_w(double w)
{
	return w > 0 ? 10 * log10(w / 1e-3) : NAN;
}

static const struct unit *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (streq(units[i].name, name))
			return &units[i];
	return NULL;
}

int table_column_linear_w(const struct table *table, const struct table_column *column,
			  double **ret, const char **ret_unit, char **ret_message)
{
	const struct unit *unit = column->type == COLUMN_F64 ? find(column->unit) : NULL;
	double *out;

	if (!unit)
		return fail(
			ret_message, -EINVAL,
			"column \"%s\" is in \"%s\"; power or transmission is needed: dBm, dB, W, "
			"mW, uW, nW, pW, or a photocurrent in A, mA, uA, nA, pA",
			column->name, column->type == COLUMN_F64 ? column->unit : "flag words");
	out = calloc(MAX(table->rows, (size_t)1), sizeof(*out));
	if (!out)
		return fail(ret_message, -ENOMEM, "out of memory");
	for (size_t i = 0; i < table->rows; i++)
		out[i] = unit->factor *
			 (unit->logarithmic ? exp10(column->f64[i] / 10) : column->f64[i]);
	*ret = out;
	if (ret_unit)
		*ret_unit = unit->linear;
	return 0;
}
