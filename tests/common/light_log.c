// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Reads the emulator's log as it grows. See light_log.h.
 */
#include "light_log.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/util.h"

#include <check.h> /* last: it defines a macro fail() */

const struct light_span light_lit = {"port-above", "port-below"};
const struct light_span light_gate = {"gate-open", "gate-shut"};

void light_log_open(struct light_log *log, const struct session *s)
{
	log->file = fopen(s->log, "re");
	ck_assert_msg(log->file != NULL, "no log %s: %s", s->log, strerror(errno));
	ck_assert_int_eq(fseek(log->file, 0, SEEK_END), 0);
	log->lines = json_array();
}

void light_log_close(struct light_log *log)
{
	json_decref(log->lines);
	fclose(log->file);
	*log = (struct light_log){0};
}

void light_log_read(struct light_log *log)
{
	_cleanup_free_ char *text = NULL;
	size_t room = 0;

	clearerr(log->file);
	/* The emulator writes a line with one call: there is no half of one. */
	while (getline(&text, &room, log->file) > 0) {
		json_t *line = json_loads(text, 0, NULL);

		ck_assert_msg(line != NULL, "the log has a line that is no JSON: %s", text);
		json_array_append_new(log->lines, line);
	}
}

static const char *text_of(const json_t *line, const char *member)
{
	const char *text = json_string_value(json_object_get(line, member));

	return text ? text : "";
}

static uint64_t time_of(const json_t *line)
{
	return (uint64_t)json_integer_value(json_object_get(line, "t_ns"));
}

uint64_t light_log_last(const struct light_log *log, const char *event, uint64_t from_ns,
			uint64_t to_ns)
{
	uint64_t last = 0;
	const json_t *line;
	size_t i;

	json_array_foreach(log->lines, i, line) {
		const uint64_t t = time_of(line);

		if (t >= from_ns && t <= to_ns && streq(text_of(line, "event"), event))
			last = t;
	}
	return last;
}

uint64_t light_log_since(const struct light_log *log, const struct light_span *span, uint64_t at_ns)
{
	uint64_t since = 0;
	const json_t *line;
	size_t i;

	json_array_foreach(log->lines, i, line) {
		if (time_of(line) > at_ns)
			continue;
		if (streq(text_of(line, "event"), span->begin))
			since = time_of(line);
		else if (streq(text_of(line, "event"), span->end))
			since = 0;
	}
	return since;
}

bool light_log_reached(const struct light_log *log, const char *state, uint64_t by_ns)
{
	const json_t *line;
	size_t i;

	json_array_foreach(log->lines, i, line) {
		if (streq(text_of(line, "event"), "state") && streq(text_of(line, "to"), state) &&
		    time_of(line) <= by_ns)
			return true;
	}
	return false;
}

uint64_t light_log_off(const struct light_log *log, uint64_t from_ns, uint32_t *ret_cause)
{
	const json_t *line;
	size_t i;

	json_array_foreach(log->lines, i, line) {
		if (!streq(text_of(line, "event"), "state") ||
		    !streq(text_of(line, "from"), "emitting") || time_of(line) < from_ns)
			continue;
		*ret_cause = (uint32_t)json_integer_value(json_object_get(line, "cause"));
		return time_of(line);
	}
	return 0;
}
