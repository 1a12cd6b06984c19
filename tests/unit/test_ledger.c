// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The ledger: three counts that must agree, and every way in which they may not is named.
 */
#include <errno.h>
#include <string.h>

#include "../common/fake_board.h"
#include "../common/fake_transport.h"
#include "base/util.h"
#include "measure/ledger.h"

#include "run_suite.h" /* last: it defines a macro fail() */

#define POINTS 20
#define GENERATION 7
#define SEQUENCE 1000 /* of START */

/* A whole program in memory, to be damaged by a test. */
struct stream {
	struct etalon_hw_program program;
	uint32_t stride;
	size_t count; /* records */
	_Alignas(8) unsigned char bytes[128 * (POINTS + 16)];
};

static void *record_at(struct stream *s, size_t i)
{
	return s->bytes + i * s->stride;
}

static struct etalon_hw_record *append(struct stream *s, uint16_t type)
{
	struct etalon_hw_record *r = record_at(s, s->count);

	memset(r, 0, s->stride);
	*r = (struct etalon_hw_record){.magic = ETALON_HW_RECORD_MAGIC,
				       .type = type,
				       .size = (uint16_t)s->stride,
				       .generation = GENERATION,
				       .sequence = SEQUENCE + s->count};
	s->count++;
	return r;
}

static struct etalon_hw_record_end *end_of(struct stream *s)
{
	return record_at(s, s->count - 1);
}

static uint32_t crc_of(struct stream *s)
{
	uint32_t crc = 0;

	for (size_t i = 0; i < s->count; i++) {
		struct etalon_hw_record *r = record_at(s, i);

		if (r->type == ETALON_HW_RECORD_POINT)
			crc = crc32c(crc, (unsigned char *)r + 24, s->stride - 24);
	}
	return crc;
}

static void make(struct stream *s)
{
	struct etalon_hw_record_start *start;
	struct etalon_hw_record_end *end;

	memset(s, 0, sizeof(*s));
	s->program = fake_dark(POINTS);
	s->program.generation = GENERATION;
	s->stride = (uint32_t)record_stride(s->program.detector_count);
	start = (void *)append(s, ETALON_HW_RECORD_START);
	start->program_crc = crc32c(0, &s->program, sizeof(s->program));
	start->run_key = s->program.run_key;
	start->points = POINTS;
	start->tick = 100;
	start->tick_ps = 10000;
	start->detector_count = s->program.detector_count;
	for (uint64_t i = 0; i < POINTS; i++) {
		fake_point(&s->program, s->stride, i, SEQUENCE + s->count, record_at(s, s->count));
		s->count++;
		if (i == 9)
			append(s, ETALON_HW_RECORD_STATUS);
	}
	end = (void *)append(s, ETALON_HW_RECORD_END);
	end->produced = POINTS;
	end->tick = 5000;
	end->crc = crc_of(s);
}

static void begin(struct ledger *l, const struct stream *s)
{
	ledger_begin(l, GENERATION, &s->program, s->stride,
		     crc32c(0, &s->program, sizeof(s->program)), POINTS);
}

static void remove_record(struct stream *s, size_t i)
{
	memmove(record_at(s, i), record_at(s, i + 1), (s->count - i - 1) * s->stride);
	s->count--;
}

static void insert_record(struct stream *s, size_t i, const void *record)
{
	_Alignas(8) unsigned char copy[512];

	memcpy(copy, record, s->stride);
	memmove(record_at(s, i + 1), record_at(s, i), (s->count - i) * s->stride);
	memcpy(record_at(s, i), copy, s->stride);
	s->count++;
}

/* A GAP record in the place of the record after the one that is lost. */
static void admit(struct stream *s, size_t i, uint64_t points)
{
	struct etalon_hw_record_gap gap = {
		.head = {.magic = ETALON_HW_RECORD_MAGIC,
			 .type = ETALON_HW_RECORD_GAP,
			 .size = (uint16_t)s->stride,
			 .generation = GENERATION,
			 .sequence = SEQUENCE + i + 1},
		.first = SEQUENCE + i,
		.count = 1,
		.points = points,
	};
	_Alignas(8) unsigned char record[512] = {0};

	memcpy(record, &gap, sizeof(gap));
	memcpy(record_at(s, i), record, s->stride);
	for (size_t k = i + 1; k < s->count; k++) /* everything after it moved up by one */
		((struct etalon_hw_record *)record_at(s, k))->sequence++;
	end_of(s)->dropped += points;
	end_of(s)->crc = crc_of(s);
}

