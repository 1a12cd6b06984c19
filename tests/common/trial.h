/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Pseudo-random trials that can be repeated.
 */
#ifndef ETALON_TESTS_TRIAL_H
#define ETALON_TESTS_TRIAL_H

#include <stdint.h>

/* $ETALON_SEED or a constant; printed. */
uint64_t trial_seed(void);
/* The next number; the seed is the first state. */
uint64_t trial_next(uint64_t *state);
/* "PROGRAM [ROUNDS [SEED]]": what is not given stays, a seed is trial_seed()'s then. */
void trial_arguments(int argc, char **argv, uint64_t *rounds, uint64_t *seed);

#endif
