// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Scripted faults of the USB device: endpoints that halt, transfers that end where they may not, descriptors
 * that are wrong, a hostile board; and that the truth comes back.
 */
#include "usb_front_bench.h"

static void clear_halt(struct usb_client *c, uint8_t endpoint)
{
	const struct etalon_hw_usb_setup setup = {USB_RECIP_ENDPOINT, USB_REQ_CLEAR_FEATURE,
						  USB_ENDPOINT_HALT, endpoint, 0};

	ck_assert_uint_eq(usb_client_out(c, setup, NULL), usb_redir_success);
}

START_TEST(an_endpoint_stalls_until_the_host_clears_it)
{
	struct usb_bench *t = usb_bench_open(USB_SUPER_SPEED, true);
	const struct etalon_hw_program p = usb_steps(100, 1);
	const uint64_t waits = usb_client_read(&t->c, 65536);
	struct usb_records r = {0};

	ck_assert_uint_eq(usb_client_start_events(&t->c), usb_redir_success);
	board_thread_fault(t->board, "{\"fault\": \"usb-stall\", \"endpoint\": \"records\"}");
	board_thread_fault(t->board, "{\"fault\": \"usb-stall\", \"endpoint\": \"upload\"}");
	board_thread_fault(t->board, "{\"fault\": \"usb-stall\", \"endpoint\": \"events\"}");
	ck_assert_uint_eq(usb_client_status(&t->c, waits), usb_redir_stall);
	ck_assert_uint_eq(usb_client_status(&t->c, 0), usb_redir_stall); /* of events */
	ck_assert_uint_eq(usb_client_write(&t->c, "abcd", 4), usb_redir_stall);
	clear_halt(&t->c, ETALON_HW_USB_EP_RECORDS);
	clear_halt(&t->c, ETALON_HW_USB_EP_UPLOAD);
	clear_halt(&t->c, ETALON_HW_USB_EP_EVENTS);
	ck_assert_uint_eq(usb_client_start_events(&t->c), usb_redir_success);
	usb_start(&t->c, &p);
	usb_read_to_end(&t->c, 65536, 1, &r);
	while (usb_client_event(&t->c).sequencer != ETALON_HW_SEQUENCER_ENDED)
		;
	free(r.bytes);
	usb_bench_close(t);
}
END_TEST

static size_t answer(struct usb_client *c, uint32_t length, uint8_t status, struct usb_records *r)
{
	struct usb_client_answer *a = usb_client_answer(c, usb_client_read(c, length));
	const size_t size = a->size;

	ck_assert_uint_eq(a->status, status);
	usb_records_add(r, a->data, a->size);
	usb_client_answer_free(a);
	return size;
}

START_TEST(transfers_that_are_short_or_babble_lose_nothing)
{
	struct usb_bench *t = usb_bench_open(USB_HIGH_SPEED, true);
	const struct etalon_hw_program p = usb_steps(100, 7); /* START, 100, END of 152 bytes */
	struct usb_records r = {0};

	board_thread_fault(t->board, "{\"fault\": \"usb-short\", \"count\": 3}");
	usb_start(&t->c, &p);
	while (usb_client_get(&t->c, ETALON_REG_SEQUENCER) != ETALON_HW_SEQUENCER_ENDED)
		;
	for (int i = 0; i < 3; i++) {
		ck_assert_uint_lt(answer(&t->c, 1024, usb_redir_success, &r), 1024);
		ck_assert_uint_ne(r.size % 152, 0);
	}
	board_thread_fault(t->board, "{\"fault\": \"usb-babble\", \"count\": 2}");
	for (int i = 0; i < 2; i++)
		ck_assert_uint_eq(answer(&t->c, 1024, usb_redir_babble, &r), 0);
	usb_read_to_end(&t->c, 65536, 1, &r);
	ck_assert_uint_eq(r.size, 102 * 152);
	for (size_t at = 0; at < r.size; at += 152)
		ck_assert_uint_eq(
			((const struct etalon_hw_record *)(const void *)(r.bytes + at))->sequence,
			at / 152);
	free(r.bytes);
	usb_bench_close(t);
}
END_TEST

