// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * etalonctl off: dark, for anybody, without a lease. Asks nothing and reads nothing before it acts.
 */
#include "cli/run.h"
#include "cli/verbs.h"

#include <errno.h>

static int off_path(struct cli *cli, const char *path)
{
	_cleanup_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
	_cleanup_object_ struct object board = {0};

	if (bus_call_plain(cli, path, ETALON_BOARD, "Off", &error) < 0) {
		if (cli->board && error.name && streq(error.name, SD_BUS_ERROR_UNKNOWN_OBJECT))
			return board_open(cli, &board); /* says which boards there are */
		return bus_fail(cli, &error, "NOT turned off");
	}
	if (object_open(&board, cli, path, ETALON_BOARD, &error) < 0) {
		fprintf(cli_people(cli), "light off\n");
		return 0;
	}
	fprintf(cli_people(cli), "%s: light off\n", member_text(board.properties, "Serial"));
	return 0;
}

static int off_all(struct cli *cli)
{
	_cleanup_(json_decrefp) json_t *paths = NULL;
	const json_t *path;
	int r = board_paths(cli, &paths), result = 0;
	size_t i;

	if (r != 0)
		return r;
	json_array_foreach(paths, i, path) {
		r = off_path(cli, json_string_value(path));
		result = r != 0 ? r : result;
	}
	if (json_array_size(paths) == 0)
		return cli_fail(cli, EXIT_NO_BOARD,
				"etalond sees no board; what is not connected has its own "
				"watchdog and is dark");
	return result;
}

static int run(struct cli *cli, const struct options *o)
{
	_cleanup_free_ char *path = NULL;
	int r;

	(void)o;
	r = bus_open(cli);
	if (r == 0 && !cli->board)
		r = off_all(cli);
	else if (r == 0 && sd_bus_path_encode(ETALON_ROOT "/board", cli->board, &path) < 0)
		r = cli_no_memory(cli);
	else if (r == 0)
		r = off_path(cli, path);
	if (r == EXIT_NO_BOARD && !cli->board)
		fprintf(cli->err,
			"  Without etalond no board emits for longer than its watchdog period. In doubt: "
			"key or interlock.\n");
	if (cli->json) {
		_cleanup_(json_decrefp) json_t *document = json_pack("{s:b}", "off", r == 0);

		print_json(cli, document);
	}
	return r;
}

const struct verb verb_off = {
	.name = "off",
	.summary = "light off at once, whoever has the lease",
	.usage = "off",
	.text = "Needs no lease and is never refused. All boards, or the one that --board names. A "
		"measurement that needs light ends; what was taken is kept as a partial run.",
	.examples = "off",
	.run = run,
};
