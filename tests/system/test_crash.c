// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * kill -9 of etalond at random instants of sweeps: the store opens, the partial run is marked, its ledger
 * counts what is there, finished runs are intact.
 *
 * ETALON_TRIALS: kills, default 100. ETALON_SEED: other moments.
 */
#include <check.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "runs.h"
#include "session.h"
#include "trial.h"
#include "run_suite.h"

#define SWEEP_MS 700 /* from call to stored, roughly: the kill falls anywhere in it and a little later */

static unsigned int trial_count(void)
{
	const char *text = getenv("ETALON_TRIALS");

	return text ? (unsigned int)strtoul(text, NULL, 10) : 100;
}

static pid_t start_sweep(const struct session *s)
{
	static const char *const argv[] = { "etalonctl", "sweep",   "wavelength", "1545nm", "1555nm",
					    "--step",	 "1pm",	    "--speed",	  "50nm/s", "--power",
					    "0dBm",	 "-d",	    "through,drop", NULL };

	return session_spawn(s, "client.out", argv);
}

struct finished {
	int64_t run;
	uint64_t rows;
	uint32_t crc;
};

static void finish_one(struct session *s, struct finished *ret)
{
	pid_t client = start_sweep(s);
	int status = -1;
	sd_bus *bus;

	waitpid(client, &status, 0);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the first sweep failed");
	bus = session_bus(s);
	ret->run = runs_newest(bus);
	ret->rows = run_data(bus, ret->run, &ret->crc);
	ck_assert_uint_eq(ret->rows, 10001);
	sd_bus_flush_close_unref(bus);
}

/* After the restart: what does the newest run look like? True when it is partial. */
static bool check_newest(sd_bus *bus, int64_t before)
{
	int64_t run = runs_newest(bus);
	_cleanup_free_ char *status = NULL;
	uint64_t rows;

	if (run == before)
		return false; /* killed before the run began */
	status = run_status(bus, run);
	rows = run_data(bus, run, NULL);
	ck_assert_msg(streq(status, "partial") || streq(status, "complete"), "run %lld is %s",
		      (long long)run, status);
	if (rows > 0)
		ck_assert_uint_eq(run_ledger(bus, run, "received"), rows);
	if (streq(status, "complete"))
		ck_assert_uint_eq(rows, 10001);
	return streq(status, "partial");
}

START_TEST(no_instant_of_a_kill_loses_a_finished_run_or_hides_a_partial_one)
{
	uint64_t random = trial_seed();
	unsigned int partial = 0, trials = trial_count();
	struct finished first;
	struct session s;

	session_start(&s, NULL);
	finish_one(&s, &first);
	for (unsigned int i = 0; i < trials; i++) {
		sd_bus *bus = session_bus(&s);
		int64_t before = runs_newest(bus);
		pid_t client;
		uint32_t crc;

		sd_bus_flush_close_unref(bus);
		client = start_sweep(&s);
		poll(NULL, 0, (int)(trial_next(&random) % SWEEP_MS));
		session_kill(&s.daemon, SIGKILL);
		session_kill(&client, SIGKILL);
		session_start_daemon(&s);
		bus = session_bus(&s);
		partial += check_newest(bus, before);
		ck_assert_uint_eq(run_data(bus, first.run, &crc), first.rows);
		ck_assert_uint_eq(crc, first.crc);
		sd_bus_flush_close_unref(bus);
	}
	printf("%u kills, %u partial runs\n", trials, partial);
	ck_assert_msg(trials < 20 || partial > trials / 10, "the kills missed the sweeps");
	session_stop(&s);
}
END_TEST

static Suite *crash_suite(void)
{
	Suite *s = suite_create("crash");
	TCase *t = tcase_create("kill");

	tcase_set_timeout(t, 0);
	tcase_add_test(t, no_instant_of_a_kill_loses_a_finished_run_or_hides_a_partial_one);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return run_suite(crash_suite());
}
