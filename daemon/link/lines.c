// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Lines of a gpiochip as libgpiod gives them. See lines.h. A chip's number says nothing, its lines' names do.
 */
#include "link/lines.h"

#include <dirent.h>
#include <errno.h>
#include <gpiod.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/util.h"

#define CONSUMER "etalond"
#define EVENTS_AT_ONCE 64

struct lines {
	struct gpiod_line_request *request;
	struct gpiod_edge_event_buffer *events;
	unsigned int count;
	unsigned int offset[LINES_MAX]; /* on the chip */
};

DEFINE_CLEANUP(struct gpiod_chip *, gpiod_chip_close, chip_closep);
DEFINE_CLEANUP(struct gpiod_line_settings *, gpiod_line_settings_free, settings_freep);
DEFINE_CLEANUP(struct gpiod_line_config *, gpiod_line_config_free, config_freep);
DEFINE_CLEANUP(struct gpiod_request_config *, gpiod_request_config_free, request_config_freep);

static void lines_close(struct lines *lines)
{
	if (!lines)
		return;
	if (lines->request)
		gpiod_line_request_release(lines->request);
	if (lines->events)
		gpiod_edge_event_buffer_free(lines->events);
	free(lines);
}
DEFINE_CLEANUP(struct lines *, lines_close, lines_closep);

/* ---- which chip ---- */

static int find_offsets(struct gpiod_chip *chip, const char *prefix, struct lines *lines)
{
	for (unsigned int i = 0; i < lines->count; i++) {
		_cleanup_free_ char *name = asprintf_or_null("%s%u", prefix, i);
		int offset = name ? gpiod_chip_get_line_offset_from_name(chip, name) : -1;

		if (offset < 0)
			return name ? -ENOENT : -ENOMEM;
		lines->offset[i] = (unsigned int)offset;
	}
	return 0;
}

static int try_chip(const char *node, const char *prefix, struct lines *lines,
		    struct gpiod_chip **ret)
{
	_cleanup_free_ char *path = asprintf_or_null("/dev/%s", node);
	_cleanup_(chip_closep) struct gpiod_chip *chip = NULL;
	int r;

	if (!path)
		return -ENOMEM;
	chip = gpiod_chip_open(path);
	if (!chip)
		return -errno;
	r = find_offsets(chip, prefix, lines);
	if (r == 0)
		*ret = take_ptr(chip);
	return r;
}

/* A chip that may not be opened could be the one: that is told only when no other is. */
static int find_chip(const char *prefix, struct lines *lines, struct gpiod_chip **ret)
{
	DIR *devices = opendir("/dev");
	const struct dirent *entry;
	int result = -ENOENT;

	if (!devices)
		return -errno;
	while (result < 0 && (entry = readdir(devices))) {
		int r;

		if (strncmp(entry->d_name, "gpiochip", strlen("gpiochip")) != 0)
			continue;
		r = try_chip(entry->d_name, prefix, lines, ret);
		if (r != -ENOENT)
			result = r;
	}
	closedir(devices);
	return result;
}

/* ---- what they are ---- */

static int add_line(struct gpiod_line_config *config, unsigned int offset, bool output, bool value)
{
	_cleanup_(settings_freep) struct gpiod_line_settings *s = gpiod_line_settings_new();
	int r;

	if (!s)
		return -ENOMEM;
	if (output) {
		r = gpiod_line_settings_set_direction(s, GPIOD_LINE_DIRECTION_OUTPUT);
		if (r == 0)
			r = gpiod_line_settings_set_output_value(
				s, value ? GPIOD_LINE_VALUE_ACTIVE : GPIOD_LINE_VALUE_INACTIVE);
	} else {
		r = gpiod_line_settings_set_direction(s, GPIOD_LINE_DIRECTION_INPUT);
		if (r == 0)
			r = gpiod_line_settings_set_edge_detection(s, GPIOD_LINE_EDGE_BOTH);
	}
	if (r == 0)
		r = gpiod_line_config_add_line_settings(config, &offset, 1, s);
	return r < 0 ? -errno : 0;
}

static int make_config(const struct lines *lines, uint32_t outputs, uint32_t values,
		       struct gpiod_line_config **ret)
{
	_cleanup_(config_freep) struct gpiod_line_config *config = gpiod_line_config_new();
	int r = config ? 0 : -ENOMEM;

	for (unsigned int i = 0; i < lines->count && r == 0; i++)
		r = add_line(config, lines->offset[i], outputs >> i & 1, values >> i & 1);
	if (r == 0)
		*ret = take_ptr(config);
	return r;
}

