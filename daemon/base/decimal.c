// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Scanning and rounding decimal numbers. See decimal.h.
 */
#include "base/decimal.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

#define DIGITS_KEPT 30
#define EXPONENT_HELD 9999

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Bytes of a sign at s, 0 for none. */
static size_t scan_sign(const char *s, bool *negative)
{
	static const char minus[] = "\xe2\x88\x92";

	*negative = false;
	if (*s == '+')
		return 1;
	if (*s == '-' || strncmp(s, minus, 3) == 0) {
		*negative = true;
		return *s == '-' ? 1 : 3;
	}
	return 0;
}

/* Bytes of what may stand between groups of three digits at s. */
static size_t separator(const char *s)
{
	static const char *const wide[] = {"\xc2\xa0", "\xe2\x80\xaf", "\xe2\x80\x89"};

	if (*s == ' ' || *s == '_' || *s == '\'')
		return 1;
	for (size_t i = 0; i < ARRAY_SIZE(wide); i++) {
		if (strncmp(s, wide[i], strlen(wide[i])) == 0)
			return strlen(wide[i]);
	}
	return 0;
}

static bool three_digits(const char *s)
{
	return is_digit(s[0]) && is_digit(s[1]) && is_digit(s[2]) && !is_digit(s[3]);
}

struct accumulator {
	struct decimal *d;
	int kept;
	bool any;
};

static void add_digit(struct accumulator *a, char c, bool fraction)
{
	a->any = true;
	if (a->kept == 0 && c == '0') { /* a leading zero */
		if (fraction && a->d->exponent > -EXPONENT_HELD)
			a->d->exponent--;
		return;
	}
	if (a->kept < DIGITS_KEPT) {
		a->d->digits = a->d->digits * 10 + (unsigned int)(c - '0');
		a->kept++;
		if (fraction)
			a->d->exponent--;
		return;
	}
	a->d->more |= c != '0';
	if (!fraction && a->d->exponent < EXPONENT_HELD)
		a->d->exponent++;
}

static size_t scan_integer(const char *s, struct accumulator *a)
{
	const char *p = s;

	for (;;) {
		size_t gap = separator(p);

		if (is_digit(*p))
			add_digit(a, *p++, false);
		else if (p > s && gap > 0 && three_digits(p + gap))
			p += gap;
		else
			return (size_t)(p - s);
	}
}

/* "e-3"; 0 when it is the start of a unit instead. */
static size_t scan_exponent(const char *s, int *exponent)
{
	const char *p = s;
	bool negative;
	int value = 0;

	if (*p != 'e' && *p != 'E')
		return 0;
	p++;
	p += scan_sign(p, &negative);
	if (!is_digit(*p))
		return 0;
	for (; is_digit(*p); p++) {
		if (value <= EXPONENT_HELD)
			value = value * 10 + (*p - '0');
	}
	value = MIN(value, EXPONENT_HELD);
	*exponent += negative ? -value : value;
	return (size_t)(p - s);
}

size_t decimal_scan(const char *text, struct decimal *ret)
{
	struct decimal d = {0};
	struct accumulator a = {.d = &d};
	const char *p = text;

	p += scan_sign(p, &d.negative);
	p += scan_integer(p, &a);
	if (*p == '.') {
		p++;
		while (is_digit(*p))
			add_digit(&a, *p++, true);
	}
	if (!a.any)
		return 0;
	p += scan_exponent(p, &d.exponent);
	*ret = d;
	return (size_t)(p - text);
}

bool decimal_is_whole(const struct decimal *d)
{
	unsigned __int128 digits = d->digits;
	int exponent = d->exponent;

	for (; exponent < 0 && digits > 0 && digits % 10 == 0; exponent++)
		digits /= 10;
	return digits == 0 || (exponent >= 0 && !d->more);
}

/* magnitude / 10^places, half to even; `more`: the true magnitude is a little larger. */
static unsigned __int128 divide(unsigned __int128 magnitude, int places, bool more)
{
	unsigned __int128 divisor = 1, quotient, rest, half;

	if (places > 38) /* below half of anything */
		return 0;
	for (int i = 0; i < places; i++)
		divisor *= 10;
	quotient = magnitude / divisor;
	rest = magnitude % divisor;
	half = divisor / 2;
	if (places > 0 && (rest > half || (rest == half && (more || (quotient & 1)))))
		quotient++;
	return quotient;
}

int decimal_to_integer(const struct decimal *d, int64_t factor, int power, int64_t *ret)
{
	const unsigned __int128 limit = INT64_MAX;
	unsigned __int128 magnitude = d->digits * (unsigned __int128)factor;
	int exponent = d->exponent + power;

	if (magnitude == 0) {
		*ret = 0;
		return 0;
	}
	for (; exponent > 0; exponent--) {
		if (magnitude > limit)
			return -ERANGE;
		magnitude *= 10;
	}
	magnitude = divide(magnitude, -exponent, d->more);
	if (magnitude == 0)
		return -EDOM;
	if (magnitude > limit)
		return -ERANGE;
	*ret = d->negative ? -(int64_t)magnitude : (int64_t)magnitude;
	return 0;
}

double decimal_to_double(const struct decimal *d)
{
	char text[80];
	unsigned long long high = (unsigned long long)(d->digits / 1000000000000000ULL);
	unsigned long long low = (unsigned long long)(d->digits % 1000000000000000ULL);

	/* No point in the text: strtod reads it the same in every locale. */
	snprintf(text, sizeof(text), "%s%llu%015llue%d", d->negative ? "-" : "", high, low,
		 d->exponent);
	return strtod(text, NULL);
}
