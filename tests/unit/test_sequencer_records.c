// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Records and their ledger: order, sizes, sequence, CRC, overflow by both policies, status
 * records, causes of END, and the same bits for the same seed.
 */
#include "board_bench.h"

#define STEP ETALON_HW_MODE_STEP
#define RAMP ETALON_HW_MODE_RAMP

static struct etalon_hw_program ramp_program(void)
{
	struct etalon_hw_program p = bench_program();

	bench_gang(bench_axis(&p, RAMP, ETALON_HW_FORWARD, 2001), ERB1_LASER_WAVELENGTH, 1550000000,
		   1554000000);
	return p;
}

static uint32_t crc_of_points(const struct bench *t)
{
	const struct etalon_hw_record *r;
	uint32_t crc = 0;

	for (size_t n = 0; (r = bench_record_of(t, ETALON_HW_RECORD_POINT, n)); n++)
		crc = crc32c(crc, r + 1, r->size - sizeof(*r));
	return crc;
}

START_TEST(a_program_is_start_points_and_exactly_one_end_in_sequence)
{
	static const uint32_t detectors[] = {1, 5, 6, 8, 29};
	static const uint32_t strides[] = {128, 128, 136, 160, 416};
	struct bench *t = bench_default();
	struct etalon_hw_program p = ramp_program();
	const struct etalon_hw_record *r;
	size_t n;

	p.detector_count = detectors[_i];
	for (uint16_t i = 0; i < detectors[_i]; i++)
		p.detector[i] = (struct etalon_hw_program_detector){.detector = i};
	bench_run(t, &p);
	ck_assert_uint_eq(rd(t, ETALON_REG_RECORD_STRIDE), strides[_i]);
	for (n = 0; (r = bench_record(t, n)); n++) {
		ck_assert_uint_eq(r->magic, ETALON_HW_RECORD_MAGIC);
		ck_assert_uint_eq(r->size, strides[_i]);
		ck_assert_uint_eq(r->generation, 1);
		ck_assert_uint_eq(r->sequence, n);
		ck_assert_int_eq(r->type == ETALON_HW_RECORD_START, n == 0);
	}
	ck_assert_uint_eq(rd64(t, ETALON_REG_PRODUCED), n);
	ck_assert_uint_eq(bench_record(t, n - 1)->type, ETALON_HW_RECORD_END);
	ck_assert_uint_eq(bench_count(t, ETALON_HW_RECORD_END), 1);
	ck_assert_uint_eq(bench_count(t, ETALON_HW_RECORD_POINT), 2001);
	ck_assert_uint_eq(bench_end(t)->produced, 2001);
	ck_assert_uint_eq(bench_end(t)->dropped, 0);
	ck_assert_uint_eq(bench_end(t)->crc, crc_of_points(t));
	bench_close(t);
}
END_TEST

START_TEST(start_echoes_the_program)
{
	struct bench *t = bench_default();
	struct etalon_hw_program p = ramp_program();
	const struct etalon_hw_record_start *start;

	bench_pass(t, 123 * MS);
	bench_run(t, &p);
	start = bench_start(t);
	ck_assert_uint_eq(start->program_crc, crc32c(0, &p, sizeof(p)));
	ck_assert_uint_eq(start->program_crc, rd(t, ETALON_REG_PROGRAM_CRC));
	ck_assert_uint_eq(start->run_key, 77);
	ck_assert_uint_eq(start->points, 2001);
	ck_assert_uint_eq(start->detector_count, 1);
	ck_assert_uint_eq(start->tick_ps, 10000);
	ck_assert_uint_eq(start->clock_ns, 123 * MS);
	ck_assert_uint_eq(start->tick, start->clock_ns / 10);
	ck_assert_uint_eq(start->calibration_generation, 1);
	bench_close(t);
}
END_TEST

