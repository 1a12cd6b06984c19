// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Cutting a window out of a spectrum and setting up its baseline. Knows no fit.
 */
#include "analyse/window.h"

#include <errno.h>
#include <math.h>

#include "base/util.h"

/* A ripple with fewer periods in the window is the polynomial's business. */
#define MIN_RIPPLE_PERIODS 1.5
#define RIPPLE_BASIS 6
#define PRIOR_AMPLITUDES 3.0
#define UNSEEN_FREQUENCIES 16
#define UNSEEN_LEAST 1e-6 /* relative: smaller terms are left out, */
#define UNSEEN_POINTS 3 /* and those that have fewer points than so many each */
/*
 * Groups of points fit as well as the points and much faster where the curve is smooth: within this
 * many widths, in groups of this part of the width; beyond, of that part and of a ripple.
 */
#define NEAR_WIDTHS 8.0
#define NEAR_PART (1.0 / 20)
#define FAR_WIDTHS 0.4
#define FAR_RIPPLES 0.05
/* Of a neighbour's core that is left out; never more than this part of the way to it. */
#define MASK_FWHM 3.0
#define MASK_PART 0.4

void window_clear(struct window *w)
{
	free(w->memory);
	memset(w, 0, sizeof(*w));
}

static bool masked(const struct window_request *q, double x_nm)
{
	for (size_t k = 0; k < q->neighbour_count; k++) {
		const struct neighbour *other = &q->neighbours[k];
		double distance = fabs(other->centre_nm - q->centre_nm);

		if (fabs(x_nm - other->centre_nm) <
		    fmin(MASK_FWHM * other->fwhm_nm, MASK_PART * distance))
			return true;
	}
	return false;
}

static double neighbours_response(const struct window_request *q, double x_nm)
{
	double factor = 1;

	for (size_t k = 0; k < q->neighbour_count; k++) {
		const struct neighbour *other = &q->neighbours[k];

		if (other->line && !other->line->peak)
			factor *= line_response(other->line, detuning_nm(x_nm, other->origin_nm));
	}
	return factor;
}

static bool has_periods(const struct window_request *q, const struct ripple_line *line)
{
	return ripple_period_nm(line, q->centre_nm) * MIN_RIPPLE_PERIODS < 2 * q->half_nm;
}

static size_t ripple_lines(const struct window_request *q)
{
	size_t count = 0;

	for (size_t k = 0; q->ripple && k < q->ripple->count; k++)
		count += has_periods(q, &q->ripple->line[k]);
	return count;
}

/* ---- points ---- */

/* Where each point of the span goes: several may share one place. */
struct places {
	size_t count; /* points of the span that are not masked */
	size_t slots; /* places */
	double *s; /* detuning of each point */
	uint32_t *point; /* its index in the spectrum */
	uint32_t *slot; /* its place */
	double *number; /* of points in a place */
	double *spread; /* variance of their detuning there */
};

static void places_clear(struct places *p)
{
	free(p->s);
	free(p->point);
	free(p->slot);
	free(p->number);
	free(p->spread);
}

static int places_allocate(struct places *p, size_t n)
{
	p->s = malloc((n + 1) * sizeof(*p->s));
	p->point = malloc((n + 1) * sizeof(*p->point));
	p->slot = malloc((n + 1) * sizeof(*p->slot));
	p->number = calloc(n + 1, sizeof(*p->number));
	p->spread = calloc(n + 1, sizeof(*p->spread));
	return p->s && p->point && p->slot && p->number && p->spread ? 0 : -ENOMEM;
}

/* Points in a group near to and far from the resonance. */
struct group_size {
	double near, far;
};

static struct group_size group_sizes(const struct spectrum *sp, const struct window_request *q)
{
	double width = q->fwhm_nm / sp->step_nm, most = FAR_WIDTHS * width;

