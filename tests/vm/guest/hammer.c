// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Calls the driver from several processes and threads at once, with arguments from nearly right to nonsense, on files and
 * mappings that another thread closes or unmaps meanwhile, until so many ioctl() were made. An honest board is behind it: whatever
 * is asked, the answer is one of those that uapi/etalon.h names.
 *
 * usage: hammer SEED IOCTLS
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"
#include "random.h"

#define PROCESSES 2
#define THREADS 3
#define FILES 4
#define MAPPINGS 3
#define ARGUMENT_BYTES 256
#define LIST_POINTS 4096
#define WATCHDOG_NS 100000000
#define OPENS_ONE_IN 8 /* of the calls that find no open file */

/* Of all processes. */
struct tally {
	uint64_t ioctls, opens, mappings, reads, polls;
	uint64_t answers[ERANGE + 1]; /* to ioctls, by errno; the rest under 1 */
};

struct mapping {
	void *at;
	size_t bytes;
};

/* Of one process, for its threads to quarrel about: capture fds on even places, control fds on odd ones. */
static int files[FILES];
static struct mapping *mappings[MAPPINGS];
static char *page; /* followed by nothing */
static long page_bytes;
static struct tally *tally;
static uint64_t wanted;
static const struct etalon_hw_description *description;

struct hammer {
	uint64_t seed;
	uint8_t argument[ARGUMENT_BYTES] __attribute__((aligned(8)));
	struct etalon_hw_program program;
	int64_t list[LIST_POINTS];
	uint8_t buffer[65536];
};

static uint32_t below(struct hammer *h, uint32_t end)
{
	return random_below(&h->seed, end);
}

static bool one_in(struct hammer *h, uint32_t n)
{
	return below(h, n) == 0;
}

static void count(uint64_t *what)
{
	__atomic_add_fetch(what, 1, __ATOMIC_RELAXED);
}

/* ---- values and pointers ---- */

static int64_t any_value(struct hammer *h)
{
	const struct etalon_hw_source *s =
		(const void *)((const char *)description + description->source_offset);
	const uint32_t source = below(h, description->source_count);

	switch (below(h, 8)) {
	case 0:
		return INT64_MIN;
	case 1:
		return INT64_MAX;
	case 2:
		return -1;
	case 3:
		return (int64_t)random_next(&h->seed);
	case 4:
		return s[source].min;
	case 5:
		return s[source].max;
	default:
		return below(h, 100);
	}
}

static uint64_t any_pointer(struct hammer *h, void *good)
{
	switch (below(h, 64)) {
	case 0:
		return 0;
	case 1:
		return random_next(&h->seed);
	case 2:
		return UINT64_C(0xffff888000000000);
	case 3: /* runs over the end */
		return (uintptr_t)page + (uint64_t)page_bytes - below(h, 64);
	default:
		return (uintptr_t)good;
	}
}

static void spoil(struct hammer *h, void *bytes, size_t size)
{
	for (uint32_t n = below(h, 4); n; n--)
		((uint8_t *)bytes)[below(h, (uint32_t)size)] ^= (uint8_t)(1U << below(h, 8));
}

/* ---- arguments, nearly right ---- */

static void fill_limits(struct hammer *h)
{
	const struct etalon_hw_source *s =
		(const void *)((const char *)description + description->source_offset);
	struct etalon_limits *l = (void *)h->argument;

	l->source = below(h, description->source_count + 2);
	l->low = any_value(h);
	l->high = any_value(h);
	if (l->source >= description->source_count || one_in(h, 2))
		return;
	l->low = s[l->source].min;
	l->high = s[l->source].max;
}

static void fill_value(struct hammer *h)
{
	struct etalon_value *v = (void *)h->argument;

	v->channel = below(h, description->detector_count + 2);
	v->value = any_value(h);
}

static void fill_live(struct hammer *h)
{
	struct etalon_live *l = (void *)h->argument;

	l->buffer = any_pointer(h, h->buffer);
	l->capacity = below(h, description->detector_count + 2);
	l->aperture_ns = one_in(h, 4) ? below(h, 30000000) : 0;
}

