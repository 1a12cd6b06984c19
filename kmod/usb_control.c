// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Registers by control transfers, uploads by bulk transfers. All sleep. Section 7 of hw.h.
 */
#include <linux/delay.h>
#include <linux/slab.h>

#include "registers.h"
#include "usb.h"

#define REQUEST_IN (USB_DIR_IN | USB_TYPE_VENDOR | USB_RECIP_INTERFACE)
#define REQUEST_OUT (USB_DIR_OUT | USB_TYPE_VENDOR | USB_RECIP_INTERFACE)
#define GONE_WAITS 20
#define GONE_WAIT_US 10000
#define WORDS_MAX (ETALON_HW_USB_TRANSFER_MAX / sizeof(u32))

/* A transfer that failed is the first that is heard of a cable that was pulled. */
static bool is_gone(struct etalon_usb *link, unsigned int waits)
{
	for (;;) {
		if (READ_ONCE(link->udev->state) == USB_STATE_NOTATTACHED)
			return true;
		if (!waits--)
			return false;
		fsleep(GONE_WAIT_US);
	}
}

/* None of those by which a board refuses. */
static int errno_of(struct etalon_usb *link, int ret)
{
	switch (ret) {
	case 0:
	case -ENODEV:
	case -ENOMEM:
		return ret;
	case -ESHUTDOWN:
		return -ENODEV;
	case -ETIMEDOUT:
		return is_gone(link, 0) ? -ENODEV : ret;
	default:
		return is_gone(link, GONE_WAITS) ? -ENODEV : -EIO;
	}
}

/* To or from link->control. What it costs is the transfer, not its length: that is one access. */
static int transfer(struct etalon_usb *link, u8 type, u8 request, u32 address, u16 bytes)
{
	struct usb_device *udev = link->udev;
	const bool in = type & USB_DIR_IN;
	const unsigned int pipe = in ? usb_rcvctrlpipe(udev, 0) : usb_sndctrlpipe(udev, 0);
	const u16 index = (u16)(link->number | address >> 16 << 8);
	int ret = usb_control_msg(udev, pipe, request, type, (u16)address, index, link->control,
				  bytes, ETALON_USB_TIMEOUT_MS);

	if (ret >= 0)
		return ret == bytes ? 0 : -EIO;
	return errno_of(link, ret);
}

int etalon_usb_identify(struct etalon_usb *link, struct etalon_hw_usb_identity *ret)
{
	int r = transfer(link, REQUEST_IN, ETALON_HW_USB_REQUEST_IDENTITY, 0, sizeof(*ret));

	if (!r)
		memcpy(ret, link->control, sizeof(*ret));
	return r;
}

int etalon_usb_read(struct etalon_board *board, u32 address, u32 *values, unsigned int count)
{
	struct etalon_usb *link = board->link;
	int ret = 0;

	while (count && !ret) {
		const unsigned int words = min_t(unsigned int, count, WORDS_MAX);
		const u16 bytes = (u16)(words * sizeof(u32));

		ret = transfer(link, REQUEST_IN, ETALON_HW_USB_REQUEST_REGISTERS, address, bytes);
		if (!ret)
			memcpy(values, link->control, bytes);
		atomic64_inc(&board->register_reads);
		address += bytes;
		values += words;
		count -= words;
	}
	return ret;
}

int etalon_usb_write(struct etalon_board *board, u32 address, const u32 *values, unsigned int count)
{
	struct etalon_usb *link = board->link;
	const u16 bytes = (u16)(count * sizeof(u32));

	if (count > WORDS_MAX)
		return -EIO;
	memcpy(link->control, values, bytes);
	if (address != ETALON_REG_KICK)
		atomic64_inc(&board->register_writes);
	return transfer(link, REQUEST_OUT, ETALON_HW_USB_REQUEST_REGISTERS, address, bytes);
}

/* ---- state ---- */

/*
 * One run of registers, TICK to LOST, in one transfer. The tick comes first: what follows is at
 * least as new, and an event from before it is old.
 */
#define FIRST ETALON_REG_TICK
#define STATE_WORDS ((ETALON_REG_LOST + 8 - FIRST) / 4)

static u32 word(const u32 *words, u32 address)
{
	return words[(address - FIRST) / sizeof(u32)];
}

