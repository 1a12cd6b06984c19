// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * A program on a board that holds back records, and then tells a record number that cannot be: control is lost, and the
 * kernel says END. What the board held back comes later, or never; END is in its place for good, and the next holder has
 * a board that works. A shell beside it does to the board what the files say is due.
 *
 * usage: distrust RUNS-FILE TOLD-FILE RESUMED-FILE
 *   RUNS-FILE     is made when the program runs: records can be held back, and the lie be told
 *   TOLD-FILE     when control is lost, and END is there
 *   RESUMED-FILE  made by the shell: the board holds nothing back any more
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "client.h"

#define PATIENCE_MS 20000
#define LOOK_MS 10
#define WATCHED_MS 500 /* after the board may write again */

static const struct sweep endless = {.points = 1000000,
				     .period_ns = 20000,
				     .detectors = 2,
				     .generation = 1};
static const struct sweep short_one = {.points = 1000,
				       .period_ns = 20000,
				       .detectors = 2,
				       .generation = 2};

static void make(const char *file)
{
	close(open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

static void await_records(const struct client *c, uint64_t count)
{
	for (int ms = 0; c->status->producer < count; ms += LOOK_MS) {
		if (ms >= PATIENCE_MS)
			die("no records");
		usleep(LOOK_MS * 1000);
	}
}

static void await_loss_of_control(const struct client *c)
{
	struct pollfd p = {.fd = c->control};

	if (poll(&p, 1, PATIENCE_MS) != 1 || !(p.revents & POLLHUP))
		die("the lie is believed");
	if (call(c->control, ETALON_IOC_HALT, NULL) != -ESTALE)
		die("control is not lost");
}

static const struct etalon_hw_record_end *last_record(const struct client *c)
{
	const struct etalon_ring_status *s = c->status;

	return (const void *)(c->data + (s->producer - 1) * s->stride % s->data_modulus);
}

static void expect_end_of_the_kernel(const struct client *c)
{
	const struct etalon_hw_record_end *end = last_record(c);

	if (end->head.magic != ETALON_HW_RECORD_MAGIC || end->head.type != ETALON_HW_RECORD_END ||
	    end->head.sequence != c->status->producer - 1)
		die("record %llu is of type %u, sequence %llu: no END",
		    (unsigned long long)c->status->producer - 1, end->head.type,
		    (unsigned long long)end->head.sequence);
	if (end->flags != ETALON_HW_END_FLAG_HOST || end->cause != ETALON_HW_END_FAULT)
		die("END has flags %#x, cause %u", end->flags, end->cause);
}

static void await_resumed(const char *file)
{
	for (int ms = 0; access(file, F_OK); ms += LOOK_MS) {
		if (ms >= PATIENCE_MS)
			die("nobody says that the board goes on");
		usleep(LOOK_MS * 1000);
	}
}

static void expect_a_board_that_works(struct client *c)
{
	struct etalon_load load;
	struct ledger l;

	close(c->control);
	client_open_control(c);
	load = client_load(c, &short_one);
	client_start(c);
	client_records(c, &load, true, NULL, PATIENCE_MS, &l);
	if (!l.ended || l.end.flags || l.points != short_one.points || l.crc != l.end.crc)
		die("the next program: %llu of %u points", (unsigned long long)l.points,
		    short_one.points);
}

int main(int argc, char **argv)
{
	struct client c;

	if (argc != 4)
		return 2;
	client_open(&c);
	client_open_control(&c);
	client_map(&c);
	client_load(&c, &endless);
	client_start(&c);
	await_records(&c, c.status->consumer + 10);
	make(argv[1]);
	await_loss_of_control(&c);
	expect_end_of_the_kernel(&c);
	make(argv[2]);
	await_resumed(argv[3]);
	usleep(WATCHED_MS * 1000);
	expect_end_of_the_kernel(&c);
	expect_a_board_that_works(&c);
	client_close(&c);
	return 0;
}
