// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What uapi/etalon.h has no meaning for is refused, by each call, and does nothing: flags, reserved fields, sizes that do not
 * agree, tails of a newer version, commands. A longer argument with nothing in its tail and a shorter one are served.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>

#include "arguments.h"

#define TAIL_BYTES 8
#define FILLER 0xa5

static uint64_t checked;

/* Neither served nor written to. */
static void expect_refused(const struct arguments *a, unsigned int n, uint32_t bytes,
			   const void *argument, const char *what, int error)
{
	uint8_t given[ARGUMENT_BYTES_MAX] __attribute__((aligned(8)));

	memcpy(given, argument, sizeof(given));
	expect(arguments[n].name, what, argument_call_sized(a, n, bytes, given), error);
	if (memcmp(given, argument, sizeof(given)) != 0)
		die("%s: %s: refused, and changed", arguments[n].name, what);
	checked++;
}

static void refuses_flags(const struct arguments *a, unsigned int n)
{
	const uint32_t bytes = _IOC_SIZE(arguments[n].command);
	uint32_t argument[ARGUMENT_BYTES_MAX / 4] __attribute__((aligned(8)));

	for (int bit = 0; bit < 32; bit++) {
		argument_make(a, n, 0, argument);
		argument[1] = 1U << bit;
		expect_refused(a, n, bytes, argument, "a flag", -EINVAL);
	}
}

static void refuses_sizes(const struct arguments *a, unsigned int n)
{
	const uint32_t bytes = _IOC_SIZE(arguments[n].command);
	uint32_t argument[ARGUMENT_BYTES_MAX / 4] __attribute__((aligned(8)));

	argument_make(a, n, 0, argument);
	argument[0] = bytes + TAIL_BYTES;
	expect_refused(a, n, bytes, argument, "a size that is not the command's", -EINVAL);
	argument[0] = 0;
	expect_refused(a, n, bytes, argument, "no size", -EINVAL);
	for (argument[0] = 4; argument[0] < 8; argument[0]++)
		expect_refused(a, n, argument[0], argument, "a size without flags", -EINVAL);
}

/* Each byte of it counts. */
static void refuses_tails(const struct arguments *a, unsigned int n)
{
	const uint32_t bytes = _IOC_SIZE(arguments[n].command);
	uint32_t argument[ARGUMENT_BYTES_MAX / 4] __attribute__((aligned(8)));

	for (uint32_t at = bytes; at < bytes + TAIL_BYTES; at++) {
		argument_make(a, n, 0, argument);
		argument[0] = bytes + TAIL_BYTES;
		((uint8_t *)argument)[at] = 1;
		expect_refused(a, n, bytes + TAIL_BYTES, argument, "a tail", -E2BIG);
	}
}

/* Nothing is written behind the size that was given. */
static void serves_versions(const struct arguments *a, unsigned int n)
{
	const uint32_t bytes = _IOC_SIZE(arguments[n].command);
	uint8_t argument[ARGUMENT_BYTES_MAX] __attribute__((aligned(8)));

	argument_make(a, n, 0, argument);
	*(uint32_t *)(void *)argument = bytes + TAIL_BYTES;
	expect(arguments[n].name, "a tail of zeros",
	       argument_call_sized(a, n, bytes + TAIL_BYTES, argument), 0);
	if (!arguments[n].refusal)
		return;
	argument_make(a, n, FILLER, argument);
	*(uint32_t *)(void *)argument = arguments[n].refusal;
	expect(arguments[n].name, "without the refusal",
	       argument_call_sized(a, n, arguments[n].refusal, argument), 0);
	for (uint32_t at = arguments[n].refusal; at < sizeof(argument); at++)
		expect(arguments[n].name, "behind its size", argument[at], FILLER);
	checked++;
}

/* An argument that would be good. */
static void refuses_field(const struct arguments *a, unsigned long command, uint32_t at,
			  const char *what)
{
	const unsigned int n = argument_of(command);
	uint8_t argument[ARGUMENT_BYTES_MAX] __attribute__((aligned(8)));
	const struct etalon_refusal none = {0};

	argument_make(a, n, FILLER, argument);
	argument[at] ^= 1;
	expect(arguments[n].name, what, argument_call(a, n, argument), -EINVAL);
	if (arguments[n].refusal &&
	    memcmp(argument + arguments[n].refusal, &none, sizeof(none)) != 0)
		die("%s: %s: the board is said to have refused", arguments[n].name, what);
	checked++;
}

#define REFUSES_FIELD(a, command, type, field)                                               \
	do {                                                                                 \
		for (uint32_t i = 0; i < sizeof(((struct type *)0)->field); i++)             \
			refuses_field(a, command, offsetof(struct type, field) + i, #field); \
	} while (0)

static void refuses_fields(const struct arguments *a)
{
	REFUSES_FIELD(a, ETALON_IOC_DESCRIPTION, etalon_description, reserved);
	REFUSES_FIELD(a, ETALON_IOC_SET_LIMITS, etalon_limits, reserved);
	REFUSES_FIELD(a, ETALON_IOC_LOAD, etalon_load, reserved);
	REFUSES_FIELD(a, ETALON_IOC_START, etalon_command, period_ns);
	REFUSES_FIELD(a, ETALON_IOC_EMIT, etalon_command, period_ns);
	REFUSES_FIELD(a, ETALON_IOC_CLEAR, etalon_command, period_ns);
}

static void refuses_commands(const struct arguments *a)
{
	const unsigned long unknown[] = {_IO(ETALON_IOC_MAGIC, 0x2f),
					 _IOWR(ETALON_IOC_MAGIC, 0x2f, struct etalon_info),
					 _IOWR('E', 0x00, struct etalon_info),
					 _IOR(ETALON_IOC_MAGIC, 0x00, struct etalon_info)};
	uint64_t argument[ARGUMENT_BYTES_MAX / 8] = {sizeof(struct etalon_info)};

	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		expect("unknown", "of control", call(a->client.control, unknown[i], argument),
		       -ENOTTY);
		expect("unknown", "of capture", call(a->client.capture, unknown[i], argument),
		       -ENOTTY);
		checked += 2;
	}
	for (unsigned int n = argument_of(ETALON_IOC_SET_LIMITS); n < argument_count; n++) {
		const int other = arguments[n].of_capture ? a->client.control : a->client.capture;

		argument_make(a, n, 0, argument);
		expect(arguments[n].name, "of the other fd",
		       call(other, arguments[n].command, argument), -ENOTTY);
		checked++;
	}
}

/* What all of that must not have done. */
static void expect_nothing_done(const struct arguments *a)
{
	const struct etalon_status s = client_status(a->client.control);

	expect("STATUS", "state", s.state, ETALON_HW_STATE_OFF);
	expect("STATUS", "sequencer", s.sequencer, ETALON_HW_SEQUENCER_READY);
}

int main(void)
{
	struct arguments a;

	arguments_begin(&a);
	for (unsigned int n = 0; n < argument_count; n++) {
		refuses_flags(&a, n);
		refuses_sizes(&a, n);
		refuses_tails(&a, n);
	}
	refuses_fields(&a);
	refuses_commands(&a);
	expect_nothing_done(&a);
	for (unsigned int n = 0; n < argument_count; n++)
		if (arguments[n].succeeds)
			serves_versions(&a, n);
	printf("%llu arguments of %u calls\n", (unsigned long long)checked, argument_count);
	arguments_end(&a);
	return 0;
}
