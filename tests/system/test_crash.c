// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * kill -9 of etalond at random instants of sweeps: the store opens, the partial run is marked, its ledger
 * counts what is there, finished runs are intact. And at the one instant between a finished run and its
 * verdict, which random ones seldom meet.
 *
 * ETALON_TRIALS: kills, default 100. ETALON_SEED: other moments.
 */
#include <check.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "runs.h"
#include "session.h"
#include "trial.h"
#include "run_suite.h"

#define SWEEP_MS \
	700 /* from call to stored, roughly: the kill falls anywhere in it and a little later */
#define SWEEP_POINTS 10001
#define ANALYSIS_TIMEOUT_MS 30000

static unsigned int trial_count(void)
{
	const char *text = getenv("ETALON_TRIALS");

	return text ? (unsigned int)strtoul(text, NULL, 10) : 100;
}

/* limits: NULL, or those of a verdict. */
static pid_t start_sweep(const struct session *s, const char *limits)
{
	const char *argv[] = {"etalonctl",    "sweep",	 "wavelength", "1545nm",
			      "1555nm",	      "--step",	 "1pm",	       "--speed",
			      "50nm/s",	      "--power", "0dBm",       "-d",
			      "through,drop", NULL,	 NULL,	       NULL};

	if (limits) {
		argv[ARRAY_SIZE(argv) - 3] = "--expect";
		argv[ARRAY_SIZE(argv) - 2] = limits;
	}
	return session_spawn(s, "client.out", argv);
}

static void finish_one(struct session *s)
{
	pid_t client = start_sweep(s, NULL);
	int status = -1;

	waitpid(client, &status, 0);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the first sweep failed");
}

/* ---- what a run was when it was first seen after a start, and must stay ---- */

struct seen {
	int64_t run;
	bool complete;
	uint64_t rows;
	uint32_t crc;
	char *verdict;
};

static uint64_t count_of(const json_t *ledger, const char *key)
{
	const json_t *count = json_object_get(ledger, key);

	ck_assert_msg(json_is_integer(count), "the ledger has no %s", key);
	return (uint64_t)json_integer_value(count);
}

static void check_ledger(const struct seen *seen, const json_t *ledger)
{
	bool whole = json_is_true(json_object_get(ledger, "complete"));
	const json_t *gaps = json_object_get(ledger, "gaps");

	ck_assert_uint_eq(count_of(ledger, "received"), seen->rows);
	/* Blocks are stored as they come: a kill takes the end, never something in between. */
	ck_assert(json_is_array(gaps));
	ck_assert_uint_eq(json_array_size(gaps), 0);
	ck_assert_uint_eq(count_of(ledger, "dropped"), 0);
	if (seen->complete)
		ck_assert_msg(whole, "run %lld is complete, its ledger is not",
			      (long long)seen->run);
	/* A killed daemon may have stored all points of a run and not yet its end. */
	if (!whole) {
		ck_assert_uint_le(seen->rows, SWEEP_POINTS);
		return;
	}
	ck_assert_uint_eq(seen->rows, SWEEP_POINTS);
	ck_assert_uint_eq(count_of(ledger, "produced"), SWEEP_POINTS);
	ck_assert_str_eq(json_string_value(json_object_get(ledger, "crc")), "ok");
}

static void check_verdict(const struct seen *seen)
{
	/* Nothing is expected of these sweeps. */
	ck_assert_msg(streq(seen->verdict, "untrustworthy") ||
			      (seen->complete && streq(seen->verdict, "measured")),
		      "run %lld, %s: its verdict is \"%s\"", (long long)seen->run,
		      seen->complete ? "complete" : "partial", seen->verdict);
}

static struct seen look(sd_bus *bus, int64_t run)
{
	_cleanup_free_ char *status = run_status(bus, run);
	json_t *ledger = run_whole_ledger(bus, run);
	struct seen seen = {.run = run, .complete = streq(status, "complete")};

	ck_assert_msg(seen.complete || streq(status, "partial"), "run %lld is %s", (long long)run,
		      status);
	seen.verdict = run_verdict(bus, run);
	seen.rows = run_data(bus, run, &seen.crc);
	check_ledger(&seen, ledger);
	check_verdict(&seen);
	json_decref(ledger);
	return seen;
}

static void check_same(sd_bus *bus, const struct seen *before)
{
	struct seen now = look(bus, before->run);

	ck_assert_int_eq(now.complete, before->complete);
	ck_assert_uint_eq(now.rows, before->rows);
	ck_assert_uint_eq(now.crc, before->crc);
	ck_assert_str_eq(now.verdict, before->verdict);
	free(now.verdict);
}

/* ---- random instants ---- */

static void kill_in_a_sweep(struct session *s, uint64_t *random)
{
	pid_t client = start_sweep(s, NULL);

	poll(NULL, 0, (int)(trial_next(random) % SWEEP_MS));
	session_kill(&s->daemon, SIGKILL);
	session_kill(&client, SIGKILL);
	session_start_daemon(s);
}

