// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The rules of a wavelength axis; see the header. Layer: export.
 */
#include "export/axis_check.h"

#include <errno.h>
#include <math.h>
#include <strings.h>

#include "base/util.h"
#include "data/frame.h"
#include "data/meta.h"

#define LIGHT_NM_THZ 299792.458 /* speed of light in vacuum in nm x THz */

static const struct axis_unit {
	const char *name, *unit;
	double nm; /* factor to nm, or 0: */
	double thz; /* factor to THz */
} axis_units[] = {
	{"wavelength", "nm", 1, 0},    {"wavelength", "pm", 1e-3, 0}, {"wavelength", "um", 1e3, 0},
	{"wavelength", "µm", 1e3, 0},  {"wavelength", "μm", 1e3, 0},  {"wavelength", "m", 1e9, 0},
	{"wavelength", "THz", 0, 1},   {"frequency", "THz", 0, 1},    {"frequency", "GHz", 0, 1e-3},
	{"frequency", "Hz", 0, 1e-12},
};

static struct table_column *find_axis(struct table *table)
{
	static const char *const names[] = {"wavelength", "frequency"};

	for (size_t n = 0; n < ARRAY_SIZE(names); n++)
		for (size_t i = 0; i < table->column_count; i++)
			if (strcasecmp(table->columns[i].name, names[n]) == 0 &&
			    table->columns[i].type == COLUMN_F64)
				return &table->columns[i];
	return NULL;
}

static const struct axis_unit *find_unit(const struct table_column *column)
{
	for (size_t i = 0; i < ARRAY_SIZE(axis_units); i++)
		if (strcasecmp(axis_units[i].name, column->name) == 0 &&
		    streq(axis_units[i].unit, column->unit))
			return &axis_units[i];
	return NULL;
}

static int no_axis(const struct table *table, const char *name, char **ret_message)
{
	return fail(
		ret_message, -EBADMSG,
		"%s: there is no wavelength column among %zu columns (the first is \"%s\"); name "
		"the axis \"wavelength, nm\" (also pm, um, m) or \"frequency, THz\"",
		name, table->column_count, table->column_count > 0 ? table->columns[0].name : "");
}

/* Of a point: its flag word, 0 when the table has none. */
static uint32_t flags_at(const struct table_column *flags, size_t row)
{
	return flags && flags->type == COLUMN_U32 ? flags->u32[row] : 0;
}

/* ---- values ---- */

static int convert(struct table *table, struct table_column *axis, const char *name,
		   char **ret_message)
{
	const struct table_column *flags = table_find(table, "flags");
	const struct axis_unit *unit = find_unit(axis);

	if (!unit)
		return fail(
			ret_message, -EBADMSG,
			"%s: column \"%s\" has the unit \"%s\"; write the heading as "
			"\"wavelength, nm\" (also pm, um, m) or \"frequency, THz\" (also GHz, Hz)",
			name, axis->name, axis->unit);
	for (size_t i = 0; i < table->rows; i++) {
		double value = axis->f64[i];

		/* The board says that it has no wavelength for this point: that is known. */
		if (isnan(value) && (flags_at(flags, i) & FRAME_POINT_WAVELENGTH_INVALID))
			continue;
		if (!isfinite(value) || value <= 0)
			return fail(
				ret_message, -EBADMSG,
				"%s: row %zu: the %s is %s; every row of an axis needs a positive "
				"number",
				name, i + 1, unit->name,
				isnan(value) ? "missing"
				: value <= 0 ? "not positive"
					     : "not finite");
		axis->f64[i] =
			unit->thz > 0 ? LIGHT_NM_THZ / (value * unit->thz) : value * unit->nm;
	}
	strcpy(axis->name, "wavelength");
	strcpy(axis->unit, "nm");
	return 0;
}

/* ---- order ---- */

struct axis {
	const double *nm;
	const struct table_column *flags;
	const char *file;
	double tolerance_nm;
};

/* Of so many second differences, evenly over the axis, the median is taken. */
#define SCATTER_SAMPLES 1024
#define SCATTER_LEAST 16 /* fewer rows tell no scatter */
/* Of the size of a second difference of normal values, in their sigma: 0.6745 sqrt(1 + 4 + 1). */
#define SECOND_DIFFERENCE_MEDIAN 1.6522

