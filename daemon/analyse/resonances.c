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

/* The narrowest first: blur makes them take the longest, and whoever comes last is waited for. */
struct turn {
	double fwhm_nm;
	size_t at;
};

/* One stage of all resonances: each sees its neighbours as they were before it. */
struct stage {
	struct resonances before;
	struct resonance *list;
	struct turn *turns;
	int (*of)(const struct resonances *all, struct resonance *r);
};

static int stage_turn(void *userdata, size_t i)
{
	const struct stage *s = userdata;

	return s->of(&s->before, &s->list[s->turns[i].at]);
}

static int by_width(const void *a, const void *b)
{
	const struct turn *p = a, *q = b;

	return (p->fwhm_nm > q->fwhm_nm) - (p->fwhm_nm < q->fwhm_nm);
}

static void order_turns(const struct resonances *all, struct turn *turns)
{
	for (size_t i = 0; i < all->count; i++)
		turns[i] = (struct turn){all->list[i].fwhm_nm, i};
	if (all->count > 0)
		qsort(turns, all->count, sizeof(*turns), by_width);
}

int resonances_each(struct resonances *all, struct team *team,
		    int (*of)(const struct resonances *all, struct resonance *r))
{
	size_t bytes = all->count * sizeof(*all->list);
	_cleanup_free_ struct resonance *before = malloc(bytes + 1);
	_cleanup_free_ struct turn *turns = malloc((all->count + 1) * sizeof(*turns));
	struct stage s = {.before = *all, .list = all->list, .turns = turns, .of = of};

	if (!before || !turns)
		return -ENOMEM;
	order_turns(all, turns);
	memcpy(before, all->list, bytes);
	s.before.list = before;
	return team_run(team, all->count, stage_turn, &s);
}
