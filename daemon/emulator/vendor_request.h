/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The vendor requests of section 7 of hw.h, whatever carries them. Layer: emulator front ends.
 */
#ifndef ETALON_EMULATOR_VENDOR_REQUEST_H
#define ETALON_EMULATOR_VENDOR_REQUEST_H

#include "emulator/board.h"

/*
 * 0 when the request is done, -EPIPE when it stalls. `out` are the setup.length bytes of an OUT
 * request; an IN request puts at most ETALON_HW_USB_TRANSFER_MAX bytes to `in`. *ret_size is how many
 * there are to send back, 0 for OUT.
 */
int vendor_request(struct board *b, const struct etalon_hw_usb_setup *setup, const uint8_t *out,
		   uint8_t *in, size_t *ret_size);

#endif