static int by_size(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double scatter_nm(const double *nm, size_t n)
{
	double size[SCATTER_SAMPLES];
	size_t count = 0, stride = MAX(n / SCATTER_SAMPLES, (size_t)1);

	for (size_t i = 1; n >= SCATTER_LEAST && i + 1 < n && count < SCATTER_SAMPLES;
	     i += stride) {
		size[count] = fabs(nm[i - 1] - 2 * nm[i] + nm[i + 1]);
		count += isfinite(size[count]);
	}
	if (count == 0)
		return 0;
	qsort(size, count, sizeof(*size), by_size);
	return size[count / 2] / SECOND_DIFFERENCE_MEDIAN;
}

double axis_tolerance_nm(const double *nm, size_t n, double random_pm)
{
	double seen_pm = fmin(scatter_nm(nm, n) * 1e3, AXIS_RANDOM_PM);

	return AXIS_STEP_BACK_SIGMAS * fmax(random_pm, seen_pm) * 1e-3;
}

/*
 * Votes over half the leg's length: there the random term of neighbours and one outlier,
 * also at an end, turn nothing round.
 */
static int direction(const struct axis *axis, size_t first, size_t end)
{
	size_t lag = (end - first) / 2, rising = 0, falling = 0;

	for (size_t i = first; i + lag < end; i++) {
		rising += axis->nm[i + lag] > axis->nm[i];
		falling += axis->nm[i + lag] < axis->nm[i];
	}
	return falling > rising ? -1 : 1;
}

static int check_leg(const struct axis *axis, size_t first, size_t end, char **ret_message)
{
	int sign = direction(axis, first, end);
	double furthest = NAN;
	size_t furthest_row = first;

	for (size_t i = first; i < end; i++) {
		double nm = axis->nm[i];

		if (isnan(nm))
			continue;
		if ((furthest - nm) * sign > axis->tolerance_nm)
			return fail(ret_message, -EBADMSG,
				    "%s: row %zu: %.6f nm comes after %.6f nm (row %zu) on a %s "
				    "wavelength axis; steps back of up to %.3g pm (%d x the random "
				    "term) are allowed: sort the rows or split the file",
				    axis->file, i + 1, nm, furthest, furthest_row + 1,
				    sign > 0 ? "rising" : "falling", axis->tolerance_nm * 1e3,
				    AXIS_STEP_BACK_SIGMAS);
		if (isnan(furthest) || (nm - furthest) * sign > 0) {
			furthest = nm;
			furthest_row = i;
		}
	}
	return 0;
}

static int check_order(const struct table *table, const struct axis *axis, char **ret_message)
{
	size_t first = 0;

	for (size_t i = 1; i <= table->rows; i++) {
		int r;

		if (i < table->rows && !((flags_at(axis->flags, i) ^ flags_at(axis->flags, first)) &
					 FRAME_POINT_REVERSE))
			continue;
		r = check_leg(axis, first, i, ret_message);
		if (r < 0)
			return r;
		first = i;
	}
	return 0;
}

static double declared_random_pm(const struct table *table)
{
	const json_t *value = json_object_get(json_object_get(table->meta, META_AXIS), "random_pm");

	return json_is_number(value) ? json_number_value(value) : AXIS_RANDOM_PM;
}

int axis_check(struct table *table, const char *name, double random_pm, char **ret_message)
{
	struct table_column *column = find_axis(table);
	struct axis axis = {.flags = table_find(table, "flags"), .file = name};
	int r;

	if (!column)
		return no_axis(table, name, ret_message);
	if (isnan(random_pm))
		random_pm = declared_random_pm(table);
	if (!(random_pm >= 0 && random_pm <= AXIS_RANDOM_PM_MAX))
		return fail(ret_message, -EBADMSG,
			    "%s: the axis declares a random term of %g pm; 0 to %g pm are allowed",
			    name, random_pm, AXIS_RANDOM_PM_MAX);
	r = convert(table, column, name, ret_message);
	if (r < 0)
		return r;
	axis.nm = column->f64;
	axis.tolerance_nm = axis_tolerance_nm(axis.nm, table->rows, random_pm);
	return check_order(table, &axis, ret_message);
}
