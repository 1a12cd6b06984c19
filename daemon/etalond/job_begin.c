// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * How a job begins: the plan is made on a worker, the run is opened by the writer, the stream
 * is made ready. See job.h. No light yet.
 */
#include "data/meta.h"
#include "etalond/job.h"

#include "base/util.h"
#include "calibrate/trust.h"
#include "etalond/reference_choice.h"
#include "etalond/runs.h"
#include "etalond/strv.h"

struct beginning {
	struct task task;
	struct job *job;
	json_t *request;
	struct plan *plan; /* the job's once the main loop has it */
	struct actor actor;
	char *actor_name;
	int64_t run;
};

static struct beginning *beginning_of(struct task *task)
{
	return container_of(task, struct beginning, task);
}

static void beginning_free(struct beginning *b)
{
	json_decref(b->request);
	plan_free(b->plan);
	free(b->actor_name);
	free(b->task.message);
	free(b);
}

/* ---- on a worker ---- */

static int run_plan(struct task *task, _unused_ struct store *store)
{
	struct beginning *b = beginning_of(task);
	const json_t *expectations = json_object_get(b->request, "expectations");
	struct job *job = b->job;
	int r = 0;

	if (expectations)
		r = trust_check_expectations(expectations, &task->message);
	if (r == 0)
		r = plan_make(job->facts->description, &job->facts->site, b->request, &b->plan,
			      &task->message);
	return r;
}

/* ---- on the writer ---- */

static int add_missing(json_t *meta, const char *key, json_t *value)
{
	if (json_object_get(meta, key)) {
		json_decref(value);
		return 0;
	}
	return json_object_set_new(meta, key, value) < 0 ? -ENOMEM : 0;
}

static json_t *make_meta(const struct job *job)
{
	static const char *const labels[] = {META_LABELS, META_PARENT, META_PURPOSE};
	const struct etalon_hw_description *head = &job->facts->description->head;
	json_t *meta = json_deep_copy(job->plan->meta);
	int r = meta ? 0 : -ENOMEM;

	for (size_t i = 0; i < ARRAY_SIZE(labels) && r == 0; i++) {
		json_t *value = json_object_get(job->plan->request, labels[i]);

		if (value)
			r = add_missing(meta, labels[i], json_incref(value));
	}
	if (r == 0)
		r = add_missing(meta, META_BOARD,
				json_pack("{s:s, s:s, s:s}", "model", head->model, "serial",
					  head->serial, "firmware", head->firmware));
	if (r == 0)
		r = add_missing(json_object_get(meta, META_BOARD), "link",
				json_string(job->board->link_name));
	if (r < 0) {
		json_decref(meta);
		return NULL;
	}
	return meta;
}

/* What the run is to be compared with, chosen before it so that its age is that of the start. */
static int find_reference(struct store *store, struct job *job, char **ret_message)
{
	json_t *reference;
	int r = reference_choose(store, job->plan->request, job->meta, &reference, ret_message);

	if (r < 0 || !reference)
		return r;
	return json_object_set_new(job->meta, META_REFERENCE, reference) < 0 ? -ENOMEM : 0;
}

static void post_store_failed(void *userdata)
{
	struct job *job = userdata;

	mailbox_post(job->context->mailbox, &job->failed_mail);
}

static int run_begin(struct task *task, struct store *store)
{
	struct beginning *b = beginning_of(task);
	struct job *job = b->job;
	int r;

	job->meta = make_meta(job);
	if (!job->meta)
		return -ENOMEM;
	r = find_reference(store, job, &task->message);
	if (r == 0)
		r = store_run_begin(store, job->facts->description, job->plan, job->meta, &b->run);
	if (r == 0)
		r = store_commit(store);
	if (r == 0)
		r = run_entry_read(store, b->run, &job->entry, &task->message);
	if (r == 0)
		r = stream_new(job->context->writer, b->run, post_store_failed, job, &job->stream);
	return r;
}

/* ---- main loop ---- */

static void begin_done(struct task *task)
{
	struct beginning *b = beginning_of(task);
	struct job *job = b->job;

	job->run = b->run;
	job_begun(job, task->error, task->message);
	beginning_free(b);
}

/* What can be known before any light: lease, live causes, limits of the site. */
static int may_begin(const struct job *job, const struct actor *actor, char **ret_message)
{
	const struct board *board = job->board;
	_cleanup_(strv_freep) char **why = NULL;
	int r;

	if (!board->present)
		return fail(ret_message, -ENODEV, "the board is gone: check its cable and power");
	if (job->error < 0)
		return fail(ret_message, job->error, "%s", job->message);
	if (!job->plan->needs_emission)
		return 0;
	r = board_may_emit(board, actor, ret_message);
	if (r < 0)
		return r;
	why = board_why_dark(board);
	if (why && why[0])
		return fail(ret_message, -EACCES, "%s", why[0]);
	return 0;
}

static void plan_done(struct task *task)
{
	struct beginning *b = beginning_of(task);
	struct job *job = b->job;
	int r = task->error;

	job->plan = take_ptr(b->plan);
	if (r == 0)
		r = may_begin(job, &b->actor, &task->message);
	if (r < 0) {
		/* Of a plan, what is not there is a channel. */
		job_begun(job, r == -ENOENT ? -ECHRNG : r, task->message);
		beginning_free(b);
		return;
	}
	task->run = run_begin;
	task->done = begin_done;
	writer_task(job->context->writer, job->context->mailbox, task);
}

int job_begin(struct job *job, const struct actor *actor, json_t *request, char **ret_message)
{
	struct beginning *b = calloc(1, sizeof(*b));
	int r;

	if (!b)
		return -ENOMEM;
	b->job = job;
	b->request = json_incref(request);
	b->actor_name = strdup(actor->name);
	b->actor = (struct actor){b->actor_name, actor->uid, actor->pid};
	b->task.uid = actor->uid;
	b->task.without_store = true;
	b->task.run = run_plan;
	b->task.done = plan_done;
	r = b->actor_name ? workers_submit(job->context->workers, &b->task, ret_message) : -ENOMEM;
	if (r < 0)
		beginning_free(b);
	return r;
}
