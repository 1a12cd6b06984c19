/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The parts of description_parse(): each looks at one table of a description whose counts
 * and offsets are already known to be sound. Layer: link, private.
 */
#ifndef ETALON_LINK_DESCRIPTION_CHECK_H
#define ETALON_LINK_DESCRIPTION_CHECK_H

#include "link/description.h"

/* Values of one unit: differences of two never overflow. */
#define DESCRIPTION_VALUE_MAX (INT64_C(1) << 61)
/* No part of a board takes longer than this to settle, move or recover. */
#define DESCRIPTION_TIME_MAX_NS (3600 * UINT64_C(1000000000))

/* Each 0, or -EBADMSG with a message that begins with the channel's name or number. */
int description_check_head(const struct description *d, char **ret_message);
int description_check_sources(const struct description *d, char **ret_message);
int description_check_detectors(const struct description *d, char **ret_message);
int description_check_ranges(const struct description *d, char **ret_message);

/* Zero-terminated, not empty, printable ASCII or UTF-8 bytes, and nothing behind the end. */
bool description_text_ok(const char *text, size_t size);
/* As above and of [a-z0-9._]. */
bool description_name_ok(const char *name, size_t size);

#endif
