// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The ring of records in host memory. Record s lies at byte (s x stride) modulo the largest
 * multiple of the stride that fits; it is written when the record it overwrites is no longer needed.
 */
#include <inttypes.h>

#include "base/util.h"
#include "emulator/board_internal.h"

#define RING_PAGES_MAX (1U << 20)
#define BATCH_BYTES (256U << 10)
#define BATCHES_PER_MOVE 8
#define LOOK_AGAIN_NS \
	(200 * NSEC_PER_USEC) /* at the consumer of a full ring: nothing tells of it */

void dma_reset(struct board *b)
{
	dma_free(&b->dma);
	b->dma = (struct dma){
		.page_shift = DMA_PAGE_SHIFT_MIN,
		.interrupt_gap_ns = DMA_INTERRUPT_GAP_MIN_NS,
	};
}

void dma_free(struct dma *d)
{
	free(d->page);
	d->page = NULL;
}

/* Nothing of what was is needed any more. */
static void empty(struct board *b)
{
	struct dma *d = &b->dma;

	records_flush(b->records);
	d->published = d->consumer = d->announced = records_sequence(b->records);
	d->stride = 0;
	d->full = d->broken = d->corrupt_index = false;
	d->tell = true;
}

void dma_restart(struct board *b)
{
	dma_free(&b->dma);
	empty(b);
}

/* ---- START ---- */

static bool refuse(struct board *b, uint32_t wrong_register)
{
	board_result(b, ETALON_HW_REFUSED_DMA, wrong_register, 0, 0);
	return false;
}

/* The page table as it is now, each page whole, aligned and writable; NULL otherwise. */
static uint64_t *read_table(const struct board *b)
{
	const struct host_bus *host = b->config.host;
	const size_t page_bytes = (size_t)1 << b->dma.page_shift;
	const size_t bytes = b->dma.ring_pages * sizeof(uint64_t);
	_cleanup_free_ uint64_t *page = malloc(bytes);

	if (!page || host_read(host, b->dma.ring_table, page, bytes) < 0)
		return NULL;
	for (uint32_t i = 0; i < b->dma.ring_pages; i++)
		if (page[i] % page_bytes ||
		    !host->memory(host->userdata, page[i], page_bytes, true))
			return NULL;
	return take_ptr(page);
}

bool dma_ready(struct board *b)
{
	struct dma *d = &b->dma;
	uint64_t *page;

	if (!b->config.host)
		return true;
	if (d->page_shift < DMA_PAGE_SHIFT_MIN || d->page_shift > DMA_PAGE_SHIFT_MAX)
		return refuse(b, ETALON_REG_RING_PAGE_SHIFT);
	if (!d->ring_pages || d->ring_pages > RING_PAGES_MAX)
		return refuse(b, ETALON_REG_RING_PAGES);
	if (!b->config.host->master(b->config.host->userdata) || !dma_control(b))
		return refuse(b, ETALON_REG_CONTROL_BLOCK);
	page = d->ring_table && d->ring_table % sizeof(*page) == 0 ? read_table(b) : NULL;
	if (!page)
		return refuse(b, ETALON_REG_RING_TABLE);
	if (d->broken)
		empty(b);
	free(d->page);
	d->page = page;
	d->ring_page_shift = d->page_shift;
	d->ring_bytes = (uint64_t)d->ring_pages << d->page_shift;
	return true;
}

/* ---- moving ---- */

static bool can_move(const struct board *b)
{
	const struct host_bus *host = b->config.host;

	return b->dma.page && !b->dma.broken && host->master(host->userdata) &&
	       !faults_stalled(b->faults);
}

/* The host's word: only a step forward over what it was given is believed. */
static int read_consumer(struct board *b)
{
	const struct etalon_hw_control *control = dma_control(b);
	struct dma *d = &b->dma;
	uint64_t consumer;

	if (!control)
		return -EFAULT;
	consumer = __atomic_load_n(&control->consumer, __ATOMIC_ACQUIRE);
	if (consumer > d->consumer && consumer <= d->published)
		d->consumer = consumer;
	return 0;
}

