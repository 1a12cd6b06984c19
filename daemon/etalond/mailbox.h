/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The way back to the main loop: any thread posts, the main loop delivers in order. Layer:
 * etalond. Mail is part of what it is about (a command, a task), so that posting cannot fail.
 */
#ifndef ETALON_ETALOND_MAILBOX_H
#define ETALON_ETALOND_MAILBOX_H

#include <systemd/sd-event.h>

#include "base/cleanup.h"

struct mail {
	struct mail *next;
	void (*deliver)(struct mail *mail); /* on the main loop; may free the mail */
};

struct mailbox;

int mailbox_new(sd_event *event, struct mailbox **ret);
/* Delivers what is left; nobody may post any more. */
struct mailbox *mailbox_free(struct mailbox *box);
DEFINE_CLEANUP(struct mailbox *, mailbox_free, mailbox_freep);

/* Main loop: delivers what has been posted by now. */
void mailbox_drain(struct mailbox *box);
void mailbox_post(struct mailbox *box, struct mail *mail);

#define container_of(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

#endif
