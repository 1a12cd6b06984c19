// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The lease over a real bus, with a real board model and clients that are processes: however a
 * client ends, light ends, and it is said why. Times are held by tests/system.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "holder.h"
#include "runs.h"
#include "session.h"
#include "stall_watch.h"

#include "run_suite.h" /* last: it defines a macro fail() */

#define BOARD "org.etalon1.Board"
#define NM 1000000LL
/* Not less: a shared machine stands still for a moment, and its holder with it. */
#define SILENCE_MS 2000

static struct session session;
static const struct session_options patient = {.watchdog_ms = SESSION_PATIENT_WATCHDOG_MS};
static sd_bus *bus;
static char *board, error[64];

static void start(void)
{
	session_open(&session, &patient, &bus, &board);
}

static void stop(void)
{
	session_close(&session, bus, board);
}

static void cause_tells(const char *part)
{
	_cleanup_free_ char *cause = last_off_cause(bus, board);

	ck_assert_msg(strstr(cause, part) != NULL, "LastOffCause is \"%s\", not \"...%s...\"",
		      cause, part);
}

/* Who a caller is, the bus tells when it is asked. */
static void cause_becomes(const char *part)
{
	uint64_t until = now_ns() + 5 * NSEC_PER_SEC;
	_cleanup_free_ char *cause = last_off_cause(bus, board);

	while (!strstr(cause, part) && now_ns() < until) {
		poll(NULL, 0, 5);
		free(cause);
		cause = last_off_cause(bus, board);
	}
	cause_tells(part);
}

static char *holder_name(void)
{
	char *name = NULL;

	ck_assert_int_ge(sd_bus_get_property_string(bus, "org.etalon1", board, BOARD, "LeaseHolder",
						    NULL, &name),
			 0);
	return name;
}

static void kill_it(struct holder *h)
{
	session_kill(&h->pid, SIGKILL);
}

static void stop_it(struct holder *h)
{
	kill(h->pid, SIGSTOP);
}

static void silence_it(struct holder *h)
{
	holder_tell(h, HOLDER_FALL_SILENT);
}

static void let_it_leave(struct holder *h)
{
	holder_tell(h, HOLDER_LEAVE_BUS);
}

static void close_it(struct holder *h)
{
	holder_tell(h, HOLDER_CLOSE_LEASE);
}

static const struct {
	const char *name;
	void (*act)(struct holder *h);
	const char *cause;
} endings[] = {
	{"killed", kill_it, "lease holder :1."},
	{"stopped", stop_it, "went silent for more than 2000 ms"},
	{"silent", silence_it, "went silent for more than 2000 ms"},
	{"left the bus", let_it_leave, "left the bus"},
	{"closed the lease", close_it, "closed its lease"},
};

START_TEST(however_the_holder_ends_light_ends_and_the_cause_is_told)
{
	_cleanup_free_ char *name = NULL;
	struct holder h;

	holder_start(&h, &session, SILENCE_MS, true);
	ck_assert(session_wait_state(bus, board, "emitting", 100));
	endings[_i].act(&h);
	ck_assert_msg(session_wait_state(bus, board, "off", 10000), "%s: still lit",
		      endings[_i].name);
	cause_tells(endings[_i].cause);
	name = holder_name();
	ck_assert_str_eq(name, "");
	holder_end(&h);
	/* And the next one gets it all. */
	holder_start(&h, &session, HOLDER_PATIENT_MS, true);
	holder_end(&h);
}
END_TEST

START_TEST(a_lease_is_kept_for_as_long_as_its_holder_speaks)
{
	struct holder h;

	holder_start(&h, &session, SILENCE_MS, true);
	ck_assert(!session_wait_state(bus, board, "off", 3 * SILENCE_MS));
	ck_assert(session_wait_state(bus, board, "emitting", 100));
	holder_end(&h);
}
END_TEST

