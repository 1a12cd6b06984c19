// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Reading the END of a program from the emulator's log. See board_end.h.
 */
#include "board_end.h"

#include "base/util.h"

static bool is_event(const json_t *line, const char *event)
{
	const char *name = json_string_value(json_object_get(line, "event"));

	return name && streq(name, event);
}

static uint64_t number_of(const json_t *line, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(line, key));
}

bool board_end_find(const json_t *log, int64_t run, unsigned int segment, struct board_end *ret)
{
	const uint64_t key = (uint64_t)run << 8 | segment; /* as the daemon keys its programs */
	bool is_it = false;
	const json_t *line;
	size_t i;

	json_array_foreach(log, i, line) {
		if (is_event(line, "program-start"))
			is_it = number_of(line, "run_key") == key;
		if (!is_it || !is_event(line, "program-end"))
			continue;
		*ret = (struct board_end){
			.produced = number_of(line, "produced"),
			.dropped = number_of(line, "dropped"),
		};
		return true;
	}
	return false;
}
