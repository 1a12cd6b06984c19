// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * etalonctl as a user has it: the real program, a real bus, etalond and an emulated board.
 * Everything is typed; exit codes and words are read, and the board's own log where light is the
 * question.
 */
#include "session.h"

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "run_suite.h"

#define WORDS_MAX 48
#define SWEEP "sweep wavelength 1549nm 1550nm --step 1pm -d through,drop --no-plot"
#define LONG_SWEEP "sweep wavelength 1500nm 1600nm --step 1pm -d through --no-plot"

/* ---- typing ---- */

static int split(char *text, const char **words)
{
	int n = 0;

	words[n++] = "etalonctl";
	for (char *word = strtok(text, " "); word && n < WORDS_MAX - 1; word = strtok(NULL, " "))
		words[n++] = word;
	words[n] = NULL;
	return n;
}

static pid_t begin(const struct session *s, const char *output, const char *command)
{
	_cleanup_free_ char *copy = strdup(command);
	const char *words[WORDS_MAX];

	split(copy, words);
	return session_spawn(s, output, words);
}

static int finish(pid_t pid)
{
	int status = 0;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static char *output_of(const struct session *s, const char *name)
{
	_cleanup_free_ char *path = asprintf_or_null("%s/%s", s->dir, name);
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	char *text = NULL;
	size_t room = 0;

	if (!f || getdelim(&text, &room, EOF, f) < 0) {
		free(text);
		text = strdup("");
	}
	return text;
}

/* "%s" stands for the session's folder. */
static char *in_folder(const struct session *s, const char *command)
{
	char *whole = NULL;
	size_t size;
	FILE *f = open_memstream(&whole, &size);

	for (const char *p = command; *p; p++) {
		if (p[0] == '%' && p[1] == 's') {
			fputs(s->dir, f);
			p++;
		} else {
			fputc(*p, f);
		}
	}
	fclose(f);
	return whole;
}

/* Types a command. It must exit with `code` and say `says` (NULL: anything). */
static char *type(const struct session *s, int code, const char *says, const char *command)
{
	_cleanup_free_ char *path = asprintf_or_null("%s/typed.out", s->dir);
	_cleanup_free_ char *whole = in_folder(s, command);
	char *text;
	int r;

	unlink(path);
	r = finish(begin(s, "typed.out", whole));
	text = output_of(s, "typed.out");
	ck_assert_msg(r == code, "%s: exit %d, not %d: %s", whole, r, code, text);
	ck_assert_msg(!says || strstr(text, says) != NULL, "%s does not say '%s': %s", whole, says,
		      text);
	return text;
}

static void typed(const struct session *s, int code, const char *says, const char *command)
{
	free(type(s, code, says, command));
}

static bool ever_lit(const struct session *s)
{
	json_t *log = session_log(s);
	json_t *line;
	bool lit = false;
	size_t i;

	json_array_foreach(log, i, line) {
		const char *state = json_string_value(json_object_get(line, "to"));

		lit |= state &&
		       (streq(state, "emitting") || streq(state, "delay") || streq(state, "armed"));
	}
	json_decref(log);
	return lit;
}

static const struct session_options fast = {
	.speed_max = true,
	.watchdog_ms = SESSION_PATIENT_WATCHDOG_MS,
};
static const struct session_options real_time = {.watchdog_ms = SESSION_PATIENT_WATCHDOG_MS};

/* ---- what there is ---- */

START_TEST(a_new_user_is_told_what_to_type)
{
	static const struct {
		int code;
		const char *command, *says;
	} lines[] = {
		{0, "--json list", "\"Serial\""},
		{0, "list", "ERB-1"},
		{0, "info", "1480 nm to 1640 nm"},
		{0, "info", "through  photocurrent  signal"},
		{0, "status", "light   possible"},
		{0, "runs", "no runs yet; the first: etalonctl sweep"},
		{0, "read through tec1.t", "tec1.t"},
		{0, "meter through --count 2 --interval 20ms", "through"},
		{0, "set h1 2V bias1=-1V", "bias1 -1 V"},
		{0, "off", "light off"},
		{0, "wait board --timeout 20s", "board"},
		{0, "wait state off", "state   off"},
		{0, "reference list",
		 "no reference yet; one is taken with: etalonctl reference take"},
		{2, "show", "there is no run yet"},
		{2, "reference show", "there is no reference yet"},
		{2, "again", "there is no run yet"},
		{2, "show 5", "no run 5"},
		{4, "set h1 20V", "12 V"},
		{4, "set laser.wavelength 1550nm", "lease"},
		{4, "laser on 1700nm", "1640 nm"},
		{4, "sweep wavelength 1540nm 1700nm --step 1pm", "1640 nm"},
		{4, "sweep wavelength 1540nm 1560nm --step 1pm --power 20dBm", "10 dBm"},
		{4, "sweep wavelength 1540nm 1560nm --step 1pm --speed 200nm/s", "100 nm/s"},
		{2, "sweep wavelength 1540nm 1560nm --points 1e12", "allowed 2 to 1000000000"},
		{2, "sweep wavelength 1540nm 1560nm --step 3pm", "--step 3.2pm or --points 6668"},
		{2, "sweep wavelength 1540nm 1560nm --step 1pm -d troughh", "through"},
		{0, "sweep wavelength 1540nm 1560nm --step 1pm --dry-run",
		 "nothing was moved, no light"},
		{0, "sweep wavelength 192THz 195THz --points 1001 --dry-run",
		 "equidistant in wavelength"},
		{2, "sweep wavelength 1540nm 1560nm --step 1pm --expect fwhm=19..22",
		 "limits of fwhm need a unit"},
		{2, "sweep wavelength 1540nm 1560nm --step 1pm --expect finesse=100..",
		 "quantities are"},
		{2, "sweep wavelength 1540nm 1560nm --step 1pm --dry-run --expect finesse=100..",
		 "quantities are"},
		{0, "fault clear", "light   possible"},
	};
	struct session s;

	session_start(&s, &fast);
	typed(&s, 0,
	      "next    etalonctl sweep wavelength 1540nm 1560nm --step 1pm --power 0dBm -d through,drop",
	      "");
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		typed(&s, lines[i].code, lines[i].says, lines[i].command);
	ck_assert(!ever_lit(&s)); /* none of this was a reason for light */
	session_stop(&s);
}
END_TEST

START_TEST(every_setpoint_of_a_dry_run_can_be_had)
{
	struct session s;
	_cleanup_free_ char *csv = NULL;

	session_start(&s, &fast);
	typed(&s, 0, "1549.002 nm",
	      "sweep wavelength 1549nm 1550nm --step 1pm --dry-run --save %s/points.csv");
	csv = output_of(&s, "points.csv");
	ck_assert_ptr_nonnull(strstr(csv, "\n0,1549000000\n1,1549001000\n"));
	ck_assert_ptr_nonnull(strstr(csv, "\n1000,1550000000\n"));
	session_stop(&s);
}
END_TEST

/* ---- the main job ---- */

/* The width of the first resonance as a table has it, "20.763(4)". */
static void first_width(const char *table, char width[32])
{
	const char *row = strstr(table, "\n 1 ");

	ck_assert_ptr_nonnull(row);
	ck_assert_int_eq(sscanf(row, " 1 %*s %*s %31s", width), 1);
	ck_assert_ptr_nonnull(strchr(width, '('));
}

/* " 3  1544.8357  +0.341(6)  1.2 sigma  ..." */
static double worst_off_mean(const char *table)
{
	double worst = -1, sigmas;

	for (const char *line = table; line; line = strchr(line + 1, '\n')) {
		int whole = 0;

		sscanf(line, " %*d %*f %*s %lf sigma%n", &sigmas, &whole);
		if (whole > 0 && sigmas > worst)
			worst = sigmas;
	}
	ck_assert_double_ge(worst, 0);
	return worst;
}

START_TEST(a_run_is_measured_found_repeated_named_compared_and_exported)
{
	static const char *const files[] = {"ring.csv", "ring.oedf", "ring.h5", "ring.svg"};
	_cleanup_free_ char *first = NULL, *csv = NULL, *file = NULL, *compared = NULL;
	char widths[2][32];
	struct session s;

	session_start(&s, &fast);
	first = type(
		&s, 0, "run 1  ring40  complete  measured (no limits)",
		"sweep wavelength 1540nm 1560nm --step 1pm -d through,drop --label ring40 --save %s/ring.csv --save "
		"%s/x.oedf");
	ck_assert_ptr_nonnull(strstr(first, "produced 20001  received 20001  dropped 0  crc ok"));
	ck_assert_ptr_nonnull(strstr(first, "\n 9  "));
	ck_assert_ptr_null(strstr(first, "\n 10  "));
	ck_assert_ptr_nonnull(
		strstr(first, "axis: 1.7 pm common to all wavelengths, cancels in FSR."));
	typed(&s, 0, "again   run 1", "again --label warm --no-plot");
	typed(&s, 0, "warm", "runs --label warm --since 1h");
	typed(&s, 0, "no run fits", "runs --label cold");
	typed(&s, 0, "ring40", "runs --label ring*");
	typed(&s, 0, "repeats run 1", "show last");
	compared = type(&s, 0, "9 in common", "compare 1 2");
	ck_assert_double_lt(worst_off_mean(compared), 4.5); /* nothing moved */
	typed(&s, 0, "run 1  ring41  device R40", "label 1 ring41 --device R40");
	typed(&s, 0, "through", "plot 1 --from 1549nm --to 1550nm");
	typed(&s, 0, "FSR", "analyse 1 --channel drop");
	typed(&s, 2, "exists; it is not overwritten", "export 1 %s/ring.csv");
	typed(&s, 0, "wrote", "export 1 %s/ring.csv --force");
	typed(&s, 0, "wrote", "export 1 %s/ring.oedf");
	typed(&s, 0, "wrote", "export last %s/ring.h5");
	typed(&s, 0, "wrote", "export last %s/ring.svg");
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_free_ char *path = asprintf_or_null("%s/%s", s.dir, files[i]);
		struct stat st;

		ck_assert_msg(stat(path, &st) == 0 && st.st_size > 1000, "%s", path);
	}
	file = type(&s, 0, "FSR", "analyse %s/ring.csv");
	first_width(first, widths[0]);
	first_width(file, widths[1]);
	ck_assert_str_eq(widths[0], widths[1]); /* one number, written in one way */
	csv = output_of(&s, "ring.csv");
	ck_assert_ptr_nonnull(strstr(
		csv,
		"\"wavelength, nm\",\"wavelength nominal, nm\",\"through, W\",\"through, dBm\""));
	typed(&s, 0, "ring41", "plot %s/ring.csv");
	session_stop(&s);
}
END_TEST

