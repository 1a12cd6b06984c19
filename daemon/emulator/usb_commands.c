// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What a machine's messages ask of the device, one function each, and the answers. The library has
 * checked the form of a message and which side may send it.
 */
#include <errno.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "emulator/usb_front_internal.h"

#define DIRECTION_IN 0x80

/* The machine that asks, once it has said hello; NULL: it has to go. */
static struct usb_front *asked_by(void *priv)
{
	struct usb_peer *p = priv;

	if (p->messages_left)
		p->messages_left--;
	if (!p->greeted)
		usb_peer_end(p, "the first message is not hello");
	return p->ended ? NULL : p->front;
}

/* ---- what the device is ---- */

/* Place of an endpoint in the tables of usbredir: OUT from 0 on, IN from 16 on. */
static unsigned int place(uint8_t address)
{
	return (address & 0x0f) | (address & DIRECTION_IN) >> 3;
}

static void tell_endpoints(struct usb_front *f)
{
	struct usb_redir_ep_info_header h = {0};
	static const uint8_t bulk[] = {ETALON_HW_USB_EP_RECORDS, ETALON_HW_USB_EP_UPLOAD};
	const unsigned int events = place(ETALON_HW_USB_EP_EVENTS);

	memset(h.type, usb_redir_type_invalid, sizeof(h.type));
	h.type[place(0)] = h.type[place(DIRECTION_IN)] = usb_redir_type_control;
	for (size_t i = 0; i < ARRAY_SIZE(bulk); i++) {
		h.type[place(bulk[i])] = usb_redir_type_bulk;
		h.max_packet_size[place(bulk[i])] = usb_bulk_packet(f->speed);
	}
	h.type[events] = usb_redir_type_interrupt;
	h.interval[events] = USB_EVENT_INTERVAL;
	h.max_packet_size[events] = USB_EVENT_PACKET;
	usbredirparser_send_ep_info(f->peer.parser, &h);
}

static void tell_interface(struct usb_front *f)
{
	struct usb_redir_interface_info_header h = {
		.interface_count = 1,
		.interface_class = {0xff},
		.interface_subclass = {ETALON_HW_USB_SUBCLASS},
		.interface_protocol = {ETALON_HW_USB_PROTOCOL},
	};

	usbredirparser_send_interface_info(f->peer.parser, &h);
}

static void on_hello(void *priv, struct usb_redir_hello_header *hello _unused_)
{
	struct usb_peer *p = priv;
	struct usb_redir_device_connect_header h = {
		.speed = p->front->speed == USB_SUPER_SPEED ? usb_redir_speed_super
							    : usb_redir_speed_high,
		.vendor_id = ETALON_HW_USB_VENDOR,
		.product_id = ETALON_HW_USB_PRODUCT,
		.device_version_bcd = ETALON_HW_VERSION >> 8 & 0xffff,
	};

	p->greeted = true;
	board_log(p->front->board, "connected", "\"connection\":\"usbredir\"");
	tell_interface(p->front);
	tell_endpoints(p->front);
	usbredirparser_send_device_connect(p->parser, &h);
}

/* ---- the whole device ---- */

static void on_reset(void *priv)
{
	struct usb_front *f = asked_by(priv);

	if (f)
		usb_device_reset(f);
}

static void tell_configuration(struct usb_front *f, uint64_t id, uint8_t status)
{
	struct usb_redir_configuration_status_header h = {
		.status = status,
		.configuration = f->configured ? USB_CONFIGURATION : 0,
	};

	usbredirparser_send_configuration_status(f->peer.parser, id, &h);
}

static void on_set_configuration(void *priv, uint64_t id,
				 struct usb_redir_set_configuration_header *h)
{
	struct usb_front *f = asked_by(priv);

	if (!f)
		return;
	if (h->configuration && h->configuration != USB_CONFIGURATION)
		return tell_configuration(f, id, usb_redir_stall);
	usb_device_configure(f, h->configuration);
	if (f->configured) {
		tell_interface(f);
		tell_endpoints(f);
	}
	tell_configuration(f, id, usb_redir_success);
}

static void on_get_configuration(void *priv, uint64_t id)
{
	struct usb_front *f = asked_by(priv);

	if (f)
		tell_configuration(f, id, usb_redir_success);
}

static void tell_alternate(struct usb_front *f, uint64_t id, uint8_t interface, bool there)
{
	struct usb_redir_alt_setting_status_header h = {
		.status = there ? usb_redir_success : usb_redir_stall,
		.interface = interface,
	};

	usbredirparser_send_alt_setting_status(f->peer.parser, id, &h);
}

