// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The register map of section 1 of hw.h: 64-bit registers, sources, ranges, live readings,
 * auxiliary lines, uploads.
 */
#include "board_bench.h"

START_TEST(identity_and_windows_are_where_the_contract_says)
{
	struct bench *t = bench_default();
	const uint32_t size = rd(t, ETALON_REG_DESCRIPTION_SIZE);
	uint32_t *copy = malloc(size);

	ck_assert_uint_eq(rd(t, ETALON_REG_MAGIC), ETALON_HW_MAGIC);
	ck_assert_uint_eq(rd(t, ETALON_REG_VERSION), ETALON_HW_VERSION);
	ck_assert_uint_eq(size, board_description(t->b)->size);
	for (uint32_t i = 0; i < size / 4; i++)
		copy[i] = rd(t, ETALON_REG_DESCRIPTION + 4 * i);
	ck_assert_mem_eq(copy, board_description(t->b), size);
	ck_assert_uint_eq(rd(t, ETALON_REG_DESCRIPTION + ((size + 3) & ~3U)), 0);
	free(copy);
	bench_close(t);
}
END_TEST

START_TEST(unknown_registers_read_zero_and_ignore_writes)
{
	static const uint32_t unknown[] = {0x0020, 0x0130, 0x0400, 0x0428, 0x0f00, 0x3f00, 0xf000};
	struct bench *t = bench_default();

	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
		wr(t, unknown[i], 0xffffffff);
		ck_assert_uint_eq(rd(t, unknown[i]), 0);
	}
	wr(t, ETALON_REG_MAGIC, 7);
	ck_assert_uint_eq(rd(t, ETALON_REG_MAGIC), ETALON_HW_MAGIC);
	wr(t, ETALON_REG_SCRATCH, 0xabcd1234);
	ck_assert_uint_eq(rd(t, ETALON_REG_SCRATCH), 0xabcd1234);
	bench_close(t);
}
END_TEST

START_TEST(a_wide_write_takes_effect_with_its_high_word)
{
	struct bench *t = bench_default();
	const uint32_t tec = ETALON_REG_SOURCE(ERB1_TEC1) + ETALON_SOURCE_SETPOINT;

	wr(t, tec, 303150000);
	ck_assert_uint_eq(rd64(t, tec), 298150000);
	wr(t, tec + 4, 0);
	ck_assert_uint_eq(rd64(t, tec), 303150000);
	bench_close(t);
}
END_TEST

START_TEST(a_wide_read_is_of_one_moment)
{
	struct bench *t = bench_default();
	uint32_t low, high;
	uint64_t before;

	/* 42.9 s is 2^32 ticks: read the low word just below, the high word just above. */
	bench_pass(t, 42949672900ULL);
	before = rd64(t, ETALON_REG_TICK);
	ck_assert_uint_lt(before, 1ULL << 32);
	low = rd(t, ETALON_REG_TICK);
	bench_pass(t, MS);
	high = rd(t, ETALON_REG_TICK + 4);
	ck_assert_uint_eq((uint64_t)high << 32 | low, before);
	ck_assert_uint_gt(rd64(t, ETALON_REG_TICK), 1ULL << 32);
	bench_close(t);
}
END_TEST

static const struct {
	uint16_t source;
	int64_t value;
	uint32_t result;
	int64_t low, high;
} setpoints[] = {
	{ERB1_LASER_WAVELENGTH, 1550000000, ETALON_HW_RESULT_OK, 0, 0},
	{ERB1_LASER_WAVELENGTH, 1480000000, ETALON_HW_RESULT_OK, 0, 0},
	{ERB1_LASER_WAVELENGTH, 1640000000, ETALON_HW_RESULT_OK, 0, 0},
	{ERB1_LASER_WAVELENGTH, 1479999900, ETALON_HW_REFUSED_LIMIT, 1480000000, 1640000000},
	{ERB1_LASER_WAVELENGTH, 1640000100, ETALON_HW_REFUSED_LIMIT, 1480000000, 1640000000},
	{ERB1_LASER_WAVELENGTH, 1550000050, ETALON_HW_REFUSED_RESOLUTION, 100, 100},
	{ERB1_LASER_WAVELENGTH, INT64_MIN, ETALON_HW_REFUSED_LIMIT, 1480000000, 1640000000},
	{ERB1_BIAS1, -10000000000, ETALON_HW_RESULT_OK, 0, 0},
	{ERB1_BIAS1, -10000250000, ETALON_HW_REFUSED_LIMIT, -10000000000, 5000000000},
	{ERB1_H1, 12000000000, ETALON_HW_RESULT_OK, 0, 0},
	{ERB1_H1, -200000, ETALON_HW_REFUSED_LIMIT, 0, 12000000000},
	{ERB1_H1, 100000, ETALON_HW_REFUSED_RESOLUTION, 200000, 200000},
	{ERB1_GATE, 2, ETALON_HW_REFUSED_LIMIT, 0, 1},
	{ERB1_POS_X, -50000, ETALON_HW_RESULT_OK, 0, 0},
};

