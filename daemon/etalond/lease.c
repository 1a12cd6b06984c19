// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Leases. See lease.h. Does not turn anything off itself.
 */
#include "etalond/lease.h"

#include <sys/socket.h>

#include "base/util.h"

struct lease {
	int fd;
	uint32_t period_ms;
	uint64_t last_ns; /* CLOCK_MONOTONIC of the last byte */
	uint64_t since_ns;
	char *name, *command, *host, *text;
	struct lease_holder holder;
	sd_event_source *io, *deadline;
	lease_ended_t ended;
	void *userdata;
};

bool lease_fresh(const struct lease *l)
{
	return l->fd >= 0 && now_ns() - l->last_ns <= l->period_ms * NSEC_PER_MSEC;
}

const struct lease_holder *lease_holder(const struct lease *l)
{
	return &l->holder;
}

uint32_t lease_period_ms(const struct lease *l)
{
	return l->period_ms;
}

uint64_t lease_since_ns(const struct lease *l)
{
	return l->since_ns;
}

const char *lease_holder_text(const struct lease *l)
{
	return l->text;
}

static int rearm(struct lease *l)
{
	int r = sd_event_source_set_time(l->deadline,
					 l->last_ns / NSEC_PER_USEC + l->period_ms * 1000ULL + 1);

	return r < 0 ? r : sd_event_source_set_enabled(l->deadline, SD_EVENT_ONESHOT);
}

static int on_deadline(_unused_ sd_event_source *source, _unused_ uint64_t usec, void *userdata)
{
	struct lease *l = userdata;
	char why[160];

	if (lease_fresh(l))
		return rearm(l);
	snprintf(why, sizeof(why), "lease holder %s went silent for more than %u ms", l->text,
		 l->period_ms);
	l->ended(l, why, l->userdata);
	return 0;
}

static int on_byte(_unused_ sd_event_source *source, int fd, _unused_ uint32_t revents,
		   void *userdata)
{
	struct lease *l = userdata;
	char buffer[4096], why[160];
	ssize_t n = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n > 0) {
		l->last_ns = now_ns();
		return rearm(l);
	}
	snprintf(why, sizeof(why), "lease holder %s closed its lease or died", l->text);
	l->ended(l, why, l->userdata);
	return 0;
}

static int describe_holder(struct lease *l, const struct lease_holder *holder)
{
	const char *command = holder->command ? holder->command : "";
	const char *host = holder->host ? holder->host : "";

	l->name = strdup(holder->name);
	l->command = strdup(command);
	l->host = strdup(host);
	l->text = asprintf_or_null("%s (uid %u%s%s%s%s)", holder->name, holder->uid,
				   command[0] ? ", " : "", command, host[0] ? " on " : "", host);
	if (!l->name || !l->command || !l->host || !l->text)
		return -ENOMEM;
	l->holder = (struct lease_holder){
		.name = l->name,
		.uid = holder->uid,
		.pid = holder->pid,
		.command = l->command,
		.host = l->host,
	};
	return 0;
}

static int watch(struct lease *l, sd_event *event)
{
	int r;

	r = sd_event_add_io(event, &l->io, l->fd, EPOLLIN, on_byte, l);
	if (r < 0)
		return r;
	r = sd_event_add_time(event, &l->deadline, CLOCK_MONOTONIC, UINT64_MAX, 1000, on_deadline,
			      l);
	if (r < 0)
		return r;
	/* A byte that waits is read before silence is judged. */
	r = sd_event_source_set_priority(l->deadline, SD_EVENT_PRIORITY_NORMAL + 1);
	if (r < 0)
		return r;
	return rearm(l);
}

int lease_new(sd_event *event, uint32_t period_ms, const struct lease_holder *holder,
	      lease_ended_t ended, void *userdata, struct lease **ret, int *ret_fd,
	      char **ret_message)
{
	_cleanup_(lease_freep) struct lease *l = NULL;
	_cleanup_close_ int client = -1;
	int fds[2], r;

	if (period_ms == 0)
		period_ms = LEASE_PERIOD_DEFAULT_MS;
	if (period_ms < LEASE_PERIOD_MIN_MS || period_ms > LEASE_PERIOD_MAX_MS)
		return fail(ret_message, -ERANGE,
			    "a lease period of %u ms is not within %u to %u ms", period_ms,
			    LEASE_PERIOD_MIN_MS, LEASE_PERIOD_MAX_MS);
	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->fd = -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
		return -errno;
	l->fd = fds[0];
	client = fds[1];
	l->period_ms = period_ms;
	l->last_ns = now_ns();
	l->since_ns = wall_ns();
	l->ended = ended;
	l->userdata = userdata;
	r = describe_holder(l, holder);
	if (r == 0)
		r = watch(l, event);
	if (r < 0)
		return r;
	*ret = take_ptr(l);
	*ret_fd = take_fd(&client);
	return 0;
}

void lease_close(struct lease *l, const char *why)
{
	char line[512];
	int n;

	if (l->fd < 0)
		return;
	n = snprintf(line, sizeof(line), "%s\n", why);
	/* A client that reads nothing gets nothing: never wait for it. */
	if (n > 0 &&
	    send(l->fd, line, MIN((size_t)n, sizeof(line) - 1), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		n = 0;
	l->io = sd_event_source_disable_unref(l->io);
	l->deadline = sd_event_source_disable_unref(l->deadline);
	closep(&l->fd);
	l->fd = -1;
}

struct lease *lease_free(struct lease *l)
{
	if (!l)
		return NULL;
	sd_event_source_disable_unref(l->io);
	sd_event_source_disable_unref(l->deadline);
	closep(&l->fd);
	free(l->name);
	free(l->command);
	free(l->host);
	free(l->text);
	free(l);
	return NULL;
}
