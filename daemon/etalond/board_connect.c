// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * A board's coming and going: opening it in a known, dark state, and letting go of it. See
 * board.h.
 */
#include "etalond/board.h"

#include <syslog.h>

#include "base/util.h"
#include "etalond/audit.h"
#include "etalond/connector.h"
#include "etalond/job.h"

/* Trips that only say that a host was away: seen, recorded, cleared at opening. */
#define HOST_SIDE_CAUSES (ETALON_HW_CAUSE_WATCHDOG | ETALON_HW_CAUSE_LINK)

struct opening {
	struct command command;
	struct board *board;
	struct board_opener opener;
	const struct config *config;
	/* results */
	struct link *link;
	struct facts *facts;
	char *site_problem;
	int64_t *setpoints;
	struct link_status status;
	uint32_t found_cause; /* a trip that was found and cleared */
	uint64_t found_ns; /* when it happened */
};

/* ---- on the I/O thread ---- */

static int limit_of(const struct facts *facts, unsigned int source, int64_t *low, int64_t *high)
{
	const struct etalon_hw_source *s = &facts->description->source[source];
	bool limited = s->emits;

	*low = s->min;
	*high = s->max;
	for (size_t i = 0; i < facts->site.limit_count; i++) {
		if (!streq(facts->site.limits[i].source, s->name))
			continue;
		limited = true;
		*low = MAX(*low, facts->site.limits[i].min);
		*high = MIN(*high, facts->site.limits[i].max);
	}
	return limited;
}

int board_write_limits(struct link *link, const struct facts *facts,
		       struct link_refusal *ret_refusal)
{
	for (unsigned int i = 0; i < facts->description->head.source_count; i++) {
		int64_t low, high;
		int r;

		if (!limit_of(facts, i, &low, &high))
			continue;
		r = link->ops->set_limits(link, i, low, high, ret_refusal);
		if (r < 0)
			return r;
	}
	return 0;
}

static uint64_t ticks_ns(const struct opening *o, uint64_t ticks)
{
	return (uint64_t)((double)ticks * o->facts->description->head.tick_ps / 1000.0);
}

/* Whatever the board was left in by whoever had it before: dark, and the reason kept. */
static int make_dark(struct opening *o, struct link *link)
{
	struct link_status *s = &o->status;
	int r = link->ops->status(link, s);

	if (r == 0 && s->state != ETALON_HW_STATE_OFF && s->state != ETALON_HW_STATE_TRIPPED) {
		r = link->ops->off(link);
		if (r == 0)
			r = link->ops->status(link, s);
	}
	if (r < 0 || s->state != ETALON_HW_STATE_TRIPPED)
		return r;
	if ((s->causes_live | s->causes_latched) & ~HOST_SIDE_CAUSES)
		return 0; /* a person must look at it */
	o->found_cause =
		s->last_off_cause & HOST_SIDE_CAUSES ? s->last_off_cause : s->causes_latched;
	o->found_ns = wall_ns() - ticks_ns(o, s->tick - MIN(s->last_off_tick, s->tick));
	r = link->ops->clear(link, &o->command.refusal);
	return r < 0 ? r : link->ops->status(link, s);
}

static int read_setpoints(struct opening *o, struct link *link)
{
	unsigned int count = o->facts->description->head.source_count;
	int r = 0;

	o->setpoints = calloc(count + 1, sizeof(*o->setpoints));
	if (!o->setpoints)
		return -ENOMEM;
	for (unsigned int i = 0; i < count && r == 0; i++) {
		int64_t actual;

		r = link->ops->get_source(link, i, &o->setpoints[i], &actual);
	}
	return r;
}

static int prepare(struct opening *o, struct link *link)
{
	int r;

	r = facts_new(link->description, o->config, &o->facts, &o->site_problem,
		      &o->command.message);
	if (r == 0)
		r = make_dark(o, link);
	if (r == 0 && o->status.state == ETALON_HW_STATE_OFF && !o->site_problem)
		r = board_write_limits(link, o->facts, &o->command.refusal);
	if (r == 0)
		r = read_setpoints(o, link);
	return r;
}