/* ---- whole ---- */

START_TEST(a_whole_program_is_complete)
{
	struct stream s;
	struct ledger l;
	json_t *json;

	make(&s);
	begin(&l, &s);
	ck_assert_int_eq(ledger_feed(&l, s.bytes, s.count * s.stride, NULL), 0);
	ck_assert(ledger_counts_agree(&l));
	ck_assert(ledger_complete(&l));
	ck_assert_uint_eq(l.received, POINTS);
	ck_assert_uint_eq(l.end.tick - l.start.tick, 4900);
	json = ledger_json(&l);
	ck_assert(json_is_true(json_object_get(json, "complete")));
	ck_assert_int_eq(json_integer_value(json_object_get(json, "produced")), POINTS);
	ck_assert_str_eq(json_string_value(json_object_get(json, "crc")), "ok");
	ck_assert_str_eq(json_string_value(json_object_get(json, "cause")), "done");
	ck_assert_uint_eq(json_array_size(json_object_get(json, "why")), 0);
	ck_assert_uint_eq(json_array_size(json_object_get(json, "gaps")), 0);
	json_decref(json);
}
END_TEST

START_TEST(it_does_not_matter_how_the_stream_is_cut)
{
	struct stream s;
	struct ledger whole, cut;

	make(&s);
	begin(&whole, &s);
	ck_assert_int_eq(ledger_feed(&whole, s.bytes, s.count * s.stride, NULL), 0);
	for (size_t piece = 1; piece < s.count; piece++) {
		begin(&cut, &s);
		for (size_t i = 0; i < s.count; i += piece)
			ck_assert_int_eq(ledger_feed(&cut, record_at(&s, i),
						     MIN(piece, s.count - i) * s.stride, NULL),
					 0);
		ck_assert_int_eq(memcmp(&whole, &cut, sizeof(whole)), 0);
	}
}
END_TEST

START_TEST(saturated_points_are_counted)
{
	struct stream s;
	struct ledger l;

	make(&s);
	for (size_t i = 1; i <= 3; i++) {
		struct etalon_hw_record_point *p = record_at(&s, i);

		p->sample[i % 2].flags = ETALON_HW_SAMPLE_SATURATED | ETALON_HW_SAMPLE_STALE;
		p->sample[3].flags = ETALON_HW_SAMPLE_SATURATED; /* still one point */
	}
	((struct etalon_hw_record_point *)record_at(&s, 5))->sample[0].flags =
		ETALON_HW_SAMPLE_SETTLING;
	end_of(&s)->crc = crc_of(&s);
	begin(&l, &s);
	ck_assert_int_eq(ledger_feed(&l, s.bytes, s.count * s.stride, NULL), 0);
	ck_assert(ledger_complete(&l));
	ck_assert_uint_eq(l.saturated, 3);
}
END_TEST

/* ---- damage that is told, and by what words ---- */

static void end_says_more(struct stream *s)
{
	end_of(s)->produced++;
}

static void end_says_less(struct stream *s)
{
	end_of(s)->produced--;
}

static void end_says_dropped(struct stream *s)
{
	end_of(s)->dropped = 1;
}

static void end_hides_a_drop(struct stream *s)
{
	admit(s, 5, 1);
	end_of(s)->dropped = 0;
}

static void end_lies_twice(struct stream *s)
{
	end_of(s)->produced += 3;
	end_of(s)->dropped += 3;
}

static void wrong_crc(struct stream *s)
{
	end_of(s)->crc ^= 1;
}

static void flipped_payload(struct stream *s)
{
	((unsigned char *)record_at(s, 4))[100] ^= 1;
}

