// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The record stream of a link, through the register driver and through the kernel's ring: whole
 * records, once, in order, however the transport cuts them; nothing of earlier programs; bounded memory.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "../common/fake_board.h"
#include "../common/fake_kernel.h"
#include "../common/fake_transport.h"
#include "base/util.h"
#include "link/registers_private.h"

#include "run_suite.h" /* last: it defines a macro fail() */

static struct description *board;
static struct fake_transport *fake;
static struct fake_kernel *kernel;
static struct link *link_;
static uint32_t stride;

static void setup(void)
{
	board = fake_board();
	fake = fake_transport_new(board);
	ck_assert_int_eq(registers_open(&fake->transport, &link_, NULL), 0);
}

/* The same board, behind a kernel's ring. */
static void setup_kernel(void)
{
	setup();
	kernel = fake_kernel_new(link_, RECORDS_BYTES);
	ck_assert_int_eq(fake_kernel_open(kernel, &link_, NULL), 0);
}

static void teardown(void)
{
	link_close(link_);
	if (kernel)
		fake_kernel_free(kernel);
	kernel = NULL;
	description_free(board);
}

#define PATIENCE_MS 10000 /* records are on their way */

static void begin(uint32_t points, uint32_t generation)
{
	struct etalon_hw_program p = fake_dark(points);
	struct link_program loaded;

	p.generation = generation;
	ck_assert_int_eq(link_->ops->load(link_, &p, NULL, 0, &loaded, NULL), 0);
	ck_assert_int_eq(link_->ops->start(link_, NULL), 0);
	stride = loaded.stride;
}

/* Takes records until END, releasing at once; checks that sequence numbers follow each other. */
static uint64_t take_all(size_t max_bytes, uint32_t generation)
{
	uint64_t count = 0, next = 0;

	for (;;) {
		const void *records;
		size_t bytes;

		ck_assert_int_eq(
			link_->ops->records(link_, PATIENCE_MS, max_bytes, &records, &bytes), 0);
		ck_assert_uint_gt(bytes, 0);
		ck_assert_uint_le(bytes, max_bytes);
		ck_assert_uint_eq(bytes % stride, 0);
		for (size_t at = 0; at < bytes; at += stride) {
			const struct etalon_hw_record *r =
				(const void *)((const char *)records + at);

			ck_assert_uint_eq(r->magic, ETALON_HW_RECORD_MAGIC);
			ck_assert_uint_eq(r->generation, generation);
			ck_assert(count == 0 || r->sequence == next);
			next = r->sequence + 1;
			count++;
			if (r->type == ETALON_HW_RECORD_END) {
				ck_assert_uint_eq(at + stride, bytes);
				ck_assert_int_eq(link_->ops->release(link_, bytes), 0);
				return count;
			}
		}
		ck_assert_int_eq(link_->ops->release(link_, bytes), 0);
	}
}

static const struct {
	size_t chunk, max;
} cuts[] = {
	{1, 128},     {7, 128},	       {127, 1000},   {128, 128},    {129, 256},   {1000, 1 << 18},
	{0, 1 << 18}, {4096, 1 << 20}, {24, 1 << 18}, {23, 1 << 18}, {65536, 130},
};

START_TEST(records_come_whole_and_in_order_however_they_are_cut)
{
	fake->chunk_bytes = cuts[_i].chunk;
	begin(300, 7);
	ck_assert_uint_eq(take_all(cuts[_i].max, 7), 302);
	begin(10, 8); /* and the next program, too */
	ck_assert_uint_eq(take_all(cuts[_i].max, 8), 12);
}
END_TEST

START_TEST(ten_buffers_full_of_records_pass_through_one)
{
	begin(10 * RECORDS_BYTES / 128, 7);
	ck_assert_uint_eq(take_all(1 << 18, 7), 10 * RECORDS_BYTES / 128 + 2);
}
END_TEST

START_TEST(records_left_over_from_an_earlier_program_are_dropped)
{
	fake->chunk_bytes = cuts[_i].chunk;
	begin(50, 7); /* nobody reads these */
	begin(10, 8);
	ck_assert_uint_eq(take_all(1 << 18, 8), 12);
}
END_TEST

