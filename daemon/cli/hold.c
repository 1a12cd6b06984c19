// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * etalonctl hold: lease and warm laser in the foreground, gate shut. Its death is darkness.
 */
#include "cli/laser_args.h"
#include "cli/light.h"
#include "cli/verbs.h"

static int run(struct cli *cli, const struct options *o)
{
	struct light light = {
		.power_given = options_has(o, "power"),
		.lease = {.alone = true, .take_over = options_has(o, "take-over")},
	};
	_cleanup_(json_decrefp) json_t *setpoints = NULL;
	_cleanup_object_ struct object board = {0};
	int r = board_open(cli, &board);

	if (r == 0)
		r = laser_setpoints(cli, &board, o->word_count > 0 ? o->words[0] : NULL,
				    options_text(o, "power"), &setpoints);
	if (r != 0)
		return r;
	light.setpoints = setpoints;
	return light_session(cli, &board, &light);
}

static const struct option_spec options[] = {
	{"power", 'p', "POWER", "0dBm, 1mW; without it the site's default, which is printed",
	 false},
	{"take-over", 0, NULL, "end another holder's lease", false},
	{0},
};

const struct verb verb_hold = {
	.name = "hold",
	.summary = "keep lease and warm laser, gate shut, until Ctrl-C",
	.usage = "hold [WAVELENGTH] [--power POWER]",
	.text = "Other commands of the same user attach to it: sweeps begin without the emission "
		"delay, and the gate opens only while they measure. When this command ends, for "
		"whatever reason, light goes off.",
	.examples = "hold\nhold 1550nm --power 0dBm",
	.options = options,
	.words_max = 1,
	.run = run,
};