static void lost_on_the_way(struct stream *s)
{
	remove_record(s, 4);
}

static void last_lost_on_the_way(struct stream *s)
{
	remove_record(s, s->count - 2);
}

static void lost_status(struct stream *s)
{
	remove_record(s, 11);
}

static void admitted_gap(struct stream *s)
{
	admit(s, 5, 1);
}

/* In the place of the lost record: the board knows nothing of it. */
static void gap_of_the_host(struct stream *s)
{
	struct etalon_hw_record_gap gap = {
		.head = *(struct etalon_hw_record *)record_at(s, 5),
		.first = SEQUENCE + 5,
		.count = 1,
		.points = 1,
	};

	gap.head.type = ETALON_HW_RECORD_GAP;
	memcpy(record_at(s, 5), &gap, sizeof(gap));
}

static void gap_of_the_host_for_no_point(struct stream *s)
{
	struct etalon_hw_record_gap *gap = record_at(s, 11); /* was the STATUS */

	gap->head.type = ETALON_HW_RECORD_GAP;
	gap->first = gap->head.sequence;
	gap->count = 1;
	gap->points = 0;
}

static void gap_that_is_none(struct stream *s)
{
	struct etalon_hw_record_gap *gap = record_at(s, 11); /* was the STATUS */

	gap->head.type = ETALON_HW_RECORD_GAP;
	gap->first = SEQUENCE;
	gap->count = 1;
	gap->points = 1;
}

static void no_end(struct stream *s)
{
	s->count--;
}

static void stopped(struct stream *s)
{
	for (int i = 0; i < 5; i++)
		remove_record(s, s->count - 2);
	end_of(s)->head.sequence -= 5;
	end_of(s)->produced -= 5;
	end_of(s)->crc = crc_of(s);
	end_of(s)->cause = ETALON_HW_END_STOPPED;
}

static void short_but_done(struct stream *s)
{
	stopped(s);
	end_of(s)->cause = ETALON_HW_END_DONE;
}

static void tripped(struct stream *s)
{
	end_of(s)->cause = ETALON_HW_END_TRIPPED;
	end_of(s)->causes = ETALON_HW_CAUSE_INTERLOCK;
}

static void host_ends(struct stream *s)
{
	end_of(s)->cause = ETALON_HW_END_RESET;
	end_of(s)->flags = ETALON_HW_END_FLAG_HOST;
	end_of(s)->crc = 0;
}

/* Whatever else it says, it cannot vouch for the board. */
static void host_ends_well(struct stream *s)
{
	end_of(s)->flags = ETALON_HW_END_FLAG_HOST;
}

static void unknown_cause(struct stream *s)
{
	end_of(s)->cause = 77;
}

static void comparator(struct stream *s)
{
	end_of(s)->cause = ETALON_HW_END_COMPARATOR;
}

static void other_program(struct stream *s)
{
	((struct etalon_hw_record_start *)record_at(s, 0))->program_crc ^= 1;
}

static void other_run_key(struct stream *s)
{
	((struct etalon_hw_record_start *)record_at(s, 0))->run_key ^= 1;
}

static void nothing(struct stream *s)
{
	s->count = 0;
}

