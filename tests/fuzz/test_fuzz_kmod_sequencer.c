// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Programs at random: driver and board judge each alike, for the same reason. They were written apart, so that
 * where both agree hw.h was understood. Arguments: count, seed.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "../../kmod/sequencer.h"
#include "../common/erb1_board.h"
#include "trial.h"
#include "base/util.h"
#include "emulator/program.h"
#include "kmod_program.h"

#include "run_suite.h" /* last: it defines a macro fail() */

#define RATE_MAX 100000

static uint64_t rounds = 50000, seed;

static uint64_t nasty(uint64_t *state)
{
	static const uint64_t values[] = {
		0,
		1,
		2,
		3,
		7,
		8,
		0x7f,
		0xff,
		0xffff,
		0x7fffffff,
		0x80000000,
		0xffffffff,
		INT64_MAX,
		1ULL << 63,
		UINT64_MAX,
		1ULL << 61,
		1ULL << 62,
		1550000000,
		1000000000000,
	};
	const uint64_t r = trial_next(state);

	return r % 3 ? values[r / 3 % ARRAY_SIZE(values)] : trial_next(state) >> r % 64;
}

static void damage(struct etalon_hw_program *p, uint64_t *state)
{
	for (unsigned int hits = (unsigned int)(trial_next(state) % 4); hits; hits--) {
		const uint64_t value = nasty(state), r = trial_next(state);
		const size_t width = (size_t)1 << r % 4;

		memcpy((char *)p + (size_t)(r / 4) % (sizeof(*p) - 8) / width * width, &value,
		       width);
	}
}

struct bench {
	struct description *board;
	struct etalon_description_view view;
	struct etalon_span span[ETALON_HW_SOURCES_MAX];
	int64_t low[ETALON_HW_SOURCES_MAX], high[ETALON_HW_SOURCES_MAX];
	struct etalon_list list[ETALON_HW_LISTS_MAX];
	struct uploaded_list uploaded[ETALON_HW_LISTS_MAX];
	int64_t values[KMOD_LIST_POINTS];
};

static void set_up(struct bench *b)
{
	struct etalon_description_fault fault;

	memset(b, 0, sizeof(*b));
	b->board = erb1_board();
	ck_assert_int_eq(etalon_description_check(b->board->raw, (uint32_t)b->board->raw_size,
						  &b->view, &fault),
			 0);
	for (uint32_t i = 0; i < b->view.head->source_count; i++) {
		b->low[i] = b->span[i].low = b->view.source[i].min;
		b->high[i] = b->span[i].high = b->view.source[i].max;
	}
	memcpy(b->values, kmod_list, sizeof(kmod_list));
	b->list[0] = (struct etalon_list){(const __s64 *)kmod_list, KMOD_LIST_POINTS};
	b->uploaded[0] = (struct uploaded_list){b->values, KMOD_LIST_POINTS};
}

static int ask_driver(const struct bench *b, const struct etalon_hw_program *p,
		      struct etalon_refusal *refusal)
{
	const struct etalon_program_context context = {
		.description = &b->view,
		.limits = b->span,
		.lists = b->list,
		.record_rate_max = RATE_MAX,
	};
	struct etalon_program_facts facts;

	return etalon_program_check(&context, p, &facts, refusal);
}

static int ask_board(const struct bench *b, const struct etalon_hw_program *p,
		     struct refusal *refusal)
{
	const struct program_context context = {
		.description = b->board->raw,
		.limit_low = b->low,
		.limit_high = b->high,
		.lists = b->uploaded,
		.record_rate_max = RATE_MAX,
	};
	struct program *program = NULL;
	int r = program_load(&context, p, &program, refusal);

	program_free(program);
	return r;
}

START_TEST(driver_and_board_judge_alike)
{
	uint64_t state = seed, accepted = 0;
	struct bench b;

	set_up(&b);
	for (uint64_t i = 0; i < rounds; i++) {
		struct etalon_hw_program p =
			i % 2 ? kmod_ramp(b.view.head) : kmod_nest(b.view.head);
		struct etalon_refusal driver = {0};
		struct refusal board = {0};
		int r;

		damage(&p, &state);
		r = ask_driver(&b, &p, &driver);
		ck_assert_int_eq(ask_board(&b, &p, &board) < 0, r < 0);
		ck_assert_msg(driver.result == board.result && driver.detail == board.detail,
			      "program %" PRIu64 ": driver %u, %u; board %u, %u", i, driver.result,
			      driver.detail, board.result, board.detail);
		ck_assert_int_eq(r, etalon_hw_result_errno(driver.result));
		accepted += r == 0;
	}
	description_free(b.board);
	printf("%" PRIu64 " programs, %" PRIu64 " of them accepted, seed %" PRIu64 "\n", rounds,
	       accepted, seed);
	ck_assert_uint_gt(accepted, 0);
	ck_assert_uint_lt(accepted, rounds);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite = suite_create("fuzz kmod sequencer");
	TCase *tc = tcase_create("fuzz");

	trial_arguments(argc, argv, &rounds, &seed);
	tcase_set_timeout(tc, 0);
	tcase_add_test(tc, driver_and_board_judge_alike);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
