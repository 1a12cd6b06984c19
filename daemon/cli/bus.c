// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Connection, calls and errors. See bus.h.
 */
#include "cli/bus.h"

#include <errno.h>

/* ---- errors ---- */

static const struct {
	const char *name; /* behind org.etalon1.Error. */
	int exit_code;
} error_codes[] = {
	{"InvalidArgument", EXIT_USAGE}, {"NoSuchChannel", EXIT_USAGE},
	{"NoSuchRun", EXIT_USAGE},	 {"NoSuchJob", EXIT_USAGE},
	{"NoSuchColumn", EXIT_USAGE},	 {"NoData", EXIT_USAGE},
	{"NotSupported", EXIT_USAGE},	 {"OutOfRange", EXIT_REFUSED},
	{"NotAllowed", EXIT_REFUSED},	 {"Interlock", EXIT_REFUSED},
	{"LeaseRequired", EXIT_REFUSED}, {"LeaseHeld", EXIT_REFUSED},
	{"Busy", EXIT_REFUSED},		 {"Cancelled", EXIT_PARTIAL},
	{"BoardGone", EXIT_NO_BOARD},	 {"NoSuchBoard", EXIT_NO_BOARD},
};

static const struct {
	const char *name;
	const char *says;
} no_daemon[] = {
	{SD_BUS_ERROR_SERVICE_UNKNOWN, "etalond is not running"},
	{SD_BUS_ERROR_NAME_HAS_NO_OWNER, "etalond is not running"},
	{"org.freedesktop.DBus.Error.Spawn.ServiceNotFound", "etalond is not running"},
	{SD_BUS_ERROR_NO_REPLY, "etalond does not answer, or has gone away"},
	{SD_BUS_ERROR_TIMEOUT, "etalond does not answer"},
	{SD_BUS_ERROR_DISCONNECTED, "the bus has gone away"},
	{"System.Error.ENOTCONN", "the bus has gone away"},
	{"System.Error.ECONNRESET", "the bus has gone away"},
	{"System.Error.ETIMEDOUT", "etalond does not answer"},
};

static const char *without_daemon(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(no_daemon); i++) {
		if (streq(no_daemon[i].name, name))
			return no_daemon[i].says;
	}
	return NULL;
}

bool bus_error_is(const sd_bus_error *error, const char *name)
{
	return error->name && strncmp(error->name, ETALON_ERROR, strlen(ETALON_ERROR)) == 0 &&
	       streq(error->name + strlen(ETALON_ERROR), name);
}

int bus_exit_code(const char *name)
{
	for (size_t i = 0; name && i < ARRAY_SIZE(error_codes); i++) {
		if (strncmp(name, ETALON_ERROR, strlen(ETALON_ERROR)) == 0 &&
		    streq(name + strlen(ETALON_ERROR), error_codes[i].name))
			return error_codes[i].exit_code;
	}
	if (name && without_daemon(name))
		return EXIT_NO_BOARD;
	if (name && streq(name, SD_BUS_ERROR_ACCESS_DENIED))
		return EXIT_REFUSED;
	if (name && streq(name, SD_BUS_ERROR_UNKNOWN_OBJECT))
		return EXIT_USAGE;
	return EXIT_TROUBLE;
}

int bus_fail(struct cli *cli, const sd_bus_error *error, const char *what)
{
	const char *name = error->name ? error->name : "", *absent = without_daemon(name);
	int code = bus_exit_code(name);

	if (absent) {
		cli_fail(cli, code, "%s%s%s", what ? what : "", what ? ": " : "", absent);
		cli_try(cli,
			"systemctl start etalond (without a board: etalond --emulate SOCKET, see its help)");
		return code;
	}
	cli_fail(cli, code, "%s%s%s", what ? what : "", what ? ": " : "",
		 error->message ? error->message : name);
	if (streq(name, SD_BUS_ERROR_ACCESS_DENIED))
		cli_try(cli, "join the group etalon (adduser $USER etalon, then log in again): "
			     "it may act, everybody may observe");
	else if (bus_error_is(error, "Interlock"))
		cli_try(cli, "etalonctl (it says why light is not possible and what to do)");
	else if (bus_error_is(error, "NoSuchChannel"))
		cli_try(cli, "etalonctl info (it lists the channels)");
	else if (bus_error_is(error, "NoSuchRun"))
		cli_try(cli, "etalonctl runs");
	return code;
}

