// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * kill -9 of the writer at random instants: the store opens, the unfinished run is partial with the
 * ledger of its blocks, finished runs are whole. ETALON_DEEP=1 does 100 kills, else 30; ETALON_SEED
 * repeats one series.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../common/temp_store.h"
#include "base/util.h"
#include "measure/ledger.h"
#include "store/read.h"
#include "store/store_private.h"
#include "run_suite.h"

#include <check.h>

#define POINTS 6000
#define DARK_POINTS 200
#define KILL_WITHIN_US 60000

static struct temp_store t;
static unsigned int kills_done;

static void setup(void)
{
	temp_store_begin(&t);
}

static void teardown(void)
{
	temp_store_end(&t);
}

/* ---- the writer that is killed ---- */

enum news_kind {
	NEWS_COMMITTED = 1,
	NEWS_FINISHED = 2,
};

struct news { /* through a pipe, in one write */
	uint64_t what; /* enum news_kind */
	uint64_t points; /* of the main segment */
	int64_t run;
};

static void tell(int fd, struct news news)
{
	if (write(fd, &news, sizeof(news)) != sizeof(news))
		_exit(3);
}

static void check(int result)
{
	if (result < 0)
		_exit(4);
}

static void write_segment(struct store *s, int64_t run, unsigned int number,
			  const struct segment *segment, int fd, json_t **ret_ledger)
{
	struct fake_run records;
	struct ledger ledger;
	unsigned int blocks = 0;
	char block[64 * 128];
	size_t bytes;

	fake_run_begin(&records, t.board, &segment->program, 1000 * (number + 1));
	records.status_every = 500;
	check(store_segment_begin(s, run, number, segment->purpose, &records.program,
				  records.stride));
	ledger_begin(&ledger, records.program.generation, &records.program, records.stride,
		     crc32c(0, &records.program, sizeof(records.program)), segment->points);
	while ((bytes = fake_records(&records, block, sizeof(block))) > 0) {
		check(ledger_feed(&ledger, block, bytes, NULL));
		check(store_block(s, run, number, block, bytes));
		if (++blocks % 4 != 0)
			continue;
		check(store_commit(s));
		if (segment->purpose == SEGMENT_MAIN)
			tell(fd, (struct news){NEWS_COMMITTED, ledger.received, run});
	}
	*ret_ledger = ledger_json(&ledger);
	check(store_segment_end(s, run, number, *ret_ledger));
}

static void write_for_ever(int fd)
{
	struct etalon_hw_program p = fake_sweep(1549, 1551, POINTS);
	struct plan *plan = fake_plan(t.board, &p);
	struct store *s = NULL;

	check(store_open(t.path, STORE_WRITE, &s, NULL));
	for (;;) {
		json_t *meta = json_deep_copy(plan->meta), *ledger;
		int64_t run = 0;

		check(store_run_begin(s, t.board, plan, NULL, &run));
		for (unsigned int i = 0; i < 3; i++) {
			write_segment(s, run, i, &plan->segments[i], fd, &ledger);
			if (i == 1)
				json_object_set(meta, "ledger", ledger);
			json_decref(ledger);
		}
		json_object_set_new(meta, "verdict", json_string("measured"));
		check(store_run_finish(s, run, "complete", meta));
		tell(fd, (struct news){NEWS_FINISHED, POINTS, run});
		json_decref(meta);
	}
}

/* ---- one kill ---- */

struct heard {
	int64_t finished[512]; /* runs */
	unsigned int finished_count;
	int64_t last_run; /* of which something was heard */
	uint64_t last_committed; /* its points */
};

static void hear(int fd, struct heard *h)
{
	struct news news;

	while (read(fd, &news, sizeof(news)) == sizeof(news)) {
		h->last_run = news.run;
		h->last_committed = news.points;
		if (news.what == NEWS_FINISHED && h->finished_count < ARRAY_SIZE(h->finished))
			h->finished[h->finished_count++] = news.run;
	}
}

static void kill_a_writer(useconds_t after_us, struct heard *h)
{
	int pipes[2], status;
	struct news first;
	pid_t pid;

	/* One pipe full of news is more than a writer can send in its time. */
	ck_assert_int_eq(pipe(pipes), 0);
	fcntl(pipes[1], F_SETPIPE_SZ, 1 << 20);
	pid = fork();
	if (pid == 0) {
		close(pipes[0]);
		write_for_ever(pipes[1]);
	}
	close(pipes[1]);
	ck_assert_int_eq(read(pipes[0], &first, sizeof(first)), sizeof(first));
	*h = (struct heard){.last_run = first.run, .last_committed = first.points};
	usleep(after_us);
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFSIGNALED(status), "the writer ended by itself: %d", WEXITSTATUS(status));
	hear(pipes[0], h);
	close(pipes[0]);
}

/* ---- what must hold afterwards ---- */

