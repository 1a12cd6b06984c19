// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * etalonctl again: a run's request once more, changed by options.
 */
#include "cli/run.h"
#include "cli/sweep.h"
#include "cli/verbs.h"

/* The request of a stored run, as the parent of the new one. */
static int stored_request(struct cli *cli, const struct object *run, json_t **ret)
{
	const json_t *request = member_at(run->properties, "Request");

	if (json_object_size(request) == 0)
		return cli_fail(cli, EXIT_USAGE, "run %lld does not say what was asked for",
				(long long)member_number(run->properties, "Id", 0));
	if (!streq(member_text(request, "kind"), "wavelength-sweep")) {
		cli_fail(cli, EXIT_USAGE, "run %lld is not a wavelength sweep but '%s'",
			 (long long)member_number(run->properties, "Id", 0),
			 member_text(request, "kind"));
		cli_try(cli, PROGRAM " zero, or " PROGRAM
				     " again with the number of a sweep (" PROGRAM " runs)");
		return EXIT_USAGE;
	}
	*ret = json_deep_copy(request);
	if (!*ret)
		return cli_no_memory(cli);
	json_object_set_new(*ret, "parent", json_integer(member_number(run->properties, "Id", 0)));
	fprintf(cli_people(cli), "again   run %lld\n",
		(long long)member_number(run->properties, "Id", 0));
	return 0;
}

static int run(struct cli *cli, const struct options *o)
{
	_cleanup_object_ struct object old = {0}, board = {0};
	_cleanup_(json_decrefp) json_t *request = NULL;
	/* A number is a run; what has a unit is the start of a sweep. */
	bool numbered = o->word_count % 2 == 1;
	const char *serial;
	int r = run_open_text(cli, numbered ? o->words[0] : NULL, &old);

	if (r == 0)
		r = stored_request(cli, &old, &request);
	if (r != 0)
		return r;
	serial = member_text(old.properties, "Metadata.board.serial");
	if (!cli->board && *serial) /* the same board, when there are several */
		cli->board = serial;
	r = board_open(cli, &board);
	if (r == 0)
		r = sweep_override(cli, &board, o, (const char *const *)o->words + numbered,
				   o->word_count - numbered, request);
	return r != 0 ? r : sweep_run(cli, &board, o, request);
}

const struct verb verb_again = {
	.name = "again",
	.summary = "repeat a run, with changes if you like",
	.usage = "again [RUN] [A B] [options of sweep]",
	.text = "Without a number the newest run. The new run names the old one as its parent.",
	.examples = "again\nagain 17 --label ring40-warm\nagain 17 --step 0.5pm --save fine.csv",
	.options = sweep_options,
	.words_max = 3,
	.run = run,
};
