// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Interrupt messages: moderated for records, at once for state and auxiliary lines, none without bus mastering.
 */
#include "pcie_bench.h"

START_TEST(record_messages_keep_their_gap)
{
	struct pcie_host *h = pcie_open(&(struct bench_options){.seed = 1}, 64);
	const struct etalon_hw_program p = pcie_steps(1000); /* 100 ms */
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
	const struct etalon_hw_program p = pcie_steps(20);
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

int main(void)
{
	Suite *suite = suite_create("pcie messages");
	TCase *tcase = tcase_create("messages");

	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, record_messages_keep_their_gap, 0, 3);
	tcase_add_test(tcase, a_gap_below_a_millisecond_is_refused);
	tcase_add_loop_test(tcase, state_and_auxiliary_lines_have_messages_of_their_own_at_once, 0,
			    ARRAY_SIZE(numbers));
	tcase_add_test(tcase, without_bus_mastering_nothing_goes_out);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
