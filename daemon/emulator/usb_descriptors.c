// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The tables behind GET_DESCRIPTOR. See usb_descriptors.h.
 */
#include "emulator/usb_descriptors.h"

#include <linux/usb/ch9.h>

#include "base/util.h"
#include "hw.h"

enum { STRING_LANGUAGES, STRING_MANUFACTURER, STRING_PRODUCT, STRING_SERIAL };

#define LANGUAGE_ENGLISH_US 0x0409
#define BULK_BURST 15 /* packets behind the first one of a burst */

struct bytes {
	uint8_t *data;
	size_t size;
};

static void put(struct bytes *b, const void *descriptor, size_t size)
{
	memcpy(b->data + b->size, descriptor, size);
	b->size += size;
}

uint16_t usb_bulk_packet(enum usb_speed speed)
{
	return speed == USB_SUPER_SPEED ? 1024 : 512;
}

static void device(const struct usb_identity *id, struct bytes *b)
{
	const bool super = id->speed == USB_SUPER_SPEED;
	const struct usb_device_descriptor d = {
		.bLength = USB_DT_DEVICE_SIZE,
		.bDescriptorType = USB_DT_DEVICE,
		.bcdUSB = super ? 0x0300 : 0x0200,
		.bMaxPacketSize0 = super ? 9 : 64, /* of super speed: log2 */
		.idVendor = ETALON_HW_USB_VENDOR,
		.idProduct = ETALON_HW_USB_PRODUCT + (id->lie == BOARD_USB_LIE_PRODUCT),
		.bcdDevice = ETALON_HW_VERSION >> 8 & 0xffff,
		.iManufacturer = STRING_MANUFACTURER,
		.iProduct = STRING_PRODUCT,
		.iSerialNumber = STRING_SERIAL,
		.bNumConfigurations = 1,
	};

	put(b, &d, USB_DT_DEVICE_SIZE);
}

/* At full speed there is no configuration: the bus could not carry the records. */
static void qualifier(const struct usb_identity *id, struct bytes *b)
{
	const struct usb_qualifier_descriptor d = {
		.bLength = sizeof(d),
		.bDescriptorType = USB_DT_DEVICE_QUALIFIER,
		.bcdUSB = 0x0200,
		.bMaxPacketSize0 = 64,
	};

	if (id->speed == USB_HIGH_SPEED)
		put(b, &d, sizeof(d));
}

static void companion(struct bytes *b, uint8_t burst, uint16_t bytes_per_interval)
{
	const struct usb_ss_ep_comp_descriptor d = {
		.bLength = USB_DT_SS_EP_COMP_SIZE,
		.bDescriptorType = USB_DT_SS_ENDPOINT_COMP,
		.bMaxBurst = burst,
		.wBytesPerInterval = bytes_per_interval,
	};

	put(b, &d, USB_DT_SS_EP_COMP_SIZE);
}

static void endpoint(const struct usb_identity *id, struct bytes *b, uint8_t address)
{
	const bool events = address == ETALON_HW_USB_EP_EVENTS;
	struct usb_endpoint_descriptor d = {
		.bLength = USB_DT_ENDPOINT_SIZE,
		.bDescriptorType = USB_DT_ENDPOINT,
		.bEndpointAddress = address,
		.bmAttributes = events ? USB_ENDPOINT_XFER_INT : USB_ENDPOINT_XFER_BULK,
		.wMaxPacketSize = events ? USB_EVENT_PACKET : usb_bulk_packet(id->speed),
		.bInterval = events ? USB_EVENT_INTERVAL : 0,
	};

	if (id->lie == BOARD_USB_LIE_DIRECTION && address == ETALON_HW_USB_EP_RECORDS)
		d.bEndpointAddress ^= USB_DIR_IN;
	if (id->lie == BOARD_USB_LIE_PACKET)
		d.wMaxPacketSize = 0;
	if (id->lie == BOARD_USB_LIE_LENGTH)
		d.bLength = 2;
	put(b, &d, USB_DT_ENDPOINT_SIZE);
	if (id->speed == USB_SUPER_SPEED)
		companion(b, events ? 0 : BULK_BURST, events ? USB_EVENT_PACKET : 0);
}

