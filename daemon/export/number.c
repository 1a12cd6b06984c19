// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Decimal text to double and back in 128-bit integers. For the magnitudes that a bench
 * measures the conversion is exact integer arithmetic; the C library, which is slower
 * and follows the locale, does the rest. Layer: export.
 */
#include "export/number.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/util.h"

typedef unsigned __int128 u128;

#define POW5_MAX 31 /* 5^31 * 2^54 still fits into 126 bits */
#define PARSE_EXPONENT_MAX 27 /* 5^27 fits into 64 bits */
#define PARSE_DIGITS_MAX 19 /* always fit into 64 bits */
#define DIGITS 17 /* always enough for a double */
#define DIGITS_SURE 15 /* any decimal of so many digits has a double of its own */
#define FALLBACK_TEXT_MAX 1024

static u128 pow5(int n)
{
	u128 p = 1;

	while (n-- > 0)
		p *= 5;
	return p;
}

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

/* newlocale() hands out a constant for "C": nothing to free, nothing to keep. */
static locale_t c_locale(void)
{
	return newlocale(LC_ALL_MASK, "C", NULL);
}

/* ---- parsing ---- */

struct decimal {
	bool negative;
	uint64_t digits; /* the first PARSE_DIGITS_MAX significant ones */
	bool all_digits; /* false when there were more */
	int64_t exponent; /* value = digits * 10^exponent */
};

/* Takes the digits of one part; returns how many characters they are. */
static size_t take_digits(struct decimal *d, const char *p, const char *end, int *significant,
			  bool fraction)
{
	const char *start = p;

	for (; p < end && digit(*p); p++) {
		if (*significant == PARSE_DIGITS_MAX) {
			d->all_digits = d->all_digits && *p == '0';
			d->exponent += fraction ? 0 : 1;
			continue;
		}
		d->digits = d->digits * 10 + (uint64_t)(*p - '0');
		*significant += d->digits > 0;
		d->exponent -= fraction;
	}
	return (size_t)(p - start);
}

static bool take_exponent(struct decimal *d, const char *p, const char *end)
{
	bool negative = false;
	int64_t exponent = 0;

	if (p < end && (*p == '+' || *p == '-'))
		negative = *p++ == '-';
	if (p == end)
		return false;
	for (; p < end; p++) {
		if (!digit(*p))
			return false;
		/* Far beyond a double already; only the sign matters from here. */
		if (exponent < 1000000)
			exponent = exponent * 10 + (*p - '0');
	}
	d->exponent += negative ? -exponent : exponent;
	return true;
}

static bool scan(struct decimal *d, const char *p, const char *end)
{
	int significant = 0;
	size_t whole, fraction = 0;

	*d = (struct decimal){.all_digits = true};
	if (p < end && (*p == '+' || *p == '-'))
		d->negative = *p++ == '-';
	whole = take_digits(d, p, end, &significant, false);
	p += whole;
	if (p < end && *p == '.') {
		fraction = take_digits(d, p + 1, end, &significant, true);
		p += 1 + fraction;
	}
	if (whole + fraction == 0)
		return false;
	if (p == end)
		return true;
	return (*p == 'e' || *p == 'E') && take_exponent(d, p + 1, end);
}

/* digits * 10^exponent, rounded once, to nearest even. */
static double convert(const struct decimal *d)
{
	int exponent = (int)d->exponent, shift;
	u128 numerator, quotient, divisor;
	uint64_t high;

	if (exponent >= 0)
		return ldexp((double)(d->digits * pow5(exponent)), exponent);
	divisor = pow5(-exponent);
	numerator = d->digits;
	/* As many quotient bits as there is room for; the lowest says "and something". */
	high = d->digits;
	shift = 63 + __builtin_clzll(high);
	numerator <<= shift;
	quotient = numerator / divisor;
	if (quotient * divisor != numerator)
		quotient |= 1;
	return ldexp((double)quotient, exponent - shift);
}

static enum number_kind parse_by_library(const char *text, size_t length, double *ret)
{
	char buffer[FALLBACK_TEXT_MAX];

	if (length >= sizeof(buffer))
		return NUMBER_NOT_ONE;
	memcpy(buffer, text, length);
	buffer[length] = '\0';
	*ret = strtod_l(buffer, NULL, c_locale());
	return isfinite(*ret) ? NUMBER_FINITE : NUMBER_INFINITE;
}

static enum number_kind parse_word(const char *text, size_t length, double *ret)
{
	bool negative = length > 0 && *text == '-';

	if (length > 0 && (*text == '-' || *text == '+')) {
		text++;
		length--;
	}
	if (length == 3 && strncasecmp(text, "nan", 3) == 0) {
		*ret = NAN;
		return NUMBER_NAN;
	}
	if ((length == 3 && strncasecmp(text, "inf", 3) == 0) ||
	    (length == 8 && strncasecmp(text, "infinity", 8) == 0)) {
		*ret = negative ? -INFINITY : INFINITY;
		return NUMBER_INFINITE;
	}
	return NUMBER_NOT_ONE;
}

enum number_kind number_parse(const char *text, size_t length, double *ret)
{
	struct decimal d;
	double value;

	if (!scan(&d, text, text + length))
		return parse_word(text, length, ret);
	if (d.digits == 0)
		value = 0;
	else if (d.all_digits && d.exponent >= -PARSE_EXPONENT_MAX &&
		 d.exponent <= PARSE_EXPONENT_MAX)
		value = convert(&d);
	else
		return parse_by_library(text, length, ret);
	*ret = d.negative ? -value : value;
	return NUMBER_FINITE;
}

