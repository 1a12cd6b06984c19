// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * A scripted service on a socket pair. See fake_service.h.
 */
#include "fake_service.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"
#include "cli/wire.h"

#define METHODS_MAX 24
#define SERVICE "org.etalon1"

struct answer {
	const char *member;
	fake_method_t method;
	void *userdata;
};

struct fake_service {
	pthread_t thread;
	pthread_mutex_t lock; /* over everything below */
	sd_bus *bus;
	int wake;
	bool stop;
	json_t *objects; /* "path interface" -> properties */
	struct answer answers[METHODS_MAX];
	size_t answer_count;
	char calls[4096];
};

static void key_of(char key[256], const char *path, const char *interface)
{
	snprintf(key, 256, "%s %s", path, interface);
}

static int answer_get_all(struct fake_service *f, sd_bus_message *call, sd_bus_message *reply,
			  sd_bus_error *error)
{
	const char *interface;
	const json_t *properties;
	char key[256];

	if (sd_bus_message_read(call, "s", &interface) < 0)
		return -EINVAL;
	key_of(key, sd_bus_message_get_path(call), interface);
	properties = json_object_get(f->objects, key);
	if (!properties)
		return sd_bus_error_setf(error, SD_BUS_ERROR_UNKNOWN_OBJECT, "Unknown object '%s'.",
					 sd_bus_message_get_path(call));
	return wire_append(reply, properties);
}

static int answer(struct fake_service *f, sd_bus_message *call, sd_bus_message *reply,
		  sd_bus_error *error)
{
	const char *member = sd_bus_message_get_member(call);

	if (streq(member, "GetAll"))
		return answer_get_all(f, call, reply, error);
	snprintf(f->calls + strlen(f->calls), sizeof(f->calls) - strlen(f->calls), "%s%s",
		 f->calls[0] ? " " : "", member);
	for (size_t i = f->answer_count; i-- > 0;) { /* the newest script counts */
		if (streq(f->answers[i].member, member))
			return f->answers[i].method(f, call, reply, error, f->answers[i].userdata);
	}
	return sd_bus_error_setf(error, SD_BUS_ERROR_UNKNOWN_METHOD, "no %s here", member);
}

static int on_message(sd_bus_message *m, void *userdata, sd_bus_error *unused)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	struct fake_service *f = userdata;
	sd_bus_message *reply = NULL;
	int r;

	(void)unused;
	if (!sd_bus_message_is_method_call(m, NULL, NULL))
		return 0;
	if (sd_bus_message_new_method_return(m, &reply) < 0)
		return 0;
	r = answer(f, m, reply, &error);
	if (r < 0)
		sd_bus_reply_method_error(
			m, sd_bus_error_is_set(&error)
				   ? &error
				   : &SD_BUS_ERROR_MAKE_CONST("org.etalon1.Error.Failed",
							      "fake failure"));
	else
		sd_bus_send(f->bus, reply, NULL);
	sd_bus_error_free(&error);
	sd_bus_message_unref(reply);
	return 1;
}

static void *serve(void *userdata)
{
	struct fake_service *f = userdata;

	for (;;) {
		struct pollfd fds[2] = {{.fd = sd_bus_get_fd(f->bus), .events = POLLIN},
					{.fd = f->wake, .events = POLLIN}};
		uint64_t count;

		pthread_mutex_lock(&f->lock);
		while (!f->stop && sd_bus_process(f->bus, NULL) > 0)
			;
		sd_bus_flush(f->bus);
		if (f->stop) {
			pthread_mutex_unlock(&f->lock);
			return NULL;
		}
		pthread_mutex_unlock(&f->lock);
		poll(fds, 2, -1);
		if (fds[1].revents && read(f->wake, &count, sizeof(count)) < 0)
			return NULL;
		if (fds[0].revents & POLLHUP)
			return NULL;
	}
}

