// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * etalonctl monitor: every change of state as it comes, until Ctrl-C. Outlives the daemon.
 */
#include "cli/channels.h"
#include "cli/run.h"
#include "cli/state.h"
#include "cli/verbs.h"

#include <errno.h>

#define BOARDS_MAX 32

/* Properties that are worth a line. */
static const struct {
	const char *property;
	const char *word;
} watched[] = {
	{"State", "state"},
	{"GateOpen", "gate open"},
	{"CausesLive", "causes live"},
	{"CausesLatched", "causes latched"},
	{"LeaseHolder", "lease"},
	{"Job", "job"},
	{"WhyDark", "why dark:"},
	{"LastOffCause", "light off:"},
};

struct monitor {
	struct cli *cli;
	struct object boards[BOARDS_MAX];
	json_t *shown[BOARDS_MAX]; /* the properties as last told */
	size_t count;
	bool was_lost;
	bool ask; /* boards came or went */
};

static void say_json(struct monitor *m, const char *who, const char *what, const json_t *value)
{
	_cleanup_(json_decrefp) json_t *line =
		json_pack("{s:I, s:s, s:s}", "time_ns", (json_int_t)wall_ns(), "board", who,
			  "property", what);

	if (line && value)
		json_object_set(line, "value", (json_t *)(uintptr_t)value);
	if (line)
		json_dumpf(line, m->cli->out, JSON_COMPACT);
	fputc('\n', m->cli->out);
}

static void print_value(FILE *to, const json_t *value)
{
	const json_t *item;
	size_t i;

	if (json_is_array(value) && json_array_size(value) > 0) {
		json_array_foreach(value, i, item) {
			fprintf(to, "%s%s", i > 0 ? "; " : " ", json_string_value(item));
		}
	} else if (json_is_boolean(value)) {
		fputs(json_is_true(value) ? " yes" : " no", to);
	} else if (json_is_string(value) && *json_string_value(value)) {
		fprintf(to, " %s", json_string_value(value));
	} else {
		fputs(" none", to);
	}
}

static void say(struct monitor *m, const char *who, const char *what, const json_t *value)
{
	if (m->cli->json) {
		say_json(m, who, what, value);
	} else {
		fprintf(m->cli->out, "%s  %s  %s", local_time(wall_ns()).text, who, what);
		if (value)
			print_value(m->cli->out, value);
		fputc('\n', m->cli->out);
	}
	fflush(m->cli->out);
}

/* Only those that changed: a board has dozens. */
static void tell_setpoints(struct monitor *m, const struct object *board, const json_t *before)
{
	const json_t *now = json_object_get(board->properties, "Setpoints");
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)now, name, value) {
		const json_t *source = find_source(board, name);
		char text[96];

		if (!source || json_equal(value, json_object_get(before, name)))
			continue;
		if (m->cli->json) {
			say(m, member_text(board->properties, "Serial"), name, value);
			continue;
		}
		snprintf(text, sizeof(text), "set %.40s %.40s", name,
			 source_text(source, json_integer_value(value)).text);
		say(m, member_text(board->properties, "Serial"), text, NULL);
	}
}

static void tell_changes(struct monitor *m, size_t i)
{
	const json_t *now = m->boards[i].properties;
	const char *serial = member_text(now, "Serial");

	for (size_t k = 0; k < ARRAY_SIZE(watched); k++) {
		const json_t *value = json_object_get(now, watched[k].property);

		if (value && !json_equal(value, json_object_get(m->shown[i], watched[k].property)))
			say(m, serial, m->cli->json ? watched[k].property : watched[k].word, value);
	}
	tell_setpoints(m, &m->boards[i], json_object_get(m->shown[i], "Setpoints"));
	json_decref(m->shown[i]);
	m->shown[i] = json_deep_copy(now);
}

static void forget_board(struct monitor *m, size_t i)
{
	say(m, member_text(m->boards[i].properties, "Serial"), "removed", NULL);
	object_close(&m->boards[i]);
	json_decref(m->shown[i]);
	m->shown[i] = NULL;
}

static bool is_listed(const json_t *paths, const char *path)
{
	const json_t *item;
	size_t i;

	json_array_foreach(paths, i, item) {
		if (streq(json_string_value(item), path))
			return true;
	}
	return false;
}

static bool is_known(const struct monitor *m, const char *path)
{
	for (size_t i = 0; i < m->count; i++) {
		if (m->boards[i].path && streq(m->boards[i].path, path))
			return true;
	}
	return false;
}

