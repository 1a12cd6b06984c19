// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Gauss quadrature from moments (Golub and Welsch): cumulants of the three parts add up, give
 * moments, whose Hankel matrix' Cholesky factor holds the three-term recurrence of the
 * polynomials that are orthogonal under the blur; its eigenvalues are the nodes.
 */
#include "analyse/kernel.h"

#include <gsl/gsl_eigen.h>
#include <math.h>
#include <string.h>

#define MAX_MOMENT (2 * KERNEL_MAX_NODES)
/* Part of the resonance's depth that the quadrature may be wrong by. */
#define QUADRATURE_ERROR 1e-8

double kernel_rms_nm(const struct blur *b)
{
	return sqrt(b->aperture_nm * b->aperture_nm / 12 + b->tau_nm * b->tau_nm +
		    b->sigma_x_nm * b->sigma_x_nm);
}

/* An analytic function with its nearest pole half a width away: the error falls by rho^2 a node. */
static unsigned int nodes_needed(double rms_nm, double half_width_nm)
{
	double a = half_width_nm / (sqrt(3.0) * rms_nm), rho = a + sqrt(a * a + 1);

	if (!(rms_nm > 0) || !(half_width_nm > 0))
		return 1;
	for (unsigned int n = 3; n < KERNEL_MAX_NODES; n += 2)
		if (pow(rho, -2.0 * n) < QUADRATURE_ERROR)
			return n;
	return KERNEL_MAX_NODES;
}

/* Cumulants in units of the blur's standard deviation. */
static void cumulants(const struct blur *blur, double rms_nm, int direction, double k[MAX_MOMENT])
{
	/* Bernoulli numbers over n: cumulants of a box of width 1. */
	static const double box[MAX_MOMENT] = {
		[2] = 1.0 / 12,	      [4] = -1.0 / 120,	 [6] = 1.0 / 252,
		[8] = -1.0 / 240,     [10] = 1.0 / 132,	 [12] = -691.0 / 32760,
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
				  double r[KERNEL_MAX_NODES][KERNEL_MAX_NODES + 1])
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
	double r[KERNEL_MAX_NODES][KERNEL_MAX_NODES + 1] = {};
	double matrix[KERNEL_MAX_NODES * KERNEL_MAX_NODES] = {};
	double vectors[KERNEL_MAX_NODES * KERNEL_MAX_NODES], values[KERNEL_MAX_NODES];
	gsl_matrix_view a, v;
	gsl_vector_view w;
	gsl_eigen_symmv_workspace *work;

	n = hankel_factor(m, n, r);
	for (unsigned int i = 0; i < n; i++) {
		matrix[i * n + i] = r[i][i + 1] / r[i][i] - (i ? r[i - 1][i] / r[i - 1][i - 1] : 0);
		if (i + 1 < n)
			matrix[i * n + i + 1] = matrix[(i + 1) * n + i] =
				r[i + 1][i + 1] / r[i][i];
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

struct kernel kernel_make(const struct blur *blur, double half_width_nm, int direction)
{
	double rms_nm = kernel_rms_nm(blur), k[MAX_MOMENT], m[MAX_MOMENT];
	unsigned int n = nodes_needed(rms_nm, half_width_nm);
	struct kernel kernel = { .count = 1, .weight = { 1 } };

	if (n == 1)
		return kernel;
	cumulants(blur, rms_nm, direction, k);
	moments_of_cumulants(k, m);
	if (gauss_nodes(m, n, &kernel) < 0)
		return (struct kernel){ .count = 1, .weight = { 1 } };
	for (unsigned int i = 0; i < kernel.count; i++)
		kernel.offset_nm[i] *= rms_nm;
	return kernel;
}
