/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Front end of the board model: a USB device for a virtual machine, served over the usbredir
 * protocol. Layer: emulator, above the board model.
 *
 * One machine at a time. Losing it is VBUS loss, and the next one finds the device as after power-on. The link
 * is up while the device is configured: a reset, SetConfiguration(0) and the cable make the board dark. That a host
 * suspends the bus does not reach this end of usbredir: the watchdog has to tell.
 */
#ifndef ETALON_EMULATOR_USB_FRONT_H
#define ETALON_EMULATOR_USB_FRONT_H

#include "emulator/board.h"
#include "emulator/usb_descriptors.h"

struct usb_front;

struct usb_front_config {
	const char *path;
	const char *fault_path; /* or NULL */
	enum usb_speed speed;
};

int usb_front_new(const struct usb_front_config *config, struct usb_front **ret,
		  char **ret_message);
struct usb_front *usb_front_free(struct usb_front *front);
DEFINE_CLEANUP(struct usb_front *, usb_front_free, usb_front_freep);

/* Pass this and the front as event callback of the board. */
void usb_front_event(void *userdata, const struct etalon_hw_usb_event *event);

/* Serves `board` until stop_fd is readable. The light is off when it returns. */
int usb_front_run(struct usb_front *front, struct board *board, int stop_fd);

#endif
