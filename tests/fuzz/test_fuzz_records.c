// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Record streams at random, through the register driver and the ledger: damaged, cut, swapped,
 * repeated. Nothing crashes, nothing is counted twice, and no damaged run is complete unless
 * all of its points are there as they were sent. Arguments: count, seed.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "../common/fake_board.h"
#include "../common/fake_transport.h"
#include "trial.h"
#include "base/util.h"
#include "link/registers.h"
#include "measure/ledger.h"

#include "run_suite.h" /* last: it defines a macro fail() */

#define POINTS 40
#define STRIDE 128
#define RECORDS (POINTS + 2)
#define ROOM ((RECORDS + 8) * STRIDE)

static uint64_t rounds = 20000, seed;

struct stream {
	struct etalon_hw_program program;
	size_t size;
	_Alignas(8) unsigned char bytes[ROOM];
};

static void make(struct stream *s)
{
	struct etalon_hw_record head = {.magic = ETALON_HW_RECORD_MAGIC,
					.type = ETALON_HW_RECORD_START,
					.size = STRIDE,
					.generation = 7};
	struct etalon_hw_record_start start = {
		.head = head, .points = POINTS, .detector_count = 4, .tick_ps = 10000};
	struct etalon_hw_record_end end = {.head = head, .produced = POINTS};

	memset(s, 0, sizeof(*s));
	s->program = fake_dark(POINTS);
	start.program_crc = crc32c(0, &s->program, sizeof(s->program));
	start.run_key = s->program.run_key;
	memcpy(s->bytes, &start, sizeof(start));
	for (uint64_t i = 0; i < POINTS; i++) {
		fake_point(&s->program, STRIDE, i, 1 + i, s->bytes + (1 + i) * STRIDE);
		end.crc = crc32c(end.crc, s->bytes + (1 + i) * STRIDE + 24, STRIDE - 24);
	}
	end.head.type = ETALON_HW_RECORD_END;
	end.head.sequence = 1 + POINTS;
	memcpy(s->bytes + (1 + POINTS) * STRIDE, &end, sizeof(end));
	s->size = RECORDS * STRIDE;
}

static unsigned char *record_at(struct stream *s, uint64_t i)
{
	return s->bytes + i % (s->size / STRIDE) * STRIDE;
}

static void remove_record(struct stream *s, uint64_t i)
{
	unsigned char *at = record_at(s, i);

	memmove(at, at + STRIDE, (size_t)(s->bytes + s->size - at) - STRIDE);
	s->size -= STRIDE;
}

static void repeat_record(struct stream *s, uint64_t i, uint64_t to)
{
	unsigned char copy[STRIDE], *at = record_at(s, to);

	memcpy(copy, record_at(s, i), STRIDE);
	memmove(at + STRIDE, at, (size_t)(s->bytes + s->size - at));
	memcpy(at, copy, STRIDE);
	s->size += STRIDE;
}

static void swap_records(struct stream *s, uint64_t i, uint64_t k)
{
	unsigned char copy[STRIDE];

	memcpy(copy, record_at(s, i), STRIDE);
	memmove(record_at(s, i), record_at(s, k), STRIDE);
	memcpy(record_at(s, k), copy, STRIDE);
}

static void damage(struct stream *s, uint64_t *state)
{
	unsigned int hits = (unsigned int)(trial_next(state) % 4);

	for (unsigned int i = 0; i < hits && s->size > 2 * STRIDE; i++) {
		uint64_t what = trial_next(state) % 6, a = trial_next(state), b = trial_next(state);

		if (what == 0)
			s->bytes[a % s->size] ^= (unsigned char)(1U << b % 8);
		else if (what == 1)
			memcpy(s->bytes + a % (s->size - 8), &b, 8);
		else if (what == 2)
			remove_record(s, a);
		else if (what == 3 && s->size + STRIDE <= sizeof(s->bytes))
			repeat_record(s, a, b);
		else if (what == 4)
			swap_records(s, a, b);
		else
			s->size -= a % (2 * STRIDE);
	}
}

/* The payloads of all points that came, in order: what a store would hold. */
static uint32_t points_crc(const struct stream *s, size_t *ret_points)
{
	uint32_t crc = 0;

	*ret_points = 0;
	for (size_t at = 0; at + STRIDE <= s->size; at += STRIDE) {
		struct etalon_hw_record head;

		memcpy(&head, s->bytes + at, sizeof(head));
		if (head.type != ETALON_HW_RECORD_POINT)
			continue;
		crc = crc32c(crc, s->bytes + at + 24, STRIDE - 24);
		++*ret_points;
	}
	return crc;
}

