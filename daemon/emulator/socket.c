// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * One loop: wait for a peer or for the board's next deadline, carry register accesses, let the
 * board go on, send records. No peer can hold it up: all is non-blocking and bounded.
 */
#include "emulator/socket.h"

#include <errno.h>

#include "base/util.h"
#include "emulator/connection.h"
#include "emulator/fault_socket.h"
#include "emulator/front_control.h"
#include "emulator/listener.h"

#define PEERS_MAX 16
#define ATTACH_WITHIN_NS (5 * NSEC_PER_SEC)
#define READ_PER_TURN (4U << 20)
#define ANSWERS_HIGH 65536 /* unread answers from which on no further request is taken */
#define MESSAGES_PER_TURN 1024
#define BATCH_BYTES (256U << 10)
#define BATCHES_PER_TURN 16

struct front {
	struct listener listener;
	struct fault_socket faults;
	struct connection peer[PEERS_MAX];
	struct board *board;
};

/* ---- life ---- */

int front_new(const char *path, const char *fault_path, struct front **ret, char **ret_message)
{
	_cleanup_(front_freep) struct front *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return -ENOMEM;
	f->listener.fd = f->faults.listener.fd = -1;
	r = listener_open(&f->listener, path, "--socket", ret_message);
	if (r < 0)
		return r;
	r = fault_socket_open(&f->faults, fault_path, ret_message);
	if (r < 0)
		return r;
	*ret = take_ptr(f);
	return 0;
}

struct front *front_free(struct front *f)
{
	if (!f)
		return NULL;
	for (size_t i = 0; i < PEERS_MAX; i++)
		connection_close(&f->peer[i]);
	listener_close(&f->listener);
	fault_socket_close(&f->faults);
	free(f);
	return NULL;
}

/* ---- peers ---- */

static const char *role_name(enum connection_role role)
{
	static const char *const names[] = {"none", "new", "control", "records", "events"};

	return names[role];
}

static struct connection *peer_of(struct front *f, enum connection_role role)
{
	for (size_t i = 0; i < PEERS_MAX; i++)
		if (f->peer[i].role == role)
			return &f->peer[i];
	return NULL;
}

static void log_peer(struct front *f, const char *what, const struct connection *c)
{
	char members[256];

	snprintf(members, sizeof(members), "\"connection\":\"%s\",\"reason\":\"%s\"",
		 role_name(c->role), c->reason ? c->reason : "");
	board_log(f->board, what, members);
}

/* The end of control is the cable being pulled: the other endpoints go with it. */
static void drop(struct front *f, struct connection *c)
{
	const bool control = c->role == ROLE_CONTROL;

	log_peer(f, "disconnected", c);
	connection_close(c);
	if (!control)
		return;
	board_link_down(f->board);
	for (size_t i = 0; i < PEERS_MAX; i++)
		if (f->peer[i].role == ROLE_RECORDS || f->peer[i].role == ROLE_EVENTS)
			drop(f, &f->peer[i]);
}

static void accept_peers(struct front *f, uint64_t now)
{
	int fd;

	while ((fd = listener_accept(&f->listener)) >= 0) {
		struct connection *free_peer = peer_of(f, ROLE_FREE);

		if (free_peer)
			connection_open(free_peer, fd, ROLE_NEW, now);
		else
			close(fd); /* full of idlers: the newest goes */
	}
}

/* A new host starts with an empty FIFO: a batch of the old one's records must not be half sent. */
static void link_up(struct front *f)
{
	struct connection *records = peer_of(f, ROLE_RECORDS);

	if (records && records->body)
		drop(f, records);
	board_link_up(f->board);
}

static bool left(const struct connection *c)
{
	struct pollfd p = {.fd = c->fd, .events = POLLRDHUP};

	return poll(&p, 1, 0) > 0 && p.revents & (POLLRDHUP | POLLHUP | POLLERR);
}

