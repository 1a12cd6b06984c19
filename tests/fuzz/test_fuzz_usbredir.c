// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * usbredir messages at random: requests to any register and any endpoint, reads and cancels, uploads cut
 * anywhere, resets and configurations in between, lengths that lie. The emulator answers or hangs up,
 * and lives. Arguments: count, seed.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/util.h"
#include "board_thread.h"
#include "trial.h"
#include "usb_client.h"

#include "run_suite.h" /* last: it defines a macro fail() */

#define PAYLOAD_MAX 8192

static uint64_t rounds = 20000, seed, state;

static uint64_t below(uint64_t n)
{
	return trial_next(&state) % n;
}

static uint16_t likely(const uint16_t *liked, size_t count)
{
	return below(8) ? liked[below(count)] : (uint16_t)below(65536);
}

#define LIKELY(...)                             \
	likely((const uint16_t[]){__VA_ARGS__}, \
	       sizeof((const uint16_t[]){__VA_ARGS__}) / sizeof(uint16_t))

/* ---- messages ---- */

struct message {
	struct usb_redir_header head;
	uint8_t bytes[PAYLOAD_MAX];
};

static void put(struct message *m, const void *bytes, size_t size)
{
	memcpy(m->bytes + m->head.length, bytes, size);
	m->head.length += (uint32_t)size;
}

static void put_random(struct message *m, size_t size)
{
	for (size_t i = 0; i < size; i++)
		m->bytes[m->head.length++] = (uint8_t)below(256);
}

static void control(struct message *m)
{
	struct usb_redir_control_packet_header h = {
		.request = (uint8_t)LIKELY(1, 2, 0, 3, 6),
		.requesttype = (uint8_t)LIKELY(0xc1, 0x41, 0x80, 0x82, 0x02, 0x81),
		.value = LIKELY(0x0200, 0x0228, 0x0100, 0x0300, 0, 0x0f00, 0x0118),
		.index = LIKELY(0, 0x0100, 0x81, 0x02, 0x83),
		.length = LIKELY(4, 8, 64, 4096, 0),
	};

	m->head.type = usb_redir_control_packet;
	h.endpoint = below(100) ? h.requesttype & 0x80 : (uint8_t)below(256);
	if (!(h.endpoint & 0x80))
		h.length %= 512;
	put(m, &h, sizeof(h));
	if (!(h.endpoint & 0x80))
		put_random(m, h.length);
}

static void read_records(struct message *m)
{
	struct usb_redir_bulk_packet_header h = {
		.endpoint = (uint8_t)LIKELY(0x81, 0x83),
		.length = LIKELY(512, 1024, 16384, 0, 100),
		.length_high = (uint16_t)(below(4) ? 0 : below(65536)),
	};

	m->head.type = usb_redir_bulk_packet;
	h.endpoint |= 0x80;
	put(m, &h, sizeof(h));
}

static void write_upload(struct message *m)
{
	const struct etalon_hw_upload upload = {ETALON_HW_UPLOAD_MAGIC, LIKELY(1, 2),
						(uint16_t)below(20), (uint32_t)below(4096), 0};
	struct usb_redir_bulk_packet_header h = {
		.endpoint = (uint8_t)(LIKELY(2, 1) & 0x7f),
		.length = (uint16_t)(sizeof(upload) + below(9) * 256),
	};

	m->head.type = usb_redir_bulk_packet;
	put(m, &h, sizeof(h));
	if (below(2))
		put(m, &upload, sizeof(upload));
	else
		put_random(m, sizeof(upload));
	put_random(m, h.length - sizeof(upload));
}

static void cancel(struct message *m)
{
	m->head.type = usb_redir_cancel_data_packet;
}

static void whole_device(struct message *m)
{
	static const struct {
		uint32_t type;
		size_t bytes;
	} kinds[] = {
		{usb_redir_reset, 0},
		{usb_redir_set_configuration, 1},
		{usb_redir_set_alt_setting, 2},
		{usb_redir_get_alt_setting, 1},
		{usb_redir_start_interrupt_receiving, 1},
		{usb_redir_stop_interrupt_receiving, 1},
	};
	const size_t n = below(ARRAY_SIZE(kinds));

	m->head.type = kinds[n].type;
	for (size_t i = 0; i < kinds[n].bytes; i++)
		m->bytes[m->head.length++] = (uint8_t)LIKELY(0, 1, 0x83);
}

static void anything(struct message *m)
{
	m->head.type = (uint32_t)(below(2) ? below(30) : below(106));
	put_random(m, below(24));
}

/* Ids of the last few requests, so that a cancel may find one. */
static void make(struct message *m, uint64_t next_id)
{
	static void (*const makers[])(struct message * m) = {
		control, control, control, read_records, write_upload, cancel, whole_device};

	m->head = (struct usb_redir_header){.id = next_id};
	if (below(200) == 0)
		return anything(m);
	makers[below(ARRAY_SIZE(makers))](m);
	if (m->head.type == usb_redir_cancel_data_packet)
		m->head.id = next_id - MIN(below(16), next_id);
}

/* ---- machines ---- */

/* True when the emulator still answers: behind the message it was asked for its configuration. */
static bool answered(struct usb_client *c)
{
	struct usb_client_answer *a = usb_client_answer_if_any(c, usb_client_ask_configuration(c));

	if (a)
		usb_client_answer_free(a);
	usb_client_forget_answers(c);
	c->events = 0;
	return a != NULL;
}

/* Part of a message, and then the machine is gone. */
static void tear(struct usb_client *c, const struct message *m)
{
	usb_client_send_raw(c, m, 1 + below(sizeof(m->head) + m->head.length));
}

START_TEST(no_sequence_of_messages_harms_the_emulator)
{
	struct board_thread *b = board_thread_start(&(struct board_thread_options){
		.front = BOARD_THREAD_USB, .speed = USB_SUPER_SPEED, .speed_max = true});
	static struct message m;
	uint64_t machines = 1;
	struct usb_client c;

	state = seed;
	usb_client_boot(&c, b->path);
	for (uint64_t i = 0; i < rounds; i++) {
		const bool torn = below(500) == 0;

		make(&m, c.next_id++);
		if (torn)
			tear(&c, &m);
		else
			usb_client_send_raw(&c, &m, sizeof(m.head) + m.head.length);
		if (!torn && answered(&c))
			continue;
		machines++;
		usb_client_close(&c);
		usb_client_boot(&c, b->path);
	}
	ck_assert_uint_eq(usb_client_configure(&c, 1), usb_redir_success);
	ck_assert_uint_eq(usb_client_get(&c, ETALON_REG_MAGIC), ETALON_HW_MAGIC);
	usb_client_close(&c);
	board_thread_stop(b);
	printf("COUNT %" PRIu64 " usbredir messages from %" PRIu64 " machines, seed %" PRIu64 "\n",
	       rounds, machines, seed);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite = suite_create("fuzz_usbredir");
	TCase *tcase = tcase_create("random");

	trial_arguments(argc, argv, &rounds, &seed);
	tcase_set_timeout(tcase, 3600);
	tcase_add_test(tcase, no_sequence_of_messages_harms_the_emulator);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
