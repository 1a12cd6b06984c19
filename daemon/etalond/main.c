// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * etalond: runs sweeps on photonic test boards, gathers measurements, serves them over D-Bus.
 * Here: arguments, start and end; what it does is in context.h and bus/bus.h.
 */
#include <getopt.h>
#include <signal.h>
#include <sys/stat.h>
#include <syslog.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "base/util.h"
#include "bus/bus.h"
#include "etalond/audit.h"
#include "etalond/board.h"
#include "etalond/context.h"
#include "etalond/job.h"
#include "etalond/udev_watch.h"
#include "link/kernel_calls.h"

#define BOARDS_MAX 16
#define FIRST_LOOK_US (2ULL * 1000000ULL)
#define CONFIG_DEFAULT "/etc/etalon/etalond.conf"

static const char usage[] =
	"usage: etalond [--kernel] [--emulate SOCKET]... [--store FILE] [--config FILE]\n"
	"               [--bus ADDRESS | --session | --system]\n"
	"\n"
	"Runs sweeps on photonic test boards, stores them, and serves them as org.etalon1 on D-Bus.\n"
	"\n"
	"  --kernel          the boards of the kernel's driver, as they come and go (default: unless\n"
	"                    there is an --emulate)\n"
	"  --emulate SOCKET  a board emulated by etalon-emulator at this socket; may be repeated\n"
	"  --store FILE      the runs (default: $STATE_DIRECTORY/runs.db)\n"
	"  --config FILE     the site's settings (default: " CONFIG_DEFAULT " where it exists)\n"
	"  --bus ADDRESS     a D-Bus bus of one's own; --session, --system: the well-known ones\n"
	"                    (default: $DBUS_SYSTEM_BUS_ADDRESS or the system bus)\n"
	"  --version --help\n";

enum bus_kind {
	BUS_SYSTEM,
	BUS_SESSION,
	BUS_ADDRESS,
};

struct options {
	const char *sockets[BOARDS_MAX];
	size_t socket_count;
	bool kernel;
	const char *store;
	const char *config;
	enum bus_kind bus_kind;
	const char *address;
	bool done; /* --help, --version */
};

static int add_socket(struct options *o, const char *path, char **ret_message)
{
	if (o->socket_count == BOARDS_MAX)
		return fail(ret_message, -EINVAL, "at most %d boards", BOARDS_MAX);
	o->sockets[o->socket_count++] = path;
	return 0;
}

static int parse_options(int argc, char **argv, struct options *o, char **ret_message)
{
	static const struct option longs[] = {
		{"kernel", no_argument, NULL, 'k'},	 {"emulate", required_argument, NULL, 'e'},
		{"store", required_argument, NULL, 's'}, {"config", required_argument, NULL, 'c'},
		{"bus", required_argument, NULL, 'b'},	 {"session", no_argument, NULL, 'u'},
		{"system", no_argument, NULL, 'y'},	 {"version", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, 'h'},	 {NULL, 0, NULL, 0},
	};
	int c, r = 0;

	while (r == 0 && (c = getopt_long(argc, argv, "", longs, NULL)) >= 0) {
		switch (c) {
		case 'k':
			o->kernel = true;
			break;
		case 'e':
			r = add_socket(o, optarg, ret_message);
			break;
		case 's':
			o->store = optarg;
			break;
		case 'c':
			o->config = optarg;
			break;
		case 'b':
			o->bus_kind = BUS_ADDRESS;
			o->address = optarg;
			break;
		case 'u':
			o->bus_kind = BUS_SESSION;
			break;
		case 'y':
			o->bus_kind = BUS_SYSTEM;
			break;
		case 'v':
			puts("etalond " ETALON_VERSION);
			o->done = true;
			break;
		case 'h':
			fputs(usage, stdout);
			o->done = true;
			break;
		default:
			return fail(ret_message, -EINVAL, "see etalond --help");
		}
	}
	if (r == 0 && optind < argc)
		return fail(ret_message, -EINVAL, "\"%s\" is not understood; see etalond --help",
			    argv[optind]);
	o->kernel = o->kernel || o->socket_count == 0;
	if (!o->config && access(CONFIG_DEFAULT, F_OK) == 0)
		o->config = CONFIG_DEFAULT;
	return r;
}

