// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * org.etalon1.Job. See org.etalon1.Job.xml beside this file.
 */
#include "base/util.h"
#include "bus/bus.h"
#include "bus/variant.h"
#include "etalond/audit.h"
#include "etalond/strv.h"

static int get_path(_unused_ sd_bus *b, _unused_ const char *path, _unused_ const char *interface,
		    const char *property, sd_bus_message *reply, void *userdata,
		    _unused_ sd_bus_error *error)
{
	const struct job *job = userdata;

	if (streq(property, "Run"))
		return sd_bus_message_append(reply, "o", bus_run_path(job->run).text);
	return sd_bus_message_append(reply, "o",
				     job->board->known ? bus_board_path(job->board).text : "/");
}

static int get_run_id(_unused_ sd_bus *b, _unused_ const char *path, _unused_ const char *interface,
		      _unused_ const char *property, sd_bus_message *reply, void *userdata,
		      _unused_ sd_bus_error *error)
{
	const struct job *job = userdata;

	return sd_bus_message_append(reply, "x", job->run);
}

static int get_text(_unused_ sd_bus *b, _unused_ const char *path, _unused_ const char *interface,
		    const char *property, sd_bus_message *reply, void *userdata,
		    _unused_ sd_bus_error *error)
{
	const struct job *job = userdata;
	bool ended = !job_is_active(job);
	const char *text = "";
	char name[64];

	/* Before the end the thread may still be writing what belongs to it. */
	if (streq(property, "Owner"))
		text = job->owner;
	else if (streq(property, "State"))
		text = job_state_text(job);
	else if (ended && streq(property, "Result"))
		text = job->result;
	else if (ended && streq(property, "Verdict"))
		text = job->verdict;
	else if (ended && streq(property, "Message"))
		text = job->message ? job->message : "";
	else if (ended && streq(property, "Error") && job->error < 0)
		text = bus_error_name(job->error, NULL, name);
	return sd_bus_message_append(reply, "s", text);
}

static int get_number(_unused_ sd_bus *b, _unused_ const char *path, _unused_ const char *interface,
		      const char *property, sd_bus_message *reply, void *userdata,
		      _unused_ sd_bus_error *error)
{
	struct job *job = userdata;
	uint64_t value;

	if (streq(property, "PointsDone"))
		value = atomic_load_explicit(&job->progress.points_done, memory_order_relaxed);
	else if (streq(property, "PointsTotal"))
		value = plan_points(job->plan);
	else if (streq(property, "BoardNs"))
		value = atomic_load(&job->progress.board_ns);
	else
		value = job_eta_ns(job);
	return sd_bus_message_append(reply, "t", value);
}

static int get_ledger(_unused_ sd_bus *b, _unused_ const char *path, _unused_ const char *interface,
		      _unused_ const char *property, sd_bus_message *reply, void *userdata,
		      _unused_ sd_bus_error *error)
{
	struct job *job = userdata;

	if (!job_is_active(job))
		return variant_append_dict(reply, job->ledger);
	return sd_bus_message_append(
		reply, "a{sv}", 1, "received", "x",
		(int64_t)atomic_load_explicit(&job->progress.points_done, memory_order_relaxed));
}

static int act_cancel(struct bus *bus, sd_bus_message *m, const struct actor *actor,
		      sd_bus_error *error)
{
	struct job *job = bus_job_at(bus, sd_bus_message_get_path(m));
	char why[96];

	if (!job)
		return bus_error_set(error, -ENOENT, "the job has ended and is forgotten",
				     BUS_NO_SUCH_JOB);
	snprintf(why, sizeof(why), "cancelled by %s", actor->name);
	audit(actor, "Cancel", job->board, "job %u", job->number);
	job_cancel(job, -ECANCELED, why);
	return sd_bus_reply_method_return(m, NULL);
}

static int method_cancel(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	const struct job *job = userdata;

	return callers_act(bus_of(job->context), m, act_cancel, error);
}

#define CONSTANT SD_BUS_VTABLE_PROPERTY_CONST
#define CHANGES SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE

static const sd_bus_vtable vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Board", "o", get_path, 0, CONSTANT),
	SD_BUS_PROPERTY("Run", "o", get_path, 0, CONSTANT),
	SD_BUS_PROPERTY("RunId", "x", get_run_id, 0, CONSTANT),
	SD_BUS_PROPERTY("Owner", "s", get_text, 0, CONSTANT),
	SD_BUS_PROPERTY("State", "s", get_text, 0, CHANGES),
	SD_BUS_PROPERTY("PointsDone", "t", get_number, 0, CHANGES),
	SD_BUS_PROPERTY("PointsTotal", "t", get_number, 0, CHANGES),
	SD_BUS_PROPERTY("EtaNs", "t", get_number, 0, CHANGES),
	SD_BUS_PROPERTY("Ledger", "a{sv}", get_ledger, 0, CHANGES),
	SD_BUS_PROPERTY("Result", "s", get_text, 0, CHANGES),
	SD_BUS_PROPERTY("Verdict", "s", get_text, 0, CHANGES),
	SD_BUS_PROPERTY("Message", "s", get_text, 0, CHANGES),
	SD_BUS_PROPERTY("Error", "s", get_text, 0, CHANGES),
	SD_BUS_PROPERTY("BoardNs", "t", get_number, 0, CHANGES),
	SD_BUS_METHOD_WITH_ARGS("Cancel", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_cancel,
				SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_SIGNAL_WITH_ARGS("Finished", SD_BUS_ARGS("s", result, "x", run, "s", verdict), 0),
	SD_BUS_VTABLE_END,
};

static int find(_unused_ sd_bus *b, const char *path, _unused_ const char *interface,
		void *userdata, void **ret_found, _unused_ sd_bus_error *error)
{
	*ret_found = bus_job_at(userdata, path);
	return *ret_found != NULL;
}

static int enumerate(_unused_ sd_bus *b, _unused_ const char *prefix, void *userdata,
		     char ***ret_nodes, _unused_ sd_bus_error *error)
{
	_cleanup_(strv_freep) char **nodes = strv_new();
	struct bus *bus = userdata;
	int r = nodes ? 0 : -ENOMEM;

	for (struct job *job = bus->context->jobs; job && r == 0; job = job->next)
		if (job->listed)
			r = strv_push(&nodes, strdup(bus_job_path(job).text));
	if (r < 0)
		return r;
	*ret_nodes = take_ptr(nodes);
	return 1;
}

int bus_add_jobs(struct bus *bus)
{
	int r = sd_bus_add_fallback_vtable(bus->bus, NULL, BUS_JOBS, BUS_JOB_INTERFACE, vtable,
					   find, bus);

	return r < 0 ? r : sd_bus_add_node_enumerator(bus->bus, NULL, BUS_JOBS, enumerate, bus);
}
