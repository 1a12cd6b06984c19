// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * etalonctl for somebody who is new: what there is, what is refused and what to type instead, and waiting for
 * a board that is not there yet. None of it is a reason for light.
 */
#include "typing.h"

#include <check.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "run_suite.h"

START_TEST(a_new_user_is_told_what_to_type)
{
	static const struct {
		int code;
		const char *command, *says;
	} lines[] = {
		{0, "--json list", "\"Serial\""},
		{0, "list", "ERB-1"},
		{0, "info", "1480 nm to 1640 nm"},
		{0, "info", "through  photocurrent  signal"},
		{0, "status", "light   possible"},
		{0, "runs", "no runs yet; the first: etalonctl sweep"},
		{0, "read through tec1.t", "tec1.t"},
		{0, "meter through --count 2 --interval 20ms", "through"},
		{0, "set h1 2V bias1=-1V", "bias1 -1 V"},
		{0, "off", "light off"},
		{0, "wait board --timeout 20s", "board"},
		{0, "wait state off", "state   off"},
		{0, "reference list",
		 "no reference yet; one is taken with: etalonctl reference take"},
		{2, "show", "there is no run yet"},
		{2, "reference show", "there is no reference yet"},
		{2, "again", "there is no run yet"},
		{2, "show 5", "no run 5"},
		{4, "set h1 20V", "12 V"},
		{4, "set laser.wavelength 1550nm", "lease"},
		{4, "laser on 1700nm", "1640 nm"},
		{4, "sweep wavelength 1540nm 1700nm --step 1pm", "1640 nm"},
		{4, "sweep wavelength 1540nm 1560nm --step 1pm --power 20dBm", "10 dBm"},
		{4, "sweep wavelength 1540nm 1560nm --step 1pm --speed 200nm/s", "100 nm/s"},
		{2, "sweep wavelength 1540nm 1560nm --points 1e12", "allowed 2 to 1000000000"},
		{2, "sweep wavelength 1540nm 1560nm --step 3pm", "--step 3.2pm or --points 6668"},
		{2, "sweep wavelength 1540nm 1560nm --step 1pm -d troughh", "through"},
		{0, "sweep wavelength 1540nm 1560nm --step 1pm --dry-run",
		 "nothing was moved, no light"},
		{0, "sweep wavelength 192THz 195THz --points 1001 --dry-run",
		 "equidistant in wavelength"},
		{2, "sweep wavelength 1540nm 1560nm --step 1pm --expect fwhm=19..22",
		 "limits of fwhm need a unit"},
		{2, "sweep wavelength 1540nm 1560nm --step 1pm --expect finesse=100..",
		 "quantities are"},
		{2, "sweep wavelength 1540nm 1560nm --step 1pm --dry-run --expect finesse=100..",
		 "quantities are"},
		{0, "fault clear", "light   possible"},
	};
	struct session s;

	session_start(&s, &typing_fast);
	typed(&s, 0,
	      "next    etalonctl sweep wavelength 1540nm 1560nm --step 1pm --power 0dBm -d through,drop",
	      "");
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		typed(&s, lines[i].code, lines[i].says, lines[i].command);
	ck_assert(!typing_ever_lit(&s)); /* none of this was a reason for light */
	session_stop(&s);
}
END_TEST

START_TEST(every_setpoint_of_a_dry_run_can_be_had)
{
	struct session s;
	_cleanup_free_ char *csv = NULL;

	session_start(&s, &typing_fast);
	typed(&s, 0, "1549.002 nm",
	      "sweep wavelength 1549nm 1550nm --step 1pm --dry-run --save %s/points.csv");
	csv = typing_output(&s, "points.csv");
	ck_assert_ptr_nonnull(strstr(csv, "\n0,1549000000\n1,1549001000\n"));
	ck_assert_ptr_nonnull(strstr(csv, "\n1000,1550000000\n"));
	session_stop(&s);
}
END_TEST

START_TEST(waiting_for_a_board_may_begin_before_etalond_is_there)
{
	struct session s;
	pid_t pid;

	session_start(&s, &typing_fast);
	session_kill(&s.daemon, SIGTERM);
	pid = typing_begin(&s, "wait.out", "wait board --timeout 20s");
	poll(NULL, 0, 500); /* it has looked, and found nobody */
	session_start_daemon(&s);
	ck_assert_int_eq(typing_end(pid), 0);
	session_stop(&s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cli-first-steps");
	TCase *tcase = tcase_create("first_steps");

	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, a_new_user_is_told_what_to_type);
	tcase_add_test(tcase, every_setpoint_of_a_dry_run_can_be_had);
	tcase_add_test(tcase, waiting_for_a_board_may_begin_before_etalond_is_there);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
