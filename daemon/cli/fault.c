// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * etalonctl fault clear: from tripped to off. Never turns light on.
 */
#include "cli/run.h"
#include "cli/state.h"
#include "cli/verbs.h"

static int clear(struct cli *cli, struct object *board)
{
	_cleanup_error_ sd_bus_error error = SD_BUS_ERROR_NULL;

	if (bus_call_plain(cli, board->path, ETALON_BOARD, "ClearFault", &error) < 0) {
		int code = bus_fail(cli, &error, NULL);

		object_refresh(board, NULL);
		print_why_dark(cli->err, board);
		return code;
	}
	if (object_refresh(board, &error) < 0)
		return bus_fail(cli, &error, NULL);
	print_state(cli, cli_people(cli), board);
	return cli->json ? print_json(cli, board->properties) : 0;
}

static int run(struct cli *cli, const struct options *o)
{
	_cleanup_object_ struct object board = {0};
	int r;

	if (o->word_count != 1 || !streq(o->words[0], "clear")) {
		cli_fail(cli, EXIT_USAGE,
			 o->word_count == 0 ? "fault what?"
					    : "'%s' is not what one does to a fault",
			 o->words[0]);
		cli_try(cli, PROGRAM " fault clear");
		return EXIT_USAGE;
	}
	r = board_open(cli, &board);
	return r != 0 ? r : clear(cli, &board);
}

const struct verb verb_fault = {
	.name = "fault",
	.summary = "clear a latched safety trip",
	.usage = "fault clear",
	.text = "Refused with the causes that are still there. Leads to off and never turns light on. "
		"Some boards want a key turned or a button pressed first; status says so.",
	.examples = "fault clear",
	.words_max = 2,
	.run = run,
};
