// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Finds ripple as lines of the Fourier spectrum, then follows each line's phase from block to
 * block: a cubic in wavelength, so that it does not matter whether the ripple is periodic in
 * wavelength or in frequency. A line whose phase does not follow is noise or an accident.
 */
#include "analyse/ripple.h"

#include <errno.h>
#include <gsl/gsl_fft_real.h>
#include <gsl/gsl_linalg.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>

#include "analyse/smooth.h"
#include "base/util.h"

#define SLOW_PARTS 8 /* of the span: what a spline with these knots follows is no ripple */
#define LEAST_PERIODS 8 /* in the span */
#define LEAST_SAMPLES 5 /* in a period */
#define PERIODS_IN_BLOCK 3
#define MOST_BLOCKS 32
#define STANDS_OUT 30.0 /* power over the median of all frequencies */
#define PHASE_RMS 0.04 /* periods: what a smooth phase may leave */
#define LEAST_AMPLITUDE 3e-4 /* relative, */
#define LEAST_PART 0.02 /* and of the strongest line: less is what other errors leave */
#define PHASE_ERROR 2e-4 /* periods */
#define PHASE_DEGREE 3

double ripple_period_nm(const struct ripple_line *l, double x_nm)
{
	double u = x_nm - l->at_nm;

	return 1 / (l->frequency + l->slope * u + l->curve * u * u);
}

static double phase_at(const struct ripple_line *l, double x_nm)
{
	double u = x_nm - l->at_nm;

	return u * (l->frequency + u * (l->slope / 2 + u * l->curve / 3));
}

double ripple_phase(const struct ripple_line *l, double x_nm, double relative_to_nm)
{
	return phase_at(l, x_nm) - phase_at(l, relative_to_nm);
}

/* ---- where: the strongest line of the spectrum ---- */

static size_t power_of_two(size_t n)
{
	size_t size = 1;

	while (size < n)
		size *= 2;
	return size;
}

static void to_power(double *f, size_t size)
{
	/* Half-complex order: real part k at [k], imaginary at [size - k]. */
	for (size_t k = 1; k < size / 2; k++)
		f[k] = f[k] * f[k] + f[size - k] * f[size - k];
	f[0] = 0;
}

/* Keeps what is slow, or ends abruptly, out of the other frequencies. */
static double hann(size_t i, size_t n)
{
	double s = sin(M_PI * ((double)i + 0.5) / (double)n);

	return s * s;
}

/* Frequency in periods per bin of the grid, 0 when nothing stands out. */
static double strongest(const double *relative, const double *weight, const double *taper, size_t n,
			double longest_bins, double *f, size_t size, double *scratch)
{
	double periods = fmax(LEAST_PERIODS, (double)n / longest_bins);
	size_t low = (size_t)fmax(periods * (double)size / (double)n, 2);
	size_t high = size / LEAST_SAMPLES, best = 0;
	double shift = 0, sum;

	memset(f, 0, size * sizeof(*f));
	for (size_t i = 0; i < n; i++)
		f[i] = weight[i] * relative[i] * taper[i];
	gsl_fft_real_radix2_transform(f, 1, size);
	to_power(f, size);
	if (high <= low + 8)
		return 0;
	for (size_t k = low; k < high; k++)
		if (f[k] > f[k - 1] && f[k] >= f[k + 1] && (best == 0 || f[k] > f[best]))
			best = k;
	memcpy(scratch, f + low, (high - low) * sizeof(*f));
	if (best == 0 || !(f[best] > STANDS_OUT * gsl_stats_median(scratch, 1, high - low)))
		return 0;
	sum = f[best - 1] - 2 * f[best] + f[best + 1];
	if (sum < 0)
		shift = 0.5 * (f[best - 1] - f[best + 1]) / sum;
	return ((double)best + shift) / (double)size;
}

/* ---- how: phase from block to block ---- */

