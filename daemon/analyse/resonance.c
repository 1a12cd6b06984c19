// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Windows, neighbours and shapes. The numbers that come out of a fit are in derive.c.
 */
#include "analyse/resonance.h"

#include <errno.h>
#include <math.h>

#include "base/util.h"

#define FIRST_WIDTHS 5.0 /* half window of the first fit, in widths */
#define FIRST_MODEL_ERROR 0.02
#define GROSS 0.02 /* of the depth left in the core: the shape is another one */
#define LEAST_STEPS 12.0 /* of the axis in half a window */
#define PERIOD_PART 0.42 /* of the free spectral range in half a window */
/*
 * Ripple with fewer periods in the span than ripple.c finds may be there and not be known of. Faster
 * than one period in so many widths is none: that would be seen beside the resonance.
 */
#define UNSEEN_PERIODS 12.0
#define UNSEEN_WIDTHS 4.0
#define UNSEEN_IN_HALF 1.5 /* of its shortest periods in half a window */
#define SHORT_SPAN 300.0 /* widths */
#define MOST_NEIGHBOURS 64
#define DEGREE 3
/* Another shape must be this much more likely (twice the logarithm), beyond its parameters. */
#define SHAPE_GUARD 30.0
#define EXPLAINED_CHI2 5.0 /* reduced, near the resonance */
#define LEAST_SPLIT 0.25 /* widths */
#define LEAST_ASYMMETRY 0.02 /* of the depth */

static const double window_widths[] = {40, 20, 10, 5};

/* ---- neighbours ---- */

static size_t neighbours_of(const struct resonances *all, const struct resonance *r, double half_nm,
			    bool with_lines, struct neighbour *ret)
{
	size_t count = 0;

	for (size_t k = 0; k < all->count && count < MOST_NEIGHBOURS; k++) {
		const struct resonance *other = &all->list[k];
		bool same = r->family >= 0 && other->family == r->family;

		if (other->id == r->id ||
		    fabs(other->centre_nm - r->centre_nm) > half_nm + 40 * other->fwhm_nm)
			continue;
		/* An Airy function has its family's other resonances in it. */
		ret[count++] = (struct neighbour){
			.centre_nm = other->centre_nm,
			.fwhm_nm = other->fwhm_nm,
			.origin_nm = other->origin_nm,
			.line = with_lines && other->fitted && !(same && r->period_nm > 0)
					? &other->fit.line
					: NULL,
		};
	}
	return count;
}

/* ---- one fit ---- */

static struct line start_line(const struct resonance *r, double origin_nm)
{
	struct line line = {
		.shape = r->shape,
		.peak = r->peak,
		.period_nm = r->period_nm,
		.p =
			{
				[LINE_CENTRE] = detuning_nm(r->centre_nm, origin_nm),
				[LINE_HALF_WIDTH] = line_half_width_nm(r->fwhm_nm, r->period_nm),
				[LINE_DEPTH] = r->peak ? -1 : 0.7,
			},
	};

	if (r->fitted && !r->peak)
		line.p[LINE_DEPTH] = r->fit.line.p[LINE_DEPTH];
	if (r->shape != SHAPE_SPLIT)
		return line;
	line.p[LINE_SPLITTING] = r->splitting_nm;
	if (!r->peak)
		line.p[LINE_DEPTH] *= 0.7;
	line.p[LINE_SECOND_DEPTH] = line.p[LINE_DEPTH];
	return line;
}

static double span_nm(const struct resonances *all)
{
	const struct spectrum *s = all->spectrum;

	return s->x_nm[s->n - 1] - s->x_nm[0];
}

static double unseen_per_nm(const struct resonances *all, const struct resonance *r)
{
	double span = span_nm(all);

	if (span > SHORT_SPAN * r->fwhm_nm)
		return 0;
	return fmin(UNSEEN_PERIODS / span, 1 / (UNSEEN_WIDTHS * r->fwhm_nm));
}

