// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The driver's ring arithmetic, and its wide products: what boards and user space may say, and what not.
 */
#include <errno.h>
#include <inttypes.h>

#include "trial.h"
#include "base/util.h"
#include "ring.h"
#include "wide.h"

#include "run_suite.h" /* last: it defines a macro fail() */

#define BYTES (10 * 128 + 40) /* ten records of 128 bytes, and a rest */
#define STRIDE 128
#define FAR ETALON_RING_SEQUENCE_MAX

static struct etalon_ring loaded(uint64_t first)
{
	struct etalon_ring ring;

	etalon_ring_init(&ring, BYTES);
	ck_assert_int_eq(etalon_ring_load(&ring, STRIDE, first), 0);
	return ring;
}

static struct etalon_ring filled(uint64_t consumer, uint64_t producer)
{
	struct etalon_ring ring = loaded(consumer);

	ck_assert_int_eq(etalon_ring_produce(&ring, producer), (int64_t)(producer - consumer));
	return ring;
}

START_TEST(nothing_is_there_before_a_load)
{
	struct etalon_ring ring;
	struct etalon_ring_span span;

	etalon_ring_init(&ring, BYTES);
	ck_assert_int_eq(etalon_ring_produce(&ring, 5), 0);
	ck_assert_int_eq(etalon_ring_append(&ring), -ENOSPC);
	ck_assert_int_eq(etalon_ring_release(&ring, 0), 0);
	ck_assert_int_eq(etalon_ring_release(&ring, 1), -EINVAL);
	ck_assert_int_eq(etalon_ring_read(&ring, 0, 4096, &span), 0);
	ck_assert_uint_eq(span.bytes, 0);
}
END_TEST

static const struct {
	uint32_t stride;
	uint64_t first;
	int expected;
} loads[] = {
	{128, 0, 0},
	{448, 12345, 0},
	{128, FAR, 0},
	{0, 0, -EPROTO},
	{132, 0, -EPROTO},
	{4104, 0, -EPROTO},
	{UINT32_MAX - 7, 0, -EPROTO},
	{128, FAR + 1, -EPROTO},
	{128, UINT64_MAX, -EPROTO},
};

START_TEST(a_load_needs_a_stride_and_a_number_that_can_be)
{
	struct etalon_ring ring;

	etalon_ring_init(&ring, BYTES);
	ck_assert_int_eq(etalon_ring_load(&ring, loads[_i].stride, loads[_i].first),
			 loads[_i].expected);
	if (loads[_i].expected)
		return;
	ck_assert_uint_eq(ring.modulus % ring.stride, 0);
	ck_assert_uint_le(ring.modulus, BYTES);
	ck_assert_uint_gt(ring.modulus + ring.stride, BYTES);
	ck_assert_uint_eq(ring.producer, loads[_i].first);
	ck_assert_uint_eq(ring.consumer, loads[_i].first);
}
END_TEST

START_TEST(records_that_are_not_released_do_not_move)
{
	struct etalon_ring ring = filled(7, 12), before = ring;

	ck_assert_int_eq(etalon_ring_load(&ring, 256, 12), -EBUSY);
	ck_assert_int_eq(etalon_ring_load(&ring, STRIDE, 0), -EBUSY); /* the board lost its count */
	ck_assert_mem_eq(&ring, &before, sizeof(ring));
	ck_assert_int_eq(etalon_ring_load(&ring, STRIDE, 12), 0); /* the next program follows */
	ck_assert_uint_eq(ring.consumer, 7);
	ck_assert_int_eq(etalon_ring_release(&ring, 12), 0);
	ck_assert_int_eq(etalon_ring_load(&ring, 256, 0), 0);
	ck_assert_uint_eq(ring.consumer, 0);
}
END_TEST

static const struct {
	uint64_t consumer, producer, told;
	int64_t expected;
} steps[] = {
	{100, 100, 100, 0},	     {100, 100, 101, 1},	   {100, 105, 110, 5}, /* full */
	{100, 105, 111, -EPROTO}, /* over what is not released */
	{100, 105, 104, -EPROTO}, /* backwards */
	{100, 105, 99, 0}, /* of the program before */
	{100, 100, 500, 400}, /* after a long gap, all released */
	{100, 101, 500, -EPROTO},    {100, 100, FAR + 1, -EPROTO}, {100, 105, UINT64_MAX, -EPROTO},
	{0, 0, UINT64_MAX, -EPROTO}, {FAR - 1, FAR - 1, FAR, 1},
};

START_TEST(the_board_counts_on_or_is_not_believed)
{
	struct etalon_ring ring = filled(steps[_i].consumer, steps[_i].producer), before = ring;

	ck_assert_int_eq(etalon_ring_produce(&ring, steps[_i].told), steps[_i].expected);
	if (steps[_i].expected <= 0) {
		ck_assert_mem_eq(&ring, &before, sizeof(ring));
		return;
	}
	ck_assert_uint_eq(ring.producer, steps[_i].told);
	/* Told again, with the next state for instance: nothing new. */
	ck_assert_int_eq(etalon_ring_produce(&ring, steps[_i].told), 0);
	ck_assert_uint_eq(ring.producer, steps[_i].told);
}
END_TEST

static const struct {
	uint64_t sequence;
	int expected;
} releases[] = {
	{100, 0},
	{103, 0},
	{105, 0},
	{99, -EINVAL},
	{106, -EINVAL},
	{0, -EINVAL},
	{UINT64_MAX, -EINVAL},
};

START_TEST(only_what_is_there_can_be_released)
{
	struct etalon_ring ring = filled(100, 105);

	ck_assert_int_eq(etalon_ring_release(&ring, releases[_i].sequence), releases[_i].expected);
	ck_assert_uint_eq(ring.consumer, releases[_i].expected ? 100 : releases[_i].sequence);
}
END_TEST

