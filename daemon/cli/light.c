// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Light in the foreground. See light.h.
 */
#include "cli/light.h"

#include <errno.h>

#include "cli/channels.h"
#include "cli/progress.h"
#include "cli/run.h"
#include "cli/state.h"

#define TICK_US 200000

int light_possible(struct cli *cli, const struct object *board)
{
	const json_t *why = member_at(board->properties, "WhyDark"), *line;
	bool gone = streq(member_text(board->properties, "State"), "gone");
	int code = gone ? EXIT_NO_BOARD : EXIT_REFUSED;
	size_t i;

	if (json_array_size(why) == 0)
		return 0;
	cli_fail(cli, code, "light is not possible now:");
	json_array_foreach(why, i, line) {
		fprintf(cli->err, "  %s\n", json_string_value(line));
	}
	return code;
}

int set_gate(struct cli *cli, const struct object *board, bool open)
{
	_cleanup_message_ sd_bus_message *call =
		bus_new_call(cli, board->path, ETALON_BOARD, "SetGate");
	_cleanup_error_ sd_bus_error error = SD_BUS_ERROR_NULL;

	if (!call || sd_bus_message_append(call, "b", open) < 0)
		return cli_no_memory(cli);
	return bus_call(cli, call, 0, &error, NULL) < 0
		       ? bus_fail(cli, &error,
				  open ? "the gate stays shut" : "the gate was not shut")
		       : 0;
}

/* *ret_used: what the sources are at, as the daemon answers. */
static int emit(struct cli *cli, const struct object *board, const struct light *light,
		json_t **ret_used)
{
	_cleanup_message_ sd_bus_message *call =
		bus_new_call(cli, board->path, ETALON_BOARD, "Emit");
	_cleanup_message_ sd_bus_message *reply = NULL;
	_cleanup_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
	_cleanup_(json_decrefp) json_t *used = NULL;
	const char *name;
	json_t *value;

	if (!call || wire_append_integers(call, light->setpoints) < 0)
		return cli_no_memory(cli);
	if (bus_call(cli, call, 0, &error, &reply) < 0)
		return bus_fail(cli, &error, "no light");
	if (wire_read(reply, &used) < 0)
		return cli_fail(cli, EXIT_TROUBLE, "etalond's answer is not understood");
	*ret_used = json_incref(used);
	json_object_foreach(used, name, value) {
		const json_t *source = find_source(board, name);
		bool hidden =
			!light->power_given && source && source_kind(source) == QUANTITY_POWER;

		/* Others at rest say nothing, and those that do not emit are not meant. */
		if (!member_flag(source, "emits") || json_integer_value(value) == 0)
			continue;
		fprintf(cli_people(cli), "%s %s%s\n", name,
			source_text(source, json_integer_value(value)).text,
			hidden ? ", the site's default; --power to choose" : "");
	}
	fflush(cli_people(cli));
	return 0;
}

/* ---- staying ---- */

struct stay {
	struct cli *cli;
	struct object *board;
	struct lease *lease;
	const struct light *light;
	uint64_t delay_since_ns;
	bool was_lit; /* EMITTING was reached */
	bool gate_opened;
	char shown[64];
};

static bool is_state(const struct object *board, const char *state)
{
	return streq(member_text(board->properties, "State"), state);
}

/* A terminal's line follows the countdown; a log gets a line for each change of state. */
static void show(struct stay *s)
{
	struct text now;

	if (!is_state(s->board, "delay"))
		s->delay_since_ns = 0;
	else if (!s->delay_since_ns)
		s->delay_since_ns = now_ns();
	now = light_text(s->board, s->cli->err_is_terminal ? s->delay_since_ns : 0);
	if (streq(now.text, s->shown))
		return;
	strcpy(s->shown, now.text);
	fflush(s->cli->out);
	if (s->cli->err_is_terminal)
		fprintf(s->cli->err, "\r\x1b[K%s%s%s   Ctrl-C: dark",
			colour(s->cli, s->cli->err, BOLD), now.text,
			colour(s->cli, s->cli->err, PLAIN));
	else
		fprintf(s->cli->err, "%s\n", now.text);
	fflush(s->cli->err);
}

