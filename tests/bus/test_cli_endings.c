// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * How a sweep ends early under a user's hands: Ctrl-C, a client or a daemon that is killed, an open interlock.
 * The run is kept, the board is dark, and the user knows.
 */
#include "typing.h"

#include <check.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "run_suite.h"

#define SWEEP "sweep wavelength 1549nm 1550nm --step 1pm -d through,drop --no-plot"
#define LONG_SWEEP "sweep wavelength 1500nm 1600nm --step 1pm -d through --no-plot"

/* Until so many points of the first job are in. */
static void points_are_taken(const struct session *s, uint64_t wanted)
{
	uint64_t until = now_ns() + 20 * NSEC_PER_SEC, points = 0;
	sd_bus *bus = session_bus(s);

	while (points < wanted) {
		ck_assert_msg(now_ns() < until, "%llu points", (unsigned long long)points);
		sd_bus_get_property_trivial(bus, "org.etalon1", "/org/etalon1/job/1",
					    "org.etalon1.Job", "PointsDone", NULL, 't', &points);
		poll(NULL, 0, 5);
	}
	sd_bus_flush_close_unref(bus);
}

START_TEST(the_first_ctrl_c_keeps_what_was_taken)
{
	_cleanup_free_ char *text = NULL;
	struct session s;
	pid_t pid;

	session_start(&s, &typing_real_time); /* real time: five seconds of sweep */
	pid = typing_begin(&s, "sweep.out", LONG_SWEEP);
	points_are_taken(&s, 2000);
	kill(pid, SIGINT);
	text = typing_ended(&s, pid, "sweep.out", 5, "ended early: Ctrl-C\nrun 1  partial");
	ck_assert_msg(strstr(text, "next: etalonctl again 1") != NULL, "%s", text);
	typing_await_state(&s, "off");
	typed(&s, 0, "partial", "runs --status partial");
	session_stop(&s);
}
END_TEST

START_TEST(a_client_that_is_killed_leaves_the_dark_and_its_run)
{
	struct session s;
	pid_t pid;

	session_start(&s, &typing_real_time);
	pid = typing_begin(&s, "sweep.out", LONG_SWEEP);
	points_are_taken(&s, 2000);
	kill(pid, SIGKILL);
	typing_end(pid);
	typing_await_state(&s, "off");
	typed(&s, 5, "run 1", "wait job 1 --timeout 20s");
	session_stop(&s);
}
END_TEST

START_TEST(a_daemon_that_dies_is_told_and_its_run_found_again)
{
	_cleanup_free_ char *text = NULL;
	struct session s;
	pid_t pid;

	session_start(&s, &typing_real_time);
	pid = typing_begin(&s, "sweep.out", LONG_SWEEP);
	points_are_taken(&s, 2000);
	session_kill(&s.daemon, SIGKILL);
	text = typing_ended(&s, pid, "sweep.out", 6, "etalond went away; the board's own watchdog");
	ck_assert_msg(strstr(text, "etalonctl show 1") != NULL, "%s", text);
	typed(&s, 6, "etalond is not running", "");
	typed(&s, 6, "In doubt: key or interlock", "off");
	session_start_daemon(&s);
	typed(&s, 0, "partial", "show 1");
	session_stop(&s);
}
END_TEST

START_TEST(an_open_interlock_stops_and_then_refuses)
{
	_cleanup_free_ char *text = NULL;
	struct session s;
	pid_t pid;

	session_start(&s, &typing_real_time);
	pid = typing_begin(&s, "sweep.out", LONG_SWEEP);
	points_are_taken(&s, 2000);
	session_fault(&s, "{\"fault\": \"interlock-open\"}");
	text = typing_ended(&s, pid, "sweep.out", 5, "interlock");
	typed(&s, 0, "tripped", "status");
	typed(&s, 4, "the interlock is open", SWEEP);
	typed(&s, 4, "the interlock is open", "laser on 1550nm");
	typed(&s, 4, "the interlock is open", "hold");
	typed(&s, 4, "interlock", "fault clear");
	session_fault(&s, "{\"fault\": \"interlock-close\"}");
	typed(&s, 0, "light   possible", "fault clear");
	typed(&s, 0, "complete", SWEEP);
	session_stop(&s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cli-endings");
	TCase *tcase = tcase_create("endings");

	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, the_first_ctrl_c_keeps_what_was_taken);
	tcase_add_test(tcase, a_client_that_is_killed_leaves_the_dark_and_its_run);
	tcase_add_test(tcase, a_daemon_that_dies_is_told_and_its_run_found_again);
	tcase_add_test(tcase, an_open_interlock_stops_and_then_refuses);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
