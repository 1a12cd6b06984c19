// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * etalonctl status: the state of safety, lease, job and setpoints now.
 */
#include "cli/channels.h"
#include "cli/run.h"
#include "cli/state.h"
#include "cli/verbs.h"

static void print_setpoints(FILE *to, const struct object *board)
{
	const json_t *setpoints = member_at(board->properties, "Setpoints"), *s;
	bool any = false, resting = false;
	size_t i;

	json_array_foreach(member_at(board->properties, "Sources"), i, s) {
		const json_t *value = json_object_get(setpoints, member_text(s, "name"));

		if (!value || member_flag(s, "is_gate"))
			continue;
		if (json_integer_value(value) == 0) {
			resting = true;
			continue;
		}
		fprintf(to, "%s%s %s", any ? "   " : "set     ", member_text(s, "name"),
			source_text(s, json_integer_value(value)).text);
		any = true;
	}
	if (any)
		fprintf(to, "%s\n", resting ? "   all others 0" : "");
}

static int run(struct cli *cli, const struct options *o)
{
	_cleanup_object_ struct object board = {0};
	int r = board_open(cli, &board);

	(void)o;
	if (r != 0)
		return r;
	if (cli->json)
		return print_json(cli, board.properties);
	print_state(cli, cli->out, &board);
	print_setpoints(cli->out, &board);
	return 0;
}

const struct verb verb_status = {
	.name = "status",
	.summary = "light, safety causes, lease, job and setpoints now",
	.usage = "status",
	.examples = "status\nstatus --json",
	.run = run,
};
