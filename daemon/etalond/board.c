// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * A board's safety state as the daemon knows it: what the board said last, why it is dark,
 * what ended light. See board.h. Commands nothing.
 */
#include "etalond/board.h"

#include "base/util.h"
#include "etalond/job.h"
#include "etalond/strv.h"

struct cause_text {
	uint32_t cause;
	const char *what; /* "the interlock is open" */
	const char *remedy;
	const char *past; /* gone but latched; NULL: as above */
};

static const struct cause_text cause_texts[] = {
	{ETALON_HW_CAUSE_INTERLOCK, "the interlock is open",
	 "close the door or the remote interlock connector",
	 "the interlock was open; it is closed again"},
	{ETALON_HW_CAUSE_KEY, "the key is off", "turn the key on",
	 "the key was off; it is on again"},
	{ETALON_HW_CAUSE_WATCHDOG, "the board was not kicked in time (watchdog)",
	 "see why the daemon or its host was held up", NULL},
	{ETALON_HW_CAUSE_LINK, "the link to the board was lost", "check its cable", NULL},
	{ETALON_HW_CAUSE_OVER_TEMPERATURE, "the board is too hot", "let it cool",
	 "the board was too hot; it has cooled"},
	{ETALON_HW_CAUSE_COMPARATOR, "a comparator tripped", "see what the detector met", NULL},
	{ETALON_HW_CAUSE_COMPLIANCE, "a source met its compliance limit",
	 "check the device's connection", NULL},
	{ETALON_HW_CAUSE_FAULT, "the board found itself faulty", "power it off and on", NULL},
	{ETALON_HW_CAUSE_LOCAL_RESET, "key or interlock was opened and a local act is due",
	 "press the board's reset", NULL},
};

const char *board_serial(const struct board *b)
{
	return b->facts->description->head.serial;
}

static bool is_lit(uint32_t state)
{
	return state == ETALON_HW_STATE_ARMED || state == ETALON_HW_STATE_DELAY ||
	       state == ETALON_HW_STATE_EMITTING;
}

bool board_is_lit(const struct board *b)
{
	return b->present && is_lit(b->status.state);
}

bool board_gate_is_open(const struct board *b)
{
	return b->present && (b->status.status_bits & ETALON_HW_STATUS_GATE_OPEN);
}

static const char *state_text(uint32_t state)
{
	static const char *const names[] = {"off", "armed", "delay", "emitting", "tripped"};

	return state < ARRAY_SIZE(names) ? names[state] : "tripped";
}

const char *board_state_text(const struct board *b)
{
	return b->present ? state_text(b->status.state) : "gone";
}

void board_changed(struct board *b, unsigned int what)
{
	const struct observer *o = b->context->observer;

	if (b->known && what)
		o->board_changed(o->userdata, b, what);
}

/* ---- why dark ---- */

static int add_sentence(char ***list, const char *format, const char *what, const char *remedy)
{
	char *sentence = asprintf_or_null("%s%s%s", what, format, remedy);

	return sentence ? strv_push(list, sentence) : -ENOMEM;
}

static int add_past_cause(char ***list, const struct cause_text *t)
{
	return t->past ? add_sentence(list, ": ", t->past, "etalonctl fault clear")
		       : add_sentence(list, ": ", t->what, t->remedy);
}

static int add_causes(const struct board *b, char ***list)
{
	uint32_t live = b->status.causes_live, latched = b->status.causes_latched;
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(cause_texts) && r == 0; i++)
		if (live & cause_texts[i].cause)
			r = add_sentence(list, ": ", cause_texts[i].what, cause_texts[i].remedy);
	if (r < 0 || b->status.state != ETALON_HW_STATE_TRIPPED)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(cause_texts) && r == 0; i++)
		if (latched & ~live & cause_texts[i].cause)
			r = add_past_cause(list, &cause_texts[i]);
	if (r == 0)
		r = add_sentence(list, "; ", "the board has tripped and stays dark",
				 "when the cause is gone, clear it (etalonctl fault clear)");
	return r;
}

char **board_why_dark(const struct board *b)
{
	_cleanup_(strv_freep) char **list = strv_new();
	int r = list ? 0 : -ENOMEM;

	if (r == 0 && !b->present)
		r = add_sentence(&list, ": ", "the board is gone",
				 "check its cable and power; it is opened again by itself");
	else if (r == 0)
		r = add_causes(b, &list);
	if (r == 0 && b->site_problem)
		r = add_sentence(&list, "", b->site_problem, "");
	return r < 0 ? NULL : take_ptr(list);
}

/* ---- what ended light ---- */

