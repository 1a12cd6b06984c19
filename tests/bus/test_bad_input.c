// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What a user, a disk, a client or a board can do wrong, with the real programs: each gets a clear error and
 * an exit code, nothing that was stored is lost, and by the board's own log it is dark afterwards.
 */
#include "holder.h"
#include "runs.h"
#include "session.h"
#include "typing.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "run_suite.h"

#define SWEEP "sweep wavelength 1549nm 1551nm --step 1pm -d through --no-plot"
#define LONG_SWEEP "sweep wavelength 1540nm 1560nm --step 1pm --speed 2nm/s -d through --no-plot"
#define MAIN_POINTS 2001

/* ---- light, by the board's log ---- */

/* The emulator logs what follows a command at once, so the log is whole when the board is off. */
static void must_be_dark(const struct session *s, bool was_lit)
{
	json_t *log = session_log(s), *line;
	bool lit = false, ever = false;
	size_t i;

	json_array_foreach(log, i, line) {
		const char *event = json_string_value(json_object_get(line, "event"));

		if (event && streq(event, "port-above"))
			lit = ever = true;
		else if (event && streq(event, "port-below"))
			lit = false;
	}
	json_decref(log);
	ck_assert_msg(!lit, "the port is lit at the end of the board's log");
	ck_assert_msg(ever == was_lit, "light: %s", ever ? "though none was asked for" : "never");
}

static uint32_t crc_of(const struct session *s, int64_t run, uint64_t points)
{
	sd_bus *bus = session_bus(s);
	uint32_t crc = 0;

	ck_assert_uint_eq(run_data(bus, run, &crc), points);
	sd_bus_flush_close_unref(bus);
	return crc;
}

/* ---- what a user types ---- */

static const struct {
	const char *command;
	int code;
	const char *says; /* what is allowed */
} typos[] = {
	{"sweep wavelength 1400nm 1560nm --step 1pm", 4, "1480 nm"},
	{"sweep wavelength 1540nm 1700nm --step 1pm", 4, "1640 nm"},
	{"sweep wavelength 1540nm 1560nm --step 1pm --power 30dBm", 4, "10 dBm"},
	{"sweep wavelength 1540nm 1560nm --step 1pm --speed 2000nm/s", 4, "100 nm/s"},
	{"sweep wavelength 1540nm 1560nm --step 0pm", 2, "step"},
	{"sweep wavelength 1540nm 1560nm --step -1pm", 2, "step"},
	{"sweep wavelength 1540nm 1560nm --step nan", 2, "for instance 10pm"},
	{"sweep wavelength 1540nm 1560nm --step 30nm", 2, "step"},
	{"sweep wavelength 1540nm 1540nm --step 1pm", 2, "1540"},
	{"sweep wavelength 1540nm 1560nm --points 0", 2, "at least 2"},
	{"sweep wavelength 1540nm 1560nm --points 1", 2, "at least 2"},
	{"sweep wavelength 1540nm 1560nm --points 1000000000000", 2, "allowed 2 to 1000000000"},
	{"sweep wavelength 1540nm 1560nm --points 99999999999999999999", 2, "is beyond"},
	{"sweep wavelength 1540nm 1560nm --points -5", 2, "points"},
	{"sweep wavelength nannm infnm --step 1pm", 2, "nannm"},
	{"sweep wavelength 1540 1560 --step 1pm", 2, "1540nm"},
	{"sweep wavelength 1540V 1560V --step 1pm", 2, "nm"},
	{"sweep wavelength 1540nm 1560nm --step 1mA", 2, "pm"},
	{"sweep wavelength 1540nm 1560nm --step 1pm --power 1V", 2, "dBm"},
	{"sweep wavelength 1540nm 1560nm --step 1pm -d pd99", 2, "pd1"},
	{"sweep wavelength 1540nm 1560nm --step 1pm -d through,through", 2, "through"},
	{"sweep wavelength 1540nm 1560nm --step 1pm --reference 77", 2, "77"},
	{"sweep wavelength 1540nm 1560nm --step 1pm --average 0", 2, "average"},
	{"sweep wavelength 1540nm 1560nm --step 1pm --stepp 2pm", 2, "--step"},
	{"sweep wavelength 1540nm 1560nm", 2, "--step"},
	{"set nosuch 1V", 2, "nosuch"},
	{"set h1 1nm", 2, "V"},
	{"set h1 nanV", 2, "nan"},
	{"read nosuch", 2, "nosuch"},
	{"export 99 x.csv", 2, "99"},
};

