// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The object tree over a real bus: objects and signals that come and go, properties of runs in
 * memory and not, data for many at once, and the same through busctl.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "data/frame.h"
#include "holder.h"
#include "runs.h"
#include "session.h"

#include "run_suite.h" /* last: it defines a macro fail() */

#define BOARD "org.etalon1.Board"
#define JOB "org.etalon1.Job"
#define MANAGER "org.etalon1.Manager"
#define RUN "org.etalon1.Run"
#define ROOT "/org/etalon1"
#define OBJECTS "org.freedesktop.DBus.ObjectManager"
#define PROPERTIES "org.freedesktop.DBus.Properties"

static struct session session;
static sd_bus *bus;
static char *board, error[64];

static const char *const pd1[] = {"pd1", NULL};

static void start(void)
{
	static const struct session_options options = {.speed_max = true};

	session_open(&session, &options, &bus, &board);
}

static void stop(void)
{
	session_close(&session, bus, board);
}

/* Another board at the same place, which keeps real time. */
static void use_real_time(void)
{
	session_kill(&session.emulator, SIGTERM);
	ck_assert(session_wait_state(bus, board, "gone", 20000));
	session_start_emulator(&session, NULL);
	ck_assert(session_wait_state(bus, board, "off", 20000));
}

static int64_t take_dark(uint64_t points)
{
	_cleanup_free_ char *job = measure_dark(bus, board, points, 10000, 8000, pd1);
	_cleanup_free_ char *result = NULL;
	int64_t run = 0;

	ck_assert_ptr_nonnull(job);
	result = job_wait(bus, job, &run, 60000);
	ck_assert_str_eq(result, "complete");
	return run;
}

/* ---- signals ---- */

struct heard {
	const char *path; /* what is waited for */
	unsigned int added, removed, changed, finished;
	bool state_changed;
};

static int on_added(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
	struct heard *h = userdata;
	const char *path;

	(void)e;
	if (sd_bus_message_read(m, "o", &path) >= 0 && strncmp(path, h->path, strlen(h->path)) == 0)
		h->added++;
	return 0;
}

static int on_removed(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
	struct heard *h = userdata;
	const char *path;

	(void)e;
	if (sd_bus_message_read(m, "o", &path) >= 0 && strncmp(path, h->path, strlen(h->path)) == 0)
		h->removed++;
	return 0;
}

static int on_changed(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
	struct heard *h = userdata;
	const char *interface, *name;

	(void)e;
	h->changed++;
	if (sd_bus_message_read(m, "s", &interface) < 0 ||
	    sd_bus_message_enter_container(m, 'a', "{sv}") < 0)
		return 0;
	while (sd_bus_message_enter_container(m, 'e', "sv") > 0) {
		if (sd_bus_message_read(m, "s", &name) > 0 && streq(name, "State"))
			h->state_changed = true;
		sd_bus_message_skip(m, "v");
		sd_bus_message_exit_container(m);
		if (sd_bus_message_at_end(m, 0))
			break;
	}
	return 0;
}

static int on_finished(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
	(void)m;
	(void)e;
	((struct heard *)userdata)->finished++;
	return 0;
}

static void listen(struct heard *h, const char *path)
{
	*h = (struct heard){.path = path};
	ck_assert_int_ge(sd_bus_match_signal(bus, NULL, "org.etalon1", ROOT, OBJECTS,
					     "InterfacesAdded", on_added, h),
			 0);
	ck_assert_int_ge(sd_bus_match_signal(bus, NULL, "org.etalon1", ROOT, OBJECTS,
					     "InterfacesRemoved", on_removed, h),
			 0);
	ck_assert_int_ge(sd_bus_match_signal(bus, NULL, "org.etalon1", NULL, PROPERTIES,
					     "PropertiesChanged", on_changed, h),
			 0);
	ck_assert_int_ge(sd_bus_match_signal(bus, NULL, "org.etalon1", NULL, JOB, "Finished",
					     on_finished, h),
			 0);
}

static bool hear_until(const unsigned int *count, unsigned int at_least)
{
	uint64_t until = now_ns() + 20 * NSEC_PER_SEC;

	while (*count < at_least && now_ns() < until) {
		int r = sd_bus_process(bus, NULL);

		ck_assert_int_ge(r, 0);
		if (r == 0)
			sd_bus_wait(bus, 100000);
	}
	return *count >= at_least;
}

START_TEST(jobs_and_runs_come_as_objects_and_their_end_is_told)
{
	struct heard runs, jobs;
	_cleanup_free_ char *job = NULL;

	listen(&runs, ROOT "/run/");
	listen(&jobs, ROOT "/job/");
	job = measure_dark(bus, board, 1000, 10000, 8000, pd1);
	ck_assert(hear_until(&jobs.added, 1));
	ck_assert(hear_until(&runs.added, 1));
	ck_assert(hear_until(&jobs.finished, 1));
	ck_assert(jobs.changed > 0);
	ck_assert(jobs.state_changed);
}
END_TEST

