/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A gpiochip in this process, behind the calls of link/lines.h: one set of lines, which the test moves.
 */
#ifndef ETALON_TESTS_FAKE_LINES_H
#define ETALON_TESTS_FAKE_LINES_H

#include <stdbool.h>

#include "link/lines.h"

extern const struct lines_calls fake_lines_calls;

/* As after power-on; `prefix` is the name that its lines have. */
void fake_lines_reset(const char *prefix);
/* An input moves. */
void fake_lines_move(unsigned int line, bool level);
/* The chip is taken out: -ENODEV for who has lines of it. */
void fake_lines_remove(void);
/* What the lines drive, and which of them are outputs. */
uint32_t fake_lines_outputs(void);
uint32_t fake_lines_levels(void);
/* Requests that are open. */
unsigned int fake_lines_open(void);

#endif
