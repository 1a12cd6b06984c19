// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The worker process for fits, played by shell scripts: whatever it does, the daemon lives and
 * the caller is told.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/util.h"
#include "etalond/analysis_worker.h"

#include "run_suite.h" /* last: it defines a macro fail() */

static char program[64];

static void play(const char *script)
{
	_cleanup_close_ int fd = -1;

	snprintf(program, sizeof(program), "/tmp/etalon-analysis-XXXXXX");
	fd = mkstemp(program);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write_all(fd, "#!/bin/sh\n", 10), 0);
	ck_assert_int_eq(write_all(fd, script, strlen(script)), 0);
	ck_assert_int_eq(fchmod(fd, 0700), 0);
}

static int frame_with(const char *text)
{
	int fd = memfd_create("frame", MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write_all(fd, text, strlen(text)), 0);
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static int hand_over(struct analysis_worker *worker, int frame, int timeout_ms, json_t **ret,
		     char **ret_message)
{
	int r = analysis_worker_send(worker, frame, "through", timeout_ms, ret_message);

	return r < 0 ? r : analysis_worker_hear(worker, timeout_ms, ret, ret_message);
}

/* The worker's part of a run, from start to end. */
static int analyse(const char *path, int timeout_ms, json_t **ret, char **ret_message)
{
	_cleanup_close_ int frame = frame_with("bits\n");
	_cleanup_analysis_worker_ struct analysis_worker *worker = NULL;
	int r = analysis_worker_start(path, &worker, ret_message);

	return r < 0 ? r : hand_over(worker, frame, timeout_ms, ret, ret_message);
}

static void assert_no_child(void)
{
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
}

static const struct {
	const char *name;
	const char *script;
	int result;
	const char *says; /* in the message, or in key "heard" of the result */
} cases[] = {
	{"it hears the channel", "x=$(cat <&3); echo \"{\\\"heard\\\": \\\"$x $*\\\"}\"", 0,
	 "through --frame-from 3"},
	{"its standard input is empty", "cat; echo '{\"heard\": \"nothing\"}'", 0, "nothing"},
	{"it gets no other descriptors: standard ones, frame, and that of ls",
	 "ls /proc/self/fd | wc -l | sed 's/.*/{\"heard\": \"&\"}/'", 0, "5"},
	{"its refusal is told", "echo 'etalon-analyse: too few points' >&2; exit 2", -EINVAL,
	 "too few points"},
	{"silence is told", "exit 1", -EINVAL, "said nothing"},
	{"no JSON", "echo hello", -EPIPE, "no result"},
	{"no object", "echo '[1]'", -EPIPE, "no result"},
	{"nothing at all", ":", -EPIPE, "no result"},
	{"a crash", "kill -SEGV $$", -EPIPE, "crashed (signal 11)"},
	{"half a result and a crash", "echo '{\"a\": '; kill -ABRT $$", -EPIPE, "crashed"},
	{"it takes too long", "exec sleep 600", -ETIMEDOUT, "took longer"},
	{"it does not stop talking", "exec yes", -EFBIG, ""},
	{"it closes its mouth and stays", "exec >&- 2>&-; exec sleep 0.2", -EPIPE, "no result"},
};

START_TEST(whatever_the_worker_does_is_a_result_or_a_message)
{
	_cleanup_free_ char *message = NULL;
	json_t *result = NULL;
	int timeout_ms = cases[_i].result == -ETIMEDOUT ? 300 : 60000;

	play(cases[_i].script);
	ck_assert_msg(analyse(program, timeout_ms, &result, &message) == cases[_i].result, "%s: %s",
		      cases[_i].name, message ? message : "no message");
	if (cases[_i].result == 0)
		ck_assert_msg(strstr(json_string_value(json_object_get(result, "heard")),
				     cases[_i].says) != NULL,
			      "%s: %s", cases[_i].name,
			      json_string_value(json_object_get(result, "heard")));
	else
		ck_assert_msg(message && strstr(message, cases[_i].says), "%s: %s", cases[_i].name,
			      message ? message : "no message");
	json_decref(result);
	unlink(program);
	assert_no_child();
}
END_TEST

START_TEST(a_program_that_is_not_there_is_told)
{
	_cleanup_free_ char *message = NULL;
	json_t *result = NULL;

	ck_assert_int_eq(analyse("/nonexistent/etalon-analyse", 1000, &result, &message), -ENOENT);
	ck_assert_ptr_nonnull(strstr(message, "/nonexistent/etalon-analyse"));
}
END_TEST

START_TEST(one_that_gets_no_frame_goes)
{
	struct analysis_worker *worker = NULL;

	play("exec cat <&3");
	ck_assert_int_eq(analysis_worker_start(program, &worker, NULL), 0);
	analysis_worker_free(worker);
	unlink(program);
	assert_no_child();
}
END_TEST

START_TEST(one_that_died_while_it_waited_is_told)
{
	_cleanup_close_ int frame = frame_with("bits\n");
	_cleanup_analysis_worker_ struct analysis_worker *worker = NULL;
	_cleanup_free_ char *message = NULL;
	json_t *result = NULL;
	siginfo_t info;

	play("echo 'etalon-analyse: no memory' >&2; exit 2");
	ck_assert_int_eq(analysis_worker_start(program, &worker, NULL), 0);
	ck_assert_int_eq(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
	ck_assert_int_eq(hand_over(worker, frame, 60000, &result, &message), -EINVAL);
	ck_assert_str_eq(message, "no memory");
	unlink(program);
	assert_no_child();
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bus_analysis");
	TCase *tc = tcase_create("analysis");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, whatever_the_worker_does_is_a_result_or_a_message, 0,
			    (int)ARRAY_SIZE(cases));
	tcase_add_test(tc, a_program_that_is_not_there_is_told);
	tcase_add_test(tc, one_that_gets_no_frame_goes);
	tcase_add_test(tc, one_that_died_while_it_waited_is_told);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
