// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * A gpiochip in this process. See fake_lines.h. One thread at a time.
 */
#include "fake_lines.h"

#include <errno.h>
#include <sys/eventfd.h>

#include "base/cleanup.h"
#include "base/util.h"

static struct lines {
	const char *prefix;
	bool there;
	unsigned int open;
	int fd;
	uint32_t outputs, levels, inputs, edges;
} chip = {.fd = -1};

void fake_lines_reset(const char *prefix)
{
	closep(&chip.fd);
	chip = (struct lines){.prefix = prefix, .there = true, .fd = eventfd(0, EFD_NONBLOCK)};
}

void fake_lines_move(unsigned int line, bool level)
{
	const uint32_t bit = 1U << line;

	chip.inputs = level ? chip.inputs | bit : chip.inputs & ~bit;
	chip.edges |= bit;
	eventfd_write(chip.fd, 1);
}

void fake_lines_remove(void)
{
	chip.there = false;
	eventfd_write(chip.fd, 1);
}

uint32_t fake_lines_outputs(void)
{
	return chip.outputs;
}

uint32_t fake_lines_levels(void)
{
	return chip.levels;
}

unsigned int fake_lines_open(void)
{
	return chip.open;
}

static int presence(void)
{
	return chip.there ? 0 : -ENODEV;
}

static int call_open(const char *prefix, unsigned int count, struct lines **ret)
{
	if (!chip.there || count == 0 || !streq(prefix, chip.prefix))
		return -ENOENT;
	if (chip.open > 0)
		return -EBUSY;
	chip.open++;
	chip.outputs = 0;
	*ret = &chip;
	return 0;
}

static void call_close(struct lines *lines)
{
	lines->open--;
}

static int call_direction(struct lines *lines, uint32_t outputs, uint32_t values)
{
	lines->outputs = outputs;
	lines->levels = values & outputs;
	return presence();
}

static int call_set(struct lines *lines, uint32_t mask, uint32_t values)
{
	if (mask & ~lines->outputs)
		return -EPERM;
	lines->levels = (lines->levels & ~mask) | (values & mask);
	return presence();
}

static int call_get(struct lines *lines, uint32_t *ret_values)
{
	*ret_values = (lines->inputs & ~lines->outputs) | (lines->levels & lines->outputs);
	return presence();
}

static int call_fd(struct lines *lines)
{
	return lines->fd;
}

static int call_edges(struct lines *lines, uint32_t *ret_edges, uint32_t *values)
{
	eventfd_t count;

	eventfd_read(lines->fd, &count);
	*ret_edges = lines->edges;
	*values = (*values & ~lines->edges) | (lines->inputs & lines->edges);
	lines->edges = 0;
	return presence();
}

const struct lines_calls fake_lines_calls = {
	.open = call_open,
	.close = call_close,
	.direction = call_direction,
	.set = call_set,
	.get = call_get,
	.fd = call_fd,
	.edges = call_edges,
};
