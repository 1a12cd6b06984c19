// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * A job on the main loop: its state and its light. See job.h. The records never come here.
 */
#include "etalond/job.h"

#include <syslog.h>

#include "base/util.h"
#include "etalond/audit.h"
#include "etalond/runs.h"
#include "etalond/strv.h"

#define PROGRESS_US 100000ULL /* ten times a second */
#define KEPT_US (60ULL * 1000000ULL) /* a minute after its end */
#define KEPT_MAX 8U /* ended jobs */

static void tell(struct job *job, unsigned int what)
{
	const struct observer *o = job->context->observer;

	if (job->listed)
		o->job_changed(o->userdata, job, what);
}

const char *job_state_text(const struct job *job)
{
	static const char *const names[] = {
		[JOB_STATE_ARMING] = "arming",	 [JOB_STATE_DELAY] = "delay",
		[JOB_STATE_DARK] = "dark",	 [JOB_STATE_RUNNING] = "running",
		[JOB_STATE_STORING] = "storing", [JOB_STATE_ANALYSING] = "analysing",
		[JOB_STATE_DONE] = "done",
	};

	return names[job->state];
}

bool job_is_active(const struct job *job)
{
	return job->state != JOB_STATE_DONE;
}

struct job *job_by_number(struct context *ctx, uint32_t number)
{
	for (struct job *job = ctx->jobs; job; job = job->next)
		if (job->number == number && job->listed)
			return job;
	return NULL;
}

uint64_t job_eta_ns(const struct job *job)
{
	uint64_t whole = job->plan ? job->plan->duration_ns : 0, spent;

	if (job->state >= JOB_STATE_STORING)
		return 0;
	if (job->waits_for_light) {
		spent = now_ns() - job->begun_ns;
		whole += job->facts->description->head.emission_delay_ns;
	} else {
		spent = job->light_ns ? now_ns() - job->light_ns : 0;
	}
	return whole > spent ? whole - spent : 0;
}

void job_state_is(struct job *job, enum job_state state)
{
	if (state == job->state)
		return;
	job->state = state;
	tell(job, JOB_STATE | JOB_PROGRESS);
}

static bool has_cause(struct job *job)
{
	bool has;

	pthread_mutex_lock(&job->cause_lock);
	has = job->error < 0;
	pthread_mutex_unlock(&job->cause_lock);
	return has;
}

void job_set_cause(struct job *job, int error, const char *why)
{
	pthread_mutex_lock(&job->cause_lock);
	if (job->error == 0) {
		job->error = error;
		job->message = strdup(why);
	}
	pthread_mutex_unlock(&job->cause_lock);
}

/* ---- light ---- */

static bool needs_light(const struct job *job)
{
	return job->plan && job->plan->needs_emission && !job->light_over;
}

/* Warm for who had it so before; off for who had it off. */
static void end_light(struct job *job, const char *why)
{
	if (!needs_light(job))
		return;
	job->light_over = true;
	if (job->held)
		board_gate(job->board, false, NULL, NULL);
	else
		board_off(job->board, why, NULL, NULL);
}

void job_light_is_over(struct job *job)
{
	char why[64];

	snprintf(why, sizeof(why), "job %u was done with light", job->number);
	end_light(job, why);
}

static void emit_done(_unused_ struct board *board, int error, const char *message, void *userdata)
{
	struct job *job = userdata;

	if (error < 0)
		job_cancel(job, error, message);
	else
		job->emit_accepted = true;
	job_board_changed(job);
}

static void end_without_data(struct job *job);

static void start_thread(struct job *job)
{
	int r;

	job->waits_for_light = false;
	job->light_ns = now_ns();
	r = job_thread_start(job);
	if (r == 0)
		return;
	job_set_cause(job, r, "no thread for the job");
	end_light(job, "a job could not start");
	end_without_data(job);
}

static void wait_for_light(struct job *job)
{
	job->held = board_is_lit(job->board);
	job->waits_for_light = true;
	if (!job->held)
		board_emit(job->board, NULL, 0, emit_done, job);
	else
		job_board_changed(job);
}

void job_cancel(struct job *job, int error, const char *why)
{
	if (job->state >= JOB_STATE_STORING || has_cause(job))
		return;
	job_set_cause(job, error, why);
	/* First, so that no further program opens the gate that is shut now. */
	if (job->running)
		acquire_cancel(job->link, &job->progress);
	end_light(job, why);
	if (!job->running && job->waits_for_light)
		end_without_data(job);
}