void board_record_off(struct board *b, const char *cause, uint64_t when_ns)
{
	char *copy = strdup(cause);

	if (!copy)
		return;
	free(b->last_off_cause);
	b->last_off_cause = copy;
	b->last_off_ns = when_ns;
}

char *board_trip_text(uint32_t causes)
{
	for (size_t i = 0; i < ARRAY_SIZE(cause_texts); i++)
		if (causes & cause_texts[i].cause)
			return asprintf_or_null("the board tripped: %s", cause_texts[i].what);
	return strdup("the board tripped for an unknown cause");
}

/* The board latches the cause that acted; a later command of ours changes nothing of that. */
static bool retell(char **text, const char *cause, const char *fuller)
{
	char *copy;

	if (!*text || !streq(*text, cause))
		return false;
	copy = strdup(fuller);
	if (!copy)
		return false;
	free(*text);
	*text = copy;
	return true;
}

void board_retell_off(struct board *b, const char *cause, const char *fuller)
{
	retell(&b->dark_reason, cause, fuller);
	if (retell(&b->last_off_cause, cause, fuller))
		board_changed(b, BOARD_LAST_OFF);
}

static void record_end_of_light(struct board *b)
{
	_cleanup_free_ char *trip = NULL;
	uint32_t last = b->status.last_off_cause & ~ETALON_HW_CAUSE_HOST;

	if (b->status.state == ETALON_HW_STATE_OFF && !b->dark_reason &&
	    last == ETALON_HW_CAUSE_WATCHDOG) {
		board_record_off(b,
				 "the kernel turned light off by itself: etalond did not kick in "
				 "time, or see the kernel's log",
				 wall_ns());
	} else if (b->status.state == ETALON_HW_STATE_TRIPPED) {
		trip = board_trip_text(last ? last : b->status.causes_latched);
		board_record_off(b, trip ? trip : "the board tripped", wall_ns());
	} else {
		board_record_off(b, b->dark_reason ? b->dark_reason : "off", wall_ns());
	}
	free(take_ptr(b->dark_reason));
}

static unsigned int differences(const struct board_status *old, const struct board_status *new)
{
	unsigned int what = 0;

	if (old->state != new->state)
		what |= BOARD_STATE | BOARD_WHY_DARK;
	if ((old->status_bits ^ new->status_bits) & ETALON_HW_STATUS_GATE_OPEN)
		what |= BOARD_GATE;
	if (old->causes_live != new->causes_live || old->causes_latched != new->causes_latched)
		what |= BOARD_CAUSES | BOARD_WHY_DARK;
	return what;
}

static void tell_safety(struct board *b)
{
	const struct observer *o = b->context->observer;
	_cleanup_free_ char *causes = NULL;

	causes = link_causes_text(b->status.causes_live | b->status.causes_latched);
	o->board_safety(o->userdata, b, board_state_text(b), causes ? causes : "");
}

void board_apply_status(struct board *b, const struct board_status *status)
{
	struct board_status old = b->status;
	unsigned int what;

	/* An event may have been on its way while a newer status was read. */
	if (!b->present || status->tick < old.tick)
		return;
	b->status = *status;
	what = differences(&old, status);
	/* A trip right after ARM may be seen as OFF to TRIPPED. */
	if (!is_lit(status->state) &&
	    (is_lit(old.state) ||
	     (old.state != status->state && status->state == ETALON_HW_STATE_TRIPPED))) {
		record_end_of_light(b);
		what |= BOARD_LAST_OFF;
		board_refresh_setpoints(b, 0);
	}
	board_update_kicks(b);
	if (!what)
		return;
	board_changed(b, what);
	if (b->known && (what & (BOARD_STATE | BOARD_CAUSES)))
		tell_safety(b);
	if (b->job)
		job_board_changed(b->job);
	context_settled(b->context);
}

/* ---- limits ---- */

const char *board_limits(const struct board *b, unsigned int source, int64_t *ret_low,
			 int64_t *ret_high)
{
	const struct etalon_hw_source *s = &b->facts->description->source[source];
	const struct site *site = &b->facts->site;
	const char *by = "hardware";

	*ret_low = s->min;
	*ret_high = s->max;
	for (size_t i = 0; i < site->limit_count; i++) {
		const struct site_limit *l = &site->limits[i];

		if (!streq(l->source, s->name))
			continue;
		if (l->min > *ret_low || l->max < *ret_high)
			by = "site";
		*ret_low = MAX(*ret_low, l->min);
		*ret_high = MIN(*ret_high, l->max);
	}
	return by;
}

struct board *board_by_serial(struct context *ctx, const char *serial)
{
	for (struct board *b = ctx->boards; b; b = b->next)
		if (b->known && streq(board_serial(b), serial))
			return b;
	return NULL;
}
