// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The board's DMA engine: the ring holds what the FIFO would have given, byte for byte; wrap,
 * overflow, gaps, lying hosts; uploads; moderated messages; memory that goes away.
 */
#include "pcie_bench.h"

static struct etalon_hw_program step_program(uint32_t points)
{
	struct etalon_hw_program p = bench_program();

	bench_axis(&p, ETALON_HW_MODE_STEP, ETALON_HW_FORWARD, points);
	return p;
}

/* ---- records ---- */

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
	struct etalon_hw_program p = step_program(runs[_i].points);
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
	const struct etalon_hw_program p = step_program(10);

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
	struct etalon_hw_program p = step_program(2000);
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
	struct etalon_hw_program p = step_program(2000);

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
	struct etalon_hw_program p = step_program(500);

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
	struct etalon_hw_program p = step_program(80);

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
	struct etalon_hw_program narrow = step_program(10), wide = step_program(5);

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
	struct etalon_hw_program p = step_program(50);

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

/* ---- refusals ---- */

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
	const struct etalon_hw_program p = step_program(10);

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
	const struct etalon_hw_program p = step_program(100);
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
	struct etalon_hw_program p = step_program(10); /* 10000 points/s */

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
	const struct etalon_hw_program p = step_program(3);
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

/* ---- uploads ---- */

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
	const struct etalon_hw_program p = step_program(10);

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

/* ---- messages ---- */

START_TEST(record_messages_keep_their_gap)
{
	struct pcie_host *h = pcie_open(&(struct bench_options){.seed = 1}, 64);
	const struct etalon_hw_program p = step_program(1000); /* 100 ms */
	const uint32_t gap_ns = (uint32_t)(MS * (uint64_t)(1 + 3 * _i));

	wr(h->t, ETALON_REG_INTERRUPT_GAP_NS, gap_ns);
	wr(h->t, ETALON_REG_INTERRUPT_ENABLE, ETALON_HW_EVENT_RECORDS);
	pcie_run(h, &p);
	pcie_pass(h, 20 * MS);
	ck_assert_uint_ge(h->least_gap_ns, gap_ns);
	ck_assert_uint_le(h->messages[0], 100 * MS / gap_ns + 2);
	ck_assert_uint_ge(h->messages[0], 80 * MS / gap_ns);
	ck_assert_uint_eq(pcie_control(h)->events >> 8, h->messages[0]);
	ck_assert_uint_eq(pcie_control(h)->events & 0xff, ETALON_HW_EVENT_RECORDS);
	ck_assert_uint_eq(h->messages[1] + h->messages[2], 0);
	pcie_close(h);
}
END_TEST

START_TEST(a_gap_below_a_millisecond_is_refused)
{
	struct pcie_host *h = pcie_open(&(struct bench_options){.seed = 1}, 8);

	wr(h->t, ETALON_REG_INTERRUPT_GAP_NS, 999999);
	ck_assert_uint_eq(rd(h->t, ETALON_REG_RESULT), ETALON_HW_REFUSED_TIMING);
	ck_assert_uint_eq(rd64(h->t, ETALON_REG_RESULT_LOW), 1000000);
	ck_assert_uint_eq(rd(h->t, ETALON_REG_INTERRUPT_GAP_NS), 1000000);
	pcie_close(h);
}
END_TEST

static const struct {
	uint32_t enable;
	int state, aux; /* number of the message, -1: none */
} numbers[] = {
	{0, -1, -1},
	{ETALON_HW_EVENT_RECORDS, -1, -1},
	{ETALON_HW_EVENT_STATE, 0, -1},
	{ETALON_HW_EVENT_AUX, -1, 0},
	{ETALON_HW_EVENT_STATE | ETALON_HW_EVENT_AUX, 0, 1},
	{ETALON_HW_EVENT_RECORDS | ETALON_HW_EVENT_AUX, -1, 1},
	{ETALON_HW_EVENT_RECORDS | ETALON_HW_EVENT_STATE | ETALON_HW_EVENT_AUX, 1, 2},
};

static void expect_message(struct pcie_host *h, int number)
{
	for (int i = 0; i < 3; i++)
		ck_assert_uint_eq(h->messages[i] > 0, i == number);
	if (number >= 0)
		ck_assert_uint_eq(h->message_ns[number], h->t->now); /* at once */
	memset(h->messages, 0, sizeof(h->messages));
}

START_TEST(state_and_auxiliary_lines_have_messages_of_their_own_at_once)
{
	struct pcie_host *h = pcie_open(&(struct bench_options){.seed = 1}, 8);

	wr(h->t, ETALON_REG_INTERRUPT_ENABLE, numbers[_i].enable);
	bench_pass(h->t, 0);
	memset(h->messages, 0, sizeof(h->messages));
	bench_fault(h->t, "{\"fault\": \"key-off\"}");
	bench_pass(h->t, 0);
	expect_message(h, numbers[_i].state);
	bench_pass(h->t, 5 * MS);
	bench_fault(h->t, "{\"fault\": \"aux-in\", \"line\": 3, \"level\": 1}");
	bench_pass(h->t, 0);
	expect_message(h, numbers[_i].aux);
	pcie_close(h);
}
END_TEST

