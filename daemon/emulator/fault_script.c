// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Reads a scripted fault from JSON; what is wrong with it is said with what is allowed.
 */
#include "emulator/fault_script.h"

#include <errno.h>

#include "base/util.h"
#include "emulator/board_internal.h"

static const char *const fault_names[FAULT_KINDS] = {
	[FAULT_INTERLOCK_OPEN] = "interlock-open",
	[FAULT_INTERLOCK_CLOSE] = "interlock-close",
	[FAULT_KEY_OFF] = "key-off",
	[FAULT_KEY_ON] = "key-on",
	[FAULT_OVER_TEMPERATURE] = "over-temperature",
	[FAULT_OVER_TEMPERATURE_END] = "over-temperature-end",
	[FAULT_COMPLIANCE] = "compliance",
	[FAULT_COMPLIANCE_END] = "compliance-end",
	[FAULT_BOARD] = "board-fault",
	[FAULT_BOARD_END] = "board-fault-end",
	[FAULT_LOCAL_RESET] = "local-reset",
	[FAULT_CABLE] = "cable",
	[FAULT_HANG] = "hang",
	[FAULT_STALL_RECORDS] = "stall-records",
	[FAULT_RESUME_RECORDS] = "resume-records",
	[FAULT_DROP_RECORD] = "drop-record",
	[FAULT_DUPLICATE_RECORD] = "duplicate-record",
	[FAULT_CORRUPT_RECORD] = "corrupt-record",
	[FAULT_SKIP_SEQUENCE] = "skip-sequence",
	[FAULT_CORRUPT_INDEX] = "corrupt-index",
	[FAULT_LYING_END] = "lying-end",
	[FAULT_TEC_NEVER_SETTLES] = "tec-never-settles",
	[FAULT_TEC_SETTLES] = "tec-settles",
	[FAULT_UNCOUPLED] = "detector-uncoupled",
	[FAULT_COUPLED] = "detector-coupled",
	[FAULT_TRIGGER_EDGE] = "trigger-edge",
	[FAULT_AUX_IN] = "aux-in",
	[FAULT_USB_STALL] = "usb-stall",
	[FAULT_USB_SHORT] = "usb-short",
	[FAULT_USB_BABBLE] = "usb-babble",
	[FAULT_USB_DESCRIPTOR] = "usb-descriptor",
	[FAULT_USB_DESCRIPTOR_END] = "usb-descriptor-end",
	[FAULT_HOSTILE] = "hostile",
};

static const char *const end_fields[] = {"crc", "produced", "dropped"};
static const char *const usb_endpoints[] = {
	[BOARD_USB_STALL_RECORDS] = "records",
	[BOARD_USB_STALL_UPLOAD] = "upload",
	[BOARD_USB_STALL_EVENTS] = "events",
};
static const char *const usb_fields[] = {
	[BOARD_USB_TRUTH] = "",
	[BOARD_USB_LIE_CLASS] = "class",
	[BOARD_USB_LIE_PRODUCT] = "product",
	[BOARD_USB_LIE_ENDPOINTS] = "endpoints",
	[BOARD_USB_LIE_DIRECTION] = "direction",
	[BOARD_USB_LIE_PACKET] = "packet",
	[BOARD_USB_LIE_LENGTH] = "length",
	[BOARD_USB_LIE_TOTAL] = "total",
};

const char *fault_name(enum fault_kind kind)
{
	return fault_names[kind];
}

static int unknown_fault(const char *name, char **ret_message)
{
	char known[768] = "";
	size_t used = 0;

	for (size_t i = 0; i < FAULT_KINDS; i++)
		used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s", i ? ", " : "",
					 fault_names[i]);
	return fail(ret_message, -EINVAL, "no fault is called '%s'; allowed: %s", name ? name : "",
		    known);
}

static int read_number(const json_t *json, const char *key, double fallback, double max,
		       double *ret, char **ret_message)
{
	const json_t *value = json_object_get(json, key);

	*ret = fallback;
	if (!value)
		return 0;
	*ret = json_number_value(value);
	if (!json_is_number(value) || !(*ret >= 0 && *ret <= max))
		return fail(ret_message, -EINVAL, "%s of a fault must be a number from 0 to %g",
			    key, max);
	return 0;
}

static int read_detector(const struct board *b, const json_t *json, struct fault *f,
			 char **ret_message)
{
	const char *name = json_string_value(json_object_get(json, "detector"));

	for (uint32_t n = 0; name && n < b->description->detector_count; n++)
		if (streq(b->detector[n].name, name)) {
			f->number = n;
			return 0;
		}
	return fail(
		ret_message, -EINVAL,
		"fault %s needs \"detector\": the name of a detector of this board, for example \"pd1\"",
		fault_names[f->kind]);
}

static int read_field(const json_t *json, struct fault *f, char **ret_message)
{
	const char *field = json_string_value(json_object_get(json, "field"));

	for (uint32_t i = 0; i < ARRAY_SIZE(end_fields); i++)
		if (streq(field ? field : "crc", end_fields[i])) {
			f->number = i;
			return 0;
		}
	return fail(ret_message, -EINVAL,
		    "field of lying-end must be \"crc\", \"produced\" or \"dropped\"");
}

