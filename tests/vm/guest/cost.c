// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What a record costs its reader in processor time: read in place from the mapping, and by pread(). A ring full of records
 * is read in each round, every word of them, so that both do the same with what they got. Prints nanoseconds of the
 * quickest round each.
 *
 * usage: cost ROUNDS
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client.h"

#define POINTS 150000 /* fewer than the ring holds */
#define PERIOD_NS 10000
#define AT_ONCE 1024 /* records between two RELEASEs */
#define PATIENCE_MS 30000

static volatile uint64_t kept; /* so that nobody leaves the reading out */

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void use(const void *records, size_t bytes)
{
	const uint64_t *word = records;
	uint64_t sum = 0;

	for (size_t i = 0; i < bytes / sizeof(*word); i++)
		sum += word[i];
	kept += sum;
}

/* Runs a program to its end, and leaves all its records in the ring. */
static void fill(struct client *c, uint32_t *ret_stride)
{
	const struct sweep sweep = {
		.points = POINTS, .period_ns = PERIOD_NS, .detectors = 4, .generation = 2};

	client_release(c, c->status->producer);
	*ret_stride = client_load(c, &sweep).stride;
	if ((uint64_t)(POINTS + 64) * *ret_stride > c->status->data_modulus)
		die("the ring is too small");
	client_start(c);
	for (int ms = 0; c->status->sequencer != ETALON_HW_SEQUENCER_ENDED ||
			 c->status->producer < c->status->consumer + POINTS + 2;
	     ms++) {
		if (ms == PATIENCE_MS)
			die("the program did not end");
		usleep(1000);
	}
}

static void read_mapped(struct client *c, uint64_t from, uint64_t to, uint32_t stride)
{
	const uint64_t places = c->status->data_modulus / stride, first = from % places;
	const uint64_t before_end = places - first < to - from ? places - first : to - from;

	use(c->data + first * stride, before_end * stride);
	use(c->data, (to - from - before_end) * stride);
}

static void read_copied(struct client *c, uint64_t from, uint64_t to, uint32_t stride)
{
	static uint64_t buffer[AT_ONCE * 512 / sizeof(uint64_t)];
	const size_t bytes = (to - from) * stride;

	if (pread(c->capture, buffer, bytes, (off_t)(from * stride)) != (ssize_t)bytes)
		die("pread: %s", strerror(errno));
	use(buffer, bytes);
}

/* Nanoseconds of this process for each record. */
static uint64_t one_round(struct client *c, bool mapped)
{
	uint64_t at, end, began;
	uint32_t stride;

	fill(c, &stride);
	at = c->status->consumer;
	end = c->status->producer;
	began = cpu_ns();
	while (at < end) {
		const uint64_t to = end - at > AT_ONCE ? at + AT_ONCE : end;

		if (mapped)
			read_mapped(c, at, to, stride);
		else
			read_copied(c, at, to, stride);
		client_release(c, to);
		at = to;
	}
	return (cpu_ns() - began) / (POINTS + 2);
}

int main(int argc, char **argv)
{
	uint64_t mapped = UINT64_MAX, copied = UINT64_MAX;
	struct client c;

	if (argc != 2)
		return 2;
	client_open(&c);
	client_open_control(&c);
	client_map(&c);
	for (unsigned long i = strtoul(argv[1], NULL, 0); i; i--) {
		const uint64_t a = one_round(&c, true), b = one_round(&c, false);

		mapped = a < mapped ? a : mapped;
		copied = b < copied ? b : copied;
	}
	printf("mapped %llu\npread %llu\n", (unsigned long long)mapped, (unsigned long long)copied);
	client_close(&c);
	return 0;
}
