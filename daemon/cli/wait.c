// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * etalonctl wait: for a board, a state, the end of a job; without a race, for scripts. Subscribes
 * first, then looks.
 */
#include "base/quantity.h"
#include "cli/job.h"
#include "cli/result.h"
#include "cli/run.h"
#include "cli/verbs.h"

#include <errno.h>

struct waiting {
	struct cli *cli;
	uint64_t deadline_ns; /* 0: none */
	const char *what; /* for the message of a time-out */
	bool look; /* something came or went */
};

static int on_objects(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	struct waiting *w = userdata;

	(void)m;
	(void)ret_error;
	w->look = true;
	return 0;
}

/* Turns once: 0, or an exit code. */
static int turn(struct waiting *w)
{
	uint64_t now = now_ns(), pause = UINT64_MAX;
	int r;

	if (w->cli->interrupts > 0)
		return cli_fail(w->cli, EXIT_TROUBLE, "interrupted while waiting for %s", w->what);
	if (w->deadline_ns && now >= w->deadline_ns)
		return cli_fail(w->cli, EXIT_TROUBLE,
				"time is up: no %s; --timeout TIME for longer", w->what);
	if (w->deadline_ns)
		pause = (w->deadline_ns - now) / NSEC_PER_USEC + 1;
	r = cli_turn(w->cli, pause);
	if (r < 0 || sd_bus_is_open(w->cli->bus) <= 0)
		return cli_fail(w->cli, EXIT_NO_BOARD, "the bus has gone away");
	return 0;
}

/* The board that was waited for, as it is now. */
static int show_board(struct cli *cli, const struct object *board, const char *word,
		      const char *property)
{
	const json_t *p = board->properties;
	_cleanup_(json_decrefp) json_t *document = NULL;

	fprintf(cli_people(cli), "%-7s %s\n", word, member_text(p, property));
	if (!cli->json)
		return 0;
	document = json_pack("{s:s, s:s, s:b}", "board", member_text(p, "Serial"), "state",
			     member_text(p, "State"), "gate_open", member_flag(p, "GateOpen"));
	return document ? print_json(cli, document) : cli_no_memory(cli);
}

/* ---- a board ---- */

/* The boards' paths without complaint when there is no daemon yet. */
static json_t *quiet_paths(struct cli *cli)
{
	_cleanup_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
	_cleanup_object_ struct object manager = {0};

	if (object_open(&manager, cli, ETALON_ROOT, ETALON_MANAGER, &error) < 0)
		return NULL;
	return json_incref(json_object_get(manager.properties, "Boards"));
}

/* True when it is, or any is, and opened. */
static bool open_board(struct cli *cli, const json_t *paths, const char *serial,
		       struct object *board)
{
	const json_t *path;
	size_t i;

	json_array_foreach(paths, i, path) {
		_cleanup_error_ sd_bus_error error = SD_BUS_ERROR_NULL;

		if (object_open(board, cli, json_string_value(path), ETALON_BOARD, &error) < 0)
			continue;
		if (!streq(member_text(board->properties, "State"), "gone") &&
		    (!serial || streq(member_text(board->properties, "Serial"), serial)))
			return true;
		object_close(board);
	}
	return false;
}

static int wait_board(struct waiting *w, const char *serial)
{
	_cleanup_object_ struct object board = {0};
	unsigned int seen = w->cli->service_changes;
	int r = 0;

	w->what = serial ? serial : "board";
	w->look = true;
	while (r == 0) {
		if (w->look || seen != w->cli->service_changes) {
			_cleanup_(json_decrefp) json_t *paths = NULL;

			w->look = false;
			seen = w->cli->service_changes;
			paths = quiet_paths(w->cli);
			if (open_board(w->cli, paths, serial, &board))
				return show_board(w->cli, &board, "board", "Serial");
		}
		r = turn(w);
	}
	return r;
}

/* ---- a state ---- */

static bool state_is(const struct object *board, const char *state)
{
	const char *now = member_text(board->properties, "State");
	bool open = member_flag(board->properties, "GateOpen");

	if (streq(state, "light"))
		return streq(now, "emitting") && open;
	if (streq(state, "dark"))
		return !streq(now, "emitting") || !open;
	return streq(now, state);
}

static const char *const states[] = {"off",  "armed", "delay", "emitting", "tripped",
				     "gone", "light", "dark",  NULL};

static bool is_state_word(const char *word)
{
	for (size_t i = 0; states[i]; i++) {
		if (streq(states[i], word))
			return true;
	}
	return false;
}

static int wait_state(struct waiting *w, const char *state)
{
	_cleanup_object_ struct object board = {0};
	int r;

	if (!is_state_word(state)) {
		const char *near = nearest_word(state, states);

		return cli_fail(
			w->cli, EXIT_USAGE,
			"there is no state '%s'%s%s; allowed: off, armed, delay, emitting, tripped, gone, light "
			"(gate open), dark",
			state, near ? "; nearest: " : "", near ? near : "");
	}
	r = board_open(w->cli, &board);
	w->what = state;
	while (r == 0 && !state_is(&board, state)) {
		if (w->cli->service_lost)
			return cli_fail(w->cli, EXIT_NO_BOARD, "etalond went away");
		r = turn(w);
	}
	return r != 0 ? r : show_board(w->cli, &board, "state", "State");
}

/* ---- a job ---- */

