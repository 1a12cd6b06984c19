// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Figures of numbers. See figures.h.
 */
#include "base/figures.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"

struct text decimals(double value, int digits)
{
	struct text t;

	if (!isfinite(value))
		return (struct text){"-"};
	snprintf(t.text, sizeof(t.text), "%.*f", digits, value);
	/* Not "-0.00". */
	if (t.text[0] == '-' && strspn(t.text + 1, "0.") == strlen(t.text + 1))
		memmove(t.text, t.text + 1, strlen(t.text));
	return t;
}

struct text uncertain(double value, double sigma, int digits)
{
	struct text t = decimals(value, digits), number;
	double first;
	int place;

	if (!isfinite(value) || !isfinite(sigma) || sigma <= 0)
		return t;
	place = (int)floor(log10(sigma));
	first = sigma / pow(10, place); /* 1.0 ... 9.99 */
	if (first >= 9.5) {
		first = 1;
		place++;
	} else if (round(first * 10) > 10 && first < 1.95) {
		first *= 10; /* two digits: 14 says more than 1 */
		place--;
	}
	if (place >= 0) /* an uncertainty of whole units is written out */
		snprintf(t.text, sizeof(t.text), "%.0f(%.0f)",
			 round(value / pow(10, place)) * pow(10, place),
			 round(first) * pow(10, place));
	else {
		number = decimals(value, MIN(-place, 15));
		snprintf(t.text, sizeof(t.text), "%.40s(%.0f)", number.text, round(first));
	}
	return t;
}

struct text uncertain_kilo(double value, double sigma)
{
	const bool number = isfinite(value);
	const bool mega = number && fabs(value) >= 999500, kilo = number && fabs(value) >= 1000;
	const double unit = mega ? 1e6 : kilo ? 1e3 : 1;
	const struct text t = uncertain(value / unit, sigma / unit, mega ? 2 : kilo ? 1 : 0);
	struct text ret;

	snprintf(ret.text, sizeof(ret.text), "%.60s%s", t.text, mega ? "M" : kilo ? "k" : "");
	return ret;
}
