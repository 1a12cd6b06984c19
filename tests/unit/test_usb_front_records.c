// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * A measurement through the bulk endpoint of the USB front end: the same bytes as over the socket, however
 * the host cuts its reads; what becomes of reads that are cancelled, halted or too short, of uploads
 * in pieces, and of records that nobody takes.
 */
#include "emulator/records.h"
#include "link/link.h"
#include "usb_front_bench.h"

/* ---- the same over the socket front end ---- */

static bool take_records(struct link *link, struct usb_records *ret)
{
	const void *bytes;
	size_t size;
	int r = link->ops->records(link, 1000, SIZE_MAX, &bytes, &size);

	if (r == -EAGAIN)
		return false;
	ck_assert_int_ge(r, 0);
	usb_records_add(ret, bytes, size);
	ck_assert_int_ge(link->ops->release(link, size), 0);
	return usb_records_ended(ret);
}

static void reference(const struct etalon_hw_program *p, bool speed_max, struct usb_records *ret)
{
	struct board_thread *b = board_thread_start(&(struct board_thread_options){
		.front = BOARD_THREAD_SOCKET, .speed_max = speed_max});
	struct link_refusal refusal;
	struct link_program loaded;
	char *message = NULL;
	struct link *link;

	ck_assert_int_eq(link_open_emulated(b->path, &link, &message), 0);
	ck_assert_int_eq(link->ops->load(link, p, NULL, 0, &loaded, &refusal), 0);
	ck_assert_int_eq(link->ops->start(link, &refusal), 0);
	while (!take_records(link, ret))
		;
	link_close(link);
	board_thread_stop(b);
}

/* The two boards were switched on at different times: ticks count from START. */
static void count_from_start(struct usb_records *r)
{
	const struct etalon_hw_record *head = (const void *)r->bytes;
	const uint16_t stride = head->size;
	struct etalon_hw_record_start *start = (void *)r->bytes;
	const uint64_t first = start->tick;

	ck_assert_uint_eq(head->type, ETALON_HW_RECORD_START);
	start->tick = start->clock_ns = 0;
	for (size_t at = stride; at < r->size; at += stride) {
		union {
			struct etalon_hw_record head;
			struct etalon_hw_record_point point;
			struct etalon_hw_record_status status;
			struct etalon_hw_record_end end;
		} *record = (void *)(r->bytes + at);

		if (record->head.type == ETALON_HW_RECORD_POINT) {
			record->point.tick -= first;
		} else if (record->head.type == ETALON_HW_RECORD_STATUS) {
			record->status.tick -= first;
		} else if (record->head.type == ETALON_HW_RECORD_END) {
			record->end.tick -= first;
			record->end.crc = 0; /* over those ticks */
		}
	}
}

/* END as it came: three counts that agree, and the CRC of what arrived. */
static void check_ledger(const struct usb_records *r, uint32_t points)
{
	const uint16_t stride = ((const struct etalon_hw_record *)(const void *)r->bytes)->size;
	const struct etalon_hw_record_end *end = (const void *)(r->bytes + r->size - stride);
	uint32_t received = 0, crc = 0;
	uint64_t sequence = 0;

	for (size_t at = 0; at < r->size; at += stride) {
		const struct etalon_hw_record *record = (const void *)(r->bytes + at);

		ck_assert_uint_eq(record->magic, ETALON_HW_RECORD_MAGIC);
		ck_assert(at == 0 || record->sequence == sequence + 1);
		sequence = record->sequence;
		if (record->type != ETALON_HW_RECORD_POINT)
			continue;
		received++;
		crc = crc32c(crc, record + 1, stride - sizeof(*record));
	}
	ck_assert_uint_eq(received, points);
	ck_assert_uint_eq(end->produced, points);
	ck_assert_uint_eq(end->dropped, 0);
	ck_assert_uint_eq(end->crc, crc);
}

static const struct {
	enum usb_speed speed;
	bool speed_max;
	uint32_t points;
	uint16_t detectors;
	uint32_t read; /* bytes; a multiple of a packet */
	unsigned int in_flight;
} sweeps[] = {
	{USB_SUPER_SPEED, true, 20000, 4, 65536, 8},
	{USB_HIGH_SPEED, true, 20000, 4, 65536, 8},
	{USB_HIGH_SPEED, true, 5000, 7, 512, 32}, /* records of 152 bytes lie across the reads */
	{USB_SUPER_SPEED, true, 5000, 7, 1024, 1},
	{USB_SUPER_SPEED, false, 2000, 4, 16384, 4}, /* in real time, below 100 ms */
};