void job_light_lost(struct job *job, int error, const char *why)
{
	if (needs_light(job))
		job_cancel(job, error, why);
}

void job_board_changed(struct job *job)
{
	struct board *b = job->board;
	uint32_t state = b->status.state;

	if (!b->present) {
		job_cancel(job, -ENODEV, "the board is gone: check its cable and power");
		return;
	}
	if (!needs_light(job) || (!job->waits_for_light && !job->running))
		return;
	if (job->waits_for_light && state == ETALON_HW_STATE_EMITTING)
		start_thread(job);
	else if (job->waits_for_light && state == ETALON_HW_STATE_DELAY)
		job_state_is(job, JOB_STATE_DELAY);
	else if (!board_is_lit(b) && (job->running || job->held || job->emit_accepted))
		job_cancel(job, state == ETALON_HW_STATE_TRIPPED ? -EACCES : -ECANCELED,
			   b->last_off_cause ? b->last_off_cause : "light went off");
}

void job_store_failed(struct job *job)
{
	_cleanup_free_ char *message = NULL;
	int error = stream_error(job->stream, &message);

	job_cancel(job, error < 0 ? error : -EIO,
		   message ? message : "the run could not be stored any more");
}

/* ---- beginning ---- */

static int on_progress(sd_event_source *source, _unused_ uint64_t usec, void *userdata)
{
	struct job *job = userdata;
	uint64_t done = atomic_load_explicit(&job->progress.points_done, memory_order_relaxed);

	if (done != job->points_told)
		tell(job, JOB_PROGRESS);
	job->points_told = done;
	sd_event_source_set_time(source, now_ns() / NSEC_PER_USEC + PROGRESS_US);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static void leave_board(struct job *job)
{
	struct board *b = job->board;

	if (b->job != job)
		return;
	b->job = NULL;
	board_changed(b, BOARD_JOB);
	board_job_ended(b);
}

static void refuse(struct job *job, int error, const char *message)
{
	leave_board(job);
	if (job->started)
		job->started(NULL, error, message ? message : strerror(-error), job->userdata);
	context_settled(job->context);
	job_free(job);
}

static void forget_old(struct context *ctx)
{
	unsigned int ended = 0;
	struct job *next;

	for (struct job *job = ctx->jobs; job; job = next) {
		next = job->next;
		if (!job_is_active(job) && ++ended > KEPT_MAX)
			job_free(job);
	}
}

static void list(struct job *job)
{
	const struct observer *o = job->context->observer;

	job->number = ++job->context->job_count;
	job->begun_ns = now_ns();
	job->listed = true;
	o->job_added(o->userdata, job);
	board_changed(job->board, BOARD_JOB);
	if (sd_event_add_time(job->context->event, &job->timer, CLOCK_MONOTONIC,
			      now_ns() / NSEC_PER_USEC + PROGRESS_US, 10000, on_progress, job) < 0)
		job->timer = NULL; /* then without progress */
}

void job_begun(struct job *job, int error, const char *message)
{
	if (error < 0) {
		refuse(job, error, message);
		return;
	}
	if (job->entry)
		runs_put(job->context->runs, take_ptr(job->entry));
	list(job);
	if (job->started)
		job->started(job, 0, NULL, job->userdata);
	job->started = NULL;
	if (job->context->stopping)
		job_set_cause(job, -ECANCELED, "etalond ends");
	if (job->error < 0)
		end_without_data(job);
	else if (job->plan->needs_emission)
		wait_for_light(job);
	else
		start_thread(job);
}

int job_start(struct board *b, const struct actor *actor, json_t *request, job_started_t started,
	      void *userdata, char **ret_message)
{
	struct job *job;
	int r;

	if (!b->present)
		return fail(ret_message, -ENODEV, "the board is gone: check its cable and power");
	if (b->job)
		return fail(ret_message, -EBUSY,
			    "job %u runs on this board; wait for its end or cancel it",
			    b->job->number);
	if (b->context->stopping)
		return fail(ret_message, -EBUSY, "etalond is ending");
	job = calloc(1, sizeof(*job));
	if (!job)
		return -ENOMEM;
	pthread_mutex_init(&job->cause_lock, NULL);
	job->context = b->context;
	job->board = b;
	job->facts = facts_ref(b->facts);
	job->link = b->link;
	job->owner = strdup(actor->name);
	job->uid = actor->uid;
	job->result = job->verdict = "";
	job->started = started;
	job->userdata = userdata;
	job->next = b->context->jobs;
	b->context->jobs = job;
	b->job = job;
	r = job_begin(job, actor, request, ret_message);
	if (r < 0) {
		b->job = NULL;
		job_free(job);
	}
	return r;
}

/* ---- end ---- */

static int on_removal(_unused_ sd_event_source *source, _unused_ uint64_t usec, void *userdata)
{
	job_free(userdata);
	return 0;
}

static void finished(struct job *job)
{
	const struct observer *o = job->context->observer;

	/* An ended job is kept for its properties, not for its memory. */
	job->stream = stream_free(job->stream);
	job->reader = store_close(job->reader);
	job->state = JOB_STATE_DONE;
	job->timer = sd_event_source_disable_unref(job->timer);
	tell(job, JOB_STATE | JOB_PROGRESS | JOB_END);
	leave_board(job);
	if (job->listed)
		o->job_finished(o->userdata, job);
	if (job->error < 0)
		say(LOG_NOTICE, "job %u: %s: %s", job->number, job->result, job->message);
	if (sd_event_add_time(job->context->event, &job->timer, CLOCK_MONOTONIC,
			      now_ns() / NSEC_PER_USEC + KEPT_US, 1000000, on_removal, job) < 0)
		job->timer = NULL;
	forget_old(job->context);
	context_settled(job->context);
}

static void tell_of_run(struct job *job)
{
	struct runs *runs = job->context->runs;
	struct board *b = job->board;

	if (job->entry && b->present)
		zero_take(&b->zero, b->facts, job->run, job->entry->meta, wall_ns());
	if (job->entry)
		runs_put(runs, take_ptr(job->entry));
	else if (streq(job->result, "failed"))
		runs_deleted(runs, job->run);
}

/* What a program may have moved: each look costs accesses, so the rest is not looked at. */
static uint64_t moved_sources(const struct job *job)
{
	int gate = facts_gate(job->facts);
	uint64_t sources = gate < 0 ? 0 : 1ULL << gate;

	for (size_t i = 0; i < job->plan->setpoint_count; i++)
		sources |= 1ULL << job->plan->setpoints[i].source;
	for (size_t i = 0; i < job->plan->segment_count; i++) {
		const struct etalon_hw_program *p = &job->plan->segments[i].program;

		for (uint32_t a = 0; a < p->axis_count; a++)
			for (unsigned int g = 0; g < p->axis[a].gang_count; g++)
				sources |= 1ULL << p->axis[a].gang[g].source;
	}
	return sources;
}

void job_ended(struct job *job)
{
	job_thread_join(job);
	/* A program that was started in the moment of the cancel may have opened it once more. */
	if (job->held && job->error < 0)
		board_gate(job->board, false, NULL, NULL);
	job->board->generation = job->generation;
	board_refresh_setpoints(job->board, moved_sources(job));
	tell_of_run(job);
	finished(job);
}

static int run_removal(struct task *task, struct store *store)
{
	return job_store_nothing(store, container_of(task, struct job, removal));
}

static void removal_done(struct task *task)
{
	struct job *job = container_of(task, struct job, removal);

	free(take_ptr(task->message));
	job->result = task->error < 0 ? "partial" : "failed";
	tell_of_run(job);
	finished(job);
}

/* Ended before the first record: there is nothing to keep. */
static void end_without_data(struct job *job)
{
	job->waits_for_light = false;
	job->state = JOB_STATE_STORING;
	job->removal.run = run_removal;
	job->removal.done = removal_done;
	writer_task(job->context->writer, job->context->mailbox, &job->removal);
}

static void unlink_job(struct job *job)
{
	for (struct job **p = &job->context->jobs; *p; p = &(*p)->next) {
		if (*p != job)
			continue;
		*p = job->next;
		return;
	}
}

struct job *job_free(struct job *job)
{
	const struct observer *o;

	if (!job)
		return NULL;
	o = job->context->observer;
	if (job->listed)
		o->job_removed(o->userdata, job);
	unlink_job(job);
	if (job->board->job == job)
		job->board->job = NULL;
	sd_event_source_disable_unref(job->timer);
	stream_free(job->stream);
	store_close(job->reader);
	plan_free(job->plan);
	facts_unref(job->facts);
	json_decref(job->meta);
	json_decref(job->ledger);
	run_entry_free(job->entry);
	acquire_result_clear(&job->acquired);
	pthread_mutex_destroy(&job->cause_lock);
	free(job->message);
	free(job->owner);
	free(job);
	return NULL;
}
