/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Wavelength sweeps: from the command line to a request, and from a request to results. Shared by
 * the verbs sweep, reference take and again. Layer: cli.
 */
#ifndef ETALON_CLI_SWEEP_H
#define ETALON_CLI_SWEEP_H

#include "base/quantity.h"
#include "cli/bus.h"
#include "cli/options.h"

extern const struct option_spec sweep_options[];

/* What is asked for, words being A and B. 0 or an exit code with the message given. */
int sweep_request(struct cli *cli, const struct object *board, const struct options *o,
		  const char *const *words, size_t word_count, json_t **ret);
/* Changes a request by the options that were given. */
int sweep_override(struct cli *cli, const struct object *board, const struct options *o,
		   const char *const *words, size_t word_count, json_t *request);

/* Puts an option's quantity into any request, when it was given. 0 or an exit code. */
int request_put_quantity(struct cli *cli, const struct options *o, const char *option,
			 enum quantity_kind kind, json_t *request, const char *key);

/*
 * Plan, then (without --dry-run) light, measurement, account, files and picture. Returns the exit
 * code.
 */
int sweep_run(struct cli *cli, struct object *board, const struct options *o,
	      const json_t *request);

struct files;

/* Asks for the plan and prints it. *ret_plan may be NULL. 0 or an exit code. */
int plan_show(struct cli *cli, const struct object *board, const json_t *request,
	      json_t **ret_plan);
/* First and last setpoints of every source, all of them into files. 0 or an exit code. */
int plan_show_setpoints(struct cli *cli, const struct object *board, const struct files *files,
			const json_t *request);

#endif