START_TEST(status_records_come_ten_times_a_second_with_the_slow_detectors)
{
	struct bench *t = bench_open(&(struct bench_options){.speed_max = _i});
	struct etalon_hw_program p = bench_program();
	const struct etalon_hw_record_status *r;
	size_t n;

	bench_axis(&p, STEP, ETALON_HW_FORWARD, 100);
	p.period_ns = 10 * MS;
	bench_run(t, &p);
	for (n = 0; (r = bench_record_of(t, ETALON_HW_RECORD_STATUS, n)); n++) {
		ck_assert_uint_eq(r->tick - bench_start(t)->tick, (n + 1) * 100 * MS / 10);
		ck_assert_uint_eq(r->state, ETALON_HW_STATE_OFF);
		ck_assert_uint_eq(r->entry_count, 1);
		ck_assert_uint_eq(r->entry[0].detector, ERB1_TEC1_T);
		ck_assert_uint_eq(r->entry[0].flags, 0);
		ck_assert_int_lt(abs(r->entry[0].mean_q8), 200 * 256); /* 25 C within 20 mK */
	}
	ck_assert_uint_eq(n, 9); /* END comes first at 1 s */
	bench_close(t);
}
END_TEST

/* Ticks count from power-on; everything else must be the same. */
static void compare_runs(const struct bench *a, const struct bench *b, bool equal)
{
	const uint64_t zero_a = bench_start(a)->tick, zero_b = bench_start(b)->tick;
	size_t differ = 0;

	ck_assert_uint_eq(a->bytes, b->bytes);
	for (size_t n = 0; n < bench_count(a, ETALON_HW_RECORD_POINT); n++) {
		const struct etalon_hw_record_point *x = bench_point(a, n), *y = bench_point(b, n);

		ck_assert_uint_eq(x->tick - zero_a, y->tick - zero_b);
		ck_assert_uint_eq(x->flags, y->flags);
		differ += memcmp(x->sample, y->sample, 2 * sizeof(x->sample[0])) != 0;
	}
	if (equal)
		ck_assert_uint_eq(differ, 0);
	else
		ck_assert_uint_gt(differ, 1990);
}

static struct bench *measured(uint64_t seed, uint64_t run_key, bool speed_max, uint64_t idle_ns)
{
	struct bench *t = bench_open(&(struct bench_options){.seed = seed, .speed_max = speed_max});
	struct etalon_hw_program p = ramp_program();

	p.run_key = run_key;
	p.gate = ETALON_HW_GATE_OPEN;
	p.detector_count = 2;
	p.detector[1] = (struct etalon_hw_program_detector){.detector = ERB1_MON, .range = 1};
	bench_emit(t);
	bench_pass(t, idle_ns);
	bench_run(t, &p);
	return t;
}

START_TEST(a_seed_repeats_bit_for_bit_at_any_speed_and_at_any_time)
{
	struct bench *one = measured(7, 3, false, 0), *late = measured(7, 3, false, 1234567890);
	struct bench *fast = measured(7, 3, true, 0), *other = measured(8, 3, false, 0);
	struct bench *next = measured(7, 4, false, 0);

	compare_runs(one, late, true);
	compare_runs(one, fast, true);
	compare_runs(one, other, false);
	compare_runs(one, next, false);
	bench_close(one);
	bench_close(late);
	bench_close(fast);
	bench_close(other);
	bench_close(next);
}
END_TEST

START_TEST(a_full_fifo_drops_tells_the_gap_and_the_counts_agree)
{
	struct bench *t =
		bench_open(&(struct bench_options){.parameters = "{\"fifo_records\": 64}"});
	struct etalon_hw_program p = ramp_program();
	uint64_t expected = 0, lost = 0, lost_points = 0;
	const struct etalon_hw_record *r;

	ck_assert_uint_eq(bench_load(t, &p), ETALON_HW_RESULT_OK);
	t->bytes = 0;
	ck_assert_uint_eq(command(t, ETALON_HW_COMMAND_START), ETALON_HW_RESULT_OK);
	for (int i = 0; i < 40; i++) { /* a host that looks too rarely */
		t->reads = false;
		bench_pass(t, 20 * MS);
		t->reads = true;
		bench_take_records(t);
	}
	ck_assert_uint_eq(rd(t, ETALON_REG_SEQUENCER), ETALON_HW_SEQUENCER_ENDED);
	for (size_t n = 0; (r = bench_record(t, n)); n++) {
		if (r->type == ETALON_HW_RECORD_GAP) {
			const struct etalon_hw_record_gap *gap = (const void *)r;

			ck_assert_uint_eq(gap->first, expected);
			ck_assert_uint_eq(r->sequence, gap->first + gap->count);
			lost += gap->count;
			lost_points += gap->points;
			expected += gap->count;
		}
		ck_assert_uint_eq(r->sequence, expected);
		expected++;
	}
	ck_assert_uint_gt(bench_count(t, ETALON_HW_RECORD_GAP), 3);
	ck_assert_uint_eq(lost, rd64(t, ETALON_REG_LOST));
	ck_assert_uint_eq(bench_end(t)->cause, ETALON_HW_END_DONE);
	ck_assert_uint_eq(bench_end(t)->produced, 2001);
	ck_assert_uint_eq(bench_end(t)->dropped, lost_points);
	ck_assert_uint_eq(bench_count(t, ETALON_HW_RECORD_POINT), 2001 - lost_points);
	ck_assert_uint_eq(bench_end(t)->crc, crc_of_points(t));
	bench_close(t);
}
END_TEST

