/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Scripted faults: what goes wrong with the board, when a test says so. Layer: emulator, part
 * of the board model.
 *
 * A fault is a JSON object: {"fault": NAME} and when it happens: at once, "at_ms" (since power-on, real time), or
 * "at_point" (as point number N of the program that runs, or of the next, is due). Names and further members:
 *
 *   interlock-open, interlock-close, key-off, key-on, over-temperature, over-temperature-end, compliance,
 *   compliance-end, board-fault, board-fault-end, local-reset (releases what opened key or interlock where the board has a reset input)
 *   cable (the connections are cut)
 *   hang [for_ms: 1000] (control requests are not answered)
 *   stall-records, resume-records (bulk IN stops, goes on)
 *   drop-record, duplicate-record, corrupt-record, skip-sequence [count: 1] (of the points from at_point on)
 *   corrupt-index (the control block tells a record number that cannot be, until the ring is set up anew)
 *   lying-end [field: "crc", "produced" or "dropped"] (of the next END)
 *   tec-never-settles, tec-settles
 *   detector-uncoupled, detector-coupled {detector: NAME}
 *   trigger-edge [input: 0, period_us, count: 1], also "at_program_ms" (since START)
 *   aux-in {line, level}
 *   usb-stall {endpoint: "records", "upload" or "events"} (halts until the host clears it)
 *   usb-short, usb-babble [count: 1] (of the coming transfers of records: ends within a record; is longer than asked for)
 *   usb-descriptor {field: "class", "product", "endpoints", "direction", "packet", "length" or "total"} (is wrong from then on)
 *   usb-descriptor-end
 *   hostile [count: 1, one_in: 1] (for so many steps the board says anything, in one of so many values: see
 *     hostile.h)
 */
#ifndef ETALON_EMULATOR_FAULTS_H
#define ETALON_EMULATOR_FAULTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "emulator/board.h"

struct faults;
struct records;

int faults_new(struct faults **ret);
struct faults *faults_free(struct faults *f);

int faults_add(struct board *b, const json_t *fault, char **ret_message);

/* Real time of the next fault, UINT64_MAX none; acting on those that are due at real_ns. */
uint64_t faults_deadline(const struct faults *f);
void faults_expire(struct board *b, uint64_t real_ns);
/* Faults scripted for point `number`, which is due next. */
void faults_at_point(struct board *b, uint64_t number);

/* Around a POINT record: what happens to it on its way out. */
void faults_before_point(struct faults *f, struct records *r, uint64_t number);
void faults_after_point(struct faults *f, struct records *r, struct etalon_hw_record_point *point,
			uint64_t number);
void faults_end(struct faults *f, struct etalon_hw_record_end *end);

bool faults_stalled(const struct faults *f);
uint64_t faults_hang_until(const struct faults *f);
bool faults_take_cable(struct faults *f);
bool faults_take_usb(struct faults *f, enum board_usb_fault fault);
enum board_usb_lie faults_usb_lie(const struct faults *f);

#endif
