/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How far a job is: a bar that redraws itself on a terminal, a line a second otherwise; always on
 * standard error. Says at any moment whether there is light. Layer: cli.
 */
#ifndef ETALON_CLI_PROGRESS_H
#define ETALON_CLI_PROGRESS_H

#include "cli/bus.h"
#include "cli/print.h"

struct progress {
	struct cli *cli;
	const struct object *board, *job;
	bool cancelling;
	bool drawn; /* a bar stands on the terminal's line */
	uint64_t delay_since_ns; /* emission delay, 0: not in it */
	uint64_t told_ns;
};

/* "emission delay, light in 2.1 s", "LIGHT ON", "laser warm, gate shut", "light off". */
struct text light_text(const struct object *board, uint64_t delay_since_ns);

void progress_begin(struct progress *p, struct cli *cli, const struct object *board,
		    const struct object *job);
/* Draws if something is due. */
void progress_show(struct progress *p);
/* The final state, then the line is left. */
void progress_end(struct progress *p);
/* How long to wait for events before the next progress_show(). */
uint64_t progress_pause_us(const struct progress *p);

/* "[#####     ]" with `width` places inside. */
void bar_text(char *text, size_t size, size_t width, double part);

#endif
