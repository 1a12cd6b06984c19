// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Light in the foreground, against a stand-in for the daemon: the lease beats while the command
 * lives, Ctrl-C is dark, whatever takes the light away is told with its reason, and nobody's
 * light is turned on by accident.
 */
#include "cli_bench.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/util.h"
#include "cli/bus.h"
#include "run_suite.h"

/* What the stand-in knows of the lease that it gave. */
struct script {
	int lease; /* its end, -1: none */
	const char *then; /* what happens once light is on */
	pthread_t counter; /* of heartbeats */
	bool gate_refused;
	int64_t wavelength, power;
};

static int give_lease(struct fake_service *f, sd_bus_message *call, sd_bus_message *reply,
		      sd_bus_error *error, void *userdata)
{
	struct script *s = userdata;

	(void)f;
	(void)call;
	(void)error;
	return cli_bench_give_lease(reply, &s->lease);
}

static int refuse_lease(struct fake_service *f, sd_bus_message *call, sd_bus_message *reply,
			sd_bus_error *error, void *userdata)
{
	(void)f;
	(void)call;
	(void)reply;
	(void)userdata;
	return sd_bus_error_set(error, "org.etalon1.Error.LeaseHeld",
				":1.7 (uid 1234, etalonctl) holds the lease");
}

/* Ctrl-C after five heartbeats, however long they take. */
static void *count_beats(void *userdata)
{
	struct script *s = userdata;
	struct pollfd fd = {.fd = s->lease, .events = POLLIN};
	char bytes[16];
	ssize_t n, beats = 0;

	while (beats < 5 && poll(&fd, 1, -1) > 0 && (n = read(s->lease, bytes, sizeof(bytes))) > 0)
		beats += n;
	kill(getpid(), SIGINT);
	return NULL;
}

static int on_emit(struct fake_service *f, sd_bus_message *call, sd_bus_message *reply,
		   sd_bus_error *error, void *userdata)
{
	struct script *s = userdata;
	json_t *setpoints = NULL;
	int r;

	(void)error;
	ck_assert_int_ge(wire_read(call, &setpoints), 0);
	s->wavelength = member_number(setpoints, "laser.wavelength", 1550000000);
	s->power = member_number(setpoints, "laser.power", 1000000000000);
	json_decref(setpoints);
	fake_emit(f, BENCH_BOARD, "org.etalon1.Board", json_pack("{s:s}", "State", "emitting"));
	if (streq(s->then, "beats"))
		ck_assert_int_eq(pthread_create(&s->counter, NULL, count_beats, s), 0);
	r = sd_bus_message_append(reply, "a{sx}", 3, "laser.wavelength", s->wavelength,
				  "laser.power", s->power, "h1", (int64_t)5);
	return r;
}

static void lose_light(struct fake_service *f, struct script *s)
{
	if (streq(s->then, "trip"))
		fake_emit(f, BENCH_BOARD, "org.etalon1.Board",
			  json_pack("{s:s, s:s, s:[s]}", "State", "tripped", "LastOffCause",
				    "the board tripped: the interlock is open", "WhyDark",
				    "the interlock is open: close the door"));
	if (streq(s->then, "farewell")) {
		static const char why[] = "the lease was taken over by :1.9 (uid 0)\n";

		ck_assert(send(s->lease, why, sizeof(why) - 1, MSG_NOSIGNAL) > 0);
		close(s->lease);
		s->lease = -1;
	}
	if (streq(s->then, "ctrl-c"))
		kill(getpid(), SIGINT);
}

static int on_gate(struct fake_service *f, sd_bus_message *call, sd_bus_message *reply,
		   sd_bus_error *error, void *userdata)
{
	struct script *s = userdata;
	int open;

	(void)reply;
	ck_assert_int_ge(sd_bus_message_read(call, "b", &open), 0);
	if (s->gate_refused && open)
		return sd_bus_error_set(error, "org.etalon1.Error.Interlock",
					"the interlock is open");
	fake_emit(f, BENCH_BOARD, "org.etalon1.Board", json_pack("{s:b}", "GateOpen", open));
	if (open)
		lose_light(f, s);
	return 0;
}

