// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * etalonctl set: sources by name, in their units. Limits are checked by the daemon, before any is
 * set.
 */
#include "cli/channels.h"
#include "cli/run.h"
#include "cli/verbs.h"

static int add_setpoint(struct cli *cli, const struct object *board, const char *name,
			const char *text, json_t *setpoints)
{
	const json_t *source = find_source(board, name);
	_cleanup_free_ char *message = NULL;
	int64_t value;

	if (!source)
		return refuse_source(cli, board, name);
	if (member_flag(source, "is_gate")) {
		cli_fail(cli, EXIT_USAGE, "%s is a gate: it is not set by hand", name);
		cli_try(cli,
			PROGRAM " laser on WAVELENGTH (opens it while it runs), " PROGRAM " off");
		return EXIT_USAGE;
	}
	if (source_parse(source, text, &value, &message) < 0)
		return cli_fail(cli, EXIT_USAGE, "%s: %s", name, message);
	if (json_object_get(setpoints, name))
		return cli_fail(cli, EXIT_USAGE, "%s is given twice; give it once", name);
	return json_object_set_new(setpoints, name, json_integer(value)) < 0 ? cli_no_memory(cli)
									     : 0;
}

/* "h1 2V bias1=-1V": pairs of words or words with an equals sign. */
static int read_setpoints(struct cli *cli, const struct object *board, const struct options *o,
			  json_t *setpoints)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < o->word_count; i++) {
		_cleanup_free_ char *name = strdup(o->words[i]);
		char *equals = name ? strchr(name, '=') : NULL;

		if (!name)
			return cli_no_memory(cli);
		if (equals) {
			*equals = '\0';
			r = add_setpoint(cli, board, name, equals + 1, setpoints);
		} else if (i + 1 < o->word_count) {
			r = add_setpoint(cli, board, name, o->words[++i], setpoints);
		} else {
			cli_fail(cli, EXIT_USAGE, "%s to what?", name);
			cli_try(cli, PROGRAM " set %s VALUE, for instance set h1 2V", name);
			r = EXIT_USAGE;
		}
	}
	return r;
}

static int set(struct cli *cli, const struct object *board, const json_t *setpoints)
{
	_cleanup_message_ sd_bus_message *call =
		bus_new_call(cli, board->path, ETALON_BOARD, "Set");
	_cleanup_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
	const char *name;
	json_t *value;

	if (!call || wire_append_integers(call, setpoints) < 0)
		return cli_no_memory(cli);
	if (bus_call(cli, call, 0, &error, NULL) < 0) {
		int code = bus_fail(cli, &error, "nothing is set");

		if (bus_error_is(&error, "LeaseRequired"))
			cli_try(cli, PROGRAM " hold in another terminal, then this again");
		return code;
	}
	json_object_foreach((json_t *)(uintptr_t)setpoints, name, value) {
		fprintf(cli_people(cli), "%s %s\n", name,
			source_text(find_source(board, name), json_integer_value(value)).text);
	}
	return cli->json ? print_json(cli, setpoints) : 0;
}

static int run(struct cli *cli, const struct options *o)
{
	_cleanup_(json_decrefp) json_t *setpoints = json_object();
	_cleanup_object_ struct object board = {0};
	int r;

	if (o->word_count == 0) {
		cli_fail(cli, EXIT_USAGE, "set what?");
		cli_try(cli, PROGRAM " set h1 2V, " PROGRAM " set tec1=25C bias1=-2V");
		return EXIT_USAGE;
	}
	r = board_open(cli, &board);
	if (r == 0)
		r = read_setpoints(cli, &board, o, setpoints);
	return r != 0 ? r : set(cli, &board, setpoints);
}

const struct verb verb_set = {
	.name = "set",
	.summary = "set sources: heaters, bias, temperature, position",
	.usage = "set SOURCE VALUE [SOURCE VALUE...]\nset SOURCE=VALUE...",
	.text = "All values are checked first: beyond a limit nothing is set. What can emit light "
		"needs the lease (" PROGRAM " hold in another terminal).",
	.examples = "set h1 2V\nset tec1=25C bias1=-2V\nset laser.wavelength 1550.12nm",
	.words_max = 64,
	.run = run,
};
