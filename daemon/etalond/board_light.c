// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What is commanded of a board: light, gate, sources, clearing. See board.h. Whether somebody
 * may is asked before; whether it is possible, the board says.
 */
#include "etalond/board.h"

#include "base/util.h"
#include "etalond/refusal.h"
#include "etalond/strv.h"
#include "link/quantity.h"

struct light {
	struct command command;
	struct board *board;
	struct facts *facts;
	board_done_t done;
	void *userdata;
	uint32_t watchdog_ns;
	int gate; /* number of the gate, or -1 */
	bool emit;
	bool off;
	size_t count;
	struct setpoint setpoints[];
};

static struct light *light_of(struct command *c)
{
	return container_of(c, struct light, command);
}

/* ---- on the I/O thread ---- */

static int set_sources(struct light *l, struct link *link)
{
	for (size_t i = 0; i < l->count; i++) {
		const struct setpoint *s = &l->setpoints[i];
		int r = l->command.class == COMMAND_LIGHT ? command_still_wanted(&l->command) : 0;

		if (r == 0)
			r = link->ops->set_source(link, s->source, s->value, &l->command.refusal);
		if (r < 0)
			return r;
	}
	return 0;
}

static int run_set(struct command *c, struct link *link)
{
	return set_sources(light_of(c), link);
}

static int run_emit(struct command *c, struct link *link)
{
	struct light *l = light_of(c);
	struct link_status s;
	int r;

	r = link->ops->status(link, &s);
	if (r == 0)
		r = set_sources(l, link);
	if (r < 0 || s.state == ETALON_HW_STATE_EMITTING || s.state == ETALON_HW_STATE_DELAY)
		return r;
	if (s.state == ETALON_HW_STATE_OFF) {
		r = command_still_wanted(c);
		if (r == 0)
			r = link->ops->arm(link, l->watchdog_ns, &c->refusal);
	}
	if (r == 0)
		r = command_still_wanted(c);
	if (r == 0)
		r = link->ops->emit(link, &c->refusal);
	/* Half-way is not a state to be left in; what voided us does this itself. */
	if (r < 0 && r != -ECANCELED)
		link->ops->off(link);
	return r;
}

static int run_off(_unused_ struct command *c, struct link *link)
{
	return link->ops->off(link);
}

static int run_gate_open(struct command *c, struct link *link)
{
	return link->ops->set_source(link, (unsigned int)light_of(c)->gate, 1, &c->refusal);
}

static int shut(struct link *link, int gate)
{
	struct link_refusal refusal = {.result = ETALON_HW_RESULT_OK};

	return gate < 0 ? -EOPNOTSUPP
			: link->ops->set_source(link, (unsigned int)gate, 0, &refusal);
}

/*
 * A program that runs owns the gate, and gives it back, shut, when it is stopped: the laser stays
 * warm. A gate that will not shut even then is made dark the other way.
 */
static int run_gate_shut(struct command *c, struct link *link)
{
	int gate = light_of(c)->gate;

	if (shut(link, gate) == 0)
		return 0;
	if (gate >= 0 && link->ops->stop(link) == 0 && shut(link, gate) == 0)
		return 0;
	return link->ops->off(link);
}

static int run_clear(struct command *c, struct link *link)
{
	int r = link->ops->clear(link, &c->refusal);

	/* A board that was found tripped could not be given its limits yet. */
	return r < 0 ? r : board_write_limits(link, light_of(c)->facts, &c->refusal);
}

static int run_refresh(struct command *c, struct link *link)
{
	struct light *l = light_of(c);
	int r = 0;

	for (size_t i = 0; i < l->count && r == 0; i++) {
		struct setpoint *s = &l->setpoints[i];
		int64_t actual;

		r = link->ops->get_source(link, s->source, &s->value, &actual);
	}
	return r;
}

/* ---- main loop ---- */

static struct light *light_free(struct light *l)
{
	facts_unref(l->facts);
	free(l->command.message);
	free(l);
	return NULL;
}