START_TEST(a_stranger_turns_light_off_without_a_lease)
{
	struct holder h;

	holder_start(&h, &session, HOLDER_PATIENT_MS, true);
	ck_assert_int_eq(holder_call(bus, board, BOARD, "Off", error, ""), 0);
	ck_assert(session_wait_state(bus, board, "off", 10000));
	cause_tells("turned off by :1.");
	cause_becomes(" (uid ");
	holder_end(&h);
}
END_TEST

static int64_t setpoint_of(const char *source)
{
	sd_bus_message *reply = NULL;
	int64_t value = 0, found = -1;
	const char *name;

	ck_assert_int_ge(sd_bus_get_property(bus, "org.etalon1", board, BOARD, "Setpoints", NULL,
					     &reply, "a{sx}"),
			 0);
	ck_assert_int_ge(sd_bus_message_enter_container(reply, 'a', "{sx}"), 0);
	while (sd_bus_message_read(reply, "{sx}", &name, &value) > 0)
		if (streq(name, source))
			found = value;
	sd_bus_message_unref(reply);
	return found;
}

START_TEST(what_off_took_to_zero_is_told_as_zero)
{
	static const char *const sources[] = {"ld1", "h1"};
	struct holder h;

	holder_start(&h, &session, HOLDER_PATIENT_MS, true);
	ck_assert_int_eq(holder_call(bus, board, BOARD, "Set", error, "a{sx}", 2, sources[0],
				     INT64_C(100000000000000), sources[1], INT64_C(2000000000)),
			 0);
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++)
		ck_assert_int_gt(setpoint_of(sources[i]), 0);
	holder_end(&h);
	ck_assert(session_wait_state(bus, board, "off", 10000));
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		for (int n = 0; n < 1000 && setpoint_of(sources[i]) != 0; n++)
			poll(NULL, 0, 5);
		ck_assert_int_eq(setpoint_of(sources[i]), 0);
	}
}
END_TEST

START_TEST(another_process_of_the_same_user_attaches_to_the_lease)
{
	struct holder h;

	holder_start(&h, &session, HOLDER_PATIENT_MS, true);
	ck_assert_int_eq(holder_call(bus, board, BOARD, "SetGate", error, "b", 1), 0);
	ck_assert_int_eq(holder_call(bus, board, BOARD, "SetGate", error, "b", 0), 0);
	ck_assert_int_eq(holder_call(bus, board, BOARD, "Set", error, "a{sx}", 1, "laser.power",
				     INT64_C(500000000000)),
			 0);
	/* But a second lease there is not. */
	ck_assert_int_lt(take_lease(bus, board, 1000, error), 0);
	ck_assert_str_eq(error, "LeaseHeld");
	holder_end(&h);
	ck_assert(session_wait_state(bus, board, "off", 10000));
	ck_assert_int_lt(holder_call(bus, board, BOARD, "SetGate", error, "b", 1), 0);
	ck_assert_str_eq(error, "LeaseRequired");
}
END_TEST

/* ---- a client under another's lease dies ---- */

static int open_gate(sd_bus *own, const char *path)
{
	return holder_call(own, path, BOARD, "SetGate", error, "b", 1);
}

static int set_gate_source(sd_bus *own, const char *path)
{
	return holder_call(own, path, BOARD, "Set", error, "a{sx}", 1, "gate", INT64_C(1));
}

static int emit_gate_source(sd_bus *own, const char *path)
{
	return holder_call(own, path, BOARD, "Emit", error, "a{sx}", 1, "gate", INT64_C(1));
}

static int start_job(sd_bus *own, const char *path)
{
	static const char *const through[] = {"through", NULL};
	char *job = measure_wavelength(own, path, 1540 * NM, 1560 * NM, 20001, 2 * NM, through);

	free(job);
	return job ? 0 : -EIO;
}

static pid_t attached(int (*act)(sd_bus *own, const char *path))
{
	int ready[2];
	char is_ready = 0;
	pid_t pid;

	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (act(session_bus(&session), board) < 0 || write(ready[1], "r", 1) != 1)
			_exit(2);
		for (;;)
			pause();
	}
	close(ready[1]);
	ck_assert_msg(read(ready[0], &is_ready, 1) == 1, "the attached client got no light");
	close(ready[0]);
	return pid;
}

