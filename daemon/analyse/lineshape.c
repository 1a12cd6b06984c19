// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Airy, Lorentzian, Fano and split responses summed over the nodes of the blur. No sine is
 * taken per point: the caller's sine and cosine of the detuning are turned by each node's angle.
 */
#include "analyse/lineshape.h"

#include <math.h>
#include <string.h>

#include "analyse/pair.h"
#include "base/util.h"

/* Where the curve bends so little that one node does for the blur: an error of this part of the depth. */
#define BLUR_ERROR 1e-6

bool line_has(const struct line *line, enum line_parameter parameter)
{
	switch (parameter) {
	case LINE_CENTRE:
	case LINE_HALF_WIDTH:
		return true;
	case LINE_DEPTH:
		return !line->peak;
	case LINE_ASYMMETRY:
		return line->shape != SHAPE_LORENTZIAN;
	case LINE_SPLITTING:
	case LINE_SECOND_DEPTH:
		return line->shape == SHAPE_SPLIT;
	case LINE_PARAMETERS:
		break;
	}
	return false;
}

/* A and G of one resonance at one point, blurred: value, derivatives in s, derivative by h. */
struct single {
	double a, a_s, a_ss, a_h, g, g_s;
};

/* The same at two points. */
struct couple {
	pair a, a_s, a_ss, a_h, g, g_s;
};

struct places {
	pair s, turn_sin, turn_cos;
};

/* A node of the blur, ready for every point: its place, or the turn by its angle pi place / P. */
struct node {
	double weight, place, sine, cosine;
};

struct nodes {
	unsigned int count;
	bool odd; /* G is wanted, too */
	double h, k; /* k = pi / P, 0 where P is not known */
	double per_h, per_h2, per_k;
	struct node node[KERNEL_MAX_NODES];
	struct node
		middle; /* stands for all of them further out than this, where blur does nothing */
	double far_nm;
};

static struct node make_node(double place, double weight, double k)
{
	return (struct node){weight, place, sin(k * place), cos(k * place)};
}

static struct nodes make_nodes(const struct line *line, double centre, const struct kernel *kernel)
{
	struct nodes n = {
		.count = kernel->count,
		.h = line->p[LINE_HALF_WIDTH],
		.k = line->period_nm > 0 ? M_PI / line->period_nm : 0,
		.odd = line->shape != SHAPE_LORENTZIAN,
		.per_h = 1 / line->p[LINE_HALF_WIDTH],
		.per_h2 = 1 / (line->p[LINE_HALF_WIDTH] * line->p[LINE_HALF_WIDTH]),
		.per_k = line->period_nm / M_PI,
	};

	double variance = 0;

	for (unsigned int j = 0; j < kernel->count; j++) {
		n.node[j] = make_node(centre + kernel->offset_nm[j], kernel->weight[j], n.k);
		variance += kernel->weight[j] * kernel->offset_nm[j] * kernel->offset_nm[j];
	}
	n.middle = make_node(centre, 1, n.k);
	/* A'' is 6 h^2 / s^4. */
	n.far_nm = fmax(pow(3 * n.h * n.h * variance / BLUR_ERROR, 0.25), 4 * n.h);
	return n;
}

static inline void add_node(const struct places *at, const struct nodes *n, const struct node *node,
			    struct couple *out)
{
	pair q, q1, z, a, a2, flow, turn;

	if (n->k > 0) {
		q = (at->turn_sin * node->cosine - at->turn_cos * node->sine) * n->per_k;
		q1 = at->turn_cos * node->cosine + at->turn_sin * node->sine;
	} else {
		q = at->s - node->place;
		q1 = (pair){1, 1};
	}
	z = q * q * n->per_h2;
	a = 1 / (1 + z);
	a2 = node->weight * a * a;
	flow = q * q1 * n->per_h2;
	turn = n->per_h2 * (q1 * q1 - n->k * n->k * q * q);
	out->a += node->weight * a;
	out->a_s -= 2 * flow * a2;
	out->a_ss += a2 * (8 * flow * flow * a - 2 * turn);
	out->a_h += 2 * z * n->per_h * a2;
	if (!n->odd)
		return;
	out->g += node->weight * flow * n->h * a;
	out->g_s += n->h * (node->weight * turn * a - 2 * flow * flow * a2);
}

static bool is_far(const struct line_points *points, size_t i, const struct nodes *n)
{
	return fabs(points->s[i] - n->middle.place) > n->far_nm;
}

/* Point i and the next have the same nodes. */
static bool are_alike(const struct line_points *points, size_t i, const struct nodes *n)
{
	return i + 1 < points->n && points->direction[i] == points->direction[i + 1] &&
	       is_far(points, i, n) == is_far(points, i + 1, n);
}

/* Points i and j, which may be one, and are both far or both near. */
static inline struct couple blurred(const struct line_points *points, size_t i, size_t j,
				    const struct nodes *n)
{
	struct places at = {.s = {points->s[i], points->s[j]}};
	struct couple out = {};

	if (n->k > 0) {
		at.turn_sin = (pair){points->turn_sin[i], points->turn_sin[j]};
		at.turn_cos = (pair){points->turn_cos[i], points->turn_cos[j]};
	}
	if (is_far(points, i, n)) {
		add_node(&at, n, &n->middle, &out);
		return out;
	}
	for (unsigned int k = 0; k < n->count; k++)
		add_node(&at, n, &n->node[k], &out);
	return out;
}

static inline struct single one_of(const struct couple *c, size_t k)
{
	return (struct single){c->a[k], c->a_s[k], c->a_ss[k], c->a_h[k], c->g[k], c->g_s[k]};
}

