// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Levenberg-Marquardt with an analytic Jacobian inside a loop that renews the weights from the
 * current model.
 */
#include "analyse/fit.h"

#include <errno.h>
#include <math.h>

#include "analyse/fit_work.h"
#include "base/util.h"

/*
 * While the model is still wrong so are its slopes, and with them the weights: every point is first
 * taken as good to a part of the baseline only.
 */
static const double floors[] = {1e-2, 1e-3, 1e-4, 0, 0, 0, 0, 0};
#define FIRST_WITHOUT_FLOOR 3
#define STEPS 12 /* between renewals */
#define ATTEMPTS 12 /* at one step, each ten times as damped as the last */
#define DONE 1e-4 /* squared step in standard deviations */

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
	work_evaluate(k, state);
	work_fill_jacobian(k, state);
	normal_form(k, first, k->weight, &normal);
	normal_form_gradient(k, state, first, &normal);
	r = normal_solve(&normal, 1e-12, step);
	for (size_t j = 0; r == 0 && j < normal.count; j++)
		state->linear[j] += step[j] * normal.scale[j];
	return r;
}

/* One damped step, taken if it leads down; its squared length in standard deviations either way. */
static bool try_step(struct work *k, const struct normal *normal, double damping, double before,
		     struct state *state, double *ret_size)
{
	struct state trial = *state;
	double step[FIT_MAX];

	*ret_size = 0;
	if (normal_solve(normal, damping, step) < 0)
		return false;
	apply(k, step, normal->scale, &trial);
	for (size_t a = 0; a < k->count; a++)
		*ret_size += step[a] * normal->g[a];
	if (!reasonable(k, &trial))
		return false;
	work_evaluate(k, &trial);
	/* Near the minimum rounding decides: a step without length is taken. */
	if (!(work_cost(k, &trial) <= before * (1 + 1e-12)))
		return false;
	*state = trial;
	return true;
}

/* One step with as much damping as it takes; 0 when none leads down. */
static double descend(struct work *k, struct state *state, double *damping)
{
	double before = work_cost(k, state), size;
	struct normal normal;

	work_fill_jacobian(k, state);
	normal_form(k, 0, k->weight, &normal);
	normal_form_gradient(k, state, 0, &normal);
	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		if (try_step(k, &normal, *damping, before, state, &size)) {
			*damping = fmax(*damping / 10, 1e-12);
			return size;
		}
		if (size > 0 && size < DONE)
			break;
		*damping = fmax(*damping * 10, 1e-9);
	}
	work_evaluate(k, state);
	return 0;
}

static bool iterate(struct work *k, struct state *state, bool near, size_t *ret_outliers)
{
	double damping = 1e-4;

	for (size_t i = near ? FIRST_WITHOUT_FLOOR : 0; i < ARRAY_SIZE(floors); i++) {
		bool first = i <= FIRST_WITHOUT_FLOOR;
		double moved = 0, size = 0;

		work_set_kernels(k, state->line.p[LINE_HALF_WIDTH]);
		work_evaluate(k, state);
		work_renew_weights(k, &state->line, floors[i]);
		*ret_outliers = first ? 0 : work_reject_outliers(k);
		for (int step = 0; step < STEPS; step++) {
			size = descend(k, state, &damping);
			moved += size;
			if (size < 1e-2)
				break;
		}
		if (!first && moved < DONE)
			return true;
	}
	return false;
}

int fit_window(const struct window *w, const struct line *start, bool near,
	       const struct fit_noise *noise, struct fit *ret)
{
	_cleanup_(work_clear) struct work k = {.w = w, .noise = noise};
	struct state state = {.line = *start};
	struct fit fit = {};
	int r;

	r = work_prepare(&k, start);
	if (r < 0)
		return r;
	work_set_kernels(&k, start->p[LINE_HALF_WIDTH]);
	r = start_linear(&k, &state);
	if (r < 0)
		return r;
	fit.converged = iterate(&k, &state, near, &fit.outliers);
	r = work_finish(&k, &state, &fit);
	if (r < 0)
		return r;
	*ret = fit;
	return 0;
}
