// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * etalonctl reference: sweeps that others are divided by.
 */
#include "cli/run.h"
#include "cli/sweep.h"
#include "cli/verbs.h"

static int take(struct cli *cli, const struct options *o, const char *const *words, size_t count)
{
	_cleanup_(json_decrefp) json_t *request = NULL;
	_cleanup_object_ struct object board = {0};
	int r = board_open(cli, &board);

	if (r == 0)
		r = sweep_request(cli, &board, o, words, count, &request);
	if (r == 0 && json_object_set_new(request, "purpose", json_string("reference")) < 0)
		r = cli_no_memory(cli);
	return r != 0 ? r : sweep_run(cli, &board, o, request);
}

static json_t *references_filter(int limit)
{
	return json_pack("{s:s, s:i}", "purpose", "reference", "limit", limit);
}

static int list(struct cli *cli)
{
	_cleanup_(json_decrefp) json_t *filter = references_filter(50);

	return filter ? list_runs(cli, filter) : cli_no_memory(cli);
}

/* The newest reference, for show without a number. 0 or an exit code. */
static int newest(struct cli *cli, int64_t *ret)
{
	_cleanup_(json_decrefp) json_t *filter = references_filter(1), *runs = NULL;
	int r = filter ? run_list(cli, filter, &runs) : cli_no_memory(cli);

	if (r != 0)
		return r;
	if (json_array_size(runs) == 0) {
		cli_fail(cli, EXIT_USAGE, "there is no reference yet");
		cli_try(cli, PROGRAM
			" reference take 1540nm 1560nm --step 1pm (with a patch cord or a straight "
			"waveguide)");
		return EXIT_USAGE;
	}
	*ret = member_number(json_array_get(runs, 0), "run", 0);
	return 0;
}

static int show(struct cli *cli, const char *text)
{
	_cleanup_object_ struct object run = {0};
	int64_t number;
	int r = text ? run_number(cli, text, &number) : newest(cli, &number);

	if (r == 0)
		r = run_open(cli, number, &run);
	if (r != 0)
		return r;
	if (!streq(member_text(run.properties, "Metadata.purpose"), "reference")) {
		cli_fail(cli, EXIT_USAGE, "run %lld is not a reference", (long long)number);
		cli_try(cli, PROGRAM " reference list");
		return EXIT_USAGE;
	}
	return show_run(cli, &run);
}

static int run(struct cli *cli, const struct options *o)
{
	const char *what = o->word_count > 0 ? o->words[0] : "";

	if (streq(what, "take"))
		return take(cli, o, (const char *const *)o->words + 1, o->word_count - 1);
	if (streq(what, "list") && o->word_count == 1)
		return list(cli);
	if (streq(what, "show") && o->word_count <= 2)
		return show(cli, o->word_count > 1 ? o->words[1] : NULL);
	cli_fail(cli, EXIT_USAGE,
		 *what ? "reference %s is not known" : "reference take, list or show?", what);
	cli_try(cli, PROGRAM " help reference");
	return EXIT_USAGE;
}

const struct verb verb_reference = {
	.name = "reference",
	.summary = "take, list and show reference sweeps",
	.usage = "reference take A B (--step STEP | --points N) [options of sweep]\n"
		 "reference list\n"
		 "reference show [RUN]",
	.text = "A sweep after it is divided by the newest reference that fits: detector, path, "
		"power, speed and direction, temperature, age and span. What the reference does not "
		"cover has no loss.",
	.examples =
		"reference take 1530nm 1570nm --step 1pm --power 0dBm -d through\nreference list\n"
		"sweep wavelength 1540nm 1560nm --step 1pm -d through --reference 12",
	.options = sweep_options,
	.words_max = 4,
	.run = run,
};
