// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The control fd of a kernel's board: a revocation voids the call that meets it and is got over, limits live on
 * in the next fd, and a board that is not ours any more is gone.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "../common/fake_board.h"
#include "../common/kernel_bench.h"
#include "../common/link_steps.h"
#include "base/util.h"

#include "run_suite.h" /* last: it defines a macro fail() */

#define PATIENCE_MS 10000

static struct emulated_kernel bench;
static struct link_refusal refusal;

static void setup(void)
{
	emulated_kernel_start(&bench, 16 << 20);
}

static void teardown(void)
{
	emulated_kernel_stop(&bench);
}

static void wait_for_events(void)
{
	struct pollfd p = {.fd = bench.board->ops->event_fd(bench.board), .events = POLLIN};

	ck_assert_int_eq(poll(&p, 1, PATIENCE_MS), 1);
}

static unsigned int source(const char *name)
{
	return (unsigned int)description_source(bench.board->description, name);
}

static int do_set(void)
{
	return bench.board->ops->set_source(bench.board, source("pos_x"), 12000, &refusal);
}

static int do_arm(void)
{
	return bench.board->ops->arm(bench.board, 1000000000, &refusal);
}

static int do_emit(void)
{
	return bench.board->ops->emit(bench.board, &refusal);
}

static int do_load(void)
{
	struct etalon_hw_program p = fake_dark(10);
	struct link_program loaded;

	return bench.board->ops->load(bench.board, &p, NULL, 0, &loaded, &refusal);
}

static int do_start(void)
{
	return bench.board->ops->start(bench.board, &refusal);
}

static int do_clear(void)
{
	return bench.board->ops->clear(bench.board, &refusal);
}

static int do_kick(void)
{
	return bench.board->ops->kick(bench.board);
}

static int (*const voided[])(void) = {do_set,	do_arm,	  do_emit, do_load,
				      do_start, do_clear, do_kick};

START_TEST(a_call_that_meets_a_revocation_is_void_and_the_next_is_not)
{
	link_light(bench.board);
	fake_kernel_revoke(bench.kernel, false);
	ck_assert_int_eq(voided[_i](), -ECANCELED);
	ck_assert_uint_eq(link_look(bench.board).state, ETALON_HW_STATE_OFF);
	ck_assert_int_ne(voided[_i](), -ECANCELED);
}
END_TEST

START_TEST(looking_and_going_dark_go_through_a_revocation)
{
	link_light(bench.board);
	fake_kernel_revoke(bench.kernel, false);
	ck_assert_uint_eq(link_look(bench.board).state, ETALON_HW_STATE_OFF);
	fake_kernel_revoke(bench.kernel, false);
	ck_assert_int_eq(bench.board->ops->off(bench.board), 0);
	fake_kernel_revoke(bench.kernel, false);
	ck_assert_int_eq(bench.board->ops->halt(bench.board), 0);
	link_light(bench.board); /* and it is ours as before */
}
END_TEST

START_TEST(a_control_fd_that_is_opened_anew_has_the_limits_of_the_old_one)
{
	unsigned int h = source("h1");

	ck_assert_int_eq(bench.board->ops->set_limits(bench.board, h, 0, 1000000000, &refusal), 0);
	fake_kernel_revoke(bench.kernel, false);
	ck_assert_int_eq(do_kick(), -ECANCELED);
	ck_assert_int_eq(bench.board->ops->set_source(bench.board, h, 2000000000, &refusal),
			 -ERANGE);
	ck_assert_uint_eq(refusal.result, ETALON_HW_REFUSED_LIMIT);
	ck_assert_int_eq(refusal.high, 1000000000);
	ck_assert_int_eq(refusal.asked, 2000000000);
	/* Emitting sources, too: nothing has to be written again before light. */
	link_write_limits(bench.board);
	fake_kernel_revoke(bench.kernel, false);
	ck_assert_int_eq(do_kick(), -ECANCELED);
	ck_assert_int_eq(do_arm(), 0);
}
END_TEST

