// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * How a job ends: what was taken is stored and judged, whatever ended it. On the job's
 * thread. See job.h. A failed analysis loses nothing but itself.
 */
#include "etalond/job.h"

#include <syslog.h>

#include "base/util.h"
#include "calibrate/trust.h"
#include "data/meta.h"
#include "etalond/analysis.h"
#include "etalond/audit.h"
#include "etalond/refusal.h"
#include "etalond/runs.h"
#include "store/store.h"

struct end {
	struct job *job;
	bool complete;
	json_t *meta;
	json_t *analysis; /* NULL: none */
	const char *verdict;
	json_t *reasons;
	char *message;
};

static const struct ledger *main_ledger(const struct job *job)
{
	for (size_t i = 0; i < job->acquired.ledger_count; i++)
		if (job->plan->segments[i].purpose == SEGMENT_MAIN)
			return &job->acquired.ledgers[i];
	return NULL;
}

static bool is_worth_keeping(const struct job *job)
{
	for (size_t i = 0; i < job->acquired.ledger_count; i++)
		if (plan_asks_for(job->plan, i) && job->acquired.ledgers[i].received > 0)
			return true;
	return false;
}

static bool is_complete(const struct job *job)
{
	if (job->acquired.error < 0 || job->acquired.ledger_count != job->plan->segment_count)
		return false;
	for (size_t i = 0; i < job->acquired.ledger_count; i++)
		if (!ledger_complete(&job->acquired.ledgers[i]))
			return false;
	return true;
}

/* A cancel that came when all was taken already; or what was only the consequence of the cause. */
static void forget_cause(struct job *job)
{
	pthread_mutex_lock(&job->cause_lock);
	job->error = 0;
	free(take_ptr(job->message));
	pthread_mutex_unlock(&job->cause_lock);
}

/*
 * The records tell of a trip before the main loop has heard of it, or tell less: the board itself
 * is asked. What was commanded is known to the main loop before it was commanded.
 */
static void ask_board(struct job *job)
{
	_cleanup_free_ char *trip = NULL;
	struct link_status s;
	int r;

	if (job->acquired.error != -ECONNABORTED && job->acquired.error != -ECANCELED)
		return;
	r = job->link->ops->status(job->link, &s);
	/* A driver that is unplugged has time to turn light off before, of which the main loop has heard. */
	if (r == -ENODEV && job->acquired.error == -ECONNABORTED) {
		forget_cause(job);
		job_set_cause(job, r, "the board is gone: check its cable and power");
	}
	if (r < 0 || s.state != ETALON_HW_STATE_TRIPPED)
		return;
	trip = board_trip_text(s.last_off_cause & ~ETALON_HW_CAUSE_HOST ? s.last_off_cause
									: s.causes_latched);
	job_set_cause(job, -EACCES, trip ? trip : "the board tripped");
}

/* NULL: nothing has ended it early, or no memory. */
static char *cause_so_far(struct job *job)
{
	char *cause = NULL;

	pthread_mutex_lock(&job->cause_lock);
	if (job->error < 0)
		cause = strdup(job->message ? job->message : "ended early");
	pthread_mutex_unlock(&job->cause_lock);
	return cause;
}

/* Why it is not complete: the main loop's cause, else the board's own, else what the ledger found. */
static char *cause_of_end(struct job *job, const json_t *why)
{
	const char *first = json_string_value(json_array_get(why, 0));
	char *cause;

	ask_board(job);
	cause = cause_so_far(job);
	if (!cause && job->acquired.message)
		cause = strdup(job->acquired.message);
	if (!cause)
		cause = asprintf_or_null("the counts of the records do not agree: %s",
					 first ? first : "see the ledger");
	return cause;
}

/* What is wrong with the segments besides the one whose ledger the run shows. */
static int add_other_segments(const struct job *job, const struct ledger *shown, json_t *why)
{
	for (size_t i = 0; i < job->acquired.ledger_count; i++) {
		const struct ledger *ledger = &job->acquired.ledgers[i];
		bool before = job->plan->segments[i].purpose == SEGMENT_DARK_BEFORE;
		json_t *text, *reason;
		size_t n;

		if (ledger == shown || ledger_complete(ledger))
			continue;
		text = ledger_json(ledger);
		json_array_foreach(json_object_get(text, "why"), n, reason)
			json_array_append_new(why, json_sprintf("dark %s: %s",
								before ? "before" : "after",
								json_string_value(reason)));
		json_decref(text);
		if (!text)
			return -ENOMEM;
	}
	return 0;
}

