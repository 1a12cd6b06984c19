// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * From table to points: chooses the columns, turns units linear, leaves out what the flags
 * forbid and reads the description. Order, noise and monitor have files of their own.
 */
#include "analyse/spectrum.h"

#include <errno.h>
#include <math.h>

#include "base/util.h"
#include "data/frame.h"
#include "data/meta.h"

#define ELEMENTARY_CHARGE_C 1.602176634e-19
#define SPEED_OF_LIGHT_NM_THZ 299792.458

/* RANGE_SWITCHED marks the first point after a switch; below the floor is a value like any other. */
#define FORBIDDEN_POINT                                                                \
	(FRAME_POINT_UNSETTLED | FRAME_POINT_RUN_IN | FRAME_POINT_WAVELENGTH_INVALID | \
	 FRAME_POINT_MODE_HOP | FRAME_POINT_GATE_CLOSED | FRAME_POINT_EMISSION_OFF |   \
	 FRAME_POINT_CLAMP | FRAME_POINT_INTERLOCK)
#define FORBIDDEN_CHANNEL                                                                  \
	(FRAME_CHANNEL_SATURATED | FRAME_CHANNEL_RANGE_SWITCHED | FRAME_CHANNEL_SETTLING | \
	 FRAME_CHANNEL_OVERLOAD_RECOVERY | FRAME_CHANNEL_STALE | FRAME_CHANNEL_INVALID)

struct columns {
	const struct table_column *x, *y, *monitor, *flags, *channel_flags, *monitor_flags;
};

void spectrum_clear(struct spectrum *s)
{
	free(s->x_nm);
	free(s->y);
	free(s->monitor);
	free(s->white);
	free(s->direction);
	memset(s, 0, sizeof(*s));
}

/* ---- names and units ---- */

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && streq(text + n - m, end);
}

static bool unit_is_decibel(const char *unit)
{
	return streq(unit, "dBm") || streq(unit, "dB");
}

static double linear_of_decibel(double value)
{
	return pow(10.0, value / 10.0);
}

/* Columns in dBm become W, in dB a transmission (a loss counts the other way), the rest stays. */
enum scale {
	SCALE_LINEAR,
	SCALE_DBM,
	SCALE_DB,
	SCALE_LOSS_DB,
};

static enum scale scale_of(const struct table_column *c)
{
	if (!c || !unit_is_decibel(c->unit))
		return SCALE_LINEAR;
	if (streq(c->unit, "dBm"))
		return SCALE_DBM;
	return ends_with(c->name, " loss") ? SCALE_LOSS_DB : SCALE_DB;
}

static double linear(enum scale scale, double value)
{
	switch (scale) {
	case SCALE_DBM:
		return 1e-3 * linear_of_decibel(value);
	case SCALE_DB:
		return linear_of_decibel(value);
	case SCALE_LOSS_DB:
		return linear_of_decibel(-value);
	case SCALE_LINEAR:
		break;
	}
	return value;
}

static const char *linear_unit(const char *unit)
{
	if (streq(unit, "dBm"))
		return "W";
	return streq(unit, "dB") ? "1" : unit;
}

