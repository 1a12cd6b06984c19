// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Strings, messages and whole reads and writes. See util.h.
 */
#include "base/util.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

char *vasprintf_or_null(const char *format, va_list ap)
{
	char *s = NULL;

	return vasprintf(&s, format, ap) < 0 ? NULL : s;
}

char *asprintf_or_null(const char *format, ...)
{
	va_list ap;
	char *s;

	va_start(ap, format);
	s = vasprintf_or_null(format, ap);
	va_end(ap);
	return s;
}

int fail(char **ret_message, int error, const char *format, ...)
{
	va_list ap;

	if (!ret_message)
		return error;
	va_start(ap, format);
	if (vasprintf(ret_message, format, ap) < 0)
		*ret_message = NULL;
	va_end(ap);
	return error;
}

int write_all(int fd, const void *data, size_t size)
{
	const char *p = data;

	while (size > 0) {
		ssize_t n = write(fd, p, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		size -= (size_t)n;
	}
	return 0;
}

int read_all(int fd, void *data, size_t size)
{
	char *p = data;

	while (size > 0) {
		ssize_t n = read(fd, p, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -ECONNRESET;
		p += n;
		size -= (size_t)n;
	}
	return 0;
}
