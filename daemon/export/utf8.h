/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Is it text? Layer: export.
 */
#ifndef ETALON_EXPORT_UTF8_H
#define ETALON_EXPORT_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Well-formed UTF-8 (RFC 3629) without control characters. */
bool utf8_is_printable(const char *text, size_t length);
/* The same, and tabs and line ends are allowed too. */
bool utf8_is_text(const char *text, size_t length);

#endif