static const struct {
	const char *name;
	void (*damage)(struct stream *s);
	const char *why; /* must be part of one reason */
	bool counts_agree;
	const char *crc;
} damages[] = {
	{"END: more", end_says_more, "END says 21 points were produced and 0 dropped; 20 were",
	 false, "ok"},
	{"END: less", end_says_less, "END says 19 points were produced; point 19 was received",
	 false, "ok"},
	{"END: drop", end_says_dropped, "END says 1 points were dropped; GAP records say 0", false,
	 "ok"},
	{"END hides", end_hides_a_drop, "END says 0 points were dropped; GAP records say 1", false,
	 "ok"},
	{"END lies consistently", end_lies_twice,
	 "END says 3 points were dropped; GAP records say 0", false, "ok"},
	{"CRC", wrong_crc, "END says", true, "mismatch"},
	{"payload", flipped_payload, "CRC of the points is", true, "mismatch"},
	{"lost", lost_on_the_way, "1 records are missing; GAP records admit 0", false, "mismatch"},
	{"last lost", last_lost_on_the_way, "1 records are missing", false, "mismatch"},
	{"lost status", lost_status, "1 records are missing; GAP records admit 0", false, "ok"},
	{"gap", admitted_gap, "the board dropped 1 points", true, "ok"},
	{"host's gap", gap_of_the_host, "1 records, 1 points among them, were lost on their way",
	 false, "mismatch"},
	{"host's gap, no point", gap_of_the_host_for_no_point,
	 "1 records, 0 points among them, were lost on their way", false, "ok"},
	{"gap that is none", gap_that_is_none, "0 records are missing; GAP records admit 1", false,
	 "ok"},
	{"no END", no_end, "no END record", false, "unknown"},
	{"stopped", stopped, "ended early: cancelled", true, "ok"},
	{"short", short_but_done, "15 points were produced; the plan has 20", true, "ok"},
	{"tripped", tripped, "ended early: tripped: interlock open", true, "ok"},
	{"host's END", host_ends, "the board could not say END any more", true, "unknown"},
	{"host's END, done", host_ends_well, "the board could not say END any more", true,
	 "unknown"},
	{"unknown cause", unknown_cause, "ended early: unknown cause", true, "ok"},
	{"comparator", comparator, "ended early: comparator", true, "ok"},
	{"echo", other_program, "START echoes another program", true, "ok"},
	{"run key", other_run_key, "START echoes another program", true, "ok"},
	{"nothing", nothing, "no START record", false, "unknown"},
};

static bool says(const json_t *why, const char *words)
{
	const json_t *item;
	size_t i;

	json_array_foreach(why, i, item)
		if (strstr(json_string_value(item), words))
			return true;
	return false;
}

START_TEST(a_damaged_run_is_never_complete_and_says_why)
{
	struct stream s;
	struct ledger l;
	json_t *json, *why;
	char *text;

	make(&s);
	damages[_i].damage(&s);
	begin(&l, &s);
	ck_assert_int_eq(ledger_feed(&l, s.bytes, s.count * s.stride, NULL), 0);
	ck_assert_msg(!ledger_complete(&l), "%s", damages[_i].name);
	ck_assert_msg(ledger_counts_agree(&l) == damages[_i].counts_agree, "%s", damages[_i].name);
	json = ledger_json(&l);
	why = json_object_get(json, "why");
	text = json_dumps(why, 0);
	ck_assert_msg(says(why, damages[_i].why), "%s: %s", damages[_i].name, text);
	ck_assert(json_is_false(json_object_get(json, "complete")));
	ck_assert_str_eq(json_string_value(json_object_get(json, "crc")), damages[_i].crc);
	free(text);
	json_decref(json);
}
END_TEST

START_TEST(missing_points_are_listed_where_they_are)
{
	struct stream s;
	struct ledger l;

	make(&s);
	remove_record(&s, s.count - 2); /* point 19 */
	remove_record(&s, 4); /* point 3 */
	remove_record(&s, 4); /* point 4 */
	begin(&l, &s);
	ck_assert_int_eq(ledger_feed(&l, s.bytes, s.count * s.stride, NULL), 0);
	ck_assert_uint_eq(l.gap_count, 2);
	ck_assert_uint_eq(l.gaps[0].first, 3);
	ck_assert_uint_eq(l.gaps[0].count, 2);
	ck_assert_uint_eq(l.gaps[1].first, 19);
	ck_assert_uint_eq(l.gaps[1].count, 1);
	ck_assert_uint_eq(l.missing_points, 3);
	ck_assert_uint_eq(l.received, POINTS - 3);
}
END_TEST

/* ---- duplicates ---- */

static const size_t duplicate_places[] = {0, 1, 7, 11, 20, 22};