START_TEST(the_verdict_is_the_exit_code)
{
	struct session s;

	session_start(&s, &fast);
	typed(&s, 0, "complete  pass", SWEEP " --expect fwhm=19pm..23pm --expect count=1");
	typed(&s, 1, "complete  fail", SWEEP " --expect fwhm=..19pm");
	typed(&s, 3, "complete  untrustworthy", SWEEP " --range 1uA");
	typed(&s, 2, "furlong", SWEEP " --expect fwhm=1furlong..2furlong");
	typed(&s, 0, "pass", "runs --verdict pass");
	session_stop(&s);
}
END_TEST

START_TEST(a_reference_turns_power_into_loss)
{
	struct session s;

	session_start(&s, &fast);
	typed(&s, 0, "complete", "reference take 1548nm 1551nm --step 1pm -d through --no-plot");
	typed(&s, 0, "(reference)", "reference list");
	typed(&s, 0, "run 1", "reference show");
	typed(&s, 0, "loss    against reference run 1",
	      "sweep wavelength 1549nm 1550nm --step 1pm -d through --no-plot");
	typed(&s, 2, "run 2 is not a reference", "reference show 2");
	/* A dry run knows as well, and what was asked for by name is not left out silently. */
	typed(&s, 0, "reference  run 1, 0.0 h old",
	      "sweep wavelength 1549nm 1550nm --step 1pm -d through --dry-run");
	typed(&s, 0, "reference  none fits: power, not loss",
	      "sweep wavelength 1539nm 1540nm --step 1pm -d through --dry-run");
	typed(&s, 2, "the newest is run 1: the reference spans 1548.000 to 1551.000 nm",
	      "sweep wavelength 1539nm 1540nm --step 1pm -d through --reference latest");
	typed(&s, 2, "there is no run 17",
	      "sweep wavelength 1549nm 1550nm --step 1pm -d through --reference 17 --dry-run");
	typed(&s, 0, "what is not covered has no loss",
	      "sweep wavelength 1547nm 1550nm --step 1pm -d through --reference 1 --dry-run");
	session_stop(&s);
}
END_TEST