START_TEST(a_setpoint_is_taken_or_refused_never_clamped)
{
	struct bench *t = bench_default();
	const uint32_t address = ETALON_REG_SOURCE(setpoints[_i].source) + ETALON_SOURCE_SETPOINT;
	const uint64_t before = rd64(t, address);

	ck_assert_uint_eq(set_source(t, setpoints[_i].source, setpoints[_i].value),
			  setpoints[_i].result);
	if (setpoints[_i].result == ETALON_HW_RESULT_OK) {
		ck_assert_int_eq((int64_t)rd64(t, address), setpoints[_i].value);
	} else {
		ck_assert_uint_eq(rd64(t, address), before);
		ck_assert_uint_eq(rd(t, ETALON_REG_RESULT_DETAIL), setpoints[_i].source);
		ck_assert_int_eq((int64_t)rd64(t, ETALON_REG_RESULT_LOW), setpoints[_i].low);
		ck_assert_int_eq((int64_t)rd64(t, ETALON_REG_RESULT_HIGH), setpoints[_i].high);
	}
	bench_close(t);
}
END_TEST

START_TEST(limits_lie_inside_the_hard_limits_and_bind_the_setpoint)
{
	struct bench *t = bench_default();
	const uint32_t wavelength = ETALON_REG_SOURCE(ERB1_LASER_WAVELENGTH);

	wr64(t, wavelength + ETALON_SOURCE_LIMIT_LOW, 1479000000);
	ck_assert_uint_eq(rd(t, ETALON_REG_RESULT), ETALON_HW_REFUSED_LIMIT);
	wr64(t, wavelength + ETALON_SOURCE_LIMIT_LOW, 1540000000);
	wr64(t, wavelength + ETALON_SOURCE_LIMIT_HIGH, 1530000000); /* below LOW */
	ck_assert_uint_eq(rd(t, ETALON_REG_RESULT), ETALON_HW_REFUSED_LIMIT);
	ck_assert_uint_eq(rd64(t, wavelength + ETALON_SOURCE_LIMIT_LOW),
			  1480000000); /* not yet a pair */
	wr64(t, wavelength + ETALON_SOURCE_LIMIT_HIGH, 1560000000);
	ck_assert_uint_eq(rd(t, ETALON_REG_RESULT), ETALON_HW_RESULT_OK);
	ck_assert_uint_eq(rd64(t, wavelength + ETALON_SOURCE_LIMIT_LOW), 1540000000);
	ck_assert_uint_eq(rd(t, wavelength + ETALON_SOURCE_STATUS) &
				  ETALON_HW_SOURCE_LIMITS_WRITTEN,
			  ETALON_HW_SOURCE_LIMITS_WRITTEN);
	ck_assert_uint_eq(set_source(t, ERB1_LASER_WAVELENGTH, 1561000000),
			  ETALON_HW_REFUSED_LIMIT);
	ck_assert_uint_eq(rd64(t, ETALON_REG_RESULT_LOW), 1540000000);
	ck_assert_uint_eq(rd64(t, ETALON_REG_RESULT_HIGH), 1560000000);
	bench_close(t);
}
END_TEST

