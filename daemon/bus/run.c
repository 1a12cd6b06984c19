// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * org.etalon1.Run: vtable and methods. See org.etalon1.Run.xml beside this file. Properties come
 * from the cache of runs; what is not there is read by run_reader.c.
 */
#include "bus/run.h"

#include <fcntl.h>

#include "base/util.h"
#include "bus/variant.h"
#include "data/meta.h"
#include "etalond/analysis.h"
#include "etalond/audit.h"
#include "etalond/strv.h"
#include "store/read.h"

#define COLUMNS_MAX 256

static int get_property(_unused_ sd_bus *b, const char *path, _unused_ const char *interface,
			const char *property, sd_bus_message *reply, void *userdata,
			sd_bus_error *error)
{
	struct bus *bus = userdata;
	const struct run_entry *entry = runs_get(bus->context->runs, bus_run_at(path));

	/* The reader lets only calls through whose run is in memory. */
	if (!entry)
		return bus_error_set(error, -ENOENT, "this run is not in memory", BUS_NO_SUCH_RUN);
	return run_append_property(reply, entry, property);
}

/* ---- GetData ---- */

struct data_read {
	struct pending pending;
	struct task task;
	int64_t run;
	struct read_request request;
	char **columns;
	struct read_info info;
	int frame_fd;
};

static int run_reading(struct task *task, struct store *store)
{
	struct data_read *r = container_of(task, struct data_read, task);

	return store_read_frame(store, r->run, &r->request, &r->info, &r->frame_fd, &task->message);
}

static int append_info(sd_bus_message *reply, const struct data_read *r)
{
	return sd_bus_message_append(reply, "ha{sv}", r->frame_fd, 3, "rows", "t", r->info.rows,
				     "total_rows", "t", r->info.total_rows, "next", "t",
				     r->info.next);
}

static void reading_done(struct task *task)
{
	struct data_read *r = container_of(task, struct data_read, task);
	_cleanup_free_ char *message = take_ptr(task->message);
	_cleanup_close_ int fd = r->frame_fd;
	struct bus *bus = r->pending.bus;
	sd_bus_message *reply;
	int error = task->error;

	strv_free(r->columns);
	if (error == 0) {
		reply = pending_reply(r);
		pending_send(r, reply, reply ? append_info(reply, r) : -ENOMEM);
		return;
	}
	/* Of a run that is there, what is not there is a column. */
	pending_error(r, error, message,
		      runs_get(bus->context->runs, r->run) ? BUS_NO_SUCH_COLUMN : BUS_NO_SUCH_RUN);
}

static int read_columns_option(sd_bus_message *m, char ***ret, char **ret_message)
{
	json_t *options = NULL, *names, *name;
	size_t i;
	int r = variant_read_dict(m, &options, ret_message);

	if (r < 0)
		return r;
	names = json_object_get(options, "columns");
	if (json_object_size(options) != (names ? 1U : 0U) ||
	    (names && (!json_is_array(names) || json_array_size(names) > COLUMNS_MAX)))
		r = fail(ret_message, -EINVAL,
			 "GetData knows the option columns (as), at most %u of them", COLUMNS_MAX);
	if (r == 0 && names) {
		*ret = strv_new();
		r = *ret ? 0 : -ENOMEM;
	}
	json_array_foreach(names, i, name) {
		if (r == 0)
			r = json_is_string(name)
				    ? strv_push(ret, strdup(json_string_value(name)))
				    : fail(ret_message, -EINVAL, "columns must be strings");
	}
	json_decref(options);
	return r;
}

static int read_arguments(sd_bus_message *m, struct data_read *r, char **ret_message)
{
	int e = sd_bus_message_read(m, "ttt", &r->request.first, &r->request.count,
				    &r->request.stride);

	if (e < 0)
		return e;
	if (r->request.stride == 0)
		return fail(ret_message, -EINVAL, "a stride of 0 gives no points; 1 gives all");
	e = read_columns_option(m, &r->columns, ret_message);
	if (e < 0 || !r->columns)
		return e;
	while (r->columns[r->request.column_count])
		r->request.column_count++;
	r->request.columns = (const char *const *)r->columns;
	return 0;
}

static int act_get_data(struct bus *bus, sd_bus_message *m, const struct actor *actor,
			sd_bus_error *error)
{
	_cleanup_free_ char *message = NULL;
	struct data_read *r;
	int e = PENDING(bus, m, &r);

	if (e < 0)
		return e;
	r->frame_fd = -1;
	r->run = bus_run_at(sd_bus_message_get_path(m));
	r->task.uid = actor->uid;
	r->task.bulk = true;
	r->task.run = run_reading;
	r->task.done = reading_done;
	e = read_arguments(m, r, &message);
	if (e == 0)
		e = workers_submit(bus->context->workers, &r->task, &message);
	if (e == 0)
		return 1;
	strv_free(r->columns);
	pending_free(r);
	return bus_error_set(error, e, message, NULL);
}

