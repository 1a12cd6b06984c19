// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The board on USB without any driver of ours: a program runs and its records come by the kernel's usbfs
 * alone, with transfers in flight. Proves the bus of the test bed, and is the bare loop that drivers are
 * measured against. Prints what it took. What must succeed and does not ends it with a line.
 *
 * usage: usb_bare NODE POINTS FILE
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/usbdevice_fs.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "sweep_program.h"

#define IN_FLIGHT 8
#define TRANSFER_BYTES 65536 /* whole packets at any speed */
#define TIMEOUT_MS 5000
#define PERIOD_NS 50000
#define NSEC_PER_SEC UINT64_C(1000000000)

struct transfer {
	struct usbdevfs_urb urb;
	uint8_t bytes[TRANSFER_BYTES];
};

struct stream {
	uint8_t record[4096]; /* the one that is not whole yet */
	size_t held;
	uint64_t points, transfers, sequence;
	bool started, ended;
	struct etalon_hw_record_end end;
	FILE *keep;
};

static int device;
static struct transfer reads[IN_FLIGHT], event;

__attribute__((noreturn, format(printf, 1, 2))) static void die(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	fputs("usb_bare: ", stdout);
	vprintf(format, ap);
	va_end(ap);
	puts("");
	exit(EXIT_FAILURE);
}

static void must(const char *what, int r)
{
	if (r < 0)
		die("%s: %s", what, strerror(errno));
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec;
}

/* ---- control ---- */

static void control(uint8_t type, uint8_t request, uint32_t address, void *data, uint16_t size)
{
	struct usbdevfs_ctrltransfer t = {
		.bRequestType = type,
		.bRequest = request,
		.wValue = (uint16_t)address,
		.wIndex = (uint16_t)(address >> 16 << 8),
		.wLength = size,
		.timeout = TIMEOUT_MS,
		.data = data,
	};
	const int r = ioctl(device, USBDEVFS_CONTROL, &t);

	must("a control transfer", r);
	if (r != size)
		die("a control transfer of %u bytes gave %d", size, r);
}

static uint32_t get(uint32_t address)
{
	uint32_t value;

	control(0xc1, ETALON_HW_USB_REQUEST_REGISTERS, address, &value, sizeof(value));
	return value;
}

static void command(uint32_t value)
{
	uint32_t result;

	control(0x41, ETALON_HW_USB_REQUEST_REGISTERS, ETALON_REG_COMMAND, &value, sizeof(value));
	result = get(ETALON_REG_RESULT);
	if (result)
		die("command %u: result %u", value, result);
}

static struct etalon_hw_description *describe(void)
{
	struct etalon_hw_usb_identity identity;
	struct etalon_hw_description *d;
	uint32_t size;

	control(0xc1, ETALON_HW_USB_REQUEST_IDENTITY, 0, &identity, sizeof(identity));
	if (identity.magic != ETALON_HW_MAGIC)
		die("identity says %#x", identity.magic);
	size = get(ETALON_REG_DESCRIPTION_SIZE);
	d = malloc(size);
	for (uint32_t at = 0; at < size; at += ETALON_HW_USB_TRANSFER_MAX) {
		const uint32_t left = size - at;

		control(0xc1, ETALON_HW_USB_REQUEST_REGISTERS, ETALON_REG_DESCRIPTION + at,
			(uint8_t *)d + at,
			(uint16_t)(left < ETALON_HW_USB_TRANSFER_MAX ? left
								     : ETALON_HW_USB_TRANSFER_MAX));
	}
	return d;
}

/* ---- bulk OUT ---- */

/* CRC-32C, bit by bit: a program is short. */
static uint32_t crc32c(const void *data, size_t size)
{
	const uint8_t *byte = data;
	uint32_t crc = ~0U;

	for (size_t i = 0; i < size; i++) {
		crc ^= byte[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78U : 0);
	}
	return ~crc;
}

static void upload(const struct etalon_hw_program *program)
{
	struct {
		struct etalon_hw_upload head;
		struct etalon_hw_program program;
	} whole = {
		{ETALON_HW_UPLOAD_MAGIC, ETALON_HW_UPLOAD_PROGRAM, 0, sizeof(*program),
		 crc32c(program, sizeof(*program))},
		*program,
	};
	struct usbdevfs_bulktransfer t = {
		.ep = ETALON_HW_USB_EP_UPLOAD,
		.len = sizeof(whole),
		.timeout = TIMEOUT_MS,
		.data = &whole,
	};

	must("the upload", ioctl(device, USBDEVFS_BULK, &t));
	if (get(ETALON_REG_RESULT))
		die("the upload: result %u", get(ETALON_REG_RESULT));
}

/* ---- transfers in flight ---- */

static void submit(struct transfer *t, unsigned char type, unsigned char endpoint, int bytes)
{
	t->urb = (struct usbdevfs_urb){
		.type = type,
		.endpoint = endpoint,
		.buffer = t->bytes,
		.buffer_length = bytes,
	};
	must("a transfer", ioctl(device, USBDEVFS_SUBMITURB, &t->urb));
}

