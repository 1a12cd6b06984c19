// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Mail for the main loop. See mailbox.h.
 */
#include "etalond/mailbox.h"

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>

#include "base/util.h"

struct mailbox {
	pthread_mutex_t lock;
	struct mail *first, **end; /* under lock */
	int wake_fd;
	sd_event_source *source;
};

static struct mail *take_all(struct mailbox *box)
{
	struct mail *list;

	pthread_mutex_lock(&box->lock);
	list = box->first;
	box->first = NULL;
	box->end = &box->first;
	pthread_mutex_unlock(&box->lock);
	return list;
}

static void deliver_all(struct mail *list)
{
	while (list) {
		struct mail *mail = list;

		list = mail->next;
		mail->deliver(mail);
	}
}

static int on_wake(_unused_ sd_event_source *source, int fd, _unused_ uint32_t revents,
		   void *userdata)
{
	struct mailbox *box = userdata;
	uint64_t count;

	/* Read first: a post that comes in between wakes us once more. */
	if (read(fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		return -errno;
	deliver_all(take_all(box));
	return 0;
}

int mailbox_new(sd_event *event, struct mailbox **ret)
{
	_cleanup_(mailbox_freep) struct mailbox *box = calloc(1, sizeof(*box));
	int r;

	if (!box)
		return -ENOMEM;
	pthread_mutex_init(&box->lock, NULL);
	box->end = &box->first;
	box->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (box->wake_fd < 0)
		return -errno;
	r = sd_event_add_io(event, &box->source, box->wake_fd, EPOLLIN, on_wake, box);
	if (r < 0)
		return r;
	*ret = take_ptr(box);
	return 0;
}

void mailbox_drain(struct mailbox *box)
{
	struct mail *list;

	while ((list = take_all(box)))
		deliver_all(list);
}

struct mailbox *mailbox_free(struct mailbox *box)
{
	if (!box)
		return NULL;
	mailbox_drain(box);
	sd_event_source_disable_unref(box->source);
	closep(&box->wake_fd);
	pthread_mutex_destroy(&box->lock);
	free(box);
	return NULL;
}

void mailbox_post(struct mailbox *box, struct mail *mail)
{
	uint64_t one = 1;

	mail->next = NULL;
	pthread_mutex_lock(&box->lock);
	*box->end = mail;
	box->end = &mail->next;
	pthread_mutex_unlock(&box->lock);
	/* Fails only when the counter is full, and then the loop is awake anyway. */
	if (write(box->wake_fd, &one, sizeof(one)) < 0)
		return;
}
