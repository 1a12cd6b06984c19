// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Levenberg-Marquardt with an analytic Jacobian inside a loop that renews the weights from the
 * current model. The covariance is that of the estimate under the real noise (sandwich), since the
 * weights are softer than the noise asks where the curve is flat: there, a weight that follows every
 * point's own slope would hang the whole depth on the one point that happens to be nearest.
 */
#include "analyse/fit.h"

#include <errno.h>
#include <gsl/gsl_linalg.h>
#include <math.h>

#include "base/util.h"

/*
 * Weights are renewed from the current model. While that is still wrong its slopes are, too, so every
 * point is first taken as good to a part of the baseline only.
 */
static const double floors[] = { 1e-2, 1e-3, 1e-4, 0, 0, 0, 0, 0 };
#define FIRST_WITHOUT_FLOOR 3
#define STEPS 12	/* between renewals */
#define DONE 1e-4	/* squared step in standard deviations */
#define SOFTNESS 2.0	/* slopes are blurred over this many sigma_x for the weights */
#define OUTLIER 49.0	/* squared residual over variance */
#define OUTLIER_PART 0.01

struct state {
	struct line line;
	double lag_nm;
	double linear[WINDOW_MAX_BASIS + 2]; /* baseline, pedestal */
};

struct work {
	const struct window *w;
	const struct fit_noise *noise;
	struct kernel rising, falling;
	struct line_points points;
	struct line_values values;
	double *factor[WINDOW_MAX_FACTORS]; /* whose product is the baseline */
	double *model, *slope, *curvature, *baseline, *weight, *variance, *jacobian;
	double *shifted_s, *shifted_sin, *shifted_cos, *scratch;
	int column[LINE_PARAMETERS];
	int lag_column, base_column, pedestal_column;
	size_t count;
	double *memory;
};

/* ---- set-up ---- */

static void number_columns(struct work *k, const struct line *line)
{
	for (int p = 0; p < LINE_PARAMETERS; p++)
		k->column[p] = line_has(line, p) ? (int)k->count++ : -1;
	k->lag_column = k->w->two_way ? (int)k->count++ : -1;
	k->base_column = (int)k->count;
	k->count += k->w->basis_count;
	k->pedestal_column = line->peak ? (int)k->count : -1;
	k->count += line->peak ? 2 : 0;
}

static int work_allocate(struct work *k)
{
	size_t n = k->w->n;
	double **arrays[] = {
		&k->values.r,	&k->values.r_s, &k->values.r_ss, &k->model,	  &k->slope,
		&k->factor[0],	&k->factor[1],	&k->factor[2],	 &k->factor[3],
		&k->curvature,	&k->baseline,	&k->weight,	 &k->variance,	  &k->shifted_s,
		&k->shifted_sin, &k->shifted_cos, &k->scratch,
	};
	double *p = malloc((ARRAY_SIZE(arrays) + LINE_PARAMETERS + k->count) * n * sizeof(*p));

	if (!p)
		return -ENOMEM;
	k->memory = p;
	for (size_t i = 0; i < ARRAY_SIZE(arrays); i++, p += n)
		*arrays[i] = p;
	for (size_t i = 0; i < LINE_PARAMETERS; i++, p += n)
		k->values.r_p[i] = p;
	k->jacobian = p;
	return 0;
}

static void work_clear(struct work *k)
{
	free(k->memory);
}

/* A group of points is blurred by its own spread, much as by an aperture. */
static void set_kernels(struct work *k, double half_width_nm)
{
	struct blur blur = k->noise->blur;

	blur.aperture_nm = sqrt(blur.aperture_nm * blur.aperture_nm +
				12 * k->w->group_variance_nm2);
	k->rising = kernel_make(&blur, half_width_nm, 1);
	k->falling = kernel_make(&blur, half_width_nm, -1);
}

/* ---- model ---- */

/* Rising points lie half the lag too far up, falling ones half too far down. */
static void place_points(struct work *k, double lag_nm)
{
	const struct window *w = k->w;

	k->points = (struct line_points){ w->n, w->s, w->turn_sin, w->turn_cos, w->direction };
	if (lag_nm == 0)
		return;
	for (size_t i = 0; i < w->n; i++) {
		k->shifted_s[i] = w->s[i] - 0.5 * lag_nm * w->direction[i];
		if (w->period_nm > 0)
			sincos(M_PI * k->shifted_s[i] / w->period_nm, &k->shifted_sin[i],
			       &k->shifted_cos[i]);
	}
	k->points.s = k->shifted_s;
	k->points.turn_sin = k->shifted_sin;
	k->points.turn_cos = k->shifted_cos;
}

