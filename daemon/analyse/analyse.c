// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The order of an analysis of resonances: points, candidates, first fits, families, ripple, full
 * fits, shapes, noise from all residuals, last fits, judgement.
 */
#include "analyse/analyse.h"

#include <errno.h>
#include <gsl/gsl_errno.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>

#include "analyse/baseline.h"
#include "analyse/first_fits.h"
#include "analyse/report.h"
#include "base/util.h"

#define SIGNIFICANT 6.0 /* depth over its random part */
#define MOST_SHAPE_RMS 0.3 /* of the depth left in the core: that is no resonance */
/*
 * Up to this part of the span a dip is no fringe: there would be more of them. Where there is none, a wider
 * one, up to the second part, is a resonance if it has the very shape; still wider ones may be anything.
 */
#define SURE_PART 0.05
#define WIDEST_PART 0.15
#define BOTH_PARTS 0.8 /* a width that the first look took for too much may be less by that */
#define SURE_WIDTH 0.02 /* random part of the width of one that must have the shape, */
#define LEAST_WIDTH 0.25 /* and of one that unseen ripple may have made */
#define BELOW_ZERO 0.02 /* of the baseline: no light is less, */
#define BELOW_ZERO_SIGMAS 3.0 /* nor beyond chance */
#define INSIDE_WIDTHS 0.5 /* a centre nearer to an end is not seen well enough to report */
#define CHANGE_OVER_NOISE 20.0
#define RIPPLE_PART 0.35 /* of the free spectral range between peaks */
#define NOISE_PASSES 3
#define SETTLED 0.01

struct analysis {
	struct spectrum spectrum;
	struct grid grid, coarse; /* coarse: for ripple */
	struct resonances all;
	struct ripple ripple;
	struct family families[FAMILY_MAX];
	size_t family_count, left_out_at_edges, left_out_as_fringes;
	struct pool_result noise;
	bool noise_from_data;
	double min_extinction_db, widest_part;
	struct team *team;
};

static void analysis_clear(struct analysis *a)
{
	spectrum_clear(&a->spectrum);
	grid_clear(&a->grid);
	grid_clear(&a->coarse);
	free(a->all.list);
}

/* ---- points ---- */

static int prepare(struct analysis *a, const struct table *table, const char *channel,
		   char **ret_message)
{
	struct spectrum *s = &a->spectrum;
	int r;

	r = spectrum_load(table, channel, s, ret_message);
	if (r < 0)
		return r;
	if (s->monitor)
		r = spectrum_divide_by_monitor(s);
	if (r == 0)
		r = spectrum_estimate_white(s, &a->noise_from_data);
	if (r == 0)
		r = spectrum_sort(s);
	if (r == 0)
		r = grid_make(s, &a->grid);
	if (r == 0)
		r = grid_coarsen(&a->grid, RIPPLE_BINS, &a->coarse);
	if (r < 0)
		return fail(ret_message, r, "out of memory for %zu points", s->n);
	return 0;
}

/* Nothing is known but the points. */
static void start_over(struct analysis *a)
{
	const struct spectrum_description *d = &a->spectrum.description;
	bool known = d->sigma_x_nm > 0;

	free(a->all.list);
	a->all = (struct resonances){
		.spectrum = &a->spectrum,
		.sigma_x_known = known,
		.noise = {.white_factor = 1,
			  .blur = {d->aperture_nm, d->tau_nm, known ? d->sigma_x_nm : 0}},
	};
	a->ripple = (struct ripple){};
	a->noise = (struct pool_result){};
	a->family_count = a->left_out_at_edges = a->left_out_as_fringes = 0;
}

/* ---- candidates ---- */

static int find(struct analysis *a)
{
	_cleanup_free_ struct candidate *candidates = NULL;
	const struct find_limits limits = {1 - pow(10, -a->min_extinction_db / 10), a->widest_part};
	size_t count;
	bool peak;
	int r;

	r = find_candidates(&a->grid, &limits, a->team, &candidates, &count, &peak);
	if (r < 0)
		return r;
	a->all.list = calloc(count + 1, sizeof(*a->all.list));
	if (!a->all.list)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		a->all.list[i] = (struct resonance){
			.id = i,
			.centre_nm = candidates[i].centre_nm,
			.origin_nm = candidates[i].centre_nm,
			.fwhm_nm = candidates[i].fwhm_nm,
			.peak = peak,
			.family = -1,
			.inflation = 1,
		};
	a->all.count = count;
	return 0;
}

/* ---- families ---- */

