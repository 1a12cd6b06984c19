/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How a number with its uncertainty is written, the same for every program. Layer: base.
 */
#ifndef ETALON_BASE_FIGURES_H
#define ETALON_BASE_FIGURES_H

struct text {
	char text[64];
};

/*
 * Value with its standard uncertainty in units of the last digit: 20.77(1). One digit of it, two
 * where that begins with 1. Without a usable sigma: value with `digits` decimals. NaN: "-".
 */
struct text uncertain(double value, double sigma, int digits);
/* The same of a quality factor, in thousands or millions: 74.23(4)k; 74.2k without a sigma. */
struct text uncertain_kilo(double value, double sigma);
/* Decimals only: "0.01"; NaN: "-". */
struct text decimals(double value, int digits);

#endif
