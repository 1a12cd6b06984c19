// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What becomes of open files: of the holder that hangs, is killed or closes; and when the board goes in the middle of a
 * program. Each case is one run of this program; a shell beside it pulls the board.
 *
 * usage: lifetime exclusive|arguments|expiry|killed|limits
 *        lifetime unplugged READY-FILE   runs a program, writes the file, expects the board to go
 *        lifetime reset READY-FILE       the same, but the board comes back
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"

#define WATCHDOG_NS 200000000

static void expect(const char *what, long got, long expected)
{
	if (got != expected)
		die("%s: %ld, not %ld", what, got, expected);
}

static int open_node(int flags)
{
	int fd = open(CLIENT_NODE, flags | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static short poll_now(int fd, int timeout_ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN | POLLPRI};

	poll(&p, 1, timeout_ms);
	return p.revents;
}

/* State events wake, too, and may come first. */
static void expect_hang_up(const char *whose, int fd, int timeout_ms)
{
	for (int ms = 0; ms < timeout_ms; ms++) {
		if (poll_now(fd, 0) & POLLHUP)
			return;
		usleep(1000);
	}
	die("%s is not told within %d ms", whose, timeout_ms);
}

static void exclusive(void)
{
	struct client c;

	client_open(&c);
	client_open_control(&c);
	expect("a second control fd", open_node(O_RDWR), -EBUSY);
	expect("a second capture fd", open_node(O_RDONLY), -EBUSY);
	expect("write only", open_node(O_WRONLY), -EINVAL);
	expect("RELEASE by the control fd", call(c.control, ETALON_IOC_RELEASE, NULL), -ENOTTY);
	expect("OFF by the capture fd", call(c.capture, ETALON_IOC_OFF, NULL), -ENOTTY);
	expect("a call of nobody", call(c.control, _IO(ETALON_IOC_MAGIC, 0x77), NULL), -ENOTTY);
	close(c.control);
	client_open_control(&c);
	client_close(&c);
}

static void arguments(void)
{
	const long page = sysconf(_SC_PAGESIZE);
	struct etalon_command command = {.size = sizeof(command), .flags = 1};
	struct {
		struct etalon_info info;
		uint64_t tail;
	} longer = {.info.size = sizeof(longer)};
	struct client c;
	char *two, *end;
	const unsigned long longer_info =
		_IOC(_IOC_READ | _IOC_WRITE, ETALON_IOC_MAGIC, 0, sizeof(longer));

	client_open(&c);
	client_open_control(&c);
	expect("unknown flags", call(c.control, ETALON_IOC_CLEAR, &command), -EINVAL);
	command.flags = 0;
	command.size = 8;
	expect("another size", call(c.control, ETALON_IOC_CLEAR, &command), -EINVAL);
	expect("a tail of zeroes", call(c.capture, longer_info, &longer), 0);
	longer.tail = 1;
	expect("a tail that is not", call(c.capture, longer_info, &longer), -E2BIG);

	two = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap(two + page, page);
	end = two + page - sizeof(struct etalon_info);
	((struct etalon_info *)(void *)end)->size = sizeof(struct etalon_info);
	expect("an argument at the end of a page", call(c.capture, ETALON_IOC_INFO, end), 0);
	((struct etalon_info *)(void *)(end + 8))->size = sizeof(struct etalon_info);
	expect("one that runs over it", call(c.capture, ETALON_IOC_INFO, end + 8), -EFAULT);
	expect("no argument", call(c.capture, ETALON_IOC_INFO, NULL), -EFAULT);
	if (mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, c.capture, 0) != MAP_FAILED)
		die("the ring can be written");
	if (mmap(NULL, page, PROT_READ, MAP_SHARED, c.capture,
		 (off_t)(c.info.data_offset + c.info.data_bytes)) != MAP_FAILED)
		die("there is a mapping beyond the ring");
	client_close(&c);
}

/* The holder hangs: dark after its period, control free at once. */
static void expiry(void)
{
	struct client c;
	struct etalon_status s;
	int revoked;

	client_open(&c);
	client_open_control(&c);
	client_light(&c, WATCHDOG_NS);
	expect_hang_up("the holder", c.control, 2 * WATCHDOG_NS / 1000000);
	revoked = c.control;
	expect("KICK", call(revoked, ETALON_IOC_KICK, NULL), -ESTALE);
	expect("OFF", call(revoked, ETALON_IOC_OFF, NULL), -ESTALE);
	expect("INFO", call(revoked, ETALON_IOC_INFO, &c.info), -ESTALE);
	client_open_control(&c);
	s = client_status(c.control);
	if (s.state != ETALON_HW_STATE_OFF && s.state != ETALON_HW_STATE_TRIPPED)
		die("state %u after the period", s.state);
	close(revoked); /* must not disturb the new holder */
	expect("STATUS of the new holder", call(c.control, ETALON_IOC_STATUS, &s), 0);
	client_close(&c);
}