static void on_set_alternate(void *priv, uint64_t id, struct usb_redir_set_alt_setting_header *h)
{
	struct usb_front *f = asked_by(priv);
	bool there;

	if (!f)
		return;
	there = f->configured && h->interface == 0 && h->alt == 0;
	if (there)
		usb_endpoints_restart(f);
	tell_alternate(f, id, h->interface, there);
}

static void on_get_alternate(void *priv, uint64_t id, struct usb_redir_get_alt_setting_header *h)
{
	struct usb_front *f = asked_by(priv);

	if (f)
		tell_alternate(f, id, h->interface, f->configured && h->interface == 0);
}

/* ---- control ---- */

static void on_control(void *priv, uint64_t id, struct usb_redir_control_packet_header *h,
		       uint8_t *data, int size _unused_)
{
	struct usb_front *f = asked_by(priv);
	const struct usb_control c = {
		.id = id,
		.setup = {h->requesttype, h->request, h->value, h->index, h->length},
		.data = data,
	};

	if (!f)
		return free(data);
	if (h->endpoint != (h->requesttype & DIRECTION_IN)) {
		free(data);
		return usb_peer_end(&f->peer, "a control transfer whose directions differ");
	}
	usb_control_ask(f, &c);
}

void usb_answer_control(struct usb_front *f, const struct usb_control *c, uint8_t status,
			const uint8_t *data, size_t size)
{
	const bool in = c->setup.request_type & DIRECTION_IN;
	struct usb_redir_control_packet_header h = {
		.endpoint = c->setup.request_type & DIRECTION_IN,
		.request = c->setup.request,
		.requesttype = c->setup.request_type,
		.status = status,
		.value = c->setup.value,
		.index = c->setup.index,
		.length = in ? (uint16_t)size : c->setup.length,
	};

	usbredirparser_send_control_packet(f->peer.parser, c->id, &h,
					   size ? (uint8_t *)(uintptr_t)data : NULL, (int)size);
}

/* ---- bulk ---- */

void usb_answer_bulk(struct usb_front *f, uint64_t id, uint8_t endpoint, uint8_t status,
		     const uint8_t *data, size_t size)
{
	struct usb_redir_bulk_packet_header h = {
		.endpoint = endpoint,
		.status = status,
		.length = size & 0xffff,
		.length_high = (uint16_t)(size >> 16),
	};
	const bool in = endpoint & DIRECTION_IN;

	usbredirparser_send_bulk_packet(f->peer.parser, id, &h,
					in && size ? (uint8_t *)(uintptr_t)data : NULL,
					in ? (int)size : 0);
}

static void on_bulk(void *priv, uint64_t id, struct usb_redir_bulk_packet_header *h, uint8_t *data,
		    int size)
{
	_cleanup_free_ uint8_t *owned = data;
	struct usb_front *f = asked_by(priv);

	if (!f)
		return;
	if (h->endpoint == ETALON_HW_USB_EP_RECORDS)
		usb_records_ask(f, id, h->length | (uint32_t)h->length_high << 16);
	else if (h->endpoint == ETALON_HW_USB_EP_UPLOAD)
		usb_upload(f, id, data, (size_t)size);
	else
		usb_answer_bulk(f, id, h->endpoint, usb_redir_inval, NULL, 0);
}

static void on_cancel(void *priv, uint64_t id)
{
	struct usb_front *f = asked_by(priv);

	/* What is not found was answered meanwhile: the answers cross. */
	if (f && !usb_records_cancel(f, id))
		usb_control_cancel(f, id);
}

/* ---- events ---- */

void usb_answer_receiving(struct usb_front *f, uint64_t id, uint8_t status)
{
	struct usb_redir_interrupt_receiving_status_header h = {
		.status = status,
		.endpoint = ETALON_HW_USB_EP_EVENTS,
	};

	usbredirparser_send_interrupt_receiving_status(f->peer.parser, id, &h);
}

static void on_start_receiving(void *priv, uint64_t id,
			       struct usb_redir_start_interrupt_receiving_header *h)
{
	struct usb_front *f = asked_by(priv);

	if (!f)
		return;
	if (h->endpoint != ETALON_HW_USB_EP_EVENTS)
		return usb_peer_end(&f->peer, "events of an endpoint that has none");
	usb_events_start(f, id);
}

static void on_stop_receiving(void *priv, uint64_t id,
			      struct usb_redir_stop_interrupt_receiving_header *h)
{
	struct usb_front *f = asked_by(priv);

