/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside etalon_usb.ko: one board on USB. Section 7 of hw.h.
 *
 * Registers go by control transfers, which sleep: as every operation under board->lock may.
 * Records come by bulk transfers of which some are always under way; events by one interrupt
 * transfer. Their handlers run in interrupts: they put aside what came and wake a work, which asks
 * the core to look (etalon_board_progress). The core looks under board->ring_lock by progress(),
 * and there, and nowhere else, records are copied into the ring.
 *
 * Locks: board->ring_lock, then link->lock (of interrupts). Never the other way.
 */
#ifndef ETALON_USB_H
#define ETALON_USB_H

#include <linux/usb.h>

#include "etalon.h"
#include "intake.h"

#define ETALON_USB_TIMEOUT_MS 1000
/* 13 ms of a high-speed bus, 1 ms of SuperSpeed; each is a few pages that can always be had. */
#define ETALON_USB_TRANSFERS 16
#define ETALON_USB_TRANSFER_BYTES (32U << 10)

struct etalon_usb;

struct etalon_usb_transfer {
	struct etalon_usb *link;
	struct urb *urb;
	struct list_head entry; /* of link->idle or link->done, or neither: under way */
	struct etalon_intake_transfer bytes;
	bool cut; /* what follows it begins anywhere */
};

struct etalon_usb {
	struct usb_interface *intf;
	struct usb_device *udev;
	struct etalon_board *board;
	u8 number; /* of the interface */
	void *control; /* ETALON_HW_USB_TRANSFER_MAX bytes; board->lock */
	void *upload; /* ETALON_USB_TRANSFER_BYTES; board->lock */

	/* board->ring_lock */
	struct etalon_intake intake;
	bool quiet; /* nothing is taken into the ring, nothing sent out to fetch it */
	bool held; /* the ring is full: what came waits for a release */

	/* ---- lock ---- */
	spinlock_t lock;
	struct list_head idle;
	struct list_head done; /* in the order in which they came */
	struct etalon_progress told;
	u64 told_tick; /* of the board, when that was true */
	bool mending; /* the pipe is being cleared: nothing is sent out */
	bool hurt; /* the pipe has to be cleared */
	int hurt_by; /* errno */
	u64 arrivals; /* transfers that brought something */
	bool aux; /* an edge is to be told */

	struct etalon_usb_transfer transfer[ETALON_USB_TRANSFERS];
	struct usb_anchor inflight;
	struct work_struct look; /* records or events came */

	struct urb *event_urb;
	struct etalon_hw_usb_event *event;
	bool event_hurt; /* lock */

	struct delayed_work watch;
	u64 watched; /* arrivals when the watch last looked */
	unsigned int silent; /* times in a row that it saw no more of them */
	unsigned int mended; /* times in a row without a record */
	bool resetting; /* until post_reset: asked for one already */
};

extern struct workqueue_struct *etalon_usb_queue;

/* usb_control.c */
int etalon_usb_identify(struct etalon_usb *link, struct etalon_hw_usb_identity *ret);
int etalon_usb_read(struct etalon_board *board, u32 address, u32 *values, unsigned int count);
int etalon_usb_write(struct etalon_board *board, u32 address, const u32 *values,
		     unsigned int count);
int etalon_usb_safety(struct etalon_board *board, struct etalon_safety *ret);
int etalon_usb_command(struct etalon_board *board, u32 command, struct etalon_refusal *refusal);
int etalon_usb_dark(struct etalon_board *board, u32 command);
int etalon_usb_upload(struct etalon_board *board, const struct etalon_hw_upload *upload,
		      struct etalon_refusal *refusal);
/* What the board would have told by events, asked for. */
int etalon_usb_ask(struct etalon_usb *link);
/* The last resort: a board that sees its bus reset goes dark. */
void etalon_usb_reset_port(struct etalon_usb *link);

/* usb_records.c */
int etalon_usb_alloc_transfers(struct etalon_usb *link);
void etalon_usb_free_transfers(struct etalon_usb *link);
/* Sends out all that is idle; board->ring_lock is not held. */
void etalon_usb_fetch(struct etalon_usb *link);
/* Something came that can be taken. */
bool etalon_usb_has_more(struct etalon_usb *link);
/* None is under way when it returns; what they brought is put aside. */
void etalon_usb_stop_fetching(struct etalon_usb *link);
void etalon_usb_progress(struct etalon_board *board, struct etalon_progress *ret);
void etalon_usb_begin(struct etalon_board *board);
void etalon_usb_consume(struct etalon_board *board, u64 sequence);
int etalon_usb_loaded(struct etalon_board *board, struct etalon_loaded *ret);
void etalon_usb_watch(struct work_struct *work);

/* usb_events.c */
int etalon_usb_alloc_event(struct etalon_usb *link);
void etalon_usb_free_event(struct etalon_usb *link);
int etalon_usb_listen(struct etalon_usb *link);

#endif
