// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Measure and what becomes of it, over a socketpair with a scripted link: every way a job ends
 * leaves the board as it should be and keeps what was taken.
 */
#include <errno.h>
#include <sqlite3.h>

#include "base/util.h"
#include "bus/variant.h"
#include "daemon_pair.h"
#include "data/frame.h"
#include "data/meta.h"

#include "run_suite.h" /* last: it defines a macro fail() */

#define IFACE PAIR_BOARD_INTERFACE
#define JOB "org.etalon1.Job"
#define RUN "org.etalon1.Run"
#define POINTS 2001

static struct daemon_pair pair;
static char error[64];

static void start(void)
{
	daemon_pair_start(&pair, "default_power: 0 dBm\n", NULL);
}

static void stop(void)
{
	daemon_pair_stop(&pair);
}

/* ---- the client's side ---- */

static char *path_of(sd_bus_message *reply)
{
	const char *path;
	char *copy;

	ck_assert_int_ge(sd_bus_message_read(reply, "o", &path), 0);
	copy = strdup(path);
	sd_bus_message_unref(reply);
	return copy;
}

static int try_sweep(sd_bus_message **ret)
{
	return pair_call(&pair, pair.board_path, IFACE, "Measure", error, ret, "a{sv}", 7, "kind",
			 "s", "wavelength-sweep", "detectors", "as", 1, "pd1", "start_fm", "x",
			 INT64_C(1549000000), "stop_fm", "x", INT64_C(1551000000), "points", "t",
			 UINT64_C(2001), "label", "s", "ring", "analyse", "b", 0);
}

static char *sweep(void)
{
	sd_bus_message *reply = NULL;

	ck_assert_msg(try_sweep(&reply) == 0, "Measure: %s", error);
	return path_of(reply);
}

static bool done(const char *job)
{
	return pair_wait(&pair, job, JOB, "State", "done");
}

static void job_says(const char *job, const char *property, const char *part)
{
	_cleanup_free_ char *text = pair_text(&pair, job, JOB, property);

	ck_assert_msg(part[0] ? strstr(text, part) != NULL : text[0] == '\0',
		      "%s is \"%s\", not \"...%s...\"", property, text, part);
}

static json_t *run_object(const char *property, int64_t run)
{
	_cleanup_free_ char *path = asprintf_or_null("/org/etalon1/run/%lld", (long long)run);
	sd_bus_error e = SD_BUS_ERROR_NULL;
	sd_bus_message *reply = NULL;
	json_t *value = NULL;

	ck_assert_msg(sd_bus_get_property(pair.client, NULL, path, RUN, property, &e, &reply,
					  "a{sv}") >= 0,
		      "%s: %s", property, e.message);
	ck_assert_int_eq(variant_read_dict(reply, &value, NULL), 0);
	sd_bus_message_unref(reply);
	return value;
}

static json_int_t ledger_of(int64_t run, const char *key)
{
	json_t *ledger = run_object("Ledger", run);
	json_int_t value = json_integer_value(json_object_get(ledger, key));

	json_decref(ledger);
	return value;
}

static void run_is(int64_t run, const char *status)
{
	_cleanup_free_ char *path = asprintf_or_null("/org/etalon1/run/%lld", (long long)run);
	_cleanup_free_ char *is = pair_text(&pair, path, RUN, "Status");

	ck_assert_str_eq(is, status);
}

static int run_is_unknown(int64_t run)
{
	return pair_call(&pair, "/org/etalon1", "org.etalon1.Manager", "GetRun", error, NULL, "x",
			 run);
}

/* ---- a job that succeeds ---- */

START_TEST(a_sweep_is_taken_stored_and_judged_and_light_is_off_after_it)
{
	_cleanup_close_ int fd = pair_lease(&pair, 10000);
	_cleanup_free_ char *job = sweep();
	json_t *meta;

	ck_assert(done(job));
	job_says(job, "Result", "complete");
	job_says(job, "Verdict", "measured");
	job_says(job, "Message", "");
	job_says(job, "Error", "");
	ck_assert(pair_wait(&pair, pair.board_path, IFACE, "State", "off"));
	run_is(1, "complete");
	ck_assert_int_eq(ledger_of(1, "received"), POINTS);
	ck_assert_int_eq(ledger_of(1, "produced"), POINTS);
	ck_assert_int_eq(ledger_of(1, "dropped"), 0);
	meta = run_object("Metadata", 1);
	ck_assert_str_eq(json_string_value(json_object_get(meta, "label")), "ring");
	ck_assert_str_eq(json_string_value(json_object_get(json_object_get(meta, "board"), "link")),
			 "emulated");
	json_decref(meta);
}
END_TEST