static int run_open(struct command *c, _unused_ struct link *none)
{
	struct opening *o = container_of(c, struct opening, command);
	struct link *link = NULL;
	int r;

	r = o->opener.open(o->opener.userdata, &link, &c->message);
	if (r < 0)
		return r;
	r = prepare(o, link);
	if (r < 0) {
		if (c->refusal.result != ETALON_HW_RESULT_OK && !c->message)
			c->message = link_refusal_message(link->description, &c->refusal);
		link_close(link);
		return r;
	}
	o->link = link;
	board_io_attach(c->io, link);
	return 0;
}

static int run_close(struct command *c, _unused_ struct link *link)
{
	board_io_detach(c->io);
	return 0;
}

/* ---- main loop ---- */

static void forget_facts(struct board *b)
{
	b->facts = facts_unref(b->facts);
	free(take_ptr(b->site_problem));
	free(take_ptr(b->setpoints));
	b->zero = (struct zero){0};
	b->known = false;
}

static void remove_from_view(struct board *b)
{
	const struct observer *o = b->context->observer;

	if (!b->known)
		return;
	o->board_removed(o->userdata, b);
	forget_facts(b);
}

static void command_free(struct command *c)
{
	free(c->message);
	free(c);
}

static int run_nothing(_unused_ struct command *c, _unused_ struct link *link)
{
	return 0;
}

/* Events between the opening's last look and now were not ours to hear. */
static void look_again(struct board *b)
{
	struct command *c = calloc(1, sizeof(*c));

	if (!c)
		return;
	c->class = COMMAND_NORMAL;
	c->run = run_nothing;
	c->done = command_free;
	c->refresh = true;
	board_io_submit(b->io, c);
}

static void close_link(struct board *b)
{
	struct command *c = calloc(1, sizeof(*c));

	if (!c)
		return;
	c->class = COMMAND_NORMAL;
	c->always = true;
	c->run = run_close;
	c->done = command_free;
	board_io_submit(b->io, c);
}

/* The same serial number at two places is one board too many: the first keeps it. */
static bool is_elsewhere(struct board *b, const struct facts *facts)
{
	const char *serial = facts->description->head.serial;
	struct board *other = board_by_serial(b->context, serial);

	if (!other || other == b)
		return false;
	if (!other->present) {
		remove_from_view(other); /* it has moved here */
		return false;
	}
	say(LOG_ERR,
	    "the board at %s has the serial number %s of the board at %s: it is left alone; "
	    "give it a serial number of its own",
	    b->address, serial, other->address);
	return true;
}

static void take_over_results(struct board *b, struct opening *o)
{
	const struct link_status *s = &o->status;

	remove_from_view(b);
	b->facts = take_ptr(o->facts);
	b->site_problem = take_ptr(o->site_problem);
	b->setpoints = take_ptr(o->setpoints);
	b->link = o->link;
	b->link_name = o->link->ops->name;
	b->status = (struct board_status){
		.state = s->state,
		.causes_live = s->causes_live,
		.causes_latched = s->causes_latched,
		.last_off_cause = s->last_off_cause,
		.sequencer = s->sequencer,
		.status_bits = s->status_bits,
		.tick = s->tick,
	};
	b->live_aperture_ns = 0;
	b->present = b->known = true;
}

static void record_found_trip(struct board *b, const struct opening *o)
{
	_cleanup_free_ char *cause = NULL, *trip = board_trip_text(o->found_cause);

	cause = asprintf_or_null("%s; found when the board was opened, and cleared",
				 trip ? trip : "the board tripped");
	if (cause)
		board_record_off(b, cause, o->found_ns);
}

static void opened(struct board *b, struct opening *o)
{
	const struct observer *observer = b->context->observer;

	if (is_elsewhere(b, o->facts)) {
		close_link(b);
		connector_failed(b->connector);
		return;
	}
	take_over_results(b, o);
	if (o->found_cause)
		record_found_trip(b, o);
	if (b->site_problem)
		say(LOG_ERR, "board %s: no light: %s", board_serial(b), b->site_problem);
	connector_succeeded(b->connector);
	say(LOG_INFO, "board %s (%s) at %s", board_serial(b), b->facts->description->head.model,
	    b->address);
	observer->board_added(observer->userdata, b);
	look_again(b);
}

