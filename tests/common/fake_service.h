/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A stand-in for etalond on one end of a socket pair, for tests of clients: objects with
 * properties, scripted answers, a record of the calls. Runs in a thread that takes no signal.
 * Nothing of etalond is in it.
 */
#ifndef ETALON_TESTS_FAKE_SERVICE_H
#define ETALON_TESTS_FAKE_SERVICE_H

#include <jansson.h>
#include <systemd/sd-bus.h>

struct fake_service;

/*
 * Fills the reply, or returns negative errno with *error set. Called in the service's thread with
 * its lock held: of the functions below only fake_emit() may be called.
 */
typedef int (*fake_method_t)(struct fake_service *f, sd_bus_message *call, sd_bus_message *reply,
			     sd_bus_error *error, void *userdata);

/*
 * *ret_client is the client's connection, not yet attached to an event loop. Aborts the test on
 * failure.
 */
struct fake_service *fake_service_start(sd_bus **ret_client);
struct fake_service *fake_service_stop(struct fake_service *f); /* returns NULL */

/* Properties that GetAll answers; takes the reference. */
void fake_object(struct fake_service *f, const char *path, const char *interface,
		 json_t *properties);
/* What a method answers; absent: UnknownMethod. */
void fake_method(struct fake_service *f, const char *member, fake_method_t method, void *userdata);
/* Changes properties and tells the client; takes the reference. From a test. */
void fake_change(struct fake_service *f, const char *path, const char *interface, json_t *changes);
/* The same from within a method. */
void fake_emit(struct fake_service *f, const char *path, const char *interface, json_t *changes);

/* Members called so far but GetAll, in order, separated by blanks: malloc'ed. */
char *fake_calls(struct fake_service *f);

#endif