START_TEST(the_order_is_arm_emit_dark_main_dark_off)
{
	_cleanup_close_ int fd = pair_lease(&pair, 10000);
	_cleanup_free_ char *job = NULL;

	fake_link_forget(pair.fake);
	job = sweep();
	ck_assert(done(job));
	ck_assert(fake_link_has_seen(pair.fake, "arm 250000000;emit;"));
	ck_assert(fake_link_has_seen(pair.fake, "load;start;load;start;load;start;off;"));
}
END_TEST

START_TEST(a_laser_that_was_warm_stays_warm_behind_a_shut_gate)
{
	_cleanup_close_ int fd = pair_lease(&pair, 10000);
	_cleanup_free_ char *job = NULL;

	ck_assert_int_eq(pair_call(&pair, pair.board_path, IFACE, "Emit", error, NULL, "a{sx}", 0),
			 0);
	ck_assert(pair_wait(&pair, pair.board_path, IFACE, "State", "emitting"));
	fake_link_forget(pair.fake);
	job = sweep();
	ck_assert(done(job));
	job_says(job, "Result", "complete");
	ck_assert(pair_wait(&pair, pair.board_path, IFACE, "State", "emitting"));
	ck_assert(!fake_link_has_seen(pair.fake, "arm"));
	ck_assert(!fake_link_has_seen(pair.fake, "off;"));
	ck_assert(fake_link_has_seen(pair.fake, "set gate 0;"));
}
END_TEST

START_TEST(what_needs_no_light_needs_no_lease_and_brings_none)
{
	sd_bus_message *reply = NULL;
	_cleanup_free_ char *job = NULL;

	ck_assert_msg(pair_call(&pair, pair.board_path, IFACE, "Measure", error, &reply, "a{sv}", 3,
				"kind", "s", "dark", "detectors", "as", 2, "pd1", "pd2", "points",
				"t", UINT64_C(100)) == 0,
		      "%s", error);
	job = path_of(reply);
	ck_assert(done(job));
	job_says(job, "Result", "complete");
	ck_assert(!fake_link_has_seen(pair.fake, "arm"));
	ck_assert(!fake_link_has_seen(pair.fake, "emit"));
}
END_TEST

START_TEST(data_come_as_a_sealed_frame_and_in_pieces)
{
	_cleanup_close_ int fd = pair_lease(&pair, 10000);
	_cleanup_free_ char *job = sweep(), *message = NULL;
	_cleanup_table_ struct table *table = NULL;
	sd_bus_message *reply = NULL;
	json_t *info = NULL;
	int frame;

	ck_assert(done(job));
	ck_assert_msg(pair_call(&pair, "/org/etalon1/run/1", RUN, "GetData", error, &reply,
				"ttta{sv}", UINT64_C(100), UINT64_C(50), UINT64_C(2), 1, "columns",
				"as", 2, "wavelength", "pd1") == 0,
		      "%s", error);
	ck_assert_int_ge(sd_bus_message_read(reply, "h", &frame), 0);
	ck_assert_int_eq(variant_read_dict(reply, &info, NULL), 0);
	ck_assert_msg(frame_to_table(frame, &table, &message) == 0, "%s", message);
	ck_assert_uint_eq(table->rows, 50);
	ck_assert_int_eq(json_integer_value(json_object_get(info, "rows")), 50);
	ck_assert_int_eq(json_integer_value(json_object_get(info, "next")), 200);
	ck_assert_ptr_nonnull(table_find(table, "pd1"));
	json_decref(info);
	sd_bus_message_unref(reply);
}
END_TEST

/* ---- jobs that end early ---- */

static uint64_t points_done(const char *job)
{
	uint64_t done = 0;

	ck_assert_int_ge(sd_bus_get_property_trivial(pair.client, NULL, job, JOB, "PointsDone",
						     NULL, 't', &done),
			 0);
	return done;
}