static int method_get_data(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	return callers_act(userdata, m, act_get_data, error);
}

/* ---- SetLabels ---- */

struct labelling {
	struct pending pending;
	struct task task;
	int64_t run;
	json_t *labels;
};

static int run_labelling(struct task *task, struct store *store)
{
	struct labelling *l = container_of(task, struct labelling, task);

	return store_run_update(store, l->run, l->labels);
}

/* Who asked now reads what was set. */
static void labels_shown(_unused_ const struct run_entry *entry, _unused_ int error,
			 _unused_ const char *message, void *userdata)
{
	struct labelling *l = userdata;

	sd_bus_reply_method_return(l->pending.call, NULL);
	pending_free(l);
}

static void labelling_done(struct task *task)
{
	struct labelling *l = container_of(task, struct labelling, task);
	_cleanup_free_ char *message = take_ptr(task->message);

	json_decref(l->labels);
	if (task->error < 0) {
		pending_error(l, task->error, message, BUS_NO_SUCH_RUN);
		return;
	}
	runs_changed(l->pending.bus->context->runs, l->run, labels_shown, l);
}

static int read_labels(sd_bus_message *m, json_t **ret, char **ret_message)
{
	static const char *const allowed[] = {META_LABELS};
	const char *key, *value;
	int r = sd_bus_message_enter_container(m, 'a', "{ss}");

	*ret = json_object();
	if (!*ret)
		return -ENOMEM;
	while (r >= 0 && (r = sd_bus_message_read(m, "{ss}", &key, &value)) > 0) {
		size_t i = 0;

		while (i < ARRAY_SIZE(allowed) && !streq(allowed[i], key))
			i++;
		if (i == ARRAY_SIZE(allowed))
			return fail(ret_message, -EINVAL,
				    "there is no label \"%s\"; allowed are label, device, wafer, "
				    "die, note, operator",
				    key);
		if (strlen(value) > 4096)
			return fail(ret_message, -EINVAL, "%s is longer than 4096 bytes", key);
		if (json_object_set_new(*ret, key, json_string(value)) < 0)
			return -ENOMEM;
	}
	return r < 0 ? r : 0;
}

static int act_set_labels(struct bus *bus, sd_bus_message *m, const struct actor *actor,
			  sd_bus_error *error)
{
	_cleanup_free_ char *message = NULL;
	struct labelling *l;
	int r = PENDING(bus, m, &l);

	if (r < 0)
		return r;
	l->run = bus_run_at(sd_bus_message_get_path(m));
	l->task.run = run_labelling;
	l->task.done = labelling_done;
	r = read_labels(m, &l->labels, &message);
	if (r < 0) {
		json_decref(l->labels);
		pending_free(l);
		return bus_error_set(error, r, message, NULL);
	}
	audit(actor, "SetLabels", NULL, "run %lld", (long long)l->run);
	writer_task(bus->context->writer, bus->context->mailbox, &l->task);
	return 1;
}

static int method_set_labels(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	return callers_act(userdata, m, act_set_labels, error);
}

/* ---- Analyse ---- */

struct analysing {
	struct pending pending;
	struct task task;
	int64_t run;
	char *channel; /* NULL: the first signal channel */
	json_t *result;
};

static void analysing_free(struct analysing *a)
{
	json_decref(a->result);
	free(a->channel);
	pending_free(a);
}

static int run_analysing(struct task *task, struct store *store)
{
	struct analysing *a = container_of(task, struct analysing, task);

	return analysis_again(store, a->run, a->channel, a->pending.bus->context->analyse_path,
			      &a->result, &task->message);
}

static int run_keeping(struct task *task, struct store *store)
{
	struct analysing *a = container_of(task, struct analysing, task);
	const char *method = json_string_value(json_object_get(a->result, "method"));
	const char *version = json_string_value(json_object_get(a->result, "version"));

	return store_add_analysis(store, a->run, method ? method : "", version ? version : "",
				  a->result, NULL);
}

static void analysis_shown(_unused_ const struct run_entry *entry, _unused_ int error,
			   _unused_ const char *message, void *userdata)
{
	struct analysing *a = userdata;
	json_t *result = take_ptr(a->result);
	sd_bus_message *reply = pending_reply(a);

	pending_send(a, reply, reply ? variant_append_dict(reply, result) : -ENOMEM);
	json_decref(result);
}

static void kept(struct task *task)
{
	struct analysing *a = container_of(task, struct analysing, task);
	_cleanup_free_ char *message = take_ptr(task->message);

	free(take_ptr(a->channel));
	if (task->error == 0) {
		runs_changed(a->pending.bus->context->runs, a->run, analysis_shown, a);
		return;
	}
	json_decref(take_ptr(a->result));
	pending_error(a, task->error, message, BUS_NO_SUCH_RUN);
}

static void analysed(struct task *task)
{
	struct analysing *a = container_of(task, struct analysing, task);
	struct context *ctx = a->pending.bus->context;

	if (task->error < 0) {
		kept(task);
		return;
	}
	task->run = run_keeping;
	task->done = kept;
	writer_task(ctx->writer, ctx->mailbox, task);
}

