/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How long the engine waits for a board that runs a program. Layer: measure, private to acquire.c.
 *
 * Three limits: silence (a running program sends STATUS ten times a second, whatever it does), the
 * board's own clock against the duration it stated, and a generous wall time for a board whose clock stands.
 */
#ifndef ETALON_MEASURE_ACQUIRE_TIME_H
#define ETALON_MEASURE_ACQUIRE_TIME_H

#include "measure/ledger.h"
#include "measure/plan.h"

struct patience {
	uint64_t silence_ns; /* between records; UINT64_MAX: as long as it takes */
	uint64_t first_ns; /* before the first record */
	uint64_t board_ns; /* the board's clock since START */
	uint64_t wall_end_ns; /* CLOCK_MONOTONIC */
	uint64_t quiet_since_ns;
	bool heard; /* a record came */
};

void patience_begin(struct patience *p, const struct description *d, const struct segment *s,
		    const struct link_program *loaded);
/* A record came. */
void patience_renew(struct patience *p);
/* From now on at most so long altogether. */
void patience_limit(struct patience *p, uint64_t ns);
/* Earliest instant at which patience may be over, were nothing to come; CLOCK_MONOTONIC. */
uint64_t patience_deadline(const struct patience *p);
/* No record for too long. To be asked when there is none to read: time that a sink took does not count. */
bool patience_silent(const struct patience *p);
/* Records come, but for too long. */
bool patience_over(const struct patience *p, const struct ledger *l);
/* What the board did wrong, for a person. malloc'ed. */
char *patience_message(const struct patience *p, const struct ledger *l);

#endif