static int get_descriptor(struct usb_client *c, uint8_t type, uint8_t *ret)
{
	return usb_client_in(c,
			     (struct etalon_hw_usb_setup){USB_DIR_IN, USB_REQ_GET_DESCRIPTOR,
							  (uint16_t)(type << 8), 0, 255},
			     ret);
}

static const struct {
	const char *field;
	uint8_t type;
	int size, at; /* of all of it; of the byte that is wrong */
	uint8_t wrong;
} lies[] = {
	{"class", USB_DT_CONFIG, 39, 9 + 5, 0xfe},  {"product", USB_DT_DEVICE, 18, 10, 0x02},
	{"endpoints", USB_DT_CONFIG, 32, 9 + 4, 2}, {"direction", USB_DT_CONFIG, 39, 18 + 2, 0x01},
	{"packet", USB_DT_CONFIG, 39, 18 + 5, 0},   {"length", USB_DT_CONFIG, 39, 18, 2},
	{"total", USB_DT_CONFIG, 39, 3, 1039 >> 8},
};

START_TEST(a_descriptor_is_wrong_until_it_is_right_again)
{
	struct usb_bench *t = usb_bench_open(USB_HIGH_SPEED, true);
	uint8_t truth[256], lie[256];
	char fault[96];
	int size;

	size = get_descriptor(&t->c, lies[_i].type, truth);
	snprintf(fault, sizeof(fault), "{\"fault\": \"usb-descriptor\", \"field\": \"%s\"}",
		 lies[_i].field);
	board_thread_fault(t->board, fault);
	ck_assert_int_eq(get_descriptor(&t->c, lies[_i].type, lie), lies[_i].size);
	ck_assert_uint_eq(lie[lies[_i].at], lies[_i].wrong);
	ck_assert_uint_ne(truth[lies[_i].at], lies[_i].wrong);
	board_thread_fault(t->board, "{\"fault\": \"usb-descriptor-end\"}");
	ck_assert_int_eq(get_descriptor(&t->c, lies[_i].type, lie), size);
	ck_assert_mem_eq(lie, truth, (size_t)size);
	usb_bench_close(t);
}
END_TEST

/* Descriptors, registers, events and records: anything may be said, and light is none of it. */
START_TEST(a_hostile_board_says_anything_and_then_the_truth)
{
	struct usb_bench *t = usb_bench_open(USB_SUPER_SPEED, true);
	const struct etalon_hw_program p = usb_steps(5000, 1);
	struct usb_records r = {0};
	uint8_t truth[256], lie[256];
	unsigned int lied = 0;
	const int size = get_descriptor(&t->c, USB_DT_CONFIG, truth);

	usb_start(&t->c, &p);
	board_thread_fault(t->board, "{\"fault\": \"hostile\", \"count\": 1000, \"one_in\": 2}");
	for (int i = 0; i < 100; i++) {
		const int told = get_descriptor(&t->c, USB_DT_CONFIG, lie);

		ck_assert_int_le(told, size);
		lied += told != size || memcmp(lie, truth, (size_t)size) != 0;
	}
	ck_assert_uint_gt(lied, 20);
	ck_assert_uint_lt(lied, 80);
	lied = 0;
	while (r.size < 128 * 1000)
		answer(&t->c, 65536, usb_redir_success, &r);
	for (size_t at = 0; at < r.size; at += 128) {
		const struct etalon_hw_record *record = (const void *)(r.bytes + at);

		lied += record->magic != ETALON_HW_RECORD_MAGIC || record->sequence != at / 128;
	}
	ck_assert_uint_gt(lied, 50);
	while (get_descriptor(&t->c, USB_DT_CONFIG, lie) != size ||
	       memcmp(lie, truth, (size_t)size) != 0)
		;
	ck_assert_uint_eq(usb_client_get(&t->c, ETALON_REG_STATE), ETALON_HW_STATE_OFF);
	free(r.bytes);
	usb_bench_close(t);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("usb front faults");
	TCase *tcase = tcase_create("faults");

	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, an_endpoint_stalls_until_the_host_clears_it);
	tcase_add_test(tcase, transfers_that_are_short_or_babble_lose_nothing);
	tcase_add_loop_test(tcase, a_descriptor_is_wrong_until_it_is_right_again, 0,
			    ARRAY_SIZE(lies));
	tcase_add_test(tcase, a_hostile_board_says_anything_and_then_the_truth);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
