// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Candidates side by side: which of them stay. See found.h.
 */
#include "analyse/found.h"

#include <errno.h>
#include <math.h>

#include "base/util.h"

void found_clear(struct found *f)
{
	free(f->list);
}

int found_add(struct found *f, const struct candidate *c)
{
	if (f->count == FOUND_MAX)
		return 0;
	if (f->count == f->room) {
		size_t room = MAX(2 * f->room, (size_t)16);
		struct candidate *longer = realloc(f->list, room * sizeof(*longer));

		if (!longer)
			return -ENOMEM;
		f->list = longer;
		f->room = room;
	}
	f->list[f->count++] = *c;
	return 0;
}

int found_add_all(struct found *f, const struct found *lists, size_t count)
{
	int r = 0;

	for (size_t k = 0; k < count; k++)
		for (size_t i = 0; r == 0 && i < lists[k].count; i++)
			r = found_add(f, &lists[k].list[i]);
	return r;
}

static int by_significance(const void *a, const void *b)
{
	const struct candidate *p = a, *q = b;

	return (p->significance < q->significance) - (p->significance > q->significance);
}

static int by_wavelength(const void *a, const void *b)
{
	const struct candidate *p = a, *q = b;

	return (p->centre_nm > q->centre_nm) - (p->centre_nm < q->centre_nm);
}

void found_keep_strongest(struct found *f)
{
	size_t kept = 0;

	if (f->count == 0)
		return;
	qsort(f->list, f->count, sizeof(*f->list), by_significance);
	for (size_t i = 0; i < f->count; i++) {
		bool taken = false;

		for (size_t k = 0; k < kept && !taken; k++)
			taken = fabs(f->list[i].centre_nm - f->list[k].centre_nm) <
				1.5 * fmax(f->list[i].fwhm_nm, f->list[k].fwhm_nm);
		if (!taken)
			f->list[kept++] = f->list[i];
	}
	f->count = kept;
	qsort(f->list, f->count, sizeof(*f->list), by_wavelength);
}