static void attach(struct front *f, struct connection *c, const struct etalon_hw_stream *head)
{
	struct connection *before;
	enum connection_role role;

	switch (head->endpoint) {
	case 0:
		role = ROLE_CONTROL;
		break;
	case ETALON_HW_USB_EP_RECORDS:
		role = ROLE_RECORDS;
		break;
	case ETALON_HW_USB_EP_EVENTS:
		role = ROLE_EVENTS;
		break;
	default:
		return connection_answer(c, head, -EINVAL, NULL, 0);
	}
	before = peer_of(f, role);
	if (before && left(before)) { /* within this very turn: its place is free */
		drop(f, before);
		before = NULL;
	}
	if (before)
		return connection_answer(c, head, -EBUSY, NULL, 0);
	c->role = role;
	connection_answer(c, head, 0, NULL, 0);
	log_peer(f, "connected", c);
	if (role == ROLE_CONTROL)
		link_up(f);
}

/* As long as the answers leave, but no flood of requests holds the board up. */
static void take_messages(struct front *f, struct connection *c)
{
	struct etalon_hw_stream head;
	const uint8_t *payload = NULL;
	int left = MESSAGES_PER_TURN;

	while (left-- > 0 && (payload = connection_message(c, &head))) {
		if (c->role == ROLE_NEW)
			attach(f, c, &head);
		else
			front_control(f->board, c, &head, payload);
		connection_message_done(c, &head);
		if (c->out.used >= ANSWERS_HIGH)
			connection_flush(c);
		if (c->out.used >= ANSWERS_HIGH)
			break;
	}
	c->more = payload && c->out.used < ANSWERS_HIGH;
}

static bool hung(const struct front *f, const struct connection *c, uint64_t now)
{
	return c->role == ROLE_CONTROL && now < board_hangs_until(f->board);
}

static void serve(struct front *f, struct connection *c, uint64_t now)
{
	if (c->role == ROLE_FREE || hung(f, c, now))
		return;
	if (c->out.used < ANSWERS_HIGH && !c->more)
		connection_fill(c, READ_PER_TURN);
	if (c->out.used < ANSWERS_HIGH)
		take_messages(f, c);
	connection_flush(c);
}

/* ---- records and events ---- */

static void send_records(struct front *f)
{
	struct connection *c = peer_of(f, ROLE_RECORDS);

	for (int i = 0; c && i < BATCHES_PER_TURN; i++) {
		if (!c->body)
			c->body = board_records_peek(f->board, BATCH_BYTES, &c->body_size);
		if (!c->body)
			return;
		if (!c->sent)
			c->head = (struct etalon_hw_stream){
				.magic = ETALON_HW_STREAM_MAGIC,
				.kind = ETALON_HW_STREAM_BULK_IN,
				.endpoint = ETALON_HW_USB_EP_RECORDS,
				.length = (uint32_t)c->body_size,
			};
		if (!connection_send_batch(c))
			return;
		board_records_consume(f->board, c->body_size);
		c->body = NULL;
		c->sent = 0;
	}
}

void front_event(void *userdata, const struct etalon_hw_usb_event *event)
{
	struct front *f = userdata;
	struct connection *c = peer_of(f, ROLE_EVENTS);
	const struct {
		struct etalon_hw_stream head;
		struct etalon_hw_usb_event event;
	} message = {
		.head =
			{
				.magic = ETALON_HW_STREAM_MAGIC,
				.kind = ETALON_HW_STREAM_EVENT,
				.endpoint = ETALON_HW_USB_EP_EVENTS,
				.length = sizeof(*event),
			},
		.event = *event,
	};

	if (!c)
		return;
	/* A host that does not read still learns the latest state: it replaces the last one queued. */
	if (c->out.used + sizeof(message) > ANSWERS_HIGH)
		c->out.used -= sizeof(message);
	connection_queue(c, &message, sizeof(message));
	connection_flush(c);
}

