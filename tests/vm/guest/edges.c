// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Arguments, and what they point to, at the very end of what is mapped: the driver reads and writes no byte behind them. One
 * byte further each call is -EFAULT, and what was before still holds.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arguments.h"

#define LIST 0

static char *end; /* of a run of pages: nothing is mapped behind it */
static uint64_t checked;

static void map_up_to_an_edge(size_t bytes)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE),
		     mapped = (bytes + page - 1) / page * page;
	char *at = mmap(NULL, mapped + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			-1, 0);

	if (at == MAP_FAILED || munmap(at + mapped, page))
		die("no page beside a hole");
	end = at + mapped;
}

static void *copy_to_edge(const void *bytes, size_t size)
{
	return memcpy(end - size, bytes, size);
}

/* All but its last byte is there. */
static void *copy_over_edge(const void *bytes, size_t size)
{
	return memcpy(end - size + 1, bytes, size - 1);
}

static void expect_call(const char *name, const char *what, int got, int expected)
{
	expect(name, what, got, expected);
	checked++;
}

/* ---- arguments themselves ---- */

static void argument_ends_there(const struct arguments *a, unsigned int n)
{
	const uint32_t bytes = _IOC_SIZE(arguments[n].command);
	uint8_t argument[ARGUMENT_BYTES_MAX] __attribute__((aligned(8)));

	argument_make(a, n, 0, argument);
	expect_call(arguments[n].name, "over the edge",
		    argument_call(a, n, copy_over_edge(argument, bytes)), -EFAULT);
	if (arguments[n].succeeds)
		expect_call(arguments[n].name, "at the edge",
			    argument_call(a, n, copy_to_edge(argument, bytes)), 0);
}

static void serves_nothing_over_the_edge(const struct arguments *a)
{
	const struct etalon_status s = client_status(a->client.control);

	expect("STATUS", "state", s.state, ETALON_HW_STATE_OFF);
	expect("STATUS", "sequencer", s.sequencer, ETALON_HW_SEQUENCER_READY);
}

/* ---- what is read ---- */

static int upload(const struct arguments *a, uint16_t kind, const void *data, uint32_t bytes)
{
	struct etalon_upload u = {.size = sizeof(u),
				  .data = (uintptr_t)data,
				  .bytes = bytes,
				  .kind = kind,
				  .list = LIST};

	return call(a->client.control, ETALON_IOC_UPLOAD, &u);
}

static struct etalon_load load(const struct arguments *a, int expected)
{
	struct etalon_load l = {.size = sizeof(l)};

	expect_call("LOAD", "result", call(a->client.control, ETALON_IOC_LOAD, &l), expected);
	return l;
}

static void program_ends_there(const struct arguments *a)
{
	struct etalon_hw_program program = a->program;
	struct etalon_load before, now;

	expect_call("UPLOAD", "a program at the edge",
		    upload(a, ETALON_HW_UPLOAD_PROGRAM, copy_to_edge(&program, sizeof(program)),
			   sizeof(program)),
		    0);
	before = load(a, 0);
	expect("LOAD", "points", (long long)before.points, program.axis[0].points);
	program.axis[0].points *= 2;
	expect_call("UPLOAD", "a program over the edge",
		    upload(a, ETALON_HW_UPLOAD_PROGRAM, copy_over_edge(&program, sizeof(program)),
			   sizeof(program)),
		    -EFAULT);
	now = load(a, 0);
	expect("LOAD", "the program from before", now.crc, before.crc);
	expect("LOAD", "its points", (long long)now.points, (long long)before.points);
	expect_call("UPLOAD", "that program at the edge",
		    upload(a, ETALON_HW_UPLOAD_PROGRAM, copy_to_edge(&program, sizeof(program)),
			   sizeof(program)),
		    0);
	expect("LOAD", "its points", (long long)load(a, 0).points, (long long)before.points * 2);
}

