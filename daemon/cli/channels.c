// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Finding channels by name. See channels.h.
 */
#include "cli/channels.h"

#include <errno.h>
#include <strings.h>

#include "cli/options.h"

#define NAMES_MAX 512

const char *detector_shown(const json_t *detector)
{
	const char *alias = member_text(detector, "alias");

	return *alias ? alias : member_text(detector, "name");
}

static const json_t *find(const struct object *board, const char *property, const char *key,
			  const char *name)
{
	const json_t *item;
	size_t i;

	json_array_foreach(json_object_get(board->properties, property), i, item) {
		if (*name && streq(member_text(item, key), name))
			return item;
	}
	return NULL;
}

const json_t *find_detector(const struct object *board, const char *name)
{
	const json_t *detector = find(board, "Detectors", "name", name);

	return detector ? detector : find(board, "Detectors", "alias", name);
}

const json_t *find_source(const struct object *board, const char *name)
{
	return find(board, "Sources", "name", name);
}

const json_t *emitting_source(const struct object *board, const char *unit)
{
	const json_t *source;
	size_t i;

	json_array_foreach(json_object_get(board->properties, "Sources"), i, source) {
		if (member_flag(source, "emits") && streq(member_text(source, "unit"), unit))
			return source;
	}
	return NULL;
}

enum quantity_kind source_kind(const json_t *source)
{
	int kind = quantity_kind_of_unit(member_text(source, "unit"));

	return kind < 0 ? QUANTITY_COUNT : (enum quantity_kind)kind;
}

struct quantity_text source_text(const json_t *source, int64_t value)
{
	return quantity_format(source_kind(source), value);
}

int source_parse(const json_t *source, const char *text, int64_t *ret, char **ret_message)
{
	int64_t step = member_number(source, "resolution", 0), value;
	int r = quantity_parse(text, source_kind(source), &value, ret_message);

	if (r < 0)
		return r;
	if (step > 1 && value > 0 && value < INT64_MAX - step && quantity_is_derived(text))
		value = (value + step / 2) / step * step;
	*ret = value;
	return 0;
}

static bool same_but_blanks(const char *a, const char *b)
{
	for (;; a++, b++) {
		while (*a == ' ')
			a++;
		while (*b == ' ')
			b++;
		if (*a != *b)
			return false;
		if (*a == '\0')
			return true;
	}
}

const json_t *find_range(const json_t *detector, const char *name)
{
	const json_t *range;
	size_t i;

	json_array_foreach(json_object_get(detector, "ranges"), i, range) {
		if (same_but_blanks(member_text(range, "name"), name))
			return range;
	}
	return NULL;
}

/* ---- refusals ---- */

static size_t add_names(const struct object *board, const char *property, const char *key,
			const char **names, size_t n)
{
	const json_t *item;
	size_t i;

	json_array_foreach(json_object_get(board->properties, property), i, item) {
		if (n < NAMES_MAX && *member_text(item, key))
			names[n++] = member_text(item, key);
	}
	return n;
}

static void list_names(struct cli *cli, const char *what, const char *const *names)
{
	fprintf(cli->err, "  %s:", what);
	for (; *names; names++)
		fprintf(cli->err, " %s", *names);
	fputc('\n', cli->err);
}

static int refuse(struct cli *cli, const char *what, const char *name, const char *const *names)
{
	const char *near = nearest_word(name, names);

	cli_fail(cli, EXIT_USAGE, "there is no %s '%s'%s%s", what, name, near ? "; nearest: " : "",
		 near ? near : "");
	list_names(cli, "there are", names);
	return EXIT_USAGE;
}

int refuse_detector(struct cli *cli, const struct object *board, const char *name)
{
	const char *names[NAMES_MAX + 1] = {0};
	size_t n = add_names(board, "Detectors", "alias", names, 0);

	add_names(board, "Detectors", "name", names, n);
	return refuse(cli, "detector", name, names);
}

int refuse_source(struct cli *cli, const struct object *board, const char *name)
{
	const char *names[NAMES_MAX + 1] = {0};

	add_names(board, "Sources", "name", names, 0);
	return refuse(cli, "source", name, names);
}

/* The most sensitive range that takes what was asked for; the least sensitive where none does. */
static const json_t *nearest_range(const json_t *detector, const char *asked)
{
	const int kind = quantity_kind_of_unit(member_text(detector, "unit"));
	const json_t *range, *best = NULL;
	int64_t wanted, best_full = 0;
	size_t i;

	if (kind < 0 || quantity_parse(asked, (enum quantity_kind)kind, &wanted, NULL) < 0)
		return NULL;
	json_array_foreach(json_object_get(detector, "ranges"), i, range) {
		int64_t full;
		bool takes, better;

		if (quantity_parse(member_text(range, "name"), (enum quantity_kind)kind, &full,
				   NULL) < 0)
			continue;
		takes = full >= wanted;
		better = best_full >= wanted ? takes && full < best_full : full > best_full;
		if (best && !better)
			continue;
		best = range;
		best_full = full;
	}
	return best;
}

int refuse_range(struct cli *cli, const json_t *detector, const char *name)
{
	const json_t *range = nearest_range(detector, name);
	size_t i;

	cli_fail(cli, EXIT_USAGE, "%s has no range '%s'%s%s", detector_shown(detector), name,
		 range ? "; the nearest that would do: " : "",
		 range ? member_text(range, "name") : "");
	fputs("  there are:", cli->err);
	json_array_foreach(json_object_get(detector, "ranges"), i, range) {
		fprintf(cli->err, "%s %s", i > 0 ? "," : "", member_text(range, "name"));
	}
	fputc('\n', cli->err);
	return EXIT_USAGE;
}

/* ---- lists ---- */

static int add_detector(struct cli *cli, const struct object *board, const char *name, json_t *to)
{
	const json_t *detector = find_detector(board, name), *other;
	size_t i;

	if (!detector)
		return refuse_detector(cli, board, name);
	json_array_foreach(to, i, other) {
		if (find_detector(board, json_string_value(other)) == detector)
			return cli_fail(cli, EXIT_USAGE, "detector %s is named twice; name it once",
					name);
	}
	return json_array_append_new(to, json_string(name)) < 0 ? cli_no_memory(cli) : 0;
}

int read_detectors(struct cli *cli, const struct object *board, const char *const *lists,
		   size_t count, json_t **ret)
{
	_cleanup_(json_decrefp) json_t *names = json_array();

	if (!names)
		return cli_no_memory(cli);
	for (size_t i = 0; i < count; i++) {
		_cleanup_free_ char *copy = strdup(lists[i]);
		char *rest = copy, *name;

		if (!copy)
			return cli_no_memory(cli);
		while ((name = strsep(&rest, ","))) {
			int r = add_detector(cli, board, name, names);

			if (r != 0)
				return r;
		}
	}
	*ret = take_ptr(names);
	return 0;
}
