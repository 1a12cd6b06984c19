/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How a bench says what it measured: one line for each claim. Medians of several measurements decide, so that
 * one lucky or unlucky moment of a shared machine does not.
 */
#ifndef ETALON_BENCH_CLAIMS_H
#define ETALON_BENCH_CLAIMS_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/util.h"

static inline int claims_by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Sorts them. */
static inline double median(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), claims_by_value);
	return values[n / 2];
}

static inline bool claims_say(const char *name, double value, const char *bound, double limit,
			      bool ok, const char *what)
{
	printf("%-44s %8.3f  limit %s%8.3f  %s  %s\n", name, value, bound, limit,
	       ok ? "ok" : "MISSED", what);
	return ok;
}

static inline bool claim_at_most(const char *name, double value, double limit, const char *what)
{
	return claims_say(name, value, "<=", limit, value <= limit, what);
}

static inline bool claim_at_least(const char *name, double value, double limit, const char *what)
{
	return claims_say(name, value, ">=", limit, value >= limit, what);
}

/* What a frame is compared with: a copy into a fresh memfd mapping; the dearest is to get its pages. */
static inline double memcpy_to_memfd_s(const void *from, size_t bytes)
{
	const uint64_t began = now_ns();
	const int fd = memfd_create("bench", MFD_CLOEXEC);
	void *map;

	if (fd < 0 || ftruncate(fd, (off_t)bytes) < 0)
		abort();
	map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		abort();
	memcpy(map, from, bytes);
	munmap(map, bytes);
	close(fd);
	return (double)(now_ns() - began) * 1e-9;
}

#endif
