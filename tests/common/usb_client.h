/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The machine's end of usbredir, as QEMU and a guest's kernel make it: enumeration, control transfers, reads
 * of records in flight, uploads, events. Every answer is checked for form.
 */
#ifndef ETALON_TESTS_USB_CLIENT_H
#define ETALON_TESTS_USB_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <usbredirparser.h>

#include "hw.h"

#define USB_CLIENT_EVENTS 64

struct usb_client_answer {
	uint64_t id;
	uint8_t status; /* usb_redir_success, ... */
	uint8_t value; /* of configuration and alternate setting */
	uint8_t *data;
	size_t size;
	struct usb_client_answer *next;
};

struct usb_client {
	int fd;
	struct usbredirparser *parser;
	uint64_t next_id;
	bool connected, hung_up;
	struct usb_redir_device_connect_header device;
	struct usb_redir_interface_info_header interface;
	struct usb_redir_ep_info_header endpoints;
	struct usb_client_answer *answers; /* that nobody has asked for yet, oldest first */
	struct etalon_hw_usb_event event[USB_CLIENT_EVENTS];
	size_t events;
};

/* Connects and waits for the device. */
void usb_client_connect(struct usb_client *c, const char *path);
/* ... resets it and sets its configuration, as a host does before a driver binds. */
void usb_client_boot(struct usb_client *c, const char *path);
/* As a machine that is switched off. */
void usb_client_close(struct usb_client *c);
/* Waits until the device's end has hung up. */
bool usb_client_hung_up(struct usb_client *c);
/* Bytes as they are, in place of a message. */
void usb_client_send_raw(struct usb_client *c, const void *data, size_t size);

/* The answer to a request, which is owned; waits for it up to 20 s. */
struct usb_client_answer *usb_client_answer(struct usb_client *c, uint64_t id);
/* NULL: the device has hung up instead. */
struct usb_client_answer *usb_client_answer_if_any(struct usb_client *c, uint64_t id);
void usb_client_forget_answers(struct usb_client *c);
void usb_client_answer_free(struct usb_client_answer *a);
/* The status of that answer, and nothing else of it. */
uint8_t usb_client_status(struct usb_client *c, uint64_t id);

/* ---- the whole device ---- */
void usb_client_reset(struct usb_client *c);
uint8_t usb_client_configure(struct usb_client *c, uint8_t value);
uint64_t usb_client_ask_configuration(struct usb_client *c); /* returns the id */
uint8_t usb_client_configuration(struct usb_client *c);
uint8_t usb_client_alternate(struct usb_client *c, uint8_t interface, uint8_t value);

/* ---- control ---- */
/* Sends a request and its OUT data; returns its id. */
uint64_t usb_client_ask(struct usb_client *c, struct etalon_hw_usb_setup setup, const void *out);
/* An IN request: bytes received, or -1 - status. */
int usb_client_in(struct usb_client *c, struct etalon_hw_usb_setup setup, void *in);
/* An OUT request: its status. */
uint8_t usb_client_out(struct usb_client *c, struct etalon_hw_usb_setup setup, const void *out);

struct etalon_hw_usb_setup usb_client_registers(bool in, uint32_t address, uint16_t bytes);
uint32_t usb_client_get(struct usb_client *c, uint32_t address);
/* Both return RESULT. */
uint32_t usb_client_put(struct usb_client *c, uint32_t address, uint32_t value);
uint32_t usb_client_put64(struct usb_client *c, uint32_t address, int64_t value);
void usb_client_kick(struct usb_client *c);

/* ---- the other endpoints ---- */
/* Asks for records; returns the id of the read. */
uint64_t usb_client_read(struct usb_client *c, uint32_t length);
void usb_client_cancel(struct usb_client *c, uint64_t id);
/* One bulk OUT transfer; returns its status. */
uint8_t usb_client_write(struct usb_client *c, const void *data, size_t size);
/* A whole upload in transfers of at most `piece` bytes; returns RESULT. */
uint32_t usb_client_upload(struct usb_client *c, uint16_t kind, uint16_t list, const void *data,
			   uint32_t size, size_t piece);
uint8_t usb_client_start_events(struct usb_client *c);
/* Oldest event that was not taken yet; waits up to 20 s. */
struct etalon_hw_usb_event usb_client_event(struct usb_client *c);

#endif