int number_parse_u32(const char *text, size_t length, uint32_t *ret)
{
	uint64_t value = 0;

	if (length == 0)
		return -EINVAL;
	for (size_t i = 0; i < length; i++) {
		if (!digit(text[i]))
			return -EINVAL;
		value = value * 10 + (uint64_t)(text[i] - '0');
		if (value > UINT32_MAX)
			return -ERANGE;
	}
	*ret = (uint32_t)value;
	return 0;
}

/* ---- formatting ---- */

/*
 * A positive double between two neighbours, in units of 2^-shift of the 17th digit:
 * everything strictly between low and high reads back as the same double.
 */
struct scaled {
	u128 value, low, high;
	int shift;
	int power; /* decimal exponent of the first digit */
};

static const uint64_t POW10[] = {1,
				 10,
				 100,
				 1000,
				 10000,
				 100000,
				 1000000,
				 10000000,
				 100000000,
				 1000000000,
				 10000000000,
				 100000000000,
				 1000000000000,
				 10000000000000,
				 100000000000000,
				 1000000000000000,
				 10000000000000000,
				 100000000000000000};

/* False when the magnitude is outside what the integers hold. */
static bool scale(struct scaled *s, double value)
{
	int exponent, power;
	uint64_t mantissa = (uint64_t)ldexp(frexp(value, &exponent), 53);

	exponent -= 53;
	power = (int)floor((exponent + 52) * 0.30102999566398120);
	for (int attempt = 0; attempt < 3; attempt++) {
		int up = DIGITS - 1 - power;
		uint64_t digits;
		u128 p5;

		if (up < 0 || up > POW5_MAX || exponent + up >= 0)
			return false;
		p5 = pow5(up);
		s->shift = 1 - (exponent + up);
		s->value = 2 * mantissa * p5;
		digits = (uint64_t)(s->value >> s->shift);
		if (digits < POW10[DIGITS - 1]) {
			power--;
			continue;
		}
		if (digits >= POW10[DIGITS]) {
			power++;
			continue;
		}
		s->high = s->value + p5;
		/* Below a power of two the neighbour is nearer. */
		s->low = s->value - (mantissa == 1ULL << 52 ? p5 / 2 : p5);
		s->power = power;
		return true;
	}
	return false;
}

/* The decimal of `count` digits nearest to the value, if it reads back; 0 if not. */
static uint64_t nearest(const struct scaled *s, int count)
{
	uint64_t unit = POW10[DIGITS - count];
	uint64_t digits = (uint64_t)(s->value >> s->shift);
	u128 rest = s->value - ((u128)(digits - digits % unit) << s->shift);
	uint64_t q = digits / unit;
	u128 candidate;

	if (rest > ((u128)unit << (s->shift - 1)))
		q++;
	candidate = (u128)(q * unit) << s->shift;
	return candidate > s->low && candidate < s->high ? q : 0;
}

/* digits * 10^(power - count + 1), written like printf's %g writes. */
static size_t lay_out(char *text, uint64_t digits, int count, int power)
{
	char raw[DIGITS + 1] = "";
	char *p = text;
	int e = abs(power);

	if (digits == POW10[count]) {
		digits /= 10;
		power++;
		e = abs(power);
	}
	for (int i = count - 1; i >= 0; i--, digits /= 10)
		raw[i] = (char)('0' + digits % 10);
	while (count > 1 && raw[count - 1] == '0')
		count--;

	if (power < -4 || power >= DIGITS) {
		*p++ = raw[0];
		if (count > 1)
			*p++ = '.';
		p = mempcpy(p, raw + 1, (size_t)count - 1);
		*p++ = 'e';
		*p++ = power < 0 ? '-' : '+';
		if (e >= 100)
			*p++ = (char)('0' + e / 100);
		*p++ = (char)('0' + e / 10 % 10);
		*p++ = (char)('0' + e % 10);
		return (size_t)(p - text);
	}
	if (power < 0) {
		p = mempcpy(p, "0.000", (size_t)(1 - power));
		p = mempcpy(p, raw, (size_t)count);
		return (size_t)(p - text);
	}
	for (int i = 0; i < MAX(count, power + 1); i++) {
		if (i == power + 1)
			*p++ = '.';
		*p++ = i < count ? raw[i] : '0';
	}
	return (size_t)(p - text);
}

static size_t format_by_library(char *text, double value)
{
	locale_t before = uselocale(c_locale());
	int n = 0;

	for (int precision = DIGITS_SURE; precision <= DIGITS; precision++) {
		n = snprintf(text, NUMBER_TEXT_MAX, "%.*g", precision, value);
		if (strtod(text, NULL) == value)
			break;
	}
	uselocale(before);
	return (size_t)n;
}

size_t number_format(char text[static NUMBER_TEXT_MAX], double value)
{
	size_t sign = signbit(value) ? 1 : 0;
	struct scaled s;
	size_t n;

	text[0] = '-'; /* overwritten when there is none */
	if (value == 0) {
		text[sign] = '0';
		n = sign + 1;
	} else if (scale(&s, fabs(value))) {
		uint64_t digits = 0;
		int count = DIGITS_SURE;

		while (count <= DIGITS && !(digits = nearest(&s, count)))
			count++;
		n = digits ? sign + lay_out(text + sign, digits, count, s.power)
			   : format_by_library(text, value);
	} else {
		n = format_by_library(text, value);
	}
	text[n] = '\0';
	return n;
}

size_t number_format_u64(char text[static NUMBER_TEXT_MAX], uint64_t value)
{
	char raw[NUMBER_TEXT_MAX];
	size_t i = sizeof(raw), n;

	do
		raw[--i] = (char)('0' + value % 10);
	while (value /= 10);
	n = sizeof(raw) - i;
	memcpy(text, raw + i, n);
	text[n] = '\0';
	return n;
}
