/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Cleanup by scope, for user space. Layer: base (depends on nothing).
 *
 * _cleanup_(f) calls f(&variable) when the variable leaves its scope. Every f
 * here accepts a variable that holds nothing.
 */
#ifndef ETALON_BASE_CLEANUP_H
#define ETALON_BASE_CLEANUP_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((__cleanup__(f)))

#define DEFINE_CLEANUP(type, function, name)                                                       \
	static inline void name(type *p)                                                           \
	{                                                                                          \
		if (*p)                                                                            \
			function(*p);                                                              \
	}                                                                                          \
	struct __useless_struct_to_allow_trailing_semicolon_##name

static inline void freep(void *p)
{
	free(*(void **)p);
}

/* Closes without touching errno, so that it may run on an error path. */
static inline void closep(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	errno = saved;
}

static inline void fclosep(FILE **f)
{
	int saved = errno;

	if (*f)
		fclose(*f);
	errno = saved;
}

#define _cleanup_free_ _cleanup_(freep)
#define _cleanup_close_ _cleanup_(closep)
#define _cleanup_fclose_ _cleanup_(fclosep)

/* Hands a resource over: yields the value and leaves nothing behind. */
#define take_ptr(p)                                                                                \
	({                                                                                         \
		__typeof__(p) __taken = (p);                                                       \
		(p) = NULL;                                                                        \
		__taken;                                                                           \
	})

static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#endif
