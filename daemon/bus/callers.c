// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Credentials of callers. See callers.h. Grants and refuses nothing.
 */
#include "bus/callers.h"

#include "base/util.h"
#include "bus/bus.h"

#define REMEMBERED 64

struct caller {
	char name[32];
	uint32_t uid;
	uint32_t pid;
};

struct callers {
	struct caller known[REMEMBERED]; /* a ring */
	unsigned int next;
};

struct question {
	struct bus *bus;
	sd_bus_message *message;
	acted_t act; /* or */
	told_t told;
};

struct callers *callers_new(void)
{
	return calloc(1, sizeof(struct callers));
}

struct callers *callers_free(struct callers *callers)
{
	free(callers);
	return NULL;
}

static const struct caller *find(const struct callers *callers, const char *name)
{
	for (unsigned int i = 0; i < REMEMBERED; i++)
		if (streq(callers->known[i].name, name))
			return &callers->known[i];
	return NULL;
}

static const struct caller *remember(struct callers *callers, const char *name, uint32_t uid,
				     uint32_t pid)
{
	struct caller *c = &callers->known[callers->next++ % REMEMBERED];

	*c = (struct caller){.uid = uid, .pid = pid};
	snprintf(c->name, sizeof(c->name), "%s", name);
	return c;
}

static struct actor actor_of(const struct caller *c)
{
	return (struct actor){.name = c->name, .uid = c->uid, .pid = c->pid};
}

struct actor callers_known(struct bus *bus, sd_bus_message *m)
{
	const char *sender = sd_bus_message_get_sender(m);
	const struct caller *c = sender ? find(bus->callers, sender) : NULL;

	return c ? actor_of(c)
		 : (struct actor){.name = sender ? sender : ":direct",
				  .uid = sender ? UINT32_MAX : (uint32_t)getuid()};
}

static int read_credentials(sd_bus_message *reply, uint32_t *uid, uint32_t *pid)
{
	int r = sd_bus_message_enter_container(reply, 'a', "{sv}");

	*uid = UINT32_MAX;
	*pid = 0;
	while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'e', "sv")) > 0) {
		const char *key;

		r = sd_bus_message_read(reply, "s", &key);
		if (r >= 0 && streq(key, "UnixUserID"))
			r = sd_bus_message_read(reply, "v", "u", uid);
		else if (r >= 0 && streq(key, "ProcessID"))
			r = sd_bus_message_read(reply, "v", "u", pid);
		else if (r >= 0)
			r = sd_bus_message_skip(reply, "v");
		if (r >= 0)
			r = sd_bus_message_exit_container(reply);
	}
	return r < 0 ? r : *uid == UINT32_MAX ? -ENODATA : 0;
}

static void question_free(void *userdata)
{
	struct question *q = userdata;

	sd_bus_message_unref(q->message);
	free(q);
}

static void tell(const struct question *q, sd_bus_message *reply)
{
	struct actor actor = {.name = sd_bus_message_get_sender(q->message), .uid = UINT32_MAX};

	if (!sd_bus_message_is_method_error(reply, NULL) &&
	    read_credentials(reply, &actor.uid, &actor.pid) >= 0)
		remember(q->bus->callers, actor.name, actor.uid, actor.pid);
	q->told(q->bus, q->message, &actor);
}

static int on_answer(sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *ret_error)
{
	struct question *q = userdata;
	sd_bus_error error = SD_BUS_ERROR_NULL;
	const char *sender = sd_bus_message_get_sender(q->message);
	uint32_t uid, pid;
	int r;

	if (q->told) {
		tell(q, reply);
		return 0;
	}
	/* A caller that has left meanwhile gets nothing done and needs no answer. */
	if (sd_bus_message_is_method_error(reply, NULL) ||
	    read_credentials(reply, &uid, &pid) < 0) {
		bus_reply_error(q->message, -EPERM, "the bus does not say who you are", NULL);
		return 0;
	}
	r = q->act(q->bus, q->message,
		   &(struct actor){.name = remember(q->bus->callers, sender, uid, pid)->name,
				   .uid = uid,
				   .pid = pid},
		   &error);
	if (r < 0 || sd_bus_error_is_set(&error))
		sd_bus_reply_method_errno(q->message, r, &error);
	sd_bus_error_free(&error);
	return 0;
}

static int ask(struct bus *bus, sd_bus_message *m, acted_t act, told_t told)
{
	struct question *q = calloc(1, sizeof(*q));
	sd_bus_slot *slot = NULL;
	int r;

	if (!q)
		return -ENOMEM;
	*q = (struct question){
		.bus = bus, .message = sd_bus_message_ref(m), .act = act, .told = told};
	r = sd_bus_call_method_async(bus->bus, &slot, "org.freedesktop.DBus",
				     "/org/freedesktop/DBus", "org.freedesktop.DBus",
				     "GetConnectionCredentials", on_answer, q, "s",
				     sd_bus_message_get_sender(m));
	if (r < 0) {
		question_free(q);
		return r;
	}
	sd_bus_slot_set_destroy_callback(slot, question_free);
	sd_bus_slot_set_floating(slot, 1);
	sd_bus_slot_unref(slot);
	return 1;
}

int callers_act(struct bus *bus, sd_bus_message *m, acted_t act, sd_bus_error *error)
{
	struct actor actor = callers_known(bus, m);

	if (actor.uid == UINT32_MAX)
		return ask(bus, m, act, NULL);
	return act(bus, m, &actor, error);
}

void callers_tell(struct bus *bus, sd_bus_message *m, told_t told)
{
	struct actor actor = callers_known(bus, m);

	if (actor.uid != UINT32_MAX || ask(bus, m, NULL, told) < 0)
		told(bus, m, &actor);
}
