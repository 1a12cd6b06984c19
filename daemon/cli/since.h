/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Points in time as people write them. Layer: cli. */
#ifndef ETALON_CLI_SINCE_H
#define ETALON_CLI_SINCE_H

#include <stdint.h>

/*
 * "today", "yesterday", "90s", "20min", "2h", "3d", "1w" (ago), "2025-03-01", "2025-03-01
 * 14:30[:05]", "2025-03-01T14:30". Local time. now_s and *ret in seconds since 1970. -EINVAL with
 * a message.
 */
int since_parse(const char *text, int64_t now_s, int64_t *ret, char **ret_message);

#endif