START_TEST(a_source_slews_to_its_setpoint_and_then_settles)
{
	struct bench *t = bench_default();
	const uint32_t wavelength = ETALON_REG_SOURCE(ERB1_LASER_WAVELENGTH);

	ck_assert_uint_eq(set_source(t, ERB1_LASER_WAVELENGTH, 1560000000), ETALON_HW_RESULT_OK);
	bench_pass(t, 50 * MS); /* 100 nm/s */
	ck_assert_uint_eq(rd64(t, wavelength + ETALON_SOURCE_ACTUAL), 1555000000);
	ck_assert_uint_eq(rd(t, wavelength + ETALON_SOURCE_STATUS), ETALON_HW_SOURCE_SLEWING);
	bench_pass(t, 51 * MS);
	ck_assert_uint_eq(rd64(t, wavelength + ETALON_SOURCE_ACTUAL), 1560000000);
	ck_assert_uint_eq(rd(t, wavelength + ETALON_SOURCE_STATUS), ETALON_HW_SOURCE_SETTLING);
	bench_pass(t, 100 * MS);
	ck_assert_uint_eq(rd(t, wavelength + ETALON_SOURCE_STATUS), 0);
	bench_close(t);
}
END_TEST

static const struct {
	uint32_t offset;
	int64_t value;
	uint32_t result;
} tunables[] = {
	{ETALON_SOURCE_SLEW, 0, ETALON_HW_REFUSED_LIMIT},
	{ETALON_SOURCE_SLEW, 1, ETALON_HW_RESULT_OK},
	{ETALON_SOURCE_SLEW, 500000000000000000, ETALON_HW_RESULT_OK},
	{ETALON_SOURCE_SLEW, 500000000000000001, ETALON_HW_REFUSED_LIMIT},
	{ETALON_SOURCE_COMPLIANCE, 6000000000, ETALON_HW_RESULT_OK},
	{ETALON_SOURCE_COMPLIANCE, 6000000001, ETALON_HW_REFUSED_LIMIT},
	{ETALON_SOURCE_COMPLIANCE, 0, ETALON_HW_REFUSED_LIMIT},
};

START_TEST(slew_and_compliance_have_limits)
{
	struct bench *t = bench_default();
	const uint32_t address = ETALON_REG_SOURCE(ERB1_LD1) + tunables[_i].offset;

	wr64(t, address, tunables[_i].value);
	ck_assert_uint_eq(rd(t, ETALON_REG_RESULT), tunables[_i].result);
	ck_assert_int_eq((int64_t)rd64(t, address) == tunables[_i].value,
			 tunables[_i].result == ETALON_HW_RESULT_OK);
	bench_close(t);
}
END_TEST

START_TEST(result_outlives_kicks_scratch_and_live_latches)
{
	struct bench *t = bench_default();

	set_source(t, ERB1_LASER_WAVELENGTH, 1);
	wr(t, ETALON_REG_KICK, ETALON_HW_KICK);
	wr(t, ETALON_REG_SCRATCH, 3);
	wr(t, ETALON_REG_LIVE_LATCH, 1);
	ck_assert_uint_eq(rd(t, ETALON_REG_RESULT), ETALON_HW_REFUSED_LIMIT);
	ck_assert_uint_eq(command(t, 99), ETALON_HW_REFUSED_STATE);
	ck_assert_uint_eq(command(t, ETALON_HW_COMMAND_UPLOAD), ETALON_HW_REFUSED_DMA);
	bench_close(t);
}
END_TEST

static struct etalon_hw_live live(struct bench *t, unsigned int detector)
{
	struct etalon_hw_live l;
	uint32_t words[4];

	for (uint32_t i = 0; i < 4; i++)
		words[i] = rd(t, ETALON_REG_LIVE(detector) + 4 * i);
	memcpy(&l, words, sizeof(l));
	return l;
}

static struct etalon_hw_live latch(struct bench *t, unsigned int detector)
{
	wr(t, ETALON_REG_LIVE_LATCH, 1);
	return live(t, detector);
}

