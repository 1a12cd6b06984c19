/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What follows a measurement: account, files, picture, JSON. Layer: cli.
 */
#ifndef ETALON_CLI_RESULT_H
#define ETALON_CLI_RESULT_H

#include "cli/files.h"
#include "cli/job.h"
#include "cli/run.h"

/*
 * Prints the run of an outcome, writes files, draws. `plan` goes into the JSON document (may be NULL).
 * Returns the exit code of it all: the outcome's, or that of a file that could not be written.
 */
int show_outcome(struct cli *cli, const struct outcome *outcome, const struct files *files, bool picture,
		 const json_t *plan);

#endif