static sd_bus *connection(int fd, bool server)
{
	sd_bus *bus = NULL;
	sd_id128_t id;

	ck_assert_int_ge(sd_bus_new(&bus), 0);
	ck_assert_int_ge(sd_bus_set_fd(bus, fd, fd), 0);
	if (server) {
		ck_assert_int_ge(sd_id128_randomize(&id), 0);
		ck_assert_int_ge(sd_bus_set_server(bus, true, id), 0);
		ck_assert_int_ge(sd_bus_set_anonymous(bus, true), 0);
	}
	ck_assert_int_ge(sd_bus_negotiate_fds(bus, true), 0);
	return bus;
}

static void wake(struct fake_service *f)
{
	uint64_t one = 1;

	ck_assert(write(f->wake, &one, sizeof(one)) == sizeof(one));
}

struct fake_service *fake_service_start(sd_bus **ret_client)
{
	struct fake_service *f = calloc(1, sizeof(*f));
	sigset_t all, before;
	int fds[2];

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds),
			 0);
	pthread_mutex_init(&f->lock, NULL);
	f->objects = json_object();
	f->wake = eventfd(0, EFD_CLOEXEC);
	f->bus = connection(fds[0], true);
	*ret_client = connection(fds[1], false);
	ck_assert_int_ge(sd_bus_add_filter(f->bus, NULL, on_message, f), 0);
	ck_assert_int_ge(sd_bus_start(f->bus), 0);
	ck_assert_int_ge(sd_bus_start(*ret_client), 0);
	/* Signals are for the client under test. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	ck_assert_int_eq(pthread_create(&f->thread, NULL, serve, f), 0);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return f;
}

struct fake_service *fake_service_stop(struct fake_service *f)
{
	if (!f)
		return NULL;
	pthread_mutex_lock(&f->lock);
	f->stop = true;
	pthread_mutex_unlock(&f->lock);
	wake(f);
	pthread_join(f->thread, NULL);
	sd_bus_close(f->bus);
	sd_bus_unref(f->bus);
	close(f->wake);
	json_decref(f->objects);
	pthread_mutex_destroy(&f->lock);
	free(f);
	return NULL;
}

void fake_object(struct fake_service *f, const char *path, const char *interface,
		 json_t *properties)
{
	char key[256];

	ck_assert_ptr_nonnull(properties);
	key_of(key, path, interface);
	pthread_mutex_lock(&f->lock);
	json_object_set_new(f->objects, key, properties);
	pthread_mutex_unlock(&f->lock);
}

void fake_method(struct fake_service *f, const char *member, fake_method_t method, void *userdata)
{
	pthread_mutex_lock(&f->lock);
	ck_assert_uint_lt(f->answer_count, METHODS_MAX);
	f->answers[f->answer_count++] = (struct answer){member, method, userdata};
	pthread_mutex_unlock(&f->lock);
}

void fake_emit(struct fake_service *f, const char *path, const char *interface, json_t *changes)
{
	sd_bus_message *m = NULL;
	char key[256];

	key_of(key, path, interface);
	json_object_update(json_object_get(f->objects, key), changes);
	if (sd_bus_message_new_signal(f->bus, &m, path, "org.freedesktop.DBus.Properties",
				      "PropertiesChanged") >= 0 &&
	    sd_bus_message_set_sender(m, SERVICE) >= 0 &&
	    sd_bus_message_append(m, "s", interface) >= 0 && wire_append(m, changes) >= 0 &&
	    sd_bus_message_append(m, "as", 0) >= 0)
		sd_bus_send(f->bus, m, NULL);
	sd_bus_message_unref(m);
	json_decref(changes);
}

void fake_change(struct fake_service *f, const char *path, const char *interface, json_t *changes)
{
	pthread_mutex_lock(&f->lock);
	fake_emit(f, path, interface, changes);
	pthread_mutex_unlock(&f->lock);
	wake(f);
}

char *fake_calls(struct fake_service *f)
{
	char *calls;

	pthread_mutex_lock(&f->lock);
	calls = strdup(f->calls);
	pthread_mutex_unlock(&f->lock);
	return calls;
}