struct block {
	double at_nm, phase, amplitude, weight;
};

#define BLOCK_TERMS 5 /* constant, slope, curve, cosine, sine */

struct sums {
	double a[BLOCK_TERMS * BLOCK_TERMS], b[BLOCK_TERMS], yy, one;
	size_t n;
};

static void add_point(struct sums *m, double w, const double term[BLOCK_TERMS], double y)
{
	for (size_t i = 0; i < BLOCK_TERMS; i++) {
		m->b[i] += w * term[i] * y;
		for (size_t j = 0; j <= i; j++)
			m->a[i * BLOCK_TERMS + j] += w * term[i] * term[j];
	}
	m->yy += w * y * y;
	m->one += w;
	m->n++;
}

/* Least squares; a block weighs by how well its phase is known. Amplitudes are relative. */
static bool solve_block(struct sums *m, struct block *ret)
{
	gsl_matrix_view a = gsl_matrix_view_array(m->a, BLOCK_TERMS, BLOCK_TERMS);
	gsl_vector_view b = gsl_vector_view_array(m->b, BLOCK_TERMS);
	double right[BLOCK_TERMS], rss = m->yy, noise;

	if (m->n < 4 * BLOCK_TERMS || !(m->one > 0))
		return false;
	memcpy(right, m->b, sizeof(right));
	if (gsl_linalg_cholesky_decomp1(&a.matrix) || gsl_linalg_cholesky_svx(&a.matrix, &b.vector))
		return false;
	for (size_t i = 0; i < BLOCK_TERMS; i++)
		rss -= m->b[i] * right[i];
	if (!(m->b[0] > 0))
		return false;
	ret->amplitude = hypot(m->b[3], m->b[4]) / m->b[0];
	ret->phase = atan2(-m->b[4], m->b[3]) / (2 * M_PI);
	noise = fmax(rss, 0) / (m->one * m->b[0] * m->b[0]);
	ret->weight = m->one * ret->amplitude * ret->amplitude /
		      (noise + 1e-12 + 1e-6 * ret->amplitude * ret->amplitude);
	return ret->amplitude > 0;
}

static size_t follow(const struct grid *g, const double *base, const double *weight,
		     const struct ripple_line *line, struct block *blocks, size_t count)
{
	size_t kept = 0;

	for (size_t b = 0; b < count; b++) {
		size_t from = b * g->n / count, to = (b + 1) * g->n / count;
		double middle = (grid_x(g, from) + grid_x(g, to - 1)) / 2;
		struct sums m = {};

		for (size_t i = from; i < to; i++) {
			double x = grid_x(g, i), v = (x - middle) / g->step_nm;
			double term[BLOCK_TERMS] = {1, v, v * v};

			if (!(weight[i] > 0))
				continue;
			sincos(2 * M_PI * phase_at(line, x), &term[4], &term[3]);
			add_point(&m, weight[i], term, base[i]);
		}
		blocks[kept].at_nm = middle;
		kept += solve_block(&m, &blocks[kept]);
	}
	return kept;
}

static void unwrap(struct block *blocks, size_t count)
{
	for (size_t b = 1; b < count; b++)
		blocks[b].phase -= round(blocks[b].phase - blocks[b - 1].phase);
}

/*
 * How the phase may run: evenly in frequency, as two mirrors make it, evenly in wavelength, or as a
 * polynomial where neither is so. Terms are powers of v = (x - at) / half span.
 */
struct law {
	unsigned int terms;
	bool in_frequency;
};

static const struct law laws[] = {{2, true}, {2, false}, {3, false}, {4, false}};

/* Evenly in frequency: v, and what v^2 and v^3 come with it. */
static void law_terms(const struct law *law, double v, double stretch,
		      double term[PHASE_DEGREE + 1])
{
	term[0] = 1;
	term[1] = v;
	term[2] = v * v;
	term[3] = v * v * v;
	if (law->in_frequency)
		term[1] = v - stretch * term[2] + stretch * stretch * term[3];
}

