// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * kill -9 of etalond at random instants of sweeps: the store opens, the partial run is marked, its ledger
 * counts what is there, finished runs are intact. And at the one instant between a finished run and its
 * verdict, which random ones seldom meet. A kill counts when the board's own log has a program of the
 * sweep, or another one of it to come, at that instant.
 *
 * ETALON_TRIALS: kills that count, default 100, with ETALON_DEEP=1 500. ETALON_SEED: other moments.
 */
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "board_end.h"
#include "light_log.h"
#include "runs.h"
#include "session.h"
#include "trial.h"
#include "run_suite.h"

#define SWEEP_POINTS 10001
#define SEGMENTS 3 /* dark, the sweep itself, dark */
#define BOARD_TIMEOUT_MS 60000
#define ANALYSIS_TIMEOUT_MS 30000

static const struct session_options patient = {.watchdog_ms = SESSION_PATIENT_WATCHDOG_MS};

static unsigned int trial_count(void)
{
	const char *text = getenv("ETALON_TRIALS");

	if (text)
		return (unsigned int)strtoul(text, NULL, 10);
	return getenv("ETALON_DEEP") ? 500 : 100;
}

/* limits: NULL, or those of a verdict. */
static pid_t start_sweep(const struct session *s, const char *limits)
{
	const char *argv[] = {"etalonctl",    "sweep",	 "wavelength", "1545nm",
			      "1555nm",	      "--step",	 "1pm",	       "--speed",
			      "20nm/s",	      "--power", "0dBm",       "-d",
			      "through,drop", NULL,	 NULL,	       NULL};

	if (limits) {
		argv[ARRAY_SIZE(argv) - 3] = "--expect";
		argv[ARRAY_SIZE(argv) - 2] = limits;
	}
	return session_spawn(s, "client.out", argv);
}

/* ---- the board's own account of a sweep, from its log ---- */

static const char *event_of(const json_t *line)
{
	const char *event = json_string_value(json_object_get(line, "event"));

	return event ? event : "";
}

static uint64_t number_of(const json_t *line, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(line, key));
}

static unsigned int count_events(const struct light_log *log, const char *event, uint64_t until_ns)
{
	unsigned int count = 0;
	const json_t *line;
	size_t i;

	json_array_foreach(log->lines, i, line)
		count += streq(event_of(line), event) && number_of(line, "t_ns") <= until_ns;
	return count;
}

static void await_event(struct light_log *log, const char *event, unsigned int count)
{
	const uint64_t until = now_ns() + BOARD_TIMEOUT_MS * NSEC_PER_MSEC;

	for (;;) {
		light_log_read(log);
		if (count_events(log, event, UINT64_MAX) >= count)
			return;
		ck_assert_msg(now_ns() < until, "%u %s are not in the board's log", count, event);
		poll(NULL, 0, 1);
	}
}

/* A program whose host is gone ends, too. */
static void await_rest(struct light_log *log)
{
	light_log_read(log);
	await_event(log, "program-end", count_events(log, "program-start", UINT64_MAX));
}

/* Points of the sweep itself that the board's END tells of; 0: it was not begun. */
static uint64_t points_produced(const struct light_log *log, int64_t run)
{
	struct board_end end = {0};

	board_end_find(log->lines, run, BOARD_MAIN_SEGMENT, &end);
	return end.produced;
}

/* What others than the store know of a run. */
struct account {
	uint64_t given; /* rows that a client had got when the daemon was killed */
	uint64_t produced; /* by the board */
};

/* How long the board was busy with it, until it had all. */
static uint64_t finish_one(struct session *s, struct account *ret)
{
	struct light_log log;
	int status = -1;
	uint64_t took;
	pid_t client;

	light_log_open(&log, s);
	client = start_sweep(s, NULL);
	waitpid(client, &status, 0);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the first sweep failed");
	await_event(&log, "program-end", SEGMENTS);
	ck_assert_uint_eq(count_events(&log, "program-start", UINT64_MAX), SEGMENTS);
	took = light_log_last(&log, "program-end", 0, UINT64_MAX) -
	       session_log_time(log.lines, "program-start", 0);
	*ret = (struct account){.given = SWEEP_POINTS, .produced = points_produced(&log, 1)};
	light_log_close(&log);
	return took;
}

/* ---- what a run was when it was first seen after a start, and must stay ---- */

struct seen {
	int64_t run;
	bool complete;
	uint64_t rows;
	uint32_t crc;
	char *verdict;
	struct account account;
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
	ck_assert_msg(seen->rows >= seen->account.given,
		      "run %lld: %llu points are left of %llu that a client had got",
		      (long long)seen->run, (unsigned long long)seen->rows,
		      (unsigned long long)seen->account.given);
	ck_assert_msg(seen->rows <= seen->account.produced,
		      "run %lld: %llu points, of which the board made %llu", (long long)seen->run,
		      (unsigned long long)seen->rows, (unsigned long long)seen->account.produced);
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
	ck_assert_uint_eq(seen->account.produced, SWEEP_POINTS);
	ck_assert_uint_eq(seen->rows, seen->account.produced);
	ck_assert_uint_eq(count_of(ledger, "produced"), seen->account.produced);
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

static struct seen look(sd_bus *bus, int64_t run, const struct account *account)
{
	_cleanup_free_ char *status = run_status(bus, run);
	json_t *ledger = run_whole_ledger(bus, run);
	struct seen seen = {
		.run = run,
		.complete = streq(status, "complete"),
		.account = *account,
	};

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
	struct seen now = look(bus, before->run, &before->account);

