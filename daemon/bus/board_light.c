// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Methods of org.etalon1.Board about lease, light and sources. Who may is decided here, by the
 * lease; darkness asks nobody.
 */
#include "bus/board.h"

#include "base/util.h"
#include "bus/variant.h"
#include "etalond/audit.h"

#define SETPOINTS_MAX ETALON_HW_SOURCES_MAX

struct board *board_of_call(struct bus *bus, sd_bus_message *m, sd_bus_error *error)
{
	struct board *board = bus_board_at(bus, sd_bus_message_get_path(m));

	if (!board)
		bus_error_set(error, -ENOENT, "the board has left", BUS_NO_SUCH_BOARD);
	return board;
}

static struct bus *bus_of_board(void *userdata)
{
	return bus_of(((struct board *)userdata)->context);
}

/* ---- answers ---- */

static void answer_nothing(_unused_ struct board *board, int error, const char *message,
			   void *userdata)
{
	struct pending *p = userdata;

	if (error < 0) {
		pending_error(p, error, message, NULL);
		return;
	}
	sd_bus_reply_method_return(p->call, NULL);
	pending_free(p);
}

static void answer_setpoints(struct board *board, int error, const char *message, void *userdata)
{
	sd_bus_message *reply;

	if (error < 0) {
		pending_error(userdata, error, message, NULL);
		return;
	}
	reply = pending_reply(userdata);
	pending_send(userdata, reply, reply ? board_append_setpoints(reply, board) : -ENOMEM);
}

/* ---- Lease ---- */

static void command_of(uint32_t pid, char *ret, size_t size)
{
	char path[32];
	_cleanup_fclose_ FILE *f = NULL;

	ret[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%u/comm", pid);
	f = pid ? fopen(path, "re") : NULL;
	if (f && fgets(ret, (int)size, f))
		ret[strcspn(ret, "\n")] = '\0';
}

static int lease_options(const json_t *options, bool *take_over, const char **host,
			 char **ret_message)
{
	const char *key;
	json_t *value;

	*take_over = false;
	*host = "";
	json_object_foreach((json_t *)(uintptr_t)options, key, value) {
		if (streq(key, "take_over") && json_is_boolean(value))
			*take_over = json_is_true(value);
		else if (streq(key, "host") && json_is_string(value) &&
			 json_string_length(value) < 128)
			*host = json_string_value(value);
		else
			return fail(
				ret_message, -EINVAL,
				"Lease knows the options take_over (b) and host (s), not \"%s\" "
				"like this",
				key);
	}
	return 0;
}

static int grant_lease(struct bus *bus, struct board *board, const struct actor *actor,
		       uint32_t period_ms, const json_t *options, int *ret_fd, char **ret_message)
{
	char command[32];
	bool take_over;
	struct lease_holder holder = {
		.name = actor->name, .uid = actor->uid, .pid = actor->pid, .command = command};
	int r;

	r = lease_options(options, &take_over, &holder.host, ret_message);
	if (r < 0)
		return r;
	command_of(actor->pid, command, sizeof(command));
	r = board_lease(board, period_ms, &holder, take_over, ret_fd, ret_message);
	if (r < 0)
		return r;
	audit(actor, take_over ? "Lease (take-over)" : "Lease", board, "%s%s%s", command,
	      holder.host[0] ? " on " : "", holder.host);
	r = bus_watch_name(bus, actor->name, board);
	if (r < 0)
		board_end_lease(board, "its holder cannot be watched");
	return r;
}

static int act_lease(struct bus *bus, sd_bus_message *m, const struct actor *actor,
		     sd_bus_error *error)
{
	struct board *board = board_of_call(bus, m, error);
	_cleanup_free_ char *message = NULL;
	_cleanup_close_ int fd = -1;
	json_t *options = NULL;
	uint32_t period_ms;
	int r;

	if (!board)
		return -ENOENT;
	r = sd_bus_message_read(m, "u", &period_ms);
	if (r < 0)
		return r;
	r = variant_read_dict(m, &options, &message);
	if (r == 0)
		r = grant_lease(bus, board, actor, period_ms, options, &fd, &message);
	json_decref(options);
	if (r < 0)
		return bus_error_set(error, r, message, NULL);
	return sd_bus_reply_method_return(m, "h", fd);
}

int board_method_lease(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	return callers_act(bus_of_board(userdata), m, act_lease, error);
}

/* ---- setpoints ---- */

struct setpoints {
	struct setpoint items[SETPOINTS_MAX];
	size_t count;
};

static struct setpoint *find_setpoint(struct setpoints *list, unsigned int source)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].source == source)
			return &list->items[i];
	return NULL;
}