static double number_in(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	ck_assert_msg(json_is_number(value), "no %s", key);
	return json_number_value(value);
}

/* The one reading of a `read ... --json`; to be freed. */
static json_t *reading_of(const struct session *s, const char *command)
{
	_cleanup_free_ char *text = type(s, 0, NULL, command);
	json_t *readings = json_loads(text, 0, NULL), *first = json_incref(json_array_get(readings, 0));

	ck_assert_ptr_nonnull(first);
	json_decref(readings);
	return first;
}

/* Signal against raw counts is a line: what was taken off moved it by just that. */
START_TEST(a_zero_is_taken_off_live_readings)
{
	static const char through[] = "read through --json";
	json_t *plain, *first, *second, *other;
	double slope, expected;
	struct session s;

	session_start(&s, &fast);
	plain = reading_of(&s, through);
	ck_assert_ptr_null(json_object_get(plain, "dark_a"));
	typed(&s, 0, NULL, "zero through");
	typed(&s, 0, "A (run 1, ", "read through");
	first = reading_of(&s, through);
	do
		second = reading_of(&s, through);
	while (number_in(second, "raw") == number_in(first, "raw"));
	slope = (number_in(second, "value") - number_in(first, "value")) /
		(number_in(second, "raw") - number_in(first, "raw"));
	expected = number_in(plain, "value") +
		   slope * (number_in(first, "raw") - number_in(plain, "raw")) -
		   number_in(first, "dark_a");
	ck_assert_double_eq_tol(number_in(first, "value"), expected, 1e-3 * fabs(slope));
	ck_assert_double_gt(number_in(first, "sigma"), number_in(plain, "sigma"));
	/* Another range has another dark. */
	other = reading_of(&s, "read through --range through=1uA --json");
	ck_assert_ptr_null(json_object_get(other, "dark_a"));
	json_decref(other);
	json_decref(plain);
	json_decref(first);
	json_decref(second);
	session_stop(&s);
}
END_TEST