static int sort_into_families(struct analysis *a)
{
	struct resonances *all = &a->all;
	_cleanup_free_ struct member *members = calloc(all->count + 1, sizeof(*members));
	int r;

	if (!members)
		return -ENOMEM;
	for (size_t i = 0; i < all->count; i++)
		members[i] = (struct member){
			.wavelength_nm = all->list[i].centre_nm,
			.sigma_nm = sqrt(all->list[i].inflation *
					 fit_variance(&all->list[i].fit, LINE_CENTRE)),
			.fwhm_nm = all->list[i].fwhm_nm,
		};
	r = family_find(members, all->count, a->families);
	if (r < 0)
		return r;
	a->family_count = (size_t)r;
	for (size_t i = 0; i < all->count; i++) {
		all->list[i].family = members[i].family;
		all->list[i].period_nm = members[i].period_nm;
	}
	return 0;
}

/* A first fit knew no period: its Lorentzian becomes the Airy function of the same width. */
static void adopt_periods(struct resonances *all)
{
	for (size_t i = 0; i < all->count; i++) {
		struct resonance *r = &all->list[i];

		r->fit.line.period_nm = r->period_nm;
		r->fit.line.p[LINE_HALF_WIDTH] = line_half_width_nm(r->fwhm_nm, r->period_nm);
	}
}

/* ---- baseline ---- */

/*
 * Between peaks there is but their own tails, whose errors repeat with the free spectral range: what
 * is slower than a good part of it cannot be told from them.
 */
static double longest_ripple_nm(const struct resonances *all)
{
	double longest = INFINITY;

	for (size_t i = 0; i < all->count; i++)
		if (all->list[i].peak && all->list[i].period_nm > 0)
			longest = fmin(longest, RIPPLE_PART * all->list[i].period_nm);
	return longest;
}

static int find_ripple(struct analysis *a, bool first)
{
	size_t n = a->coarse.n;
	_cleanup_free_ double *base = malloc(n * sizeof(*base));
	_cleanup_free_ double *weight = malloc(n * sizeof(*weight));

	if (!base || !weight)
		return -ENOMEM;
	baseline_make(&a->coarse, &a->all, first, base, weight);
	a->all.ripple = &a->ripple;
	return ripple_find(&a->coarse, base, weight, longest_ripple_nm(&a->all), &a->ripple);
}

/* ---- full fits ---- */

/* No sigma would change by more than a part of itself that nobody can see. */
static bool is_settled(const struct fit_noise *before, const struct fit_noise *after)
{
	double a = before->blur.sigma_x_nm, b = after->blur.sigma_x_nm;

	return fabs(a - b) <= SETTLED * b && fabs(before->white_factor - after->white_factor) <=
						     2 * SETTLED * after->white_factor;
}

static int full_fits(struct analysis *a)
{
	struct resonances *all = &a->all;
	double stated_nm = all->sigma_x_known ? a->spectrum.description.sigma_x_nm : 0;
	int r;

	r = resonances_each(all, a->team, resonance_fit);
	if (r == 0)
		r = resonances_each(all, a->team, resonance_choose_shape);
	if (r == 0)
		r = resonances_each(all, a->team, resonance_allow_for_shape);
	if (r == 0)
		r = find_ripple(a, false);
	for (int pass = 0; r == 0 && pass < NOISE_PASSES; pass++) {
		const struct fit_noise before = all->noise;

		a->noise = pool_noise(all, stated_nm);
		if (pass > 0 && is_settled(&before, &all->noise))
			break;
		r = resonances_each(all, a->team, resonance_refit);
	}
	return r;
}

/* ---- judgement ---- */

static bool is_inside(const struct spectrum *s, const struct resonance *r)
{
	return fmin(r->centre_nm - s->x_nm[0], s->x_nm[s->n - 1] - r->centre_nm) >
	       INSIDE_WIDTHS * r->fwhm_nm;
}

static bool is_resonance(const struct analysis *a, const struct resonance *r)
{
	return r->fitted && r->fit.shape_rms < MOST_SHAPE_RMS &&
	       resonances_part_of_span(&a->all, r) < a->widest_part &&
	       r->wavelength_nm.sigma < r->fwhm_nm && resonance_significance(r) > SIGNIFICANT &&
	       !(r->extinction_db.value < a->min_extinction_db);
}

/* Deeper than there is light: a fringe in a resonance's place. */
static bool is_below_zero(const struct resonance *r)
{
	double sigma = sqrt(r->inflation * fit_variance(&r->fit, LINE_DEPTH));
	double lowest = line_response(&r->fit.line, detuning_nm(r->extreme_nm, r->origin_nm));

	return !r->peak && lowest < -fmax(BELOW_ZERO, BELOW_ZERO_SIGMAS * sigma);
}

/* What was too wide at the first look must have a resonance's shape; what was narrow is judged. */
static bool has_the_shape(const struct analysis *a, const struct resonance *r)
{
	return resonances_part_of_span(&a->all, r) > BOTH_PARTS * SURE_PART && !r->misfit &&
	       r->width_nm.sigma < SURE_WIDTH * r->fwhm_nm;
}

