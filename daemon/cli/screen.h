/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A terminal taken over for a while: alternate screen, single keys, large digits. Layer: cli.
 */
#ifndef ETALON_CLI_SCREEN_H
#define ETALON_CLI_SCREEN_H

#include <termios.h>

#include "cli/cli.h"

#define DIGIT_ROWS 5

struct screen {
	struct cli *cli;
	struct termios before;
	sd_event_source *keys;
	char pressed[16]; /* keys since screen_key() */
	size_t count;
	char *frame; /* what is being drawn */
	size_t frame_size;
	FILE *to; /* draw here between begin and show */
};

/* Negative errno when there is no terminal. */
int screen_open(struct screen *s, struct cli *cli);
void screen_close(struct screen *s);
#define _cleanup_screen_ _cleanup_(screen_close)

/* The next key, or 0. */
char screen_key(struct screen *s);
/* Between them write lines to s->to; what does not fit is cut. */
int screen_begin(struct screen *s);
void screen_show(struct screen *s);

/* One row (0..DIGIT_ROWS-1) of a number in large digits; `utf8` blocks or '#'. */
void large_digits(FILE *to, const char *number, int row, bool utf8);
/* Its width in cells. */
size_t large_width(const char *number);

#endif
