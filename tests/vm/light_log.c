// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Judges the emulator's log after a guest has ended light in many ways (guest/dark.c): was there light, had the driver
 * written the command that ends it before the call returned, was it dark by then, and dark in time. That light went off
 * is not enough: a reset or a watchdog does that, too. Fewer trials than were asked for fail.
 *
 * usage: light_log LOG WATCHDOG_MS KIND=TRIALS...
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "guest/marks.h"
#include "hw.h"

/* What a board of this kind promises from a cause on. */
#define GATE_MS 1.0
#define PORT_MS 2.0
#define CURRENT_MS 10.0

/* What the time runs from, and what the return of the call has to mean. */
enum reference {
	FROM_COMMAND, /* the board is told */
	FROM_KICK, /* the last one: the watchdog's period comes on top */
	FROM_FAULT, /* the board sees by itself */
};

/* Commands that the driver writes. */
#define NONE 0
#define OFF ETALON_HW_COMMAND_OFF
#define HALT ETALON_HW_COMMAND_HALT

static const struct rule {
	enum reference from;
	uint32_t
		command; /* written before the mark after the call, whoever was first to shut the gate */
	bool shut_before; /* that mark */
	bool dark_before;
	bool logged; /* else the log ends there */
} rules[MARK_KINDS] = {
	[MARK_CLOSE] = {FROM_COMMAND, HALT, true, true, true},
	[MARK_KILL] = {FROM_COMMAND, HALT, true, true, true},
	[MARK_OFF] = {FROM_COMMAND, OFF, true, false, true},
	[MARK_HALT] = {FROM_COMMAND, HALT, true, false, true},
	[MARK_STOP] = {FROM_KICK, HALT, true, false, true},
	[MARK_UNBIND] = {FROM_COMMAND, HALT, true, true, true},
	[MARK_RMMOD] = {FROM_COMMAND, HALT, true, true, true},
	[MARK_SUSPEND] = {FROM_COMMAND, HALT, true, true, true},
	[MARK_RESET] = {FROM_COMMAND, HALT, true, true, true},
	[MARK_SHUTDOWN] = {FROM_COMMAND, HALT, true, true, true},
	[MARK_FREEZE] = {FROM_KICK, HALT, true, false, true},
	[MARK_INTERLOCK] = {FROM_FAULT, NONE, true, false, true},
	[MARK_KEY] = {FROM_FAULT, NONE, true, false, true},
	[MARK_CABLE] = {FROM_KICK, NONE, false, false, true},
};

/* Times of 0: has not happened. */
struct trial {
	bool open;
	enum mark_kind kind;
	unsigned int number;
	bool was_lit;
	uint64_t cause, fault, kick, told, off, shut, dark, zero;
	bool told_in_order, shut_in_order, dark_in_order;
};

struct tally {
	unsigned int trials, bad;
	double worst_ms; /* from where the rule counts to darkness */
	double longest_ms; /* from the cause in the guest */
};

struct judge {
	double watchdog_ms;
	uint64_t kick;
	bool lit;
	struct trial trial;
	struct tally tally[MARK_KINDS];
};

static double ms_between(uint64_t from, uint64_t to)
{
	return ((double)to - (double)from) / 1e6;
}

static void complain(struct judge *j, const char *what)
{
	const struct trial *t = &j->trial;

	printf("%s, trial %u: %s\n", mark_names[t->kind], t->number, what);
	j->tally[t->kind].bad++;
}

static uint64_t reference(const struct judge *j, double *ret_extra_ms)
{
	const struct trial *t = &j->trial;

	*ret_extra_ms = 0;
	switch (rules[t->kind].from) {
	case FROM_KICK:
		*ret_extra_ms = j->watchdog_ms;
		return t->kick;
	case FROM_FAULT:
		return t->fault;
	default:
		return t->told;
	}
}

static void judge_times(struct judge *j)
{
	const struct trial *t = &j->trial;
	struct tally *tally = &j->tally[t->kind];
	double extra_ms;
	const uint64_t from = reference(j, &extra_ms);

	if (!from || !t->off || !t->shut || !t->dark || !t->zero)
		return complain(j, "the log does not show how light went off");
	if (rules[t->kind].from == FROM_COMMAND && t->shut < t->told)
		complain(j, "the gate was shut before the driver told it to");
	if (ms_between(from, t->shut) > extra_ms + GATE_MS)
		complain(j, "the gate was late");
	if (ms_between(from, t->dark) > extra_ms + PORT_MS)
		complain(j, "the port was dark too late");
	if (ms_between(from, t->zero) > extra_ms + CURRENT_MS)
		complain(j, "a current was zero too late");
	tally->worst_ms = MAX(tally->worst_ms, ms_between(from, t->dark));
	tally->longest_ms = MAX(tally->longest_ms, ms_between(t->cause, t->dark));
}

static void end_trial(struct judge *j)
{
	const struct trial *t = &j->trial;
	const struct rule *rule = &rules[t->kind];

	if (!t->open || !rule->logged)
		return;
	j->tally[t->kind].trials++;
	if (!t->was_lit)
		complain(j, "it was dark before");
	if (rule->command && !t->told_in_order)
		complain(j, "the driver had not written the command when the call returned");
	if (rule->shut_before && !t->shut_in_order)
		complain(j, "the gate was not told to shut before the call returned");
	if (rule->dark_before && !t->dark_in_order)
		complain(j, "it was not dark when the call returned");
	judge_times(j);
	j->trial.open = false;
}

