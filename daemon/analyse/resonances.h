/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * All resonances of a spectrum: their order, and what is done to each. Layer: analyse.
 */
#ifndef ETALON_ANALYSE_RESONANCES_H
#define ETALON_ANALYSE_RESONANCES_H

#include "analyse/resonance.h"
#include "analyse/team.h"

void resonances_drop(struct resonances *all, size_t i);
void resonances_sort(struct resonances *all); /* by wavelength */
/* Of a resonance's width, split or not. */
double resonances_part_of_span(const struct resonances *all, const struct resonance *r);

/*
 * Does it to all, side by side: each sees the others as they were before. -ENOMEM, or the first one's
 * error.
 */
int resonances_each(struct resonances *all, struct team *team,
		    int (*of)(const struct resonances *all, struct resonance *r));

#endif
