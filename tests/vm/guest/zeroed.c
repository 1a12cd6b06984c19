// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What the driver gives is its own: each byte of an answer is written, by the same call with one filler and with another, and
 * none behind it; what means nothing is zero. So are pages of the ring that no record has reached, which somebody else had
 * before. Run it on a board that has run nothing yet, and where the kernel does not zero what it frees or hands out.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "arguments.h"

#define END_TIMEOUT_MS 20000
#define BEHIND_BYTES 64 /* of a buffer, which have to stay as they are */

static const uint8_t filler[2] = {0xa5, 0x5a};
static uint64_t checked;

static void expect_written(const char *call, const void *const both[2], size_t from, size_t to)
{
	for (size_t at = from; at < to; at++)
		if (((const uint8_t *)both[0])[at] == filler[0] &&
		    ((const uint8_t *)both[1])[at] == filler[1])
			die("%s: byte %zu comes back as it was handed in", call, at);
	checked += to - from;
}

static void expect_untouched(const char *call, const void *const both[2], size_t from, size_t to)
{
	for (int i = 0; i < 2; i++)
		for (size_t at = from; at < to; at++)
			expect(call, "a byte behind it", ((const uint8_t *)both[i])[at], filler[i]);
	checked += to - from;
}

static void expect_zero(const char *what, const void *bytes, size_t from, size_t to)
{
	for (size_t at = from; at < to; at++)
		if (((const uint8_t *)bytes)[at])
			die("%s: byte %zu of %zu is %#x", what, at, to,
			    ((const uint8_t *)bytes)[at]);
	checked += to - from;
}

/* ---- arguments ---- */

/* Status and the actual value are answers of GET_SOURCE alone. */
static bool gives_values(unsigned long command)
{
	return command != ETALON_IOC_SET_SOURCE && command != ETALON_IOC_SET_COMPLIANCE &&
	       command != ETALON_IOC_SET_RANGE;
}

static void writes_answer(const struct arguments *a, unsigned int n)
{
	const uint32_t bytes = _IOC_SIZE(arguments[n].command);
	uint8_t answer[2][ARGUMENT_BYTES_MAX] __attribute__((aligned(8)));
	const void *const both[2] = {answer[0], answer[1]};

	for (int i = 0; i < 2; i++) {
		argument_make(a, n, filler[i], answer[i]);
		expect(arguments[n].name, "good", argument_call(a, n, answer[i]), 0);
		if (arguments[n].refusal)
			expect_zero("refusal", answer[i], arguments[n].refusal, bytes);
	}
	if (gives_values(arguments[n].command))
		expect_written(arguments[n].name, both, 0, bytes);
	expect_untouched(arguments[n].name, both, bytes, ARGUMENT_BYTES_MAX);
}

static void writes_refusal(const struct arguments *a, unsigned long command, uint32_t channel)
{
	const unsigned int n = argument_of(command);
	uint8_t answer[2][ARGUMENT_BYTES_MAX] __attribute__((aligned(8)));
	const void *const both[2] = {answer[0], answer[1]};

	for (int i = 0; i < 2; i++) {
		argument_make(a, n, filler[i], answer[i]);
		((struct etalon_value *)(void *)answer[i])->channel = channel;
		expect(arguments[n].name, "of no channel", argument_call(a, n, answer[i]), -EINVAL);
	}
	expect_written(arguments[n].name, both, arguments[n].refusal,
		       arguments[n].refusal + sizeof(struct etalon_refusal));
}

/* ---- what arguments point to ---- */