/* Factor f of the baseline and its derivative. */
static void sum_columns(const struct window *w, size_t f, const double *c, double *value,
			double *slope)
{
	size_t n = w->n;

	for (size_t i = 0; i < n; i++) {
		value[i] = f == 0 ? 0 : 1;
		slope[i] = 0;
	}
	for (size_t j = w->factor_start[f]; j < w->factor_start[f + 1]; j++) {
		const double *basis = w->basis + j * n, *basis_s = w->slope + j * n;

		for (size_t i = 0; i < n; i++) {
			value[i] += c[j] * basis[i];
			slope[i] += c[j] * basis_s[i];
		}
	}
}

/* Product of all factors and its derivative, where the points really are when directions lag. */
static void evaluate_baseline(struct work *k, const struct state *state)
{
	const struct window *w = k->w;
	double *factor_s = k->curvature; /* free until the end */
	size_t n = w->n;

	sum_columns(w, 0, state->linear, k->factor[0], k->slope);
	memcpy(k->baseline, k->factor[0], n * sizeof(*k->baseline));
	for (size_t f = 1; f < w->factor_count; f++) {
		sum_columns(w, f, state->linear, k->factor[f], factor_s);
		for (size_t i = 0; i < n; i++) {
			k->slope[i] = k->slope[i] * k->factor[f][i] + k->baseline[i] * factor_s[i];
			k->baseline[i] *= k->factor[f][i];
		}
	}
	for (size_t i = 0; state->lag_nm != 0 && i < n; i++)
		k->baseline[i] -= 0.5 * state->lag_nm * w->direction[i] * k->slope[i];
}

static void evaluate(struct work *k, const struct state *state)
{
	const struct window *w = k->w;
	const struct line_values *v = &k->values;
	const double *pedestal = state->linear + w->basis_count;
	size_t n = w->n;

	place_points(k, state->lag_nm);
	line_evaluate(&state->line, &k->points, &k->rising, &k->falling, &k->values);
	evaluate_baseline(k, state);
	for (size_t i = 0; i < n; i++) {
		k->baseline[i] *= w->neighbours[i];
		k->model[i] = k->baseline[i] * v->r[i];
		k->slope[i] = k->slope[i] * w->neighbours[i] * v->r[i] + k->baseline[i] * v->r_s[i];
		k->curvature[i] = k->baseline[i] * v->r_ss[i];
	}
	for (size_t i = 0; state->line.peak && i < n; i++)
		k->model[i] += pedestal[0] + pedestal[1] * w->s[i] / w->half_nm;
}

/* By the coefficients of factor f: its columns x the other factors. */
static void fill_factor(struct work *k, size_t f)
{
	const struct window *w = k->w;
	double *others = k->scratch;
	size_t n = w->n;

	for (size_t i = 0; i < n; i++)
		others[i] = w->neighbours[i] * k->values.r[i];
	for (size_t g = 0; g < w->factor_count; g++)
		for (size_t i = 0; g != f && i < n; i++)
			others[i] *= k->factor[g][i];
	for (size_t j = w->factor_start[f]; j < w->factor_start[f + 1]; j++) {
		double *column = k->jacobian + ((size_t)k->base_column + j) * n;
		const double *basis = w->basis + j * n;

		for (size_t i = 0; i < n; i++)
			column[i] = basis[i] * others[i];
	}
}

static void fill_jacobian(struct work *k, const struct state *state)
{
	const struct window *w = k->w;
	size_t n = w->n;

	for (int p = 0; p < LINE_PARAMETERS; p++) {
		double *column;

		if (k->column[p] < 0)
			continue;
		column = k->jacobian + (size_t)k->column[p] * n;
		for (size_t i = 0; i < n; i++)
			column[i] = k->baseline[i] * k->values.r_p[p][i];
	}
	for (size_t i = 0; k->lag_column >= 0 && i < n; i++)
		k->jacobian[(size_t)k->lag_column * n + i] =
			-0.5 * w->direction[i] * k->slope[i];
	for (size_t f = 0; f < w->factor_count; f++)
		fill_factor(k, f);
	for (size_t i = 0; state->line.peak && i < n; i++) {
		k->jacobian[(size_t)k->pedestal_column * n + i] = 1;
		k->jacobian[((size_t)k->pedestal_column + 1) * n + i] = w->s[i] / w->half_nm;
	}
}

/* ---- weights ---- */

