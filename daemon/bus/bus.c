// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The connection: its objects' paths, its name, calls answered later, what the daemon tells
 * (observer) as signals. See bus.h. The interfaces are in their own files.
 */
#include "bus/bus.h"

#include <syslog.h>

#include "base/util.h"
#include "etalond/audit.h"

struct bus *bus_of(const struct context *ctx)
{
	return ctx->observer->userdata;
}

/* ---- paths ---- */

struct bus_path bus_board_path(const struct board *board)
{
	_cleanup_free_ char *encoded = NULL;
	struct bus_path path = {.text = BUS_BOARDS "/_"};

	if (sd_bus_path_encode(BUS_BOARDS, board_serial(board), &encoded) >= 0)
		snprintf(path.text, sizeof(path.text), "%s", encoded);
	return path;
}

struct bus_path bus_job_path(const struct job *job)
{
	struct bus_path path;

	snprintf(path.text, sizeof(path.text), BUS_JOBS "/%u", job->number);
	return path;
}

struct bus_path bus_run_path(int64_t run)
{
	struct bus_path path;

	snprintf(path.text, sizeof(path.text), BUS_RUNS "/%lld", (long long)run);
	return path;
}

struct board *bus_board_at(struct bus *bus, const char *path)
{
	_cleanup_free_ char *serial = NULL;

	if (sd_bus_path_decode(path, BUS_BOARDS, &serial) <= 0)
		return NULL;
	return board_by_serial(bus->context, serial);
}

/* "7", but not "07", "+7" or "7x": one object, one path. */
static int64_t number_at(const char *path, const char *prefix, int64_t max)
{
	size_t length = strlen(prefix);
	int64_t number = 0;

	if (strncmp(path, prefix, length) != 0 || path[length] != '/')
		return 0;
	path += length + 1;
	if (*path < '1' || *path > '9')
		return 0;
	for (; *path; path++) {
		if (*path < '0' || *path > '9' || number > (max - 9) / 10)
			return 0;
		number = number * 10 + (*path - '0');
	}
	return number;
}

struct job *bus_job_at(struct bus *bus, const char *path)
{
	int64_t number = number_at(path, BUS_JOBS, UINT32_MAX);

	return number ? job_by_number(bus->context, (uint32_t)number) : NULL;
}

int64_t bus_run_at(const char *path)
{
	return number_at(path, BUS_RUNS, INT64_MAX);
}

/* ---- calls answered later ---- */

int pending_new(struct bus *bus, sd_bus_message *call, size_t size, void *ret)
{
	struct pending *p = calloc(1, size);

	if (!p)
		return -ENOMEM;
	p->bus = bus;
	p->call = sd_bus_message_ref(call);
	*(void **)ret = p;
	return 0;
}

void pending_free(void *pending)
{
	struct pending *p = pending;

	sd_bus_message_unref(p->call);
	free(p);
}

void pending_error(void *pending, int error, const char *message, const char *missing)
{
	struct pending *p = pending;

	bus_reply_error(p->call, error, message, missing);
	pending_free(p);
}

sd_bus_message *pending_reply(void *pending)
{
	struct pending *p = pending;
	sd_bus_message *reply = NULL;

	return sd_bus_message_new_method_return(p->call, &reply) < 0 ? NULL : reply;
}

void pending_send(void *pending, sd_bus_message *reply, int r)
{
	struct pending *p = pending;

	/* The client may be gone: that is its own business. */
	if (!reply || r < 0)
		bus_reply_error(p->call, r < 0 ? r : -ENOMEM, NULL, NULL);
	else
		sd_bus_send(NULL, reply, NULL);
	sd_bus_message_unref(reply);
	pending_free(p);
}

/* ---- a name that leaves the bus ---- */

struct bus_watch {
	struct bus_watch *next;
	struct bus *bus;
	struct board *board;
	char *name;
	sd_bus_slot *match, *question;
};

static void watch_free(struct bus_watch *w)
{
	sd_bus_slot_unref(w->match);
	sd_bus_slot_unref(w->question);
	free(w->name);
	free(w);
}

void bus_unwatch_board(struct bus *bus, struct board *board)
{
	for (struct bus_watch **p = &bus->watches; *p;) {
		struct bus_watch *w = *p;

		if (w->board != board) {
			p = &w->next;
			continue;
		}
		*p = w->next;
		watch_free(w);
	}
}

static void unwatch(struct bus_watch *w)
{
	struct bus_watch **p = &w->bus->watches;

	while (*p != w)
		p = &(*p)->next;
	*p = w->next;
	watch_free(w);
}

static void client_left(struct bus_watch *w)
{
	_cleanup_free_ char *name = take_ptr(w->name);
	struct board *board = w->board;

	unwatch(w);
	board_client_left(board, name);
}

static int on_owner_changed(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
	const char *name, *old, *new;

	if (sd_bus_message_read(m, "sss", &name, &old, &new) >= 0 && new[0] == '\0')
		client_left(userdata);
	return 0;
}