static void end_line(const struct stay *s)
{
	if (s->cli->err_is_terminal && *s->shown)
		fputs("\r\x1b[K", s->cli->err);
}

static int light_lost(struct stay *s)
{
	const char *cause = member_text(s->board->properties, "LastOffCause");
	int code = is_state(s->board, "gone") ? EXIT_NO_BOARD : EXIT_REFUSED;

	end_line(s);
	cli_fail(s->cli, code, "light went off: %s",
		 s->lease->why ? s->lease->why
		 : *cause      ? cause
			       : "no reason given");
	if (light_possible(s->cli, s->board) != 0)
		cli_try(s->cli, PROGRAM);
	return code;
}

/* Turns until there is something to end for: 0 Ctrl-C, else an exit code. */
static int stay(struct stay *s)
{
	struct cli *cli = s->cli;
	int r;

	while (cli->interrupts == 0) {
		bool lit = is_state(s->board, "emitting");

		if (cli->service_lost || sd_bus_is_open(cli->bus) <= 0) {
			end_line(s);
			return cli_fail(cli, EXIT_NO_BOARD,
					"etalond went away; the board's own watchdog has "
					"turned the light off");
		}
		if (lit && s->light->open_gate && !s->gate_opened) {
			r = set_gate(cli, s->board, true);
			if (r != 0)
				return r;
			s->gate_opened = true;
		}
		s->was_lit |= lit;
		show(s);
		if (s->lease->ended || is_state(s->board, "tripped") ||
		    is_state(s->board, "gone") || (s->was_lit && !lit))
			return light_lost(s);
		r = cli_turn(cli, TICK_US);
		if (r < 0)
			return cli_fail(cli, EXIT_TROUBLE, "the event loop ended: %s",
					strerror(-r));
	}
	end_line(s);
	return 0;
}

/* Attached to a hold, the laser stays warm; else it goes off. */
static int darken(struct stay *s)
{
	_cleanup_error_ sd_bus_error error = SD_BUS_ERROR_NULL;

	if (s->lease->attached) {
		int r = s->gate_opened ? set_gate(s->cli, s->board, false) : 0;

		if (r == 0)
			fprintf(cli_people(s->cli),
				"gate shut; the laser stays warm for " PROGRAM " hold\n");
		return r;
	}
	if (bus_call_plain(s->cli, s->board->path, ETALON_BOARD, "Off", &error) < 0)
		return bus_fail(s->cli, &error, "light is NOT known to be off");
	fprintf(cli_people(s->cli), "light off\n");
	return 0;
}

/* {"board", "setpoints", "was_lit", "light": "off", or "warm" behind the gate of a hold} */
static int print_end(const struct stay *s, json_t *used)
{
	_cleanup_(json_decrefp) json_t *document =
		json_pack("{s:s, s:O, s:b, s:s}", "board",
			  member_text(s->board->properties, "Serial"), "setpoints", used, "was_lit",
			  s->was_lit, "light", s->lease->attached ? "warm" : "off");

	return document ? print_json(s->cli, document) : cli_no_memory(s->cli);
}

int light_session(struct cli *cli, struct object *board, const struct light *light)
{
	_cleanup_lease_ struct lease lease = LEASE_NONE;
	struct stay s = {.cli = cli, .board = board, .lease = &lease, .light = light};
	_cleanup_(json_decrefp) json_t *used = NULL;
	int r;

	r = light_possible(cli, board);
	if (r == 0 && cli_catch_signals(cli) < 0)
		r = cli_fail(cli, EXIT_TROUBLE, "cannot watch for Ctrl-C");
	if (r == 0)
		r = lease_take(&lease, cli, board, &light->lease);
	if (r == 0)
		r = emit(cli, board, light, &used);
	if (r != 0)
		return r;
	r = stay(&s);
	/* After a loss there is nothing left to turn off. */
	if (r == 0 || r == EXIT_TROUBLE)
		r = darken(&s);
	if (r == 0 && cli->json)
		r = print_end(&s, used);
	lease_release(&lease);
	cli_release_signals(cli);
	return r;
}