START_TEST(a_board_that_goes_and_comes_is_removed_and_added)
{
	struct heard h;

	listen(&h, board);
	session_fault(&session, "{\"fault\":\"cable\"}");
	ck_assert(hear_until(&h.removed, 1));
	ck_assert(hear_until(&h.added, 1));
	ck_assert(h.state_changed);
}
END_TEST

START_TEST(progress_is_told_at_most_ten_times_a_second)
{
	struct heard h;
	uint64_t began = now_ns(), took;
	_cleanup_free_ char *job = NULL;

	use_real_time();
	listen(&h, "/");
	job = measure_dark(bus, board, 20000, 100000, 80000, pd1);
	ck_assert_ptr_nonnull(job);
	ck_assert(hear_until(&h.finished, 1));
	took = now_ns() - began;
	/* Besides progress: states, the board's job, the run's end. */
	ck_assert_uint_le(h.changed, took / (NSEC_PER_SEC / 10) + 15);
}
END_TEST

/* ---- properties of runs ---- */

static sd_bus_message *all_of(int64_t run)
{
	_cleanup_free_ char *path = asprintf_or_null(ROOT "/run/%lld", (long long)run);
	sd_bus_error e = SD_BUS_ERROR_NULL;
	sd_bus_message *reply = NULL;

	ck_assert_msg(sd_bus_call_method(bus, "org.etalon1", path, PROPERTIES, "GetAll", &e, &reply,
					 "s", RUN) >= 0,
		      "run %lld: %s", (long long)run, e.message);
	return reply;
}

static unsigned int count_entries(sd_bus_message *m)
{
	unsigned int n = 0;

	ck_assert_int_ge(sd_bus_message_enter_container(m, 'a', "{sv}"), 0);
	while (!sd_bus_message_at_end(m, 0)) {
		ck_assert_int_ge(sd_bus_message_skip(m, "{sv}"), 0);
		n++;
	}
	sd_bus_message_unref(m);
	return n;
}

START_TEST(runs_that_left_the_tree_are_asked_like_those_in_it)
{
	_cleanup_free_ char *status = NULL, *tree = NULL;
	sd_bus_message *reply = NULL;

	for (int i = 0; i < 10; i++)
		take_dark(10);
	session_kill(&session.daemon, SIGTERM);
	session_start_daemon(&session);
	/* The newest are in memory, the first is not. */
	ck_assert_uint_eq(count_entries(all_of(10)), 9);
	ck_assert_uint_eq(count_entries(all_of(1)), 9);
	session_kill(&session.daemon, SIGTERM);
	session_start_daemon(&session);
	status = run_status(bus, 1);
	ck_assert_str_eq(status, "complete");
	ck_assert_int_lt(holder_call(bus, ROOT "/run/11", PROPERTIES, "GetAll", error, "s", RUN),
			 0);
	ck_assert_str_eq(error, "org.freedesktop.DBus.Error.UnknownObject");
	ck_assert_int_lt(
		holder_call(bus, ROOT "/run/2", PROPERTIES, "Get", error, "ss", RUN, "Colour"), 0);
	ck_assert_str_eq(error, "org.freedesktop.DBus.Error.UnknownProperty");
	ck_assert_int_ge(sd_bus_call_method(bus, "org.etalon1", ROOT, OBJECTS, "GetManagedObjects",
					    NULL, &reply, ""),
			 0);
	sd_bus_message_unref(reply);
}
END_TEST

START_TEST(a_deleted_run_is_gone_for_good)
{
	int64_t run = take_dark(10), next;

	ck_assert_int_eq(holder_call(bus, ROOT, MANAGER, "DeleteRun", error, "x", run), 0);
	ck_assert_int_lt(holder_call(bus, ROOT "/run/1", RUN, "GetData", error, "ttta{sv}",
				     UINT64_C(0), UINT64_C(0), UINT64_C(1), 0),
			 0);
	ck_assert_str_eq(error, "NoSuchRun");
	ck_assert_int_lt(holder_call(bus, ROOT "/run/1", PROPERTIES, "GetAll", error, "s", RUN), 0);
	ck_assert_str_eq(error, "NoSuchRun");
	ck_assert_int_lt(holder_call(bus, ROOT, MANAGER, "DeleteRun", error, "x", run), 0);
	ck_assert_str_eq(error, "NoSuchRun");
	/* Its number is not given again. */
	next = take_dark(10);
	ck_assert_int_gt(next, run);
}
END_TEST

