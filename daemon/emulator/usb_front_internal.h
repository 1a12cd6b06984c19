/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The inside of the USB front end, shared by the files that make it up and by nobody else.
 */
#ifndef ETALON_EMULATOR_USB_FRONT_INTERNAL_H
#define ETALON_EMULATOR_USB_FRONT_INTERNAL_H

#include "emulator/fault_socket.h"
#include "emulator/listener.h"
#include "emulator/record_stream.h"
#include "emulator/usb_front.h"
#include "emulator/usb_peer.h"

#define USB_CONTROLS_MAX 64 /* control transfers that a host may leave waiting */
#define USB_READS_MAX 1024 /* ... and reads of records */

struct usb_control {
	uint64_t id;
	struct etalon_hw_usb_setup setup;
	uint8_t *data; /* of OUT, owned */
};

struct usb_read {
	uint64_t id;
	uint32_t length;
};

enum usb_endpoint { USB_RECORDS, USB_UPLOAD, USB_EVENTS, USB_ENDPOINTS };

struct usb_front {
	struct listener listener;
	struct fault_socket faults;
	enum usb_speed speed;
	struct board *board;
	struct usb_peer peer;

	bool configured;
	bool halted[USB_ENDPOINTS];

	struct usb_control control[USB_CONTROLS_MAX]; /* oldest first */
	size_t controls;

	struct usb_read read[USB_READS_MAX]; /* oldest first */
	size_t reads;
	struct record_stream records;
	bool records_left; /* for the next turn: both reads and records are there */

	uint8_t *upload; /* as far as it has come, owned */
	size_t upload_bytes;

	bool receiving; /* the host takes events */
	bool event_waits;
	struct etalon_hw_usb_event event; /* the one that waits */
	uint64_t event_id;
};

/* ---- usb_commands.c: usbredir's messages ---- */
void usb_commands_install(struct usbredirparser *parser);
/* Answers to what waited; `status` is one of usbredir's. */
void usb_answer_control(struct usb_front *f, const struct usb_control *c, uint8_t status,
			const uint8_t *data, size_t size);
void usb_answer_bulk(struct usb_front *f, uint64_t id, uint8_t endpoint, uint8_t status,
		     const uint8_t *data, size_t size);
void usb_answer_receiving(struct usb_front *f, uint64_t id, uint8_t status);
void usb_send_event(struct usb_front *f, const struct etalon_hw_usb_event *event);

/* ---- usb_control.c: control transfers ---- */
/* Takes over the data. */
void usb_control_ask(struct usb_front *f, const struct usb_control *c);
/* Answers what waits, unless a scripted fault makes the board hang. */
void usb_control_answer(struct usb_front *f);
bool usb_control_cancel(struct usb_front *f, uint64_t id);
void usb_control_forget(struct usb_front *f);

/* ---- usb_endpoints.c: the other three endpoints ---- */
void usb_records_ask(struct usb_front *f, uint64_t id, uint32_t length);
/* Answers reads with records, as many as the peer takes. */
void usb_records_answer(struct usb_front *f);
bool usb_records_cancel(struct usb_front *f, uint64_t id);
/* One bulk OUT transfer; answers it. */
void usb_upload(struct usb_front *f, uint64_t id, const uint8_t *data, size_t size);
void usb_events_start(struct usb_front *f, uint64_t id);
void usb_events_stop(struct usb_front *f, uint64_t id);
void usb_events_send(struct usb_front *f); /* the one that waits, if it can go */
/* Number of an endpoint by its address; USB_ENDPOINTS: there is no such. */
enum usb_endpoint usb_endpoint(uint8_t address);
void usb_endpoints_take_faults(struct usb_front *f); /* scripted ones */
void usb_endpoint_halt(struct usb_front *f, enum usb_endpoint n);
void usb_endpoint_clear(struct usb_front *f, enum usb_endpoint n);
/* All of them as after SetConfiguration; reads that wait are answered as cancelled. */
void usb_endpoints_restart(struct usb_front *f);
/* The same, and there is nobody to answer. */
void usb_endpoints_forget(struct usb_front *f);

/* ---- usb_front.c: what a host does to the whole device ---- */
void usb_device_configure(struct usb_front *f, bool configured);
void usb_device_reset(struct usb_front *f);

#endif