static int read_setpoints(sd_bus_message *m, const struct board *board, struct setpoints *ret,
			  char **ret_message)
{
	int r = sd_bus_message_enter_container(m, 'a', "{sx}");
	const char *name;
	int64_t value;

	ret->count = 0;
	while (r >= 0 && (r = sd_bus_message_read(m, "{sx}", &name, &value)) > 0) {
		int source = description_source(board->facts->description, name);

		if (source < 0)
			return fail(
				ret_message, -ECHRNG,
				"this board has no source \"%s\"; its property Sources names them",
				name);
		if (find_setpoint(ret, (unsigned int)source))
			return fail(ret_message, -EINVAL, "source %s is named twice", name);
		ret->items[ret->count++] = (struct setpoint){(unsigned int)source, value};
	}
	return r < 0 ? r : board_check_setpoints(board, ret->items, ret->count, ret_message);
}

/* A laser whose power nobody named gets the site's default: named in the answer, never hidden. */
static int add_default_power(const struct board *board, struct setpoints *list, char **ret_message)
{
	const struct description *d = board->facts->description;
	int64_t power = board->facts->site.default_power_fw;

	for (unsigned int i = 0; i < d->head.source_count; i++) {
		const struct etalon_hw_source *s = &d->source[i];

		if (s->kind != ETALON_HW_SOURCE_POWER || !s->emits || find_setpoint(list, i))
			continue;
		if (power == 0)
			return fail(ret_message, -EINVAL,
				    "name %s: the site's configuration has no default_power",
				    s->name);
		list->items[list->count++] =
			(struct setpoint){i, power / s->resolution * s->resolution};
	}
	return board_check_setpoints(board, list->items, list->count, ret_message);
}

static int check_free(const struct board *board, char **ret_message)
{
	if (!board->job)
		return 0;
	return fail(ret_message, -EBUSY,
		    "job %u runs on this board and has its sources; wait for its end or cancel it",
		    board->job->number);
}

/* Whoever brings light to the port answers for it for as long as it is on the bus. */
static int answer_for_light(struct bus *bus, struct board *board, const struct actor *actor)
{
	int r = bus_watch_name(bus, actor->name, board);

	if (r == 0)
		board_gate_opened_by(board, actor->name);
	return r;
}

/* A board without a gate has light on its port as soon as it emits. */
static bool opens_gate(const struct board *board, struct setpoints *list, bool emits)
{
	int gate = facts_gate(board->facts);
	const struct setpoint *s = gate < 0 ? NULL : find_setpoint(list, (unsigned int)gate);

	return gate < 0 ? emits : s && s->value != 0;
}

static int act_emit(struct bus *bus, sd_bus_message *m, const struct actor *actor,
		    sd_bus_error *error)
{
	struct board *board = board_of_call(bus, m, error);
	_cleanup_free_ char *message = NULL;
	struct setpoints list;
	struct pending *p;
	int r;

	if (!board)
		return -ENOENT;
	r = read_setpoints(m, board, &list, &message);
	if (r == 0)
		r = board_may_emit(board, actor, &message);
	if (r == 0)
		r = check_free(board, &message);
	if (r == 0)
		r = add_default_power(board, &list, &message);
	if (r == 0 && opens_gate(board, &list, true))
		r = answer_for_light(bus, board, actor);
	if (r == 0)
		r = PENDING(bus, m, &p);
	if (r < 0)
		return bus_error_set(error, r, message, NULL);
	audit(actor, "Emit", board, "%zu setpoints", list.count);
	board_emit(board, list.items, list.count, answer_setpoints, p);
	return 1;
}

int board_method_emit(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	return callers_act(bus_of_board(userdata), m, act_emit, error);
}

static int may_set(const struct board *board, const struct setpoints *list,
		   const struct actor *actor, char **ret_message)
{
	int r = check_free(board, ret_message);

	for (size_t i = 0; i < list->count && r == 0; i++)
		if (board_source_emits(board, list->items[i].source))
			r = board_may_emit(board, actor, ret_message);
	return r;
}

