/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Numbers as text, the same in every locale, exact both ways and fast enough for 10^7
 * rows: what is written reads back as the same double. Layer: export.
 */
#ifndef ETALON_EXPORT_NUMBER_H
#define ETALON_EXPORT_NUMBER_H

#include <stddef.h>
#include <stdint.h>

#define NUMBER_TEXT_MAX 32 /* bytes with the terminator, for every double and uint64_t */

enum number_kind {
	NUMBER_FINITE,
	NUMBER_NAN, /* the text "nan" */
	NUMBER_INFINITE, /* the text "inf", or beyond a double; *ret has the sign */
	NUMBER_NOT_ONE,
};

/* Decimal number without blanks around it: 1540, -.5, 1.2e-06. Not terminated. */
enum number_kind number_parse(const char *text, size_t length, double *ret);
/* Digits only. -EINVAL, -ERANGE. */
int number_parse_u32(const char *text, size_t length, uint32_t *ret);

/* The shortest text that reads back as `value`; returns its length. Value must be finite. */
size_t number_format(char text[static NUMBER_TEXT_MAX], double value);
size_t number_format_u64(char text[static NUMBER_TEXT_MAX], uint64_t value);

#endif
