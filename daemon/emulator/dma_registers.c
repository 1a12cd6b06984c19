// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The registers that only a board on PCIe has, and the upload that they describe. What they say
 * is judged when it is used, by START and COMMAND UPLOAD.
 */
#include "base/util.h"
#include "emulator/board_internal.h"

#define EVENTS (ETALON_HW_EVENT_RECORDS | ETALON_HW_EVENT_STATE | ETALON_HW_EVENT_AUX)

/* ---- reading ---- */

static uint64_t *wide_of(struct dma *d, uint32_t address)
{
	switch (address) {
	case ETALON_REG_RING_TABLE:
		return &d->ring_table;
	case ETALON_REG_CONTROL_BLOCK:
		return &d->control_block;
	case ETALON_REG_UPLOAD_TABLE:
		return &d->upload_table;
	default:
		return NULL;
	}
}

static uint32_t *narrow_of(struct dma *d, uint32_t address)
{
	switch (address) {
	case ETALON_REG_RING_PAGES:
		return &d->ring_pages;
	case ETALON_REG_RING_PAGE_SHIFT:
		return &d->page_shift;
	case ETALON_REG_UPLOAD_SIZE:
		return &d->upload_size;
	case ETALON_REG_INTERRUPT_ENABLE:
		return &d->interrupt_enable;
	case ETALON_REG_INTERRUPT_GAP_NS:
		return &d->interrupt_gap_ns;
	default:
		return NULL;
	}
}

bool dma_read_wide(struct board *b, uint32_t address, uint64_t *ret)
{
	const uint64_t *wide = b->config.host ? wide_of(&b->dma, address) : NULL;

	if (wide)
		*ret = *wide;
	return wide;
}

bool dma_read_narrow(struct board *b, uint32_t address, uint32_t *ret)
{
	const uint32_t *narrow = b->config.host ? narrow_of(&b->dma, address) : NULL;

	if (narrow)
		*ret = *narrow;
	return narrow;
}

/* ---- writing ---- */

static bool of_ring(uint32_t address)
{
	return address >= ETALON_REG_RING_TABLE && address < ETALON_REG_UPLOAD_TABLE;
}

static bool may_write(struct board *b)
{
	if (!sequencer_active(b))
		return true;
	board_result(b, ETALON_HW_REFUSED_STATE, b->sequencer.state, 0, 0);
	return false;
}

static void written(struct board *b, uint32_t address)
{
	board_result(b, ETALON_HW_RESULT_OK, 0, 0, 0);
	if (of_ring(address))
		dma_restart(b);
}

static void write_wide(struct board *b, uint64_t *target, uint32_t address, uint32_t value)
{
	uint64_t whole;

	if (!registers_join(b, address, value, *target, &whole) || !may_write(b))
		return;
	*target = whole;
	written(b, address);
}

static void write_narrow(struct board *b, uint32_t *target, uint32_t address, uint32_t value)
{
	if (!may_write(b))
		return;
	if (address == ETALON_REG_INTERRUPT_GAP_NS && value < DMA_INTERRUPT_GAP_MIN_NS)
		return board_result(b, ETALON_HW_REFUSED_TIMING, 0, DMA_INTERRUPT_GAP_MIN_NS,
				    UINT32_MAX);
	*target = address == ETALON_REG_INTERRUPT_ENABLE ? value & EVENTS : value;
	written(b, address);
}

bool dma_write(struct board *b, uint32_t address, uint32_t value)
{
	uint64_t *wide = wide_of(&b->dma, address & ~7U);
	uint32_t *narrow = narrow_of(&b->dma, address);

	if (!b->config.host || (!wide && !narrow))
		return false;
	if (wide)
		write_wide(b, wide, address, value);
	else
		write_narrow(b, narrow, address, value);
	return true;
}

/* ---- COMMAND UPLOAD ---- */

static size_t upload_max(const struct board *b)
{
	const size_t list = b->description->list_points_max * sizeof(int64_t);

	return sizeof(struct etalon_hw_upload) + MAX(list, sizeof(struct etalon_hw_program));
}

/* Gathers the upload from the pages that its table names. */
static int gather(const struct board *b, uint8_t *bytes)
{
	const struct host_bus *host = b->config.host;
	const size_t page_bytes = (size_t)1 << b->dma.page_shift;
	uint64_t entry = b->dma.upload_table;

	for (size_t at = 0; at < b->dma.upload_size; at += page_bytes) {
		const size_t piece = MIN(page_bytes, b->dma.upload_size - at);
		uint64_t page;
		int r = host_read(host, entry, &page, sizeof(page));

		if (r < 0 || page % page_bytes)
			return -EFAULT;
		r = host_read(host, page, bytes + at, piece);
		if (r < 0)
			return r;
		entry += sizeof(page);
	}
	return 0;
}

/* What did not arrive whole spoils what LOAD would load, as a torn upload does. */
static void refuse(struct board *b, uint32_t result, uint32_t wrong_register)
{
	b->upload.torn = true;
	board_result(b, result, wrong_register, 0, 0);
}

void dma_upload(struct board *b)
{
	const struct host_bus *host = b->config.host;
	const struct dma *d = &b->dma;
	_cleanup_free_ uint8_t *bytes = NULL;

	if (!host) /* a board whose uploads come another way */
		return board_result(b, ETALON_HW_REFUSED_DMA, ETALON_REG_UPLOAD_TABLE, 0, 0);
	if (d->page_shift < DMA_PAGE_SHIFT_MIN || d->page_shift > DMA_PAGE_SHIFT_MAX)
		return refuse(b, ETALON_HW_REFUSED_DMA, ETALON_REG_RING_PAGE_SHIFT);
	if (d->upload_size > upload_max(b))
		return refuse(b, ETALON_HW_REFUSED_UPLOAD, ETALON_REG_UPLOAD_SIZE);
	bytes = malloc(MAX(d->upload_size, 1U));
	if (!bytes || !d->upload_table || d->upload_table % sizeof(uint64_t) ||
	    !host->master(host->userdata) || gather(b, bytes) < 0)
		return refuse(b, ETALON_HW_REFUSED_DMA, ETALON_REG_UPLOAD_TABLE);
	board_upload(b, bytes, d->upload_size);
}