START_TEST(live_readings_come_with_noise_and_tell_their_tick)
{
	struct bench *t = bench_default();
	struct etalon_hw_live first, same, next;

	ck_assert_uint_eq(rd(t, ETALON_REG_LIVE_APERTURE_NS), 20 * MS);
	wr(t, ETALON_REG_LIVE_APERTURE_NS, 10 * MS);
	ck_assert_uint_eq(latch(t, ERB1_PD1).flags,
			  ETALON_HW_SAMPLE_INVALID); /* none finished yet */
	bench_pass(t, 10 * MS);
	first = latch(t, ERB1_PD1);
	ck_assert_uint_eq(first.flags, 0);
	ck_assert_uint_eq(first.tick, rd64(t, ETALON_REG_TICK) - 5 * MS / 10);
	bench_pass(t, 9 * MS);
	same = latch(t, ERB1_PD1);
	ck_assert_mem_eq(&first, &same, sizeof(first));
	bench_pass(t, 1 * MS);
	next = latch(t, ERB1_PD1);
	ck_assert_int_ne(next.mean_q8, first.mean_q8);
	ck_assert_uint_eq(next.tick - first.tick, 10 * MS / 10);
	wr(t, ETALON_REG_LIVE_APERTURE_NS, 999);
	ck_assert_uint_eq(rd(t, ETALON_REG_RESULT), ETALON_HW_REFUSED_TIMING);
	bench_close(t);
}
END_TEST

START_TEST(live_readings_work_in_any_state_and_a_shut_gate_is_dark)
{
	struct bench *t = bench_open(&(struct bench_options){.device = "straight", .seed = 2});
	int32_t off, shut, open;

	bench_pass(t, 20 * MS);
	off = latch(t, ERB1_PD1).mean_q8;
	ck_assert_uint_eq(latch(t, ERB1_WLOG).flags, ETALON_HW_SAMPLE_INVALID);
	bench_emit(t);
	shut = latch(t, ERB1_PD1).mean_q8;
	set_source(t, ERB1_GATE, 1);
	bench_pass(t, 40 * MS);
	open = latch(t, ERB1_PD1).mean_q8;
	ck_assert_uint_eq(latch(t, ERB1_WLOG).flags, 0);
	ck_assert_int_lt(abs(off - shut), 256); /* a step at most */
	ck_assert_int_gt(open, shut + 25600);
	set_source(t, ERB1_GATE, 0);
	bench_pass(t, 20 * MS);
	ck_assert_int_lt(abs(latch(t, ERB1_PD1).mean_q8 - shut), 256);
	bench_close(t);
}
END_TEST

START_TEST(a_range_is_switched_flagged_while_it_settles_and_refused_when_absent)
{
	struct bench *t = bench_default();
	const uint32_t range = ETALON_REG_DETECTOR(ERB1_PD1 + 2) + ETALON_DETECTOR_RANGE;

	wr(t, ETALON_REG_LIVE_APERTURE_NS, 200000);
	bench_pass(t, MS);
	wr(t, range, 3); /* settles in 1 ms */
	ck_assert_uint_eq(rd(t, ETALON_REG_RESULT), ETALON_HW_RESULT_OK);
	bench_pass(t, 200000);
	ck_assert_uint_eq(latch(t, ERB1_PD1 + 2).range, 3);
	ck_assert_uint_ne(live(t, ERB1_PD1 + 2).flags & ETALON_HW_SAMPLE_SETTLING, 0);
	bench_pass(t, 2 * MS);
	ck_assert_uint_eq(latch(t, ERB1_PD1 + 2).flags, 0);
	wr(t, range, 4);
	ck_assert_uint_eq(rd(t, ETALON_REG_RESULT), ETALON_HW_REFUSED_CHANNEL);
	ck_assert_uint_eq(rd(t, ETALON_REG_RESULT_DETAIL), ERB1_PD1 + 2);
	ck_assert_uint_eq(rd64(t, ETALON_REG_RESULT_HIGH), 3);
	ck_assert_uint_eq(rd(t, range), 3);
	bench_close(t);
}
END_TEST

START_TEST(auxiliary_lines_are_read_driven_and_report_edges)
{
	struct bench *t = bench_default();
	unsigned int before = t->events;

	bench_fault(t, "{\"fault\": \"aux-in\", \"line\": 3, \"level\": 1}");
	ck_assert_uint_eq(t->events, before + 1);
	ck_assert_uint_eq(t->event.events, ETALON_HW_EVENT_AUX);
	ck_assert_uint_eq(t->event.aux_in, 8);
	ck_assert_uint_eq(rd(t, ETALON_REG_AUX_IN), 8);
	ck_assert_uint_eq(rd(t, ETALON_REG_AUX_EDGES), 8);
	ck_assert_uint_eq(rd(t, ETALON_REG_AUX_EDGES), 0); /* reading clears */
	wr(t, ETALON_REG_AUX_DIRECTION, 0x1);
	wr(t, ETALON_REG_AUX_OUT, 0xff01);
	ck_assert_uint_eq(rd(t, ETALON_REG_AUX_OUT), 0x01); /* eight lines */
	ck_assert_uint_eq(rd(t, ETALON_REG_AUX_IN), 9);
	bench_close(t);
}
END_TEST

