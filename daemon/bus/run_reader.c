// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Property reads of runs that are not in memory. sd-bus reads properties on the spot, and the
 * main thread reads no disk: so such calls are taken aside, a worker reads the run, and they
 * are answered as sd-bus would have.
 */
#include "base/util.h"
#include "bus/run.h"
#include "bus/variant.h"
#include "data/meta.h"

const struct run_property run_properties[] = {
	{"Id", "x"},	      {"Status", "s"},	      {"Verdict", "s"},
	{"Reasons", "as"},    {"Metadata", "a{sv}"},  {"Ledger", "a{sv}"},
	{"Request", "a{sv}"}, {"Analyses", "aa{sv}"}, {"Columns", "a(ss)"},
};
const size_t run_property_count = ARRAY_SIZE(run_properties);

static int append_text(sd_bus_message *m, const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return sd_bus_message_append(m, "s", text ? text : "");
}

static int append_texts(sd_bus_message *m, const json_t *array)
{
	size_t i;
	json_t *item;
	int r = sd_bus_message_open_container(m, 'a', "s");

	json_array_foreach(array, i, item) {
		const char *text = json_string_value(item);

		if (r >= 0 && text)
			r = sd_bus_message_append(m, "s", text);
	}
	return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_columns(sd_bus_message *m, const json_t *columns)
{
	size_t i;
	json_t *column;
	int r = sd_bus_message_open_container(m, 'a', "(ss)");

	json_array_foreach(columns, i, column) {
		const char *name = json_string_value(json_object_get(column, "name"));
		const char *unit = json_string_value(json_object_get(column, "unit"));

		if (r >= 0)
			r = sd_bus_message_append(m, "(ss)", name ? name : "", unit ? unit : "");
	}
	return r < 0 ? r : sd_bus_message_close_container(m);
}

int run_append_property(sd_bus_message *m, const struct run_entry *e, const char *property)
{
	if (streq(property, "Id"))
		return sd_bus_message_append(m, "x", e->run);
	if (streq(property, "Status"))
		return append_text(m, e->meta, "status");
	if (streq(property, "Verdict"))
		return append_text(m, e->meta, META_VERDICT);
	if (streq(property, "Reasons"))
		return append_texts(m, json_object_get(e->meta, META_REASONS));
	if (streq(property, "Metadata"))
		return variant_append_dict(m, e->meta);
	if (streq(property, "Ledger"))
		return variant_append_dict(m, json_object_get(e->meta, META_LEDGER));
	if (streq(property, "Request"))
		return variant_append_dict(m, e->request);
	if (streq(property, "Analyses"))
		return variant_append_dicts(m, e->analyses);
	if (streq(property, "Columns"))
		return append_columns(m, e->columns);
	return -EINVAL;
}

/* ---- the calls taken aside ---- */

struct aside {
	struct pending pending;
	bool all;
	char *property;
};

static int append_variant(sd_bus_message *m, const struct run_entry *entry,
			  const struct run_property *property)
{
	int r = sd_bus_message_open_container(m, 'v', property->type);

	if (r >= 0)
		r = run_append_property(m, entry, property->name);
	return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_all(sd_bus_message *m, const struct run_entry *entry)
{
	int r = sd_bus_message_open_container(m, 'a', "{sv}");

	for (size_t i = 0; i < run_property_count && r >= 0; i++) {
		r = sd_bus_message_open_container(m, 'e', "sv");
		if (r >= 0)
			r = sd_bus_message_append(m, "s", run_properties[i].name);
		if (r >= 0)
			r = append_variant(m, entry, &run_properties[i]);
		if (r >= 0)
			r = sd_bus_message_close_container(m);
	}
	return r < 0 ? r : sd_bus_message_close_container(m);
}

static const struct run_property *find_property(const char *name)
{
	for (size_t i = 0; i < run_property_count; i++)
		if (streq(run_properties[i].name, name))
			return &run_properties[i];
	return NULL;
}

static void loaded(const struct run_entry *entry, int error, const char *message, void *userdata)
{
	struct aside *a = userdata;
	_cleanup_free_ char *name = take_ptr(a->property);
	const struct run_property *property = name ? find_property(name) : NULL;
	bool all = a->all;
	sd_bus_message *reply;

	if (error < 0) {
		pending_error(a, error, message, BUS_NO_SUCH_RUN);
		return;
	}
	if (!all && !property) {
		sd_bus_reply_method_errorf(a->pending.call, SD_BUS_ERROR_UNKNOWN_PROPERTY,
					   "Unknown property %s.", name);
		pending_free(a);
		return;
	}
	reply = pending_reply(a);
	pending_send(a, reply,
		     !reply ? -ENOMEM
		     : all  ? append_all(reply, entry)
			    : append_variant(reply, entry, property));
}

/* Only what asks for our own interface; the rest sd-bus answers without the run. */
static int read_question(sd_bus_message *m, struct aside *a)
{
	const char *interface, *property;
	int r = sd_bus_message_read(m, "s", &interface);

	if (r < 0)
		return r;
	if (!streq(interface, BUS_RUN_INTERFACE) && !(a->all && interface[0] == '\0'))
		return -ENOENT;
	if (a->all)
		return 0;
	r = sd_bus_message_read(m, "s", &property);
	if (r < 0)
		return r;
	a->property = strdup(property);
	return a->property ? 0 : -ENOMEM;
}

static bool is_property_read(sd_bus_message *m, bool *ret_all)
{
	static const char interface[] = "org.freedesktop.DBus.Properties";

	*ret_all = sd_bus_message_is_method_call(m, interface, "GetAll") > 0;
	return *ret_all || sd_bus_message_is_method_call(m, interface, "Get") > 0;
}

static int on_message(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	const char *path = sd_bus_message_get_path(m);
	_cleanup_free_ char *message = NULL;
	struct bus *bus = userdata;
	struct aside *a;
	int64_t run;
	bool all;
	int r;

	if (!path || strncmp(path, BUS_RUNS "/", sizeof(BUS_RUNS)) != 0 ||
	    !is_property_read(m, &all))
		return 0;
	run = bus_run_at(path);
	if (!runs_may_exist(bus->context->runs, run) || runs_get(bus->context->runs, run))
		return 0;
	r = PENDING(bus, m, &a);
	if (r < 0)
		return r;
	a->all = all;
	r = read_question(m, a);
	if (r == 0)
		r = runs_load(bus->context->runs, run, loaded, a, &message);
	if (r == 0)
		return 1;
	free(a->property);
	pending_free(a);
	sd_bus_message_rewind(m, 1);
	return r == -EBUSY ? bus_error_set(error, r, message, NULL) : 0;
}

int bus_add_run_reader(struct bus *bus)
{
	return sd_bus_add_filter(bus->bus, NULL, on_message, bus);
}
