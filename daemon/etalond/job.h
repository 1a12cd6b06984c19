/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One measurement: from the request to the stored run and its verdict. Layer: etalond.
 *
 * Main loop: the state, the light. The job's own thread: acquisition, then the end of the run
 * (storing, analysis, verdict), in plain order. The light goes off the moment the last segment
 * that needs it has ended, and at once for whatever ends a job early; what was taken is kept.
 */
#ifndef ETALON_ETALOND_JOB_H
#define ETALON_ETALOND_JOB_H

#include <pthread.h>

#include "etalond/board.h"
#include "etalond/stream.h"
#include "measure/acquire.h"

enum job_state {
	JOB_STATE_ARMING,
	JOB_STATE_DELAY,
	JOB_STATE_DARK,
	JOB_STATE_RUNNING,
	JOB_STATE_STORING,
	JOB_STATE_ANALYSING,
	JOB_STATE_DONE,
};

struct analysis_worker;
struct run_entry;
struct job;

typedef void (*job_started_t)(struct job *job, int error, const char *message, void *userdata);

struct job {
	struct job *next;
	struct context *context;
	struct board *board; /* outlives the job */
	struct facts *facts;
	struct link *link; /* open until the job's thread has ended */
	uint32_t number;
	int64_t run; /* 0 until it is begun */
	char *owner; /* bus name */
	uint32_t uid;
	bool listed; /* the observer knows it */
	job_started_t started; /* told once */
	void *userdata;

	struct plan *plan;
	json_t *meta; /* as begun; the thread's while it runs */
	enum job_state state;
	bool held; /* the board was emitting before: it shall be so after */
	bool waits_for_light;
	bool light_over; /* no segment to come needs emission */
	bool emit_accepted;
	uint64_t begun_ns; /* CLOCK_MONOTONIC */
	uint64_t light_ns; /* when the acquisition began */

	pthread_t thread;
	bool running; /* the thread */
	struct store *reader; /* the thread's own read connection */
	struct mail light_mail, failed_mail, ended_mail; /* each is posted at most once */
	uint32_t generation; /* of the thread; the board's is set after it */
	struct acquire_progress progress;
	struct stream *stream;
	struct analysis_worker *analyst; /* the thread's; waits for the run's end */
	sd_event_source *timer; /* progress while it runs; removal when done */
	uint64_t points_told;

	/* Why it ended early: the first cause counts. Under cause_lock; set on the main loop. */
	pthread_mutex_t cause_lock;
	int error;
	char *message;
	/* The end: the thread's until ended_mail is delivered. */
	struct acquire_result acquired;
	const char *result; /* "complete", "partial", "failed"; "" before the end */
	const char *verdict; /* constant text, "" before the end */
	json_t *ledger;
	struct run_entry *entry; /* of the run as it was left; NULL when it was removed */
	struct task removal; /* of an empty run */
};

/*
 * Plans and begins; takes its own reference to request. started is called once, with job NULL when it
 * was refused. -EBUSY at once when a job runs on this board.
 */
int job_start(struct board *board, const struct actor *actor, json_t *request,
	      job_started_t started, void *userdata, char **ret_message);
/* Ends it now: gate shut, or OFF if it was the job that armed; what was taken is kept. */
void job_cancel(struct job *job, int error, const char *why);
/* Light went away under it; harmless for a job that needs none (any more). */
void job_light_lost(struct job *job, int error, const char *why);
/* The board's state changed. */
void job_board_changed(struct job *job);
struct job *job_free(struct job *job);

const char *job_state_text(const struct job *job);
uint64_t job_eta_ns(const struct job *job);
struct job *job_by_number(struct context *ctx, uint32_t number);
bool job_is_active(const struct job *job); /* not done yet */

/* ---- the job's thread (job_thread.c) ---- */
int job_thread_start(struct job *job);
void job_thread_join(struct job *job); /* harmless without one */
/* Records the cause of an early end, unless there is one. */
void job_set_cause(struct job *job, int error, const char *why);

/* ---- its beginning (job_begin.c): calls job_begun on the main loop ---- */
int job_begin(struct job *job, const struct actor *actor, json_t *request, char **ret_message);
/* ---- its end (job_end.c), on the job's thread ---- */
void job_end(struct job *job);
/*
 * On the writer; userdata is the job: leaves no trace of its run. Negative errno: the run is still
 * there, and job->entry says as what; why is logged.
 */
int job_store_nothing(struct store *store, void *userdata);

/* Mail from other threads, on the main loop (job.c). */
void job_begun(struct job *job, int error, const char *message);
void job_light_is_over(struct job *job);
void job_store_failed(struct job *job);
void job_state_is(struct job *job, enum job_state state);
void job_ended(struct job *job);

#endif
