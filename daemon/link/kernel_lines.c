// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Auxiliary lines of the kernel link: the driver has them as a gpiochip of its own, whose lines are named
 * "<serial>.aux<n>". Asked for with the first call that needs them; from then on their edges are events.
 */
#include <errno.h>
#include <sys/epoll.h>

#include "base/util.h"
#include "link/kernel_private.h"

/* The chip appears a moment after the board's node, and udev gives both to us one after the other. */
static int open_lines(struct kernel *k)
{
	const struct etalon_hw_description *head = &k->description->head;
	_cleanup_free_ char *prefix = NULL;
	int r;

	if (k->lines)
		return 0;
	if (head->aux_lines == 0)
		return -EOPNOTSUPP;
	prefix = asprintf_or_null("%s.aux", head->serial);
	if (!prefix)
		return -ENOMEM;
	r = k->calls->lines->open(prefix, head->aux_lines, &k->lines);
	if (r < 0)
		return r;
	r = k->calls->lines->get(k->lines, &k->line_values);
	if (r == 0)
		r = k->calls->watch(k->calls->userdata, k->event_fd, k->calls->lines->fd(k->lines),
				    EPOLLIN);
	if (r < 0)
		kernel_lines_close(k);
	return r;
}

/* Of a board that is gone they are gone, too; the next call may find them again. */
static int leave(struct kernel *k, int r)
{
	if (r == -ENODEV)
		kernel_lines_close(k);
	pthread_mutex_unlock(&k->lines_lock);
	return r < 0 ? kernel_errno(k, r) : 0;
}

void kernel_lines_close(struct kernel *k)
{
	if (k->lines)
		k->calls->lines->close(k->lines);
	k->lines = NULL;
	k->line_outputs = 0;
}

int kernel_aux_direction(struct link *link, uint32_t outputs)
{
	struct kernel *k = kernel_of(link);
	int r;

	pthread_mutex_lock(&k->lines_lock);
	r = open_lines(k);
	if (r == 0)
		r = k->calls->lines->direction(k->lines, outputs, k->line_levels);
	if (r == 0)
		k->line_outputs = outputs;
	return leave(k, r);
}

int kernel_aux_set(struct link *link, uint32_t mask, uint32_t values)
{
	struct kernel *k = kernel_of(link);
	int r;

	pthread_mutex_lock(&k->lines_lock);
	r = open_lines(k);
	if (r == 0)
		r = k->calls->lines->set(k->lines, mask & k->line_outputs, values);
	/* A level for a line that is no output yet: it will begin with it. */
	if (r == 0)
		k->line_levels = (k->line_levels & ~mask) | (values & mask);
	return leave(k, r);
}

int kernel_aux_get(struct link *link, uint32_t *ret_values)
{
	struct kernel *k = kernel_of(link);
	int r;

	pthread_mutex_lock(&k->lines_lock);
	r = open_lines(k);
	if (r == 0)
		r = k->calls->lines->get(k->lines, ret_values);
	return leave(k, r);
}

bool kernel_lines_changed(struct kernel *k, uint32_t *ret_values)
{
	uint32_t edges = 0;
	int r = 0;

	pthread_mutex_lock(&k->lines_lock);
	if (k->lines)
		r = k->calls->lines->edges(k->lines, &edges, &k->line_values);
	if (r <
	    0) /* of what they could have told nothing depends on: the other fds tell of the board */
		kernel_lines_close(k);
	*ret_values = k->line_values;
	pthread_mutex_unlock(&k->lines_lock);
	return edges != 0;
}
