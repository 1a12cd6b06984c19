// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Light goes off by itself: every way to lose the client, its lease, the daemon, the cable, the
 * interlock or the key, at random moments of a sweep, of a steady laser and of an emitting current,
 * read from the emulator's log after the fact.
 *
 * ETALON_TRIALS: trials of each fault, default 50. ETALON_SEED: other moments.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "holder.h"
#include "hw.h"
#include "light_log.h"
#include "session.h"
#include "trial.h"
#include "run_suite.h" /* last: it defines a macro fail() */

#define BOARD "org.etalon1.Board"

/* How long a fault may go unnoticed. What is told of the board is exact: the log has its own times. */
#define WATCHDOG_MS 250.0 /* of the board, from the last kick that it got */
#define CLIENT_PERIOD_MS 1000.0 /* of the lease, from the client's last sign of life */
#define LOOP_TURN_MS 50.0 /* for the host to notice or to deliver, on a machine that is shared */

/* What Off means, from the moment the board leaves EMITTING: section 5 of hw.h, ERB-1's numbers. */
#define OFF_GATE_MS 1.0 /* the blade itself takes 0.8 ms */
#define OFF_PORT_MS 2.0
#define OFF_CURRENT_MS 10.0

/* Kicks and signs of life come at least this often: a moment within it is at any phase of theirs. */
#define MOMENTS_MS 250
#define SWEEP_MS 10000.0 /* of light: 20 nm at 2 nm/s */
#define LIGHT_TIMEOUT_MS 20000
#define DARK_TIMEOUT_MS 5000

enum victim {
	CLIENT,
	LEASE,
	DAEMON,
	BOARD_FAULT,
};

static const struct fault_case {
	const char *name;
	enum victim victim;
	int signal;
	const char *fault; /* line for the fault socket */
	const char *mend; /* likewise, before the next trial */
	double off_ms; /* from the fault until the board leaves EMITTING */
	uint32_t causes; /* that the board may name */
} cases[] = {
	{"client killed", CLIENT, SIGKILL, NULL, NULL, WATCHDOG_MS + LOOP_TURN_MS,
	 ETALON_HW_CAUSE_HOST | ETALON_HW_CAUSE_WATCHDOG},
	{"lease closed", LEASE, 0, NULL, NULL, WATCHDOG_MS + LOOP_TURN_MS,
	 ETALON_HW_CAUSE_HOST | ETALON_HW_CAUSE_WATCHDOG},
	{"client stopped", CLIENT, SIGSTOP, NULL, NULL, CLIENT_PERIOD_MS + LOOP_TURN_MS,
	 ETALON_HW_CAUSE_HOST | ETALON_HW_CAUSE_WATCHDOG},
	{"etalond killed", DAEMON, SIGKILL, NULL, NULL, WATCHDOG_MS,
	 ETALON_HW_CAUSE_LINK | ETALON_HW_CAUSE_WATCHDOG},
	{"etalond stopped", DAEMON, SIGSTOP, NULL, NULL, WATCHDOG_MS, ETALON_HW_CAUSE_WATCHDOG},
	{"socket cut", BOARD_FAULT, 0, "{\"fault\":\"cable\"}", NULL, WATCHDOG_MS,
	 ETALON_HW_CAUSE_LINK | ETALON_HW_CAUSE_WATCHDOG},
	{"interlock opened", BOARD_FAULT, 0, "{\"fault\":\"interlock-open\"}",
	 "{\"fault\":\"interlock-close\"}", 0, ETALON_HW_CAUSE_INTERLOCK},
	{"key turned off", BOARD_FAULT, 0, "{\"fault\":\"key-off\"}", "{\"fault\":\"key-on\"}", 0,
	 ETALON_HW_CAUSE_KEY},
};

/* What the daemon records for a cause that the board names. */
static const struct {
	uint32_t cause;
	const char *told;
} records[] = {
	{ETALON_HW_CAUSE_HOST, "lease holder"}, {ETALON_HW_CAUSE_WATCHDOG, "not kicked in time"},
	{ETALON_HW_CAUSE_LINK, "link"},		{ETALON_HW_CAUSE_INTERLOCK, "interlock"},
	{ETALON_HW_CAUSE_KEY, "key"},
};

