// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The machine's end of usbredir. See usb_client.h.
 */
#include "usb_client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/util.h"
#include <check.h> /* last: it defines a macro fail() */

#define PATIENCE_MS 20000

/* ---- the library's callbacks ---- */

static void on_log(void *priv _unused_, int level, const char *message)
{
	ck_assert_msg(level > usbredirparser_error, "%s", message);
}

static int on_read(void *priv, uint8_t *data, int count)
{
	struct usb_client *c = priv;
	const ssize_t n = recv(c->fd, data, (size_t)count, MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n <= 0) {
		c->hung_up = true;
		return -1;
	}
	return (int)n;
}

static int on_write(void *priv, uint8_t *data, int count)
{
	const struct usb_client *c = priv;
	const ssize_t n = send(c->fd, data, (size_t)count, MSG_NOSIGNAL);

	return n < 0 ? -1 : (int)n;
}

static struct usb_client_answer *keep(struct usb_client *c, uint64_t id, uint8_t status)
{
	struct usb_client_answer *a = calloc(1, sizeof(*a)), **last = &c->answers;

	a->id = id;
	a->status = status;
	while (*last)
		last = &(*last)->next;
	*last = a;
	return a;
}

static void on_hello(void *priv _unused_, struct usb_redir_hello_header *h _unused_)
{
}

static void on_device(void *priv, struct usb_redir_device_connect_header *h)
{
	struct usb_client *c = priv;

	c->device = *h;
	c->connected = true;
}

static void on_disconnect(void *priv _unused_)
{
	ck_abort_msg("a device that goes without its connection");
}

static void on_interface(void *priv, struct usb_redir_interface_info_header *h)
{
	((struct usb_client *)priv)->interface = *h;
}

static void on_endpoints(void *priv, struct usb_redir_ep_info_header *h)
{
	((struct usb_client *)priv)->endpoints = *h;
}

static void on_configuration(void *priv, uint64_t id,
			     struct usb_redir_configuration_status_header *h)
{
	keep(priv, id, h->status)->value = h->configuration;
}

static void on_alternate(void *priv, uint64_t id, struct usb_redir_alt_setting_status_header *h)
{
	keep(priv, id, h->status)->value = h->alt;
}

static void on_receiving(void *priv, uint64_t id,
			 struct usb_redir_interrupt_receiving_status_header *h)
{
	ck_assert_uint_eq(h->endpoint, ETALON_HW_USB_EP_EVENTS);
	keep(priv, id, h->status);
}

static void on_control(void *priv, uint64_t id, struct usb_redir_control_packet_header *h,
		       uint8_t *data, int size)
{
	struct usb_client_answer *a = keep(priv, id, h->status);

	a->data = data;
	a->size = (size_t)size;
}

static void on_bulk(void *priv, uint64_t id, struct usb_redir_bulk_packet_header *h, uint8_t *data,
		    int size)
{
	struct usb_client_answer *a = keep(priv, id, h->status);

	a->data = data;
	a->size = h->endpoint & 0x80 ? (size_t)size : h->length | (size_t)h->length_high << 16;
}

static void on_event(void *priv, uint64_t id _unused_, struct usb_redir_interrupt_packet_header *h,
		     uint8_t *data, int size)
{
	struct usb_client *c = priv;

	ck_assert_uint_eq(h->status, usb_redir_success);
	ck_assert_uint_eq(h->endpoint, ETALON_HW_USB_EP_EVENTS);
	ck_assert_uint_eq(size, sizeof(c->event[0]));
	ck_assert_uint_lt(c->events, USB_CLIENT_EVENTS);
	memcpy(&c->event[c->events++], data, sizeof(c->event[0]));
	free(data);
}

/* ---- the connection ---- */

static void flush(struct usb_client *c)
{
	usbredirparser_do_write(c->parser);
}

/* Something has come, or the device's end has hung up. */
static void pump(struct usb_client *c)
{
	struct pollfd p = {.fd = c->fd, .events = POLLIN};
	int r;

	ck_assert_int_eq(poll(&p, 1, PATIENCE_MS), 1);
	r = usbredirparser_do_read(c->parser);
	ck_assert(r == 0 || c->hung_up);
}

static void open_parser(struct usb_client *c)
{
	uint32_t caps[USB_REDIR_CAPS_SIZE] = {0};

	c->parser = usbredirparser_create();
	ck_assert_ptr_nonnull(c->parser);
	c->parser->priv = c;
	c->parser->log_func = on_log;
	c->parser->read_func = on_read;
	c->parser->write_func = on_write;
	c->parser->hello_func = on_hello;
	c->parser->device_connect_func = on_device;
	c->parser->device_disconnect_func = on_disconnect;
	c->parser->interface_info_func = on_interface;
	c->parser->ep_info_func = on_endpoints;
	c->parser->configuration_status_func = on_configuration;
	c->parser->alt_setting_status_func = on_alternate;
	c->parser->interrupt_receiving_status_func = on_receiving;
	c->parser->control_packet_func = on_control;
	c->parser->bulk_packet_func = on_bulk;
	c->parser->interrupt_packet_func = on_event;
	usbredirparser_caps_set_cap(caps, usb_redir_cap_connect_device_version);
	usbredirparser_caps_set_cap(caps, usb_redir_cap_ep_info_max_packet_size);
	usbredirparser_caps_set_cap(caps, usb_redir_cap_64bits_ids);
	usbredirparser_caps_set_cap(caps, usb_redir_cap_32bits_bulk_length);
	usbredirparser_init(c->parser, "a test's machine", caps, USB_REDIR_CAPS_SIZE, 0);
}

