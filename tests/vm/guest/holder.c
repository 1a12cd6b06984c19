// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The process that keeps light on; see holder.h.
 */
#include "holder.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define KICKS_PER_PERIOD 4
#define POINTS 20000 /* 1 nm at 1 nm/s */
#define PERIOD_NS 50000
#define CURRENT_FA INT64_C(200000000000000) /* 200 mA, two milliseconds of its slew */
#define PATIENCE_MS 20000

enum order_kind {
	ORDER_END_LIGHT,
	ORDER_EXPECT_ERROR,
	ORDER_EXPECT_TRIP,
	ORDER_LEAVE,
};

struct order {
	enum order_kind kind;
	enum mark_kind mark;
	unsigned int trial;
	int error;
	uint32_t cause;
};

/* ---- in the process ---- */

static void set_current(struct client *c)
{
	struct etalon_value v = {
		.size = sizeof(v),
		.channel = sweep_source(c->description, "ld1"),
		.value = CURRENT_FA,
	};
	const int r = call(c->control, ETALON_IOC_SET_SOURCE, &v);

	if (r < 0)
		die("ld1: %s, result %u", strerror(-r), v.refusal.result);
}

static void shine(struct client *c, uint64_t watchdog_ns)
{
	const struct sweep sweep = {.points = POINTS,
				    .period_ns = PERIOD_NS,
				    .detectors = 4,
				    .generation = 5,
				    .light = true};
	uint64_t first;

	client_open(c);
	client_open_control(c);
	client_map(c);
	client_release(c, c->status->producer);
	client_light(c, watchdog_ns);
	set_current(c);
	client_load(c, &sweep);
	first = c->status->producer;
	client_start(c);
	while (c->status->producer < first + 2) /* START and a point */
		client_wait(c, watchdog_ns);
}

static void end_light(struct client *c, const struct order *o)
{
	int r = 0;

	mark(o->mark, MARK_CAUSE, o->trial);
	if (o->mark == MARK_CLOSE)
		r = close(c->control);
	else
		r = call(c->control, o->mark == MARK_OFF ? ETALON_IOC_OFF : ETALON_IOC_HALT, NULL);
	mark(o->mark, MARK_AFTER, o->trial);
	if (r < 0)
		die("%s: %s", mark_names[o->mark], strerror(-r));
	if (o->mark == MARK_CLOSE)
		c->control = -1;
}

/* The capture fd keeps what is in memory, and says that no more comes. */
static void expect_gone(struct client *c)
{
	struct etalon_info info = {.size = sizeof(info)};
	struct pollfd p = {.fd = c->capture};

	poll(&p, 1, 0);
	if (!(p.revents & POLLHUP))
		die("poll() of the capture fd does not tell");
	if (call(c->capture, ETALON_IOC_INFO, &info) != -ENODEV)
		die("INFO of the capture fd does not tell");
	client_release(c, c->status->producer); /* END needs a place */
	if (!c->status->gone)
		die("the status page does not tell");
}

/* Arguments that would be good; the first call has to ask the board, so that its absence is noticed. */
static void expect_error(struct client *c, int error)
{
	static const unsigned long calls[] = {
		ETALON_IOC_OFF,	       ETALON_IOC_INFO,	      ETALON_IOC_DESCRIPTION,
		ETALON_IOC_STATUS,     ETALON_IOC_CLOCK,      ETALON_IOC_SET_LIMITS,
		ETALON_IOC_SET_SOURCE, ETALON_IOC_GET_SOURCE, ETALON_IOC_SET_COMPLIANCE,
		ETALON_IOC_SET_RANGE,  ETALON_IOC_LIVE,	      ETALON_IOC_UPLOAD,
		ETALON_IOC_LOAD,       ETALON_IOC_START,      ETALON_IOC_STOP,
		ETALON_IOC_ARM,	       ETALON_IOC_EMIT,	      ETALON_IOC_KICK,
		ETALON_IOC_HALT,       ETALON_IOC_CLEAR,
	};
	struct pollfd p = {.fd = c->control};

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		uint64_t argument[16] = {_IOC_SIZE(calls[i])};
		const int r = call(c->control, calls[i], argument);

		if (r != error)
			die("call %#lx: %d, not %d", calls[i] & 0xff, r, error);
	}
	poll(&p, 1, 0);
	if (!(p.revents & POLLHUP))
		die("poll() of the control fd does not tell");
	if (error == -ENODEV)
		expect_gone(c);
}

