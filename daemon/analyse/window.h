/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The points around one resonance and what their baseline may look like: polynomials, ripple whose
 * phase, amplitude and exact period are free where the window holds enough periods, and whatever slow
 * ripple could do that the span is too short to show. Layer: analyse.
 */
#ifndef ETALON_ANALYSE_WINDOW_H
#define ETALON_ANALYSE_WINDOW_H

#include "analyse/lineshape.h"
#include "analyse/ripple.h"
#include "analyse/spectrum.h"

/*
 * Ripple that nobody has seen is taken to be of this relative amplitude, of any phase and of every
 * frequency up to the highest alike. A larger one would change little: the points decide.
 */
#define WINDOW_UNSEEN_AMPLITUDE 0.1

#define WINDOW_MAX_BASIS 32
#define WINDOW_MAX_FACTORS (RIPPLE_MAX + 3)

/* Another resonance whose tail reaches in: its response multiplies (dips) and its core is masked. */
struct neighbour {
	double centre_nm, fwhm_nm;
	double origin_nm; /* where the line's detuning is 0 */
	const struct line *line; /* NULL: mask only */
};

struct window_request {
	double centre_nm, half_nm;
	double fwhm_nm; /* points that lie dense on this scale are averaged in groups */
	double period_nm; /* of the resonance's family, 0: not known */
	unsigned int degree; /* of the baseline polynomial */
	const struct ripple *ripple; /* or NULL */
	/* Any ripple below so many periods per nm may be there without being among `ripple`; 0: none. */
	double unseen_per_nm;
	const struct neighbour *neighbours;
	size_t neighbour_count;
};

struct window {
	size_t n;
	double centre_nm, half_nm, period_nm;
	double *s, *y, *white;
	double *share; /* of sigma_x^2 that is left: 1 over the points averaged */
	double group_variance_nm2; /* of the points near the resonance about their group's mean */
	double *turn_sin, *turn_cos;
	signed char *direction;
	bool two_way;
	double *neighbours; /* their responses' product */
	/*
	 * The baseline is a product of sums of columns basis[j * n + i]: polynomials x (1 + unseen ripple) x
	 * (1 + one line of ripple) x (1 + ...) x (1 + direction). Factor f has the columns from
	 * factor_start[f] on.
	 */
	size_t basis_count, factor_count;
	size_t factor_start[WINDOW_MAX_FACTORS + 1];
	/* 1 / variance that a coefficient may be expected to have around 0; 0: nothing is known. */
	double prior[WINDOW_MAX_BASIS];
	double *basis;
	double *slope; /* derivatives along s */
	double *memory; /* owns all of the above */
};

/* -ENOMEM, or -ENODATA when too few points are left. */
int window_make(const struct spectrum *spectrum, const struct window_request *request,
		struct window *ret);
void window_clear(struct window *window);
#define _cleanup_window_ _cleanup_(window_clear)

/* Detuning at the window's centre, and back. */
static inline double detuning_nm(double x_nm, double centre_nm)
{
	return (x_nm - centre_nm) * centre_nm / x_nm;
}

static inline double wavelength_nm(double s_nm, double centre_nm)
{
	return centre_nm / (1 - s_nm / centre_nm);
}

#endif
