// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What the daemon costs, each as a ratio against a limit measured in the same run: overhead of a
 * sweep over the board's own time, memory of long against short runs, bulk data on their way to a
 * client against memcpy, a property read against Peer.Ping. Exits with 1 when a claim is missed.
 */
#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>

#include "claims.h"
#include "runs.h"
#include "session.h"
#include "run_suite.h"

#define REPEATS 9
#define CALLS 4000
#define PERIOD_NS 10000

static const char *const four[] = {"pd1", "pd2", "pd3", "pd4", NULL};

/* ---- sessions, with light on or without ---- */

struct bench {
	struct session s;
	sd_bus *bus;
	char *board;
	pid_t holder;
};

static void start(struct bench *l, const struct session_options *options)
{
	session_open(&l->s, options, &l->bus, &l->board);
}

static void stop(struct bench *l)
{
	session_close(&l->s, l->bus, l->board);
}

static void light_on(struct bench *l)
{
	static const char *const hold[] = {"etalonctl", "hold", NULL};
	const struct session_options options = {.watchdog_ms = SESSION_PATIENT_WATCHDOG_MS};

	start(l, &options);
	l->holder = session_spawn(&l->s, "hold.out", hold);
	ck_assert(session_wait_state(l->bus, l->board, "emitting", 20000));
}

static void light_off(struct bench *l)
{
	session_kill(&l->holder, SIGKILL);
	stop(l);
}

/* As fast as there are records every PERIOD_NS. */
static char *sweep(const struct bench *l, uint64_t points, int64_t step_fm)
{
	const int64_t start_fm = 1550000000;
	char *job = measure_wavelength(l->bus, l->board, start_fm,
				       start_fm + (int64_t)(points - 1) * step_fm, points,
				       step_fm * (int64_t)(NSEC_PER_SEC / PERIOD_NS), four);

	ck_assert(job != NULL);
	return job;
}

static int64_t must_complete(const struct bench *l, const char *job)
{
	int64_t run = 0;
	_cleanup_free_ char *result = job_wait(l->bus, job, &run, 900000);

	ck_assert_msg(result && streq(result, "complete"), "a sweep ended as %s", result);
	return run;
}

/* ---- overhead ---- */

static uint64_t board_time_ns(sd_bus *bus, const char *job)
{
	uint64_t ns = 0;

	ck_assert_int_ge(sd_bus_get_property_trivial(bus, "org.etalon1", job, "org.etalon1.Job",
						     "BoardNs", NULL, 't', &ns),
			 0);
	return ns;
}

static bool is_analysed(sd_bus *bus, int64_t run)
{
	_cleanup_free_ char *path = asprintf_or_null("/org/etalon1/run/%lld", (long long)run);
	sd_bus_message *reply = NULL;
	bool has;

	ck_assert_int_ge(sd_bus_get_property(bus, "org.etalon1", path, "org.etalon1.Run",
					     "Analyses", NULL, &reply, "aa{sv}"),
			 0);
	ck_assert_int_ge(sd_bus_message_enter_container(reply, 'a', "a{sv}"), 0);
	has = sd_bus_message_at_end(reply, false) == 0;
	sd_bus_message_unref(reply);
	return has;
}

struct waiting {
	const char *job;
	bool finished;
};

static int on_finished(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	struct waiting *w = userdata;

	(void)ret_error;
	if (!w->job || streq(sd_bus_message_get_path(m), w->job))
		w->finished = true;
	return 0;
}

static void await_finished(sd_bus *bus, const struct waiting *w)
{
	const uint64_t until = now_ns() + 30 * NSEC_PER_SEC;

	while (!w->finished && now_ns() < until) {
		while (sd_bus_process(bus, NULL) > 0)
			;
		if (!w->finished)
			sd_bus_wait(bus, 100000);
	}
	ck_assert(w->finished);
}

/* Wall time over board time in units of what is allowed: 50 ms + 2 %. */
static bool bench_overhead(void)
{
	double ratio[REPEATS], ms[REPEATS];
	struct waiting w = {0};
	struct bench l;

	light_on(&l);
	ck_assert_int_ge(sd_bus_match_signal(l.bus, NULL, "org.etalon1", NULL, "org.etalon1.Job",
					     "Finished", on_finished, &w),
			 0);
	for (int i = 0; i < REPEATS; i++) {
		const uint64_t began = now_ns();
		_cleanup_free_ char *job = NULL;
		uint64_t wall, own;

		w = (struct waiting){0};
		job = sweep(&l, 60000, 100);
		await_finished(l.bus, &w);
		wall = now_ns() - began;
		own = board_time_ns(l.bus, job);
		ratio[i] = (double)(wall - own) / (50e6 + 0.02 * (double)own);
		ms[i] = (double)(wall - own) / 1e6;
		ck_assert(is_analysed(l.bus, must_complete(&l, job)));
	}
	light_off(&l);
	printf("overhead of a 60 000 x 4 sweep: %.1f ms (median of %d)\n", median(ms, REPEATS),
	       REPEATS);
	return claim_at_most("overhead / (50 ms + 2 %)", median(ratio, REPEATS), 1,
			     "call to stored and analysed, less END - START");
}

/* ---- memory ---- */

struct watcher {
	pid_t pid;
	_Atomic bool stop;
	uint64_t peak_kb;
};

static uint64_t own_memory_kb(pid_t pid)
{
	_cleanup_free_ char *path = asprintf_or_null("/proc/%d/status", (int)pid);
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	unsigned long long value, sum = 0;
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "RssAnon: %llu", &value) == 1 || sscanf(line, "RssShmem: %llu", &value) == 1)
			sum += value;
	return sum;
}

