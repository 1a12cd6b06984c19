// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Starting, killing and asking the programs of a test session. See session.h.
 */
#include "session.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/util.h"

#define START_TIMEOUT_MS 20000
#define ARGUMENTS_MAX 64

static const char bus_config[] =
	"<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\"\n"
	" \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n"
	"<busconfig><type>session</type><listen>unix:path=%s/bus</listen>\n"
	"<policy context=\"default\"><allow user=\"*\"/><allow send_destination=\"*\"/><allow own=\"*\"/>"
	"<allow receive_sender=\"*\"/></policy>\n"
	"<limit name=\"max_replies_per_connection\">50000</limit></busconfig>\n";

static const char default_config[] = "default_power: 0 dBm\n"
				     "aliases:\n"
				     "  - {name: through, channel: pd1}\n"
				     "  - {name: drop, channel: pd2}\n";

static void write_file(const char *path, const char *text)
{
	_cleanup_fclose_ FILE *f = fopen(path, "we");

	ck_assert_msg(f != NULL, "cannot write %s: %s", path, strerror(errno));
	fputs(text, f);
}

/* What a program printed, so that a failed test shows why. */
static void show_file(const struct session *s, const char *name)
{
	_cleanup_free_ char *path = asprintf_or_null("%s/%s", s->dir, name);
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	char line[512];

	while (f && fgets(line, sizeof(line), f))
		fprintf(stderr, "%s: %s", name, line);
}

/* Nothing is asserted: it is asked outside of tests, too. NULL when it cannot be told. */
static char *program_path(const char *name)
{
	const char *build = getenv("ETALON_BUILD");
	char self[PATH_MAX] = "";
	char *slash;

	if (build)
		return asprintf_or_null("%s/%s", build, name);
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) <= 0)
		return NULL;
	for (int up = 0; up < 3; up++) {
		slash = strrchr(self, '/');
		if (!slash)
			return NULL;
		*slash = '\0';
	}
	return asprintf_or_null("%s/%s", self, name);
}

char *session_program(const char *name)
{
	char *path = program_path(name);

	ck_assert(path != NULL);
	return path;
}

bool session_has_program(const char *name)
{
	_cleanup_free_ char *path = program_path(name);

	return path && access(path, X_OK) == 0;
}

pid_t session_spawn(const struct session *s, const char *output, const char *const *argv)
{
	_cleanup_free_ char *program = session_program(argv[0]);
	_cleanup_free_ char *path = asprintf_or_null("%s/%s", s->dir, output ? output : "-");
	const char *file = strchr(argv[0], '/') || access(program, X_OK) < 0 ? argv[0] : program;
	pid_t parent = getpid(), pid = fork();

	ck_assert(pid >= 0);
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	dup2(open("/dev/null", O_RDONLY), 0);
	dup2(open(output ? path : "/dev/null", O_WRONLY | O_CREAT | O_APPEND, 0600), 1);
	dup2(1, 2);
	setenv("ETALON_BUS", s->address, 1);
	setenv("DBUS_SYSTEM_BUS_ADDRESS", s->address, 1);
	execvp(file, (char *const *)(uintptr_t)argv);
	fprintf(stderr, "cannot run %s: %s\n", file, strerror(errno));
	_exit(127);
}

void session_kill(pid_t *pid, int signal)
{
	if (*pid <= 0)
		return;
	/* No SIGCONT after it: that would take from LeakSanitizer, at a program's end, the stop it waits for. */
	kill(*pid, signal);
	waitpid(*pid, NULL, 0);
	*pid = 0;
}

static bool ended(pid_t pid)
{
	siginfo_t info = {0};

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info.si_pid == pid;
}

static void wait_for_path(const struct session *s, const char *path, pid_t pid, const char *output)
{
	uint64_t until = now_ns() + START_TIMEOUT_MS * NSEC_PER_MSEC;
	struct stat st;

	while (stat(path, &st) < 0) {
		if (ended(pid) || now_ns() > until) {
			show_file(s, output);
			ck_abort_msg("%s did not appear", path);
		}
		poll(NULL, 0, 5);
	}
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	return connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno
									     : take_fd(&fd);
}

/* The socket is there a moment before anybody listens at it. */
static void wait_for_bus(const struct session *s)
{
	const char *path = s->address + strlen("unix:path=");
	uint64_t until = now_ns() + START_TIMEOUT_MS * NSEC_PER_MSEC;
	int fd;

	wait_for_path(s, path, s->bus, "bus.out");
	while ((fd = connect_to(path)) < 0) {
		ck_assert_msg(now_ns() < until, "the bus does not answer: %s", strerror(-fd));
		poll(NULL, 0, 5);
	}
	close(fd);
}