/* Limits are for OFF: of a board that has tripped they follow the CLEAR. Until then they hold here. */
START_TEST(limits_hold_while_a_tripped_board_cannot_take_them)
{
	unsigned int h = source("h1");

	link_light(bench.board);
	session_fault(&bench.session, "{\"fault\": \"interlock-open\"}");
	while (link_look(bench.board).state != ETALON_HW_STATE_TRIPPED)
		;
	session_fault(&bench.session, "{\"fault\": \"interlock-close\"}");
	fake_kernel_revoke(bench.kernel, false);
	ck_assert_int_eq(do_kick(), -ECANCELED);
	ck_assert_int_eq(bench.board->ops->set_source(bench.board, h, INT64_C(1) << 60, &refusal),
			 -ERANGE);
	ck_assert_int_eq(do_load(), -EBUSY);
	ck_assert_uint_eq(refusal.result, ETALON_HW_REFUSED_STATE);
	if (link_look(bench.board).causes_live & ETALON_HW_CAUSE_LOCAL_RESET)
		session_fault(&bench.session, "{\"fault\": \"local-reset\"}");
	ck_assert_int_eq(do_clear(), 0);
	ck_assert_int_eq(do_arm(), 0);
}
END_TEST

START_TEST(an_owner_who_did_not_kick_is_the_cause_also_when_the_kernel_was_first)
{
	struct etalon_hw_usb_event event = {.state = ETALON_HW_STATE_EMITTING};

	link_light(bench.board);
	while (bench.board->ops->event(bench.board, &event) == 0)
		;
	fake_kernel_revoke(bench.kernel, false);
	while (event.state != ETALON_HW_STATE_OFF) {
		wait_for_events();
		while (bench.board->ops->event(bench.board, &event) == 0)
			;
	}
	ck_assert_uint_eq(event.last_off_cause, ETALON_HW_CAUSE_WATCHDOG);
	ck_assert_uint_eq(link_look(bench.board).last_off_cause, ETALON_HW_CAUSE_WATCHDOG);
	link_light(bench.board);
	ck_assert_int_eq(bench.board->ops->off(bench.board), 0);
	ck_assert_uint_eq(link_look(bench.board).last_off_cause, ETALON_HW_CAUSE_HOST);
}
END_TEST

static void take_away(void)
{
	fake_kernel_take_control(bench.kernel);
	fake_kernel_revoke(bench.kernel, false);
}

static void reset(void)
{
	fake_kernel_revoke(bench.kernel, true);
}

static void (*const losses[])(void) = {take_away, reset};

/* Another program has it now, or it has forgotten what we told it: this link is over. */
START_TEST(what_is_not_ours_any_more_is_gone)
{
	struct etalon_hw_usb_event event;
	struct link_status s;

	while (bench.board->ops->event(bench.board, &event) == 0)
		;
	losses[_i]();
	wait_for_events();
	ck_assert_int_eq(bench.board->ops->event(bench.board, &event), -ENODEV);
	wait_for_events(); /* and stays so */
	ck_assert_int_eq(bench.board->ops->status(bench.board, &s), -ENODEV);
	ck_assert_int_eq(do_kick(), -ENODEV);
	ck_assert_int_eq(bench.board->ops->off(bench.board), -ENODEV);
	fake_kernel_give_back(bench.kernel);
	link_close(bench.board);
	ck_assert_int_eq(fake_kernel_open(bench.kernel, &bench.board, NULL), 0);
	link_light(bench.board);
}
END_TEST

START_TEST(a_second_owner_is_refused)
{
	_cleanup_free_ char *message = NULL;
	struct link *second = NULL;

	ck_assert_int_eq(fake_kernel_open(bench.kernel, &second, &message), -EBUSY);
	ck_assert_ptr_nonnull(strstr(message, "in use by another program"));
	ck_assert_ptr_null(second);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("link kernel control");
	TCase *tcase = tcase_create("control");

	if (!session_has_program("etalon-emulator")) {
		printf("SKIP link kernel control: etalon-emulator is not built beside this test\n");
		return EXIT_SUCCESS;
	}
	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, a_call_that_meets_a_revocation_is_void_and_the_next_is_not, 0,
			    (int)ARRAY_SIZE(voided));
	tcase_add_test(tcase, looking_and_going_dark_go_through_a_revocation);
	tcase_add_test(tcase, a_control_fd_that_is_opened_anew_has_the_limits_of_the_old_one);
	tcase_add_test(tcase, limits_hold_while_a_tripped_board_cannot_take_them);
	tcase_add_test(tcase,
		       an_owner_who_did_not_kick_is_the_cause_also_when_the_kernel_was_first);
	tcase_add_loop_test(tcase, what_is_not_ours_any_more_is_gone, 0, (int)ARRAY_SIZE(losses));
	tcase_add_test(tcase, a_second_owner_is_refused);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
