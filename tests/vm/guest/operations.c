// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The operations of the driver whose allocations fail: what each needs, does and may leave behind.
 * Nothing of failing is known here.
 */
#include "operations.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define BOARD "0000:01:00.0"
#define DRIVER "/sys/bus/pci/drivers/etalon_pci/"
#define WATCHDOG_NS 1000000000
#define RECORDS_TIMEOUT_MS 10000
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

/*
 * The kernel's own thread makes the node, and nobody is told that it could not: a board without a
 * node is bound, and can be unbound.
 */
static void look_at_bind_by_threads(struct rig *rig, long result)
{
	if (result >= 0 && exists(DRIVER BOARD) && !exists(CLIENT_NODE))
		must_unbind(rig);
	else
		look_at_bind(rig, result);
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
	{"probe-by-threads", .varies = true, .run = bind, .look = look_at_bind_by_threads},
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

const struct operation *operation_find(const char *name)
{
	for (size_t i = 0; i < sizeof(operations) / sizeof(*operations); i++)
		if (strcmp(operations[i].name, name) == 0)
			return &operations[i];
	die("no operation %s", name);
}