static void explain(struct light *l)
{
	struct command *c = &l->command;

	if (c->refusal.result != ETALON_HW_RESULT_OK && !c->message)
		c->message = link_refusal_message(l->facts->description, &c->refusal);
	c->error = refusal_error(&c->refusal, c->error);
	if (c->message)
		return;
	if (c->error == -ENODEV || c->error == -ETIMEDOUT || c->error == -EPROTO)
		fail(&c->message, 0, "the board is gone: check its cable and power");
	else if (c->error == -ECANCELED)
		fail(&c->message, 0, "overtaken by OFF or a shut gate: nothing was turned on");
	else
		fail(&c->message, 0, "the board did not do it: %s", strerror(-c->error));
}

static void remember_setpoints(struct board *b, const struct light *l)
{
	if (!b->present || b->facts != l->facts)
		return;
	for (size_t i = 0; i < l->count; i++)
		b->setpoints[l->setpoints[i].source] = l->setpoints[i].value;
	if (l->count > 0)
		board_changed(b, BOARD_SETPOINTS);
}

static void light_done(struct command *c)
{
	struct light *l = light_of(c);
	struct board *b = l->board;

	if (c->error < 0)
		explain(l);
	else
		remember_setpoints(b, l);
	if (l->emit)
		b->emit_pending = false;
	if (l->off && --b->dark_pending == 0)
		free(take_ptr(b->dark_reason));
	board_update_kicks(b);
	if (l->done)
		l->done(b, c->error, c->error < 0 ? c->message : NULL, l->userdata);
	context_settled(b->context);
	light_free(l);
}

static struct light *light_new(struct board *b, enum command_class class,
			       int (*run)(struct command *, struct link *), board_done_t done,
			       void *userdata, const struct setpoint *setpoints, size_t count)
{
	struct light *l = calloc(1, sizeof(*l) + count * sizeof(*setpoints));

	if (!l)
		return NULL;
	l->board = b;
	l->facts = facts_ref(b->facts);
	l->done = done;
	l->userdata = userdata;
	l->gate = facts_gate(b->facts);
	l->watchdog_ns = b->context->config->watchdog_ms * 1000000U;
	l->count = count;
	if (setpoints)
		memcpy(l->setpoints, setpoints, count * sizeof(*setpoints));
	l->command.class = class;
	l->command.run = run;
	l->command.done = light_done;
	l->command.refresh = true;
	return l;
}

static bool refuse_at_once(struct board *b, int error, const char *message, board_done_t done,
			   void *userdata)
{
	if (done)
		done(b, error, message, userdata);
	return false;
}

/* Submits, or answers at once when the board is gone. */
static void submit(struct board *b, struct light *l, board_done_t done, void *userdata)
{
	if (l)
		board_io_submit(b->io, &l->command);
	else
		refuse_at_once(b, -ENOMEM, "out of memory", done, userdata);
}

static bool is_here(struct board *b, board_done_t done, void *userdata)
{
	return b->present
		       ? true
		       : refuse_at_once(b, -ENODEV, "the board is gone: check its cable and power",
					done, userdata);
}

void board_emit(struct board *b, const struct setpoint *setpoints, size_t count, board_done_t done,
		void *userdata)
{
	_cleanup_(strv_freep) char **why = NULL;
	struct light *l;

	if (!is_here(b, done, userdata))
		return;
	why = board_why_dark(b);
	if (!why || why[0]) {
		refuse_at_once(b, why ? -EACCES : -ENOMEM, why ? why[0] : "out of memory", done,
			       userdata);
		return;
	}
	if (!b->lease) {
		refuse_at_once(b, -ENOLCK, "light needs a lease", done, userdata);
		return;
	}
	l = light_new(b, COMMAND_LIGHT, run_emit, done, userdata, setpoints, count);
	if (l)
		l->emit = b->emit_pending = true;
	board_update_kicks(b);
	submit(b, l, done, userdata);
}

void board_off(struct board *b, const char *why, board_done_t done, void *userdata)
{
	struct light *l;

	if (!is_here(b, done, userdata))
		return;
	/* The first reason is the one that ends light. */
	if (!b->dark_reason && (board_is_lit(b) || b->emit_pending))
		b->dark_reason = strdup(why);
	l = light_new(b, COMMAND_DARK, run_off, done, userdata, NULL, 0);
	if (l) {
		l->off = true;
		b->dark_pending++;
	}
	submit(b, l, done, userdata);
}