static void killed(void)
{
	struct client c;
	struct etalon_status s;
	int ready[2];
	char byte;
	pid_t child;

	if (pipe(ready) < 0)
		die("pipe: %s", strerror(errno));
	child = fork();
	if (child == 0) {
		client_open(&c);
		client_open_control(&c);
		client_light(&c, WATCHDOG_NS);
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			client_kick(&c);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		die("the holder did not come to light");
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	client_open(&c);
	client_open_control(&c);
	s = client_status(c.control);
	expect("state after the kill", s.state, ETALON_HW_STATE_OFF);
	expect("its cause", (long)s.last_off_cause, (long)ETALON_HW_CAUSE_HOST);
	client_close(&c);
}

/* Limits are this holder's alone. */
static void limits(void)
{
	struct client c;
	struct etalon_limits l = {.size = sizeof(l), .low = 1540000000, .high = 1550000000};
	struct etalon_value v = {.size = sizeof(v), .value = 1555000000};
	struct etalon_command arm = {.size = sizeof(arm), .period_ns = WATCHDOG_NS};

	client_open(&c);
	client_open_control(&c);
	l.source = v.channel = sweep_source(c.description, "laser.wavelength");
	expect("limits", call(c.control, ETALON_IOC_SET_LIMITS, &l), 0);
	expect("a setpoint outside", call(c.control, ETALON_IOC_SET_SOURCE, &v), -ERANGE);
	expect("why", v.refusal.result, ETALON_HW_REFUSED_LIMIT);
	expect("up to", v.refusal.high, 1550000000);
	l.high = INT64_MAX;
	expect("wider limits", call(c.control, ETALON_IOC_SET_LIMITS, &l), -ERANGE);
	close(c.control);
	client_open_control(&c);
	expect("the setpoint of the next holder", call(c.control, ETALON_IOC_SET_SOURCE, &v), 0);
	expect("ARM without limits", call(c.control, ETALON_IOC_ARM, &arm), -EACCES);
	expect("why", arm.refusal.result, ETALON_HW_REFUSED_LIMITS_UNWRITTEN);
	client_close(&c);
}

static void touch(const char *file)
{
	close(open(file, O_WRONLY | O_CREAT, 0600));
}

/* What was written before is gone, and says so. */
static void expect_epoch(struct client *c, uint64_t expected)
{
	struct etalon_info info = {.size = sizeof(info)};

	for (int ms = 0; ms < 20000; ms++) {
		expect("INFO", call(c->capture, ETALON_IOC_INFO, &info), 0);
		if (info.epoch == expected)
			return;
		usleep(1000);
	}
	die("epoch %llu, not %llu", (unsigned long long)info.epoch, (unsigned long long)expected);
}

/* Everything up to the END record that the kernel wrote is there, and nothing hangs. */
static void interrupted(const char *ready, bool comes_back)
{
	const struct sweep sweep = {
		.points = 10000000, .period_ns = 20000, .detectors = 4, .generation = 9};
	struct etalon_load load;
	struct ledger l;
	struct client c;

	client_open(&c);
	client_open_control(&c);
	client_map(&c);
	load = client_load(&c, &sweep);
	client_start(&c);
	touch(ready);
	client_records(&c, &load, true, NULL, 20000, &l);
	if (!l.started || !l.ended)
		die("START %d, END %d", l.started, l.ended);
	/* A guest that is too slow has the board drop some. */
	if (l.end.produced != l.points + l.gaps)
		die("END says %llu points, %llu are here and GAP records speak of %llu",
		    (unsigned long long)l.end.produced, (unsigned long long)l.points,
		    (unsigned long long)l.gaps);
	expect_hang_up("the control fd", c.control, 1000);
	expect("OFF", call(c.control, ETALON_IOC_OFF, NULL), comes_back ? -ESTALE : -ENODEV);
	if (!comes_back) {
		expect_hang_up("the capture fd", c.capture, 1000);
		expect("CLOCK", call(c.capture, ETALON_IOC_CLOCK, NULL), -EFAULT);
		expect("status page", c.status->gone, 1);
	} else {
		expect_epoch(&c, c.info.epoch + 1);
	}
	printf("# END cause %u causes %#x after %llu points\n", l.end.cause, l.end.causes,
	       (unsigned long long)l.points);
	client_close(&c);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (strcmp(what, "exclusive") == 0)
		exclusive();
	else if (strcmp(what, "arguments") == 0)
		arguments();
	else if (strcmp(what, "expiry") == 0)
		expiry();
	else if (strcmp(what, "killed") == 0)
		killed();
	else if (strcmp(what, "limits") == 0)
		limits();
	else if (argc == 3 && strcmp(what, "unplugged") == 0)
		interrupted(argv[2], false);
	else if (argc == 3 && strcmp(what, "reset") == 0)
		interrupted(argv[2], true);
	else
		return 2;
	return 0;
}
