/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What follows a measurement: account, files, picture, JSON. Layer: cli.
 */
#ifndef ETALON_CLI_RESULT_H
#define ETALON_CLI_RESULT_H

#include "cli/files.h"
#include "cli/job.h"
#include "cli/run.h"

struct presentation {
	struct files files; /* to be written */
	bool picture; /* in the terminal */
	const json_t *plan; /* for the JSON document, or NULL */
	const json_t *truth; /* of an emulated device, or NULL */
};

/*
 * Prints the run of an outcome, writes files, draws. Returns the exit code of it all: the
 * outcome's, or that of a file that could not be written.
 */
int show_outcome(struct cli *cli, const struct outcome *outcome, const struct presentation *show);

#endif
