/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Numbers that a seed repeats, for tests that do things at random: a generator small enough to have one in each thread.
 */
#ifndef ETALON_TESTS_VM_RANDOM_H
#define ETALON_TESTS_VM_RANDOM_H

#include <stdint.h>

/* Vigna's splitmix64: any seed is a good one, neighbours too. */
static inline uint64_t random_next(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15ULL;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

static inline uint32_t random_below(uint64_t *state, uint32_t end)
{
	return (uint32_t)((random_next(state) >> 32) * end >> 32);
}

#endif
