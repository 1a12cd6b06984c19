// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Memory that goes away and resets: both end program and light, and leave a board that works again.
 */
#include "pcie_bench.h"

START_TEST(memory_that_goes_away_ends_program_and_light)
{
	struct pcie_host *h = pcie_open(&(struct bench_options){.seed = 1}, 8);
	const struct etalon_hw_program p = pcie_steps(1000);

	bench_emit(h->t);
	pcie_start(h, &p);
	pcie_pass(h, 10 * MS);
	h->hole = _i ? AT_CONTROL : pcie_ring_page(h, 5);
	h->consumes = false;
	pcie_pass(h, 50 * MS);
	ck_assert_uint_eq(rd(h->t, ETALON_REG_SEQUENCER), ETALON_HW_SEQUENCER_ENDED);
	ck_assert_uint_eq(rd(h->t, ETALON_REG_STATE), ETALON_HW_STATE_TRIPPED);
	ck_assert_uint_eq(rd(h->t, ETALON_REG_CAUSES_LATCHED), ETALON_HW_CAUSE_LINK);
	ck_assert_uint_eq(command(h->t, ETALON_HW_COMMAND_START), ETALON_HW_REFUSED_DMA);
	h->hole = 0;
	ck_assert_uint_eq(command(h->t, ETALON_HW_COMMAND_CLEAR), ETALON_HW_RESULT_OK);
	pcie_take(h, ETALON_HW_STRIDE_MIN);
	h->consumes = true; /* the ring can be used again; what could not be delivered is lost */
	pcie_run(h, &p);
	ck_assert_uint_eq(bench_count(h->t, ETALON_HW_RECORD_POINT), 1000);
	ck_assert_uint_gt(pcie_control(h)->lost, 0);
	pcie_close(h);
}
END_TEST

START_TEST(a_reset_is_cause_link_and_brings_registers_to_power_on)
{
	struct pcie_host *h = pcie_open(&(struct bench_options){.seed = 1}, 8);
	struct bench *fresh = bench_default();
	struct bench *t = h->t;
	const struct etalon_hw_program p = pcie_steps(1000);

	wr(t, ETALON_REG_SCRATCH, 0x1234);
	wr(t, ETALON_REG_AUX_DIRECTION, 0xff);
	wr(t, ETALON_REG_INTERRUPT_ENABLE, 7);
	wr(t, ETALON_REG_DETECTOR(0), 3);
	ck_assert_uint_eq(set_source(t, ERB1_TEC1, 310000000), ETALON_HW_RESULT_OK);
	ck_assert_uint_eq(set_source(t, ERB1_H1, 1000000000), ETALON_HW_RESULT_OK);
	bench_emit(t);
	pcie_start(h, &p);
	pcie_pass(h, 10 * MS);
	board_reset(t->b);
	bench_pass(t, 10 * MS);
	ck_assert_uint_eq(rd(t, ETALON_REG_STATE), ETALON_HW_STATE_TRIPPED);
	ck_assert_uint_eq(rd(t, ETALON_REG_CAUSES_LATCHED), ETALON_HW_CAUSE_LINK);
	ck_assert_uint_eq(rd(t, ETALON_REG_CAUSES_LIVE), 0);
	for (uint32_t a = ETALON_REG_AUX_DIRECTION; a <= ETALON_REG_AUX_OUT; a += 4)
		ck_assert_uint_eq(rd(t, a), rd(fresh, a));
	for (uint32_t a = ETALON_REG_RING_TABLE; a < ETALON_REG_RING_PAGE_SHIFT; a += 4)
		ck_assert_uint_eq(rd(t, a), 0);
	ck_assert_uint_eq(rd(t, ETALON_REG_INTERRUPT_ENABLE), 0);
	ck_assert_uint_eq(rd(t, ETALON_REG_INTERRUPT_GAP_NS), 1000000);
	ck_assert_uint_eq(rd(t, ETALON_REG_SCRATCH), 0);
	ck_assert_uint_eq(rd(t, ETALON_REG_WATCHDOG_NS), 0);
	ck_assert_uint_eq(rd(t, ETALON_REG_LIMITS_WRITTEN), 0);
	ck_assert_uint_eq(rd(t, ETALON_REG_SEQUENCER), ETALON_HW_SEQUENCER_IDLE);
	ck_assert_uint_eq(rd(t, ETALON_REG_DETECTOR(0)), rd(fresh, ETALON_REG_DETECTOR(0)));
	/* Temperature control holds, heaters go to zero. */
	ck_assert_uint_eq(rd64(t, ETALON_REG_SOURCE(ERB1_TEC1)), 310000000);
	ck_assert_uint_eq(rd64(t, ETALON_REG_SOURCE(ERB1_H1)), 0);
	ck_assert_uint_eq(command(t, ETALON_HW_COMMAND_LOAD), ETALON_HW_REFUSED_UPLOAD);
	/* The next driver finds a board that works, and sequence numbers that go on. */
	ck_assert_uint_eq(command(t, ETALON_HW_COMMAND_CLEAR), ETALON_HW_RESULT_OK);
	pcie_set_ring(h, 8);
	ck_assert_uint_gt(h->consumer, 100);
	pcie_run(h, &p);
	ck_assert_uint_eq(bench_count(t, ETALON_HW_RECORD_POINT), 1000);
	bench_close(fresh);
	pcie_close(h);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pcie reset");
	TCase *tcase = tcase_create("reset");

	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, memory_that_goes_away_ends_program_and_light, 0, 2);
	tcase_add_test(tcase, a_reset_is_cause_link_and_brings_registers_to_power_on);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
