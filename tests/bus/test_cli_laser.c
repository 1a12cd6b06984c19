// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * etalonctl laser on: light is there while it runs and no longer, by the board's own log.
 */
#include "typing.h"

#include <check.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "hw.h"
#include "light_log.h"
#include "run_suite.h"

#define LIGHT_TIMEOUT_MS 20000

static bool is_lit(const struct light_log *log, uint64_t at_ns)
{
	return light_log_since(log, &light_lit, at_ns) && light_log_since(log, &light_gate, at_ns);
}

static void await_light(struct light_log *log)
{
	const uint64_t until = now_ns() + LIGHT_TIMEOUT_MS * NSEC_PER_MSEC;

	do {
		ck_assert_msg(now_ns() < until, "no light after %d ms", LIGHT_TIMEOUT_MS);
		poll(NULL, 0, 5);
		light_log_read(log);
	} while (!is_lit(log, now_ns()));
}

static const struct {
	int signal;
	const char *name;
} ends[] = {
	{SIGINT, "Ctrl-C"},
	{SIGTERM, "SIGTERM"},
};

START_TEST(a_laser_that_is_told_to_end_is_dark_when_the_command_has_ended)
{
	_cleanup_free_ char *text = NULL;
	uint64_t struck_ns, ended_ns;
	struct light_log log;
	struct session s;
	uint32_t cause = 0;
	pid_t pid;

	session_start(&s, &typing_real_time);
	light_log_open(&log, &s);
	pid = typing_begin(&s, "laser.out", "laser on 1550nm --power 0dBm");
	await_light(&log);
	struck_ns = now_ns();
	kill(pid, ends[_i].signal);
	text = typing_ended(&s, pid, "laser.out", 0, "light off");
	ended_ns = now_ns();
	/* An end of light may be written a moment after its time. */
	typing_await_state(&s, "off");
	light_log_read(&log);
	ck_assert_msg(light_log_off(&log, struck_ns, &cause) != 0, "%s: no end of emission",
		      ends[_i].name);
	ck_assert_uint_eq(cause, ETALON_HW_CAUSE_HOST);
	ck_assert(!light_log_since(&log, &light_lit, ended_ns));
	ck_assert(!light_log_since(&log, &light_lit, UINT64_MAX));
	ck_assert(!light_log_since(&log, &light_gate, UINT64_MAX));
	light_log_close(&log);
	session_stop(&s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cli-laser");
	TCase *tcase = tcase_create("laser");

	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, a_laser_that_is_told_to_end_is_dark_when_the_command_has_ended,
			    0, (int)ARRAY_SIZE(ends));
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
