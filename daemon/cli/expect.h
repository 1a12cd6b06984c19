/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Limits of a verdict as people write them: "fwhm=19pm..22pm", "q_loaded=70000..", "count=9".
 * Layer: cli; pure.
 */
#ifndef ETALON_CLI_EXPECT_H
#define ETALON_CLI_EXPECT_H

#include <jansson.h>

/* One expectation of daemon/measure/request.h. -EINVAL with a message. */
int expect_parse(const char *text, json_t **ret, char **ret_message);

#endif
