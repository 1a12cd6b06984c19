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
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client.h"

#define BOARD "0000:01:00.0"
#define DRIVER "/sys/bus/pci/drivers/etalon_pci/"
#define WATCHDOG_NS 1000000000
#define SITES_MAX 20000 /* more is an operation that never ends */
#define RECORDS_TIMEOUT_MS 10000
#define ERRNO_MAX 133
#define FAR_AWAY 1000000 /* the number of an allocation that no operation reaches */
#define RUNS_OF_NONE 10 /* with failing on, until it is believed that there is nothing to fail */
#define REFUSALS_PER_RECOVERY 8
/* Where a process has nothing else, so that every table of the mapping's pages is asked for. */
#define FAR_FROM_ALL ((void *)0x100000000000)

static const struct sweep short_sweep = {.points = 50,
					 .period_ns = 50000,
					 .detectors = 4,
					 .generation = 3};
static const struct sweep long_sweep = {.points = 1000000,
					.period_ns = 50000,
					.detectors = 4,
					.generation = 4};

/* What the operations work on; nothing of it is there but what an operation's prepare() made. */
struct rig {
	struct client client;
	int fd; /* of the operation itself */
	void *at;
};

struct operation {
	const char *name;
	bool may_need_no_memory; /* 0 sites are no mistake of the test */
	bool is_slow; /* an undisturbed attempt follows some refusals, not each */
	void (*prepare)(struct rig *rig); /* may be NULL, as the next but one and two */
	long (*run)(struct rig *rig); /* 0 or negative errno */
	void (*look)(struct rig *rig, long result); /* at what it left; undoes it */
	void (*clear)(struct rig *rig); /* undoes prepare() */
};

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

/* ---- binding ---- */

static long write_to(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY | O_CLOEXEC);
	long r = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		r = -errno;
	close(fd);
	return r;
}

static bool exists(const char *path)
{
	struct stat s;

	return stat(path, &s) == 0;
}

static long bind(struct rig *rig)
{
	(void)rig;
	return write_to(DRIVER "bind", BOARD);
}

static long unbind(struct rig *rig)
{
	(void)rig;
	return write_to(DRIVER "unbind", BOARD);
}

static void must_bind(struct rig *rig)
{
	const long r = bind(rig);

	if (r < 0)
		die("bind: %s", strerror((int)-r));
}

static void must_unbind(struct rig *rig)
{
	const long r = unbind(rig);

	if (r < 0)
		die("unbind: %s", strerror((int)-r));
}

static void expect_bound(bool bound)
{
	static const char *const signs[] = {DRIVER BOARD, CLIENT_NODE, "/sys/class/etalon/etalon0"};

	for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++)
		if (exists(signs[i]) != bound)
			die("%s is %sthere", signs[i], bound ? "not " : "");
}

static void look_at_bind(struct rig *rig, long result)
{
	struct client *c = &rig->client;

	expect_bound(result >= 0);
	if (result < 0)
		return;
	/* What it could do without, hwmon and lines, may be missing; the board must work. */
	client_open(c);
	client_open_control(c);
	client_status(c->control);
	client_close(c);
	must_unbind(rig);
}

static void look_at_unbind(struct rig *rig, long result)
{
	/* The writer's own buffer is an allocation, too, and comes before the driver. */
	expect_bound(result < 0);
	if (result < 0)
		must_unbind(rig);
}

/* ---- opening ---- */

static long open_control(struct rig *rig)
{
	rig->fd = open(CLIENT_NODE, O_RDWR | O_CLOEXEC);
	return rig->fd < 0 ? -errno : 0;
}

static long open_capture(struct rig *rig)
{
	rig->fd = open(CLIENT_NODE, O_RDONLY | O_CLOEXEC);
	return rig->fd < 0 ? -errno : 0;
}

static void close_fd(struct rig *rig, long result)
{
	if (result >= 0)
		close(rig->fd);
}

static void prepare_client(struct rig *rig)
{
	client_open(&rig->client);
	client_open_control(&rig->client);
	client_map(&rig->client);
}

static void clear_client(struct rig *rig)
{
	client_close(&rig->client);
}

static long map_ring(struct rig *rig)
{
	const struct client *c = &rig->client;

	rig->at = mmap(FAR_FROM_ALL, c->info.data_bytes, PROT_READ,
		       MAP_SHARED | MAP_FIXED_NOREPLACE, c->capture, (off_t)c->info.data_offset);
	return rig->at == MAP_FAILED ? -errno : 0;
}

static void unmap_ring(struct rig *rig, long result)
{
	if (result >= 0)
		munmap(rig->at, rig->client.info.data_bytes);
}

/* ---- programs ---- */

static void start_sweep(struct rig *rig, const struct sweep *sweep)
{
	struct client *c = &rig->client;

	client_load(c, sweep);
	client_start(c);
}

static void take_records(struct rig *rig)
{
	const struct etalon_load load = {.stride = rig->client.status->stride};
	struct ledger l;

	client_records(&rig->client, &load, true, NULL, RECORDS_TIMEOUT_MS, &l);
	if (!l.started || !l.ended || l.end.produced != l.points)
		die("START %d, END %d, %llu of %llu points", l.started, l.ended,
		    (unsigned long long)l.points, (unsigned long long)l.end.produced);
}