static u64 wide(const u32 *words, u32 address)
{
	return word(words, address) | (u64)word(words, address + 4) << 32;
}

static int ask(struct etalon_usb *link, u32 *words)
{
	int ret = etalon_usb_read(link->board, FIRST, words, STATE_WORDS);

	if (ret)
		return ret;
	spin_lock_irq(&link->lock);
	link->told = (struct etalon_progress){
		.lost = wide(words, ETALON_REG_LOST),
		.state = word(words, ETALON_REG_STATE),
		.causes = word(words, ETALON_REG_CAUSES_LATCHED),
		.causes_live = word(words, ETALON_REG_CAUSES_LIVE),
		.sequencer = word(words, ETALON_REG_SEQUENCER),
		.status_bits = word(words, ETALON_REG_STATUS_BITS),
	};
	link->told_tick = wide(words, ETALON_REG_TICK);
	spin_unlock_irq(&link->lock);
	return 0;
}

int etalon_usb_ask(struct etalon_usb *link)
{
	u32 words[STATE_WORDS];

	return ask(link, words);
}

int etalon_usb_safety(struct etalon_board *board, struct etalon_safety *ret)
{
	u32 words[STATE_WORDS];
	int r = ask(board->link, words);

	if (r)
		return r;
	ret->state = word(words, ETALON_REG_STATE);
	ret->causes_live = word(words, ETALON_REG_CAUSES_LIVE);
	ret->causes_latched = word(words, ETALON_REG_CAUSES_LATCHED);
	ret->last_off_cause = word(words, ETALON_REG_LAST_OFF_CAUSE);
	ret->last_off_tick = wide(words, ETALON_REG_LAST_OFF_TICK);
	ret->emission_ready_tick = wide(words, ETALON_REG_EMISSION_READY_TICK);
	ret->status_bits = word(words, ETALON_REG_STATUS_BITS);
	return 0;
}

/*
 * An event comes when it comes: who asks after the command is not told what was before it. That
 * the board obeyed is known then, whatever becomes of the question.
 */
int etalon_usb_command(struct etalon_board *board, u32 command, struct etalon_refusal *refusal)
{
	int ret = etalon_registers_command(board, command, refusal);

	if (!ret && etalon_usb_ask(board->link) == -ENODEV)
		ret = -ENODEV;
	return ret;
}

void etalon_usb_reset_port(struct etalon_usb *link)
{
	if (xchg(&link->resetting, true))
		return;
	dev_err(&link->intf->dev, "does not do as it is told; its port is reset\n");
	usb_queue_reset_device(link->intf);
}

/* A board that cannot be told goes dark by its watchdog; before that by a reset of its bus. */
int etalon_usb_dark(struct etalon_board *board, u32 command)
{
	const u32 state = board->safety.state;
	int ret = etalon_registers_dark(board, command);

	if (ret && ret != -ENODEV && state != ETALON_HW_STATE_OFF &&
	    state != ETALON_HW_STATE_TRIPPED)
		etalon_usb_reset_port(board->link);
	return ret;
}

/* ---- uploads ---- */

/* The upload lies in pages that are not in a row: piece by piece through a buffer that is. */
static int send(struct etalon_usb *link, const u8 *at, u32 left)
{
	const unsigned int pipe = usb_sndbulkpipe(link->udev, ETALON_HW_USB_EP_UPLOAD);
	int ret = 0, sent;

	while (left && !ret) {
		const int piece = (int)min_t(u32, left, ETALON_USB_TRANSFER_BYTES);

		memcpy(link->upload, at, piece);
		ret = usb_bulk_msg(link->udev, pipe, link->upload, piece, &sent,
				   ETALON_USB_TIMEOUT_MS);
		if (!ret && sent != piece)
			ret = -EIO;
		at += piece;
		left -= piece;
	}
	if (ret && ret != -ENODEV) /* the next one begins anew */
		usb_clear_halt(link->udev, pipe);
	return errno_of(link, ret);
}

int etalon_usb_upload(struct etalon_board *board, const struct etalon_hw_upload *upload,
		      struct etalon_refusal *refusal)
{
	int ret = send(board->link, (const u8 *)upload, sizeof(*upload) + upload->size);

	return ret ?: etalon_registers_result(board, refusal);
}
