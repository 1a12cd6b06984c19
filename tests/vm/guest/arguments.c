// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Good arguments; see arguments.h.
 */
#include "arguments.h"

#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>

#define POINTS 100
#define PERIOD_NS 50000
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct etalon_hw_source *source(const struct arguments *a, uint32_t number)
{
	const struct etalon_hw_description *d = a->client.description;

	return (const void *)((const char *)d + d->source_offset +
			      number * sizeof(struct etalon_hw_source));
}

static void fill_none(const struct arguments *a, void *argument)
{
	(void)a;
	(void)argument;
}

static void fill_description(const struct arguments *a, void *argument)
{
	struct etalon_description *d = argument;

	d->buffer = (uintptr_t)a->description;
	d->capacity = a->client.info.description_size;
	d->reserved = 0;
}

static void fill_limits(const struct arguments *a, void *argument)
{
	struct etalon_limits *l = argument;

	l->source = sweep_source(a->client.description, "laser.power");
	l->reserved = 0;
	l->low = source(a, l->source)->min;
	l->high = source(a, l->source)->max;
}

static void fill_source(const struct arguments *a, void *argument)
{
	struct etalon_value *v = argument;

	v->channel = sweep_source(a->client.description, "laser.power");
	v->value = SWEEP_POWER_FW;
}

static void fill_channel(const struct arguments *a, void *argument)
{
	struct etalon_value *v = argument;

	v->channel = sweep_source(a->client.description, "laser.power");
}

static void fill_compliance(const struct arguments *a, void *argument)
{
	struct etalon_value *v = argument;

	for (v->channel = 0; v->channel < a->client.description->source_count; v->channel++)
		if (source(a, v->channel)->compliance_max > source(a, v->channel)->compliance_min)
			break;
	v->value = source(a, v->channel)->compliance_default;
}

static void fill_range(const struct arguments *a, void *argument)
{
	struct etalon_value *v = argument;

	(void)a;
	v->channel = 0;
	v->value = 0;
}

static void fill_live(const struct arguments *a, void *argument)
{
	struct etalon_live *l = argument;

	l->buffer = (uintptr_t)a->live;
	l->capacity = a->client.description->detector_count;
	l->aperture_ns = 0;
}

static void fill_upload(const struct arguments *a, void *argument)
{
	struct etalon_upload *u = argument;

	u->data = (uintptr_t)&a->program;
	u->bytes = sizeof(a->program);
	u->kind = ETALON_HW_UPLOAD_PROGRAM;
	u->list = 0;
}

static void fill_load(const struct arguments *a, void *argument)
{
	struct etalon_load *l = argument;

	(void)a;
	l->reserved = 0;
}

static void fill_command(const struct arguments *a, void *argument)
{
	struct etalon_command *c = argument;

	(void)a;
	c->period_ns = 0;
}

static void fill_arm(const struct arguments *a, void *argument)
{
	struct etalon_command *c = argument;

	c->period_ns = a->client.description->watchdog_max_ns;
}

static void fill_sequence(const struct arguments *a, void *argument)
{
	struct etalon_sequence *s = argument;

	s->sequence = a->client.status->consumer; /* to release nothing */
}

#define REFUSAL(type) offsetof(struct type, refusal)