START_TEST(the_same_seed_gives_the_same_bytes_as_over_the_socket)
{
	const struct etalon_hw_program p = usb_steps(sweeps[_i].points, sweeps[_i].detectors);
	struct usb_bench *t = usb_bench_open(sweeps[_i].speed, sweeps[_i].speed_max);
	struct usb_records usb = {0}, socket = {0};

	usb_start(&t->c, &p);
	usb_read_to_end(&t->c, sweeps[_i].read, sweeps[_i].in_flight, &usb);
	reference(&p, sweeps[_i].speed_max, &socket);
	check_ledger(&usb, sweeps[_i].points);
	check_ledger(&socket, sweeps[_i].points);
	ck_assert_uint_eq(usb.size, socket.size);
	count_from_start(&usb);
	count_from_start(&socket);
	ck_assert_mem_eq(usb.bytes, socket.bytes, usb.size);
	free(usb.bytes);
	free(socket.bytes);
	usb_bench_close(t);
}
END_TEST

START_TEST(a_read_waits_until_there_are_records_and_can_be_cancelled)
{
	struct usb_bench *t = usb_bench_open(USB_SUPER_SPEED, true);
	const struct etalon_hw_program p = usb_steps(100, 1);
	const uint64_t first = usb_client_read(&t->c, 4096), second = usb_client_read(&t->c, 4096),
		       third = usb_client_read(&t->c, 1 << 20);
	struct usb_client_answer *a;

	usb_client_cancel(&t->c, second);
	ck_assert_uint_eq(usb_client_status(&t->c, second), usb_redir_cancelled);
	usb_client_cancel(&t->c, second); /* once more: nothing is there */
	usb_start(&t->c, &p);
	a = usb_client_answer(&t->c, first);
	ck_assert_uint_eq(a->status, usb_redir_success);
	ck_assert_uint_gt(a->size, 0);
	usb_client_answer_free(a);
	ck_assert_uint_eq(usb_client_status(&t->c, third), usb_redir_success);
	usb_bench_close(t);
}
END_TEST

/* Everything is there before the first read, so lengths are exact. */
static struct usb_bench *with_records(enum usb_speed speed, uint32_t points)
{
	struct usb_bench *t = usb_bench_open(speed, true);
	const struct etalon_hw_program p = usb_steps(points, 1);

	usb_start(&t->c, &p);
	while (usb_client_get(&t->c, ETALON_REG_SEQUENCER) != ETALON_HW_SEQUENCER_ENDED)
		;
	return t;
}

static void expect_read(struct usb_client *c, uint32_t length, uint8_t status, size_t size,
			struct usb_records *ret)
{
	struct usb_client_answer *a = usb_client_answer(c, usb_client_read(c, length));

	ck_assert_uint_eq(a->status, status);
	ck_assert_uint_eq(a->size, size);
	usb_records_add(ret, a->data, a->size);
	usb_client_answer_free(a);
}

/* START, 10 POINTs, END: 12 records of 128 bytes. */
START_TEST(a_short_packet_ends_a_transfer_and_a_packet_that_does_not_fit_is_babble)
{
	struct usb_bench *t = with_records(USB_HIGH_SPEED, 10);
	struct usb_records r = {0};

	expect_read(&t->c, 100, usb_redir_babble, 0, &r); /* a whole packet was on its way */
	expect_read(&t->c, 600, usb_redir_babble, 512, &r);
	expect_read(&t->c, 512, usb_redir_success, 512, &r); /* nothing is lost by that */
	expect_read(&t->c, 1000, usb_redir_success, 512,
		    &r); /* the last packet, and then a short one of no bytes */
	ck_assert(usb_records_ended(&r));
	check_ledger(&r, 10);
	free(r.bytes);
	usb_bench_close(t);
}
END_TEST

