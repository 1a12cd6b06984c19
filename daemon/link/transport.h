/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How bytes reach a board that speaks the USB framing of hw.h section 7. Layer: link, below the
 * register driver: knows transfers, not registers.
 *
 * The register driver calls the control group from one thread at a time, bulk_in and event each from
 * one thread at a time, and all three groups at once. Every call returns 0 (or what it says) or a
 * negative errno: -ENODEV the board is gone for good, -ETIMEDOUT no answer in time (the next call starts
 * clean: a late answer is recognised and dropped), -EPROTO the answer breaks the contract (a stall, too).
 */
#ifndef ETALON_LINK_TRANSPORT_H
#define ETALON_LINK_TRANSPORT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "hw.h"

#define TRANSPORT_TIMEOUT_MS 2000 /* of a control transfer; uploads have longer by their size */

struct transport;

struct transport_ops {
	const char *name; /* becomes link_ops.name */

	/* ---- control ---- */
	/* Exactly size bytes from the register space (or the identity), at most ETALON_HW_USB_TRANSFER_MAX. */
	int (*control_in)(struct transport *t, uint8_t request, uint32_t address, void *data,
			  size_t size);
	int (*control_out)(struct transport *t, uint8_t request, uint32_t address, const void *data,
			   size_t size);
	/* One upload: header and header->size bytes. */
	int (*bulk_out)(struct transport *t, const struct etalon_hw_upload *header,
			const void *payload);
	/* After the identity was checked and before the calls below: takes the other endpoints. */
	int (*claim)(struct transport *t, char **ret_message);

	/* ---- records ---- */
	/*
	 * Next bytes of the record stream, cut anywhere, at most room: their number. -EAGAIN after timeout_ms,
	 * -ECANCELED once after bulk_in_cancel() (from any thread) when it would have to wait.
	 */
	ssize_t (*bulk_in)(struct transport *t, void *data, size_t room, int timeout_ms);
	void (*bulk_in_cancel)(struct transport *t);

	/* ---- events ---- */
	int (*event_fd)(struct transport *t); /* POLLIN: call event(); POLLHUP: gone */
	int (*event)(struct transport *t, struct etalon_hw_usb_event *ret); /* -EAGAIN: none */

	/* The board sees its cable pulled. Frees t. */
	void (*close)(struct transport *t);
};

struct transport {
	const struct transport_ops *ops;
};

#endif