static bool gate_open_is(bool open)
{
	int is = !open;

	for (uint64_t until = now_ns() + 10 * NSEC_PER_SEC; now_ns() < until; poll(NULL, 0, 5)) {
		ck_assert_int_ge(sd_bus_get_property_trivial(bus, "org.etalon1", board, BOARD,
							     "GateOpen", NULL, 'b', &is),
				 0);
		if (is == open)
			return true;
	}
	return false;
}

/* A quarter of a second in which the machine ran. */
static void gate_was_shut_in_time(uint64_t killed_ns, uint64_t stalled_ns)
{
	json_t *log = session_log(&session);
	uint64_t shut_ns = session_log_time(log, "gate-shut", killed_ns);

	ck_assert_uint_gt(shut_ns, 0);
	ck_assert_uint_le(shut_ns - killed_ns, 250 * NSEC_PER_MSEC + stalled_ns);
	json_decref(log);
}

static const struct {
	int (*act)(sd_bus *own, const char *path);
	const char *cause; /* NULL: the job tells */
} lights[] = {
	{open_gate, "which had opened the gate, left the bus"},
	{set_gate_source, "which had opened the gate, left the bus"},
	{emit_gate_source, "which had opened the gate, left the bus"},
	{start_job, NULL},
};

START_TEST(the_gate_that_a_dead_attached_client_opened_is_shut_and_the_laser_stays_warm)
{
	struct stall_watch *watch;
	struct holder h;
	uint64_t killed_ns;
	pid_t pid;

	holder_start(&h, &session, HOLDER_PATIENT_MS, true);
	pid = attached(lights[_i].act);
	ck_assert(gate_open_is(true));
	watch = stall_watch_begin();
	killed_ns = now_ns();
	session_kill(&pid, SIGKILL);
	ck_assert(gate_open_is(false));
	if (lights[_i].cause)
		cause_tells(lights[_i].cause);
	ck_assert(session_wait_state(bus, board, "emitting", 1000));
	gate_was_shut_in_time(killed_ns, stall_watch_end(watch));
	holder_end(&h);
}
END_TEST

START_TEST(who_opens_the_gate_last_answers_for_it)
{
	struct holder h;
	pid_t first, second;

	holder_start(&h, &session, HOLDER_PATIENT_MS, true);
	first = attached(open_gate);
	second = attached(open_gate);
	session_kill(&first, SIGKILL);
	poll(NULL, 0, 300);
	ck_assert(gate_open_is(true));
	session_kill(&second, SIGKILL);
	ck_assert(gate_open_is(false));
	holder_end(&h);
}
END_TEST

START_TEST(the_holder_is_named_with_its_user_and_period)
{
	_cleanup_free_ char *name = NULL;
	uint32_t uid = 0, period = 0;
	uint64_t since = 0;
	struct holder h;

	holder_start(&h, &session, 700, false);
	name = holder_name();
	ck_assert_int_eq(name[0], ':');
	ck_assert_int_ge(sd_bus_get_property_trivial(bus, "org.etalon1", board, BOARD, "LeaseUid",
						     NULL, 'u', &uid),
			 0);
	ck_assert_uint_eq(uid, getuid());
	ck_assert_int_ge(sd_bus_get_property_trivial(bus, "org.etalon1", board, BOARD,
						     "LeasePeriodMs", NULL, 'u', &period),
			 0);
	ck_assert_uint_eq(period, 700);
	ck_assert_int_ge(sd_bus_get_property_trivial(bus, "org.etalon1", board, BOARD, "LeaseSince",
						     NULL, 't', &since),
			 0);
	ck_assert_uint_gt(since, wall_ns() - 60 * NSEC_PER_SEC);
	holder_end(&h);
}
END_TEST