/* What makes the light that a fault ends: trials take turns. */
static const struct way {
	const char *argv[16];
	bool sweeps; /* for a while only, gate open */
	bool holds; /* gate shut: all light is the current's */
	bool current; /* an emitting current, through a laser diode */
} ways[] = {
	{.argv = {"etalonctl", "laser", "on", "1550nm", "--power", "0dBm"}},
	{.argv = {"etalonctl", "hold", "1550nm", "--power", "0dBm"},
	 .holds = true,
	 .current = true},
	{.argv = {"etalonctl", "sweep", "wavelength", "1540nm", "1560nm", "--step", "1pm",
		  "--speed", "2nm/s", "--power", "0dBm", "-d", "through,drop"},
	 .sweeps = true},
	{.argv = {"etalonctl", "laser", "on", "1550nm", "--power", "0dBm"}, .current = true},
};

struct trial {
	struct session *session;
	const struct fault_case *fault;
	const struct way *way;
	struct light_log log;
	sd_bus *bus;
	char *board;
	int lease; /* of this process, which commands attach to; or -1 */
	pid_t client;
	uint64_t began_wall_ns;
	uint64_t struck_ns;
};

/* All in ms: from the fault to Off, the others from Off on. */
struct took {
	double off, gate, port, current;
};

static unsigned int trial_count(void)
{
	const char *text = getenv("ETALON_TRIALS");

	return text ? (unsigned int)strtoul(text, NULL, 10) : 50;
}

static double ms_after(uint64_t from_ns, uint64_t to_ns)
{
	return to_ns > from_ns ? (double)(to_ns - from_ns) / 1e6 : 0;
}

/* ---- light ---- */

static bool emits(const struct trial *t, uint64_t at_ns)
{
	return light_log_reached(&t->log, "emitting", at_ns);
}

/* All that this trial's way promises is there at that moment. */
static bool lit(const struct trial *t, uint64_t at_ns)
{
	return light_log_since(&t->log, &light_lit, at_ns) &&
	       (t->way->holds || light_log_since(&t->log, &light_gate, at_ns));
}

/* A machine that stands still for a moment loses its light before there is a fault. */
static bool lost(struct trial *t)
{
	light_log_read(&t->log);
	return light_log_reached(&t->log, "off", UINT64_MAX) ||
	       light_log_reached(&t->log, "tripped", UINT64_MAX);
}

/* False: lost. */
static bool wait_until(struct trial *t, bool (*is)(const struct trial *t, uint64_t at_ns),
		       const char *what)
{
	const uint64_t until = now_ns() + LIGHT_TIMEOUT_MS * NSEC_PER_MSEC;

	while (!lost(t)) {
		if (is(t, now_ns()))
			return true;
		ck_assert_msg(now_ns() < until, "%s: no %s after %d s; see client.out in %s",
			      t->fault->name, what, LIGHT_TIMEOUT_MS / 1000, t->session->dir);
		poll(NULL, 0, 5);
	}
	return false;
}

static void take_own_lease(struct trial *t)
{
	char error[64];

	t->lease = take_lease(t->bus, t->board, 10000, error);
	ck_assert_msg(t->lease >= 0, "no lease: %s", error);
	if (t->way->holds)
		ck_assert_msg(holder_call(t->bus, t->board, BOARD, "Emit", error, "a{sx}", 0) == 0,
			      "no light: %s", error);
}

static bool set_current(struct trial *t, uint64_t *random)
{
	_cleanup_free_ char *output = NULL;
	char setpoint[32];
	int status;

	if (!wait_until(t, emits, "emission"))
		return false;
	snprintf(setpoint, sizeof(setpoint), "ld1=%umA",
		 50 + (unsigned int)(trial_next(random) % 351));
	status = session_ctl(t->session, &output, "set", setpoint, NULL);
	ck_assert_msg(status == 0 || lost(t), "set %s: exit %d: %s", setpoint, status, output);
	return status == 0;
}

static bool start_light(struct trial *t, uint64_t *random)
{
	if (t->fault->victim == LEASE)
		take_own_lease(t);
	if (t->fault->victim != LEASE || !t->way->holds)
		t->client = session_spawn(t->session, "client.out", t->way->argv);
	if (t->way->current && !set_current(t, random))
		return false;
	return wait_until(t, lit, "light");
}

/* ---- the fault ---- */

/* Its moment: by our clock before it, or as the board logged it. */
static uint64_t strike(struct trial *t)
{
	const uint64_t before = now_ns();
	uint64_t at;

	switch (t->fault->victim) {
	case CLIENT:
		kill(t->client, t->fault->signal);
		return before;
	case LEASE:
		closep(&t->lease);
		t->lease = -1;
		return before;
	case DAEMON:
		kill(t->session->daemon, t->fault->signal);
		return before;
	case BOARD_FAULT:
		break;
	}
	session_fault(t->session, t->fault->fault);
	light_log_read(&t->log);
	/* The only one of this trial; the board's turn may have begun just before our call. */
	at = light_log_last(&t->log, "fault", 0, UINT64_MAX);
	ck_assert_msg(at != 0, "the log does not tell of %s", t->fault->fault);
	return at;
}