static void expect_trip(struct client *c, uint32_t cause)
{
	struct etalon_status s = {0};

	for (int ms = 0; ms < PATIENCE_MS; ms++) {
		s = client_status(c->control);
		if (s.state == ETALON_HW_STATE_TRIPPED && s.last_off_cause == cause)
			return;
		usleep(1000);
	}
	die("state %u for cause %#x, not TRIPPED for %#x", s.state, s.last_off_cause, cause);
}

/* False: leave. */
static bool obey(struct client *c, const struct order *o)
{
	switch (o->kind) {
	case ORDER_END_LIGHT:
		end_light(c, o);
		return true;
	case ORDER_EXPECT_ERROR:
		expect_error(c, o->error);
		return true;
	case ORDER_EXPECT_TRIP:
		expect_trip(c, o->cause);
		return true;
	default:
		return false;
	}
}

static void answer(int fd)
{
	if (write(fd, "", 1) != 1)
		die("nobody waits for the holder");
}

static void hold(int orders, int answers, uint64_t watchdog_ns)
{
	struct pollfd p = {.fd = orders, .events = POLLIN};
	struct client c;
	struct order o;

	shine(&c, watchdog_ns);
	answer(answers);
	for (;;) {
		if (!poll(&p, 1, (int)(watchdog_ns / 1000000 / KICKS_PER_PERIOD))) {
			call(c.control, ETALON_IOC_KICK, NULL); /* may have been revoked */
			continue;
		}
		if (read(orders, &o, sizeof(o)) != sizeof(o) || !obey(&c, &o))
			return client_close(&c);
		answer(answers);
	}
}

/* ---- outside ---- */

static void await_answer(struct holder *h)
{
	struct pollfd p = {.fd = h->answers, .events = POLLIN};
	char byte;

	if (poll(&p, 1, PATIENCE_MS) != 1 || read(h->answers, &byte, 1) != 1)
		die("the holder does not answer");
}

static void give(struct holder *h, const struct order *o)
{
	if (write(h->orders, o, sizeof(*o)) != sizeof(*o))
		die("the holder takes no order: %s", strerror(errno));
	await_answer(h);
}

void holder_start(struct holder *h, uint64_t watchdog_ns)
{
	int orders[2], answers[2];

	if (pipe(orders) < 0 || pipe(answers) < 0)
		die("pipe: %s", strerror(errno));
	fflush(stdout);
	h->pid = fork();
	if (h->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(orders[1]);
		close(answers[0]);
		hold(orders[0], answers[1], watchdog_ns);
		exit(EXIT_SUCCESS);
	}
	close(orders[0]);
	close(answers[1]);
	h->orders = orders[1];
	h->answers = answers[0];
	await_answer(h);
}

void holder_end_light(struct holder *h, enum mark_kind kind, unsigned int trial)
{
	give(h, &(struct order){.kind = ORDER_END_LIGHT, .mark = kind, .trial = trial});
}

void holder_expect(struct holder *h, int error)
{
	give(h, &(struct order){.kind = ORDER_EXPECT_ERROR, .error = error});
}

void holder_expect_trip(struct holder *h, uint32_t cause)
{
	give(h, &(struct order){.kind = ORDER_EXPECT_TRIP, .cause = cause});
}

void holder_wait(struct holder *h, int signal)
{
	int status;

	close(h->orders); /* which lets it go */
	if (waitpid(h->pid, &status, 0) != h->pid)
		die("waitpid: %s", strerror(errno));
	close(h->answers);
	if (signal ? !WIFSIGNALED(status) || WTERMSIG(status) != signal : status != 0)
		die("the holder ended with status %#x", status);
}
