// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What the DMA engine and its registers refuse: rings that cannot be used, changes during a program, more
 * records than the link carries.
 */
#include "pcie_bench.h"

enum wrong {
	NO_TABLE,
	ODD_TABLE,
	TABLE_ELSEWHERE,
	NO_PAGES,
	MANY_PAGES,
	SMALL_PAGES,
	LARGE_PAGES,
	ODD_PAGE,
	PAGE_ELSEWHERE,
	PAGE_AT_THE_END,
	NO_CONTROL,
	ODD_CONTROL,
	CONTROL_ELSEWHERE,
	NO_MASTER,
};

static const struct {
	enum wrong wrong;
	uint32_t detail;
} rings[] = {
	{NO_TABLE, ETALON_REG_RING_TABLE},
	{ODD_TABLE, ETALON_REG_RING_TABLE},
	{TABLE_ELSEWHERE, ETALON_REG_RING_TABLE},
	{NO_PAGES, ETALON_REG_RING_PAGES},
	{MANY_PAGES, ETALON_REG_RING_PAGES},
	{SMALL_PAGES, ETALON_REG_RING_PAGE_SHIFT},
	{LARGE_PAGES, ETALON_REG_RING_PAGE_SHIFT},
	{ODD_PAGE, ETALON_REG_RING_TABLE},
	{PAGE_ELSEWHERE, ETALON_REG_RING_TABLE},
	{PAGE_AT_THE_END, ETALON_REG_RING_TABLE},
	{NO_CONTROL, ETALON_REG_CONTROL_BLOCK},
	{ODD_CONTROL, ETALON_REG_CONTROL_BLOCK},
	{CONTROL_ELSEWHERE, ETALON_REG_CONTROL_BLOCK},
	{NO_MASTER, ETALON_REG_CONTROL_BLOCK},
};

static void spoil(struct pcie_host *h, enum wrong wrong)
{
	uint64_t *table = pcie_at(h, AT_TABLE);
	struct bench *t = h->t;

	switch (wrong) {
	case NO_TABLE:
		return wr64(t, ETALON_REG_RING_TABLE, 0);
	case ODD_TABLE:
		return wr64(t, ETALON_REG_RING_TABLE, AT_TABLE + 4);
	case TABLE_ELSEWHERE:
		return wr64(t, ETALON_REG_RING_TABLE, HOST_BASE + HOST_BYTES - 8);
	case NO_PAGES:
		return wr(t, ETALON_REG_RING_PAGES, 0);
	case MANY_PAGES:
		return wr(t, ETALON_REG_RING_PAGES, UINT32_MAX);
	case SMALL_PAGES:
		return wr(t, ETALON_REG_RING_PAGE_SHIFT, 11);
	case LARGE_PAGES:
		return wr(t, ETALON_REG_RING_PAGE_SHIFT, 64);
	case ODD_PAGE:
		table[3] += 8;
		return;
	case PAGE_ELSEWHERE:
		table[7] = HOST_BASE - HOST_PAGE;
		return;
	case PAGE_AT_THE_END:
		table[0] = UINT64_MAX - HOST_PAGE + 1;
		return;
	case NO_CONTROL:
		return wr64(t, ETALON_REG_CONTROL_BLOCK, 0);
	case ODD_CONTROL:
		return wr64(t, ETALON_REG_CONTROL_BLOCK, AT_CONTROL + 32);
	case CONTROL_ELSEWHERE:
		return wr64(t, ETALON_REG_CONTROL_BLOCK, HOST_BASE + HOST_BYTES - 64);
	case NO_MASTER:
		h->master = false;
		return;
	}
}

START_TEST(start_refuses_a_ring_that_cannot_be_used)
{
	struct pcie_host *h = pcie_open(&(struct bench_options){.seed = 1}, 8);
	const struct etalon_hw_program p = pcie_steps(10);

	ck_assert_uint_eq(pcie_upload(h, ETALON_HW_UPLOAD_PROGRAM, 0, &p, sizeof(p)),
			  ETALON_HW_RESULT_OK);
	ck_assert_uint_eq(command(h->t, ETALON_HW_COMMAND_LOAD), ETALON_HW_RESULT_OK);
	spoil(h, rings[_i].wrong);
	ck_assert_uint_eq(command(h->t, ETALON_HW_COMMAND_START), ETALON_HW_REFUSED_DMA);
	ck_assert_uint_eq(rd(h->t, ETALON_REG_RESULT_DETAIL), rings[_i].detail);
	bench_pass(h->t, MS);
	h->master = true;
	pcie_set_ring(h, 8); /* and no harm is done */
	pcie_run(h, &p);
	pcie_close(h);
}
END_TEST

