// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The board's I/O thread. See board_io.h. Does not know what commands mean.
 */
#include "etalond/board_io.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>

#include "base/util.h"

#define QUEUES 3 /* dark, kick, the rest: taken in this order */

struct queue {
	struct command *first, **end;
};

struct board_io {
	struct mailbox *mailbox;
	struct board_io_events events;
	pthread_t thread;
	bool running;
	int wake_fd;
	pthread_mutex_t lock;
	struct queue queues[QUEUES]; /* under lock */
	bool quit; /* under lock */
	_Atomic uint64_t dark_count;
	/* I/O thread only */
	struct link *link;
	bool lost; /* gone was reported */
};

struct status_mail {
	struct mail mail;
	struct board_io *io;
	struct board_status status;
};

struct gone_mail {
	struct mail mail;
	struct board_io *io;
	char *why;
};

/* ---- reports to the main loop ---- */

static void deliver_status(struct mail *mail)
{
	struct status_mail *m = container_of(mail, struct status_mail, mail);

	m->io->events.status(m->io->events.userdata, &m->status);
	free(m);
}

static void report_status(struct board_io *io, const struct board_status *status)
{
	struct status_mail *m = calloc(1, sizeof(*m));

	if (!m)
		return;
	*m = (struct status_mail){.mail.deliver = deliver_status, .io = io, .status = *status};
	mailbox_post(io->mailbox, &m->mail);
}

static void deliver_gone(struct mail *mail)
{
	struct gone_mail *m = container_of(mail, struct gone_mail, mail);

	m->io->events.gone(m->io->events.userdata, m->why ? m->why : "unknown");
	free(m->why);
	free(m);
}

static void report_gone(struct board_io *io, const char *why)
{
	struct gone_mail *m;

	if (io->lost || !io->link)
		return;
	io->lost = true;
	m = calloc(1, sizeof(*m));
	if (!m)
		return;
	*m = (struct gone_mail){.mail.deliver = deliver_gone, .io = io, .why = strdup(why)};
	mailbox_post(io->mailbox, &m->mail);
}

static void deliver_command(struct mail *mail)
{
	struct command *c = container_of(mail, struct command, mail);

	c->done(c);
}

/* ---- the thread ---- */

static void read_status(struct board_io *io)
{
	struct link_status s;

	if (io->link->ops->status(io->link, &s) < 0)
		return;
	report_status(io, &(struct board_status){
				  .state = s.state,
				  .causes_live = s.causes_live,
				  .causes_latched = s.causes_latched,
				  .last_off_cause = s.last_off_cause,
				  .sequencer = s.sequencer,
				  .status_bits = s.status_bits,
				  .tick = s.tick,
			  });
}

/*
 * A board that is gone, breaks the contract, or does not do as told when told to be dark, is
 * given up: closing the link is pulling the cable, and that is darkness by the board itself.
 */
static void judge_link(struct board_io *io, const struct command *c)
{
	if (c->error == -ENODEV)
		report_gone(io, "the board is gone");
	else if (c->error == -EPROTO)
		report_gone(io, "the board broke the contract");
	else if (c->error == -ETIMEDOUT)
		report_gone(io, "the board does not answer");
	else if (c->error < 0 && c->class == COMMAND_DARK)
		report_gone(io, "the board refused to go dark");
}

static void execute(struct board_io *io, struct command *c)
{
	if (!c->always && (io->lost || !io->link)) {
		c->error = -ENODEV;
	} else if (c->class == COMMAND_LIGHT && command_still_wanted(c) < 0) {
		c->error = -ECANCELED;
	} else {
		c->error = c->run(c, io->link);
		if (io->link && !io->lost) {
			judge_link(io, c);
			if (c->refresh && !io->lost)
				read_status(io);
		}
	}
	mailbox_post(io->mailbox, &c->mail);
}

static void read_events(struct board_io *io)
{
	struct etalon_hw_usb_event e;
	int r;

	while ((r = io->link->ops->event(io->link, &e)) == 0)
		report_status(io, &(struct board_status){
					  .state = e.state,
					  .causes_live = e.causes_live,
					  .causes_latched = e.causes_latched,
					  .last_off_cause = e.last_off_cause,
					  .sequencer = e.sequencer,
					  .status_bits = e.status_bits,
					  .tick = e.tick,
				  });
	if (r != -EAGAIN && r != -EINTR)
		report_gone(io,
			    r == -EPROTO ? "the board broke the contract" : "the board is gone");
}