/* No fringe that a short span shows but once, and nothing that slow ripple makes of itself. */
static bool is_no_fringe(const struct analysis *a, const struct resonance *r)
{
	if (a->widest_part > SURE_PART && !has_the_shape(a, r))
		return false;
	if (!(r->unseen_per_nm > 0))
		return true;
	return !is_below_zero(r) && r->width_nm.sigma > 0 &&
	       r->width_nm.sigma < LEAST_WIDTH * r->fwhm_nm;
}

static void mark_overlaps(struct resonances *all)
{
	for (size_t i = 1; i < all->count; i++) {
		struct resonance *left = &all->list[i - 1], *right = &all->list[i];

		if (right->centre_nm - left->centre_nm < 3 * (left->fwhm_nm + right->fwhm_nm))
			left->overlaps = right->overlaps = true;
	}
}

static void judge(struct analysis *a)
{
	struct resonances *all = &a->all;

	resonances_sort(all);
	for (size_t i = all->count; i-- > 0;) {
		struct resonance *r = &all->list[i];

		resonance_derive(r);
		if (!is_resonance(a, r)) {
			resonances_drop(all, i);
		} else if (!is_inside(&a->spectrum, r)) {
			a->left_out_at_edges++;
			resonances_drop(all, i);
		} else if (!is_no_fringe(a, r)) {
			a->left_out_as_fringes++;
			resonances_drop(all, i);
		}
	}
	mark_overlaps(all);
}

static double median_level(const struct analysis *a)
{
	_cleanup_free_ double *scratch = malloc(a->grid.n * sizeof(*scratch));
	size_t count = 0;

	if (!scratch)
		return NAN;
	for (size_t i = 0; i < a->grid.n; i += spectrum_sample(a->grid.n))
		scratch[count++] = a->grid.y[i];
	return a->spectrum.scale * gsl_stats_median(scratch, 1, count);
}

static int ascending(const void *a, const void *b)
{
	const double *p = a, *q = b;

	return (*p > *q) - (*p < *q);
}

/* From the darkest to the brightest part of the span, but for a few points; 0 where that is noise. */
static double change_db(const struct analysis *a)
{
	size_t n = a->grid.n;
	_cleanup_free_ double *sorted = malloc(n * sizeof(*sorted));
	double low, high, noise;

	if (!sorted)
		return 0;
	memcpy(sorted, a->grid.white, n * sizeof(*sorted));
	noise = sqrt(gsl_stats_median(sorted, 1, n));
	memcpy(sorted, a->grid.y, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), ascending);
	low = sorted[n / 50];
	high = sorted[n - 1 - n / 50];
	return high - low > CHANGE_OVER_NOISE * noise ? 10 * log10(high / fmax(low, noise)) : 0;
}

static int look(struct analysis *a, double widest_part)
{
	int r;

	start_over(a);
	a->widest_part = widest_part;
	r = find(a);
	if (r == 0)
		r = first_fits(&a->all, a->team, widest_part);
	if (r == 0)
		r = sort_into_families(a);
	adopt_periods(&a->all);
	if (r == 0)
		r = find_ripple(a, true);
	if (r == 0)
		r = full_fits(a);
	if (r < 0)
		return r;
	judge(a);
	return sort_into_families(a);
}

static int run(struct analysis *a)
{
	int r = look(a, SURE_PART);

	if (r == 0 && a->all.count == 0 && a->left_out_at_edges == 0)
		r = look(a, WIDEST_PART);
	return r;
}

int analyse_resonances(const struct table *table, const char *channel,
		       const struct analyse_options *options, json_t **ret_result,
		       char **ret_message)
{
	_cleanup_(analysis_clear) struct analysis a = {
		.min_extinction_db = options && options->min_extinction_db > 0
					     ? options->min_extinction_db
					     : ANALYSE_MIN_EXTINCTION_DB,
		.team = options ? options->team : NULL,
	};
	struct report report;
	json_t *result;
	int r;

	gsl_set_error_handler_off();
	r = prepare(&a, table, channel, ret_message);
	if (r < 0)
		return r;
	r = run(&a);
	if (r < 0)
		return fail(ret_message, r, "the analysis ran out of memory");
	report = (struct report){
		.spectrum = &a.spectrum,
		.all = &a.all,
		.ripple = &a.ripple,
		.families = a.families,
		.family_count = a.family_count,
		.left_out_at_edges = a.left_out_at_edges,
		.left_out_as_fringes = a.left_out_as_fringes,
		.change_db = a.all.count ? 0 : change_db(&a),
		.noise = a.noise,
		.noise_from_data = a.noise_from_data,
		.level = median_level(&a),
	};
	result = report_make(&report);
	if (!result)
		return fail(ret_message, -ENOMEM, "the analysis ran out of memory");
	*ret_result = result;
	return 0;
}