static void fill_description(struct hammer *h)
{
	struct etalon_description *d = (void *)h->argument;

	d->buffer = any_pointer(h, h->buffer);
	d->capacity = one_in(h, 4) ? below(h, 5000) : sizeof(h->buffer);
}

static void fill_program(struct hammer *h)
{
	const struct sweep sweep = {
		.points = 1 + below(h, 5000),
		.period_ns = 10000 + below(h, 100) * 1000,
		.detectors = 1 + below(h, 4),
		.generation = 1 + below(h, 100),
		.light = one_in(h, 4),
	};

	sweep_program(&sweep, description, &h->program);
	if (one_in(h, 3))
		h->program.axis[0].shape = ETALON_HW_AXIS_LIST;
	if (one_in(h, 2))
		spoil(h, &h->program, sizeof(h->program));
}

static void fill_upload(struct hammer *h)
{
	struct etalon_upload *u = (void *)h->argument;

	u->kind = (uint16_t)(one_in(h, 3) ? ETALON_HW_UPLOAD_LIST : ETALON_HW_UPLOAD_PROGRAM);
	if (u->kind == ETALON_HW_UPLOAD_PROGRAM) {
		fill_program(h);
		u->data = any_pointer(h, &h->program);
		u->bytes = sizeof(h->program);
	} else {
		u->data = any_pointer(h, h->list);
		u->bytes = below(h, LIST_POINTS) * 8;
		u->list = (uint16_t)below(h, ETALON_HW_LISTS_MAX + 1);
		h->list[below(h, LIST_POINTS)] = any_value(h);
	}
	if (one_in(h, 8))
		u->bytes = (uint32_t)random_next(&h->seed);
}

static void fill_command(struct hammer *h)
{
	struct etalon_command *c = (void *)h->argument;

	if (one_in(h, 4))
		c->period_ns = one_in(h, 2) ? WATCHDOG_NS : random_next(&h->seed);
}

static void fill_arm(struct hammer *h)
{
	struct etalon_command *c = (void *)h->argument;

	c->period_ns = one_in(h, 4) ? random_next(&h->seed) : WATCHDOG_NS;
}

static void fill_sequence(struct hammer *h)
{
	struct etalon_sequence *s = (void *)h->argument;

	s->sequence = one_in(h, 4) ? random_next(&h->seed) : below(h, 200000);
}

static void fill_nothing(struct hammer *h)
{
	(void)h;
}

static const struct {
	unsigned long command;
	void (*fill)(struct hammer *h);
} calls[] = {
	{ETALON_IOC_INFO, fill_nothing},      {ETALON_IOC_DESCRIPTION, fill_description},
	{ETALON_IOC_STATUS, fill_nothing},    {ETALON_IOC_CLOCK, fill_nothing},
	{ETALON_IOC_SET_LIMITS, fill_limits}, {ETALON_IOC_SET_SOURCE, fill_value},
	{ETALON_IOC_GET_SOURCE, fill_value},  {ETALON_IOC_SET_COMPLIANCE, fill_value},
	{ETALON_IOC_SET_RANGE, fill_value},   {ETALON_IOC_LIVE, fill_live},
	{ETALON_IOC_UPLOAD, fill_upload},     {ETALON_IOC_LOAD, fill_nothing},
	{ETALON_IOC_START, fill_command},     {ETALON_IOC_STOP, fill_nothing},
	{ETALON_IOC_ARM, fill_arm},	      {ETALON_IOC_EMIT, fill_command},
	{ETALON_IOC_KICK, fill_nothing},      {ETALON_IOC_OFF, fill_nothing},
	{ETALON_IOC_HALT, fill_nothing},      {ETALON_IOC_CLEAR, fill_command},
	{ETALON_IOC_RELEASE, fill_sequence},  {ETALON_IOC_WANT, fill_sequence},
};

#define CALLS (sizeof(calls) / sizeof(calls[0]))

