/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A client that measures, over the socketpair of daemon_pair.h: one sweep, taken or begun, and what its job
 * says. Every step is checked.
 */
#ifndef ETALON_TESTS_PAIR_JOB_H
#define ETALON_TESTS_PAIR_JOB_H

#include "daemon_pair.h"

#define PAIR_JOB_INTERFACE "org.etalon1.Job"
#define PAIR_JOB_POINTS 2001 /* of its sweep, with pd1, labelled "ring", not analysed */

/* Path of a job in the reply of Measure, malloc'ed; the reply is freed. */
char *pair_job_path(sd_bus_message *reply);
/* Measure: 0 or negative errno, with the error's name; ret may be NULL. */
int pair_try_sweep(struct daemon_pair *p, char ret_error[64], sd_bus_message **ret);
/* The job's path, malloc'ed. */
char *pair_sweep(struct daemon_pair *p);
/* A sweep of which half is there, and no more comes. */
char *pair_running_sweep(struct daemon_pair *p);
void pair_job_cancel(struct daemon_pair *p, const char *job);

/* Waits for the job's end. */
bool pair_job_done(struct daemon_pair *p, const char *job);
/* The property holds this text; "": it is empty. */
void pair_job_says(struct daemon_pair *p, const char *job, const char *property, const char *part);

/* What is stored of it: its status, or that there is no such run. */
void pair_run_is(struct daemon_pair *p, int64_t run, const char *status);
void pair_run_is_unknown(struct daemon_pair *p, int64_t run);

#endif
