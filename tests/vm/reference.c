// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Runs the driver tests' program on a board behind the emulated link, and keeps of its records what has to be equal on
 * every transport.
 *
 * usage: reference SOCKET dark|light POINTS FILE
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "guest/sweep_program.h"
#include "link/link.h"

#define WATCHDOG_NS 1000000000
#define PERIOD_NS 50000
#define TIMEOUT_MS 100 /* between kicks */

static void must(struct link *link, const char *what, int r, const struct link_refusal *refusal)
{
	if (r >= 0)
		return;
	fprintf(stderr, "reference: %s: %s: %s\n", what, strerror(-r),
		refusal->result ? link_refusal_message(link->description, refusal) : "");
	exit(EXIT_FAILURE);
}

static void light(struct link *link)
{
	const struct description *d = link->description;
	const struct link_ops *ops = link->ops;
	struct link_refusal refusal = {0};
	struct link_status status = {0};

	for (uint32_t i = 0; i < d->head.source_count; i++)
		if (d->source[i].emits)
			must(link, "limits",
			     ops->set_limits(link, i, d->source[i].min, d->source[i].max, &refusal),
			     &refusal);
	must(link, "power",
	     ops->set_source(link, (unsigned int)description_source(d, "laser.power"),
			     SWEEP_POWER_FW, &refusal),
	     &refusal);
	must(link, "arm", ops->arm(link, WATCHDOG_NS, &refusal), &refusal);
	must(link, "emit", ops->emit(link, &refusal), &refusal);
	while (status.state != ETALON_HW_STATE_EMITTING) {
		must(link, "kick", ops->kick(link), &refusal);
		usleep(TIMEOUT_MS * 1000);
		must(link, "status", ops->status(link, &status), &refusal);
	}
}

/* True when END is among them. */
static bool keep_records(const char *bytes, size_t size, uint32_t stride, FILE *file)
{
	bool ended = false;

	for (size_t at = 0; at < size; at += stride) {
		const struct etalon_hw_record *head = (const void *)(bytes + at);

		sweep_keep(file, head, stride);
		ended |= head->type == ETALON_HW_RECORD_END;
	}
	return ended;
}

static void run(struct link *link, const struct sweep *sweep, FILE *file)
{
	const struct link_ops *ops = link->ops;
	struct etalon_hw_program program;
	struct link_program loaded;
	struct link_refusal refusal = {0};
	bool ended = false;

	sweep_program(sweep, (const void *)link->description->raw, &program);
	must(link, "load", ops->load(link, &program, NULL, 0, &loaded, &refusal), &refusal);
	must(link, "start", ops->start(link, &refusal), &refusal);
	while (!ended) {
		const void *bytes;
		size_t size;
		int r = ops->records(link, TIMEOUT_MS, SIZE_MAX, &bytes, &size);

		if (sweep->light)
			must(link, "kick", ops->kick(link), &refusal);
		if (r == -EAGAIN)
			continue;
		must(link, "records", r, &refusal);
		ended = keep_records(bytes, size, loaded.stride, file);
		must(link, "release", ops->release(link, size), &refusal);
	}
}

int main(int argc, char **argv)
{
	struct sweep sweep = {
		.period_ns = PERIOD_NS,
		.detectors = 4,
		.generation = 7,
		.flags = ETALON_HW_PROGRAM_STOP_ON_OVERFLOW,
	};
	struct link *link = NULL;
	char *message = NULL;
	FILE *file;

	if (argc != 5)
		return 2;
	sweep.light = strcmp(argv[2], "light") == 0;
	sweep.points = (uint32_t)strtoul(argv[3], NULL, 0);
	file = fopen(argv[4], "w");
	if (!file || link_open_emulated(argv[1], &link, &message) < 0) {
		fprintf(stderr, "reference: %s\n", message ? message : argv[4]);
		return 1;
	}
	if (sweep.light)
		light(link);
	run(link, &sweep, file);
	link_close(link);
	return fclose(file) ? 1 : 0;
}
