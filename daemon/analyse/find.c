// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The mean over a width less the means on both sides of it, for a ladder of widths. Slopes
 * cancel; the median of its size in the neighbourhood says what noise, ripple or fringes make of
 * it on this scale. The strongest response wins its place, over widths and positions.
 */
#include "analyse/find.h"

#include <errno.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>

#include "analyse/found.h"
#include "base/util.h"

#define SIGNIFICANT 9.0
#define SIGNIFICANT_NARROW 14.0 /* at widths where single points decide */
#define NARROW 5
#define BLOCK_WIDTHS 40 /* a neighbourhood is this many widths at least, */
#define BLOCK_LEAST 400 /* points at least, */
#define BLOCKS_MOST 24 /* and a part of the spectrum at most */
#define WIDEST_MEASURE 0.5 /* of the widest resonance: it is seen in its middle */
#define SPIKE_SQUARE 64.0 /* over the white variance */
#define STRIDES 10 /* positions in a width that are looked at */
#define MEDIAN_TO_SIGMA 1.4826
#define WIDTHS_MOST 64 /* each half as wide again as the last: more than there can be points */
/* Nothing below this part of full scale is a feature: rounding. */
#define ROUNDING 1e-9

struct search {
	const struct grid *grid;
	double *y; /* despiked */
	double *sum; /* sum[i]: of y before i */
	double *size; /* the same of |y| */
	double *response; /* of the width that is looked at */
	double *scratch;
	struct find_limits limits;
};

/* ---- spikes ---- */

static double median5(const double *v)
{
	double a[5];

	memcpy(a, v, sizeof(a));
	for (int i = 1; i < 5; i++)
		for (int j = i; j > 0 && a[j - 1] > a[j]; j--) {
			double swap = a[j];

			a[j] = a[j - 1];
			a[j - 1] = swap;
		}
	return a[2];
}

/* One point far from four that agree is no resonance. */
static void despike(struct search *s)
{
	const double *y = s->grid->y;
	size_t n = s->grid->n;

	memcpy(s->y, y, n * sizeof(*y));
	for (size_t i = 2; i + 2 < n; i++) {
		double step = fmin(fabs(y[i] - y[i - 1]), fabs(y[i] - y[i + 1]));
		double middle, off, beside;

		if (step * step < SPIKE_SQUARE / 2 * s->grid->white[i])
			continue; /* most points, at once */
		middle = median5(y + i - 2);
		off = fabs(y[i] - middle);
		beside = fmax(fabs(y[i - 1] - middle), fabs(y[i + 1] - middle));
		if (off > 5 * beside && off * off > SPIKE_SQUARE * s->grid->white[i])
			s->y[i] = middle;
	}
}

static void sum_up(struct search *s)
{
	s->sum[0] = s->size[0] = 0;
	for (size_t i = 0; i < s->grid->n; i++) {
		s->sum[i + 1] = s->sum[i] + s->y[i];
		s->size[i + 1] = s->size[i] + fabs(s->y[i]);
	}
}

/* ---- one width ---- */

static double mean(const struct search *s, size_t from, size_t to)
{
	return (s->sum[to] - s->sum[from]) / (double)(to - from);
}

/* Positions nearer to an end than this have no measure: half of a side is the least. */
static size_t margin(size_t width)
{
	return width + width / 2;
}

/* Mean of both sides, from one width off the centre to two: shorter, but equally, near an end. */
static double sides(const struct search *s, size_t i, size_t width)
{
	size_t room = MIN(i, s->grid->n - 1 - i), outer = MIN(2 * width, room + 1);

	return (mean(s, i + 1 - outer, i + 1 - width) + mean(s, i + width, i + outer)) / 2;
}

static double centre(const struct search *s, size_t i, size_t width)
{
	return mean(s, i - width / 2, i + width / 2 + 1);
}

static size_t block_length(const struct search *s, size_t width)
{
	return MAX(MAX((size_t)BLOCK_WIDTHS * width, (size_t)BLOCK_LEAST),
		   s->grid->n / BLOCKS_MOST);
}

