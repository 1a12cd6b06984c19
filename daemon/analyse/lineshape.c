// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Airy, Lorentzian, Fano and split responses summed over the nodes of the blur. No sine is
 * taken per point: the caller's sine and cosine of the detuning are turned by each node's angle.
 */
#include "analyse/lineshape.h"

#include <math.h>
#include <string.h>

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

static inline void add_node(const struct line_points *points, size_t i, const struct nodes *n,
			    const struct node *node, struct single *out)
{
	double q, q1, z, a, a2, flow, turn;

	if (n->k > 0) {
		double s = points->turn_sin[i], c = points->turn_cos[i];

		q = (s * node->cosine - c * node->sine) * n->per_k;
		q1 = c * node->cosine + s * node->sine;
	} else {
		q = points->s[i] - node->place;
		q1 = 1;
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

static inline struct single blurred(const struct line_points *points, size_t i,
				    const struct nodes *n)
{
	struct single out = {};
	double away = points->s[i] - n->middle.place;

	if (fabs(away) > n->far_nm) {
		add_node(points, i, n, &n->middle, &out);
		return out;
	}
	for (unsigned int j = 0; j < n->count; j++)
		add_node(points, i, n, &n->node[j], &out);
	return out;
}

/* Adds -D A - E G and its derivatives; side is -1 or +1 of a split line, whose E changes sign, or 0. */
static void take_off(const struct line *line, const struct line_points *points,
		     const struct kernel *rising, const struct kernel *falling, int side,
		     struct line_values *ret)
{
	enum line_parameter by = side > 0 ? LINE_SECOND_DEPTH : LINE_DEPTH;
	double depth = line->p[by], odd_sign = side > 0 ? -1 : 1;
	double e = odd_sign * line->p[LINE_ASYMMETRY];
	double centre = line->p[LINE_CENTRE] + 0.5 * side * line->p[LINE_SPLITTING];
	struct nodes up = make_nodes(line, centre, rising);
	struct nodes down = make_nodes(line, centre, falling);
	for (size_t i = 0; i < points->n; i++) {
		struct single one = blurred(points, i, points->direction[i] > 0 ? &up : &down);

		ret->r[i] -= depth * one.a;
		ret->r_s[i] -= depth * one.a_s;
		ret->r_ss[i] -= depth * one.a_ss;
		ret->r_p[LINE_CENTRE][i] += depth * one.a_s;
		ret->r_p[LINE_HALF_WIDTH][i] -= depth * one.a_h;
		ret->r_p[by][i] = -one.a;
		if (side != 0)
			ret->r_p[LINE_SPLITTING][i] += 0.5 * side * depth * one.a_s;
		if (!up.odd)
			continue;
		/* By h: G (1 - 2 A) / h, with the blurred factors good enough for a step. */
		ret->r[i] -= e * one.g;
		ret->r_s[i] -= e * one.g_s;
		ret->r_p[LINE_CENTRE][i] += e * one.g_s;
		ret->r_p[LINE_HALF_WIDTH][i] -= e * one.g * (1 - 2 * one.a) * up.per_h;
		ret->r_p[LINE_ASYMMETRY][i] -= odd_sign * one.g;
		if (side != 0)
			ret->r_p[LINE_SPLITTING][i] += 0.5 * side * e * one.g_s;
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