START_TEST(stop_on_overflow_ends_with_that_cause)
{
	struct bench *t =
		bench_open(&(struct bench_options){.parameters = "{\"fifo_records\": 64}"});
	struct etalon_hw_program p = ramp_program();

	p.flags = ETALON_HW_PROGRAM_STOP_ON_OVERFLOW;
	t->reads = false;
	ck_assert_uint_eq(bench_load(t, &p), ETALON_HW_RESULT_OK);
	ck_assert_uint_eq(command(t, ETALON_HW_COMMAND_START), ETALON_HW_RESULT_OK);
	bench_pass(t, 1000 * MS);
	t->reads = true;
	bench_take_records(t);
	ck_assert_uint_eq(bench_end(t)->cause, ETALON_HW_END_OVERFLOW);
	ck_assert_uint_eq(bench_end(t)->dropped, 1);
	ck_assert_uint_eq(bench_end(t)->produced, bench_count(t, ETALON_HW_RECORD_POINT) + 1);
	ck_assert_uint_eq(bench_count(t, ETALON_HW_RECORD_GAP), 1);
	ck_assert_uint_eq(bench_end(t)->crc, crc_of_points(t));
	bench_close(t);
}
END_TEST

START_TEST(at_maximum_speed_a_full_fifo_stalls_and_nothing_is_lost)
{
	struct bench *t = bench_open(
		&(struct bench_options){.parameters = "{\"fifo_records\": 64}", .speed_max = true});
	struct etalon_hw_program p = ramp_program();

	t->reads = false;
	ck_assert_uint_eq(bench_load(t, &p), ETALON_HW_RESULT_OK);
	ck_assert_uint_eq(command(t, ETALON_HW_COMMAND_START), ETALON_HW_RESULT_OK);
	bench_pass(t, 1000 * MS);
	ck_assert_uint_eq(rd(t, ETALON_REG_SEQUENCER), ETALON_HW_SEQUENCER_RUNNING);
	ck_assert_uint_eq(board_next_deadline(t->b), UINT64_MAX);
	t->reads = true;
	for (int i = 0; i < 1000; i++) {
		bench_take_records(t);
		bench_pass(t, 0);
	}
	bench_take_records(t);
	ck_assert_uint_eq(bench_end(t)->produced, 2001);
	ck_assert_uint_eq(bench_end(t)->dropped, 0);
	ck_assert_uint_eq(bench_count(t, ETALON_HW_RECORD_POINT), 2001);
	bench_close(t);
}
END_TEST

/* Ways to end, and what END says of them. The program runs for 0.4 s at least. */
enum way { BY_STOP, BY_OFF, BY_HALT, BY_INTERLOCK, BY_CABLE, BY_CABLE_UNARMED, BY_HALT_UNARMED };

static const struct {
	enum way way;
	bool emits;
	uint32_t cause, causes;
} ends[] = {
	{BY_STOP, true, ETALON_HW_END_STOPPED, 0},
	{BY_STOP, false, ETALON_HW_END_STOPPED, 0},
	{BY_OFF, true, ETALON_HW_END_EMISSION_OFF, 0},
	{BY_HALT, true, ETALON_HW_END_EMISSION_OFF, 0},
	{BY_HALT_UNARMED, false, ETALON_HW_END_STOPPED, 0},
	{BY_INTERLOCK, true, ETALON_HW_END_TRIPPED, ETALON_HW_CAUSE_INTERLOCK},
	{BY_CABLE, true, ETALON_HW_END_TRIPPED, ETALON_HW_CAUSE_LINK},
	{BY_CABLE_UNARMED, false, ETALON_HW_END_RESET, 0},
};

