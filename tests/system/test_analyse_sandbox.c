// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The sandbox of etalon-analyse, in a plain build: the sanitizers' own needs would hide it. What a
 * process inside can no longer do, and that an analysis gets on without it.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit/analyse_program.h"
#include "analyse/sandbox.h"
#include "run_suite.h"

/* In a child inside the sandbox; what `attempt` returned. */
static int inside(int (*attempt)(int fd), int keep_fd, int fd)
{
	pid_t pid = fork();
	int status;

	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		_exit(sandbox_enter(keep_fd) == 0 ? attempt(fd) : 100);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status), "ended by signal %d", WTERMSIG(status));
	return WEXITSTATUS(status);
}

#define REFUSED(call) ((call) < 0 && errno == EPERM ? 0 : 1)

static int opens_a_file(int fd)
{
	(void)fd;
	return REFUSED(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
}

static int makes_a_file(int fd)
{
	(void)fd;
	return REFUSED(open("/tmp/etalon-sandbox-test", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
}

static int opens_a_socket(int fd)
{
	(void)fd;
	return REFUSED(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

static int starts_a_program(int fd)
{
	(void)fd;
	return REFUSED(execl("/bin/true", "true", (char *)NULL));
}

static int makes_a_process(int fd)
{
	pid_t pid = fork();

	(void)fd;
	if (pid == 0)
		_exit(0);
	return REFUSED(pid);
}

static int signals_its_parent(int fd)
{
	(void)fd;
	return REFUSED(kill(getppid(), 0));
}

static int raises_its_limits(int fd)
{
	struct rlimit more = {RLIM_INFINITY, RLIM_INFINITY};

	(void)fd;
	return REFUSED(setrlimit(RLIMIT_CPU, &more));
}

static const struct {
	const char *name;
	int (*attempt)(int fd);
} attempts[] = {
	{"opens a file", opens_a_file},		  {"makes a file", makes_a_file},
	{"opens a socket", opens_a_socket},	  {"starts a program", starts_a_program},
	{"makes a process", makes_a_process},	  {"signals its parent", signals_its_parent},
	{"raises its limits", raises_its_limits},
};

START_TEST(nothing_but_computing_is_allowed)
{
	ck_assert_msg(inside(attempts[_i].attempt, -1, -1) == 0, "it %s", attempts[_i].name);
}
END_TEST

static int open_together(void *userdata, _unused_ size_t i)
{
	pthread_barrier_wait(userdata); /* each thread has one of the two turns */
	return -opens_a_file(-1);
}

/* Threads that were there before are held, too. */
START_TEST(a_helping_thread_opens_no_file)
{
	pid_t pid = fork();
	int status;

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		struct team *team = NULL;
		pthread_barrier_t barrier;

		pthread_barrier_init(&barrier, NULL, 2);
		if (team_new(1, &team) < 0 || sandbox_enter(-1) < 0)
			_exit(100);
		_exit(-team_run(team, 2, open_together, &barrier));
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

static int sees_descriptor(int fd)
{
	return fcntl(fd, F_GETFD) >= 0 ? 0 : 1;
}

START_TEST(other_descriptors_are_closed_and_the_kept_one_is_not)
{
	int kept = memfd_create("kept", 0), other = memfd_create("other", 0);
	int far_fd = fcntl(other, F_DUPFD, 200);

	ck_assert(kept > 2 && other > 2 && far_fd >= 200);
	ck_assert_int_eq(inside(sees_descriptor, kept, kept), 0);
	ck_assert_int_eq(inside(sees_descriptor, kept, other), 1);
	ck_assert_int_eq(inside(sees_descriptor, kept, far_fd), 1);
	ck_assert_int_eq(inside(sees_descriptor, -1, kept), 1);
	ck_assert_int_eq(inside(sees_descriptor, -1, 1), 0);
	close(kept);
	close(other);
	close(far_fd);
}
END_TEST

/* What the sandbox forbids, a whole analysis must not need. */
START_TEST(an_analysis_gets_on_inside)
{
	struct synth s = synth_demo;
	_cleanup_table_ struct table *t = NULL;
	_cleanup_outcome_ struct outcome o = {};
	int fd;

	s.start_nm = 1548;
	s.stop_nm = 1552.6;
	t = synth_table(&s);
	fd = table_to_frame(t);
	ck_assert_int_ge(fd, 0);
	o = run_analyse((const char *[]){"--frame-fd", "3", NULL}, fd);
	ck_assert_msg(o.status == 0, "%s", o.err);
	ck_assert_ptr_nonnull(strstr(o.out, "wavelength_nm"));
	close(fd);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("analysis sandbox");
	TCase *tc = tcase_create("sandbox");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, nothing_but_computing_is_allowed, 0, (int)ARRAY_SIZE(attempts));
	tcase_add_test(tc, a_helping_thread_opens_no_file);
	tcase_add_test(tc, other_descriptors_are_closed_and_the_kept_one_is_not);
	tcase_add_test(tc, an_analysis_gets_on_inside);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