static uint64_t readable_points(int64_t run)
{
	static const char *const columns[] = {"point", "through"};
	struct read_request q = {.stride = 1, .columns = columns, .column_count = 2};
	struct read_info info;
	char *message = NULL;
	int fd, r = store_read_frame(t.store, run, &q, &info, &fd, &message);

	if (r == -ENODATA) {
		free(message);
		return 0;
	}
	ck_assert_msg(r == 0, "%s", message ? message : "");
	close(fd);
	return info.rows;
}

static const char *text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static void check_finished(int64_t run)
{
	_cleanup_json_ json_t *meta = NULL;

	ck_assert_int_eq(store_run_get(t.store, run, &meta), 0);
	ck_assert_str_eq(text(meta, "status"), "complete");
	ck_assert(json_is_true(json_object_get(json_object_get(meta, "ledger"), "complete")));
	ck_assert_uint_eq(readable_points(run), POINTS);
}

static void check_recovered(int64_t run, const struct heard *h)
{
	_cleanup_json_ json_t *meta = NULL;
	const json_t *ledger;
	uint64_t received;

	ck_assert_int_eq(store_run_get(t.store, run, &meta), 0);
	ledger = json_object_get(meta, "ledger");
	received = (uint64_t)json_integer_value(json_object_get(ledger, "received"));
	ck_assert_str_eq(text(meta, "status"), "partial");
	ck_assert_str_eq(text(meta, "verdict"), "untrustworthy");
	ck_assert_ptr_nonnull(
		strstr(json_string_value(json_array_get(json_object_get(meta, "reasons"), 0)),
		       "ended before"));
	/* Exactly what is there, and at least what was said to be committed; nothing in between is
	 * missing. */
	ck_assert_uint_eq(received, readable_points(run));
	if (run == h->last_run)
		ck_assert_uint_ge(received, h->last_committed);
	ck_assert_uint_eq(json_array_size(json_object_get(ledger, "gaps")), 0);
	ck_assert_uint_le(received, POINTS);
}

static void check_store(const struct heard *h)
{
	_cleanup_json_ json_t *running = NULL;
	_cleanup_json_ json_t *filter = json_pack("{s:s}", "status", "running");
	int64_t ok = 0, run = -1;
	size_t unfinished;

	ck_assert_int_eq(store_open(t.path, STORE_WRITE, &t.store, NULL), 0);
	ck_assert_int_eq(
		store_query_integer(
			t.store, "SELECT integrity_check = 'ok' FROM pragma_integrity_check", &ok),
		0);
	ck_assert_int_eq(ok, 1);
	ck_assert_int_eq(store_runs(t.store, filter, &running), 0);
	unfinished = json_array_size(running);
	ck_assert_uint_le(unfinished, 1);
	if (unfinished == 1)
		run = json_integer_value(json_object_get(json_array_get(running, 0), "run"));
	ck_assert_int_eq(store_recover(t.store), (int)unfinished);
	ck_assert_int_eq(store_recover(t.store), 0);
	for (unsigned int i = 0; i < h->finished_count; i++)
		check_finished(h->finished[i]);
	if (run > 0)
		check_recovered(run, h);
	t.store = store_close(t.store);
}

static unsigned int kills_wanted(void)
{
	return getenv("ETALON_DEEP") ? 100 : 30;
}

START_TEST(a_killed_writer_loses_nothing_that_was_committed)
{
	const char *given = getenv("ETALON_SEED");
	unsigned int seed =
		given ? (unsigned int)strtoul(given, NULL, 10) : (unsigned int)time(NULL);
	unsigned int finished = 0;

	printf("seed %u (ETALON_SEED=%u repeats it)\n", seed, seed);
	t.store = store_close(t.store);
	for (kills_done = 0; kills_done < kills_wanted(); kills_done++) {
		struct heard heard;

		kill_a_writer((useconds_t)(rand_r(&seed) % KILL_WITHIN_US), &heard);
		check_store(&heard);
		finished += heard.finished_count;
	}
	printf("%u kills of %u; %u runs were finished before one\n", kills_done, kills_wanted(),
	       finished);
	ck_assert_uint_eq(kills_done, kills_wanted());
}
END_TEST

/* ---- recovery, case by case ---- */

static json_t *recover(int64_t run)
{
	json_t *meta = NULL;

	temp_store_reopen(&t);
	ck_assert_int_eq(store_recover(t.store), 1);
	ck_assert_int_eq(store_run_get(t.store, run, &meta), 0);
	return meta;
}

START_TEST(a_run_that_had_not_begun_to_measure_is_recovered_empty)
{
	struct etalon_hw_program p = fake_sweep(1549, 1551, POINTS);
	int64_t run = write_run(t.store, t.board, &p,
				&(struct writing_options){.leave_running = true, .segments = 1});
	_cleanup_json_ json_t *meta = recover(run);
	const json_t *ledger = json_object_get(meta, "ledger");

	ck_assert_str_eq(text(meta, "status"), "partial");
	ck_assert_int_eq(json_integer_value(json_object_get(ledger, "received")), 0);
	ck_assert_str_eq(text(ledger, "cause"), "interrupted");
	ck_assert_uint_eq(readable_points(run), 0);
}
END_TEST