/* ---- the loop ---- */

#define FIRST_PEER (2 + FAULT_POLLS) /* behind stop_fd, listener and fault socket */

static size_t poll_list(const struct front *f, struct pollfd *fds, int stop_fd, uint64_t now)
{
	size_t n = 0;

	fds[n++] = (struct pollfd){.fd = stop_fd, .events = POLLIN};
	fds[n++] = (struct pollfd){.fd = f->listener.fd, .events = POLLIN};
	fault_socket_poll(&f->faults, fds + n);
	n += FAULT_POLLS;
	for (size_t i = 0; i < PEERS_MAX; i++) {
		const struct connection *c = &f->peer[i];
		short events = POLLRDHUP;

		if (c->out.used < ANSWERS_HIGH && !hung(f, c, now))
			events |= POLLIN;
		if (c->out.used || c->body)
			events |= POLLOUT;
		fds[n++] =
			(struct pollfd){.fd = c->role == ROLE_FREE ? -1 : c->fd, .events = events};
	}
	return n;
}

static uint64_t next_turn(const struct front *f)
{
	const uint64_t hang = board_hangs_until(f->board);
	uint64_t next = board_next_deadline(f->board);

	if (hang > now_ns())
		next = MIN(next, hang);
	for (size_t i = 0; i < PEERS_MAX; i++) {
		if (f->peer[i].more && !hung(f, &f->peer[i], now_ns()))
			return 0;
		if (f->peer[i].role == ROLE_NEW)
			next = MIN(next, f->peer[i].since_ns + ATTACH_WITHIN_NS);
	}
	return next;
}

static void close_ended(struct front *f, const struct pollfd *fds, uint64_t now)
{
	for (size_t i = 0; i < PEERS_MAX; i++) {
		struct connection *c = &f->peer[i];

		if (c->role == ROLE_NEW && now > c->since_ns + ATTACH_WITHIN_NS) {
			c->ended = true;
			c->reason = "no ATTACH in time";
		}
		/* Who is not read (it hangs, or leaves answers unread) is seen to hang up all the same. */
		if (fds && c->since_ns < now && fds[i].revents & (POLLHUP | POLLERR | POLLRDHUP) &&
		    (hung(f, c, now) || c->out.used >= ANSWERS_HIGH))
			c->ended = true;
		if (c->role != ROLE_FREE && c->ended)
			drop(f, c);
	}
}

static void pull_cable(struct front *f)
{
	for (size_t i = 0; i < PEERS_MAX; i++)
		if (f->peer[i].role != ROLE_FREE) {
			f->peer[i].reason = "scripted fault: cable";
			f->peer[i].ended = true;
		}
	close_ended(f, NULL, now_ns());
}

static void turn(struct front *f, const struct pollfd *fds)
{
	struct connection *control = peer_of(f, ROLE_CONTROL);
	uint64_t now = now_ns();

	board_catch_up(f->board, now);
	if (control) { /* kicks first; and its end, before the next host is let in */
		serve(f, control, now);
		if (control->ended)
			drop(f, control);
	}
	accept_peers(f, now);
	fault_socket_serve(&f->faults, f->board, now);
	for (size_t i = 0; i < PEERS_MAX; i++)
		if (&f->peer[i] != control)
			serve(f, &f->peer[i], now);
	close_ended(f, fds, now);
	board_advance(f->board, now_ns());
	if (board_takes_cable(f->board))
		pull_cable(f);
	send_records(f);
}

int front_run(struct front *f, struct board *board, int stop_fd)
{
	struct pollfd fds[FIRST_PEER + PEERS_MAX];

	f->board = board;
	for (;;) {
		const size_t count = poll_list(f, fds, stop_fd, now_ns());

		wait_until(fds, count, next_turn(f));
		if (fds[0].revents)
			break;
		turn(f, fds + FIRST_PEER);
	}
	board_link_down(board);
	return 0;
}
