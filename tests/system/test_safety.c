// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Light goes off by itself: every way to lose the client, the daemon, the cable, the interlock or the
 * key, at random moments of a sweep or of a steady laser, read from the emulator's log after the fact.
 *
 * ETALON_TRIALS: trials of each fault, default 50. ETALON_SEED: other moments.
 */
#include <check.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "session.h"
#include "trial.h"
#include "run_suite.h"

#define WATCHDOG_MS 250.0
#define CLIENT_PERIOD_MS 1000.0
#define PORT_MS 2.0 /* from a cause to every port below -40 dBm, as the board promises */
#define LOOP_TURN_MS 50.0 /* for the host to notice on a machine that is shared */

enum victim {
	CLIENT,
	DAEMON,
	BOARD_FAULT,
};

static const struct fault_case {
	const char *name;
	enum victim victim;
	int signal;
	const char *fault; /* line for the fault socket */
	const char *mend; /* likewise, before the next trial */
	double limit_ms;
} cases[] = {
	{ "client killed", CLIENT, SIGKILL, NULL, NULL, WATCHDOG_MS + PORT_MS + LOOP_TURN_MS },
	{ "client stopped", CLIENT, SIGSTOP, NULL, NULL, CLIENT_PERIOD_MS + PORT_MS + LOOP_TURN_MS },
	{ "etalond killed", DAEMON, SIGKILL, NULL, NULL, WATCHDOG_MS + PORT_MS },
	{ "etalond stopped", DAEMON, SIGSTOP, NULL, NULL, WATCHDOG_MS + PORT_MS },
	{ "socket cut", BOARD_FAULT, 0, "{\"fault\":\"cable\"}", NULL, WATCHDOG_MS + PORT_MS },
	{ "interlock opened", BOARD_FAULT, 0, "{\"fault\":\"interlock-open\"}",
	  "{\"fault\":\"interlock-close\"}", PORT_MS },
	{ "key turned off", BOARD_FAULT, 0, "{\"fault\":\"key-off\"}", "{\"fault\":\"key-on\"}", PORT_MS },
};

static unsigned int trial_count(void)
{
	const char *text = getenv("ETALON_TRIALS");

	return text ? (unsigned int)strtoul(text, NULL, 10) : 50;
}

static uint64_t event_time(const json_t *line)
{
	return (uint64_t)json_integer_value(json_object_get(line, "t_ns"));
}

static bool event_is(const json_t *line, const char *name)
{
	const char *event = json_string_value(json_object_get(line, "event"));

	return event && streq(event, name);
}

/*
 * The watchdog counts from the last kick that the board received: one that a stopped daemon had just
 * sent may reach it a moment later.
 */
static uint64_t last_kick(const json_t *log)
{
	uint64_t last = 0;
	const json_t *line;
	size_t i;

	json_array_foreach(log, i, line)
		if (event_is(line, "kick"))
			last = event_time(line);
	return last;
}

/* Is the port lit after the last line of the log that lies before `at`? */
static bool lit_at(const json_t *log, uint64_t at)
{
	bool lit = false;
	const json_t *line;
	size_t i;

	json_array_foreach(log, i, line) {
		if (event_time(line) > at)
			continue;
		if (event_is(line, "port-above"))
			lit = true;
		else if (event_is(line, "port-below"))
			lit = false;
	}
	return lit;
}

/* Last time the port went dark; 0 when it is lit at the end of the log. */
static uint64_t dark_since(const json_t *log)
{
	uint64_t dark = 0;
	const json_t *line;
	size_t i;

	json_array_foreach(log, i, line) {
		if (event_is(line, "port-below"))
			dark = event_time(line);
		else if (event_is(line, "port-above"))
			dark = 0;
	}
	return dark;
}

static bool port_is_lit(const struct session *s)
{
	json_t *log = session_log(s);
	bool lit = lit_at(log, UINT64_MAX);

	json_decref(log);
	return lit;
}

static pid_t start_light(const struct session *s, bool sweep)
{
	static const char *const laser[] = { "etalonctl", "laser",  "on",   "1550nm",
					     "--power",	  "0dBm", NULL };
	static const char *const sweeping[] = { "etalonctl", "sweep", "wavelength", "1540nm",
						"1560nm",    "--step", "1pm",	    "--speed",
						"2nm/s",     "--power", "0dBm",	    "-d",
						"through,drop", NULL };
	uint64_t until = now_ns() + 20 * NSEC_PER_SEC;
	pid_t pid = session_spawn(s, "client.out", sweep ? sweeping : laser);

	while (!port_is_lit(s)) {
		ck_assert_msg(now_ns() < until, "no light after 20 s; see client.out in %s", s->dir);
		poll(NULL, 0, 10);
	}
	return pid;
}

