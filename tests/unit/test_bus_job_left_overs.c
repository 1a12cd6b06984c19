// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * A job that ends with nothing, in a store that does not let its empty run be removed: the run is told for
 * what it is until the next start of the daemon.
 */
#include <errno.h>
#include <sqlite3.h>
#include <string.h>

#include "base/util.h"
#include "data/meta.h"
#include "pair_job.h"
#include "runs.h"

#include "run_suite.h" /* last: it defines a macro fail() */

static struct daemon_pair pair;

#define NO_PARTIAL                                                 \
	"CREATE TRIGGER no_partial BEFORE UPDATE OF status ON run" \
	" WHEN NEW.status = 'partial' BEGIN SELECT RAISE(ABORT, 'no'); END;"
#define NO_MARK                                                 \
	"CREATE TRIGGER no_mark BEFORE UPDATE OF status ON run" \
	" WHEN NEW.status = 'deleting' BEGIN SELECT RAISE(ABORT, 'no'); END;"
#define NO_DELETE \
	"CREATE TRIGGER no_delete BEFORE DELETE ON run BEGIN SELECT RAISE(ABORT, 'no'); END;"
#define ALL_AGAIN                            \
	"DROP TRIGGER IF EXISTS no_partial;" \
	"DROP TRIGGER IF EXISTS no_mark;"    \
	"DROP TRIGGER IF EXISTS no_delete;"

static void change_store(const char *sql)
{
	_cleanup_free_ char *message = NULL;
	sqlite3 *db = NULL;

	ck_assert_int_eq(sqlite3_open(pair.store, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 10000);
	ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, &message) == SQLITE_OK, "%s",
		      sqlite3_errmsg(db));
	sqlite3_close(db);
}

/* Both ways that a job ends with nothing: before its thread, and on it. */
static char *empty_job(bool cancelled)
{
	char *job;

	pair.fake->hold_delay = cancelled;
	if (!cancelled)
		fake_link_refuse(
			pair.fake, "load",
			(struct link_refusal){.result = ETALON_HW_REFUSED_RATE, .high = 10});
	job = pair_sweep(&pair);
	if (cancelled) {
		ck_assert(pair_wait(&pair, job, PAIR_JOB_INTERFACE, "State", "delay"));
		pair_job_cancel(&pair, job);
	}
	ck_assert(pair_job_done(&pair, job));
	return job;
}

static const struct {
	const char *forbidden;
	const char *result; /* of the job */
	const char *status; /* of its run until the next start; NULL: none */
	const char *status_after; /* the next start */
} left_overs[] = {
	{NO_PARTIAL, "failed", NULL, NULL},
	{NO_MARK, "partial", "partial", "partial"},
	{NO_DELETE, "failed", NULL, NULL},
	{NO_PARTIAL NO_MARK, "partial", "running", "partial"},
};

static void next_start_leaves(const char *status)
{
	struct store *store = NULL;
	json_t *meta = NULL;
	int r;

	ck_assert_int_eq(store_open(pair.store, STORE_WRITE, &store, NULL), 0);
	ck_assert_int_ge(store_recover(store), 0);
	r = store_run_get(store, 1, &meta);
	ck_assert_int_eq(r, status ? 0 : -ENOENT);
	if (status)
		ck_assert_str_eq(json_string_value(json_object_get(meta, "status")), status);
	json_decref(meta);
	store_close(store);
}

START_TEST(an_empty_run_that_stays_is_told_for_what_it_is_until_the_next_start)
{
	_cleanup_free_ char *job = NULL;
	_cleanup_close_ int fd = -1;
	bool cancelled = _i % 2;
	json_t *meta;

	daemon_pair_start(&pair, "default_power: 0 dBm\n", NULL);
	fd = pair_lease(&pair, 10000);
	change_store(left_overs[_i / 2].forbidden);
	job = empty_job(cancelled);
	pair_job_says(&pair, job, "Result", left_overs[_i / 2].result);
	pair_job_says(&pair, job, "Error", cancelled ? "Cancelled" : "OutOfRange");
	if (left_overs[_i / 2].status)
		pair_run_is(&pair, 1, left_overs[_i / 2].status);
	else
		pair_run_is_unknown(&pair, 1);
	if (left_overs[_i / 2].status && streq(left_overs[_i / 2].status, "partial")) {
		meta = run_metadata(pair.client, 1);
		ck_assert_str_eq(json_string_value(json_object_get(meta, META_VERDICT)),
				 "untrustworthy");
		pair_job_says(&pair, job, "Message",
			      json_string_value(json_object_get(meta, META_ENDED_EARLY)));
		json_decref(meta);
	}
	change_store(ALL_AGAIN);
	daemon_pair_begin_stop(&pair);
	context_quiesce(pair.context); /* until the store has no writer */
	next_start_leaves(left_overs[_i / 2].status_after);
	daemon_pair_end_stop(&pair);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bus_job_left_overs");
	TCase *tcase = tcase_create("left overs");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase,
			    an_empty_run_that_stays_is_told_for_what_it_is_until_the_next_start, 0,
			    2 * (int)ARRAY_SIZE(left_overs));
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
