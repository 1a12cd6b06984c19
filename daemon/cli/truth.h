/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What an emulated device truly is, beside what was measured of it. Layer: cli.
 */
#ifndef ETALON_CLI_TRUTH_H
#define ETALON_CLI_TRUTH_H

#include "cli/cli.h"
#include "cli/wire.h"

/*
 * The JSON that `etalon-emulator --truth` prints; path NULL: none. 0 or an exit code with the
 * message given.
 */
int truth_load(struct cli *cli, const char *path, json_t **ret);
/* A table: each true resonance beside the one that was found for it, and what has no partner. */
void truth_report(FILE *to, const json_t *analysis, const json_t *truth);

#endif
