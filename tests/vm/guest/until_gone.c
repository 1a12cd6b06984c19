// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Works with the board until it goes: sweeps one after the other, dark and with light, read from the mapping and by pread(),
 * while a second thread asks whatever can be asked, through every file that the driver gives. A shell beside it takes the
 * board away at a moment of its own. Then the driver is held to what it promises of a board that is gone.
 *
 * usage: until_gone SEED UP-FILE TOLD-FILE LINGER-MS [quiet]
 *   UP-FILE    is made when the first program runs
 *   TOLD-FILE  when all that was promised was found; files and mappings stay open for LINGER-MS more
 *   quiet      no second thread: nothing but the sweeps touches the board
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/gpio.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "client.h"
#include "random.h"

#define KICK_US 50000
#define TOLD_WITHIN_MS 5000
#define RECORD_WITHIN_MS 30000

static pthread_t worker;
static jmp_buf gone;
static bool in_program; /* START was accepted, END is owed */
static pthread_t kicker;
static bool kicking;

/* In place of an answer that a board would have given. */
static void board_gone(void)
{
	if (pthread_equal(pthread_self(), worker))
		longjmp(gone, 1);
	pthread_exit(NULL);
}

/* ---- what is open besides ---- */

struct others {
	struct client *c;
	uint64_t seed;
	int temperature; /* of hwmon; -1: this kernel has none */
	int line; /* an auxiliary line with its edges; -1: none */
};

static int open_temperature(void)
{
	glob_t found;
	int fd = -1;

	if (glob("/sys/class/etalon/etalon0/hwmon*/temp1_input", 0, NULL, &found))
		return -1;
	fd = open(found.gl_pathv[0], O_RDONLY | O_CLOEXEC);
	globfree(&found);
	return fd;
}

/* gpiolib loses the label of a line that outlives its chip: none is held where a detector sees that. */
static int open_line(void)
{
	struct gpio_v2_line_request request = {
		.num_lines = 1,
		.config.flags = GPIO_V2_LINE_FLAG_INPUT | GPIO_V2_LINE_FLAG_EDGE_RISING |
				GPIO_V2_LINE_FLAG_EDGE_FALLING,
	};
	int chip;

	if (access("/sys/kernel/debug/kmemleak", F_OK) == 0)
		return -1;
	chip = open("/dev/gpiochip0", O_RDWR | O_CLOEXEC);
	if (chip < 0)
		return -1;
	if (ioctl(chip, GPIO_V2_GET_LINE_IOCTL, &request) < 0)
		die("an auxiliary line: %s", strerror(errno));
	close(chip);
	return request.fd;
}

static int read_temperature(int fd)
{
	char text[32];

	return pread(fd, text, sizeof(text), 0) < 0 ? -errno : 0;
}

static int read_line(int fd)
{
	struct gpio_v2_line_values values = {.mask = 1};

	return ioctl(fd, GPIO_V2_LINE_GET_VALUES_IOCTL, &values) < 0 ? -errno : 0;
}

/* ---- the second thread ---- */

static int ask(const struct others *o, uint32_t what)
{
	struct etalon_status status = {.size = sizeof(status)};
	struct etalon_clock clock = {.size = sizeof(clock)};
	struct etalon_info info = {.size = sizeof(info)};
	struct etalon_value value = {.size = sizeof(value), .channel = what % 8};
	struct etalon_hw_live readings[4];
	struct etalon_live live = {
		.size = sizeof(live), .buffer = (uintptr_t)readings, .capacity = 4};

	switch (what % 7) {
	case 0:
		return call(o->c->capture, ETALON_IOC_STATUS, &status);
	case 1:
		return call(o->c->capture, ETALON_IOC_CLOCK, &clock);
	case 2:
		return call(o->c->control, ETALON_IOC_INFO, &info);
	case 3:
		return call(o->c->control, ETALON_IOC_GET_SOURCE, &value);
	case 4:
		return call(o->c->control, ETALON_IOC_LIVE, &live);
	case 5:
		return o->temperature < 0 ? 0 : read_temperature(o->temperature);
	default:
		return o->line < 0 ? 0 : read_line(o->line);
	}
}

static void *keep_asking(void *userdata)
{
	struct others *o = userdata;
	int r = 0;

	while (r >= 0 || r == -ENODATA) { /* of a sensor without a finished aperture */
		r = ask(o, random_below(&o->seed, UINT32_MAX));
		usleep(random_below(&o->seed, 3000));
	}
	if (r != -ENODEV)
		die("a board that goes: %s", strerror(-r));
	return NULL;
}

/* ---- sweeps ---- */

static void *keep_kicking(void *userdata)
{
	for (;;) {
		client_kick(userdata);
		usleep(KICK_US);
	}
	return NULL;
}

static void start_kicking(struct client *c)
{
	kicking = pthread_create(&kicker, NULL, keep_kicking, c) == 0;
	if (!kicking)
		die("no thread");
}

static void stop_kicking(void)
{
	pthread_cancel(kicker);
	pthread_join(kicker, NULL);
	kicking = false;
}

