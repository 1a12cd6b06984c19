// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Batches of changed properties. See changes.h.
 */
#include "bus/changes.h"

#include "base/cleanup.h"
#include "base/util.h"

#define NAMES_MAX 24

struct change {
	struct change *next;
	char *path;
	const char *interface;
	const char *names[NAMES_MAX + 1];
	size_t count;
};

struct changes {
	sd_bus *bus;
	sd_event_source *turn;
	struct change *first;
};

static void change_free(struct change *c)
{
	free(c->path);
	free(c);
}

void changes_flush(struct changes *changes)
{
	while (changes->first) {
		struct change *c = changes->first;

		changes->first = c->next;
		/* A connection that is lost tells nobody, and is noticed elsewhere. */
		(void)sd_bus_emit_properties_changed_strv(changes->bus, c->path, c->interface,
							  (char **)(uintptr_t)c->names);
		change_free(c);
	}
}

static int on_turn(sd_event_source *source, void *userdata)
{
	changes_flush(userdata);
	return sd_event_source_set_enabled(source, SD_EVENT_OFF);
}

int changes_new(sd_bus *bus, sd_event *event, struct changes **ret)
{
	struct changes *changes = calloc(1, sizeof(*changes));
	int r;

	if (!changes)
		return -ENOMEM;
	changes->bus = bus;
	r = sd_event_add_defer(event, &changes->turn, on_turn, changes);
	if (r >= 0)
		r = sd_event_source_set_enabled(changes->turn, SD_EVENT_OFF);
	if (r < 0) {
		changes_free(changes);
		return r;
	}
	*ret = changes;
	return 0;
}

struct changes *changes_free(struct changes *changes)
{
	if (!changes)
		return NULL;
	while (changes->first) {
		struct change *c = changes->first;

		changes->first = c->next;
		change_free(c);
	}
	sd_event_source_disable_unref(changes->turn);
	free(changes);
	return NULL;
}

static struct change *find(struct changes *changes, const char *path, const char *interface)
{
	struct change *c;

	for (c = changes->first; c; c = c->next)
		if (streq(c->path, path) && streq(c->interface, interface))
			return c;
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->path = strdup(path);
	if (!c->path) {
		free(c);
		return NULL;
	}
	c->interface = interface;
	c->next = changes->first;
	changes->first = c;
	return c;
}

static void add_name(struct change *c, const char *name)
{
	for (size_t i = 0; i < c->count; i++)
		if (streq(c->names[i], name))
			return;
	if (c->count < NAMES_MAX)
		c->names[c->count++] = name;
}

void changes_mark(struct changes *changes, const char *path, const char *interface,
		  const char *const *names, size_t count)
{
	struct change *c = find(changes, path, interface);

	for (size_t i = 0; c && i < count; i++)
		add_name(c, names[i]);
	sd_event_source_set_enabled(changes->turn, SD_EVENT_ONESHOT);
}

void changes_forget(struct changes *changes, const char *path)
{
	for (struct change **p = &changes->first; *p;) {
		struct change *c = *p;

		if (!streq(c->path, path)) {
			p = &c->next;
			continue;
		}
		*p = c->next;
		change_free(c);
	}
}