START_TEST(after_a_halt_the_records_begin_with_a_whole_one)
{
	struct etalon_hw_usb_setup halt = {USB_RECIP_ENDPOINT, USB_REQ_SET_FEATURE,
					   USB_ENDPOINT_HALT, ETALON_HW_USB_EP_RECORDS, 0};
	struct usb_bench *t = usb_bench_open(USB_HIGH_SPEED, true);
	const struct etalon_hw_program p =
		usb_steps(100, 7); /* 152 bytes: 3 of them, and 56 bytes */
	struct usb_records r = {0};
	uint64_t waits;

	ck_assert_uint_eq(records_stride(7), 152);
	waits = usb_client_read(&t->c, 512);
	ck_assert_uint_eq(usb_client_out(&t->c, halt, NULL), usb_redir_success);
	ck_assert_uint_eq(usb_client_status(&t->c, waits), usb_redir_stall);
	ck_assert_uint_eq(usb_client_status(&t->c, usb_client_read(&t->c, 512)), usb_redir_stall);
	halt.request = USB_REQ_CLEAR_FEATURE;
	ck_assert_uint_eq(usb_client_out(&t->c, halt, NULL), usb_redir_success);
	usb_start(&t->c, &p);
	expect_read(&t->c, 512, usb_redir_success, 512, &r);
	ck_assert_uint_eq(usb_client_out(&t->c, halt, NULL), usb_redir_success);
	r.size = 3 * 152; /* the part of the fourth comes anew */
	usb_read_to_end(&t->c, 65536, 2, &r);
	check_ledger(&r, 100);
	free(r.bytes);
	usb_bench_close(t);
}
END_TEST

START_TEST(records_that_nobody_reads_fill_the_board_and_are_lost_and_counted)
{
	struct board_thread *b = board_thread_start(&(struct board_thread_options){
		.front = BOARD_THREAD_USB,
		.speed = USB_SUPER_SPEED,
		.parameters = "{\"emission_delay_ms\": 0, \"fifo_records\": 100}"});
	struct etalon_hw_program p = usb_steps(1000, 1);
	const struct etalon_hw_record_end *end;
	struct usb_records r = {0};
	struct usb_client c;

	p.period_ns = 100000; /* 100 ms */
	usb_client_boot(&c, b->path);
	usb_start(&c, &p);
	while (usb_client_get(&c, ETALON_REG_SEQUENCER) != ETALON_HW_SEQUENCER_ENDED)
		;
	ck_assert_uint_gt(usb_client_get(&c, ETALON_REG_LOST), 0);
	usb_read_to_end(&c, 65536, 1, &r);
	end = (const void *)(r.bytes + r.size - 128);
	ck_assert_uint_eq(end->produced, 1000);
	ck_assert_uint_ge(end->dropped, 890);
	free(r.bytes);
	usb_client_close(&c);
	board_thread_stop(b);
}
END_TEST

START_TEST(a_stalled_board_answers_reads_when_it_goes_on)
{
	struct usb_bench *t = usb_bench_open(USB_SUPER_SPEED, true);
	const struct etalon_hw_program p = usb_steps(100, 1);
	uint64_t id;

	board_thread_fault(t->board, "{\"fault\": \"stall-records\"}");
	usb_start(&t->c, &p);
	id = usb_client_read(&t->c, 65536);
	for (int i = 0; i < 100; i++)
		ck_assert_uint_eq(usb_client_get(&t->c, ETALON_REG_MAGIC), ETALON_HW_MAGIC);
	ck_assert_ptr_null(t->c.answers); /* a NAK, so to say */
	board_thread_fault(t->board, "{\"fault\": \"resume-records\"}");
	ck_assert_uint_eq(usb_client_status(&t->c, id), usb_redir_success);
	usb_bench_close(t);
}
END_TEST

/* ---- uploads ---- */

static const size_t pieces[] = {512, 4096, 65536, SIZE_MAX};

