// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The ring of a kernel's board, its records put there by the test: numbers with holes, what is released and
 * when, a new stride behind records that nobody has read, an unplug.
 */
#include <errno.h>
#include <string.h>

#include "../common/fake_board.h"
#include "../common/kernel_bench.h"
#include "base/util.h"

#include "run_suite.h" /* last: it defines a macro fail() */

#define PATIENCE_MS 10000
#define PLACES 512U /* records of 128 bytes that the ring has room for */

static struct scripted_kernel bench;
static struct link_refusal refusal;

static void setup(void)
{
	scripted_kernel_start(&bench, PLACES * 128);
}

static void teardown(void)
{
	scripted_kernel_stop(&bench);
}

/* A program whose records the test puts into the ring itself. */
static struct etalon_hw_program load_silent(void)
{
	struct etalon_hw_program p = fake_dark(1000);
	struct link_program loaded;

	bench.transport->hold = true;
	ck_assert_int_eq(bench.board->ops->load(bench.board, &p, NULL, 0, &loaded, &refusal), 0);
	ck_assert_uint_eq(loaded.stride, 128);
	return p;
}

static void put(const struct etalon_hw_program *p, uint64_t number, uint64_t sequence)
{
	_Alignas(8) unsigned char record[128];

	fake_point(p, sizeof(record), number, sequence, record);
	fake_kernel_put(bench.kernel, record, sizeof(record));
}

static uint64_t take_one(void)
{
	const void *at;
	struct etalon_hw_record head;
	size_t bytes;

	ck_assert_int_eq(bench.board->ops->records(bench.board, PATIENCE_MS, 128, &at, &bytes), 0);
	ck_assert_uint_eq(bytes, 128);
	memcpy(&head, at, sizeof(head));
	ck_assert_uint_eq(head.magic, ETALON_HW_RECORD_MAGIC);
	return head.sequence;
}

static const uint64_t gaps[] = {0, 1, 5, PLACES - 8, PLACES - 1, PLACES, PLACES + 1, 10 * PLACES};

START_TEST(numbers_that_the_board_lost_are_passed_over)
{
	struct etalon_hw_program p = load_silent();
	uint64_t sequence = 0;
	const void *at;
	size_t bytes;

	/* The ring has been full before: what is lost leaves old records at its places. */
	for (; sequence < 3 * PLACES; sequence++) {
		put(&p, sequence, sequence);
		ck_assert_uint_eq(take_one(), sequence);
		ck_assert_int_eq(bench.board->ops->release(bench.board, 128), 0);
	}
	for (unsigned int i = 0; i < 4; i++, sequence += gaps[_i]) {
		put(&p, sequence, sequence);
		ck_assert_uint_eq(take_one(), sequence);
		ck_assert_int_eq(bench.board->ops->release(bench.board, 128), 0);
		ck_assert_uint_eq(fake_kernel_consumer(bench.kernel), ++sequence);
		ck_assert_int_eq(bench.board->ops->records(bench.board, 0, 128, &at, &bytes),
				 -EAGAIN);
	}
}
END_TEST

