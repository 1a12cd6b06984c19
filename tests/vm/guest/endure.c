// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Uses a board that may say anything: runs programs, asks, reads, makes light. Any call may fail; none may hang, and what the
 * kernel says of its own, the status page and where records lie, has to be sound. Ends when the board is gone (as the
 * driver sees it), or when the file ENOUGH is there.
 *
 * usage: endure SEED UP-FILE ENOUGH-FILE
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "random.h"

#define CALL_MAX_S 20 /* of one turn: under emulation, and some calls take many registers */
#define WATCHDOG_NS 300000000

static struct client c;
static uint64_t seed;

static void on_alarm(int signal)
{
	static const char said[] = "a call hangs\n";

	(void)signal;
	if (write(STDOUT_FILENO, said, sizeof(said) - 1) < 0)
		_exit(4);
	_exit(3);
}

static uint32_t below(uint32_t end)
{
	return random_below(&seed, end);
}

/* ---- what can be asked ---- */

static int start_program(void)
{
	const struct sweep sweep = {
		.points = 100 + below(20000),
		.period_ns = 10000 + 10000 * below(3),
		.detectors = 1 + below(4),
		.generation = 1 + below(1000),
	};
	struct etalon_load load;
	const int r = client_try_load(&c, &sweep, &load);

	return r < 0 ? r : client_try_start(&c, &load.refusal);
}

static int make_light(void)
{
	struct etalon_command arm = {.size = sizeof(arm), .period_ns = WATCHDOG_NS};
	struct etalon_command plain = {.size = sizeof(plain)};
	const struct etalon_hw_source *s =
		(const void *)((const char *)c.description + c.description->source_offset);

	call(c.control, ETALON_IOC_CLEAR, &plain);
	for (uint32_t i = 0; i < c.description->source_count; i++) {
		struct etalon_limits l = {
			.size = sizeof(l), .source = i, .low = s[i].min, .high = s[i].max};

		if (s[i].emits)
			call(c.control, ETALON_IOC_SET_LIMITS, &l);
	}
	call(c.control, ETALON_IOC_ARM, &arm);
	return call(c.control, ETALON_IOC_EMIT, &plain);
}

static int read_live(void)
{
	static struct etalon_hw_live readings[ETALON_HW_DETECTORS_MAX];
	struct etalon_live live = {
		.size = sizeof(live),
		.buffer = (uintptr_t)readings,
		.capacity = 1 + below(c.description->detector_count),
	};

	return call(c.control, ETALON_IOC_LIVE, &live);
}

static int use_source(unsigned long command)
{
	struct etalon_value v = {
		.size = sizeof(v),
		.channel = below(c.description->source_count),
		.value = below(1000) * INT64_C(1000000),
	};

	return call(c.control, command, &v);
}

static int look_at_clock(void)
{
	struct etalon_clock clock = {.size = sizeof(clock)};

	return call(c.capture, ETALON_IOC_CLOCK, &clock);
}

static int look_at_status(void)
{
	struct etalon_status s = {.size = sizeof(s)};
	int r = call(c.capture, ETALON_IOC_STATUS, &s);

	if (r >= 0 &&
	    (s.state > ETALON_HW_STATE_TRIPPED || s.sequencer > ETALON_HW_SEQUENCER_ENDED))
		die("STATUS says state %u, sequencer %u", s.state, s.sequencer);
	return r;
}

static int read_temperature(void)
{
	FILE *f = popen("cat /sys/class/etalon/etalon0/hwmon*/temp1_input 2>/dev/null", "r");

	if (f)
		pclose(f);
	return 0;
}

/* ---- records ---- */

static void check_status_page(void)
{
	const struct etalon_ring_status s = *c.status;

	if (s.data_modulus > c.info.data_bytes ||
	    (s.data_modulus && (!s.stride || s.stride % 8 || s.stride > 4096)))
		die("the status page says stride %u, modulus %llu", s.stride,
		    (unsigned long long)s.data_modulus);
	if (s.state > ETALON_HW_STATE_TRIPPED || s.sequencer > ETALON_HW_SEQUENCER_ENDED)
		die("the status page says state %u, sequencer %u", s.state, s.sequencer);
}

/* By both ways; what the records say is the board's to lie about. */
static int take_records(void)
{
	static char buffer[65536];
	struct etalon_sequence s = {.size = sizeof(s), .sequence = c.status->producer};
	const uint64_t stride = c.status->stride, first = c.status->consumer;
	const uint64_t modulus = c.status->data_modulus;
	struct pollfd p = {.fd = c.capture, .events = POLLIN | POLLPRI};
	volatile char sum = 0;

	check_status_page();
	if (!stride || !modulus)
		return 0;
	for (uint64_t n = first; n < s.sequence && n < first + 1000; n++)
		sum += c.data[n * stride % modulus];
	if (pread(c.capture, buffer, sizeof(buffer), (off_t)(first * stride)) >
	    (ssize_t)sizeof(buffer))
		die("pread() gives more than was asked for");
	poll(&p, 1, (int)below(3));
	call(c.capture, ETALON_IOC_WANT, &s);
	return call(c.capture, ETALON_IOC_RELEASE, &s);
}

/* ---- */

static int one_turn(void)
{
	switch (below(16)) {
	case 0:
		return start_program();
	case 1:
		return make_light();
	case 2:
	case 3:
		return read_live();
	case 4:
		return use_source(ETALON_IOC_GET_SOURCE);
	case 5:
		return use_source(ETALON_IOC_SET_SOURCE);
	case 6:
	case 7:
		return look_at_clock();
	case 8:
		return look_at_status();
	case 9:
		return call(c.control, ETALON_IOC_KICK, NULL);
	case 10:
		return below(4) ? 0 : call(c.control, ETALON_IOC_STOP, NULL);
	case 11:
		return below(8) ? 0 : call(c.control, ETALON_IOC_OFF, NULL);
	case 12:
		return below(8) ? 0 : read_temperature();
	default:
		return take_records();
	}
}

/* Control was lost: the board broke its contract, or was too slow. */
static void take_control_again(void)
{
	close(c.control);
	c.control = open(CLIENT_NODE, O_RDWR | O_CLOEXEC);
}

static void make(const char *file)
{
	close(open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

int main(int argc, char **argv)
{
	struct etalon_status s;

	if (argc != 4)
		return 2;
	seed = strtoull(argv[1], NULL, 0);
	signal(SIGALRM, on_alarm);
	client_open(&c);
	client_open_control(&c);
	client_map(&c);
	s = client_status(c.control);
	if (s.state != ETALON_HW_STATE_OFF && s.state != ETALON_HW_STATE_TRIPPED)
		die("nobody had control, and the board is in state %u", s.state);
	start_program();
	make(argv[2]);
	while (access(argv[3], F_OK) && c.control >= 0) {
		int r;

		alarm(CALL_MAX_S);
		r = one_turn();
		if (r == -ESTALE)
			take_control_again();
		if (r == -ENODEV)
			break;
	}
	alarm(CALL_MAX_S);
	client_close(&c);
	return 0;
}
