/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the parts of a fit share: the model and its derivatives at all points of a window (fit_model.c),
 * weights and normal equations (fit_normal.c), what comes out (fit_result.c). Layer: analyse, behind
 * fit.h.
 */
#ifndef ETALON_ANALYSE_FIT_WORK_H
#define ETALON_ANALYSE_FIT_WORK_H

#include "analyse/fit.h"

struct state {
	struct line line;
	double lag_nm;
	double linear[WINDOW_MAX_BASIS + 2]; /* baseline, pedestal */
};

/* Arrays have a value for every point of the window; the Jacobian has a column for every parameter. */
struct work {
	const struct window *w;
	const struct fit_noise *noise;
	struct kernel rising, falling;
	struct line_points points;
	struct line_values values;
	double *factor[WINDOW_MAX_FACTORS]; /* whose product is the baseline */
	double *model, *slope, *curvature, *baseline, *weight, *variance, *jacobian;
	double *shifted_s, *shifted_sin, *shifted_cos, *scratch, *column_scratch;
	int column[LINE_PARAMETERS];
	int lag_column, base_column, pedestal_column;
	size_t count;
	double *memory;
};

/* H x = g, scaled so that H has a unit diagonal: the parameters' steps are x scale. */
struct normal {
	size_t count;
	double h[FIT_MAX * FIT_MAX];
	double g[FIT_MAX], scale[FIT_MAX];
};

/* ---- fit_model.c ---- */

/* k->w and k->noise are set. 0, -ENOMEM, -EDOM: more parameters than can be. */
int work_prepare(struct work *k, const struct line *line);
void work_clear(struct work *k);
/* Blur for a resonance that is so wide. */
void work_set_kernels(struct work *k, double half_width_nm);
/* Model, slope, curvature and all factors for the state; then the Jacobian of the same. */
void work_evaluate(struct work *k, const struct state *state);
void work_fill_jacobian(struct work *k, const struct state *state);

/* ---- fit_normal.c ---- */

/* Variance of point i by noise, axis and model error, from the model as evaluated. */
double work_point_variance(const struct work *k, const struct line *line, size_t i);
/* `floor`: of the baseline, to which a point is good at best. */
void work_renew_weights(struct work *k, const struct line *line, double floor);
/* Weight 0 for the few points that no noise explains; how many they are. */
size_t work_reject_outliers(struct work *k);
/* Weighted squares and what the priors add. */
double work_cost(const struct work *k, const struct state *state);

/* Products of the Jacobian's columns [first, count) under the weights, and priors. */
void normal_form(const struct work *k, size_t first, const double *weight, struct normal *ret);
void normal_form_gradient(const struct work *k, const struct state *state, size_t first,
			  struct normal *ret);
/* Damped step, scaled. -EDOM when there is none. */
int normal_solve(const struct normal *normal, double damping, double *ret_step);
int normal_inverse(const struct normal *normal, double *ret);

/* ---- fit_result.c ---- */

/* Evaluates once more and fills everything but `converged` and `outliers`. */
int work_finish(struct work *k, struct state *state, struct fit *ret);

#endif