START_TEST(what_cannot_be_measured_is_refused_with_what_is_allowed_and_no_light)
{
	struct session s;

	session_start(&s, &typing_fast);
	for (size_t i = 0; i < ARRAY_SIZE(typos); i++)
		typed(&s, typos[i].code, typos[i].says, typos[i].command);
	typed(&s, 0, "no runs yet", "runs");
	typing_await_state(&s, "off");
	must_be_dark(&s, false);
	session_stop(&s);
}
END_TEST

/* ---- a board that is not what it should be ---- */

static const struct {
	const char *fault;
	int code;
	const char *says;
} liars[] = {
	{"{\"fault\":\"lying-end\",\"field\":\"crc\",\"at_point\":1000}", 3, "END says"},
	{"{\"fault\":\"lying-end\",\"field\":\"produced\",\"at_point\":1000}", 3, "produced"},
	{"{\"fault\":\"lying-end\",\"field\":\"dropped\",\"at_point\":1000}", 3, "dropped"},
	{"{\"fault\":\"drop-record\",\"at_point\":1000,\"count\":3}", 3, "received 1998"},
	{"{\"fault\":\"corrupt-record\",\"at_point\":1000}", 3, "CRC"},
	{"{\"fault\":\"skip-sequence\",\"at_point\":1000}", 3, "missing"},
};

START_TEST(a_run_of_a_board_that_lies_is_never_complete_and_says_why)
{
	_cleanup_free_ char *text = NULL, *status = NULL;
	struct session s;
	sd_bus *bus;
	uint32_t crc;
	int code;

	session_start(&s, &typing_fast);
	typed(&s, 0, "complete", SWEEP);
	crc = crc_of(&s, 1, MAIN_POINTS);
	session_fault(&s, liars[_i].fault);
	code = typing_run(&s, SWEEP, &text);
	ck_assert_msg(code == 3 || code == 5, "%s: exit %d: %s", liars[_i].fault, code, text);
	ck_assert_msg(strstr(text, liars[_i].says) != NULL, "%s: the reason is not told: %s",
		      liars[_i].fault, text);
	ck_assert_msg(strstr(text, "untrustworthy") || strstr(text, "partial"), "%s", text);
	bus = session_bus(&s);
	status = run_status(bus, 2);
	sd_bus_flush_close_unref(bus);
	ck_assert_msg(streq(status, "partial"), "%s: run 2 is %s", liars[_i].fault, status);
	typing_await_state(&s, "off");
	must_be_dark(&s, true);
	ck_assert_uint_eq(crc_of(&s, 1, MAIN_POINTS), crc);
	session_stop(&s);
}
END_TEST

START_TEST(a_record_that_comes_twice_counts_once)
{
	struct session s;

	session_start(&s, &typing_fast);
	session_fault(&s, "{\"fault\":\"duplicate-record\",\"at_point\":1000}");
	typed(&s, 0, "produced 2001  received 2001  dropped 0  crc ok", SWEEP);
	typing_await_state(&s, "off");
	must_be_dark(&s, true);
	session_stop(&s);
}
END_TEST

static const struct {
	const char *fault, *mend;
	const char *says;
} silences[] = {
	{"{\"fault\":\"stall-records\",\"at_point\":1000}", "{\"fault\":\"resume-records\"}",
	 "stopped sending"},
	{"{\"fault\":\"hang\",\"at_point\":3000,\"for_ms\":6000}", NULL, ""},
};

