/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The emulator's log of one trial: the lines from the moment of opening on, read as they come. What
 * holds at a moment is asked by the time of an event: the end of a transient is written ahead.
 */
#ifndef ETALON_TESTS_LIGHT_LOG_H
#define ETALON_TESTS_LIGHT_LOG_H

#include <stdio.h>

#include "session.h"

struct light_log {
	FILE *file;
	json_t *lines;
};

/* A pair of events that begin and end a condition. */
struct light_span {
	const char *begin, *end;
};

extern const struct light_span light_lit; /* a port is above -40 dBm */
extern const struct light_span light_gate; /* the gate is wholly open */

void light_log_open(struct light_log *log, const struct session *s);
void light_log_close(struct light_log *log);
/* Adds what has been written since. */
void light_log_read(struct light_log *log);

/* Last time of an event in [from, to]; 0: none. */
uint64_t light_log_last(const struct light_log *log, const char *event, uint64_t from_ns,
			uint64_t to_ns);
/* Since when a condition holds at a moment; 0: it does not. */
uint64_t light_log_since(const struct light_log *log, const struct light_span *span,
			 uint64_t at_ns);
/* Has the board been in this state by then? */
bool light_log_reached(const struct light_log *log, const char *state, uint64_t by_ns);
/* Time of the first step out of EMITTING from then on, 0: none, and what caused it (ETALON_HW_CAUSE_*). */
uint64_t light_log_off(const struct light_log *log, uint64_t from_ns, uint32_t *ret_cause);

#endif
