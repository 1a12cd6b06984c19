// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Channels and auxiliary lines of a kernel's board: what it lacks is not asked for, lines are found by their
 * names, and their edges are events.
 */
#include <errno.h>
#include <poll.h>

#include "../common/fake_board.h"
#include "../common/fake_lines.h"
#include "../common/kernel_bench.h"
#include "base/util.h"

#include "run_suite.h" /* last: it defines a macro fail() */

#define PATIENCE_MS 10000
#define LINES FAKE_BOARD_SERIAL ".aux"

static struct scripted_kernel bench;

static void setup(void)
{
	scripted_kernel_start(&bench, 64 << 10);
}

static void teardown(void)
{
	scripted_kernel_stop(&bench);
}

START_TEST(channels_that_the_board_lacks_are_not_asked_for)
{
	struct etalon_hw_live live[FAKE_DETECTORS + 1];
	unsigned int before = fake_kernel_costly(bench.kernel);
	int64_t value;

	ck_assert_int_eq(bench.board->ops->set_source(bench.board, FAKE_SOURCES, 0, NULL), -EINVAL);
	ck_assert_int_eq(bench.board->ops->get_source(bench.board, FAKE_SOURCES, &value, &value),
			 -EINVAL);
	ck_assert_int_eq(bench.board->ops->set_limits(bench.board, UINT32_MAX, 0, 0, NULL),
			 -EINVAL);
	ck_assert_int_eq(bench.board->ops->set_compliance(bench.board, FAKE_SOURCES, 0, NULL),
			 -EINVAL);
	ck_assert_int_eq(bench.board->ops->set_range(bench.board, FAKE_DETECTORS, 0, NULL),
			 -EINVAL);
	ck_assert_int_eq(bench.board->ops->live(bench.board, live, FAKE_DETECTORS + 1), -EINVAL);
	ck_assert_int_eq(bench.board->ops->live(bench.board, live, 0), -EINVAL);
	ck_assert_uint_eq(fake_kernel_costly(bench.kernel), before);
}
END_TEST

static void wait_for_events(void)
{
	struct pollfd p = {.fd = bench.board->ops->event_fd(bench.board), .events = POLLIN};

	ck_assert_int_eq(poll(&p, 1, PATIENCE_MS), 1);
}

START_TEST(lines_are_set_and_read_by_name)
{
	uint32_t values;

	fake_lines_reset("other.aux");
	ck_assert_int_eq(bench.board->ops->aux_get(bench.board, &values), -ENOENT);
	fake_lines_reset(LINES);
	/* The level first, so that the line does not jump. */
	ck_assert_int_eq(bench.board->ops->aux_set(bench.board, 0x3, 0x2), 0);
	ck_assert_uint_eq(fake_lines_outputs(), 0);
	ck_assert_int_eq(bench.board->ops->aux_direction(bench.board, 0x3), 0);
	ck_assert_uint_eq(fake_lines_outputs(), 0x3);
	ck_assert_uint_eq(fake_lines_levels(), 0x2);
	ck_assert_int_eq(bench.board->ops->aux_set(bench.board, 0x1, 0x1), 0);
	ck_assert_uint_eq(fake_lines_levels(), 0x3);
	ck_assert_int_eq(bench.board->ops->aux_set(bench.board, 0x3, 0x1), 0);
	fake_lines_move(1, true); /* what drives it is nobody's but ours */
	fake_lines_move(2, true);
	ck_assert_int_eq(bench.board->ops->aux_get(bench.board, &values), 0);
	ck_assert_uint_eq(values, 0x5);
	ck_assert_uint_eq(fake_lines_open(), 1);
}
END_TEST

START_TEST(edges_of_lines_are_events_once_they_were_asked_for)
{
	struct etalon_hw_usb_event event;
	uint32_t values;

	fake_lines_reset(LINES);
	while (bench.board->ops->event(bench.board, &event) == 0)
		;
	fake_lines_move(0, true);
	ck_assert_int_eq(bench.board->ops->event(bench.board, &event), -EAGAIN);
	ck_assert_int_eq(bench.board->ops->aux_get(bench.board, &values), 0);
	while (bench.board->ops->event(bench.board, &event) == 0)
		;
	fake_lines_move(2, true);
	wait_for_events();
	ck_assert_int_eq(bench.board->ops->event(bench.board, &event), 0);
	ck_assert_uint_eq(event.events, ETALON_HW_EVENT_AUX);
	ck_assert_uint_eq(event.aux_in, 0x5);
	fake_lines_move(0, false);
	ck_assert_int_eq(bench.board->ops->event(bench.board, &event), 0);
	ck_assert_uint_eq(event.aux_in, 0x4);
	ck_assert_int_eq(bench.board->ops->event(bench.board, &event), -EAGAIN);
}
END_TEST

START_TEST(lines_that_are_gone_are_given_back)
{
	struct etalon_hw_usb_event event;
	uint32_t values;

	fake_lines_reset(LINES);
	ck_assert_int_eq(bench.board->ops->aux_get(bench.board, &values), 0);
	fake_lines_remove();
	while (bench.board->ops->event(bench.board, &event) == 0)
		;
	ck_assert_uint_eq(fake_lines_open(), 0);
	ck_assert_int_eq(bench.board->ops->aux_get(bench.board, &values), -ENOENT);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("link kernel channels");
	TCase *tcase = tcase_create("channels");

	tcase_set_timeout(tcase, 60);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, channels_that_the_board_lacks_are_not_asked_for);
	tcase_add_test(tcase, lines_are_set_and_read_by_name);
	tcase_add_test(tcase, edges_of_lines_are_events_once_they_were_asked_for);
	tcase_add_test(tcase, lines_that_are_gone_are_given_back);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