/* The moment of the fault: by our clock, or as the board logged it. */
static uint64_t strike(struct session *s, const struct fault_case *c, pid_t client)
{
	uint64_t before = now_ns();
	json_t *log;
	uint64_t at;

	if (c->victim == CLIENT) {
		kill(client, c->signal);
		return before;
	}
	if (c->victim == DAEMON) {
		kill(s->daemon, c->signal);
		return before;
	}
	session_fault(s, c->fault);
	log = session_log(s);
	at = session_log_time(log, "fault", before);
	json_decref(log);
	return at ? at : before;
}

/* Everything back to where the next trial can start; the cause must have been recorded. */
static void mend(struct session *s, const struct fault_case *c, pid_t client)
{
	session_kill(&client, SIGKILL);
	if (c->mend)
		session_fault(s, c->mend);
	if (c->victim == DAEMON) {
		session_kill(&s->daemon, SIGKILL);
		session_start_daemon(s);
	}
}

static void clear_fault(struct session *s, sd_bus *bus)
{
	_cleanup_free_ char *board = NULL, *cause = NULL, *output = NULL;
	uint64_t until = now_ns() + 15 * NSEC_PER_SEC;
	int status;

	/* A board that was unplugged comes back by itself. */
	do {
		free(board);
		board = session_board_path(bus);
		if (board && (session_wait_state(bus, board, "off", 100) ||
			      session_wait_state(bus, board, "tripped", 100)))
			break;
		ck_assert_msg(now_ns() < until, "the board did not come back");
	} while (true);
	ck_assert_int_ge(sd_bus_get_property_string(bus, "org.etalon1", board, "org.etalon1.Board",
						    "LastOffCause", NULL, &cause),
			 0);
	ck_assert_msg(cause[0] != '\0', "no cause was recorded");
	status = session_ctl(s, &output, "fault", "clear", NULL);
	ck_assert_msg(status == 0, "fault clear: exit %d: %s", status, output);
	ck_assert(session_wait_state(bus, board, "off", 5000));
}

static double one_trial(struct session *s, const struct fault_case *c, uint64_t *random)
{
	bool sweep = trial_next(random) & 1;
	uint64_t struck, dark = 0, until;
	sd_bus *bus;
	json_t *log;
	pid_t client;

	client = start_light(s, sweep);
	poll(NULL, 0, (int)(trial_next(random) % 400));
	struck = strike(s, c, client);
	for (until = now_ns() + 5 * NSEC_PER_SEC; dark == 0 && now_ns() < until;) {
		poll(NULL, 0, 20);
		log = session_log(s);
		dark = dark_since(log);
		if (dark)
			ck_assert_msg(lit_at(log, struck) || sweep, "it was dark before the fault");
		json_decref(log);
	}
	ck_assert_msg(dark != 0, "%s: still lit after 5 s", c->name);
	mend(s, c, client);
	bus = session_bus(s);
	clear_fault(s, bus);
	sd_bus_flush_close_unref(bus);
	log = session_log(s);
	ck_assert_msg(dark_since(log) == dark, "%s: light came back by itself", c->name);
	if (c->victim == DAEMON && last_kick(log) < dark)
		struck = MAX(struck, last_kick(log));
	json_decref(log);
	return dark <= struck ? 0 : (double)(dark - struck) / 1e6;
}

START_TEST(light_is_off_in_time_after)
{
	const struct fault_case *c = &cases[_i];
	uint64_t random = trial_seed() + (uint64_t)_i;
	unsigned int trials = trial_count();
	double worst = 0;
	struct session s;

	session_start(&s, &(struct session_options){ .log_kicks = true });
	for (unsigned int i = 0; i < trials; i++) {
		double took = one_trial(&s, c, &random);

		worst = MAX(worst, took);
		ck_assert_msg(took <= c->limit_ms, "%s, trial %u: dark after %.1f ms, limit %.1f ms",
			      c->name, i, took, c->limit_ms);
	}
	printf("%-17s %3u trials, dark after at most %7.2f ms, limit %7.2f ms\n", c->name, trials, worst,
	       c->limit_ms);
	session_stop(&s);
}
END_TEST

static Suite *safety_suite(void)
{
	Suite *s = suite_create("safety");
	TCase *t = tcase_create("faults");

	tcase_set_timeout(t, 0);
	tcase_add_loop_test(t, light_is_off_in_time_after, 0, ARRAY_SIZE(cases));
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return run_suite(safety_suite());
}
