// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Reduces a table to what a picture of so many columns can show. Layer: export.
 */
#include "export/plot.h"

#include <errno.h>
#include <math.h>

#include "base/util.h"
#include "data/meta.h"
#include "export/linear.h"

struct plot *plot_free(struct plot *plot)
{
	if (!plot)
		return NULL;
	for (size_t i = 0; i < plot->series_count; i++)
		free(plot->series[i].bins);
	free(plot);
	return NULL;
}

/* ---- which channels ---- */

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && streq(text + n - m, end);
}

static bool is_optical(const char *unit)
{
	static const char *const units[] = {"dBm", "dB", "W",  "mW", "uW", "µW", "nW", "pW",
					    "A",   "mA", "uA", "µA", "nA", "pA", ""};

	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (streq(units[i], unit))
			return true;
	return false;
}

/* What the run says of a column; NULL when it says nothing. */
static const char *role_of(const struct table *table, const char *name)
{
	json_t *channel;
	size_t i;

	json_array_foreach(json_object_get(table->meta, META_CHANNELS), i, channel) {
		const char *column = json_string_value(json_object_get(channel, "column"));

		if (column && streq(column, name))
			return json_string_value(json_object_get(channel, "role"));
	}
	return NULL;
}

static bool is_signal(const struct table *table, const struct table_column *column)
{
	const char *monitor = json_string_value(json_object_get(table->meta, META_MONITOR));
	const char *role = role_of(table, column->name);

	if (column->type != COLUMN_F64 || !is_optical(column->unit) ||
	    strncmp(column->name, "wavelength", strlen("wavelength")) == 0 ||
	    ends_with(column->name, ".sigma") || streq(column->name, "index") ||
	    (monitor && streq(monitor, column->name)))
		return false;
	return !role || streq(role, "signal");
}

static size_t all_signals(const struct table *table, const struct table_column **out, size_t room)
{
	size_t count = 0;

	for (size_t i = 0; i < table->column_count; i++)
		if (is_signal(table, &table->columns[i]) && count++ < room)
			out[count - 1] = &table->columns[i];
	return count;
}

/* Returns how many there are, of which at most `room` are in `out`. */
static int pick_channels(const struct table *table, const struct plot_options *options,
			 const struct table_column **out, size_t room, char **ret_message)
{
	size_t count = 0;

	if (!options->channels)
		return (int)all_signals(table, out, room);
	for (; options->channels[count]; count++) {
		const struct table_column *column = table_find(table, options->channels[count]);

		if (!column || column->type != COLUMN_F64)
			return fail(ret_message, -EINVAL, "there is no channel \"%s\" to draw",
				    options->channels[count]);
		if (count < room)
			out[count] = column;
	}
	return (int)count;
}

/* ---- scales ---- */

static const struct prefix {
	const char *text;
	double factor;
} prefixes[] = {
	{"", 1}, {"m", 1e-3}, {"u", 1e-6}, {"n", 1e-9}, {"p", 1e-12},
};

static const struct prefix *prefix_for(double highest)
{
	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (highest >= prefixes[i].factor)
			return &prefixes[i];
	return &prefixes[ARRAY_SIZE(prefixes) - 1];
}

/* The column's values on the picture's scale, NaN where there are none. */
static int scaled_values(const struct table *table, const struct table_column *column,
			 enum plot_scale scale, double **ret, const char **ret_unit,
			 char **ret_message)
{
	const char *linear;
	double *values;
	int r;

	r = table_column_linear_w(table, column, &values, &linear, ret_message);
	if (r < 0)
		return r;
	*ret_unit = linear;
	*ret = values;
	if (scale == PLOT_LINEAR || streq(linear, "A"))
		return 0;
	*ret_unit = streq(linear, "W") ? "dBm" : "dB";
	for (size_t i = 0; i < table->rows; i++)
		values[i] = values[i] > 0
				    ? 10 * log10(streq(linear, "W") ? values[i] / 1e-3 : values[i])
				    : NAN;
	return 0;
}