/* In the terms of context.h. */
static int acquired_error(const struct job *job)
{
	int error = refusal_error(&job->acquired.refusal, job->acquired.error);

	if (error == 0)
		return -EPROTO;
	/* Of a trip we have been told; every other end of light was commanded. */
	return error == -ECONNABORTED ? -ECANCELED : error;
}

static int make_meta(struct end *e)
{
	struct job *job = e->job;
	const struct ledger *ledger = main_ledger(job);
	_cleanup_free_ char *cause = NULL;
	json_t *text;

	if (!ledger)
		ledger = &job->acquired.ledgers[0];
	e->meta = json_deep_copy(job->meta);
	text = ledger_json(ledger);
	if (!e->meta || !text || json_object_set_new(e->meta, META_LEDGER, text) < 0)
		return -ENOMEM;
	if (e->complete) {
		forget_cause(job);
		return 0;
	}
	/* A run that lacks a dark segment is not complete either. */
	if (add_other_segments(job, ledger, json_object_get(text, "why")) < 0)
		return -ENOMEM;
	cause = cause_of_end(job, json_object_get(text, "why"));
	if (!cause || json_object_set_new(text, "complete", json_false()) < 0 ||
	    json_object_set_new(e->meta, META_ENDED_EARLY, json_string(cause)) < 0)
		return -ENOMEM;
	job_set_cause(job, acquired_error(job), cause);
	return 0;
}

static int judge(struct end *e)
{
	const json_t *expectations = json_object_get(e->job->plan->request, "expectations");
	struct trust_limits limits = trust_default_limits();
	json_t *analyses = json_array();
	int r;

	if (e->analysis)
		json_array_append_new(analyses,
				      json_pack("{s:O?, s:O?, s:O}", "method",
						json_object_get(e->analysis, "method"), "version",
						json_object_get(e->analysis, "version"), "values",
						e->analysis));
	r = trust_judge(e->meta, analyses, expectations, &limits, &e->verdict, &e->reasons,
			&e->message);
	json_decref(analyses);
	if (r < 0)
		return r;
	if (json_object_set_new(e->meta, META_VERDICT, json_string(e->verdict)) < 0 ||
	    json_object_set(e->meta, META_REASONS, e->reasons) < 0)
		return -ENOMEM;
	return 0;
}

/* ---- on the writer ---- */

static bool awaits_analysis(const struct end *e)
{
	return e->complete && e->job->plan->analyse;
}

/*
 * Without an analysis to wait for, one commit does it all. With one, a crash in between leaves the
 * run to the next start, which judges it: store_recover(). The disk has the time that the analysis takes.
 */
static int store_finish(struct store *store, void *userdata)
{
	struct end *e = userdata;
	int r = store_run_summarise(store, e->job->run, e->meta);

	if (r == 0 && awaits_analysis(e))
		r = store_run_finish_unsynced(store, e->job->run, "complete", e->meta);
	else if (r == 0)
		r = judge(e)
			    ?: store_run_finish(store, e->job->run,
						e->complete ? "complete" : "partial", e->meta);
	if (r < 0)
		store_run_give_up(store, e->job->run);
	return r;
}

static int store_verdict(struct store *store, void *userdata)
{
	struct end *e = userdata;
	json_t *changes;
	int r = 0;

	if (e->analysis) {
		const char *method = json_string_value(json_object_get(e->analysis, "method"));
		const char *version = json_string_value(json_object_get(e->analysis, "version"));

		r = store_add_analysis(store, e->job->run, method ? method : "",
				       version ? version : "", e->analysis, NULL);
	}
	changes = json_pack("{s:s, s:O}", META_VERDICT, e->verdict, META_REASONS, e->reasons);
	if (r == 0)
		r = changes ? store_run_update(store, e->job->run, changes) : -ENOMEM;
	json_decref(changes);
	return r < 0 ? r : store_commit(store);
}

/* Should the run outlive its removal, it says what it is. */
static int describe_nothing(struct job *job)
{
	_cleanup_free_ char *cause = cause_so_far(job);
	json_t *told = cause ? json_pack("{s:s, s:s, s:[s]}", META_ENDED_EARLY, cause, META_VERDICT,
					 "untrustworthy", META_REASONS, cause)
			     : NULL;
	int r = told ? json_object_update(job->meta, told) : -1;

	json_decref(told);
	return r < 0 ? -ENOMEM : 0;
}

