// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Uploads by DMA: from many pages, and refused whole when a part does not arrive.
 */
#include "pcie_bench.h"

START_TEST(a_list_comes_by_dma_from_many_pages)
{
	enum { POINTS = 5000 };
	struct pcie_host *h = pcie_open(&(struct bench_options){.seed = 1}, 8);
	struct etalon_hw_program p = bench_program();
	struct etalon_hw_axis *a;
	int64_t *values = malloc(POINTS * sizeof(*values));

	for (int64_t i = 0; i < POINTS; i++)
		values[i] = 200000 * (i * 31 % POINTS); /* steps of h1 */
	ck_assert_uint_eq(pcie_upload(h, ETALON_HW_UPLOAD_LIST, 2, values, POINTS * 8),
			  ETALON_HW_RESULT_OK);
	a = bench_axis(&p, ETALON_HW_MODE_STEP, ETALON_HW_FORWARD, POINTS);
	a->shape = ETALON_HW_AXIS_LIST;
	bench_gang(a, ERB1_H1, 0, 0);
	a->gang[0].list = 2;
	pcie_run(h, &p);
	ck_assert_uint_eq(bench_count(h->t, ETALON_HW_RECORD_POINT), POINTS);
	ck_assert_int_eq((int64_t)rd64(h->t, ETALON_REG_SOURCE(ERB1_H1) + ETALON_SOURCE_SETPOINT),
			 values[POINTS - 1]);
	free(values);
	pcie_close(h);
}
END_TEST

static void upload_too_long(struct pcie_host *h)
{
	wr(h->t, ETALON_REG_UPLOAD_SIZE, board_description(h->t->b)->list_points_max * 8 + 17);
}

static void upload_empty(struct pcie_host *h)
{
	wr(h->t, ETALON_REG_UPLOAD_SIZE, 0);
}

static void upload_shorter(struct pcie_host *h)
{
	wr(h->t, ETALON_REG_UPLOAD_SIZE, rd(h->t, ETALON_REG_UPLOAD_SIZE) - 8);
}

static void upload_torn(struct pcie_host *h)
{
	*(uint8_t *)pcie_at(h, AT_UPLOAD + 100) ^= 1;
}

static void upload_no_table(struct pcie_host *h)
{
	wr64(h->t, ETALON_REG_UPLOAD_TABLE, 0);
}

static void upload_table_elsewhere(struct pcie_host *h)
{
	wr64(h->t, ETALON_REG_UPLOAD_TABLE, -8);
}

static void upload_odd_page(struct pcie_host *h)
{
	*(uint64_t *)pcie_at(h, AT_UPLOAD_TABLE) += 16;
}

static void upload_page_elsewhere(struct pcie_host *h)
{
	*(uint64_t *)pcie_at(h, AT_UPLOAD_TABLE) = 0;
}

static void upload_page_size(struct pcie_host *h)
{
	wr(h->t, ETALON_REG_RING_PAGE_SHIFT, 23);
}

static void upload_no_master(struct pcie_host *h)
{
	h->master = false;
}

static const struct {
	void (*spoil)(struct pcie_host *h);
	uint32_t result, detail;
} uploads[] = {
	{upload_too_long, ETALON_HW_REFUSED_UPLOAD, ETALON_REG_UPLOAD_SIZE},
	{upload_empty, ETALON_HW_REFUSED_UPLOAD, 0},
	{upload_shorter, ETALON_HW_REFUSED_UPLOAD, 0},
	{upload_torn, ETALON_HW_REFUSED_UPLOAD, 0},
	{upload_no_table, ETALON_HW_REFUSED_DMA, ETALON_REG_UPLOAD_TABLE},
	{upload_table_elsewhere, ETALON_HW_REFUSED_DMA, ETALON_REG_UPLOAD_TABLE},
	{upload_odd_page, ETALON_HW_REFUSED_DMA, ETALON_REG_UPLOAD_TABLE},
	{upload_page_elsewhere, ETALON_HW_REFUSED_DMA, ETALON_REG_UPLOAD_TABLE},
	{upload_page_size, ETALON_HW_REFUSED_DMA, ETALON_REG_RING_PAGE_SHIFT},
	{upload_no_master, ETALON_HW_REFUSED_DMA, ETALON_REG_UPLOAD_TABLE},
};

START_TEST(an_upload_that_does_not_arrive_is_refused_and_spoils_what_was)
{
	struct pcie_host *h = pcie_open(&(struct bench_options){.seed = 1}, 8);
	const struct etalon_hw_program p = pcie_steps(10);

	ck_assert_uint_eq(pcie_upload(h, ETALON_HW_UPLOAD_PROGRAM, 0, &p, sizeof(p)),
			  ETALON_HW_RESULT_OK);
	uploads[_i].spoil(h);
	ck_assert_uint_eq(command(h->t, ETALON_HW_COMMAND_UPLOAD), uploads[_i].result);
	ck_assert_uint_eq(rd(h->t, ETALON_REG_RESULT_DETAIL), uploads[_i].detail);
	ck_assert_uint_eq(command(h->t, ETALON_HW_COMMAND_LOAD), ETALON_HW_REFUSED_UPLOAD);
	h->master = true;
	pcie_set_ring(h, 8);
	pcie_run(h, &p);
	pcie_close(h);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pcie uploads");
	TCase *tcase = tcase_create("uploads");

	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, a_list_comes_by_dma_from_many_pages);
	tcase_add_loop_test(tcase, an_upload_that_does_not_arrive_is_refused_and_spoils_what_was, 0,
			    ARRAY_SIZE(uploads));
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
