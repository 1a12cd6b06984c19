// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Quadrature for the kernel rectangle * exponential. A fine composite rule is made first; where a
 * Gauss rule of few nodes for the same kernel is as good, that is used, because a node costs the
 * evaluation of the whole optical path.
 */
#include "emulator/aperture.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/util.h"

#define PANEL_NODES 8
#define TAIL_TAUS 32.0 /* exp(-32) = 1e-14 of the weight is beyond */
#define PANEL_TAUS 2.0
#define PANEL_FEATURES 0.5
#define PANELS_MAX 20000.0
#define COMPRESSIBLE_NODES 4000 /* of more, a Gauss rule of few nodes is no match */
#define GAUSS_NODES_MAX 24
#define TOLERANCE 1e-9
#define CACHE_SIZE 32

struct rule {
	size_t count;
	size_t room;
	double *u;
	double *w;
};

struct entry {
	struct aperture aperture;
	double bandwidth_hz;
	double features_per_s;
	bool used;
};

struct aperture_cache {
	struct entry entries[CACHE_SIZE];
	size_t last; /* hit most recently */
	size_t next; /* to be replaced */
	double panel_x[PANEL_NODES];
	double panel_w[PANEL_NODES];
};

void gauss_legendre(size_t count, double *ret_x, double *ret_w)
{
	for (size_t i = 0; i < count; i++) {
		double x = cos(M_PI * ((double)i + 0.75) / ((double)count + 0.5));
		double slope = 0;

		for (int iteration = 0; iteration < 20; iteration++) {
			double p = 1, before = 0;

			for (size_t k = 1; k <= count; k++) {
				double n = (double)k,
				       next = ((2 * n - 1) * x * p - (n - 1) * before) / n;

				before = p;
				p = next;
			}
			slope = (double)count * (x * p - before) / (x * x - 1);
			x -= p / slope;
		}
		ret_x[count - 1 - i] = x;
		ret_w[count - 1 - i] = 2 / ((1 - x * x) * slope * slope);
	}
}

static double kernel(const struct aperture *a, double u)
{
	double end = (a->aperture_s / 2 - u) / a->tau_s;

	if (!(a->tau_s > 0))
		return 1 / a->aperture_s;
	if (u > -a->aperture_s / 2)
		return -expm1(-end) / a->aperture_s;
	return exp(a->aperture_s / a->tau_s - end) * -expm1(-a->aperture_s / a->tau_s) /
	       a->aperture_s;
}

static bool rule_reserve(struct rule *rule, size_t more)
{
	size_t room = MAX(rule->count + more, 2 * rule->room);
	double *grown;

	if (rule->count + more <= rule->room)
		return true;
	grown = realloc(rule->u, room * sizeof(double));
	if (!grown)
		return false;
	rule->u = grown;
	grown = realloc(rule->w, room * sizeof(double));
	if (!grown)
		return false;
	rule->w = grown;
	rule->room = room;
	return true;
}

static bool rule_add_panels(struct rule *rule, const struct aperture_cache *cache,
			    const struct aperture *a, double from, double to, double width)
{
	double panels = fmin(ceil((to - from) / width), PANELS_MAX),
	       half = (to - from) / panels / 2;

	if (!(to > from))
		return true;
	if (!rule_reserve(rule, (size_t)panels * PANEL_NODES))
		return false;
	for (size_t i = 0; i < (size_t)panels; i++)
		for (size_t k = 0; k < PANEL_NODES; k++) {
			double u = from + half * (2 * (double)i + 1 + cache->panel_x[k]);

			rule->u[rule->count] = u;
			rule->w[rule->count++] = half * cache->panel_w[k] * kernel(a, u);
		}
	return true;
}

static void rule_normalise(struct rule *rule)
{
	double sum = 0;

	for (size_t i = 0; i < rule->count; i++)
		sum += rule->w[i];
	for (size_t i = 0; i < rule->count; i++)
		rule->w[i] /= sum;
}

/* The exponential is resolved where it lives: before the aperture's start and before its end. */
static bool rule_composite(struct rule *rule, const struct aperture_cache *cache,
			   const struct aperture *a, double features_per_s)
{
	double coarse = PANEL_FEATURES / features_per_s, half = a->aperture_s / 2;
	double fine = a->tau_s > 0 ? fmin(coarse, PANEL_TAUS * a->tau_s) : coarse;
	double bend = fmax(-half, half - TAIL_TAUS * a->tau_s);

	if (!rule_add_panels(rule, cache, a, -half - TAIL_TAUS * a->tau_s, -half, fine) ||
	    !rule_add_panels(rule, cache, a, -half, bend, coarse) ||
	    !rule_add_panels(rule, cache, a, bend, half, fine))
		return false;
	rule_normalise(rule);
	return true;
}