START_TEST(a_board_that_falls_silent_ends_the_sweep_dark_and_partial)
{
	_cleanup_free_ char *text = NULL, *status = NULL;
	struct session s;
	sd_bus *bus;
	int code;

	session_start(&s, &typing_real_time); /* real time, so that there is a middle */
	session_fault(&s, silences[_i].fault);
	code = typing_run(&s, LONG_SWEEP, &text);
	ck_assert_msg(code == 5, "%s: exit %d: %s", silences[_i].fault, code, text);
	ck_assert_msg(strstr(text, "ended early") != NULL, "%s", text);
	ck_assert_msg(strstr(text, silences[_i].says) != NULL, "%s", text);
	if (silences[_i].mend)
		session_fault(&s, silences[_i].mend);
	typed(&s, 0, "board", "wait board --timeout 20s");
	typing_await_state(&s, "off");
	must_be_dark(&s, true);
	bus = session_bus(&s);
	status = run_status(bus, 1);
	sd_bus_flush_close_unref(bus);
	ck_assert_str_eq(status, "partial");
	typed(&s, 0, "complete", SWEEP); /* and it can be used again */
	session_stop(&s);
}
END_TEST

/* ---- a full disk ---- */

/* A small file system for the store, in a name space of this process and its children. */
static bool mount_small(const char *folder)
{
	if (mkdir(folder, 0755) < 0 || unshare(CLONE_NEWNS) < 0 ||
	    mount("none", "/", "none", MS_REC | MS_PRIVATE, "") < 0 ||
	    mount("etalon-test", folder, "tmpfs", 0, "size=48m") < 0) {
		printf("SKIP a full disk: a small file system cannot be mounted (%s)\n",
		       strerror(errno));
		return false;
	}
	return true;
}

/* A run that ends because there is no room, for one reason and not for the other; run 1 must be as it was. */
static void fill_up(struct session *s, const char *says, const char *unsaid)
{
	_cleanup_free_ char *text = NULL, *status = NULL;
	sd_bus *bus;
	uint32_t crc;
	int code;

	typed(s, 0, "complete", SWEEP);
	crc = crc_of(s, 1, MAIN_POINTS);
	code = typing_run(
		s,
		"sweep wavelength 1500nm 1600nm --points 2000001 --speed 5nm/s -d through,drop --no-plot",
		&text);
	ck_assert_msg(code == 5, "exit %d: %s", code, text);
	ck_assert_msg(strstr(text, says) != NULL, "does not say \"%s\": %s", says, text);
	ck_assert_msg(strstr(text, unsaid) == NULL, "says \"%s\": %s", unsaid, text);
	ck_assert_msg(strstr(text, "delete runs") != NULL, "does not say what to do: %s", text);
	ck_assert_msg(strstr(text, "run 2") && strstr(text, "partial"), "%s", text);
	typing_await_state(s, "off");
	must_be_dark(s, true);
	bus = session_bus(s);
	status = run_status(bus, 2);
	ck_assert_str_eq(status, "partial");
	ck_assert_uint_gt(run_data(bus, 2, NULL), 1000);
	sd_bus_flush_close_unref(bus);
	ck_assert_uint_eq(crc_of(s, 1, MAIN_POINTS), crc);
	session_kill(&s->daemon, SIGKILL); /* also when the daemon goes down on it */
	session_start_daemon(s);
	ck_assert_uint_eq(crc_of(s, 1, MAIN_POINTS), crc);
	ck_assert(s->daemon > 0);
}

START_TEST(a_reached_quota_ends_the_sweep_dark_and_keeps_what_was_stored)
{
	struct session s;
	const struct session_options options = {
		.speed_max = true,
		.watchdog_ms = SESSION_PATIENT_WATCHDOG_MS,
		.config = "default_power: 0 dBm\nquota: 24 MB\naliases:\n"
			  "  - {name: through, channel: pd1}\n  - {name: drop, channel: pd2}\n",
	};

	session_start(&s, &options);
	fill_up(&s, "has reached its quota", "file system");
	session_stop(&s);
}
END_TEST

START_TEST(a_full_disk_ends_the_sweep_dark_and_keeps_what_was_stored)
{
	_cleanup_free_ char *folder = NULL, *says = NULL;
	struct session s;

	session_start(&s, &typing_fast);
	folder = asprintf_or_null("%s/disk", s.dir);
	if (mount_small(folder)) {
		session_kill(&s.daemon, SIGTERM);
		snprintf(s.store, sizeof(s.store), "%s/runs.db", folder);
		session_start_daemon(&s);
		says = asprintf_or_null(
			"no space is left for the store %s on the file system at %s", s.store,
			folder);
		fill_up(&s, says, "quota");
		session_kill(&s.daemon, SIGTERM);
		ck_assert_int_eq(umount2(folder, MNT_DETACH), 0);
	}
	session_stop(&s);
}
END_TEST

