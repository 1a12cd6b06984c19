// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The model of a window at all its points, with the derivative by every parameter. See fit_work.h.
 */
#include <errno.h>
#include <math.h>

#include "analyse/fit_work.h"
#include "base/util.h"

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
		&k->values.r,	 &k->values.r_s,  &k->values.r_ss, &k->model,	  &k->slope,
		&k->factor[0],	 &k->factor[1],	  &k->factor[2],   &k->factor[3], &k->factor[4],
		&k->curvature,	 &k->baseline,	  &k->weight,	   &k->variance,  &k->shifted_s,
		&k->shifted_sin, &k->shifted_cos, &k->scratch, &k->column_scratch,
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

int work_prepare(struct work *k, const struct line *line)
{
	number_columns(k, line);
	if (k->count > FIT_MAX || k->w->n <= k->count)
		return -EDOM;
	return work_allocate(k);
}

void work_clear(struct work *k)
{
	free(k->memory);
}

/* A group of points is blurred by its own spread, much as by an aperture. */
void work_set_kernels(struct work *k, double half_width_nm)
{
	struct blur blur = k->noise->blur;

	blur.aperture_nm =
		sqrt(blur.aperture_nm * blur.aperture_nm + 12 * k->w->group_variance_nm2);
	k->rising = kernel_make(&blur, half_width_nm, 1);
	k->falling = kernel_make(&blur, half_width_nm, -1);
}

/* ---- model ---- */

/* Rising points lie half the lag too far up, falling ones half too far down. */
static void place_points(struct work *k, double lag_nm)
{
	const struct window *w = k->w;

	k->points = (struct line_points){w->n, w->s, w->turn_sin, w->turn_cos, w->direction};
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

void work_evaluate(struct work *k, const struct state *state)
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

void work_fill_jacobian(struct work *k, const struct state *state)
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
		k->jacobian[(size_t)k->lag_column * n + i] = -0.5 * w->direction[i] * k->slope[i];
	for (size_t f = 0; f < w->factor_count; f++)
		fill_factor(k, f);
	for (size_t i = 0; state->line.peak && i < n; i++) {
		k->jacobian[(size_t)k->pedestal_column * n + i] = 1;
		k->jacobian[((size_t)k->pedestal_column + 1) * n + i] = w->s[i] / w->half_nm;
	}
}
