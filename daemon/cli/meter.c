// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * etalonctl meter: optical power in large digits, for alignment. The values and their history;
 * drawing is in meter_show.c.
 */
#include "cli/meter.h"

#include <errno.h>
#include <math.h>

#include "base/quantity.h"
#include "cli/light.h"
#include "cli/reading.h"
#include "cli/run.h"
#include "cli/screen.h"
#include "cli/verbs.h"

#define SCREEN_INTERVAL_NS (100 * NSEC_PER_MSEC)
#define LINE_INTERVAL_NS NSEC_PER_SEC

static void note_reading(struct meter_channel *c, const json_t *reading)
{
	double power = member_value(reading, "power_w");

	c->reading = reading;
	c->level = isnan(power) ? member_value(reading, "value") : power;
	c->is_power = !isnan(power);
	if (isnan(c->peak) || c->level > c->peak)
		c->peak = c->level;
}

/* 0 or an exit code with the message given. */
static int take_readings(struct meter *m)
{
	_cleanup_message_ sd_bus_message *call = NULL, *reply = NULL;
	_cleanup_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
	json_t *readings = NULL;

	call = reading_call(m->cli, m->board, m->names, m->aperture_ns, NULL);
	if (bus_call(m->cli, call, 0, &error, &reply) < 0)
		return bus_fail(m->cli, &error, NULL);
	if (wire_read(reply, &readings) < 0 || json_array_size(readings) < m->count) {
		json_decref(readings);
		return cli_fail(m->cli, EXIT_TROUBLE, "the readings are not understood");
	}
	json_decref(m->readings);
	m->readings = readings;
	for (size_t i = 0; i < m->count; i++)
		note_reading(&m->channels[i], json_array_get(readings, i));
	return 0;
}

static void toggle_gate(struct meter *m)
{
	bool open = !member_flag(m->board->properties, "GateOpen");
	_cleanup_message_ sd_bus_message *call =
		bus_new_call(m->cli, m->board->path, ETALON_BOARD, "SetGate");
	_cleanup_error_ sd_bus_error error = SD_BUS_ERROR_NULL;

	m->said[0] = '\0';
	if (!call || sd_bus_message_append(call, "b", open) < 0)
		return;
	if (bus_call(m->cli, call, 0, &error, NULL) < 0)
		snprintf(m->said, sizeof(m->said), "%s",
			 error.message ? error.message : "the gate did not move");
	else
		m->gate_opened = open;
}

static bool handle_keys(struct meter *m)
{
	char key;

	while ((key = screen_key(m->screen))) {
		if (key == 'q' || key == 'Q')
			return false;
		if (key == 'g')
			toggle_gate(m);
		for (size_t i = 0; i < m->count; i++) {
			if (key == 'm')
				m->channels[i].mark = m->channels[i].level;
			if (key == 'r')
				m->channels[i].peak = m->channels[i].level;
		}
	}
	return true;
}

static bool finished(const struct meter *m, int64_t shown)
{
	return m->cli->interrupts > 0 || (m->limit > 0 && shown >= m->limit);
}

static int wait_until(struct meter *m, uint64_t when)
{
	while (m->cli->interrupts == 0) {
		uint64_t now = now_ns();
		int r;

		if (now >= when || (m->screen && m->screen->count > 0))
			return 0;
		r = cli_turn(m->cli, (when - now) / NSEC_PER_USEC + 1);
		if (r < 0)
			return r;
	}
	return 0;
}

static int loop(struct meter *m)
{
	uint64_t next = now_ns();
	int64_t shown = 0;
	int r;

	while (!finished(m, shown)) {
		r = take_readings(m);
		if (r != 0)
			return r;
		if (m->screen && !handle_keys(m))
			return 0;
		meter_show(m);
		shown++;
		next = MAX(next + m->interval_ns, now_ns());
		if (!finished(m, shown) && wait_until(m, next) < 0)
			return EXIT_TROUBLE;
	}
	return 0;
}

/* ---- set-up ---- */

static bool worth_a_meter(const json_t *detector, bool named_only)
{
	return streq(member_text(detector, "role"), "signal") &&
	       (!named_only || *member_text(detector, "alias"));
}

/* Signals that the site has names for, else all signals. */
static json_t *usual_names(const struct object *board)
{
	json_t *names = json_array();
	const json_t *d;
	size_t i;

	for (int named_only = 1; named_only >= 0 && json_array_size(names) == 0; named_only--) {
		json_array_foreach(member_at(board->properties, "Detectors"), i, d) {
			if (worth_a_meter(d, named_only))
				json_array_append_new(names, json_string(detector_shown(d)));
		}
	}
	return names;
}