	for (size_t k = 0; q->ripple && k < q->ripple->count; k++)
		most = fmin(most, FAR_RIPPLES / sp->step_nm *
					  ripple_period_nm(&q->ripple->line[k], q->centre_nm));
	if (q->unseen_per_nm > 0)
		most = fmin(most, FAR_RIPPLES / sp->step_nm / q->unseen_per_nm);
	return (struct group_size){fmax(floor(NEAR_PART * width), 1), fmax(floor(most), 1)};
}

/* The group that grows in one direction; the directions alternate once sorted. */
struct group {
	bool open, near;
	uint32_t slot;
	double first_s;
};

static uint32_t place_point(struct places *p, struct group *g, double s, bool near, double most,
			    double step_nm)
{
	if (!g->open || g->near != near || p->number[g->slot] >= most ||
	    s - g->first_s > 1.5 * most * step_nm)
		*g = (struct group){true, near, (uint32_t)p->slots++, s};
	p->number[g->slot]++;
	return g->slot;
}

static void place_points(const struct spectrum *sp, const struct window_request *q, size_t from,
			 size_t to, struct places *p)
{
	struct group_size size = group_sizes(sp, q);
	struct group groups[2] = {};

	for (size_t i = from; i < to; i++) {
		double s = detuning_nm(sp->x_nm[i], q->centre_nm);
		struct group *g = &groups[sp->direction[i] < 0];
		bool near = fabs(s) < NEAR_WIDTHS * q->fwhm_nm;

		if (masked(q, sp->x_nm[i])) {
			g->open = false;
			continue;
		}
		p->slot[p->count] =
			place_point(p, g, s, near, near ? size.near : size.far, sp->step_nm);
		p->point[p->count] = (uint32_t)i;
		p->s[p->count++] = s;
	}
}

