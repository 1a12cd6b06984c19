// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * A run is on the disk before anybody is told that it is finished: the syncs of the store's log are held, counted
 * or failed here while a job ends whose analysis says when it answers.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "pair_job.h"
#include "runs.h"

#include "run_suite.h" /* last: it defines a macro fail() */

#define PATIENCE_MS 30000
#define NOBODY_TOLD_MS 300

static struct daemon_pair pair;
static char folder[64];

/* ---- the log of the store, between SQLite and the kernel ---- */

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool hold; /* syncs wait */
	bool held; /* one does */
	int error; /* of syncs */
	unsigned int writes, writes_at_sync;
} wal = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static bool is_wal(int fd)
{
	char link[64], path[PATH_MAX] = "";
	const char *end;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (readlink(link, path, sizeof(path) - 1) < 0)
		return false;
	end = strrchr(path, '-');
	return end && streq(end, "-wal");
}

static int sync_begins(void)
{
	int error;

	pthread_mutex_lock(&wal.lock);
	wal.writes_at_sync = wal.writes;
	wal.held = wal.hold;
	pthread_cond_broadcast(&wal.changed);
	while (wal.hold)
		pthread_cond_wait(&wal.changed, &wal.lock);
	error = wal.error;
	pthread_mutex_unlock(&wal.lock);
	return error;
}

/* In place of the C library's, for SQLite, too. */
__attribute__((visibility("default"))) int fdatasync(int fd)
{
	int error = is_wal(fd) ? sync_begins() : 0;

	if (error) {
		errno = error;
		return -1;
	}
	return (int)syscall(SYS_fdatasync, fd);
}

__attribute__((visibility("default"))) ssize_t pwrite64(int fd, const void *data, size_t size,
							off64_t offset)
{
	if (is_wal(fd)) {
		pthread_mutex_lock(&wal.lock);
		wal.writes++;
		pthread_mutex_unlock(&wal.lock);
	}
	return syscall(SYS_pwrite64, fd, data, size, offset);
}

static void hold_syncs(bool hold)
{
	pthread_mutex_lock(&wal.lock);
	wal.hold = hold;
	pthread_cond_broadcast(&wal.changed);
	pthread_mutex_unlock(&wal.lock);
}

static void fail_syncs(int error)
{
	pthread_mutex_lock(&wal.lock);
	wal.error = error;
	pthread_mutex_unlock(&wal.lock);
}

/* Until a sync waits: how much had been written before it. */
static unsigned int await_sync(void)
{
	struct timespec until;
	unsigned int writes;
	int r = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE_MS / 1000;
	pthread_mutex_lock(&wal.lock);
	while (!wal.held && r == 0)
		r = pthread_cond_timedwait(&wal.changed, &wal.lock, &until);
	writes = wal.writes_at_sync;
	pthread_mutex_unlock(&wal.lock);
	ck_assert_msg(r == 0, "the run was not synced within %d ms", PATIENCE_MS);
	return writes;
}

static unsigned int count_writes(void)
{
	unsigned int writes;

	pthread_mutex_lock(&wal.lock);
	writes = wal.writes;
	pthread_mutex_unlock(&wal.lock);
	return writes;
}

/* ---- an analysis that has its frame, waits to be told, and answers ---- */

static const char analysis[] =
	"#!/bin/sh\n"
	"[ \"$(wc -c <&3)\" -gt 0 ] || exit 0\n"
	": > \"$0.begun\"\n"
	"until [ -e \"$0.answer\" ]; do sleep 0.02; done\n"
	"echo '{\"method\": \"resonances\", \"version\": \"1\", \"resonances\": []}'\n"
	": > \"$0.answered\"\n";

static void write_file(const char *path, const char *text, mode_t mode)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, mode);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write_all(fd, text, strlen(text)), 0);
}

static void await_analysis(const char *what)
{
	_cleanup_free_ char *path = asprintf_or_null("%s/analyse.%s", folder, what);
	const uint64_t until = now_ns() + PATIENCE_MS * NSEC_PER_MSEC;

	while (access(path, F_OK) < 0) {
		ck_assert_msg(now_ns() < until, "the analysis has not %s", what);
		poll(NULL, 0, 5);
	}
}

