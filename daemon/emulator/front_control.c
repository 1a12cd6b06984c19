// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Vendor requests and uploads. See section 7 of hw.h.
 */
#include "emulator/front_control.h"

#include <errno.h>

#include "base/util.h"

#define TYPE_IN 0xc1 /* vendor request to the interface */
#define TYPE_OUT 0x41

static uint32_t address_of(const struct etalon_hw_usb_setup *setup)
{
	return (uint32_t)setup->value | (uint32_t)(setup->index >> 8) << 16;
}

static bool in_space(const struct etalon_hw_usb_setup *setup)
{
	return setup->length && setup->length % 4 == 0 &&
	       setup->length <= ETALON_HW_USB_TRANSFER_MAX && address_of(setup) % 4 == 0 &&
	       address_of(setup) + setup->length <= ETALON_REG_SPACE;
}

static void identity(struct board *b, struct connection *c, const struct etalon_hw_stream *head)
{
	struct etalon_hw_usb_identity id = {.magic = ETALON_HW_MAGIC, .version = ETALON_HW_VERSION};

	memcpy(id.serial, board_description(b)->serial, sizeof(id.serial));
	connection_answer(c, head, 0, &id, MIN(sizeof(id), (size_t)head->setup.length));
}

static void log_read(struct board *b, uint32_t address, uint32_t words)
{
	char members[96];

	snprintf(members, sizeof(members), "\"address\":%u,\"words\":%u", address, words);
	board_log(b, "read", members);
}

static void read_registers(struct board *b, struct connection *c,
			   const struct etalon_hw_stream *head)
{
	const uint32_t address = address_of(&head->setup), words = head->setup.length / 4;
	uint32_t values[ETALON_HW_USB_TRANSFER_MAX / 4] = {0};

	for (uint32_t i = 0; i < words; i++)
		values[i] = board_read(b, address + 4 * i);
	connection_answer(c, head, 0, values, 4 * (size_t)words);
	log_read(b, address, words);
}

static void write_registers(struct board *b, const struct etalon_hw_stream *head,
			    const uint8_t *payload)
{
	for (uint32_t i = 0; i < head->length / 4; i++) {
		uint32_t value;

		memcpy(&value, payload + 4 * i, sizeof(value));
		board_write(b, address_of(&head->setup) + 4 * i, value);
	}
}

static void control(struct board *b, struct connection *c, const struct etalon_hw_stream *head,
		    const uint8_t *payload)
{
	const struct etalon_hw_usb_setup *s = &head->setup;

	if ((s->index & 0xff) != 0)
		return connection_answer(c, head, -EPIPE, NULL, 0);
	if (s->request == ETALON_HW_USB_REQUEST_IDENTITY && s->request_type == TYPE_IN)
		return identity(b, c, head);
	if (s->request != ETALON_HW_USB_REQUEST_REGISTERS || !in_space(s))
		return connection_answer(c, head, -EPIPE, NULL, 0);
	if (s->request_type == TYPE_IN)
		return read_registers(b, c, head);
	if (s->request_type != TYPE_OUT)
		return connection_answer(c, head, -EPIPE, NULL, 0);
	write_registers(b, head, payload);
	connection_answer(c, head, 0, NULL, 0);
}

void front_control(struct board *b, struct connection *c, const struct etalon_hw_stream *head,
		   const uint8_t *payload)
{
	if (head->kind == ETALON_HW_STREAM_CONTROL)
		return control(b, c, head, payload);
	board_upload(b, payload, head->length);
	connection_answer(c, head, 0, NULL, 0);
}
