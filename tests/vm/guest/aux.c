// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Auxiliary lines as a program has them: what becomes of outputs when the board is reset, and of edges from before
 * somebody listened. A shell beside it moves inputs when the files say that it is due.
 *
 * usage: aux reset RESET-ATTRIBUTE
 *        aux edges LINE OTHER LISTENS-FILE HEARD-NOTHING-FILE
 *   LISTENS-FILE        is made when LINE is listened to: OTHER, which nobody listens to, can rise
 *   HEARD-NOTHING-FILE  when that told nothing of LINE: it can fall
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/gpio.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "client.h"

#define CHIP "/dev/gpiochip0"
#define PATIENCE_MS 20000
#define LOOK_MS 10
#define QUIET_MS 300 /* after the board has told of another edge */

static int chip;

static void must(const char *what, int r)
{
	if (r < 0)
		die("%s: %s", what, strerror(errno));
}

static int take(uint32_t line, struct gpio_v2_line_config config)
{
	struct gpio_v2_line_request request = {.offsets = {line}, .num_lines = 1, .config = config};

	must("a line", ioctl(chip, GPIO_V2_GET_LINE_IOCTL, &request));
	return request.fd;
}

static int take_input(uint32_t line, uint64_t edges)
{
	return take(line, (struct gpio_v2_line_config){.flags = GPIO_V2_LINE_FLAG_INPUT | edges});
}

static int take_output(uint32_t line, uint64_t level)
{
	const struct gpio_v2_line_config_attribute values = {
		.attr = {.id = GPIO_V2_LINE_ATTR_ID_OUTPUT_VALUES, .values = level}, .mask = 1};

	return take(line, (struct gpio_v2_line_config){.flags = GPIO_V2_LINE_FLAG_OUTPUT,
						       .num_attrs = 1,
						       .attrs = {values}});
}

static bool level_of(int fd)
{
	struct gpio_v2_line_values values = {.mask = 1};

	must("a level", ioctl(fd, GPIO_V2_LINE_GET_VALUES_IOCTL, &values));
	return values.bits & 1;
}

static bool is_output(uint32_t line)
{
	struct gpio_v2_line_info info = {.offset = line};

	must("a line's state", ioctl(chip, GPIO_V2_GET_LINEINFO_IOCTL, &info));
	return info.flags & GPIO_V2_LINE_FLAG_OUTPUT;
}

static void expect(const char *what, bool got, bool expected)
{
	if (got != expected)
		die("%s: %d, not %d", what, got, expected);
}

/* ---- reset ---- */

static void reset(const char *attribute)
{
	const int fd = open(attribute, O_WRONLY | O_CLOEXEC);

	must(attribute, fd);
	must("reset", (int)write(fd, "1", 1));
	close(fd);
}

static void expect_lines(int high, int low)
{
	/* What the pin says: the board's own inputs are low. */
	expect("a high output", level_of(high), true);
	expect("a low output", level_of(low), false);
	expect("line 0 is an output", is_output(0), true);
	expect("line 1 is an output", is_output(1), true);
	expect("line 2 is an output", is_output(2), false);
}

static int through_reset(const char *attribute)
{
	const int high = take_output(0, 1);
	const int low = take_output(1, 0);

	expect_lines(high, low);
	reset(attribute);
	expect_lines(high, low);
	reset(attribute);
	expect_lines(high, low);
	return 0;
}

/* ---- edges ---- */

static void make(const char *file)
{
	close(open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static void await_high(int fd)
{
	for (int ms = 0; !level_of(fd); ms += LOOK_MS) {
		if (ms >= PATIENCE_MS)
			die("the other line does not rise");
		usleep(LOOK_MS * 1000);
	}
}

static bool heard(int fd, int timeout_ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, timeout_ms) == 1;
}

static int hear_edges(uint32_t line, uint32_t other, const char *listens, const char *heard_nothing)
{
	const int other_fd = take_input(other, 0);
	const int fd =
		take_input(line, GPIO_V2_LINE_FLAG_EDGE_RISING | GPIO_V2_LINE_FLAG_EDGE_FALLING);
	struct gpio_v2_line_event event;

	make(listens);
	await_high(other_fd);
	if (heard(fd, QUIET_MS))
		die("an edge from before anybody listened");
	make(heard_nothing);
	if (!heard(fd, PATIENCE_MS))
		die("no edge");
	must("an edge", (int)read(fd, &event, sizeof(event)));
	if (event.id != GPIO_V2_LINE_EVENT_FALLING_EDGE)
		die("the edge is of kind %u", event.id);
	return 0;
}

int main(int argc, char **argv)
{
	chip = open(CHIP, O_RDWR | O_CLOEXEC);
	must(CHIP, chip);
	if (argc == 3 && strcmp(argv[1], "reset") == 0)
		return through_reset(argv[2]);
	if (argc == 6 && strcmp(argv[1], "edges") == 0)
		return hear_edges((uint32_t)strtoul(argv[2], NULL, 0),
				  (uint32_t)strtoul(argv[3], NULL, 0), argv[4], argv[5]);
	return 2;
}
