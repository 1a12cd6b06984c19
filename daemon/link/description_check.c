// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What the header and the source table of a description say: plausible, or refused with
 * the field's name. Detectors and ranges are in description_detectors.c.
 */
#include "link/description_check.h"

#include <errno.h>

#include "base/util.h"

#define YEAR_10000_S INT64_C(253402300800)
#define KNOWN_MODES \
	(ETALON_HW_MODE_STEP | ETALON_HW_MODE_RAMP | ETALON_HW_MODE_WAIT | ETALON_HW_MODE_PULSE)

bool description_text_ok(const char *text, size_t size)
{
	size_t n = strnlen(text, size);

	if (n == 0 || n == size)
		return false;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return false;
	for (size_t i = n; i < size; i++)
		if (text[i] != '\0')
			return false;
	return true;
}

bool description_name_ok(const char *name, size_t size)
{
	return description_text_ok(name, size) &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._") == strlen(name);
}

int description_check_head(const struct description *d, char **ret_message)
{
	const struct etalon_hw_description *h = &d->head;
	const struct {
		bool ok;
		const char *what;
	} rules[] = {
		{description_text_ok(h->model, sizeof(h->model)), "model is no text"},
		{description_text_ok(h->serial, sizeof(h->serial)), "serial is no text"},
		{description_text_ok(h->firmware, sizeof(h->firmware)), "firmware is no text"},
		{strnlen(h->laser_class, sizeof(h->laser_class)) < sizeof(h->laser_class),
		 "laser_class has no end"},
		{h->detector_count > 0, "detector_count is 0"},
		{h->tick_ps > 0 && h->tick_ps <= 1000000000, "tick_ps is not in 1..1e9"},
		{h->fifo_records > 0, "fifo_records is 0"},
		{h->list_points_max <= ETALON_HW_AXIS_POINTS_MAX, "list_points_max is too large"},
		{h->aux_lines <= 32, "aux_lines is above 32"},
		{h->period_min_ns > 0, "period_min_ns is 0"},
		{h->aperture_min_ns > 0, "aperture_min_ns is 0"},
		{h->watchdog_min_ns > 0, "watchdog_min_ns is 0"},
		{h->watchdog_min_ns <= h->watchdog_max_ns,
		 "watchdog_min_ns is above watchdog_max_ns"},
		{h->emission_delay_ns <= DESCRIPTION_TIME_MAX_NS, "emission_delay_ns is too long"},
		{h->conversion_ns > 0, "conversion_ns is 0"},
		{h->calibration_time >= 0 && h->calibration_time < YEAR_10000_S,
		 "calibration_time is no date"},
		{h->comparators <= ETALON_HW_COMPARATORS_MAX, "comparators is above 4"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (!rules[i].ok)
			return fail(ret_message, -EBADMSG, "description: %s", rules[i].what);
	return 0;
}

static bool value_ok(int64_t value)
{
	return value >= -DESCRIPTION_VALUE_MAX && value <= DESCRIPTION_VALUE_MAX;
}

static bool channel_ok(uint16_t number, uint32_t count)
{
	return number == ETALON_HW_NO_CHANNEL || number < count;
}

static bool readbacks_ok(const struct description *d, const struct etalon_hw_source *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(s->readback); i++)
		if (!channel_ok(s->readback[i], d->head.detector_count))
			return false;
	return true;
}

static bool has_readback(const struct etalon_hw_source *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(s->readback); i++)
		if (s->readback[i] != ETALON_HW_NO_CHANNEL)
			return true;
	return false;
}

static bool ramp_ok(const struct etalon_hw_source *s)
{
	if (!(s->modes & ETALON_HW_MODE_RAMP))
		return true;
	return s->ramp_speed_min > 0 && s->ramp_speed_min <= s->ramp_speed_default &&
	       s->ramp_speed_default <= s->ramp_speed_max && value_ok(s->ramp_speed_max) &&
	       s->run_in_min >= 0 && value_ok(s->run_in_min) &&
	       s->run_in_ns <= DESCRIPTION_TIME_MAX_NS && s->flyback_speed > 0 &&
	       value_ok(s->flyback_speed);
}