/* Recurrence coefficients of the polynomials orthogonal under a discrete measure (Stieltjes). */
static bool recurrence(const struct rule *fine, size_t count, double *alpha, double *beta)
{
	_cleanup_free_ double *p = malloc(fine->count * sizeof(double));
	_cleanup_free_ double *before = calloc(fine->count, sizeof(double));
	double norm_before = 1;

	if (!p || !before)
		return false;
	for (size_t i = 0; i < fine->count; i++)
		p[i] = 1;
	for (size_t k = 0; k < count; k++) {
		double norm = 0, first = 0;

		for (size_t i = 0; i < fine->count; i++) {
			norm += fine->w[i] * p[i] * p[i];
			first += fine->w[i] * fine->u[i] * p[i] * p[i];
		}
		alpha[k] = first / norm;
		beta[k] = k ? norm / norm_before : 0;
		norm_before = norm;
		for (size_t i = 0; i < fine->count; i++) {
			double next = (fine->u[i] - alpha[k]) * p[i] - beta[k] * before[i];

			before[i] = p[i];
			p[i] = next;
		}
	}
	return true;
}

static double polynomial(const double *alpha, const double *beta, size_t degree, double x)
{
	double p = 1, before = 0;

	for (size_t k = 0; k < degree; k++) {
		double next = (x - alpha[k]) * p - beta[k] * before;

		before = p;
		p = next;
	}
	return p;
}

static double root_between(const double *alpha, const double *beta, size_t degree, double low,
			   double high)
{
	bool low_positive = polynomial(alpha, beta, degree, low) > 0;

	for (int i = 0; i < 100; i++) {
		double middle = low + (high - low) / 2;

		if ((polynomial(alpha, beta, degree, middle) > 0) == low_positive)
			low = middle;
		else
			high = middle;
	}
	return low + (high - low) / 2;
}

/* 1 / the sum of the squares of the orthonormal polynomials at a node. */
static double christoffel(const double *alpha, const double *beta, size_t count, double x)
{
	double p = 1, before = 0, norm = 1, sum = 0;

	for (size_t k = 0; k < count; k++) {
		double next = (x - alpha[k]) * p - beta[k] * before;

		norm *= k ? beta[k] : 1;
		sum += p * p / norm;
		before = p;
		p = next;
	}
	return 1 / sum;
}

/* The roots of one degree lie between those of the degree below. */
static void rule_gauss(const double *alpha, const double *beta, size_t count, double low,
		       double high, double *ret_u, double *ret_w)
{
	double edges[GAUSS_NODES_MAX + 2];

	for (size_t degree = 1; degree <= count; degree++) {
		edges[0] = low;
		for (size_t i = 1; i < degree; i++)
			edges[i] = ret_u[i - 1];
		edges[degree] = high;
		for (size_t i = 0; i < degree; i++)
			ret_u[i] = root_between(alpha, beta, degree, edges[i], edges[i + 1]);
	}
	for (size_t i = 0; i < count; i++)
		ret_w[i] = christoffel(alpha, beta, count, ret_u[i]);
}

static double lorentzian_mean(const double *u, const double *w, size_t count, double centre,
			      double features_per_s)
{
	double sum = 0;

	for (size_t i = 0; i < count; i++) {
		double x = 2 * (u[i] - centre) * features_per_s;

		sum += w[i] / (1 + x * x);
	}
	return sum;
}

static bool good_enough(const struct rule *fine, const double *u, const double *w, size_t count,
			const struct aperture *a, double features_per_s)
{
	const double centres[] = {-a->aperture_s / 2 - 2 * a->tau_s,
				  -a->aperture_s / 2,
				  -a->tau_s,
				  0,
				  a->aperture_s / 4,
				  a->aperture_s / 2};

	for (size_t i = 0; i < ARRAY_SIZE(centres); i++) {
		double exact =
			lorentzian_mean(fine->u, fine->w, fine->count, centres[i], features_per_s);
		double mean = lorentzian_mean(u, w, count, centres[i], features_per_s);

		if (fabs(mean - exact) > TOLERANCE)
			return false;
	}
	return true;
}

/*
 * Replaces `rule` by a Gauss rule where one of few nodes does. In units of the aperture, against
 * underflow.
 */