static int on_off(struct fake_service *f, sd_bus_message *call, sd_bus_message *reply,
		  sd_bus_error *error, void *userdata)
{
	(void)call;
	(void)reply;
	(void)error;
	(void)userdata;
	fake_emit(f, BENCH_BOARD, "org.etalon1.Board",
		  json_pack("{s:s, s:b, s:s}", "State", "off", "GateOpen", false, "LastOffCause",
			    "asked for"));
	return 0;
}

static void open_bench(struct cli_bench *b, struct script *s)
{
	cli_bench_open_with_board(b);
	s->lease = -1;
	fake_method(b->service, "Lease", give_lease, s);
	fake_method(b->service, "Emit", on_emit, s);
	fake_method(b->service, "SetGate", on_gate, s);
	fake_method(b->service, "Off", on_off, s);
}

static void close_bench(struct cli_bench *b, struct script *s)
{
	cli_bench_close(b);
	closep(&s->lease);
}

START_TEST(ctrl_c_is_dark_and_a_success)
{
	struct script s = {.then = "ctrl-c"};
	_cleanup_free_ char *calls = NULL;
	struct cli_bench b;

	open_bench(&b, &s);
	ck_assert_int_eq(cli_bench_run(&b, "laser on 1551.5nm --power 3dBm"), 0);
	calls = fake_calls(b.service);
	ck_assert_str_eq(calls, "Lease Emit SetGate Off");
	ck_assert_int_eq(s.wavelength, 1551500000);
	/* 3 dBm is 1.995262314969 mW; this laser has steps of 1 nW. */
	ck_assert_int_eq(s.power, 1995262000000);
	ck_assert_ptr_nonnull(strstr(b.out, "laser.wavelength 1551.5 nm\nlaser.power 3 dBm\n"));
	ck_assert_ptr_null(strstr(b.out, "h1"));
	ck_assert_ptr_nonnull(strstr(b.out, "light off\n"));
	ck_assert_ptr_nonnull(strstr(b.err, "LIGHT ON"));
	close_bench(&b, &s);
}
END_TEST

START_TEST(a_default_power_is_never_hidden)
{
	struct script s = {.then = "ctrl-c"};
	struct cli_bench b;

	open_bench(&b, &s);
	ck_assert_int_eq(cli_bench_run(&b, "laser on 193.4THz"), 0);
	ck_assert_int_eq(s.wavelength, 1550116100); /* the nearest on the laser's grid */
	ck_assert_ptr_nonnull(
		strstr(b.out, "laser.power 0 dBm, the site's default; --power to choose"));
	close_bench(&b, &s);
}
END_TEST

START_TEST(a_trip_ends_the_command_with_its_cause_and_what_to_do)
{
	struct script s = {.then = "trip"};
	struct cli_bench b;

	open_bench(&b, &s);
	ck_assert_int_eq(cli_bench_run(&b, "laser on 1550nm"), EXIT_REFUSED);
	ck_assert_ptr_nonnull(
		strstr(b.err, "light went off: the board tripped: the interlock is open"));
	ck_assert_ptr_nonnull(strstr(b.err, "close the door"));
	close_bench(&b, &s);
}
END_TEST

START_TEST(the_daemons_last_word_on_the_lease_is_told)
{
	struct script s = {.then = "farewell"};
	struct cli_bench b;

	open_bench(&b, &s);
	ck_assert_int_eq(cli_bench_run(&b, "laser on 1550nm"), EXIT_REFUSED);
	ck_assert_ptr_nonnull(
		strstr(b.err, "light went off: the lease was taken over by :1.9 (uid 0)"));
	close_bench(&b, &s);
}
END_TEST