START_TEST(dark_is_measured_without_light)
{
	struct session s;

	session_start(&s, &fast);
	typed(&s, 0, "dark    through 0.", "zero through drop");
	ck_assert(!ever_lit(&s));
	typed(&s, 0, "(dark)", "runs");
	typed(&s, 2, "not a wavelength sweep", "again");
	session_stop(&s);
}
END_TEST

/* ---- how it ends ---- */

/* Until so many points of the first job are in. */
static void points_are_taken(const struct session *s, uint64_t wanted)
{
	uint64_t until = now_ns() + 20 * NSEC_PER_SEC, points = 0;
	sd_bus *bus = session_bus(s);

	while (points < wanted) {
		ck_assert_msg(now_ns() < until, "%llu points", (unsigned long long)points);
		sd_bus_get_property_trivial(bus, "org.etalon1", "/org/etalon1/job/1",
					    "org.etalon1.Job", "PointsDone", NULL, 't', &points);
		poll(NULL, 0, 5);
	}
	sd_bus_flush_close_unref(bus);
}

/* Board state as the daemon tells it; the test asks the bus itself. */
static void must_become(const struct session *s, const char *state)
{
	sd_bus *bus = session_bus(s);
	_cleanup_free_ char *board = session_board_path(bus);

	ck_assert_msg(session_wait_state(bus, board, state, 10000), "the board does not become %s",
		      state);
	sd_bus_flush_close_unref(bus);
}

