// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Sources, detectors, capabilities and causes in words. See board_describe.h. Integers keep
 * the units of the board contract; what is derived is SI.
 */
#include "bus/board_describe.h"

#include <time.h>

#include "base/util.h"
#include "calibrate/convert.h"

struct bit_name {
	uint64_t bit;
	const char *name;
};

static const struct bit_name capabilities[] = {
	{ETALON_HW_CAP_RAMP, "ramp"},
	{ETALON_HW_CAP_WAIT, "wait"},
	{ETALON_HW_CAP_PULSE, "pulse"},
	{ETALON_HW_CAP_LISTS, "lists"},
	{ETALON_HW_CAP_TRIGGERS, "triggers"},
	{ETALON_HW_CAP_COMPARATORS, "comparators"},
	{ETALON_HW_CAP_LANES, "lanes"},
	{ETALON_HW_CAP_GATE, "gate"},
	{ETALON_HW_CAP_HARDWARE_DEADMAN, "hardware-deadman"},
	{ETALON_HW_CAP_RESET_INPUT, "reset-input"},
	{ETALON_HW_CAP_EMULATED, "emulated"},
};

static const struct bit_name causes_names[] = {
	{ETALON_HW_CAUSE_INTERLOCK, "interlock"},
	{ETALON_HW_CAUSE_KEY, "key"},
	{ETALON_HW_CAUSE_WATCHDOG, "watchdog"},
	{ETALON_HW_CAUSE_LINK, "link"},
	{ETALON_HW_CAUSE_OVER_TEMPERATURE, "over-temperature"},
	{ETALON_HW_CAUSE_COMPARATOR, "comparator"},
	{ETALON_HW_CAUSE_COMPLIANCE, "compliance"},
	{ETALON_HW_CAUSE_FAULT, "fault"},
	{ETALON_HW_CAUSE_LOCAL_RESET, "local-reset"},
};

static const struct bit_name modes[] = {
	{ETALON_HW_MODE_STEP, "step"},
	{ETALON_HW_MODE_RAMP, "ramp"},
	{ETALON_HW_MODE_WAIT, "wait"},
	{ETALON_HW_MODE_PULSE, "pulse"},
};

static const char *const source_kinds[] = {
	"",	    "wavelength",  "power",    "current", "voltage", "temperature",
	"position", "attenuation", "selector",
};
static const char *const safe_actions[] = {"hold", "gate", "ramp-zero"};
static const char *const detector_kinds[] = {
	"", "photocurrent", "voltage", "current", "temperature", "wavelength",
};
static const char *const detector_si_units[] = {"", "A", "V", "A", "K", "m"};
static const char *const roles[] = {
	"",	    "signal",	     "monitor",	      "wavelength-log", "etalon",
	"gas-cell", "sense-voltage", "sense-current", "temperature",
};

#define NAME_OF(table, index) ((size_t)(index) < ARRAY_SIZE(table) ? (table)[index] : "")

static int append_names(sd_bus_message *m, const struct bit_name *names, size_t count,
			uint64_t bits)
{
	int r = sd_bus_message_open_container(m, 'a', "s");

	for (size_t i = 0; i < count && r >= 0; i++)
		if (bits & names[i].bit)
			r = sd_bus_message_append(m, "s", names[i].name);
	return r < 0 ? r : sd_bus_message_close_container(m);
}

int board_append_capabilities(sd_bus_message *m, const struct board *b)
{
	return append_names(m, capabilities, ARRAY_SIZE(capabilities),
			    b->facts->description->head.capabilities);
}

int board_append_causes(sd_bus_message *m, uint32_t causes)
{
	return append_names(m, causes_names, ARRAY_SIZE(causes_names), causes);
}

