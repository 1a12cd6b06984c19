// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Records by bulk transfers. Their payload is copied into the ring, once: a record's place follows
 * from the number inside it, which is known when it has come. A transfer that pointed into the
 * ring would lay everything behind a lost or repeated record into wrong places, and let a board
 * that says too much write over records that are not released.
 *
 * A ring that is full holds the transfers back; then the board's own FIFO fills, and what it drops
 * it counts and tells by a GAP record, as on any other bus.
 */
#include <linux/delay.h>
#include <linux/slab.h>

#include "registers.h"
#include "usb.h"

#define TAKE_AT_ONCE 4
#define WATCH_MS 500
/* STATUS records come ten times a second while a program runs. */
#define SILENT_MAX (2000 / WATCH_MS)
#define MENDS_MAX 3
#define AWAIT_US 500
#define AWAITS 200

/* ---- what came ---- */

static void finish_program(struct etalon_usb *link, u64 tick)
{
	struct etalon_progress *told = &link->told;

	spin_lock_irq(&link->lock);
	/* END may overtake the event. */
	if (tick >= link->told_tick && (told->sequencer == ETALON_HW_SEQUENCER_RUNNING ||
					told->sequencer == ETALON_HW_SEQUENCER_WAITING)) {
		told->sequencer = ETALON_HW_SEQUENCER_ENDED;
		link->told_tick = tick;
	}
	spin_unlock_irq(&link->lock);
}

/* By the rule of the ring in hw.h, section 6. */
static bool has_place(const struct etalon_usb *link, u64 sequence)
{
	const struct etalon_ring *ring = &link->board->ring;

	return sequence < ring->consumer + ring->capacity || ring->consumer == link->intake.next;
}

/* 1: all of it is done with. 0: the ring is full. */
static int take(struct etalon_usb *link, struct etalon_usb_transfer *t)
{
	struct etalon_board *board = link->board;
	struct etalon_intake_item item;
	int ret;

	while ((ret = etalon_intake_peek(&link->intake, &t->bytes, &item)) > 0) {
		if (!has_place(link, item.sequence))
			return 0;
		memcpy(etalon_board_place(board, item.sequence), item.bytes, link->intake.stride);
		if (item.is_end)
			finish_program(link, item.end_tick);
		etalon_intake_accept(&link->intake, &t->bytes);
	}
	if (t->cut)
		etalon_intake_cut(&link->intake);
	return ret ?: 1;
}

static struct etalon_usb_transfer *first_of(struct etalon_usb *link, struct list_head *list)
{
	struct etalon_usb_transfer *t;

	spin_lock_irq(&link->lock);
	t = list_first_entry_or_null(list, struct etalon_usb_transfer, entry);
	spin_unlock_irq(&link->lock);
	return t;
}

static void move(struct etalon_usb *link, struct etalon_usb_transfer *t, struct list_head *list)
{
	spin_lock_irq(&link->lock);
	list_move_tail(&t->entry, list);
	spin_unlock_irq(&link->lock);
}

/* 0, or -EPROTO. Not all at once: others may want the lock. */
static int take_all(struct etalon_usb *link)
{
	struct etalon_usb_transfer *t;
	int budget = TAKE_AT_ONCE, ret;

	link->held = false;
	while (budget-- && (t = first_of(link, &link->done))) {
		ret = link->quiet ? 1 : take(link, t);
		if (ret < 0)
			return ret;
		if (!ret) {
			link->held = true;
			return 0;
		}
		move(link, t, &link->idle);
	}
	return 0;
}

/* ---- what is sent out ---- */

static bool has_ended(int status)
{
	return status == -ENOENT || status == -ECONNRESET || status == -ESHUTDOWN ||
	       status == -ENODEV;
}

static void on_transfer(struct urb *urb)
{
	struct etalon_usb_transfer *t = urb->context;
	struct etalon_usb *link = t->link;
	const int status = urb->status;
	unsigned long flags;

	spin_lock_irqsave(&link->lock, flags);
	t->cut = false;
	t->bytes = (struct etalon_intake_transfer){
		.data = urb->transfer_buffer,
		.bytes = urb->actual_length,
		.ends = !status && urb->actual_length < urb->transfer_buffer_length,
	};
	list_add_tail(&t->entry, urb->actual_length || !status ? &link->done : &link->idle);
	link->arrivals += !status;
	if (status && !has_ended(status) && !link->hurt) {
		link->hurt = true;
		link->hurt_by = status;
		mod_delayed_work(etalon_usb_queue, &link->watch,
				 msecs_to_jiffies(link->mended * 100));
	}
	spin_unlock_irqrestore(&link->lock, flags);
	queue_work(etalon_usb_queue, &link->look);
}

