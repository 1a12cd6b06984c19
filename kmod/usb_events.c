// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the board tells by itself: events, by one interrupt transfer that is always under way.
 */
#include <linux/slab.h>

#include "usb.h"

/* In an interrupt. An event from before the last answer is old. */
static void note(struct etalon_usb *link, const struct etalon_hw_usb_event *event)
{
	struct etalon_progress *told = &link->told;
	unsigned long flags;

	spin_lock_irqsave(&link->lock, flags);
	link->aux |= !!(event->events & ETALON_HW_EVENT_AUX);
	if (event->tick >= link->told_tick) {
		link->told_tick = event->tick;
		*told = (struct etalon_progress){
			.lost = max(told->lost, event->lost),
			.state = event->state,
			.causes = event->causes_latched,
			.causes_live = event->causes_live,
			.sequencer = event->sequencer,
			.status_bits = event->status_bits,
		};
	}
	spin_unlock_irqrestore(&link->lock, flags);
}

static bool is_over(int status)
{
	return status == -ENOENT || status == -ECONNRESET || status == -ESHUTDOWN ||
	       status == -ENODEV;
}

static void on_event(struct urb *urb)
{
	struct etalon_usb *link = urb->context;
	unsigned long flags;
	int ret = urb->status;

	if (is_over(ret))
		return;
	if (!ret && urb->actual_length == sizeof(*link->event)) {
		atomic64_inc(&link->board->interrupts);
		note(link, link->event);
		queue_work(etalon_usb_queue, &link->look);
	}
	if (!ret)
		ret = usb_submit_urb(urb, GFP_ATOMIC);
	if (!ret || is_over(ret) || ret == -EPERM) /* stopped meanwhile */
		return;
	spin_lock_irqsave(&link->lock, flags);
	link->event_hurt = true;
	spin_unlock_irqrestore(&link->lock, flags);
}

int etalon_usb_listen(struct etalon_usb *link)
{
	int ret = 0;

	spin_lock(&link->board->ring_lock);
	if (!link->quiet)
		ret = usb_submit_urb(link->event_urb, GFP_ATOMIC);
	spin_unlock(&link->board->ring_lock);
	return ret;
}

int etalon_usb_alloc_event(struct etalon_usb *link)
{
	const struct usb_host_endpoint *ep =
		usb_pipe_endpoint(link->udev, usb_rcvintpipe(link->udev, ETALON_HW_USB_EP_EVENTS));

	link->event = kmalloc(sizeof(*link->event), GFP_KERNEL);
	link->event_urb = usb_alloc_urb(0, GFP_KERNEL);
	if (!link->event || !link->event_urb)
		return -ENOMEM;
	usb_fill_int_urb(link->event_urb, link->udev,
			 usb_rcvintpipe(link->udev, ETALON_HW_USB_EP_EVENTS), link->event,
			 sizeof(*link->event), on_event, link, ep->desc.bInterval);
	return 0;
}

void etalon_usb_free_event(struct etalon_usb *link)
{
	usb_free_urb(link->event_urb);
	kfree(link->event);
}
