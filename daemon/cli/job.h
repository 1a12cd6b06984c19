/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Starting a measurement and staying with it until it has ended, whatever ends it. Layer: cli.
 */
#ifndef ETALON_CLI_JOB_H
#define ETALON_CLI_JOB_H

#include "cli/lease.h"

struct outcome {
	int64_t run; /* 0: nothing was stored */
	bool complete;
	char *message; /* why it ended early, NULL when it did not */
	int exit_code; /* of an early end; of the verdict otherwise */
};

void outcome_clear(struct outcome *o);
#define _cleanup_outcome_ _cleanup_(outcome_clear)

/*
 * Measures with a lease of its own or one that it is given, shows progress, handles Ctrl-C: the
 * first cancels (dark at once, the partial run is kept), the second leaves at once. 0 when there
 * is an outcome (also a partial one); an exit code with the message given when the measurement
 * was refused or nothing is known of it.
 */
int measure(struct cli *cli, struct object *board, const json_t *request,
	    const struct lease_request *lease_request, bool needs_light, struct outcome *ret);

/* Follows a job that runs already; lease may be NULL. Ctrl-C cancels only when `own`. */
int follow_job(struct cli *cli, struct object *board, const char *path, struct lease *lease,
	       bool own, struct outcome *ret);

/* 0 measured, pass; 1 fail, marginal; 3 untrustworthy; 5 partial. */
int verdict_exit_code(const char *status, const char *verdict);

#endif