static int request(struct gpiod_chip *chip, struct lines *lines)
{
	_cleanup_(request_config_freep) struct gpiod_request_config *who =
		gpiod_request_config_new();
	_cleanup_(config_freep) struct gpiod_line_config *config = NULL;
	int r = make_config(lines, 0, 0, &config);

	if (r < 0)
		return r;
	lines->events = gpiod_edge_event_buffer_new(EVENTS_AT_ONCE);
	if (!who || !lines->events)
		return -ENOMEM;
	gpiod_request_config_set_consumer(who, CONSUMER);
	lines->request = gpiod_chip_request_lines(chip, who, config);
	return lines->request ? 0 : -errno;
}

static int lines_open(const char *prefix, unsigned int count, struct lines **ret)
{
	_cleanup_(lines_closep) struct lines *lines = calloc(1, sizeof(*lines));
	_cleanup_(chip_closep) struct gpiod_chip *chip = NULL;
	int r;

	if (!lines)
		return -ENOMEM;
	if (count == 0 || count > LINES_MAX)
		return -EINVAL;
	lines->count = count;
	r = find_chip(prefix, lines, &chip);
	if (r == 0)
		r = request(chip, lines);
	if (r == 0)
		*ret = take_ptr(lines);
	return r;
}

static int lines_direction(struct lines *lines, uint32_t outputs, uint32_t values)
{
	_cleanup_(config_freep) struct gpiod_line_config *config = NULL;
	int r = make_config(lines, outputs, values, &config);

	if (r < 0)
		return r;
	return gpiod_line_request_reconfigure_lines(lines->request, config) < 0 ? -errno : 0;
}

/* ---- where they are ---- */

static int lines_set(struct lines *lines, uint32_t mask, uint32_t values)
{
	enum gpiod_line_value value[LINES_MAX];
	unsigned int offset[LINES_MAX];
	size_t n = 0;

	for (unsigned int i = 0; i < lines->count; i++) {
		if (!(mask >> i & 1))
			continue;
		offset[n] = lines->offset[i];
		value[n++] = values >> i & 1 ? GPIOD_LINE_VALUE_ACTIVE : GPIOD_LINE_VALUE_INACTIVE;
	}
	if (n == 0)
		return 0;
	return gpiod_line_request_set_values_subset(lines->request, n, offset, value) < 0 ? -errno
											  : 0;
}

static int lines_get(struct lines *lines, uint32_t *ret_values)
{
	enum gpiod_line_value value[LINES_MAX];
	uint32_t values = 0;

	if (gpiod_line_request_get_values_subset(lines->request, lines->count, lines->offset,
						 value) < 0)
		return -errno;
	for (unsigned int i = 0; i < lines->count; i++)
		values |= (uint32_t)(value[i] == GPIOD_LINE_VALUE_ACTIVE) << i;
	*ret_values = values;
	return 0;
}

static int lines_fd(struct lines *lines)
{
	return gpiod_line_request_get_fd(lines->request);
}

static uint32_t bit_of(const struct lines *lines, unsigned int offset)
{
	for (unsigned int i = 0; i < lines->count; i++)
		if (lines->offset[i] == offset)
			return 1U << i;
	return 0;
}

static int lines_edges(struct lines *lines, uint32_t *ret_edges, uint32_t *values)
{
	uint32_t edges = 0;
	int r;

	while ((r = gpiod_line_request_wait_edge_events(lines->request, 0)) > 0) {
		r = gpiod_line_request_read_edge_events(lines->request, lines->events,
							EVENTS_AT_ONCE);
		for (int i = 0; i < r; i++) {
			struct gpiod_edge_event *event =
				gpiod_edge_event_buffer_get_event(lines->events, (unsigned long)i);
			uint32_t bit = bit_of(lines, gpiod_edge_event_get_line_offset(event));

			edges |= bit;
			if (gpiod_edge_event_get_event_type(event) == GPIOD_EDGE_EVENT_RISING_EDGE)
				*values |= bit;
			else
				*values &= ~bit;
		}
		if (r < 0)
			break;
	}
	if (r < 0)
		return -errno;
	*ret_edges = edges;
	return 0;
}

const struct lines_calls lines_calls_system = {
	.open = lines_open,
	.close = lines_close,
	.direction = lines_direction,
	.set = lines_set,
	.get = lines_get,
	.fd = lines_fd,
	.edges = lines_edges,
};
