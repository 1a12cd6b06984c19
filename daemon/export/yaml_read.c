// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * YAML text to a JSON object, by libyaml's events; see yaml_meta.h for what is accepted.
 * Layer: export.
 */
#include <errno.h>
#include <yaml.h>

#include "base/util.h"
#include "export/number.h"
#include "export/text_reader.h"
#include "export/yaml_meta.h"

#define _cleanup_event_ _cleanup_(yaml_event_delete)

struct yaml_reader {
	yaml_parser_t parser;
	const char *name;
	uint64_t first_line;
	size_t nodes;
	int depth;
	char **ret_message;
};

static void yaml_reader_done(struct yaml_reader *reader)
{
	yaml_parser_delete(&reader->parser);
}

/* ---- scalars ---- */

static bool one_of(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (streq(text, *words))
			return true;
	return false;
}

/* A whole number of the core schema; NULL when it is none, or better kept as text. */
static json_t *to_integer(const char *text)
{
	const char *digits = text + (*text == '-' || *text == '+');
	bool decimal = strspn(digits, "0123456789") == strlen(digits) && *digits;
	int base = 10;
	char *end;
	long long value;

	if (decimal && digits[0] == '0' && digits[1])
		return NULL;
	if (!decimal && strncmp(text, "0x", 2) == 0)
		base = 16;
	else if (!decimal && strncmp(text, "0o", 2) == 0)
		base = 8;
	else if (!decimal)
		return NULL;
	digits = base == 10 ? text : text + 2;
	/* strtoll() would take blanks and signs here. */
	if (base != 10 && strspn(digits, "0123456789abcdefABCDEF") != strlen(digits))
		return NULL;
	errno = 0;
	value = strtoll(digits, &end, base);
	return errno || end == digits || *end ? NULL : json_integer(value);
}

static json_t *to_real(const char *text)
{
	const char *digits = text + (*text == '-' || *text == '+');
	bool whole = strspn(digits, "0123456789") == strlen(digits);
	double value;

	/* Whole numbers that are no integers (007, 10^30) were left as text on purpose. */
	if (whole || number_parse(text, strlen(text), &value) != NUMBER_FINITE)
		return NULL;
	return json_real(value);
}

static json_t *resolve_plain(const char *text)
{
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
	static const char *const trues[] = {"true", "True", "TRUE", NULL};
	static const char *const falses[] = {"false", "False", "FALSE", NULL};
	json_t *value;

	if (one_of(text, nulls))
		return json_null();
	if (one_of(text, trues))
		return json_true();
	if (one_of(text, falses))
		return json_false();
	value = to_integer(text);
	if (!value)
		value = to_real(text);
	return value ? value : json_string(text);
}

static int bad_yaml(const struct yaml_reader *reader, const yaml_event_t *event, const char *what)
{
	return fail(reader->ret_message, -EBADMSG, "%s: line %llu: %s", reader->name,
		    (unsigned long long)(reader->first_line + event->start_mark.line), what);
}

static int foreign_tag(const struct yaml_reader *reader, const yaml_event_t *event)
{
	return bad_yaml(reader, event,
			"a type tag (!...) that is not of the YAML core schema; write plain text, "
			"numbers, true or false");
}

static int read_scalar(const struct yaml_reader *reader, const yaml_event_t *event, json_t **ret)
{
	const char *text = (const char *)event->data.scalar.value;
	const char *tag = (const char *)event->data.scalar.tag;
	bool string = event->data.scalar.quoted_implicit;

	if (strlen(text) != event->data.scalar.length)
		return bad_yaml(reader, event, "a text with a zero character in it");
	if (tag && streq(tag, YAML_STR_TAG))
		string = true;
	else if (tag && (streq(tag, YAML_INT_TAG) || streq(tag, YAML_FLOAT_TAG) ||
			 streq(tag, YAML_BOOL_TAG) || streq(tag, YAML_NULL_TAG)))
		string = false;
	else if (tag)
		return bad_yaml(
			reader, event,
			"a type tag (!...) that is not of the YAML core schema; write plain "
			"text, numbers, true or false");
	*ret = string ? json_string(text) : resolve_plain(text);
	if (!*ret)
		return bad_yaml(reader, event, "text that is not UTF-8");
	return 0;
}

/* ---- structure ---- */

static int next_event(struct yaml_reader *reader, yaml_event_t *event)
{
	const yaml_parser_t *p = &reader->parser;

	if (yaml_parser_parse(&reader->parser, event))
		return 0;
	if (p->error == YAML_MEMORY_ERROR)
		return fail(reader->ret_message, -ENOMEM, "%s: out of memory", reader->name);
	return fail(reader->ret_message, -EBADMSG, "%s: line %llu: not valid YAML: %s%s%s",
		    reader->name, (unsigned long long)(reader->first_line + p->problem_mark.line),
		    p->context ? p->context : "", p->context ? ": " : "",
		    p->problem ? p->problem : "unreadable");
}

static int read_node(struct yaml_reader *reader, const yaml_event_t *event, json_t **ret);

