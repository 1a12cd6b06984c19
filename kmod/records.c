// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Records between board and capture fd: what arrived, what is released, what is published on the
 * status page; and the END record that a board can no longer send.
 */
#include <linux/export.h>
#include <linux/mm.h>
#include <linux/uaccess.h>

#include "etalon.h"

/* STATUS and GAP records between the last POINT and the end of a program are few. */
#define LOOK_BACK_RECORDS 64U

static void publish(struct etalon_board *board)
{
	struct etalon_ring_status *status = board->memory.status;

	WRITE_ONCE(status->consumer, board->ring.consumer);
	WRITE_ONCE(status->lost, board->told.lost);
	WRITE_ONCE(status->state, board->told.state);
	WRITE_ONCE(status->sequencer, board->told.sequencer);
	WRITE_ONCE(status->stride, board->ring.stride);
	WRITE_ONCE(status->data_modulus, board->ring.modulus);
	/* Records are in memory before the number that speaks of them. */
	smp_store_release(&status->producer, board->ring.producer);
}

static void consume(struct etalon_board *board)
{
	if (!board->ring_closed)
		board->ops->consume(board, board->ring.consumer);
}

static void sync_records(struct etalon_board *board, u64 from, u64 to)
{
	struct etalon_ring_span span;

	if (!board->ops->sync)
		return;
	from = max(from, to - min(to, board->ring.capacity));
	while (from < to) {
		etalon_ring_span(&board->ring, from, to, &span);
		board->ops->sync(board, &span);
		from += div_u64(span.bytes, board->ring.stride);
	}
}

static bool differs(const struct etalon_progress *a, const struct etalon_progress *b)
{
	return a->state != b->state || a->causes != b->causes || a->causes_live != b->causes_live ||
	       a->sequencer != b->sequencer || a->status_bits != b->status_bits;
}

static bool plausible(const struct etalon_progress *progress)
{
	return progress->state <= ETALON_HW_STATE_TRIPPED &&
	       progress->sequencer <= ETALON_HW_SEQUENCER_ENDED;
}

/* Several ask, each in a handler or call of its own: in the lock none has an older answer. */
int etalon_records_take(struct etalon_board *board, bool *ret_changed)
{
	struct etalon_progress progress;
	bool wake = false;
	s64 more = 0;
	u64 from;

	*ret_changed = false;
	spin_lock(&board->ring_lock);
	board->ops->progress(board, &progress);
	from = board->ring.producer;
	if (!plausible(&progress))
		more = -EPROTO;
	else if (!board->ring_closed)
		more = etalon_ring_produce(&board->ring, progress.producer);
	if (more > 0)
		sync_records(board, from, board->ring.producer);
	if (more >= 0) {
		*ret_changed = differs(&board->told, &progress);
		board->told = progress;
		publish(board);
		wake = more && board->ring.producer > board->want;
	}
	spin_unlock(&board->ring_lock);
	if (wake)
		wake_up_interruptible_all(&board->wait);
	return more < 0 ? (int)more : 0;
}

void etalon_records_want(struct etalon_board *board, u64 sequence)
{
	bool there;

	spin_lock(&board->ring_lock);
	board->want = sequence;
	there = board->ring.producer > sequence;
	spin_unlock(&board->ring_lock);
	if (there) /* whoever waits for a later one already */
		wake_up_interruptible_all(&board->wait);
}

static int unreleased(struct etalon_board *board, struct etalon_refusal *refusal)
{
	return etalon_refuse(refusal, ETALON_HW_REFUSED_STATE, 0, (s64)board->ring.consumer,
			     (s64)board->ring.producer);
}

int etalon_records_can_load(struct etalon_board *board, u32 stride, struct etalon_refusal *refusal)
{
	int ret;

	spin_lock(&board->ring_lock);
	ret = etalon_ring_can_load(&board->ring, stride, board->ring.producer);
	if (ret == -EBUSY)
		ret = unreleased(board, refusal);
	spin_unlock(&board->ring_lock);
	return ret;
}