static void read_records(struct transfer *t)
{
	submit(t, USBDEVFS_URB_TYPE_BULK, ETALON_HW_USB_EP_RECORDS, TRANSFER_BYTES);
}

static void read_event(void)
{
	submit(&event, USBDEVFS_URB_TYPE_INTERRUPT, ETALON_HW_USB_EP_EVENTS, 64);
}

static struct usbdevfs_urb *reap(void)
{
	struct usbdevfs_urb *urb;

	must("what a transfer became", ioctl(device, USBDEVFS_REAPURB, &urb));
	return urb;
}

/* After the last record no read ends by itself; an event may just have come. */
static void take_back(void)
{
	for (int i = 0; i < IN_FLIGHT; i++)
		must("taking a transfer back", ioctl(device, USBDEVFS_DISCARDURB, &reads[i].urb));
	ioctl(device, USBDEVFS_DISCARDURB, &event.urb);
	for (int i = 0; i <= IN_FLIGHT; i++) {
		const struct usbdevfs_urb *urb = reap();

		if (urb->status != -ENOENT && urb != &event.urb)
			die("a transfer taken back has status %d", urb->status);
	}
}

/* ---- records ---- */

static void take_record(struct stream *s)
{
	const struct etalon_hw_record *head = (const void *)s->record;

	if (s->started && head->sequence != s->sequence + 1)
		die("record %llu behind %llu", (unsigned long long)head->sequence,
		    (unsigned long long)s->sequence);
	s->started = true;
	s->sequence = head->sequence;
	s->points += head->type == ETALON_HW_RECORD_POINT;
	sweep_keep(s->keep, s->record, head->size);
	if (head->type != ETALON_HW_RECORD_END)
		return;
	s->ended = true;
	memcpy(&s->end, head, sizeof(s->end));
}

static size_t wanted(const struct stream *s)
{
	const struct etalon_hw_record *head = (const void *)s->record;

	if (s->held < sizeof(*head))
		return sizeof(*head);
	if (head->magic != ETALON_HW_RECORD_MAGIC || head->size < ETALON_HW_STRIDE_MIN ||
	    head->size > sizeof(s->record))
		die("a record with magic %#x and %u bytes", head->magic, head->size);
	return head->size;
}

static void take_bytes(struct stream *s, const uint8_t *bytes, size_t size)
{
	while (size) {
		const size_t missing = wanted(s) - s->held, part = missing < size ? missing : size;

		memcpy(s->record + s->held, bytes, part);
		s->held += part;
		bytes += part;
		size -= part;
		if (s->held < sizeof(struct etalon_hw_record) || s->held < wanted(s))
			continue;
		take_record(s);
		s->held = 0;
	}
}

static void run(struct stream *s, unsigned int *ret_events)
{
	for (int i = 0; i < IN_FLIGHT; i++)
		read_records(&reads[i]);
	read_event();
	command(ETALON_HW_COMMAND_START);
	while (!s->ended) {
		struct usbdevfs_urb *urb = reap();
		struct transfer *t = (struct transfer *)urb;

		if (urb->status)
			die("a transfer: status %d", urb->status);
		if (t == &event) {
			(*ret_events)++;
			read_event();
			continue;
		}
		s->transfers++;
		take_bytes(s, t->bytes, (size_t)urb->actual_length);
		read_records(t);
	}
}

int main(int argc, char **argv)
{
	struct sweep sweep = {
		.period_ns = PERIOD_NS,
		.detectors = 4,
		.generation = 7,
		.flags = ETALON_HW_PROGRAM_STOP_ON_OVERFLOW,
	};
	unsigned int interface = 0, endpoint = ETALON_HW_USB_EP_RECORDS, events = 0;
	struct stream s = {0};
	struct etalon_hw_program program;
	uint64_t began;

	if (argc != 4)
		return 2;
	device = open(argv[1], O_RDWR);
	must(argv[1], device);
	s.keep = fopen(argv[3], "w");
	if (!s.keep)
		die("%s: %s", argv[3], strerror(errno));
	must("the interface", ioctl(device, USBDEVFS_CLAIMINTERFACE, &interface));
	sweep.points = (uint32_t)strtoul(argv[2], NULL, 0);
	sweep_program(&sweep, describe(), &program);
	upload(&program);
	command(ETALON_HW_COMMAND_LOAD);
	began = now_ns();
	run(&s, &events);
	printf("milliseconds %llu\ntransfers %llu\nevents %u\n",
	       (unsigned long long)(now_ns() - began) / 1000000, (unsigned long long)s.transfers,
	       events);
	take_back();
	must("clearing a halt", ioctl(device, USBDEVFS_CLEAR_HALT, &endpoint));
	if (s.points != sweep.points || s.end.produced != sweep.points || s.end.dropped)
		die("%llu points here; END says %llu and %llu dropped; asked for %u",
		    (unsigned long long)s.points, (unsigned long long)s.end.produced,
		    (unsigned long long)s.end.dropped, sweep.points);
	if (!events)
		die("no event came");
	return fclose(s.keep) ? EXIT_FAILURE : EXIT_SUCCESS;
}