/* A parabola times a peak's tail is a pedestal: only where the tail is no Lorentzian's are they two. */
static unsigned int degree_for(const struct resonances *all, const struct resonance *r,
			       double half_nm)
{
	double points = 2 * half_nm / all->spectrum->step_nm;

	if (r->peak && !(r->period_nm > 0) && unseen_per_nm(all, r) > 0)
		return 1;
	return points < 60 ? 2 : DEGREE;
}

static int fit_in(const struct resonances *all, struct resonance *r, double half_nm, bool first,
		  const struct line *from)
{
	struct neighbour neighbours[MOST_NEIGHBOURS];
	struct window_request q = {
		.centre_nm = r->centre_nm,
		.half_nm = half_nm,
		.fwhm_nm = r->fwhm_nm + r->splitting_nm,
		.period_nm = r->period_nm,
		.degree = first ? 1 : degree_for(all, r, half_nm),
		.ripple = first ? NULL : all->ripple,
		.unseen_per_nm = first ? 0 : unseen_per_nm(all, r),
		.neighbours = neighbours,
		.neighbour_count = neighbours_of(all, r, half_nm, !first, neighbours),
	};
	_cleanup_window_ struct window w = {};
	struct fit_noise noise = all->noise;
	struct line start;
	struct fit fit;
	int e;

	noise.model_error = first ? FIRST_MODEL_ERROR : r->model_error;
	e = window_make(all->spectrum, &q, &w);
	if (e < 0)
		return e;
	start = from ? *from : start_line(r, q.centre_nm);
	start.period_nm = r->period_nm;
	if (from)
		start.p[LINE_CENTRE] += detuning_nm(r->origin_nm, q.centre_nm);
	e = fit_window(&w, &start, from && from->shape == r->fit.line.shape, &noise, &fit);
	if (e < 0)
		return e;
	r->fit = fit;
	r->fitted = true;
	r->half_nm = half_nm;
	r->origin_nm = q.centre_nm;
	r->unseen_per_nm = q.unseen_per_nm;
	return 0;
}

/* What was fitted becomes what is known, if it is a resonance inside of the window at all. */
static bool take_over(const struct resonances *all, struct resonance *r, double most_nm)
{
	const struct line *line = &r->fit.line;
	double fwhm_nm = line_fwhm_nm(line);
	double centre_nm = wavelength_nm(line->p[LINE_CENTRE], r->origin_nm);

	if (!(fwhm_nm > 0.2 * all->spectrum->step_nm) || !(fwhm_nm < most_nm) ||
	    !(fabs(line->p[LINE_CENTRE]) < 0.8 * r->half_nm) ||
	    !(r->peak || line->p[LINE_DEPTH] + line->p[LINE_SECOND_DEPTH] > 0) ||
	    !(r->fit.baseline > 0)) {
		r->fitted = false;
		return false;
	}
	r->centre_nm = centre_nm;
	r->fwhm_nm = fwhm_nm;
	r->splitting_nm = fabs(line->p[LINE_SPLITTING]);
	return true;
}

/* ---- stages ---- */

int resonance_first_fit(const struct resonances *all, struct resonance *r)
{
	static const double guesses[] = {1, 0.5, 2};
	struct resonance best = *r;

	for (size_t g = 0; g < ARRAY_SIZE(guesses); g++) {
		struct resonance trial = *r;

		trial.fwhm_nm *= guesses[g];
		for (int again = 0; again < 2; again++) {
			double half_nm = fmax(FIRST_WIDTHS * trial.fwhm_nm + trial.splitting_nm,
					      LEAST_STEPS * all->spectrum->step_nm);
			int e = fit_in(all, &trial, half_nm, true, NULL);

			if (e == -ENOMEM)
				return e;
			if (e < 0 || !take_over(all, &trial, 0.8 * half_nm)) {
				trial.fitted = false;
				break;
			}
			if (half_nm > 0.7 * FIRST_WIDTHS * trial.fwhm_nm)
				break;
		}
		if (trial.fitted && (!best.fitted || trial.fit.chi2 / (double)trial.fit.n <
							     best.fit.chi2 / (double)best.fit.n))
			best = trial;
		if (best.fitted)
			break;
	}
	*r = best;
	return 0;
}

