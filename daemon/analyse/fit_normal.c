// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Weights of the points and the normal equations that they make. See fit_work.h.
 *
 * Weights are softer than the noise asks where the curve is flat: a weight that follows every point's
 * own slope would hang the whole depth on the one point that happens to be nearest to the bottom.
 */
#include <errno.h>
#include <gsl/gsl_linalg.h>
#include <math.h>

#include "analyse/fit_work.h"
#include "analyse/pair.h"
#include "base/util.h"

#define SOFTNESS 2.0 /* slopes are blurred over this many sigma_x for the weights */
#define OUTLIER 49.0 /* squared residual over variance */
#define OUTLIER_PART 0.01

/* ---- weights ---- */

double work_point_variance(const struct work *k, const struct line *line, size_t i)
{
	double depth = fabs(line->p[LINE_DEPTH]) + fabs(line->p[LINE_SECOND_DEPTH]);
	double wrong = k->noise->model_error * depth * k->baseline[i];
	double sx2 = pow(k->noise->blur.sigma_x_nm, 2), bend2 = pow(k->curvature[i], 2);
	double slope2 = k->slope[i] * k->slope[i] + bend2 * k->w->group_variance_nm2;

	return k->noise->white_factor * k->w->white[i] +
	       k->w->share[i] * (slope2 * sx2 + 0.5 * bend2 * sx2 * sx2 + wrong * wrong);
}

void work_renew_weights(struct work *k, const struct line *line, double floor)
{
	double soft = SOFTNESS * k->noise->blur.sigma_x_nm * k->noise->blur.sigma_x_nm;

	for (size_t i = 0; i < k->w->n; i++) {
		k->variance[i] = work_point_variance(k, line, i);
		k->weight[i] = 1 / (k->variance[i] + pow(soft * k->curvature[i], 2) +
				    pow(floor * k->baseline[i], 2));
	}
}

/* A few points that no noise explains have no say; many of them are the model's fault. */
size_t work_reject_outliers(struct work *k)
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

double work_cost(const struct work *k, const struct state *state)
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

#define TOGETHER \
	4 /* columns: each has two sums of pairs, and sums that wait for nothing are fast */

/* Products of a with `columns` columns of n from b on; called with constants for `columns`. */
static inline __attribute__((always_inline)) void dots(const double *a, const double *b, size_t n,
						       size_t columns, double *ret)
{
	pair even[TOGETHER] = {}, odd[TOGETHER] = {};
	size_t i = 0;

	for (; i + 4 <= n; i += 4) {
		pair a0 = pair_load(a + i), a1 = pair_load(a + i + 2);

#pragma GCC unroll 4
		for (size_t c = 0; c < columns; c++) {
			even[c] += a0 * pair_load(b + c * n + i);
			odd[c] += a1 * pair_load(b + c * n + i + 2);
		}
	}
	for (; i < n; i++)
#pragma GCC unroll 4
		for (size_t c = 0; c < columns; c++)
			even[c][0] += a[i] * b[c * n + i];
#pragma GCC unroll 4
	for (size_t c = 0; c < columns; c++)
		ret[c] = even[c][0] + even[c][1] + odd[c][0] + odd[c][1];
}

/* Products of columns [first, count) under the weights, and priors; the diagonal is scaled to 1. */
void normal_form(const struct work *k, size_t first, const double *weight, struct normal *ret)
{
	size_t n = k->w->n, m = k->count - first;
	const double *columns = k->jacobian + first * n;
	double *weighted = k->column_scratch;

	ret->count = m;
	for (size_t a = 0; a < m; a++) {
		double *row = ret->h + a * m;
		size_t b = 0;

		for (size_t i = 0; i < n; i++)
			weighted[i] = weight[i] * columns[a * n + i];
		for (; b + TOGETHER <= a + 1; b += TOGETHER)
			dots(weighted, columns + b * n, n, TOGETHER, row + b);
		for (; b <= a; b++)
			dots(weighted, columns + b * n, n, 1, row + b);
	}
	for (size_t a = 0; a < m; a++)
		for (size_t b = 0; b < a; b++)
			ret->h[b * m + a] = ret->h[a * m + b];
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

void normal_form_gradient(const struct work *k, const struct state *state, size_t first,
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

int normal_solve(const struct normal *normal, double damping, double *ret_step)
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

int normal_inverse(const struct normal *normal, double *ret)
{
	gsl_matrix_view view = gsl_matrix_view_array(ret, normal->count, normal->count);

	if (factorise(normal, 1e-14, ret) < 0 || gsl_linalg_cholesky_invert(&view.matrix))
		return -EDOM;
	return 0;
}
