// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What is known of a run before it is made: the keys of data/meta.h, and the lines that a
 * person reads before light goes on.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <time.h>

#include "calibrate/convert.h"
#include "data/frame.h"
#include "data/meta.h"
#include "data/read_limits.h"
#include "measure/plan_build.h"

#define SETPOINTS_SHOWN 10U
/* What an analysis gets, in one frame: axis, channel, monitor and two words of flags. */
#define ANALYSED_BYTES_A_POINT 32U
#define ANALYSED_COLUMNS 5U

static const char *role_text(unsigned int role)
{
	static const char *const texts[] = {
		[ETALON_HW_ROLE_SIGNAL] = "signal",
		[ETALON_HW_ROLE_POWER_MONITOR] = "monitor",
		[ETALON_HW_ROLE_WAVELENGTH_LOG] = "wavelength-log",
		[ETALON_HW_ROLE_ETALON] = "etalon",
		[ETALON_HW_ROLE_GAS_CELL] = "gas-cell",
		[ETALON_HW_ROLE_SENSE_VOLTAGE] = "sense-voltage",
		[ETALON_HW_ROLE_SENSE_CURRENT] = "sense-current",
		[ETALON_HW_ROLE_TEMPERATURE] = "temperature",
	};

	return role < ARRAY_SIZE(texts) && texts[role] ? texts[role] : "unknown";
}

static const char *column_unit(unsigned int kind, bool to_power)
{
	switch (kind) {
	case ETALON_HW_DETECTOR_PHOTOCURRENT:
		return to_power ? "W" : "A";
	case ETALON_HW_DETECTOR_CURRENT:
		return "A";
	case ETALON_HW_DETECTOR_VOLTAGE:
		return "V";
	case ETALON_HW_DETECTOR_TEMPERATURE:
		return "K";
	case ETALON_HW_DETECTOR_WAVELENGTH:
		return "nm";
	default:
		return "";
	}
}

/* Keys of amperes exist for currents only. */
static void describe_current(json_t *o, const struct etalon_hw_range *g, const struct conversion *c)
{
	json_object_set_new(o, "full_scale_a", json_real((double)g->full_scale * 1e-15));
	json_object_set_new(o, "noise_density_a_per_rthz",
			    json_real((double)g->noise_density_e3 * 1e-18));
	json_object_set_new(o, "noise_a", json_real(c->noise));
	if (c->to_power) {
		double inverse = c->inverse_responsivity[CONVERT_TABLE / 2];

		if (isfinite(inverse) && inverse > 0)
			json_object_set_new(o, "responsivity_a_per_w", json_real(1 / inverse));
	}
}

static json_t *channel(const struct plan_build *b, const struct column *column,
		       uint64_t aperture_ns, double start_m, double stop_m)
{
	const struct etalon_hw_detector *t = &b->d->detector[column->detector];
	const struct etalon_hw_range *g =
		description_range_of(b->d, column->detector, column->range);
	struct conversion c = {};
	json_t *o;

	if (conversion_make(b->d, column->detector, column->range, aperture_ns, start_m, stop_m,
			    &c) < 0)
		return NULL;
	o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:f, s:I}", "column", column->name, "detector",
		      t->name, "unit", column_unit(t->kind, c.to_power), "role", role_text(t->role),
		      "range", g->name, "bandwidth_hz", (double)g->bandwidth_mhz * 1e-3,
		      "group_delay_ns", (json_int_t)g->group_delay_ns);
	if (o &&
	    (t->kind == ETALON_HW_DETECTOR_PHOTOCURRENT || t->kind == ETALON_HW_DETECTOR_CURRENT))
		describe_current(o, g, &c);
	return o;
}

static const struct column *column_of_role(const struct plan_build *b, unsigned int role)
{
	for (unsigned int i = 0; i < b->column_count; i++)
		if (b->d->detector[b->column[i].detector].role == role)
			return &b->column[i];
	return NULL;
}

static void add_calibration(const struct plan_build *b, json_t *axis)
{
	time_t at = (time_t)b->d->head.calibration_time;
	char date[32];
	struct tm tm;

	json_object_set_new(
		axis, "calibration_id",
		json_sprintf("%s-%u", b->d->head.serial, b->d->head.calibration_generation));
	if (at > 0 && gmtime_r(&at, &tm) && strftime(date, sizeof(date), "%Y-%m-%d", &tm) > 0)
		json_object_set_new(axis, "calibrated", json_string(date));
}

static json_t *wavelength_axis(const struct plan_build *b)
{
	const struct column *log = column_of_role(b, ETALON_HW_ROLE_WAVELENGTH_LOG);
	const struct etalon_hw_detector *t;
	json_t *axis;

	if (!log)
		return json_pack("{s:s, s:s}", "column", "wavelength", "provenance", "nominal");
	t = &b->d->detector[log->detector];
	axis = json_pack("{s:s, s:s, s:f, s:f}", "column", "wavelength", "provenance", "wavemeter",
			 "random_pm", (double)t->point_fm * 1e-3, "systematic_pm",
			 hypot((double)t->systematic_fm, (double)t->sweep_fm) * 1e-3);
	if (axis)
		add_calibration(b, axis);
	return axis;
}

