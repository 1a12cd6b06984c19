// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Pseudo-random trials. See trial.h.
 */
#include "trial.h"

#include <stdio.h>
#include <stdlib.h>

uint64_t trial_seed(void)
{
	const char *text = getenv("ETALON_SEED");
	uint64_t seed = text ? strtoull(text, NULL, 0) : 20260101;

	printf("seed %llu (set ETALON_SEED for another)\n", (unsigned long long)seed);
	return seed;
}

/* SplitMix64: Steele, Lea and Flood, OOPSLA 2014. */
uint64_t trial_next(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

void trial_arguments(int argc, char **argv, uint64_t *rounds, uint64_t *seed)
{
	if (argc > 1)
		*rounds = strtoull(argv[1], NULL, 10);
	*seed = argc > 2 ? strtoull(argv[2], NULL, 0) : trial_seed();
}
