// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Who may what: the D-Bus policy file that is shipped, and the lease against other users. Needs root, to be
 * somebody else.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "holder.h"
#include "session.h"

#include "run_suite.h" /* last: it defines a macro fail() */

#define BOARD "org.etalon1.Board"
#define MANAGER "org.etalon1.Manager"
#define ROOT "/org/etalon1"
#define NOBODY 65534
#define ALLOWED ""

static struct session session;
static const struct session_options patient = {.watchdog_ms = SESSION_PATIENT_WATCHDOG_MS};

static bool can_be_somebody_else(void)
{
	if (geteuid() == 0)
		return true;
	printf("SKIP only root can be another user\n");
	return false;
}

/* Calls as user NOBODY, in a process of its own: the error's name goes to ret. */
static void call_as_nobody(const char *path, const char *interface, const char *method,
			   const char *types, bool flag, char ret[64])
{
	int out[2], status;
	ssize_t n;
	pid_t pid;

	ck_assert_int_eq(pipe(out), 0);
	pid = fork();
	if (pid == 0) {
		char error[64] = "";
		sd_bus *bus;

		if (setgid(NOBODY) < 0 || setuid(NOBODY) < 0)
			_exit(3);
		bus = session_bus(&session);
		if (streq(types, "b"))
			holder_call(bus, path, interface, method, error, "b", (int)flag);
		else if (streq(types, "ua{sv}"))
			holder_call(bus, path, interface, method, error, types, 1000U, 0);
		else if (streq(types, "x"))
			holder_call(bus, path, interface, method, error, types, INT64_C(1));
		else if (streq(types, "s"))
			holder_call(bus, path, interface, method, error, types, BOARD);
		else if (streq(types, "ss"))
			holder_call(bus, path, interface, method, error, types, BOARD, "State");
		else if (streq(types, ""))
			holder_call(bus, path, interface, method, error, types);
		else /* an empty array */
			holder_call(bus, path, interface, method, error, types, 0);
		_exit(write(out[1], error, sizeof(error)) == sizeof(error) ? 0 : 3);
	}
	close(out[1]);
	n = read(out[0], ret, 64);
	close(out[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(n == 64 && WIFEXITED(status) && WEXITSTATUS(status) == 0,
		      "the other user could not call at all");
}

START_TEST(another_user_can_not_use_the_lease_but_can_end_light)
{
	_cleanup_free_ char *board = NULL;
	struct holder h;
	char error[64];
	sd_bus *bus;

	if (!can_be_somebody_else())
		return;
	session_start(&session, &patient);
	ck_assert_int_eq(chmod(session.dir, 0755), 0);
	bus = session_bus(&session);
	board = session_board_path(bus);
	holder_start(&h, &session, HOLDER_PATIENT_MS, true);
	call_as_nobody(board, BOARD, "SetGate", "b", true, error);
	ck_assert_str_eq(error, "LeaseHeld");
	call_as_nobody(board, BOARD, "Emit", "a{sx}", false, error);
	ck_assert_str_eq(error, "LeaseHeld");
	call_as_nobody(board, BOARD, "SetGate", "b", false, error);
	ck_assert_str_eq(error, ALLOWED);
	call_as_nobody(board, BOARD, "Off", "", false, error);
	ck_assert_str_eq(error, ALLOWED);
	ck_assert(session_wait_state(bus, board, "off", 10000));
	holder_end(&h);
	sd_bus_flush_close_unref(bus);
	session_stop(&session);
}
END_TEST

static const char strict_bus[] =
	"<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\"\n"
	" \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n"
	"<busconfig><type>system</type><listen>unix:path=%s/strict</listen>\n"
	"<policy context=\"default\"><allow user=\"*\"/><deny own=\"*\"/>"
	"<deny send_type=\"method_call\"/><allow send_type=\"signal\"/>"
	"<allow send_requested_reply=\"true\" send_type=\"method_return\"/>"
	"<allow send_requested_reply=\"true\" send_type=\"error\"/>"
	"<allow receive_type=\"method_call\"/><allow receive_type=\"method_return\"/>"
	"<allow receive_type=\"error\"/><allow receive_type=\"signal\"/>"
	"<allow send_destination=\"org.freedesktop.DBus\"/></policy>\n"
	"<include>%s/daemon/system/org.etalon1.conf</include></busconfig>\n";

/* The session on a bus like the system's, with the policy file as it is installed. */
static void use_strict_bus(void)
{
	_cleanup_free_ char *config = asprintf_or_null("%s/strict.conf", session.dir);
	_cleanup_free_ char *top = realpath(".", NULL);
	const char *argv[] = {"dbus-daemon",   "--nofork", "--nopidfile",
			      "--config-file", config,	   NULL};
	_cleanup_fclose_ FILE *f = fopen(config, "we");
	uint64_t until = now_ns() + 10 * NSEC_PER_SEC;
	struct stat st;

	ck_assert_ptr_nonnull(f);
	fprintf(f, strict_bus, session.dir, top);
	fclose(take_ptr(f));
	session_kill(&session.daemon, SIGTERM);
	session_kill(&session.bus, SIGTERM);
	snprintf(session.address, sizeof(session.address), "unix:path=%s/strict", session.dir);
	session.bus = session_spawn(&session, "strict.out", argv);
	while (stat(session.address + strlen("unix:path="), &st) < 0)
		ck_assert_msg(now_ns() < until, "the strict bus did not come up");
	session_start_daemon(&session);
}

#define DENIED "org.freedesktop.DBus.Error.AccessDenied"
#define ON_BOARD NULL

static const struct {
	const char *path; /* ON_BOARD: the board's */
	const char *interface, *method, *types, *error;
} rights[] = {
	{ROOT, "org.freedesktop.DBus.Peer", "Ping", "", ALLOWED},
	{ROOT, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", "", ALLOWED},
	{ROOT, MANAGER, "ListRuns", "a{sv}", ALLOWED},
	{ROOT, MANAGER, "GetRun", "x", "NoSuchRun"},
	{ROOT, MANAGER, "DeleteRun", "x", DENIED},
	{ON_BOARD, "org.freedesktop.DBus.Properties", "GetAll", "s", ALLOWED},
	{ON_BOARD, "org.freedesktop.DBus.Properties", "Get", "ss", ALLOWED},
	{ON_BOARD, "org.freedesktop.DBus.Introspectable", "Introspect", "", ALLOWED},
	{ON_BOARD, BOARD, "Plan", "a{sv}", "InvalidArgument"},
	{ON_BOARD, BOARD, "Off", "", ALLOWED},
	{ON_BOARD, BOARD, "Lease", "ua{sv}", DENIED},
	{ON_BOARD, BOARD, "Emit", "a{sx}", DENIED},
	{ON_BOARD, BOARD, "Set", "a{sx}", DENIED},
	{ON_BOARD, BOARD, "Measure", "a{sv}", DENIED},
	{ON_BOARD, BOARD, "ClearFault", "", DENIED},
	{ROOT "/job/1", "org.etalon1.Job", "Cancel", "", DENIED},
	{ROOT "/run/1", "org.etalon1.Run", "SetLabels", "a{ss}", DENIED},
	{ROOT "/run/1", "org.etalon1.Run", "Analyse", "a{sv}", DENIED},
};

START_TEST(everybody_observes_and_darkens_and_only_the_group_acts)
{
	_cleanup_free_ char *board = NULL;
	sd_bus *bus;

	if (!can_be_somebody_else())
		return;
	session_start(&session, &patient);
	ck_assert_int_eq(chmod(session.dir, 0755), 0);
	use_strict_bus();
	bus = session_bus(&session);
	board = session_board_path(bus);
	for (size_t i = 0; i < ARRAY_SIZE(rights); i++) {
		char error[64];

		call_as_nobody(rights[i].path ? rights[i].path : board, rights[i].interface,
			       rights[i].method, rights[i].types, false, error);
		ck_assert_msg(streq(error, rights[i].error), "%s.%s: \"%s\", not \"%s\"",
			      rights[i].interface, rights[i].method, error, rights[i].error);
	}
	sd_bus_flush_close_unref(bus);
	session_stop(&session);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bus_policy");
	TCase *tc = tcase_create("policy");

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, another_user_can_not_use_the_lease_but_can_end_light);
	tcase_add_test(tc, everybody_observes_and_darkens_and_only_the_group_acts);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
