// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Lines in, answers out. See fault_socket.h.
 */
#include "emulator/fault_socket.h"

#include <errno.h>

#include "base/util.h"

#define LINE_MAX_BYTES 65536
#define READ_PER_TURN (1U << 20)
#define ANSWERS_HIGH 65536 /* unread answers from which on nothing more is taken */

int fault_socket_open(struct fault_socket *f, const char *path, char **ret_message)
{
	*f = (struct fault_socket){.listener.fd = -1};
	return path ? listener_open(&f->listener, path, "--fault-socket", ret_message) : 0;
}

void fault_socket_close(struct fault_socket *f)
{
	for (size_t i = 0; i < FAULT_PEERS_MAX; i++)
		connection_close(&f->peer[i]);
	listener_close(&f->listener);
}

void fault_socket_poll(const struct fault_socket *f, struct pollfd *fds)
{
	fds[0] = (struct pollfd){.fd = f->listener.fd, .events = POLLIN};
	for (size_t i = 0; i < FAULT_PEERS_MAX; i++) {
		const struct connection *c = &f->peer[i];
		short events = 0;

		if (c->out.used < ANSWERS_HIGH)
			events |= POLLIN;
		if (c->out.used)
			events |= POLLOUT;
		fds[1 + i] =
			(struct pollfd){.fd = c->role == ROLE_FREE ? -1 : c->fd, .events = events};
	}
}

static void log_peer(struct board *b, const char *what, const struct connection *c)
{
	char members[128];

	snprintf(members, sizeof(members), "\"connection\":\"faults\",\"reason\":\"%s\"",
		 c->reason ? c->reason : "");
	board_log(b, what, members);
}

static void answer(struct board *b, struct connection *c, const char *line, size_t size)
{
	json_t *fault = json_loadb(line, size, 0, NULL), *reply;
	_cleanup_free_ char *message = NULL, *text = NULL;
	const int r = fault ? board_fault(b, fault, &message) : -EINVAL;

	reply = r < 0 ? json_pack("{s:s}", "error",
				  message ? message : "not a JSON object on one line")
		      : json_pack("{s:b}", "ok", 1);
	text = json_dumps(reply, JSON_COMPACT);
	if (text) {
		connection_queue(c, text, strlen(text));
		connection_queue(c, "\n", 1);
	}
	json_decref(reply);
	json_decref(fault);
}

static void take_lines(struct board *b, struct connection *c)
{
	while (!c->ended && c->in.used) {
		const uint8_t *line = connection_front(&c->in);
		const uint8_t *end = memchr(line, '\n', c->in.used);

		if (!end)
			break;
		answer(b, c, (const char *)line, (size_t)(end - line));
		connection_drop_front(&c->in, (size_t)(end - line) + 1);
	}
	if (c->in.used > LINE_MAX_BYTES) {
		c->ended = true;
		c->reason = "line too long";
	}
}

static struct connection *free_peer(struct fault_socket *f)
{
	for (size_t i = 0; i < FAULT_PEERS_MAX; i++)
		if (f->peer[i].role == ROLE_FREE)
			return &f->peer[i];
	return NULL;
}

static void accept_peers(struct fault_socket *f, uint64_t now)
{
	int fd;

	while ((fd = listener_accept(&f->listener)) >= 0) {
		struct connection *c = free_peer(f);

		if (c)
			connection_open(c, fd, ROLE_FAULTS, now);
		else
			close(fd); /* full of idlers: the newest goes */
	}
}

void fault_socket_serve(struct fault_socket *f, struct board *b, uint64_t now)
{
	accept_peers(f, now);
	for (size_t i = 0; i < FAULT_PEERS_MAX; i++) {
		struct connection *c = &f->peer[i];

		if (c->role == ROLE_FREE)
			continue;
		if (c->out.used < ANSWERS_HIGH)
			connection_fill(c, READ_PER_TURN);
		take_lines(b, c);
		connection_flush(c);
		if (!c->ended)
			continue;
		log_peer(b, "disconnected", c);
		connection_close(c);
	}
}