START_TEST(a_refused_gate_gives_the_lease_back)
{
	struct script s = {.then = "", .gate_refused = true};
	struct cli_bench b;
	char byte[64];
	ssize_t n;

	open_bench(&b, &s);
	ck_assert_int_eq(cli_bench_run(&b, "laser on 1550nm"), EXIT_REFUSED);
	ck_assert_ptr_nonnull(strstr(b.err, "the gate stays shut: the interlock is open"));
	while ((n = read(s.lease, byte, sizeof(byte))) > 0)
		; /* heartbeats */
	ck_assert_int_eq(n, 0); /* hung up: the daemon turns light off */
	close_bench(&b, &s);
}
END_TEST

START_TEST(light_that_is_not_possible_is_not_asked_for)
{
	struct script s = {.then = ""};
	_cleanup_free_ char *calls = NULL;
	struct cli_bench b;

	open_bench(&b, &s);
	fake_change(b.service, BENCH_BOARD, "org.etalon1.Board",
		    json_pack("{s:[s]}", "WhyDark", "the key is off: turn it"));
	ck_assert_int_eq(cli_bench_run(&b, "laser on 1550nm"), EXIT_REFUSED);
	ck_assert_ptr_nonnull(
		strstr(b.err, "light is not possible now:\n  the key is off: turn it\n"));
	ck_assert_int_eq(cli_bench_run(&b, "hold"), EXIT_REFUSED);
	calls = fake_calls(b.service);
	ck_assert_str_eq(calls, "");
	close_bench(&b, &s);
}
END_TEST

START_TEST(somebody_elses_lease_is_respected)
{
	struct script s = {.then = ""};
	_cleanup_free_ char *calls = NULL;
	struct cli_bench b;

	open_bench(&b, &s);
	fake_method(b.service, "Lease", refuse_lease, NULL);
	fake_change(
		b.service, BENCH_BOARD, "org.etalon1.Board",
		json_pack("{s:s, s:i}", "LeaseHolder", ":1.7", "LeaseUid", (int)getuid() + 1234));
	ck_assert_int_eq(cli_bench_run(&b, "laser on 1550nm"), EXIT_REFUSED);
	ck_assert_ptr_nonnull(strstr(b.err, ":1.7 (uid 1234, etalonctl) holds the lease"));
	ck_assert_ptr_nonnull(strstr(b.err, "--take-over"));
	calls = fake_calls(b.service);
	ck_assert_str_eq(calls, "Lease");
	close_bench(&b, &s);
}
END_TEST

START_TEST(attached_to_a_hold_only_the_gate_is_moved)
{
	struct script s = {.then = "ctrl-c"};
	_cleanup_free_ char *calls = NULL;
	struct cli_bench b;

	open_bench(&b, &s);
	fake_change(b.service, BENCH_BOARD, "org.etalon1.Board",
		    json_pack("{s:s, s:i, s:s}", "LeaseHolder", ":1.7", "LeaseUid", (int)getuid(),
			      "State", "emitting"));
	ck_assert_int_eq(cli_bench_run(&b, "laser on 1550nm"), 0);
	calls = fake_calls(b.service);
	ck_assert_str_eq(calls,
			 "Emit SetGate SetGate"); /* no lease taken, none ended, gate shut again */
	ck_assert_ptr_nonnull(strstr(b.out, "gate shut; the laser stays warm"));
	close_bench(&b, &s);
}
END_TEST

START_TEST(hold_beats_as_long_as_it_lives_and_hangs_up_at_its_end)
{
	struct script s = {.then = "beats"};
	_cleanup_free_ char *calls = NULL;
	struct cli_bench b;
	char byte;

	open_bench(&b, &s);
	ck_assert_int_eq(cli_bench_run(&b, "hold"), 0); /* five beats, then Ctrl-C */
	pthread_join(s.counter, NULL);
	calls = fake_calls(b.service);
	ck_assert_str_eq(calls, "Lease Emit Off"); /* the gate was never touched */
	while (recv(s.lease, &byte, 1, MSG_DONTWAIT) > 0)
		;
	ck_assert_int_eq(recv(s.lease, &byte, 1, MSG_DONTWAIT), 0);
	close_bench(&b, &s);
}
END_TEST

