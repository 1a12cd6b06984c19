// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Chains of resonances, each found where the two before it promise. Positions are wavenumbers, in
 * which a constant group index makes equal steps. A chain counts by how improbable it is that
 * resonances strewn at random would have met its promises as closely.
 */
#include "analyse/family.h"

#include <errno.h>
#include <gsl/gsl_linalg.h>
#include <math.h>

#include "base/cleanup.h"
#include "base/util.h"

#define PROMISE 0.02 /* of a step: how far off the next member may be */
#define CLOSEST 5e-4 /* of a step: closer than this proves nothing more */
#define WIDTH_RATIO 3.0 /* of neighbours in a family */
#define TWIN_RATIO 1.3 /* where a family has two members only */
#define ACCIDENTS 0.02 /* accidental chains allowed in a spectrum */
#define DEGREE 2
#define MOST_MEMBERS 512
#define UNKNOWN_SIGMA 1e-9 /* relative */

struct chain {
	size_t count, skipped;
	size_t at[MOST_MEMBERS];
	int order[MOST_MEMBERS];
	double off; /* largest deviation from a promise, in steps */
	double step;
	double accidents; /* expected number of chains as good */
};

struct field {
	struct member *m;
	const double *k; /* wavenumbers, falling */
	size_t n;
};

static bool alike(const struct member *a, const struct member *b, double ratio)
{
	return a->fwhm_nm < ratio * b->fwhm_nm && b->fwhm_nm < ratio * a->fwhm_nm;
}

/* Free member nearest to the wavenumber, field->n when there is none near enough. */
static size_t nearest(const struct field *f, double k, double tolerance, const struct member *like)
{
	size_t low = 0, high = f->n, best = f->n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (f->k[middle] > k + tolerance)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < f->n && f->k[low] >= k - tolerance; low++)
		if (f->m[low].family < 0 && alike(&f->m[low], like, WIDTH_RATIO) &&
		    (best == f->n || fabs(f->k[low] - k) < fabs(f->k[best] - k)))
			best = low;
	return best;
}

/* Follows a chain from its first two members; one missing member at a time is stepped over. */
static void follow(const struct field *f, size_t first, size_t second, struct chain *c)
{
	double step = f->k[first] - f->k[second];

	*c = (struct chain){.count = 2, .step = step};
	c->at[0] = first;
	c->at[1] = second;
	c->order[1] = 1;
	while (c->count < MOST_MEMBERS) {
		size_t last = c->at[c->count - 1], next = f->n;
		int stride = 1;

		for (; stride <= 2 && next == f->n; stride++)
			next = nearest(f, f->k[last] - stride * step, PROMISE * step, &f->m[last]);
		if (next == f->n || next == last)
			return;
		stride--;
		c->off = fmax(c->off, fabs((f->k[last] - f->k[next]) / stride - step) / step);
		c->skipped += stride - 1;
		c->order[c->count] = c->order[c->count - 1] + stride;
		c->at[c->count++] = next;
		step = (f->k[last] - f->k[next]) / stride;
	}
}

/* Pairs that could have started a chain x chance to meet every later promise. */
static double accidents(const struct field *f, const struct chain *c)
{
	double span = f->k[0] - f->k[f->n - 1], n = (double)f->n;
	double chance = fmin(n * 2 * fmax(c->off, CLOSEST) * c->step / span, 1);

	return n * n / 2 * pow(chance, (double)c->count - 2) * pow(3, (double)c->skipped);
}

static bool is_better(const struct chain *a, const struct chain *b)
{
	return a->accidents < b->accidents;
}

/* Two resonances in all, alike: their distance is a free spectral range, if unproven. */
static bool are_twins(const struct field *f, const struct chain *c)
{
	return f->n == 2 && c->count == 2 && alike(&f->m[0], &f->m[1], TWIN_RATIO);
}

static bool best_chain(const struct field *f, struct chain *best, struct chain *trial)
{
	best->accidents = INFINITY;
	for (size_t i = 0; i < f->n; i++)
		for (size_t j = i + 1; f->m[i].family < 0 && j < f->n; j++) {
			if (f->m[j].family >= 0 || !(f->k[i] > f->k[j]) ||
			    !alike(&f->m[i], &f->m[j], WIDTH_RATIO))
				continue;
			follow(f, i, j, trial);
			trial->accidents = accidents(f, trial);
			if (trial->count > 2 && is_better(trial, best))
				*best = *trial;
			if (are_twins(f, trial)) {
				*best = *trial;
				return true;
			}
		}
	return best->accidents < ACCIDENTS;
}

/* ---- free spectral range ---- */

struct dispersion {
	double b[DEGREE + 1], covariance[(DEGREE + 1) * (DEGREE + 1)];
	double middle, half; /* order = middle + half u */
};

/* One member: where it is on the parabola's axis, and its weight. */
struct station {
	double power[DEGREE + 1]; /* of u */
	double off; /* relative wavenumber, less 1 */
	double weight;
};

