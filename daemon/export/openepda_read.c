// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Reads openEPDA data files; see openepda.h for the dialects. Layer: export.
 */
#include <ctype.h>
#include <errno.h>
#include <strings.h>

#include "base/util.h"
#include "data/meta.h"
#include "export/csv_read.h"
#include "export/openepda.h"
#include "export/row_count.h"
#include "export/yaml_meta.h"

#define IDENTIFIER "# openEPDA DATA FORMAT"

bool openepda_recognise(const char *begin, size_t size)
{
	return size >= strlen(IDENTIFIER) &&
	       strncasecmp(begin, IDENTIFIER, strlen(IDENTIFIER)) == 0;
}

static int cut_short(const struct text_reader *text, const char *what, char **ret_message)
{
	return fail(ret_message, -EBADMSG, "%s: the file ends %s", text->name, what);
}

/* ---- first line ---- */

/* "0.1" of "# openEPDA DATA FORMAT v.0.1" and its relatives; *old says that it is there. */
static int read_identifier(struct text_reader *text, bool *ret_old, char **ret_message)
{
	char quoted[TEXT_QUOTE_MAX];
	const char *version;
	size_t length, n;
	char *line;
	int r;

	r = text_next_line(text, &line, &length, ret_message);
	if (r < 0)
		return r;
	if (r == 0)
		return cut_short(text, "before it begins: it is empty", ret_message);
	if (!openepda_recognise(line, length))
		return fail(ret_message, -EBADMSG,
			    "%s: line 1 is \"%s\"; an openEPDA data file begins with \"%s\"",
			    text->name, text_quote(quoted, line, length), IDENTIFIER);
	version = line + strlen(IDENTIFIER);
	n = length - strlen(IDENTIFIER);
	while (n > 0 && isspace((unsigned char)version[n - 1]))
		n--;
	while (n > 0 && (isspace((unsigned char)*version) || *version == 'v' || *version == '.'))
		version++, n--;
	*ret_old = n == 3 && memcmp(version, "0.1", 3) == 0;
	if (n == 0 || *ret_old || (n == 3 && memcmp(version, "0.2", 3) == 0))
		return 0;
	return fail(ret_message, -EBADMSG,
		    "%s: line 1 says version \"%s\" of the openEPDA data format; 0.1 and 0.2 are "
		    "known",
		    text->name, text_quote(quoted, version, n));
}

/* ---- description ---- */

static bool is_mark(const char *line, size_t length, const char *mark)
{
	while (length > 0 && isspace((unsigned char)line[length - 1]))
		length--;
	return length == 3 && memcmp(line, mark, 3) == 0;
}

static bool has_content(const char *line, size_t length)
{
	while (length > 0 && isspace((unsigned char)*line))
		line++, length--;
	return length > 0 && *line != '#';
}

static int collect(struct text_reader *text, FILE *stream, char **ret_message)
{
	bool content = false;
	size_t length;
	char *line;
	int r;

	while ((r = text_next_line(text, &line, &length, ret_message)) > 0) {
		/* "---" above the first key begins the YAML document, it does not end it. */
		bool begins = !content && is_mark(line, length, "---");

		if (!begins && (is_mark(line, length, "...") || is_mark(line, length, "---")))
			return 0;
		content = content || (!begins && has_content(line, length));
		if (ftell(stream) > (long)YAML_TEXT_MAX)
			return fail(ret_message, -EBADMSG,
				    "%s: line %llu: the description is longer than %u bytes",
				    text->name, (unsigned long long)text->line, YAML_TEXT_MAX);
		fwrite(line, 1, length, stream);
		fputc('\n', stream);
	}
	return r < 0 ? r
		     : cut_short(text,
				 "within the description: the line \"...\" between description and "
				 "table is missing",
				 ret_message);
}

static int read_yaml(struct text_reader *text, json_t **ret, char **ret_message)
{
	_cleanup_free_ char *yaml = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&yaml, &size);
	int r;

	if (!stream)
		return fail(ret_message, -ENOMEM, "%s: out of memory", text->name);
	r = collect(text, stream, ret_message);
	if (fclose(stream) != 0 && r == 0)
		r = fail(ret_message, -ENOMEM, "%s: out of memory", text->name);
	return r < 0 ? r : yaml_read(yaml, size, text->name, 2, ret, ret_message);
}

/* ---- reserved keys ---- */

