/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Light in the foreground: it is on while the command runs and goes off with it. For hold and
 * laser. Layer: cli.
 */
#ifndef ETALON_CLI_LIGHT_H
#define ETALON_CLI_LIGHT_H

#include "cli/lease.h"

/*
 * 0, or EXIT_REFUSED (EXIT_NO_BOARD: unplugged) with the reasons given: said before anything is
 * asked for.
 */
int light_possible(struct cli *cli, const struct object *board);

struct light {
	const json_t *setpoints; /* a{sx}: what to set before */
	bool power_given;
	bool open_gate; /* else the laser is warm behind the gate */
	struct lease_request lease;
};

/*
 * Emits, stays until Ctrl-C (exit 0), a trip or the loss of lease, board or daemon; then dark.
 * Returns the exit code, everything said.
 */
int light_session(struct cli *cli, struct object *board, const struct light *light);

/* SetGate. 0 or an exit code with the message given. */
int set_gate(struct cli *cli, const struct object *board, bool open);

#endif
