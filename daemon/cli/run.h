/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Stored runs: opening, their data, their account for people and as JSON. Layer: cli.
 */
#ifndef ETALON_CLI_RUN_H
#define ETALON_CLI_RUN_H

#include "cli/bus.h"
#include "data/table.h"

/* "17", or "last" for the newest. 0 or an exit code with the message given. */
int run_number(struct cli *cli, const char *text, int64_t *ret);
/* 0 or an exit code with the message given. */
int run_open(struct cli *cli, int64_t run, struct object *ret);
/* Both: `text` NULL is "last". */
int run_open_text(struct cli *cli, const char *text, struct object *ret);

/*
 * All of its data, call by call. columns: NULL-terminated names, or NULL for all. 0 or an exit
 * code with the message given.
 */
int fetch_run(struct cli *cli, const struct object *run, const char *const *columns,
	      struct table **ret);

/* Runs by filter, newest first: array of objects. 0 or an exit code with the message given. */
int run_list(struct cli *cli, const json_t *filter, json_t **ret);

/* One run as `show` does. Returns the exit code. */
int show_run(struct cli *cli, const struct object *run);
/* Lists runs as `runs` does. Returns the exit code. */
int list_runs(struct cli *cli, const json_t *filter);

/* ---- accounts (report.c) ---- */
/* Run line with verdict, reasons, ledger, dark: the lines of a finished measurement. */
void report_run(struct cli *cli, FILE *to, const json_t *run);
/* Resonances, families, axis; nothing when there is no analysis. */
void report_resonances(struct cli *cli, FILE *to, const json_t *analysis, const json_t *run);
/* The newest analysis of resonances in a channel (NULL: in any), or NULL. */
const json_t *run_analysis_of(const json_t *run, const char *channel);
/* That of the first signal, else the newest there is, or NULL. */
const json_t *run_analysis(const json_t *run);
/* Name of its column, "" when there is none. */
const char *run_first_signal(const json_t *run);
/* {"run", "status", "verdict", "reasons", "metadata", "ledger", "request", "analyses"} */
json_t *run_document(const json_t *run);
/* "measured (no limits)", "untrustworthy" ... coloured for `to`. */
void print_verdict(struct cli *cli, FILE *to, const char *status, const char *verdict);
/* Prints one document with a line end. */
int print_json(struct cli *cli, const json_t *document);

#endif