static struct etalon_usb_transfer *next_idle(struct etalon_usb *link)
{
	struct etalon_usb_transfer *t = NULL;

	spin_lock_irq(&link->lock);
	if (!link->mending && !link->hurt)
		t = list_first_entry_or_null(&link->idle, struct etalon_usb_transfer, entry);
	if (t)
		list_del_init(&t->entry);
	spin_unlock_irq(&link->lock);
	return t;
}

/* Under board->ring_lock. One that cannot be sent out now can when the watch looks, or never. */
static void send_out(struct etalon_usb *link)
{
	struct etalon_usb_transfer *t;

	while (!link->quiet && (t = next_idle(link))) {
		usb_anchor_urb(t->urb, &link->inflight);
		if (!usb_submit_urb(t->urb, GFP_ATOMIC))
			continue;
		usb_unanchor_urb(t->urb);
		move(link, t, &link->idle);
		return;
	}
}

bool etalon_usb_has_more(struct etalon_usb *link)
{
	bool more;

	spin_lock(&link->board->ring_lock);
	spin_lock_irq(&link->lock);
	more = !list_empty(&link->done) && !link->held;
	spin_unlock_irq(&link->lock);
	spin_unlock(&link->board->ring_lock);
	return more;
}

void etalon_usb_fetch(struct etalon_usb *link)
{
	spin_lock(&link->board->ring_lock);
	send_out(link);
	spin_unlock(&link->board->ring_lock);
}

void etalon_usb_stop_fetching(struct etalon_usb *link)
{
	usb_kill_anchored_urbs(&link->inflight);
}

/* ---- for the core ---- */

void etalon_usb_progress(struct etalon_board *board, struct etalon_progress *ret)
{
	struct etalon_usb *link = board->link;
	const int broken = take_all(link);

	send_out(link);
	spin_lock_irq(&link->lock);
	*ret = link->told;
	spin_unlock_irq(&link->lock);
	/* No board counts like this: the core does what is to be done. */
	ret->producer = broken ? U64_MAX : link->intake.next;
}

void etalon_usb_begin(struct etalon_board *board)
{
	struct etalon_usb *link = board->link;

	etalon_intake_begin(&link->intake, board->ring.stride, board->ring.first);
}

void etalon_usb_consume(struct etalon_board *board, u64 sequence)
{
	struct etalon_usb *link = board->link;

	if (link->held)
		queue_work(etalon_usb_queue, &link->look);
}

/* Records of the program before may be under way: where they are wanted they have to be here. */
static bool lacks_records(struct etalon_usb *link, u64 produced)
{
	struct etalon_board *board = link->board;
	bool lacks;

	spin_lock(&board->ring_lock);
	take_all(link);
	send_out(link);
	lacks = link->intake.stride && link->intake.next < produced && !link->held &&
		(board->ring.consumer != board->ring.producer ||
		 board->ring.producer != link->intake.next);
	spin_unlock(&board->ring_lock);
	return lacks;
}

int etalon_usb_loaded(struct etalon_board *board, struct etalon_loaded *ret)
{
	int r = etalon_registers_loaded(board, ret), i;

	if (r)
		return r;
	for (i = 0; i < AWAITS && lacks_records(board->link, ret->produced); i++)
		fsleep(AWAIT_US);
	return 0;
}

/* ---- when they do not come ---- */

/* Nothing is sent out from here on; sending is under the same lock. */
static void hold_back(struct etalon_usb *link, bool mending)
{
	spin_lock(&link->board->ring_lock);
	spin_lock_irq(&link->lock);
	link->mending = mending;
	if (!mending)
		link->hurt = false;
	spin_unlock_irq(&link->lock);
	spin_unlock(&link->board->ring_lock);
}