START_TEST(labels_may_change_and_are_found)
{
	sd_bus_message *reply = NULL;

	take_dark(10);
	take_dark(10);
	ck_assert_int_eq(holder_call(bus, ROOT "/run/1", RUN, "SetLabels", error, "a{ss}", 2,
				     "label", "first", "wafer", "W7"),
			 0);
	ck_assert_int_lt(holder_call(bus, ROOT "/run/1", RUN, "SetLabels", error, "a{ss}", 1,
				     "verdict", "pass"),
			 0);
	ck_assert_str_eq(error, "InvalidArgument");
	ck_assert_int_ge(sd_bus_call_method(bus, "org.etalon1", ROOT, MANAGER, "ListRuns", NULL,
					    &reply, "a{sv}", 1, "label", "s", "first"),
			 0);
	ck_assert_int_ge(sd_bus_message_enter_container(reply, 'a', "a{sv}"), 0);
	ck_assert_int_ge(sd_bus_message_skip(reply, "a{sv}"), 0);
	ck_assert_int_eq(sd_bus_message_at_end(reply, 0), 1);
	sd_bus_message_unref(reply);
	ck_assert_int_lt(holder_call(bus, ROOT, MANAGER, "ListRuns", error, "a{sv}", 1, "colour",
				     "s", "blue"),
			 0);
	ck_assert_str_eq(error, "InvalidArgument");
}
END_TEST

/* ---- data ---- */

START_TEST(data_that_are_not_there_are_refused_in_words)
{
	int64_t run = take_dark(100);
	static const struct {
		const char *types;
		uint64_t first, count, stride;
		const char *column, *error;
	} cases[] = {
		{"", 0, 0, 0, NULL, "InvalidArgument"},
		{"", 1000, 0, 1, NULL, "NoData"},
		{"", 0, 0, 1, "colour", "NoSuchColumn"},
	};

	ck_assert_int_eq(run, 1);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int r = cases[i].column
				? holder_call(bus, ROOT "/run/1", RUN, "GetData", error, "ttta{sv}",
					      cases[i].first, cases[i].count, cases[i].stride, 1,
					      "columns", "as", 1, cases[i].column)
				: holder_call(bus, ROOT "/run/1", RUN, "GetData", error, "ttta{sv}",
					      cases[i].first, cases[i].count, cases[i].stride, 0);

		ck_assert_int_lt(r, 0);
		ck_assert_str_eq(error, cases[i].error);
	}
}
END_TEST

#define CALLS 24

struct answers {
	unsigned int good, busy, other;
};

static int on_data(sd_bus_message *m, void *userdata, sd_bus_error *e)
{
	struct answers *a = userdata;

	(void)e;
	if (!sd_bus_message_is_method_error(m, NULL))
		a->good++;
	else if (sd_bus_message_is_method_error(m, "org.etalon1.Error.Busy"))
		a->busy++;
	else
		a->other++;
	return 0;
}

START_TEST(many_requests_at_once_are_served_or_told_to_come_back)
{
	struct answers a = {0};
	uint64_t until = now_ns() + 60 * NSEC_PER_SEC;
	_cleanup_free_ char *text = NULL;

	take_dark(1000000);
	/* All at once, however slowly they are sent. */
	kill(session.daemon, SIGSTOP);
	for (int i = 0; i < CALLS; i++)
		ck_assert_int_ge(sd_bus_call_method_async(bus, NULL, "org.etalon1", ROOT "/run/1",
							  RUN, "GetData", on_data, &a, "ttta{sv}",
							  UINT64_C(0), UINT64_C(0), UINT64_C(1), 0),
				 0);
	ck_assert_int_ge(sd_bus_flush(bus), 0);
	kill(session.daemon, SIGCONT);
	/* Small things are answered meanwhile. */
	text = run_status(bus, 1);
	ck_assert_str_eq(text, "complete");
	while (a.good + a.busy + a.other < CALLS && now_ns() < until)
		if (sd_bus_process(bus, NULL) == 0)
			sd_bus_wait(bus, 100000);
	ck_assert_uint_eq(a.good + a.busy, CALLS);
	ck_assert_uint_ge(a.good, 2);
	ck_assert_uint_ge(a.busy, 1);
}
END_TEST

static struct table *first_rows(uint64_t count)
{
	_cleanup_free_ char *why = NULL;
	_cleanup_close_ int fd = run_get_data(bus, 1, 0, count, NULL, &why);
	struct table *table = NULL;

	ck_assert_msg(fd >= 0, "%s", why);
	ck_assert_msg(frame_to_table(fd, &table, &why) == 0, "%s", why);
	return table;
}