/* ---- connection ---- */

static int on_owner(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	struct cli *cli = userdata;
	const char *name, *old, *new;

	(void)ret_error;
	if (sd_bus_message_read(m, "sss", &name, &old, &new) < 0)
		return 0;
	cli->service_lost = *new == '\0';
	cli->service_changes++;
	return 0;
}

static int connect_address(const char *address, sd_bus **ret)
{
	sd_bus *bus = NULL;
	int r = sd_bus_new(&bus);

	if (r >= 0)
		r = sd_bus_set_address(bus, address);
	if (r >= 0)
		r = sd_bus_set_bus_client(bus, true);
	if (r >= 0)
		r = sd_bus_start(bus);
	if (r < 0) {
		sd_bus_unref(bus);
		return r;
	}
	*ret = bus;
	return 0;
}

static int connect_bus(const char *address, sd_bus **ret)
{
	if (!address || !*address || streq(address, "system"))
		return sd_bus_open_system(ret);
	if (streq(address, "user") || streq(address, "session"))
		return sd_bus_open_user(ret);
	return connect_address(address, ret);
}

int bus_open(struct cli *cli)
{
	const char *address = cli->bus_address ? cli->bus_address : getenv("ETALON_BUS");
	int r;

	if (cli->bus)
		return 0;
	r = sd_event_new(&cli->event);
	if (r < 0)
		return cli_fail(cli, EXIT_TROUBLE, "no event loop: %s", strerror(-r));
	r = connect_bus(address, &cli->bus);
	if (r < 0) {
		cli_fail(cli, EXIT_NO_BOARD, "cannot reach %s: %s",
			 address && *address ? address : "the system bus", strerror(-r));
		cli_try(cli, "--bus ADDRESS, or start dbus");
		return EXIT_NO_BOARD;
	}
	r = sd_bus_attach_event(cli->bus, cli->event, SD_EVENT_PRIORITY_NORMAL);
	if (r >= 0)
		r = sd_bus_add_match_async(cli->bus, &cli->owner_slot,
					   "type='signal',sender='org.freedesktop.DBus',"
					   "member='NameOwnerChanged',arg0='" ETALON_SERVICE "'",
					   on_owner, NULL, cli);
	if (r < 0)
		return cli_fail(cli, EXIT_NO_BOARD, "cannot use the bus: %s", strerror(-r));
	return 0;
}

/* ---- calls ---- */

struct pending {
	bool done;
	sd_bus_message *reply;
};

static int on_reply(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
	struct pending *pending = userdata;

	(void)ret_error;
	pending->done = true;
	pending->reply = sd_bus_message_ref(m);
	return 0;
}

sd_bus_message *bus_new_call(struct cli *cli, const char *path, const char *interface,
			     const char *member)
{
	sd_bus_message *m = NULL;

	sd_bus_message_new_method_call(cli->bus, &m, ETALON_SERVICE, path, interface, member);
	return m;
}

int bus_call(struct cli *cli, sd_bus_message *call, uint64_t timeout_us, sd_bus_error *error,
	     sd_bus_message **ret_reply)
{
	struct pending pending = {0};
	sd_bus_slot *slot = NULL;
	int r;

	if (!call)
		return sd_bus_error_set_errno(error, -ENOMEM);
	r = sd_bus_call_async(cli->bus, &slot, call, on_reply, &pending, timeout_us);
	while (r >= 0 && !pending.done)
		r = cli_turn(cli, UINT64_MAX);
	sd_bus_slot_unref(slot);
	if (r < 0) {
		sd_bus_message_unref(pending.reply);
		return sd_bus_error_set_errno(error, r);
	}
	if (sd_bus_message_is_method_error(pending.reply, NULL)) {
		r = sd_bus_error_copy(error, sd_bus_message_get_error(pending.reply));
		sd_bus_message_unref(pending.reply);
		return r < 0 ? r : -EIO;
	}
	if (ret_reply)
		*ret_reply = pending.reply;
	else
		sd_bus_message_unref(pending.reply);
	return 0;
}

int bus_call_plain(struct cli *cli, const char *path, const char *interface, const char *member,
		   sd_bus_error *error)
{
	_cleanup_message_ sd_bus_message *call = bus_new_call(cli, path, interface, member);

	return bus_call(cli, call, 0, error, NULL);
}