void usb_client_connect(struct usb_client *c, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	*c = (struct usb_client){.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0),
				 .next_id = 1};
	strcpy(address.sun_path, path);
	ck_assert_int_eq(connect(c->fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	open_parser(c);
	flush(c);
	while (!c->connected && !c->hung_up)
		pump(c);
	ck_assert(c->connected);
}

void usb_client_boot(struct usb_client *c, const char *path)
{
	usb_client_connect(c, path);
	usb_client_reset(c);
	ck_assert_uint_eq(usb_client_configure(c, 1), usb_redir_success);
}

void usb_client_forget_answers(struct usb_client *c)
{
	struct usb_client_answer *a, *next;

	for (a = c->answers; a; a = next) {
		next = a->next;
		usb_client_answer_free(a);
	}
	c->answers = NULL;
}

void usb_client_close(struct usb_client *c)
{
	usb_client_forget_answers(c);
	usbredirparser_destroy(c->parser);
	close(c->fd);
}

bool usb_client_hung_up(struct usb_client *c)
{
	while (!c->hung_up)
		pump(c);
	return true;
}

void usb_client_send_raw(struct usb_client *c, const void *data, size_t size)
{
	/* A device that has hung up meanwhile is the caller's to see. */
	if (send(c->fd, data, size, MSG_NOSIGNAL) < 0)
		ck_assert(errno == EPIPE || errno == ECONNRESET);
}

/* ---- answers ---- */

static struct usb_client_answer *take(struct usb_client *c, uint64_t id)
{
	for (struct usb_client_answer **at = &c->answers; *at; at = &(*at)->next) {
		struct usb_client_answer *a = *at;

		if (a->id != id)
			continue;
		*at = a->next;
		return a;
	}
	return NULL;
}

struct usb_client_answer *usb_client_answer_if_any(struct usb_client *c, uint64_t id)
{
	struct usb_client_answer *a;

	while (!(a = take(c, id)) && !c->hung_up)
		pump(c);
	return a;
}

struct usb_client_answer *usb_client_answer(struct usb_client *c, uint64_t id)
{
	struct usb_client_answer *a = usb_client_answer_if_any(c, id);

	ck_assert_ptr_nonnull(a);
	return a;
}

void usb_client_answer_free(struct usb_client_answer *a)
{
	free(a->data);
	free(a);
}

uint8_t usb_client_status(struct usb_client *c, uint64_t id)
{
	struct usb_client_answer *a = usb_client_answer(c, id);
	const uint8_t status = a->status;

	usb_client_answer_free(a);
	return status;
}

/* ---- the whole device ---- */

void usb_client_reset(struct usb_client *c)
{
	usbredirparser_send_reset(c->parser);
	flush(c);
}

uint8_t usb_client_configure(struct usb_client *c, uint8_t value)
{
	struct usb_redir_set_configuration_header h = {.configuration = value};

	usbredirparser_send_set_configuration(c->parser, c->next_id, &h);
	flush(c);
	return usb_client_status(c, c->next_id++);
}

uint64_t usb_client_ask_configuration(struct usb_client *c)
{
	usbredirparser_send_get_configuration(c->parser, c->next_id);
	flush(c);
	return c->next_id++;
}

uint8_t usb_client_configuration(struct usb_client *c)
{
	struct usb_client_answer *a = usb_client_answer(c, usb_client_ask_configuration(c));
	uint8_t value;

	ck_assert_uint_eq(a->status, usb_redir_success);
	value = a->value;
	usb_client_answer_free(a);
	return value;
}

uint8_t usb_client_alternate(struct usb_client *c, uint8_t interface, uint8_t value)
{
	struct usb_redir_set_alt_setting_header h = {.interface = interface, .alt = value};

	usbredirparser_send_set_alt_setting(c->parser, c->next_id, &h);
	flush(c);
	return usb_client_status(c, c->next_id++);
}

/* ---- control ---- */

uint64_t usb_client_ask(struct usb_client *c, struct etalon_hw_usb_setup s, const void *out)
{
	const bool in = s.request_type & 0x80;
	struct usb_redir_control_packet_header h = {
		.endpoint = s.request_type & 0x80,
		.request = s.request,
		.requesttype = s.request_type,
		.value = s.value,
		.index = s.index,
		.length = s.length,
	};

	usbredirparser_send_control_packet(c->parser, c->next_id, &h,
					   in ? NULL : (uint8_t *)(uintptr_t)out,
					   in ? 0 : s.length);
	flush(c);
	return c->next_id++;
}

int usb_client_in(struct usb_client *c, struct etalon_hw_usb_setup setup, void *in)
{
	struct usb_client_answer *a = usb_client_answer(c, usb_client_ask(c, setup, NULL));
	const int r = a->status == usb_redir_success ? (int)a->size : -1 - a->status;

	ck_assert_uint_le(a->size, setup.length);
	if (a->size)
		memcpy(in, a->data, a->size);
	usb_client_answer_free(a);
	return r;
}

uint8_t usb_client_out(struct usb_client *c, struct etalon_hw_usb_setup setup, const void *out)
{
	return usb_client_status(c, usb_client_ask(c, setup, out));
}

struct etalon_hw_usb_setup usb_client_registers(bool in, uint32_t address, uint16_t bytes)
{
	return (struct etalon_hw_usb_setup){
		.request_type = in ? 0xc1 : 0x41,
		.request = ETALON_HW_USB_REQUEST_REGISTERS,
		.value = (uint16_t)address,
		.index = (uint16_t)(address >> 16 << 8),
		.length = bytes,
	};
}

uint32_t usb_client_get(struct usb_client *c, uint32_t address)
{
	uint32_t value = 0;

	ck_assert_int_eq(
		usb_client_in(c, usb_client_registers(true, address, sizeof(value)), &value),
		sizeof(value));
	return value;
}

uint32_t usb_client_put(struct usb_client *c, uint32_t address, uint32_t value)
{
	ck_assert_uint_eq(
		usb_client_out(c, usb_client_registers(false, address, sizeof(value)), &value),
		usb_redir_success);
	return usb_client_get(c, ETALON_REG_RESULT);
}

uint32_t usb_client_put64(struct usb_client *c, uint32_t address, int64_t value)
{
	ck_assert_uint_eq(
		usb_client_out(c, usb_client_registers(false, address, sizeof(value)), &value),
		usb_redir_success);
	return usb_client_get(c, ETALON_REG_RESULT);
}

void usb_client_kick(struct usb_client *c)
{
	const uint32_t word = ETALON_HW_KICK;

	ck_assert_uint_eq(usb_client_out(c,
					 usb_client_registers(false, ETALON_REG_KICK, sizeof(word)),
					 &word),
			  usb_redir_success);
}

/* ---- the other endpoints ---- */

uint64_t usb_client_read(struct usb_client *c, uint32_t length)
{
	struct usb_redir_bulk_packet_header h = {
		.endpoint = ETALON_HW_USB_EP_RECORDS,
		.length = (uint16_t)length,
		.length_high = (uint16_t)(length >> 16),
	};

	usbredirparser_send_bulk_packet(c->parser, c->next_id, &h, NULL, 0);
	flush(c);
	return c->next_id++;
}

void usb_client_cancel(struct usb_client *c, uint64_t id)
{
	usbredirparser_send_cancel_data_packet(c->parser, id);
	flush(c);
}

uint8_t usb_client_write(struct usb_client *c, const void *data, size_t size)
{
	struct usb_redir_bulk_packet_header h = {
		.endpoint = ETALON_HW_USB_EP_UPLOAD,
		.length = (uint16_t)size,
		.length_high = (uint16_t)(size >> 16),
	};
	struct usb_client_answer *a;
	uint8_t status;

	usbredirparser_send_bulk_packet(c->parser, c->next_id, &h,
					size ? (uint8_t *)(uintptr_t)data : NULL, (int)size);
	flush(c);
	a = usb_client_answer(c, c->next_id++);
	status = a->status;
	ck_assert(status != usb_redir_success || a->size == size);
	usb_client_answer_free(a);
	return status;
}

uint32_t usb_client_upload(struct usb_client *c, uint16_t kind, uint16_t list, const void *data,
			   uint32_t size, size_t piece)
{
	const struct etalon_hw_upload head = {ETALON_HW_UPLOAD_MAGIC, kind, list, size,
					      crc32c(0, data, size)};
	const size_t whole = sizeof(head) + size;
	uint8_t *bytes = malloc(whole);

	memcpy(bytes, &head, sizeof(head));
	memcpy(bytes + sizeof(head), data, size);
	for (size_t at = 0; at < whole; at += piece)
		ck_assert_uint_eq(usb_client_write(c, bytes + at, MIN(piece, whole - at)),
				  usb_redir_success);
	free(bytes);
	return usb_client_get(c, ETALON_REG_RESULT);
}

uint8_t usb_client_start_events(struct usb_client *c)
{
	struct usb_redir_start_interrupt_receiving_header h = {
		.endpoint = ETALON_HW_USB_EP_EVENTS,
	};

	usbredirparser_send_start_interrupt_receiving(c->parser, c->next_id, &h);
	flush(c);
	return usb_client_status(c, c->next_id++);
}

struct etalon_hw_usb_event usb_client_event(struct usb_client *c)
{
	struct etalon_hw_usb_event oldest;

	while (!c->events)
		pump(c);
	oldest = c->event[0];
	c->events--;
	memmove(c->event, c->event + 1, c->events * sizeof(c->event[0]));
	return oldest;
}