static struct command *take_next(struct board_io *io, bool *ret_quit)
{
	struct command *c = NULL;

	pthread_mutex_lock(&io->lock);
	for (unsigned int i = 0; i < QUEUES && !c; i++) {
		struct queue *q = &io->queues[i];

		c = q->first;
		if (!c)
			continue;
		q->first = c->next;
		if (!q->first)
			q->end = &q->first;
	}
	*ret_quit = !c && io->quit;
	pthread_mutex_unlock(&io->lock);
	return c;
}

/* Waits for a command or an event of the board; looks at events also between commands. */
static void wait_for_work(struct board_io *io, bool block)
{
	bool listen = io->link && !io->lost;
	struct pollfd fds[2] = {
		{.fd = io->wake_fd, .events = POLLIN},
		{.fd = listen ? io->link->ops->event_fd(io->link) : -1, .events = POLLIN},
	};
	uint64_t count;

	if (poll(fds, 2, block ? -1 : 0) < 0)
		return;
	if (fds[0].revents && read(io->wake_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		return;
	if (fds[1].revents)
		read_events(io);
}

static void *io_thread(void *userdata)
{
	struct board_io *io = userdata;
	bool quit = false;

	while (!quit) {
		struct command *c = take_next(io, &quit);

		if (c)
			execute(io, c);
		if (!quit)
			wait_for_work(io, !c);
	}
	board_io_detach(io);
	return NULL;
}

int command_still_wanted(const struct command *c)
{
	return atomic_load(&c->io->dark_count) == c->dark_count ? 0 : -ECANCELED;
}

void board_io_attach(struct board_io *io, struct link *link)
{
	io->link = link;
	io->lost = false;
}

void board_io_detach(struct board_io *io)
{
	link_close(io->link);
	io->link = NULL;
	io->lost = false;
}

/* ---- main loop ---- */

void board_io_submit(struct board_io *io, struct command *c)
{
	struct queue *q = &io->queues[c->class == COMMAND_DARK	 ? 0
				      : c->class == COMMAND_KICK ? 1
								 : 2];
	uint64_t one = 1;

	c->io = io;
	c->next = NULL;
	c->mail.deliver = deliver_command;
	pthread_mutex_lock(&io->lock);
	if (c->class == COMMAND_DARK)
		atomic_fetch_add(&io->dark_count, 1);
	c->dark_count = atomic_load(&io->dark_count);
	*q->end = c;
	q->end = &c->next;
	pthread_mutex_unlock(&io->lock);
	if (write(io->wake_fd, &one, sizeof(one)) < 0)
		return; /* full counter: the thread is awake */
}

int board_io_new(struct mailbox *mailbox, const struct board_io_events *events,
		 struct board_io **ret)
{
	struct board_io *io = calloc(1, sizeof(*io));
	int r;

	if (!io)
		return -ENOMEM;
	io->mailbox = mailbox;
	io->events = *events;
	for (unsigned int i = 0; i < QUEUES; i++)
		io->queues[i].end = &io->queues[i].first;
	pthread_mutex_init(&io->lock, NULL);
	io->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = io->wake_fd < 0 ? -errno : -pthread_create(&io->thread, NULL, io_thread, io);
	if (r < 0) {
		board_io_free(io);
		return r;
	}
	io->running = true;
	*ret = io;
	return 0;
}

struct board_io *board_io_free(struct board_io *io)
{
	uint64_t one = 1;

	if (!io)
		return NULL;
	if (io->running) {
		pthread_mutex_lock(&io->lock);
		io->quit = true;
		pthread_mutex_unlock(&io->lock);
		if (write(io->wake_fd, &one, sizeof(one)) == sizeof(one) || errno == EAGAIN)
			pthread_join(io->thread, NULL);
		mailbox_drain(io->mailbox); /* its last reports */
	}
	closep(&io->wake_fd);
	pthread_mutex_destroy(&io->lock);
	free(io);
	return NULL;
}