/* A run that is being taken cannot be deleted: it is ended first, or given up. */
static int remove_run(struct store *store, struct job *job)
{
	int r = describe_nothing(job);

	if (r == 0)
		r = store_run_finish(store, job->run, "partial", job->meta);
	if (r < 0)
		store_run_give_up(store, job->run);
	r = store_run_delete(store, job->run);
	return r < 0 ? r : store_commit(store);
}

int job_store_nothing(struct store *store, void *userdata)
{
	struct job *job = userdata;
	int r = remove_run(store, job);

	if (r == 0)
		return 0;
	say(LOG_WARNING, "run %lld holds nothing and could not be removed: %s", (long long)job->run,
	    store_message(store));
	/* Marked for deletion, it is gone for whoever reads; the next start does the rest. */
	return run_entry_read(store, job->run, &job->entry, NULL) == -ENOENT ? 0 : r;
}

/* ---- on the job's thread ---- */

static int begin_analysis(struct job *job, const json_t *meta, char **ret_message)
{
	int r = job->reader ? 0 : -EIO;

	if (r == 0 && !job->analyst)
		r = analysis_worker_start(job->context->analyse_path, &job->analyst, ret_message);
	return r < 0 ? r
		     : analysis_begin(job->reader, job->run, meta, NULL, job->analyst, ret_message);
}

/* While the worker works, the run comes to the disk: before anybody is told of it. */
static int analyse(struct end *e, char **ret_message)
{
	struct job *job = e->job;
	int r = begin_analysis(job, e->meta, ret_message);
	int synced = store_sync(job->context->store_path);

	if (synced < 0)
		job_set_cause(job, synced, "the run is stored but not safe from a loss of power");
	return r < 0 ? r
		     : analysis_worker_hear(job->analyst, ANALYSIS_TIMEOUT_MS, &e->analysis,
					    ret_message);
}

static void analyse_and_judge(struct end *e)
{
	struct job *job = e->job;
	_cleanup_free_ char *message = NULL;
	int r;

	r = analyse(e, &message);
	if (r < 0)
		say(LOG_WARNING, "run %lld: no analysis: %s", (long long)job->run,
		    message ? message : strerror(-r));
	r = judge(e);
	if (r == 0 && !e->analysis && message)
		json_array_append_new(e->reasons, json_sprintf("no analysis: %s", message));
	if (r == 0)
		r = writer_call(job->context->writer, store_verdict, e, &e->message);
	if (r < 0)
		job_set_cause(job, r, e->message ? e->message : "the verdict could not be stored");
}

static void keep_run(struct end *e)
{
	struct job *job = e->job;
	_cleanup_free_ char *message = NULL;
	int r = stream_flush(job->stream, &message);

	/* Without it there is no analysis, and the cache reads the run when it is asked for. */
	store_open(job->context->store_path, STORE_READ, &job->reader, NULL);

	e->complete = r == 0 && is_complete(job);
	if (r < 0)
		job_set_cause(job, r, message ? message : "the run could not be stored");
	r = make_meta(e);
	if (r == 0)
		r = writer_call(job->context->writer, store_finish, e, &e->message);
	if (r < 0) {
		/* What is committed stays; the next start marks it partial. */
		job_set_cause(job, r, e->message ? e->message : "the run could not be finished");
		e->complete = false;
	} else if (awaits_analysis(e)) {
		analyse_and_judge(e);
	}
	job->result = e->complete ? "complete" : "partial";
	job->verdict = e->verdict ? e->verdict : "";
	job->ledger = json_incref(json_object_get(e->meta, META_LEDGER));
	if (job->reader)
		run_entry_read(job->reader, job->run, &job->entry, NULL);
}

static void keep_nothing(struct job *job)
{
	int r;

	stream_flush(job->stream, NULL);
	job_set_cause(job, job->acquired.error < 0 ? acquired_error(job) : -ENODATA,
		      job->acquired.message ? job->acquired.message : "no point was taken");
	r = writer_call(job->context->writer, job_store_nothing, job, NULL);
	job->result = r < 0 ? "partial" : "failed";
}

void job_end(struct job *job)
{
	struct end e = {.job = job};

	if (is_worth_keeping(job))
		keep_run(&e);
	else
		keep_nothing(job);
	job->analyst = analysis_worker_free(job->analyst);
	json_decref(e.meta);
	json_decref(e.analysis);
	json_decref(e.reasons);
	free(e.message);
}
