// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Writes the log's lines. A line that cannot be written (full disk) is lost without a
 * word: a log must never stop the board.
 */
#include "emulator/log.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>

#define LINE_BYTES 1024

struct event_log {
	int fd;
};

int event_log_open(const char *path, struct event_log **ret, char **ret_message)
{
	struct event_log *log;
	int fd = -1;

	if (path) {
		fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
		if (fd < 0)
			return fail(ret_message, -errno, "cannot write the log %s: %s", path,
				    strerror(errno));
	}
	log = calloc(1, sizeof(*log));
	if (!log) {
		closep(&fd);
		return -ENOMEM;
	}
	log->fd = fd;
	*ret = log;
	return 0;
}

struct event_log *event_log_close(struct event_log *log)
{
	if (log) {
		closep(&log->fd);
		free(log);
	}
	return NULL;
}

bool event_log_wanted(const struct event_log *log)
{
	return log && log->fd >= 0;
}

void event_log_line(struct event_log *log, uint64_t t_ns, uint64_t tick, const char *event,
		    const char *format, ...)
{
	char line[LINE_BYTES];
	size_t used;
	va_list ap;

	if (!event_log_wanted(log))
		return;
	used = (size_t)snprintf(line, sizeof(line),
				"{\"t_ns\":%" PRIu64 ",\"logged_ns\":%" PRIu64 ",\"tick\":%" PRIu64
				",\"event\":\"%s\"",
				t_ns, now_ns(), tick, event);
	if (format) {
		line[used++] = ',';
		va_start(ap, format);
		used += (size_t)vsnprintf(line + used, sizeof(line) - used, format, ap);
		va_end(ap);
	}
	if (used > sizeof(line) - 3) /* members are short by construction: this is a defect */
		return;
	memcpy(line + used, "}\n", 2);
	write_all(log->fd, line, used + 2);
}