static void end_it(struct bench *t, enum way way)
{
	switch (way) {
	case BY_STOP:
		command(t, ETALON_HW_COMMAND_STOP);
		return;
	case BY_OFF:
		command(t, ETALON_HW_COMMAND_OFF);
		return;
	case BY_HALT:
	case BY_HALT_UNARMED:
		command(t, ETALON_HW_COMMAND_HALT);
		return;
	case BY_INTERLOCK:
		bench_fault(t, "{\"fault\": \"interlock-open\"}");
		return;
	default:
		board_link_down(t->b);
	}
}

START_TEST(end_tells_why_a_program_ended)
{
	struct bench *t = bench_default();
	struct etalon_hw_program p = ramp_program();
	uint64_t tick;

	if (ends[_i].emits) {
		p.flags = ETALON_HW_PROGRAM_NEEDS_EMISSION;
		p.gate = ETALON_HW_GATE_OPEN;
		bench_emit(t);
	}
	ck_assert_uint_eq(bench_load(t, &p), ETALON_HW_RESULT_OK);
	ck_assert_uint_eq(command(t, ETALON_HW_COMMAND_START), ETALON_HW_RESULT_OK);
	bench_pass(t, 200 * MS);
	tick = rd64(t, ETALON_REG_TICK);
	end_it(t, ends[_i].way);
	ck_assert_uint_eq(rd(t, ETALON_REG_SEQUENCER), ETALON_HW_SEQUENCER_ENDED);
	bench_take_records(t);
	ck_assert_uint_eq(bench_end(t)->cause, ends[_i].cause);
	ck_assert_uint_eq(bench_end(t)->causes, ends[_i].causes);
	ck_assert_uint_eq(bench_end(t)->tick, tick);
	ck_assert_uint_eq(bench_end(t)->produced, bench_count(t, ETALON_HW_RECORD_POINT));
	ck_assert_uint_gt(bench_end(t)->produced, 0);
	ck_assert_uint_eq(bench_end(t)->crc, crc_of_points(t));
	ck_assert_uint_eq(rd(t, ETALON_REG_STATUS_BITS) & ETALON_HW_STATUS_GATE_OPEN, 0);
	bench_close(t);
}
END_TEST

START_TEST(the_watchdog_ends_a_program_at_its_deadline_not_when_it_is_noticed)
{
	struct bench *t = bench_default();
	struct etalon_hw_program p = ramp_program();
	uint64_t kicked;

	p.flags = ETALON_HW_PROGRAM_NEEDS_EMISSION;
	bench_emit(t);
	ck_assert_uint_eq(bench_load(t, &p), ETALON_HW_RESULT_OK);
	ck_assert_uint_eq(command(t, ETALON_HW_COMMAND_START), ETALON_HW_RESULT_OK);
	wr(t, ETALON_REG_KICK, ETALON_HW_KICK);
	kicked = rd64(t, ETALON_REG_TICK);
	t->kicks = false;
	t->now += 2000 * MS;
	for (int i = 0; i < 1000; i++)
		board_advance(t->b, t->now);
	bench_take_records(t);
	ck_assert_uint_eq(bench_end(t)->cause, ETALON_HW_END_TRIPPED);
	ck_assert_uint_eq(bench_end(t)->causes, ETALON_HW_CAUSE_WATCHDOG);
	ck_assert_uint_eq(bench_end(t)->tick - kicked, 250 * MS / 10);
	bench_close(t);
}
END_TEST

START_TEST(dark_programs_go_on_when_light_goes_off_and_flag_it)
{
	struct bench *t = bench_default();
	struct etalon_hw_program p = ramp_program();

	bench_emit(t);
	ck_assert_uint_eq(bench_load(t, &p), ETALON_HW_RESULT_OK);
	ck_assert_uint_eq(command(t, ETALON_HW_COMMAND_START), ETALON_HW_RESULT_OK);
	bench_pass(t, 100 * MS);
	command(t, ETALON_HW_COMMAND_OFF);
	bench_pass(t, 2000 * MS);
	ck_assert_uint_eq(bench_end(t)->cause, ETALON_HW_END_DONE);
	ck_assert_uint_eq(bench_point(t, 0)->flags & ETALON_HW_POINT_EMISSION_OFF, 0);
	ck_assert_uint_ne(bench_point(t, 2000)->flags & ETALON_HW_POINT_EMISSION_OFF, 0);
	bench_close(t);
}
END_TEST

