// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * A reader that stands still until the board has to drop records, and then reads on. What was lost has to be told: by GAP
 * records, by END and by the driver's own count, which all say the same.
 *
 * usage: stall drop|stop RECORDS mapped|pread     reads on when that many have been dropped
 */
#include <string.h>
#include <unistd.h>

#include "client.h"

#define POINTS 500000 /* a little more than ring and board hold */
#define PERIOD_NS 10000
#define PATIENCE_MS 20000

static void await_loss(const struct client *c, uint64_t before, uint64_t records)
{
	for (int ms = 0; ms < PATIENCE_MS; ms++) {
		if (client_status(c->capture).records_lost >= before + records)
			return;
		usleep(1000);
	}
	die("nothing was dropped within %d ms", PATIENCE_MS);
}

static void expect(const char *what, uint64_t got, uint64_t expected)
{
	if (got != expected)
		die("%s: %llu, not %llu", what, (unsigned long long)got,
		    (unsigned long long)expected);
}

int main(int argc, char **argv)
{
	struct sweep sweep = {
		.points = POINTS, .period_ns = PERIOD_NS, .detectors = 4, .generation = 3};
	struct etalon_load load;
	struct client c;
	struct ledger l;
	uint64_t before;
	bool stops;

	if (argc != 4)
		return 2;
	stops = strcmp(argv[1], "stop") == 0;
	sweep.flags = stops ? ETALON_HW_PROGRAM_STOP_ON_OVERFLOW : 0;
	client_open(&c);
	client_open_control(&c);
	client_map(&c);
	load = client_load(&c, &sweep);
	before = client_status(c.capture).records_lost;
	client_start(&c);
	await_loss(&c, before, strtoul(argv[2], NULL, 0));
	client_records(&c, &load, strcmp(argv[3], "mapped") == 0, NULL, PATIENCE_MS, &l);
	printf("END cause %u, %llu points here, %llu records lost, %llu of them points\n",
	       l.end.cause, (unsigned long long)l.points, (unsigned long long)l.lost,
	       (unsigned long long)l.gaps);
	expect("cause", l.end.cause, stops ? ETALON_HW_END_OVERFLOW : ETALON_HW_END_DONE);
	expect("dropped, by END", l.end.dropped, l.gaps);
	expect("produced, by END", l.end.produced, l.points + l.gaps);
	expect("lost, by the driver", client_status(c.capture).records_lost - before, l.lost);
	expect("CRC", l.crc, l.end.crc);
	if (!l.gaps)
		die("no GAP speaks of a point");
	client_close(&c);
	return 0;
}
