/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Values of analyses against the limits of a request. Layer: calibrate. Private to trust.c and
 * tests: trust.h is the interface.
 */
#ifndef ETALON_CALIBRATE_EXPECT_H
#define ETALON_CALIBRATE_EXPECT_H

#include <jansson.h>

enum expect_outcome { /* the worse, the greater */
		      EXPECT_PASS,
		      EXPECT_MARGINAL,
		      EXPECT_FAIL,
		      EXPECT_UNKNOWN, /* cannot be judged: the result cannot be trusted */
};

int expect_check(const json_t *expectations, char **ret_message);
/* One checked expectation. Adds a sentence to `reasons` for everything but a pass. */
enum expect_outcome expect_judge(const json_t *expectation, const json_t *analyses, double coverage,
				 json_t *reasons);

#endif