START_TEST(a_program_may_be_started_again)
{
	struct bench *t = bench_default();
	struct etalon_hw_program p = ramp_program();
	uint64_t next;

	bench_run(t, &p);
	next = rd64(t, ETALON_REG_PRODUCED);
	t->bytes = 0;
	ck_assert_uint_eq(command(t, ETALON_HW_COMMAND_START), ETALON_HW_RESULT_OK);
	bench_pass(t, 1000 * MS);
	ck_assert_uint_eq(bench_record(t, 0)->sequence, next);
	ck_assert_uint_eq(bench_end(t)->produced, 2001);
	bench_close(t);
}
END_TEST

START_TEST(records_of_a_host_that_is_gone_do_not_reach_the_next)
{
	struct bench *t = bench_default();
	struct etalon_hw_program p = ramp_program();
	size_t bytes;

	t->reads = false;
	ck_assert_uint_eq(bench_load(t, &p), ETALON_HW_RESULT_OK);
	ck_assert_uint_eq(command(t, ETALON_HW_COMMAND_START), ETALON_HW_RESULT_OK);
	bench_pass(t, 200 * MS);
	board_link_down(t->b);
	board_link_up(t->b);
	ck_assert_ptr_null(board_records_peek(t->b, 65536, &bytes));
	ck_assert_uint_eq(rd64(t, ETALON_REG_LOST), rd64(t, ETALON_REG_PRODUCED));
	bench_close(t);
}
END_TEST

/* A small FIFO and short reads wrap the ring thousands of times. */
START_TEST(the_fifo_wraps_without_tearing_a_record)
{
	struct bench *t =
		bench_open(&(struct bench_options){.parameters = "{\"fifo_records\": 9}"});
	struct etalon_hw_program p = bench_program();

	bench_axis(&p, STEP, ETALON_HW_FORWARD, 20000);
	p.detector_count = 7;
	for (uint16_t i = 0; i < 7; i++)
		p.detector[i].detector = i;
	ck_assert_uint_eq(bench_load(t, &p), ETALON_HW_RESULT_OK);
	ck_assert_uint_eq(command(t, ETALON_HW_COMMAND_START), ETALON_HW_RESULT_OK);
	t->reads = false;
	t->bytes = 0;
	for (int i = 0; i < 6000; i++) {
		size_t bytes;
		const void *records;

		t->now += 300000 + (uint64_t)(i % 7) * 20000;
		board_advance(t->b, t->now);
		records = board_records_peek(t->b, 500, &bytes);
		if (!records)
			continue;
		ck_assert_uint_eq(bytes % rd(t, ETALON_REG_RECORD_STRIDE), 0);
		memcpy(t->records + t->bytes, records, bytes);
		t->bytes += bytes;
		board_records_consume(t->b, bytes);
	}
	t->reads = true;
	bench_take_records(t);
	ck_assert_uint_eq(bench_end(t)->produced, 20000);
	ck_assert_uint_eq(bench_end(t)->produced - bench_end(t)->dropped,
			  bench_count(t, ETALON_HW_RECORD_POINT));
	ck_assert_uint_eq(bench_end(t)->crc, crc_of_points(t));
	bench_close(t);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("sequencer records");
	TCase *c = tcase_create("records");

	tcase_set_timeout(c, 120);
	tcase_add_loop_test(c, a_program_is_start_points_and_exactly_one_end_in_sequence, 0, 5);
	tcase_add_test(c, start_echoes_the_program);
	tcase_add_loop_test(c, status_records_come_ten_times_a_second_with_the_slow_detectors, 0,
			    2);
	tcase_add_test(c, a_seed_repeats_bit_for_bit_at_any_speed_and_at_any_time);
	tcase_add_test(c, a_full_fifo_drops_tells_the_gap_and_the_counts_agree);
	tcase_add_test(c, stop_on_overflow_ends_with_that_cause);
	tcase_add_test(c, at_maximum_speed_a_full_fifo_stalls_and_nothing_is_lost);
	tcase_add_loop_test(c, end_tells_why_a_program_ended, 0, ARRAY_SIZE(ends));
	tcase_add_test(c, the_watchdog_ends_a_program_at_its_deadline_not_when_it_is_noticed);
	tcase_add_test(c, dark_programs_go_on_when_light_goes_off_and_flag_it);
	tcase_add_test(c, a_program_may_be_started_again);
	tcase_add_test(c, records_of_a_host_that_is_gone_do_not_reach_the_next);
	tcase_add_test(c, the_fifo_wraps_without_tearing_a_record);
	suite_add_tcase(s, c);
	return run_suite(s);
}