START_TEST(the_first_ctrl_c_keeps_what_was_taken)
{
	_cleanup_free_ char *text = NULL;
	struct session s;
	pid_t pid;
	int code;

	session_start(&s, &real_time); /* real time: five seconds of sweep */
	pid = begin(&s, "sweep.out", LONG_SWEEP);
	points_are_taken(&s, 2000);
	kill(pid, SIGINT);
	code = finish(pid);
	text = output_of(&s, "sweep.out");
	ck_assert_msg(code == 5, "exit %d: %s", code, text);
	ck_assert_msg(strstr(text, "ended early: Ctrl-C\nrun 1  partial") != NULL, "%s", text);
	ck_assert_msg(strstr(text, "next: etalonctl again 1") != NULL, "%s", text);
	must_become(&s, "off");
	typed(&s, 0, "partial", "runs --status partial");
	session_stop(&s);
}
END_TEST

START_TEST(a_client_that_is_killed_leaves_the_dark_and_its_run)
{
	struct session s;
	pid_t pid;

	session_start(&s, &real_time);
	pid = begin(&s, "sweep.out", LONG_SWEEP);
	points_are_taken(&s, 2000);
	kill(pid, SIGKILL);
	finish(pid);
	must_become(&s, "off");
	typed(&s, 5, "run 1", "wait job 1 --timeout 20s");
	session_stop(&s);
}
END_TEST

START_TEST(a_daemon_that_dies_is_told_and_its_run_found_again)
{
	_cleanup_free_ char *text = NULL;
	struct session s;
	pid_t pid;
	int code;

	session_start(&s, &real_time);
	pid = begin(&s, "sweep.out", LONG_SWEEP);
	points_are_taken(&s, 2000);
	session_kill(&s.daemon, SIGKILL);
	code = finish(pid);
	text = output_of(&s, "sweep.out");
	ck_assert_msg(code == 6, "exit %d: %s", code, text);
	ck_assert_msg(strstr(text, "etalond went away; the board's own watchdog") != NULL, "%s",
		      text);
	ck_assert_msg(strstr(text, "etalonctl show 1") != NULL, "%s", text);
	typed(&s, 6, "etalond is not running", "");
	typed(&s, 6, "In doubt: key or interlock", "off");
	session_start_daemon(&s);
	typed(&s, 0, "partial", "show 1");
	session_stop(&s);
}
END_TEST

START_TEST(an_open_interlock_stops_and_then_refuses)
{
	_cleanup_free_ char *text = NULL;
	struct session s;
	pid_t pid;
	int code;

	session_start(&s, &real_time);
	pid = begin(&s, "sweep.out", LONG_SWEEP);
	points_are_taken(&s, 2000);
	session_fault(&s, "{\"fault\": \"interlock-open\"}");
	code = finish(pid);
	text = output_of(&s, "sweep.out");
	ck_assert_msg(code == 5 && strstr(text, "interlock"), "exit %d: %s", code, text);
	typed(&s, 0, "tripped", "status");
	typed(&s, 4, "the interlock is open", SWEEP);
	typed(&s, 4, "the interlock is open", "laser on 1550nm");
	typed(&s, 4, "the interlock is open", "hold");
	typed(&s, 4, "interlock", "fault clear");
	session_fault(&s, "{\"fault\": \"interlock-close\"}");
	typed(&s, 0, "light   possible", "fault clear");
	typed(&s, 0, "complete", SWEEP);
	session_stop(&s);
}
END_TEST

/* ---- hold ---- */

START_TEST(sweeps_attach_to_a_hold_and_leave_it_warm)
{
	_cleanup_free_ char *text = NULL;
	struct session s;
	pid_t hold;

	session_start(&s, &fast);
	hold = begin(&s, "hold.out", "hold 1550nm --power 0dBm");
	typed(&s, 0, NULL, "wait state emitting --timeout 20s");
	typed(&s, 0, "laser warm, gate shut", "status");
	typed(&s, 0, "s of light, the laser is warm", SWEEP);
	typed(&s, 0, "laser warm, gate shut", "status");
	typed(&s, 4, "holds the lease", "hold");
	kill(hold, SIGINT);
	ck_assert_int_eq(finish(hold), 0);
	text = output_of(&s, "hold.out");
	ck_assert_msg(strstr(text, "light off") != NULL, "%s", text);
	must_become(&s, "off");
	session_stop(&s);
}
END_TEST