/* ---- files ---- */

static int any_file(struct hammer *h)
{
	return __atomic_load_n(&files[below(h, FILES)], __ATOMIC_RELAXED);
}

static void put_file(uint32_t place, int fd)
{
	const int before = __atomic_exchange_n(&files[place], fd, __ATOMIC_RELAXED);

	if (before >= 0)
		close(before);
}

static void reopen(struct hammer *h, uint32_t place)
{
	static const int modes[] = {O_RDONLY, O_RDWR};
	const int mode = one_in(h, 32) ? O_WRONLY : modes[place % 2];
	const int fd = open(CLIENT_NODE, mode | O_CLOEXEC);

	count(&tally->opens);
	if (fd >= 0)
		return put_file(place, fd);
	if (errno != EBUSY && errno != EINVAL)
		die("open: %s", strerror(errno));
	usleep(below(h, 1000)); /* others have it, and shall get on */
}

/* By this thread, while others may be using it. */
static void let_go(struct hammer *h)
{
	put_file(below(h, FILES), -1);
}

/* ---- ioctl ---- */

/* What uapi/etalon.h names. */
static void judge(unsigned long command, int error)
{
	static const int known[] = {0,	   EINVAL, ENOTTY, EFAULT, E2BIG,  ENOSPC,
				    EBUSY, EACCES, ERANGE, ESTALE, ENOMEM, EBADF};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (error == known[i])
			return;
	die("ioctl %#lx: %s", command, strerror(error));
}

/* Mostly one that knows the call. */
static uint32_t place_for(struct hammer *h, unsigned long command)
{
	const bool of_capture = _IOC_NR(command) >= _IOC_NR(ETALON_IOC_RELEASE);

	return one_in(h, 16) ? below(h, FILES) : 2 * below(h, FILES / 2) + !of_capture;
}

/* Only those that reached the driver count. */
static void issue(struct hammer *h, unsigned long command, void *argument)
{
	const uint32_t place = place_for(h, command);
	const int fd = __atomic_load_n(&files[place], __ATOMIC_RELAXED);
	int r = -EBADF;

	if (fd >= 0)
		r = call(fd, command, argument);
	else if (!one_in(h, OPENS_ONE_IN))
		return;
	if (r == -EBADF || (r == -ESTALE && one_in(h, 4)))
		return reopen(h, place);
	judge(command, r < 0 ? -r : 0);
	count(&tally->ioctls);
	count(&tally->answers[r >= 0 ? 0 : r >= -ERANGE ? -r : 1]);
}

static void structured_call(struct hammer *h, uint32_t number)
{
	unsigned long command = calls[number].command;
	uint32_t *head = (void *)h->argument;

	memset(h->argument, 0, sizeof(h->argument));
	head[0] = _IOC_SIZE(command);
	calls[number].fill(h);
	if (one_in(h, 16))
		spoil(h, h->argument, sizeof(h->argument));
	if (one_in(h, 8)) { /* of a longer version, or a shorter one */
		head[0] = below(h, ARGUMENT_BYTES);
		command = _IOC(_IOC_DIR(command), ETALON_IOC_MAGIC, _IOC_NR(command), head[0]);
	}
	issue(h, command, (void *)(uintptr_t)any_pointer(h, h->argument));
}

/* What a program does to get light, or data; the file may be any. */
static void in_order(struct hammer *h)
{
	static const unsigned long light[] = {ETALON_IOC_ARM, ETALON_IOC_EMIT, ETALON_IOC_KICK};
	static const unsigned long data[] = {ETALON_IOC_UPLOAD, ETALON_IOC_LOAD, ETALON_IOC_START};
	const unsigned long *order = one_in(h, 2) ? light : data;

	for (uint32_t i = 0; order == light && i < description->source_count; i++) {
		const struct etalon_hw_source *s =
			(const void *)((const char *)description + description->source_offset);
		struct etalon_limits l = {
			.size = sizeof(l), .source = i, .low = s[i].min, .high = s[i].max};

		if (s[i].emits)
			issue(h, ETALON_IOC_SET_LIMITS, &l);
	}
	for (uint32_t i = 0; i < 3; i++)
		for (uint32_t n = 0; n < CALLS; n++)
			if (calls[n].command == order[i])
				structured_call(h, n);
}

