// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What a fit says when its parameters are found: values, covariance, and what the residuals tell of the
 * noise. The covariance is that of the estimate under the real noise (sandwich), which is not quite
 * what the weights take it for.
 */
#include <errno.h>
#include <math.h>

#include "analyse/fit_work.h"
#include "base/util.h"

/* H^-1 (sum of w^2 var J J) H^-1, all in units of the scaled parameters until the end. */
static int fill_covariance(struct work *k, struct fit *fit, double *inverse_h,
			   struct normal *normal)
{
	size_t n = k->w->n, m = k->count;
	double middle[FIT_MAX * FIT_MAX], half[FIT_MAX * FIT_MAX];
	double *w2v = k->scratch;
	struct normal meat;

	normal_form(k, 0, k->weight, normal);
	if (normal_inverse(normal, inverse_h) < 0)
		return -EDOM;
	for (size_t i = 0; i < n; i++)
		w2v[i] = k->weight[i] * k->weight[i] * k->variance[i];
	normal_form(k, 0, w2v, &meat);
	for (size_t a = 0; a < m; a++)
		for (size_t b = 0; b < m; b++)
			middle[a * m + b] = meat.h[a * m + b] * normal->scale[a] *
					    normal->scale[b] / (meat.scale[a] * meat.scale[b]);
	for (size_t a = 0; a < m; a++)
		for (size_t b = 0; b < m; b++) {
			half[a * m + b] = 0;
			for (size_t c = 0; c < m; c++)
				half[a * m + b] += inverse_h[a * m + c] * middle[c * m + b];
		}
	for (size_t a = 0; a < m; a++)
		for (size_t b = 0; b < m; b++) {
			double sum = 0;

			for (size_t c = 0; c < m; c++)
				sum += half[a * m + c] * inverse_h[c * m + b];
			fit->covariance[a][b] = sum * normal->scale[a] * normal->scale[b];
		}
	return 0;
}

/* Part of point i's own noise that the fit followed. */
static double leverage(const struct work *k, size_t i, const double *inverse_h,
		       const struct normal *normal)
{
	size_t n = k->w->n, m = k->count;
	double row[FIT_MAX], sum = 0;

	for (size_t a = 0; a < m; a++)
		row[a] = k->jacobian[a * n + i] * normal->scale[a];
	for (size_t a = 0; a < m; a++) {
		double half = 0.5 * inverse_h[a * m + a] * row[a];

		for (size_t b = 0; b < a; b++)
			half += inverse_h[a * m + b] * row[b];
		sum += 2 * half * row[a];
	}
	return fmin(k->weight[i] * sum, 0.9);
}

static void sum_residuals(const struct work *k, const struct state *state, const double *inverse_h,
			  const struct normal *normal, struct fit *fit)
{
	const double *p = state->line.p;
	double fwhm = line_fwhm_nm(&state->line) + fabs(p[LINE_SPLITTING]);
	double depth = fit->baseline * (fabs(p[LINE_DEPTH]) + fabs(p[LINE_SECOND_DEPTH]));
	size_t core = 0;

	for (size_t i = 0; i < k->w->n; i++) {
		double r = k->w->y[i] - k->model[i], v = k->variance[i];
		double away = fabs(k->w->s[i] - state->line.p[LINE_CENTRE]), chi2 = r * r / v;
		double white = k->w->white[i] / v, square;
		double bend2 = k->curvature[i] * k->curvature[i] * k->w->group_variance_nm2;
		double axis = (k->slope[i] * k->slope[i] + bend2) * k->w->share[i] / v;

		if (k->weight[i] == 0)
			continue;
		fit->chi2 += chi2;
		if (away < fwhm) {
			fit->shape_rms += r * r;
			core++;
		}
		if (away < 3 * fwhm) {
			fit->near_chi2 += chi2;
			fit->near_n++;
		}
		if (away > 2 * fwhm) {
			fit->far_chi2 += chi2;
			fit->far_n++;
		}
		square = chi2 / (1 - leverage(k, i, inverse_h, normal));
		fit->noise.a11 += white * white;
		fit->noise.a12 += white * axis;
		fit->noise.a22 += axis * axis;
		fit->noise.b1 += white * square;
		fit->noise.b2 += axis * square;
	}
	fit->shape_rms = core && depth > 0 ? sqrt(fit->shape_rms / (double)core) / depth : 0;
}

static void copy_values(const struct work *k, const struct state *state, struct fit *fit)
{
	const struct window *w = k->w;

	fit->line = state->line;
	fit->lag_nm = state->lag_nm;
	fit->n = w->n;
	fit->count = k->count;
	memcpy(fit->column, k->column, sizeof(fit->column));
	fit->lag_column = k->lag_column;
	fit->base_column = k->base_column;
	fit->pedestal_column = k->pedestal_column;
	for (int p = 0; p < LINE_PARAMETERS; p++)
		if (k->column[p] >= 0)
			fit->value[k->column[p]] = state->line.p[p];
	for (size_t j = (size_t)k->base_column; j < k->count; j++)
		fit->value[j] = state->linear[j - (size_t)k->base_column];
	fit->pedestal = state->line.peak ? state->linear[w->basis_count] +
						   state->linear[w->basis_count + 1] *
							   state->line.p[LINE_CENTRE] / w->half_nm
					 : 0;
}

/* At the point nearest to the centre: the baseline is smooth on the scale of a step. */
static void look_at_baseline(const struct work *k, double s, struct fit *fit)
{
	const struct window *w = k->w;
	size_t best = 0;

	for (size_t i = 1; i < w->n; i++)
		if (fabs(w->s[i] - s) < fabs(w->s[best] - s))
			best = i;
	fit->baseline = k->baseline[best] / w->neighbours[best];
	for (size_t f = 0; f < w->factor_count; f++)
		for (size_t j = w->factor_start[f]; j < w->factor_start[f + 1]; j++)
			fit->base_gradient[(size_t)k->base_column + j] =
				w->basis[j * w->n + best] * fit->baseline / k->factor[f][best];
}

int work_finish(struct work *k, struct state *state, struct fit *ret)
{
	double inverse_h[FIT_MAX * FIT_MAX];
	struct normal normal;

	work_evaluate(k, state);
	work_fill_jacobian(k, state);
	for (size_t i = 0; i < k->w->n; i++)
		k->variance[i] = work_point_variance(k, &state->line, i);
	copy_values(k, state, ret);
	look_at_baseline(k, state->line.p[LINE_CENTRE], ret);
	if (fill_covariance(k, ret, inverse_h, &normal) < 0)
		return -EDOM;
	sum_residuals(k, state, inverse_h, &normal, ret);
	return 0;
}

double fit_sigma(const struct fit *f, const double gradient[FIT_MAX])
{
	double sum = 0;

	for (size_t a = 0; a < f->count; a++)
		for (size_t b = 0; gradient[a] != 0 && b < f->count; b++)
			sum += gradient[a] * f->covariance[a][b] * gradient[b];
	return sqrt(fmax(sum, 0));
}