/* Of a list that could not be read the one from before is left: with the other the program is beyond limits. */
static void list_ends_there(const struct arguments *a)
{
	const struct etalon_hw_source *s = (const void *)((const char *)a->client.description +
							  a->client.description->source_offset);
	const uint16_t laser = sweep_source(a->client.description, "laser.wavelength");
	struct etalon_hw_program p = a->program;
	int64_t *const good = calloc(p.axis[0].points, sizeof(*good)), *const bad = calloc(
									       p.axis[0].points,
									       sizeof(*bad));
	const uint32_t bytes = p.axis[0].points * (uint32_t)sizeof(*good);

	for (uint32_t i = 0; i < p.axis[0].points; i++) {
		good[i] = s[laser].min;
		bad[i] = s[laser].max + s[laser].resolution;
	}
	p.axis[0].shape = ETALON_HW_AXIS_LIST;
	p.axis[0].gang_count = 1;
	p.axis[0].gang[0] = (struct etalon_hw_gang){.source = laser, .list = LIST};
	expect_call("UPLOAD", "a program with a list",
		    upload(a, ETALON_HW_UPLOAD_PROGRAM, &p, sizeof(p)), 0);
	expect_call("UPLOAD", "a list at the edge",
		    upload(a, ETALON_HW_UPLOAD_LIST, copy_to_edge(good, bytes), bytes), 0);
	load(a, 0);
	expect_call("UPLOAD", "a list over the edge",
		    upload(a, ETALON_HW_UPLOAD_LIST, copy_over_edge(bad, bytes), bytes), -EFAULT);
	load(a, 0);
	expect_call("UPLOAD", "that list at the edge",
		    upload(a, ETALON_HW_UPLOAD_LIST, copy_to_edge(bad, bytes), bytes), 0);
	load(a, -ERANGE);
	free(good);
	free(bad);
}

/* ---- what is written ---- */

static int describe(const struct arguments *a, void *buffer, uint32_t capacity)
{
	struct etalon_description d = {
		.size = sizeof(d), .buffer = (uintptr_t)buffer, .capacity = capacity};

	return call(a->client.control, ETALON_IOC_DESCRIPTION, &d);
}

static void description_ends_there(const struct arguments *a)
{
	const uint32_t bytes = a->client.info.description_size;

	memset(end - bytes, 0, bytes);
	expect_call("DESCRIPTION", "at the edge", describe(a, end - bytes, bytes), 0);
	expect("DESCRIPTION", "same bytes", memcmp(end - bytes, a->client.description, bytes), 0);
	expect_call("DESCRIPTION", "at the edge, with more room told of",
		    describe(a, end - bytes, 2 * bytes), 0);
	expect_call("DESCRIPTION", "over the edge", describe(a, end - bytes + 1, bytes), -EFAULT);
}

static int live(const struct arguments *a, void *buffer, uint32_t count)
{
	struct etalon_live l = {.size = sizeof(l), .buffer = (uintptr_t)buffer, .capacity = count};

	return call(a->client.control, ETALON_IOC_LIVE, &l);
}

static void readings_end_there(const struct arguments *a)
{
	for (uint32_t n = 1; n <= a->client.description->detector_count; n++) {
		const size_t bytes = n * sizeof(struct etalon_hw_live);

		expect_call("LIVE", "at the edge", live(a, end - bytes, n), 0);
		expect_call("LIVE", "over the edge", live(a, end - bytes + 1, n), -EFAULT);
	}
}

int main(void)
{
	struct arguments a;

	arguments_begin(&a);
	map_up_to_an_edge(a.client.info.description_size + sizeof(a.program));
	for (unsigned int n = 0; n < argument_count; n++)
		argument_ends_there(&a, n);
	serves_nothing_over_the_edge(&a);
	program_ends_there(&a);
	list_ends_there(&a);
	description_ends_there(&a);
	readings_end_there(&a);
	printf("%llu calls\n", (unsigned long long)checked);
	arguments_end(&a);
	return 0;
}
