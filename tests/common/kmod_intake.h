/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A stream of records for the driver's intake, and who takes what it shows.
 */
#ifndef ETALON_TESTS_KMOD_INTAKE_H
#define ETALON_TESTS_KMOD_INTAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "intake.h"

#define INTAKE_STRIDE 136 /* no multiple of any packet */
#define INTAKE_RECORDS_MAX 256

struct intake_stream {
	size_t size;
	uint8_t bytes[INTAKE_RECORDS_MAX * INTAKE_STRIDE];
};

/* A record behind the others. `number` of a POINT; produced of an END. */
void intake_append(struct intake_stream *s, uint16_t type, uint64_t sequence, uint64_t number);
/* START, points, END: numbers from `first` on. */
void intake_program(struct intake_stream *s, uint64_t first, unsigned int points);

struct intake_taker {
	struct etalon_intake intake;
	int result; /* of the last transfer: 0 or -EPROTO */
	unsigned int count;
	uint64_t sequence[INTAKE_RECORDS_MAX];
	uint16_t type[INTAKE_RECORDS_MAX];
	struct etalon_hw_record_gap gap; /* the last one */
	bool ended;
	uint64_t end_tick;
};

/* Behind a load: records from `first` on. */
void intake_expect(struct intake_taker *t, uint64_t first);
/* One transfer, in memory of its own size. */
void intake_feed(struct intake_taker *t, const void *bytes, size_t size, bool ends);

#endif