static int read_usb(const json_t *json, struct fault *f, char **ret_message)
{
	const bool stall = f->kind == FAULT_USB_STALL;
	const char *const *words = stall ? usb_endpoints : usb_fields;
	const size_t count = stall ? ARRAY_SIZE(usb_endpoints) : ARRAY_SIZE(usb_fields);
	const char *word = json_string_value(json_object_get(json, stall ? "endpoint" : "field"));

	for (uint32_t i = 0; word && i < count; i++)
		if (*word && streq(word, words[i])) {
			f->number = i;
			return 0;
		}
	if (stall)
		return fail(ret_message, -EINVAL,
			    "endpoint of usb-stall must be \"records\", \"upload\" or \"events\"");
	return fail(
		ret_message, -EINVAL,
		"field of usb-descriptor must be \"class\", \"product\", \"endpoints\", \"direction\", "
		"\"packet\", \"length\" or \"total\"");
}

static int read_special(const struct board *b, const json_t *json, struct fault *f,
			char **ret_message)
{
	double number;
	int r;

	switch (f->kind) {
	case FAULT_UNCOUPLED:
	case FAULT_COUPLED:
		return read_detector(b, json, f, ret_message);
	case FAULT_LYING_END:
		return read_field(json, f, ret_message);
	case FAULT_USB_STALL:
	case FAULT_USB_DESCRIPTOR:
		return read_usb(json, f, ret_message);
	case FAULT_TRIGGER_EDGE:
		if (!b->description->trigger_inputs)
			return fail(
				ret_message, -EINVAL,
				"this board has no trigger inputs; trigger_inputs gives it some");
		r = read_number(json, "input", 0, b->description->trigger_inputs - 1, &number,
				ret_message);
		break;
	case FAULT_AUX_IN:
		r = read_number(json, "line", 0, b->description->aux_lines - 1, &number,
				ret_message);
		break;
	case FAULT_HOSTILE:
		r = read_number(json, "one_in", 1, UINT32_MAX, &number, ret_message);
		break;
	default:
		return 0;
	}
	f->number = (uint32_t)number;
	return r;
}

static int read_times(const struct board *b, const json_t *json, struct fault *f,
		      char **ret_message)
{
	double at_ms, at_point, program_ms, for_ms, period_us, count, level;
	int r = 0;

	r = r ? r : read_number(json, "at_ms", 0, 1e9, &at_ms, ret_message);
	r = r ? r : read_number(json, "at_point", 0, 1e15, &at_point, ret_message);
	r = r ? r : read_number(json, "at_program_ms", 0, 1e9, &program_ms, ret_message);
	r = r ? r : read_number(json, "for_ms", 1000, 1e9, &for_ms, ret_message);
	r = r ? r : read_number(json, "period_us", 0, 1e9, &period_us, ret_message);
	r = r ? r : read_number(json, "count", 1, 1e15, &count, ret_message);
	r = r ? r : read_number(json, "level", 1, 1, &level, ret_message);
	if (r < 0)
		return r;
	f->at_ns = json_object_get(json, "at_ms") ? b->power_on_ns + (uint64_t)(at_ms * 1e6)
						  : UINT64_MAX;
	f->at_point = json_object_get(json, "at_point") ? (uint64_t)at_point : ANY_POINT;
	f->program_ns = json_object_get(json, "at_program_ms") ? (int64_t)(program_ms * 1e6) : -1;
	f->for_ns = (uint64_t)(for_ms * 1e6);
	f->period_ns = (int64_t)(period_us * 1e3);
	f->count = (uint64_t)count;
	f->level = (uint32_t)level;
	if (f->program_ns >= 0 && f->kind != FAULT_TRIGGER_EDGE)
		return fail(ret_message, -EINVAL,
			    "at_program_ms is for trigger-edge only; use at_point or at_ms");
	if (f->count > 1 && f->kind == FAULT_TRIGGER_EDGE && !f->period_ns)
		return fail(ret_message, -EINVAL, "more than one trigger-edge needs period_us");
	return 0;
}

static int check_keys(const json_t *json, char **ret_message)
{
	static const char *const allowed[] = {
		"fault", "at_ms", "at_point", "at_program_ms", "for_ms", "period_us", "count",
		"level", "line",  "input",    "detector",      "field",	 "endpoint",  "one_in"};
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)json, key, value) {
		size_t i = 0;

		while (i < ARRAY_SIZE(allowed) && !streq(allowed[i], key))
			i++;
		if (i == ARRAY_SIZE(allowed))
			return fail(
				ret_message, -EINVAL,
				"a fault has no member '%s'; allowed: fault, at_ms, at_point, at_program_ms, for_ms, "
				"period_us, count, level, line, input, detector, field, endpoint, one_in",
				key);
	}
	return 0;
}

int fault_read(const struct board *b, const json_t *json, struct fault *f, char **ret_message)
{
	const char *name = json_string_value(json_object_get(json, "fault"));
	int r;

	if (!json_is_object(json))
		return fail(
			ret_message, -EINVAL,
			"a fault is a JSON object like {\"fault\": \"interlock-open\", \"at_ms\": 500}");
	*f = (struct fault){.kind = FAULT_KINDS};
	for (size_t i = 0; name && i < FAULT_KINDS; i++)
		if (streq(name, fault_names[i]))
			f->kind = (enum fault_kind)i;
	if (f->kind == FAULT_KINDS)
		return unknown_fault(name, ret_message);
	r = check_keys(json, ret_message);
	if (r < 0)
		return r;
	r = read_times(b, json, f, ret_message);
	if (r < 0)
		return r;
	return read_special(b, json, f, ret_message);
}
