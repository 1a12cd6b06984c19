// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Fails each allocation of an operation of the driver in turn: the first, then the second, until
 * the operation ends without having met one. Whoever asked for it is told or goes on without,
 * nothing stays behind, and the next attempt finds all as it was. For the debug kernel, bare guest,
 * board bound. Which allocations count is told to the kernel before: failures.sh.
 *
 * usage: failures OPERATION [FIRST LAST]
 *
 * Allocations FIRST to LAST of an operation, of a loop say, are left out. Prints how many failed,
 * how many of these failures the operation refused, with which errno, and how many it bore.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "operations.h"

#define SITES_MAX 20000 /* more is an operation that never ends */
#define ERRNO_MAX 133
#define FAR_AWAY 1000000 /* the number of an allocation that no operation reaches */
#define RUNS_OF_NONE 10 /* with failing on, until it is believed that there is nothing to fail */
#define REFUSALS_PER_RECOVERY 8

/* ---- the kernel's injection ---- */

static int fail_nth_fd = -1;

static void fail_nth(unsigned int n)
{
	char text[16];
	const int length = snprintf(text, sizeof(text), "%u", n);

	if (pwrite(fail_nth_fd, text, (size_t)length, 0) != length)
		die("fail-nth: %s", strerror(errno));
}

/* How many allocations were still to come when this one should have failed. 0: it did. */
static unsigned int fail_left(void)
{
	char text[16] = "";

	if (pread(fail_nth_fd, text, sizeof(text) - 1, 0) <= 0)
		die("fail-nth: %s", strerror(errno));
	return (unsigned int)strtoul(text, NULL, 10);
}

/* ---- what became of the failures ---- */

struct tally {
	unsigned int sites;
	unsigned int borne;
	unsigned int recovered; /* undisturbed attempts right after a refusal */
	unsigned int refusals;
	unsigned int refused[ERRNO_MAX + 1];
};

static void count(const struct operation *o, long result, struct tally *t)
{
	t->sites++;
	if (result >= 0)
		t->borne++;
	else if (-result <= ERRNO_MAX)
		t->refused[-result]++;
	else
		die("%s: site %u: result %ld is no errno", o->name, t->sites, result);
	t->refusals += result < 0;
}

static void print(const struct operation *o, const struct tally *t)
{
	printf("%s: %u failed, one at a time; %u borne", o->name, t->sites, t->borne);
	for (int i = 1; i <= ERRNO_MAX; i++)
		if (t->refused[i])
			printf(", %u refused: %s", t->refused[i], strerror(i));
	printf("; %u undisturbed attempts after refusals\n", t->recovered);
	fflush(stdout);
}

/* ---- attempts ---- */

/* With the n-th allocation failing; how many were still to come until it, 0: it failed. */
static unsigned int run_with(const struct operation *o, unsigned int n, long *ret_result)
{
	struct rig rig = {0};
	unsigned int left;

	if (o->prepare)
		o->prepare(&rig);
	fail_nth(n);
	*ret_result = o->run(&rig);
	left = fail_left();
	fail_nth(0);
	if (o->look)
		o->look(&rig, *ret_result);
	if (o->clear)
		o->clear(&rig);
	return left;
}

static void run_undisturbed(const struct operation *o)
{
	long result;

	run_with(o, FAR_AWAY, &result);
	if (result < 0)
		die("%s: without a failure: %s", o->name, strerror((int)-result));
}

/* The next attempt gets further than a refused one: where that takes long, it has to do. */
static void judge(const struct operation *o, long result, struct tally *t)
{
	count(o, result, t);
	if (result >= 0 || (o->is_slow && t->refusals % REFUSALS_PER_RECOVERY != 1))
		return;
	run_undisturbed(o);
	t->recovered++;
}

/* ---- each allocation ---- */

/* That the first one would have failed is known from the other operations. */
static bool prove_none(const struct operation *o)
{
	long result;

	for (unsigned int i = 1; i < RUNS_OF_NONE; i++)
		if (run_with(o, 1, &result) == 0)
			die("%s: no allocation in the first run, one in run %u", o->name, i + 1);
	printf("%s: it asks for no memory: %u runs with the first allocation to fail, 0 failed\n",
	       o->name, RUNS_OF_NONE);
	return o->may_need_no_memory;
}

static bool fail_each(const struct operation *o, unsigned int first_left_out,
		      unsigned int last_left_out)
{
	struct tally t = {0};
	unsigned int n = 1;
	long result;

	while (run_with(o, n, &result) == 0) {
		judge(o, result, &t);
		n = n + 1 == first_left_out ? last_left_out + 1 : n + 1;
		if (t.sites >= SITES_MAX)
			die("%s: no end after %u sites", o->name, t.sites);
	}
	if (result < 0)
		die("%s: without a failure: %s", o->name, strerror((int)-result));
	if (n < last_left_out)
		die("%s: has %u allocations, and those left out are up to %u", o->name, n - 1,
		    last_left_out);
	if (!t.sites)
		return prove_none(o);
	print(o, &t);
	return true;
}

int main(int argc, char **argv)
{
	unsigned int first = 0, last = 0;
	const struct operation *o;

	if (argc != 2 && argc != 4)
		return 2;
	if (argc == 4) {
		first = (unsigned int)strtoul(argv[2], NULL, 10);
		last = (unsigned int)strtoul(argv[3], NULL, 10);
	}
	o = operation_find(argv[1]);
	fail_nth_fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (fail_nth_fd < 0)
		die("fail-nth: %s", strerror(errno));
	return fail_each(o, first, last) ? EXIT_SUCCESS : EXIT_FAILURE;
}
