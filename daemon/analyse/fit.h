/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Least squares of one resonance and its baseline in one window. Layer: analyse.
 *
 *	y = baseline(s) x neighbours(s) x R(s)	(+ pedestal(s) under a peak)
 *
 * An error of the logged wavelength is an error of y where the spectrum is steep: the variance of
 * a point is the white one plus what the slope and the curvature of the model make of sigma_x.
 */
#ifndef ETALON_ANALYSE_FIT_H
#define ETALON_ANALYSE_FIT_H

#include "analyse/window.h"

#define FIT_MAX (LINE_PARAMETERS + 1 + WINDOW_MAX_BASIS + 2)

struct fit_noise {
	double white_factor; /* variance of y over spectrum.white */
	double model_error; /* 1 sigma, of the resonance's depth: where no model is right */
	struct blur blur; /* blur.sigma_x_nm is the axis' random error */
};

/*
 * Normal equations of what squared residuals say about the two noise terms, in units of those
 * that the fit assumed: E[r^2] = white_factor white + sigma_x^2 (dy/ds)^2.
 */
struct noise_sums {
	double a11, a12, a22, b1, b2;
};

struct fit {
	struct line line;
	double lag_nm; /* of rising against falling points, two-way windows only */
	double baseline; /* at the resonance, without it */
	double pedestal; /* under a peak */
	size_t count;
	int column[LINE_PARAMETERS]; /* index in the covariance, -1: not free */
	int lag_column, base_column, pedestal_column;
	double base_gradient[FIT_MAX]; /* of `baseline` by the parameters */
	double value[FIT_MAX];
	double covariance[FIT_MAX][FIT_MAX];
	size_t n, near_n, far_n; /* near: within 3 widths; far: beyond 2 */
	double chi2, near_chi2, far_chi2; /* sums */
	double shape_rms; /* what is left in the core, over the depth */
	size_t outliers;
	struct noise_sums noise;
	bool converged;
};

/*
 * `start` gives shape, kind, period and first values; `near`: they are the result of a fit to the same
 * points. 0, -ENOMEM, or -EDOM when nothing fits.
 */
int fit_window(const struct window *window, const struct line *start, bool near,
	       const struct fit_noise *noise, struct fit *ret);

static inline double fit_chi2_reduced(const struct fit *f)
{
	return f->n > f->count + f->outliers ? f->chi2 / (double)(f->n - f->count - f->outliers)
					     : 0;
}

static inline double fit_variance(const struct fit *f, enum line_parameter k)
{
	return f->column[k] < 0 ? 0 : f->covariance[f->column[k]][f->column[k]];
}

/* sqrt(g C g) of a function of the parameters whose gradient is g. */
double fit_sigma(const struct fit *f, const double gradient[FIT_MAX]);

#endif
