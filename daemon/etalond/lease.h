/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The dead-man lease of one client on one board: a socket on which it says that it lives.
 * Layer: etalond; knows neither D-Bus nor the board. Hang-up and silence end it; whoever
 * granted it is told why, once.
 */
#ifndef ETALON_ETALOND_LEASE_H
#define ETALON_ETALOND_LEASE_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/cleanup.h"

#define LEASE_PERIOD_DEFAULT_MS 1000U
#define LEASE_PERIOD_MIN_MS 100U
#define LEASE_PERIOD_MAX_MS 10000U

struct lease_holder {
	const char *name; /* on the bus, ":1.7" */
	uint32_t uid;
	uint32_t pid; /* 0: unknown */
	const char *command; /* "etalonctl", "" when unknown */
	const char *host; /* for display, "" for this one */
};

struct lease;

/* Called once, from the main loop; the lease is over and may be freed in it. */
typedef void (*lease_ended_t)(struct lease *lease, const char *why, void *userdata);

/* period_ms 0: the default; -ERANGE outside the limits. *ret_fd is the client's end. */
int lease_new(sd_event *event, uint32_t period_ms, const struct lease_holder *holder,
	      lease_ended_t ended, void *userdata, struct lease **ret, int *ret_fd,
	      char **ret_message);
/* Writes `why` as a line to the client and closes. Does not call ended. */
void lease_close(struct lease *lease, const char *why);
struct lease *lease_free(struct lease *lease);
DEFINE_CLEANUP(struct lease *, lease_free, lease_freep);

/* Has the holder spoken within its period? Asked before every kick. */
bool lease_fresh(const struct lease *lease);
const struct lease_holder *lease_holder(const struct lease *lease);
uint32_t lease_period_ms(const struct lease *lease);
uint64_t lease_since_ns(const struct lease *lease); /* CLOCK_REALTIME */
/* ":1.7 (uid 1000, etalonctl on bench2)" */
const char *lease_holder_text(const struct lease *lease);

#endif