static void name_y(struct plot *plot, const char *unit)
{
	bool level = streq(unit, "dBm") || streq(unit, "W");

	snprintf(plot->y_unit, sizeof(plot->y_unit), "%s", unit);
	snprintf(plot->y_title, sizeof(plot->y_title), "%s",
		 level		    ? "Power"
		 : streq(unit, "A") ? "Photocurrent"
				    : "Transmission");
}

/* ---- bins ---- */

long plot_bin_of(const struct plot *plot, double nm)
{
	double span = plot->x_high - plot->x_low;
	double at = span > 0 ? (nm - plot->x_low) / span * (double)plot->bin_count : 0;

	if (!(at >= 0))
		return -1;
	/* The last point of the axis belongs to the last bin. */
	if (nm == plot->x_high)
		return (long)plot->bin_count - 1;
	return at < (double)plot->bin_count ? (long)at : (long)plot->bin_count;
}

static void fill_bins(const struct plot *plot, struct plot_series *series, const double *nm,
		      const double *values, size_t rows)
{
	for (size_t i = 0; i < rows; i++) {
		long at = plot_bin_of(plot, nm[i]);
		struct plot_bin *bin;

		if (at < 0 || at >= (long)plot->bin_count)
			continue;
		bin = &series->bins[at];
		bin->points++;
		bin->x = nm[i];
		if (!isfinite(values[i]))
			continue;
		bin->low = bin->valid == 0 ? values[i] : fmin(bin->low, values[i]);
		bin->high = bin->valid == 0 ? values[i] : fmax(bin->high, values[i]);
		bin->valid++;
	}
}

static int add_series(struct plot *plot, const struct table *table,
		      const struct table_column *column, enum plot_scale scale, char **ret_message)
{
	struct plot_series *series = &plot->series[plot->series_count];
	_cleanup_free_ double *values = NULL;
	const char *unit;
	int r;

	r = scaled_values(table, column, scale, &values, &unit, ret_message);
	if (r < 0)
		return r;
	if (plot->series_count == 0)
		name_y(plot, unit);
	else if (!streq(unit, plot->y_unit)) {
		plot->left_out++;
		return 0;
	}
	series->bins = calloc(plot->bin_count, sizeof(*series->bins));
	if (!series->bins)
		return fail(ret_message, -ENOMEM, "out of memory");
	snprintf(series->name, sizeof(series->name), "%s", column->name);
	plot->series_count++;
	fill_bins(plot, series, table_find(table, "wavelength")->f64, values, table->rows);
	return 0;
}

/* ---- ranges ---- */

static int find_x(struct plot *plot, const struct table *table, const struct plot_options *options,
		  char **ret_message)
{
	const struct table_column *axis = table_find(table, "wavelength");
	double low = INFINITY, high = -INFINITY;

	if (!axis || axis->type != COLUMN_F64 || !streq(axis->unit, "nm"))
		return fail(ret_message, -EINVAL,
			    "there is no column \"wavelength, nm\" to draw over");
	for (size_t i = 0; i < table->rows; i++) {
		low = fmin(low, axis->f64[i]);
		high = fmax(high, axis->f64[i]);
	}
	if (options->to_nm > options->from_nm) {
		if (options->to_nm < low || options->from_nm > high)
			return fail(
				ret_message, -EINVAL,
				"nothing to draw from %g to %g nm: the spectrum is from %g to %g nm",
				options->from_nm, options->to_nm, low, high);
		low = options->from_nm;
		high = options->to_nm;
	}
	if (!(low <= high))
		return fail(ret_message, -EINVAL, "there is no point to draw");
	plot->x_low = low < high ? low : low - 0.5;
	plot->x_high = low < high ? high : high + 0.5;
	return 0;
}

static void scale_series(struct plot *plot, double factor)
{
	for (size_t s = 0; s < plot->series_count; s++)
		for (size_t i = 0; i < plot->bin_count; i++) {
			plot->series[s].bins[i].low *= factor;
			plot->series[s].bins[i].high *= factor;
		}
}

