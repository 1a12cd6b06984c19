/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How long the machine stood still while something was timed: a shared one stops its guests, and
 * what happens meanwhile happens late. A bound on a time is held plus what was seen here, and not
 * a moment more. For tests of times.
 */
#ifndef ETALON_TESTS_STALL_WATCH_H
#define ETALON_TESTS_STALL_WATCH_H

#include <stdint.h>

struct stall_watch;

struct stall_watch *stall_watch_begin(void);
/* Sum of the moments in which a thread that wanted to run did not; frees. */
uint64_t stall_watch_end(struct stall_watch *watch);

#endif