START_TEST(a_client_that_vanishes_mid_call_costs_nothing)
{
	for (int i = 0; i < 20; i++) {
		sd_bus *other = session_bus(&session);
		sd_bus_message *m = NULL;

		ck_assert_int_ge(sd_bus_message_new_method_call(other, &m, "org.etalon1", board,
								BOARD, i % 2 ? "Lease" : "Read"),
				 0);
		if (i % 2)
			ck_assert_int_ge(sd_bus_message_append(m, "ua{sv}", 1000U, 0), 0);
		else
			ck_assert_int_ge(sd_bus_message_append(m, "asa{sv}", 0, 1, "aperture_ns",
							       "t", UINT64_C(10000000)),
					 0);
		ck_assert_int_ge(sd_bus_send(other, m, NULL), 0);
		ck_assert_int_ge(sd_bus_flush(other), 0);
		sd_bus_message_unref(m);
		sd_bus_close_unref(other);
	}
	/* Its leases have ended with it. */
	for (uint64_t until = now_ns() + 10 * NSEC_PER_SEC; now_ns() < until;) {
		_cleanup_free_ char *name = holder_name();

		if (name[0] == '\0')
			break;
		poll(NULL, 0, 10);
	}
	ck_assert(session_wait_state(bus, board, "off", 1000));
	ck_assert_int_eq(holder_call(bus, board, BOARD, "Read", error, "asa{sv}", 0, 0), 0);
}
END_TEST

START_TEST(an_opened_interlock_trips_and_is_cleared_only_when_it_is_shut)
{
	struct holder h;

	holder_start(&h, &session, HOLDER_PATIENT_MS, true);
	session_fault(&session, "{\"fault\":\"interlock-open\"}");
	ck_assert(session_wait_state(bus, board, "tripped", 10000));
	cause_tells("interlock");
	ck_assert_int_lt(holder_call(bus, board, BOARD, "ClearFault", error, ""), 0);
	ck_assert_str_eq(error, "Interlock");
	ck_assert_int_lt(holder_call(bus, board, BOARD, "Emit", error, "a{sx}", 0), 0);
	ck_assert_str_eq(error, "Interlock");
	session_fault(&session, "{\"fault\":\"interlock-close\"}");
	for (int i = 0; i < 500 && holder_call(bus, board, BOARD, "ClearFault", error, "") < 0; i++)
		poll(NULL, 0, 10);
	ck_assert(session_wait_state(bus, board, "off", 10000));
	holder_end(&h);
}
END_TEST

START_TEST(a_cut_cable_is_dark_and_the_board_comes_back_by_itself)
{
	struct holder h;

	holder_start(&h, &session, HOLDER_PATIENT_MS, true);
	session_fault(&session, "{\"fault\":\"cable\"}");
	/* Gone for a moment, then opened again, dark, with what ended light recorded. */
	ck_assert(session_wait_state(bus, board, "gone", 10000));
	ck_assert(session_wait_state(bus, board, "off", 20000));
	cause_tells("link");
	holder_end(&h);
	holder_start(&h, &session, HOLDER_PATIENT_MS, true);
	holder_end(&h);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bus_lease");
	TCase *tc = tcase_create("lease");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, start, stop);
	tcase_add_loop_test(tc, however_the_holder_ends_light_ends_and_the_cause_is_told, 0,
			    (int)ARRAY_SIZE(endings));
	tcase_add_test(tc, a_lease_is_kept_for_as_long_as_its_holder_speaks);
	tcase_add_test(tc, a_stranger_turns_light_off_without_a_lease);
	tcase_add_test(tc, what_off_took_to_zero_is_told_as_zero);
	tcase_add_test(tc, another_process_of_the_same_user_attaches_to_the_lease);
	tcase_add_loop_test(
		tc, the_gate_that_a_dead_attached_client_opened_is_shut_and_the_laser_stays_warm, 0,
		(int)ARRAY_SIZE(lights));
	tcase_add_test(tc, who_opens_the_gate_last_answers_for_it);
	tcase_add_test(tc, the_holder_is_named_with_its_user_and_period);
	tcase_add_test(tc, a_client_that_vanishes_mid_call_costs_nothing);
	tcase_add_test(tc, an_opened_interlock_trips_and_is_cleared_only_when_it_is_shut);
	tcase_add_test(tc, a_cut_cable_is_dark_and_the_board_comes_back_by_itself);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
