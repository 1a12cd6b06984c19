// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * A sweep from plan to account. See sweep.h.
 */
#include "cli/sweep.h"

#include "base/quantity.h"
#include "cli/files.h"
#include "cli/job.h"
#include "cli/light.h"
#include "cli/result.h"
#include "cli/truth.h"
#include "cli/verbs.h"

static int dry_run(struct cli *cli, const struct object *board, const struct files *files,
		   const json_t *request, const json_t *plan)
{
	int r;

	if (cli->json)
		r = print_json(cli, plan);
	else
		r = plan_show_setpoints(cli, board, files, request);
	if (r == 0)
		fprintf(cli_people(cli), "dry run: nothing was moved, no light\n");
	return r;
}

int sweep_run(struct cli *cli, struct object *board, const struct options *o, const json_t *request)
{
	const struct lease_request lease = {.take_over = options_has(o, "take-over")};
	_cleanup_(json_decrefp) json_t *plan = NULL, *truth = NULL;
	_cleanup_outcome_ struct outcome outcome = {0};
	struct presentation show = {.picture = !options_has(o, "no-plot")};
	int r;

	r = files_from_options(cli, o, &show.files);
	if (r == 0)
		r = truth_load(cli, options_text(o, "truth"), &truth);
	if (r == 0)
		r = plan_show(cli, board, request, &plan);
	if (r != 0)
		return r;
	if (options_has(o, "dry-run"))
		return dry_run(cli, board, &show.files, request, plan);
	r = light_possible(cli, board);
	if (r == 0)
		r = measure(cli, board, request, &lease, true, &outcome);
	if (r != 0)
		return r;
	show.plan = plan;
	show.truth = truth;
	return show_outcome(cli, &outcome, &show);
}

/* ---- the verb ---- */

static int run(struct cli *cli, const struct options *o)
{
	_cleanup_(json_decrefp) json_t *request = NULL;
	_cleanup_object_ struct object board = {0};
	int64_t start;
	int r;

	if (o->word_count > 0 &&
	    quantity_parse(o->words[0], QUANTITY_WAVELENGTH, &start, NULL) == 0) {
		cli_fail(cli, EXIT_USAGE, "sweep what? the word wavelength is missing");
		cli_try(cli, PROGRAM " sweep wavelength %s %s ...", o->words[0],
			o->word_count > 1 ? o->words[1] : "");
		return EXIT_USAGE;
	}
	if (o->word_count == 0 || !streq(o->words[0], "wavelength")) {
		cli_fail(cli, EXIT_USAGE,
			 o->word_count == 0 ? "sweep what?" : "'%s' cannot be swept here",
			 o->words[0]);
		cli_try(cli, PROGRAM " sweep wavelength 1540nm 1560nm --step 1pm");
		return EXIT_USAGE;
	}
	r = board_open(cli, &board);
	if (r == 0)
		r = sweep_request(cli, &board, o, (const char *const *)o->words + 1,
				  o->word_count - 1, &request);
	return r != 0 ? r : sweep_run(cli, &board, o, request);
}

const struct verb verb_sweep = {
	.name = "sweep",
	.summary = "measure a spectrum",
	.usage = "sweep wavelength A B (--step STEP | --points N) [options]\n"
		 "sweep wavelength --centre C --span S (--step STEP | --points N) [options]",
	.text = "Takes the lease, waits for the emission delay, measures dark, spectrum, dark, and "
		"turns the light off (with " PROGRAM
		" hold in another terminal the laser stays warm between "
		"sweeps). Ctrl-C: dark at once, the partial run is kept, exit code 5.\nA and B are "
		"wavelengths in vacuum, or optical frequencies such as 193.4THz; points are "
		"equidistant in wavelength. The wavelength of each point is measured, the nominal one "
		"kept beside it. A run of more than about 2 million points (fewer, of many averaged "
		"passes) is kept, but is too large to be analysed: no resonances, which the plan says.",
	.examples =
		"sweep wavelength 1540nm 1560nm --step 1pm --power 0dBm -d through,drop --label ring40\n"
		"sweep wavelength --centre 1550nm --span 2nm --step 0.2pm --speed 2nm/s --save fine.h5\n"
		"sweep wavelength 192THz 195THz --points 20001 --range through=10uA -d through\n"
		"sweep wavelength 1540nm 1560nm --step 1pm --dry-run",
	.options = sweep_options,
	.words_max = 3,
	.run = run,
};
