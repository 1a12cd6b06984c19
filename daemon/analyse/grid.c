// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Binning to even steps. The step is the points' own; a table with a few dense places and long
 * empty ones is bounded by GRID_MAX bins.
 */
#include "analyse/grid.h"

#include <errno.h>
#include <math.h>

#include "base/util.h"

#define GRID_MAX ((size_t)1 << 21)

void grid_clear(struct grid *g)
{
	free(g->y);
	free(g->white);
	memset(g, 0, sizeof(*g));
}

size_t grid_index(const struct grid *g, double x_nm)
{
	double at = (x_nm - g->first_nm) / g->step_nm + 0.5;

	if (!(at > 0))
		return 0;
	return at >= (double)g->n ? g->n - 1 : (size_t)at;
}

static void fill_empty(double *v, const unsigned int *count, size_t n)
{
	size_t last = n;

	for (size_t i = 0; i < n; i++) {
		if (!count[i])
			continue;
		for (size_t j = last == n ? 0 : last + 1; j < i; j++)
			v[j] = last == n ? v[i]
					 : v[last] + (v[i] - v[last]) * (double)(j - last) /
							     (double)(i - last);
		last = i;
	}
	for (size_t j = last + 1; last < n && j < n; j++)
		v[j] = v[last];
}

int grid_make(const struct spectrum *s, struct grid *ret)
{
	double span = s->x_nm[s->n - 1] - s->x_nm[0], bins = span / s->step_nm + 1;
	_cleanup_grid_ struct grid g = {};
	_cleanup_free_ unsigned int *count = NULL;

	g.n = (size_t)fmin(fmax(round(bins), SPECTRUM_MIN_POINTS), GRID_MAX);
	g.n = MIN(g.n, 4 * s->n);
	g.first_nm = s->x_nm[0];
	g.step_nm = span / (double)(g.n - 1);
	g.y = calloc(g.n, sizeof(*g.y));
	g.white = calloc(g.n, sizeof(*g.white));
	count = calloc(g.n, sizeof(*count));
	if (!g.y || !g.white || !count)
		return -ENOMEM;

	for (size_t i = 0; i < s->n; i++) {
		size_t k = grid_index(&g, s->x_nm[i]);

		g.y[k] += s->y[i];
		g.white[k] += s->white[i];
		count[k]++;
	}
	for (size_t k = 0; k < g.n; k++) {
		if (!count[k])
			continue;
		g.y[k] /= count[k];
		g.white[k] /= (double)count[k] * count[k];
	}
	fill_empty(g.y, count, g.n);
	fill_empty(g.white, count, g.n);
	*ret = g;
	memset(&g, 0, sizeof(g));
	return 0;
}

int grid_coarsen(const struct grid *fine, size_t bins, struct grid *ret)
{
	size_t group = MAX(fine->n / bins, (size_t)1);
	_cleanup_grid_ struct grid g = {
		.n = fine->n / group,
		.first_nm = fine->first_nm + 0.5 * (double)(group - 1) * fine->step_nm,
		.step_nm = fine->step_nm * (double)group,
	};

	g.y = calloc(g.n, sizeof(*g.y));
	g.white = calloc(g.n, sizeof(*g.white));
	if (!g.y || !g.white)
		return -ENOMEM;
	for (size_t i = 0; i < g.n * group; i++) {
		g.y[i / group] += fine->y[i] / (double)group;
		g.white[i / group] += fine->white[i] / (double)(group * group);
	}
	*ret = g;
	memset(&g, 0, sizeof(g));
	return 0;
}