/* A sweep of which half is there, and no more comes. */
static char *running_sweep(void)
{
	char *job;

	pthread_mutex_lock(&pair.fake->lock);
	pair.fake->hold_records = true;
	pthread_mutex_unlock(&pair.fake->lock);
	job = sweep();
	ck_assert(pair_wait(&pair, job, JOB, "State", "running"));
	while (points_done(job) < POINTS / 2)
		;
	return job;
}

static bool is_lit(void);

enum ending {
	END_CANCEL,
	END_OFF,
	END_GATE,
	END_INTERLOCK,
	END_WATCHDOG,
	END_LEASE,
	END_UNPLUG,
};

static const struct {
	enum ending ending;
	const char *error;
	const char *message;
} endings[] = {
	{END_CANCEL, "Cancelled", "cancelled by"},
	{END_OFF, "Cancelled", "turned off by"},
	{END_GATE, "Cancelled", "gate was shut by"},
	{END_INTERLOCK, "Interlock", "interlock"},
	{END_WATCHDOG, "Interlock", "watchdog"},
	{END_LEASE, "LeaseRequired", "closed its lease"},
	{END_UNPLUG, "BoardGone", "gone"},
};

static void bring_about(enum ending ending, const char *job, int *lease)
{
	switch (ending) {
	case END_CANCEL:
		ck_assert_int_eq(pair_call(&pair, job, JOB, "Cancel", error, NULL, ""), 0);
		break;
	case END_OFF:
		ck_assert_int_eq(pair_call(&pair, pair.board_path, IFACE, "Off", error, NULL, ""),
				 0);
		break;
	case END_GATE:
		ck_assert_int_eq(
			pair_call(&pair, pair.board_path, IFACE, "SetGate", error, NULL, "b", 0),
			0);
		break;
	case END_INTERLOCK:
		fake_link_cause(pair.fake, ETALON_HW_CAUSE_INTERLOCK);
		break;
	case END_WATCHDOG:
		fake_link_trip(pair.fake, ETALON_HW_CAUSE_WATCHDOG);
		break;
	case END_LEASE:
		close(take_fd(lease));
		break;
	case END_UNPLUG:
		fake_link_unplug(pair.fake);
		break;
	}
}

START_TEST(whatever_ends_a_run_keeps_what_was_taken_and_says_why)
{
	_cleanup_close_ int fd = pair_lease(&pair, 10000);
	_cleanup_free_ char *job = running_sweep();
	json_t *meta;

	bring_about(endings[_i].ending, job, &fd);
	ck_assert(done(job));
	job_says(job, "Result", "partial");
	job_says(job, "Error", endings[_i].error);
	job_says(job, "Message", endings[_i].message);
	run_is(1, "partial");
	ck_assert_int_eq(ledger_of(1, "received"), POINTS / 2);
	meta = run_object("Metadata", 1);
	ck_assert_ptr_nonnull(strstr(json_string_value(json_object_get(meta, META_ENDED_EARLY)),
				     endings[_i].message));
	ck_assert(json_is_false(json_object_get(json_object_get(meta, "ledger"), "complete")));
	json_decref(meta);
	if (endings[_i].ending != END_UNPLUG)
		ck_assert(!is_lit());
}
END_TEST

START_TEST(what_ends_a_run_on_a_warm_laser_shuts_the_gate)
{
	_cleanup_close_ int fd = pair_lease(&pair, 10000);
	_cleanup_free_ char *job = NULL;

	ck_assert_int_eq(pair_call(&pair, pair.board_path, IFACE, "Emit", error, NULL, "a{sx}", 0),
			 0);
	ck_assert(pair_wait(&pair, pair.board_path, IFACE, "State", "emitting"));
	job = running_sweep();
	fake_link_forget(pair.fake);
	bring_about(END_CANCEL, job, NULL);
	ck_assert(done(job));
	job_says(job, "Result", "partial");
	ck_assert(fake_link_has_seen(pair.fake, "set gate 0;"));
	ck_assert(!fake_link_has_seen(pair.fake, "off;"));
	ck_assert(pair_wait(&pair, pair.board_path, IFACE, "State", "emitting"));
}
END_TEST

