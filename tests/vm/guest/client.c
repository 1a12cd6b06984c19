// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * A small client of /dev/etalonN; see client.h.
 */
#include "client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define RECORDS_AT_ONCE 1024
#define KICKS_PER_PERIOD 4
#define LOOK_US 2000
#define LOAD_TRIES 500

void (*client_gone)(void);

void die(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
	exit(EXIT_FAILURE);
}

uint64_t monotonic_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

int call(int fd, unsigned long command, void *argument)
{
	int r = ioctl(fd, command, argument);

	return r < 0 ? -errno : r;
}

static void must(const char *what, int r, const struct etalon_refusal *refusal)
{
	if (r >= 0)
		return;
	if (r == -ENODEV && client_gone)
		client_gone();
	if (refusal && refusal->result)
		die("%s: %s: result %u, detail %u, %lld..%lld", what, strerror(-r), refusal->result,
		    refusal->detail, (long long)refusal->low, (long long)refusal->high);
	die("%s: %s", what, strerror(-r));
}

void client_open(struct client *c)
{
	struct etalon_description d = {.size = sizeof(d)};

	*c = (struct client){.control = -1};
	c->capture = open(CLIENT_NODE, O_RDONLY | O_CLOEXEC);
	if (c->capture < 0)
		die("open for reading: %s", strerror(errno));
	c->info.size = sizeof(c->info);
	must("INFO", call(c->capture, ETALON_IOC_INFO, &c->info), NULL);
	c->description = malloc(c->info.description_size);
	d.buffer = (uintptr_t)c->description;
	d.capacity = c->info.description_size;
	must("DESCRIPTION", call(c->capture, ETALON_IOC_DESCRIPTION, &d), NULL);
	if (c->description->magic != ETALON_HW_MAGIC)
		die("the description is none");
}

void client_open_control(struct client *c)
{
	c->control = open(CLIENT_NODE, O_RDWR | O_CLOEXEC);
	if (c->control < 0)
		die("open for control: %s", strerror(errno));
}

static const void *map(int fd, uint64_t offset, uint64_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, (off_t)offset);

	if (at == MAP_FAILED)
		die("mmap: %s", strerror(errno));
	return at;
}

void client_map(struct client *c)
{
	c->status = map(c->capture, c->info.status_offset, (uint64_t)sysconf(_SC_PAGESIZE));
	c->data = map(c->capture, c->info.data_offset, c->info.data_bytes);
	if (c->status->magic != ETALON_RING_STATUS_MAGIC)
		die("the status page is none");
}

void client_close(struct client *c)
{
	if (c->data) {
		munmap((void *)(uintptr_t)c->data, c->info.data_bytes);
		munmap((void *)(uintptr_t)c->status, (size_t)sysconf(_SC_PAGESIZE));
	}
	if (c->control >= 0)
		close(c->control);
	close(c->capture);
	free(c->description);
}

struct etalon_status client_status(int fd)
{
	struct etalon_status s = {.size = sizeof(s)};

	must("STATUS", call(fd, ETALON_IOC_STATUS, &s), NULL);
	return s;
}

int client_try_load(struct client *c, const struct sweep *sweep, struct etalon_load *ret)
{
	struct etalon_hw_program program;
	struct etalon_upload upload = {
		.size = sizeof(upload),
		.data = (uintptr_t)&program,
		.bytes = sizeof(program),
		.kind = ETALON_HW_UPLOAD_PROGRAM,
	};
	int r;

	sweep_program(sweep, c->description, &program);
	*ret = (struct etalon_load){.size = sizeof(*ret)};
	r = call(c->control, ETALON_IOC_UPLOAD, &upload);
	if (r >= 0)
		return call(c->control, ETALON_IOC_LOAD, ret);
	ret->refusal = upload.refusal;
	return r;
}

struct etalon_load client_load(struct client *c, const struct sweep *sweep)
{
	struct etalon_load load;
	int r = -EBUSY;

