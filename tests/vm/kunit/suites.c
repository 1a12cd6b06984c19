// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * KUnit suites of the driver's core, for what its user-space tests cannot cover: loading the module
 * runs them against etalon.ko and prints KTAP on the console. For virtual machines alone.
 */
#include <linux/module.h>

#include "fake_board.h"

kunit_test_suites(&etalon_lifetime_suite, &etalon_emission_suite, &etalon_records_suite,
		  &etalon_lines_suite);

MODULE_DESCRIPTION("Etalon: KUnit suites of the driver's core");
MODULE_LICENSE("GPL");
