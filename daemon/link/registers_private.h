/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Inside the register driver: its state, the order of accesses, and the record buffer.
 * Layer: link, private to registers*.c.
 */
#ifndef ETALON_LINK_REGISTERS_PRIVATE_H
#define ETALON_LINK_REGISTERS_PRIVATE_H

#include <pthread.h>
#include <stdbool.h>

#include "link/link.h"
#include "link/registers.h"

/*
 * Whose turn it is on the control endpoint. A turn is one register access, with the reading
 * of RESULT that belongs to it, or one upload: `off` and `kick` wait for no more than that.
 */
struct turn {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool taken;
	unsigned int urgent; /* so many urgent callers wait */
	unsigned int given; /* turns that ended, wrapping */
};

enum urgency { ORDINARY, URGENT };

/* Size of the record buffer. The board's FIFO holds what does not fit. */
#define RECORDS_BYTES (1U << 20)

/*
 * Records on their way. Positions count bytes since the last load; the byte at position p
 * lies at p modulo capacity, which is a multiple of the stride, so that no record straddles the end.
 */
struct records {
	char *bytes;
	size_t capacity;
	uint64_t head; /* received */
	uint64_t next; /* returned */
	uint64_t tail; /* released */
	uint32_t stride;
	uint32_t generation;
	uint64_t first_sequence; /* older ones are of programs before this */
	bool in_step; /* the first record of this program was found */
};

/* A load, as records() will find it; the two may run on different threads. */
struct records_reset {
	pthread_mutex_t mutex;
	bool pending;
	uint32_t stride;
	uint32_t generation;
	uint64_t first_sequence;
};

struct registers {
	struct link link; /* first */
	struct link_ops ops; /* with the transport's name */
	struct transport *transport;
	struct description *description;
	struct turn turn;
	struct records records;
	struct records_reset reset;
};

static inline struct registers *registers_of(struct link *link)
{
	return (struct registers *)link;
}

/* registers_access.c */
int turn_init(struct turn *t);
void turn_destroy(struct turn *t);
void turn_take(struct turn *t, enum urgency urgency);
void turn_give(struct turn *t);
/* One transfer in a turn of its own. */
int registers_read(struct registers *r, uint32_t address, void *data, size_t size);
int registers_write(struct registers *r, uint32_t address, const void *data, size_t size,
		    enum urgency urgency);
/* A write and its RESULT in one turn. A refusal fills *ret_refusal (may be NULL). */
int registers_try(struct registers *r, uint32_t address, const void *data, size_t size,
		  struct link_refusal *ret_refusal);
int registers_command(struct registers *r, uint32_t command, struct link_refusal *ret_refusal);
int registers_upload(struct registers *r, unsigned int kind, unsigned int list, const void *data,
		     size_t size, struct link_refusal *ret_refusal);

/* registers_program.c */
int registers_load(struct link *link, const struct etalon_hw_program *program,
		   const struct link_list *lists, unsigned int list_count, struct link_program *ret,
		   struct link_refusal *ret_refusal);
int registers_start(struct link *link, struct link_refusal *ret_refusal);
int registers_stop(struct link *link);

/* registers_records.c */
int records_init(struct registers *r);
void records_destroy(struct registers *r);
void records_expect(struct registers *r, uint32_t stride, uint32_t generation,
		    uint64_t first_sequence);
int registers_records(struct link *link, int timeout_ms, size_t max_bytes, const void **ret,
		      size_t *ret_bytes);
int registers_release(struct link *link, size_t bytes);
void registers_records_cancel(struct link *link);

/* registers_control.c */
extern const struct link_ops registers_ops;

#endif
