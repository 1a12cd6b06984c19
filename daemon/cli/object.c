// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Objects of the daemon with their properties. See bus.h.
 */
#include "cli/bus.h"

#include <errno.h>

static int take_properties(struct object *o, sd_bus_message *reply)
{
	json_t *properties = NULL;
	int r = wire_read(reply, &properties);

	if (r < 0)
		return r;
	json_decref(o->properties);
	o->properties = properties;
	o->changes++;
	return 0;
}

static int on_read_again(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	(void)ret_error;
	if (!sd_bus_message_is_method_error(m, NULL))
		take_properties(userdata, m);
	return 0;
}

static int on_changed(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	_cleanup_json_ json_t *changed = NULL, *invalidated = NULL;
	struct object *o = userdata;
	const char *interface;

	(void)ret_error;
	if (sd_bus_message_read_basic(m, 's', &interface) < 0 || !streq(interface, o->interface) ||
	    wire_read(m, &changed) < 0 || wire_read(m, &invalidated) < 0)
		return 0;
	json_object_update(o->properties, changed);
	o->changes++;
	/* Named without their values: ask. */
	if (json_array_size(invalidated) > 0) {
		o->again = sd_bus_slot_unref(o->again);
		sd_bus_call_method_async(o->cli->bus, &o->again, ETALON_SERVICE, o->path,
					 "org.freedesktop.DBus.Properties", "GetAll", on_read_again,
					 o, "s", o->interface);
	}
	return 0;
}

int object_refresh(struct object *o, sd_bus_error *error)
{
	_cleanup_message_ sd_bus_message *call = NULL, *reply = NULL;
	int r;

	call = bus_new_call(o->cli, o->path, "org.freedesktop.DBus.Properties", "GetAll");
	if (!call)
		return sd_bus_error_set_errno(error, -ENOMEM);
	r = sd_bus_message_append(call, "s", o->interface);
	if (r < 0)
		return sd_bus_error_set_errno(error, r);
	r = bus_call(o->cli, call, 0, error, &reply);
	if (r < 0)
		return r;
	r = take_properties(o, reply);
	return r < 0 ? sd_bus_error_set_errno(error, r) : 0;
}

int object_open(struct object *o, struct cli *cli, const char *path, const char *interface,
		sd_bus_error *error)
{
	int r;

	*o = (struct object){.cli = cli,
			     .path = strdup(path),
			     .interface = interface,
			     .properties = json_object()};
	if (!o->path || !o->properties)
		r = -ENOMEM;
	else
		r = sd_bus_match_signal_async(cli->bus, &o->slot, ETALON_SERVICE, path,
					      "org.freedesktop.DBus.Properties",
					      "PropertiesChanged", on_changed, NULL, o);
	if (r < 0) {
		object_close(o);
		return sd_bus_error_set_errno(error, r);
	}
	r = object_refresh(o, error);
	if (r < 0)
		object_close(o);
	return r;
}

void object_close(struct object *o)
{
	sd_bus_slot_unref(o->slot);
	sd_bus_slot_unref(o->again);
	json_decref(o->properties);
	free(o->path);
	*o = (struct object){0};
}
