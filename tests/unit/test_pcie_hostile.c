// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The fault "hostile": the board lies for so many steps and no more, measures all the while, and goes dark
 * as ever.
 */
#include "pcie_bench.h"

static uint32_t wrong_reads(struct pcie_host *h, uint32_t reads)
{
	uint32_t wrong = 0;

	for (uint32_t i = 0; i < reads; i++)
		wrong += rd(h->t, ETALON_REG_MAGIC) != ETALON_HW_MAGIC;
	return wrong;
}

START_TEST(a_hostile_board_lies_for_so_many_steps_and_is_itself_again)
{
	struct pcie_host *h = pcie_open(&(struct bench_options){.seed = 1, .log = true}, 64);
	const struct etalon_hw_program p = pcie_steps(1000);
	const struct etalon_hw_control *c = pcie_control(h);
	uint64_t producer = 0, nonsense = 0;
	const struct etalon_hw_record_end *last;
	json_t *line;
	long at = 0;

	wr(h->t, ETALON_REG_INTERRUPT_ENABLE, 7);
	pcie_start(h, &p);
	h->consumes = false;
	bench_fault(h->t, "{\"fault\": \"hostile\", \"count\": 1000}");
	ck_assert_uint_gt(wrong_reads(h, 300), 50);
	for (int i = 0; i < 60; i++) { /* 600 records: not all steps yet */
		bench_pass(h->t, MS);
		nonsense += c->producer > 700 || c->producer < producer;
		producer = c->producer;
	}
	ck_assert_uint_gt(nonsense, 10);
	ck_assert_uint_gt(h->messages[2], 100);
	bench_pass(h->t, 60 * MS);
	ck_assert_uint_eq(wrong_reads(h, 300), 0);
	line = bench_log_next(h->t, "hostile-end", &at);
	ck_assert_int_eq(json_integer_value(json_object_get(line, "steps")), 1000);
	json_decref(line);
	/* It measured all the while: what comes after the last step is sound. */
	ck_assert_uint_eq(c->producer, rd64(h->t, ETALON_REG_PRODUCED));
	ck_assert_uint_eq(c->sequencer, ETALON_HW_SEQUENCER_ENDED);
	pcie_take(h, ETALON_HW_STRIDE_MIN);
	last = (const void *)(h->t->records + h->t->bytes - ETALON_HW_STRIDE_MIN);
	ck_assert_uint_eq(last->head.type, ETALON_HW_RECORD_END);
	ck_assert_uint_eq(last->produced, 1000);
	ck_assert_uint_eq(last->dropped, 0);
	pcie_close(h);
}
END_TEST

START_TEST(a_hostile_board_lies_no_more_often_than_it_is_told_to)
{
	struct pcie_host *h = pcie_open(&(struct bench_options){.seed = 1}, 8);
	uint32_t wrong;

	bench_fault(h->t, "{\"fault\": \"hostile\", \"count\": 20000, \"one_in\": 100}");
	wrong = wrong_reads(h, 20000);
	ck_assert_uint_gt(wrong, 60); /* 5 of 8 of 200 */
	ck_assert_uint_lt(wrong, 190);
	pcie_close(h);
}
END_TEST

START_TEST(madness_does_not_keep_the_board_from_going_dark)
{
	struct pcie_host *h = pcie_open(&(struct bench_options){.seed = 1}, 8);

	bench_emit(h->t);
	bench_fault(h->t, "{\"fault\": \"hostile\", \"count\": 5}");
	h->t->kicks = false;
	bench_pass(h->t, 260 * MS);
	wrong_reads(h, 5);
	ck_assert_uint_eq(rd(h->t, ETALON_REG_CAUSES_LATCHED), ETALON_HW_CAUSE_WATCHDOG);
	pcie_close(h);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pcie hostile");
	TCase *tcase = tcase_create("hostile");

	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, a_hostile_board_lies_for_so_many_steps_and_is_itself_again);
	tcase_add_test(tcase, a_hostile_board_lies_no_more_often_than_it_is_told_to);
	tcase_add_test(tcase, madness_does_not_keep_the_board_from_going_dark);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
