/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The response of a resonator around one resonance, blurred as a measured point is, with its
 * derivatives. Layer: analyse.
 *
 * Detuning s is in nm at the window's centre c: s = (x - c) c / x, linear in optical frequency, in
 * which a resonator with a constant group index is exactly periodic. With the period P known
 * the half width h enters as q = P/pi sin(pi (s - s0) / P), the Airy function; without, q = s - s0, a
 * Lorentzian:
 *
 *	A = 1 / (1 + q^2 / h^2)		G = (q dq/ds / h) A	(antisymmetric)
 *	dip	R = 1 - D A - E G	peak	R = A - E G
 *	split	R = 1 - D A(-) - D2 A(+) - E (G(-) - G(+))	at s0 - d/2 and s0 + d/2	(peak: D = -1, no 1)
 *
 * The last term is the interference of the two: without it a reflector in a ring, which splits its
 * resonances, would seem to be weaker than it is.
 */
#ifndef ETALON_ANALYSE_LINESHAPE_H
#define ETALON_ANALYSE_LINESHAPE_H

#include <stdbool.h>
#include <stddef.h>

#include "analyse/kernel.h"

enum shape {
	SHAPE_LORENTZIAN,
	SHAPE_FANO,
	SHAPE_SPLIT,
};

enum line_parameter {
	LINE_CENTRE, /* s0, nm */
	LINE_HALF_WIDTH, /* h, nm */
	LINE_DEPTH, /* D: of a dip 0 .. 1; -1 for a peak, whose height is the baseline's */
	LINE_ASYMMETRY, /* E, not of a Lorentzian */
	LINE_SPLITTING, /* d, nm, split only */
	LINE_SECOND_DEPTH, /* D2, split only */
	LINE_PARAMETERS,
};

struct line {
	enum shape shape;
	bool peak;
	double period_nm; /* free spectral range in s; 0: not known */
	double p[LINE_PARAMETERS];
};

/* Where to evaluate. `turn` holds sin and cos of pi s / P and may be NULL when P is not known. */
struct line_points {
	size_t n;
	const double *s;
	const double *turn_sin, *turn_cos;
	const signed char *direction;
};

/* All of n values each. */
struct line_values {
	double *r, *r_s, *r_ss; /* response, its derivatives along s */
	double *r_p[LINE_PARAMETERS]; /* and by those parameters that the shape has free */
};

/* rising and falling: blur of points taken in either direction. */
void line_evaluate(const struct line *line, const struct line_points *points,
		   const struct kernel *rising, const struct kernel *falling,
		   struct line_values *ret);

/* Unblurred response at one detuning. */
double line_response(const struct line *line, double s);
/* True when the shape has this parameter free. */
bool line_has(const struct line *line, enum line_parameter parameter);

/* Full width where A is one half, nm in s: of one of the two when split. */
double line_fwhm_nm(const struct line *line);
/* Half width h of a line that is `fwhm_nm` wide. */
double line_half_width_nm(double fwhm_nm, double period_nm);

#endif
