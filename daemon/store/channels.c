// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The detectors of a stored program: name and unit of each, its constants with the dark readings
 * of this run, its delay against the wavelength log.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "data/meta.h"
#include "store/sheet.h"

#define TABLE_MARGIN_NM 1.0 /* tuning errors leave the span */
#define KELVIN_OF_ZERO_C 273.15

static json_t *meta_channel(const struct sheet *sheet, const char *detector)
{
	json_t *channel;
	size_t i;

	json_array_foreach(json_object_get(sheet->meta, META_CHANNELS), i, channel) {
		const char *name = json_string_value(json_object_get(channel, "detector"));

		if (name && streq(name, detector))
			return channel;
	}
	return NULL;
}

static const char *text_of(const json_t *object, const char *key, const char *fallback)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text && *text ? text : fallback;
}

/* ---- the axis ---- */

static double signed_speed_nm_per_s(const struct sheet *sheet)
{
	const struct etalon_hw_program *p = &sheet->segment.program;
	const struct etalon_hw_axis *inner = &p->axis[p->axis_count - 1];
	const struct sheet_source *laser = sheet->laser < 0 ? NULL : &sheet->source[sheet->laser];

	/* Only a ramp is in motion while a point is taken. */
	if (!laser || laser->axis != p->axis_count - 1 || inner->mode != ETALON_HW_MODE_RAMP ||
	    inner->points < 2 || p->period_ns == 0)
		return 0;
	return (double)(laser->gang->stop - laser->gang->start) * 1e-6 / (inner->points - 1) /
	       ((double)p->period_ns * 1e-9);
}

/* Span of the responsivity tables; NaN: all that is calibrated. */
static void axis_span(const struct sheet *sheet, double *low_nm, double *high_nm)
{
	const struct sheet_source *laser = sheet->laser < 0 ? NULL : &sheet->source[sheet->laser];

	*low_nm = *high_nm = NAN;
	if (isfinite(sheet->fixed_nm))
		*low_nm = *high_nm = sheet->fixed_nm;
	if (laser && !laser->list) {
		*low_nm = (double)MIN(laser->gang->start, laser->gang->stop) * 1e-6;
		*high_nm = (double)MAX(laser->gang->start, laser->gang->stop) * 1e-6;
	}
	for (size_t i = 0; laser && i < laser->list_points; i++) {
		*low_nm = fmin(*low_nm, (double)laser->list[i] * 1e-6);
		*high_nm = fmax(*high_nm, (double)laser->list[i] * 1e-6);
	}
	*low_nm -= TABLE_MARGIN_NM;
	*high_nm += TABLE_MARGIN_NM;
}

static bool wavelength_known(const struct sheet *sheet)
{
	return sheet->log_channel >= 0 || sheet->laser >= 0 || isfinite(sheet->fixed_nm);
}

/* ---- one channel ---- */

static void set_unit(const struct sheet *sheet, struct sheet_channel *c, const json_t *channel,
		     bool has_responsivity)
{
	const char *asked = text_of(channel, "unit", "");
	const char *unit = "";

	switch (sheet->description->detector[c->detector].kind) {
	case ETALON_HW_DETECTOR_PHOTOCURRENT:
		/* Power without a wavelength would be a guess. */
		unit = has_responsivity && wavelength_known(sheet) && !streq(asked, "A") ? "W"
											 : "A";
		break;
	case ETALON_HW_DETECTOR_CURRENT:
		unit = "A";
		break;
	case ETALON_HW_DETECTOR_VOLTAGE:
		unit = "V";
		break;
	case ETALON_HW_DETECTOR_TEMPERATURE:
		unit = streq(asked, "C") ? "C" : "K";
		break;
	case ETALON_HW_DETECTOR_WAVELENGTH:
		unit = "nm";
		break;
	}
	snprintf(c->unit, sizeof(c->unit), "%s", unit);
}

static void set_range(struct sheet_channel *c, unsigned int range, const struct conversion *from)
{
	struct range_constants *to = &c->range[range];

	*to = (struct range_constants){
		.scale = from->scale,
		.offset = from->offset - from->dark,
		.floor = from->floor,
		.inverse_responsivity = streq(c->unit, "W") ? from->inverse_responsivity : NULL,
	};
	if (streq(c->unit, "nm")) {
		to->scale *= 1e9;
		to->offset *= 1e9;
	} else if (streq(c->unit, "C")) {
		to->offset -= KELVIN_OF_ZERO_C;
	}
}

static void apply_dark(const struct sheet *sheet, unsigned int detector, unsigned int range,
		       struct conversion *c)
{
	const json_t *before = NULL, *after = NULL;

	for (size_t i = 0; i < sheet->segment_count; i++) {
		if (sheet->segments[i].purpose == SEGMENT_DARK_BEFORE)
			before = sheet->segments[i].dark;
		if (sheet->segments[i].purpose == SEGMENT_DARK_AFTER)
			after = sheet->segments[i].dark;
	}
	if (sheet->description->detector[detector].kind == ETALON_HW_DETECTOR_PHOTOCURRENT)
		summary_apply_dark(before, after, detector, range, c);
}