/* Light around i: what noise, ripple and fringes scale with when a coupler's envelope is steep. */
static double level(const struct search *s, size_t i, size_t reach)
{
	size_t from = i > reach ? i - reach : 0, to = MIN(i + reach + 1, s->grid->n);

	return (s->size[to] - s->size[from]) / (double)(to - from) + ROUNDING;
}

/* Only every stride-th position is looked at: the measure is as smooth as it is wide. */
static size_t stride_of(size_t width)
{
	return MAX(width / STRIDES, (size_t)1);
}

static size_t round_up(size_t i, size_t stride)
{
	return (i + stride - 1) / stride * stride;
}

/* Depth of the centre below its sides over the light around: positive for dips. */
static void respond(struct search *s, size_t width)
{
	size_t stride = stride_of(width);
	size_t n = s->grid->n, edge = margin(width), reach = block_length(s, width) / 2;
	size_t inner = MAX(reach, 2 * width), half = width / 2, w = width;
	const double *sum = s->sum, *size = s->size;
	double per_side = 0.5 / (double)width, per_centre = 1.0 / (double)(2 * half + 1);
	double reach_points = (double)(2 * reach + 1);

	memset(s->response, 0, MIN(edge, n) * sizeof(*s->response));
	memset(s->response + n - MIN(edge, n), 0, MIN(edge, n) * sizeof(*s->response));
	for (size_t i = round_up(edge, stride); i + edge < n; i += stride) {
		if (i < inner || i + inner + 1 > n) {
			s->response[i] = (sides(s, i, w) - centre(s, i, w)) / level(s, i, reach);
			continue;
		}
		s->response[i] = (per_side * (sum[i + 1 - w] - sum[i + 1 - 2 * w] + sum[i + 2 * w] -
					      sum[i + w]) -
				  per_centre * (sum[i + half + 1] - sum[i - half])) *
				 reach_points /
				 (size[i + reach + 1] - size[i - reach] + ROUNDING * reach_points);
	}
}

static double typical(const struct search *s, size_t from, size_t to, size_t every)
{
	size_t count = 0;

	for (size_t i = round_up(from, every); i < to; i += every)
		s->scratch[count++] = fabs(s->response[i]);
	return count ? MEDIAN_TO_SIGMA * gsl_stats_median(s->scratch, 1, count) : 0;
}

static bool is_top(const double *r, double sign, size_t i, size_t n, size_t reach, size_t stride)
{
	for (size_t k = stride; k <= reach; k += stride)
		if ((i >= k && sign * r[i - k] > sign * r[i]) ||
		    (i + k < n && sign * r[i + k] >= sign * r[i]))
			return false;
	return true;
}

/* Of a dip: part of the level beside it. Of a peak: part of its own height. */
static double contrast_at(const struct search *s, size_t i, size_t width, bool peak)
{
	double beside = sides(s, i, width), inside = centre(s, i, width);
	double whole = peak ? inside : beside;

	return whole > 0 ? fabs(beside - inside) / whole : 0;
}

/* A dip's measure is positive, a peak's negative. */
static int collect(const struct search *s, size_t width, size_t from, size_t to, double scatter,
		   struct found *dips, struct found *peaks)
{
	double least = width < NARROW ? SIGNIFICANT_NARROW : SIGNIFICANT;
	double enough = fmax(least * scatter, ROUNDING);
	size_t reach = block_length(s, width) / 2, stride = stride_of(width);
	int r = 0;

	for (size_t i = round_up(from, stride); r == 0 && i < to; i += stride) {
		double response = fabs(s->response[i]), noise = scatter;
		bool peak = s->response[i] < 0;
		struct candidate c;

		if (response < enough ||
		    !is_top(s->response, peak ? -1 : 1, i, s->grid->n, width / 2, stride))
			continue;
		/* A block with more light elsewhere may look quieter than it is here. */
		noise = fmax(noise,
			     sqrt(1.5 * s->grid->white[i] / (double)width) / level(s, i, reach));
		if (response < least * noise)
			continue;
		c = (struct candidate){
			.centre_nm = grid_x(s->grid, i),
			.fwhm_nm = (double)width * s->grid->step_nm,
			.contrast = contrast_at(s, i, width, peak),
			.significance = response / fmax(noise, ROUNDING),
		};
		if (c.contrast > 0.5 * s->limits.min_contrast)
			r = found_add(peak ? peaks : dips, &c);
	}
	return r;
}