static void configuration(const struct usb_identity *id, struct bytes *b)
{
	const bool missing = id->lie == BOARD_USB_LIE_ENDPOINTS;
	struct usb_config_descriptor d = {
		.bLength = USB_DT_CONFIG_SIZE,
		.bDescriptorType = USB_DT_CONFIG,
		.bNumInterfaces = 1,
		.bConfigurationValue = USB_CONFIGURATION,
		.bmAttributes = USB_CONFIG_ATT_ONE | USB_CONFIG_ATT_SELFPOWER,
	};
	const struct usb_interface_descriptor interface = {
		.bLength = USB_DT_INTERFACE_SIZE,
		.bDescriptorType = USB_DT_INTERFACE,
		.bNumEndpoints = missing ? 2 : 3,
		.bInterfaceClass = USB_CLASS_VENDOR_SPEC - (id->lie == BOARD_USB_LIE_CLASS),
		.bInterfaceSubClass = ETALON_HW_USB_SUBCLASS,
		.bInterfaceProtocol = ETALON_HW_USB_PROTOCOL,
	};
	uint8_t *head = b->data + b->size;

	put(b, &d, USB_DT_CONFIG_SIZE);
	put(b, &interface, USB_DT_INTERFACE_SIZE);
	endpoint(id, b, ETALON_HW_USB_EP_RECORDS);
	endpoint(id, b, ETALON_HW_USB_EP_UPLOAD);
	if (!missing)
		endpoint(id, b, ETALON_HW_USB_EP_EVENTS);
	d.wTotalLength = (uint16_t)(b->size + (id->lie == BOARD_USB_LIE_TOTAL ? 1000 : 0));
	memcpy(head, &d, USB_DT_CONFIG_SIZE);
}

/* The link never sleeps, so no exit latencies: hosts take zeros for that. */
static void capabilities(const struct usb_identity *id, struct bytes *b)
{
	const struct usb_ext_cap_descriptor usb2 = {
		.bLength = USB_DT_USB_EXT_CAP_SIZE,
		.bDescriptorType = USB_DT_DEVICE_CAPABILITY,
		.bDevCapabilityType = USB_CAP_TYPE_EXT,
		.bmAttributes = USB_LPM_SUPPORT, /* the standard's demand of super speed devices */
	};
	const struct usb_ss_cap_descriptor super = {
		.bLength = USB_DT_USB_SS_CAP_SIZE,
		.bDescriptorType = USB_DT_DEVICE_CAPABILITY,
		.bDevCapabilityType = USB_SS_CAP_TYPE,
		.wSpeedSupported = USB_HIGH_SPEED_OPERATION | USB_5GBPS_OPERATION,
		.bFunctionalitySupport = 2, /* all of it from high speed on */
	};
	const struct usb_bos_descriptor d = {
		.bLength = USB_DT_BOS_SIZE,
		.bDescriptorType = USB_DT_BOS,
		.wTotalLength = USB_DT_BOS_SIZE + USB_DT_USB_EXT_CAP_SIZE + USB_DT_USB_SS_CAP_SIZE,
		.bNumDeviceCaps = 2,
	};

	if (id->speed != USB_SUPER_SPEED)
		return;
	put(b, &d, USB_DT_BOS_SIZE);
	put(b, &usb2, USB_DT_USB_EXT_CAP_SIZE);
	put(b, &super, USB_DT_USB_SS_CAP_SIZE);
}

/* ---- strings ---- */

static void text(struct bytes *b, const char *s)
{
	for (; *s && b->size + 2 <= USB_DESCRIPTOR_MAX; s++) {
		const uint8_t byte = (uint8_t)*s;

		if ((byte & 0xc0) == 0x80)
			continue; /* a further byte of a letter outside ASCII, which reads '?' */
		b->data[b->size++] = byte < 0x80 ? byte : '?';
		b->data[b->size++] = 0;
	}
}

static void string(const struct usb_identity *id, uint8_t number, struct bytes *b)
{
	const size_t head = b->size;

	b->size += 2;
	if (number == STRING_LANGUAGES) {
		b->data[b->size++] = LANGUAGE_ENGLISH_US & 0xff;
		b->data[b->size++] = LANGUAGE_ENGLISH_US >> 8;
	} else if (number == STRING_MANUFACTURER) {
		text(b, "Etalon");
	} else if (number == STRING_PRODUCT) {
		text(b, ETALON_HW_USB_PRODUCT_NAME " ");
		text(b, id->model);
	} else if (number == STRING_SERIAL) {
		text(b, id->serial);
	} else {
		b->size = head;
		return;
	}
	b->data[head] = (uint8_t)(b->size - head);
	b->data[head + 1] = USB_DT_STRING;
}

size_t usb_descriptor(const struct usb_identity *id, uint16_t value, uint8_t *ret)
{
	const uint8_t type = (uint8_t)(value >> 8), number = (uint8_t)value;
	struct bytes b = {.data = ret};

	if (type == USB_DT_STRING)
		string(id, number, &b);
	else if (number)
		return 0;
	else if (type == USB_DT_DEVICE)
		device(id, &b);
	else if (type == USB_DT_DEVICE_QUALIFIER)
		qualifier(id, &b);
	else if (type == USB_DT_CONFIG)
		configuration(id, &b);
	else if (type == USB_DT_BOS)
		capabilities(id, &b);
	return b.size;
}
