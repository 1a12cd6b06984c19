/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A unix socket that others can connect to as soon as they see it. Layer: emulator front ends.
 */
#ifndef ETALON_EMULATOR_LISTENER_H
#define ETALON_EMULATOR_LISTENER_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>

struct listener {
	int fd; /* -1: none; non-blocking */
	char *path; /* owned; removed by listener_close() */
};

/*
 * Listens at `path`. A stale socket is replaced, but only if nobody listens there: -EADDRINUSE with
 * a message that names `option`, which chose the path.
 */
int listener_open(struct listener *l, const char *path, const char *option, char **ret_message);
void listener_close(struct listener *l);
/* The next connection, non-blocking, or -1. */
int listener_accept(const struct listener *l);

/* What every front end's loop does: waits for a descriptor or until CLOCK_MONOTONIC `until_ns`. */
void wait_until(struct pollfd *fds, size_t count, uint64_t until_ns);

#endif