static int search_width(struct search *s, size_t width, struct found *dips, struct found *peaks)
{
	size_t n = s->grid->n, blocks = MAX(n / block_length(s, width), (size_t)1);
	size_t stride = stride_of(width), every = MAX(width / 3 / stride, (size_t)2) * stride;
	size_t edge = margin(width);
	int r = 0;

	respond(s, width);
	for (size_t b = 0; r == 0 && b < blocks; b++) {
		size_t from = MAX(b * n / blocks, edge), to = MIN((b + 1) * n / blocks, n - edge);
		double scatter;

		if (from >= to)
			continue;
		scatter = typical(s, from, to, every);
		r = collect(s, width, from, to, scatter, dips, peaks);
	}
	return r;
}

/* ---- all widths ---- */

struct widths {
	const struct search *search;
	size_t count, width[WIDTHS_MOST];
	struct found dips[WIDTHS_MOST], peaks[WIDTHS_MOST];
};

static void widths_clear(struct widths *w)
{
	for (size_t k = 0; k < w->count; k++) {
		found_clear(&w->dips[k]);
		found_clear(&w->peaks[k]);
	}
}

/* Each thread has a measure of its own. */
static int widths_turn(void *userdata, size_t k)
{
	struct widths *w = userdata;
	struct search s = *w->search;
	_cleanup_free_ double *memory = malloc(2 * s.grid->n * sizeof(*memory));

	if (!memory)
		return -ENOMEM;
	s.response = memory;
	s.scratch = memory + s.grid->n;
	return search_width(&s, w->width[k], &w->dips[k], &w->peaks[k]);
}

static int search(const struct search *s, struct team *team, struct found *dips,
		  struct found *peaks)
{
	size_t widest = (size_t)(WIDEST_MEASURE * s->limits.widest_part * (double)s->grid->n);
	_cleanup_(widths_clear) struct widths w = {.search = s};

	for (size_t width = 3; width <= widest && w.count < WIDTHS_MOST;
	     width = (width * 3 / 2) | 1)
		w.width[w.count++] = width;
	return team_run(team, w.count, widths_turn, &w) ?:
	       found_add_all(dips, w.dips, w.count) ?:
	       found_add_all(peaks, w.peaks, w.count);
}

/* ---- dips or peaks ---- */

/* Medians of blocks: the level that narrow features leave from, whichever way. */
struct levels {
	size_t count;
	double median[BLOCKS_MOST];
};

static struct levels make_levels(const struct search *s)
{
	size_t n = s->grid->n;
	struct levels levels = {.count = MIN(MAX(n / BLOCK_LEAST, (size_t)1), (size_t)BLOCKS_MOST)};

	for (size_t b = 0; b < levels.count; b++) {
		size_t from = b * n / levels.count, to = (b + 1) * n / levels.count;

		memcpy(s->scratch, s->y + from, (to - from) * sizeof(*s->y));
		levels.median[b] = gsl_stats_median(s->scratch, 1, to - from);
	}
	return levels;
}

/* Between the blocks' middles. */
static double level_at(const struct levels *l, size_t i, size_t n)
{
	double at = ((double)i + 0.5) / (double)n * (double)l->count - 0.5;
	size_t b = (size_t)fmin(fmax(at, 0), (double)l->count - 1);
	size_t next = MIN(b + 1, l->count - 1);

	return l->median[b] + (l->median[next] - l->median[b]) * fmax(at - (double)b, 0);
}

/* How far the furthest candidate leaves the level. Beside a dip there is a place that stands out of
 * its surroundings, but not of the level; and so below a peak. */
static double furthest(const struct search *s, const struct levels *levels, const struct found *f,
		       double sign)
{
	double most = 0;

	for (size_t k = 0; k < f->count; k++) {
		size_t i = grid_index(s->grid, f->list[k].centre_nm);

		most = fmax(most, sign * (level_at(levels, i, s->grid->n) - s->y[i]));
	}
	return most;
}