const struct argument arguments[] = {
	{"INFO", ETALON_IOC_INFO, fill_none, 0, false, true},
	{"DESCRIPTION", ETALON_IOC_DESCRIPTION, fill_description, 0, false, true},
	{"STATUS", ETALON_IOC_STATUS, fill_none, 0, false, true},
	{"CLOCK", ETALON_IOC_CLOCK, fill_none, 0, false, true},
	{"SET_LIMITS", ETALON_IOC_SET_LIMITS, fill_limits, REFUSAL(etalon_limits), false, true},
	{"SET_SOURCE", ETALON_IOC_SET_SOURCE, fill_source, REFUSAL(etalon_value), false, true},
	{"GET_SOURCE", ETALON_IOC_GET_SOURCE, fill_channel, REFUSAL(etalon_value), false, true},
	{"SET_COMPLIANCE", ETALON_IOC_SET_COMPLIANCE, fill_compliance, REFUSAL(etalon_value), false,
	 true},
	{"SET_RANGE", ETALON_IOC_SET_RANGE, fill_range, REFUSAL(etalon_value), false, true},
	{"LIVE", ETALON_IOC_LIVE, fill_live, REFUSAL(etalon_live), false, true},
	{"UPLOAD", ETALON_IOC_UPLOAD, fill_upload, REFUSAL(etalon_upload), false, true},
	{"LOAD", ETALON_IOC_LOAD, fill_load, REFUSAL(etalon_load), false, true},
	{"START", ETALON_IOC_START, fill_command, REFUSAL(etalon_command), false, false},
	{"ARM", ETALON_IOC_ARM, fill_arm, REFUSAL(etalon_command), false, false},
	{"EMIT", ETALON_IOC_EMIT, fill_command, REFUSAL(etalon_command), false, false},
	{"CLEAR", ETALON_IOC_CLEAR, fill_command, REFUSAL(etalon_command), false, false},
	{"RELEASE", ETALON_IOC_RELEASE, fill_sequence, 0, true, true},
	{"WANT", ETALON_IOC_WANT, fill_sequence, 0, true, true},
};

const unsigned int argument_count = COUNT(arguments);

unsigned int argument_of(unsigned long command)
{
	for (unsigned int n = 0; n < argument_count; n++)
		if (arguments[n].command == command)
			return n;
	die("no call %#lx", command);
}

void argument_make(const struct arguments *a, unsigned int n, uint8_t filler, void *ret)
{
	uint32_t *head = ret;

	memset(ret, filler, ARGUMENT_BYTES_MAX);
	head[0] = _IOC_SIZE(arguments[n].command);
	head[1] = 0;
	arguments[n].fill(a, ret);
}

int argument_call_sized(const struct arguments *a, unsigned int n, uint32_t bytes, void *argument)
{
	const unsigned long command = arguments[n].command;
	const unsigned long sized =
		_IOC(_IOC_DIR(command), _IOC_TYPE(command), _IOC_NR(command), bytes);

	return call(arguments[n].of_capture ? a->client.capture : a->client.control, sized,
		    argument);
}

int argument_call(const struct arguments *a, unsigned int n, void *argument)
{
	return argument_call_sized(a, n, _IOC_SIZE(arguments[n].command), argument);
}

void expect(const char *call, const char *what, long long got, long long expected)
{
	if (got != expected)
		die("%s: %s: %lld, not %lld", call, what, got, expected);
}

static void write_limits(struct arguments *a)
{
	for (uint32_t i = 0; i < a->client.description->source_count; i++) {
		struct etalon_limits l = {.size = sizeof(l),
					  .source = i,
					  .low = source(a, i)->min,
					  .high = source(a, i)->max};

		if (source(a, i)->emits)
			expect("SET_LIMITS", "good",
			       call(a->client.control, ETALON_IOC_SET_LIMITS, &l), 0);
	}
}

void arguments_begin(struct arguments *a)
{
	const struct sweep sweep = {
		.points = POINTS, .period_ns = PERIOD_NS, .detectors = 2, .generation = 1};

	*a = (struct arguments){0};
	client_open(&a->client);
	client_open_control(&a->client);
	client_map(&a->client);
	if (a->client.description->detector_count > ARGUMENTS_LIVE_MAX)
		die("%u detectors are too many", a->client.description->detector_count);
	a->description = malloc(a->client.info.description_size);
	sweep_program(&sweep, a->client.description, &a->program);
	write_limits(a);
	client_load(&a->client, &sweep);
}

void arguments_end(struct arguments *a)
{
	free(a->description);
	client_close(&a->client);
}
