// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The holder process. See holder.h.
 */
#include "holder.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/util.h"

#include <check.h> /* last: it defines a macro fail() */

#define SERVICE "org.etalon1"
#define BOARD "org.etalon1.Board"
#define EMITTING_TIMEOUT_MS 20000

static void error_name(const sd_bus_error *e, char ret[64])
{
	static const char prefix[] = "org.etalon1.Error.";
	const char *name = e->name ? e->name : "";

	if (strncmp(name, prefix, sizeof(prefix) - 1) == 0)
		name += sizeof(prefix) - 1;
	snprintf(ret, 64, "%s", name);
}

int holder_call(sd_bus *bus, const char *path, const char *interface, const char *method,
		char ret_error[64], const char *types, ...)
{
	sd_bus_error e = SD_BUS_ERROR_NULL;
	sd_bus_message *m = NULL;
	va_list ap;
	int r;

	ck_assert_int_ge(sd_bus_message_new_method_call(bus, &m, SERVICE, path, interface, method),
			 0);
	va_start(ap, types);
	ck_assert_int_ge(sd_bus_message_appendv(m, types, ap), 0);
	va_end(ap);
	r = sd_bus_call(bus, m, 0, &e, NULL);
	error_name(&e, ret_error);
	if (r < 0)
		ck_assert_msg(e.message && e.message[0], "%s says nothing", ret_error);
	sd_bus_message_unref(m);
	sd_bus_error_free(&e);
	return r < 0 ? r : 0;
}

int take_lease(sd_bus *bus, const char *board, unsigned int period_ms, char ret_error[64])
{
	sd_bus_error e = SD_BUS_ERROR_NULL;
	sd_bus_message *reply = NULL;
	int fd = -1;
	int r = sd_bus_call_method(bus, SERVICE, board, BOARD, "Lease", &e, &reply, "ua{sv}",
				   period_ms, 0);

	error_name(&e, ret_error);
	if (r >= 0)
		r = sd_bus_message_read(reply, "h", &fd);
	if (r >= 0)
		fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	sd_bus_message_unref(reply);
	sd_bus_error_free(&e);
	return r < 0 ? r : fd;
}

char *last_off_cause(sd_bus *bus, const char *board)
{
	char *cause = NULL;

	ck_assert_int_ge(sd_bus_get_property_string(bus, SERVICE, board, BOARD, "LastOffCause",
						    NULL, &cause),
			 0);
	return cause;
}

/* ---- the process ---- */

static void live(sd_bus *bus, int lease, int control, unsigned int period_ms)
{
	bool silent = false;

	for (;;) {
		struct pollfd fd = {.fd = control, .events = POLLIN};
		char what;

		if (!silent && lease >= 0 && write(lease, "x", 1) < 0 && errno != EPIPE)
			_exit(3);
		if (poll(&fd, 1, (int)period_ms / 4) <= 0)
			continue;
		if (read(control, &what, 1) != 1)
			_exit(0);
		if (what == HOLDER_LEAVE_BUS)
			bus = sd_bus_flush_close_unref(bus);
		else if (what == HOLDER_FALL_SILENT)
			silent = true;
		else if (what == HOLDER_CLOSE_LEASE)
			close(take_fd(&lease));
	}
}

static void hold(const struct session *s, unsigned int period_ms, bool emit, int control, int ready)
{
	sd_bus *bus = session_bus(s);
	char *board = session_board_path(bus), error[64];
	int lease = take_lease(bus, board, period_ms, error);
	uint64_t until = now_ns() + EMITTING_TIMEOUT_MS * NSEC_PER_MSEC;

	signal(SIGPIPE, SIG_IGN);
	if (lease < 0)
		_exit(2);
	if (emit && holder_call(bus, board, BOARD, "Emit", error, "a{sx}", 0) < 0)
		_exit(2);
	while (emit && now_ns() < until) {
		if (write(lease, "x", 1) < 0)
			_exit(2);
		if (session_wait_state(bus, board, "emitting", (int)period_ms / 4))
			break;
	}
	if (write(ready, "r", 1) != 1)
		_exit(2);
	live(bus, lease, control, period_ms);
}

void holder_start(struct holder *h, const struct session *s, unsigned int period_ms, bool emit)
{
	int control[2], ready[2];
	char is_ready = 0;

	ck_assert_int_eq(pipe2(control, O_CLOEXEC), 0);
	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	h->pid = fork();
	ck_assert_int_ge(h->pid, 0);
	if (h->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(control[1]);
		close(ready[0]);
		hold(s, period_ms, emit, control[0], ready[1]);
		_exit(0);
	}
	close(control[0]);
	close(ready[1]);
	h->control = control[1];
	ck_assert_msg(read(ready[0], &is_ready, 1) == 1, "the holder did not get its light");
	close(ready[0]);
}

void holder_tell(struct holder *h, char what)
{
	ck_assert_int_eq(write(h->control, &what, 1), 1);
}

void holder_end(struct holder *h)
{
	session_kill(&h->pid, SIGKILL);
	closep(&h->control);
	h->control = -1;
}
