// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * etalonctl list: the boards, one line each.
 */
#include "cli/run.h"
#include "cli/state.h"
#include "cli/verbs.h"

static void add_row(struct grid *g, const struct object *board)
{
	const json_t *p = board->properties;

	grid_cell(g, "%s", member_text(p, "Serial"));
	grid_cell(g, "%s", member_text(p, "Model"));
	grid_cell(g, "%s", member_text(p, "Firmware"));
	grid_cell(g, "%s", member_text(p, "Link"));
	grid_cell(g, "%s", member_text(p, "Address"));
	grid_cell(g, "%s%s", member_text(p, "State"),
		  member_flag(p, "GateOpen") ? ", gate open" : "");
	grid_cell(g, "%s", *member_text(p, "LeaseHolder") ? member_text(p, "LeaseHolder") : "-");
}

static int run(struct cli *cli, const struct options *o)
{
	_cleanup_(json_decrefp) json_t *paths = NULL, *all = json_array();
	const json_t *path;
	struct grid g;
	size_t i;
	int r;

	(void)o;
	r = board_paths(cli, &paths);
	if (r != 0)
		return r;
	grid_begin(&g, "lllllll");
	grid_heading(&g, "serial|model|firmware|link|address|state|lease");
	json_array_foreach(paths, i, path) {
		_cleanup_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
		_cleanup_object_ struct object board = {0};

		if (object_open(&board, cli, json_string_value(path), ETALON_BOARD, &error) < 0)
			continue; /* unplugged between the two questions */
		add_row(&g, &board);
		json_array_append(all, board.properties);
	}
	if (cli->json)
		r = print_json(cli, all);
	grid_print(&g, cli->json ? cli->err : cli->out, 0);
	return r != 0 ? r : json_array_size(all) > 0 ? 0 : EXIT_NO_BOARD;
}

const struct verb verb_list = {
	.name = "list",
	.summary = "the boards",
	.usage = "list",
	.examples = "list\nlist --json",
	.run = run,
};