static bool gate_ok(const struct description *d, const struct etalon_hw_source *s)
{
	if (s->gate == ETALON_HW_NO_CHANNEL)
		return s->is_gate || s->safe_action != ETALON_HW_SAFE_GATE;
	return s->gate < d->head.source_count && d->source[s->gate].is_gate == 1;
}

static bool compliance_ok(const struct etalon_hw_source *s)
{
	return value_ok(s->compliance_min) && value_ok(s->compliance_max) &&
	       s->compliance_min <= s->compliance_default &&
	       s->compliance_default <= s->compliance_max;
}

static int check_source(const struct description *d, uint32_t number, char **ret_message)
{
	const struct etalon_hw_source *s = &d->source[number];
	const struct {
		bool ok;
		const char *what;
	} rules[] = {
		{s->kind >= ETALON_HW_SOURCE_WAVELENGTH && s->kind <= ETALON_HW_SOURCE_SELECTOR,
		 "kind is unknown"},
		{(s->modes & ~KNOWN_MODES) == 0, "modes has unknown bits"},
		{s->emits <= 1, "emits is neither 0 nor 1"},
		{s->is_gate <= 1, "is_gate is neither 0 nor 1"},
		{!s->is_gate || s->kind == ETALON_HW_SOURCE_SELECTOR, "is a gate but no selector"},
		{s->safe_action <= ETALON_HW_SAFE_RAMP_ZERO, "safe_action is unknown"},
		{!s->emits || s->safe_action != ETALON_HW_SAFE_HOLD,
		 "emits, and its safe action is to hold"},
		{gate_ok(d, s), "gate is no gate of this board"},
		{channel_ok(s->belongs_to, d->head.source_count) && s->belongs_to != number,
		 "belongs_to is no other source"},
		{readbacks_ok(d, s), "readback is no detector of this board"},
		{value_ok(s->min) && value_ok(s->max) && s->min <= s->max,
		 "min..max is no span of values"},
		{s->resolution > 0 && value_ok(s->resolution), "resolution is not above 0"},
		{s->max_slew >= 0 && value_ok(s->max_slew), "max_slew is negative or too large"},
		{s->default_slew >= 0 && (s->max_slew == 0 || s->default_slew <= s->max_slew),
		 "default_slew is not within max_slew"},
		{s->settle_ns <= DESCRIPTION_TIME_MAX_NS, "settle_ns is too long"},
		{ramp_ok(s), "ramp speeds, run-in or fly-back make no ramp"},
		{!(s->modes & ETALON_HW_MODE_WAIT) || has_readback(s),
		 "has mode WAIT but no detector reads it back"},
		{compliance_ok(s), "compliance_default is not within its range"},
		{s->noise >= 0 && value_ok(s->noise), "noise is negative"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (!rules[i].ok)
			return fail(ret_message, -EBADMSG, "description: source %s: %s", s->name,
				    rules[i].what);
	return 0;
}

int description_check_sources(const struct description *d, char **ret_message)
{
	int r;

	/* All names first: messages below print them. */
	for (uint32_t i = 0; i < d->head.source_count; i++)
		if (!description_name_ok(d->source[i].name, sizeof(d->source[i].name)))
			return fail(ret_message, -EBADMSG,
				    "description: source %u: its name is not of [a-z0-9._]", i);
	for (uint32_t i = 0; i < d->head.source_count; i++) {
		if (description_source(d, d->source[i].name) != (int)i)
			return fail(ret_message, -EBADMSG, "description: two sources named %s",
				    d->source[i].name);
		r = check_source(d, i, ret_message);
		if (r < 0)
			return r;
	}
	return 0;
}
