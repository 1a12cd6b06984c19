// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * From candidates to resonances that one fit each has seen. See first_fits.h.
 */
#include "analyse/first_fits.h"

#include <math.h>

#include "base/util.h"

#define ALONE_WIDTHS 20.0 /* from the next candidate: more than a first fit's window can reach */
#define MERGE_WIDTHS 2.5 /* candidates closer than this are one split resonance */

static void drop_misfits(struct resonances *all, double widest_part)
{
	for (size_t i = all->count; i-- > 0;)
		if (!all->list[i].fitted ||
		    resonances_part_of_span(all, &all->list[i]) >= widest_part)
			resonances_drop(all, i);
}

/* Two fits that ran to the same place are one resonance: the better one stays. */
static void drop_doubles(struct resonances *all)
{
	resonances_sort(all);
	for (size_t i = all->count; i-- > 1;) {
		struct resonance *left = &all->list[i - 1], *right = &all->list[i];

		if (right->centre_nm - left->centre_nm > 0.5 * fmin(left->fwhm_nm, right->fwhm_nm))
			continue;
		resonances_drop(all, resonance_significance(left) < resonance_significance(right)
					     ? i - 1
					     : i);
	}
}

/* Two neighbours of like width that overlap are fitted together, as one split resonance. */
static int merge_doublets(struct resonances *all)
{
	for (size_t i = all->count; i-- > 1;) {
		const struct resonance *left = &all->list[i - 1], *right = &all->list[i];
		double distance = right->centre_nm - left->centre_nm;
		struct resonance both = *left;
		int r;

		if (distance > MERGE_WIDTHS * fmin(left->fwhm_nm, right->fwhm_nm))
			continue;
		both.shape = SHAPE_SPLIT;
		both.splitting_nm = distance;
		both.centre_nm = (left->centre_nm + right->centre_nm) / 2;
		both.fwhm_nm = (left->fwhm_nm + right->fwhm_nm) / 2;
		resonances_drop(all, i);
		r = resonance_first_fit(all, &both);
		if (r < 0)
			return r;
		if (both.fitted)
			all->list[i - 1] = both;
	}
	return 0;
}

static bool stands_alone(const struct resonances *all, const struct resonance *r)
{
	for (size_t k = 0; k < all->count; k++) {
		const struct resonance *other = &all->list[k];

		if (other->id != r->id && fabs(other->centre_nm - r->centre_nm) <
						  ALONE_WIDTHS * fmax(other->fwhm_nm, r->fwhm_nm))
			return false;
	}
	return true;
}

static int first_fit_alone(const struct resonances *all, struct resonance *r)
{
	r->crowded = !stands_alone(all, r);
	return r->crowded ? 0 : resonance_first_fit(all, r);
}

int first_fits(struct resonances *all, struct team *team, double widest_part)
{
	int r = resonances_each(all, team, first_fit_alone);

	/* One after the other: of two candidates in one dip the second sees what the first took. */
	for (size_t i = 0; r == 0 && i < all->count; i++)
		if (all->list[i].crowded)
			r = resonance_first_fit(all, &all->list[i]);
	if (r < 0)
		return r;
	drop_misfits(all, widest_part);
	drop_doubles(all);
	return merge_doublets(all);
}