/* What has arrived of it is forgotten; what arrives later begins anywhere. */
START_TEST(a_load_in_the_middle_of_a_record_harms_no_record_of_the_next_program)
{
	const void *records;
	size_t bytes;

	fake->chunk_bytes = cuts[_i].chunk;
	begin(50, 7);
	ck_assert_int_eq(link_->ops->records(link_, PATIENCE_MS, 128, &records, &bytes), 0);
	begin(10, 8);
	ck_assert_uint_eq(take_all(1 << 18, 8), 12);
}
END_TEST

START_TEST(records_of_a_board_that_was_used_before_us_are_dropped)
{
	_Alignas(8) unsigned char record[128];
	struct etalon_hw_program p = fake_dark(5);

	/* The same generation, but older than what the board said at load. */
	p.generation = 7;
	for (uint64_t i = 0; i < 20; i++) {
		fake_point(&p, 128, i, i, record);
		fake_transport_push(fake, record, sizeof(record));
	}
	fake->sequence = 1000;
	begin(10, 7);
	ck_assert_uint_eq(take_all(1 << 18, 7), 12);
}
END_TEST

START_TEST(garbage_before_a_program_is_dropped)
{
	unsigned char garbage[4096];

	for (size_t i = 0; i < sizeof(garbage); i++)
		garbage[i] = (unsigned char)(i * 37 + (i >> 8));
	memcpy(garbage + 800, "EREC", 4); /* looks like one, and is not */
	fake_transport_push(fake, garbage, sizeof(garbage));
	fake->chunk_bytes = cuts[_i].chunk;
	begin(10, 7);
	ck_assert_uint_eq(take_all(1 << 18, 7), 12);
}
END_TEST

START_TEST(what_is_not_released_stays_where_it_is)
{
	const void *kept, *records;
	size_t kept_bytes, bytes, released = 0;
	unsigned char copy[128 * 64];
	int r;

	begin(100000, 7);
	ck_assert_int_eq(link_->ops->records(link_, PATIENCE_MS, sizeof(copy), &kept, &kept_bytes),
			 0);
	ck_assert_uint_le(kept_bytes, sizeof(copy));
	memcpy(copy, kept, kept_bytes);
	do {
		r = link_->ops->records(link_, PATIENCE_MS, 1 << 16, &records, &bytes);
		released += r == 0 ? bytes : 0;
	} while (r == 0);
	ck_assert_int_eq(r, -ENOBUFS); /* bounded: no more before something is given back */
	ck_assert_uint_le(released + kept_bytes, RECORDS_BYTES);
	ck_assert_int_eq(memcmp(copy, kept, kept_bytes), 0);
	ck_assert_int_eq(link_->ops->release(link_, kept_bytes), 0);
	ck_assert_int_eq(link_->ops->records(link_, PATIENCE_MS, 1 << 16, &records, &bytes), 0);
}
END_TEST

START_TEST(a_reader_that_lags_gets_every_record_once)
{
	size_t lag[64] = {0}, held = 0;
	uint64_t next = 0, count = 0;
	bool ended = false;

	begin(50000, 7);
	for (unsigned int i = 0; !ended; i++) {
		const void *records;
		size_t bytes;

		ck_assert_int_eq(link_->ops->records(link_, PATIENCE_MS, 12800, &records, &bytes),
				 0);
		for (size_t at = 0; at < bytes; at += stride) {
			const struct etalon_hw_record *r =
				(const void *)((const char *)records + at);

			ck_assert_uint_eq(r->sequence, next++);
			count++;
			ended = r->type == ETALON_HW_RECORD_END;
		}
		held += bytes;
		if (i >= ARRAY_SIZE(lag)) {
			ck_assert_int_eq(link_->ops->release(link_, lag[i % ARRAY_SIZE(lag)]), 0);
			held -= lag[i % ARRAY_SIZE(lag)];
		}
		lag[i % ARRAY_SIZE(lag)] = bytes;
	}
	ck_assert_uint_eq(count, 50002);
	ck_assert_int_eq(link_->ops->release(link_, held), 0);
}
END_TEST