static void random_call(struct hammer *h)
{
	for (size_t i = 0; i < sizeof(h->argument); i += 8)
		memcpy(h->argument + i, &(uint64_t){random_next(&h->seed)}, 8);
	issue(h,
	      one_in(h, 2) ? _IOC(below(h, 4), ETALON_IOC_MAGIC, below(h, 64), below(h, 512))
			   : (uint32_t)random_next(&h->seed),
	      (void *)(uintptr_t)any_pointer(h, h->argument));
}

static void make_calls(struct hammer *h)
{
	switch (below(h, 8)) {
	case 0:
		return random_call(h);
	case 1:
		return in_order(h);
	default:
		return structured_call(h, below(h, CALLS));
	}
}

/* ---- reading ---- */

static void read_records(struct hammer *h)
{
	const size_t bytes = below(h, sizeof(h->buffer));
	const ssize_t got =
		one_in(h, 4) ? read(any_file(h), h->buffer, bytes)
			     : pread(any_file(h), (void *)(uintptr_t)any_pointer(h, h->buffer),
				     bytes, (off_t)below(h, 4000) * 8 * below(h, 100));

	if (got > (ssize_t)bytes)
		die("%zd of %zu bytes read", got, bytes);
	if (got < 0 && errno != EINVAL && errno != EPIPE && errno != EFAULT && errno != EBADF)
		die("read: %s", strerror(errno));
	count(&tally->reads);
}

static void poll_files(struct hammer *h)
{
	struct pollfd p[FILES];

	for (int i = 0; i < FILES; i++)
		p[i] = (struct pollfd){.fd = any_file(h), .events = POLLIN | POLLPRI};
	poll(p, FILES, (int)below(h, 2));
	count(&tally->polls);
}

/* A child that holds every file and mapping, and lets go of them by dying. */
static void fork_once(void)
{
	const pid_t child = fork();

	if (child == 0)
		_exit(0);
	if (child > 0)
		waitpid(child, NULL, 0);
}

/* ---- mappings ---- */

static void drop(struct mapping *m)
{
	if (!m)
		return;
	munmap(m->at, m->bytes);
	free(m);
}

static void map_anew(struct hammer *h)
{
	const size_t bytes = (size_t)page_bytes * (1 + below(h, 64));
	const off_t offset = one_in(h, 4) ? 0 : (off_t)(0x100000 + page_bytes * below(h, 2000));
	const int protection = one_in(h, 8) ? PROT_READ | PROT_WRITE : PROT_READ;
	void *at = mmap(NULL, offset ? bytes : (size_t)page_bytes, protection,
			one_in(h, 8) ? MAP_PRIVATE : MAP_SHARED, any_file(h), offset);
	struct mapping *m;

	count(&tally->mappings);
	if (at == MAP_FAILED)
		return;
	if (protection & PROT_WRITE)
		die("the ring can be mapped for writing");
	m = malloc(sizeof(*m));
	*m = (struct mapping){at, offset ? bytes : (size_t)page_bytes};
	drop(__atomic_exchange_n(&mappings[below(h, MAPPINGS)], m, __ATOMIC_ACQ_REL));
}

