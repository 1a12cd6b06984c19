/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The board's record memory: a FIFO of whole records, sequence numbers, what was lost.
 * Layer: emulator, below the sequencer; knows the header of a record, not its meaning.
 */
#ifndef ETALON_EMULATOR_RECORDS_H
#define ETALON_EMULATOR_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "hw.h"

#define RECORD_STRIDE_MAX                        \
	(sizeof(struct etalon_hw_record_point) + \
	 ETALON_HW_PROGRAM_DETECTORS_MAX * sizeof(struct etalon_hw_sample))

struct records;

/* Room for `capacity` records besides the two kept for GAP and END. */
int records_new(uint32_t capacity, struct records **ret);
struct records *records_free(struct records *r);
DEFINE_CLEANUP(struct records *, records_free, records_freep);

/* Bytes of the records of a program with so many detectors. */
uint32_t records_stride(uint32_t detectors);

/* False: the FIFO is full but for the reserve. */
bool records_room(const struct records *r, uint32_t count);
bool records_empty(const struct records *r);
uint32_t records_used(const struct records *r);

/* Number that the next record takes; taken also by a record that is lost. */
uint64_t records_sequence(const struct records *r);
uint64_t records_lost(const struct records *r);
/* Takes a number for a record that is dropped. */
void records_lose(struct records *r);
/* Skips a number without counting it as lost: only a scripted fault does that. */
void records_skip(struct records *r);

/*
 * A zeroed record of `stride` bytes with its header filled, at the end of the FIFO; valid until
 * the next call. The caller knows that there is room: with reserve for END and GAP, else without.
 */
void *records_append(struct records *r, uint16_t type, uint32_t stride, uint32_t generation);
/* Appends a copy as it is, number and all: only a scripted fault does that. */
void records_repeat(struct records *r, const void *record, uint32_t stride);
/* Takes back the record that was appended last: only a scripted fault does that. */
void records_withdraw(struct records *r, uint32_t stride);

/* Oldest records, contiguous, at most max_bytes; NULL when empty. Valid until consumed. */
const void *records_peek(const struct records *r, size_t max_bytes, size_t *ret_bytes);
void records_consume(struct records *r, size_t bytes);
/* Throws everything away and counts it as lost: the link was reset. */
void records_flush(struct records *r);

#endif
