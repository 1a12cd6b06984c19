// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Runs one program on /dev/etalon0 and holds it to its promises: every record here once, the END record's counts and CRC
 * true. Prints what it cost. Ends with 1 and a line when a promise was broken.
 *
 * usage: sweep [--points N] [--period NS] [--light | --armed] [--pread] [--keep FILE] [--mark N]
 *   --armed   light is on its way or there, but the sweep is dark
 *   --mark N  in the scratch register, before and after what counts as the sweep
 */
#include <getopt.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "marks.h"

#define KICKS_PER_PERIOD 4

/* The most there is: nothing here is about a holder that hangs. */
static uint64_t watchdog_ns(const struct client *c)
{
	return c->description->watchdog_max_ns;
}

static void *keep_kicking(void *userdata)
{
	struct client *c = userdata;

	for (;;) {
		client_kick(c);
		usleep((useconds_t)(watchdog_ns(c) / 1000 / KICKS_PER_PERIOD));
	}
	return NULL;
}

static void judge(const struct sweep *sweep, const struct ledger *l)
{
	if (!l->started || !l->ended)
		die("no START or no END record");
	if (l->end.cause != ETALON_HW_END_DONE)
		die("END says cause %u, causes %#x", l->end.cause, l->end.causes);
	if (l->points != sweep->points || l->end.produced != sweep->points || l->end.dropped)
		die("%llu points here; END says %llu and %llu dropped; asked for %u",
		    (unsigned long long)l->points, (unsigned long long)l->end.produced,
		    (unsigned long long)l->end.dropped, sweep->points);
	if (l->end.crc != l->crc)
		die("CRC %08x; END says %08x", l->crc, l->end.crc);
}

/* As the kernel counts them, of all vectors and processors. */
static uint64_t interrupts(void)
{
	FILE *f = fopen("/proc/interrupts", "r");
	uint64_t sum = 0;
	char line[4096];

	while (f && fgets(line, sizeof(line), f)) {
		char *at = strchr(line, ':'), *end;

		if (!at || !strstr(line, "etalon"))
			continue;
		for (at++;; at = end) {
			const uint64_t n = strtoull(at, &end, 10);

			if (end == at)
				break;
			sum += n;
		}
	}
	if (!f)
		die("no /proc/interrupts");
	fclose(f);
	return sum;
}

static void say(const char *what, uint64_t number)
{
	printf("%s %llu\n", what, (unsigned long long)number);
}

static void run(struct client *c, const struct sweep *sweep, bool mapped, FILE *keep)
{
	const struct etalon_status before = client_status(c->capture);
	const uint64_t interrupts_before = interrupts();
	const struct etalon_load load = client_load(c, sweep);
	struct etalon_status after;
	struct ledger l;
	uint64_t began;

	client_start(c);
	began = monotonic_ns();
	client_records(c, &load, mapped, keep, 10000, &l);
	began = monotonic_ns() - began;
	judge(sweep, &l);
	usleep(20000); /* the last state event has come */
	after = client_status(c->capture);
	say("points", l.points);
	say("milliseconds", began / 1000000);
	say("interrupts", interrupts() - interrupts_before);
	say("messages", after.interrupts - before.interrupts);
	say("watchdog_ms", watchdog_ns(c) / 1000000);
	say("kicks", after.kicks - before.kicks);
	say("accesses", after.register_reads - before.register_reads + after.register_writes -
				before.register_writes);
}

static void mark_sweep(unsigned int number, enum mark_phase phase)
{
	marks_open();
	mark(MARK_SWEEP, phase, number);
	marks_close();
}

struct options {
	struct sweep sweep;
	bool mapped, armed;
	unsigned int marked;
	FILE *keep;
};

static bool parse(int argc, char **argv, struct options *o)
{
	static const struct option options[] = {
		{"points", required_argument, NULL, 'n'}, {"period", required_argument, NULL, 'p'},
		{"light", no_argument, NULL, 'l'},	  {"pread", no_argument, NULL, 'r'},
		{"keep", required_argument, NULL, 'k'},	  {"armed", no_argument, NULL, 'a'},
		{"mark", required_argument, NULL, 'm'},	  {0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (option) {
		case 'n':
			o->sweep.points = (uint32_t)strtoul(optarg, NULL, 0);
			break;
		case 'p':
			o->sweep.period_ns = (uint32_t)strtoul(optarg, NULL, 0);
			break;
		case 'l':
			o->sweep.light = o->armed = true;
			break;
		case 'a':
			o->armed = true;
			break;
		case 'm':
			o->marked = (unsigned int)strtoul(optarg, NULL, 0);
			break;
		case 'r':
			o->mapped = false;
			break;
		case 'k':
			o->keep = fopen(optarg, "w");
			if (!o->keep)
				die("cannot write %s", optarg);
			break;
		default:
			return false;
		}
	}
	return true;
}

int main(int argc, char **argv)
{
	struct options o = {
		.sweep =
			{
				.points = 1000,
				.period_ns = 50000,
				.detectors = 4,
				.generation = 7,
				.flags = ETALON_HW_PROGRAM_STOP_ON_OVERFLOW,
			},
		.mapped = true,
	};
	struct client c;
	pthread_t kicker;

	if (!parse(argc, argv, &o))
		return 2;
	client_open(&c);
	client_open_control(&c);
	client_map(&c);
	if (o.armed) {
		client_light(&c, watchdog_ns(&c));
		if (pthread_create(&kicker, NULL, keep_kicking, &c))
			die("no thread");
	}
	if (o.marked)
		mark_sweep(o.marked, MARK_CAUSE);
	run(&c, &o.sweep, o.mapped, o.keep);
	if (o.marked)
		mark_sweep(o.marked, MARK_AFTER);
	if (o.keep)
		fclose(o.keep);
	if (o.armed) {
		pthread_cancel(kicker);
		pthread_join(kicker, NULL);
	}
	client_close(&c);
	return 0;
}