/* Mean square of what is left beside the resonance, in units of its variance. */
static double beside(const struct fit *f)
{
	return f->far_n > 0 ? f->far_chi2 / (double)f->far_n : INFINITY;
}

static bool describes_baseline(const struct fit *f)
{
	return beside(f) < 1.25 + 5 * sqrt(2.0 / (double)f->far_n);
}

/* A fit that ran away took the baseline's part. */
static bool is_like(const struct resonance *a, const struct resonance *b)
{
	return a->fwhm_nm < 3 * b->fwhm_nm && b->fwhm_nm < 3 * a->fwhm_nm &&
	       fabs(a->centre_nm - b->centre_nm) < b->fwhm_nm + b->splitting_nm;
}

static double window_limit(const struct resonances *all, const struct resonance *r)
{
	double span = span_nm(all), unseen = unseen_per_nm(all, r);
	/* Beyond, what may be unseen takes more terms than it is worth. */
	double limit_nm = unseen > 0 ? UNSEEN_IN_HALF / unseen : span / 4;

	if (!(r->period_nm > 0))
		return limit_nm;
	return fmin(PERIOD_PART * r->period_nm, unseen > 0 ? limit_nm : span);
}

int resonance_fit(const struct resonances *all, struct resonance *r)
{
	double limit_nm = window_limit(all, r), tried_nm = INFINITY;
	const struct resonance before = *r;
	struct resonance best = *r;
	bool any = false;

	for (size_t k = 0; k < ARRAY_SIZE(window_widths); k++) {
		struct resonance trial = before;
		double half_nm = fmin(window_widths[k] * r->fwhm_nm + r->splitting_nm, limit_nm);
		int e;

		half_nm = fmax(half_nm, LEAST_STEPS * all->spectrum->step_nm);
		if (half_nm >= tried_nm)
			continue;
		tried_nm = half_nm;
		e = fit_in(all, &trial, half_nm, false, NULL);
		if (e == -ENOMEM)
			return e;
		if (e < 0 || !take_over(all, &trial, 0.8 * half_nm) || !is_like(&trial, &before))
			continue;
		if (!any || beside(&trial.fit) < beside(&best.fit))
			best = trial;
		any = true;
		if (describes_baseline(&trial.fit))
			break;
	}
	*r = best;
	return 0;
}

int resonance_refit(const struct resonances *all, struct resonance *r)
{
	const struct resonance before = *r;
	const struct line from = r->fit.line;
	int e;

	if (!r->fitted)
		return 0;
	e = fit_in(all, r, r->half_nm, false, &from);
	if (e == -ENOMEM)
		return e;
	/* A fit that got lost on the way is worse than the one that was there. */
	if (e < 0 || !take_over(all, r, r->half_nm) || !is_like(r, &before) ||
	    beside(&r->fit) > 3 * fmax(beside(&before.fit), 1))
		*r = before;
	return 0;
}

/* Of the points themselves: where they are lowest (highest for a peak), between samples. */
static double lowest(const struct resonances *all, const struct resonance *r)
{
	const struct spectrum *s = all->spectrum;
	double reach = fmax(r->fwhm_nm + r->splitting_nm, 2 * s->step_nm), sign = r->peak ? -1 : 1;
	size_t from = spectrum_lower_bound(s, r->centre_nm - reach), best = from;
	double left, right, bend;

	for (size_t i = from; i < s->n && s->x_nm[i] < r->centre_nm + reach; i++)
		if (sign * s->y[i] < sign * s->y[best])
			best = i;
	if (best == 0 || best + 1 >= s->n)
		return best < s->n ? s->x_nm[best] : r->centre_nm;
	left = sign * (s->y[best - 1] - s->y[best]);
	right = sign * (s->y[best + 1] - s->y[best]);
	bend = left + right;
	return bend > 0 ? s->x_nm[best] + 0.5 * (left - right) / bend * s->step_nm : s->x_nm[best];
}

