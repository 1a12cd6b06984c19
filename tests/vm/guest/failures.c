// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Fails allocations of an operation of the driver, one in each attempt. Whoever asked for it is
 * told or goes on without, nothing stays behind, and the next attempt finds all as it was. For the
 * debug kernel, bare guest, board bound. Which allocations may fail is told to the kernel before:
 * failures.sh.
 *
 * usage: failures OPERATION each|sites
 *
 *   each   the first, then the second, until the operation ends without having met one
 *   sites  one of each call stack that asks for memory, by the module etalon_sites
 *
 * Prints how many failed, how many of these failures the operation refused, with which errno, and
 * how many it bore.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "operations.h"
#include "sites.h"

#define ATTEMPTS_MAX 20000 /* more is an operation that never ends */
#define ERRNO_MAX 133
#define FAR_AWAY 1000000 /* the number of an allocation that no operation reaches */
#define RUNS_OF_NONE 10 /* with failing on, until it is believed that there is nothing to fail */
#define RUNS_OF_NOTHING_NEW 3 /* not each attempt asks for the same */
#define RUNS_TO_MEET 20 /* again a site that was counted */
#define REFUSALS_PER_RECOVERY 8

/* ---- what disturbs an attempt ---- */

struct disturbance {
	void (*begin)(unsigned int what);
	unsigned int (*end)(void);
};

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
	fail_nth(0);
	return (unsigned int)strtoul(text, NULL, 10);
}

/* With the n-th allocation failing. */
static const struct disturbance by_number = {fail_nth, fail_left};

static struct sites seen;

static void begin_sites(unsigned int order)
{
	sites_begin(order);
}

/* How many sites failed. */
static unsigned int end_sites(void)
{
	const unsigned int before = seen.failed;

	seen = sites_end();
	return seen.failed - before;
}

/* With one of the next site failing, or none and all counted. */
static const struct disturbance by_site = {begin_sites, end_sites};

/* ---- what became of the failures ---- */

struct tally {
	unsigned int attempts;
	unsigned int borne;
	unsigned int recovered; /* undisturbed attempts right after a refusal */
	unsigned int refusals;
	unsigned int refused[ERRNO_MAX + 1];
};

static void count(const struct operation *o, long result, struct tally *t)
{
	if (++t->attempts >= ATTEMPTS_MAX)
		die("%s: no end after %u failures", o->name, t->attempts);
	if (result >= 0)
		t->borne++;
	else if (-result <= ERRNO_MAX)
		t->refused[-result]++;
	else
		die("%s: failure %u: result %ld is no errno", o->name, t->attempts, result);
	t->refusals += result < 0;
}

static void print(const struct operation *o, const struct tally *t)
{
	printf("%s: %u failed, one at a time; %u borne", o->name, t->attempts, t->borne);
	for (int i = 1; i <= ERRNO_MAX; i++)
		if (t->refused[i])
			printf(", %u refused: %s", t->refused[i], strerror(i));
	if (t->recovered)
		printf("; %u undisturbed attempts after refusals", t->recovered);
	printf("\n");
	fflush(stdout);
}

/* ---- attempts ---- */

static unsigned int run_with(const struct operation *o, const struct disturbance *d,
			     unsigned int what, long *ret_result)
{
	struct rig rig = {0};
	unsigned int left;

	if (o->prepare)
		o->prepare(&rig);
	d->begin(what);
	*ret_result = o->run(&rig);
	left = d->end();
	if (o->look)
		o->look(&rig, *ret_result);
	if (o->clear)
		o->clear(&rig);
	return left;
}

static void must_succeed(const struct operation *o, long result)
{
	if (result < 0)
		die("%s: without a failure: %s", o->name, strerror((int)-result));
}

static void run_undisturbed(const struct operation *o)
{
	long result;

	run_with(o, &by_number, FAR_AWAY, &result);
	must_succeed(o, result);
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
		if (run_with(o, &by_number, 1, &result) == 0)
			die("%s: no allocation in the first run, one in run %u", o->name, i + 1);
	printf("%s: it asks for no memory: %u runs with the first allocation to fail, 0 failed\n",
	       o->name, RUNS_OF_NONE);
	return o->may_need_no_memory;
}

static bool fail_each(const struct operation *o)
{
	struct tally t = {0};
	unsigned int n = 1;
	long result;

	for (; run_with(o, &by_number, n, &result) == 0; n++)
		judge(o, result, &t);
	must_succeed(o, result);
	if (n == 1)
		return prove_none(o);
	print(o, &t);
	return true;
}

/* ---- each site ---- */

/*
 * Each attempt gets undisturbed past the place where the last one failed, and fails farther on or
 * where that one had not been. The last ones meet nothing new.
 */
static void fail_new_sites(const struct operation *o, struct tally *t)
{
	long result;

	for (int idle = 0; idle < RUNS_TO_MEET;) {
		if (run_with(o, &by_site, SITES_FAIL, &result)) {
			count(o, result, t);
			idle = 0;
			continue;
		}
		must_succeed(o, result);
		if (++idle >= RUNS_OF_NOTHING_NEW && seen.failed == seen.may_fail)
			return;
	}
}

/* By another way: what an undisturbed attempt asks for. */
static void count_sites(const struct operation *o)
{
	long result;

	for (int i = 0; i < RUNS_OF_NOTHING_NEW; i++) {
		run_with(o, &by_site, SITES_COUNT, &result);
		must_succeed(o, result);
	}
	printf("%s: %u allocations in an undisturbed attempt\n", o->name, seen.allocations);
}

static bool fail_each_site(const struct operation *o)
{
	const uint64_t began_ns = monotonic_ns();
	struct tally t = {0};

	sites_begin(SITES_FORGET);
	fail_new_sites(o, &t);
	if (!o->varies)
		count_sites(o);
	if (seen.failed < seen.may_fail)
		fail_new_sites(o, &t);
	print(o, &t);
	printf("%s: %u distinct sites, %u failed, in %u s\n", o->name, seen.may_fail, seen.failed,
	       (unsigned int)((monotonic_ns() - began_ns) / 1000000000));
	sites_print_left();
	return seen.may_fail && seen.failed == seen.may_fail;
}

int main(int argc, char **argv)
{
	const struct operation *o;

	if (argc != 3)
		return 2;
	o = operation_find(argv[1]);
	if (strcmp(argv[2], "sites") == 0)
		return fail_each_site(o) ? EXIT_SUCCESS : EXIT_FAILURE;
	if (strcmp(argv[2], "each") != 0)
		return 2;
	fail_nth_fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (fail_nth_fd < 0)
		die("fail-nth: %s", strerror(errno));
	return fail_each(o) ? EXIT_SUCCESS : EXIT_FAILURE;
}
