// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The ring in a host's memory holds what the FIFO would have given, byte for byte: wrap, overflow and gaps,
 * another stride, hosts that lie about what they have read.
 */
#include "pcie_bench.h"

static const struct {
	uint32_t points, pages, detectors;
	bool speed_max;
} runs[] = {
	{100, 64, 1, false},
	{1000, 1, 1, false}, /* the ring holds 32 records: it wraps often */
	{3000, 3, 9, true}, /* 164 bytes, padded to 168: records cross pages */
	{500, 2, ERB1_DETECTORS, false},
};

START_TEST(the_ring_holds_what_the_fifo_gives_byte_for_byte)
{
	const struct bench_options o = {.seed = 7, .speed_max = runs[_i].speed_max};
	struct etalon_hw_program p = pcie_steps(runs[_i].points);
	struct pcie_host *h = pcie_open(&o, runs[_i].pages);
	struct bench *usb = bench_open(&o);

	p.detector_count = runs[_i].detectors;
	for (uint16_t d = 0; d < runs[_i].detectors; d++)
		p.detector[d].detector = d;
	bench_run(usb, &p);
	pcie_run(h, &p);
	ck_assert_uint_eq(bench_count(h->t, ETALON_HW_RECORD_POINT), runs[_i].points);
	ck_assert_uint_eq(h->t->bytes, usb->bytes);
	ck_assert_mem_eq(h->t->records, usb->records, usb->bytes);
	bench_close(usb);
	pcie_close(h);
}
END_TEST

START_TEST(the_control_block_tells_producer_state_and_sequencer)
{
	struct pcie_host *h = pcie_open(&(struct bench_options){.seed = 1}, 8);
	const struct etalon_hw_control *c = pcie_control(h);
	const struct etalon_hw_program p = pcie_steps(10);

	bench_emit(h->t);
	ck_assert_uint_eq(c->state, ETALON_HW_STATE_EMITTING);
	pcie_run(h, &p);
	ck_assert_uint_eq(c->sequencer, ETALON_HW_SEQUENCER_ENDED);
	ck_assert_uint_eq(c->producer, 12); /* START, ten points, END */
	ck_assert_uint_eq(c->producer, rd64(h->t, ETALON_REG_PRODUCED));
	ck_assert_uint_eq(c->lost, 0);
	bench_fault(h->t, "{\"fault\": \"interlock-open\"}");
	bench_pass(h->t, 0);
	ck_assert_uint_eq(c->state, ETALON_HW_STATE_TRIPPED);
	ck_assert_uint_eq(c->causes, ETALON_HW_CAUSE_INTERLOCK);
	pcie_close(h);
}
END_TEST

/* A host that stops reading: FIFO and ring fill, then records are dropped, counted, and told by GAP. */
START_TEST(a_ring_that_nobody_reads_overflows_as_the_fifo_does)
{
	const struct bench_options o = {.seed = 1, .parameters = "{\"fifo_records\": 16}"};
	struct pcie_host *h = pcie_open(&o, 1);
	struct etalon_hw_program p = pcie_steps(2000);
	const struct etalon_hw_record_gap *gap;
	uint64_t points;

	pcie_start(h, &p);
	h->consumes = false;
	pcie_pass(h, 50 * MS); /* 500 points: 32 in the ring, 16 in the FIFO */
	h->consumes = true;
	for (int i = 0; i < 1000 && !bench_count(h->t, ETALON_HW_RECORD_END); i++)
		pcie_pass(h, MS);
	ck_assert_uint_eq(bench_count(h->t, ETALON_HW_RECORD_GAP), 1);
	gap = bench_record_of(h->t, ETALON_HW_RECORD_GAP, 0);
	points = bench_count(h->t, ETALON_HW_RECORD_POINT);
	ck_assert_uint_gt(gap->count, 400);
	ck_assert_uint_eq(gap->head.sequence, gap->first + gap->count);
	ck_assert_uint_eq(points + gap->points, 2000);
	ck_assert_uint_eq(bench_end(h->t)->dropped, gap->points);
	ck_assert_uint_eq(bench_end(h->t)->produced, 2000);
	ck_assert_uint_eq(pcie_control(h)->lost, gap->count);
	ck_assert_uint_eq(rd64(h->t, ETALON_REG_LOST), gap->count);
	pcie_close(h);
}
END_TEST

