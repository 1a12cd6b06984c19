/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * etalonctl in the process of a test: command lines in, both streams and the exit code out; with
 * or without a stand-in for the daemon that has one ordinary board.
 */
#ifndef ETALON_TESTS_CLI_BENCH_H
#define ETALON_TESTS_CLI_BENCH_H

#include "cli/cli.h"
#include "fake_service.h"

#define BENCH_BOARD "/org/etalon1/board/B_2d1" /* serial B-1 */
#define BENCH_JOB "/org/etalon1/job/1"
#define BENCH_RUN "/org/etalon1/run/17"

struct cli_bench {
	struct cli cli;
	struct fake_service *service; /* NULL: no daemon */
	char *out, *err;
	size_t out_size, err_size;
};

void cli_bench_open(struct cli_bench *b);
/*
 * With the stand-in: a board that is off, a laser 1480-1640 nm, pd1 = through, pd2 = drop, a
 * heater.
 */
void cli_bench_open_with_board(struct cli_bench *b);
void cli_bench_close(struct cli_bench *b);

/*
 * Runs one command, words split at blanks ('...' keeps them); b->out and b->err are its output
 * alone.
 */
int cli_bench_run(struct cli_bench *b, const char *command);

/* Answers Lease: *end is this side's end of it from now on, what it was is closed. */
int cli_bench_give_lease(sd_bus_message *reply, int *end);

#endif
