// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What the board tells its host without being asked: the control block, and interrupt messages.
 */
#include "base/util.h"
#include "emulator/board_internal.h"

#define BLOCK_ALIGNMENT 64 /* board's and host's half in cache lines of their own */
#define AT_ONCE (ETALON_HW_EVENT_STATE | ETALON_HW_EVENT_AUX)
#define COUNT_SHIFT 8 /* of the messages in `events` */
#define INDEX_LIE (1ULL << 48) /* far beyond any ring */

struct etalon_hw_control *dma_control(const struct board *b)
{
	const struct host_bus *host = b->config.host;
	const uint64_t address = b->dma.control_block;

	if (!address || address % BLOCK_ALIGNMENT)
		return NULL;
	return host->memory(host->userdata, address, sizeof(struct etalon_hw_control), true);
}

/* ---- messages ---- */

void dma_event(struct board *b, uint32_t events)
{
	if (b->config.host)
		b->dma.pending |= events & AT_ONCE;
}

static bool announces(const struct dma *d)
{
	return d->interrupt_enable & ETALON_HW_EVENT_RECORDS && d->published != d->announced;
}

uint64_t dma_messages_due(const struct board *b)
{
	const struct dma *d = &b->dma;

	if (d->pending & d->interrupt_enable)
		return b->given_ns;
	if (hostile_active(b) && d->interrupt_enable)
		return b->given_ns + HOSTILE_STORM_NS;
	return announces(d) ? MAX(d->announce_due, b->given_ns) : UINT64_MAX;
}

static uint32_t due(const struct board *b)
{
	const struct dma *d = &b->dma;
	uint32_t events = d->pending & d->interrupt_enable;

	if (announces(d) && b->given_ns >= d->announce_due)
		events |= ETALON_HW_EVENT_RECORDS;
	return events;
}

/* Each event that is enabled has a message of its own, in their order. */
static uint32_t messages_of(const struct dma *d, uint32_t events)
{
	uint32_t messages = 0, number = 0;

	for (uint32_t event = 1; event <= ETALON_HW_EVENT_AUX; event <<= 1) {
		if (!(d->interrupt_enable & event))
			continue;
		if (events & event)
			messages |= 1U << number;
		number++;
	}
	return messages;
}

void dma_send_messages(struct board *b)
{
	const struct host_bus *host = b->config.host;
	struct dma *d = &b->dma;
	const uint32_t events = due(b);

	d->pending &= d->interrupt_enable & ~events; /* what is not enabled is not kept */
	if (hostile_active(b) && d->interrupt_enable)
		return host->interrupt(host->userdata, messages_of(d, d->interrupt_enable));
	if (!events)
		return;
	if (events & ETALON_HW_EVENT_RECORDS) {
		d->announced = d->published;
		d->announce_due = b->given_ns + d->interrupt_gap_ns;
	}
	host->interrupt(host->userdata, messages_of(d, events));
}

/* ---- the control block ---- */

static struct etalon_hw_control snapshot(const struct board *b, uint32_t events)
{
	const struct dma *d = &b->dma;

	return (struct etalon_hw_control){
		.producer = d->published,
		.lost = records_lost(b->records),
		.state = b->safety.state,
		.causes = b->safety.latched,
		.sequencer = b->sequencer.state,
		.causes_live = b->safety.live,
		.status_bits = board_status_bits(b),
		.events = events ? d->messages << COUNT_SHIFT | events : d->told.events,
	};
}

void dma_corrupt_index(struct board *b)
{
	b->dma.corrupt_index = b->dma.tell = true;
	dma_event(b, ETALON_HW_EVENT_STATE);
}

int dma_tell(struct board *b)
{
	struct dma *d = &b->dma;
	struct etalon_hw_control *control = dma_control(b);
	const uint32_t events = due(b);
	struct etalon_hw_control say;

	if (!control)
		return d->control_block ? -EFAULT : 0;
	if (events)
		d->messages++;
	say = snapshot(b, events);
	if (!d->tell && !hostile_active(b) && memcmp(&say, &d->told, sizeof(say)) == 0)
		return 0;
	d->tell = false;
	d->told = say;
	if (d->corrupt_index)
		say.producer ^= INDEX_LIE;
	hostile_control(b, &say);
	__atomic_store_n(&control->lost, say.lost, __ATOMIC_RELAXED);
	__atomic_store_n(&control->state, say.state, __ATOMIC_RELAXED);
	__atomic_store_n(&control->causes, say.causes, __ATOMIC_RELAXED);
	__atomic_store_n(&control->sequencer, say.sequencer, __ATOMIC_RELAXED);
	__atomic_store_n(&control->causes_live, say.causes_live, __ATOMIC_RELAXED);
	__atomic_store_n(&control->status_bits, say.status_bits, __ATOMIC_RELAXED);
	__atomic_store_n(&control->events, say.events, __ATOMIC_RELAXED);
	/* Last: who sees it sees the records before it, and all of the above. */
	__atomic_store_n(&control->producer, say.producer, __ATOMIC_RELEASE);
	return 0;
}