static long upload_load_start(struct rig *rig)
{
	struct etalon_load load;
	const int r = client_try_load(&rig->client, &short_sweep, &load);

	return r >= 0 ? client_try_start(&rig->client, &load.refusal) : r;
}

static void look_at_program(struct rig *rig, long result)
{
	if (result >= 0)
		return take_records(rig);
	if (client_status(rig->client.control).sequencer == ETALON_HW_SEQUENCER_RUNNING)
		die("what was refused is running");
}

static long live_readings(struct rig *rig)
{
	struct client *c = &rig->client;
	struct etalon_hw_live readings[ETALON_HW_DETECTORS_MAX];
	struct etalon_live live = {
		.size = sizeof(live),
		.buffer = (uintptr_t)readings,
		.capacity = c->description->detector_count,
	};

	return call(c->control, ETALON_IOC_LIVE, &live);
}

/* ---- light ---- */

static void prepare_light(struct rig *rig)
{
	prepare_client(rig);
	client_light(&rig->client, WATCHDOG_NS);
	start_sweep(rig, &long_sweep);
}

static void clear_light(struct rig *rig)
{
	close(rig->client.capture);
	free(rig->client.description);
}

/* Armed again without anything being set anew: after OFF. */
static long arm(struct rig *rig)
{
	struct etalon_command c = {.size = sizeof(c), .period_ns = WATCHDOG_NS};

	return call(rig->client.control, ETALON_IOC_ARM, &c);
}

static void expect_dark(int fd)
{
	const struct etalon_status s = client_status(fd);

	if (s.state != ETALON_HW_STATE_OFF)
		die("state %u, not OFF", s.state);
}

static void look_at_arm(struct rig *rig, long result)
{
	(void)result;
	if (call(rig->client.control, ETALON_IOC_OFF, NULL) < 0)
		die("OFF fails");
	expect_dark(rig->client.control);
}

static void prepare_armed(struct rig *rig)
{
	prepare_client(rig);
	client_light(&rig->client, WATCHDOG_NS);
	look_at_arm(rig, 0);
}

static long release_control(struct rig *rig)
{
	return close(rig->client.control) < 0 ? -errno : 0;
}

/* Darkness needs no memory: whatever failed, it is there when close() returns, and so is END. */
static void look_at_release(struct rig *rig, long result)
{
	struct client *c = &rig->client;

	if (result < 0)
		die("close: %s", strerror((int)-result));
	expect_dark(c->capture);
	take_records(rig);
	munmap((void *)(uintptr_t)c->data, c->info.data_bytes);
	munmap((void *)(uintptr_t)c->status, (size_t)sysconf(_SC_PAGESIZE));
	c->data = NULL;
}

static long release_capture(struct rig *rig)
{
	client_close(&rig->client);
	return 0;
}

static void look_at_closed(struct rig *rig, long result)
{
	(void)result;
	prepare_client(rig);
	client_close(&rig->client);
}

/* Unbound in the middle of a program, with everything open and mapped. */
static void prepare_bound(struct rig *rig)
{
	must_bind(rig);
	prepare_client(rig);
	start_sweep(rig, &long_sweep);
}

static void look_at_removal(struct rig *rig, long result)
{
	look_at_unbind(rig, result);
	take_records(rig);
	if (!rig->client.status->gone)
		die("the status page does not say that the board is gone");
	client_close(&rig->client);
}

/* ---- all of them ---- */

static const struct operation operations[] = {
	{"probe", .is_slow = true, .run = bind, .look = look_at_bind},
	{"remove", true, .prepare = prepare_bound, .run = unbind, .look = look_at_removal},
	{"open-control", .run = open_control, .look = close_fd},
	{"open-capture", .run = open_capture, .look = close_fd},
	{"map", .prepare = prepare_client, .run = map_ring, .look = unmap_ring,
	 .clear = clear_client},
	{"start", .prepare = prepare_client, .run = upload_load_start, .look = look_at_program,
	 .clear = clear_client},
	{"live", .prepare = prepare_client, .run = live_readings, .clear = clear_client},
	{"arm", true, .prepare = prepare_armed, .run = arm, .look = look_at_arm,
	 .clear = clear_client},
	{"release-control", true, .prepare = prepare_light, .run = release_control,
	 .look = look_at_release, .clear = clear_light},
	{"release-capture", true, .prepare = prepare_client, .run = release_capture,
	 .look = look_at_closed},
};

static const struct operation *find(const char *name)
{
	for (size_t i = 0; i < sizeof(operations) / sizeof(*operations); i++)
		if (strcmp(operations[i].name, name) == 0)
			return &operations[i];
	die("no operation %s", name);
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
	o = find(argv[1]);
	fail_nth_fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (fail_nth_fd < 0)
		die("fail-nth: %s", strerror(errno));
	return fail_each(o, first, last) ? EXIT_SUCCESS : EXIT_FAILURE;
}
