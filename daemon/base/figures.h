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
/* Decimals only: "0.01"; NaN: "-". */
struct text decimals(double value, int digits);

#endif