START_TEST(the_registers_of_dma_wait_for_the_end_of_a_program)
{
	static const uint32_t registers[] = {
		ETALON_REG_RING_TABLE + 4,   ETALON_REG_RING_PAGES,
		ETALON_REG_RING_PAGE_SHIFT,  ETALON_REG_CONTROL_BLOCK + 4,
		ETALON_REG_UPLOAD_TABLE + 4, ETALON_REG_UPLOAD_SIZE,
		ETALON_REG_INTERRUPT_ENABLE, ETALON_REG_INTERRUPT_GAP_NS,
	};
	struct pcie_host *h = pcie_open(&(struct bench_options){.seed = 1}, 8);
	const struct etalon_hw_program p = pcie_steps(100);
	const uint32_t a = registers[_i];
	uint32_t before;

	pcie_start(h, &p);
	before = rd(h->t, a);
	wr(h->t, a, 2000000);
	ck_assert_uint_eq(rd(h->t, ETALON_REG_RESULT), ETALON_HW_REFUSED_STATE);
	ck_assert_uint_eq(rd(h->t, a), before);
	command(h->t, ETALON_HW_COMMAND_STOP);
	wr(h->t, a, 2000000);
	ck_assert_uint_eq(rd(h->t, ETALON_REG_RESULT), ETALON_HW_RESULT_OK);
	pcie_close(h);
}
END_TEST

START_TEST(a_board_without_dma_has_none_of_its_registers)
{
	struct bench *t = bench_default();

	wr64(t, ETALON_REG_RING_TABLE, AT_TABLE);
	wr(t, ETALON_REG_RING_PAGES, 4);
	wr(t, ETALON_REG_INTERRUPT_ENABLE, 7);
	for (uint32_t a = ETALON_REG_RING_TABLE; a <= ETALON_REG_INTERRUPT_GAP_NS; a += 4)
		ck_assert_uint_eq(rd(t, a), 0);
	ck_assert_uint_eq(command(t, ETALON_HW_COMMAND_UPLOAD), ETALON_HW_REFUSED_DMA);
	bench_close(t);
}
END_TEST

START_TEST(pcie_states_its_own_record_rate_and_refuses_more)
{
	const struct bench_options o = {.parameters = "{\"pcie_record_rate_max\": 9999}"};
	struct pcie_host *h = pcie_open(&o, 8);
	struct etalon_hw_program p = pcie_steps(10); /* 10000 points/s */

	ck_assert_uint_eq(rd(h->t, ETALON_REG_RECORD_RATE_MAX), 9999);
	ck_assert_uint_eq(pcie_upload(h, ETALON_HW_UPLOAD_PROGRAM, 0, &p, sizeof(p)),
			  ETALON_HW_RESULT_OK);
	ck_assert_uint_eq(command(h->t, ETALON_HW_COMMAND_LOAD), ETALON_HW_REFUSED_RATE);
	ck_assert_uint_eq(rd64(h->t, ETALON_REG_RESULT_HIGH), 9999);
	pcie_close(h);
}
END_TEST

START_TEST(starts_that_nobody_reads_are_refused_before_they_overrun)
{
	struct bench *t =
		bench_open(&(struct bench_options){.parameters = "{\"fifo_records\": 8}"});
	const struct etalon_hw_program p = pcie_steps(3);
	uint32_t r = ETALON_HW_RESULT_OK;
	int starts = 0;

	t->reads = false;
	ck_assert_uint_eq(bench_load(t, &p), ETALON_HW_RESULT_OK);
	while (r == ETALON_HW_RESULT_OK && starts++ < 20) {
		r = command(t, ETALON_HW_COMMAND_START);
		command(t, ETALON_HW_COMMAND_STOP);
	}
	ck_assert_uint_eq(r, ETALON_HW_REFUSED_STATE);
	ck_assert_int_eq(starts, 5); /* START and END each; eight records */
	t->reads = true;
	bench_pass(t, MS);
	bench_run(t, &p);
	bench_close(t);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pcie refusals");
	TCase *tcase = tcase_create("refusals");

	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, start_refuses_a_ring_that_cannot_be_used, 0, ARRAY_SIZE(rings));
	tcase_add_loop_test(tcase, the_registers_of_dma_wait_for_the_end_of_a_program, 0, 8);
	tcase_add_test(tcase, a_board_without_dma_has_none_of_its_registers);
	tcase_add_test(tcase, pcie_states_its_own_record_rate_and_refuses_more);
	tcase_add_test(tcase, starts_that_nobody_reads_are_refused_before_they_overrun);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