/* What take_off() takes of every point alike. */
struct taken {
	int side;
	enum line_parameter by;
	bool odd;
	double depth, odd_sign, e, per_h;
};

static inline void take_off_point(const struct taken *t, const struct single *one, size_t i,
				  struct line_values *ret)
{
	ret->r[i] -= t->depth * one->a;
	ret->r_s[i] -= t->depth * one->a_s;
	ret->r_ss[i] -= t->depth * one->a_ss;
	ret->r_p[LINE_CENTRE][i] += t->depth * one->a_s;
	ret->r_p[LINE_HALF_WIDTH][i] -= t->depth * one->a_h;
	ret->r_p[t->by][i] = -one->a;
	if (t->side != 0)
		ret->r_p[LINE_SPLITTING][i] += 0.5 * t->side * t->depth * one->a_s;
	if (!t->odd)
		return;
	/* By h: G (1 - 2 A) / h, with the blurred factors good enough for a step. */
	ret->r[i] -= t->e * one->g;
	ret->r_s[i] -= t->e * one->g_s;
	ret->r_p[LINE_CENTRE][i] += t->e * one->g_s;
	ret->r_p[LINE_HALF_WIDTH][i] -= t->e * one->g * (1 - 2 * one->a) * t->per_h;
	ret->r_p[LINE_ASYMMETRY][i] -= t->odd_sign * one->g;
	if (t->side != 0)
		ret->r_p[LINE_SPLITTING][i] += 0.5 * t->side * t->e * one->g_s;
}

/* Adds -D A - E G and its derivatives; side is -1 or +1 of a split line, whose E changes sign, or 0. */
static void take_off(const struct line *line, const struct line_points *points,
		     const struct kernel *rising, const struct kernel *falling, int side,
		     struct line_values *ret)
{
	enum line_parameter by = side > 0 ? LINE_SECOND_DEPTH : LINE_DEPTH;
	double centre = line->p[LINE_CENTRE] + 0.5 * side * line->p[LINE_SPLITTING];
	double odd_sign = side > 0 ? -1 : 1;
	const struct nodes up = make_nodes(line, centre, rising);
	const struct nodes down = make_nodes(line, centre, falling);
	const struct taken taken = {
		.side = side,
		.by = by,
		.odd = up.odd,
		.depth = line->p[by],
		.odd_sign = odd_sign,
		.e = odd_sign * line->p[LINE_ASYMMETRY],
		.per_h = up.per_h,
	};

	for (size_t i = 0, count; i < points->n; i += count) {
		const struct nodes *n = points->direction[i] > 0 ? &up : &down;
		struct couple both;

		count = are_alike(points, i, n) ? 2 : 1;
		both = blurred(points, i, i + count - 1, n);
		for (size_t k = 0; k < count; k++) {
			struct single one = one_of(&both, k);

			take_off_point(&taken, &one, i + k, ret);
		}
	}
}

void line_evaluate(const struct line *line, const struct line_points *points,
		   const struct kernel *rising, const struct kernel *falling,
		   struct line_values *ret)
{
	size_t bytes = points->n * sizeof(double);
	bool split = line->shape == SHAPE_SPLIT;

	for (size_t i = 0; i < points->n; i++)
		ret->r[i] = line->peak ? 0 : 1;
	memset(ret->r_s, 0, bytes);
	memset(ret->r_ss, 0, bytes);
	memset(ret->r_p[LINE_CENTRE], 0, bytes);
	memset(ret->r_p[LINE_HALF_WIDTH], 0, bytes);
	if (line->shape != SHAPE_LORENTZIAN)
		memset(ret->r_p[LINE_ASYMMETRY], 0, bytes);
	if (split)
		memset(ret->r_p[LINE_SPLITTING], 0, bytes);
	take_off(line, points, rising, falling, split ? -1 : 0, ret);
	if (split)
		take_off(line, points, rising, falling, 1, ret);
}

static double single_response(double s, double period_nm, double h, double *ret_g)
{
	double q = period_nm > 0 ? period_nm / M_PI * sin(M_PI * s / period_nm) : s;
	double q1 = period_nm > 0 ? cos(M_PI * s / period_nm) : 1;
	double a = 1 / (1 + q * q / (h * h));

	*ret_g = q * q1 / h * a;
	return a;
}

double line_response(const struct line *line, double s)
{
	const double *p = line->p;
	double h = p[LINE_HALF_WIDTH], at = s - p[LINE_CENTRE], r = line->peak ? 0 : 1, low, high;

	if (line->shape == SHAPE_SPLIT) {
		r -= p[LINE_DEPTH] *
		     single_response(at + p[LINE_SPLITTING] / 2, line->period_nm, h, &low);
		r -= p[LINE_SECOND_DEPTH] *
		     single_response(at - p[LINE_SPLITTING] / 2, line->period_nm, h, &high);
		return r - p[LINE_ASYMMETRY] * (low - high);
	}
	r -= p[LINE_DEPTH] * single_response(at, line->period_nm, h, &low);
	return line->shape == SHAPE_FANO ? r - p[LINE_ASYMMETRY] * low : r;
}

double line_fwhm_nm(const struct line *line)
{
	double h = line->p[LINE_HALF_WIDTH];

	if (!(line->period_nm > 0))
		return 2 * h;
	return 2 * line->period_nm / M_PI * asin(fmin(M_PI * h / line->period_nm, 1));
}

double line_half_width_nm(double fwhm_nm, double period_nm)
{
	if (!(period_nm > 0))
		return fwhm_nm / 2;
	return period_nm / M_PI * sin(M_PI / 2 * fmin(fwhm_nm / period_nm, 1));
}
