// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Running a suite. See run_suite.h.
 */
#include "run_suite.h"

#include <stdio.h>
#include <stdlib.h>

int run_suite(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	/* What a test prints stands in the log before its failure. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