/* What was aborted may have been lost in the middle of a record. What came before it counts. */
static void cut(struct etalon_usb *link)
{
	struct etalon_usb_transfer *last = NULL;

	spin_lock(&link->board->ring_lock);
	spin_lock_irq(&link->lock);
	if (!list_empty(&link->done))
		last = list_last_entry(&link->done, struct etalon_usb_transfer, entry);
	if (last)
		last->cut = true;
	spin_unlock_irq(&link->lock);
	if (!last)
		etalon_intake_cut(&link->intake);
	spin_unlock(&link->board->ring_lock);
}

/* Abort, clear, begin anew: sequence numbers tell what was lost. */
static void mend(struct etalon_usb *link, int why)
{
	int ret;

	hold_back(link, true);
	etalon_usb_stop_fetching(link);
	cut(link);
	ret = usb_clear_halt(link->udev, usb_rcvbulkpipe(link->udev, ETALON_HW_USB_EP_RECORDS));
	hold_back(link, false);
	if (ret != -ENODEV)
		dev_warn_ratelimited(&link->intf->dev, "records: %pe; the pipe was %scleared\n",
				     ERR_PTR(why), ret ? "not " : "");
	if (why != -ETIMEDOUT && ++link->mended > MENDS_MAX)
		etalon_usb_reset_port(link);
}

static void mend_event(struct etalon_usb *link)
{
	usb_clear_halt(link->udev, usb_rcvintpipe(link->udev, ETALON_HW_USB_EP_EVENTS));
	spin_lock_irq(&link->lock);
	link->event_hurt = false;
	spin_unlock_irq(&link->lock);
	if (etalon_usb_listen(link))
		dev_warn_ratelimited(&link->intf->dev, "no events\n");
}

static void count_silence(struct etalon_usb *link, u64 arrivals, bool waits)
{
	if (arrivals != link->watched)
		link->mended = 0;
	link->silent = arrivals == link->watched && waits ? link->silent + 1 : 0;
	link->watched = arrivals;
}

void etalon_usb_watch(struct work_struct *work)
{
	struct etalon_usb *link = container_of(to_delayed_work(work), struct etalon_usb, watch);
	bool hurt, event_hurt, waits;
	u64 arrivals;
	int why;

	spin_lock(&link->board->ring_lock);
	spin_lock_irq(&link->lock);
	hurt = link->hurt && !link->quiet;
	why = link->hurt_by;
	event_hurt = link->event_hurt && !link->quiet;
	waits = link->told.sequencer == ETALON_HW_SEQUENCER_RUNNING && !link->quiet && !link->held;
	arrivals = link->arrivals;
	spin_unlock_irq(&link->lock);
	spin_unlock(&link->board->ring_lock);
	count_silence(link, arrivals, waits);
	if (hurt)
		mend(link, why);
	else if (link->silent >= SILENT_MAX)
		mend(link, -ETIMEDOUT);
	if (link->silent >= SILENT_MAX)
		link->silent = 0;
	if (event_hurt)
		mend_event(link);
	etalon_usb_fetch(link);
	queue_delayed_work(etalon_usb_queue, &link->watch, msecs_to_jiffies(WATCH_MS));
}

/* ---- memory ---- */

static int alloc_transfer(struct etalon_usb *link, struct etalon_usb_transfer *t)
{
	const unsigned int pipe = usb_rcvbulkpipe(link->udev, ETALON_HW_USB_EP_RECORDS);
	void *buffer = kmalloc(ETALON_USB_TRANSFER_BYTES, GFP_KERNEL);

	t->link = link;
	t->urb = usb_alloc_urb(0, GFP_KERNEL);
	if (!t->urb || !buffer) {
		kfree(buffer);
		return -ENOMEM;
	}
	usb_fill_bulk_urb(t->urb, link->udev, pipe, buffer, ETALON_USB_TRANSFER_BYTES, on_transfer,
			  t);
	list_add_tail(&t->entry, &link->idle);
	return 0;
}

int etalon_usb_alloc_transfers(struct etalon_usb *link)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < ETALON_USB_TRANSFERS && !ret; i++)
		ret = alloc_transfer(link, &link->transfer[i]);
	return ret;
}

void etalon_usb_free_transfers(struct etalon_usb *link)
{
	unsigned int i;

	for (i = 0; i < ETALON_USB_TRANSFERS; i++) {
		struct urb *urb = link->transfer[i].urb;

		if (urb)
			kfree(urb->transfer_buffer);
		usb_free_urb(urb);
	}
}