static void copy_texts(const struct plan_build *b, json_t *meta)
{
	static const char *const keys[] = {META_LABELS, META_PARENT, META_PURPOSE};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		json_t *value = json_object_get(b->request, keys[i]);

		if (value)
			json_object_set(meta, keys[i], value);
	}
}

static void add_laser(const struct plan_build *b, json_t *meta, int wavelength_source)
{
	for (uint32_t i = 0; i < b->d->head.source_count && wavelength_source >= 0; i++) {
		const struct etalon_hw_source *s = &b->d->source[i];

		if (s->kind != ETALON_HW_SOURCE_POWER || s->rin_mdb_per_hz >= 0 ||
		    (s->belongs_to != wavelength_source &&
		     b->d->source[wavelength_source].belongs_to != i))
			continue;
		json_object_set_new(
			meta, META_LASER,
			json_pack("{s:f}", "rin_db_per_hz", (double)s->rin_mdb_per_hz * 1e-3));
		return;
	}
}

static json_t *all_channels(const struct plan_build *b, int wavelength_source,
			    int64_t axis_start_fm, int64_t axis_stop_fm)
{
	/* No axis: over all that is calibrated. */
	double start_m = wavelength_source < 0 ? NAN : (double)axis_start_fm * 1e-15;
	double stop_m = wavelength_source < 0 ? NAN : (double)axis_stop_fm * 1e-15;
	json_t *channels = json_array();

	for (unsigned int i = 0; i < b->column_count; i++)
		json_array_append_new(channels, channel(b, &b->column[i],
							b->plan->segments[0].program.aperture_ns,
							start_m, stop_m));
	return channels;
}

int plan_meta(struct plan_build *b, const char *kind, json_t *settings, int wavelength_source,
	      int64_t axis_start_fm, int64_t axis_stop_fm)
{
	const struct column *monitor = column_of_role(b, ETALON_HW_ROLE_POWER_MONITOR);
	json_t *meta = json_pack("{s:s, s:o, s:o, s:{s:s, s:s, s:s}}", META_KIND, kind,
				 META_SETTINGS, settings, META_CHANNELS,
				 all_channels(b, wavelength_source, axis_start_fm, axis_stop_fm),
				 META_BOARD, "model", b->d->head.model, "serial", b->d->head.serial,
				 "firmware", b->d->head.firmware);

	if (!meta)
		return fail(b->message, -ENOMEM, "no memory for the description of the run");
	b->plan->meta = meta;
	if (monitor)
		json_object_set_new(meta, META_MONITOR, json_string(monitor->name));
	if (wavelength_source >= 0)
		json_object_set_new(meta, META_AXIS, wavelength_axis(b));
	add_laser(b, meta, wavelength_source);
	copy_texts(b, meta);
	return 0;
}

/* ---- summary ---- */

/* Places in the lines for people. */
enum { PLAN_LINE, AXIS_LINE };

static const char *reference_text(const struct plan_build *b, char *space, size_t size)
{
	const json_t *reference = json_object_get(b->request, "reference");

	if (json_is_integer(reference)) {
		snprintf(space, size, "run %lld", json_integer_value(reference));
		return space;
	}
	if (json_is_string(reference) && streq(json_string_value(reference), "none"))
		return "none: power, not loss";
	return "the latest that matches, else power";
}

static void axis_line(struct plan_build *b)
{
	const json_t *axis = json_object_get(b->plan->meta, META_AXIS), *value;
	char reference[40], systematic[40] = "";
	_cleanup_free_ char *ranges = NULL;
	size_t size;
	FILE *f;

	if (!axis)
		return;
	value = json_object_get(axis, "systematic_pm");
	if (value)
		snprintf(systematic, sizeof(systematic), ", systematic %.1f pm",
			 json_real_value(value));
	f = open_memstream(&ranges, &size);
	if (!f)
		return;
	for (unsigned int i = 0, shown = 0; i < b->column_count; i++)
		if (!b->column[i].automatic)
			fprintf(f, "%s%s", shown++ > 0 ? ", " : "",
				description_range_of(b->d, b->column[i].detector,
						     b->column[i].range)
					->name);
	fclose(f);
	json_object_set_new(b->plan->summary, "axis",
			    json_sprintf("axis    %s%s    range  %s (fixed)",
					 json_string_value(json_object_get(axis, "provenance")),
					 systematic, ranges));
	plan_line(b, "%s", "");
	plan_tell_reference(b->plan, reference_text(b, reference, sizeof(reference)));
}

