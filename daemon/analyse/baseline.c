// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Divides the fitted resonances out. Between dips the light is there and every point counts; between
 * peaks only the peaks' own tails carry the ripple, so points count by how much light they have.
 */
#include "analyse/baseline.h"

#include <errno.h>
#include <math.h>

#include "base/util.h"

#define CORE 4.0 /* widths on either side that are masked, */
#define FIRST_CORE 8.0 /* with first fits */
#define REACH 60.0 /* widths to where a Lorentzian's tail is followed */
#define PEDESTAL_PART 0.3 /* of what a fit says about a pedestal is error */
#define NO_BETTER 3e-3 /* relative error below which points count alike */

struct interval {
	size_t from, to;
};

static struct interval reach_of(const struct grid *g, const struct resonance *r)
{
	double reach = r->period_nm > 0 ? r->period_nm / 2 : REACH * r->fwhm_nm;

	return (struct interval){grid_index(g, r->centre_nm - reach),
				 grid_index(g, r->centre_nm + reach) + 1};
}

static void divide_dips(const struct grid *g, const struct resonances *all, double *base)
{
	for (size_t k = 0; k < all->count; k++) {
		const struct resonance *r = &all->list[k];
		struct interval reach = reach_of(g, r);

		for (size_t i = reach.from; r->fitted && i < reach.to; i++)
			base[i] /= fmax(line_response(&r->fit.line,
						      detuning_nm(grid_x(g, i), r->origin_nm)),
					1e-3);
	}
}

/*
 * Points count by their relative error once the peaks' tails are all that they have. A pedestal is not
 * known well enough to be taken off: where it would matter points count little.
 */
static void divide_peaks(const struct grid *g, const struct resonances *all, double *base,
			 double *weight)
{
	memset(weight, 0, g->n * sizeof(*weight));
	for (size_t k = 0; k < all->count; k++) {
		const struct resonance *r = &all->list[k];
		double pedestal2 = pow(PEDESTAL_PART * r->fit.pedestal, 2);
		struct interval reach = reach_of(g, r);

		for (size_t i = reach.from; r->fitted && i < reach.to; i++) {
			double light = r->fit.baseline *
				       line_response(&r->fit.line,
						     detuning_nm(grid_x(g, i), r->origin_nm));
			double error = (g->white[i] + pedestal2) / (light * light);

			if (!(light > 0))
				continue;
			base[i] = g->y[i] / light;
			weight[i] = NO_BETTER * NO_BETTER / (error + NO_BETTER * NO_BETTER);
		}
	}
}

static void mask_cores(const struct grid *g, const struct resonances *all, double widths,
		       double *weight)
{
	for (size_t k = 0; k < all->count; k++) {
		const struct resonance *r = &all->list[k];
		double core = widths * r->fwhm_nm + r->splitting_nm;
		size_t to = grid_index(g, r->centre_nm + core);

		for (size_t i = grid_index(g, r->centre_nm - core); i <= to; i++)
			weight[i] = 0;
	}
}

void baseline_make(const struct grid *g, const struct resonances *all, bool first, double *base,
		   double *weight)
{
	for (size_t i = 0; i < g->n; i++) {
		base[i] = g->y[i];
		weight[i] = 1;
	}
	if (all->count > 0 && all->list[0].peak)
		divide_peaks(g, all, base, weight);
	else
		divide_dips(g, all, base);
	mask_cores(g, all, first ? FIRST_CORE : CORE, weight);
}