START_TEST(a_record_that_comes_twice_is_kept_once)
{
	struct stream s;
	struct ledger l;
	size_t i = duplicate_places[_i], kept = 0, at = 0;

	make(&s);
	insert_record(&s, i + 1, record_at(&s, i));
	if (i > 0) /* and again, later */
		insert_record(&s, s.count, record_at(&s, i));
	begin(&l, &s);
	while (at < s.count * s.stride) {
		size_t keep, used;

		ck_assert_int_eq(
			ledger_take(&l, s.bytes + at, s.count * s.stride - at, &keep, &used, NULL),
			0);
		ck_assert_uint_le(keep, used);
		ck_assert_uint_gt(used, 0);
		kept += keep;
		at += used;
	}
	ck_assert_uint_eq(kept, (POINTS + 3) * s.stride);
	ck_assert_uint_eq(l.duplicates, i > 0 ? 2 : 1);
	ck_assert_uint_eq(l.received, POINTS);
	ck_assert(ledger_complete(&l)); /* proven whole by counts and CRC */
}
END_TEST

/* ---- broken contracts ---- */

static void magic(struct stream *s)
{
	((struct etalon_hw_record *)record_at(s, 5))->magic = 0;
}

static void size(struct stream *s)
{
	((struct etalon_hw_record *)record_at(s, 5))->size = 136;
}

static void generation(struct stream *s)
{
	((struct etalon_hw_record *)record_at(s, 5))->generation++;
}

static void type(struct stream *s)
{
	((struct etalon_hw_record *)record_at(s, 5))->type = 6;
}

static void no_start(struct stream *s)
{
	remove_record(s, 0);
}

static void two_starts(struct stream *s)
{
	insert_record(s, s->count, record_at(s, 0));
	((struct etalon_hw_record *)record_at(s, s->count - 1))->sequence = SEQUENCE + s->count;
	remove_record(s, s->count - 2); /* the END */
}

static void after_end(struct stream *s)
{
	append(s, ETALON_HW_RECORD_STATUS);
}

static void swapped(struct stream *s)
{
	_Alignas(8) unsigned char record[512];

	memcpy(record, record_at(s, 5), s->stride);
	remove_record(s, 5);
	insert_record(s, 6, record);
}

static void before_start(struct stream *s)
{
	((struct etalon_hw_record *)record_at(s, 5))->sequence = 3;
}

static void number_back(struct stream *s)
{
	((struct etalon_hw_record_point *)record_at(s, 8))->number = 2;
}

static void other_detectors(struct stream *s)
{
	((struct etalon_hw_record_start *)record_at(s, 0))->detector_count = 30;
}

static void many_detectors(struct stream *s)
{
	((struct etalon_hw_record_start *)record_at(s, 0))->detector_count = UINT32_MAX;
}

static const struct {
	void (*damage)(struct stream *s);
	const char *message;
	size_t kept; /* records before it */
} breaks[] = {
	{magic, "begins with", 5},
	{size, "136 bytes", 5},
	{generation, "program 8", 5},
	{type, "unknown type 6", 5},
	{no_start, "no START", 0},
	{two_starts, "second START", POINTS + 2},
	{after_end, "after the END", POINTS + 3},
	{swapped, "came after", 6},
	{before_start, "came after", 5},
	{number_back, "point 2 came after", 8},
	{other_detectors, "30 detectors", 0},
	{many_detectors, "detectors", 0},
};

START_TEST(a_broken_contract_ends_the_run_and_keeps_what_came_before)
{
	struct stream s;
	struct ledger l;
	char *message = NULL;
	size_t keep, used;

	make(&s);
	breaks[_i].damage(&s);
	begin(&l, &s);
	ck_assert_int_eq(ledger_take(&l, s.bytes, s.count * s.stride, &keep, &used, &message),
			 -EPROTO);
	ck_assert_msg(message && strstr(message, breaks[_i].message), "%s: %s", breaks[_i].message,
		      message ? message : "(no message)");
	ck_assert_uint_eq(keep, breaks[_i].kept * s.stride);
	ck_assert(!ledger_complete(&l) || breaks[_i].damage == after_end);
	free(message);
}
END_TEST

