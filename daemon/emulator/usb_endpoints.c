// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The endpoints for records, uploads and events, in terms of transfers. A transfer that would run
 * packet by packet on a cable ends here as it would there.
 */
#include <errno.h>

#include "base/util.h"
#include "emulator/usb_front_internal.h"

#define ROUNDS_PER_TURN 16 /* of filling the peer's socket with records */

enum usb_endpoint usb_endpoint(uint8_t address)
{
	switch (address) {
	case ETALON_HW_USB_EP_RECORDS:
		return USB_RECORDS;
	case ETALON_HW_USB_EP_UPLOAD:
		return USB_UPLOAD;
	case ETALON_HW_USB_EP_EVENTS:
		return USB_EVENTS;
	default:
		return USB_ENDPOINTS;
	}
}

/* What a transfer to an endpoint gets at once; usb_redir_success: it is taken. */
static uint8_t obstacle(const struct usb_front *f, enum usb_endpoint n)
{
	if (!f->configured)
		return usb_redir_ioerror;
	return f->halted[n] ? usb_redir_stall : usb_redir_success;
}

/* ---- records ---- */

static void answer_read(struct usb_front *f, size_t n, uint8_t status, const uint8_t *data,
			size_t size)
{
	usb_answer_bulk(f, f->read[n].id, ETALON_HW_USB_EP_RECORDS, status, data, size);
	f->reads--;
	memmove(f->read + n, f->read + n + 1, (f->reads - n) * sizeof(f->read[0]));
}

static void end_reads(struct usb_front *f, uint8_t status)
{
	while (f->reads)
		answer_read(f, 0, status, NULL, 0);
}

void usb_records_ask(struct usb_front *f, uint64_t id, uint32_t length)
{
	const uint8_t status = obstacle(f, USB_RECORDS);

	if (status != usb_redir_success)
		return usb_answer_bulk(f, id, ETALON_HW_USB_EP_RECORDS, status, NULL, 0);
	if (f->reads == USB_READS_MAX)
		return usb_peer_end(&f->peer, "too many reads of records at once");
	f->read[f->reads++] = (struct usb_read){.id = id, .length = length};
}

bool usb_records_cancel(struct usb_front *f, uint64_t id)
{
	for (size_t n = 0; n < f->reads; n++) {
		if (f->read[n].id != id)
			continue;
		answer_read(f, n, usb_redir_cancelled, NULL, 0);
		return true;
	}
	return false;
}

/* The oldest read, and records from a board that may be hostile. */
static void deliver(struct usb_front *f, uint8_t status, const uint8_t *data, size_t size)
{
	_cleanup_free_ uint8_t *spoilt = board_is_hostile(f->board) ? malloc(size) : NULL;

	if (!spoilt)
		return answer_read(f, 0, status, data, size);
	memcpy(spoilt, data, size);
	if (f->records.sent) /* where the next one begins is not known here */
		size = board_spoil(f->board, spoilt, size);
	else
		board_spoil_records(f->board, spoilt, size);
	answer_read(f, 0, status, spoilt, size);
}

/* Bytes of a transfer that a scripted fault ends within a record: records begin at multiples of 8. */
static size_t cut_short(const struct usb_front *f, size_t size)
{
	const size_t beyond = (f->records.sent + size + 4) % 8, cut = beyond ? beyond : 8;

	return size > cut ? size - cut : size;
}

/*
 * The board sends whole packets of what it has, and knows nothing of a read's length: where that is no
 * multiple of a packet, the packet that does not fit any more is babble, and goes again.
 */
static bool answer_oldest(struct usb_front *f)
{
	const uint32_t length = f->read[0].length, packet = usb_bulk_packet(f->speed);
	const uint32_t fits = length - length % packet;
	size_t size;
	const uint8_t *data =
		record_stream_peek(&f->records, f->board, (size_t)fits + packet, &size);
	uint8_t status = usb_redir_success;

	if (!data)
		return false;
	if (board_takes_usb_fault(f->board, BOARD_USB_BABBLE)) {
		size = 0;
		status = usb_redir_babble;
	} else if (size > length && length > fits) {
		size = fits;
		status = usb_redir_babble;
	} else {
		size = MIN(size, (size_t)length);
		if (board_takes_usb_fault(f->board, BOARD_USB_SHORT))
			size = cut_short(f, size);
	}
	deliver(f, status, data, size);
	record_stream_consume(&f->records, f->board, data, size);
	return true;
}

void usb_records_answer(struct usb_front *f)
{
	bool more = !f->peer.ended;

	f->records_left = false;
	for (int round = 0; round < ROUNDS_PER_TURN && more; round++) {
		while (more && !usb_peer_full(&f->peer))
			more = f->reads && answer_oldest(f);
		usb_peer_flush(&f->peer);
		if (f->peer.ended || usb_peer_unsent(&f->peer))
			return; /* it says when it can take more */
	}
	f->records_left = more;
}