static void add_board(struct monitor *m, const char *path)
{
	_cleanup_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
	size_t i = 0;

	while (i < m->count && m->boards[i].path)
		i++;
	if (i == BOARDS_MAX || object_open(&m->boards[i], m->cli, path, ETALON_BOARD, &error) < 0)
		return;
	m->count = MAX(m->count, i + 1);
	say(m, member_text(m->boards[i].properties, "Serial"), "present,",
	    json_object_get(m->boards[i].properties, "State"));
	m->shown[i] = json_deep_copy(m->boards[i].properties);
	m->boards[i].changes = 0;
}

/* 0 or an exit code. */
static int look_for_boards(struct monitor *m)
{
	_cleanup_(json_decrefp) json_t *paths = NULL;
	const json_t *path;
	size_t i;
	int r = board_paths(m->cli, &paths);

	m->ask = false;
	if (r != 0)
		return r;
	for (i = 0; i < m->count; i++) {
		if (m->boards[i].path && !is_listed(paths, m->boards[i].path))
			forget_board(m, i);
	}
	json_array_foreach(paths, i, path) {
		const char *text = json_string_value(path);

		if (!is_known(m, text) &&
		    (!m->cli->board || strstr(text, m->cli->board) || json_array_size(paths) == 1))
			add_board(m, text);
	}
	return 0;
}

static int on_objects(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
	struct monitor *m = userdata;

	(void)message;
	(void)ret_error;
	m->ask = true;
	return 0;
}

static int on_run_finished(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
	struct monitor *m = userdata;
	const char *path, *verdict;
	char text[128];
	int64_t run;

	(void)ret_error;
	if (sd_bus_message_read(message, "xos", &run, &path, &verdict) < 0)
		return 0;
	snprintf(text, sizeof(text), "run %lld %.60s", (long long)run, verdict);
	say(m, "store", text, NULL);
	return 0;
}

static void lose_service(struct monitor *m)
{
	m->was_lost = true;
	say(m, "etalond", "went away", NULL);
	for (size_t i = 0; i < m->count; i++) {
		object_close(&m->boards[i]);
		json_decref(m->shown[i]);
		m->shown[i] = NULL;
	}
	m->count = 0;
}

static int turn(struct monitor *m)
{
	if (m->cli->service_lost && !m->was_lost) {
		lose_service(m);
	} else if (!m->cli->service_lost && m->was_lost) {
		m->was_lost = false;
		m->ask = true;
		say(m, "etalond", "is back", NULL);
	}
	if (m->ask && !m->cli->service_lost)
		look_for_boards(m);
	for (size_t i = 0; i < m->count; i++) {
		if (m->boards[i].path && m->boards[i].changes > 0) {
			m->boards[i].changes = 0;
			tell_changes(m, i);
		}
	}
	return cli_turn(m->cli, UINT64_MAX);
}

static int run(struct cli *cli, const struct options *o)
{
	struct monitor m = {.cli = cli};
	int r = bus_open(cli);

	(void)o;
	if (r != 0)
		return r;
	if (cli_catch_signals(cli) < 0 ||
	    sd_bus_match_signal_async(cli->bus, NULL, ETALON_SERVICE, NULL,
				      "org.freedesktop.DBus.ObjectManager", NULL, on_objects, NULL,
				      &m) < 0 ||
	    sd_bus_match_signal_async(cli->bus, NULL, ETALON_SERVICE, ETALON_ROOT, ETALON_MANAGER,
				      "RunFinished", on_run_finished, NULL, &m) < 0)
		return cli_fail(cli, EXIT_TROUBLE, "cannot watch");
	r = look_for_boards(&m);
	while (r == 0 && cli->interrupts == 0) {
		if (sd_bus_is_open(cli->bus) <= 0)
			r = cli_fail(cli, EXIT_NO_BOARD, "the bus has gone away");
		else if (turn(&m) < 0)
			r = EXIT_TROUBLE;
	}
	for (size_t i = 0; i < m.count; i++) {
		object_close(&m.boards[i]);
		json_decref(m.shown[i]);
	}
	return r;
}

const struct verb verb_monitor = {
	.name = "monitor",
	.summary = "every change of state as it comes, until Ctrl-C",
	.usage = "monitor",
	.text = "One line for each change: state, gate, causes, lease, job, setpoints, finished runs. "
		"Stays when etalond restarts. With --json one object in each line.",
	.examples = "monitor\nmonitor --json | jq .",
	.run = run,
};
