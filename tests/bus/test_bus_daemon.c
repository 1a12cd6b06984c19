// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * etalond as a process: how it starts, refuses to start, ends, and finds again what it left.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "holder.h"
#include "runs.h"
#include "session.h"
#include "trial.h"

#include "run_suite.h" /* last: it defines a macro fail() */

#define BOARD "org.etalon1.Board"
#define MANAGER "org.etalon1.Manager"

static struct session session;
static const struct session_options patient = {.watchdog_ms = SESSION_PATIENT_WATCHDOG_MS};

static void start(void)
{
	session_start(&session, &patient);
}

static void stop(void)
{
	session_stop(&session);
}

static char *output_of(const char *file)
{
	_cleanup_free_ char *path = asprintf_or_null("%s/%s", session.dir, file);
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	char *text = NULL;
	size_t room = 0;

	if (!f || getdelim(&text, &room, EOF, f) < 0) {
		free(text);
		return strdup("");
	}
	return text;
}

/* Runs etalond with these arguments until it ends: exit status. */
static int run_daemon(char **ret_output, const char *const *arguments)
{
	const char *argv[16] = {"etalond"};
	int status = -1;
	pid_t pid;

	for (size_t i = 0; arguments[i]; i++)
		argv[i + 1] = arguments[i];
	pid = session_spawn(&session, "second.out", argv);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	*ret_output = output_of("second.out");
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void must_refuse(const char *const *arguments, const char *says)
{
	_cleanup_free_ char *output = NULL;
	int status = run_daemon(&output, arguments);

	ck_assert_int_eq(status, 1);
	ck_assert_msg(strstr(output, says) != NULL, "it says \"%s\", not \"...%s...\"", output,
		      says);
}

START_TEST(a_second_daemon_on_the_same_bus_is_refused_with_the_owners_pid)
{
	_cleanup_free_ char *other = asprintf_or_null("%s/other.db", session.dir);
	_cleanup_free_ char *pid = asprintf_or_null("pid %d", (int)session.daemon);
	const char *const arguments[] = {"--bus", session.address, "--store", other, NULL};

	must_refuse(arguments, pid);
	must_refuse(arguments, "org.etalon1 is owned by");
}
END_TEST

START_TEST(a_second_daemon_on_the_same_store_is_refused)
{
	/* A bus of its own, so that only the store can stop it. */
	struct session other;
	const char *const arguments[] = {"--bus", other.address, "--store", session.store, NULL};

	session_start(&other, &patient);
	session_kill(&other.daemon, SIGTERM);
	must_refuse(arguments, session.store);
	session_start_daemon(&other);
	session_stop(&other);
}
END_TEST

START_TEST(what_is_no_store_is_refused_and_left_as_it_was)
{
	_cleanup_free_ char *path = asprintf_or_null("%s/letter.txt", session.dir), *after = NULL;
	static const char text[] = "Dear reader, this is a letter and no database at all.\n";
	const char *const arguments[] = {"--bus", session.address, "--store", path, NULL};
	_cleanup_fclose_ FILE *f = fopen(path, "we");

	ck_assert_ptr_nonnull(f);
	for (int i = 0; i < 200; i++)
		fputs(text, f);
	fclose(take_ptr(f));
	session_kill(&session.daemon, SIGTERM);
	must_refuse(arguments, "letter.txt");
	after = output_of("letter.txt");
	ck_assert_uint_eq(strlen(after), 200 * (sizeof(text) - 1));
	session_start_daemon(&session);
}
END_TEST

static const struct {
	const char *arguments[5];
	const char *says;
} refusals[] = {
	{{"--colour"}, "--help"},
	{{"something"}, "something"},
	{{"--bus", "unix:path=/nonexistent/bus"}, "/nonexistent/bus"},
	{{"--config", "/nonexistent/etalond.conf"}, "/nonexistent/etalond.conf"},
};

START_TEST(wrong_arguments_are_refused_in_words)
{
	must_refuse(refusals[_i].arguments, refusals[_i].says);
}
END_TEST

START_TEST(a_wrong_configuration_is_refused_with_file_and_line)
{
	_cleanup_free_ char *path = asprintf_or_null("%s/wrong.conf", session.dir);
	const char *const arguments[] = {"--bus", session.address, "--config", path, NULL};
	_cleanup_fclose_ FILE *f = fopen(path, "we");

	ck_assert_ptr_nonnull(f);
	fputs("watchdog_ms: 250\ncolour: blue\n", f);
	fclose(take_ptr(f));
	must_refuse(arguments, "wrong.conf:2:");
}
END_TEST

/* Did the board enter this state after `from_ns`? */
static bool entered(const char *state, uint64_t from_ns)
{
	json_t *log = session_log(&session), *line;
	bool found = false;
	size_t i;

	json_array_foreach(log, i, line) {
		const char *event = json_string_value(json_object_get(line, "event"));
		const char *to = json_string_value(json_object_get(line, "to"));

		if (event && to && streq(event, "state") && streq(to, state) &&
		    (uint64_t)json_integer_value(json_object_get(line, "t_ns")) >= from_ns)
			found = true;
	}
	json_decref(log);
	return found;
}

START_TEST(on_sigterm_light_goes_off_first_and_the_exit_is_clean)
{
	sd_bus *bus = session_bus(&session);
	struct holder h;
	uint64_t before;
	int status;

	holder_start(&h, &session, HOLDER_PATIENT_MS, true);
	before = now_ns();
	kill(session.daemon, SIGTERM);
	ck_assert_int_eq(waitpid(session.daemon, &status, 0), session.daemon);
	session.daemon = 0;
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	/* Turned off by command: the board has not tripped. */
	ck_assert(entered("off", before));
	ck_assert(!entered("tripped", before));
	holder_end(&h);
	sd_bus_flush_close_unref(bus);
	session_start_daemon(&session);
}
END_TEST

#define STOPS 12

START_TEST(a_stop_at_any_moment_of_a_sweep_is_clean)
{
	static const char *const detectors[] = {"through", NULL};
	uint64_t random = trial_seed();

	for (int i = 0; i < STOPS; i++) {
		sd_bus *bus = session_bus(&session);
		_cleanup_free_ char *board = session_board_path(bus), *job = NULL, *newest = NULL;
		struct holder h;
		int status;

		holder_start(&h, &session, HOLDER_PATIENT_MS, i % 3 == 0);
		/* A third of a second of sweep; delay, dark, storing and analysis besides. */
		job = measure_wavelength(bus, board, 1549000000, 1555000000, 6001, 20000000,
					 detectors);
		ck_assert_ptr_nonnull(job);
		poll(NULL, 0, (int)(trial_next(&random) % 700));
		kill(session.daemon, SIGTERM);
		ck_assert_int_eq(waitpid(session.daemon, &status, 0), session.daemon);
		session.daemon = 0;
		ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
			      "stop %d: wait status %#x", i, status);
		holder_end(&h);
		sd_bus_flush_close_unref(bus);
		session_start_daemon(&session);
		bus = session_bus(&session);
		/* Stored as what it was: nothing is left to be mended. */
		ck_assert_int_ge(sd_bus_get_property_string(bus, "org.etalon1", "/org/etalon1",
							    MANAGER, "StoreStatus", NULL, &newest),
				 0);
		ck_assert_str_eq(newest, "");
		sd_bus_flush_close_unref(bus);
	}
}
END_TEST

