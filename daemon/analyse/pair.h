/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Two values that every processor of today works on at once, each as if it were alone: the same bits
 * come out. Layer: analyse.
 */
#ifndef ETALON_ANALYSE_PAIR_H
#define ETALON_ANALYSE_PAIR_H

#include <string.h>

typedef double pair __attribute__((vector_size(16)));

/* p[0] and p[1], wherever they lie. */
static inline pair pair_load(const double *p)
{
	pair v;

	memcpy(&v, p, sizeof(v));
	return v;
}

#endif