static int read_sequence(struct yaml_reader *reader, json_t **ret)
{
	_cleanup_json_ json_t *array = json_array();

	for (;;) {
		_cleanup_event_ yaml_event_t event = {};
		json_t *value;
		int r = next_event(reader, &event);

		if (r < 0)
			return r;
		if (event.type == YAML_SEQUENCE_END_EVENT)
			break;
		r = read_node(reader, &event, &value);
		if (r < 0)
			return r;
		if (json_array_append_new(array, value) < 0)
			return -ENOMEM;
	}
	*ret = take_ptr(array);
	return 0;
}

static int read_pair(struct yaml_reader *reader, const yaml_event_t *key, json_t *object)
{
	const char *name = (const char *)key->data.scalar.value;
	_cleanup_event_ yaml_event_t event = {};
	char quoted[TEXT_QUOTE_MAX], what[TEXT_QUOTE_MAX + 64];
	json_t *value;
	int r;

	if (key->type == YAML_ALIAS_EVENT)
		return read_node(reader, key, &value); /* says why not */
	if (key->type != YAML_SCALAR_EVENT)
		return bad_yaml(reader, key, "a key that is not a name");
	if (strlen(name) != key->data.scalar.length)
		return bad_yaml(reader, key, "a key with a zero character in it");
	if (json_object_get(object, name)) {
		snprintf(what, sizeof(what), "the key \"%s\" is there twice",
			 text_quote(quoted, name, strlen(name)));
		return bad_yaml(reader, key, what);
	}
	r = next_event(reader, &event);
	if (r == 0)
		r = read_node(reader, &event, &value);
	if (r < 0)
		return r;
	return json_object_set_new(object, name, value) < 0 ? -ENOMEM : 0;
}

static int read_mapping(struct yaml_reader *reader, json_t **ret)
{
	_cleanup_json_ json_t *object = json_object();

	for (;;) {
		_cleanup_event_ yaml_event_t key = {};
		int r = next_event(reader, &key);

		if (r < 0)
			return r;
		if (key.type == YAML_MAPPING_END_EVENT)
			break;
		r = read_pair(reader, &key, object);
		if (r < 0)
			return r;
	}
	*ret = take_ptr(object);
	return 0;
}

static int read_node(struct yaml_reader *reader, const yaml_event_t *event, json_t **ret)
{
	bool sequence = event->type == YAML_SEQUENCE_START_EVENT;
	const char *tag;
	int r;

	if (++reader->nodes > YAML_NODES_MAX)
		return bad_yaml(reader, event, "more than a million values in a description");
	if (event->type == YAML_SCALAR_EVENT)
		return read_scalar(reader, event, ret);
	if (event->type == YAML_ALIAS_EVENT)
		return bad_yaml(reader, event,
				"an alias (*name) is not accepted; write the value out");
	if (!sequence && event->type != YAML_MAPPING_START_EVENT)
		return bad_yaml(reader, event, "more than one YAML document");
	tag = (const char *)(sequence ? event->data.sequence_start.tag
				      : event->data.mapping_start.tag);
	if (tag && !streq(tag, sequence ? YAML_SEQ_TAG : YAML_MAP_TAG))
		return foreign_tag(reader, event);
	if (reader->depth == YAML_DEPTH_MAX)
		return bad_yaml(reader, event, "values nested more than 32 deep");
	reader->depth++;
	r = event->type == YAML_SEQUENCE_START_EVENT ? read_sequence(reader, ret)
						     : read_mapping(reader, ret);
	reader->depth--;
	return r;
}

/* Reads events up to the first of the document's content. */
static int skip_to_content(struct yaml_reader *reader, yaml_event_t *event)
{
	for (;;) {
		int r = next_event(reader, event);

		if (r < 0)
			return r;
		if (event->type != YAML_STREAM_START_EVENT &&
		    event->type != YAML_DOCUMENT_START_EVENT)
			return 0;
		yaml_event_delete(event);
	}
}

static int expect_end(struct yaml_reader *reader)
{
	for (;;) {
		_cleanup_event_ yaml_event_t event = {};
		int r = next_event(reader, &event);

		if (r < 0)
			return r;
		if (event.type == YAML_STREAM_END_EVENT)
			return 0;
		if (event.type != YAML_DOCUMENT_END_EVENT)
			return bad_yaml(reader, &event, "more than one YAML document");
	}
}

int yaml_read(const char *text, size_t size, const char *name, uint64_t first_line, json_t **ret,
	      char **ret_message)
{
	_cleanup_(yaml_reader_done) struct yaml_reader reader = {
		.name = name,
		.first_line = first_line,
		.ret_message = ret_message,
	};
	_cleanup_event_ yaml_event_t event = {};
	_cleanup_json_ json_t *object = NULL;
	int r;

	if (!yaml_parser_initialize(&reader.parser))
		return fail(ret_message, -ENOMEM, "%s: out of memory", name);
	yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, size);
	r = skip_to_content(&reader, &event);
	if (r < 0)
		return r;
	if (event.type == YAML_STREAM_END_EVENT) {
		*ret = json_object();
		return 0;
	}
	if (event.type != YAML_MAPPING_START_EVENT)
		return bad_yaml(&reader, &event, "a description must be \"name: value\" lines");
	r = read_node(&reader, &event, &object);
	if (r == 0)
		r = expect_end(&reader);
	if (r < 0)
		return r;
	*ret = take_ptr(object);
	return 0;
}
