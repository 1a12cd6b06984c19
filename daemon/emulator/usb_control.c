// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Control transfers: the standard requests of USB as far as they reach a device (the host's end of usbredir
 * keeps addresses and turns configurations and interfaces into messages), and the vendor's.
 */
#include <errno.h>
#include <linux/usb/ch9.h>

#include "base/util.h"
#include "emulator/usb_front_internal.h"
#include "emulator/vendor_request.h"

_Static_assert(ETALON_HW_USB_TRANSFER_MAX >= USB_DESCRIPTOR_MAX, "one buffer for all answers");

/* ---- standard requests ---- */

/* The endpoint that a request is about, USB_ENDPOINTS: none that can halt. */
static enum usb_endpoint target(const struct usb_front *f, const struct etalon_hw_usb_setup *s)
{
	if ((s->request_type & USB_RECIP_MASK) != USB_RECIP_ENDPOINT || !f->configured)
		return USB_ENDPOINTS;
	return usb_endpoint((uint8_t)s->index);
}

static int get_status(const struct usb_front *f, const struct etalon_hw_usb_setup *s, uint8_t *in,
		      size_t *ret_size)
{
	const enum usb_endpoint endpoint = target(f, s);
	uint8_t status;

	if (s->request_type == (USB_DIR_IN | USB_RECIP_DEVICE))
		status = 1 << USB_DEVICE_SELF_POWERED;
	else if (s->request_type == (USB_DIR_IN | USB_RECIP_INTERFACE) && f->configured &&
		 !s->index)
		status = 0;
	else if (endpoint != USB_ENDPOINTS)
		status = f->halted[endpoint];
	else if (s->request_type == (USB_DIR_IN | USB_RECIP_ENDPOINT) && !(s->index & 0x7f))
		status = 0;
	else
		return -EPIPE;
	in[0] = status;
	in[1] = 0;
	*ret_size = 2;
	return 0;
}

/* Nothing but an endpoint's halt: the board sleeps for nobody and wakes nobody. */
static int set_feature(struct usb_front *f, const struct etalon_hw_usb_setup *s, bool set)
{
	const enum usb_endpoint endpoint = target(f, s);

	if (endpoint == USB_ENDPOINTS || s->value != USB_ENDPOINT_HALT)
		return -EPIPE;
	if (set)
		usb_endpoint_halt(f, endpoint);
	else
		usb_endpoint_clear(f, endpoint);
	return 0;
}

static int get_descriptor(const struct usb_front *f, const struct etalon_hw_usb_setup *s,
			  uint8_t *in, size_t *ret_size)
{
	const struct usb_identity id = {
		.speed = f->speed,
		.model = board_description(f->board)->model,
		.serial = board_description(f->board)->serial,
		.lie = board_usb_lie(f->board),
	};

	*ret_size = usb_descriptor(&id, s->value, in);
	return *ret_size ? 0 : -EPIPE;
}

static int standard_request(struct usb_front *f, const struct etalon_hw_usb_setup *s, uint8_t *in,
			    size_t *ret_size)
{
	if (s->request_type & USB_DIR_IN) {
		if (s->request == USB_REQ_GET_STATUS)
			return get_status(f, s, in, ret_size);
		if (s->request == USB_REQ_GET_DESCRIPTOR &&
		    s->request_type == (USB_DIR_IN | USB_RECIP_DEVICE))
			return get_descriptor(f, s, in, ret_size);
		return -EPIPE;
	}
	switch (s->request) {
	case USB_REQ_CLEAR_FEATURE:
	case USB_REQ_SET_FEATURE:
		return set_feature(f, s, s->request == USB_REQ_SET_FEATURE);
	case USB_REQ_SET_SEL: /* latencies of a link that never sleeps */
	case USB_REQ_SET_ISOCH_DELAY:
		return f->speed == USB_SUPER_SPEED ? 0 : -EPIPE;
	default:
		return -EPIPE;
	}
}

/* ---- any of them ---- */

static void answer(struct usb_front *f, const struct usb_control *c)
{
	const struct etalon_hw_usb_setup *s = &c->setup;
	uint8_t in[ETALON_HW_USB_TRANSFER_MAX];
	size_t size = 0;
	int r = -EPIPE;

	if ((s->request_type & USB_TYPE_MASK) == USB_TYPE_STANDARD)
		r = standard_request(f, s, in, &size);
	else if (f->configured)
		r = vendor_request(f->board, s, c->data, in, &size);
	if (r < 0)
		return usb_answer_control(f, c, usb_redir_stall, NULL, 0);
	size = board_spoil(f->board, in, MIN(size, (size_t)s->length));
	usb_answer_control(f, c, usb_redir_success, in, size);
}

static void remove_first(struct usb_front *f)
{
	free(f->control[0].data);
	f->controls--;
	memmove(f->control, f->control + 1, f->controls * sizeof(f->control[0]));
}

void usb_control_answer(struct usb_front *f)
{
	while (f->controls && !f->peer.ended && now_ns() >= board_hangs_until(f->board)) {
		answer(f, &f->control[0]);
		remove_first(f);
	}
}

void usb_control_ask(struct usb_front *f, const struct usb_control *c)
{
	if (f->controls == USB_CONTROLS_MAX) {
		free(c->data);
		return usb_peer_end(&f->peer, "too many control transfers at once");
	}
	f->control[f->controls++] = *c;
	usb_control_answer(f);
}

bool usb_control_cancel(struct usb_front *f, uint64_t id)
{
	for (size_t i = 0; i < f->controls; i++) {
		if (f->control[i].id != id)
			continue;
		usb_answer_control(f, &f->control[i], usb_redir_cancelled, NULL, 0);
		free(f->control[i].data);
		f->controls--;
		memmove(f->control + i, f->control + i + 1,
			(f->controls - i) * sizeof(f->control[0]));
		return true;
	}
	return false;
}

void usb_control_forget(struct usb_front *f)
{
	while (f->controls)
		remove_first(f);
}
