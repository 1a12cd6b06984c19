// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * org.etalon1.Board: properties and vtable. See org.etalon1.Board.xml beside this file; the
 * methods are in board_light.c and board_measure.c.
 */
#include "bus/board.h"

#include "base/util.h"
#include "bus/board_describe.h"
#include "etalond/strv.h"

static int get_constant(_unused_ sd_bus *b, _unused_ const char *path,
			_unused_ const char *interface, const char *property, sd_bus_message *reply,
			void *userdata, _unused_ sd_bus_error *error)
{
	const struct board *board = userdata;
	const struct etalon_hw_description *head = &board->facts->description->head;
	const struct {
		const char *name, *value;
	} texts[] = {
		{"Serial", head->serial},	    {"Model", head->model},
		{"Firmware", head->firmware},	    {"Link", board->link_name},
		{"Address", board->address},	    {"LaserClass", head->laser_class},
		{"State", board_state_text(board)}, {"LastOffCause", board->last_off_cause},
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (streq(texts[i].name, property))
			return sd_bus_message_append(reply, "s",
						     texts[i].value ? texts[i].value : "");
	return -EINVAL;
}

static int get_capabilities(_unused_ sd_bus *b, _unused_ const char *path,
			    _unused_ const char *interface, _unused_ const char *property,
			    sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error)
{
	return board_append_capabilities(reply, userdata);
}

static int get_sources(_unused_ sd_bus *b, _unused_ const char *path,
		       _unused_ const char *interface, _unused_ const char *property,
		       sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error)
{
	return board_append_sources(reply, userdata);
}

static int get_detectors(_unused_ sd_bus *b, _unused_ const char *path,
			 _unused_ const char *interface, _unused_ const char *property,
			 sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error)
{
	return board_append_detectors(reply, userdata);
}

static int get_gate(_unused_ sd_bus *b, _unused_ const char *path, _unused_ const char *interface,
		    _unused_ const char *property, sd_bus_message *reply, void *userdata,
		    _unused_ sd_bus_error *error)
{
	return sd_bus_message_append(reply, "b", (int)board_gate_is_open(userdata));
}

static int get_causes(_unused_ sd_bus *b, _unused_ const char *path, _unused_ const char *interface,
		      const char *property, sd_bus_message *reply, void *userdata,
		      _unused_ sd_bus_error *error)
{
	const struct board *board = userdata;
	bool live = streq(property, "CausesLive");

	return board_append_causes(reply,
				   live ? board->status.causes_live : board->status.causes_latched);
}

static int get_why_dark(_unused_ sd_bus *b, _unused_ const char *path,
			_unused_ const char *interface, _unused_ const char *property,
			sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error)
{
	_cleanup_(strv_freep) char **why = board_why_dark(userdata);

	return why ? sd_bus_message_append_strv(reply, why) : -ENOMEM;
}

static int get_times(_unused_ sd_bus *b, _unused_ const char *path, _unused_ const char *interface,
		     const char *property, sd_bus_message *reply, void *userdata,
		     _unused_ sd_bus_error *error)
{
	const struct board *board = userdata;
	uint64_t value = 0;

	if (streq(property, "LastOffTime"))
		value = board->last_off_ns;
	else if (streq(property, "EmissionDelayNs"))
		value = board->facts->description->head.emission_delay_ns;
	else if (streq(property, "WatchdogNs"))
		value = board->context->config->watchdog_ms * NSEC_PER_MSEC;
	else if (board->lease) /* LeaseSince */
		value = lease_since_ns(board->lease);
	return sd_bus_message_append(reply, "t", value);
}

static int get_lease_text(_unused_ sd_bus *b, _unused_ const char *path,
			  _unused_ const char *interface, const char *property,
			  sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error)
{
	const struct board *board = userdata;
	const struct lease_holder *holder = board->lease ? lease_holder(board->lease) : NULL;

	return sd_bus_message_append(reply, "s",
				     !holder			    ? ""
				     : streq(property, "LeaseHost") ? holder->host
								    : holder->name);
}

static int get_lease_number(_unused_ sd_bus *b, _unused_ const char *path,
			    _unused_ const char *interface, const char *property,
			    sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error)
{
	const struct board *board = userdata;
	uint32_t value = 0;

	if (board->lease && streq(property, "LeaseUid"))
		value = lease_holder(board->lease)->uid;
	else if (board->lease)
		value = lease_period_ms(board->lease);
	return sd_bus_message_append(reply, "u", value);
}

static int get_job(_unused_ sd_bus *b, _unused_ const char *path, _unused_ const char *interface,
		   _unused_ const char *property, sd_bus_message *reply, void *userdata,
		   _unused_ sd_bus_error *error)
{
	const struct board *board = userdata;

	return sd_bus_message_append(
		reply, "o", board->job && board->job->listed ? bus_job_path(board->job).text : "/");
}

int board_append_setpoints(sd_bus_message *m, const struct board *board)
{
	const struct description *d = board->facts->description;
	int r = sd_bus_message_open_container(m, 'a', "{sx}");

	for (unsigned int i = 0; i < d->head.source_count && r >= 0; i++)
		r = sd_bus_message_append(m, "{sx}", d->source[i].name, board->setpoints[i]);
	return r < 0 ? r : sd_bus_message_close_container(m);
}

static int get_setpoints(_unused_ sd_bus *b, _unused_ const char *path,
			 _unused_ const char *interface, _unused_ const char *property,
			 sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error)
{
	return board_append_setpoints(reply, userdata);
}

#define CONSTANT SD_BUS_VTABLE_PROPERTY_CONST
#define CHANGES SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE
#define OPEN SD_BUS_VTABLE_UNPRIVILEGED

static const sd_bus_vtable vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Serial", "s", get_constant, 0, CONSTANT),
	SD_BUS_PROPERTY("Model", "s", get_constant, 0, CONSTANT),
	SD_BUS_PROPERTY("Firmware", "s", get_constant, 0, CONSTANT),
	SD_BUS_PROPERTY("Link", "s", get_constant, 0, CONSTANT),
	SD_BUS_PROPERTY("Address", "s", get_constant, 0, CONSTANT),
	SD_BUS_PROPERTY("LaserClass", "s", get_constant, 0, CONSTANT),
	SD_BUS_PROPERTY("Capabilities", "as", get_capabilities, 0, CONSTANT),
	SD_BUS_PROPERTY("Sources", "aa{sv}", get_sources, 0, CHANGES),
	SD_BUS_PROPERTY("Detectors", "aa{sv}", get_detectors, 0, CHANGES),
	SD_BUS_PROPERTY("State", "s", get_constant, 0, CHANGES),
	SD_BUS_PROPERTY("GateOpen", "b", get_gate, 0, CHANGES),
	SD_BUS_PROPERTY("CausesLive", "as", get_causes, 0, CHANGES),
	SD_BUS_PROPERTY("CausesLatched", "as", get_causes, 0, CHANGES),
	SD_BUS_PROPERTY("WhyDark", "as", get_why_dark, 0, CHANGES),
	SD_BUS_PROPERTY("LastOffCause", "s", get_constant, 0, CHANGES),
	SD_BUS_PROPERTY("LastOffTime", "t", get_times, 0, CHANGES),
	SD_BUS_PROPERTY("EmissionDelayNs", "t", get_times, 0, CONSTANT),
	SD_BUS_PROPERTY("WatchdogNs", "t", get_times, 0, CHANGES),
	SD_BUS_PROPERTY("LeaseHolder", "s", get_lease_text, 0, CHANGES),
	SD_BUS_PROPERTY("LeaseUid", "u", get_lease_number, 0, CHANGES),
	SD_BUS_PROPERTY("LeaseHost", "s", get_lease_text, 0, CHANGES),
	SD_BUS_PROPERTY("LeaseSince", "t", get_times, 0, CHANGES),
	SD_BUS_PROPERTY("LeasePeriodMs", "u", get_lease_number, 0, CHANGES),
	SD_BUS_PROPERTY("Job", "o", get_job, 0, CHANGES),
	SD_BUS_PROPERTY("Setpoints", "a{sx}", get_setpoints, 0, CHANGES),
	SD_BUS_METHOD_WITH_ARGS("Lease", SD_BUS_ARGS("u", period_ms, "a{sv}", options),
				SD_BUS_RESULT("h", lease), board_method_lease, OPEN),
	SD_BUS_METHOD_WITH_ARGS("Emit", SD_BUS_ARGS("a{sx}", setpoints),
				SD_BUS_RESULT("a{sx}", used), board_method_emit, OPEN),
	SD_BUS_METHOD_WITH_ARGS("SetGate", SD_BUS_ARGS("b", open), SD_BUS_NO_RESULT,
				board_method_set_gate, OPEN),
	SD_BUS_METHOD_WITH_ARGS("Off", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, board_method_off, OPEN),
	SD_BUS_METHOD_WITH_ARGS("Set", SD_BUS_ARGS("a{sx}", setpoints), SD_BUS_NO_RESULT,
				board_method_set, OPEN),
	SD_BUS_METHOD_WITH_ARGS("Read", SD_BUS_ARGS("as", detectors, "a{sv}", options),
				SD_BUS_RESULT("aa{sv}", readings), board_method_read, OPEN),
	SD_BUS_METHOD_WITH_ARGS("Plan", SD_BUS_ARGS("a{sv}", request), SD_BUS_RESULT("a{sv}", plan),
				board_method_plan, OPEN),
	SD_BUS_METHOD_WITH_ARGS("PlanSetpoints", SD_BUS_ARGS("a{sv}", request),
				SD_BUS_RESULT("h", frame), board_method_plan_setpoints, OPEN),
	SD_BUS_METHOD_WITH_ARGS("Measure", SD_BUS_ARGS("a{sv}", request), SD_BUS_RESULT("o", job),
				board_method_measure, OPEN),
	SD_BUS_METHOD_WITH_ARGS("ClearFault", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT,
				board_method_clear_fault, OPEN),
	SD_BUS_SIGNAL_WITH_ARGS("Safety", SD_BUS_ARGS("s", state, "s", cause), 0),
	SD_BUS_VTABLE_END,
};

static int find(_unused_ sd_bus *b, const char *path, _unused_ const char *interface,
		void *userdata, void **ret_found, _unused_ sd_bus_error *error)
{
	*ret_found = bus_board_at(userdata, path);
	return *ret_found != NULL;
}

static int enumerate(_unused_ sd_bus *b, _unused_ const char *prefix, void *userdata,
		     char ***ret_nodes, _unused_ sd_bus_error *error)
{
	_cleanup_(strv_freep) char **nodes = strv_new();
	struct bus *bus = userdata;
	int r = nodes ? 0 : -ENOMEM;

	for (struct board *board = bus->context->boards; board && r == 0; board = board->next)
		if (board->known)
			r = strv_push(&nodes, strdup(bus_board_path(board).text));
	if (r < 0)
		return r;
	*ret_nodes = take_ptr(nodes);
	return 1;
}

int bus_add_boards(struct bus *bus)
{
	int r = sd_bus_add_fallback_vtable(bus->bus, NULL, BUS_BOARDS, BUS_BOARD_INTERFACE, vtable,
					   find, bus);

	return r < 0 ? r : sd_bus_add_node_enumerator(bus->bus, NULL, BUS_BOARDS, enumerate, bus);
}