void session_start_emulator(struct session *s, const struct session_options *options)
{
	const char *argv[ARGUMENTS_MAX] = {"etalon-emulator",
					   "--socket",
					   s->board,
					   "--log",
					   s->log,
					   "--fault-socket",
					   s->faults,
					   "--unsafe-fast-arming"};
	char delay[48], seed[24];
	size_t n = 8;

	snprintf(delay, sizeof(delay), "emission_delay_ms=%u",
		 options && options->emission_delay_ms ? options->emission_delay_ms : 50);
	snprintf(seed, sizeof(seed), "%u", options && options->seed ? options->seed : 1);
	argv[n++] = "--set";
	argv[n++] = delay;
	argv[n++] = "--seed";
	argv[n++] = seed;
	if (options && options->speed_max) {
		argv[n++] = "--speed";
		argv[n++] = "max";
	}
	if (options && options->log_kicks)
		argv[n++] = "--log-kicks";
	for (size_t i = 0; options && options->emulator_arguments && options->emulator_arguments[i];
	     i++)
		argv[n++] = options->emulator_arguments[i];
	unlink(s->board);
	s->emulator = session_spawn(s, "emulator.out", argv);
	wait_for_path(s, s->board, s->emulator, "emulator.out");
}

static bool has_owner(sd_bus *bus)
{
	sd_bus_message *reply = NULL;
	int owned = 0;

	if (sd_bus_call_method(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
			       "org.freedesktop.DBus", "NameHasOwner", NULL, &reply, "s",
			       "org.etalon1") >= 0)
		sd_bus_message_read(reply, "b", &owned);
	sd_bus_message_unref(reply);
	return owned;
}

/* The bus hears of a killed daemon a moment after it is gone; until then its name is taken. */
static void wait_for_name(const struct session *s)
{
	uint64_t until = now_ns() + START_TIMEOUT_MS * NSEC_PER_MSEC;
	sd_bus *bus = session_bus(s);

	while (has_owner(bus) && now_ns() < until)
		poll(NULL, 0, 5);
	sd_bus_flush_close_unref(bus);
}

void session_start_daemon(struct session *s)
{
	const char *const argv[] = {"etalond", "--bus",	 s->address, "--emulate", s->board,
				    "--store", s->store, "--config", s->config,	  NULL};
	uint64_t until = now_ns() + START_TIMEOUT_MS * NSEC_PER_MSEC;

	wait_for_name(s);
	s->daemon = session_spawn(s, "etalond.out", argv);
	while (now_ns() < until && !ended(s->daemon)) {
		sd_bus *bus = session_bus(s);
		char *board = session_board_path(bus);

		sd_bus_flush_close_unref(bus);
		if (board) {
			free(board);
			return;
		}
		poll(NULL, 0, 10);
	}
	show_file(s, "etalond.out");
	show_file(s, "emulator.out");
	ck_abort_msg("etalond did not show its board");
}

static void write_config(const struct session *s, const struct session_options *options)
{
	const char *config = options && options->config ? options->config : default_config;
	_cleanup_free_ char *longer = NULL;

	if (options && options->watchdog_ms) {
		longer = asprintf_or_null("%swatchdog_ms: %u\n", config, options->watchdog_ms);
		config = longer;
	}
	write_file(s->config, config);
}

/* A new folder, and where in it everything is. */
static void make_folder(struct session *s)
{
	*s = (struct session){0};
	snprintf(s->dir, sizeof(s->dir), "/tmp/etalon-test-XXXXXX");
	ck_assert(mkdtemp(s->dir) != NULL);
	snprintf(s->address, sizeof(s->address), "unix:path=%s/bus", s->dir);
	snprintf(s->board, sizeof(s->board), "%s/board", s->dir);
	snprintf(s->faults, sizeof(s->faults), "%s/faults", s->dir);
	snprintf(s->log, sizeof(s->log), "%s/board.log", s->dir);
	snprintf(s->store, sizeof(s->store), "%s/runs.db", s->dir);
	snprintf(s->config, sizeof(s->config), "%s/etalond.conf", s->dir);
}

void session_start(struct session *s, const struct session_options *options)
{
	const char *argv[] = {"dbus-daemon",   "--nofork", "--nopidfile",
			      "--config-file", NULL,	   NULL};
	_cleanup_free_ char *config = NULL, *path = NULL;

	make_folder(s);
	config = asprintf_or_null(bus_config, s->dir);
	path = asprintf_or_null("%s/bus.conf", s->dir);
	write_file(path, config);
	write_config(s, options);
	argv[4] = path;
	s->bus = session_spawn(s, "bus.out", argv);
	session_start_emulator(s, options);
	wait_for_bus(s);
	session_start_daemon(s);
}

void session_start_board(struct session *s, const struct session_options *options)
{
	make_folder(s);
	session_start_emulator(s, options);
}

static void end_gently(struct session *s, pid_t *pid, const char *name, const char *output)
{
	uint64_t until = now_ns() + START_TIMEOUT_MS * NSEC_PER_MSEC;
	int status = 0;

	if (*pid <= 0)
		return;
	kill(*pid, SIGTERM);
	while (!ended(*pid) && now_ns() < until)
		poll(NULL, 0, 5);
	if (!ended(*pid))
		kill(*pid, SIGKILL);
	waitpid(*pid, &status, 0);
	*pid = 0;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		show_file(s, output);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
		      "%s did not exit 0 on SIGTERM: wait status %#x", name, status);
}