/* 0 when the unit is no wavelength; negative for a frequency: nm = -factor / value. */
static double wavelength_factor(const char *unit)
{
	static const struct {
		const char *unit;
		double factor;
	} known[] = {
		{"nm", 1},
		{"um", 1e3},
		{"pm", 1e-3},
		{"m", 1e9},
		{"", 1},
		{"THz", -SPEED_OF_LIGHT_NM_THZ},
		{"GHz", -SPEED_OF_LIGHT_NM_THZ * 1e3},
		{"Hz", -SPEED_OF_LIGHT_NM_THZ * 1e12},
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (streq(unit, known[i].unit))
			return known[i].factor;
	return 0;
}

/* ---- columns ---- */

static bool is_axis(const struct table_column *c)
{
	return strncmp(c->name, "wavelength", strlen("wavelength")) == 0 ||
	       strncmp(c->name, "frequency", strlen("frequency")) == 0 ||
	       ends_with(c->name, " wavelength");
}

/* A channel whose range has another delay has an axis of its own, which is better. */
static const struct table_column *find_axis(const struct table *table, const char *channel)
{
	_cleanup_free_ char *own = asprintf_or_null("%s wavelength", channel);
	const struct table_column *x = own ? table_find(table, own) : NULL;

	if (!x)
		x = table_find(table, "wavelength");
	for (size_t i = 0; !x && i < table->column_count; i++)
		if (table->columns[i].type == COLUMN_F64 && is_axis(&table->columns[i]))
			x = &table->columns[i];
	return x;
}

static const char *role_of(const struct table *table, const char *column)
{
	const json_t *description;
	size_t i;

	json_array_foreach(json_object_get(table->meta, META_CHANNELS), i, description) {
		const char *name = json_string_value(json_object_get(description, "column"));

		if (name && streq(name, column))
			return json_string_value(json_object_get(description, "role")) ?: "signal";
	}
	return NULL;
}

/* Where channels are described, only those with that role; else every column that is no axis. */
static bool is_signal(const struct table *table, const struct table_column *c)
{
	bool described = json_array_size(json_object_get(table->meta, META_CHANNELS)) > 0;
	const char *role = role_of(table, c->name);

	if (c->type != COLUMN_F64 || is_axis(c) || ends_with(c->name, " nominal"))
		return false;
	if (described)
		return role && streq(role, "signal");
	return !streq(c->name, "time") && !streq(c->name, "point");
}

/* A linear column is better than the same channel in dBm, which has no negative values. */
static const struct table_column *find_signal(const struct table *table, const char *name)
{
	const struct table_column *best = NULL;

	for (size_t i = 0; i < table->column_count; i++) {
		const struct table_column *c = &table->columns[i];

		if (name ? c->type != COLUMN_F64 || !streq(c->name, name) : !is_signal(table, c))
			continue;
		if (best && !streq(best->name, c->name))
			continue;
		if (!best || (unit_is_decibel(best->unit) && !unit_is_decibel(c->unit)))
			best = c;
	}
	return best;
}

static const struct table_column *find_flags(const struct table *table, const char *name)
{
	const struct table_column *c = table_find(table, name);

	return c && c->type == COLUMN_U32 ? c : NULL;
}

static const struct table_column *find_channel_flags(const struct table *table,
						     const struct table_column *channel)
{
	char name[TABLE_NAME_MAX + sizeof(".flags")];

	if (!channel)
		return NULL;
	snprintf(name, sizeof(name), "%s.flags", channel->name);
	return find_flags(table, name);
}

/* "through, drop": malloc'ed. */
static char *signal_names(const struct table *table)
{
	char *names = NULL;
	const char *last = "";

	for (size_t i = 0; i < table->column_count; i++) {
		const struct table_column *c = &table->columns[i];
		char *longer;

		if (!is_signal(table, c) || streq(last, c->name))
			continue;
		longer = asprintf_or_null("%s%s%s", names ?: "", names ? ", " : "", c->name);
		free(names);
		names = longer;
		last = c->name;
	}
	return names;
}

static int find_signal_or_fail(const struct table *table, const char *channel,
			       const struct table_column **ret, char **ret_message)
{
	_cleanup_free_ char *names = signal_names(table);

	*ret = find_signal(table, channel);
	if (*ret && !is_axis(*ret))
		return 0;
	if (!channel)
		return fail(ret_message, -ENOENT, "the table has no channel beside its axis");
	return fail(ret_message, -ENOENT, "there is no channel \"%s\" in the table; it has: %s",
		    channel, names ?: "none");
}

static int find_columns(const struct table *table, const char *channel, struct columns *ret,
			char **ret_message)
{
	const char *monitor = json_string_value(json_object_get(table->meta, META_MONITOR));
	struct columns c = {};
	int r;

	r = find_signal_or_fail(table, channel, &c.y, ret_message);
	if (r < 0)
		return r;
	c.x = find_axis(table, c.y->name);
	if (!c.x || c.x->type != COLUMN_F64)
		return fail(
			ret_message, -ENOENT,
			"the table has no wavelength axis; a column named \"wavelength, nm\" is needed");
	if (wavelength_factor(c.x->unit) == 0)
		return fail(
			ret_message, -EINVAL,
			"the axis \"%s\" is in \"%s\"; nm, um, pm, m, THz, GHz and Hz are understood",
			c.x->name, c.x->unit);
	/* A loss has been divided by its monitor already. */
	if (monitor && !ends_with(c.y->name, " loss"))
		c.monitor = table_find(table, monitor);
	if (c.monitor && (c.monitor->type != COLUMN_F64 || c.monitor == c.y))
		c.monitor = NULL;
	c.flags = find_flags(table, "flags");
	c.channel_flags = find_channel_flags(table, c.y);
	c.monitor_flags = find_channel_flags(table, c.monitor);
	*ret = c;
	return 0;
}

/* ---- description ---- */

static double number(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_number(value) ? json_number_value(value) : NAN;
}

static const json_t *channel_description(const struct table *table, const char *column)
{
	const json_t *description;
	size_t i;

	json_array_foreach(json_object_get(table->meta, META_CHANNELS), i, description) {
		const char *name = json_string_value(json_object_get(description, "column"));

		if (name && streq(name, column))
			return description;
	}
	return NULL;
}

/* Way of the laser in one nanosecond, 0 where it steps. */
static double speed_nm_per_ns(const json_t *settings)
{
	const char *mode = json_string_value(json_object_get(settings, "mode"));
	double speed = number(settings, "speed_nm_per_s");

	if (mode && streq(mode, "step"))
		return 0;
	return isfinite(speed) ? fabs(speed) / 1e9 : 0;
}

static void describe_noise(struct spectrum_description *d, const json_t *channel,
			   const json_t *settings, double rin_db_per_hz)
{
	double responsivity = number(channel, "responsivity_a_per_w");
	double aperture_s = number(settings, "aperture_ns") / 1e9;
	double average = number(settings, "average");
	double count = average >= 1 ? average : 1;

	d->read_variance = pow(number(channel, "noise_a") / responsivity, 2) / count;
	d->shot_variance = ELEMENTARY_CHARGE_C / (responsivity * aperture_s) / count;
	d->rin_variance = pow(10.0, rin_db_per_hz / 10.0) / (2 * aperture_s) / count;
}

static struct spectrum_description describe(const struct table *table, const struct columns *c)
{
	const json_t *settings = json_object_get(table->meta, META_SETTINGS);
	const json_t *axis = json_object_get(table->meta, META_AXIS);
	const json_t *channel = channel_description(table, c->y->name);
	double speed = speed_nm_per_ns(settings), aperture_ns = number(settings, "aperture_ns");
	double bandwidth_hz = number(channel, "bandwidth_hz");
	struct spectrum_description d = {
		.sigma_x_nm = number(axis, "random_pm") / 1e3,
		.systematic_nm = number(axis, "systematic_pm") / 1e3,
		.aperture_nm = isfinite(aperture_ns) ? aperture_ns * speed : 0,
		.tau_nm = bandwidth_hz > 0 ? 1e9 / (2 * M_PI * bandwidth_hz) * speed : 0,
		.read_variance = NAN,
		.shot_variance = NAN,
		.rin_variance = NAN,
		.provenance = json_string_value(json_object_get(axis, "provenance")),
	};

	/* The board states its noise in power: that says nothing about a loss. */
	if (streq(c->y->unit, "W"))
		describe_noise(&d, channel, settings,
			       number(json_object_get(table->meta, META_LASER), "rin_db_per_hz"));
	return d;
}

/* ---- points ---- */

struct left_out {
	size_t not_a_number, flagged, saturated;
};

static bool row_is_usable(const struct columns *c, size_t row, double x, double y, double monitor,
			  struct left_out *out)
{
	uint32_t word = (c->flags ? c->flags->u32[row] : 0) |
			(c->channel_flags ? c->channel_flags->u32[row] : 0) |
			(c->monitor_flags ? c->monitor_flags->u32[row] : 0);

	if (word & FRAME_CHANNEL_SATURATED)
		out->saturated++;
	else if (word & (FORBIDDEN_POINT | FORBIDDEN_CHANNEL))
		out->flagged++;
	else if (!isfinite(x) || x <= 0 || !isfinite(y) || (c->monitor && !(monitor > 0)))
		out->not_a_number++;
	else
		return true;
	return false;
}

static double axis_nm(double factor, double value)
{
	return factor > 0 ? factor * value : -factor / value;
}

static size_t collect(const struct table *table, const struct columns *c, struct spectrum *s,
		      size_t *row, bool *reverse, struct left_out *out)
{
	enum scale scale = scale_of(c->y), monitor_scale = scale_of(c->monitor);
	double factor = wavelength_factor(c->x->unit);
	size_t n = 0;

	for (size_t i = 0; i < table->rows; i++) {
		double x = axis_nm(factor, c->x->f64[i]), y = linear(scale, c->y->f64[i]);
		double monitor = c->monitor ? linear(monitor_scale, c->monitor->f64[i]) : 1;

		if (!row_is_usable(c, i, x, y, monitor, out))
			continue;
		s->x_nm[n] = x;
		s->y[n] = y;
		if (s->monitor)
			s->monitor[n] = monitor;
		row[n] = i;
		reverse[n] = c->flags && (c->flags->u32[i] & FRAME_POINT_REVERSE);
		n++;
	}
	return n;
}

static int allocate(struct spectrum *s, size_t rows, bool with_monitor)
{
	s->x_nm = calloc(rows + 1, sizeof(*s->x_nm));
	s->y = calloc(rows + 1, sizeof(*s->y));
	s->white = calloc(rows + 1, sizeof(*s->white));
	s->direction = calloc(rows + 1, sizeof(*s->direction));
	if (with_monitor)
		s->monitor = calloc(rows + 1, sizeof(*s->monitor));
	return s->x_nm && s->y && s->white && s->direction && (s->monitor || !with_monitor)
		       ? 0
		       : -ENOMEM;
}

/* Values near 1, so that no square of them leaves the range of a double. */
static void normalise(struct spectrum *s)
{
	double top = 0;

	for (size_t i = 0; i < s->n; i++)
		top = fmax(top, fabs(s->y[i]));
	s->scale = top > 0 ? top : 1;
	for (size_t i = 0; i < s->n; i++)
		s->y[i] /= s->scale;
	s->description.read_variance /= s->scale * s->scale;
	s->description.shot_variance /= s->scale;
}

static int refuse_too_few(const struct spectrum *s, const struct left_out *out, char **ret_message)
{
	return fail(
		ret_message, -ENODATA,
		"channel \"%s\" has %zu usable points of %zu (%zu saturated, %zu with other flags, "
		"%zu empty or not a number); at least %d are needed",
		s->channel, s->n, s->rows, out->saturated, out->flagged, out->not_a_number,
		SPECTRUM_MIN_POINTS);
}

int spectrum_load(const struct table *table, const char *channel, struct spectrum *ret,
		  char **ret_message)
{
	_cleanup_spectrum_ struct spectrum s = {.rows = table->rows, .open_end = table->open_end};
	_cleanup_free_ size_t *row = NULL;
	_cleanup_free_ bool *reverse = NULL;
	struct left_out out = {};
	struct columns c = {};
	int r;

	r = find_columns(table, channel, &c, ret_message);
	if (r < 0)
		return r;
	row = calloc(table->rows + 1, sizeof(*row));
	reverse = calloc(table->rows + 1, sizeof(*reverse));
	r = allocate(&s, table->rows, c.monitor != NULL);
	if (r < 0 || !row || !reverse)
		return fail(ret_message, -ENOMEM, "out of memory for %zu points", table->rows);

	memcpy(s.channel, c.y->name, sizeof(s.channel));
	snprintf(s.unit, sizeof(s.unit), "%s", linear_unit(c.y->unit));
	s.description = describe(table, &c);
	s.n = collect(table, &c, &s, row, reverse, &out);
	if (s.n < SPECTRUM_MIN_POINTS)
		return refuse_too_few(&s, &out, ret_message);
	normalise(&s);
	r = spectrum_find_directions(&s, row, c.flags ? reverse : NULL, ret_message);
	if (r < 0)
		return r;
	*ret = s;
	memset(&s, 0, sizeof(s));
	return 0;
}