int etalon_records_load(struct etalon_board *board, u32 stride, u64 first,
			struct etalon_refusal *refusal)
{
	int ret;

	spin_lock(&board->ring_lock);
	ret = etalon_ring_load(&board->ring, stride, first);
	if (ret == -EBUSY)
		ret = unreleased(board, refusal);
	if (!ret) {
		board->ring_closed = false;
		board->end_owed = false;
		if (board->ops->begin)
			board->ops->begin(board);
		consume(board);
		publish(board);
	}
	spin_unlock(&board->ring_lock);
	return ret;
}

u64 etalon_records_mark(struct etalon_board *board)
{
	u64 mark;

	spin_lock(&board->ring_lock);
	mark = board->ring.producer;
	spin_unlock(&board->ring_lock);
	return mark;
}

void etalon_records_begin(struct etalon_board *board, u32 generation, u64 mark)
{
	spin_lock(&board->ring_lock);
	board->end_owed = true;
	board->generation = generation;
	board->started_at = mark;
	board->started_lost = board->told.lost;
	spin_unlock(&board->ring_lock);
}

void *etalon_board_place(struct etalon_board *board, u64 sequence)
{
	return board->memory.data + etalon_ring_offset(&board->ring, sequence);
}
EXPORT_SYMBOL_GPL(etalon_board_place);

static const struct etalon_hw_record *record_at(struct etalon_board *board, u64 sequence)
{
	return etalon_board_place(board, sequence);
}

/* The place may still hold an older record, where this one was lost. */
static bool is_of_program(struct etalon_board *board, u64 sequence, u16 type)
{
	const struct etalon_hw_record *record = record_at(board, sequence);

	return record->magic == ETALON_HW_RECORD_MAGIC && record->type == type &&
	       record->generation == board->generation && record->sequence == sequence;
}

static bool has_end(struct etalon_board *board)
{
	const u64 producer = board->ring.producer;

	return producer > board->started_at &&
	       is_of_program(board, producer - 1, ETALON_HW_RECORD_END);
}

bool etalon_records_lack_end(struct etalon_board *board)
{
	bool lack;

	spin_lock(&board->ring_lock);
	lack = board->end_owed && !board->ring_closed && !has_end(board);
	spin_unlock(&board->ring_lock);
	return lack;
}

/* The last POINT of the program that arrived, NULL: none among the last records. */
static const struct etalon_hw_record_point *last_point(struct etalon_board *board)
{
	const u64 producer = board->ring.producer;
	const u64 back =
		min3(producer - board->started_at, board->ring.capacity, (u64)LOOK_BACK_RECORDS);
	u64 i;

	for (i = 1; i <= back; i++)
		if (is_of_program(board, producer - i, ETALON_HW_RECORD_POINT))
			return (const void *)record_at(board, producer - i);
	return NULL;
}

static void end_cause(enum etalon_cause cause, struct etalon_hw_record_end *end)
{
	switch (cause) {
	case ETALON_CAUSE_UNPLUG:
	case ETALON_CAUSE_SUSPEND:
	case ETALON_CAUSE_SHUTDOWN:
		end->cause = ETALON_HW_END_TRIPPED;
		end->causes = ETALON_HW_CAUSE_LINK;
		return;
	case ETALON_CAUSE_DISTRUST:
		end->cause = ETALON_HW_END_FAULT;
		return;
	default:
		end->cause = ETALON_HW_END_RESET;
		return;
	}
}