/* It may have left before the match was in force. */
static int on_has_owner(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
	int has = 1;

	if (sd_bus_message_is_method_error(m, NULL) ||
	    (sd_bus_message_read(m, "b", &has) >= 0 && !has))
		client_left(userdata);
	return 0;
}

int bus_watch_name(struct bus *bus, const char *name, struct board *board)
{
	_cleanup_free_ char *rule = NULL;
	struct bus_watch *w;
	int r;

	if (name[0] != ':' || !strchr(name, '.'))
		return 0; /* a direct connection: its end is the socket's */
	/* One a client: who is gone already is told of soon. */
	for (w = bus->watches; w; w = w->next)
		if (w->board == board && w->name && streq(w->name, name))
			return 0;
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->bus = bus;
	w->board = board;
	w->name = strdup(name);
	w->next = bus->watches;
	bus->watches = w;
	rule = asprintf_or_null("type='signal',sender='org.freedesktop.DBus',"
				"interface='org.freedesktop.DBus',member='NameOwnerChanged',"
				"arg0='%s'",
				name);
	r = w->name && rule ? 0 : -ENOMEM;
	if (r == 0)
		r = sd_bus_add_match_async(bus->bus, &w->match, rule, on_owner_changed, NULL, w);
	if (r >= 0)
		r = sd_bus_call_method_async(bus->bus, &w->question, "org.freedesktop.DBus",
					     "/org/freedesktop/DBus", "org.freedesktop.DBus",
					     "NameHasOwner", on_has_owner, w, "s", name);
	if (r < 0)
		unwatch(w);
	return r < 0 ? r : 0;
}

/* ---- what the daemon tells ---- */

