/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The machine at the other end of the cable: a connection that speaks usbredir, never blocking and bounded
 * in both directions. Layer: emulator, USB front end; knows no board.
 */
#ifndef ETALON_EMULATOR_USB_PEER_H
#define ETALON_EMULATOR_USB_PEER_H

#include <stdbool.h>
#include <stdint.h>
#include <usbredirparser.h>

struct usb_front;

struct usb_peer {
	int fd; /* -1: nobody */
	struct usbredirparser *parser;
	struct usb_front *front; /* whose device it has */
	bool greeted; /* has said hello */
	bool ended; /* it has closed, or has to go */
	bool more; /* there may be unread messages, left for the next turn */
	unsigned int messages_left, bytes_left; /* of this turn */
	char reason[160]; /* why the front end closes it; empty: the peer did */
};

/* Takes the descriptor, in case of an error, too. What the peer's messages do is told by usb_commands_install(). */
int usb_peer_open(struct usb_peer *p, int fd, struct usb_front *front);
void usb_peer_close(struct usb_peer *p);
/* It has to go: the caller of usb_peer_receive() closes it. Only the first reason counts. */
void usb_peer_end(struct usb_peer *p, const char *reason);

/* Takes messages, so many that none of its floods holds the board up. */
void usb_peer_receive(struct usb_peer *p);
/* Sends what the socket takes. */
void usb_peer_flush(struct usb_peer *p);
/* More is unsent than a peer that reads would leave: it gets nothing more that can wait. */
bool usb_peer_full(const struct usb_peer *p);
bool usb_peer_unsent(const struct usb_peer *p);

#endif
