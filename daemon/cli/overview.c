// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * etalonctl without a verb: what there is, what is wrong, what to type next.
 */
#include "cli/channels.h"
#include "cli/run.h"
#include "cli/state.h"
#include "cli/verbs.h"

#include "base/quantity.h"

#define NAMES_SHOWN 2

/* Two detectors that the site has names for, else two signals. */
static void suggest_detectors(const struct object *board, char *text, size_t size)
{
	const json_t *list = member_at(board->properties, "Detectors"), *d;
	bool named = false;
	int n = 0;
	size_t i;

	*text = '\0';
	json_array_foreach(list, i, d) {
		named |= *member_text(d, "alias") && streq(member_text(d, "role"), "signal");
	}
	json_array_foreach(list, i, d) {
		if (n == NAMES_SHOWN || !streq(member_text(d, "role"), "signal") ||
		    (named && !*member_text(d, "alias")))
			continue;
		snprintf(text + strlen(text), size - strlen(text), "%s%s", n > 0 ? "," : " -d ",
			 detector_shown(d));
		n++;
	}
}

/* Twenty nanometres in the middle of the laser's span, on a round number. */
static void suggest_sweep(FILE *to, const struct object *board, bool several)
{
	const json_t *laser = emitting_source(board, "fm");
	int64_t low = member_number(laser, "limit_min", 0),
		high = member_number(laser, "limit_max", 0);
	int64_t start = (low / 2 + high / 2) / 10000000 * 10000000 - 10000000;
	char detectors[128], which[64] = "";

	if (several)
		snprintf(which, sizeof(which), " --board %.48s",
			 member_text(board->properties, "Serial"));
	if (low <= 1540000000 && high >= 1560000000)
		start = 1540000000; /* where most people's devices are */
	suggest_detectors(board, detectors, sizeof(detectors));
	if (!laser || start < low || start + 20000000 > high)
		fprintf(to, "next    %s info\n", PROGRAM);
	else
		fprintf(to, "next    %s sweep wavelength %s %s --step 1pm --power 0dBm%s%s\n",
			PROGRAM, quantity_typed(QUANTITY_WAVELENGTH, start).text,
			quantity_typed(QUANTITY_WAVELENGTH, start + 20000000).text, detectors,
			which);
}

static void suggest(FILE *to, const struct object *board, bool several)
{
	const json_t *p = board->properties;
	const char *state = member_text(p, "State"), *job = member_text(p, "Job");

	if (*job && !streq(job, "/"))
		fprintf(to,
			"next    %s wait job, or %s off (it stops the job; what was taken is kept)\n",
			PROGRAM, PROGRAM);
	else if (streq(state, "tripped") && json_array_size(member_at(p, "CausesLive")) == 0)
		fprintf(to, "next    %s fault clear\n", PROGRAM);
	else if (json_array_size(member_at(p, "WhyDark")) > 0)
		fprintf(to, "next    put that right, then %s\n", PROGRAM);
	else
		suggest_sweep(to, board, several);
}

static void print_last_run(struct cli *cli, FILE *to)
{
	_cleanup_(json_decrefp) json_t *filter = json_pack("{s:i}", "limit", 1), *runs = NULL;
	const json_t *run;

	if (!filter || run_list(cli, filter, &runs) != 0 || json_array_size(runs) == 0)
		return;
	run = json_array_get(runs, 0);
	fprintf(to, "runs    newest: %lld%s%s, %s%s%s\n", (long long)member_number(run, "run", 0),
		*member_text(run, "label") ? " " : "", member_text(run, "label"),
		member_text(run, "status"), *member_text(run, "verdict") ? ", " : "",
		member_text(run, "verdict"));
}

static int print_boards(struct cli *cli, const json_t *paths)
{
	const json_t *path;
	size_t i;

	json_array_foreach(paths, i, path) {
		_cleanup_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
		_cleanup_object_ struct object board = {0};

		if (object_open(&board, cli, json_string_value(path), ETALON_BOARD, &error) < 0)
			return bus_fail(cli, &error, NULL);
		print_state(cli, cli->out, &board);
		if (i == 0)
			print_last_run(cli, cli->out);
		suggest(cli->out, &board, json_array_size(paths) > 1);
	}
	return 0;
}

int overview(struct cli *cli)
{
	_cleanup_(json_decrefp) json_t *paths = NULL;
	int r;

	if (cli->json)
		return verb_list.run(cli, &(const struct options){0});
	r = board_paths(cli, &paths);
	if (r != 0)
		return r;
	if (json_array_size(paths) == 0) {
		fprintf(cli->out,
			"board   none: etalond runs and sees no board; check cable and power\n");
		print_last_run(cli, cli->out);
		fprintf(cli->out, "next    %s wait board\n", PROGRAM);
		return EXIT_NO_BOARD;
	}
	return print_boards(cli, paths);
}