int resonance_allow_for_shape(const struct resonances *all, struct resonance *r)
{
	for (int pass = 0; r->fitted && r->fit.shape_rms > GROSS && pass < 2; pass++) {
		int e;

		r->model_error = r->fit.shape_rms;
		e = resonance_refit(all, r);
		if (e < 0)
			return e;
	}
	r->lowest_nm = r->model_error > 0 ? lowest(all, r) : r->centre_nm;
	return 0;
}

/* ---- shapes ---- */

/* Twice the logarithm of how much more likely, each with the noise that its own residuals show. */
static double gain(const struct fit *plain, const struct fit *other)
{
	double n = (double)MIN(plain->near_n, other->near_n);
	double before = plain->near_chi2 / (double)plain->near_n;
	double after = other->near_chi2 / (double)other->near_n;
	double extra = (double)(other->count - plain->count);

	if (!(n > extra + 8) || !(after > 0) || !(before > after))
		return 0;
	return n * log(before / after) - extra * log(n);
}

static bool is_worth(const struct resonance *r)
{
	const double *p = r->fit.line.p;

	if (r->shape == SHAPE_SPLIT)
		return fabs(p[LINE_SPLITTING]) > LEAST_SPLIT * r->fwhm_nm &&
		       p[LINE_SECOND_DEPTH] * p[LINE_DEPTH] > 0 &&
		       fabs(p[LINE_SECOND_DEPTH]) > 0.05 * fabs(p[LINE_DEPTH]) &&
		       fabs(p[LINE_DEPTH]) > 0.05 * fabs(p[LINE_SECOND_DEPTH]);
	return fabs(p[LINE_ASYMMETRY]) > LEAST_ASYMMETRY * fabs(p[LINE_DEPTH]);
}

/* A shape that leaves as much as this is no explanation, however much better it is. */
static bool explains(const struct fit *f)
{
	return f->shape_rms < GROSS ||
	       (f->near_n > 0 && f->near_chi2 / (double)f->near_n < EXPLAINED_CHI2);
}

/* The fit as it would be with another shape in the same window and under the same noise. */
static int try_shape(const struct resonances *all, const struct resonance *plain, enum shape shape,
		     struct resonance *ret)
{
	struct resonance trial = *plain;
	struct line from = plain->fit.line;
	int e;

	trial.shape = from.shape = shape;
	if (shape == SHAPE_SPLIT) {
		from.p[LINE_SPLITTING] = 0.6 * plain->fwhm_nm;
		from.p[LINE_HALF_WIDTH] *= 0.75;
		from.p[LINE_DEPTH] *= 0.6;
		from.p[LINE_SECOND_DEPTH] = from.p[LINE_DEPTH];
	}
	e = fit_in(all, &trial, plain->half_nm, false, &from);
	if (e < 0 || !take_over(all, &trial, plain->half_nm) || !is_worth(&trial)) {
		*ret = *plain;
		return e == -ENOMEM ? e : 0;
	}
	*ret = trial;
	return 0;
}

/* The plain shape is not even looked beyond where the known noise explains all that it leaves. */
static bool is_explained(const struct resonances *all, const struct resonance *r)
{
	const struct fit *f = &r->fit;

	return all->sigma_x_known && f->near_n > 0 &&
	       f->near_chi2 / (double)f->near_n < 1 + 5 * sqrt(2.0 / (double)f->near_n);
}

int resonance_choose_shape(const struct resonances *all, struct resonance *r)
{
	static const enum shape shapes[] = {SHAPE_FANO, SHAPE_SPLIT};
	const struct resonance plain = *r;
	double best = SHAPE_GUARD;

	if (!r->fitted || r->shape != SHAPE_LORENTZIAN || is_explained(all, r))
		return 0;
	for (size_t k = 0; k < ARRAY_SIZE(shapes); k++) {
		struct resonance trial;
		int e = try_shape(all, &plain, shapes[k], &trial);
		double better;

		if (e < 0)
			return e;
		better = trial.shape != plain.shape && explains(&trial.fit)
				 ? gain(&plain.fit, &trial.fit)
				 : 0;
		if (better > best) {
			best = better;
			*r = trial;
		}
	}
	return 0;
}
