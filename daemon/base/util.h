/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Small helpers that every program shares. Layer: base.
 */
#ifndef ETALON_BASE_UTIL_H
#define ETALON_BASE_UTIL_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#define streq(a, b) (strcmp((a), (b)) == 0)
#define _unused_ __attribute__((__unused__)) /* a parameter that a callback's type demands */
#define _printf_(fmt, args) __attribute__((__format__(__printf__, fmt, args)))

#define NSEC_PER_SEC 1000000000ULL
#define NSEC_PER_MSEC 1000000ULL
#define NSEC_PER_USEC 1000ULL

static inline uint64_t timespec_ns(struct timespec t)
{
	return (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec;
}

/* CLOCK_MONOTONIC in ns. */
static inline uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return timespec_ns(t);
}

/* CLOCK_REALTIME in ns since the epoch. */
static inline uint64_t wall_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return timespec_ns(t);
}

/* UINT64_MAX where the result does not fit: times that are out of reach stay so. */
static inline uint64_t sum_or_max(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static inline uint64_t product_or_max(uint64_t a, uint64_t b)
{
	uint64_t product;

	return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

/* CRC-32C (Castagnoli, RFC 3720 B.4). Start with crc = 0; feed pieces in order. */
uint32_t crc32c(uint32_t crc, const void *data, size_t size);

/* Returns a malloc'ed string or NULL. */
char *asprintf_or_null(const char *format, ...) _printf_(1, 2);
char *vasprintf_or_null(const char *format, va_list ap) _printf_(1, 0);

/*
 * Messages for a person: "<program>: error: ...". `fail` sets *ret_message (malloc'ed,
 * if the pointer is not NULL) and returns `error`, so that a layer can write
 * `return fail(ret_message, -ERANGE, "...")`. Messages say what happened, what is
 * allowed and what to do.
 */
#undef fail /* a deprecated macro of check.h */
int fail(char **ret_message, int error, const char *format, ...) _printf_(3, 4);

/* Writes all of it or returns negative errno. */
int write_all(int fd, const void *data, size_t size);
/* Reads exactly size bytes; -ECONNRESET at end of file. */
int read_all(int fd, void *data, size_t size);

#endif