/* Coefficients of 1, v, v^2, v^3; the weighted mean square that they leave, or infinity. */
static double fit_law(const struct law *law, const struct block *blocks, size_t count, double at_nm,
		      double half_nm, double ret[PHASE_DEGREE + 1])
{
	size_t m = law->terms;
	double a[(PHASE_DEGREE + 1) * (PHASE_DEGREE + 1)] = {}, b[PHASE_DEGREE + 1] = {};
	double stretch = half_nm / at_nm, rss = 0, weights = 0;
	gsl_matrix_view matrix = gsl_matrix_view_array(a, m, m);
	gsl_vector_view right = gsl_vector_view_array(b, m);

	for (size_t k = 0; k < count; k++) {
		double term[PHASE_DEGREE + 1];

		law_terms(law, (blocks[k].at_nm - at_nm) / half_nm, stretch, term);
		for (size_t i = 0; i < m; i++) {
			b[i] += blocks[k].weight * term[i] * blocks[k].phase;
			for (size_t j = 0; j < m; j++)
				a[i * m + j] += blocks[k].weight * term[i] * term[j];
		}
	}
	if (gsl_linalg_cholesky_decomp1(&matrix.matrix) ||
	    gsl_linalg_cholesky_svx(&matrix.matrix, &right.vector))
		return INFINITY;
	memset(ret, 0, (PHASE_DEGREE + 1) * sizeof(*ret));
	memcpy(ret, b, m * sizeof(*ret));
	if (law->in_frequency) {
		ret[2] = -stretch * ret[1];
		ret[3] = stretch * stretch * ret[1];
	}
	for (size_t k = 0; k < count; k++) {
		double v = (blocks[k].at_nm - at_nm) / half_nm;
		double value = ret[0] + v * (ret[1] + v * (ret[2] + v * ret[3]));

		rss += blocks[k].weight * pow(blocks[k].phase - value, 2);
		weights += blocks[k].weight;
	}
	return rss / weights;
}

/* The law with the least Bayesian information criterion; a tie goes to the first. */
static bool fit_phase(const struct block *blocks, size_t count, double at_nm, double span_nm,
		      double ret[PHASE_DEGREE + 1])
{
	double best = INFINITY, rms = INFINITY, c[PHASE_DEGREE + 1];

	for (size_t k = 0; k < ARRAY_SIZE(laws); k++) {
		double left, criterion;

		if (laws[k].terms >= count)
			continue;
		left = fit_law(&laws[k], blocks, count, at_nm, span_nm / 2, c);
		/* The noise that masks and tails make is not less than this. */
		left += PHASE_ERROR * PHASE_ERROR;
		criterion =
			(double)count * log(left) + 2 * (double)laws[k].terms * log((double)count);
		if (!(criterion < best))
			continue;
		best = criterion;
		rms = sqrt(left);
		for (size_t i = 0; i <= PHASE_DEGREE; i++)
			ret[i] = c[i] * pow(2 / span_nm, (double)i);
	}
	return rms < PHASE_RMS;
}

static bool refine(const struct grid *g, const double *base, const double *weight,
		   struct ripple_line *line)
{
	double span_nm = (double)(g->n - 1) * g->step_nm, c[PHASE_DEGREE + 1], power = 0;
	size_t count = (size_t)fmin(line->frequency * span_nm / PERIODS_IN_BLOCK, MOST_BLOCKS);
	struct block blocks[MOST_BLOCKS];