	ck_assert_int_eq(now.complete, before->complete);
	ck_assert_uint_eq(now.rows, before->rows);
	ck_assert_uint_eq(now.crc, before->crc);
	ck_assert_str_eq(now.verdict, before->verdict);
	free(now.verdict);
}

/* ---- random instants ---- */

struct kills {
	unsigned int counted; /* of a running sweep */
	unsigned int in_darks; /* of these */
	unsigned int late; /* the board's part was over, or given up */
};

/* Rows of a run that is being taken, as a client gets them; 0: there is no such run yet. */
static uint64_t rows_given(sd_bus *bus, int64_t after)
{
	const int64_t run = runs_newest(bus);

	return run > after ? run_data(bus, run, NULL) : 0;
}

static void sleep_until(uint64_t at_ns)
{
	const struct timespec at = {
		.tv_sec = (time_t)(at_ns / NSEC_PER_SEC),
		.tv_nsec = (long)(at_ns % NSEC_PER_SEC),
	};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
		;
}

static void count_kill(struct kills *kills, const struct light_log *log, uint64_t killed_ns)
{
	const unsigned int begun = count_events(log, "program-start", killed_ns);
	const unsigned int ended = count_events(log, "program-end", killed_ns);

	/* A machine that stands still for a moment has its board trip before. */
	if (ended == SEGMENTS || light_log_reached(log, "tripped", killed_ns)) {
		kills->late++;
		return;
	}
	kills->counted++;
	kills->in_darks += begun != BOARD_MAIN_SEGMENT + 1 || ended != BOARD_MAIN_SEGMENT;
}

static void clear_trip(const struct session *s)
{
	_cleanup_free_ char *output = NULL;
	int status = session_ctl(s, &output, "fault", "clear", NULL);

	ck_assert_msg(status == 0, "fault clear: exit %d: %s", status, output);
}

/* The run after `after` is begun, and its daemon killed within `within_ns` of the board's first program. */
static struct seen kill_in_a_sweep(struct session *s, uint64_t *random, uint64_t within_ns,
				   int64_t after, struct kills *kills)
{
	struct account account;
	struct light_log log;
	uint64_t began_ns, at_ns, killed_ns;
	struct seen seen;
	pid_t client;
	sd_bus *bus = session_bus(s);

	clear_trip(s);
	light_log_open(&log, s);
	client = start_sweep(s, NULL);
	await_event(&log, "program-start", 1);
	began_ns = session_log_time(log.lines, "program-start", 0);
	at_ns = began_ns + trial_next(random) % within_ns;
	sleep_until(began_ns + (at_ns - began_ns) / 2);
	account.given = rows_given(bus, after);
	sleep_until(at_ns);
	killed_ns = now_ns();
	session_kill(&s->daemon, SIGKILL);
	session_kill(&client, SIGKILL);
	await_rest(&log);
	count_kill(kills, &log, killed_ns);
	session_start_daemon(s);
	bus = session_bus(s);
	/* What the board has begun is in the store. */
	ck_assert_int_eq(runs_newest(bus), after + 1);
	account.produced = points_produced(&log, after + 1);
	seen = look(bus, after + 1, &account);
	sd_bus_flush_close_unref(bus);
	light_log_close(&log);
	return seen;
}

static void check_all_same(struct session *s, const struct seen *seen, size_t count)
{
	sd_bus *bus = session_bus(s);

	for (size_t i = 0; i < count; i++)
		check_same(bus, &seen[i]);
	sd_bus_flush_close_unref(bus);
}

static void tell(const struct kills *kills, const struct seen *seen, size_t count)
{
	unsigned int complete = 0;

	for (size_t i = 0; i < count; i++)
		complete += seen[i].complete;
	printf("COUNT %u kills of a running sweep, %u of them in its darks; %u begun again, whose end came "
	       "first; %zu partial runs, %u complete ones\n",
	       kills->counted, kills->in_darks, kills->late, count - complete, complete);
}

START_TEST(no_instant_of_a_kill_loses_a_finished_run_or_hides_a_partial_one)
{
	uint64_t random = trial_seed(), length_ns;
	const unsigned int trials = trial_count(), most = trials + trials / 2 + 5;
	struct seen *seen = calloc(most + 2, sizeof(*seen));
	struct kills kills = {0};
	struct account account;
	size_t count = 1;
	struct session s;
	sd_bus *bus;

	ck_assert_ptr_nonnull(seen);
	session_start(&s, &patient);
	length_ns = finish_one(&s, &account);
	bus = session_bus(&s);
	seen[0] = look(bus, 1, &account);
	sd_bus_flush_close_unref(bus);
	ck_assert(seen[0].complete);
	while (kills.counted < trials) {
		ck_assert_msg(count <= most, "the kills miss the sweeps: %u of %zu hit",
			      kills.counted, count - 1);
		seen[count] = kill_in_a_sweep(&s, &random, length_ns, seen[count - 1].run, &kills);
		count++;
		check_all_same(&s, seen, 1);
	}
	check_all_same(&s, seen, count);
	tell(&kills, seen, count);
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

	session_start(&s, &patient);
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
