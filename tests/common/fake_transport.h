/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A transport of scripted registers and records: what a board would say, and every way in which
 * it may lie. For tests of the register driver and of the engine. Deterministic, in this process.
 *
 * START puts the records of the loaded program into a queue at once; bulk_in hands them out in pieces
 * of chunk_bytes. STOP puts an END of cause STOPPED behind the records that were handed out.
 */
#ifndef ETALON_TESTS_FAKE_TRANSPORT_H
#define ETALON_TESTS_FAKE_TRANSPORT_H

#include <pthread.h>
#include <stdbool.h>

#include "link/description.h"
#include "link/transport.h"

enum fake_fault {
	FAULT_NONE,
	FAULT_DUPLICATE, /* record at fault_at twice */
	FAULT_SKIP, /* record at fault_at never arrives, and nobody admits it */
	FAULT_ADMITTED_GAP, /* the same, with a GAP record and END telling of it */
	FAULT_CORRUPT, /* one bit of a point's payload */
	FAULT_MAGIC, /* one bit of a record's magic */
	FAULT_SWAP, /* two records in the wrong order */
	FAULT_END_PRODUCED, /* END says one more */
	FAULT_END_DROPPED, /* END says one dropped */
	FAULT_END_CRC,
	FAULT_END_CAUSE, /* TRIPPED by the interlock */
	FAULT_NO_END,
	FAULT_HANG, /* nothing after the record at fault_at */
	FAULT_UNPLUG, /* the board is gone after the record at fault_at */
	FAULT_ENDLESS, /* STATUS records of rising ticks for ever */
	FAULT_ECHO, /* START echoes another program */
	FAULT_EARLY_END, /* END, cause DONE, after fault_at points */
	FAULT_COUNT
};

struct fake_access {
	bool write;
	uint32_t address;
	uint32_t size;
};

#define FAKE_LOG 512

struct fake_transport {
	struct transport transport; /* first */
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	/* ---- what a test may set ---- */
	struct etalon_hw_usb_identity identity;
	unsigned char *registers; /* ETALON_REG_SPACE bytes */
	enum fake_fault fault;
	uint64_t fault_at; /* number of a record or point of the program */
	unsigned int fault_in_program; /* which START gets the fault, from 1; 0: each */
	size_t chunk_bytes; /* of one bulk_in; 0: all there is room for */
	uint32_t refuse_address; /* a write there is refused ... */
	uint32_t refuse_result; /* ... like this, when not 0 */
	uint32_t refuse_detail;
	int64_t refuse_low, refuse_high;
	int control_error; /* of each control transfer from the control_error_after-th on, when not 0 */
	unsigned int control_error_after;
	bool wrong_crc; /* PROGRAM_CRC of another program */
	bool hold; /* START yields no records until fake_transport_go() */
	/* ---- what a test may read ---- */
	struct fake_access log[FAKE_LOG];
	unsigned int accesses, uploads, kicks, starts, stops;
	bool *closed; /* set to true by close */
	struct etalon_hw_program program; /* as uploaded */
	int64_t *list[8];
	uint32_t list_points[8];
	/* ---- inside ---- */
	unsigned char *queue;
	size_t queue_size, queue_at, queue_room;
	bool gone, cancelled, running, ended;
	uint64_t sequence, produced;
	uint32_t crc;
};

/* Serves the description's window; copies it. */
struct fake_transport *fake_transport_new(const struct description *d);
/* Bytes for bulk_in, as they are. */
void fake_transport_push(struct fake_transport *f, const void *bytes, size_t size);
void fake_transport_go(struct fake_transport *f);
void fake_transport_unplug(struct fake_transport *f);
/* A POINT record as the fake board makes it: into `record`, stride bytes. */
void fake_point(const struct etalon_hw_program *p, uint32_t stride, uint64_t number,
		uint64_t sequence, void *record);

#endif
