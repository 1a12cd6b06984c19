// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * etalonctl hold: sweeps attach to it and leave the laser warm, anybody may turn it off, and another may take
 * the lease over.
 */
#include "typing.h"

#include <check.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "run_suite.h"

#define SWEEP "sweep wavelength 1549nm 1550nm --step 1pm -d through,drop --no-plot"

START_TEST(sweeps_attach_to_a_hold_and_leave_it_warm)
{
	_cleanup_free_ char *text = NULL;
	struct session s;
	pid_t hold;

	session_start(&s, &typing_fast);
	hold = typing_begin(&s, "hold.out", "hold 1550nm --power 0dBm");
	typed(&s, 0, NULL, "wait state emitting --timeout 20s");
	typed(&s, 0, "laser warm, gate shut", "status");
	typed(&s, 0, "s of light, the laser is warm", SWEEP);
	typed(&s, 0, "laser warm, gate shut", "status");
	typed(&s, 4, "holds the lease", "hold");
	kill(hold, SIGINT);
	text = typing_ended(&s, hold, "hold.out", 0, "light off");
	typing_await_state(&s, "off");
	session_stop(&s);
}
END_TEST

/* The daemon's line about it names this user, also when it comes after the deed. */
static void who_is_audited(const struct session *s, const char *action)
{
	uint64_t until = now_ns() + 5 * NSEC_PER_SEC;
	_cleanup_free_ char *uid = asprintf_or_null(" uid %u\n", (unsigned int)getuid());
	_cleanup_free_ char *start = asprintf_or_null("audit: %s EMU-1 by :", action);

	for (;; poll(NULL, 0, 20)) {
		_cleanup_free_ char *log = typing_output(s, "etalond.out");
		const char *line = strstr(log, start);

		if (line && strchr(line, '\n')) {
			ck_assert_msg(strncmp(strstr(line, " uid "), uid, strlen(uid)) == 0, "%s",
				      line);
			return;
		}
		ck_assert_msg(now_ns() < until, "no audit of %s: %s", action, log);
	}
}

START_TEST(anybody_turns_a_held_laser_off_and_the_holder_is_told_why)
{
	_cleanup_free_ char *text = NULL;
	struct session s;
	pid_t hold;

	session_start(&s, &typing_fast);
	hold = typing_begin(&s, "hold.out", "hold");
	typed(&s, 0, NULL, "wait state emitting --timeout 20s");
	typed(&s, 0, "light off", "off");
	text = typing_ended(&s, hold, "hold.out", 4, "light went off: ");
	who_is_audited(&s, "Off");
	session_stop(&s);
}
END_TEST

START_TEST(a_lease_can_be_taken_over_and_the_loser_knows)
{
	_cleanup_free_ char *text = NULL;
	struct session s;
	pid_t first, second;

	session_start(&s, &typing_fast);
	first = typing_begin(&s, "first.out", "hold");
	typed(&s, 0, NULL, "wait state emitting --timeout 20s");
	second = typing_begin(&s, "second.out", "hold --take-over");
	text = typing_ended(&s, first, "first.out", 4, "taken over");
	typed(&s, 0, NULL, "wait state emitting --timeout 20s");
	kill(second, SIGTERM);
	ck_assert_int_eq(typing_end(second), 0);
	typing_await_state(&s, "off");
	session_stop(&s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cli-hold");
	TCase *tcase = tcase_create("hold");

	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, sweeps_attach_to_a_hold_and_leave_it_warm);
	tcase_add_test(tcase, anybody_turns_a_held_laser_off_and_the_holder_is_told_why);
	tcase_add_test(tcase, a_lease_can_be_taken_over_and_the_loser_knows);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
