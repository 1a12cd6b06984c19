// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * A client that measures. See pair_job.h.
 */
#include "pair_job.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "runs.h"

#include <check.h> /* last: it defines a macro fail() */

char *pair_job_path(sd_bus_message *reply)
{
	const char *path;
	char *copy;

	ck_assert_int_ge(sd_bus_message_read(reply, "o", &path), 0);
	copy = strdup(path);
	sd_bus_message_unref(reply);
	return copy;
}

int pair_try_sweep(struct daemon_pair *p, char ret_error[64], sd_bus_message **ret)
{
	return pair_call(p, p->board_path, PAIR_BOARD_INTERFACE, "Measure", ret_error, ret, "a{sv}",
			 7, "kind", "s", "wavelength-sweep", "detectors", "as", 1, "pd1",
			 "start_fm", "x", INT64_C(1549000000), "stop_fm", "x", INT64_C(1551000000),
			 "points", "t", (uint64_t)PAIR_JOB_POINTS, "label", "s", "ring", "analyse",
			 "b", 0);
}

char *pair_sweep(struct daemon_pair *p)
{
	char error[64] = "";
	sd_bus_message *reply = NULL;

	ck_assert_msg(pair_try_sweep(p, error, &reply) == 0, "Measure: %s", error);
	return pair_job_path(reply);
}

static uint64_t points_done(struct daemon_pair *p, const char *job)
{
	uint64_t done = 0;

	ck_assert_int_ge(sd_bus_get_property_trivial(p->client, NULL, job, PAIR_JOB_INTERFACE,
						     "PointsDone", NULL, 't', &done),
			 0);
	return done;
}

char *pair_running_sweep(struct daemon_pair *p)
{
	char *job;

	pthread_mutex_lock(&p->fake->lock);
	p->fake->hold_records = true;
	pthread_mutex_unlock(&p->fake->lock);
	job = pair_sweep(p);
	ck_assert(pair_wait(p, job, PAIR_JOB_INTERFACE, "State", "running"));
	while (points_done(p, job) < PAIR_JOB_POINTS / 2)
		;
	return job;
}

void pair_job_cancel(struct daemon_pair *p, const char *job)
{
	char error[64];

	ck_assert_int_eq(pair_call(p, job, PAIR_JOB_INTERFACE, "Cancel", error, NULL, ""), 0);
}

bool pair_job_done(struct daemon_pair *p, const char *job)
{
	return pair_wait(p, job, PAIR_JOB_INTERFACE, "State", "done");
}

void pair_job_says(struct daemon_pair *p, const char *job, const char *property, const char *part)
{
	_cleanup_free_ char *text = pair_text(p, job, PAIR_JOB_INTERFACE, property);

	ck_assert_msg(part[0] ? strstr(text, part) != NULL : text[0] == '\0',
		      "%s is \"%s\", not \"...%s...\"", property, text, part);
}

void pair_run_is(struct daemon_pair *p, int64_t run, const char *status)
{
	_cleanup_free_ char *is = run_status(p->client, run);

	ck_assert_str_eq(is, status);
}

void pair_run_is_unknown(struct daemon_pair *p, int64_t run)
{
	char error[64];

	ck_assert_int_lt(pair_call(p, "/org/etalon1", "org.etalon1.Manager", "GetRun", error, NULL,
				   "x", run),
			 0);
	ck_assert_str_eq(error, "NoSuchRun");
}