int plan_tell_reference(struct plan *plan, const char *text)
{
	const char *axis = json_string_value(json_object_get(plan->summary, "axis"));

	if (!axis)
		return 0;
	return json_array_set_new(json_object_get(plan->summary, "lines"), AXIS_LINE,
				  json_sprintf("%s    reference  %s", axis, text)) < 0
		       ? -ENOMEM
		       : 0;
}

static void columns_line(struct plan_build *b)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return;
	for (unsigned int i = 0; i < b->column_count; i++) {
		const char *name = b->d->detector[b->column[i].detector].name;

		fprintf(f, "%s%s", i > 0 ? ", " : "", b->column[i].name);
		if (!streq(b->column[i].name, name))
			fprintf(f, " (%s)", name);
	}
	fclose(f);
	plan_line(b, "columns %s", text);
}

static const struct segment *main_segment(const struct plan *plan)
{
	for (size_t i = 0; i < plan->segment_count; i++)
		if (plan->segments[i].purpose == SEGMENT_MAIN)
			return &plan->segments[i];
	return NULL;
}

/* The first and the last setpoints of the innermost axis' first source. */
static void add_setpoints(struct plan_build *b)
{
	const struct segment *s = main_segment(b->plan);
	unsigned int inner = s->program.axis_count - 1;
	json_t *first = json_array(), *last = json_array();
	uint64_t shown = MIN(s->points, (uint64_t)SETPOINTS_SHOWN);
	const struct etalon_hw_source *source;
	int64_t value;

	if (s->program.axis[inner].gang_count == 0) {
		json_decref(first);
		json_decref(last);
		return;
	}
	for (uint64_t i = 0; i < shown; i++) {
		if (plan_setpoint_at(s, i, inner, 0, &value) == 0)
			json_array_append_new(first, json_integer(value));
		if (plan_setpoint_at(s, s->points - shown + i, inner, 0, &value) == 0)
			json_array_append_new(last, json_integer(value));
	}
	source = &b->d->source[s->program.axis[inner].gang[0].source];
	json_object_set_new(b->plan->summary, "setpoints_first", first);
	json_object_set_new(b->plan->summary, "setpoints_last", last);
	json_object_set_new(b->plan->summary, "setpoints_source", json_string(source->name));
	json_object_set_new(b->plan->summary, "setpoints_unit",
			    json_string(source_unit(source->kind)));
}

int plan_tell_light(struct plan *plan, uint64_t delay_ns)
{
	const char *how = json_string_value(json_object_get(plan->summary, "how"));
	double seconds = (double)plan->duration_ns * 1e-9;
	char light[96];

	if (!plan->needs_emission)
		snprintf(light, sizeof(light), "%.1f s, no light", seconds);
	else if (delay_ns > 0)
		snprintf(light, sizeof(light), "%.1f s of light after %.1f s emission delay",
			 seconds, (double)delay_ns * 1e-9);
	else
		snprintf(light, sizeof(light), "%.1f s of light, the laser is warm", seconds);
	return json_array_set_new(json_object_get(plan->summary, "lines"), PLAN_LINE,
				  json_sprintf("plan    %s; %s", how ? how : "", light)) < 0
		       ? -ENOMEM
		       : 0;
}

/* An analysis is one reading: of so many rows, of so many records behind them. */
static uint64_t analysed_rows_max(const struct plan_build *b, uint64_t passes)
{
	uint64_t frame = FRAME_MAX_BYTES - ANALYSED_COLUMNS * READ_COLUMN_ALIGN_BYTES;

	return MIN(frame / ANALYSED_BYTES_A_POINT,
		   READ_SCAN_MAX_BYTES / record_stride(b->column_count) / passes);
}

/* Passes that are averaged are one row of the run. */
static void warn_of_size(struct plan_build *b)
{
	const json_t *settings = json_object_get(b->plan->meta, META_SETTINGS);
	json_int_t average = json_integer_value(json_object_get(settings, "average"));
	uint64_t passes = (uint64_t)MAX(average, 1), rows = b->plan->points / passes;
	uint64_t most = analysed_rows_max(b, passes);

	if (b->plan->analyse && rows > most)
		plan_warn(
			b,
			"no analysis: %" PRIu64 " points are too many for one (%" PRIu64
			" fit); the run is kept without resonances, a shorter span, a longer step "
			"or fewer passes have them",
			rows, most);
}

void plan_summary(struct plan_build *b, const char *how)
{
	struct plan *plan = b->plan;

	json_object_set_new(plan->summary, "how", json_string(how));
	json_array_insert_new(b->lines, PLAN_LINE, json_string(""));
	plan_tell_light(plan, b->d->head.emission_delay_ns);
	axis_line(b);
	columns_line(b);
	add_setpoints(b);
	warn_of_size(b);
	json_object_set_new(plan->summary, "points", json_integer((json_int_t)plan->points));
	json_object_set_new(plan->summary, "duration_ns",
			    json_integer((json_int_t)plan->duration_ns));
}
