// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What the driver makes of a USB board's stream of records: cut anywhere, with records lost,
 * repeated or damaged, short and babbling transfers.
 */
#include <errno.h>
#include <string.h>

#include "kmod_intake.h"
#include "trial.h"
#include "base/util.h"

#include "run_suite.h" /* last: it defines a macro fail() */

#define POINTS 50
#define FIRST 1000

static struct intake_stream stream;
static struct intake_taker taker;

static void fresh(void)
{
	stream.size = 0;
	intake_expect(&taker, FIRST);
}

static void feed_all(void)
{
	intake_feed(&taker, stream.bytes, stream.size, true);
}

static const uint8_t *record_at(unsigned int n)
{
	return stream.bytes + (size_t)n * INTAKE_STRIDE;
}

/* Records [from, to) of the stream. */
static void feed(unsigned int from, unsigned int to)
{
	intake_feed(&taker, record_at(from), (size_t)(to - from) * INTAKE_STRIDE, false);
}

static void expect_all(uint64_t first, unsigned int count)
{
	ck_assert_int_eq(taker.result, 0);
	ck_assert_uint_eq(taker.count, count);
	for (unsigned int i = 0; i < count; i++)
		ck_assert_uint_eq(taker.sequence[i], first + i);
	ck_assert(taker.ended);
	ck_assert_uint_eq(taker.intake.lost_records, 0);
}

static const size_t cuts[] = {1, 7, 23, 24, 25, 64, 135, 136, 137, 512, 1024, 4096};

START_TEST(a_stream_that_is_cut_anywhere_is_whole)
{
	fresh();
	intake_program(&stream, FIRST, POINTS);
	for (size_t at = 0; at < stream.size; at += cuts[_i])
		intake_feed(&taker, stream.bytes + at, MIN(cuts[_i], stream.size - at), false);
	expect_all(FIRST, POINTS + 2);
	ck_assert_uint_eq(taker.end_tick, 1000 + POINTS);
}
END_TEST

START_TEST(nothing_is_taken_before_a_load)
{
	fresh();
	etalon_intake_begin(&taker.intake, 0, 0);
	intake_program(&stream, FIRST, POINTS);
	intake_feed(&taker, stream.bytes, 10 * INTAKE_STRIDE + 30, false);
	ck_assert_uint_eq(taker.count, 0);
	/* It finds its step, wherever the load came. */
	etalon_intake_begin(&taker.intake, INTAKE_STRIDE, FIRST + 20);
	intake_feed(&taker, record_at(10) + 30, stream.size - 10 * INTAKE_STRIDE - 30, true);
	expect_all(FIRST + 20, POINTS + 2 - 20);
}
END_TEST

START_TEST(records_of_the_program_before_are_passed_over)
{
	fresh();
	intake_program(&stream, FIRST - 12, 10);
	intake_program(&stream, FIRST, POINTS);
	feed_all();
	expect_all(FIRST, POINTS + 2);
	ck_assert_uint_eq(taker.intake.repeated_records, 0);
}
END_TEST

START_TEST(a_longer_record_of_the_program_before_is_passed_over_whole)
{
	struct etalon_hw_record head = {.magic = ETALON_HW_RECORD_MAGIC,
					.type = ETALON_HW_RECORD_POINT,
					.size = 448,
					.sequence = FIRST - 1};
	uint8_t old[448];

	fresh();
	memset(old, 0xa5, sizeof(old));
	memcpy(old, &head, sizeof(head));
	intake_program(&stream, FIRST, POINTS);
	intake_feed(&taker, old, 100, false);
	intake_feed(&taker, old + 100, sizeof(old) - 100, false);
	ck_assert_uint_eq(taker.intake.stray, 0);
	feed_all();
	expect_all(FIRST, POINTS + 2);
}
END_TEST

START_TEST(a_record_that_comes_twice_counts_once)
{
	fresh();
	intake_program(&stream, FIRST, POINTS);
	feed(0, 20);
	feed(19, 20);
	feed(15, 18);
	feed(20, POINTS + 2);
	expect_all(FIRST, POINTS + 2);
	ck_assert_uint_eq(taker.intake.repeated_records, 4);
}
END_TEST

