// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * One loop: wait for the machine or for the board's next deadline, do what messages ask, let the board
 * go on, answer reads with records. The machine cannot hold it up: all is non-blocking and bounded.
 */
#include "emulator/usb_front.h"

#include <errno.h>

#include "base/util.h"
#include "emulator/usb_front_internal.h"

/* ---- life ---- */

int usb_front_new(const struct usb_front_config *config, struct usb_front **ret, char **ret_message)
{
	_cleanup_(usb_front_freep) struct usb_front *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return -ENOMEM;
	f->listener.fd = f->faults.listener.fd = f->peer.fd = -1;
	f->speed = config->speed;
	r = listener_open(&f->listener, config->path, "--usb", ret_message);
	if (r < 0)
		return r;
	r = fault_socket_open(&f->faults, config->fault_path, ret_message);
	if (r < 0)
		return r;
	*ret = take_ptr(f);
	return 0;
}

struct usb_front *usb_front_free(struct usb_front *f)
{
	if (!f)
		return NULL;
	usb_control_forget(f);
	usb_endpoints_forget(f);
	usb_peer_close(&f->peer);
	listener_close(&f->listener);
	fault_socket_close(&f->faults);
	free(f);
	return NULL;
}

/* ---- the whole device ---- */

/* Setting the configuration that is set begins anew, too: whoever does it has just taken the device over. */
void usb_device_configure(struct usb_front *f, bool configured)
{
	usb_endpoints_restart(f);
	f->configured = false;
	board_link_down(f->board);
	f->configured = configured;
	board_log(f->board, "configuration", configured ? "\"value\":1" : "\"value\":0");
	if (configured)
		board_link_up(f->board);
}

void usb_device_reset(struct usb_front *f)
{
	usb_endpoints_restart(f);
	f->configured = false;
	board_link_down(f->board);
	board_reset(f->board);
}

/* ---- the machine ---- */

static bool present(const struct usb_front *f)
{
	return f->peer.fd >= 0;
}

static void drop_peer(struct usb_front *f)
{
	char members[256];

	snprintf(members, sizeof(members), "\"connection\":\"usbredir\",\"reason\":\"%s\"",
		 f->peer.reason);
	board_log(f->board, "disconnected", members);
	usb_control_forget(f);
	usb_endpoints_forget(f);
	f->records_left = false;
	if (f->peer.greeted) { /* else nobody that the device has ever served */
		f->configured = false;
		board_link_down(f->board);
		board_reset(f->board);
	}
	usb_peer_close(&f->peer);
}

/* One machine at a time; one that says nothing gives way to the next. */
static void accept_peer(struct usb_front *f)
{
	const int fd = present(f) && f->peer.greeted ? -1 : listener_accept(&f->listener);

	if (fd < 0)
		return;
	if (present(f)) {
		usb_peer_end(&f->peer, "no hello before the next machine came");
		drop_peer(f);
	}
	if (usb_peer_open(&f->peer, fd, f) == 0)
		usb_peer_flush(&f->peer);
}

static void serve_peer(struct usb_front *f)
{
	if (!present(f))
		return;
	usb_control_answer(f); /* what a fault has held up */
	usb_peer_receive(&f->peer);
	usb_events_send(f);
	usb_peer_flush(&f->peer);
	if (f->peer.ended)
		drop_peer(f);
}

/* ---- the loop ---- */

enum { POLL_STOP, POLL_LISTENER, POLL_PEER, POLL_FAULTS, POLLS = POLL_FAULTS + FAULT_POLLS };

static void poll_list(const struct usb_front *f, struct pollfd *fds, int stop_fd)
{
	const bool free_place = !present(f) || !f->peer.greeted;
	short events = POLLRDHUP;

	if (present(f) && !usb_peer_full(&f->peer))
		events |= POLLIN;
	if (present(f) && usb_peer_unsent(&f->peer))
		events |= POLLOUT;
	fds[POLL_STOP] = (struct pollfd){.fd = stop_fd, .events = POLLIN};
	fds[POLL_LISTENER] =
		(struct pollfd){.fd = free_place ? f->listener.fd : -1, .events = POLLIN};
	fds[POLL_PEER] = (struct pollfd){.fd = f->peer.fd, .events = events};
	fault_socket_poll(&f->faults, fds + POLL_FAULTS);
}

static uint64_t next_turn(const struct usb_front *f)
{
	const uint64_t hang = board_hangs_until(f->board);

	if (f->records_left || (present(f) && f->peer.more && !usb_peer_full(&f->peer)))
		return 0;
	if (f->controls && hang > now_ns())
		return MIN(board_next_deadline(f->board), hang);
	return board_next_deadline(f->board);
}

static void turn(struct usb_front *f, short peer_events)
{
	bool cable;

	board_catch_up(f->board, now_ns());
	/* Who is not read, because it leaves answers unread, is seen to hang up all the same. */
	if (present(f) && usb_peer_full(&f->peer) && peer_events & (POLLHUP | POLLERR | POLLRDHUP))
		usb_peer_end(&f->peer, "");
	serve_peer(f); /* kicks first */
	accept_peer(f);
	fault_socket_serve(&f->faults, f->board, now_ns());
	board_advance(f->board, now_ns());
	cable = board_takes_cable(
		f->board); /* nobody's, too: it is not kept for the next machine */
	if (!present(f))
		return;
	if (cable)
		usb_peer_end(&f->peer, "scripted fault: cable");
	usb_endpoints_take_faults(f);
	usb_records_answer(f);
	usb_events_send(f);
	usb_peer_flush(&f->peer);
	if (f->peer.ended)
		drop_peer(f);
}

int usb_front_run(struct usb_front *f, struct board *board, int stop_fd)
{
	struct pollfd fds[POLLS];

	f->board = board;
	for (;;) {
		poll_list(f, fds, stop_fd);
		wait_until(fds, POLLS, next_turn(f));
		if (fds[POLL_STOP].revents)
			break;
		turn(f, fds[POLL_PEER].revents);
	}
	board_link_down(board);
	return 0;
}