/* The daemon's line about it names this user, also when it comes after the deed. */
static void who_is_audited(const struct session *s, const char *action)
{
	uint64_t until = now_ns() + 5 * NSEC_PER_SEC;
	_cleanup_free_ char *uid = asprintf_or_null(" uid %u\n", (unsigned int)getuid());
	_cleanup_free_ char *start = asprintf_or_null("audit: %s EMU-1 by :", action);

	for (;; poll(NULL, 0, 20)) {
		_cleanup_free_ char *log = output_of(s, "etalond.out");
		const char *line = strstr(log, start);

		if (line && strchr(line, '\n')) {
			ck_assert_msg(strncmp(strstr(line, " uid "), uid, strlen(uid)) == 0, "%s",
				      line);
			return;
		}
		ck_assert_msg(now_ns() < until, "no audit of %s: %s", action, log);
	}
}

START_TEST(anybody_turns_a_held_laser_off_and_the_holder_is_told_why)
{
	_cleanup_free_ char *text = NULL;
	struct session s;
	pid_t hold;
	int code;

	session_start(&s, &fast);
	hold = begin(&s, "hold.out", "hold");
	typed(&s, 0, NULL, "wait state emitting --timeout 20s");
	typed(&s, 0, "light off", "off");
	code = finish(hold);
	text = output_of(&s, "hold.out");
	ck_assert_msg(code == 4, "exit %d: %s", code, text);
	ck_assert_msg(strstr(text, "light went off: ") != NULL, "%s", text);
	who_is_audited(&s, "Off");
	session_stop(&s);
}
END_TEST

START_TEST(a_lease_can_be_taken_over_and_the_loser_knows)
{
	_cleanup_free_ char *text = NULL;
	struct session s;
	pid_t first, second;

	session_start(&s, &fast);
	first = begin(&s, "first.out", "hold");
	typed(&s, 0, NULL, "wait state emitting --timeout 20s");
	second = begin(&s, "second.out", "hold --take-over");
	ck_assert_int_eq(finish(first), 4);
	text = output_of(&s, "first.out");
	ck_assert_msg(strstr(text, "taken over") != NULL, "%s", text);
	typed(&s, 0, NULL, "wait state emitting --timeout 20s");
	kill(second, SIGTERM);
	ck_assert_int_eq(finish(second), 0);
	must_become(&s, "off");
	session_stop(&s);
}
END_TEST

/* ---- on a terminal ---- */

static void read_until(int fd, char *text, size_t size, const char *wanted)
{
	uint64_t until = now_ns() + 20 * NSEC_PER_SEC;

	while (!strstr(text, wanted)) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		size_t used = strlen(text);
		ssize_t n;

		ck_assert_msg(now_ns() < until, "never shown: %s; instead: %s", wanted, text);
		ck_assert_uint_lt(used + 1024, size);
		if (poll(&p, 1, 100) <= 0)
			continue;
		n = read(fd, text + used, 1000);
		if (n <= 0)
			return; /* the other side is closed */
		for (ssize_t i = 0; i < n; i++) /* keep it a string */
			text[used + (size_t)i] =
				text[used + (size_t)i] ? text[used + (size_t)i] : '?';
		text[used + (size_t)n] = '\0';
	}
}

START_TEST(a_meter_takes_keys_and_gives_the_terminal_back)
{
	static char text[1 << 20];
	struct winsize window = {.ws_row = 30, .ws_col = 100};
	_cleanup_free_ char *program = session_program("etalonctl");
	_cleanup_close_ int fd = -1;
	struct session s;
	pid_t pid;

	session_start(&s, &fast);
	text[0] = '\0';
	pid = forkpty(&fd, NULL, NULL, &window);
	ck_assert(pid >= 0);
	if (pid == 0) {
		setenv("ETALON_BUS", s.address, 1);
		setenv("TERM", "xterm", 1);
		setenv("LC_ALL", "C", 1);
		execl(program, "etalonctl", "meter", "through", NULL);
		_exit(127);
	}
	read_until(fd, text, sizeof(text), "highest");
	ck_assert_ptr_nonnull(strstr(text, "\x1b[?1049h"));
	ck_assert_ptr_nonnull(strstr(text, "to mark -"));
	ck_assert_int_eq(write(fd, "m", 1), 1);
	read_until(fd, text, sizeof(text), " dB   range");
	ck_assert_int_eq(write(fd, "g", 1), 1); /* no lease: refused, and said */
	read_until(fd, text, sizeof(text), "lease");
	ck_assert_int_eq(write(fd, "q", 1), 1);
	read_until(fd, text, sizeof(text), "\x1b[?1049l");
	ck_assert_int_eq(finish(pid), 0);
	for (const char *p = text; *p; p++)
		ck_assert_msg((unsigned char)*p < 0x80, "not ASCII in the C locale");
	session_stop(&s);
}
END_TEST

