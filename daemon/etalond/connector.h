/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * When to try again to open what is not there: at once when its socket appears, else with a
 * growing pause of at least a second. Layer: etalond. Costs nothing while connected.
 */
#ifndef ETALON_ETALOND_CONNECTOR_H
#define ETALON_ETALOND_CONNECTOR_H

#include <stdbool.h>
#include <systemd/sd-event.h>

struct connector;

/* path NULL: only by time. `attempt` is called from the main loop. */
int connector_new(sd_event *event, const char *path, void (*attempt)(void *userdata),
		  void *userdata, struct connector **ret);
struct connector *connector_free(struct connector *c);
void connector_failed(struct connector *c); /* try again later */
void connector_succeeded(struct connector *c); /* stop trying */
void connector_lost(struct connector *c); /* try again soon */
/* Somebody watches for it instead: no attempt until it is said to be there. */
void connector_rest(struct connector *c);
void connector_wake(struct connector *c);

#endif