static int window_allocate(struct window *w, size_t n, size_t basis_count)
{
	double **columns[] = {&w->s,	    &w->y,	  &w->white,	 &w->share,
			      &w->turn_sin, &w->turn_cos, &w->neighbours};
	double *p = calloc((ARRAY_SIZE(columns) + 2 * basis_count + 1) * n + 1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	w->n = n;
	w->memory = p;
	for (size_t k = 0; k < ARRAY_SIZE(columns); k++, p += n)
		*columns[k] = p;
	w->basis = p;
	w->slope = p + basis_count * n;
	w->direction = (signed char *)(p + 2 * basis_count * n);
	return 0;
}

/* Means over groups; how far near points lie from the means of theirs is one more blur. */
static void average(const struct spectrum *sp, const struct window_request *q,
		    const struct places *p, struct window *w)
{
	double spread = 0, near = 0;

	for (size_t i = 0; i < w->n; i++)
		w->share[i] = 1 / p->number[i];
	for (size_t k = 0; k < p->count; k++) {
		size_t i = p->point[k], slot = p->slot[k];
		double share = w->share[slot];

		w->s[slot] += p->s[k] * share;
		w->y[slot] += sp->y[i] * share;
		w->white[slot] += sp->white[i] * share * share;
		w->neighbours[slot] += neighbours_response(q, sp->x_nm[i]) * share;
		w->direction[slot] = sp->direction[i];
	}
	for (size_t k = 0; k < p->count; k++) {
		double off = p->s[k] - w->s[p->slot[k]];

		p->spread[p->slot[k]] += off * off * w->share[p->slot[k]];
		if (fabs(p->s[k]) >= NEAR_WIDTHS * q->fwhm_nm)
			continue;
		spread += off * off;
		near++;
	}
	w->group_variance_nm2 = near > 0 ? spread / near : 0;
}

static void see_directions(struct window *w)
{
	bool rising = false, falling = false;

	for (size_t i = 0; i < w->n; i++) {
		rising |= w->direction[i] > 0;
		falling |= w->direction[i] < 0;
	}
	w->two_way = rising && falling;
}

static void set_turns(struct window *w)
{
	for (size_t i = 0; w->period_nm > 0 && i < w->n; i++)
		sincos(M_PI * w->s[i] / w->period_nm, &w->turn_sin[i], &w->turn_cos[i]);
}

/* ---- ripple that the span is too short to show ---- */

/* Its Chebyshev polynomials beyond the plain ones, on [middle - half, middle + half]. */
struct unseen {
	double middle_nm, half_nm;
	size_t first, count;
	double sigma[WINDOW_MAX_BASIS]; /* of the coefficients */
};

/*
 * Standard deviation of the k-th coefficient: a wave of f periods per nm is a sum of Chebyshev polynomials
 * on [-half, half] whose coefficients are 2 J_k(2 pi f half) times the cosine or sine of its phase.
 */
static double unseen_sigma(size_t k, double half_nm, double most_per_nm)
{
	double sum = 0;

	for (int i = 0; i < UNSEEN_FREQUENCIES; i++) {
		double f = most_per_nm * (i + 0.5) / UNSEEN_FREQUENCIES;

		sum += pow(jn((int)k, 2 * M_PI * f * half_nm), 2);
	}
	return WINDOW_UNSEEN_AMPLITUDE * sqrt(2 * sum / UNSEEN_FREQUENCIES);
}

static struct unseen unseen_of(const struct window_request *q, const struct places *p)
{
	struct unseen u = {.first = q->degree + 1};
	size_t room = WINDOW_MAX_BASIS - (q->degree + 2 + RIPPLE_BASIS * ripple_lines(q));

	if (!(q->unseen_per_nm > 0) || p->count == 0)
		return u;
	room = MIN(room, p->slots / UNSEEN_POINTS);
	u.middle_nm = (p->s[0] + p->s[p->count - 1]) / 2;
	u.half_nm = (p->s[p->count - 1] - p->s[0]) / 2;
	for (; u.count < room; u.count++) {
		double sigma = unseen_sigma(u.first + u.count, u.half_nm, q->unseen_per_nm);

		if (!(sigma > UNSEEN_LEAST))
			break;
		u.sigma[u.count] = sigma;
	}
	return u;
}

/* ---- baseline ---- */

struct basis_cursor {
	struct window *w;
	const double *spread; /* of the groups */
	size_t column;
};

static void put(const struct basis_cursor *c, size_t i, size_t k, double value, double slope)
{
	c->w->basis[(c->column + k) * c->w->n + i] = value;
	c->w->slope[(c->column + k) * c->w->n + i] = slope;
}

static void end_factor(const struct basis_cursor *c)
{
	c->w->factor_start[++c->w->factor_count] = c->column;
}

static void add_polynomials(struct basis_cursor *c, unsigned int degree)
{
	for (size_t i = 0; i < c->w->n; i++) {
		double u = c->w->s[i] / c->w->half_nm, power = 1, before = 0;

		for (unsigned int k = 0; k <= degree; k++) {
			put(c, i, k, power, k * before / c->w->half_nm);
			before = power;
			power *= u;
		}
	}
	c->column += degree + 1;
}

/*
 * Fundamental with its amplitude and period free to first order, and second harmonic. The mean of a
 * wave over a group is the wave at its middle, less by what the group's spread makes of its curvature.
 */
static void add_ripple(struct basis_cursor *c, const struct ripple_line *line)
{
	double centre = c->w->centre_nm, half = c->w->half_nm;

	for (size_t i = 0; i < c->w->n; i++) {
		double s = c->w->s[i], x = wavelength_nm(s, centre), u = s / half;
		double k = 2 * M_PI / ripple_period_nm(line, x), sine, cosine, sine2, cosine2;
		double less = 0.5 * k * k * c->spread[i];

		sincos(2 * M_PI * ripple_phase(line, x, centre), &sine, &cosine);
		sine2 = 2 * sine * cosine * (1 - 4 * less);
		cosine2 = (1 - 2 * sine * sine) * (1 - 4 * less);
		sine *= 1 - less;
		cosine *= 1 - less;
		put(c, i, 0, cosine, -k * sine);
		put(c, i, 1, sine, k * cosine);
		put(c, i, 2, u * cosine, cosine / half - u * k * sine);
		put(c, i, 3, u * sine, sine / half + u * k * cosine);
		put(c, i, 4, cosine2, -2 * k * sine2);
		put(c, i, 5, sine2, 2 * k * cosine2);
	}
	/* Far wider than the line is known, but enough to part it from what else is in a short window. */
	for (size_t k = 0; k < RIPPLE_BASIS; k++)
		c->w->prior[c->column + k] = pow(PRIOR_AMPLITUDES * line->amplitude, -2);
	c->column += RIPPLE_BASIS;
}

/* T_k and its derivative by recursion, on the points' own interval. */
static void add_unseen(struct basis_cursor *c, const struct unseen *unseen)
{
	double half = unseen->half_nm;

	for (size_t i = 0; i < c->w->n; i++) {
		double u = (c->w->s[i] - unseen->middle_nm) / half, t[2] = {1, u}, d[2] = {0, 1};

		for (size_t k = 2; k < unseen->first + unseen->count; k++) {
			double next = 2 * u * t[1] - t[0];
			double slope = 2 * t[1] + 2 * u * d[1] - d[0];

			t[0] = t[1];
			t[1] = next;
			d[0] = d[1];
			d[1] = slope;
			if (k >= unseen->first)
				put(c, i, k - unseen->first, next, slope / half);
		}
	}
	for (size_t j = 0; j < unseen->count; j++)
		c->w->prior[c->column + j] = pow(unseen->sigma[j], -2);
	c->column += unseen->count;
}

/* The two directions are two sweeps: the laser's power may differ. */
static void add_direction(struct basis_cursor *c)
{
	for (size_t i = 0; i < c->w->n; i++)
		put(c, i, 0, c->w->direction[i], 0);
	c->column++;
}

static void add_baseline(struct window *w, const struct window_request *q,
			 const struct places *places, const struct unseen *unseen)
{
	struct basis_cursor c = {.w = w, .spread = places->spread};

	add_polynomials(&c, q->degree);
	end_factor(&c);
	if (unseen->count) {
		add_unseen(&c, unseen);
		end_factor(&c);
	}
	for (size_t k = 0; q->ripple && k < q->ripple->count; k++) {
		if (!has_periods(q, &q->ripple->line[k]))
			continue;
		add_ripple(&c, &q->ripple->line[k]);
		end_factor(&c);
	}
	if (w->two_way) {
		add_direction(&c);
		end_factor(&c);
	}
	w->basis_count = c.column;
}

int window_make(const struct spectrum *sp, const struct window_request *q, struct window *ret)
{
	size_t from = spectrum_lower_bound(sp, q->centre_nm - q->half_nm);
	size_t to = spectrum_lower_bound(sp, q->centre_nm + q->half_nm);
	size_t basis_count = q->degree + 1 + RIPPLE_BASIS * ripple_lines(q) + 1;
	_cleanup_(places_clear) struct places places = {};
	struct unseen unseen;
	_cleanup_window_ struct window w = {
		.centre_nm = q->centre_nm, .half_nm = q->half_nm, .period_nm = q->period_nm};

	if (places_allocate(&places, to - from) < 0)
		return -ENOMEM;
	place_points(sp, q, from, to, &places);
	unseen = unseen_of(q, &places);
	basis_count += unseen.count;
	if (places.slots < basis_count + 6)
		return -ENODATA;
	if (window_allocate(&w, places.slots, basis_count) < 0)
		return -ENOMEM;
	average(sp, q, &places, &w);
	see_directions(&w);
	set_turns(&w);
	add_baseline(&w, q, &places, &unseen);
	*ret = w;
	memset(&w, 0, sizeof(w));
	return 0;
}
