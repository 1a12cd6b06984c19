// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Parsing a verb's command line. See options.h.
 */
#include "cli/options.h"

#include <errno.h>
#include <string.h>

#include "base/util.h"

#define NAMES_MAX 64

const struct option_spec common_options[] = {
	{"board", 0, "SERIAL", "which board, when there are several", false},
	{"bus", 0, "ADDRESS",
	 "D-Bus address, or system or user "
	 "(default: $ETALON_BUS, else the system bus)",
	 false},
	{"json", 0, NULL,
	 "one JSON document on standard output at the end (monitor and meter: one on each line), the "
	 "rest on standard error",
	 false},
	{"help", 'h', NULL, "this text", false},
	{0},
};

static const struct option_spec *by_name(const struct option_spec *table, const char *name,
					 size_t length)
{
	for (; table && table->name; table++) {
		if (strlen(table->name) == length && strncmp(table->name, name, length) == 0)
			return table;
	}
	return NULL;
}

static const struct option_spec *by_letter(const struct option_spec *table, char letter)
{
	for (; table && table->name; table++) {
		if (table->letter && table->letter == letter)
			return table;
	}
	return NULL;
}

/* "-2V" and "-.5dBm" are quantities. */
static bool is_option(const char *word)
{
	if (word[0] != '-' || word[1] == '\0')
		return false;
	return !(word[1] >= '0' && word[1] <= '9') && word[1] != '.';
}

static int refuse_unknown(const struct option_spec *specs, const char *name, size_t length,
			  char **ret_message)
{
	const char *names[NAMES_MAX + 1] = {0};
	const struct option_spec *const tables[] = {specs, common_options};
	_cleanup_free_ char *word = strndup(name, length);
	const char *near;
	size_t n = 0;

	if (!word)
		return -ENOMEM;
	for (size_t t = 0; t < ARRAY_SIZE(tables); t++) {
		for (const struct option_spec *s = tables[t]; s && s->name && n < NAMES_MAX; s++)
			names[n++] = s->name;
	}
	near = nearest_word(word, names);
	if (near)
		return fail(ret_message, -EINVAL, "there is no option --%s; nearest: --%s", word,
			    near);
	return fail(ret_message, -EINVAL, "there is no option --%s", word);
}

static const struct option_spec *find(const struct option_spec *specs, const char *name,
				      size_t length)
{
	const struct option_spec *spec = by_name(specs, name, length);

	return spec ? spec : by_name(common_options, name, length);
}

static int store(struct options *o, const struct option_spec *spec, const char *text,
		 char **ret_message)
{
	if (!spec->repeats && options_has(o, spec->name) && spec->value)
		return fail(ret_message, -EINVAL, "--%s is given twice: %s and %s; give it once",
			    spec->name, options_text(o, spec->name), text);
	o->values[o->count++] = (struct option_value){.spec = spec, .text = text};
	return 0;
}

/* Returns how many words were used, or negative errno. */
static int parse_long(struct options *o, const struct option_spec *specs, const char *name,
		      const char *next, char **ret_message)
{
	const char *equals = strchr(name, '=');
	size_t length = equals ? (size_t)(equals - name) : strlen(name);
	const struct option_spec *spec = find(specs, name, length);
	int r;

	if (!spec)
		return refuse_unknown(specs, name, length, ret_message);
	if (!spec->value && equals)
		return fail(ret_message, -EINVAL, "--%s takes no value", spec->name);
	if (spec->value && !equals && !next)
		return fail(ret_message, -EINVAL, "--%s wants a value: --%s %s", spec->name,
			    spec->name, spec->value);
	r = store(o, spec, !spec->value ? NULL : equals ? equals + 1 : next, ret_message);
	if (r < 0)
		return r;
	return spec->value && !equals ? 2 : 1;
}

static int parse_short(struct options *o, const struct option_spec *specs, const char *word,
		       const char *next, char **ret_message)
{
	const struct option_spec *spec = by_letter(specs, word[1]);
	int r;

	if (!spec)
		spec = by_letter(common_options, word[1]);
	if (!spec)
		return fail(ret_message, -EINVAL, "there is no option -%c", word[1]);
	if (!spec->value && word[2])
		return fail(ret_message, -EINVAL, "-%c takes no value: '%s'", word[1], word);
	if (spec->value && !word[2] && !next)
		return fail(ret_message, -EINVAL, "-%c wants a value: -%c %s", word[1], word[1],
			    spec->value);
	r = store(o, spec, !spec->value ? NULL : word[2] ? word + 2 : next, ret_message);
	if (r < 0)
		return r;
	return spec->value && !word[2] ? 2 : 1;
}

int options_parse(struct options *o, const struct option_spec *specs, int argc, char **argv,
		  char **ret_message)
{
	bool ended = false;

	*o = (struct options){0};
	o->values = calloc((size_t)argc + 1, sizeof(*o->values));
	o->words = calloc((size_t)argc + 1, sizeof(*o->words));
	if (!o->values || !o->words)
		return -ENOMEM;
	for (int i = 0; i < argc;) {
		const char *next = i + 1 < argc ? argv[i + 1] : NULL;
		int used = 1;

		if (!ended && streq(argv[i], "--"))
			ended = true;
		else if (ended || !is_option(argv[i]))
			o->words[o->word_count++] = argv[i];
		else if (argv[i][1] == '-')
			used = parse_long(o, specs, argv[i] + 2, next, ret_message);
		else
			used = parse_short(o, specs, argv[i], next, ret_message);
		if (used < 0)
			return used;
		i += used;
	}
	return 0;
}

void options_clear(struct options *o)
{
	free(o->values);
	free(o->words);
	*o = (struct options){0};
}

const char *options_nth(const struct options *o, const char *name, size_t index)
{
	for (size_t i = 0; i < o->count; i++) {
		if (streq(o->values[i].spec->name, name) && index-- == 0)
			return o->values[i].text;
	}
	return NULL;
}

bool options_has(const struct options *o, const char *name)
{
	for (size_t i = 0; i < o->count; i++) {
		if (streq(o->values[i].spec->name, name))
			return true;
	}
	return false;
}

const char *options_text(const struct options *o, const char *name)
{
	const char *text = NULL;

	for (size_t i = 0; i < o->count; i++) {
		if (streq(o->values[i].spec->name, name))
			text = o->values[i].text;
	}
	return text;
}