static void count_seen(const struct seen *seen, size_t count, unsigned int *complete,
		       unsigned int *partial)
{
	*complete = *partial = 0;
	for (size_t i = 0; i < count; i++)
		(*(seen[i].complete ? complete : partial))++;
}

START_TEST(no_instant_of_a_kill_loses_a_finished_run_or_hides_a_partial_one)
{
	uint64_t random = trial_seed();
	unsigned int complete, partial, trials = trial_count();
	struct seen *seen = calloc(trials + 1, sizeof(*seen));
	size_t count = 0;
	struct session s;
	sd_bus *bus;

	ck_assert_ptr_nonnull(seen);
	session_start(&s, NULL);
	finish_one(&s);
	for (unsigned int i = 0; i <= trials; i++) {
		int64_t newest;

		if (i > 0)
			kill_in_a_sweep(&s, &random);
		bus = session_bus(&s);
		newest = runs_newest(bus);
		/* Killed before its run began, it left none. */
		if (count == 0 || newest > seen[count - 1].run)
			seen[count++] = look(bus, newest);
		check_same(bus, &seen[0]);
		sd_bus_flush_close_unref(bus);
	}
	ck_assert(seen[0].complete);
	bus = session_bus(&s);
	for (size_t i = 0; i < count; i++)
		check_same(bus, &seen[i]);
	sd_bus_flush_close_unref(bus);
	count_seen(seen, count, &complete, &partial);
	printf("%u kills, %u partial runs, %u complete ones\n", trials, partial, complete);
	ck_assert_msg(trials < 20 || partial > trials / 10, "the kills missed the sweeps");
	session_stop(&s);
	for (size_t i = 0; i < count; i++)
		free(seen[i].verdict);
	free(seen);
}
END_TEST

/* ---- between a finished run and its verdict ---- */

/* Analyses that have their frame say so and come to no end; one whose daemon is killed goes along. */
static void analyse_for_ever(struct session *s)
{
	_cleanup_free_ char *path = asprintf_or_null("%s/analyse", s->dir);
	FILE *program = fopen(path, "we"), *config = fopen(s->config, "ae");

	ck_assert(program && config);
	fputs("#!/bin/sh\n[ -n \"$(cat <&3)\" ] || exit 0\n: > \"$0.begun\"\n"
	      "while echo; do sleep 0.1; done\n",
	      program);
	fprintf(config, "analyse: %s\n", path);
	ck_assert_int_eq(fclose(program), 0);
	ck_assert_int_eq(fclose(config), 0);
	ck_assert_int_eq(chmod(path, 0755), 0);
	session_kill(&s->daemon, SIGKILL);
	session_start_daemon(s);
}

/* The run is finished on the disk before. */
static void wait_for_analysis(const struct session *s)
{
	_cleanup_free_ char *path = asprintf_or_null("%s/analyse.begun", s->dir);
	uint64_t until = now_ns() + ANALYSIS_TIMEOUT_MS * NSEC_PER_MSEC;

	while (access(path, F_OK) < 0) {
		ck_assert_msg(now_ns() < until, "no analysis within %d ms", ANALYSIS_TIMEOUT_MS);
		poll(NULL, 0, 10);
	}
}

static const struct {
	const char *limits; /* of the verdict, NULL: none */
	const char *verdict;
} unjudged[] = {
	{NULL, "measured"},
	{"q_loaded=1..", "untrustworthy"}, /* nothing was held against it: no pass */
};

START_TEST(a_kill_before_the_verdict_leaves_a_run_that_has_one)
{
	_cleanup_free_ char *status = NULL, *verdict = NULL;
	struct session s;
	pid_t client;
	int64_t run;
	sd_bus *bus;

	session_start(&s, NULL);
	analyse_for_ever(&s);
	client = start_sweep(&s, unjudged[_i].limits);
	wait_for_analysis(&s);
	session_kill(&s.daemon, SIGKILL);
	session_kill(&client, SIGKILL);
	session_start_daemon(&s);
	bus = session_bus(&s);
	run = runs_newest(bus);
	status = run_status(bus, run);
	verdict = run_verdict(bus, run);
	ck_assert_str_eq(status, "complete");
	ck_assert_str_eq(verdict, unjudged[_i].verdict);
	ck_assert_uint_eq(run_data(bus, run, NULL), SWEEP_POINTS);
	sd_bus_flush_close_unref(bus);
	session_stop(&s);
}
END_TEST

static Suite *crash_suite(void)
{
	Suite *s = suite_create("crash");
	TCase *t = tcase_create("kill");

	tcase_set_timeout(t, 0);
	tcase_add_test(t, no_instant_of_a_kill_loses_a_finished_run_or_hides_a_partial_one);
	tcase_add_loop_test(t, a_kill_before_the_verdict_leaves_a_run_that_has_one, 0,
			    ARRAY_SIZE(unjudged));
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return run_suite(crash_suite());
}