static double point_variance(const struct work *k, const struct line *line, size_t i)
{
	double depth = fabs(line->p[LINE_DEPTH]) + fabs(line->p[LINE_SECOND_DEPTH]);
	double wrong = k->noise->model_error * depth * k->baseline[i];
	double sx2 = pow(k->noise->blur.sigma_x_nm, 2), bend2 = pow(k->curvature[i], 2);
	double slope2 = k->slope[i] * k->slope[i] + bend2 * k->w->group_variance_nm2;

	return k->noise->white_factor * k->w->white[i] +
	       k->w->share[i] * (slope2 * sx2 + 0.5 * bend2 * sx2 * sx2 + wrong * wrong);
}

static void renew_weights(struct work *k, const struct line *line, double floor)
{
	double soft = SOFTNESS * k->noise->blur.sigma_x_nm * k->noise->blur.sigma_x_nm;

	for (size_t i = 0; i < k->w->n; i++) {
		k->variance[i] = point_variance(k, line, i);
		k->weight[i] = 1 / (k->variance[i] + pow(soft * k->curvature[i], 2) +
				    pow(floor * k->baseline[i], 2));
	}
}

/* A few points that no noise explains have no say; many of them are the model's fault. */
static size_t reject_outliers(struct work *k)
{
	size_t n = k->w->n, count = 0;

	for (size_t i = 0; i < n; i++)
		count += pow(k->w->y[i] - k->model[i], 2) * k->weight[i] > OUTLIER;
	if (count == 0 || (double)count > OUTLIER_PART * (double)n)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (pow(k->w->y[i] - k->model[i], 2) * k->weight[i] > OUTLIER)
			k->weight[i] = 0;
	return count;
}

static double cost(const struct work *k, const struct state *state)
{
	double sum = 0;

	for (size_t j = 0; j < k->w->basis_count; j++)
		sum += k->w->prior[j] * state->linear[j] * state->linear[j];
	for (size_t i = 0; i < k->w->n; i++) {
		double r = k->w->y[i] - k->model[i];

		sum += k->weight[i] * r * r;
	}
	return sum;
}

/* ---- normal equations ---- */

struct normal {
	size_t count;
	double h[FIT_MAX * FIT_MAX]; /* scaled to a unit diagonal */
	double g[FIT_MAX], scale[FIT_MAX];
};

static double weighted_dot(const double *w, const double *a, const double *b, size_t n)
{
	double s0 = 0, s1 = 0, s2 = 0, s3 = 0;
	size_t i = 0;

	for (; i + 4 <= n; i += 4) {
		s0 += w[i] * a[i] * b[i];
		s1 += w[i + 1] * a[i + 1] * b[i + 1];
		s2 += w[i + 2] * a[i + 2] * b[i + 2];
		s3 += w[i + 3] * a[i + 3] * b[i + 3];
	}
	for (; i < n; i++)
		s0 += w[i] * a[i] * b[i];
	return s0 + s1 + s2 + s3;
}

/* Products of columns [first, count) under the weights, and priors; the diagonal is scaled to 1. */
static void form_products(const struct work *k, size_t first, const double *weight,
			  struct normal *ret)
{
	size_t n = k->w->n, m = k->count - first;

	ret->count = m;
	for (size_t a = 0; a < m; a++)
		for (size_t b = 0; b <= a; b++)
			ret->h[a * m + b] = ret->h[b * m + a] =
				weighted_dot(weight, k->jacobian + (first + a) * n,
					     k->jacobian + (first + b) * n, n);
	for (size_t j = 0; j < k->w->basis_count; j++) {
		size_t a = (size_t)k->base_column + j - first;

		ret->h[a * m + a] += k->w->prior[j];
	}
	for (size_t a = 0; a < m; a++)
		ret->scale[a] = ret->h[a * m + a] > 0 ? 1 / sqrt(ret->h[a * m + a]) : 1;
	for (size_t a = 0; a < m; a++)
		for (size_t b = 0; b < m; b++)
			ret->h[a * m + b] *= ret->scale[a] * ret->scale[b];
}

static void form_gradient(const struct work *k, const struct state *state, size_t first,
			  struct normal *ret)
{
	size_t n = k->w->n;

	for (size_t a = 0; a < ret->count; a++) {
		const double *column = k->jacobian + (first + a) * n;
		double sum = 0;

		for (size_t i = 0; i < n; i++)
			sum += k->weight[i] * column[i] * (k->w->y[i] - k->model[i]);
		ret->g[a] = sum * ret->scale[a];
	}
	for (size_t j = 0; j < k->w->basis_count; j++) {
		size_t a = (size_t)k->base_column + j - first;

		ret->g[a] -= k->w->prior[j] * state->linear[j] * ret->scale[a];
	}
}