START_TEST(a_program_that_must_lose_nothing_ends_at_overflow)
{
	const struct bench_options o = {.seed = 1, .parameters = "{\"fifo_records\": 16}"};
	struct pcie_host *h = pcie_open(&o, 1);
	struct etalon_hw_program p = pcie_steps(2000);

	p.flags = ETALON_HW_PROGRAM_STOP_ON_OVERFLOW;
	pcie_start(h, &p);
	h->consumes = false;
	pcie_pass(h, 50 * MS);
	ck_assert_uint_eq(pcie_control(h)->sequencer, ETALON_HW_SEQUENCER_ENDED);
	h->consumes = true;
	pcie_pass(h, MS);
	ck_assert_uint_eq(bench_end(h->t)->cause, ETALON_HW_END_OVERFLOW);
	ck_assert_uint_eq(bench_end(h->t)->dropped, 1);
	pcie_close(h);
}
END_TEST

START_TEST(as_fast_as_it_can_the_board_waits_for_a_full_ring)
{
	const struct bench_options o = {
		.seed = 1, .speed_max = true, .parameters = "{\"fifo_records\": 16}"};
	struct pcie_host *h = pcie_open(&o, 1);
	struct etalon_hw_program p = pcie_steps(500);

	pcie_start(h, &p);
	h->consumes = false;
	pcie_pass(h, 20 * MS);
	ck_assert_uint_eq(pcie_control(h)->producer, 32);
	h->consumes = true;
	for (int i = 0; i < 1000 && !bench_count(h->t, ETALON_HW_RECORD_END); i++)
		pcie_pass(h, MS);
	ck_assert_uint_eq(bench_count(h->t, ETALON_HW_RECORD_POINT), 500);
	ck_assert_uint_eq(bench_end(h->t)->dropped, 0);
	pcie_close(h);
}
END_TEST

static const int64_t lies[] = {1, 1000, INT64_MAX, INT64_MIN, -1, -40};

/* Relative to the producer, which is the last that could be true. */
START_TEST(a_consumer_that_cannot_be_is_not_believed)
{
	const struct bench_options o = {.seed = 1, .parameters = "{\"fifo_records\": 64}"};
	struct pcie_host *h = pcie_open(&o, 1);
	struct etalon_hw_program p = pcie_steps(80);

	pcie_start(h, &p);
	pcie_pass(h, MS); /* some are read, honestly */
	h->consumes = false;
	pcie_pass(h, 20 * MS);
	pcie_control(h)->consumer = pcie_control(h)->producer + (uint64_t)lies[_i];
	if (lies[_i] == -1 || lies[_i] == -40) /* back to before what it has consumed */
		pcie_control(h)->consumer = h->consumer + (uint64_t)lies[_i];
	ck_assert_uint_eq(pcie_control(h)->producer, h->consumer + 32);
	pcie_pass(h, 20 * MS);
	ck_assert_uint_eq(pcie_control(h)->producer, h->consumer + 32);
	h->consumes = true; /* the truth still counts */
	pcie_pass(h, 20 * MS);
	ck_assert_uint_eq(bench_count(h->t, ETALON_HW_RECORD_POINT), 80);
	pcie_close(h);
}
END_TEST

START_TEST(a_program_of_another_stride_begins_when_the_ring_is_read)
{
	struct pcie_host *h = pcie_open(&(struct bench_options){.seed = 1}, 1);
	struct etalon_hw_program narrow = pcie_steps(10), wide = pcie_steps(5);

	wide.detector_count = ERB1_DETECTORS;
	for (uint16_t d = 0; d < ERB1_DETECTORS; d++)
		wide.detector[d].detector = d;
	h->consumes = false;
	pcie_start(h, &narrow);
	pcie_pass(h, 10 * MS);
	pcie_start(h, &wide);
	pcie_pass(h, 10 * MS);
	ck_assert_uint_eq(pcie_control(h)->producer, 12);
	pcie_take(h, ETALON_HW_STRIDE_MIN);
	ck_assert_uint_eq(bench_count(h->t, ETALON_HW_RECORD_POINT), 10);
	h->t->bytes = 0;
	h->consumes = true;
	pcie_pass(h, 10 * MS);
	ck_assert_uint_eq(bench_count(h->t, ETALON_HW_RECORD_POINT), 5);
	ck_assert_uint_eq(bench_end(h->t)->head.size, rd(h->t, ETALON_REG_RECORD_STRIDE));
	ck_assert_uint_gt(bench_end(h->t)->head.size, ETALON_HW_STRIDE_MIN);
	pcie_close(h);
}
END_TEST