static int append_modes(sd_bus_message *m, uint16_t bits)
{
	int r = sd_bus_message_open_container(m, 'e', "sv");

	if (r >= 0)
		r = sd_bus_message_append(m, "s", "modes");
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'v', "as");
	if (r >= 0)
		r = append_names(m, modes, ARRAY_SIZE(modes), bits);
	if (r >= 0)
		r = sd_bus_message_close_container(m);
	return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_source(sd_bus_message *m, const struct board *b, unsigned int number)
{
	const struct etalon_hw_source *s = &b->facts->description->source[number];
	int64_t low, high;
	const char *by = board_limits(b, number, &low, &high);
	int r = sd_bus_message_open_container(m, 'a', "{sv}");

	if (r < 0)
		return r;
	r = sd_bus_message_append(m, "{sv}{sv}{sv}{sv}{sv}{sv}{sv}{sv}{sv}{sv}", "name", "s",
				  s->name, "kind", "s", NAME_OF(source_kinds, s->kind), "unit", "s",
				  source_unit(s->kind), "min", "x", s->min, "max", "x", s->max,
				  "resolution", "x", s->resolution, "emits", "b", (int)s->emits,
				  "is_gate", "b", (int)s->is_gate, "settle_ns", "t", s->settle_ns,
				  "safe_action", "s", NAME_OF(safe_actions, s->safe_action));
	if (r >= 0)
		r = sd_bus_message_append(
			m, "{sv}{sv}{sv}{sv}{sv}{sv}{sv}{sv}{sv}", "ramp_speed_min", "x",
			s->ramp_speed_min, "ramp_speed_max", "x", s->ramp_speed_max,
			"ramp_speed_default", "x", s->ramp_speed_default, "compliance_min", "x",
			s->compliance_min, "compliance_max", "x", s->compliance_max,
			"compliance_default", "x", s->compliance_default, "limit_min", "x", low,
			"limit_max", "x", high, "limit_by", "s", by);
	if (r >= 0)
		r = append_modes(m, s->modes);
	return r < 0 ? r : sd_bus_message_close_container(m);
}

int board_append_sources(sd_bus_message *m, const struct board *b)
{
	int r = sd_bus_message_open_container(m, 'a', "a{sv}");

	for (unsigned int i = 0; i < b->facts->description->head.source_count && r >= 0; i++)
		r = append_source(m, b, i);
	return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_range(sd_bus_message *m, const struct etalon_hw_range *range, double si)
{
	int r = sd_bus_message_open_container(m, 'a', "{sv}");

	if (r >= 0)
		r = sd_bus_message_append(m, "{sv}{sv}{sv}{sv}{sv}{sv}", "name", "s", range->name,
					  "full_scale", "d", (double)range->full_scale * si, "step",
					  "d", (double)range->step_q16 / 65536.0 * si,
					  "bandwidth_hz", "d", (double)range->bandwidth_mhz * 1e-3,
					  "settle_ns", "t", range->settle_ns, "noise", "d",
					  (double)range->noise_density_e3 * 1e-3 * si);
	return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_ranges(sd_bus_message *m, const struct description *d, unsigned int detector)
{
	double si = detector_si(d->detector[detector].kind);
	int r = sd_bus_message_open_container(m, 'e', "sv");

	if (r >= 0)
		r = sd_bus_message_append(m, "s", "ranges");
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'v', "aa{sv}");
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'a', "a{sv}");
	for (unsigned int i = 0; i < d->detector[detector].range_count && r >= 0; i++)
		r = append_range(m, description_range_of(d, detector, i), si);
	for (int i = 0; i < 3 && r >= 0; i++)
		r = sd_bus_message_close_container(m);
	return r;
}

static int append_detector(sd_bus_message *m, const struct board *b, unsigned int number)
{
	const struct description *d = b->facts->description;
	const struct etalon_hw_detector *detector = &d->detector[number];
	const struct etalon_hw_range *range =
		description_range_of(d, number, detector->range_default);
	time_t calibrated = (time_t)d->head.calibration_time;
	char date[16] = "";
	struct tm tm;
	int r;

	if (gmtime_r(&calibrated, &tm))
		strftime(date, sizeof(date), "%Y-%m-%d", &tm);
	r = sd_bus_message_open_container(m, 'a', "{sv}");
	if (r >= 0)
		r = sd_bus_message_append(
			m, "{sv}{sv}{sv}{sv}{sv}{sv}{sv}{sv}{sv}", "name", "s", detector->name,
			"alias", "s", facts_alias(b->facts, number), "kind", "s",
			NAME_OF(detector_kinds, detector->kind), "role", "s",
			NAME_OF(roles, detector->role), "unit", "s", detector_unit(detector->kind),
			"si_unit", "s", NAME_OF(detector_si_units, detector->kind), "default_range",
			"s", range ? range->name : "", "calibrated", "s", date,
			"calibration_generation", "u", d->head.calibration_generation);
	if (r >= 0)
		r = append_ranges(m, d, number);
	return r < 0 ? r : sd_bus_message_close_container(m);
}

int board_append_detectors(sd_bus_message *m, const struct board *b)
{
	int r = sd_bus_message_open_container(m, 'a', "a{sv}");

	for (unsigned int i = 0; i < b->facts->description->head.detector_count && r >= 0; i++)
		r = append_detector(m, b, i);
	return r < 0 ? r : sd_bus_message_close_container(m);
}
