// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Eight strangers loop GetData on a long run while a sweep is taken: no trip, no dropped record.
 *
 * ETALON_POINTS: points of the long run, default 10 000 000.
 */
#include <check.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "runs.h"
#include "session.h"
#include "trial.h"
#include "run_suite.h"

#define STRANGERS 8
#define SWEEPS 3

static const char *const detectors[] = {"pd1", "pd2", "pd3", "pd4", NULL};

static uint64_t long_run_points(void)
{
	const char *text = getenv("ETALON_POINTS");

	return text ? strtoull(text, NULL, 10) : 10000000;
}

static int64_t take_long_run(struct session *s, uint64_t points)
{
	sd_bus *bus = session_bus(s);
	_cleanup_free_ char *board = session_board_path(bus), *job = NULL, *result = NULL;
	int64_t run = 0;

	job = measure_dark(bus, board, points, 10000, 8000, detectors);
	ck_assert(job != NULL);
	result = job_wait(bus, job, &run, 900000);
	ck_assert_msg(result && streq(result, "complete"), "the long run is %s",
		      result ? result : "?");
	sd_bus_flush_close_unref(bus);
	return run;
}

/* Any user but root that the bus can look up: number 0, 1, ... in the order of the password file. */
static uid_t some_user(unsigned int number)
{
	const struct passwd *user;
	uid_t uid = 0;

	setpwent();
	while ((user = getpwent())) {
		if (user->pw_uid == 0)
			continue;
		uid = user->pw_uid;
		if (number-- == 0)
			break;
	}
	endpwent();
	return uid;
}

/* Never ends: each call somewhere else; Busy is an answer like any other. */
static void stranger(const struct session *s, int64_t run, uint64_t points, unsigned int number,
		     _Atomic uint64_t *calls)
{
	uint64_t random = number;
	sd_bus *bus;

	/* Each a user of its own: the daemon limits users, and the operator is another one. */
	if (setuid(some_user(number)) < 0)
		_exit(1);
	bus = session_bus(s);
	for (;;) {
		_cleanup_free_ char *error = NULL;
		_cleanup_close_ int fd =
			run_get_data(bus, run, trial_next(&random) % points, 0, NULL, &error);

		if (fd >= 0)
			calls[0]++;
		else if (error && strstr(error, "Error.Busy"))
			calls[1]++;
		else
			calls[2]++;
	}
}

/* By the board's own log, from its power-on: it emitted for each sweep, and never tripped. */
static void never_tripped(const struct session *s)
{
	json_t *log = session_log(s), *line;
	unsigned int emitted = 0;
	size_t i;

	json_array_foreach(log, i, line) {
		const char *to = json_string_value(json_object_get(line, "to"));

		if (!to)
			continue;
		ck_assert_msg(
			!streq(to, "tripped"), "the board tripped: cause %#llx",
			(unsigned long long)json_integer_value(json_object_get(line, "cause")));
		emitted += streq(to, "emitting");
	}
	json_decref(log);
	ck_assert_uint_eq(emitted, SWEEPS);
}

START_TEST(eight_strangers_who_read_cost_no_record_and_cause_no_trip)
{
	static const char *const sweep[] = {"etalonctl", "sweep",  "wavelength",   "1540nm",
					    "1560nm",	 "--step", "1pm",	   "--power",
					    "0dBm",	 "-d",	   "through,drop", NULL};
	struct session_options options = {.speed_max = true};
	uint64_t points = long_run_points();
	_Atomic uint64_t *calls =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t strangers[STRANGERS];
	struct session s;
	int64_t run;

	if (geteuid() != 0) {
		printf("SKIP strangers of other users need root to start\n");
		return;
	}
	session_start(&s, &options);
	ck_assert_int_eq(chmod(s.dir, 0755), 0);
	run = take_long_run(&s, points);
	/* The same store, a board that keeps real time. */
	session_kill(&s.daemon, SIGTERM);
	session_kill(&s.emulator, SIGTERM);
	options.speed_max = false;
	session_start_emulator(&s, &options);
	session_start_daemon(&s);
	for (unsigned int i = 0; i < STRANGERS; i++) {
		strangers[i] = fork();
		if (strangers[i] == 0) {
			stranger(&s, run, points, i, calls);
			_exit(0);
		}
	}
	for (int i = 0; i < SWEEPS; i++) {
		pid_t client = session_spawn(&s, "client.out", sweep);
		_cleanup_free_ char *show = asprintf_or_null("cat %s/client.out", s.dir);
		sd_bus *bus;
		int status = -1;

		waitpid(client, &status, 0);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
			ck_assert_int_ge(system(show), 0);
		ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "sweep %d failed", i);
		bus = session_bus(&s);
		ck_assert_uint_eq(run_ledger(bus, runs_newest(bus), "dropped"), 0);
		ck_assert_uint_eq(run_ledger(bus, runs_newest(bus), "received"), 20001);
		sd_bus_flush_close_unref(bus);
	}
	for (unsigned int i = 0; i < STRANGERS; i++)
		session_kill(&strangers[i], SIGKILL);
	printf("COUNT %d sweeps, %d strangers: %llu frames read, %llu calls told to come back\n",
	       SWEEPS, STRANGERS, (unsigned long long)calls[0], (unsigned long long)calls[1]);
	ck_assert_uint_gt(calls[0], STRANGERS);
	ck_assert_uint_eq(calls[2], 0);
	never_tripped(&s);
	session_stop(&s);
}
END_TEST

static Suite *strangers_suite(void)
{
	Suite *s = suite_create("strangers");
	TCase *t = tcase_create("read");

	tcase_set_timeout(t, 0);
	tcase_add_test(t, eight_strangers_who_read_cost_no_record_and_cause_no_trip);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return run_suite(strangers_suite());
}
