/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The board's DMA engine of section 6 of hw.h: uploads come from host memory, records go to a
 * ring in host memory, the control block tells, messages interrupt. Layer: emulator, part of the board
 * model; a board without a host_bus has none of it.
 */
#ifndef ETALON_EMULATOR_DMA_H
#define ETALON_EMULATOR_DMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hw.h"

struct board;

#define DMA_PAGE_SHIFT_MIN 12
#define DMA_PAGE_SHIFT_MAX 22
#define DMA_INTERRUPT_GAP_MIN_NS 1000000

struct dma {
	/* registers */
	uint64_t ring_table, control_block, upload_table;
	uint32_t ring_pages, page_shift, upload_size;
	uint32_t interrupt_enable, interrupt_gap_ns;
	/* the ring as START found it */
	uint64_t *page; /* bus addresses, owned; NULL: no ring yet */
	uint64_t ring_bytes;
	uint32_t ring_page_shift;
	uint32_t stride; /* of the records in the ring */
	uint64_t published; /* producer: the sequence number after the last record written */
	uint64_t consumer; /* as far as the host is believed */
	bool full; /* found so by the last move */
	bool broken; /* a transfer found no memory; until the next START */
	/* control block and messages */
	struct etalon_hw_control told;
	bool tell; /* whatever it says */
	bool corrupt_index; /* a fault: it says what cannot be, until the ring starts anew */
	uint32_t pending; /* ETALON_HW_EVENT_STATE and _AUX */
	uint64_t announced; /* producer when records were last announced */
	uint64_t announce_due; /* real time before which they are not announced again */
	uint32_t messages;
};

/* ---- dma_ring.c ---- */
void dma_reset(struct board *b); /* registers to power-on */
void dma_free(struct dma *d);
/* The ring's registers changed: it starts anew, empty; what the FIFO still holds is lost. */
void dma_restart(struct board *b);
/* The ring and the control block can be used: asked by START. False: RESULT tells why not. */
bool dma_ready(struct board *b);
/* Records to the ring as far as it has room, then the control block, then messages that are due. */
void dma_move(struct board *b);
/* Real time at which dma_move() has something to do; UINT64_MAX: nothing. */
uint64_t dma_deadline(const struct board *b);

/* ---- dma_control.c ---- */
void dma_event(struct board *b, uint32_t events);
void dma_corrupt_index(struct board *b);
/* Writes what changed; -EFAULT: the control block has gone. */
int dma_tell(struct board *b);
void dma_send_messages(struct board *b);
uint64_t dma_messages_due(const struct board *b);
/* The control block in host memory, or NULL. */
struct etalon_hw_control *dma_control(const struct board *b);

/* ---- dma_registers.c: false when it is none of these registers ---- */
bool dma_read_wide(struct board *b, uint32_t address, uint64_t *ret);
bool dma_read_narrow(struct board *b, uint32_t address, uint32_t *ret);
bool dma_write(struct board *b, uint32_t address, uint32_t value);
void dma_upload(struct board *b); /* COMMAND UPLOAD */

#endif
