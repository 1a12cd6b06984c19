// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The daemon's link and the auxiliary lines of a board: outputs take their levels, and edges of an input that
 * somebody else moves are told. Says by files when it is the other's turn. Ends with 1 and a line when not.
 *
 * usage: lines NODE INPUT READY-FILE RISEN-FILE
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hw.h"
#include "link/link.h"

#define OUTPUTS 0x0fU
#define LEVELS 0x05U
#define PATIENCE_MS 10000

static void die(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	fputs("lines: ", stderr);
	vfprintf(stderr, format, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(EXIT_FAILURE);
}

static void must(const char *what, int r)
{
	if (r < 0)
		die("%s: %s", what, strerror(-r));
}

static void say_by(const char *file)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_EXCL, 0644);

	if (fd < 0)
		die("%s: %s", file, strerror(errno));
	close(fd);
}

static uint32_t lines_now(struct link *link)
{
	uint32_t values = 0;

	must("get", link->ops->aux_get(link, &values));
	return values;
}

/* The board tells of other things, too. */
static void await_edge(struct link *link, uint32_t bit, bool level)
{
	struct pollfd p = {.fd = link->ops->event_fd(link), .events = POLLIN};
	struct etalon_hw_usb_event event;
	int r;

	do {
		if (poll(&p, 1, PATIENCE_MS) != 1)
			die("no edge within %d ms", PATIENCE_MS);
		r = link->ops->event(link, &event);
		if (r < 0 && r != -EAGAIN)
			must("event", r);
	} while (r < 0 || !(event.events & ETALON_HW_EVENT_AUX));
	if (!!(event.aux_in & bit) != level)
		die("the edge led to %#x", event.aux_in);
	if (!!(lines_now(link) & bit) != level)
		die("the line is not where its edge led");
}

int main(int argc, char **argv)
{
	struct link *link = NULL;
	char *message = NULL;
	uint32_t input;

	if (argc != 5)
		return 2;
	input = 1U << strtoul(argv[2], NULL, 0);
	if (link_open_kernel(argv[1], &link, &message) < 0)
		die("%s", message);
	must("direction", link->ops->aux_direction(link, OUTPUTS));
	must("set", link->ops->aux_set(link, OUTPUTS, LEVELS));
	if ((lines_now(link) & OUTPUTS) != LEVELS)
		die("outputs are %#x, not %#x", lines_now(link) & OUTPUTS, LEVELS);
	say_by(argv[3]);
	await_edge(link, input, true);
	say_by(argv[4]);
	await_edge(link, input, false);
	link_close(link);
	return 0;
}
