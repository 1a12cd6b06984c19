// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The job's own thread: acquisition into the stream, then the end. See job.h. Commands no
 * light; tells the main loop the moment none is needed any more.
 */
#include "etalond/job.h"

#include "base/util.h"
#include "etalond/analysis_worker.h"

struct state_mail {
	struct mail mail;
	struct job *job;
	enum job_state state;
};

static void deliver_state(struct mail *mail)
{
	struct state_mail *m = container_of(mail, struct state_mail, mail);

	job_state_is(m->job, m->state);
	free(m);
}

static void post_state(struct job *job, enum job_state state)
{
	struct state_mail *m = calloc(1, sizeof(*m));

	if (!m)
		return; /* a state that is not shown */
	*m = (struct state_mail){.mail.deliver = deliver_state, .job = job, .state = state};
	mailbox_post(job->context->mailbox, &m->mail);
}

static void deliver_light(struct mail *mail)
{
	job_light_is_over(container_of(mail, struct job, light_mail));
}

static void deliver_failed(struct mail *mail)
{
	job_store_failed(container_of(mail, struct job, failed_mail));
}

static void deliver_ended(struct mail *mail)
{
	job_ended(container_of(mail, struct job, ended_mail));
}

static void post_light_over(struct job *job, bool *posted)
{
	if (*posted)
		return;
	*posted = true;
	mailbox_post(job->context->mailbox, &job->light_mail);
}

/* ---- the sink of acquire_run() ---- */

struct sink {
	struct job *job;
	bool light_over_posted;
	bool analyst_tried;
};

static bool needs_emission(const struct segment *s)
{
	return s->program.flags & ETALON_HW_PROGRAM_NEEDS_EMISSION;
}

static int on_begin(void *userdata, unsigned int segment, const struct segment *s,
		    const struct link_program *loaded)
{
	struct sink *sink = userdata;

	post_state(sink->job, s->purpose == SEGMENT_MAIN ? JOB_STATE_RUNNING : JOB_STATE_DARK);
	return stream_segment_begin(sink->job->stream, segment, s->purpose, &s->program,
				    loaded->stride);
}

/* While the board measures, and once: one that cannot be started is told of at the end. */
static void start_analyst(struct sink *sink, unsigned int segment)
{
	struct job *job = sink->job;

	if (sink->analyst_tried || !job->plan->analyse ||
	    job->plan->segments[segment].purpose != SEGMENT_MAIN)
		return;
	sink->analyst_tried = true;
	analysis_worker_start(job->context->analyse_path, &job->analyst, NULL);
}

static int on_block(void *userdata, unsigned int segment, const void *records, size_t bytes)
{
	struct sink *sink = userdata;

	start_analyst(sink, segment);
	return stream_block(sink->job->stream, segment, records, bytes);
}

static int on_end(void *userdata, unsigned int segment, const struct ledger *ledger)
{
	struct sink *sink = userdata;
	const struct plan *plan = sink->job->plan;
	bool more = false;

	for (size_t i = segment + 1; i < plan->segment_count; i++)
		more = more || needs_emission(&plan->segments[i]);
	if (!more)
		post_light_over(sink->job, &sink->light_over_posted);
	return stream_segment_end(sink->job->stream, segment, ledger);
}

static int on_committed(void *userdata, bool wait, uint64_t *ret_bytes)
{
	struct sink *sink = userdata;

	return stream_committed(sink->job->stream, wait, ret_bytes);
}

static void *job_thread(void *userdata)
{
	struct job *job = userdata;
	struct sink sink = {.job = job};
	struct acquire_sink callbacks = {.begin = on_begin,
					 .block = on_block,
					 .end = on_end,
					 .committed = on_committed,
					 .userdata = &sink};

	acquire_run(job->link, job->plan, (uint64_t)job->run << 8, &job->generation, &callbacks,
		    &job->progress, &job->acquired);
	/* However it ended. */
	post_light_over(job, &sink.light_over_posted);
	post_state(job, job->plan->analyse ? JOB_STATE_ANALYSING : JOB_STATE_STORING);
	job_end(job);
	mailbox_post(job->context->mailbox, &job->ended_mail);
	return NULL;
}

int job_thread_start(struct job *job)
{
	int r;

	job->light_mail.deliver = deliver_light;
	job->failed_mail.deliver = deliver_failed;
	job->ended_mail.deliver = deliver_ended;
	job->generation = job->board->generation;
	r = pthread_create(&job->thread, NULL, job_thread, job);
	if (r == 0)
		job->running = true;
	return -r;
}

void job_thread_join(struct job *job)
{
	if (job->running)
		pthread_join(job->thread, NULL);
	job->running = false;
}