START_TEST(a_second_ctrl_c_leaves_at_once_and_in_the_dark)
{
	static char text[1 << 20];
	struct winsize window = {.ws_row = 30, .ws_col = 100};
	_cleanup_free_ char *program = session_program("etalonctl");
	_cleanup_close_ int fd = -1;
	struct session s;
	pid_t pid;

	session_start(&s, &real_time);
	text[0] = '\0';
	pid = forkpty(&fd, NULL, NULL, &window);
	ck_assert(pid >= 0);
	if (pid == 0) {
		setenv("ETALON_BUS", s.address, 1);
		setenv("TERM", "xterm", 1);
		execl(program, "etalonctl", "sweep", "wavelength", "1500nm", "1600nm", "--step",
		      "1pm", NULL);
		_exit(127);
	}
	read_until(fd, text, sizeof(text), "LIGHT ON");
	ck_assert_ptr_nonnull(strstr(text, "\r\x1b[K[")); /* a bar that redraws itself */
	/* The daemon stands still: nothing will ever answer the first. */
	kill(s.daemon, SIGSTOP);
	ck_assert_int_eq(write(fd, "\x03", 1), 1);
	read_until(fd, text, sizeof(text), "stopping");
	ck_assert_int_eq(write(fd, "\x03", 1), 1);
	ck_assert_int_eq(finish(pid), 5);
	kill(s.daemon, SIGCONT);
	typed(&s, 0, NULL, "wait state dark --timeout 20s"); /* the lease died with the client */
	session_stop(&s);
}
END_TEST

START_TEST(waiting_for_a_board_may_begin_before_etalond_is_there)
{
	struct session s;
	pid_t pid;

	session_start(&s, &fast);
	session_kill(&s.daemon, SIGTERM);
	pid = begin(&s, "wait.out", "wait board --timeout 20s");
	poll(NULL, 0, 500); /* it has looked, and found nobody */
	session_start_daemon(&s);
	ck_assert_int_eq(finish(pid), 0);
	session_stop(&s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cli-session");
	TCase *tcase = tcase_create("cli-session");

	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, a_new_user_is_told_what_to_type);
	tcase_add_test(tcase, every_setpoint_of_a_dry_run_can_be_had);
	tcase_add_test(tcase, a_run_is_measured_found_repeated_named_compared_and_exported);
	tcase_add_test(tcase, the_verdict_is_the_exit_code);
	tcase_add_test(tcase, a_reference_turns_power_into_loss);
	tcase_add_test(tcase, a_zero_is_taken_off_live_readings);
	tcase_add_test(tcase, dark_is_measured_without_light);
	tcase_add_test(tcase, the_first_ctrl_c_keeps_what_was_taken);
	tcase_add_test(tcase, a_client_that_is_killed_leaves_the_dark_and_its_run);
	tcase_add_test(tcase, a_daemon_that_dies_is_told_and_its_run_found_again);
	tcase_add_test(tcase, an_open_interlock_stops_and_then_refuses);
	tcase_add_test(tcase, sweeps_attach_to_a_hold_and_leave_it_warm);
	tcase_add_test(tcase, anybody_turns_a_held_laser_off_and_the_holder_is_told_why);
	tcase_add_test(tcase, a_lease_can_be_taken_over_and_the_loser_knows);
	tcase_add_test(tcase, a_meter_takes_keys_and_gives_the_terminal_back);
	tcase_add_test(tcase, a_second_ctrl_c_leaves_at_once_and_in_the_dark);
	tcase_add_test(tcase, waiting_for_a_board_may_begin_before_etalond_is_there);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
