// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The gas cell: absorption lines of H13C14N, band 2 nu3, R(0)..R(26) and P(1)..P(26), as
 * Lorentzians. Positions are the vacuum wavelengths that the national standards publish for such
 * cells; strengths follow the population of the rotational levels at room temperature.
 */
#include <math.h>

#include "base/util.h"
#include "emulator/laser.h"

#define ROTATIONAL_KELVIN 2.0719 /* h c B / k with B = 1.44 / cm */
#define CELL_KELVIN 298.15

static const double r_branch_nm[] = {
	1541.75280, 1541.08703, 1540.43120, 1539.78523, 1539.14921, 1538.52305, 1537.90675,
	1537.30029, 1536.70364, 1536.11683, 1535.53981, 1534.97258, 1534.41514, 1533.86745,
	1533.32954, 1532.80139, 1532.28298, 1531.77430, 1531.27537, 1530.78615, 1530.30666,
	1529.83688, 1529.37681, 1528.92643, 1528.48574, 1528.05474, 1527.63342,
};
static const double p_branch_nm[] = {
	1543.11423, 1543.80967, 1544.51503, 1545.23033, 1545.95549, 1546.69055, 1547.43558,
	1548.19057, 1548.95555, 1549.73051, 1550.51546, 1551.31045, 1552.11546, 1552.93051,
	1553.75562, 1554.59079, 1555.43605, 1556.29141, 1557.15686, 1558.03240, 1558.91808,
	1559.81389, 1560.71983, 1561.63593, 1562.56218, 1563.49859,
};
_Static_assert(ARRAY_SIZE(r_branch_nm) + ARRAY_SIZE(p_branch_nm) == GAS_LINES, "all lines");

/* Of a line from rotational level j, up to a common factor; m = j for P(j), j + 1 for R(j). */
static double strength(double j, double m)
{
	return m * exp(-ROTATIONAL_KELVIN * j * (j + 1) / CELL_KELVIN);
}

void gas_init(struct gas_line *lines, double depth)
{
	double strongest = 0;
	size_t n = 0;

	for (size_t j = 0; j < ARRAY_SIZE(r_branch_nm); j++)
		lines[n++] = (struct gas_line){r_branch_nm[j] * 1e-9,
					       strength((double)j, (double)j + 1)};
	for (size_t j = 1; j <= ARRAY_SIZE(p_branch_nm); j++)
		lines[n++] = (struct gas_line){p_branch_nm[j - 1] * 1e-9,
					       strength((double)j, (double)j)};
	for (size_t i = 0; i < n; i++)
		strongest = fmax(strongest, lines[i].absorbance);
	for (size_t i = 0; i < n; i++)
		lines[i].absorbance *= -log1p(-depth) / strongest;
}

double gas_transmission(const struct gas_line *lines, double width_m, double wavelength_m)
{
	double absorbance = 0;

	for (size_t i = 0; i < GAS_LINES; i++) {
		double x = 2 * (wavelength_m - lines[i].wavelength_m) / width_m;

		absorbance += lines[i].absorbance / (1 + x * x);
	}
	return exp(-absorbance);
}