bool openepda_is_time(const char *s)
{
	static const char pattern[] = "dddd-dd-dd";

	for (size_t i = 0; pattern[i]; i++)
		if (pattern[i] == 'd' ? !isdigit((unsigned char)s[i]) : s[i] != pattern[i])
			return false;
	s += strlen(pattern);
	if (*s == '\0')
		return true;
	if ((*s != 'T' && *s != 't' && *s != ' ') || strlen(s) < 6)
		return false;
	return isdigit((unsigned char)s[1]) && isdigit((unsigned char)s[2]) && s[3] == ':' &&
	       isdigit((unsigned char)s[4]) && isdigit((unsigned char)s[5]) &&
	       strspn(s + 6, "0123456789:.+-Zz ") == strlen(s + 6);
}

static int take_timestamp(const char *name, json_t *meta, char **ret_message)
{
	json_t *value = json_object_get(meta, "_timestamp");

	if (!value)
		return fail(ret_message, -EBADMSG,
			    "%s: the required key \"_timestamp\" is missing; write it like "
			    "_timestamp: '2018-09-12T09:59:19'",
			    name);
	if (!json_is_string(value) || !openepda_is_time(json_string_value(value)))
		return fail(ret_message, -EBADMSG,
			    "%s: \"_timestamp\" is no ISO 8601 time; write it like "
			    "'2018-09-12T09:59:19'",
			    name);
	if (!json_object_get(meta, META_CREATED) && json_object_set(meta, META_CREATED, value) < 0)
		return fail(ret_message, -ENOMEM, "%s: out of memory", name);
	json_object_del(meta, "_timestamp");
	return 0;
}

/* Some writers put their own version there (0.1.20): what counts is the beginning. */
static bool known_version(const json_t *value)
{
	const char *text = json_string_value(value);

	if (json_is_real(value))
		return json_real_value(value) == 0.1 || json_real_value(value) == 0.2;
	return text && (strncmp(text, "0.1", 3) == 0 || strncmp(text, "0.2", 3) == 0) &&
	       (text[3] == '\0' || text[3] == '.');
}

static int take_version(const char *name, json_t *meta, bool old, char **ret_message)
{
	const json_t *value = json_object_get(meta, "_openEPDA_version");
	char quoted[TEXT_QUOTE_MAX];

	if (!value && !old)
		return fail(ret_message, -EBADMSG,
			    "%s: the required key \"_openEPDA_version\" is missing; write it like "
			    "_openEPDA_version: '0.2'",
			    name);
	if (value && !known_version(value)) {
		const char *text = json_string_value(value);

		return fail(ret_message, -EBADMSG,
			    "%s: \"_openEPDA_version\" is \"%s\"; '0.1' and '0.2' are known", name,
			    text ? text_quote(quoted, text, strlen(text)) : "no text");
	}
	json_object_del(meta, "_openEPDA_version");
	return 0;
}

static int take_reserved(const char *name, json_t *meta, bool old, char **ret_message)
{
	char quoted[TEXT_QUOTE_MAX];
	json_t *value;
	const char *key;
	int r;

	r = take_timestamp(name, meta, ret_message);
	if (r == 0)
		r = take_version(name, meta, old, ret_message);
	if (r < 0)
		return r;
	json_object_foreach(meta, key, value)
		if (*key == '_')
			return fail(
				ret_message, -EBADMSG,
				"%s: the key \"%s\" is not known; names that begin with _ are "
				"reserved, and openEPDA defines _timestamp and _openEPDA_version",
				name, text_quote(quoted, key, strlen(key)));
	return 0;
}

int openepda_read(struct text_reader *text, struct table **ret, char **ret_message)
{
	_cleanup_table_ struct table *table = NULL;
	_cleanup_json_ json_t *meta = NULL;
	bool old;
	int r;

	r = read_identifier(text, &old, ret_message);
	if (r == 0)
		r = read_yaml(text, &meta, ret_message);
	if (r == 0)
		r = take_reserved(text->name, meta, old, ret_message);
	if (r == 0)
		r = csv_read_table(text, &table, ret_message);
	if (r == 0)
		r = row_count_check(meta, table, text->name, ret_message);
	if (r < 0)
		return r;
	yaml_meta_drop_legend(meta);
	json_decref(table->meta);
	table->meta = take_ptr(meta);
	*ret = take_ptr(table);
	return 0;
}