void session_stop(struct session *s)
{
	_cleanup_free_ char *remove = asprintf_or_null("rm -rf '%s'", s->dir);

	end_gently(s, &s->daemon, "etalond", "etalond.out");
	end_gently(s, &s->emulator, "etalon-emulator", "emulator.out");
	session_kill(&s->bus, SIGTERM);
	ck_assert_int_eq(system(remove), 0);
}

int session_ctl(const struct session *s, char **ret_output, ...)
{
	const char *argv[ARGUMENTS_MAX] = {"etalonctl"};
	_cleanup_free_ char *path = asprintf_or_null("%s/ctl-%d.out", s->dir, (int)getpid());
	const char *argument;
	int status = 0;
	size_t n = 1;
	va_list ap;
	pid_t pid;

	va_start(ap, ret_output);
	while ((argument = va_arg(ap, const char *)) && n < ARGUMENTS_MAX - 1)
		argv[n++] = argument;
	va_end(ap);
	unlink(path);
	pid = session_spawn(s, strrchr(path, '/') + 1, argv);
	waitpid(pid, &status, 0);
	if (ret_output) {
		_cleanup_fclose_ FILE *f = fopen(path, "re");
		size_t room = 0, used = 0;

		*ret_output = NULL;
		if (f)
			used = (size_t)MAX(0, getdelim(ret_output, &room, EOF, f));
		if (used == 0) {
			free(*ret_output);
			*ret_output = strdup("");
		}
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

sd_bus *session_bus(const struct session *s)
{
	sd_bus *bus = NULL;

	ck_assert_int_ge(sd_bus_new(&bus), 0);
	ck_assert_int_ge(sd_bus_set_address(bus, s->address), 0);
	ck_assert_int_ge(sd_bus_set_bus_client(bus, 1), 0);
	ck_assert_int_ge(sd_bus_start(bus), 0);
	return bus;
}

char *session_board_path(sd_bus *bus)
{
	char *path = NULL;
	sd_bus_message *reply = NULL;
	const char *first = NULL;

	if (sd_bus_get_property(bus, "org.etalon1", "/org/etalon1", "org.etalon1.Manager", "Boards",
				NULL, &reply, "ao") >= 0 &&
	    sd_bus_message_enter_container(reply, 'a', "o") >= 0 &&
	    sd_bus_message_read(reply, "o", &first) > 0)
		path = strdup(first);
	sd_bus_message_unref(reply);
	return path;
}

void session_open(struct session *s, const struct session_options *options, sd_bus **ret_bus,
		  char **ret_board)
{
	session_start(s, options);
	*ret_bus = session_bus(s);
	*ret_board = session_board_path(*ret_bus);
}

void session_close(struct session *s, sd_bus *bus, char *board)
{
	free(board);
	sd_bus_flush_close_unref(bus);
	session_stop(s);
}

bool session_wait_state(sd_bus *bus, const char *board, const char *state, int timeout_ms)
{
	uint64_t until = now_ns() + (uint64_t)timeout_ms * NSEC_PER_MSEC;

	do {
		_cleanup_free_ char *is = NULL;

		if (sd_bus_get_property_string(bus, "org.etalon1", board, "org.etalon1.Board",
					       "State", NULL, &is) >= 0 &&
		    streq(is, state))
			return true;
		poll(NULL, 0, 5);
	} while (now_ns() < until);
	return false;
}

void session_fault(const struct session *s, const char *json_line)
{
	_cleanup_close_ int fd = connect_to(s->faults);
	char reply[512] = "";
	ssize_t n;

	ck_assert_msg(fd >= 0, "fault socket: %s", strerror(-fd));
	ck_assert_int_eq(write_all(fd, json_line, strlen(json_line)), 0);
	ck_assert_int_eq(write_all(fd, "\n", 1), 0);
	n = read(fd, reply, sizeof(reply) - 1);
	ck_assert_msg(n > 0 && !strstr(reply, "error"), "fault %s: %s", json_line, reply);
}

json_t *session_log(const struct session *s)
{
	_cleanup_fclose_ FILE *f = fopen(s->log, "re");
	json_t *lines = json_array();
	_cleanup_free_ char *line = NULL;
	size_t room = 0;

	ck_assert_msg(f != NULL, "no log %s", s->log);
	while (getline(&line, &room, f) > 0) {
		json_t *o = json_loads(line, 0, NULL);

		if (o)
			json_array_append_new(lines, o);
	}
	return lines;
}

uint64_t session_log_time(json_t *log, const char *event, uint64_t from_ns)
{
	json_t *line;
	size_t i;

	json_array_foreach(log, i, line) {
		const char *name = json_string_value(json_object_get(line, "event"));
		uint64_t t = (uint64_t)json_integer_value(json_object_get(line, "t_ns"));

		if (name && streq(name, event) && t >= from_ns)
			return t;
	}
	return 0;
}
