// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Airy, Lorentzian, Fano and split responses summed over the nodes of the blur. No sine is
 * taken per point: the caller's sine and cosine of the detuning are turned by each node's angle.
 */
#include "analyse/lineshape.h"

#include <math.h>
#include <string.h>

#include "base/util.h"

bool line_has(const struct line *line, enum line_parameter parameter)
{
	switch (parameter) {
	case LINE_CENTRE:
	case LINE_HALF_WIDTH:
		return true;
	case LINE_DEPTH:
		return !line->peak;
	case LINE_ASYMMETRY:
		return line->shape == SHAPE_FANO;
	case LINE_SPLITTING:
	case LINE_SECOND_DEPTH:
		return line->shape == SHAPE_SPLIT;
	case LINE_PARAMETERS:
		break;
	}
	return false;
}

/* A and G of one resonance, blurred: value, first and second derivative in s, derivative by h. */
struct single {
	double *a, *a_s, *a_ss, *a_h, *g, *g_s;
};

struct angle {
	double sine, cosine, k; /* of pi (s0 + offset) / P; k = pi / P */
};

/* q and its derivative at detuning s less the node's offset. */
static inline void coordinate(const struct line_points *points, size_t i, double period_nm,
			      double shift, const struct angle *t, double *ret_q, double *ret_q1)
{
	if (period_nm > 0) {
		double s = points->turn_sin[i], c = points->turn_cos[i];

		*ret_q = (s * t->cosine - c * t->sine) / t->k;
		*ret_q1 = c * t->cosine + s * t->sine;
	} else {
		*ret_q = points->s[i] - shift;
		*ret_q1 = 1;
	}
}

static void add_node(const struct line_points *points, double period_nm, double h, double shift,
		     double weight, int direction, struct single *out)
{
	const double inverse = 1 / h, inverse2 = inverse * inverse;
	const struct angle t = { sin(M_PI * shift / period_nm), cos(M_PI * shift / period_nm),
				 M_PI / period_nm };
	const double k2 = period_nm > 0 ? t.k * t.k : 0;

	for (size_t i = 0; i < points->n; i++) {
		double q, q1, z, a, flow, a2;

		if (points->direction[i] != direction)
			continue;
		coordinate(points, i, period_nm, shift, &t, &q, &q1);
		z = q * q * inverse2;
		a = 1 / (1 + z);
		a2 = weight * a * a;
		flow = q * q1 * inverse2;
		out->a[i] += weight * a;
		out->a_s[i] -= 2 * flow * a2;
		out->a_ss[i] += a2 * (8 * flow * flow * a - 2 * inverse2 * (q1 * q1 - k2 * q * q));
		out->a_h[i] += 2 * z * inverse * a2;
		if (!out->g)
			continue;
		out->g[i] += weight * flow * h * a;
		out->g_s[i] += weight * inverse * (q1 * q1 - k2 * q * q) * a -
			       2 * h * flow * flow * a2;
	}
}

static void add_single(const struct line_points *points, double period_nm, double h, double centre,
		       const struct kernel *rising, const struct kernel *falling,
		       struct single *out)
{
	bool both = false;

	for (size_t i = 0; i < points->n && !both; i++)
		both = points->direction[i] < 0;
	for (unsigned int k = 0; k < rising->count; k++)
		add_node(points, period_nm, h, centre + rising->offset_nm[k], rising->weight[k], 1,
			 out);
	for (unsigned int k = 0; both && k < falling->count; k++)
		add_node(points, period_nm, h, centre + falling->offset_nm[k], falling->weight[k],
			 -1, out);
}

static struct single single_clear(double *scratch, size_t n, bool with_g)
{
	memset(scratch, 0, LINE_SCRATCH * n * sizeof(*scratch));
	return (struct single){
		.a = scratch,
		.a_s = scratch + n,
		.a_ss = scratch + 2 * n,
		.a_h = scratch + 3 * n,
		.g = with_g ? scratch + 4 * n : NULL,
		.g_s = with_g ? scratch + 5 * n : NULL,
	};
}