START_TEST(one_can_not_release_what_was_not_returned)
{
	const void *records;
	size_t bytes;

	begin(10, 7);
	ck_assert_int_eq(link_->ops->release(link_, 1), -EINVAL);
	ck_assert_int_eq(link_->ops->records(link_, PATIENCE_MS, 256, &records, &bytes), 0);
	ck_assert_int_eq(link_->ops->release(link_, bytes + 1), -EINVAL);
	ck_assert_int_eq(link_->ops->release(link_, bytes), 0);
	ck_assert_int_eq(link_->ops->release(link_, 1), -EINVAL);
}
END_TEST

START_TEST(nothing_to_read_is_told_apart_from_nothing_loaded)
{
	const void *records;
	size_t bytes;

	ck_assert_int_eq(link_->ops->records(link_, 0, 4096, &records, &bytes), -EINVAL);
	fake->hold = true;
	begin(10, 7);
	ck_assert_int_eq(link_->ops->records(link_, 0, 4096, &records, &bytes), -EAGAIN);
	ck_assert_int_eq(link_->ops->records(link_, 1, 4096, &records, &bytes), -EAGAIN);
	ck_assert_int_eq(link_->ops->records(link_, 0, 127, &records, &bytes), -EINVAL);
}
END_TEST

static void *wait_for_records(void *result)
{
	const void *records;
	size_t bytes;

	*(int *)result = link_->ops->records(link_, 600000, 4096, &records, &bytes);
	return NULL;
}

START_TEST(cancel_wakes_a_waiting_reader_once)
{
	const void *records;
	pthread_t thread;
	size_t bytes;
	int result = 0;

	fake->hold = true;
	begin(10, 7);
	pthread_create(&thread, NULL, wait_for_records, &result);
	link_->ops->records_cancel(link_);
	pthread_join(thread, NULL);
	ck_assert_int_eq(result, -ECANCELED);
	ck_assert_int_eq(link_->ops->records(link_, 0, 4096, &records, &bytes), -EAGAIN);
	fake_transport_go(fake);
	ck_assert_uint_eq(take_all(4096, 7), 12);
}
END_TEST

START_TEST(unplugging_loses_nothing_that_had_arrived)
{
	const void *records;
	size_t bytes, all = 0;
	int r;

	fake->fault = FAULT_UNPLUG;
	fake->fault_at = 6;
	begin(10, 7);
	while ((r = link_->ops->records(link_, PATIENCE_MS, 256, &records, &bytes)) == 0)
		all += bytes;
	ck_assert_int_eq(r, -ENODEV);
	ck_assert_uint_eq(all, 8 * stride); /* START and points 0 to 6 */
	ck_assert_int_eq(link_->ops->records(link_, PATIENCE_MS, 256, &records, &bytes), -ENODEV);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_loop_test(tc, records_come_whole_and_in_order_however_they_are_cut, 0,
			    (int)ARRAY_SIZE(cuts));
	tcase_add_test(tc, ten_buffers_full_of_records_pass_through_one);
	tcase_add_loop_test(tc, records_left_over_from_an_earlier_program_are_dropped, 0,
			    (int)ARRAY_SIZE(cuts));
	tcase_add_loop_test(tc,
			    a_load_in_the_middle_of_a_record_harms_no_record_of_the_next_program, 0,
			    (int)ARRAY_SIZE(cuts));
	tcase_add_test(tc, records_of_a_board_that_was_used_before_us_are_dropped);
	tcase_add_loop_test(tc, garbage_before_a_program_is_dropped, 0, (int)ARRAY_SIZE(cuts));
	tcase_add_test(tc, what_is_not_released_stays_where_it_is);
	tcase_add_test(tc, a_reader_that_lags_gets_every_record_once);
	tcase_add_test(tc, one_can_not_release_what_was_not_returned);
	tcase_add_test(tc, nothing_to_read_is_told_apart_from_nothing_loaded);
	tcase_add_test(tc, cancel_wakes_a_waiting_reader_once);
	tcase_add_test(tc, unplugging_loses_nothing_that_had_arrived);
}

int main(void)
{
	Suite *suite = suite_create("link records");
	TCase *registers = tcase_create("registers"), *mapped = tcase_create("kernel");

	tcase_add_checked_fixture(registers, setup, teardown);
	tcase_add_checked_fixture(mapped, setup_kernel, teardown);
	tcase_set_timeout(mapped, 60);
	add_tests(registers);
	add_tests(mapped);
	suite_add_tcase(suite, registers);
	suite_add_tcase(suite, mapped);
	return run_suite(suite);
}
