// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Measuring: lease, job, progress, end. See job.h.
 */
#include "cli/job.h"

#include "cli/progress.h"

#define LAST_WORDS_US 2000000 /* for the job's own account after its light was taken away */

void outcome_clear(struct outcome *o)
{
	free(o->message);
	*o = (struct outcome){0};
}

int verdict_exit_code(const char *status, const char *verdict)
{
	if (streq(status, "partial"))
		return EXIT_PARTIAL;
	if (streq(verdict, "untrustworthy"))
		return EXIT_UNTRUSTWORTHY;
	if (streq(verdict, "fail") || streq(verdict, "marginal"))
		return EXIT_FAIL;
	return EXIT_MEASURED;
}

/* The code for what ended a job early: its run is kept, so "partial" unless nothing is. */
static int early_exit_code(const struct object *job, int64_t run)
{
	const char *error = member_text(job->properties, "Error");

	return run > 0 || !*error ? EXIT_PARTIAL : bus_exit_code(error);
}

static void read_outcome(const struct object *job, struct outcome *o)
{
	const char *result = member_text(job->properties, "Result");
	const char *message = member_text(job->properties, "Message");

	o->run = streq(result, "failed") ? 0 : member_number(job->properties, "RunId", 0);
	o->complete = streq(result, "complete");
	o->message = *message ? strdup(message) : NULL;
	if (o->complete)
		o->exit_code =
			verdict_exit_code("complete", member_text(job->properties, "Verdict"));
	else
		o->exit_code = early_exit_code(job, o->run);
}

static bool bus_is_lost(const struct cli *cli)
{
	return cli->service_lost || sd_bus_is_open(cli->bus) <= 0;
}

static int service_gone(struct cli *cli, const struct object *board, const struct object *job)
{
	long long ms = (long long)member_number(board->properties, "WatchdogNs", 0) / 1000000;

	if (ms > 0)
		cli_fail(cli, EXIT_NO_BOARD,
			 "etalond went away; the board's own watchdog has turned the "
			 "light off within %lld ms",
			 ms);
	else
		cli_fail(cli, EXIT_NO_BOARD,
			 "etalond went away; the board's own watchdog has turned the "
			 "light off");
	cli_try(cli,
		"systemctl start etalond, then " PROGRAM " show %lld (what was stored is kept as a "
		"partial run)",
		(long long)member_number(job->properties, "RunId", 0));
	return EXIT_NO_BOARD;
}

static void cancel(struct cli *cli, const struct object *job)
{
	sd_bus_call_method_async(cli->bus, NULL, ETALON_SERVICE, job->path, ETALON_JOB, "Cancel",
				 NULL, NULL, NULL);
}

/* 0, or an exit code. */
static int wait_for_end(struct cli *cli, struct object *board, struct object *job,
			struct lease *lease, bool own)
{
	struct progress progress;
	uint64_t deadline = 0;

	progress_begin(&progress, cli, board, job);
	while (!streq(member_text(job->properties, "State"), "done")) {
		progress_show(&progress);
		if (cli_turn(cli, progress_pause_us(&progress)) < 0 || bus_is_lost(cli)) {
			progress_end(&progress);
			return service_gone(cli, board, job);
		}
		if (cli->interrupts > 0 && !own)
			break;
		if (cli->interrupts > 0 && !progress.cancelling) {
			progress.cancelling = true;
			cancel(cli, job);
		}
		/*
		 * Light was taken away: the job says so itself, but is not waited for without
		 * end.
		 */
		if (lease && lease->ended && !deadline)
			deadline = now_ns() + LAST_WORDS_US * NSEC_PER_USEC;
		if (deadline && now_ns() > deadline)
			break;
	}
	progress_end(&progress);
	return 0;
}

int follow_job(struct cli *cli, struct object *board, const char *path, struct lease *lease,
	       bool own, struct outcome *ret)
{
	_cleanup_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
	_cleanup_object_ struct object job = {0};
	int r;

	*ret = (struct outcome){0};
	if (object_open(&job, cli, path, ETALON_JOB, &error) < 0)
		return bus_fail(cli, &error, "the job cannot be followed");
	r = wait_for_end(cli, board, &job, lease, own);
	if (r != 0)
		return r;
	read_outcome(&job, ret);
	if (!ret->message && !ret->complete && lease && lease->why)
		ret->message = strdup(lease->why);
	return 0;
}

static int start(struct cli *cli, const struct object *board, const json_t *request,
		 char **ret_path)
{
	_cleanup_message_ sd_bus_message *call = NULL, *reply = NULL;
	_cleanup_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
	const char *path;
	int r;

	call = bus_new_call(cli, board->path, ETALON_BOARD, "Measure");
	r = call ? wire_append(call, request) : -ENOMEM;
	if (r < 0)
		return cli_fail(cli, EXIT_TROUBLE, "cannot send the request: %s", strerror(-r));
	if (bus_call(cli, call, 0, &error, &reply) < 0)
		return bus_fail(cli, &error, NULL);
	r = sd_bus_message_read_basic(reply, 'o', &path);
	if (r < 0)
		return cli_fail(cli, EXIT_TROUBLE, "etalond's answer is not understood: %s",
				strerror(-r));
	*ret_path = strdup(path);
	return *ret_path ? 0 : cli_no_memory(cli);
}

int measure(struct cli *cli, struct object *board, const json_t *request,
	    const struct lease_request *lease_request, bool needs_light, struct outcome *ret)
{
	_cleanup_lease_ struct lease lease = LEASE_NONE;
	_cleanup_free_ char *path = NULL;
	int r;

	r = cli_catch_signals(cli);
	if (r < 0)
		return cli_fail(cli, EXIT_TROUBLE, "cannot watch for Ctrl-C: %s", strerror(-r));
	if (needs_light) {
		r = lease_take(&lease, cli, board, lease_request);
		if (r != 0)
			return r;
	}
	r = start(cli, board, request, &path);
	if (r == 0)
		r = follow_job(cli, board, path, needs_light ? &lease : NULL, true, ret);
	lease_release(&lease);
	cli_release_signals(cli);
	return r;
}
