// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Runs one dark program that drops records rather than end, on a board to whose records something happens: END says DONE,
 * and every number that is missing is told by a GAP. A shell beside it does what the file says is due.
 *
 * usage: lossy POINTS RECORDS-LOST-ON-THE-WAY|any [UP-FILE]
 *   UP-FILE   is made when the program runs
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"

#define PATIENCE_MS 30000

int main(int argc, char **argv)
{
	struct sweep sweep = {.period_ns = 50000, .detectors = 4, .generation = 12};
	struct etalon_load load;
	struct ledger l;
	struct client c;

	if (argc < 3)
		return 2;
	sweep.points = (uint32_t)strtoul(argv[1], NULL, 0);
	client_open(&c);
	client_open_control(&c);
	client_map(&c);
	load = client_load(&c, &sweep);
	client_start(&c);
	if (argc > 3)
		close(open(argv[3], O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	client_records(&c, &load, true, NULL, PATIENCE_MS, &l);
	printf("%llu points here, GAP records speak of %llu; %llu records dropped, %llu lost on the way\n",
	       (unsigned long long)l.points, (unsigned long long)l.gaps, (unsigned long long)l.lost,
	       (unsigned long long)l.lost_on_way);
	if (!l.ended || l.end.cause != ETALON_HW_END_DONE)
		die("no END record, or one that says cause %u", l.end.cause);
	if (l.points + l.gaps != sweep.points)
		die("not all points are accounted for");
	if (strcmp(argv[2], "any") && l.lost_on_way != strtoull(argv[2], NULL, 0))
		die("lost on the way: expected %s", argv[2]);
	client_close(&c);
	return 0;
}