	/* What the ring had no room for comes as soon as it has. */
	for (int tries = 0; r == -EBUSY && tries < LOAD_TRIES; tries++) {
		client_release(c, c->status->producer);
		r = client_try_load(c, sweep, &load);
		usleep(r == -EBUSY ? LOOK_US : 0);
	}
	must("LOAD", r, &load.refusal);
	client_release(c, c->status->producer);
	if (load.points != sweep->points)
		die("LOAD: %llu points, not %u", (unsigned long long)load.points, sweep->points);
	return load;
}

int client_try_start(struct client *c, struct etalon_refusal *ret)
{
	struct etalon_command start = {.size = sizeof(start)};
	const int r = call(c->control, ETALON_IOC_START, &start);

	*ret = start.refusal;
	return r;
}

void client_start(struct client *c)
{
	struct etalon_refusal refusal;
	const int r = client_try_start(c, &refusal);

	must("START", r, &refusal);
}

static uint32_t crc32c(uint32_t crc, const void *data, size_t bytes)
{
	static uint32_t table[256];
	const uint8_t *p = data;

	for (uint32_t i = 0; i < 256 && !table[255]; i++) {
		table[i] = i;
		for (int bit = 0; bit < 8; bit++)
			table[i] = table[i] & 1 ? table[i] >> 1 ^ 0x82f63b78U : table[i] >> 1;
	}
	for (crc = ~crc; bytes; bytes--)
		crc = crc >> 8 ^ table[(crc ^ *p++) & 0xff];
	return ~crc;
}

static void take_gap(struct ledger *l, const struct etalon_hw_record_gap *gap)
{
	const uint64_t first = gap->head.sequence - l->missing;
	/* It stands in the place of the last record that is missing. */
	const bool of_kernel = gap->count == l->missing + 1;

	if (gap->first != first || (gap->count != l->missing && !of_kernel))
		die("GAP says %llu from %llu on, missing are %llu from %llu on",
		    (unsigned long long)gap->count, (unsigned long long)gap->first,
		    (unsigned long long)l->missing, (unsigned long long)first);
	if (of_kernel)
		l->lost_on_way += gap->count;
	else
		l->lost += gap->count;
	l->gaps += gap->points;
	l->missing = 0;
}

static void take(struct ledger *l, const void *bytes, uint32_t stride, FILE *keep)
{
	const struct etalon_hw_record *head = bytes;
	const struct etalon_hw_record_point *point = bytes;

	if (head->sequence != l->sequence) { /* dropped: its place is as it was */
		l->missing++;
		l->sequence++;
		return;
	}
	if (head->magic != ETALON_HW_RECORD_MAGIC || head->size != stride)
		die("record %llu is none", (unsigned long long)l->sequence);
	if (l->missing && head->type != ETALON_HW_RECORD_GAP)
		die("record %llu after %llu that are missing, and no GAP says so",
		    (unsigned long long)l->sequence, (unsigned long long)l->missing);
	l->sequence++;
	switch (head->type) {
	case ETALON_HW_RECORD_START:
		l->started = true;
		break;
	case ETALON_HW_RECORD_POINT:
		if (point->number != l->points + l->gaps)
			die("point %llu where %llu was due", (unsigned long long)point->number,
			    (unsigned long long)(l->points + l->gaps));
		l->points++;
		l->crc = crc32c(l->crc, head + 1, stride - sizeof(*head));
		sweep_keep(keep, bytes, stride);
		break;
	case ETALON_HW_RECORD_GAP:
		take_gap(l, bytes);
		break;
	case ETALON_HW_RECORD_END:
		l->ended = true;
		memcpy(&l->end, bytes, sizeof(l->end));
		break;
	}
}

void client_release(struct client *c, uint64_t sequence)
{
	struct etalon_sequence s = {.size = sizeof(s), .sequence = sequence};

	must("RELEASE", call(c->capture, ETALON_IOC_RELEASE, &s), NULL);
}

