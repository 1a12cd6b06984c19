// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Dark currents for live readings. See zero.h.
 */
#include "etalond/zero.h"

#include "base/util.h"
#include "data/meta.h"

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static void take_channel(struct zero *zero, const struct facts *facts, const json_t *channel,
			 const struct zero_level *taken)
{
	const json_t *dark = json_object_get(channel, "dark_a");
	const json_t *sigma = json_object_get(channel, "dark_random_a");
	int detector = facts_detector(facts, text_of(channel, "detector")), range;

	if (detector < 0 || !json_is_number(dark) || !json_is_number(sigma))
		return;
	range = description_range(facts->description, (unsigned int)detector,
				  text_of(channel, "range"));
	if (range < 0)
		return;
	zero->level[detector] = *taken;
	zero->level[detector].range = (unsigned int)range;
	zero->level[detector].dark_a = json_number_value(dark);
	zero->level[detector].dark_sigma_a = json_number_value(sigma);
}

void zero_take(struct zero *zero, const struct facts *facts, int64_t run, const json_t *meta,
	       uint64_t now_ns)
{
	const struct zero_level taken = {.run = run, .taken_ns = now_ns};
	const json_t *channel;
	size_t i;

	if (!streq(text_of(meta, META_KIND), "dark") ||
	    !json_is_true(json_object_get(json_object_get(meta, META_LEDGER), "complete")))
		return;
	json_array_foreach(json_object_get(meta, META_CHANNELS), i, channel)
		take_channel(zero, facts, channel, &taken);
}

const struct zero_level *zero_find(const struct zero *zero, unsigned int detector,
				   unsigned int range)
{
	const struct zero_level *level = &zero->level[detector];

	return level->run > 0 && level->range == range ? level : NULL;
}
