// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * etalonctl zero: dark readings of detectors, gate shut, stored as a run.
 */
#include "cli/channels.h"
#include "cli/result.h"
#include "cli/sweep.h"
#include "cli/verbs.h"

static int dark_request(struct cli *cli, const struct object *board, const struct options *o,
			json_t **ret)
{
	_cleanup_(json_decrefp) json_t *request = json_pack("{s:s}", "kind", "dark");
	json_t *names = NULL;
	int r = 0;

	if (!request)
		return cli_no_memory(cli);
	if (o->word_count > 0) {
		r = read_detectors(cli, board, (const char *const *)o->words, o->word_count,
				   &names);
		if (r == 0 && json_object_set_new(request, "detectors", names) < 0)
			r = cli_no_memory(cli);
	}
	if (r == 0)
		r = request_put_quantity(cli, o, "points", QUANTITY_COUNT, request, "points");
	if (r == 0)
		r = request_put_quantity(cli, o, "period", QUANTITY_TIME, request, "period_ns");
	if (r == 0)
		r = request_put_quantity(cli, o, "aperture", QUANTITY_TIME, request, "aperture_ns");
	if (r == 0 && options_has(o, "label") &&
	    json_object_set_new(request, "label", json_string(options_text(o, "label"))) < 0)
		r = cli_fail(cli, EXIT_USAGE, "--label: not valid UTF-8");
	if (r == 0)
		*ret = take_ptr(request);
	return r;
}

static int run(struct cli *cli, const struct options *o)
{
	_cleanup_outcome_ struct outcome outcome = {0};
	_cleanup_(json_decrefp) json_t *request = NULL;
	_cleanup_object_ struct object board = {0};
	const struct lease_request lease = {0};
	const struct presentation show = {0};
	int r = board_open(cli, &board);

	if (r == 0)
		r = dark_request(cli, &board, o, &request);
	if (r == 0)
		r = plan_show(cli, &board, request, NULL);
	if (r == 0)
		r = measure(cli, &board, request, &lease, false, &outcome);
	return r != 0 ? r : show_outcome(cli, &outcome, &show);
}

static const struct option_spec options[] = {
	{"points", 0, "N", "readings", false},
	{"period", 0, "TIME", "between them", false},
	{"aperture", 0, "TIME", "how long each is averaged", false},
	{"label", 0, "TEXT", "", false},
	{0},
};

const struct verb verb_zero = {
	.name = "zero",
	.summary = "measure the dark currents, gate shut",
	.usage = "zero [DETECTOR...]",
	.text = "Stored as a run. From then on read and meter take these off in the same range, until "
		"the board goes away; sweeps take their own dark before and after. Needs no light "
		"and no lease.",
	.examples = "zero\nzero through drop --points 1000",
	.options = options,
	.words_max = 64,
	.run = run,
};