static void expect_gap(uint64_t first, uint64_t count, uint64_t points)
{
	const struct etalon_hw_record_gap *gap = &taker.gap;

	ck_assert_int_eq(taker.result, 0);
	ck_assert_uint_eq(gap->head.magic, ETALON_HW_RECORD_MAGIC);
	ck_assert_uint_eq(gap->head.size, INTAKE_STRIDE);
	ck_assert_uint_eq(gap->head.generation, 7);
	ck_assert_uint_eq(gap->first, first);
	ck_assert_uint_eq(gap->count, count);
	ck_assert_uint_eq(gap->points, points);
	/* In the place of the last one. */
	ck_assert_uint_eq(gap->head.sequence, first + count - 1);
	ck_assert_uint_eq(taker.intake.lost_records, count);
	ck_assert(taker.ended);
}

START_TEST(a_loss_is_told_by_a_gap)
{
	fresh();
	intake_program(&stream, FIRST, POINTS);
	feed(0, 11); /* START and points 0..9 */
	feed(14, POINTS + 2);
	expect_gap(FIRST + 11, 3, 3);
	ck_assert_uint_eq(taker.count, POINTS + 2 - 3 + 1);
	ck_assert_uint_eq(taker.sequence[11], FIRST + 13);
	ck_assert_uint_eq(taker.sequence[12], FIRST + 14);
}
END_TEST

START_TEST(a_number_that_is_skipped_is_a_record_lost_and_no_point)
{
	fresh();
	intake_append(&stream, ETALON_HW_RECORD_START, FIRST, 0);
	intake_append(&stream, ETALON_HW_RECORD_POINT, FIRST + 1, 0);
	intake_append(&stream, ETALON_HW_RECORD_POINT, FIRST + 3, 1);
	intake_append(&stream, ETALON_HW_RECORD_END, FIRST + 4, 2);
	feed_all();
	expect_gap(FIRST + 2, 1, 0);
}
END_TEST

START_TEST(points_lost_before_end_are_counted)
{
	fresh();
	intake_program(&stream, FIRST, POINTS);
	feed(0, POINTS - 3);
	feed(POINTS + 1, POINTS + 2);
	expect_gap(FIRST + POINTS - 3, 4, 4);
}
END_TEST

START_TEST(after_a_loss_only_what_counts_points_goes_on)
{
	fresh();
	intake_append(&stream, ETALON_HW_RECORD_START, FIRST, 0);
	intake_append(&stream, ETALON_HW_RECORD_POINT, FIRST + 1, 0);
	intake_append(&stream, ETALON_HW_RECORD_STATUS, FIRST + 5, 0);
	intake_append(&stream, ETALON_HW_RECORD_POINT, FIRST + 6, 3);
	intake_append(&stream, ETALON_HW_RECORD_STATUS, FIRST + 7, 0);
	intake_append(&stream, ETALON_HW_RECORD_END, FIRST + 8, 4);
	feed_all();
	expect_gap(FIRST + 2, 4, 2);
	ck_assert_uint_eq(taker.count, 6);
	ck_assert_uint_eq(taker.type[4], ETALON_HW_RECORD_STATUS);
}
END_TEST

static void append_gap(uint64_t sequence, uint64_t first, uint64_t points)
{
	struct etalon_hw_record_gap gap;

	intake_append(&stream, ETALON_HW_RECORD_GAP, sequence, 0);
	memcpy(&gap, stream.bytes + stream.size - INTAKE_STRIDE, sizeof(gap));
	gap.first = first;
	gap.count = sequence - first;
	gap.points = points;
	memcpy(stream.bytes + stream.size - INTAKE_STRIDE, &gap, sizeof(gap));
}

START_TEST(what_the_board_dropped_it_says_itself)
{
	fresh();
	intake_append(&stream, ETALON_HW_RECORD_START, FIRST, 0);
	append_gap(FIRST + 6, FIRST + 1, 5);
	intake_append(&stream, ETALON_HW_RECORD_POINT, FIRST + 7, 5);
	intake_append(&stream, ETALON_HW_RECORD_END, FIRST + 8, 6);
	feed_all();
	ck_assert_uint_eq(taker.count, 4);
	ck_assert_uint_eq(taker.sequence[1], FIRST + 6);
	ck_assert_uint_eq(taker.gap.points, 5);
	ck_assert_uint_eq(taker.intake.lost_records, 0);
}
END_TEST