/* Released one by one, with holes before, between and behind what is still needed. */
START_TEST(what_is_released_ends_where_the_next_record_may_begin)
{
	static const uint64_t numbers[] = {3, 4, 9, 10, 11, 30, 31, 60};
	struct etalon_hw_program p = load_silent();

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		put(&p, i, numbers[i]);
		ck_assert_uint_eq(take_one(), numbers[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		ck_assert_int_eq(bench.board->ops->release(bench.board, 128), 0);
		ck_assert_uint_eq(fake_kernel_consumer(bench.kernel), numbers[i] + 1);
	}
	ck_assert_int_eq(bench.board->ops->release(bench.board, 128), -EINVAL);
}
END_TEST

START_TEST(records_lie_in_one_piece_up_to_a_hole_or_the_rings_end)
{
	struct etalon_hw_program p = load_silent();
	const char *first, *second, *third;
	size_t bytes;

	put(&p, 0, PLACES - 11);
	ck_assert_uint_eq(take_one(), PLACES - 11);
	ck_assert_int_eq(bench.board->ops->release(bench.board, 128), 0);
	for (uint64_t s = PLACES - 10; s < PLACES + 10; s++)
		if (s != PLACES - 5)
			put(&p, s, s);
	ck_assert_int_eq(
		bench.board->ops->records(bench.board, 0, 1 << 20, (const void **)&first, &bytes),
		0);
	ck_assert_uint_eq(bytes, 5 * 128);
	ck_assert_int_eq(
		bench.board->ops->records(bench.board, 0, 1 << 20, (const void **)&second, &bytes),
		0);
	ck_assert_uint_eq(bytes, 4 * 128);
	ck_assert_ptr_eq(second, first + 6 * 128);
	ck_assert_int_eq(
		bench.board->ops->records(bench.board, 0, 1 << 20, (const void **)&third, &bytes),
		0);
	ck_assert_uint_eq(bytes, 10 * 128);
	ck_assert_ptr_eq(third, second + 4 * 128 - PLACES * 128); /* mapped, not copied */
}
END_TEST

START_TEST(unread_records_do_not_hold_up_a_program_of_another_stride)
{
	struct etalon_hw_program p = load_silent(), wide = fake_dark(10);
	struct link_program loaded;

	for (uint64_t s = 0; s < 100; s++)
		put(&p, s, s);
	wide.generation = p.generation + 1;
	wide.detector_count = FAKE_DETECTORS;
	for (uint32_t i = 0; i < wide.detector_count; i++)
		wide.detector[i].detector = (uint16_t)i;
	ck_assert_int_eq(bench.board->ops->load(bench.board, &wide, NULL, 0, &loaded, &refusal), 0);
	ck_assert_uint_gt(loaded.stride, 128);
	ck_assert_uint_eq(fake_kernel_consumer(bench.kernel), 100);
}
END_TEST

struct latecomers {
	struct etalon_hw_program program;
	uint64_t next, end;
};

static void one_more(void *userdata)
{
	struct latecomers *l = userdata;

	if (l->next < l->end) {
		put(&l->program, l->next, l->next);
		l->next++;
	}
}

/* The board had more of them than the ring had room for. */
START_TEST(records_that_come_late_do_not_hold_it_up_either)
{
	struct latecomers late = {.program = load_silent(), .end = 5};
	struct etalon_hw_program wide = fake_dark(10);
	struct link_program loaded;

	fake_kernel_at_load(bench.kernel, one_more, &late);
	wide.generation = late.program.generation + 1;
	wide.detector_count = FAKE_DETECTORS;
	for (uint32_t i = 0; i < wide.detector_count; i++)
		wide.detector[i].detector = (uint16_t)i;
	ck_assert_int_eq(bench.board->ops->load(bench.board, &wide, NULL, 0, &loaded, &refusal), 0);
	ck_assert_uint_eq(late.next, late.end);
	ck_assert_uint_eq(fake_kernel_consumer(bench.kernel), late.end);
}
END_TEST

START_TEST(after_an_unplug_what_is_in_the_ring_is_read_and_given_back)
{
	struct etalon_hw_program p = load_silent();
	struct link_status s;
	const void *at;
	size_t bytes;

	for (uint64_t n = 0; n < 10; n++)
		put(&p, n, n);
	fake_kernel_unplug(bench.kernel);
	ck_assert_int_eq(bench.board->ops->status(bench.board, &s), -ENODEV);
	for (uint64_t n = 0; n < 10; n++) {
		ck_assert_uint_eq(take_one(), n);
		ck_assert_int_eq(bench.board->ops->release(bench.board, 128), 0);
	}
	ck_assert_int_eq(bench.board->ops->records(bench.board, PATIENCE_MS, 128, &at, &bytes),
			 -ENODEV);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("link kernel ring");
	TCase *tcase = tcase_create("ring");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, numbers_that_the_board_lost_are_passed_over, 0,
			    (int)ARRAY_SIZE(gaps));
	tcase_add_test(tcase, what_is_released_ends_where_the_next_record_may_begin);
	tcase_add_test(tcase, records_lie_in_one_piece_up_to_a_hole_or_the_rings_end);
	tcase_add_test(tcase, unread_records_do_not_hold_up_a_program_of_another_stride);
	tcase_add_test(tcase, records_that_come_late_do_not_hold_it_up_either);
	tcase_add_test(tcase, after_an_unplug_what_is_in_the_ring_is_read_and_given_back);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