static void make(const char *file)
{
	close(open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static void darken(struct client *c)
{
	if (call(c->control, ETALON_IOC_OFF, NULL) == -ENODEV)
		board_gone();
}

static struct sweep next_sweep(uint64_t *seed, uint32_t generation)
{
	const uint32_t light = random_below(seed, 2);

	return (struct sweep){
		/* The light's speed is between 0.5 and 100 nm/s. */
		.points = (light ? 1000 : 100) + random_below(seed, 30000),
		.period_ns = 20000 + 1000 * random_below(seed, 20),
		.detectors = 1 + random_below(seed, 4),
		.generation = generation,
		.light = light,
	};
}

/* Until the board is gone; *ret says how the last program was left. */
static void run_sweeps(struct client *c, uint64_t *seed, const char *up, struct ledger *ret)
{
	for (uint32_t generation = 1;; generation++) {
		const struct sweep sweep = next_sweep(seed, generation);
		const bool mapped = random_below(seed, 2);
		struct etalon_load load;

		if (sweep.light) {
			client_light(c, c->description->watchdog_max_ns);
			start_kicking(c);
		}
		load = client_load(c, &sweep);
		client_start(c);
		in_program = true;
		make(up);
		client_records(c, &load, mapped, NULL, RECORD_WITHIN_MS, ret);
		if (!ret->ended || ret->end.cause != ETALON_HW_END_DONE)
			return;
		in_program = false;
		if (ret->points != sweep.points || ret->crc != ret->end.crc)
			die("%llu of %u points", (unsigned long long)ret->points, sweep.points);
		if (sweep.light) {
			stop_kicking();
			darken(c);
		}
	}
}

/* ---- what is promised of a board that is gone ---- */

static void expect(const char *what, long got, long expected)
{
	if (got != expected)
		die("%s: %ld, not %ld", what, got, expected);
}

static void expect_hang_up(const char *whose, int fd)
{
	struct pollfd p = {.fd = fd};

	if (poll(&p, 1, TOLD_WITHIN_MS) != 1 || !(p.revents & POLLHUP))
		die("%s is not told", whose);
}

static void expect_no_answers(const struct others *o)
{
	const struct client *c = o->c;
	struct etalon_command command = {.size = sizeof(command)};
	struct etalon_sequence all = {.size = sizeof(all), .sequence = c->status->producer};

	for (uint32_t what = 0; what < 5; what++)
		expect("a question", ask(o, what), -ENODEV);
	expect("KICK", call(c->control, ETALON_IOC_KICK, NULL), -ENODEV);
	expect("OFF", call(c->control, ETALON_IOC_OFF, NULL), -ENODEV);
	expect("HALT", call(c->control, ETALON_IOC_HALT, NULL), -ENODEV);
	expect("START", call(c->control, ETALON_IOC_START, &command), -ENODEV);
	expect("RELEASE", call(c->capture, ETALON_IOC_RELEASE, &all), 0);
	expect("WANT", call(c->capture, ETALON_IOC_WANT, &all), 0);
	expect("the status page", c->status->gone, 1);
}

static void expect_whole_ledger(const struct ledger *l)
{
	if (!in_program)
		return;
	if (!l->ended)
		die("no END after %llu points", (unsigned long long)l->points);
	if (l->end.produced != l->points)
		die("END says %llu points, %llu are here", (unsigned long long)l->end.produced,
		    (unsigned long long)l->points);
}

/* Each byte of the mapping can still be read, and it can be mapped anew. */
static void touch_memory(const struct client *c)
{
	const volatile char *data = c->data;
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *again = mmap(NULL, page, PROT_READ, MAP_SHARED, c->capture, 0);

	for (uint64_t at = 0; at < c->info.data_bytes; at += page)
		(void)data[at];
	if (again == MAP_FAILED)
		die("the status page cannot be mapped: %s", strerror(errno));
	munmap(again, page);
}

/* In an order of the seed's: a mapping may be the last that holds the ring, or a file. */
static void let_go(struct client *c, struct others *o, uint64_t *seed)
{
	const bool files_first = random_below(seed, 2);

	if (files_first) {
		close(c->control);
		close(c->capture);
	}
	munmap((void *)(uintptr_t)c->data, c->info.data_bytes);
	munmap((void *)(uintptr_t)c->status, (size_t)sysconf(_SC_PAGESIZE));
	if (!files_first) {
		close(c->capture);
		close(c->control);
	}
	if (o->line >= 0)
		close(o->line);
	if (o->temperature >= 0)
		close(o->temperature);
	free(c->description);
}

int main(int argc, char **argv)
{
	static struct client c;
	static struct ledger l;
	static struct others others;
	static uint64_t seed;
	pthread_t asker;
	bool quiet;

	if (argc < 5)
		return 2;
	seed = strtoull(argv[1], NULL, 0);
	quiet = argc > 5;
	client_open(&c);
	client_open_control(&c);
	client_map(&c);
	others = (struct others){&c, seed + 1, open_temperature(), open_line()};
	worker = pthread_self();
	client_gone = board_gone;
	if (!quiet && pthread_create(&asker, NULL, keep_asking, &others))
		die("no thread");
	if (setjmp(gone) == 0)
		run_sweeps(&c, &seed, argv[2], &l);
	expect_hang_up("the control fd", c.control);
	expect_hang_up("the capture fd", c.capture);
	expect_whole_ledger(&l);
	expect_no_answers(&others);
	touch_memory(&c);
	if (kicking) /* it ends when it is told, and before its file is closed */
		pthread_join(kicker, NULL);
	if (!quiet)
		pthread_join(asker, NULL);
	make(argv[3]);
	usleep((useconds_t)(strtoul(argv[4], NULL, 0) * 1000));
	let_go(&c, &others, &seed);
	return 0;
}
