/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the emulator's log tells of the END of a program: the count of points that is not the daemon's. For
 * tests.
 */
#ifndef ETALON_TESTS_BOARD_END_H
#define ETALON_TESTS_BOARD_END_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define BOARD_MAIN_SEGMENT 1 /* of dark, the sweep itself, dark */

struct board_end {
	uint64_t produced, dropped;
};

/* Of the program of a run's segment; false: it was not begun, or has not ended. */
bool board_end_find(const json_t *log, int64_t run, unsigned int segment, struct board_end *ret);

#endif
