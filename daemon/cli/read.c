// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * etalonctl read: detectors now, gate and light as they are.
 */
#include "cli/channels.h"
#include "cli/reading.h"
#include "cli/run.h"
#include "cli/state.h"
#include "cli/verbs.h"

#include <errno.h>
#include <math.h>

static int append_options(sd_bus_message *call, int64_t aperture_ns, const json_t *ranges)
{
	int r = sd_bus_message_open_container(call, 'a', "{sv}");

	if (r >= 0 && aperture_ns > 0)
		r = sd_bus_message_append(call, "{sv}", "aperture_ns", "t", (uint64_t)aperture_ns);
	if (r >= 0 && ranges && json_object_size(ranges) > 0) {
		r = sd_bus_message_open_container(call, 'e', "sv");
		if (r >= 0)
			r = sd_bus_message_append(call, "s", "ranges");
		if (r >= 0)
			r = sd_bus_message_open_container(call, 'v', "a{ss}");
		if (r >= 0)
			r = wire_append_strings(call, ranges);
		for (int i = 0; i < 2 && r >= 0; i++)
			r = sd_bus_message_close_container(call);
	}
	return r < 0 ? r : sd_bus_message_close_container(call);
}

static int append_names(sd_bus_message *call, const json_t *names)
{
	int r = sd_bus_message_open_container(call, 'a', "s");
	const json_t *name;
	size_t i;

	json_array_foreach(names, i, name) {
		if (r >= 0)
			r = sd_bus_message_append(call, "s", json_string_value(name));
	}
	return r < 0 ? r : sd_bus_message_close_container(call);
}

sd_bus_message *reading_call(struct cli *cli, const struct object *board, const json_t *names,
			     int64_t aperture_ns, const json_t *ranges)
{
	sd_bus_message *call = bus_new_call(cli, board->path, ETALON_BOARD, "Read");

	if (call &&
	    (append_names(call, names) < 0 || append_options(call, aperture_ns, ranges) < 0))
		call = sd_bus_message_unref(call);
	return call;
}

struct text reading_text(const json_t *reading)
{
	const char *unit = member_text(reading, "si_unit");
	double power = member_value(reading, "power_w"), value = member_value(reading, "value");
	struct text t;

	if (!isnan(power) && power > 0)
		snprintf(t.text, sizeof(t.text), "%.40s dBm", dbm(power).text);
	else if (!isnan(power))
		t = engineering(power, "W");
	else if (streq(unit, "m"))
		snprintf(t.text, sizeof(t.text), "%.40s nm", decimals(value * 1e9, 4).text);
	else if (streq(unit, "K"))
		snprintf(t.text, sizeof(t.text), "%.40s C", decimals(value - 273.15, 3).text);
	else
		t = engineering(value, unit);
	return t;
}

struct text reading_dark(const json_t *reading)
{
	double seconds = ((double)wall_ns() - member_value(reading, "dark_time_ns")) / 1e9;
	struct text t = {""};

	if (!isnan(member_value(reading, "dark_run")))
		snprintf(t.text, sizeof(t.text), "%.16s (run %.0f, %.16s ago)",
			 engineering(member_value(reading, "dark_a"), "A").text,
			 member_value(reading, "dark_run"), duration(MAX(seconds, 0)).text);
	return t;
}

const char *reading_flag(const json_t *reading)
{
	if (member_flag(reading, "saturated"))
		return "saturated";
	return member_flag(reading, "settling") ? "settling" : "";
}

