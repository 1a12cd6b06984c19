/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The command line of one verb: options by table, anywhere between the words. Layer: cli.
 *
 * --name VALUE, --name=VALUE, -n VALUE; "--" ends options. A word such as -2V is a quantity, not an
 * option. Nothing is abbreviated or guessed: what is unknown is refused with the nearest name.
 */
#ifndef ETALON_CLI_OPTIONS_H
#define ETALON_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

struct option_spec {
	const char *name; /* without dashes; NULL ends a table */
	char letter; /* 0: none */
	const char *value; /* "POWER" in the help, NULL: takes none */
	const char *help; /* may hold several lines */
	bool repeats; /* may be given more than once */
};

struct option_value {
	const struct option_spec *spec;
	const char *text; /* NULL for one that takes none */
};

struct options {
	struct option_value *values; /* in order of appearance */
	size_t count;
	char **words; /* what is not an option; NULL-terminated; points into argv */
	size_t word_count;
};

/*
 * Options every verb takes (--bus, --board, --json, --help) come on top of `specs`, which may be
 * NULL. -EINVAL with a message.
 */
int options_parse(struct options *o, const struct option_spec *specs, int argc, char **argv,
		  char **ret_message);
void options_clear(struct options *o);
#define _cleanup_options_ _cleanup_(options_clear)

extern const struct option_spec common_options[];

bool options_has(const struct options *o, const char *name);
/* The value of the last one, or NULL. */
const char *options_text(const struct options *o, const char *name);
/* Value number `index` (from 0) among those given under this name, or NULL. */
const char *options_nth(const struct options *o, const char *name, size_t index);

/*
 * The candidate nearest to `word`, or NULL when none is near: at most one third of its letters
 * differ, or it begins with word. `candidates` is NULL-terminated.
 */
const char *nearest_word(const char *word, const char *const *candidates);

#endif