static int make_channel(struct sheet *sheet, unsigned int i, double low_nm, double high_nm)
{
	const struct etalon_hw_program *p = &sheet->segment.program;
	struct sheet_channel *c = &sheet->channel[i];
	const struct etalon_hw_detector *d = &sheet->description->detector[c->detector];
	const json_t *channel = meta_channel(sheet, d->name);
	int r;

	snprintf(c->name, sizeof(c->name), "%s", text_of(channel, "column", d->name));
	c->role = text_of(channel, "role", "");
	c->conversion = calloc(d->range_count, sizeof(*c->conversion));
	if (!c->conversion)
		return -ENOMEM;
	for (unsigned int k = 0; k < ETALON_HW_RANGES_MAX; k++)
		c->range[k] = (struct range_constants){NAN, NAN, 0, NULL};
	for (unsigned int k = 0; k < d->range_count; k++) {
		struct conversion *conversion = &c->conversion[k];

		r = conversion_make(sheet->description, c->detector, k, p->aperture_ns,
				    low_nm * 1e-9, high_nm * 1e-9, conversion);
		if (r < 0)
			return r;
		apply_dark(sheet, c->detector, k, conversion);
		if (k == 0)
			set_unit(sheet, c, channel, conversion->to_power);
		if (conversion->to_power) {
			sheet->table_start_nm = conversion->responsivity_start_m * 1e9;
			sheet->table_step_nm = conversion->responsivity_step_m * 1e9;
		}
		set_range(c, k, conversion);
	}
	return 0;
}

static uint64_t delay_ns(const struct sheet *sheet, int channel)
{
	const struct etalon_hw_program_detector *d = &sheet->segment.program.detector[channel];

	return description_range_of(sheet->description, d->detector, d->range)->group_delay_ns;
}

static void set_delays(struct sheet *sheet)
{
	double speed_m_per_s = signed_speed_nm_per_s(sheet) * 1e-9;

	for (unsigned int i = 0; i < sheet->segment.program.detector_count; i++) {
		if (sheet->log_channel < 0)
			continue;
		sheet->channel[i].delay_shift_nm =
			1e9 * axis_delay_shift_m(speed_m_per_s, delay_ns(sheet, (int)i),
						 delay_ns(sheet, sheet->log_channel));
	}
}

static void find_roles(struct sheet *sheet)
{
	const json_t *fixed =
		json_object_get(json_object_get(sheet->meta, META_SETTINGS), "wavelength_nm");

	for (unsigned int i = 0; i < sheet->segment.program.detector_count; i++) {
		unsigned int role = sheet->description->detector[sheet->channel[i].detector].role;

		if (role == ETALON_HW_ROLE_WAVELENGTH_LOG && sheet->log_channel < 0)
			sheet->log_channel = (int)i;
		if (role == ETALON_HW_ROLE_POWER_MONITOR && sheet->monitor < 0)
			sheet->monitor = (int)i;
		if (role == ETALON_HW_ROLE_SIGNAL && sheet->first_signal < 0)
			sheet->first_signal = (int)i;
	}
	if (json_is_number(fixed))
		sheet->fixed_nm = json_number_value(fixed);
}

/* The frame's own description must speak of the columns that it has. */
static void correct_meta(struct sheet *sheet)
{
	json_t *axis = json_object_get(sheet->meta, META_AXIS);

	for (unsigned int i = 0; i < sheet->segment.program.detector_count; i++) {
		const struct sheet_channel *c = &sheet->channel[i];
		json_t *channel =
			meta_channel(sheet, sheet->description->detector[c->detector].name);

		if (!channel)
			continue;
		json_object_set_new(channel, "unit", json_string(c->unit));
		if ((int)i == sheet->log_channel)
			json_object_set_new(channel, "column", json_string("wavelength"));
	}
	if (json_is_object(axis) && sheet->log_channel >= 0 && sheet->first_signal >= 0)
		json_object_set_new(axis, "delay_taken_off_ns",
				    json_integer((json_int_t)delay_ns(sheet, sheet->first_signal) -
						 (json_int_t)delay_ns(sheet, sheet->log_channel)));
}

int sheet_make_channels(struct store *s, struct sheet *sheet)
{
	const struct etalon_hw_program *p = &sheet->segment.program;
	double low_nm, high_nm;
	int r = 0;

	sheet->channel = calloc(MAX(p->detector_count, 1U), sizeof(*sheet->channel));
	if (!sheet->channel)
		return store_fail(s, -ENOMEM, "no memory for the columns of a run");
	for (unsigned int i = 0; i < p->detector_count; i++)
		sheet->channel[i].detector = p->detector[i].detector;
	find_roles(sheet);
	axis_span(sheet, &low_nm, &high_nm);
	for (unsigned int i = 0; r == 0 && i < p->detector_count; i++)
		r = make_channel(sheet, i, low_nm, high_nm);
	if (r < 0)
		return store_fail(s, r, "the channels of a run: %s", strerror(-r));
	set_delays(sheet);
	correct_meta(sheet);
	return 0;
}