void board_gate(struct board *b, bool open, board_done_t done, void *userdata)
{
	if (!is_here(b, done, userdata))
		return;
	if (open && facts_gate(b->facts) < 0) {
		refuse_at_once(b, -EOPNOTSUPP, "this board has no gate", done, userdata);
		return;
	}
	if (open && b->status.state != ETALON_HW_STATE_EMITTING) {
		refuse_at_once(b, -EACCES,
			       "the gate opens only while the board is emitting: turn the laser on "
			       "(Emit) and wait for the end of its delay",
			       done, userdata);
		return;
	}
	submit(b,
	       light_new(b, open ? COMMAND_LIGHT : COMMAND_DARK,
			 open ? run_gate_open : run_gate_shut, done, userdata, NULL, 0),
	       done, userdata);
}

void board_set(struct board *b, const struct setpoint *setpoints, size_t count, board_done_t done,
	       void *userdata)
{
	enum command_class class = COMMAND_NORMAL;

	if (!is_here(b, done, userdata))
		return;
	for (size_t i = 0; i < count; i++)
		if (board_source_emits(b, setpoints[i].source))
			class = COMMAND_LIGHT;
	submit(b, light_new(b, class, run_set, done, userdata, setpoints, count), done, userdata);
}

void board_clear(struct board *b, board_done_t done, void *userdata)
{
	if (!is_here(b, done, userdata))
		return;
	submit(b, light_new(b, COMMAND_NORMAL, run_clear, done, userdata, NULL, 0), done, userdata);
}

/* Off takes these to zero. */
static bool was_zeroed(const struct board *b, unsigned int source)
{
	return b->facts->description->source[source].safe_action == ETALON_HW_SAFE_RAMP_ZERO &&
	       b->setpoints[source] != 0 && !board_is_lit(b);
}

void board_refresh_setpoints(struct board *b, uint64_t sources)
{
	struct setpoint asked[ETALON_HW_SOURCES_MAX];
	unsigned int count = 0;

	if (!b->present)
		return;
	for (unsigned int i = 0; i < b->facts->description->head.source_count; i++)
		if (sources & 1ULL << i || was_zeroed(b, i))
			asked[count++] = (struct setpoint){.source = i};
	if (count == 0)
		return;
	submit(b, light_new(b, COMMAND_NORMAL, run_refresh, NULL, NULL, asked, count), NULL, NULL);
}

/* ---- checks ---- */

bool board_source_emits(const struct board *b, unsigned int source)
{
	const struct etalon_hw_source *s = &b->facts->description->source[source];

	return s->emits || s->is_gate;
}

static int check_setpoint(const struct board *b, const struct setpoint *sp, char **ret_message)
{
	const struct etalon_hw_source *s = &b->facts->description->source[sp->source];
	int64_t low, high, below;
	const char *by = board_limits(b, sp->source, &low, &high);

	if (sp->value > high)
		return fail(ret_message, -ERANGE, "%s is above %s's %s (limit of the %s)",
			    source_quantity(s->kind, sp->value).text, s->name,
			    source_quantity(s->kind, high).text, by);
	if (sp->value < low)
		return fail(ret_message, -ERANGE, "%s is below %s's %s (limit of the %s)",
			    source_quantity(s->kind, sp->value).text, s->name,
			    source_quantity(s->kind, low).text, by);
	if (s->resolution <= 1 || sp->value % s->resolution == 0)
		return 0;
	below = sp->value - ((sp->value % s->resolution) + s->resolution) % s->resolution;
	return fail(ret_message, -ERANGE, "%s is set in steps of %s: the nearest are %s and %s",
		    s->name, source_distance(s->kind, s->resolution).text,
		    source_quantity(s->kind, below).text,
		    source_quantity(s->kind, below + s->resolution).text);
}

int board_check_setpoints(const struct board *b, const struct setpoint *setpoints, size_t count,
			  char **ret_message)
{
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++)
		r = check_setpoint(b, &setpoints[i], ret_message);
	return r;
}
