// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Back-off and watching for a socket. See connector.h. Opens nothing itself.
 */
#include "etalond/connector.h"

#include <libgen.h>
#include <sys/inotify.h>

#include "base/cleanup.h"
#include "base/util.h"

#define PAUSE_MIN_MS 1000U
#define PAUSE_MAX_MS 30000U
#define SOON_MS 20U /* a socket is bound a moment before it listens */

struct connector {
	sd_event *event;
	sd_event_source *timer, *watch;
	char *path; /* of the socket; NULL: only by time */
	uint32_t pause_ms;
	bool connected;
	bool resting;
	void (*attempt)(void *userdata);
	void *userdata;
};

static void schedule(struct connector *c, uint32_t ms)
{
	if (c->resting)
		return;
	sd_event_source_set_time(c->timer, now_ns() / NSEC_PER_USEC + ms * 1000ULL);
	sd_event_source_set_enabled(c->timer, SD_EVENT_ONESHOT);
}

static int on_timer(_unused_ sd_event_source *source, _unused_ uint64_t usec, void *userdata)
{
	struct connector *c = userdata;

	if (!c->connected)
		c->attempt(c->userdata);
	return 0;
}

static int on_folder(_unused_ sd_event_source *source, const struct inotify_event *event,
		     void *userdata)
{
	struct connector *c = userdata;
	const char *slash = strrchr(c->path, '/');

	if (event->len == 0 || !streq(event->name, slash ? slash + 1 : c->path))
		return 0;
	c->pause_ms = PAUSE_MIN_MS;
	schedule(c, SOON_MS);
	return 0;
}

/*
 * The watch lives only while it is wanted: a disabled inotify source whose events keep coming makes sd-event
 * turn for ever (seen with libsystemd 252).
 */
static int watch_folder(struct connector *c)
{
	_cleanup_free_ char *folder = c->path ? strdup(c->path) : NULL;
	int r;

	if (!c->path || c->watch)
		return 0;
	if (!folder)
		return -ENOMEM;
	r = sd_event_add_inotify(c->event, &c->watch, dirname(folder),
				 IN_CREATE | IN_MOVED_TO | IN_ONLYDIR, on_folder, c);
	/* No such folder yet: the timer will have to do. */
	return r == -ENOMEM ? r : 0;
}

static void unwatch_folder(struct connector *c)
{
	c->watch = sd_event_source_disable_unref(c->watch);
}

int connector_new(sd_event *event, const char *path, void (*attempt)(void *userdata),
		  void *userdata, struct connector **ret)
{
	struct connector *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	*c = (struct connector){.attempt = attempt, .userdata = userdata, .pause_ms = PAUSE_MIN_MS};
	c->event = sd_event_ref(event);
	c->path = path ? strdup(path) : NULL;
	r = path && !c->path ? -ENOMEM : 0;
	if (r == 0)
		r = sd_event_add_time(event, &c->timer, CLOCK_MONOTONIC, 0, 10000, on_timer, c);
	if (r == 0)
		r = watch_folder(c);
	if (r < 0) {
		connector_free(c);
		return r;
	}
	*ret = c;
	return 0;
}

struct connector *connector_free(struct connector *c)
{
	if (!c)
		return NULL;
	sd_event_source_disable_unref(c->timer);
	unwatch_folder(c);
	sd_event_unref(c->event);
	free(c->path);
	free(c);
	return NULL;
}

void connector_failed(struct connector *c)
{
	schedule(c, c->pause_ms);
	c->pause_ms = MIN(c->pause_ms * 2, PAUSE_MAX_MS);
}

void connector_succeeded(struct connector *c)
{
	c->connected = true;
	c->pause_ms = PAUSE_MIN_MS;
	sd_event_source_set_enabled(c->timer, SD_EVENT_OFF);
	/* While connected, what happens in that folder does not wake us. */
	unwatch_folder(c);
}

void connector_lost(struct connector *c)
{
	c->connected = false;
	watch_folder(c);
	schedule(c, PAUSE_MIN_MS);
}

void connector_rest(struct connector *c)
{
	c->resting = true;
	sd_event_source_set_enabled(c->timer, SD_EVENT_OFF);
}

void connector_wake(struct connector *c)
{
	c->resting = false;
	c->pause_ms = PAUSE_MIN_MS;
	if (!c->connected)
		schedule(c, 0);
}
