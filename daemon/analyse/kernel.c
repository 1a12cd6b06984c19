// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Narrow blur: Gauss quadrature from moments (Golub and Welsch). Cumulants of the three parts add up,
 * give moments, whose Hankel matrix' Cholesky factor holds the three-term recurrence of the
 * polynomials that are orthogonal under the blur; its eigenvalues are the nodes.
 *
 * Wide blur: panels of Gauss and Legendre's rule over its density, a rectangle that an
 * exponential smears; the axis' random error widens the rectangle.
 */
#include "analyse/kernel.h"

#include <gsl/gsl_eigen.h>
#include <math.h>
#include <string.h>

#define MOST_GAUSS 7
#define MAX_MOMENT (2 * MOST_GAUSS)
/* Part of the resonance's depth that the quadrature may be wrong by. */
#define QUADRATURE_ERROR 1e-8
#define TAIL_REACH 4.0 /* time constants of an exponential that count as its half width */
#define PANEL_NODES 6
#define BOX_PANELS 7
#define TAIL_PANELS 14
#define TAIL_TAUS 18.0

double kernel_rms_nm(const struct blur *b)
{
	return sqrt(b->aperture_nm * b->aperture_nm / 12 + b->tau_nm * b->tau_nm +
		    b->sigma_x_nm * b->sigma_x_nm);
}

/* An analytic function with its nearest pole half a width away: the error falls by rho^2 a node. 0:
 * more than there are moments for. */
static unsigned int nodes_needed(const struct blur *blur, double half_width_nm)
{
	double rms_nm = kernel_rms_nm(blur),
	       reach_nm = sqrt(3.0) * rms_nm + TAIL_REACH * blur->tau_nm;
	double a = half_width_nm / reach_nm, rho = a + sqrt(a * a + 1);

	if (!(rms_nm > 0) || !(half_width_nm > 0))
		return 1;
	for (unsigned int n = 3; n <= MOST_GAUSS; n += 2)
		if (pow(rho, -2.0 * n) < QUADRATURE_ERROR)
			return n;
	return 0;
}

/* Cumulants in units of the blur's standard deviation. */
static void cumulants(const struct blur *blur, double rms_nm, int direction, double k[MAX_MOMENT])
{
	/* Bernoulli numbers over n: cumulants of a box of width 1. */
	static const double box[MAX_MOMENT] = {
		[2] = 1.0 / 12,	  [4] = -1.0 / 120, [6] = 1.0 / 252,
		[8] = -1.0 / 240, [10] = 1.0 / 132, [12] = -691.0 / 32760,
	};
	double aperture = blur->aperture_nm / rms_nm, tau = direction * blur->tau_nm / rms_nm;
	double factorial = 1; /* (n - 1)! */

	k[0] = k[1] = 0;
	for (unsigned int n = 2; n < MAX_MOMENT; n++) {
		factorial *= n - 1;
		k[n] = box[n] * pow(aperture, n) + factorial * pow(tau, n);
	}
	k[2] += blur->sigma_x_nm * blur->sigma_x_nm / (rms_nm * rms_nm);
}

static void moments_of_cumulants(const double k[MAX_MOMENT], double m[MAX_MOMENT])
{
	m[0] = 1;
	for (unsigned int n = 1; n < MAX_MOMENT; n++) {
		double binomial = 1; /* (n - 1) over (j - 1) */

		m[n] = 0;
		for (unsigned int j = 1; j <= n; j++) {
			m[n] += binomial * k[j] * m[n - j];
			binomial = binomial * (n - j) / j;
		}
	}
}

/* Upper Cholesky factor of the Hankel matrix m[i + j]; rows that can be had, the matrix is
 * singular where the blur has fewer points of support than asked. */
static unsigned int hankel_factor(const double m[MAX_MOMENT], unsigned int n,
				  double r[MOST_GAUSS][MOST_GAUSS + 1])
{
	for (unsigned int i = 0; i < n; i++) {
		double pivot = m[2 * i];

		for (unsigned int k = 0; k < i; k++)
			pivot -= r[k][i] * r[k][i];
		if (!(pivot > 1e-9 * m[2 * i]))
			return i;
		r[i][i] = sqrt(pivot);
		for (unsigned int j = i + 1; j <= n; j++) {
			double sum = i + j < MAX_MOMENT ? m[i + j] : 0;

			for (unsigned int k = 0; k < i; k++)
				sum -= r[k][i] * r[k][j];
			r[i][j] = sum / r[i][i];
		}
	}
	return n;
}

/* Nodes and weights in units of the standard deviation. */
static int gauss_nodes(const double m[MAX_MOMENT], unsigned int n, struct kernel *kernel)
{
	double r[MOST_GAUSS][MOST_GAUSS + 1] = {}, matrix[MOST_GAUSS * MOST_GAUSS] = {};
	double vectors[MOST_GAUSS * MOST_GAUSS], values[MOST_GAUSS];
	gsl_matrix_view a, v;
	gsl_vector_view w;
	gsl_eigen_symmv_workspace *work;

	n = hankel_factor(m, n, r);
	for (unsigned int i = 0; i < n; i++) {
		matrix[i * n + i] = r[i][i + 1] / r[i][i] - (i ? r[i - 1][i] / r[i - 1][i - 1] : 0);
		if (i + 1 < n)
			matrix[i * n + i + 1] = matrix[(i + 1) * n + i] = r[i + 1][i + 1] / r[i][i];
	}
	work = gsl_eigen_symmv_alloc(n);
	if (!work)
		return -1;
	a = gsl_matrix_view_array(matrix, n, n);
	v = gsl_matrix_view_array(vectors, n, n);
	w = gsl_vector_view_array(values, n);
	gsl_eigen_symmv(&a.matrix, &w.vector, &v.matrix, work);
	gsl_eigen_symmv_free(work);
	kernel->count = n;
	for (unsigned int i = 0; i < n; i++) {
		kernel->offset_nm[i] = values[i];
		kernel->weight[i] = vectors[i] * vectors[i];
	}
	return 0;
}

