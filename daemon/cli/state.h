/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The state of a board in words. Layer: cli.
 */
#ifndef ETALON_CLI_STATE_H
#define ETALON_CLI_STATE_H

#include "cli/bus.h"
#include "cli/print.h"

/* "ERB-1 E-0042, emulated" */
struct text board_title(const struct object *board);
/* "LIGHT ON", coloured, for `to`. */
void print_light(struct cli *cli, FILE *to, const struct object *board);
/* Lines "why     ..." for what forbids light; returns how many. */
size_t print_why_dark(FILE *to, const struct object *board);
/* "nobody", or ":1.7, etalonctl of uid 1000 (you) for 3 min". */
void print_lease(FILE *to, const struct object *board);
/* "last    off at ... : lease holder went silent"; nothing when light was never on. */
void print_last_off(FILE *to, const struct object *board);
/* The job that runs, if one does. */
void print_job(struct cli *cli, FILE *to, const struct object *board);
/* The lines of one board as `status` prints them. */
void print_state(struct cli *cli, FILE *to, const struct object *board);

#endif
