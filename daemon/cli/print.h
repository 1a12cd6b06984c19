/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Numbers, tables and colours for people. Layer: cli. Plain ASCII; numbers with a point in every
 * locale.
 */
#ifndef ETALON_CLI_PRINT_H
#define ETALON_CLI_PRINT_H

#include <stdint.h>

#include "base/figures.h"
#include "cli/cli.h"

/* Three or four digits with a prefix: 0.51e-9, "A" -> "0.51 nA" ... 12.3 uW. NaN: "-". */
struct text engineering(double value, const char *unit);
/* Watts as dBm with two decimals, without the unit; "-" where power is not positive. */
struct text dbm(double watt);
/* "1.2 s", "3 min 20 s", "2 h 5 min", "4 d": to be read at a glance. */
struct text duration(double seconds);
/* CLOCK_REALTIME ns as local time, "2025-03-01 14:02:11". */
struct text local_time(uint64_t wall_ns);

enum colour { PLAIN, BOLD, DIM, RED, GREEN, YELLOW, CYAN };
/* Escape sequences, or "" when that stream has no colour. */
const char *colour(const struct cli *cli, const FILE *stream, enum colour colour);

/* Cells of a string on a terminal; every code point counts 1. */
size_t text_width(const char *s);
/* A control character in names from elsewhere would move the cursor: '?' instead. In place. */
char *harmless(char *s);

/* Columns of a terminal (stderr or stdout), $COLUMNS, or 80. */
unsigned int terminal_width(const FILE *stream);
unsigned int terminal_height(const FILE *stream);

/* ---- tables ---- */

#define GRID_COLUMNS_MAX 20

struct grid {
	size_t columns;
	const char *align; /* one letter for each column: 'l' or 'r' */
	char **cells; /* in reading order; the first row is the heading */
	size_t count;
	bool failed; /* out of memory: the table is not printed */
};

/* align such as "rlr". */
void grid_begin(struct grid *g, const char *align);
void grid_cell(struct grid *g, const char *format, ...) _printf_(2, 3);
/* Heading words separated by '|': "#|wavelength nm|random pm". */
void grid_heading(struct grid *g, const char *words);
/* Two blanks between columns, `indent` blanks in front, none behind. Ends and empties the grid. */
void grid_print(struct grid *g, FILE *to, int indent);

#endif
