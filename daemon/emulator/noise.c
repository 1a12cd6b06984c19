// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Counter-based random numbers: bits are a hash of the key, nothing is kept between calls.
 * Each part of the key goes through a 64-bit bijection whose steps are those of SplitMix64
 * (Steele, Lea, Flood 2014), so that keys which differ in one part only never collide.
 */
#include "emulator/noise.h"

#include <math.h>

#define GOLDEN 0x9e3779b97f4a7c15ULL /* 2^64 / golden ratio, odd */

static uint64_t mix(uint64_t x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9ULL;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

uint64_t noise_bits(const struct noise_key *key)
{
	uint64_t h;

	h = mix(key->seed + GOLDEN);
	h = mix(h + key->run_key + GOLDEN);
	h = mix(h + key->point + GOLDEN);
	return mix(h + ((uint64_t)key->channel << 32 | key->draw) * GOLDEN);
}

/* The middle of one of 2^53 equal cells: never 0, never 1. */
static double to_unit(uint64_t bits)
{
	return ((double)(bits >> 11) + 0.5) * 0x1p-53;
}

double noise_uniform(const struct noise_key *key)
{
	return to_unit(noise_bits(key));
}

double noise_gauss(const struct noise_key *key)
{
	uint64_t bits = noise_bits(key);

	/* Box and Muller; the angle comes from a second, unrelated word of the same key. */
	return sqrt(-2 * log(to_unit(bits))) * cos(2 * M_PI * to_unit(mix(bits ^ GOLDEN)));
}