static int job_path(struct waiting *w, const struct object *board, const char *number, char **ret)
{
	const char *path = member_text(board->properties, "Job");

	if (number)
		*ret = asprintf_or_null(ETALON_ROOT "/job/%s", number);
	else if (*path && !streq(path, "/"))
		*ret = strdup(path);
	else
		return cli_fail(w->cli, EXIT_USAGE, "no job runs; %s runs lists what is finished",
				PROGRAM);
	return *ret ? 0 : cli_no_memory(w->cli);
}

/* Jobs live for a minute after their end. */
static int check_job(struct cli *cli, const char *path, const char *number)
{
	_cleanup_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
	_cleanup_object_ struct object job = {0};

	if (object_open(&job, cli, path, ETALON_JOB, &error) >= 0)
		return 0;
	if (!number || bus_exit_code(error.name) != EXIT_USAGE)
		return bus_fail(cli, &error, NULL);
	cli_fail(cli, EXIT_USAGE,
		 "there is no job %s (any more): a job is gone a minute after its end", number);
	cli_try(cli, PROGRAM " runs");
	return EXIT_USAGE;
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct cli *cli = userdata;

	(void)source;
	(void)usec;
	cli->interrupts++; /* ends the following; the job runs on */
	return 0;
}

static int wait_job(struct waiting *w, const char *number)
{
	_cleanup_outcome_ struct outcome outcome = {0};
	_cleanup_object_ struct object board = {0};
	_cleanup_free_ char *path = NULL;
	sd_event_source *timer = NULL;
	const struct presentation show = {0};
	int r = board_open(w->cli, &board);

	if (r == 0 && number && strspn(number, "0123456789") != strlen(number))
		r = cli_fail(w->cli, EXIT_USAGE, "'%s' is not the number of a job", number);
	if (r == 0)
		r = job_path(w, &board, number, &path);
	if (r == 0)
		r = check_job(w->cli, path, number);
	if (r != 0)
		return r;
	if (w->deadline_ns)
		sd_event_add_time(w->cli->event, &timer, CLOCK_MONOTONIC,
				  w->deadline_ns / NSEC_PER_USEC, 1000, on_deadline, w->cli);
	r = follow_job(w->cli, &board, path, NULL, false, &outcome);
	sd_event_source_disable_unref(timer);
	if (r == 0 && w->cli->interrupts > 0)
		return cli_fail(w->cli, EXIT_TROUBLE, "stopped waiting; the job runs on");
	return r != 0 ? r : show_outcome(w->cli, &outcome, &show);
}

/* ---- the verb ---- */

static int read_timeout(struct cli *cli, const struct options *o, struct waiting *w)
{
	const char *text = options_text(o, "timeout");
	_cleanup_free_ char *message = NULL;
	int64_t ns;

	if (!text)
		return 0;
	if (quantity_parse(text, QUANTITY_TIME, &ns, &message) < 0 || ns < 0)
		return cli_fail(cli, EXIT_USAGE, "--timeout: %s",
				message ? message : "not below 0");
	w->deadline_ns = now_ns() + (uint64_t)ns;
	return 0;
}

static int subscribe(struct waiting *w)
{
	int r = cli_catch_signals(w->cli);

	if (r >= 0)
		r = sd_bus_match_signal_async(w->cli->bus, NULL, ETALON_SERVICE, NULL,
					      "org.freedesktop.DBus.ObjectManager", NULL,
					      on_objects, NULL, w);
	return r < 0 ? cli_fail(w->cli, EXIT_TROUBLE, "cannot watch: %s", strerror(-r)) : 0;
}

static int run(struct cli *cli, const struct options *o)
{
	const char *what = o->word_count > 0 ? o->words[0] : "";
	const char *which = o->word_count > 1 ? o->words[1] : NULL;
	struct waiting w = {.cli = cli};
	int r;

	if (!streq(what, "board") && !streq(what, "job") && !(streq(what, "state") && which)) {
		cli_fail(cli, EXIT_USAGE, *what ? "wait %s is not known" : "wait for what?", what);
		if (is_state_word(what))
			cli_try(cli, PROGRAM " wait state %s", what);
		else
			cli_try(cli, PROGRAM " wait board, " PROGRAM " wait state off, " PROGRAM
					     " wait job");
		return EXIT_USAGE;
	}
	r = read_timeout(cli, o, &w);
	if (r == 0)
		r = bus_open(cli);
	if (r == 0)
		r = subscribe(&w);
	if (r != 0)
		return r;
	if (streq(what, "board"))
		return wait_board(&w, which ? which : cli->board);
	if (streq(what, "state"))
		return wait_state(&w, which);
	return wait_job(&w, which);
}

static const struct option_spec options[] = {
	{"timeout", 0, "TIME", "give up after it, with exit code 7", false},
	{0},
};

const struct verb verb_wait = {
	.name = "wait",
	.summary = "until a board, a state or the end of a job; for scripts",
	.usage =
		"wait board [SERIAL]\nwait state (off | armed | delay | emitting | tripped | gone | light | dark)\n"
		"wait job [NUMBER]",
	.text = "Returns at once when it is so already. wait job shows the run and exits with the "
		"code of its verdict; Ctrl-C stops the waiting, not the job.",
	.examples = "wait board --timeout 30s\nwait state off\nwait job && " PROGRAM
		    " export last ring.csv",
	.options = options,
	.words_max = 2,
	.run = run,
};
