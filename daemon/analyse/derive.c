// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Numbers for people out of fitted parameters, and their random parts by the derivatives of each
 * number by each parameter. Systematic parts are none of this file's business: they are the axis'.
 */
#include <math.h>

#include "analyse/resonance.h"
#include "base/util.h"

#define GRID_HALF 200 /* positions on either side in the search for an extreme */

struct numbers {
	double wavelength_nm, width_nm, q, extinction_db, fano_q, split_nm;
};

/* Lowest response of a dip, highest of a peak, and where. */
static double extreme(const struct line *line, double *ret_s)
{
	double reach = 1.5 * line->p[LINE_HALF_WIDTH] + 0.75 * fabs(line->p[LINE_SPLITTING]);
	double sign = line->peak ? -1 : 1, step = reach / GRID_HALF, best = INFINITY;
	double left, right, bend, at = line->p[LINE_CENTRE];

	if (line->shape == SHAPE_LORENTZIAN) {
		*ret_s = at;
		return line_response(line, at);
	}
	for (int k = -GRID_HALF; k <= GRID_HALF; k++) {
		double s = line->p[LINE_CENTRE] + k * step, r = sign * line_response(line, s);

		if (r < best) {
			best = r;
			at = s;
		}
	}
	left = sign * line_response(line, at - step);
	right = sign * line_response(line, at + step);
	bend = left - 2 * best + right;
	*ret_s = bend > 0 ? at + 0.5 * step * (left - right) / bend : at;
	return bend > 0 ? sign * (best - (left - right) * (left - right) / (8 * bend))
			: sign * best;
}

/* Response away from the resonance: half a period off, or the baseline. */
static double away(const struct line *line)
{
	return line->period_nm > 0 ? line_response(line, line->p[LINE_CENTRE] + line->period_nm / 2)
				   : (line->peak ? 0 : 1);
}

/* q of (q + xi)^2 / (1 + xi^2) with the same ratio of antisymmetric to symmetric part. */
static double fano_q(const struct line *line)
{
	double ratio = line->p[LINE_ASYMMETRY] / line->p[LINE_DEPTH];
	double q = ratio != 0 ? (sqrt(1 + ratio * ratio) - 1) / ratio : 0;

	return line->peak ? 1 / q : -q;
}

static struct numbers numbers_of(const struct line *line, double origin_nm, double baseline,
				 double pedestal)
{
	double s, top = extreme(line, &s), bottom = away(line);
	double wavelength = wavelength_nm(line->p[LINE_CENTRE], origin_nm);
	double width = line_fwhm_nm(line) * pow(wavelength / origin_nm, 2);
	double ratio = line->peak ? (baseline * top + pedestal) / (baseline * bottom + pedestal)
				  : bottom / top;

	return (struct numbers){
		.wavelength_nm = wavelength,
		.width_nm = width,
		.q = wavelength / width,
		.extinction_db = ratio > 0 ? 10 * log10(ratio) : NAN,
		.fano_q = line->shape == SHAPE_FANO ? fano_q(line) : NAN,
		.split_nm = line->shape == SHAPE_SPLIT ? fabs(line->p[LINE_SPLITTING]) : NAN,
	};
}

#define NUMBERS (sizeof(struct numbers) / sizeof(double))

static const double *as_array(const struct numbers *n)
{
	return &n->wavelength_nm;
}

/*
 * Derivatives by one quantity, by differences of a part of its own deviation; `by` is its own gradient by
 * the fit's parameters.
 */
static void differentiate(const struct resonance *r, double *quantity, struct line *line,
			  const double *baseline, const double *pedestal, const double by[FIT_MAX],
			  double gradients[NUMBERS][FIT_MAX])
{
	double sigma = fit_sigma(&r->fit, by), value = *quantity;
	double step = sigma > 0 ? 0.01 * sigma : 1e-6 * fabs(value);
	struct numbers up, down;

	if (!(step > 0))
		return;
	*quantity = value + step;
	up = numbers_of(line, r->origin_nm, *baseline, *pedestal);
	*quantity = value - step;
	down = numbers_of(line, r->origin_nm, *baseline, *pedestal);
	*quantity = value;
	for (size_t k = 0; k < NUMBERS; k++) {
		double slope = (as_array(&up)[k] - as_array(&down)[k]) / (2 * step);

		for (size_t c = 0; c < r->fit.count; c++)
			if (by[c] != 0)
				gradients[k][c] += slope * by[c];
	}
}