START_TEST(hold_does_not_attach)
{
	struct script s = {.then = ""};
	struct cli_bench b;

	open_bench(&b, &s);
	fake_method(b.service, "Lease", refuse_lease, NULL);
	fake_change(b.service, BENCH_BOARD, "org.etalon1.Board",
		    json_pack("{s:s, s:i}", "LeaseHolder", ":1.7", "LeaseUid", (int)getuid()));
	ck_assert_int_eq(cli_bench_run(&b, "hold"), EXIT_REFUSED);
	close_bench(&b, &s);
}
END_TEST

/* People's words are elsewhere; a script learns what the light was at and that it is off. */
START_TEST(the_end_of_light_is_one_document)
{
	static const struct {
		const char *command, *then, *light;
		const char *holder; /* "" nobody's: a lease of our own */
	} ends[] = {
		{"laser on 1551.5nm --json", "ctrl-c", "off", ""},
		{"hold 1551.5nm --json", "beats", "off", ""},
		{"laser on 1551.5nm --json", "ctrl-c", "warm", ":1.7"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		_cleanup_(json_decrefp) json_t *document = NULL;
		struct script s = {.then = ends[i].then};
		struct cli_bench b;

		open_bench(&b, &s);
		fake_change(b.service, BENCH_BOARD, "org.etalon1.Board",
			    json_pack("{s:s, s:i, s:s}", "LeaseHolder", ends[i].holder, "LeaseUid",
				      (int)getuid(), "State",
				      *ends[i].holder ? "emitting" : "off"));
		ck_assert_msg(cli_bench_run(&b, ends[i].command) == 0, "%s", b.err);
		if (streq(ends[i].then, "beats"))
			pthread_join(s.counter, NULL);
		document = json_loads(b.out, 0, NULL);
		ck_assert_msg(document != NULL, "%s: %s", ends[i].command, b.out);
		ck_assert_str_eq(member_text(document, "board"), "B-1");
		ck_assert_str_eq(member_text(document, "light"), ends[i].light);
		ck_assert(member_flag(document, "was_lit"));
		ck_assert_int_eq(
			member_number(member_at(document, "setpoints"), "laser.wavelength", 0),
			1551500000);
		close_bench(&b, &s);
	}
}
END_TEST

START_TEST(off_acts_before_it_reads_anything)
{
	struct script s = {.then = ""};
	_cleanup_free_ char *calls = NULL;
	struct cli_bench b;

	open_bench(&b, &s);
	ck_assert_int_eq(cli_bench_run(&b, "off"), 0);
	ck_assert_str_eq(b.out, "B-1: light off\n");
	ck_assert_int_eq(cli_bench_run(&b, "off --board B-1"), 0);
	ck_assert_int_eq(cli_bench_run(&b, "laser off"), 0);
	calls = fake_calls(b.service);
	ck_assert_str_eq(calls, "Off Off Off");
	close_bench(&b, &s);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cli-light");
	TCase *tcase = tcase_create("cli-light");

	tcase_add_test(tcase, ctrl_c_is_dark_and_a_success);
	tcase_add_test(tcase, a_default_power_is_never_hidden);
	tcase_add_test(tcase, a_trip_ends_the_command_with_its_cause_and_what_to_do);
	tcase_add_test(tcase, the_daemons_last_word_on_the_lease_is_told);
	tcase_add_test(tcase, a_refused_gate_gives_the_lease_back);
	tcase_add_test(tcase, light_that_is_not_possible_is_not_asked_for);
	tcase_add_test(tcase, somebody_elses_lease_is_respected);
	tcase_add_test(tcase, attached_to_a_hold_only_the_gate_is_moved);
	tcase_add_test(tcase, hold_beats_as_long_as_it_lives_and_hangs_up_at_its_end);
	tcase_add_test(tcase, hold_does_not_attach);
	tcase_add_test(tcase, the_end_of_light_is_one_document);
	tcase_add_test(tcase, off_acts_before_it_reads_anything);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
