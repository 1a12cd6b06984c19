/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Decimal numbers in text, kept exact until the one place where they are rounded. Layer: base.
 *
 * Knows no units and no locale: the decimal sign is a point.
 */
#ifndef ETALON_BASE_DECIMAL_H
#define ETALON_BASE_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct decimal {
	bool negative;
	bool more; /* digits beyond the 30 kept were not all 0 */
	unsigned __int128 digits;
	int exponent; /* value = digits x 10^exponent */
};

/*
 * Reads a number at the start of text: sign (also U+2212), digits in groups of three with blanks,
 * no-break or thin spaces, apostrophes or underscores between them, a point, an exponent. Returns
 * its length in bytes, or 0 when text does not start with a number. An exponent beyond +-9999 is
 * held there.
 */
size_t decimal_scan(const char *text, struct decimal *ret);

/* True when no digit but 0 stands behind the point. */
bool decimal_is_whole(const struct decimal *d);

/*
 * d x factor x 10^power as an integer, rounded half to even. factor is at most 10^6.
 * -ERANGE when it does not fit, -EDOM when something that is not 0 would become 0.
 */
int decimal_to_integer(const struct decimal *d, int64_t factor, int power, int64_t *ret);

/* The nearest double that strtod finds; for what is not linear. */
double decimal_to_double(const struct decimal *d);

#endif