static void writes_description(const struct arguments *a)
{
	const size_t bytes = a->client.info.description_size;
	void *const both[2] = {malloc(bytes + BEHIND_BYTES), malloc(bytes + BEHIND_BYTES)};
	const struct etalon_hw_description *d = both[0];

	for (int i = 0; i < 2; i++) {
		struct etalon_description argument = {.size = sizeof(argument),
						      .buffer = (uintptr_t)both[i],
						      .capacity = (uint32_t)bytes + BEHIND_BYTES};

		memset(both[i], filler[i], bytes + BEHIND_BYTES);
		expect("DESCRIPTION", "good",
		       call(a->client.capture, ETALON_IOC_DESCRIPTION, &argument), 0);
	}
	expect_written("DESCRIPTION", (const void *const *)both, 0, bytes);
	expect_untouched("DESCRIPTION", (const void *const *)both, bytes, bytes + BEHIND_BYTES);
	expect_zero("DESCRIPTION, reserved", d->reserved, 0, sizeof(d->reserved));
	free(both[0]);
	free(both[1]);
}

static void writes_readings(const struct arguments *a, uint32_t count)
{
	static struct etalon_hw_live live[2][ARGUMENTS_LIVE_MAX + 1];
	const void *const both[2] = {live[0], live[1]};

	for (int i = 0; i < 2; i++) {
		struct etalon_live argument = {
			.size = sizeof(argument), .buffer = (uintptr_t)live[i], .capacity = count};

		memset(live[i], filler[i], sizeof(live[i]));
		expect("LIVE", "good", call(a->client.control, ETALON_IOC_LIVE, &argument), 0);
		for (uint32_t n = 0; n < count; n++)
			expect("LIVE", "reserved", live[i][n].reserved, 0);
	}
	expect_written("LIVE", both, 0, count * sizeof(live[0][0]));
	expect_untouched("LIVE", both, count * sizeof(live[0][0]), sizeof(live[0]));
}

/* ---- records ---- */

static uint64_t run(struct arguments *a)
{
	client_start(&a->client);
	for (int ms = 0; client_status(a->client.control).sequencer != ETALON_HW_SEQUENCER_ENDED;
	     ms++) {
		if (ms >= END_TIMEOUT_MS)
			die("the program does not end");
		usleep(1000);
	}
	return a->client.status->producer;
}

static void reads_records(const struct arguments *a, uint64_t records)
{
	const size_t bytes = records * a->client.status->stride;
	void *const both[2] = {malloc(bytes + BEHIND_BYTES), malloc(bytes + BEHIND_BYTES)};

	for (int i = 0; i < 2; i++) {
		memset(both[i], filler[i], bytes + BEHIND_BYTES);
		expect("pread", "bytes", pread(a->client.capture, both[i], bytes + BEHIND_BYTES, 0),
		       (long long)bytes);
	}
	expect_written("pread", (const void *const *)both, 0, bytes);
	expect_untouched("pread", (const void *const *)both, bytes, bytes + BEHIND_BYTES);
	free(both[0]);
	free(both[1]);
}

int main(void)
{
	struct arguments a;
	uint64_t records;

	arguments_begin(&a);
	expect("ring", "records before the first run", (long long)a.client.status->producer, 0);
	expect_zero("ring", a.client.data, 0, a.client.info.data_bytes);
	for (unsigned int n = 0; n < argument_count; n++)
		if (arguments[n].succeeds)
			writes_answer(&a, n);
	writes_refusal(&a, ETALON_IOC_SET_SOURCE, a.client.description->source_count);
	writes_refusal(&a, ETALON_IOC_GET_SOURCE, a.client.description->source_count);
	writes_refusal(&a, ETALON_IOC_SET_COMPLIANCE, a.client.description->source_count);
	writes_refusal(&a, ETALON_IOC_SET_RANGE, a.client.description->detector_count);
	writes_description(&a);
	for (uint32_t count = 1; count <= a.client.description->detector_count; count++)
		writes_readings(&a, count);
	records = run(&a);
	reads_records(&a, records);
	expect_zero("ring, behind the records", a.client.data, records * a.client.status->stride,
		    a.client.info.data_bytes);
	expect_zero("status page", a.client.status, sizeof(*a.client.status),
		    (size_t)sysconf(_SC_PAGESIZE));
	printf("%llu bytes, %llu records\n", (unsigned long long)checked,
	       (unsigned long long)records);
	arguments_end(&a);
	return 0;
}