static const struct {
	uint64_t position, count;
	int expected;
	uint64_t offset, bytes;
} reads[] = {
	/* records 105..112 of a ring of ten */
	{105 * 128, 128, 0, 5 * 128, 128},
	{105 * 128, 10 * 128, 0, 5 * 128, 5 * 128}, /* up to the end of memory */
	{110 * 128, 10 * 128, 0, 0, 3 * 128}, /* and on from its beginning */
	{112 * 128, 200, 0, 2 * 128, 128}, /* whole records only */
	{113 * 128, 128, 0, 0, 0}, /* yet to come */
	{104 * 128, 128, -EPIPE, 0, 0},
	{105 * 128 + 8, 128, -EINVAL, 0, 0},
	{105 * 128, 127, -EINVAL, 0, 0},
	{105 * 128, 0, -EINVAL, 0, 0},
	{INT64_MAX / 128 * 128, SIZE_MAX, 0, 0, 0},
	{105 * 128, SIZE_MAX, 0, 5 * 128, 5 * 128},
};

START_TEST(reading_gives_whole_records_or_says_why_not)
{
	struct etalon_ring ring = filled(105, 113);
	struct etalon_ring_span span;

	ck_assert_int_eq(etalon_ring_read(&ring, reads[_i].position, reads[_i].count, &span),
			 reads[_i].expected);
	ck_assert_uint_eq(span.bytes, reads[_i].bytes);
	if (span.bytes)
		ck_assert_uint_eq(span.offset, reads[_i].offset);
}
END_TEST

START_TEST(a_record_of_the_host_takes_a_free_place_only)
{
	struct etalon_ring ring = filled(100, 109);

	ck_assert_int_eq(etalon_ring_append(&ring), 109);
	ck_assert_int_eq(etalon_ring_append(&ring), -ENOSPC);
	ck_assert_int_eq(etalon_ring_release(&ring, 101), 0);
	ck_assert_int_eq(etalon_ring_append(&ring), 110);
	ck_assert_uint_eq(ring.producer, 111);
}
END_TEST

/* Whatever is asked in whatever order, no span ever leaves memory. */
START_TEST(no_order_of_calls_leads_out_of_memory)
{
	static const uint32_t strides[] = {128, 136, 448, 640};
	uint64_t state = trial_seed();
	struct etalon_ring ring;

	etalon_ring_init(&ring, BYTES);
	for (unsigned int i = 0; i < 20000; i++) {
		const uint64_t r = trial_next(&state);
		const uint64_t near = ring.consumer + r / 16 % 24 - 4;
		const uint64_t any = r % 5 ? near : trial_next(&state);
		struct etalon_ring_span span;

		switch (r % 4) {
		case 0:
			(void)etalon_ring_load(&ring, strides[r / 4 % 4], any);
			break;
		case 1:
			(void)etalon_ring_produce(&ring, any);
			break;
		case 2:
			(void)etalon_ring_release(&ring, any);
			break;
		case 3:
			if (r / 4 % 8 == 0)
				(void)etalon_ring_append(&ring);
			break;
		}
		ck_assert_uint_le(ring.consumer, ring.producer);
		if (!ring.modulus || etalon_ring_read(&ring, near * ring.stride, r % 4096, &span))
			continue;
		ck_assert_uint_le(span.offset + span.bytes, ring.modulus);
		ck_assert_uint_eq(span.bytes % ring.stride, 0);
	}
}
END_TEST

static uint64_t interesting(uint64_t *state)
{
	const uint64_t r = trial_next(state);

	return trial_next(state) >> r % 64;
}

START_TEST(wide_products_are_those_of_128_bits)
{
	uint64_t state = trial_seed();

	for (unsigned int i = 0; i < 20000; i++) {
		const uint64_t a = interesting(&state), b = interesting(&state);
		const uint64_t c = interesting(&state);
		const unsigned __int128 product = (unsigned __int128)a * b;
		const struct etalon_wide wide = etalon_wide_multiply(a, b);
		const unsigned __int128 up = c ? product / c + (product % c != 0) : 0;
		const uint64_t expected = !c || up > UINT64_MAX ? UINT64_MAX : (uint64_t)up;

		ck_assert_uint_eq(wide.high, (uint64_t)(product >> 64));
		ck_assert_uint_eq(wide.low, (uint64_t)product);
		ck_assert_uint_eq(etalon_wide_multiply_divide_up(a, b, c), expected);
		ck_assert_int_eq(etalon_wide_compare(wide, (struct etalon_wide){0, c}),
				 product < c ? -1 : product > c);
	}
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("kmod ring");
	TCase *tc = tcase_create("ring");

	tcase_add_test(tc, nothing_is_there_before_a_load);
	tcase_add_loop_test(tc, a_load_needs_a_stride_and_a_number_that_can_be, 0,
			    ARRAY_SIZE(loads));
	tcase_add_test(tc, records_that_are_not_released_do_not_move);
	tcase_add_loop_test(tc, the_board_counts_on_or_is_not_believed, 0, ARRAY_SIZE(steps));
	tcase_add_loop_test(tc, only_what_is_there_can_be_released, 0, ARRAY_SIZE(releases));
	tcase_add_loop_test(tc, reading_gives_whole_records_or_says_why_not, 0, ARRAY_SIZE(reads));
	tcase_add_test(tc, a_record_of_the_host_takes_a_free_place_only);
	tcase_add_test(tc, no_order_of_calls_leads_out_of_memory);
	tcase_add_test(tc, wide_products_are_those_of_128_bits);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
