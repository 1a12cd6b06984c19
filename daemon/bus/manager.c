// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * org.etalon1.Manager. See org.etalon1.Manager.xml beside this file.
 */
#include "base/util.h"
#include "bus/bus.h"
#include "bus/variant.h"
#include "etalond/audit.h"
#include "etalond/runs.h"

#define LIST_MAX 200 /* of one call: the rest is asked for with `before` */
#define LIST_DEFAULT 100

static const char *const features[] = {"analysis-resonances", "lease-attach", "plan-setpoints",
				       "emulated-boards"};

static int get_version(_unused_ sd_bus *b, _unused_ const char *path,
		       _unused_ const char *interface, _unused_ const char *property,
		       sd_bus_message *reply, _unused_ void *userdata, _unused_ sd_bus_error *error)
{
	return sd_bus_message_append(reply, "s", ETALON_VERSION);
}

static int get_api_version(_unused_ sd_bus *b, _unused_ const char *path,
			   _unused_ const char *interface, _unused_ const char *property,
			   sd_bus_message *reply, _unused_ void *userdata,
			   _unused_ sd_bus_error *error)
{
	return sd_bus_message_append(reply, "u", 1);
}

static int get_features(_unused_ sd_bus *b, _unused_ const char *path,
			_unused_ const char *interface, _unused_ const char *property,
			sd_bus_message *reply, _unused_ void *userdata,
			_unused_ sd_bus_error *error)
{
	int r = sd_bus_message_open_container(reply, 'a', "s");

	for (size_t i = 0; i < ARRAY_SIZE(features) && r >= 0; i++)
		r = sd_bus_message_append(reply, "s", features[i]);
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int get_boards(_unused_ sd_bus *b, _unused_ const char *path, _unused_ const char *interface,
		      _unused_ const char *property, sd_bus_message *reply, void *userdata,
		      _unused_ sd_bus_error *error)
{
	struct bus *bus = userdata;
	int r = sd_bus_message_open_container(reply, 'a', "o");

	for (struct board *board = bus->context->boards; board && r >= 0; board = board->next)
		if (board->known)
			r = sd_bus_message_append(reply, "o", bus_board_path(board).text);
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int get_jobs(_unused_ sd_bus *b, _unused_ const char *path, _unused_ const char *interface,
		    _unused_ const char *property, sd_bus_message *reply, void *userdata,
		    _unused_ sd_bus_error *error)
{
	struct bus *bus = userdata;
	int r = sd_bus_message_open_container(reply, 'a', "o");

	for (struct job *job = bus->context->jobs; job && r >= 0; job = job->next)
		if (job->listed && job_is_active(job))
			r = sd_bus_message_append(reply, "o", bus_job_path(job).text);
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int append_aliases(sd_bus_message *reply, const struct config *config)
{
	int r = sd_bus_message_open_container(reply, 'e', "sv");

	if (r >= 0)
		r = sd_bus_message_append(reply, "s", "aliases");
	if (r >= 0)
		r = sd_bus_message_open_container(reply, 'v', "a{ss}");
	if (r >= 0)
		r = sd_bus_message_open_container(reply, 'a', "{ss}");
	for (unsigned int i = 0; i < config->alias_count && r >= 0; i++)
		r = sd_bus_message_append(reply, "{ss}", config->aliases[i].name,
					  config->aliases[i].channel);
	for (int i = 0; i < 3 && r >= 0; i++)
		r = sd_bus_message_close_container(reply);
	return r;
}

static int get_site(_unused_ sd_bus *b, _unused_ const char *path, _unused_ const char *interface,
		    _unused_ const char *property, sd_bus_message *reply, void *userdata,
		    _unused_ sd_bus_error *error)
{
	struct bus *bus = userdata;
	const struct config *config = bus->context->config;
	int r = sd_bus_message_open_container(reply, 'a', "{sv}");

	if (r >= 0)
		r = sd_bus_message_append(reply, "{sv}", "default_power_fw", "x",
					  config->default_power_fw);
	if (r >= 0)
		r = append_aliases(reply, config);
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int get_store_status(_unused_ sd_bus *b, _unused_ const char *path,
			    _unused_ const char *interface, _unused_ const char *property,
			    sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error)
{
	struct bus *bus = userdata;

	return sd_bus_message_append(reply, "s", bus->context->store_status);
}

/* ---- ListRuns ---- */

struct listing {
	struct pending pending;
	struct task task;
	json_t *filter;
	json_t *runs;
};

static int run_listing(struct task *task, struct store *store)
{
	struct listing *l = container_of(task, struct listing, task);

	return store_runs(store, l->filter, &l->runs);
}

/* The store knows a run that begins a moment before it is an object; nobody is shown it before. */
static void leave_out_unborn(json_t *runs, int64_t last)
{
	for (size_t i = json_array_size(runs); i-- > 0;)
		if (json_integer_value(json_object_get(json_array_get(runs, i), "run")) > last)
			json_array_remove(runs, i);
}

static void listing_done(struct task *task)
{
	struct listing *l = container_of(task, struct listing, task);
	sd_bus_message *reply;
	json_t *runs = take_ptr(l->runs);

	json_decref(l->filter);
	if (task->error < 0) {
		_cleanup_free_ char *message = take_ptr(task->message);

		pending_error(l, task->error, message, BUS_NO_SUCH_RUN);
	} else {
		leave_out_unborn(runs, runs_last(l->pending.bus->context->runs));
		reply = pending_reply(l);
		pending_send(l, reply, reply ? variant_append_dicts(reply, runs) : -ENOMEM);
	}
	json_decref(runs);
}

/* Unknown keys and wrong types are errors: a filter that is not applied would lie. */
static int check_filter(json_t *filter, char **ret_message)
{
	static const struct {
		const char *key;
		json_type type;
	} keys[] = {{"label", JSON_STRING},   {"device", JSON_STRING},	{"wafer", JSON_STRING},
		    {"die", JSON_STRING},     {"kind", JSON_STRING},	{"status", JSON_STRING},
		    {"verdict", JSON_STRING}, {"purpose", JSON_STRING}, {"since", JSON_INTEGER},
		    {"limit", JSON_INTEGER},  {"before", JSON_INTEGER}};
	const char *key;
	json_t *value;

	json_object_foreach(filter, key, value) {
		size_t i = 0;

		while (i < ARRAY_SIZE(keys) && !streq(keys[i].key, key))
			i++;
		if (i == ARRAY_SIZE(keys))
			return fail(
				ret_message, -EINVAL,
				"ListRuns knows no filter \"%s\"; it knows label, device, wafer, "
				"die, kind, status, verdict, purpose, since, limit, before",
				key);
		if (json_typeof(value) != keys[i].type)
			return fail(ret_message, -EINVAL, "filter \"%s\" must be %s", key,
				    keys[i].type == JSON_STRING ? "a string" : "a number");
	}
	return 0;
}

static int normalise_filter(json_t *filter)
{
	json_t *since = json_object_get(filter, "since");
	json_int_t limit = json_integer_value(json_object_get(filter, "limit"));
	int r = 0;

	if (since) {
		r = json_object_set(filter, "since_s", since);
		json_object_del(filter, "since");
	}
	if (limit <= 0)
		limit = LIST_DEFAULT;
	return r | json_object_set_new(filter, "limit", json_integer(MIN(limit, LIST_MAX)));
}

static int act_list(struct bus *bus, sd_bus_message *m, const struct actor *actor,
		    sd_bus_error *error)
{
	_cleanup_free_ char *message = NULL;
	struct listing *l;
	int r;

	r = PENDING(bus, m, &l);
	if (r < 0)
		return r;
	r = variant_read_dict(m, &l->filter, &message);
	if (r == 0)
		r = check_filter(l->filter, &message);
	if (r == 0)
		r = normalise_filter(l->filter);
	l->task.uid = actor->uid;
	l->task.run = run_listing;
	l->task.done = listing_done;
	if (r == 0)
		r = workers_submit(bus->context->workers, &l->task, &message);
	if (r == 0)
		return 1;
	json_decref(l->filter);
	pending_free(l);
	return bus_error_set(error, r, message, NULL);
}

static int method_list_runs(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	return callers_act(userdata, m, act_list, error);
}

/* ---- GetRun, DeleteRun ---- */

static void got_run(const struct run_entry *entry, int error, const char *message, void *userdata)
{
	struct pending *p = userdata;

	if (error < 0) {
		pending_error(p, error, message, BUS_NO_SUCH_RUN);
		return;
	}
	sd_bus_reply_method_return(p->call, "o", bus_run_path(entry->run).text);
	pending_free(p);
}

static int method_get_run(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	_cleanup_free_ char *message = NULL;
	struct bus *bus = userdata;
	struct pending *p;
	int64_t run;
	int r;

	r = sd_bus_message_read(m, "x", &run);
	if (r >= 0)
		r = PENDING(bus, m, &p);
	if (r < 0)
		return r;
	r = runs_load(bus->context->runs, run, got_run, p, &message);
	if (r == 0)
		return 1;
	pending_free(p);
	return bus_error_set(error, r, message, BUS_NO_SUCH_RUN);
}

struct deletion {
	struct pending pending;
	struct task task;
	int64_t run;
};

static int run_deletion(struct task *task, struct store *store)
{
	return store_run_delete(store, container_of(task, struct deletion, task)->run);
}

static void deletion_done(struct task *task)
{
	struct deletion *d = container_of(task, struct deletion, task);
	_cleanup_free_ char *message = take_ptr(task->message);

	if (task->error < 0) {
		pending_error(d, task->error, message, BUS_NO_SUCH_RUN);
		return;
	}
	runs_deleted(d->pending.bus->context->runs, d->run);
	sd_bus_reply_method_return(d->pending.call, NULL);
	pending_free(d);
}

static int act_delete(struct bus *bus, sd_bus_message *m, const struct actor *actor,
		      sd_bus_error *error)
{
	struct deletion *d;
	int64_t run;
	int r = sd_bus_message_read(m, "x", &run);

	if (r < 0)
		return r;
	for (struct job *job = bus->context->jobs; job; job = job->next)
		if (job->run == run && job_is_active(job))
			return bus_error_set(error, -EBUSY,
					     "this run is being taken; cancel its job first", NULL);
	r = PENDING(bus, m, &d);
	if (r < 0)
		return r;
	d->run = run;
	d->task.run = run_deletion;
	d->task.done = deletion_done;
	audit(actor, "DeleteRun", NULL, "run %lld", (long long)run);
	writer_task(bus->context->writer, bus->context->mailbox, &d->task);
	return 1;
}

static int method_delete_run(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	return callers_act(userdata, m, act_delete, error);
}

static const sd_bus_vtable vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Version", "s", get_version, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("APIVersion", "u", get_api_version, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Features", "as", get_features, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Boards", "ao", get_boards, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Jobs", "ao", get_jobs, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Site", "a{sv}", get_site, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("StoreStatus", "s", get_store_status, 0,
			SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_METHOD_WITH_ARGS("ListRuns", SD_BUS_ARGS("a{sv}", filter),
				SD_BUS_RESULT("aa{sv}", runs), method_list_runs,
				SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("GetRun", SD_BUS_ARGS("x", run), SD_BUS_RESULT("o", path),
				method_get_run, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("DeleteRun", SD_BUS_ARGS("x", run), SD_BUS_NO_RESULT,
				method_delete_run, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_SIGNAL_WITH_ARGS("RunFinished", SD_BUS_ARGS("x", run, "o", path, "s", verdict), 0),
	SD_BUS_VTABLE_END,
};

int bus_add_manager(struct bus *bus)
{
	return sd_bus_add_object_vtable(bus->bus, NULL, BUS_ROOT, BUS_MANAGER_INTERFACE, vtable,
					bus);
}