START_TEST(half_a_record_is_none)
{
	struct stream s;
	struct ledger l;

	make(&s);
	begin(&l, &s);
	ck_assert_int_eq(ledger_feed(&l, s.bytes, s.stride + 1, NULL), -EPROTO);
}
END_TEST

/* ---- comparators ---- */

static const struct {
	uint8_t action;
	uint32_t cause;
	bool complete;
} comparators[] = {
	{ETALON_HW_COMPARATOR_END_PROGRAM, ETALON_HW_END_COMPARATOR, true},
	{ETALON_HW_COMPARATOR_END_AXIS, ETALON_HW_END_DONE, true},
	{ETALON_HW_COMPARATOR_END_AXIS, ETALON_HW_END_COMPARATOR, false},
	{ETALON_HW_COMPARATOR_FLAG, ETALON_HW_END_COMPARATOR, false},
	{ETALON_HW_COMPARATOR_FLAG, ETALON_HW_END_DONE, false},
};

START_TEST(an_end_that_the_program_planned_is_complete)
{
	struct stream s;
	struct ledger l;

	make(&s);
	s.program.comparator[1] = (struct etalon_hw_comparator){.kind = ETALON_HW_COMPARATOR_ABOVE,
								.action = comparators[_i].action};
	((struct etalon_hw_record_start *)record_at(&s, 0))->program_crc =
		crc32c(0, &s.program, sizeof(s.program));
	short_but_done(&s);
	end_of(&s)->cause = comparators[_i].cause;
	begin(&l, &s);
	ck_assert_int_eq(ledger_feed(&l, s.bytes, s.count * s.stride, NULL), 0);
	ck_assert_int_eq(ledger_complete(&l), comparators[_i].complete);
}
END_TEST

START_TEST(more_gaps_than_are_listed_are_counted)
{
	struct ledger l;
	struct etalon_hw_program p = fake_dark(1000);
	_Alignas(8) unsigned char record[128] = {0};
	struct etalon_hw_record_start *start = (void *)record;
	json_t *json;

	ledger_begin(&l, GENERATION, NULL, 128, 0, 0);
	start->head = (struct etalon_hw_record){.magic = ETALON_HW_RECORD_MAGIC,
						.type = ETALON_HW_RECORD_START,
						.size = 128,
						.generation = GENERATION};
	start->detector_count = p.detector_count;
	ck_assert_int_eq(ledger_feed(&l, record, 128, NULL), 0);
	p.generation = GENERATION;
	for (uint64_t i = 1; i < 400; i += 2) {
		fake_point(&p, 128, i, 1 + i, record);
		ck_assert_int_eq(ledger_feed(&l, record, 128, NULL), 0);
	}
	ck_assert_uint_eq(l.gap_count, 200);
	json = ledger_json(&l);
	ck_assert_uint_eq(json_array_size(json_object_get(json, "gaps")), LEDGER_GAPS_MAX);
	ck_assert_int_eq(json_integer_value(json_object_get(json, "gap_count")), 200);
	ck_assert(json_is_null(json_object_get(json, "produced")));
	json_decref(json);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("ledger");
	TCase *tc = tcase_create("ledger");

	tcase_add_test(tc, a_whole_program_is_complete);
	tcase_add_test(tc, it_does_not_matter_how_the_stream_is_cut);
	tcase_add_test(tc, saturated_points_are_counted);
	tcase_add_loop_test(tc, a_damaged_run_is_never_complete_and_says_why, 0,
			    (int)ARRAY_SIZE(damages));
	tcase_add_test(tc, missing_points_are_listed_where_they_are);
	tcase_add_loop_test(tc, a_record_that_comes_twice_is_kept_once, 0,
			    (int)ARRAY_SIZE(duplicate_places));
	tcase_add_loop_test(tc, a_broken_contract_ends_the_run_and_keeps_what_came_before, 0,
			    (int)ARRAY_SIZE(breaks));
	tcase_add_test(tc, half_a_record_is_none);
	tcase_add_loop_test(tc, an_end_that_the_program_planned_is_complete, 0,
			    (int)ARRAY_SIZE(comparators));
	tcase_add_test(tc, more_gaps_than_are_listed_are_counted);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