/* Nor does a sweep count that may have come to its end by itself in the fault's time. */
static bool was_lit(const struct trial *t)
{
	const uint64_t since = light_log_since(&t->log, &light_lit, t->struck_ns);

	if (!lit(t, t->struck_ns))
		return false;
	return !t->way->sweeps || ms_after(since, t->struck_ns) + t->fault->off_ms < 0.9 * SWEEP_MS;
}

/* The watchdog counts from the last kick that reached the board: one may have been on its way. */
static uint64_t last_sign_of_life(const struct trial *t, uint64_t off_ns)
{
	uint64_t kick;

	if (t->fault->victim != DAEMON)
		return t->struck_ns;
	kick = light_log_last(&t->log, "kick", t->struck_ns, off_ns);
	ck_assert_msg(ms_after(t->struck_ns, kick) <= LOOP_TURN_MS, "%s: kicked %.1f ms after it",
		      t->fault->name, ms_after(t->struck_ns, kick));
	return MAX(kick, t->struck_ns);
}

static uint64_t wait_for_off(struct trial *t, uint32_t *ret_cause)
{
	const uint64_t until = now_ns() + DARK_TIMEOUT_MS * NSEC_PER_MSEC;
	uint64_t off;

	do {
		poll(NULL, 0, 10);
		light_log_read(&t->log);
		off = light_log_off(&t->log, t->struck_ns, ret_cause);
	} while (!off && now_ns() < until);
	return off;
}

static void must(const struct trial *t, const char *what, double took_ms, double limit_ms)
{
	ck_assert_msg(took_ms <= limit_ms, "%s, %s %s: %s after %.3f ms, limit %.3f ms",
		      t->fault->name, t->way->argv[1], t->way->current ? "with a current" : "",
		      what, took_ms, limit_ms);
}

/* An end that the log must show after the fault, in time after Off. */
static double ended(const struct trial *t, const char *event, uint64_t off_ns, double limit_ms)
{
	const uint64_t at = light_log_last(&t->log, event, t->struck_ns, UINT64_MAX);

	ck_assert_msg(at != 0, "%s, %s: no %s in the log", t->fault->name, t->way->argv[1], event);
	must(t, event, ms_after(off_ns, at), limit_ms);
	return ms_after(off_ns, at);
}

static struct took measure(struct trial *t, uint64_t off_ns)
{
	struct took took = {.off = ms_after(last_sign_of_life(t, off_ns), off_ns)};

	must(t, "off", took.off, t->fault->off_ms);
	if (!t->way->holds)
		took.gate = ended(t, light_gate.end, off_ns, OFF_GATE_MS);
	took.port = ended(t, light_lit.end, off_ns, OFF_PORT_MS);
	/* It is logged for a current that was on only. */
	if (t->way->current)
		took.current = ended(t, "current-zero", off_ns, OFF_CURRENT_MS);
	return took;
}

/* ---- back to where the next trial can start ---- */

static void mend(struct trial *t)
{
	session_kill(&t->client, SIGKILL);
	closep(&t->lease);
	if (t->fault->mend)
		session_fault(t->session, t->fault->mend);
	if (t->fault->victim == DAEMON) {
		session_kill(&t->session->daemon, SIGKILL);
		session_start_daemon(t->session);
	}
}

/* A board that was unplugged comes back by itself. */
static void wait_for_board(const struct trial *t)
{
	const uint64_t until = now_ns() + LIGHT_TIMEOUT_MS * NSEC_PER_MSEC;

	while (!session_wait_state(t->bus, t->board, "off", 50) &&
	       !session_wait_state(t->bus, t->board, "tripped", 50))
		ck_assert_msg(now_ns() < until, "the board did not come back");
}

static void the_cause_was_recorded(const struct trial *t, uint32_t cause)
{
	_cleanup_free_ char *told = last_off_cause(t->bus, t->board);
	uint64_t when = 0;

	ck_assert_msg(cause & t->fault->causes, "%s: the board names cause %#x", t->fault->name,
		      cause);
	ck_assert_int_ge(sd_bus_get_property_trivial(t->bus, "org.etalon1", t->board, BOARD,
						     "LastOffTime", NULL, 't', &when),
			 0);
	ck_assert_msg(when >= t->began_wall_ns, "%s: nothing recorded", t->fault->name);
	for (size_t i = 0; i < ARRAY_SIZE(records); i++)
		if (records[i].cause == cause)
			ck_assert_msg(strstr(told, records[i].told) != NULL,
				      "%s: recorded is \"%s\", not \"...%s...\"", t->fault->name,
				      told, records[i].told);
}

