// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The daemon on a thread. See daemon_pair.h.
 */
#include "daemon_pair.h"

#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/util.h"

#include <check.h> /* last: it defines a macro fail() */

#define WAIT_NS (10 * NSEC_PER_SEC)

static void write_config(const struct daemon_pair *p, const char *text, char *path, size_t size)
{
	FILE *f;

	snprintf(path, size, "%s/etalond.conf", p->dir);
	f = fopen(path, "we");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

static void load_config(struct daemon_pair *p, const char *text)
{
	char path[128], *message = NULL;
	int r;

	if (text)
		write_config(p, text, path, sizeof(path));
	r = config_load(text ? path : NULL, &p->config, &message);
	ck_assert_msg(r == 0, "%s", message);
}

/* Two sd-bus connections that speak to each other without a bus between them. */
static sd_bus *connect_pair(struct daemon_pair *p)
{
	sd_bus *server = NULL;
	sd_id128_t id;
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	ck_assert_int_ge(sd_id128_randomize(&id), 0);
	ck_assert_int_ge(sd_bus_new(&server), 0);
	ck_assert_int_ge(sd_bus_set_fd(server, fds[0], fds[0]), 0);
	ck_assert_int_ge(sd_bus_set_server(server, 1, id), 0);
	ck_assert_int_ge(sd_bus_negotiate_fds(server, 1), 0);
	ck_assert_int_ge(sd_bus_set_anonymous(server, 1), 0);
	ck_assert_int_ge(sd_bus_start(server), 0);
	ck_assert_int_ge(sd_bus_new(&p->client), 0);
	ck_assert_int_ge(sd_bus_set_fd(p->client, fds[1], fds[1]), 0);
	ck_assert_int_ge(sd_bus_negotiate_fds(p->client, 1), 0);
	ck_assert_int_ge(sd_bus_set_anonymous(p->client, 1), 0);
	ck_assert_int_ge(sd_bus_start(p->client), 0);
	return server;
}

static void *loop(void *userdata)
{
	struct daemon_pair *p = userdata;

	p->exit_code = sd_event_loop(p->event);
	return NULL;
}

void daemon_pair_start_with(struct daemon_pair *p, const char *config,
			    void (*add)(struct daemon_pair *p, void *userdata), void *userdata)
{
	_cleanup_free_ char *message = NULL;
	sd_bus *server;
	int r;

	*p = (struct daemon_pair){.exit_code = -1};
	snprintf(p->dir, sizeof(p->dir), "/tmp/etalon-pair-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(p->dir));
	snprintf(p->store, sizeof(p->store), "%s/runs.db", p->dir);
	load_config(p, config);
	ck_assert_int_ge(sd_event_new(&p->event), 0);
	r = context_new(p->event, p->config, p->store, &p->context, &message);
	ck_assert_msg(r == 0, "context: %s", message ? message : strerror(-r));
	server = connect_pair(p);
	ck_assert_int_eq(bus_new(server, p->context, &p->bus), 0);
	ck_assert_int_ge(sd_bus_attach_event(server, p->event, 0), 0);
	sd_bus_unref(server);
	add(p, userdata);
	while (!board_tried(p->board))
		ck_assert_int_ge(sd_event_run(p->event, UINT64_MAX), 0);
	p->board_path = strdup(p->board->known ? bus_board_path(p->board).text : "/");
	ck_assert_int_eq(pthread_create(&p->thread, NULL, loop, p), 0);
}

static void add_fake(struct daemon_pair *p, void *userdata)
{
	struct board_opener opener = {
		.open = fake_link_open, .address = "fake", .userdata = userdata};

	p->fake = userdata;
	ck_assert_int_eq(board_add(p->context, &opener, &p->board), 0);
}

void daemon_pair_start(struct daemon_pair *p, const char *config,
		       void (*prepare)(struct fake_link *fake))
{
	struct fake_link *fake = fake_link_new();

	if (prepare)
		prepare(fake);
	daemon_pair_start_with(p, config, add_fake, fake);
}

struct loop_call {
	struct mail mail;
	void (*f)(void *userdata);
	void *userdata;
	sem_t done;
};

static void deliver_call(struct mail *mail)
{
	struct loop_call *call = container_of(mail, struct loop_call, mail);

	call->f(call->userdata);
	sem_post(&call->done);
}

void pair_on_loop(struct daemon_pair *p, void (*f)(void *userdata), void *userdata)
{
	struct loop_call call = {.mail.deliver = deliver_call, .f = f, .userdata = userdata};

	sem_init(&call.done, 0, 0);
	mailbox_post(p->context->mailbox, &call.mail);
	while (sem_wait(&call.done) < 0 && errno == EINTR)
		;
	sem_destroy(&call.done);
}

struct stop_mail {
	struct mail mail;
	struct context *context;
};

static void deliver_stop(struct mail *mail)
{
	context_stop(container_of(mail, struct stop_mail, mail)->context, "etalond was stopped");
}

void daemon_pair_begin_stop(struct daemon_pair *p)
{
	struct stop_mail stop = {.mail.deliver = deliver_stop, .context = p->context};

	mailbox_post(p->context->mailbox, &stop.mail);
	pthread_join(p->thread, NULL);
	ck_assert_int_eq(p->exit_code, 0);
}

void daemon_pair_end_stop(struct daemon_pair *p)
{
	_cleanup_free_ char *remove = asprintf_or_null("rm -rf '%s'", p->dir);

	sd_bus_flush_close_unref(p->client);
	context_quiesce(p->context);
	sd_bus_detach_event(p->bus->bus);
	context_free(p->context);
	bus_free(p->bus);
	if (p->fake)
		fake_link_free(p->fake);
	sd_event_unref(p->event);
	config_free(p->config);
	free(p->board_path);
	ck_assert_int_eq(system(remove), 0);
}

void daemon_pair_stop(struct daemon_pair *p)
{
	daemon_pair_begin_stop(p);
	daemon_pair_end_stop(p);
}

int pair_call(struct daemon_pair *p, const char *path, const char *interface, const char *method,
	      char ret_error[64], sd_bus_message **ret_reply, const char *types, ...)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	sd_bus_message *m = NULL;
	va_list ap;
	int r;

	ck_assert_int_ge(
		sd_bus_message_new_method_call(p->client, &m, NULL, path, interface, method), 0);
	va_start(ap, types);
	ck_assert_int_ge(sd_bus_message_appendv(m, types, ap), 0);
	va_end(ap);
	r = sd_bus_call(p->client, m, 0, &error, ret_reply);
	sd_bus_message_unref(m);
	ret_error[0] = '\0';
	if (r < 0 && error.name) {
		const char *prefix = "org.etalon1.Error.";
		size_t skip = strncmp(error.name, prefix, strlen(prefix)) == 0 ? strlen(prefix) : 0;

		snprintf(ret_error, 64, "%s", error.name + skip);
		/* Every error speaks to a person. */
		ck_assert_msg(error.message && error.message[0], "%s without a message",
			      error.name);
	}
	sd_bus_error_free(&error);
	return r < 0 ? r : 0;
}

char *pair_text(struct daemon_pair *p, const char *path, const char *interface,
		const char *property)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	char *text = NULL;
	int r = sd_bus_get_property_string(p->client, NULL, path, interface, property, &error,
					   &text);

	ck_assert_msg(r >= 0, "%s of %s: %s", property, path, error.message);
	return text;
}

bool pair_wait(struct daemon_pair *p, const char *path, const char *interface, const char *property,
	       const char *value)
{
	uint64_t until = now_ns() + WAIT_NS;
	_cleanup_free_ char *last = NULL;

	do {
		free(last);
		last = pair_text(p, path, interface, property);
		if (streq(last, value))
			return true;
		sched_yield();
	} while (now_ns() < until);
	fprintf(stderr, "%s is \"%s\", not \"%s\"\n", property, last, value);
	return false;
}

int pair_lease(struct daemon_pair *p, unsigned int period_ms)
{
	sd_bus_message *reply = NULL;
	char error[64];
	int fd = -1;

	ck_assert_msg(pair_call(p, p->board_path, PAIR_BOARD_INTERFACE, "Lease", error, &reply,
				"ua{sv}", period_ms, 0) == 0,
		      "Lease: %s", error);
	ck_assert_int_ge(sd_bus_message_read(reply, "h", &fd), 0);
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	sd_bus_message_unref(reply);
	return fd;
}