static bool take_mapped(struct client *c, struct ledger *l, FILE *keep)
{
	const uint64_t producer = __atomic_load_n(&c->status->producer, __ATOMIC_ACQUIRE);
	const uint32_t stride = c->status->stride;
	const uint64_t modulus = c->status->data_modulus;

	if (l->sequence == producer)
		return false;
	while (l->sequence < producer && !l->ended)
		take(l, c->data + l->sequence * stride % modulus, stride, keep);
	return true;
}

static bool take_read(struct client *c, uint32_t stride, struct ledger *l, FILE *keep)
{
	static char buffer[RECORDS_AT_ONCE * 512];
	const ssize_t got =
		pread(c->capture, buffer, RECORDS_AT_ONCE * stride, (off_t)(l->sequence * stride));

	if (got < 0)
		die("pread: %s", strerror(errno));
	for (ssize_t at = 0; at < got; at += stride)
		take(l, buffer + at, stride, keep);
	return got > 0;
}

void client_records(struct client *c, const struct etalon_load *load, bool mapped, FILE *keep,
		    int timeout_ms, struct ledger *ret)
{
	struct ledger l = {.sequence = c->status->consumer};

	while (!l.ended) {
		struct pollfd fd = {.fd = c->capture, .events = POLLIN};
		struct etalon_sequence want = {.size = sizeof(want), .sequence = l.sequence};
		int r;

		if (mapped ? take_mapped(c, &l, keep) : take_read(c, load->stride, &l, keep)) {
			client_release(c, l.sequence);
			continue;
		}
		must("WANT", call(c->capture, ETALON_IOC_WANT, &want), NULL);
		r = poll(&fd, 1, timeout_ms);
		if (r == 0)
			die("no record within %d ms after %llu points", timeout_ms,
			    (unsigned long long)l.points);
		if (!(fd.revents & POLLIN) && fd.revents & POLLHUP)
			break;
	}
	*ret = l;
}

static void set_limits(struct client *c)
{
	const struct etalon_hw_source *s =
		(const void *)((const char *)c->description + c->description->source_offset);

	for (uint32_t i = 0; i < c->description->source_count; i++) {
		struct etalon_limits l = {
			.size = sizeof(l),
			.source = i,
			.low = s[i].min,
			.high = s[i].max,
		};

		if (s[i].emits)
			must("SET_LIMITS", call(c->control, ETALON_IOC_SET_LIMITS, &l), &l.refusal);
	}
}

void client_kick(struct client *c)
{
	must("KICK", call(c->control, ETALON_IOC_KICK, NULL), NULL);
}

void client_wait(struct client *c, uint64_t period_ns)
{
	const uint64_t now = monotonic_ns();

	if (now - c->kicked_ns >= period_ns / KICKS_PER_PERIOD) {
		client_kick(c);
		c->kicked_ns = now;
	}
	usleep(LOOK_US);
}

void client_light(struct client *c, uint64_t period_ns)
{
	struct etalon_command arm = {.size = sizeof(arm), .period_ns = period_ns};
	struct etalon_command clear = {.size = sizeof(clear)};
	struct etalon_command emit = {.size = sizeof(emit)};
	struct etalon_value power = {
		.size = sizeof(power),
		.channel = sweep_source(c->description, "laser.power"),
		.value = SWEEP_POWER_FW,
	};

	if (client_status(c->control).state == ETALON_HW_STATE_TRIPPED)
		must("CLEAR", call(c->control, ETALON_IOC_CLEAR, &clear), &clear.refusal);
	set_limits(c);
	must("SET_SOURCE", call(c->control, ETALON_IOC_SET_SOURCE, &power), &power.refusal);
	must("ARM", call(c->control, ETALON_IOC_ARM, &arm), &arm.refusal);
	must("EMIT", call(c->control, ETALON_IOC_EMIT, &emit), &emit.refusal);
	while (client_status(c->control).state != ETALON_HW_STATE_EMITTING)
		client_wait(c, period_ns);
}