/* By the rules of memory that the board will write to again, unless it never will. */
static void write_end(struct etalon_board *board, const struct etalon_hw_record_end *end)
{
	/* With the board its link may have gone, operations and all. */
	const bool shared = !board->close_gone && board->ops->sync;
	const u64 sequence = end->head.sequence;
	struct etalon_ring_span place;
	u8 *at;

	etalon_ring_span(&board->ring, sequence, sequence + 1, &place);
	at = board->memory.data + place.offset;
	if (shared)
		board->ops->sync(board, &place);
	memcpy(at, end, sizeof(*end));
	memset(at + sizeof(*end), 0, place.bytes - sizeof(*end));
	if (shared)
		board->ops->give(board, &place);
}

/* In the board's place: what can be known here. The CRC cannot: 0. */
static int append_end(struct etalon_board *board)
{
	const struct etalon_hw_record_point *point = last_point(board);
	struct etalon_hw_record_end end = {
		.dropped = board->told.lost - board->started_lost,
		.flags = ETALON_HW_END_FLAG_HOST,
	};
	s64 sequence;

	end_cause(board->close_cause, &end);
	if (point) {
		end.produced = point->number + 1;
		end.tick = point->tick;
	}
	sequence = etalon_ring_append(&board->ring);
	if (sequence < 0)
		return (int)sequence;
	end.head = (struct etalon_hw_record){
		.magic = ETALON_HW_RECORD_MAGIC,
		.type = ETALON_HW_RECORD_END,
		.size = (u16)board->ring.stride,
		.generation = board->generation,
		.sequence = (u64)sequence,
	};
	write_end(board, &end);
	return 0;
}

/* In a ring that is full, END has to wait for the next release. True: it came now. */
static bool settle_end(struct etalon_board *board)
{
	const u64 before = board->ring.producer;

	if (board->ring_closed && board->end_owed && (has_end(board) || !append_end(board)))
		board->end_owed = false;
	return board->ring.producer != before;
}

/* Whoever reads that the board is gone has the last producer, too. */
static void publish_end(struct etalon_board *board)
{
	publish(board);
	if (board->close_gone && !board->end_owed)
		/* After the producer. */
		smp_store_release(&board->memory.status->gone, 1);
}

static void shut(struct etalon_board *board, enum etalon_cause cause)
{
	if (!board->ring_closed)
		board->close_cause = cause;
	board->ring_closed = true;
}

void etalon_records_shut(struct etalon_board *board, enum etalon_cause cause)
{
	spin_lock(&board->ring_lock);
	shut(board, cause);
	spin_unlock(&board->ring_lock);
}

void etalon_records_close(struct etalon_board *board, enum etalon_cause cause, bool gone)
{
	spin_lock(&board->ring_lock);
	shut(board, cause);
	board->close_gone |= gone;
	settle_end(board);
	publish_end(board);
	spin_unlock(&board->ring_lock);
	wake_up_all(&board->wait);
}

int etalon_records_release(struct etalon_board *board, u64 sequence)
{
	bool ended = false;
	int ret;

	spin_lock(&board->ring_lock);
	ret = etalon_ring_release(&board->ring, sequence);
	if (!ret) {
		consume(board);
		ended = settle_end(board);
		publish_end(board);
	}
	spin_unlock(&board->ring_lock);
	if (ended) /* somebody else may wait for it */
		wake_up_all(&board->wait);
	return ret;
}

ssize_t etalon_records_read(struct etalon_board *board, char __user *buffer, size_t count,
			    loff_t position)
{
	struct etalon_ring_span span;
	size_t done = 0;
	int ret;

	if (position < 0)
		return -EINVAL;
	do { /* twice where the ring's end lies between */
		spin_lock(&board->ring_lock);
		ret = etalon_ring_read(&board->ring, (u64)position + done, count - done, &span);
		spin_unlock(&board->ring_lock);
		if (ret || !span.bytes)
			break;
		/* Within memory whatever a LOAD does meanwhile. */
		if (copy_to_user(buffer + done, board->memory.data + span.offset, span.bytes))
			return -EFAULT;
		done += span.bytes;
	} while (done < count);
	return done ? (ssize_t)done : ret;
}
