// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Reads the emulator's log as it grows. See light_log.h.
 */
#include "light_log.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/util.h"

#include <check.h> /* last: it defines a macro fail() */

#define HALF_A_LINE_TRIES 2000
#define HALF_A_LINE_US 1000

const struct light_span light_lit = {"port-above", "port-below"};
const struct light_span light_gate = {"gate-open", "gate-shut"};

/* At the end of the file, where half a line may stand that is being written. */
static void await_whole_line(FILE *file)
{
	for (int i = 0; i < HALF_A_LINE_TRIES && ftell(file) > 0; i++) {
		ck_assert_int_eq(fseek(file, -1, SEEK_END), 0);
		if (fgetc(file) == '\n')
			return;
		usleep(HALF_A_LINE_US);
	}
}

void light_log_open(struct light_log *log, const struct session *s)
{
	log->file = fopen(s->log, "re");
	ck_assert_msg(log->file != NULL, "no log %s: %s", s->log, strerror(errno));
	ck_assert_int_eq(fseek(log->file, 0, SEEK_END), 0);
	log->lines = json_array();
	await_whole_line(log->file);
}

void light_log_close(struct light_log *log)
{
	json_decref(log->lines);
	fclose(log->file);
	*log = (struct light_log){0};
}

static void add_line(struct light_log *log, const char *text)
{
	json_t *line = json_loads(text, 0, NULL);

	ck_assert_msg(line != NULL, "the log has a line that is no JSON: %s", text);
	json_array_append_new(log->lines, line);
}

void light_log_read(struct light_log *log)
{
	_cleanup_free_ char *text = NULL;
	unsigned int patience = HALF_A_LINE_TRIES;
	long at = ftell(log->file);
	size_t room = 0;
	ssize_t n;

	clearerr(log->file);
	while ((n = getline(&text, &room, log->file)) > 0) {
		if (text[n - 1] == '\n') {
			add_line(log, text);
		} else { /* being written just now */
			ck_assert_msg(patience-- > 0, "the log ends with half a line: %s", text);
			usleep(HALF_A_LINE_US);
			clearerr(log->file);
			ck_assert_int_eq(fseek(log->file, at, SEEK_SET), 0);
		}
		at = ftell(log->file);
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
