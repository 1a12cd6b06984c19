// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * From serial numbers and device nodes to boards. See kernel_boards.h.
 */
#include "etalond/kernel_boards.h"

#include <pthread.h>

#include "base/util.h"
#include "etalond/board.h"
#include "link/kernel_calls.h"

struct place {
	struct place *next;
	const struct kernel_calls *calls;
	struct board *board; /* the context's */
	char *serial;
	bool there;
	pthread_mutex_t lock; /* node is read by the board's I/O thread */
	char *node; /* where it is, or was */
};

struct kernel_boards {
	struct context *context;
	const struct kernel_calls *calls;
	struct place *places;
};

static int open_place(void *userdata, struct link **ret, char **ret_message)
{
	struct place *place = userdata;
	_cleanup_free_ char *node = NULL;

	pthread_mutex_lock(&place->lock);
	node = strdup(place->node);
	pthread_mutex_unlock(&place->lock);
	return node ? kernel_open(place->calls, node, ret, ret_message) : -ENOMEM;
}

static struct place *place_free(struct place *place)
{
	if (!place)
		return NULL;
	pthread_mutex_destroy(&place->lock);
	free(place->serial);
	free(place->node);
	free(place);
	return NULL;
}
DEFINE_CLEANUP(struct place *, place_free, place_freep);

static struct place *find_at(struct kernel_boards *boards, const char *node)
{
	for (struct place *p = boards->places; p; p = p->next)
		if (p->there && streq(p->node, node))
			return p;
	return NULL;
}

static struct place *find_away(struct kernel_boards *boards, const char *serial)
{
	for (struct place *p = boards->places; p && serial[0]; p = p->next)
		if (!p->there && streq(p->serial, serial))
			return p;
	return NULL;
}

static int came_back(struct place *place, const char *node)
{
	char *copy = strdup(node);

	if (!copy)
		return -ENOMEM;
	pthread_mutex_lock(&place->lock);
	free(place->node);
	place->node = copy;
	pthread_mutex_unlock(&place->lock);
	place->there = true;
	board_appeared(place->board);
	return 0;
}

static int add(struct kernel_boards *boards, const char *node, const char *serial)
{
	_cleanup_(place_freep) struct place *place = calloc(1, sizeof(*place));
	struct board_opener opener = {.open = open_place};
	_cleanup_free_ char *address = NULL;
	int r;

	if (!place)
		return -ENOMEM;
	pthread_mutex_init(&place->lock, NULL);
	place->calls = boards->calls;
	place->there = true;
	place->node = strdup(node);
	place->serial = strdup(serial);
	/* The node may be another next time; this stays. */
	address = serial[0] ? asprintf_or_null("/dev/etalon/by-serial/%s", serial) : strdup(node);
	if (!place->node || !place->serial || !address)
		return -ENOMEM;
	opener.userdata = place;
	opener.address = address;
	r = board_add(boards->context, &opener, &place->board);
	if (r < 0)
		return r;
	place->next = boards->places;
	boards->places = take_ptr(place);
	return 0;
}

int kernel_boards_added(struct kernel_boards *boards, const char *node, const char *serial)
{
	struct place *place = find_at(boards, node);

	if (place && streq(place->serial, serial))
		return 0;
	if (place) /* nobody said that the other one has gone */
		kernel_boards_removed(boards, node);
	place = find_away(boards, serial);
	return place ? came_back(place, node) : add(boards, node, serial);
}

void kernel_boards_removed(struct kernel_boards *boards, const char *node)
{
	struct place *place = find_at(boards, node);

	if (!place)
		return;
	place->there = false;
	board_vanished(place->board);
}

int kernel_boards_new(struct context *ctx, const struct kernel_calls *calls,
		      struct kernel_boards **ret)
{
	struct kernel_boards *boards = calloc(1, sizeof(*boards));

	if (!boards)
		return -ENOMEM;
	boards->context = ctx;
	boards->calls = calls;
	*ret = boards;
	return 0;
}

struct kernel_boards *kernel_boards_free(struct kernel_boards *boards)
{
	if (!boards)
		return NULL;
	while (boards->places) {
		struct place *place = boards->places;

		boards->places = place->next;
		place_free(place);
	}
	free(boards);
	return NULL;
}