/* ---- uploads ---- */

static void forget_upload(struct usb_front *f)
{
	free(f->upload);
	f->upload = NULL;
	f->upload_bytes = 0;
}

/* Bytes of the upload that begins so; those that are there when it says nothing sensible. */
static size_t whole_upload(const uint8_t *bytes, size_t size)
{
	struct etalon_hw_upload head;

	if (size < sizeof(head))
		return sizeof(head);
	memcpy(&head, bytes, sizeof(head));
	if (head.magic != ETALON_HW_UPLOAD_MAGIC || head.size > STREAM_PAYLOAD_MAX - sizeof(head))
		return size;
	return sizeof(head) + head.size;
}

static bool keep_part(struct usb_front *f, const uint8_t *data, size_t size)
{
	uint8_t *bytes;

	if (!size)
		return true;
	bytes = realloc(f->upload, f->upload_bytes + size);
	if (!bytes)
		return false;
	memcpy(bytes + f->upload_bytes, data, size);
	f->upload = bytes;
	f->upload_bytes += size;
	return true;
}

void usb_upload(struct usb_front *f, uint64_t id, const uint8_t *data, size_t size)
{
	const bool short_packet = size % usb_bulk_packet(f->speed) || !size;
	const uint8_t status = obstacle(f, USB_UPLOAD);

	if (status != usb_redir_success)
		return usb_answer_bulk(f, id, ETALON_HW_USB_EP_UPLOAD, status, NULL, 0);
	if (!keep_part(f, data, size)) {
		forget_upload(f);
		return usb_answer_bulk(f, id, ETALON_HW_USB_EP_UPLOAD, usb_redir_ioerror, NULL, 0);
	}
	if (f->upload_bytes &&
	    (short_packet || f->upload_bytes >= whole_upload(f->upload, f->upload_bytes))) {
		board_upload(f->board, f->upload, f->upload_bytes);
		forget_upload(f);
	}
	usb_answer_bulk(f, id, ETALON_HW_USB_EP_UPLOAD, usb_redir_success, NULL, size);
}

/* ---- events ---- */

void usb_events_send(struct usb_front *f)
{
	if (!f->event_waits || !f->receiving || f->halted[USB_EVENTS] || usb_peer_full(&f->peer))
		return;
	usb_send_event(f, &f->event);
	f->event_waits = false;
}

/* A host that does not take them in time still learns the latest state, and all that has happened. */
void usb_front_event(void *userdata, const struct etalon_hw_usb_event *event)
{
	struct usb_front *f = userdata;
	const uint32_t before = f->event_waits ? f->event.events : 0;

	if (!f->configured)
		return;
	f->event = *event;
	f->event.events |= before;
	f->event_waits = true;
	usb_events_send(f);
}

void usb_events_start(struct usb_front *f, uint64_t id)
{
	const uint8_t status = obstacle(f, USB_EVENTS);

	usb_answer_receiving(f, id, status);
	f->receiving = status == usb_redir_success;
	usb_events_send(f);
}

void usb_events_stop(struct usb_front *f, uint64_t id)
{
	f->receiving = false;
	usb_answer_receiving(f, id, usb_redir_success);
}

/* ---- any of them ---- */

void usb_endpoints_take_faults(struct usb_front *f)
{
	static const enum board_usb_fault faults[USB_ENDPOINTS] = {
		[USB_RECORDS] = BOARD_USB_STALL_RECORDS,
		[USB_UPLOAD] = BOARD_USB_STALL_UPLOAD,
		[USB_EVENTS] = BOARD_USB_STALL_EVENTS,
	};

	for (unsigned int n = 0; f->configured && n < USB_ENDPOINTS; n++)
		if (board_takes_usb_fault(f->board, faults[n]))
			usb_endpoint_halt(f, n);
}

void usb_endpoint_halt(struct usb_front *f, enum usb_endpoint n)
{
	f->halted[n] = true;
	if (n == USB_RECORDS)
		end_reads(f, usb_redir_stall);
	else if (n == USB_EVENTS && f->receiving)
		usb_answer_receiving(f, 0, usb_redir_stall);
	if (n == USB_EVENTS)
		f->receiving = false;
}

void usb_endpoint_clear(struct usb_front *f, enum usb_endpoint n)
{
	f->halted[n] = false;
	if (n == USB_RECORDS)
		record_stream_restart(&f->records);
	else if (n == USB_UPLOAD)
		forget_upload(f);
}

static void endpoints_reset(struct usb_front *f)
{
	for (unsigned int n = 0; n < USB_ENDPOINTS; n++)
		usb_endpoint_clear(f, n);
	f->receiving = f->event_waits = false;
}

void usb_endpoints_restart(struct usb_front *f)
{
	end_reads(f, usb_redir_cancelled);
	endpoints_reset(f);
}

void usb_endpoints_forget(struct usb_front *f)
{
	f->reads = 0;
	endpoints_reset(f);
}
