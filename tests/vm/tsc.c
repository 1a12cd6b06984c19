// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Prints the frequency of this processor's time stamp counter in kHz, which is that of a guest's.
 * A guest without ACPI has nothing else to measure it with than a timer that comes late when the
 * host is busy.
 */
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

#define MEASURE_NS 100000000

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_RAW, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Both clocks at one instant, as near as it gets: the closest of some tries. */
static int64_t both(uint64_t *ret_ticks)
{
	int64_t best = INT64_MAX, at = 0;

	for (int i = 0; i < 100; i++) {
		const int64_t before = now_ns();
		const uint64_t ticks = __rdtsc();
		const int64_t took = now_ns() - before;

		if (took >= best)
			continue;
		best = took;
		at = before + took / 2;
		*ret_ticks = ticks;
	}
	return at;
}

int main(void)
{
	uint64_t first, last;
	const int64_t began = both(&first);

	nanosleep(&(struct timespec){.tv_nsec = MEASURE_NS}, NULL);
	const int64_t took = both(&last) - began;

	printf("%.0f\n", (double)(last - first) * 1e6 / (double)took);
	return 0;
}