/* Cholesky factor of the scaled matrix plus damping, in `factor`. */
static int factorise(const struct normal *normal, double damping, double *factor)
{
	size_t m = normal->count;
	gsl_matrix_view view = gsl_matrix_view_array(factor, m, m);

	memcpy(factor, normal->h, m * m * sizeof(*factor));
	for (size_t a = 0; a < m; a++)
		factor[a * m + a] += damping;
	return gsl_linalg_cholesky_decomp1(&view.matrix) ? -EDOM : 0;
}

static int solve_step(const struct normal *normal, double damping, double *ret_step)
{
	double factor[FIT_MAX * FIT_MAX];
	size_t m = normal->count;
	gsl_matrix_view view = gsl_matrix_view_array(factor, m, m);
	gsl_vector_const_view g = gsl_vector_const_view_array(normal->g, m);
	gsl_vector_view step = gsl_vector_view_array(ret_step, m);

	if (factorise(normal, damping, factor) < 0 ||
	    gsl_linalg_cholesky_solve(&view.matrix, &g.vector, &step.vector))
		return -EDOM;
	for (size_t a = 0; a < m; a++)
		if (!isfinite(ret_step[a]))
			return -EDOM;
	return 0;
}

/* ---- steps ---- */

static void apply(const struct work *k, const double *step, const double *scale,
		  struct state *state)
{
	for (int p = 0; p < LINE_PARAMETERS; p++)
		if (k->column[p] >= 0)
			state->line.p[p] += step[k->column[p]] * scale[k->column[p]];
	if (k->lag_column >= 0)
		state->lag_nm += step[k->lag_column] * scale[k->lag_column];
	for (size_t j = (size_t)k->base_column; j < k->count; j++)
		state->linear[j - (size_t)k->base_column] += step[j] * scale[j];
}

static bool reasonable(const struct work *k, const struct state *s)
{
	const double *p = s->line.p;
	double half = k->w->half_nm;

	return fabs(p[LINE_CENTRE]) < half && p[LINE_HALF_WIDTH] > 1e-4 * half &&
	       p[LINE_HALF_WIDTH] < 2 * half && fabs(p[LINE_DEPTH]) < 3 &&
	       fabs(p[LINE_ASYMMETRY]) < 10 && fabs(p[LINE_SPLITTING]) < 2 * half &&
	       fabs(p[LINE_SECOND_DEPTH]) < 10 && fabs(s->lag_nm) < half &&
	       (!(s->line.period_nm > 0) || p[LINE_HALF_WIDTH] < s->line.period_nm);
}

/* A flat baseline through the points farthest from the line. */
static double first_level(const struct work *k, const struct line *line)
{
	const struct window *w = k->w;
	double sum = 0, weights = 0;

	for (size_t i = 0; i < w->n; i++) {
		double r = line_response(line, w->s[i]), weight = r * r / w->white[i];

		sum += weight * w->y[i] / r;
		weights += weight;
	}
	return isfinite(sum / weights) ? sum / weights : w->y[0];
}

/* The baseline of dips is seen beside them: their core, not yet known well, has little say. */
static void set_first_weights(struct work *k, const struct line *line)
{
	double core = 2.5 * line_fwhm_nm(line) + 0.5 * line->p[LINE_SPLITTING];

	for (size_t i = 0; i < k->w->n; i++) {
		k->weight[i] = 1 / (k->noise->white_factor * k->w->white[i]);
		if (!line->peak && fabs(k->w->s[i] - line->p[LINE_CENTRE]) < core)
			k->weight[i] *= 1e-4;
	}
}

/* Baseline and pedestal for the line as it is: one step, all but linear. */
static int start_linear(struct work *k, struct state *state)
{
	size_t first = (size_t)k->base_column;
	struct normal normal;
	double step[FIT_MAX];
	int r;

	state->linear[0] = first_level(k, &state->line);
	set_first_weights(k, &state->line);
	evaluate(k, state);
	fill_jacobian(k, state);
	form_products(k, first, k->weight, &normal);
	form_gradient(k, state, first, &normal);
	r = solve_step(&normal, 1e-12, step);
	for (size_t j = 0; r == 0 && j < normal.count; j++)
		state->linear[j] += step[j] * normal.scale[j];
	return r;
}

