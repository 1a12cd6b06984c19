/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Parameters of the emulator by name, from a JSON object: each module describes its own
 * numbers in a table, units in the key names, SI in the structs. Layer: emulator.
 */
#ifndef ETALON_EMULATOR_PARAMETERS_H
#define ETALON_EMULATOR_PARAMETERS_H

#include <jansson.h>
#include <stddef.h>

struct parameter {
	const char *key; /* "radius_um" */
	size_t offset; /* of a double in the module's struct */
	double scale; /* SI value of one unit of the key */
	double value; /* default, in the key's unit */
	double min; /* allowed, in the key's unit */
	double max;
};

struct parameter_group {
	const struct parameter *parameters;
	size_t count;
	void *base; /* the module's struct */
};

/* A parameter that is a word: one of the words of a NULL-terminated list. */
struct parameter_word {
	const char *key;
	const char *value; /* default in, chosen out: one of `words` */
	const char *const *words;
};

/*
 * Fills the groups and words with their defaults, then with what `object` says (NULL: nothing).
 * -EINVAL with a message: unknown key (which lists those allowed), not a number, or out of range.
 */
int parameters_read(json_t *object, const struct parameter_group *groups, size_t group_count,
		    struct parameter_word *words, size_t word_count, char **ret_message);

#endif
