// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Reads the parameters object of an emulator: every key is known and in range, or it is
 * refused with what is allowed. Knows no parameter by itself.
 */
#include "emulator/parameters.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/util.h"

static void store(const struct parameter_group *group, const struct parameter *p, double value)
{
	double si = value * p->scale;

	memcpy((char *)group->base + p->offset, &si, sizeof(si));
}

static int unknown_key(const char *key, const struct parameter_group *groups, size_t group_count,
		       const struct parameter_word *words, size_t word_count, char **ret_message)
{
	_cleanup_free_ char *list = NULL;
	size_t size = 0;
	FILE *f;

	f = open_memstream(&list, &size);
	if (!f)
		return -ENOMEM;
	for (size_t i = 0; i < word_count; i++)
		fprintf(f, "%s%s", i ? ", " : "", words[i].key);
	for (size_t g = 0; g < group_count; g++)
		for (size_t i = 0; i < groups[g].count; i++)
			fprintf(f, ", %s", groups[g].parameters[i].key);
	fclose(f);
	return fail(ret_message, -EINVAL,
		    "no parameter is called '%s' for this device; allowed: %s", key,
		    word_count ? list : list + 2);
}

static int read_number(const struct parameter_group *group, const struct parameter *p,
		       const json_t *json, char **ret_message)
{
	double value;

	if (!json_is_number(json))
		return fail(ret_message, -EINVAL,
			    "parameter %s must be a number from %g to %g (default %g)", p->key,
			    p->min, p->max, p->value);
	value = json_number_value(json);
	if (!(value >= p->min && value <= p->max))
		return fail(ret_message, -EINVAL,
			    "parameter %s = %g is outside its range, %g to %g (default %g)", p->key,
			    value, p->min, p->max, p->value);
	store(group, p, value);
	return 0;
}

static int read_word(struct parameter_word *word, const json_t *json, char **ret_message)
{
	const char *value = json_string_value(json);
	_cleanup_free_ char *list = NULL;
	size_t size = 0;
	FILE *f;

	for (size_t i = 0; value && word->words[i]; i++)
		if (streq(value, word->words[i])) {
			word->value = word->words[i];
			return 0;
		}
	f = open_memstream(&list, &size);
	if (!f)
		return -ENOMEM;
	for (size_t i = 0; word->words[i]; i++)
		fprintf(f, "%s\"%s\"", i ? ", " : "", word->words[i]);
	fclose(f);
	return fail(ret_message, -EINVAL, "parameter %s must be one of %s", word->key, list);
}

static int read_one(const char *key, const json_t *value, const struct parameter_group *groups,
		    size_t group_count, struct parameter_word *words, size_t word_count,
		    char **ret_message)
{
	for (size_t i = 0; i < word_count; i++)
		if (streq(words[i].key, key))
			return read_word(&words[i], value, ret_message);
	for (size_t g = 0; g < group_count; g++)
		for (size_t i = 0; i < groups[g].count; i++)
			if (streq(groups[g].parameters[i].key, key))
				return read_number(&groups[g], &groups[g].parameters[i], value,
						   ret_message);
	return unknown_key(key, groups, group_count, words, word_count, ret_message);
}

int parameters_read(json_t *object, const struct parameter_group *groups, size_t group_count,
		    struct parameter_word *words, size_t word_count, char **ret_message)
{
	const char *key;
	json_t *value;

	if (object && !json_is_object(object))
		return fail(ret_message, -EINVAL,
			    "parameters must be a JSON object like {\"loss_db_per_cm\": 3}");
	for (size_t g = 0; g < group_count; g++)
		for (size_t i = 0; i < groups[g].count; i++)
			store(&groups[g], &groups[g].parameters[i], groups[g].parameters[i].value);
	json_object_foreach(object, key, value) {
		int r = read_one(key, value, groups, group_count, words, word_count, ret_message);

		if (r < 0)
			return r;
	}
	return 0;
}