START_TEST(points_that_the_board_dropped_are_not_counted_again)
{
	fresh();
	intake_append(&stream, ETALON_HW_RECORD_START, FIRST, 0);
	append_gap(FIRST + 6, FIRST + 1, 5);
	intake_append(&stream, ETALON_HW_RECORD_POINT, FIRST + 9, 7); /* two were lost here */
	intake_append(&stream, ETALON_HW_RECORD_END, FIRST + 10, 8);
	feed_all();
	expect_gap(FIRST + 7, 2, 2);
}
END_TEST

START_TEST(a_gap_of_the_board_that_is_not_all_of_it_counts_as_lost)
{
	fresh();
	intake_append(&stream, ETALON_HW_RECORD_START, FIRST, 0);
	append_gap(FIRST + 6, FIRST + 3, 3); /* 1 and 2 were lost on the way */
	intake_append(&stream, ETALON_HW_RECORD_POINT, FIRST + 7, 5);
	intake_append(&stream, ETALON_HW_RECORD_END, FIRST + 8, 6);
	feed_all();
	expect_gap(FIRST + 1, 6, 5);
}
END_TEST

START_TEST(a_short_packet_in_a_record_loses_this_one_alone)
{
	fresh();
	intake_program(&stream, FIRST, POINTS);
	intake_feed(&taker, stream.bytes, 10 * INTAKE_STRIDE + 60, true);
	feed(11, POINTS + 2);
	expect_gap(FIRST + 10, 1, 1);
}
END_TEST

START_TEST(an_aborted_transfer_is_followed_from_anywhere)
{
	fresh();
	intake_program(&stream, FIRST, POINTS);
	intake_feed(&taker, stream.bytes, 10 * INTAKE_STRIDE + 60, false);
	etalon_intake_cut(&taker.intake);
	intake_feed(&taker, record_at(12) + 50, stream.size - 12 * INTAKE_STRIDE - 50, true);
	expect_gap(FIRST + 10, 3, 3);
	ck_assert_uint_eq(taker.intake.stray, 0);
}
END_TEST

START_TEST(babble_between_records_is_none)
{
	uint8_t babble[500];

	fresh();
	memset(babble, 0x45, sizeof(babble));
	intake_program(&stream, FIRST, POINTS);
	feed(0, 20);
	intake_feed(&taker, babble, sizeof(babble), false);
	feed(20, POINTS + 2);
	expect_all(FIRST, POINTS + 2);
}
END_TEST

static void damage(size_t offset, uint64_t value, size_t size)
{
	memcpy(stream.bytes + 20 * INTAKE_STRIDE + offset, &value, size);
}

static const struct {
	size_t offset;
	uint64_t value;
	size_t size;
} damages[] = {
	{offsetof(struct etalon_hw_record, magic), 0, 4},
	{offsetof(struct etalon_hw_record, type), 0, 2},
	{offsetof(struct etalon_hw_record, type), 6, 2},
	{offsetof(struct etalon_hw_record, size), 0, 2},
	{offsetof(struct etalon_hw_record, size), 4104, 2},
	{offsetof(struct etalon_hw_record, size), INTAKE_STRIDE + 8, 2},
	{offsetof(struct etalon_hw_record, size), INTAKE_STRIDE + 4, 2},
	{offsetof(struct etalon_hw_record, sequence), UINT64_MAX, 8},
	{offsetof(struct etalon_hw_record, sequence), ETALON_RING_SEQUENCE_MAX, 8},
	{offsetof(struct etalon_hw_record, sequence), 1ULL << 40, 8},
};

START_TEST(a_damaged_head_loses_this_record_alone)
{
	fresh();
	intake_program(&stream, FIRST, POINTS);
	damage(damages[_i].offset, damages[_i].value, damages[_i].size);
	feed_all();
	expect_gap(FIRST + 20, 1, 1);
}
END_TEST