static bool has_place(struct dma *d, const struct etalon_hw_record *record)
{
	const bool drained = d->consumer == d->published;

	if (record->size != d->stride) { /* a program of another stride: places move */
		if (!drained)
			return false;
		d->stride = record->size;
	}
	/* After a gap longer than the ring the next place is free once all before the gap is read. */
	return drained || record->sequence < d->consumer + d->ring_bytes / d->stride;
}

static int write_record(struct board *b, const struct etalon_hw_record *record)
{
	const struct dma *d = &b->dma;
	const uint64_t page_bytes = 1ULL << d->ring_page_shift;
	uint64_t at = record->sequence % (d->ring_bytes / d->stride) * d->stride;
	_Alignas(8) uint8_t lies[RECORD_STRIDE_MAX];
	const uint8_t *from = (const uint8_t *)record;
	size_t left = record->size;

	if (hostile_active(b)) {
		from = memcpy(lies, record, record->size);
		hostile_record(b, (struct etalon_hw_record *)(void *)lies);
	}

	while (left) {
		const uint64_t in_page = at % page_bytes;
		const size_t piece = MIN(left, (size_t)(page_bytes - in_page));
		int r = host_write(b->config.host, d->page[at >> d->ring_page_shift] + in_page,
				   from, piece);

		if (r < 0)
			return r;
		from += piece;
		at += piece;
		left -= piece;
	}
	return 0;
}

/* Moves what it can of `size` bytes of whole records; returns the bytes moved. */
static size_t move_batch(struct board *b, const uint8_t *bytes, size_t size)
{
	struct dma *d = &b->dma;
	size_t at = 0;

	while (at < size) {
		const struct etalon_hw_record *record = (const void *)(bytes + at);

		d->full = !has_place(d, record);
		if (d->full)
			break;
		if (write_record(b, record) < 0) {
			d->broken = true;
			break;
		}
		d->published = MAX(d->published, record->sequence + 1);
		at += record->size;
	}
	return at;
}

/* As on a bus that rejects a transfer: nothing can be delivered, so nothing goes on. */
static void break_off(struct board *b)
{
	b->dma.broken = true;
	event_log_line(b->log, b->real_ns, board_tick(b, board_now(b)), "dma-abort",
		       "\"producer\":%" PRIu64, b->dma.published);
	sequencer_stop(b, ETALON_HW_END_FAULT, board_now(b));
	safety_trip(b, ETALON_HW_CAUSE_LINK, b->real_ns);
}

static void move_records(struct board *b)
{
	struct dma *d = &b->dma;

	for (int i = 0; i < BATCHES_PER_MOVE && !d->full && !d->broken; i++) {
		size_t size, moved;
		const void *bytes;

		if (read_consumer(b) < 0) {
			d->broken = true;
			break;
		}
		bytes = board_records_peek(b, BATCH_BYTES, &size);
		if (!bytes)
			return;
		moved = move_batch(b, bytes, size);
		board_records_consume(b, moved);
	}
	if (d->broken)
		break_off(b);
}

void dma_move(struct board *b)
{
	const struct host_bus *host = b->config.host;

	if (!host)
		return;
	b->dma.full = false;
	if (can_move(b) && !records_empty(b->records))
		move_records(b);
	if (!host->master(host->userdata))
		return;
	if (dma_tell(b) < 0 && sequencer_active(b))
		break_off(b);
	dma_send_messages(b);
}

uint64_t dma_deadline(const struct board *b)
{
	const struct host_bus *host = b->config.host;
	uint64_t next;

	if (!host || !host->master(host->userdata))
		return UINT64_MAX;
	next = dma_messages_due(b);
	if (can_move(b) && !records_empty(b->records))
		next = MIN(next, b->dma.full ? b->given_ns + LOOK_AGAIN_NS : b->given_ns);
	return next;
}
