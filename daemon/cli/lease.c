// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Taking, keeping and giving back a lease. See lease.h.
 */
#include "cli/lease.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define PERIOD_DEFAULT_MS 1000
#define BEATS_PER_PERIOD 4

static void end(struct lease *l)
{
	l->heartbeat = sd_event_source_disable_unref(l->heartbeat);
	l->farewell = sd_event_source_disable_unref(l->farewell);
	closep(&l->fd);
	l->fd = -1;
}

static int on_beat(sd_event_source *source, uint64_t now_us, void *userdata)
{
	struct lease *l = userdata;

	/* A full socket means that the daemon reads nothing: it will say so by ending the lease. */
	if (send(l->fd, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno != EAGAIN &&
	    errno != EINTR)
		return 0; /* the farewell is read by the other source */
	sd_event_source_set_time(source, now_us + l->beat_us);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int on_farewell(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct lease *l = userdata;
	char line[512];
	ssize_t n = recv(fd, line, sizeof(line) - 1, MSG_DONTWAIT);

	(void)source;
	(void)revents;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n > 0) {
		line[n] = '\0';
		line[strcspn(line, "\n")] = '\0';
		free(l->why);
		l->why = strdup(line);
	}
	l->ended = true;
	end(l);
	return 0;
}

static int start_beating(struct lease *l, unsigned int period_ms)
{
	int r;

	l->beat_us =
		(uint64_t)(period_ms ? period_ms : PERIOD_DEFAULT_MS) * 1000 / BEATS_PER_PERIOD;
	r = sd_event_add_io(l->cli->event, &l->farewell, l->fd, EPOLLIN, on_farewell, l);
	if (r >= 0)
		r = sd_event_add_time_relative(l->cli->event, &l->heartbeat, CLOCK_MONOTONIC, 0,
					       1000, on_beat, l);
	if (r >= 0)
		r = sd_event_source_set_priority(l->heartbeat, SD_EVENT_PRIORITY_IMPORTANT);
	return r;
}

static int ask(struct lease *l, const struct object *board, const struct lease_request *request,
	       sd_bus_error *error)
{
	_cleanup_message_ sd_bus_message *call = NULL, *reply = NULL;
	int fd, r;

	call = bus_new_call(l->cli, board->path, ETALON_BOARD, "Lease");
	if (!call)
		return sd_bus_error_set_errno(error, -ENOMEM);
	if (request->take_over)
		r = sd_bus_message_append(call, "ua{sv}", request->period_ms, 1, "take_over", "b",
					  1);
	else
		r = sd_bus_message_append(call, "ua{sv}", request->period_ms, 0);
	if (r < 0)
		return sd_bus_error_set_errno(error, r);
	r = bus_call(l->cli, call, 0, error, &reply);
	if (r < 0)
		return r;
	r = sd_bus_message_read_basic(reply, 'h', &fd);
	if (r < 0)
		return sd_bus_error_set_errno(error, r);
	l->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return l->fd < 0 ? sd_bus_error_set_errno(error, -errno) : 0;
}

static bool held_by_same_user(const struct object *board)
{
	return *member_text(board->properties, "LeaseHolder") &&
	       member_number(board->properties, "LeaseUid", -1) == (int64_t)getuid();
}

int lease_take(struct lease *l, struct cli *cli, const struct object *board,
	       const struct lease_request *request)
{
	_cleanup_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
	int r;

	*l = (struct lease){.cli = cli, .fd = -1};
	if (held_by_same_user(board) && !request->take_over && !request->alone) {
		l->attached = true;
		return 0;
	}
	r = ask(l, board, request, &error);
	if (r >= 0) {
		r = start_beating(l, request->period_ms);
		if (r >= 0)
			return 0;
		lease_release(l);
		return cli_fail(cli, EXIT_TROUBLE, "no heartbeat: %s", strerror(-r));
	}
	bus_fail(cli, &error, NULL);
	if (bus_error_is(&error, "LeaseHeld") && !request->take_over)
		cli_try(cli, "--take-over (ends the other holder's light; it is told who did)");
	return bus_exit_code(error.name);
}

void lease_release(struct lease *l)
{
	end(l);
	free(l->why);
	l->why = NULL;
	l->attached = false;
}