START_TEST(an_upload_takes_as_many_transfers_as_it_needs)
{
	enum { POINTS = 100000 }; /* 800 kB */
	struct usb_bench *t = usb_bench_open(USB_HIGH_SPEED, true);
	int64_t *list = calloc(POINTS, sizeof(*list));
	struct etalon_hw_program p = usb_steps(POINTS, 1);

	p.axis[0].shape = ETALON_HW_AXIS_LIST;
	p.axis[0].gang[0].list = 3;
	ck_assert_uint_eq(usb_client_upload(&t->c, ETALON_HW_UPLOAD_LIST, 3, list,
					    POINTS * sizeof(*list), pieces[_i]),
			  ETALON_HW_RESULT_OK);
	usb_load(&t->c, &p);
	ck_assert_uint_eq(usb_client_get(&t->c, ETALON_REG_PROGRAM_POINTS), POINTS);
	free(list);
	usb_bench_close(t);
}
END_TEST

static uint32_t write_result(struct usb_client *c, const void *bytes, size_t size)
{
	ck_assert_uint_eq(usb_client_write(c, bytes, size), usb_redir_success);
	return usb_client_get(c, ETALON_REG_RESULT);
}

START_TEST(torn_uploads_are_refused_and_the_next_is_whole)
{
	struct usb_bench *t = usb_bench_open(USB_HIGH_SPEED, true);
	const struct etalon_hw_program p = usb_steps(100, 1);
	const struct etalon_hw_usb_setup clear = {USB_RECIP_ENDPOINT, USB_REQ_CLEAR_FEATURE,
						  USB_ENDPOINT_HALT, ETALON_HW_USB_EP_UPLOAD, 0};
	struct etalon_hw_upload head = {ETALON_HW_UPLOAD_MAGIC, ETALON_HW_UPLOAD_PROGRAM, 0,
					sizeof(p), crc32c(0, &p, sizeof(p))};
	uint8_t bytes[8192] = {0};

	memcpy(bytes, &head, sizeof(head));
	memcpy(bytes + sizeof(head), &p, sizeof(p));
	ck_assert_uint_gt(sizeof(head) + sizeof(p), 512);
	/* A short packet too early, a transfer too long, no header at all, one that lies. */
	ck_assert_uint_eq(write_result(&t->c, bytes, 500), ETALON_HW_REFUSED_UPLOAD);
	usb_load(&t->c, &p);
	ck_assert_uint_eq(write_result(&t->c, bytes, sizeof(bytes)), ETALON_HW_REFUSED_UPLOAD);
	usb_load(&t->c, &p);
	ck_assert_uint_eq(write_result(&t->c, bytes + 512, 512), ETALON_HW_REFUSED_UPLOAD);
	usb_load(&t->c, &p);
	head.size = UINT32_MAX;
	memcpy(bytes, &head, sizeof(head));
	ck_assert_uint_eq(write_result(&t->c, bytes, 512), ETALON_HW_REFUSED_UPLOAD);
	usb_load(&t->c, &p);
	/* Half of one, given up; and a packet of no bytes. */
	head.size = sizeof(p);
	memcpy(bytes, &head, sizeof(head));
	ck_assert_uint_eq(write_result(&t->c, bytes, 512), ETALON_HW_RESULT_OK);
	ck_assert_uint_eq(usb_client_out(&t->c, clear, NULL), usb_redir_success);
	ck_assert_uint_eq(write_result(&t->c, NULL, 0), ETALON_HW_RESULT_OK);
	usb_load(&t->c, &p);
	usb_bench_close(t);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("usb front records");
	TCase *tcase = tcase_create("records");

	tcase_set_timeout(tcase, 300);
	tcase_add_loop_test(tcase, the_same_seed_gives_the_same_bytes_as_over_the_socket, 0,
			    ARRAY_SIZE(sweeps));
	tcase_add_test(tcase, a_read_waits_until_there_are_records_and_can_be_cancelled);
	tcase_add_test(tcase,
		       a_short_packet_ends_a_transfer_and_a_packet_that_does_not_fit_is_babble);
	tcase_add_test(tcase, after_a_halt_the_records_begin_with_a_whole_one);
	tcase_add_test(tcase, records_that_nobody_reads_fill_the_board_and_are_lost_and_counted);
	tcase_add_test(tcase, a_stalled_board_answers_reads_when_it_goes_on);
	tcase_add_loop_test(tcase, an_upload_takes_as_many_transfers_as_it_needs, 0,
			    ARRAY_SIZE(pieces));
	tcase_add_test(tcase, torn_uploads_are_refused_and_the_next_is_whole);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