static int analyse_options(sd_bus_message *m, struct analysing *a, char **ret_message)
{
	json_t *options = NULL, *value;
	const char *key;
	int r = variant_read_dict(m, &options, ret_message);

	json_object_foreach(options, key, value) {
		if (r < 0)
			break;
		if (streq(key, "channel") && json_is_string(value) && !a->channel)
			a->channel = strdup(json_string_value(value));
		else if (!streq(key, "method") || !json_is_string(value))
			r = fail(ret_message, -EINVAL,
				 "Analyse knows the options channel (s) and method (s), not \"%s\" "
				 "like this",
				 key);
		else if (!streq(json_string_value(value), "resonances"))
			r = fail(ret_message, -EOPNOTSUPP,
				 "there is no analysis \"%s\"; there is \"resonances\"",
				 json_string_value(value));
	}
	json_decref(options);
	return r;
}

static int act_analyse(struct bus *bus, sd_bus_message *m, const struct actor *actor,
		       sd_bus_error *error)
{
	_cleanup_free_ char *message = NULL;
	struct analysing *a;
	int r = PENDING(bus, m, &a);

	if (r < 0)
		return r;
	a->run = bus_run_at(sd_bus_message_get_path(m));
	a->task.uid = actor->uid;
	a->task.bulk = true;
	a->task.run = run_analysing;
	a->task.done = analysed;
	r = analyse_options(m, a, &message);
	if (r == 0)
		r = workers_submit(bus->context->workers, &a->task, &message);
	if (r == 0) {
		audit(actor, "Analyse", NULL, "run %lld", (long long)a->run);
		return 1;
	}
	analysing_free(a);
	return bus_error_set(error, r, message, NULL);
}

static int method_analyse(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	return callers_act(userdata, m, act_analyse, error);
}

/* ---- vtable ---- */

#define CHANGES SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE
#define OPEN SD_BUS_VTABLE_UNPRIVILEGED

static const sd_bus_vtable vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Id", "x", get_property, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("Status", "s", get_property, 0, CHANGES),
	SD_BUS_PROPERTY("Verdict", "s", get_property, 0, CHANGES),
	SD_BUS_PROPERTY("Reasons", "as", get_property, 0, CHANGES),
	SD_BUS_PROPERTY("Metadata", "a{sv}", get_property, 0, CHANGES),
	SD_BUS_PROPERTY("Ledger", "a{sv}", get_property, 0, CHANGES),
	SD_BUS_PROPERTY("Request", "a{sv}", get_property, 0, CHANGES),
	SD_BUS_PROPERTY("Analyses", "aa{sv}", get_property, 0, CHANGES),
	SD_BUS_PROPERTY("Columns", "a(ss)", get_property, 0, CHANGES),
	SD_BUS_METHOD_WITH_ARGS("GetData",
				SD_BUS_ARGS("t", first, "t", count, "t", stride, "a{sv}", options),
				SD_BUS_RESULT("h", frame, "a{sv}", info), method_get_data, OPEN),
	SD_BUS_METHOD_WITH_ARGS("SetLabels", SD_BUS_ARGS("a{ss}", labels), SD_BUS_NO_RESULT,
				method_set_labels, OPEN),
	SD_BUS_METHOD_WITH_ARGS("Analyse", SD_BUS_ARGS("a{sv}", options),
				SD_BUS_RESULT("a{sv}", result), method_analyse, OPEN),
	SD_BUS_VTABLE_END,
};

static int find(_unused_ sd_bus *b, const char *path, _unused_ const char *interface,
		void *userdata, void **ret_found, _unused_ sd_bus_error *error)
{
	struct bus *bus = userdata;

	*ret_found = bus;
	return runs_may_exist(bus->context->runs, bus_run_at(path));
}

static int enumerate(_unused_ sd_bus *b, _unused_ const char *prefix, void *userdata,
		     char ***ret_nodes, _unused_ sd_bus_error *error)
{
	_cleanup_(strv_freep) char **nodes = strv_new();
	struct bus *bus = userdata;
	int64_t recent[RUNS_RECENT];
	size_t count = runs_recent(bus->context->runs, recent, RUNS_RECENT);
	int r = nodes ? 0 : -ENOMEM;

	for (size_t i = 0; i < count && r == 0; i++)
		r = strv_push(&nodes, strdup(bus_run_path(recent[i]).text));
	if (r < 0)
		return r;
	*ret_nodes = take_ptr(nodes);
	return 1;
}

int bus_add_runs(struct bus *bus)
{
	int r = sd_bus_add_fallback_vtable(bus->bus, NULL, BUS_RUNS, BUS_RUN_INTERFACE, vtable,
					   find, bus);

	return r < 0 ? r : sd_bus_add_node_enumerator(bus->bus, NULL, BUS_RUNS, enumerate, bus);
}