START_TEST(a_job_cancelled_before_light_leaves_nothing)
{
	_cleanup_close_ int fd = pair_lease(&pair, 10000);
	_cleanup_free_ char *job = NULL;

	pair.fake->hold_delay = true;
	job = sweep();
	ck_assert(pair_wait(&pair, job, JOB, "State", "delay"));
	ck_assert_int_eq(pair_call(&pair, job, JOB, "Cancel", error, NULL, ""), 0);
	ck_assert(done(job));
	job_says(job, "Result", "failed");
	job_says(job, "Error", "Cancelled");
	ck_assert(pair_wait(&pair, pair.board_path, IFACE, "State", "off"));
	ck_assert_int_lt(run_is_unknown(1), 0);
	ck_assert_str_eq(error, "NoSuchRun");
}
END_TEST

START_TEST(a_job_waits_for_the_end_of_the_delay)
{
	_cleanup_close_ int fd = pair_lease(&pair, 10000);
	_cleanup_free_ char *job = NULL;

	pair.fake->hold_delay = true;
	job = sweep();
	ck_assert(pair_wait(&pair, job, JOB, "State", "delay"));
	ck_assert(!fake_link_has_seen(pair.fake, "start;"));
	fake_link_delay_over(pair.fake);
	ck_assert(done(job));
	job_says(job, "Result", "complete");
}
END_TEST

START_TEST(an_end_that_lies_makes_the_run_partial)
{
	_cleanup_close_ int fd = pair_lease(&pair, 10000);
	_cleanup_free_ char *job = NULL;

	pair.fake->end_lies = true;
	job = sweep();
	ck_assert(done(job));
	job_says(job, "Result", "partial");
	job_says(job, "Verdict", "untrustworthy");
	run_is(1, "partial");
	ck_assert_int_eq(ledger_of(1, "received"), POINTS);
	ck_assert_int_eq(ledger_of(1, "produced"), POINTS + 1);
}
END_TEST

START_TEST(a_program_that_the_board_refuses_leaves_nothing_and_no_light)
{
	_cleanup_close_ int fd = pair_lease(&pair, 10000);
	_cleanup_free_ char *job = NULL;

	fake_link_refuse(pair.fake, "load",
			 (struct link_refusal){.result = ETALON_HW_REFUSED_RATE, .high = 10});
	job = sweep();
	ck_assert(done(job));
	job_says(job, "Result", "failed");
	job_says(job, "Error", "OutOfRange");
	ck_assert(pair_wait(&pair, pair.board_path, IFACE, "State", "off"));
	fake_link_refuse(pair.fake, NULL, (struct link_refusal){.result = 0});
}
END_TEST