#define MARK(bus, path, interface, ...)                                                       \
	changes_mark((bus)->changes, (path), (interface), (const char *const[]){__VA_ARGS__}, \
		     sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static void mark_manager(struct bus *bus, const char *property)
{
	MARK(bus, BUS_ROOT, BUS_MANAGER_INTERFACE, property);
}

static void on_board_added(void *userdata, struct board *board)
{
	struct bus *bus = userdata;

	sd_bus_emit_object_added(bus->bus, bus_board_path(board).text);
	mark_manager(bus, "Boards");
}

static void on_board_removed(void *userdata, struct board *board)
{
	struct bus *bus = userdata;
	struct bus_path path = bus_board_path(board);

	changes_forget(bus->changes, path.text);
	bus_unwatch_board(bus, board);
	sd_bus_emit_object_removed(bus->bus, path.text);
	mark_manager(bus, "Boards");
}

static void on_board_changed(void *userdata, struct board *board, unsigned int what)
{
	static const struct {
		unsigned int bit;
		const char *names[6];
	} properties[] = {
		{BOARD_STATE, {"State"}},
		{BOARD_GATE, {"GateOpen"}},
		{BOARD_CAUSES, {"CausesLive", "CausesLatched"}},
		{BOARD_WHY_DARK, {"WhyDark"}},
		{BOARD_LAST_OFF, {"LastOffCause", "LastOffTime"}},
		{BOARD_LEASE,
		 {"LeaseHolder", "LeaseUid", "LeaseHost", "LeaseSince", "LeasePeriodMs"}},
		{BOARD_JOB, {"Job"}},
		{BOARD_SETPOINTS, {"Setpoints"}},
	};
	struct bus *bus = userdata;
	struct bus_path path = bus_board_path(board);

	for (size_t i = 0; i < ARRAY_SIZE(properties); i++)
		for (size_t n = 0; (what & properties[i].bit) && properties[i].names[n]; n++)
			changes_mark(bus->changes, path.text, BUS_BOARD_INTERFACE,
				     &properties[i].names[n], 1);
	if ((what & BOARD_LEASE) && !board->lease)
		bus_unwatch_board(bus, board);
}

static void on_board_safety(void *userdata, struct board *board, const char *state,
			    const char *cause)
{
	struct bus *bus = userdata;

	changes_flush(bus->changes);
	sd_bus_emit_signal(bus->bus, bus_board_path(board).text, BUS_BOARD_INTERFACE, "Safety",
			   "ss", state, cause);
}

static void on_job_added(void *userdata, struct job *job)
{
	struct bus *bus = userdata;

	sd_bus_emit_object_added(bus->bus, bus_job_path(job).text);
	mark_manager(bus, "Jobs");
}

static void on_job_changed(void *userdata, struct job *job, unsigned int what)
{
	struct bus *bus = userdata;
	struct bus_path path = bus_job_path(job);

	if (what & JOB_STATE)
		MARK(bus, path.text, BUS_JOB_INTERFACE, "State");
	if (what & JOB_PROGRESS)
		MARK(bus, path.text, BUS_JOB_INTERFACE, "PointsDone", "EtaNs", "BoardNs", "Ledger");
	if (what & JOB_END)
		MARK(bus, path.text, BUS_JOB_INTERFACE, "Result", "Verdict", "Message", "Error",
		     "Ledger");
}

static void on_job_finished(void *userdata, struct job *job)
{
	struct bus *bus = userdata;

	mark_manager(bus, "Jobs");
	changes_flush(bus->changes);
	sd_bus_emit_signal(bus->bus, bus_job_path(job).text, BUS_JOB_INTERFACE, "Finished", "sxs",
			   job->result, job->run, job->verdict);
	if (!streq(job->result, "failed"))
		sd_bus_emit_signal(bus->bus, BUS_ROOT, BUS_MANAGER_INTERFACE, "RunFinished", "xos",
				   job->run, bus_run_path(job->run).text, job->verdict);
}

static void on_job_removed(void *userdata, struct job *job)
{
	struct bus *bus = userdata;
	struct bus_path path = bus_job_path(job);

	changes_forget(bus->changes, path.text);
	sd_bus_emit_object_removed(bus->bus, path.text);
}

static void on_run_added(void *userdata, int64_t run)
{
	struct bus *bus = userdata;

	sd_bus_emit_object_added(bus->bus, bus_run_path(run).text);
}

static void on_run_changed(void *userdata, int64_t run)
{
	struct bus *bus = userdata;

	MARK(bus, bus_run_path(run).text, BUS_RUN_INTERFACE, "Status", "Verdict", "Reasons",
	     "Metadata", "Ledger", "Analyses", "Columns");
}

static void on_run_removed(void *userdata, int64_t run)
{
	struct bus *bus = userdata;
	struct bus_path path = bus_run_path(run);

	changes_forget(bus->changes, path.text);
	sd_bus_emit_object_removed(bus->bus, path.text);
}

/* ---- life ---- */

static int owner_message(sd_bus *connection, char **ret_message)
{
	sd_bus_creds *creds = NULL;
	const char *command = NULL;
	pid_t pid = 0;

	if (sd_bus_get_name_creds(connection, BUS_NAME,
				  SD_BUS_CREDS_PID | SD_BUS_CREDS_COMM | SD_BUS_CREDS_AUGMENT,
				  &creds) >= 0) {
		sd_bus_creds_get_pid(creds, &pid);
		sd_bus_creds_get_comm(creds, &command);
	}
	fail(ret_message, 0,
	     "%s is owned by pid %d (%s) on this bus: one etalond serves all boards; "
	     "stop that one, or use another bus (--bus)",
	     BUS_NAME, pid, command ? command : "?");
	sd_bus_creds_unref(creds);
	return -EEXIST;
}

int bus_check_name(sd_bus *connection, char **ret_message)
{
	int r = sd_bus_get_name_creds(connection, BUS_NAME, 0, NULL);

	return r >= 0 ? owner_message(connection, ret_message) : r == -ENXIO ? 0 : r;
}

int bus_request_name(struct bus *bus, char **ret_message)
{
	int r = sd_bus_request_name(bus->bus, BUS_NAME, 0);

	if (r == -EEXIST || r == -EALREADY)
		return owner_message(bus->bus, ret_message);
	if (r == -EPERM || r == -EACCES)
		return fail(ret_message, -EPERM,
			    "this user may not own %s on this bus: install the D-Bus policy "
			    "org.etalon1.conf, or use a private bus (--bus)",
			    BUS_NAME);
	return r < 0 ? fail(ret_message, r, "the name %s cannot be had: %s", BUS_NAME, strerror(-r))
		     : 0;
}

int bus_new(sd_bus *connection, struct context *ctx, struct bus **ret)
{
	_cleanup_(bus_freep) struct bus *bus = calloc(1, sizeof(*bus));
	int r;

	if (!bus)
		return -ENOMEM;
	bus->bus = sd_bus_ref(connection);
	bus->context = ctx;
	bus->callers = callers_new();
	bus->observer = (struct observer){
		.board_added = on_board_added,
		.board_removed = on_board_removed,
		.board_changed = on_board_changed,
		.board_safety = on_board_safety,
		.job_added = on_job_added,
		.job_changed = on_job_changed,
		.job_finished = on_job_finished,
		.job_removed = on_job_removed,
		.run_added = on_run_added,
		.run_changed = on_run_changed,
		.run_removed = on_run_removed,
		.userdata = bus,
	};
	r = bus->callers ? changes_new(connection, ctx->event, &bus->changes) : -ENOMEM;
	if (r >= 0)
		r = sd_bus_add_object_manager(connection, NULL, BUS_ROOT);
	if (r >= 0)
		r = bus_add_run_reader(bus);
	if (r >= 0)
		r = bus_add_manager(bus);
	if (r >= 0)
		r = bus_add_boards(bus);
	if (r >= 0)
		r = bus_add_jobs(bus);
	if (r >= 0)
		r = bus_add_runs(bus);
	if (r < 0)
		return r;
	ctx->observer = &bus->observer;
	*ret = take_ptr(bus);
	return 0;
}

struct bus *bus_free(struct bus *bus)
{
	if (!bus)
		return NULL;
	while (bus->watches) {
		struct bus_watch *w = bus->watches;

		bus->watches = w->next;
		watch_free(w);
	}
	changes_free(bus->changes);
	callers_free(bus->callers);
	sd_bus_flush_close_unref(bus->bus);
	free(bus);
	return NULL;
}