static void print_readings(struct cli *cli, const struct object *board, const json_t *readings)
{
	const json_t *reading;
	struct grid g;
	size_t i;

	grid_begin(&g, "lrrrlll");
	grid_heading(&g, "detector|reading|signal|sigma|range|dark taken off|");
	json_array_foreach(readings, i, reading) {
		const char *name = member_text(reading, "name"),
			   *unit = member_text(reading, "si_unit");
		const json_t *detector = find_detector(board, name);
		bool temperature = streq(unit, "K");

		grid_cell(&g, "%s", detector ? detector_shown(detector) : name);
		grid_cell(&g, "%s", reading_text(reading).text);
		grid_cell(&g, "%s",
			  temperature || isnan(member_value(reading, "power_w"))
				  ? ""
				  : engineering(member_value(reading, "value"), unit).text);
		grid_cell(&g, "%s", engineering(member_value(reading, "sigma"), unit).text);
		grid_cell(&g, "%s", member_text(reading, "range"));
		grid_cell(&g, "%s", *reading_dark(reading).text ? reading_dark(reading).text : "-");
		grid_cell(&g, "%s", reading_flag(reading));
	}
	grid_print(&g, cli->out, 0);
}

static int read_ranges(struct cli *cli, const struct object *board, const struct options *o,
		       json_t *ranges)
{
	const char *text;

	for (size_t i = 0; (text = options_nth(o, "range", i)); i++) {
		_cleanup_free_ char *name = strdup(text);
		char *equals = name ? strchr(name, '=') : NULL;
		const json_t *detector, *range;

		if (!equals)
			return cli_fail(cli, EXIT_USAGE,
					"--range %s: of which detector? --range through=100uA",
					text);
		*equals = '\0';
		detector = find_detector(board, name);
		if (!detector)
			return refuse_detector(cli, board, name);
		range = find_range(detector, equals + 1);
		if (!range)
			return refuse_range(cli, detector, equals + 1);
		if (json_object_set_new(ranges, name, json_string(member_text(range, "name"))) < 0)
			return cli_no_memory(cli);
	}
	return 0;
}

static int read_now(struct cli *cli, const struct object *board, const struct options *o,
		    const json_t *names, const json_t *ranges)
{
	_cleanup_message_ sd_bus_message *call = NULL, *reply = NULL;
	_cleanup_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
	_cleanup_(json_decrefp) json_t *readings = NULL;
	_cleanup_free_ char *message = NULL;
	const char *aperture = options_text(o, "aperture");
	int64_t aperture_ns = 0;

	if (aperture && quantity_parse(aperture, QUANTITY_TIME, &aperture_ns, &message) < 0)
		return cli_fail(cli, EXIT_USAGE, "--aperture: %s", message);
	call = reading_call(cli, board, names, aperture_ns, ranges);
	if (bus_call(cli, call, 0, &error, &reply) < 0)
		return bus_fail(cli, &error, NULL);
	if (wire_read(reply, &readings) < 0)
		return cli_fail(cli, EXIT_TROUBLE, "the readings are not understood");
	if (cli->json)
		return print_json(cli, readings);
	fputs("light   ", cli->out);
	print_light(cli, cli->out, board);
	fputc('\n', cli->out);
	print_readings(cli, board, readings);
	return 0;
}

static int run(struct cli *cli, const struct options *o)
{
	_cleanup_(json_decrefp) json_t *names = NULL, *ranges = json_object();
	_cleanup_object_ struct object board = {0};
	int r = board_open(cli, &board);

	if (r == 0)
		r = read_detectors(cli, &board, (const char *const *)o->words, o->word_count,
				   &names);
	if (r == 0)
		r = read_ranges(cli, &board, o, ranges);
	return r != 0 ? r : read_now(cli, &board, o, names, ranges);
}

static const struct option_spec options[] = {
	{"aperture", 0, "TIME", "how long to average, for instance 20ms", false},
	{"range", 0, "A=RANGE", "range of a detector, for instance through=10uA", true},
	{0},
};

const struct verb verb_read = {
	.name = "read",
	.summary = "read detectors once, gate and light as they are",
	.usage = "read [DETECTOR...]",
	.text = "A dark current that " PROGRAM
		" zero measured in the same range is taken off; its value and age are shown.",
	.examples = "read\nread through drop --aperture 20ms\nread through --range through=1uA",
	.options = options,
	.words_max = 64,
	.run = run,
};