static void stop_without_end(struct fake_run *run, unsigned int purpose, void *userdata)
{
	(void)userdata;
	if (purpose == SEGMENT_MAIN) {
		run->stop_after = 2500;
		run->no_end = true;
	}
}

START_TEST(a_recovered_run_shows_its_cause_in_lists)
{
	struct etalon_hw_program p = fake_sweep(1549, 1551, POINTS);
	struct writing_options o = {
		.adjust = stop_without_end, .leave_running = true, .segments = 2};
	int64_t run = write_run(t.store, t.board, &p, &o);
	_cleanup_json_ json_t *meta = recover(run), *runs = NULL;
	const json_t *through = json_array_get(json_object_get(meta, "channels"), 0);

	ck_assert_int_eq(store_runs(t.store, NULL, &runs), 0);
	ck_assert_str_eq(text(json_array_get(runs, 0), "cause"), "interrupted");
	ck_assert_str_eq(text(json_array_get(runs, 0), "status"), "partial");
	ck_assert_int_eq(json_integer_value(json_object_get(json_array_get(runs, 0), "points")),
			 2500);
	/* The dark reading before it still counts. */
	ck_assert(json_is_number(json_object_get(through, "dark_before_a")));
	ck_assert_ptr_null(json_object_get(through, "dark_after_a"));
	ck_assert_uint_eq(readable_points(run), 2500);
}
END_TEST

START_TEST(a_damaged_block_of_an_unfinished_run_is_not_counted)
{
	struct etalon_hw_program p = fake_sweep(1549, 1551, POINTS);
	struct writing_options o = {.adjust = stop_without_end,
				    .leave_running = true,
				    .segments = 2,
				    .block_bytes = 500 * 128};
	int64_t run = write_run(t.store, t.board, &p, &o);
	_cleanup_json_ json_t *meta = NULL;
	const json_t *ledger;

	ck_assert_int_eq(store_exec(t.store, "UPDATE block SET crc = crc + 1 WHERE segment = 1 AND"
					     " first_point BETWEEN 400 AND 600"),
			 0);
	meta = recover(run);
	ledger = json_object_get(meta, "ledger");
	ck_assert_int_eq(json_integer_value(json_object_get(ledger, "received")), 2000);
	ck_assert_int_eq(json_integer_value(json_object_get(
				 json_array_get(json_object_get(ledger, "gaps"), 0), "count")),
			 500);
	ck_assert(json_is_false(json_object_get(ledger, "complete")));
}
END_TEST

START_TEST(a_run_whose_every_record_arrived_is_still_partial)
{
	struct etalon_hw_program p = fake_sweep(1549, 1551, POINTS);
	int64_t run =
		write_run(t.store, t.board, &p, &(struct writing_options){.leave_running = true});
	_cleanup_json_ json_t *meta = recover(run);
	const json_t *ledger = json_object_get(meta, "ledger");

	/* Nobody saw it end: no verdict was made. But its ledger is right. */
	ck_assert_str_eq(text(meta, "status"), "partial");
	ck_assert(json_is_true(json_object_get(ledger, "complete")));
	ck_assert_int_eq(json_integer_value(json_object_get(ledger, "received")), POINTS);
	ck_assert_str_eq(text(meta, "verdict"), "untrustworthy");
}
END_TEST

START_TEST(one_run_that_cannot_be_understood_does_not_stop_the_others)
{
	struct etalon_hw_program p = fake_sweep(1549, 1551, POINTS);
	struct writing_options o = {.leave_running = true, .segments = 2};
	int64_t bad = write_run(t.store, t.board, &p, &o), good;
	_cleanup_json_ json_t *meta = NULL, *of_bad = NULL;

	good = write_run(t.store, t.board, &p, &o);
	ck_assert_int_eq(store_exec(t.store, "UPDATE segment SET program = x'00' WHERE run = 1"),
			 0);
	temp_store_reopen(&t);
	ck_assert_int_eq(store_recover(t.store), 2);
	ck_assert_int_eq(store_run_get(t.store, bad, &of_bad), 0);
	ck_assert_str_eq(text(of_bad, "status"), "partial");
	ck_assert_int_eq(store_run_get(t.store, good, &meta), 0);
	ck_assert_int_eq(
		json_integer_value(json_object_get(json_object_get(meta, "ledger"), "received")),
		POINTS);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store_crash");
	TCase *c = tcase_create("store_crash");

	setvbuf(stdout, NULL, _IOLBF, 0);
	tcase_set_timeout(c, 600);
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, a_killed_writer_loses_nothing_that_was_committed);
	tcase_add_test(c, a_run_that_had_not_begun_to_measure_is_recovered_empty);
	tcase_add_test(c, a_recovered_run_shows_its_cause_in_lists);
	tcase_add_test(c, a_damaged_block_of_an_unfinished_run_is_not_counted);
	tcase_add_test(c, a_run_whose_every_record_arrived_is_still_partial);
	tcase_add_test(c, one_run_that_cannot_be_understood_does_not_stop_the_others);
	suite_add_tcase(s, c);
	return run_suite(s);
}
