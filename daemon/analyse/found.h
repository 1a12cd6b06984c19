/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A list of candidates as it grows while the finder looks. Layer: analyse, behind find.h.
 */
#ifndef ETALON_ANALYSE_FOUND_H
#define ETALON_ANALYSE_FOUND_H

#include "analyse/find.h"

#define FOUND_MAX 4096 /* whatever comes after so many is not kept */

struct found {
	struct candidate *list; /* malloc'ed, NULL as long as there is none */
	size_t count, room;
};

void found_clear(struct found *found);
/* 0 or -ENOMEM. */
int found_add(struct found *found, const struct candidate *candidate);
/* All of `count` lists, in their order. */
int found_add_all(struct found *found, const struct found *lists, size_t count);
/* The strongest response takes its place and a width and a half on either side; then by wavelength. */
void found_keep_strongest(struct found *found);

#endif