START_TEST(a_ring_without_room_is_shown_the_same_again)
{
	struct etalon_intake_transfer t;
	struct etalon_intake_item first, again;

	fresh();
	intake_program(&stream, FIRST, POINTS);
	t = (struct etalon_intake_transfer){.data = stream.bytes,
					    .bytes = (__u32)(3 * INTAKE_STRIDE)};
	for (unsigned int i = 0; i < 3; i++) {
		ck_assert_int_eq(etalon_intake_peek(&taker.intake, &t, &first), 1);
		ck_assert_int_eq(etalon_intake_peek(&taker.intake, &t, &again), 1);
		ck_assert_ptr_eq(first.bytes, again.bytes);
		ck_assert_uint_eq(again.sequence, FIRST + i);
		etalon_intake_accept(&taker.intake, &t);
	}
	ck_assert_int_eq(etalon_intake_peek(&taker.intake, &t, &again), 0);
	/* A gap, too, and the record behind it. */
	t = (struct etalon_intake_transfer){.data = record_at(5),
					    .bytes = (__u32)(2 * INTAKE_STRIDE)};
	ck_assert_int_eq(etalon_intake_peek(&taker.intake, &t, &first), 1);
	ck_assert_int_eq(etalon_intake_peek(&taker.intake, &t, &again), 1);
	ck_assert_uint_eq(first.sequence, FIRST + 4);
	ck_assert_uint_eq(again.sequence, FIRST + 4);
	etalon_intake_accept(&taker.intake, &t);
	ck_assert_int_eq(etalon_intake_peek(&taker.intake, &t, &again), 1);
	ck_assert_uint_eq(again.sequence, FIRST + 5);
}
END_TEST

START_TEST(a_board_that_sends_no_records_is_not_believed)
{
	static const uint8_t noise[65536];
	unsigned int rounds = 0;

	fresh();
	while (!taker.result && rounds++ < 1000)
		intake_feed(&taker, noise, sizeof(noise), false);
	ck_assert_int_eq(taker.result, -EPROTO);
	ck_assert_uint_gt(rounds, ETALON_INTAKE_STRAY_MAX / sizeof(noise) - 1);
}
END_TEST

START_TEST(a_board_that_only_repeats_is_not_believed)
{
	unsigned int rounds = 0;

	fresh();
	intake_program(&stream, FIRST, POINTS);
	feed(0, 2);
	while (!taker.result && rounds++ <= ETALON_INTAKE_REPEATS_MAX)
		feed(1, 2);
	ck_assert_int_eq(taker.result, -EPROTO);
	ck_assert_uint_eq(taker.count, 2);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kmod intake");
	TCase *tc = tcase_create("intake");

	tcase_add_loop_test(tc, a_stream_that_is_cut_anywhere_is_whole, 0, ARRAY_SIZE(cuts));
	tcase_add_test(tc, nothing_is_taken_before_a_load);
	tcase_add_test(tc, records_of_the_program_before_are_passed_over);
	tcase_add_test(tc, a_longer_record_of_the_program_before_is_passed_over_whole);
	tcase_add_test(tc, a_record_that_comes_twice_counts_once);
	tcase_add_test(tc, a_loss_is_told_by_a_gap);
	tcase_add_test(tc, a_number_that_is_skipped_is_a_record_lost_and_no_point);
	tcase_add_test(tc, points_lost_before_end_are_counted);
	tcase_add_test(tc, after_a_loss_only_what_counts_points_goes_on);
	tcase_add_test(tc, what_the_board_dropped_it_says_itself);
	tcase_add_test(tc, points_that_the_board_dropped_are_not_counted_again);
	tcase_add_test(tc, a_gap_of_the_board_that_is_not_all_of_it_counts_as_lost);
	tcase_add_test(tc, a_short_packet_in_a_record_loses_this_one_alone);
	tcase_add_test(tc, an_aborted_transfer_is_followed_from_anywhere);
	tcase_add_test(tc, babble_between_records_is_none);
	tcase_add_loop_test(tc, a_damaged_head_loses_this_record_alone, 0, ARRAY_SIZE(damages));
	tcase_add_test(tc, a_ring_without_room_is_shown_the_same_again);
	tcase_add_test(tc, a_board_that_sends_no_records_is_not_believed);
	tcase_add_test(tc, a_board_that_only_repeats_is_not_believed);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
