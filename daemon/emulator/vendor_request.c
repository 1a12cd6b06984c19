// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Identity and registers by control transfers. See section 7 of hw.h.
 */
#include "emulator/vendor_request.h"

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

static size_t identity(struct board *b, const struct etalon_hw_usb_setup *setup, uint8_t *in)
{
	struct etalon_hw_usb_identity id = {.magic = ETALON_HW_MAGIC, .version = ETALON_HW_VERSION};

	memcpy(id.serial, board_description(b)->serial, sizeof(id.serial));
	memcpy(in, &id, sizeof(id));
	return MIN(sizeof(id), (size_t)setup->length);
}

static void log_read(struct board *b, uint32_t address, uint32_t words)
{
	char members[96];

	snprintf(members, sizeof(members), "\"address\":%u,\"words\":%u", address, words);
	board_log(b, "read", members);
}

static size_t read_registers(struct board *b, const struct etalon_hw_usb_setup *setup, uint8_t *in)
{
	const uint32_t address = address_of(setup), words = setup->length / 4;

	for (uint32_t i = 0; i < words; i++) {
		const uint32_t value = board_read(b, address + 4 * i);

		memcpy(in + 4 * i, &value, sizeof(value));
	}
	log_read(b, address, words);
	return setup->length;
}

static void write_registers(struct board *b, const struct etalon_hw_usb_setup *setup,
			    const uint8_t *out)
{
	for (uint32_t i = 0; i < setup->length / 4; i++) {
		uint32_t value;

		memcpy(&value, out + 4 * i, sizeof(value));
		board_write(b, address_of(setup) + 4 * i, value);
	}
}

int vendor_request(struct board *b, const struct etalon_hw_usb_setup *setup, const uint8_t *out,
		   uint8_t *in, size_t *ret_size)
{
	*ret_size = 0;
	if ((setup->index & 0xff) != 0)
		return -EPIPE;
	if (setup->request == ETALON_HW_USB_REQUEST_IDENTITY && setup->request_type == TYPE_IN) {
		*ret_size = identity(b, setup, in);
		return 0;
	}
	if (setup->request != ETALON_HW_USB_REQUEST_REGISTERS || !in_space(setup))
		return -EPIPE;
	if (setup->request_type == TYPE_IN) {
		*ret_size = read_registers(b, setup, in);
		return 0;
	}
	if (setup->request_type != TYPE_OUT)
		return -EPIPE;
	write_registers(b, setup, out);
	return 0;
}