/* The call has returned; or, where nobody can tell of that, the guest has let go of the board. */
static void take_return(struct judge *j, uint64_t t_ns)
{
	struct trial *t = &j->trial;

	t->told_in_order = t->told;
	t->shut_in_order = t->off && t->shut;
	t->dark_in_order = t->shut_in_order && t->shut <= t_ns && t->dark && t->dark <= t_ns &&
			   t->zero <= t_ns;
	end_trial(j);
}

static void take_mark(struct judge *j, uint32_t word, uint64_t t_ns)
{
	const enum mark_phase phase = word >> 24 & 0xf;
	struct trial *t = &j->trial;

	if (word >> 28 != MARK_SIGN || (word >> 16 & 0xff) >= MARK_KINDS)
		return;
	if (phase == MARK_CAUSE) {
		end_trial(j);
		*t = (struct trial){
			.open = true,
			.kind = word >> 16 & 0xff,
			.number = word & 0xffff,
			.cause = t_ns,
			.was_lit = j->lit,
		};
		return;
	}
	take_return(j, t_ns);
}

static void take_command(struct judge *j, const json_t *line, uint64_t t_ns)
{
	struct trial *t = &j->trial;

	if (t->open && !t->told &&
	    json_integer_value(json_object_get(line, "address")) == ETALON_REG_COMMAND &&
	    json_integer_value(json_object_get(line, "value")) == rules[t->kind].command)
		t->told = t_ns;
}

static void take_state(struct judge *j, const char *to, uint64_t t_ns)
{
	struct trial *t = &j->trial;

	if (!to || (!streq(to, "off") && !streq(to, "tripped")) || t->off)
		return;
	t->off = t_ns;
	t->kick = j->kick;
}

static void take_darkness(struct judge *j, uint64_t t_ns)
{
	j->lit = false;
	j->trial.dark = j->trial.dark ?: t_ns;
}

static void take_line(struct judge *j, const json_t *line)
{
	const char *event = json_string_value(json_object_get(line, "event"));
	const uint64_t t_ns = (uint64_t)json_integer_value(json_object_get(line, "t_ns"));
	struct trial *t = &j->trial;

	if (!event)
		return;
	if (streq(event, "write") &&
	    json_integer_value(json_object_get(line, "address")) == ETALON_REG_SCRATCH)
		take_mark(j, (uint32_t)json_integer_value(json_object_get(line, "value")), t_ns);
	else if (streq(event, "command"))
		take_command(j, line, t_ns);
	else if (streq(event, "disconnected") && t->open && t->kind == MARK_SHUTDOWN)
		take_return(j, t_ns);
	else if (streq(event, "kick"))
		j->kick = t_ns;
	else if (streq(event, "port-above"))
		j->lit = true;
	else if (streq(event, "port-below"))
		take_darkness(j, t_ns);
	else if (streq(event, "gate-shut"))
		t->shut = t->shut ?: t_ns;
	else if (streq(event, "current-zero"))
		t->zero = t->zero ?: t_ns;
	else if (streq(event, "fault"))
		t->fault = t->fault ?: t_ns;
	else if (streq(event, "state"))
		take_state(j, json_string_value(json_object_get(line, "to")), t_ns);
}

static int read_log(struct judge *j, const char *path)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	_cleanup_free_ char *text = NULL;
	size_t room = 0;

	if (!f) {
		perror(path);
		return -1;
	}
	while (getline(&text, &room, f) > 0) {
		json_t *line = json_loads(text, 0, NULL);

		take_line(j, line);
		json_decref(line);
	}
	end_trial(j);
	return 0;
}

static const char *reference_name(enum reference from)
{
	switch (from) {
	case FROM_KICK:
		return "the last kick";
	case FROM_FAULT:
		return "the fault";
	default:
		return "the driver told the board";
	}
}

/* True when all that was asked for was tried, and well. */
static bool report(const struct judge *j, const char *asked)
{
	_cleanup_free_ char *name = strdup(asked);
	char *equals = name ? strchr(name, '=') : NULL;
	const struct tally *tally;
	unsigned int trials;
	int kind;

	if (!equals)
		return false;
	*equals = '\0';
	kind = mark_kind_of(name);
	trials = (unsigned int)strtoul(equals + 1, NULL, 0);
	if (kind < 0 || !trials)
		return false;
	tally = &j->tally[kind];
	printf("%-9s %3u trials of %u, %u complaints; dark at most %7.3f ms after %s, %8.3f ms after the cause in the guest%s\n",
	       name, tally->trials, trials, tally->bad, tally->worst_ms,
	       reference_name(rules[kind].from), tally->longest_ms,
	       rules[kind].dark_before ? "; always dark when the call returned" : "");
	return tally->trials >= trials && !tally->bad;
}

int main(int argc, char **argv)
{
	struct judge j = {0};
	bool good = true;

	if (argc < 4) {
		fprintf(stderr, "usage: light_log LOG WATCHDOG_MS KIND=TRIALS...\n");
		return 2;
	}
	j.watchdog_ms = strtod(argv[2], NULL);
	if (read_log(&j, argv[1]) < 0)
		return 2;
	for (int i = 3; i < argc; i++)
		good &= report(&j, argv[i]);
	return good ? 0 : 1;
}