/* Adds -depth A(s - s0 -+ d/2) and its derivatives; side is -1, 0 or +1. */
static void take_off(const struct single *one, size_t n, double depth, int side,
		     enum line_parameter depth_parameter, struct line_values *ret)
{
	double *by_depth = ret->r_p[depth_parameter];

	for (size_t i = 0; i < n; i++) {
		ret->r[i] -= depth * one->a[i];
		ret->r_s[i] -= depth * one->a_s[i];
		ret->r_ss[i] -= depth * one->a_ss[i];
		ret->r_p[LINE_CENTRE][i] += depth * one->a_s[i];
		ret->r_p[LINE_HALF_WIDTH][i] -= depth * one->a_h[i];
		ret->r_p[LINE_SPLITTING][i] += 0.5 * side * depth * one->a_s[i];
		by_depth[i] = -one->a[i];
	}
}

/* h dG/dh = G (1 - 2 A), here with the blurred factors: good enough for a step towards the minimum. */
static void take_off_asymmetry(const struct single *one, size_t n, double asymmetry, double h,
			       struct line_values *ret)
{
	for (size_t i = 0; i < n; i++) {
		ret->r[i] -= asymmetry * one->g[i];
		ret->r_s[i] -= asymmetry * one->g_s[i];
		ret->r_p[LINE_CENTRE][i] += asymmetry * one->g_s[i];
		ret->r_p[LINE_HALF_WIDTH][i] -= asymmetry * one->g[i] * (1 - 2 * one->a[i]) / h;
		ret->r_p[LINE_ASYMMETRY][i] = -one->g[i];
	}
}

void line_evaluate(const struct line *line, const struct line_points *points,
		   const struct kernel *rising, const struct kernel *falling,
		   struct line_values *ret)
{
	const double h = line->p[LINE_HALF_WIDTH], centre = line->p[LINE_CENTRE];
	const double half_split =
		line->shape == SHAPE_SPLIT ? line->p[LINE_SPLITTING] / 2 : 0;
	size_t n = points->n;
	struct single one = single_clear(ret->scratch, n, line->shape == SHAPE_FANO);

	for (size_t i = 0; i < n; i++)
		ret->r[i] = line->peak ? 0 : 1;
	memset(ret->r_s, 0, n * sizeof(*ret->r_s));
	memset(ret->r_ss, 0, n * sizeof(*ret->r_ss));
	for (unsigned int k = 0; k < LINE_PARAMETERS; k++)
		memset(ret->r_p[k], 0, n * sizeof(*ret->r_p[k]));

	add_single(points, line->period_nm, h, centre - half_split, rising, falling, &one);
	take_off(&one, n, line->p[LINE_DEPTH], line->shape == SHAPE_SPLIT ? -1 : 0, LINE_DEPTH,
		 ret);
	if (line->shape == SHAPE_FANO)
		take_off_asymmetry(&one, n, line->p[LINE_ASYMMETRY], h, ret);
	if (line->shape != SHAPE_SPLIT)
		return;
	one = single_clear(ret->scratch, n, false);
	add_single(points, line->period_nm, h, centre + half_split, rising, falling, &one);
	take_off(&one, n, line->p[LINE_SECOND_DEPTH], 1, LINE_SECOND_DEPTH, ret);
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
	double h = p[LINE_HALF_WIDTH], at = s - p[LINE_CENTRE], g, r = line->peak ? 0 : 1;

	if (line->shape == SHAPE_SPLIT)
		return r - p[LINE_DEPTH] * single_response(at + p[LINE_SPLITTING] / 2,
							   line->period_nm, h, &g) -
		       p[LINE_SECOND_DEPTH] * single_response(at - p[LINE_SPLITTING] / 2,
							      line->period_nm, h, &g);
	r -= p[LINE_DEPTH] * single_response(at, line->period_nm, h, &g);
	return line->shape == SHAPE_FANO ? r - p[LINE_ASYMMETRY] * g : r;
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