START_TEST(data_of_a_run_that_is_being_taken_are_what_is_stored)
{
	_cleanup_free_ char *job = NULL, *why = NULL, *result = NULL;
	uint64_t done = 0, next, until = now_ns() + 20 * NSEC_PER_SEC;
	_cleanup_table_ struct table *early = NULL, *stored = NULL;
	_cleanup_close_ int fd = -1;

	use_real_time();
	job = measure_dark(bus, board, 100000, 100000, 80000, pd1);
	ck_assert_ptr_nonnull(job);
	while (done < 5000 && now_ns() < until)
		ck_assert_int_ge(sd_bus_get_property_trivial(bus, "org.etalon1", job, JOB,
							     "PointsDone", NULL, 't', &done),
				 0);
	do {
		closep(&fd);
		fd = run_get_data(bus, 1, 0, 0, &next, &why);
	} while (fd < 0 && now_ns() < until);
	ck_assert_msg(fd >= 0, "%s", why);
	ck_assert_msg(frame_to_table(fd, &early, &why) == 0, "%s", why);
	ck_assert_uint_gt(early->rows, 0);
	ck_assert_int_eq(holder_call(bus, job, JOB, "Cancel", error, ""), 0);
	result = job_wait(bus, job, NULL, 20000);
	ck_assert_str_eq(result, "partial");
	ck_assert_uint_ge(run_ledger(bus, 1, "received"), early->rows);
	stored = first_rows(early->rows);
	ck_assert(table_columns_equal(early, stored));
}
END_TEST

/* ---- through busctl ---- */

static char *busctl(const char *arguments)
{
	_cleanup_free_ char *command =
		asprintf_or_null("busctl --address=%s %s 2>&1", session.address, arguments);
	FILE *p = popen(command, "r");
	char *text = NULL;
	size_t room = 0;

	ck_assert_ptr_nonnull(p);
	if (getdelim(&text, &room, EOF, p) < 0) {
		free(text);
		text = strdup("");
	}
	pclose(p);
	return text;
}

START_TEST(busctl_sees_the_tree_and_calls_it)
{
	_cleanup_free_ char *tree = NULL, *version = NULL, *off = NULL, *listed = NULL,
			    *wrong = NULL;
	_cleanup_free_ char *command = NULL, *refused = NULL;

	if (system("command -v busctl >/dev/null") != 0) {
		printf("SKIP busctl is not installed\n");
		return;
	}
	take_dark(10);
	tree = busctl("tree --list org.etalon1");
	ck_assert_ptr_nonnull(strstr(tree, board));
	ck_assert_ptr_nonnull(strstr(tree, ROOT "/run/1\n"));
	version = busctl("get-property org.etalon1 " ROOT " " MANAGER " APIVersion");
	ck_assert_str_eq(version, "u 1\n");
	command = asprintf_or_null("call org.etalon1 %s " BOARD " Off", board);
	off = busctl(command);
	ck_assert_str_eq(off, "");
	listed = busctl("call org.etalon1 " ROOT " " MANAGER " ListRuns 'a{sv}' 1 limit u 5");
	ck_assert_ptr_nonnull(strstr(listed, "\"run\" x 1"));
	free(command);
	command = asprintf_or_null("call org.etalon1 %s " BOARD " Set 'a{sx}' 1 tec1 100000000000",
				   board);
	refused = busctl(command);
	/* The sentence is for people, whatever they use. */
	ck_assert_msg(strstr(refused, "above") && strstr(refused, "80 C"), "%s", refused);
	wrong = busctl("introspect org.etalon1 " ROOT "/board/NONE " BOARD);
	ck_assert_ptr_nonnull(strstr(wrong, "NONE"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bus_objects");
	TCase *tc = tcase_create("objects");

	tcase_set_timeout(tc, 180);
	tcase_add_checked_fixture(tc, start, stop);
	tcase_add_test(tc, jobs_and_runs_come_as_objects_and_their_end_is_told);
	tcase_add_test(tc, a_board_that_goes_and_comes_is_removed_and_added);
	tcase_add_test(tc, progress_is_told_at_most_ten_times_a_second);
	tcase_add_test(tc, runs_that_left_the_tree_are_asked_like_those_in_it);
	tcase_add_test(tc, a_deleted_run_is_gone_for_good);
	tcase_add_test(tc, labels_may_change_and_are_found);
	tcase_add_test(tc, data_that_are_not_there_are_refused_in_words);
	tcase_add_test(tc, many_requests_at_once_are_served_or_told_to_come_back);
	tcase_add_test(tc, data_of_a_run_that_is_being_taken_are_what_is_stored);
	tcase_add_test(tc, busctl_sees_the_tree_and_calls_it);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