static bool rule_compress(struct rule *rule, const struct aperture *a, double features_per_s)
{
	double alpha[GAUSS_NODES_MAX], beta[GAUSS_NODES_MAX], u[GAUSS_NODES_MAX],
		w[GAUSS_NODES_MAX];
	double low = -a->aperture_s / 2 - TAIL_TAUS * a->tau_s, high = a->aperture_s / 2;
	double unit = a->aperture_s + a->tau_s;
	size_t most = MIN((size_t)GAUSS_NODES_MAX, rule->count / 2);

	if (rule->count > COMPRESSIBLE_NODES)
		return true;
	for (size_t i = 0; i < rule->count; i++)
		rule->u[i] /= unit;
	if (!recurrence(rule, most, alpha, beta))
		return false;
	for (size_t i = 0; i < rule->count; i++)
		rule->u[i] *= unit;
	for (size_t count = 1; count <= most; count++) {
		rule_gauss(alpha, beta, count, low / unit, high / unit, u, w);
		for (size_t i = 0; i < count; i++)
			u[i] *= unit;
		if (!good_enough(rule, u, w, count, a, features_per_s))
			continue;
		memcpy(rule->u, u, count * sizeof(double));
		memcpy(rule->w, w, count * sizeof(double));
		rule->count = count;
		break;
	}
	return true;
}

/* Integral of the squared kernel over 2: of the mean of a one-pole filtered white noise. */
static double noise_bandwidth(const struct aperture *a)
{
	double x = a->aperture_s / a->tau_s;

	if (!(a->tau_s > 0))
		return 0.5 / a->aperture_s;
	/* (1 - (1 - exp(-x)) / x) / (2 A), by its series where that would cancel */
	if (x < 1e-3)
		return (x / 2 - x * x / 6) / (2 * a->aperture_s);
	return (1 + expm1(-x) / x) / (2 * a->aperture_s);
}

static bool aperture_make(struct aperture *a, const struct aperture_cache *cache, double aperture_s,
			  double bandwidth_hz, double features_per_s)
{
	struct rule rule = {0};
	bool ok;

	*a = (struct aperture){.aperture_s = aperture_s};
	a->tau_s = bandwidth_hz > 0 && isfinite(bandwidth_hz) ? 1 / (2 * M_PI * bandwidth_hz) : 0;
	a->noise_hz = noise_bandwidth(a);
	a->conversion_hz = a->tau_s > 0 ? M_PI / 2 * bandwidth_hz : a->noise_hz;
	if (features_per_s > 0)
		ok = rule_composite(&rule, cache, a, features_per_s) &&
		     rule_compress(&rule, a, features_per_s);
	else if ((ok = rule_reserve(&rule, 1))) {
		rule.u[0] = -a->tau_s;
		rule.w[0] = 1;
		rule.count = 1;
	}
	a->count = rule.count;
	a->u_s = rule.u;
	a->w = rule.w;
	return ok;
}

static void entry_clear(struct entry *entry)
{
	free(entry->aperture.u_s);
	free(entry->aperture.w);
	*entry = (struct entry){0};
}

static bool entry_is(const struct entry *entry, double aperture_s, double bandwidth_hz,
		     double features_per_s)
{
	return entry->used && entry->aperture.aperture_s == aperture_s &&
	       entry->bandwidth_hz == bandwidth_hz && entry->features_per_s == features_per_s;
}

/* The next quarter power of two, so that a slope that changes a little asks for the same rule. */
static double rounded_up(double x)
{
	static const double quarters[] = {0.5, 0.59460355750136053, 0.70710678118654752,
					  0.84089641525371454};
	int exponent;
	double mantissa = frexp(x, &exponent);

	if (!(x > 0))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(quarters); i++)
		if (mantissa <= quarters[i])
			return ldexp(quarters[i], exponent);
	return ldexp(1, exponent);
}

const struct aperture *aperture_get(struct aperture_cache *cache, double aperture_s,
				    double bandwidth_hz, double features_per_s)
{
	struct entry *entry;

	features_per_s = rounded_up(features_per_s);
	for (size_t i = 0; i < CACHE_SIZE; i++) {
		size_t k = (cache->last + i) % CACHE_SIZE;

		if (entry_is(&cache->entries[k], aperture_s, bandwidth_hz, features_per_s)) {
			cache->last = k;
			return &cache->entries[k].aperture;
		}
	}
	cache->last = cache->next;
	entry = &cache->entries[cache->next];
	cache->next = (cache->next + 1) % CACHE_SIZE;
	entry_clear(entry);
	if (!aperture_make(&entry->aperture, cache, aperture_s, bandwidth_hz, features_per_s)) {
		entry_clear(entry);
		return NULL;
	}
	entry->bandwidth_hz = bandwidth_hz;
	entry->features_per_s = features_per_s;
	entry->used = true;
	return &entry->aperture;
}

struct aperture_cache *aperture_cache_new(void)
{
	struct aperture_cache *cache = calloc(1, sizeof(*cache));

	if (cache)
		gauss_legendre(PANEL_NODES, cache->panel_x, cache->panel_w);
	return cache;
}

struct aperture_cache *aperture_cache_free(struct aperture_cache *cache)
{
	if (!cache)
		return NULL;
	for (size_t i = 0; i < CACHE_SIZE; i++)
		entry_clear(&cache->entries[i]);
	free(cache);
	return NULL;
}