/* ---- wide blur ---- */

/* Of rectangle and tail at u, which counts from the rectangle's middle; the mean is tau. */
static double density(double u, double box_nm, double tau_nm)
{
	double after = u + box_nm / 2, before = u - box_nm / 2;

	if (!(tau_nm > 0))
		return 1 / box_nm;
	if (!(box_nm > 0))
		return exp(-u / tau_nm) / tau_nm;
	if (before <= 0)
		return -expm1(-after / tau_nm) / box_nm;
	return exp(-before / tau_nm) * -expm1(-box_nm / tau_nm) / box_nm;
}

static void add_panel(struct kernel *kernel, double from, double to, double box_nm, double tau_nm)
{
	/* Gauss and Legendre's rule of six points. */
	static const double x[PANEL_NODES] = {-0.932469514203152, -0.661209386466265,
					      -0.238619186083197, 0.238619186083197,
					      0.661209386466265,  0.932469514203152};
	static const double w[PANEL_NODES] = {0.171324492379170, 0.360761573048139,
					      0.467913934572691, 0.467913934572691,
					      0.360761573048139, 0.171324492379170};

	for (int i = 0; i < PANEL_NODES; i++) {
		double u = (from + to) / 2 + (to - from) / 2 * x[i];

		kernel->offset_nm[kernel->count] = u;
		kernel->weight[kernel->count++] =
			(to - from) / 2 * w[i] * density(u, box_nm, tau_nm);
	}
}

/* Factor by which panels grow so that they cover `length` beginning with `first`. */
static double growth(double first, double length)
{
	double low = 1, high = 4;

	if (first * TAIL_PANELS >= length)
		return 1;
	for (int i = 0; i < 60; i++) {
		double middle = (low + high) / 2;

		if (first * (pow(middle, TAIL_PANELS) - 1) / (middle - 1) < length)
			low = middle;
		else
			high = middle;
	}
	return high;
}

static void add_tail(struct kernel *kernel, double box_nm, double tau_nm, double half_width_nm)
{
	double width = fmin(half_width_nm, tau_nm / 2), end = box_nm / 2 + TAIL_TAUS * tau_nm;
	double factor = growth(width, TAIL_TAUS * tau_nm), from = box_nm / 2;

	for (int panel = 0; panel < TAIL_PANELS; panel++, width *= factor) {
		double to = fmin(from + width, end);

		add_panel(kernel, from, to, box_nm, tau_nm);
		from = to;
	}
}

/* Sum 1 and mean 0, as the delay is off the axis already; then the way the laser went. */
static void centre(struct kernel *kernel, int direction)
{
	double sum = 0, mean = 0;

	for (unsigned int i = 0; i < kernel->count; i++) {
		sum += kernel->weight[i];
		mean += kernel->weight[i] * kernel->offset_nm[i];
	}
	for (unsigned int i = 0; i < kernel->count; i++) {
		kernel->weight[i] /= sum;
		kernel->offset_nm[i] = direction * (kernel->offset_nm[i] - mean / sum);
	}
}

static struct kernel wide_kernel(const struct blur *blur, double half_width_nm, int direction)
{
	double box_nm = sqrt(blur->aperture_nm * blur->aperture_nm +
			     12 * blur->sigma_x_nm * blur->sigma_x_nm);
	struct kernel kernel = {.count = 0};

	for (int panel = 0; box_nm > 0 && panel < BOX_PANELS; panel++)
		add_panel(&kernel, box_nm * ((double)panel / BOX_PANELS - 0.5),
			  box_nm * ((double)(panel + 1) / BOX_PANELS - 0.5), box_nm, blur->tau_nm);
	if (blur->tau_nm > 0)
		add_tail(&kernel, box_nm, blur->tau_nm, half_width_nm);
	centre(&kernel, direction);
	return kernel;
}

struct kernel kernel_make(const struct blur *blur, double half_width_nm, int direction)
{
	double rms_nm = kernel_rms_nm(blur), k[MAX_MOMENT], m[MAX_MOMENT];
	unsigned int n = nodes_needed(blur, half_width_nm);
	struct kernel kernel = {.count = 1, .weight = {1}};

	if (n == 1)
		return kernel;
	if (n == 0)
		return wide_kernel(blur, half_width_nm, direction);
	cumulants(blur, rms_nm, direction, k);
	moments_of_cumulants(k, m);
	if (gauss_nodes(m, n, &kernel) < 0)
		return (struct kernel){.count = 1, .weight = {1}};
	for (unsigned int i = 0; i < kernel.count; i++)
		kernel.offset_nm[i] *= rms_nm;
	return kernel;
}