static struct station station_of(const struct field *f, const struct chain *c,
				 const struct dispersion *d, size_t i)
{
	const struct member *m = &f->m[c->at[i]];
	double u = (c->order[i] - d->middle) / d->half;
	double sigma = m->sigma_nm > 0 ? m->sigma_nm / m->wavelength_nm : UNKNOWN_SIGMA;

	return (struct station){
		.power = {1, u, u * u},
		.off = f->k[c->at[i]] / f->k[c->at[0]] - 1,
		.weight = 1 / (sigma * sigma),
	};
}

static size_t terms_of(const struct chain *c)
{
	return c->count > 3 ? DEGREE + 1 : 2;
}

/* Deviations beyond the members' sigmas. */
static double excess(const struct field *f, const struct chain *c, const struct dispersion *d)
{
	size_t p = terms_of(c);
	double chi2 = 0;

	for (size_t i = 0; i < c->count; i++) {
		struct station at = station_of(f, c, d, i);
		double off = at.off;

		for (size_t s = 0; s < p; s++)
			off -= d->b[s] * at.power[s];
		chi2 += at.weight * off * off;
	}
	return c->count > p ? fmax(chi2 / (double)(c->count - p), 1) : 1;
}

/* Wavenumber over order: a line or parabola through all members, by their weights. */
static bool fit_dispersion(const struct field *f, const struct chain *c, struct dispersion *ret)
{
	size_t p = terms_of(c);
	struct dispersion d = {.middle = c->order[c->count - 1] / 2.0,
			       .half = fmax(c->order[c->count - 1] / 2.0, 0.5)};
	gsl_matrix_view a = gsl_matrix_view_array(d.covariance, p, p);
	gsl_vector_view b = gsl_vector_view_array(d.b, p);
	double scale = f->k[c->at[0]], more;

	for (size_t i = 0; i < c->count; i++) {
		struct station at = station_of(f, c, &d, i);

		for (size_t s = 0; s < p; s++) {
			d.b[s] += at.weight * at.power[s] * at.off;
			for (size_t t = 0; t < p; t++)
				d.covariance[s * p + t] += at.weight * at.power[s] * at.power[t];
		}
	}
	if (gsl_linalg_cholesky_decomp1(&a.matrix) ||
	    gsl_linalg_cholesky_svx(&a.matrix, &b.vector) || gsl_linalg_cholesky_invert(&a.matrix))
		return false;
	more = excess(f, c, &d);
	for (size_t s = 0; s < p * p; s++)
		d.covariance[s] *= more * scale * scale;
	for (size_t s = 0; s < p; s++)
		d.b[s] *= scale;
	*ret = d;
	return true;
}

/* Step of wavenumber from one order to the next. */
static double local_step(const struct dispersion *d, double order)
{
	double u = (order - d->middle) / d->half;

	return -(d->b[1] + 2 * d->b[2] * u) / d->half;
}

static void name_members(const struct field *f, const struct chain *c, int family,
			 const struct dispersion *d)
{
	for (size_t i = 0; i < c->count; i++) {
		struct member *m = &f->m[c->at[i]];

		m->family = family;
		m->order = c->order[i];
		m->period_nm = local_step(d, c->order[i]) * m->wavelength_nm * m->wavelength_nm;
	}
}

/* At the middle of the family; the parabola's slope there does not depend on its curvature. */
static struct family summarise(const struct field *f, const struct chain *c,
			       const struct dispersion *d)
{
	size_t p = terms_of(c);
	double at_nm = 1 / (f->k[c->at[0]] + d->b[0]);

	return (struct family){
		.count = c->count,
		.at_nm = at_nm,
		.fsr_nm = local_step(d, d->middle) * at_nm * at_nm,
		.fsr_sigma_nm = sqrt(d->covariance[p + 1]) / d->half * at_nm * at_nm,
	};
}

int family_find(struct member *members, size_t count, struct family ret[FAMILY_MAX])
{
	_cleanup_free_ double *k = calloc(count + 1, sizeof(*k));
	_cleanup_free_ struct chain *best = malloc(sizeof(*best));
	_cleanup_free_ struct chain *trial = malloc(sizeof(*trial));
	struct field f = {members, k, MIN(count, (size_t)MOST_MEMBERS)};
	int found = 0;

	if (!k || !best || !trial)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		members[i].family = -1;
		members[i].period_nm = 0;
		k[i] = 1 / members[i].wavelength_nm;
	}
	while (found < FAMILY_MAX && f.n >= 2 && best_chain(&f, best, trial)) {
		struct dispersion d;

		if (!fit_dispersion(&f, best, &d) || !(local_step(&d, d.middle) > 0))
			break;
		name_members(&f, best, found, &d);
		ret[found++] = summarise(&f, best, &d);
		if (f.n == 2)
			break;
	}
	return found;
}
