/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Smooth factors of an optical path near one wavelength: the natural logarithm as a parabola in the
 * distance from it. Factors multiply by adding. Layer: emulator, mathematics only.
 */
#ifndef ETALON_EMULATOR_LOGARITHM_H
#define ETALON_EMULATOR_LOGARITHM_H

#include <math.h>

#define NEPER_PER_DB (M_LN10 / 10) /* of power */

struct log_parabola {
	double c0;
	double c1; /* per m */
	double c2; /* per m^2 */
};

static inline struct log_parabola log_parabola_add(struct log_parabola a, struct log_parabola b)
{
	return (struct log_parabola){a.c0 + b.c0, a.c1 + b.c1, a.c2 + b.c2};
}

static inline double log_parabola_at(const struct log_parabola *p, double distance_m)
{
	return p->c0 + distance_m * (p->c1 + distance_m * p->c2);
}

#endif
