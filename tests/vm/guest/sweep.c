// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Runs one program on /dev/etalon0 and holds it to its promises: every record here once, the END record's counts and CRC
 * true. Prints what it cost. Ends with 1 and a line when a promise was broken.
 *
 * usage: sweep [--points N] [--period NS] [--light] [--pread] [--keep FILE]
 */
#include <getopt.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "client.h"

#define WATCHDOG_NS 1000000000
#define KICK_US 100000

static void *keep_kicking(void *userdata)
{
	struct client *c = userdata;

	for (;;) {
		client_kick(c);
		usleep(KICK_US);
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

static void run(struct client *c, const struct sweep *sweep, bool mapped, FILE *keep)
{
	const struct etalon_status before = client_status(c->capture);
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
	printf("# points %u in %llu ms; register reads %llu writes %llu kicks %llu interrupts %llu\n",
	       sweep->points, (unsigned long long)(began / 1000000),
	       (unsigned long long)(after.register_reads - before.register_reads),
	       (unsigned long long)(after.register_writes - before.register_writes),
	       (unsigned long long)(after.kicks - before.kicks),
	       (unsigned long long)(after.interrupts - before.interrupts));
	printf("accesses %llu\n",
	       (unsigned long long)(after.register_reads - before.register_reads +
				    after.register_writes - before.register_writes));
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"points", required_argument, NULL, 'n'}, {"period", required_argument, NULL, 'p'},
		{"light", no_argument, NULL, 'l'},	  {"pread", no_argument, NULL, 'r'},
		{"keep", required_argument, NULL, 'k'},	  {0},
	};
	struct sweep sweep = {
		.points = 1000,
		.period_ns = 50000,
		.detectors = 4,
		.generation = 7,
		.flags = ETALON_HW_PROGRAM_STOP_ON_OVERFLOW,
	};
	bool mapped = true;
	FILE *keep = NULL;
	struct client c;
	pthread_t kicker;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (option) {
		case 'n':
			sweep.points = (uint32_t)strtoul(optarg, NULL, 0);
			break;
		case 'p':
			sweep.period_ns = (uint32_t)strtoul(optarg, NULL, 0);
			break;
		case 'l':
			sweep.light = true;
			break;
		case 'r':
			mapped = false;
			break;
		case 'k':
			keep = fopen(optarg, "w");
			if (!keep)
				die("cannot write %s", optarg);
			break;
		default:
			return 2;
		}
	}
	client_open(&c);
	client_open_control(&c);
	client_map(&c);
	if (sweep.light) {
		client_light(&c, WATCHDOG_NS);
		if (pthread_create(&kicker, NULL, keep_kicking, &c))
			die("no thread");
	}
	run(&c, &sweep, mapped, keep);
	if (keep)
		fclose(keep);
	if (sweep.light) {
		pthread_cancel(kicker);
		pthread_join(kicker, NULL);
	}
	client_close(&c);
	return 0;
}