static int act_set(struct bus *bus, sd_bus_message *m, const struct actor *actor,
		   sd_bus_error *error)
{
	struct board *board = board_of_call(bus, m, error);
	_cleanup_free_ char *message = NULL;
	struct setpoints list;
	struct pending *p;
	int r;

	if (!board)
		return -ENOENT;
	r = read_setpoints(m, board, &list, &message);
	if (r == 0)
		r = may_set(board, &list, actor, &message);
	if (r == 0 && opens_gate(board, &list, false))
		r = answer_for_light(bus, board, actor);
	if (r == 0)
		r = PENDING(bus, m, &p);
	if (r < 0)
		return bus_error_set(error, r, message, NULL);
	audit(actor, "Set", board, "%zu setpoints", list.count);
	board_set(board, list.items, list.count, answer_nothing, p);
	return 1;
}

int board_method_set(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	return callers_act(bus_of_board(userdata), m, act_set, error);
}

/* ---- gate ---- */

static int act_open_gate(struct bus *bus, sd_bus_message *m, const struct actor *actor,
			 sd_bus_error *error)
{
	struct board *board = board_of_call(bus, m, error);
	_cleanup_free_ char *message = NULL;
	struct pending *p;
	int r;

	if (!board)
		return -ENOENT;
	r = board_may_emit(board, actor, &message);
	if (r == 0)
		r = check_free(board, &message);
	if (r == 0)
		r = answer_for_light(bus, board, actor);
	if (r == 0)
		r = PENDING(bus, m, &p);
	if (r < 0)
		return bus_error_set(error, r, message, NULL);
	audit(actor, "SetGate", board, "open");
	board_gate(board, true, answer_nothing, p);
	return 1;
}

int board_method_set_gate(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct board *board = userdata;
	struct bus *bus = bus_of_board(userdata);
	struct actor actor = callers_known(bus, m);
	struct pending *p;
	char why[96];
	int open, r;

	r = sd_bus_message_read(m, "b", &open);
	if (r < 0)
		return r;
	if (open) {
		sd_bus_message_rewind(m, 1);
		return callers_act(bus, m, act_open_gate, error);
	}
	r = PENDING(bus, m, &p);
	if (r < 0)
		return r;
	/* A sweep behind a shut gate measures nothing: it ends, and says who shut it. */
	snprintf(why, sizeof(why), "the gate was shut by %s", actor.name);
	if (board->job)
		job_light_lost(board->job, -ECANCELED, why);
	board_gate_opened_by(board, NULL);
	board_gate(board, false, answer_nothing, p);
	audit(&actor, "SetGate", board, "shut");
	return 1;
}

/* ---- dark, and out of a trip ---- */

#define TURNED_OFF_BY "turned off by %s"

static void audit_off(struct bus *bus, sd_bus_message *m, const struct actor *actor)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	struct board *board = board_of_call(bus, m, &error);
	char why[96], fuller[128];

	audit(actor, "Off", board, "%s", "");
	sd_bus_error_free(&error);
	if (!board || actor->uid == UINT32_MAX)
		return;
	snprintf(why, sizeof(why), TURNED_OFF_BY, actor->name);
	snprintf(fuller, sizeof(fuller), "%s (uid %u)", why, actor->uid);
	board_retell_off(board, why, fuller);
}

/* Who it was is asked when the light is off. */
int board_method_off(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
	struct board *board = userdata;
	struct bus *bus = bus_of_board(userdata);
	struct actor actor = callers_known(bus, m);
	struct pending *p;
	char why[96];
	int r = PENDING(bus, m, &p);

	if (r < 0)
		return r;
	/* A job must know its cause before its records can end; this, too, turns light off. */
	snprintf(why, sizeof(why), TURNED_OFF_BY, actor.name);
	if (board->job)
		job_light_lost(board->job, -ECANCELED, why);
	board_off(board, why, answer_nothing, p);
	callers_tell(bus, m, audit_off);
	return 1;
}

static int act_clear(struct bus *bus, sd_bus_message *m, const struct actor *actor,
		     sd_bus_error *error)
{
	struct board *board = board_of_call(bus, m, error);
	struct pending *p;
	int r;

	if (!board)
		return -ENOENT;
	/* Nothing to clear is no failure: two who clear at once both get what they want. */
	if (board->present && board->status.state == ETALON_HW_STATE_OFF)
		return sd_bus_reply_method_return(m, NULL);
	if (board->present && board->status.state != ETALON_HW_STATE_TRIPPED)
		return bus_error_set(error, -EINVAL,
				     "the board has not tripped: there is nothing to clear", NULL);
	r = PENDING(bus, m, &p);
	if (r < 0)
		return r;
	audit(actor, "ClearFault", board, "%s", "");
	board_clear(board, answer_nothing, p);
	return 1;
}

int board_method_clear_fault(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	return callers_act(bus_of_board(userdata), m, act_clear, error);
}
