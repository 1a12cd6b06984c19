/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Wavelength and power on the command lines of hold, laser and meter, as setpoints. Layer: cli. */
#ifndef ETALON_CLI_LASER_ARGS_H
#define ETALON_CLI_LASER_ARGS_H

#include "cli/bus.h"

/*
 * Either text may be NULL. Object of integers by source name. 0 or an exit code with the message
 * given.
 */
int laser_setpoints(struct cli *cli, const struct object *board, const char *wavelength,
		    const char *power, json_t **ret);

#endif
