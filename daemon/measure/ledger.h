/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The sample ledger: three independent counts that must agree. Layer: measure.
 *
 * Produced comes from the END record, dropped from the board's GAP and END counters, received
 * from sequence continuity seen here. Pure: records in, counts out; no I/O. A record that breaks the
 * contract (magic, size, generation, order, a sequence that steps back) is -EPROTO with a message.
 */
#ifndef ETALON_MEASURE_LEDGER_H
#define ETALON_MEASURE_LEDGER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hw.h"

#define LEDGER_GAPS_MAX 64 /* listed; more are counted only */

struct ledger_gap {
	uint64_t first; /* number of the first missing point */
	uint64_t count;
};

struct ledger {
	/* set by ledger_begin */
	uint32_t generation;
	uint32_t stride;
	uint32_t program_crc; /* expected echo */
	uint64_t points_expected;
	/* seen here */
	bool started, ended;
	uint64_t next_sequence;
	uint64_t received; /* POINT records */
	uint64_t missing_points; /* from numbers that were skipped */
	uint64_t missing_records; /* from sequence numbers that were skipped */
	uint64_t duplicates; /* records with a sequence number seen before: not stored */
	uint64_t gap_points; /* what GAP records admit */
	uint64_t next_point;
	uint64_t saturated; /* POINT records with any channel saturated */
	uint32_t crc;
	struct ledger_gap gaps[LEDGER_GAPS_MAX];
	uint32_t gap_count; /* all of them, listed or not */
	uint64_t first_sequence;
	uint64_t gap_records; /* what GAP records admit, of records of any type */
	uint64_t host_gap_records; /* what the host says was lost on its way from the board */
	uint64_t host_gap_points;
	struct ledger_gap holes[LEDGER_GAPS_MAX]; /* the same of sequence numbers */
	uint32_t hole_count;
	uint64_t last_tick; /* of the newest record that carries one */
	/* from the program */
	uint64_t run_key;
	bool has_program;
	bool may_be_short; /* a comparator may end a pass or the program: points are at most expected */
	bool comparator_ends; /* ... the program: cause COMPARATOR is as planned */
	/* from the board */
	struct etalon_hw_record_start start;
	struct etalon_hw_record_end end; /* valid when ended */
	bool echo_wrong;
};

/* program: struct etalon_hw_program as it was loaded, or NULL. points_expected 0: unknown. */
void ledger_begin(struct ledger *l, uint32_t generation, const void *program, uint32_t stride,
		  uint32_t program_crc, uint64_t points_expected);
/* Feeds whole records in order of arrival. -EPROTO ends the run; what came before it stays counted. */
int ledger_feed(struct ledger *l, const void *records, size_t bytes, char **ret_message);
/*
 * The same for who stores the records: stops behind the first duplicates it meets. *ret_keep bytes at
 * the front belong to the run (also when an error is returned), *ret_used are done with: go on behind them.
 */
int ledger_take(struct ledger *l, const void *records, size_t bytes, size_t *ret_keep,
		size_t *ret_used, char **ret_message);
/*
 * All three counts agree, nothing dropped, CRC right, echo right, every expected point there, cause DONE
 * (or a comparator that was to end it). Duplicates were dropped here and do no harm.
 */
bool ledger_complete(const struct ledger *l);
bool ledger_counts_agree(const struct ledger *l);
/*
 * The object `ledger` of data/meta.h, with "why" naming each disagreement and "duplicates"; `produced` is null
 * when the END record is missing. `below_floor` is for who knows the dark current.
 */
json_t *ledger_json(const struct ledger *l);
const char *end_cause_text(uint32_t cause);

#endif