	if (count < 3)
		return false;
	count = follow(g, base, weight, line, blocks, count);
	if (count < 3)
		return false;
	unwrap(blocks, count);
	/* Phases of the blocks are off the line as it is: back to whole ones. */
	for (size_t b = 0; b < count; b++)
		blocks[b].phase += phase_at(line, blocks[b].at_nm);
	if (!fit_phase(blocks, count, line->at_nm, span_nm, c))
		return false;
	for (size_t b = 0; b < count; b++)
		power += blocks[b].amplitude * blocks[b].amplitude / (double)count;
	line->amplitude = sqrt(power);
	line->phase = c[0];
	line->frequency = c[1];
	line->slope = 2 * c[2];
	line->curve = 3 * c[3];
	return line->frequency > 0 && ripple_period_nm(line, g->first_nm) > 0 &&
	       ripple_period_nm(line, g->first_nm + span_nm) > 0;
}

/* Takes the line out, block by block, so that the next one can be seen. */
static void subtract(const struct grid *g, double *base, const double *weight,
		     const struct ripple_line *line)
{
	double span_nm = (double)(g->n - 1) * g->step_nm;
	size_t count =
		(size_t)fmin(fmax(line->frequency * span_nm / PERIODS_IN_BLOCK, 1), MOST_BLOCKS);
	struct block block;

	for (size_t b = 0; b < count; b++) {
		size_t from = b * g->n / count, to = (b + 1) * g->n / count;
		struct grid part = {
			.n = to - from, .first_nm = grid_x(g, from), .step_nm = g->step_nm};

		if (!follow(&part, base + from, weight + from, line, &block, 1))
			continue;
		for (size_t i = from; i < to; i++) {
			double turns = phase_at(line, grid_x(g, i)) + block.phase;

			base[i] /= 1 + block.amplitude * cos(2 * M_PI * turns);
		}
	}
}

/* The second harmonic of a line that is there comes with it. */
static bool is_harmonic(const struct ripple *r, double frequency)
{
	for (size_t k = 0; k < r->count; k++) {
		double ratio = frequency / r->line[k].frequency;

		if (fabs(ratio - 1) < 0.02 || fabs(ratio - 2) < 0.02)
			return true;
	}
	return false;
}

/* What is left of the base when its slow part is divided out, less 1. */
static int make_relative(const struct grid *g, const double *base, const double *weight,
			 double *slow, double *relative)
{
	double rss;
	int r = smooth_spline(base, weight, g->n, MAX(g->n / SLOW_PARTS, (size_t)4), slow, &rss);

	for (size_t i = 0; r == 0 && i < g->n; i++)
		relative[i] = weight[i] > 0 && slow[i] > 0 ? base[i] / slow[i] - 1 : 0;
	return r;
}

int ripple_find(const struct grid *g, double *base, const double *weight, double longest_nm,
		struct ripple *ret)
{
	size_t size = power_of_two(g->n);
	_cleanup_free_ double *memory = malloc(5 * size * sizeof(*memory));
	double *relative, *slow, *f, *scratch, *taper;
	struct ripple found = {};

	if (!memory)
		return -ENOMEM;
	relative = memory;
	slow = relative + size;
	f = slow + size;
	scratch = f + size;
	taper = scratch + size;
	for (size_t i = 0; i < g->n; i++)
		taper[i] = hann(i, g->n);
	for (int attempt = 0; attempt < RIPPLE_MAX + 1 && found.count < RIPPLE_MAX; attempt++) {
		struct ripple_line line = {.at_nm = grid_x(g, g->n / 2)};
		double frequency;

		if (make_relative(g, base, weight, slow, relative) < 0)
			return -ENOMEM;
		frequency = strongest(relative, weight, taper, g->n, longest_nm / g->step_nm, f,
				      size, scratch);
		line.frequency = frequency / g->step_nm;
		if (!(frequency > 0) || !refine(g, base, weight, &line))
			break;
		refine(g, base, weight, &line);
		subtract(g, base, weight, &line);
		if (line.amplitude < fmax(LEAST_AMPLITUDE, LEAST_PART * found.line[0].amplitude))
			break;
		if (!is_harmonic(&found, line.frequency))
			found.line[found.count++] = line;
	}
	*ret = found;
	return 0;
}
