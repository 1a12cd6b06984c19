// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * etalonctl label: labels of a stored run; its data never change.
 */
#include "cli/run.h"
#include "cli/verbs.h"
#include "data/meta.h"

#define FOLLOW_NS (2 * NSEC_PER_SEC)
#define TURN_US 20000

static const char *const keys[] = {META_LABELS};

static int read_labels(struct cli *cli, const struct options *o, json_t *labels)
{
	if (o->word_count > 1 && json_object_set_new(labels, "label", json_string(o->words[1])) < 0)
		return cli_fail(cli, EXIT_USAGE, "the label is not valid UTF-8");
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const char *text = options_text(o, keys[i]);

		if (text && json_object_set_new(labels, keys[i], json_string(text)) < 0)
			return cli_fail(cli, EXIT_USAGE, "--%s: not valid UTF-8", keys[i]);
	}
	if (json_object_size(labels) > 0)
		return 0;
	cli_fail(cli, EXIT_USAGE, "label it how?");
	cli_try(cli, PROGRAM " label %s ring40 --device R40-2",
		o->word_count > 0 ? o->words[0] : "last");
	return EXIT_USAGE;
}

static bool labelled(const struct object *run, const json_t *labels)
{
	const json_t *metadata = member_at(run->properties, "Metadata");
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)labels, key, value) {
		if (!streq(member_text(metadata, key), json_string_value(value)))
			return false;
	}
	return true;
}

/* The answer may come before the properties follow: what is shown next shall be what is stored. */
static void wait_until_labelled(struct cli *cli, struct object *run, const json_t *labels)
{
	uint64_t until = now_ns() + FOLLOW_NS;

	object_refresh(run, NULL);
	while (!labelled(run, labels) && now_ns() < until) {
		cli_turn(cli, TURN_US);
		object_refresh(run, NULL);
	}
}

static int run(struct cli *cli, const struct options *o)
{
	_cleanup_(json_decrefp) json_t *labels = json_object();
	_cleanup_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
	_cleanup_message_ sd_bus_message *call = NULL;
	_cleanup_object_ struct object run = {0};
	int r;

	if (o->word_count == 0) {
		cli_fail(cli, EXIT_USAGE, "label which run?");
		cli_try(cli, PROGRAM " label 17 ring40");
		return EXIT_USAGE;
	}
	r = read_labels(cli, o, labels);
	if (r == 0)
		r = run_open_text(cli, o->words[0], &run);
	if (r != 0)
		return r;
	call = bus_new_call(cli, run.path, ETALON_RUN, "SetLabels");
	if (!call || wire_append_strings(call, labels) < 0)
		return cli_no_memory(cli);
	if (bus_call(cli, call, 0, &error, NULL) < 0)
		return bus_fail(cli, &error, NULL);
	wait_until_labelled(cli, &run, labels);
	return show_run(cli, &run);
}

static const struct option_spec options[] = {
	{"label", 0, "TEXT", "the same as the second word", false},
	{"device", 0, "TEXT", "which device was measured", false},
	{"wafer", 0, "TEXT", "on which wafer", false},
	{"die", 0, "TEXT", "on which die, for instance 3,4", false},
	{"note", 0, "TEXT", "anything else", false},
	{"operator", 0, "TEXT", "who measured", false},
	{0},
};

const struct verb verb_label = {
	.name = "label",
	.summary = "name a run, after it was taken",
	.usage = "label RUN [LABEL] [--device TEXT] [--wafer TEXT] [--die TEXT] [--note TEXT]",
	.text = "The data of a run never change, its labels may. What is not named stays as it is; an "
		"empty text removes that label: --note ''.",
	.examples =
		"label 17 ring40 --device R40-2 --wafer W12 --die 3,4\nlabel last --note 'fibre moved'",
	.options = options,
	.words_max = 2,
	.run = run,
};
