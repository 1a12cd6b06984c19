/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the board says of itself to a USB host: the descriptors of section 7 of hw.h at the two
 * speeds that it knows. Layer: emulator, USB front end; pure data.
 */
#ifndef ETALON_EMULATOR_USB_DESCRIPTORS_H
#define ETALON_EMULATOR_USB_DESCRIPTORS_H

#include "emulator/board.h"

#define USB_DESCRIPTOR_MAX \
	255 /* bytes of the longest, all that belong to a configuration together */
#define USB_EVENT_PACKET 64 /* bytes of a packet of the event endpoint */
#define USB_EVENT_INTERVAL 4 /* 2^(4-1) x 125 us */
#define USB_CONFIGURATION 1 /* the one that there is */

enum usb_speed {
	USB_HIGH_SPEED,
	USB_SUPER_SPEED,
};

struct usb_identity {
	enum usb_speed speed;
	const char *model, *serial;
	enum board_usb_lie lie; /* a scripted fault */
};

/* Bytes of a packet of the bulk endpoints. */
uint16_t usb_bulk_packet(enum usb_speed speed);

/*
 * The descriptor that GET_DESCRIPTOR asks for with `value`, in at most USB_DESCRIPTOR_MAX bytes at `ret`: its
 * size, or 0 when there is none.
 */
size_t usb_descriptor(const struct usb_identity *id, uint16_t value, uint8_t *ret);

#endif