START_TEST(light_ends_when_the_bus_does)
{
	sd_bus *bus = session_bus(&session);
	struct holder h;
	int status;

	holder_start(&h, &session, HOLDER_PATIENT_MS, true);
	session_kill(&session.bus, SIGKILL);
	/* A daemon nobody can reach keeps no light and does not stay. */
	ck_assert_int_eq(waitpid(session.daemon, &status, 0), session.daemon);
	session.daemon = 0;
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	sd_bus_close_unref(bus);
	holder_end(&h);
}
END_TEST

START_TEST(after_a_kill_the_run_is_partial_and_the_store_says_so)
{
	static const char *const detectors[] = {"pd1", NULL};
	sd_bus *bus = session_bus(&session);
	_cleanup_free_ char *board = session_board_path(bus), *job = NULL, *text = NULL;
	_cleanup_free_ char *run_text = NULL;
	uint64_t points = 0;

	/* Ten seconds of dark in 0.1 ms steps. */
	job = measure_dark(bus, board, 100000, 100000, 80000, detectors);
	ck_assert_ptr_nonnull(job);
	for (uint64_t until = now_ns() + 10 * NSEC_PER_SEC; points < 5000 && now_ns() < until;)
		ck_assert_int_ge(sd_bus_get_property_trivial(bus, "org.etalon1", job,
							     "org.etalon1.Job", "PointsDone", NULL,
							     't', &points),
				 0);
	session_kill(&session.daemon, SIGKILL);
	sd_bus_flush_close_unref(bus);
	session_start_daemon(&session);
	bus = session_bus(&session);
	ck_assert_int_ge(sd_bus_get_property_string(bus, "org.etalon1", "/org/etalon1", MANAGER,
						    "StoreStatus", NULL, &text),
			 0);
	ck_assert_str_eq(text, "1 unfinished run marked partial: 1");
	run_text = run_status(bus, 1);
	ck_assert_str_eq(run_text, "partial");
	/* What was older than the last commit is there. */
	ck_assert_uint_gt(run_data(bus, 1, NULL), 1000);
	sd_bus_flush_close_unref(bus);
}
END_TEST