static void open_done(struct command *c)
{
	struct opening *o = container_of(c, struct opening, command);
	struct board *b = o->board;

	if (c->error == 0) {
		b->complained = false;
		opened(b, o);
	} else {
		/* Once, not at every attempt. */
		if (!b->complained)
			say(LOG_WARNING, "no board at %s: %s", b->address,
			    c->message ? c->message : strerror(-c->error));
		b->complained = true;
		connector_failed(b->connector);
	}
	b->tried = true;
	facts_unref(o->facts);
	free(o->site_problem);
	free(o->setpoints);
	command_free(c);
}

static void attempt(void *userdata)
{
	struct board *b = userdata;
	struct opening *o = calloc(1, sizeof(*o));

	if (!o || b->context->stopping) {
		free(o);
		return;
	}
	o->board = b;
	o->opener = b->opener;
	o->config = b->context->config;
	o->command.class = COMMAND_NORMAL;
	o->command.always = true;
	o->command.run = run_open;
	o->command.done = open_done;
	board_io_submit(b->io, &o->command);
}

void board_gone(struct board *b, const char *why)
{
	const struct observer *observer = b->context->observer;
	_cleanup_free_ char *cause = NULL;

	if (!b->present)
		return;
	cause = asprintf_or_null("%s: the link was lost, the board turns itself off", why);
	if (board_is_lit(b) || b->emit_pending)
		board_record_off(b, cause ? cause : why, wall_ns());
	b->present = false;
	b->link = NULL;
	b->status.state = ETALON_HW_STATE_OFF;
	free(take_ptr(b->dark_reason));
	say(LOG_WARNING, "board %s: %s", board_serial(b), why);
	if (b->job)
		job_board_changed(b->job); /* its thread still uses the link */
	board_end_lease(b, cause ? cause : why);
	board_update_kicks(b);
	board_changed(b, BOARD_STATE | BOARD_GATE | BOARD_WHY_DARK | BOARD_LAST_OFF);
	observer->board_safety(observer->userdata, b, "gone", why);
	if (!b->job)
		board_job_ended(b);
	context_settled(b->context);
}

void board_job_ended(struct board *b)
{
	if (b->present || !b->known)
		return;
	close_link(b);
	connector_lost(b->connector);
}

void board_appeared(struct board *b)
{
	b->complained = false;
	connector_wake(b->connector);
}

void board_vanished(struct board *b)
{
	connector_rest(b->connector);
}

bool board_tried(const struct board *b)
{
	return b->tried;
}

static void on_status(void *userdata, const struct board_status *status)
{
	board_apply_status(userdata, status);
}

static void on_gone(void *userdata, const char *why)
{
	board_gone(userdata, why);
}

int board_add(struct context *ctx, const struct board_opener *opener, struct board **ret)
{
	struct board *b = calloc(1, sizeof(*b));
	struct board_io_events events = {.status = on_status, .gone = on_gone, .userdata = b};
	int r;

	if (!b)
		return -ENOMEM;
	b->context = ctx;
	b->opener = *opener;
	/* Not a number that an earlier daemon's program may have had a moment ago. */
	b->generation = (uint32_t)(wall_ns() / NSEC_PER_SEC);
	b->address = strdup(opener->address);
	r = b->address ? 0 : -ENOMEM;
	b->opener.address = b->address;
	if (r == 0)
		r = board_io_new(ctx->mailbox, &events, &b->io);
	if (r == 0)
		r = connector_new(ctx->event, opener->is_path ? b->address : NULL, attempt, b,
				  &b->connector);
	if (r < 0) {
		board_remove(b);
		return r;
	}
	b->next = ctx->boards;
	ctx->boards = b;
	*ret = b;
	return 0;
}

static void unlink_board(struct board *b)
{
	for (struct board **p = &b->context->boards; *p; p = &(*p)->next) {
		if (*p != b)
			continue;
		*p = b->next;
		return;
	}
}

struct board *board_remove(struct board *b)
{
	if (!b)
		return NULL;
	board_end_lease(b, "etalond ends");
	b->connector = connector_free(b->connector);
	board_io_free(b->io);
	b->present = false;
	remove_from_view(b);
	forget_facts(b);
	board_reads_free(b);
	unlink_board(b);
	sd_event_source_disable_unref(b->kick_timer);
	free(b->last_off_cause);
	free(b->dark_reason);
	free(b->address);
	free(b);
	return NULL;
}
