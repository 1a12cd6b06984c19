/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The verbs of etalonctl, one file each, and the table of them. Layer: cli.
 */
#ifndef ETALON_CLI_VERBS_H
#define ETALON_CLI_VERBS_H

#include "cli/cli.h"
#include "cli/options.h"

struct verb {
	const char *name;
	const char *summary; /* for the list of verbs */
	const char *usage; /* lines behind "etalonctl " */
	const char *text; /* paragraphs, may be NULL */
	const char *examples; /* lines behind "etalonctl " */
	const struct option_spec *options; /* besides the common ones; NULL: none */
	size_t words_max; /* more words are refused before run */
	int (*run)(struct cli *cli, const struct options *o); /* returns the exit code */
};

/* In the order of the help; NULL-terminated. */
extern const struct verb *const verbs[];
/* NULL: unknown. */
const struct verb *verb_find(const char *name);
/* Refuses an unknown verb: nearest, or where to look. Returns EXIT_USAGE. */
int verb_refuse(struct cli *cli, const char *name);

/* etalonctl with no verb. */
int overview(struct cli *cli);

void help_overview(FILE *to);
void help_verb(FILE *to, const struct verb *verb);

/* A whole command line with argv[0]; returns the exit code. */
int cli_main(struct cli *cli, int argc, char **argv);

extern const struct verb verb_analyse, verb_again, verb_compare, verb_export, verb_fault, verb_help,
	verb_hold, verb_info, verb_label, verb_laser, verb_list, verb_meter, verb_monitor, verb_off,
	verb_plot, verb_read, verb_reference, verb_runs, verb_set, verb_show, verb_status,
	verb_sweep, verb_wait, verb_zero;

#endif