static void clear_fault(const struct trial *t)
{
	_cleanup_free_ char *output = NULL;
	int status = session_ctl(t->session, &output, "fault", "clear", NULL);

	ck_assert_msg(status == 0, "fault clear: exit %d: %s", status, output);
	ck_assert(session_wait_state(t->bus, t->board, "off", DARK_TIMEOUT_MS));
}

static void trial_begin(struct trial *t, struct session *s, const struct fault_case *fault,
			const struct way *way)
{
	*t = (struct trial){
		.session = s,
		.fault = fault,
		.way = way,
		.bus = session_bus(s),
		.lease = -1,
		.began_wall_ns = wall_ns(),
	};
	t->board = session_board_path(t->bus);
	ck_assert_ptr_nonnull(t->board);
	light_log_open(&t->log, s);
}

static void trial_end(struct trial *t)
{
	light_log_close(&t->log);
	free(t->board);
	sd_bus_flush_close_unref(t->bus);
}

/* Light, a moment, the fault: when the board left EMITTING, or 0: it was dark before the fault. */
static uint64_t light_and_fault(struct trial *t, uint64_t *random, uint32_t *ret_cause)
{
	uint64_t off;

	if (!start_light(t, random))
		return 0;
	poll(NULL, 0, (int)(trial_next(random) % MOMENTS_MS));
	if (lost(t))
		return 0;
	t->struck_ns = strike(t);
	off = wait_for_off(t, ret_cause);
	if (!was_lit(t))
		return 0;
	ck_assert_msg(off != 0, "%s, %s: still lit after %d s", t->fault->name, t->way->argv[1],
		      DARK_TIMEOUT_MS / 1000);
	return off;
}

/* False: the trial does not count. */
static bool one_trial(struct session *s, const struct fault_case *fault, const struct way *way,
		      uint64_t *random, struct took *ret_took)
{
	uint32_t cause = 0;
	uint64_t off;
	struct trial t;

	trial_begin(&t, s, fault, way);
	off = light_and_fault(&t, random, &cause);
	mend(&t);
	wait_for_board(&t);
	if (off)
		the_cause_was_recorded(&t, cause);
	clear_fault(&t);
	light_log_read(&t.log);
	/* Never dark, or lit again. What came back and went again shows as an end that is late. */
	ck_assert_msg(!light_log_since(&t.log, &light_lit, UINT64_MAX), "%s, %s: lit to the end",
		      fault->name, way->argv[1]);
	if (off)
		*ret_took = measure(&t, off);
	trial_end(&t);
	return off != 0;
}

static void keep_worst(struct took *worst, const struct took *took)
{
	worst->off = MAX(worst->off, took->off);
	worst->gate = MAX(worst->gate, took->gate);
	worst->port = MAX(worst->port, took->port);
	worst->current = MAX(worst->current, took->current);
}

START_TEST(light_is_off_in_time_after)
{
	static const char *const diode[] = {"--device", "laser-diode", NULL};
	const struct session_options options = {.log_kicks = true, .emulator_arguments = diode};
	const struct fault_case *c = &cases[_i];
	uint64_t random = trial_seed() + (uint64_t)_i;
	const unsigned int trials = trial_count();
	unsigned int again = 0, currents = 0;
	struct took worst = {0};
	struct session s;

	session_start(&s, &options);
	for (unsigned int i = 0; i < trials;) {
		const struct way *way = &ways[i % ARRAY_SIZE(ways)];
		struct took took = {0};

		if (!one_trial(&s, c, way, &random, &took)) {
			again++;
			ck_assert_msg(again <= trials / 5 + 1,
				      "%s: dark before the fault, %u times", c->name, again);
			continue;
		}
		keep_worst(&worst, &took);
		currents += way->current;
		i++;
	}
	printf("COUNT %-16s %3u trials, %u with a current, %u begun again: off after %.2f of %.0f ms; "
	       "then gate shut %.3f of %.0f, ports dark %.3f of %.0f, currents 0 %.3f of %.0f ms\n",
	       c->name, trials, currents, again, worst.off, c->off_ms, worst.gate, OFF_GATE_MS,
	       worst.port, OFF_PORT_MS, worst.current, OFF_CURRENT_MS);
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