/* As systemd sets it up, else where a user's state belongs. */
static char *default_store(char **ret_message)
{
	const char *state = getenv("STATE_DIRECTORY"), *home = getenv("HOME");
	_cleanup_free_ char *folder = NULL;

	if (state)
		return asprintf_or_null("%.*s/runs.db", (int)strcspn(state, ":"), state);
	state = getenv("XDG_STATE_HOME");
	if (state)
		folder = asprintf_or_null("%s/etalon", state);
	else if (home)
		folder = asprintf_or_null("%s/.local/state/etalon", home);
	if (!folder) {
		fail(ret_message, 0, "no place for the runs: name one with --store");
		return NULL;
	}
	for (char *slash = strchr(folder + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(folder, 0700);
		*slash = '/';
	}
	if (mkdir(folder, 0700) < 0 && errno != EEXIST) {
		fail(ret_message, 0, "%s: %s; name another place with --store", folder,
		     strerror(errno));
		return NULL;
	}
	return asprintf_or_null("%s/runs.db", folder);
}

static int open_bus(const struct options *o, sd_bus **ret, char **ret_message)
{
	sd_bus *bus = NULL;
	int r;

	if (o->bus_kind == BUS_SYSTEM) {
		r = sd_bus_open_system(&bus);
	} else if (o->bus_kind == BUS_SESSION) {
		r = sd_bus_open_user(&bus);
	} else {
		r = sd_bus_new(&bus);
		if (r >= 0)
			r = sd_bus_set_address(bus, o->address);
		if (r >= 0)
			r = sd_bus_set_bus_client(bus, 1);
		if (r >= 0)
			r = sd_bus_start(bus);
	}
	/* Waits for the bus to say who we are: a bad address is known here. */
	if (r >= 0)
		r = sd_bus_get_unique_name(bus, &(const char *){NULL});
	if (r < 0) {
		sd_bus_unref(bus);
		return fail(ret_message, r, "no D-Bus bus%s%s: %s; name one with --bus ADDRESS",
			    o->address ? " at " : "", o->address ? o->address : "", strerror(-r));
	}
	*ret = bus;
	return 0;
}

/* ---- boards ---- */

static int open_emulated(void *userdata, struct link **ret, char **ret_message)
{
	return link_open_emulated(userdata, ret, ret_message);
}

static int add_boards(struct context *ctx, const struct options *o)
{
	for (size_t i = 0; i < o->socket_count; i++) {
		struct board_opener opener = {
			.open = open_emulated,
			.userdata = (void *)(uintptr_t)o->sockets[i],
			.address = o->sockets[i],
			.is_path = true,
		};
		struct board *board;
		int r = board_add(ctx, &opener, &board);

		if (r < 0)
			return r;
	}
	return 0;
}

/* ... and whoever else comes and goes while we run. */
struct hotplug {
	struct kernel_boards *boards;
	struct udev_watch *watch;
};

static void hotplug_end(struct hotplug *h)
{
	udev_watch_free(h->watch);
	kernel_boards_free(h->boards);
}

static int hotplug_begin(struct hotplug *h, struct context *ctx, char **ret_message)
{
	int r = kernel_boards_new(ctx, &kernel_calls_system, &h->boards);

	return r < 0 ? r : udev_watch_new(ctx->event, h->boards, &h->watch, ret_message);
}

static bool all_tried(const struct context *ctx)
{
	for (const struct board *b = ctx->boards; b; b = b->next)
		if (!board_tried(b))
			return false;
	return true;
}

/* Whoever waits for us shall find the boards that are there. */
static int look_for_boards(struct context *ctx)
{
	uint64_t until = now_ns() / 1000 + FIRST_LOOK_US, now;
	int r = 0;

	while (r >= 0 && !all_tried(ctx) && (now = now_ns() / 1000) < until)
		r = sd_event_run(ctx->event, until - now);
	return r < 0 ? r : 0;
}

/* ---- the end ---- */

static int on_signal(_unused_ sd_event_source *source, _unused_ const struct signalfd_siginfo *si,
		     void *userdata)
{
	sd_notify(0, "STOPPING=1");
	context_stop(userdata, "etalond was stopped");
	return 0;
}

static int on_disconnected(_unused_ sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error)
{
	struct context *ctx = userdata;

	say(LOG_ERR, "the bus is gone: light off, etalond ends");
	context_stop(ctx, "the bus is gone");
	return 0;
}

static int watch_ends(struct context *ctx, sd_bus *bus)
{
	int r = sd_event_add_signal(ctx->event, NULL, SIGTERM, on_signal, ctx);

	if (r >= 0)
		r = sd_event_add_signal(ctx->event, NULL, SIGINT, on_signal, ctx);
	if (r >= 0)
		r = sd_bus_match_signal(bus, NULL, NULL, "/org/freedesktop/DBus/Local",
					"org.freedesktop.DBus.Local", "Disconnected",
					on_disconnected, ctx);
	return r < 0 ? r : 0;
}

static unsigned int count_boards(const struct context *ctx)
{
	unsigned int count = 0;

	for (const struct board *b = ctx->boards; b; b = b->next)
		count++;
	return count;
}

static int begin(struct context *ctx, struct bus *bus, const struct options *o, struct hotplug *h,
		 char **ret_message)
{
	int r = watch_ends(ctx, bus->bus);

	if (r == 0)
		r = add_boards(ctx, o);
	if (r == 0 && o->kernel)
		r = hotplug_begin(h, ctx, ret_message);
	if (r == 0)
		r = look_for_boards(ctx);
	if (r == 0)
		r = bus_request_name(bus, ret_message);
	/* When the loop has ended there is still something to say. */
	if (r == 0)
		r = sd_bus_set_close_on_exit(bus->bus, 0);
	if (r >= 0)
		r = sd_bus_attach_event(bus->bus, ctx->event, SD_EVENT_PRIORITY_NORMAL);
	if (r < 0)
		return r;
	if (ctx->store_status[0])
		say(LOG_NOTICE, "%s", ctx->store_status);
	sd_notifyf(0, "READY=1\nSTATUS=%u boards configured or found", count_boards(ctx));
	return 0;
}

static int serve(struct context *ctx, sd_bus *connection, const struct options *o,
		 char **ret_message)
{
	_cleanup_(bus_freep) struct bus *bus = NULL;
	_cleanup_(hotplug_end) struct hotplug hotplug = {NULL, NULL};
	int r;

	r = bus_new(connection, ctx, &bus);
	if (r < 0)
		return r;
	r = begin(ctx, bus, o, &hotplug, ret_message);
	if (r == 0) {
		r = sd_event_loop(ctx->event);
		sd_bus_detach_event(connection);
		if (r == 0 && sd_bus_is_open(connection) <= 0)
			r = fail(ret_message, -ECONNRESET,
				 "the bus was lost; start etalond again when there is one");
	}
	/* Not dark in time: the end of this process is, at once. */
	if (r > 0)
		_exit(EXIT_FAILURE);
	context_quiesce(ctx);
	return r;
}

static int run(const struct options *o, char **ret_message)
{
	_cleanup_(config_freep) struct config *config = NULL;
	_cleanup_(sd_event_unrefp) sd_event *event = NULL;
	_cleanup_(sd_bus_flush_close_unrefp) sd_bus *connection = NULL;
	_cleanup_(context_freep) struct context *ctx = NULL;
	_cleanup_free_ char *store = NULL;
	int r;

	r = config_load(o->config, &config, ret_message);
	if (r == 0)
		r = open_bus(o, &connection, ret_message);
	if (r == 0)
		r = bus_check_name(connection, ret_message);
	if (r < 0)
		return r;
	store = o->store ? strdup(o->store) : default_store(ret_message);
	if (!store)
		return -ENOENT;
	r = sd_event_default(&event);
	if (r >= 0)
		r = sd_event_set_watchdog(event, true);
	if (r >= 0)
		r = context_new(event, config, store, &ctx, ret_message);
	return r < 0 ? r : serve(ctx, connection, o, ret_message);
}

int main(int argc, char **argv)
{
	_cleanup_free_ char *message = NULL;
	struct options options = {.bus_kind = BUS_SYSTEM};
	sigset_t signals;
	int r;

	umask(0077);
	/* Before any thread, so that all signals come to the event loop. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	r = parse_options(argc, argv, &options, &message);
	if (r == 0 && options.done)
		return EXIT_SUCCESS;
	if (r == 0)
		r = run(&options, &message);
	if (r >= 0)
		return EXIT_SUCCESS;
	say(LOG_ERR, "%s", message ? message : strerror(-r));
	return EXIT_FAILURE;
}