START_TEST(no_damaged_run_is_complete)
{
	struct stream whole, s;
	uint64_t state = seed, complete = 0, broken = 0;
	size_t points;
	uint32_t crc;

	make(&whole);
	crc = points_crc(&whole, &points);
	for (uint64_t i = 0; i < rounds; i++) {
		struct stream kept = {};
		struct ledger l;
		size_t at = 0, keep = 0, used = 0;
		json_t *json;
		int r = 0;

		s = whole;
		damage(&s, &state);
		ledger_begin(&l, 7, &s.program, STRIDE, crc32c(0, &s.program, sizeof(s.program)),
			     POINTS);
		while (r == 0 && at < s.size) {
			char *message = NULL;
			/* Any number of whole records at a time, and what is torn at the end. */
			size_t piece =
				MIN((size_t)(1 + trial_next(&state) % 9) * STRIDE, s.size - at);

			r = ledger_take(&l, s.bytes + at, piece, &keep, &used, &message);
			ck_assert_uint_le(keep, used);
			ck_assert_uint_le(used, piece);
			ck_assert(r < 0 || used > 0);
			memcpy(kept.bytes + kept.size, s.bytes + at, keep);
			kept.size += keep;
			at += used;
			if (r < 0) {
				ck_assert_int_eq(r, -EPROTO);
				ck_assert_ptr_nonnull(message);
				broken++;
			}
			free(message);
		}
		json = ledger_json(&l);
		ck_assert_ptr_nonnull(json);
		ck_assert_int_eq(json_is_true(json_object_get(json, "complete")),
				 ledger_complete(&l));
		if (ledger_complete(&l)) {
			size_t n;

			complete++;
			ck_assert_uint_eq(points_crc(&kept, &n), crc);
			ck_assert_uint_eq(n, points);
		} else {
			ck_assert(r < 0 || json_array_size(json_object_get(json, "why")) > 0);
		}
		json_decref(json);
	}
	printf("%" PRIu64 " streams, %" PRIu64 " complete, %" PRIu64 " broken off, seed %" PRIu64
	       "\n",
	       rounds, complete, broken, seed);
	ck_assert_uint_gt(complete, 0);
	ck_assert_uint_gt(broken, 0);
}
END_TEST

/* The driver hands out whole records of this program or an error, whatever the bytes are. */
START_TEST(the_driver_survives_any_bytes)
{
	struct description *d = fake_board();
	struct fake_transport *f = fake_transport_new(d);
	struct link *l = NULL;
	uint64_t state = seed;

	ck_assert_int_eq(registers_open(&f->transport, &l, NULL), 0);
	for (uint64_t i = 0; i < rounds / 10; i++) {
		struct etalon_hw_program p = fake_dark(POINTS);
		struct link_program loaded;
		struct stream s;
		const void *records;
		size_t bytes, all = 0;
		int r;

		make(&s);
		damage(&s, &state);
		p.generation = (uint32_t)(1 + i % 3); /* leftovers may look like ours */
		f->chunk_bytes = (size_t)(trial_next(&state) % 300);
		f->hold = i % 4 == 0;
		ck_assert_int_eq(l->ops->load(l, &p, NULL, 0, &loaded, NULL), 0);
		fake_transport_push(f, s.bytes, s.size);
		ck_assert_int_eq(l->ops->start(l, NULL), 0);
		while ((r = l->ops->records(l, 0, 1 + trial_next(&state) % 4096 + STRIDE, &records,
					    &bytes)) == 0) {
			ck_assert_uint_eq(bytes % loaded.stride, 0);
			ck_assert_uint_gt(bytes, 0);
			(void)crc32c(0, records, bytes); /* ASan looks at every byte */
			all += bytes;
			ck_assert_int_eq(l->ops->release(l, bytes), 0);
			ck_assert_uint_le(all, 10 * ROOM);
		}
		ck_assert(r == -EAGAIN || r == -EPROTO);
	}
	link_close(l);
	description_free(d);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite = suite_create("fuzz records");
	TCase *tc = tcase_create("fuzz");

	trial_arguments(argc, argv, &rounds, &seed);
	tcase_set_timeout(tc, 0);
	tcase_add_test(tc, no_damaged_run_is_complete);
	tcase_add_test(tc, the_driver_survives_any_bytes);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