/* Taken out of its place meanwhile, so that nobody else unmaps it. */
static void use_mapping(struct hammer *h)
{
	struct mapping **place = &mappings[below(h, MAPPINGS)];
	struct mapping *m = __atomic_exchange_n(place, NULL, __ATOMIC_ACQ_REL);
	volatile char sum = 0;

	if (!m)
		return;
	if (mprotect(m->at, m->bytes, PROT_READ | PROT_WRITE) == 0)
		die("the ring can be made writable");
	if (mremap(m->at, m->bytes, m->bytes + (size_t)page_bytes, MREMAP_MAYMOVE) != MAP_FAILED)
		die("a mapping of the ring grows");
	for (size_t at = 0; at < m->bytes; at += (size_t)page_bytes)
		sum += ((const char *)m->at)[at];
	if (one_in(h, 4) && m->bytes > (size_t)page_bytes) { /* in two pieces */
		munmap(m->at, (size_t)page_bytes);
		m->at = (char *)m->at + page_bytes;
		m->bytes -= (size_t)page_bytes;
	}
	if (one_in(h, 4))
		return drop(m);
	drop(__atomic_exchange_n(place, m, __ATOMIC_ACQ_REL));
}

/* ---- */

static void *keep_hammering(void *userdata)
{
	struct hammer *h = userdata;

	while (__atomic_load_n(&tally->ioctls, __ATOMIC_RELAXED) < wanted) {
		switch (below(h, 32)) {
		case 0:
			if (one_in(h, 4))
				let_go(h);
			break;
		case 1:
			reopen(h, below(h, FILES));
			break;
		case 2:
			read_records(h);
			break;
		case 3:
			poll_files(h);
			break;
		case 4:
			map_anew(h);
			break;
		case 5:
			use_mapping(h);
			break;
		case 6:
			if (one_in(h, 50))
				fork_once();
			break;
		default:
			make_calls(h);
		}
	}
	return NULL;
}

static int hammer_process(uint64_t seed)
{
	pthread_t thread[THREADS];

	for (int i = 0; i < FILES; i++)
		files[i] = -1;
	page = mmap(NULL, (size_t)page_bytes * 2, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap(page + page_bytes, (size_t)page_bytes);
	for (int i = 0; i < THREADS; i++) {
		struct hammer *h = calloc(1, sizeof(*h));

		h->seed = seed * THREADS + (uint64_t)i;
		if (pthread_create(&thread[i], NULL, keep_hammering, h))
			die("no thread");
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	return 0;
}

/* Another of these may have the capture fd for a moment. */
static const struct etalon_hw_description *read_description(void)
{
	struct etalon_description d = {.size = sizeof(d), .capacity = 65536};
	void *buffer = malloc(d.capacity);
	int fd, r;

	while ((fd = open(CLIENT_NODE, O_RDONLY | O_CLOEXEC)) < 0 && errno == EBUSY)
		usleep(1000);
	d.buffer = (uintptr_t)buffer;
	r = call(fd, ETALON_IOC_DESCRIPTION, &d);
	if (r < 0)
		die("DESCRIPTION: %s", strerror(-r));
	close(fd);
	return buffer;
}

static void tell(uint64_t seed)
{
	printf("COUNT %llu of %llu ioctls by %zu-bit programs, seed %llu; besides %llu open, %llu mmap, %llu read, %llu poll\n",
	       (unsigned long long)tally->ioctls, (unsigned long long)wanted, sizeof(long) * 8,
	       (unsigned long long)seed, (unsigned long long)tally->opens,
	       (unsigned long long)tally->mappings, (unsigned long long)tally->reads,
	       (unsigned long long)tally->polls);
	printf("# accepted %llu", (unsigned long long)tally->answers[0]);
	for (int i = 1; i <= ERANGE; i++)
		if (tally->answers[i])
			printf(", %s %llu", i == 1 ? "others" : strerrorname_np(i),
			       (unsigned long long)tally->answers[i]);
	putchar('\n');
}

int main(int argc, char **argv)
{
	uint64_t seed;
	int status, bad = 0;

	if (argc != 3)
		return 2;
	seed = strtoull(argv[1], NULL, 0);
	wanted = strtoull(argv[2], NULL, 0);
	page_bytes = sysconf(_SC_PAGESIZE);
	description = read_description();
	tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	for (uint64_t i = 0; i < PROCESSES; i++)
		if (fork() == 0)
			return hammer_process(seed * PROCESSES + i);
	while (wait(&status) > 0)
		bad |= status;
	tell(seed);
	return bad || tally->ioctls < wanted;
}