/* ---- stores and daemons ---- */

static pid_t second_daemon(const struct session *s, const char *bus, const char *store)
{
	const char *const argv[] = {"etalond", "--bus", bus,	    "--emulate", s->board,
				    "--store", store,	"--config", s->config,	 NULL};

	return session_spawn(s, "second.out", argv);
}

START_TEST(a_second_etalond_is_refused_and_the_first_goes_on)
{
	static const char *const says[] = {"owned by", "second.db"};
	_cleanup_free_ char *text = NULL, *other = NULL;
	struct session s;
	pid_t sweep;
	int code;

	session_start(&s, &typing_real_time);
	other = asprintf_or_null("%s/second.db", s.dir);
	sweep = typing_begin(&s, "sweep.out",
			     "sweep wavelength 1549nm 1551nm --step 1pm --speed 2nm/s "
			     "-d through --no-plot");
	code = typing_end(second_daemon(&s, s.address, _i ? s.store : other));
	text = typing_output(&s, "second.out");
	ck_assert_msg(code == 1, "exit %d: %s", code, text);
	ck_assert_msg(strstr(text, says[0]) || strstr(text, "runs.db"), "%s", text);
	code = typing_end(sweep);
	free(take_ptr(text));
	text = typing_output(&s, "sweep.out");
	ck_assert_msg(code == 0 && strstr(text, "produced 2001  received 2001"), "exit %d: %s",
		      code, text);
	typing_await_state(&s, "off");
	must_be_dark(&s, true);
	session_stop(&s);
}
END_TEST

/* Of a store that is none: how many bytes of what. */
static const struct {
	const char *name, *head;
	size_t size;
} no_stores[] = {
	{"letter.txt", "Dear reader, this is no database.\n", 100000},
	{"picture.png", "\x89PNG\r\n\x1a\n", 5000},
	{"other.db", "SQLite format 3", 4096}, /* by its head only */
};

START_TEST(what_is_no_store_is_refused_by_name_and_left_as_it_was)
{
	_cleanup_free_ char *path = NULL, *text = NULL, *bytes = calloc(1, no_stores[_i].size);
	_cleanup_free_ char *after = calloc(1, no_stores[_i].size + 1);
	struct session s;
	FILE *f;
	int code;

	for (size_t i = 0; i < no_stores[_i].size; i++)
		bytes[i] = (char)(i * 7 + 1);
	memcpy(bytes, no_stores[_i].head, strlen(no_stores[_i].head));
	session_start(&s, &typing_fast);
	session_kill(&s.daemon, SIGTERM);
	path = asprintf_or_null("%s/%s", s.dir, no_stores[_i].name);
	f = fopen(path, "we");
	ck_assert(f && fwrite(bytes, 1, no_stores[_i].size, f) == no_stores[_i].size);
	fclose(f);
	code = typing_end(second_daemon(&s, s.address, path));
	text = typing_output(&s, "second.out");
	ck_assert_msg(code == 1, "exit %d: %s", code, text);
	ck_assert_msg(strstr(text, no_stores[_i].name) != NULL, "%s", text);
	f = fopen(path, "re");
	ck_assert(f && fread(after, 1, no_stores[_i].size + 1, f) == no_stores[_i].size);
	fclose(f);
	ck_assert_int_eq(memcmp(after, bytes, no_stores[_i].size), 0);
	must_be_dark(&s, false);
	session_start_daemon(&s);
	session_stop(&s);
}
END_TEST

/* ---- clients that vanish ---- */

static sd_bus_message *new_call(sd_bus *bus, const char *path, const char *interface,
				const char *method)
{
	sd_bus_message *m = NULL;

	ck_assert_int_ge(
		sd_bus_message_new_method_call(bus, &m, "org.etalon1", path, interface, method), 0);
	return m;
}