/* One accepted step; *ret_size its squared length in standard deviations. */
static int descend(struct work *k, struct state *state, double *damping, double *ret_size)
{
	double before = cost(k, state), step[FIT_MAX];
	struct normal normal;

	fill_jacobian(k, state);
	form_products(k, 0, k->weight, &normal);
	form_gradient(k, state, 0, &normal);
	for (int attempt = 0; attempt < 12; attempt++) {
		struct state trial = *state;
		double size = 0;

		if (solve_step(&normal, *damping, step) == 0) {
			apply(k, step, normal.scale, &trial);
			for (size_t a = 0; a < k->count; a++)
				size += step[a] * normal.g[a];
			if (reasonable(k, &trial)) {
				evaluate(k, &trial);
				/* Near the minimum rounding decides: a step without length is taken. */
				if (cost(k, &trial) <= before * (1 + 1e-12)) {
					*state = trial;
					*damping = fmax(*damping / 10, 1e-12);
					*ret_size = size;
					return 0;
				}
			}
		}
		if (size > 0 && size < DONE)
			break;
		*damping = fmax(*damping * 10, 1e-9);
	}
	evaluate(k, state);
	*ret_size = 0;
	return 0;
}

static bool iterate(struct work *k, struct state *state, bool near, size_t *ret_outliers)
{
	double damping = 1e-4;

	for (size_t i = near ? FIRST_WITHOUT_FLOOR : 0; i < ARRAY_SIZE(floors); i++) {
		bool first = i <= FIRST_WITHOUT_FLOOR;
		double moved = 0, size = 0;

		set_kernels(k, state->line.p[LINE_HALF_WIDTH]);
		evaluate(k, state);
		renew_weights(k, &state->line, floors[i]);
		*ret_outliers = first ? 0 : reject_outliers(k);
		for (int step = 0; step < STEPS; step++) {
			descend(k, state, &damping, &size);
			moved += size;
			if (size < 1e-2)
				break;
		}
		if (!first && moved < DONE)
			return true;
	}
	return false;
}

/* ---- results ---- */

static int inverse(const struct normal *normal, double *ret)
{
	gsl_matrix_view view = gsl_matrix_view_array(ret, normal->count, normal->count);

	if (factorise(normal, 1e-14, ret) < 0 || gsl_linalg_cholesky_invert(&view.matrix))
		return -EDOM;
	return 0;
}

/* H^-1 (sum of w^2 var J J) H^-1, all in units of the scaled parameters until the end. */
static int fill_covariance(struct work *k, struct fit *fit, double *inverse_h,
			   struct normal *normal)
{
	size_t n = k->w->n, m = k->count;
	double middle[FIT_MAX * FIT_MAX], half[FIT_MAX * FIT_MAX];
	double *w2v = k->scratch;
	struct normal meat;

	form_products(k, 0, k->weight, normal);
	if (inverse(normal, inverse_h) < 0)
		return -EDOM;
	for (size_t i = 0; i < n; i++)
		w2v[i] = k->weight[i] * k->weight[i] * k->variance[i];
	form_products(k, 0, w2v, &meat);
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

static void sum_residuals(const struct work *k, const struct state *state,
			  const double *inverse_h, const struct normal *normal, struct fit *fit)
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
							   state->line.p[LINE_CENTRE] / w->half_nm :
					   0;
}

/* Baseline at the point nearest to the centre: it is smooth on the scale of a step. */
static double baseline_at(const struct work *k, double s)
{
	size_t best = 0;

	for (size_t i = 1; i < k->w->n; i++)
		if (fabs(k->w->s[i] - s) < fabs(k->w->s[best] - s))
			best = i;
	return k->baseline[best] / k->w->neighbours[best];
}

static int finish(struct work *k, struct state *state, struct fit *ret)
{
	double inverse_h[FIT_MAX * FIT_MAX];
	struct normal normal;

	evaluate(k, state);
	fill_jacobian(k, state);
	for (size_t i = 0; i < k->w->n; i++)
		k->variance[i] = point_variance(k, &state->line, i);
	copy_values(k, state, ret);
	ret->baseline = baseline_at(k, state->line.p[LINE_CENTRE]);
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

int fit_window(const struct window *w, const struct line *start, bool near,
	       const struct fit_noise *noise, struct fit *ret)
{
	_cleanup_(work_clear) struct work k = { .w = w, .noise = noise };
	struct state state = { .line = *start };
	struct fit fit = {};
	int r;

	number_columns(&k, start);
	if (k.count > FIT_MAX || w->n <= k.count)
		return -EDOM;
	r = work_allocate(&k);
	if (r < 0)
		return r;
	set_kernels(&k, start->p[LINE_HALF_WIDTH]);
	r = start_linear(&k, &state);
	if (r < 0)
		return r;
	fit.converged = iterate(&k, &state, near, &fit.outliers);
	r = finish(&k, &state, &fit);
	if (r < 0)
		return r;
	*ret = fit;
	return 0;
}