static void differentiate_all(const struct resonance *r, double gradients[NUMBERS][FIT_MAX])
{
	double baseline = r->fit.baseline, pedestal = r->fit.pedestal;
	struct line line = r->fit.line;

	for (int p = 0; p < LINE_PARAMETERS; p++) {
		double by[FIT_MAX] = {};

		if (r->fit.column[p] < 0)
			continue;
		by[r->fit.column[p]] = 1;
		differentiate(r, &line.p[p], &line, &baseline, &pedestal, by, gradients);
	}
	if (line.peak) {
		double by[FIT_MAX] = {};

		by[r->fit.pedestal_column] = 1;
		differentiate(r, &pedestal, &line, &baseline, &pedestal, by, gradients);
		differentiate(r, &baseline, &line, &baseline, &pedestal, r->fit.base_gradient,
			      gradients);
	}
}

/* Where few differences of large numbers cancel: the wavelength's step is small against its value. */
static void exact_wavelength(const struct resonance *r, double gradients[NUMBERS][FIT_MAX])
{
	double wavelength = wavelength_nm(r->fit.line.p[LINE_CENTRE], r->origin_nm);

	gradients[0][r->fit.column[LINE_CENTRE]] = pow(wavelength / r->origin_nm, 2);
}

static struct estimate estimate(const struct resonance *r, double value,
				const double gradient[FIT_MAX])
{
	return (struct estimate){value, sqrt(r->inflation) * fit_sigma(&r->fit, gradient)};
}

/* Residuals beyond the noise are the model's: the covariance grows with them. */
static void judge(struct resonance *r)
{
	const struct fit *f = &r->fit;
	double whole = fit_chi2_reduced(f), near_n = (double)f->near_n;
	double near = near_n > 0 ? f->near_chi2 / near_n : 1;
	double limit = 1 + 5 * sqrt(2.0 / (double)f->n), near_limit = 1 + 5 * sqrt(2 / near_n);

	r->misfit = whole > limit || near > near_limit || r->model_error > 0;
	r->inflation = r->misfit ? fmax(1, fmax(whole, near)) : 1;
}

/* No shape describes it: its wavelength is where it is lowest, and the shapes' dissent is random. */
static void take_lowest(struct resonance *r)
{
	double dissent = r->wavelength_nm.value - r->lowest_nm;

	r->wavelength_nm.sigma = hypot(r->wavelength_nm.sigma, dissent);
	r->wavelength_nm.value = r->extreme_nm = r->lowest_nm;
}

void resonance_derive(struct resonance *r)
{
	double gradients[NUMBERS][FIT_MAX] = {}, s;
	struct numbers n = numbers_of(&r->fit.line, r->origin_nm, r->fit.baseline, r->fit.pedestal);

	judge(r);
	differentiate_all(r, gradients);
	exact_wavelength(r, gradients);

	r->wavelength_nm = estimate(r, n.wavelength_nm, gradients[0]);
	r->width_nm = estimate(r, n.width_nm, gradients[1]);
	r->q = estimate(r, n.q, gradients[2]);
	r->extinction_db = estimate(r, n.extinction_db, gradients[3]);
	r->fano_q = estimate(r, n.fano_q, gradients[4]);
	r->split_nm = estimate(r, n.split_nm, gradients[5]);
	extreme(&r->fit.line, &s);
	r->extreme_nm = wavelength_nm(s, r->origin_nm);
	if (r->model_error > 0)
		take_lowest(r);
}

double resonance_significance(const struct resonance *r)
{
	const struct fit *f = &r->fit;
	double depth =
		f->line.peak ? f->baseline : f->line.p[LINE_DEPTH] + f->line.p[LINE_SECOND_DEPTH];
	double gradient[FIT_MAX] = {}, sigma;

	if (!f->line.peak)
		gradient[f->column[LINE_DEPTH]] = 1;
	if (!f->line.peak && f->column[LINE_SECOND_DEPTH] >= 0)
		gradient[f->column[LINE_SECOND_DEPTH]] = 1;
	sigma = sqrt(r->inflation) * fit_sigma(f, f->line.peak ? f->base_gradient : gradient);
	return sigma > 0 ? depth / sigma : INFINITY;
}
