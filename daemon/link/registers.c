// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Opens a board through a transport: identity first, then the description, then a link.
 * Nothing is written to a peer that did not say who it is.
 */
#include "link/registers.h"

#include <errno.h>

#include "base/util.h"
#include "link/registers_private.h"

/* The window of the description ends with the register space. */
#define DESCRIPTION_MAX (ETALON_REG_SPACE - ETALON_REG_DESCRIPTION)

static int check_identity(struct transport *t, struct etalon_hw_usb_identity *ret,
			  char **ret_message)
{
	struct etalon_hw_usb_identity identity;
	int error = t->ops->control_in(t, ETALON_HW_USB_REQUEST_IDENTITY, 0, &identity,
				       sizeof(identity));

	if (error < 0)
		return fail(ret_message, -EPROTO,
			    "the board does not say who it is (%s): this is no Etalon board",
			    strerror(-error));
	if (identity.magic != ETALON_HW_MAGIC)
		return fail(ret_message, -EPROTO,
			    "identity %08x, not %08x: this is no Etalon board", identity.magic,
			    ETALON_HW_MAGIC);
	if (identity.version >> 16 != ETALON_HW_VERSION >> 16)
		return fail(ret_message, -EPROTO,
			    "the board keeps contract version %u.%u, this program %u.x: update the "
			    "older of the two",
			    identity.version >> 16, identity.version & 0xffff,
			    ETALON_HW_VERSION >> 16);
	*ret = identity;
	return 0;
}

static int read_window(struct transport *t, char *window, uint32_t size)
{
	for (uint32_t at = 0; at < size; at += ETALON_HW_USB_TRANSFER_MAX) {
		uint32_t piece = MIN(size - at, (uint32_t)ETALON_HW_USB_TRANSFER_MAX);
		int error = t->ops->control_in(t, ETALON_HW_USB_REQUEST_REGISTERS,
					       ETALON_REG_DESCRIPTION + at, window + at, piece);

		if (error < 0)
			return error;
	}
	return 0;
}

static int read_description(struct transport *t, struct description **ret, char **ret_message)
{
	struct {
		uint32_t magic, version, size;
	} head;
	_cleanup_free_ char *window = NULL;
	uint32_t rounded;
	int error;

	error = t->ops->control_in(t, ETALON_HW_USB_REQUEST_REGISTERS, ETALON_REG_MAGIC, &head,
				   sizeof(head));
	if (error < 0)
		return fail(ret_message, error, "can not read the board's registers: %s",
			    strerror(-error));
	if (head.magic != ETALON_HW_MAGIC)
		return fail(ret_message, -EPROTO,
			    "register MAGIC reads %08x, not %08x: this is no Etalon board",
			    head.magic, ETALON_HW_MAGIC);
	if (head.size == 0 || head.size > DESCRIPTION_MAX)
		return fail(ret_message, -EBADMSG, "description: %u bytes, at most %u are possible",
			    head.size, DESCRIPTION_MAX);
	rounded = (head.size + 3) & ~3U; /* transfers are of whole registers */
	window = malloc(rounded);
	if (!window)
		return -ENOMEM;
	error = read_window(t, window, rounded);
	if (error < 0)
		return fail(ret_message, error, "can not read the board's description: %s",
			    strerror(-error));
	return description_parse(window, head.size, ret, ret_message);
}

static int registers_new(struct transport *t, struct description *d, struct registers **ret)
{
	struct registers *r = calloc(1, sizeof(*r));
	int error;

	if (!r)
		return -ENOMEM;
	error = turn_init(&r->turn);
	if (error < 0) {
		free(r);
		return error;
	}
	error = records_init(r);
	if (error < 0) {
		free(r->records.bytes);
		turn_destroy(&r->turn);
		free(r);
		return error;
	}
	r->transport = t;
	r->description = d;
	r->ops = registers_ops;
	r->ops.name = t->ops->name;
	r->link.ops = &r->ops;
	r->link.description = d;
	*ret = r;
	return 0;
}

static int open_checked(struct transport *t, struct link **ret, char **ret_message)
{
	_cleanup_(description_freep) struct description *d = NULL;
	struct etalon_hw_usb_identity identity;
	struct registers *r;
	int error;

	error = check_identity(t, &identity, ret_message);
	if (error < 0)
		return error;
	error = read_description(t, &d, ret_message);
	if (error < 0)
		return error;
	if (strncmp(identity.serial, d->head.serial, sizeof(identity.serial)) != 0)
		return fail(ret_message, -EBADMSG,
			    "description: serial number %s, the identity says %.*s", d->head.serial,
			    (int)sizeof(identity.serial), identity.serial);
	error = t->ops->claim(t, ret_message);
	if (error < 0)
		return error;
	error = registers_new(t, d, &r);
	if (error < 0)
		return error;
	take_ptr(d);
	*ret = &r->link;
	return 0;
}

int registers_open(struct transport *t, struct link **ret, char **ret_message)
{
	int error = open_checked(t, ret, ret_message);

	if (error < 0)
		t->ops->close(t);
	return error;
}