static bool are_peaks(const struct search *s, const struct found *dips, const struct found *peaks)
{
	struct levels levels = make_levels(s);

	return furthest(s, &levels, peaks, -1) > furthest(s, &levels, dips, 1);
}

/* ---- first values for a fit ---- */

/*
 * The depth grows with the distance of the sides until they are outside of the resonance. 0 where an
 * end of the spectrum is too near for any.
 */
static double whole_depth(const struct search *s, size_t i, size_t width, double sign,
			  double *ret_level)
{
	double depth = 0;

	for (; margin(width) < MIN(i, s->grid->n - 1 - i); width = (width * 3 / 2) | 1) {
		double beside = sides(s, i, width), deeper = sign * (beside - s->y[i]);

		if (deeper < 1.1 * depth)
			break;
		depth = deeper;
		*ret_level = beside;
	}
	return depth;
}

static size_t walk_to(const struct search *s, size_t i, int step, double sign, double half)
{
	size_t far = i;

	while (far > 0 && far + 1 < s->grid->n && sign * (s->y[far] - half) < 0)
		far = step > 0 ? far + 1 : far - 1;
	return far > i ? far - i : i - far;
}

/* To the extreme within a width, then out to half of the depth on both sides. */
static void first_values(const struct search *s, bool peak, struct candidate *c)
{
	size_t width = MAX((size_t)(c->fwhm_nm / s->grid->step_nm), (size_t)3);
	size_t at = grid_index(s->grid, c->centre_nm), best = at, across;
	double sign = peak ? -1 : 1, level_beside = 0;

	for (size_t i = at > width ? at - width : 0; i <= at + width && i < s->grid->n; i++)
		if (sign * s->y[i] < sign * s->y[best])
			best = i;
	if (whole_depth(s, best, width, sign, &level_beside) <= 0)
		return;
	across = walk_to(s, best, -1, sign, (level_beside + s->y[best]) / 2) +
		 walk_to(s, best, 1, sign, (level_beside + s->y[best]) / 2);
	c->centre_nm = grid_x(s->grid, best);
	c->fwhm_nm = (double)MAX(across, (size_t)2) * s->grid->step_nm;
	c->contrast =
		fabs(level_beside - s->y[best]) / fmax(peak ? s->y[best] : level_beside, ROUNDING);
}

static void set_first_values(const struct search *s, bool peak, struct found *f)
{
	double widest_nm = s->limits.widest_part * (double)s->grid->n * s->grid->step_nm;
	size_t kept = 0;

	for (size_t i = 0; i < f->count; i++) {
		first_values(s, peak, &f->list[i]);
		if (f->list[i].fwhm_nm <= widest_nm)
			f->list[kept++] = f->list[i];
	}
	f->count = kept;
}

static void search_clear(struct search *s)
{
	free(s->y);
	free(s->sum);
	free(s->size);
	free(s->scratch);
}

int find_candidates(const struct grid *grid, const struct find_limits *limits, struct team *team,
		    struct candidate **ret, size_t *ret_count, bool *ret_peak)
{
	_cleanup_(search_clear) struct search s = {
		.grid = grid,
		.limits = *limits,
		.y = malloc(grid->n * sizeof(double)),
		.sum = malloc((grid->n + 1) * sizeof(double)),
		.size = malloc((grid->n + 1) * sizeof(double)),
		.scratch = malloc(grid->n * sizeof(double)),
	};
	_cleanup_(found_clear) struct found down = {}, up = {};
	struct found *chosen;
	int r;

	if (!s.y || !s.sum || !s.size || !s.scratch)
		return -ENOMEM;
	despike(&s);
	sum_up(&s);
	r = search(&s, team, &down, &up);
	if (r < 0)
		return r;
	found_keep_strongest(&down);
	found_keep_strongest(&up);
	*ret_peak = are_peaks(&s, &down, &up);
	chosen = *ret_peak ? &up : &down;
	set_first_values(&s, *ret_peak, chosen);
	*ret_count = chosen->count;
	*ret = take_ptr(chosen->list);
	return 0;
}