START_TEST(a_stalled_link_delays_records_and_loses_none)
{
	struct pcie_host *h = pcie_open(&(struct bench_options){.seed = 1}, 8);
	struct etalon_hw_program p = pcie_steps(50);

	bench_fault(h->t, "{\"fault\": \"stall-records\"}");
	pcie_start(h, &p);
	pcie_pass(h, 20 * MS);
	ck_assert_uint_eq(pcie_control(h)->producer, 0);
	bench_fault(h->t, "{\"fault\": \"resume-records\"}");
	pcie_pass(h, MS);
	ck_assert_uint_eq(bench_count(h->t, ETALON_HW_RECORD_POINT), 50);
	pcie_close(h);
}
END_TEST

START_TEST(a_corrupt_index_lasts_until_the_ring_is_set_up_anew)
{
	struct pcie_host *h = pcie_open(&(struct bench_options){.seed = 1}, 8);
	struct etalon_hw_program p = pcie_steps(5);

	pcie_run(h, &p);
	ck_assert_uint_lt(pcie_control(h)->producer, 100);
	h->consumes = false; /* it would believe it */
	bench_fault(h->t, "{\"fault\": \"corrupt-index\"}");
	pcie_pass(h, MS);
	ck_assert_uint_gt(pcie_control(h)->producer, 1ULL << 40);
	pcie_set_ring(h, 8);
	pcie_pass(h, MS);
	ck_assert_uint_lt(pcie_control(h)->producer, 100);
	pcie_close(h);
}
END_TEST

START_TEST(a_ring_set_up_anew_starts_empty)
{
	struct pcie_host *h = pcie_open(&(struct bench_options){.seed = 1}, 1);
	const struct etalon_hw_program p = pcie_steps(100);

	h->consumes = false;
	pcie_start(h, &p);
	pcie_pass(h, 20 * MS); /* ended; most of it is still on the board */
	pcie_set_ring(h, 4);
	bench_pass(h->t, 0);
	ck_assert_uint_eq(pcie_control(h)->producer, 102);
	ck_assert_uint_eq(pcie_control(h)->lost, 102 - 32);
	h->consumes = true;
	pcie_run(h, &p);
	ck_assert_uint_eq(bench_count(h->t, ETALON_HW_RECORD_POINT), 100);
	ck_assert_uint_eq(bench_start(h->t)->head.sequence, 102);
	pcie_close(h);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("pcie ring");
	TCase *tcase = tcase_create("ring");

	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, the_ring_holds_what_the_fifo_gives_byte_for_byte, 0,
			    ARRAY_SIZE(runs));
	tcase_add_test(tcase, the_control_block_tells_producer_state_and_sequencer);
	tcase_add_test(tcase, a_ring_that_nobody_reads_overflows_as_the_fifo_does);
	tcase_add_test(tcase, a_program_that_must_lose_nothing_ends_at_overflow);
	tcase_add_test(tcase, as_fast_as_it_can_the_board_waits_for_a_full_ring);
	tcase_add_loop_test(tcase, a_consumer_that_cannot_be_is_not_believed, 0, ARRAY_SIZE(lies));
	tcase_add_test(tcase, a_program_of_another_stride_begins_when_the_ring_is_read);
	tcase_add_test(tcase, a_stalled_link_delays_records_and_loses_none);
	tcase_add_test(tcase, a_corrupt_index_lasts_until_the_ring_is_set_up_anew);
	tcase_add_test(tcase, a_ring_set_up_anew_starts_empty);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
