// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Vendor requests and uploads as messages of the stream. See section 7 of hw.h.
 */
#include "emulator/front_control.h"

#include "emulator/vendor_request.h"

static void control(struct board *b, struct connection *c, const struct etalon_hw_stream *head,
		    const uint8_t *payload)
{
	uint8_t data[ETALON_HW_USB_TRANSFER_MAX];
	size_t size;
	const int r = vendor_request(b, &head->setup, payload, data, &size);

	connection_answer(c, head, r, data, size);
}

void front_control(struct board *b, struct connection *c, const struct etalon_hw_stream *head,
		   const uint8_t *payload)
{
	if (head->kind == ETALON_HW_STREAM_CONTROL)
		return control(b, c, head, payload);
	board_upload(b, payload, head->length);
	connection_answer(c, head, 0, NULL, 0);
}
