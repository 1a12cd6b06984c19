// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Matching resonances and averaging shifts. See compare.h.
 */
#include "cli/compare.h"

#include <math.h>

#include "base/util.h"
#include "cli/wire.h"

#define LONE_NM 1.0

static double at(const json_t *list, size_t i)
{
	return member_value(json_array_get(list, i), "wavelength_nm");
}

static int nearest(const json_t *list, double nm)
{
	int best = -1;

	for (size_t i = 0; i < json_array_size(list); i++) {
		if (best < 0 || fabs(at(list, i) - nm) < fabs(at(list, (size_t)best) - nm))
			best = (int)i;
	}
	return best;
}

/* How far a partner may be: half the way to the nearest neighbour. */
static double reach(const json_t *list, size_t i)
{
	double least = 2 * LONE_NM;

	for (size_t k = 0; k < json_array_size(list); k++) {
		if (k != i)
			least = fmin(least, fabs(at(list, k) - at(list, i)));
	}
	return least / 2;
}

void match_resonances(const json_t *first, const json_t *other, struct shift *ret)
{
	for (size_t i = 0; i < json_array_size(first); i++) {
		double nm = at(first, i);
		int j = nearest(other, nm);
		const json_t *a = json_array_get(first, i), *b;

		ret[i] = (struct shift){.partner = -1, .pm = NAN, .sigma_pm = NAN};
		if (j < 0 || nearest(first, at(other, (size_t)j)) != (int)i ||
		    fabs(at(other, (size_t)j) - nm) >= reach(first, i))
			continue;
		b = json_array_get(other, (size_t)j);
		ret[i].partner = j;
		ret[i].pm = (at(other, (size_t)j) - nm) * 1e3;
		ret[i].sigma_pm = hypot(member_value(a, "wavelength_random_pm"),
					member_value(b, "wavelength_random_pm"));
	}
}

struct common_shift mean_shift(const struct shift *shifts, size_t count)
{
	double weight = 0, sum = 0;
	struct common_shift c = {.pm = NAN, .sigma_pm = NAN, .chi2 = NAN};

	for (size_t i = 0; i < count; i++) {
		if (shifts[i].partner < 0 || !(shifts[i].sigma_pm > 0))
			continue;
		weight += 1 / (shifts[i].sigma_pm * shifts[i].sigma_pm);
		sum += shifts[i].pm / (shifts[i].sigma_pm * shifts[i].sigma_pm);
		c.count++;
	}
	if (c.count == 0)
		return c;
	c.pm = sum / weight;
	c.sigma_pm = 1 / sqrt(weight);
	c.chi2 = 0;
	for (size_t i = 0; i < count; i++) {
		if (shifts[i].partner >= 0 && shifts[i].sigma_pm > 0)
			c.chi2 += pow((shifts[i].pm - c.pm) / shifts[i].sigma_pm, 2);
	}
	return c;
}