static void spoil(struct etalon_hw_upload *u, size_t *size, int how)
{
	switch (how) {
	case 0:
		u->magic++;
		return;
	case 1:
		u->crc ^= 1;
		return;
	case 2:
		u->size -= 8;
		return;
	case 3:
		*size -= 8; /* torn */
		return;
	case 4:
		u->kind = 9;
		return;
	case 5:
		*size = 7; /* not even a header */
		return;
	default:
		u->kind = ETALON_HW_UPLOAD_LIST;
		u->list = ETALON_HW_LISTS_MAX;
	}
}

START_TEST(a_spoilt_upload_is_refused_and_spoils_the_load)
{
	struct bench *t = bench_default();
	struct etalon_hw_program p = bench_program();
	struct {
		struct etalon_hw_upload head;
		struct etalon_hw_program program;
	} u;
	size_t size = sizeof(u);

	bench_axis(&p, ETALON_HW_MODE_STEP, ETALON_HW_FORWARD, 3);
	ck_assert_uint_eq(bench_load(t, &p), ETALON_HW_RESULT_OK);
	u.program = p;
	u.head = (struct etalon_hw_upload){ETALON_HW_UPLOAD_MAGIC, ETALON_HW_UPLOAD_PROGRAM, 0,
					   sizeof(p), crc32c(0, &p, sizeof(p))};
	spoil(&u.head, &size, _i);
	board_upload(t->b, &u, size);
	ck_assert_uint_eq(rd(t, ETALON_REG_RESULT), ETALON_HW_REFUSED_UPLOAD);
	ck_assert_uint_eq(command(t, ETALON_HW_COMMAND_LOAD), ETALON_HW_REFUSED_UPLOAD);
	ck_assert_uint_eq(rd(t, ETALON_REG_SEQUENCER), ETALON_HW_SEQUENCER_IDLE);
	ck_assert_uint_eq(rd(t, ETALON_REG_PROGRAM_CRC), 0);
	ck_assert_uint_eq(bench_load(t, &p), ETALON_HW_RESULT_OK);
	ck_assert_uint_eq(rd(t, ETALON_REG_PROGRAM_CRC), crc32c(0, &p, sizeof(p)));
	bench_close(t);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("board registers");
	TCase *c = tcase_create("registers");

	tcase_set_timeout(c, 60);
	tcase_add_test(c, identity_and_windows_are_where_the_contract_says);
	tcase_add_test(c, unknown_registers_read_zero_and_ignore_writes);
	tcase_add_test(c, a_wide_write_takes_effect_with_its_high_word);
	tcase_add_test(c, a_wide_read_is_of_one_moment);
	tcase_add_loop_test(c, a_setpoint_is_taken_or_refused_never_clamped, 0,
			    ARRAY_SIZE(setpoints));
	tcase_add_test(c, limits_lie_inside_the_hard_limits_and_bind_the_setpoint);
	tcase_add_test(c, a_source_slews_to_its_setpoint_and_then_settles);
	tcase_add_loop_test(c, slew_and_compliance_have_limits, 0, ARRAY_SIZE(tunables));
	tcase_add_test(c, result_outlives_kicks_scratch_and_live_latches);
	tcase_add_test(c, live_readings_come_with_noise_and_tell_their_tick);
	tcase_add_test(c, live_readings_work_in_any_state_and_a_shut_gate_is_dark);
	tcase_add_test(c, a_range_is_switched_flagged_while_it_settles_and_refused_when_absent);
	tcase_add_test(c, auxiliary_lines_are_read_driven_and_report_edges);
	tcase_add_loop_test(c, a_spoilt_upload_is_refused_and_spoils_the_load, 0, 7);
	suite_add_tcase(s, c);
	return run_suite(s);
}
