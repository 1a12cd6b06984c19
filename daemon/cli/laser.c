// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * etalonctl laser on: light in the foreground, gate open, until Ctrl-C.
 */
#include "cli/laser_args.h"
#include "cli/light.h"
#include "cli/verbs.h"

static int laser_on(struct cli *cli, const struct options *o, const char *wavelength)
{
	struct light light = {
		.power_given = options_has(o, "power"),
		.open_gate = true,
		.lease = {.take_over = options_has(o, "take-over")},
	};
	_cleanup_(json_decrefp) json_t *setpoints = NULL;
	_cleanup_object_ struct object board = {0};
	int r = board_open(cli, &board);

	if (r == 0)
		r = laser_setpoints(cli, &board, wavelength, options_text(o, "power"), &setpoints);
	if (r != 0)
		return r;
	light.setpoints = setpoints;
	return light_session(cli, &board, &light);
}

static int run(struct cli *cli, const struct options *o)
{
	const char *what = o->word_count > 0 ? o->words[0] : "";

	if (streq(what, "off"))
		return verb_off.run(cli, o);
	if (streq(what, "on") && o->word_count == 2)
		return laser_on(cli, o, o->words[1]);
	if (streq(what, "on"))
		cli_fail(cli, EXIT_USAGE, "laser on at which wavelength?");
	else
		cli_fail(cli, EXIT_USAGE,
			 *what ? "laser %s is not known" : "laser on or laser off?", what);
	cli_try(cli, PROGRAM " laser on 1550nm --power 0dBm");
	return EXIT_USAGE;
}

static const struct option_spec options[] = {
	{"power", 'p', "POWER", "0dBm, 1mW; without it the site's default, which is printed",
	 false},
	{"take-over", 0, NULL, "end another holder's lease", false},
	{0},
};

const struct verb verb_laser = {
	.name = "laser",
	.summary = "light on in the foreground; Ctrl-C is dark",
	.usage = "laser on WAVELENGTH [--power POWER]\nlaser off",
	.text = "There is no light in the background: it is on while this command runs, and goes off "
		"when it ends, for whatever reason.",
	.examples = "laser on 1550nm --power 0dBm\nlaser on 193.4THz",
	.options = options,
	.words_max = 2,
	.run = run,
};
