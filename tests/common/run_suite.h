/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the main() of every test program does. Include it last: Check defines a macro fail().
 */
#ifndef ETALON_TESTS_RUN_SUITE_H
#define ETALON_TESTS_RUN_SUITE_H

#include <check.h>

/* Runs the suite as the environment says (CK_FORK, CK_VERBOSITY, ...) and frees it; returns the exit status. */
int run_suite(Suite *suite);

#endif