static int read_options(struct cli *cli, const struct options *o, struct meter *m)
{
	const char *count = options_text(o, "count"), *interval = options_text(o, "interval");
	const char *aperture = options_text(o, "aperture");
	_cleanup_free_ char *message = NULL;
	int64_t ns = 0;

	if (count &&
	    (quantity_parse(count, QUANTITY_COUNT, &m->limit, &message) < 0 || m->limit < 1))
		return cli_fail(cli, EXIT_USAGE, "--count: %s", message ? message : "at least 1");
	if (aperture && quantity_parse(aperture, QUANTITY_TIME, &m->aperture_ns, &message) < 0)
		return cli_fail(cli, EXIT_USAGE, "--aperture: %s", message);
	if (interval &&
	    (quantity_parse(interval, QUANTITY_TIME, &ns, &message) < 0 || ns < 10000000))
		return cli_fail(cli, EXIT_USAGE, "--interval: %s",
				message ? message : "at least 10ms");
	if (interval)
		m->interval_ns = (uint64_t)ns;
	return 0;
}

static int begin(struct meter *m, const struct options *o)
{
	struct cli *cli = m->cli;
	int r;

	r = read_options(cli, o, m);
	if (r == 0 && o->word_count > 0)
		r = read_detectors(cli, m->board, (const char *const *)o->words, o->word_count,
				   &m->names);
	else if (r == 0)
		m->names = usual_names(m->board);
	if (r != 0)
		return r;
	m->count = json_array_size(m->names);
	if (m->count == 0 || m->count > METER_CHANNELS_MAX)
		return cli_fail(cli, EXIT_USAGE, "1 to %d detectors; " PROGRAM " info lists them",
				METER_CHANNELS_MAX);
	for (size_t i = 0; i < m->count; i++)
		m->channels[i] = (struct meter_channel){
			.name = json_string_value(json_array_get(m->names, i)),
			.peak = NAN,
			.mark = NAN};
	return cli_catch_signals(cli) < 0 ? cli_fail(cli, EXIT_TROUBLE, "cannot watch for Ctrl-C")
					  : 0;
}

static int run_on_screen(struct meter *m)
{
	_cleanup_screen_ struct screen screen = {0};
	int r = screen_open(&screen, m->cli);

	if (r < 0)
		return cli_fail(m->cli, EXIT_TROUBLE, "no terminal: %s", strerror(-r));
	m->screen = &screen;
	r = loop(m);
	m->screen = NULL;
	return r;
}

static int run(struct cli *cli, const struct options *o)
{
	bool on_screen = cli->out_is_terminal && cli->in_is_terminal && !cli->json &&
			 !options_has(o, "lines");
	_cleanup_object_ struct object board = {0};
	struct meter m = {
		.cli = cli,
		.board = &board,
		.interval_ns = on_screen ? SCREEN_INTERVAL_NS : LINE_INTERVAL_NS,
	};
	int r = board_open(cli, &board);

	if (r == 0)
		r = begin(&m, o);
	if (r == 0)
		r = on_screen ? run_on_screen(&m) : loop(&m);
	if (m.gate_opened) /* opened here, shut here */
		set_gate(cli, &board, false);
	json_decref(m.names);
	json_decref(m.readings);
	return r;
}

static const struct option_spec options[] = {
	{"interval", 0, "TIME", "between readings; 100ms on a terminal, 1s otherwise", false},
	{"aperture", 0, "TIME", "how long each reading is averaged", false},
	{"count", 'c', "N", "end after N readings", false},
	{"lines", 0, NULL, "plain lines also on a terminal", false},
	{0},
};

const struct verb verb_meter = {
	.name = "meter",
	.summary = "optical power in large digits, for alignment",
	.usage = "meter [DETECTOR...]",
	.text = "Digits, a bar, the highest value so far, dB to a mark. Keys: m mark, r reset the "
		"highest value, g gate, q end. Light is not turned on here: run " PROGRAM
		" hold or " PROGRAM " laser on "
		"in another terminal.\nWithout a terminal, or with --lines, a line for each reading; "
		"with --json an object for each.",
	.examples = "meter\nmeter through drop\nmeter through --count 10 --interval 200ms --lines",
	.options = options,
	.words_max = 16,
	.run = run,
};
