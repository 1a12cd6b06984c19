// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The list of all resonances of a spectrum. See resonances.h.
 */
#include "analyse/resonances.h"

#include <errno.h>

#include "base/util.h"

void resonances_drop(struct resonances *all, size_t i)
{
	memmove(&all->list[i], &all->list[i + 1], (all->count - i - 1) * sizeof(*all->list));
	all->count--;
}

double resonances_part_of_span(const struct resonances *all, const struct resonance *r)
{
	const struct spectrum *s = all->spectrum;

	return (r->fwhm_nm + r->splitting_nm) / (s->x_nm[s->n - 1] - s->x_nm[0]);
}

static int by_wavelength(const void *a, const void *b)
{
	const struct resonance *p = a, *q = b;

	return (p->centre_nm > q->centre_nm) - (p->centre_nm < q->centre_nm);
}

void resonances_sort(struct resonances *all)
{
	qsort(all->list, all->count, sizeof(*all->list), by_wavelength);
}

/* One stage of all resonances: each sees its neighbours as they were before it. */
struct stage {
	struct resonances before;
	struct resonance *list;
	int (*of)(const struct resonances *all, struct resonance *r);
};

static int stage_turn(void *userdata, size_t i)
{
	const struct stage *s = userdata;

	return s->of(&s->before, &s->list[i]);
}

int resonances_each(struct resonances *all, struct team *team,
		    int (*of)(const struct resonances *all, struct resonance *r))
{
	size_t bytes = all->count * sizeof(*all->list);
	_cleanup_free_ struct resonance *before = malloc(bytes + 1);
	struct stage s = {.before = *all, .list = all->list, .of = of};

	if (!before)
		return -ENOMEM;
	memcpy(before, all->list, bytes);
	s.before.list = before;
	return team_run(team, all->count, stage_turn, &s);
}