/* ---- an empty run that cannot be removed ---- */

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
	job = sweep();
	if (cancelled) {
		ck_assert(pair_wait(&pair, job, JOB, "State", "delay"));
		ck_assert_int_eq(pair_call(&pair, job, JOB, "Cancel", error, NULL, ""), 0);
	}
	ck_assert(done(job));
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

	start();
	fd = pair_lease(&pair, 10000);
	change_store(left_overs[_i / 2].forbidden);
	job = empty_job(cancelled);
	job_says(job, "Result", left_overs[_i / 2].result);
	job_says(job, "Error", cancelled ? "Cancelled" : "OutOfRange");
	if (left_overs[_i / 2].status) {
		run_is(1, left_overs[_i / 2].status);
	} else {
		ck_assert_int_lt(run_is_unknown(1), 0);
		ck_assert_str_eq(error, "NoSuchRun");
	}
	if (left_overs[_i / 2].status && streq(left_overs[_i / 2].status, "partial")) {
		meta = run_object("Metadata", 1);
		ck_assert_str_eq(json_string_value(json_object_get(meta, META_VERDICT)),
				 "untrustworthy");
		job_says(job, "Message",
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

/* ---- refusals before any light ---- */

START_TEST(one_job_at_a_time_on_a_board)
{
	_cleanup_close_ int fd = pair_lease(&pair, 10000);
	_cleanup_free_ char *job = running_sweep();

	ck_assert_int_lt(try_sweep(NULL), 0);
	ck_assert_str_eq(error, "Busy");
	/* Nor may its sources be moved. */
	ck_assert_int_lt(pair_call(&pair, pair.board_path, IFACE, "Set", error, NULL, "a{sx}", 1,
				   "laser.power", INT64_C(1000000000000)),
			 0);
	ck_assert_str_eq(error, "Busy");
	ck_assert_int_lt(pair_call(&pair, "/org/etalon1", "org.etalon1.Manager", "DeleteRun", error,
				   NULL, "x", INT64_C(1)),
			 0);
	ck_assert_str_eq(error, "Busy");
	bring_about(END_CANCEL, job, NULL);
	ck_assert(done(job));
}
END_TEST

START_TEST(a_sweep_without_a_lease_is_refused)
{
	ck_assert_int_lt(try_sweep(NULL), 0);
	ck_assert_str_eq(error, "LeaseRequired");
	ck_assert(!fake_link_has_seen(pair.fake, "arm"));
	ck_assert_int_lt(run_is_unknown(1), 0);
}
END_TEST

/* Is there a reason? */
static bool why_dark(void)
{
	sd_bus_message *reply = NULL;
	bool any;

	ck_assert_int_ge(sd_bus_get_property(pair.client, NULL, pair.board_path, IFACE, "WhyDark",
					     NULL, &reply, "as"),
			 0);
	ck_assert_int_ge(sd_bus_message_enter_container(reply, 'a', "s"), 0);
	any = sd_bus_message_at_end(reply, 0) == 0;
	sd_bus_message_unref(reply);
	return any;
}

static bool is_lit(void)
{
	_cleanup_free_ char *state = pair_text(&pair, pair.board_path, IFACE, "State");

	return streq(state, "armed") || streq(state, "delay") || streq(state, "emitting");
}

START_TEST(a_sweep_is_refused_while_the_interlock_is_open)
{
	_cleanup_close_ int fd = pair_lease(&pair, 10000);

	fake_link_cause(pair.fake, ETALON_HW_CAUSE_INTERLOCK);
	while (!why_dark())
		;
	ck_assert_int_lt(try_sweep(NULL), 0);
	ck_assert_str_eq(error, "Interlock");
}
END_TEST

static const struct {
	const char *key; /* replaces or adds this to a good request */
	const char *type;
	const char *text;
	int64_t number;
	const char *error;
} bad_requests[] = {
	{"kind", "s", "dance", 0, "InvalidArgument"},
	{"kind", "x", NULL, 3, "InvalidArgument"},
	{"detectors", "s", "eye", 0, NULL},
	{"stop_fm", "x", NULL, 1700000000, "OutOfRange"},
	{"points", "x", NULL, -5, "InvalidArgument"},
	{"points", "x", NULL, 0, NULL},
	{"points", "x", NULL, 1000000000000, NULL},
	{"speed_fm_per_s", "x", NULL, 1, "OutOfRange"},
	{"power_fw", "x", NULL, 1, "OutOfRange"},
	{"colour", "s", "blue", 0, "InvalidArgument"},
	{"expectations", "s", "good", 0, "InvalidArgument"},
	{"reference", "x", NULL, 77, NULL},
};

static int ask(const char *method, size_t i)
{
	sd_bus_message *m = NULL;
	sd_bus_error e = SD_BUS_ERROR_NULL;
	static const struct {
		const char *key;
		int64_t value;
	} good[] = {{"start_fm", 1549000000}, {"stop_fm", 1551000000}, {"points", 2001}};
	int r;

	ck_assert_int_ge(sd_bus_message_new_method_call(pair.client, &m, NULL, pair.board_path,
							IFACE, method),
			 0);
	ck_assert_int_ge(sd_bus_message_open_container(m, 'a', "{sv}"), 0);
	for (size_t g = 0; g < ARRAY_SIZE(good); g++)
		if (!streq(good[g].key, bad_requests[i].key))
			sd_bus_message_append(m, "{sv}", good[g].key, "x", good[g].value);
	if (!streq(bad_requests[i].key, "kind"))
		sd_bus_message_append(m, "{sv}", "kind", "s", "wavelength-sweep");
	if (!streq(bad_requests[i].key, "detectors"))
		sd_bus_message_append(m, "{sv}", "detectors", "as", 1, "pd1");
	if (bad_requests[i].text)
		sd_bus_message_append(m, "{sv}", bad_requests[i].key, "s", bad_requests[i].text);
	else
		sd_bus_message_append(m, "{sv}", bad_requests[i].key, "x", bad_requests[i].number);
	ck_assert_int_ge(sd_bus_message_close_container(m), 0);
	r = sd_bus_call(pair.client, m, 0, &e, NULL);
	snprintf(error, sizeof(error), "%s",
		 r < 0 && e.name ? e.name + strlen("org.etalon1.Error.") : "");
	if (r < 0)
		ck_assert_msg(e.message && strlen(e.message) > 10, "%s: \"%s\"", error, e.message);
	sd_bus_error_free(&e);
	sd_bus_message_unref(m);
	return r;
}

START_TEST(a_bad_request_is_refused_in_words_before_any_light)
{
	_cleanup_close_ int fd = pair_lease(&pair, 10000);

	ck_assert_int_lt(ask("Measure", (size_t)_i), 0);
	if (bad_requests[_i].error)
		ck_assert_msg(streq(error, bad_requests[_i].error), "%s: %s", bad_requests[_i].key,
			      error);
	ck_assert(!fake_link_has_seen(pair.fake, "arm"));
	/* The dry run says the same, but for what only the store knows. */
	if (!streq(bad_requests[_i].key, "reference"))
		ck_assert_int_lt(ask("Plan", (size_t)_i), 0);
	/* And the board is free. */
	ck_assert(pair_wait(&pair, pair.board_path, IFACE, "State", "off"));
}
END_TEST

/* ---- the end of the daemon ---- */

START_TEST(a_daemon_that_is_stopped_goes_dark_first_and_keeps_the_run)
{
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *job = NULL;
	struct store *store = NULL;
	json_t *meta = NULL;

	start();
	fd = pair_lease(&pair, 10000);
	job = running_sweep();
	fake_link_forget(pair.fake);
	ck_assert_int_eq(store_open(pair.store, STORE_READ, &store, NULL), 0);
	daemon_pair_begin_stop(&pair);
	ck_assert(fake_link_has_seen(pair.fake, "off;"));
	ck_assert_int_eq(store_run_get(store, 1, &meta), 0);
	ck_assert_str_eq(json_string_value(json_object_get(meta, "status")), "partial");
	ck_assert_ptr_nonnull(strstr(json_string_value(json_object_get(meta, META_ENDED_EARLY)),
				     "etalond was stopped"));
	json_decref(meta);
	store_close(store);
	daemon_pair_end_stop(&pair);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bus_job");
	TCase *own = tcase_create("stop"), *tc = tcase_create("job");

	tcase_set_timeout(own, 60);
	tcase_add_test(own, a_daemon_that_is_stopped_goes_dark_first_and_keeps_the_run);
	tcase_add_loop_test(own,
			    an_empty_run_that_stays_is_told_for_what_it_is_until_the_next_start, 0,
			    2 * (int)ARRAY_SIZE(left_overs));
	suite_add_tcase(suite, own);
	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, start, stop);
	tcase_add_test(tc, a_sweep_is_taken_stored_and_judged_and_light_is_off_after_it);
	tcase_add_test(tc, the_order_is_arm_emit_dark_main_dark_off);
	tcase_add_test(tc, a_laser_that_was_warm_stays_warm_behind_a_shut_gate);
	tcase_add_test(tc, what_needs_no_light_needs_no_lease_and_brings_none);
	tcase_add_test(tc, data_come_as_a_sealed_frame_and_in_pieces);
	tcase_add_loop_test(tc, whatever_ends_a_run_keeps_what_was_taken_and_says_why, 0,
			    (int)ARRAY_SIZE(endings));
	tcase_add_test(tc, what_ends_a_run_on_a_warm_laser_shuts_the_gate);
	tcase_add_test(tc, a_job_cancelled_before_light_leaves_nothing);
	tcase_add_test(tc, a_job_waits_for_the_end_of_the_delay);
	tcase_add_test(tc, an_end_that_lies_makes_the_run_partial);
	tcase_add_test(tc, a_program_that_the_board_refuses_leaves_nothing_and_no_light);
	tcase_add_test(tc, one_job_at_a_time_on_a_board);
	tcase_add_test(tc, a_sweep_without_a_lease_is_refused);
	tcase_add_test(tc, a_sweep_is_refused_while_the_interlock_is_open);
	tcase_add_loop_test(tc, a_bad_request_is_refused_in_words_before_any_light, 0,
			    (int)ARRAY_SIZE(bad_requests));
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
