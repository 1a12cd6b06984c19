// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The daemon's parts put together, and its orderly end. See context.h.
 */
#include "etalond/context.h"

#include <limits.h>
#include <syslog.h>

#include "base/util.h"
#include "etalond/audit.h"
#include "etalond/board.h"
#include "etalond/job.h"
#include "etalond/runs.h"

#define STOP_LONGEST_US (10ULL * 1000000ULL)

/* Beside the daemon, as it lies in a build folder and in /usr/libexec/etalon. */
static char *find_analyse(const struct config *config)
{
	char self[PATH_MAX] = "";
	char *slash;

	if (config->analyse)
		return strdup(config->analyse);
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return NULL;
	slash = strrchr(self, '/');
	if (!slash)
		return NULL;
	*slash = '\0';
	return asprintf_or_null("%s/etalon-analyse", self);
}

static int open_store(struct context *ctx, char **ret_message)
{
	_cleanup_(store_closep) struct store *store = NULL;
	int r;

	r = writer_new(ctx->store_path, ctx->config->quota_bytes, &ctx->writer, &ctx->store_status,
		       ret_message);
	if (r == 0)
		r = workers_new(ctx->store_path, ctx->mailbox, &ctx->workers);
	if (r == 0)
		r = store_open(ctx->store_path, STORE_READ, &store, ret_message);
	if (r == 0)
		r = runs_new(ctx, store, &ctx->runs);
	return r;
}

int context_new(sd_event *event, const struct config *config, const char *store_path,
		struct context **ret, char **ret_message)
{
	_cleanup_(context_freep) struct context *ctx = calloc(1, sizeof(*ctx));
	int r;

	if (!ctx)
		return -ENOMEM;
	ctx->event = sd_event_ref(event);
	ctx->config = config;
	ctx->store_path = strdup(store_path);
	ctx->analyse_path = find_analyse(config);
	if (!ctx->store_path || !ctx->analyse_path)
		return -ENOMEM;
	r = mailbox_new(event, &ctx->mailbox);
	if (r == 0)
		r = open_store(ctx, ret_message);
	if (r < 0)
		return r;
	*ret = take_ptr(ctx);
	return 0;
}

/* ---- the end ---- */

static bool is_settled(const struct context *ctx)
{
	for (const struct job *job = ctx->jobs; job; job = job->next)
		if (job_is_active(job))
			return false;
	for (const struct board *b = ctx->boards; b; b = b->next)
		if (b->present && (board_is_lit(b) || b->dark_pending > 0))
			return false;
	return true;
}

void context_settled(struct context *ctx)
{
	if (ctx->stopping && is_settled(ctx))
		sd_event_exit(ctx->event, 0);
}

static int on_stop_timer(_unused_ sd_event_source *source, _unused_ uint64_t usec, void *userdata)
{
	struct context *ctx = userdata;

	say(LOG_ERR, "a board or a run did not end in time; the links are cut now");
	return sd_event_exit(ctx->event, EXIT_FAILURE);
}

void context_stop(struct context *ctx, const char *why)
{
	if (ctx->stopping)
		return;
	ctx->stopping = true;
	/* Light first, whatever else there is; cancelling a job turns it off, too. */
	for (struct job *job = ctx->jobs; job; job = job->next)
		if (job_is_active(job))
			job_cancel(job, -ECANCELED, why);
	for (struct board *b = ctx->boards; b; b = b->next)
		if (b->present)
			board_off(b, why, NULL, NULL);
	for (struct board *b = ctx->boards; b; b = b->next)
		board_end_lease(b, why);
	if (sd_event_add_time(ctx->event, &ctx->stop_timer, CLOCK_MONOTONIC,
			      now_ns() / NSEC_PER_USEC + STOP_LONGEST_US, 0, on_stop_timer,
			      ctx) < 0)
		sd_event_exit(ctx->event, 0);
	context_settled(ctx);
}

/* A job's thread must have ended before its board and the writer go. */
static void end_jobs(struct context *ctx)
{
	for (struct job *job = ctx->jobs; job; job = job->next)
		if (job_is_active(job))
			job_cancel(job, -ECANCELED, "etalond ends");
	for (struct job *job = ctx->jobs; job; job = job->next)
		job_thread_join(job);
	mailbox_drain(ctx->mailbox); /* what they had to say at their end */
}

void context_quiesce(struct context *ctx)
{
	ctx->stopping = true;
	if (ctx->mailbox)
		end_jobs(ctx);
	/* What is queued is answered, and may speak of jobs and boards. */
	ctx->workers = workers_free(ctx->workers);
	ctx->writer = writer_free(ctx->writer);
	if (ctx->mailbox)
		mailbox_drain(ctx->mailbox);
	while (ctx->jobs)
		job_free(ctx->jobs);
	while (ctx->boards)
		board_remove(ctx->boards);
}

struct context *context_free(struct context *ctx)
{
	if (!ctx)
		return NULL;
	context_quiesce(ctx);
	runs_free(ctx->runs);
	mailbox_free(ctx->mailbox);
	sd_event_source_disable_unref(ctx->stop_timer);
	sd_event_unref(ctx->event);
	free(ctx->store_path);
	free(ctx->analyse_path);
	free(ctx->store_status);
	free(ctx);
	return NULL;
}