static void let_analysis_answer(void)
{
	_cleanup_free_ char *path = asprintf_or_null("%s/analyse.answer", folder);

	write_file(path, "", 0600);
}

static void start(void)
{
	_cleanup_free_ char *config = NULL, *path = NULL;

	snprintf(folder, sizeof(folder), "/tmp/etalon-sync-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	path = asprintf_or_null("%s/analyse", folder);
	write_file(path, analysis, 0700);
	config = asprintf_or_null("default_power: 0 dBm\nanalyse: %s\n", path);
	daemon_pair_start(&pair, config, NULL);
}

static void stop(void)
{
	_cleanup_free_ char *remove = asprintf_or_null("rm -rf '%s'", folder);

	daemon_pair_stop(&pair);
	ck_assert_int_eq(system(remove), 0);
}

/* The path of its job. */
static char *analysed_sweep(void)
{
	sd_bus_message *reply = NULL;
	char error[64] = "";

	ck_assert_msg(pair_call(&pair, pair.board_path, PAIR_BOARD_INTERFACE, "Measure", error,
				&reply, "a{sv}", 5, "kind", "s", "wavelength-sweep", "detectors",
				"as", 1, "pd1", "start_fm", "x", INT64_C(1549000000), "stop_fm",
				"x", INT64_C(1551000000), "points", "t",
				(uint64_t)PAIR_JOB_POINTS) == 0,
		      "Measure: %s", error);
	return pair_job_path(reply);
}

/* The same, from whose first point on syncs wait: what a run needs before is on the disk. */
static char *sweep_with_held_syncs(void)
{
	char *job;

	pair.fake->hold_delay = true;
	job = analysed_sweep();
	ck_assert(pair_wait(&pair, job, PAIR_JOB_INTERFACE, "State", "delay"));
	hold_syncs(true);
	fake_link_delay_over(pair.fake);
	return job;
}

static void nobody_is_told(const char *job)
{
	_cleanup_free_ char *state = NULL;

	poll(NULL, 0, NOBODY_TOLD_MS);
	state = pair_text(&pair, job, PAIR_JOB_INTERFACE, "State");
	ck_assert_str_eq(state, "analysing");
	pair_job_says(&pair, job, "Result", "");
	pair_run_is(&pair, 1, "running");
}

START_TEST(a_run_is_told_of_when_all_of_it_is_on_the_disk)
{
	_cleanup_close_ int lease = pair_lease(&pair, 10000);
	_cleanup_free_ char *job = NULL;
	unsigned int synced;

	job = sweep_with_held_syncs();
	synced = await_sync();
	/* It has read the run: all of that had been committed. */
	await_analysis("begun");
	ck_assert_uint_eq(synced, count_writes());
	let_analysis_answer();
	await_analysis("answered");
	nobody_is_told(job);
	hold_syncs(false);
	ck_assert(pair_job_done(&pair, job));
	pair_job_says(&pair, job, "Result", "complete");
	pair_job_says(&pair, job, "Verdict", "measured");
	pair_job_says(&pair, job, "Message", "");
	pair_run_is(&pair, 1, "complete");
}
END_TEST

START_TEST(a_run_that_does_not_come_to_the_disk_is_told_of_as_such)
{
	_cleanup_close_ int lease = pair_lease(&pair, 10000);
	_cleanup_free_ char *job = NULL;

	job = sweep_with_held_syncs();
	await_sync();
	fail_syncs(EIO);
	hold_syncs(false);
	await_analysis("begun");
	let_analysis_answer();
	ck_assert(pair_job_done(&pair, job));
	pair_job_says(&pair, job, "Message", "not safe from a loss of power");
	pair_job_says(&pair, job, "Error", "org.etalon1.Error.");
	fail_syncs(0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bus_job_sync");
	TCase *tcase = tcase_create("sync");

	tcase_set_timeout(tcase, 120);
	tcase_add_checked_fixture(tcase, start, stop);
	tcase_add_test(tcase, a_run_is_told_of_when_all_of_it_is_on_the_disk);
	tcase_add_test(tcase, a_run_that_does_not_come_to_the_disk_is_told_of_as_such);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
