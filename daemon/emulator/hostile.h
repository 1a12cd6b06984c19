/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A board that has gone mad, for tests of drivers: what it says is random, what it does about
 * light is not. Layer: emulator, part of the board model.
 *
 * A step is one register read answered, one other answer of USB, or one record delivered. While it lasts the control block
 * says anything, too, and interrupts come in storms. One lie among many truths gets further into a driver than
 * lies alone, which it sees through at once.
 */
#ifndef ETALON_EMULATOR_HOSTILE_H
#define ETALON_EMULATOR_HOSTILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hw.h"

#define HOSTILE_STORM_NS 100000 /* between two interrupts */

struct board;

struct hostile {
	uint64_t left, done; /* steps */
	uint32_t one_in; /* of so many values one may be a lie */
	uint64_t draws;
};

void hostile_begin(struct board *b, uint64_t steps, uint32_t one_in);
bool hostile_active(const struct board *b);
/* What the board says in place of the truth. */
uint32_t hostile_read(struct board *b, uint32_t truth);
void hostile_record(struct board *b, struct etalon_hw_record *record);
/* All of these, as far as they are whole. */
void hostile_records(struct board *b, void *records, size_t bytes);
/* Anything else; returns how much of it is said. */
size_t hostile_bytes(struct board *b, void *bytes, size_t size);
void hostile_control(struct board *b, struct etalon_hw_control *control);

#endif
