/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The daemon without processes: its main loop on a thread of this program, its bus one end of
 * a socketpair, its board a scripted link, its store in a temporary folder. The test is the client at
 * the other end. For unit tests, under the sanitizers.
 */
#ifndef ETALON_TESTS_DAEMON_PAIR_H
#define ETALON_TESTS_DAEMON_PAIR_H

#include <pthread.h>
#include <systemd/sd-bus.h>

#include "bus/bus.h"
#include "fake_link.h"

#define PAIR_BOARD_INTERFACE "org.etalon1.Board"

struct daemon_pair {
	char dir[64];
	char store[96];
	sd_event *event;
	struct config *config;
	struct context *context;
	struct bus *bus;
	struct fake_link *fake;
	struct board *board;
	char *board_path;
	pthread_t thread;
	int exit_code;
	sd_bus *client;
};

/* config: text of etalond.conf or NULL; prepare: may script the link before it is opened, or NULL. */
void daemon_pair_start(struct daemon_pair *p, const char *config,
		       void (*prepare)(struct fake_link *fake));
/*
 * The same with boards of the test's own: `add` adds them to p->context and sets p->board; p->fake is NULL. The
 * loop runs afterwards.
 */
void daemon_pair_start_with(struct daemon_pair *p, const char *config,
			    void (*add)(struct daemon_pair *p, void *userdata), void *userdata);
/* Calls f on the daemon's loop and waits until it has returned. */
void pair_on_loop(struct daemon_pair *p, void (*f)(void *userdata), void *userdata);
/* context_stop(), until the loop has ended; then checks that it ended with 0 and frees. */
void daemon_pair_stop(struct daemon_pair *p);
/* The same in two steps: until the loop has ended, and the rest. */
void daemon_pair_begin_stop(struct daemon_pair *p);
void daemon_pair_end_stop(struct daemon_pair *p);

/* A method of the board: 0 or negative errno, with the error's name without prefix in ret_error. */
int pair_call(struct daemon_pair *p, const char *path, const char *interface, const char *method,
	      char ret_error[64], sd_bus_message **ret_reply, const char *types, ...);
/* A string property, malloc'ed. */
char *pair_text(struct daemon_pair *p, const char *path, const char *interface,
		const char *property);
/* Waits until a string property has this value. */
bool pair_wait(struct daemon_pair *p, const char *path, const char *interface, const char *property,
	       const char *value);
/* Takes a lease; the fd is the test's. */
int pair_lease(struct daemon_pair *p, unsigned int period_ms);

#endif