static bool find_y(struct plot *plot)
{
	double low = INFINITY, high = -INFINITY, room;
	bool db = strncmp(plot->y_unit, "dB", 2) == 0;

	for (size_t s = 0; s < plot->series_count; s++)
		for (size_t i = 0; i < plot->bin_count; i++) {
			const struct plot_bin *bin = &plot->series[s].bins[i];

			if (bin->valid == 0)
				continue;
			low = fmin(low, bin->low);
			high = fmax(high, bin->high);
		}
	if (!(low <= high))
		return false;
	if (!db && plot->y_unit[0]) {
		const struct prefix *prefix = prefix_for(fmax(fabs(low), fabs(high)));
		char unit[sizeof(plot->y_unit)];

		snprintf(unit, sizeof(unit), "%s", plot->y_unit);
		snprintf(plot->y_unit, sizeof(plot->y_unit), "%.3s%.3s", prefix->text, unit);
		scale_series(plot, 1 / prefix->factor);
		low /= prefix->factor;
		high /= prefix->factor;
	}
	if (db)
		low = fmax(low, high - PLOT_DB_SPAN_MAX);
	room = high > low ? 0.06 * (high - low) : db ? 1 : fmax(0.1 * fabs(high), 1e-3);
	plot->y_low = low - room;
	plot->y_high = high + room;
	return true;
}

/* ---- all of it ---- */

int plot_new(const struct table *table, const struct plot_options *options, size_t bin_count,
	     struct plot **ret, char **ret_message)
{
	const struct table_column *columns[PLOT_SERIES_MAX];
	_cleanup_plot_ struct plot *plot = calloc(1, sizeof(*plot));
	int count, r;

	if (!plot)
		return fail(ret_message, -ENOMEM, "out of memory");
	plot->bin_count = MAX(bin_count, (size_t)1);
	r = find_x(plot, table, options, ret_message);
	if (r < 0)
		return r;
	count = pick_channels(table, options, columns, ARRAY_SIZE(columns), ret_message);
	if (count < 0)
		return count;
	if (count > PLOT_SERIES_MAX)
		plot->left_out = (size_t)count - PLOT_SERIES_MAX;
	for (int i = 0; i < MIN(count, PLOT_SERIES_MAX); i++) {
		r = add_series(plot, table, columns[i], options->scale, ret_message);
		if (r < 0)
			return r;
	}
	if (plot->series_count == 0)
		return fail(ret_message, -EINVAL,
			    "there is no channel of power, loss or photocurrent to draw");
	if (!find_y(plot))
		return fail(ret_message, -EINVAL, "there is no value to draw%s",
			    options->scale == PLOT_DB ? ": none is positive, try a linear scale"
						      : "");
	*ret = take_ptr(plot);
	return 0;
}

/* ---- ticks ---- */

static double round_step(double rough)
{
	double decade = exp10(floor(log10(rough)));

	for (size_t i = 0; i < 3; i++) {
		static const double steps[] = {1, 2, 5};

		if (steps[i] * decade >= rough * (1 - 1e-9))
			return steps[i] * decade;
	}
	return 10 * decade;
}

size_t plot_ticks(double low, double high, size_t most, struct plot_tick *ticks)
{
	double step;
	long first, last;
	int decimals;
	size_t count = 0;

	most = MIN(MAX(most, (size_t)2), (size_t)PLOT_TICKS_MAX);
	if (!(high > low) || !isfinite(high - low))
		return 0;
	step = round_step((high - low) / (double)most);
	/* A step below the resolution of a double has no ticks. */
	if (fabs(high) / step > 1e15)
		return 0;
	first = (long)ceil(low / step - 1e-9);
	last = (long)floor(high / step + 1e-9);
	decimals = MIN(MAX((int)-floor(log10(step) + 1e-9), 0), 12);
	for (long i = first; i <= last && count < most + 1 && count < PLOT_TICKS_MAX; i++) {
		ticks[count].value = (double)i * step;
		snprintf(ticks[count].text, sizeof(ticks[count].text), "%.*f", decimals,
			 (double)i * step);
		count++;
	}
	return count;
}

void plot_mark_label(const struct plot_options *options, size_t index, char text[static 24])
{
	if (options->marks[index].label[0])
		snprintf(text, 24, "%.15s", options->marks[index].label);
	else
		snprintf(text, 24, "%zu", index + 1);
}
