/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The right to light: a lease of our own with its heartbeat, or attached to one of the same user.
 * Layer: cli.
 *
 * The heartbeat is a timer of the main loop: a command that hangs falls silent, and the daemon
 * turns light off. There is no thread.
 */
#ifndef ETALON_CLI_LEASE_H
#define ETALON_CLI_LEASE_H

#include "cli/bus.h"

struct lease {
	struct cli *cli;
	int fd; /* -1: none of our own */
	bool attached; /* somebody of the same user holds it: `etalonctl hold` */
	bool ended; /* the daemon has ended it */
	char *why; /* what it said then, or NULL */
	sd_event_source *heartbeat, *farewell;
	uint64_t beat_us;
};

struct lease_request {
	unsigned int period_ms; /* 0: the daemon's default */
	bool take_over;
	bool alone; /* do not attach */
};

/* 0 or an exit code with the message given: who has it, what to do. */
int lease_take(struct lease *l, struct cli *cli, const struct object *board,
	       const struct lease_request *request);
/* Gives it back: light off unless attached. */
void lease_release(struct lease *l);
#define _cleanup_lease_ _cleanup_(lease_release)
#define LEASE_NONE       \
	{                \
		.fd = -1 \
	}

#endif
