/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A small client of /dev/etalonN for the driver's tests: knows uapi/etalon.h and hw.h, nothing of the daemon. What
 * must succeed and does not ends the program with a line.
 */
#ifndef ETALON_TESTS_VM_CLIENT_H
#define ETALON_TESTS_VM_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "hw.h"
#include "sweep_program.h"
#include "uapi/etalon.h"

#define CLIENT_NODE "/dev/etalon0"

__attribute__((noreturn, format(printf, 1, 2))) void die(const char *format, ...);

/* What a sweep was found to be. */
struct ledger {
	uint64_t points;
	uint64_t gaps; /* POINT records that GAP records speak of */
	uint64_t lost; /* records that they speak of */
	uint64_t lost_on_way; /* records that the kernel says never came, in GAP records of its own */
	uint64_t missing; /* numbers without a record, of which no GAP has spoken yet */
	uint64_t sequence; /* of the next record */
	uint32_t crc;
	bool started, ended;
	struct etalon_hw_record_end end;
};

struct client {
	int control; /* -1: not open */
	int capture;
	struct etalon_info info;
	struct etalon_hw_description *description;
	const struct etalon_ring_status *status; /* mapped */
	const char *data;
	uint64_t kicked_ns; /* by client_wait() */
};

/* Called, if not NULL, when the board is gone where it must not be: does not return. */
extern void (*client_gone)(void);

/* Negative errno of an ioctl, 0 or more when it succeeded. */
int call(int fd, unsigned long command, void *argument);

void client_open(struct client *c);
void client_open_control(struct client *c);
void client_map(struct client *c);
void client_close(struct client *c);
struct etalon_status client_status(int fd);

/* UPLOAD and LOAD; negative errno, with *ret->refusal, of the one that failed. */
int client_try_load(struct client *c, const struct sweep *sweep, struct etalon_load *ret);
int client_try_start(struct client *c, struct etalon_refusal *ret);
/* The same, which must succeed. Releases what an earlier client left; the answer of LOAD. */
struct etalon_load client_load(struct client *c, const struct sweep *sweep);
void client_start(struct client *c);
/* Records before `sequence` may go. */
void client_release(struct client *c, uint64_t sequence);
/*
 * Reads records from the mapping, or by pread(), as they come, until END or `timeout_ms` without one. Keeps what is equal on
 * every transport in `keep`, if not NULL.
 */
void client_records(struct client *c, const struct etalon_load *load, bool mapped, FILE *keep,
		    int timeout_ms, struct ledger *ret);

/* Limits of all emitting sources as wide as they are, power, ARM, EMIT; returns when there is light. Kicks meanwhile. */
void client_light(struct client *c, uint64_t period_ns);
void client_kick(struct client *c);
/* A moment, of which there are many in a period; kicks four times in each. */
void client_wait(struct client *c, uint64_t period_ns);

uint64_t monotonic_ns(void);

#endif
