// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * A USB board's record streams at random for the driver: records removed, repeated, swapped,
 * damaged, noise between them, transfers of any length that end anywhere. Whatever comes out has
 * numbers that only rise and the program's stride, and what is missing is told by a GAP or still
 * to come. Arguments: count, seed.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "kmod_intake.h"
#include "trial.h"
#include "base/util.h"

#include "run_suite.h" /* last: it defines a macro fail() */

#define POINTS 40
#define FIRST 500
#define RECORDS (POINTS + 2)

static uint64_t rounds = 20000, seed;
static struct intake_stream stream;

static uint8_t *record_at(uint64_t n)
{
	return stream.bytes + n % (stream.size / INTAKE_STRIDE) * INTAKE_STRIDE;
}

static void remove_record(uint64_t n)
{
	uint8_t *at = record_at(n);

	memmove(at, at + INTAKE_STRIDE, (size_t)(stream.bytes + stream.size - at) - INTAKE_STRIDE);
	stream.size -= INTAKE_STRIDE;
}

static void repeat_record(uint64_t n)
{
	if (stream.size + INTAKE_STRIDE > sizeof(stream.bytes))
		return;
	memcpy(stream.bytes + stream.size, record_at(n), INTAKE_STRIDE);
	stream.size += INTAKE_STRIDE;
}

static void insert_noise(uint64_t where, uint64_t *state)
{
	const size_t size = 1 + trial_next(state) % 300;
	uint8_t *at = stream.bytes + where % stream.size;

	if (stream.size + size > sizeof(stream.bytes))
		return;
	memmove(at + size, at, (size_t)(stream.bytes + stream.size - at));
	for (size_t i = 0; i < size; i++)
		at[i] = (uint8_t)trial_next(state);
	stream.size += size;
}

static void damage(uint64_t *state)
{
	const uint64_t r = trial_next(state), value = trial_next(state);

	switch (r % 5) {
	case 0:
		return remove_record(r / 5);
	case 1:
		return repeat_record(r / 5);
	case 2:
		return insert_noise(r / 5, state);
	case 3: /* in a head */
		memcpy(record_at(r / 5) + value % 20, &value, 4);
		return;
	default:
		stream.bytes[r / 5 % stream.size] ^= (uint8_t)(1 + value % 255);
	}
}

/* Numbers rise, and each that is missing lies in the GAP in front of the next. */
static void check(const struct intake_taker *t, uint64_t *ret_lost)
{
	uint64_t next = FIRST;

	ck_assert_uint_le(t->count, INTAKE_RECORDS_MAX);
	for (unsigned int i = 0; i < t->count; i++) {
		ck_assert_uint_ge(t->sequence[i], next);
		if (t->sequence[i] > next)
			ck_assert_uint_eq(t->type[i], ETALON_HW_RECORD_GAP);
		next = t->sequence[i] + 1;
	}
	ck_assert_uint_eq(next, t->intake.next);
	*ret_lost += t->intake.lost_records;
}

static void send_all(struct intake_taker *t, uint64_t *state)
{
	for (size_t at = 0, size; at < stream.size && !t->result; at += size) {
		const uint64_t r = trial_next(state);

		size = MIN((size_t)(r / 16 % 1500), stream.size - at);
		intake_feed(t, stream.bytes + at, size, r % 16 == 0);
		if (r % 64 == 1)
			etalon_intake_cut(&t->intake);
	}
}

START_TEST(numbers_only_rise_and_what_is_missing_is_told)
{
	static struct intake_taker taker;
	uint64_t state = seed, lost = 0, taken = 0, whole = 0;

	for (uint64_t i = 0; i < rounds; i++) {
		unsigned int hits = (unsigned int)(trial_next(&state) % 6);

		stream.size = 0;
		intake_program(&stream, FIRST, POINTS);
		while (hits--)
			damage(&state);
		intake_expect(&taker, FIRST);
		send_all(&taker, &state);
		ck_assert_int_eq(taker.result, 0);
		check(&taker, &lost);
		taken += taker.count;
		whole += taker.ended && taker.intake.lost_records == 0;
	}
	printf("%" PRIu64 " record sets, %" PRIu64 " records taken, %" PRIu64
	       " told as lost, %" PRIu64 " sets whole, seed %" PRIu64 "\n",
	       rounds, taken, lost, whole, seed);
	ck_assert_uint_gt(whole, 0);
	ck_assert_uint_gt(lost, 0);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite = suite_create("fuzz kmod intake");
	TCase *tc = tcase_create("fuzz");

	trial_arguments(argc, argv, &rounds, &seed);
	tcase_set_timeout(tc, 0);
	tcase_add_test(tc, numbers_only_rise_and_what_is_missing_is_told);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