	if (!f)
		return;
	if (h->endpoint != ETALON_HW_USB_EP_EVENTS)
		return usb_peer_end(&f->peer, "events of an endpoint that has none");
	usb_events_stop(f, id);
}

void usb_send_event(struct usb_front *f, const struct etalon_hw_usb_event *event)
{
	struct usb_redir_interrupt_packet_header h = {
		.endpoint = ETALON_HW_USB_EP_EVENTS,
	};
	struct etalon_hw_usb_event copy = *event;

	h.length = (uint16_t)board_spoil(f->board, &copy, sizeof(copy));
	usbredirparser_send_interrupt_packet(f->peer.parser, f->event_id++, &h, (uint8_t *)&copy,
					     h.length);
}

/* ---- what this device has not: a peer that was told so and asks all the same ---- */

static void lacks(void *priv, const char *what)
{
	struct usb_front *f = asked_by(priv);

	if (f)
		usb_peer_end(&f->peer, what);
}

#define NO_ISOCHRONOUS "an isochronous transfer: the device has none"
#define NO_STREAMS "bulk streams: the device has none"

static void on_start_iso(void *priv, uint64_t id _unused_,
			 struct usb_redir_start_iso_stream_header *h _unused_)
{
	lacks(priv, NO_ISOCHRONOUS);
}

static void on_stop_iso(void *priv, uint64_t id _unused_,
			struct usb_redir_stop_iso_stream_header *h _unused_)
{
	lacks(priv, NO_ISOCHRONOUS);
}

static void on_iso(void *priv, uint64_t id _unused_, struct usb_redir_iso_packet_header *h _unused_,
		   uint8_t *data, int size _unused_)
{
	free(data);
	lacks(priv, NO_ISOCHRONOUS);
}

static void on_interrupt_out(void *priv, uint64_t id _unused_,
			     struct usb_redir_interrupt_packet_header *h _unused_, uint8_t *data,
			     int size _unused_)
{
	free(data);
	lacks(priv, "an interrupt OUT transfer: the device has none");
}

static void on_alloc_streams(void *priv, uint64_t id _unused_,
			     struct usb_redir_alloc_bulk_streams_header *h _unused_)
{
	lacks(priv, NO_STREAMS);
}

static void on_free_streams(void *priv, uint64_t id _unused_,
			    struct usb_redir_free_bulk_streams_header *h _unused_)
{
	lacks(priv, NO_STREAMS);
}

static void on_start_bulk_receiving(void *priv, uint64_t id _unused_,
				    struct usb_redir_start_bulk_receiving_header *h _unused_)
{
	lacks(priv, "bulk receiving, which was not offered");
}

static void on_stop_bulk_receiving(void *priv, uint64_t id _unused_,
				   struct usb_redir_stop_bulk_receiving_header *h _unused_)
{
	lacks(priv, "bulk receiving, which was not offered");
}

static void on_filter_reject(void *priv)
{
	lacks(priv, "its filter rejects the device");
}

static void on_filter(void *priv, struct usbredirfilter_rule *rules, int count _unused_)
{
	free(rules);
	lacks(priv, "a filter, which was not offered");
}

/* To the disconnect that is never sent: a device goes with its connection. */
static void on_disconnect_ack(void *priv)
{
	lacks(priv, "an answer to nothing");
}

void usb_commands_install(struct usbredirparser *parser)
{
	parser->hello_func = on_hello;
	parser->reset_func = on_reset;
	parser->set_configuration_func = on_set_configuration;
	parser->get_configuration_func = on_get_configuration;
	parser->set_alt_setting_func = on_set_alternate;
	parser->get_alt_setting_func = on_get_alternate;
	parser->control_packet_func = on_control;
	parser->bulk_packet_func = on_bulk;
	parser->cancel_data_packet_func = on_cancel;
	parser->start_interrupt_receiving_func = on_start_receiving;
	parser->stop_interrupt_receiving_func = on_stop_receiving;
	parser->start_iso_stream_func = on_start_iso;
	parser->stop_iso_stream_func = on_stop_iso;
	parser->iso_packet_func = on_iso;
	parser->interrupt_packet_func = on_interrupt_out;
	parser->alloc_bulk_streams_func = on_alloc_streams;
	parser->free_bulk_streams_func = on_free_streams;
	parser->start_bulk_receiving_func = on_start_bulk_receiving;
	parser->stop_bulk_receiving_func = on_stop_bulk_receiving;
	parser->filter_reject_func = on_filter_reject;
	parser->filter_filter_func = on_filter;
	parser->device_disconnect_ack_func = on_disconnect_ack;
}