/* Sends and dies before any answer: no destructor runs. */
static void call_and_die(const struct session *s, const char *board, bool measure)
{
	sd_bus *bus = session_bus(s);
	sd_bus_message *m;
	char error[64];

	if (measure) {
		if (take_lease(bus, board, 1000, error) < 0)
			_exit(1);
		m = new_call(bus, board, "org.etalon1.Board", "Measure");
		sd_bus_message_append(m, "a{sv}", 5, "kind", "s", "wavelength-sweep", "detectors",
				      "as", 1, "through", "start_fm", "x", INT64_C(1540000000),
				      "stop_fm", "x", INT64_C(1560000000), "points", "t",
				      UINT64_C(20001));
		sd_bus_send(bus, m, NULL);
	}
	for (int i = 0; !measure && i < 8; i++) {
		m = new_call(bus, "/org/etalon1/run/1", "org.etalon1.Run", "GetData");
		sd_bus_message_append(m, "ttta{sv}", UINT64_C(0), UINT64_C(0), UINT64_C(1), 0);
		sd_bus_send(bus, m, NULL);
	}
	sd_bus_flush(bus);
	kill(getpid(), SIGKILL);
}

/* Until what the dead had asked for is done: their user has a bounded number of requests. */
static void wait_served(sd_bus *bus)
{
	uint64_t until = now_ns() + 20 * NSEC_PER_SEC;
	int fd = -1;

	while (fd < 0 && now_ns() < until) {
		_cleanup_free_ char *error = NULL;

		fd = run_get_data(bus, 1, 0, 1, NULL, &error);
		ck_assert_msg(fd >= 0 || strstr(error, "Busy"), "%s", error);
		poll(NULL, 0, 5);
	}
	ck_assert_msg(fd >= 0, "the daemon is busy for good");
	close(fd);
}

START_TEST(clients_that_die_within_a_call_leave_the_dark_and_a_living_daemon)
{
	_cleanup_free_ char *board = NULL;
	struct session s;
	sd_bus *bus;
	uint32_t crc;

	session_start(&s, &typing_real_time);
	typed(&s, 0, "complete", SWEEP);
	crc = crc_of(&s, 1, MAIN_POINTS);
	bus = session_bus(&s);
	board = session_board_path(bus);
	for (int i = 0; i < 12; i++) {
		pid_t pid = fork();

		ck_assert(pid >= 0);
		if (pid == 0)
			call_and_die(&s, board, i % 2);
		ck_assert_int_eq(typing_end(pid), 128 + SIGKILL);
	}
	typing_await_state(&s, "off");
	must_be_dark(&s, true);
	ck_assert_int_eq(kill(s.daemon, 0), 0);
	wait_served(bus);
	ck_assert_uint_eq(crc_of(&s, 1, MAIN_POINTS), crc);
	/* The last of their jobs may still be ending: wait for it, then measure. */
	for (uint64_t until = now_ns() + 20 * NSEC_PER_SEC; now_ns() < until; poll(NULL, 0, 20)) {
		_cleanup_free_ char *text = NULL;

		if (typing_run(&s, SWEEP, &text) == 0)
			break;
		ck_assert_msg(now_ns() + NSEC_PER_SEC < until, "no sweep any more: %s", text);
	}
	sd_bus_flush_close_unref(bus);
	session_stop(&s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bad_input");
	TCase *tc = tcase_create("bad input");

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, what_cannot_be_measured_is_refused_with_what_is_allowed_and_no_light);
	tcase_add_loop_test(tc, a_run_of_a_board_that_lies_is_never_complete_and_says_why, 0,
			    (int)ARRAY_SIZE(liars));
	tcase_add_test(tc, a_record_that_comes_twice_counts_once);
	tcase_add_loop_test(tc, a_board_that_falls_silent_ends_the_sweep_dark_and_partial, 0,
			    (int)ARRAY_SIZE(silences));
	tcase_add_test(tc, a_reached_quota_ends_the_sweep_dark_and_keeps_what_was_stored);
	tcase_add_test(tc, a_full_disk_ends_the_sweep_dark_and_keeps_what_was_stored);
	tcase_add_loop_test(tc, a_second_etalond_is_refused_and_the_first_goes_on, 0, 2);
	tcase_add_loop_test(tc, what_is_no_store_is_refused_by_name_and_left_as_it_was, 0,
			    (int)ARRAY_SIZE(no_stores));
	tcase_add_test(tc, clients_that_die_within_a_call_leave_the_dark_and_a_living_daemon);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