static void *watch(void *userdata)
{
	struct watcher *w = userdata;

	while (!w->stop) {
		uint64_t now = own_memory_kb(w->pid);

		w->peak_kb = MAX(w->peak_kb, now);
		poll(NULL, 0, 2);
	}
	return NULL;
}

/* Dark: no laser has as many steps. */
static uint64_t peak_of_run(const struct bench *l, uint64_t points, int64_t *ret_run)
{
	struct watcher w = {.pid = l->s.daemon};
	_cleanup_free_ char *job = NULL;
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, watch, &w), 0);
	job = measure_dark(l->bus, l->board, points, PERIOD_NS, PERIOD_NS * 4 / 5, four);
	ck_assert(job != NULL);
	*ret_run = must_complete(l, job);
	w.stop = true;
	pthread_join(thread, NULL);
	return w.peak_kb;
}

/* ---- bulk data ---- */

/* From the call until a client has read a word of every page. */
static double get_data_s(sd_bus *bus, int64_t run, size_t *ret_bytes)
{
	const uint64_t began = now_ns();
	_cleanup_free_ char *error = NULL;
	uint64_t next;
	const int fd = run_get_data(bus, run, 12345, 0, &next, &error);
	off_t size;
	void *map;

	ck_assert_msg(fd >= 0, "%s", error);
	size = lseek(fd, 0, SEEK_END);
	map = mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
	ck_assert(map != MAP_FAILED);
	for (off_t at = 0; at < size; at += 4096)
		(void)*(volatile char *)((char *)map + at);
	munmap(map, (size_t)size);
	close(fd);
	*ret_bytes = (size_t)size;
	return (double)(now_ns() - began) * 1e-9;
}

static bool bench_bulk(const struct bench *l, int64_t run)
{
	double frame[REPEATS], copy[REPEATS];
	_cleanup_free_ char *source = NULL;
	size_t bytes;

	get_data_s(l->bus, run, &bytes);
	source = malloc(bytes);
	ck_assert_ptr_nonnull(source);
	memset(source, 1, bytes);
	/* Turn and turn about, so that whatever else the machine does meets both. */
	for (int i = 0; i < REPEATS; i++) {
		copy[i] = memcpy_to_memfd_s(source, bytes);
		frame[i] = get_data_s(l->bus, run, &bytes);
	}
	printf("GetData of %.1f MB: %.1f ms, memcpy %.1f ms (medians of %d)\n", (double)bytes * 1e-6,
	       median(frame, REPEATS) * 1e3, median(copy, REPEATS) * 1e3, REPEATS);
	return claim_at_least("GetData against memcpy, ratio of rates",
			      median(copy, REPEATS) / median(frame, REPEATS), 0.5,
			      "call to a word of every page, by a client");
}

/* A daemon for each: what one keeps of an earlier run is no part of the next. */
static bool bench_long_run(void)
{
	const struct session_options fast = {.speed_max = true};
	uint64_t few, many;
	int64_t run;
	struct bench l;
	bool ok;

	start(&l, &fast);
	few = peak_of_run(&l, 10000, &run);
	stop(&l);
	start(&l, &fast);
	many = peak_of_run(&l, 10000000, &run);
	printf("peak anon + shmem: %llu kB for 10^4 points, %llu kB for 10^7\n",
	       (unsigned long long)few, (unsigned long long)many);
	ok = claim_at_most("memory of a run, 10^7 / 10^4 points", (double)many / (double)few, 1.05,
			   "anon + shmem of etalond");
	ok = bench_bulk(&l, run) && ok;
	stop(&l);
	return ok;
}

/* ---- property read against ping ---- */

static double call_ns(sd_bus *bus, const char *board, bool property)
{
	uint64_t began = now_ns();

	for (int i = 0; i < CALLS; i++) {
		sd_bus_message *reply = NULL;
		int r = property ? sd_bus_call_method(bus, "org.etalon1", board,
						      "org.freedesktop.DBus.Properties", "Get", NULL,
						      &reply, "ss", "org.etalon1.Board", "State") :
				   sd_bus_call_method(bus, "org.etalon1", board,
						      "org.freedesktop.DBus.Peer", "Ping", NULL, &reply,
						      NULL);

		ck_assert_int_ge(r, 0);
		sd_bus_message_unref(reply);
	}
	return (double)(now_ns() - began) / CALLS;
}

static bool bench_property(void)
{
	_cleanup_free_ char *board = NULL;
	double ratio[REPEATS];
	struct session s;
	sd_bus *bus;

	session_start(&s, NULL);
	bus = session_bus(&s);
	board = session_board_path(bus);
	call_ns(bus, board, true);
	for (int i = 0; i < REPEATS; i++) {
		const double ping = call_ns(bus, board, false), get = call_ns(bus, board, true);

		ratio[i] = get / ping;
	}
	sd_bus_flush_close_unref(bus);
	session_stop(&s);
	return claim_at_most("property read / Ping", median(ratio, REPEATS), 1.5, "Board.State");
}

START_TEST(a_property_read_costs_little_more_than_a_ping)
{
	ck_assert(bench_property());
}
END_TEST

START_TEST(a_sweep_costs_little_more_than_the_boards_own_time)
{
	ck_assert(bench_overhead());
}
END_TEST

START_TEST(neither_memory_nor_bulk_data_suffer_from_a_long_run)
{
	ck_assert(bench_long_run());
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("daemon");
	TCase *t = tcase_create("cost");

	setvbuf(stdout, NULL, _IOLBF, 0);
	tcase_set_timeout(t, 0);
	tcase_add_test(t, a_property_read_costs_little_more_than_a_ping);
	tcase_add_test(t, a_sweep_costs_little_more_than_the_boards_own_time);
	tcase_add_test(t, neither_memory_nor_bulk_data_suffer_from_a_long_run);
	suite_add_tcase(suite, t);
	return run_suite(suite);
}