START_TEST(a_board_that_appears_later_is_found)
{
	sd_bus *bus = session_bus(&session);
	_cleanup_free_ char *board = session_board_path(bus);

	session_kill(&session.emulator, SIGKILL);
	ck_assert(session_wait_state(bus, board, "gone", 20000));
	session_start_emulator(&session, NULL);
	ck_assert(session_wait_state(bus, board, "off", 20000));
	sd_bus_flush_close_unref(bus);
}
END_TEST

/* Voluntary context switches of all threads: what an idle process must not have. */
static uint64_t switches(pid_t pid)
{
	_cleanup_free_ char *command = asprintf_or_null(
		"cat /proc/%d/task/*/status | awk '/^voluntary/ { n += $2 } END { print n }'", pid);
	FILE *p = popen(command, "r");
	unsigned long long n = 0;

	ck_assert_ptr_nonnull(p);
	ck_assert_int_eq(fscanf(p, "%llu", &n), 1);
	pclose(p);
	return n;
}

/* What starting has left to be done may take longer on a shared machine: then the next window is quiet. */
START_TEST(an_idle_daemon_does_not_wake_up)
{
	uint64_t woken = UINT64_MAX;

	poll(NULL, 0, 1000);
	for (int window = 0; window < 4 && woken > 2; window++) {
		uint64_t before = switches(session.daemon);

		poll(NULL, 0, 3000);
		woken = switches(session.daemon) - before;
	}
	ck_assert_uint_le(woken, 2);
}
END_TEST

START_TEST(readiness_is_told_when_all_can_be_asked)
{
	_cleanup_free_ char *path = asprintf_or_null("%s/notify", session.dir), *board = NULL;
	const char *const argv[] = {"etalond",	   "--bus",   session.address, "--emulate",
				    session.board, "--store", session.store,   NULL};
	const struct timeval patience = {.tv_sec = 20};
	char text[512] = "";
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	sd_bus *bus;

	session_kill(&session.daemon, SIGTERM);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	setenv("NOTIFY_SOCKET", path, 1);
	session.daemon = session_spawn(&session, "etalond.out", argv);
	unsetenv("NOTIFY_SOCKET");
	ck_assert_int_gt(recv(fd, text, sizeof(text) - 1, 0), 0);
	ck_assert_ptr_nonnull(strstr(text, "READY=1"));
	/* No waiting now: the name is owned and the board is there. */
	bus = session_bus(&session);
	board = session_board_path(bus);
	ck_assert_ptr_nonnull(board);
	sd_bus_flush_close_unref(bus);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bus_daemon");
	TCase *tc = tcase_create("daemon");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, start, stop);
	tcase_add_test(tc, a_second_daemon_on_the_same_bus_is_refused_with_the_owners_pid);
	tcase_add_test(tc, a_second_daemon_on_the_same_store_is_refused);
	tcase_add_test(tc, what_is_no_store_is_refused_and_left_as_it_was);
	tcase_add_loop_test(tc, wrong_arguments_are_refused_in_words, 0, (int)ARRAY_SIZE(refusals));
	tcase_add_test(tc, a_wrong_configuration_is_refused_with_file_and_line);
	tcase_add_test(tc, on_sigterm_light_goes_off_first_and_the_exit_is_clean);
	tcase_add_test(tc, a_stop_at_any_moment_of_a_sweep_is_clean);
	tcase_add_test(tc, light_ends_when_the_bus_does);
	tcase_add_test(tc, after_a_kill_the_run_is_partial_and_the_store_says_so);
	tcase_add_test(tc, a_board_that_appears_later_is_found);
	tcase_add_test(tc, an_idle_daemon_does_not_wake_up);
	tcase_add_test(tc, readiness_is_told_when_all_can_be_asked);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