START_TEST(without_bus_mastering_nothing_goes_out)
{
	struct pcie_host *h = pcie_open(&(struct bench_options){.seed = 1}, 8);
	const struct etalon_hw_program p = step_program(20);
	struct etalon_hw_control before;

	wr(h->t, ETALON_REG_INTERRUPT_ENABLE, ETALON_HW_EVENT_RECORDS | ETALON_HW_EVENT_STATE);
	pcie_start(h, &p);
	bench_pass(h->t, 0);
	h->master = false;
	memset(h->messages, 0, sizeof(h->messages));
	before = *pcie_control(h);
	bench_pass(h->t, 20 * MS);
	ck_assert_mem_eq(pcie_control(h), &before, sizeof(before));
	ck_assert_uint_eq(h->messages[0] + h->messages[1], 0);
	h->master = true;
	pcie_pass(h, MS);
	ck_assert_uint_eq(bench_count(h->t, ETALON_HW_RECORD_POINT), 20);
	ck_assert_uint_gt(h->messages[1], 0);
	pcie_close(h);
}
END_TEST

/* ---- when things go away ---- */

START_TEST(memory_that_goes_away_ends_program_and_light)
{
	struct pcie_host *h = pcie_open(&(struct bench_options){.seed = 1}, 8);
	const struct etalon_hw_program p = step_program(1000);

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

START_TEST(a_ring_set_up_anew_starts_empty)
{
	struct pcie_host *h = pcie_open(&(struct bench_options){.seed = 1}, 1);
	const struct etalon_hw_program p = step_program(100);

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

START_TEST(a_reset_is_cause_link_and_brings_registers_to_power_on)
{
	struct pcie_host *h = pcie_open(&(struct bench_options){.seed = 1}, 8);
	struct bench *fresh = bench_default();
	struct bench *t = h->t;
	const struct etalon_hw_program p = step_program(1000);

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

/* ---- madness ---- */

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
	const struct etalon_hw_program p = step_program(1000);
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
	Suite *s = suite_create("pcie dma");
	TCase *c = tcase_create("dma");

	tcase_set_timeout(c, 120);
	tcase_add_loop_test(c, the_ring_holds_what_the_fifo_gives_byte_for_byte, 0,
			    ARRAY_SIZE(runs));
	tcase_add_test(c, the_control_block_tells_producer_state_and_sequencer);
	tcase_add_test(c, a_ring_that_nobody_reads_overflows_as_the_fifo_does);
	tcase_add_test(c, a_program_that_must_lose_nothing_ends_at_overflow);
	tcase_add_test(c, as_fast_as_it_can_the_board_waits_for_a_full_ring);
	tcase_add_loop_test(c, a_consumer_that_cannot_be_is_not_believed, 0, ARRAY_SIZE(lies));
	tcase_add_test(c, a_program_of_another_stride_begins_when_the_ring_is_read);
	tcase_add_test(c, a_stalled_link_delays_records_and_loses_none);
	tcase_add_loop_test(c, start_refuses_a_ring_that_cannot_be_used, 0, ARRAY_SIZE(rings));
	tcase_add_loop_test(c, the_registers_of_dma_wait_for_the_end_of_a_program, 0, 8);
	tcase_add_test(c, a_board_without_dma_has_none_of_its_registers);
	tcase_add_test(c, pcie_states_its_own_record_rate_and_refuses_more);
	tcase_add_test(c, starts_that_nobody_reads_are_refused_before_they_overrun);
	tcase_add_test(c, a_list_comes_by_dma_from_many_pages);
	tcase_add_loop_test(c, an_upload_that_does_not_arrive_is_refused_and_spoils_what_was, 0,
			    ARRAY_SIZE(uploads));
	tcase_add_loop_test(c, record_messages_keep_their_gap, 0, 3);
	tcase_add_test(c, a_gap_below_a_millisecond_is_refused);
	tcase_add_loop_test(c, state_and_auxiliary_lines_have_messages_of_their_own_at_once, 0,
			    ARRAY_SIZE(numbers));
	tcase_add_test(c, without_bus_mastering_nothing_goes_out);
	tcase_add_loop_test(c, memory_that_goes_away_ends_program_and_light, 0, 2);
	tcase_add_test(c, a_ring_set_up_anew_starts_empty);
	tcase_add_test(c, a_reset_is_cause_link_and_brings_registers_to_power_on);
	tcase_add_test(c, a_hostile_board_lies_for_so_many_steps_and_is_itself_again);
	tcase_add_test(c, a_hostile_board_lies_no_more_often_than_it_is_told_to);
	tcase_add_test(c, madness_does_not_keep_the_board_from_going_dark);
	suite_add_tcase(s, c);
	return run_suite(s);
}
