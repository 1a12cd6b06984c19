// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * A JSON object as YAML that people like to read and that YAML 1.1 readers (PyYAML) and
 * 1.2 readers understand alike: text that looks like anything else is quoted. Layer: export.
 */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <strings.h>
#include <yaml.h>

#include "base/util.h"
#include "export/number.h"
#include "export/yaml_meta.h"

#define FLOW_OBJECT_MAX 3 /* members of an object that still reads well on one line */

static int emit(yaml_emitter_t *emitter, yaml_event_t *event)
{
	/* The emitter owns the event from here, also when it fails. */
	return yaml_emitter_emit(emitter, event) ? 0 : -ENOMEM;
}

/* ---- scalars ---- */

static bool reserved_word(const char *text)
{
	static const char *const words[] = {"y",    "n",     "yes",  "no",  "on",  "off",
					    "true", "false", "null", "nan", "inf", "none"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcasecmp(text, words[i]) == 0)
			return true;
	return false;
}

static yaml_scalar_style_t style_of(const char *text)
{
	size_t n = strlen(text);
	bool plain = isalpha((unsigned char)text[0]) && text[n - 1] != ' ' && !reserved_word(text);

	if (streq(text, ".nan") || streq(text, ".inf") || streq(text, "-.inf"))
		return YAML_PLAIN_SCALAR_STYLE;
	for (const char *p = text; *p; p++) {
		/* Single quotes fold line ends and can not hold control characters. */
		if (iscntrl((unsigned char)*p))
			return YAML_DOUBLE_QUOTED_SCALAR_STYLE;
		plain = plain && (isalnum((unsigned char)*p) || strchr(" _-+./()", *p));
	}
	return plain ? YAML_PLAIN_SCALAR_STYLE : YAML_SINGLE_QUOTED_SCALAR_STYLE;
}

static int emit_text(yaml_emitter_t *emitter, const char *text, yaml_scalar_style_t style)
{
	yaml_event_t event;

	if (!yaml_scalar_event_initialize(&event, NULL, NULL, (const unsigned char *)text,
					  (int)strlen(text), 1, 1, style))
		return -ENOMEM;
	return emit(emitter, &event);
}

/* With a point in every real: YAML 1.1 takes 1e-06 for text. */
static void format_real(char out[static NUMBER_TEXT_MAX + 2], double value)
{
	char text[NUMBER_TEXT_MAX];
	size_t n = number_format(text, value), mantissa = strcspn(text, "e");

	memcpy(out, text, n + 1);
	if (memchr(text, '.', mantissa))
		return;
	memcpy(out + mantissa, ".0", 2);
	memcpy(out + mantissa + 2, text + mantissa, n - mantissa + 1);
}

static int emit_scalar(yaml_emitter_t *emitter, const json_t *value)
{
	char text[NUMBER_TEXT_MAX + 2];

	switch (json_typeof(value)) {
	case JSON_STRING:
		return emit_text(emitter, json_string_value(value),
				 style_of(json_string_value(value)));
	case JSON_INTEGER:
		snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(value));
		return emit_text(emitter, text, YAML_PLAIN_SCALAR_STYLE);
	case JSON_REAL:
		format_real(text, json_real_value(value));
		return emit_text(emitter, text, YAML_PLAIN_SCALAR_STYLE);
	case JSON_TRUE:
		return emit_text(emitter, "true", YAML_PLAIN_SCALAR_STYLE);
	case JSON_FALSE:
		return emit_text(emitter, "false", YAML_PLAIN_SCALAR_STYLE);
	default:
		return emit_text(emitter, "null", YAML_PLAIN_SCALAR_STYLE);
	}
}

/* ---- structure ---- */

static bool is_scalar(const json_t *value)
{
	return !json_is_object(value) && !json_is_array(value);
}

static bool all_scalars(json_t *value)
{
	json_t *member;
	const char *key;
	size_t i;

	if (json_is_array(value)) {
		json_array_foreach(value, i, member)
			if (!is_scalar(member))
				return false;
		return true;
	}
	json_object_foreach(value, key, member)
		if (!is_scalar(member))
			return false;
	return true;
}

static int emit_value(yaml_emitter_t *emitter, json_t *value, bool in_array);

static int emit_array(yaml_emitter_t *emitter, json_t *array)
{
	yaml_event_t event;
	json_t *member;
	size_t i;
	int r;

	if (!yaml_sequence_start_event_initialize(&event, NULL, NULL, 1,
						  all_scalars(array) ? YAML_FLOW_SEQUENCE_STYLE
								     : YAML_BLOCK_SEQUENCE_STYLE))
		return -ENOMEM;
	r = emit(emitter, &event);
	json_array_foreach(array, i, member)
		if (r == 0)
			r = emit_value(emitter, member, true);
	if (r == 0 && !yaml_sequence_end_event_initialize(&event))
		r = -ENOMEM;
	return r < 0 ? r : emit(emitter, &event);
}

static int emit_object(yaml_emitter_t *emitter, json_t *object, bool in_array)
{
	bool flow = in_array && json_object_size(object) <= FLOW_OBJECT_MAX && all_scalars(object);
	yaml_event_t event;
	const char *key;
	json_t *member;
	int r;

	if (!yaml_mapping_start_event_initialize(&event, NULL, NULL, 1,
						 flow ? YAML_FLOW_MAPPING_STYLE
						      : YAML_BLOCK_MAPPING_STYLE))
		return -ENOMEM;
	r = emit(emitter, &event);
	json_object_foreach(object, key, member) {
		if (r == 0)
			r = emit_text(emitter, key,
				      *key == '_' ? YAML_PLAIN_SCALAR_STYLE : style_of(key));
		if (r == 0)
			r = emit_value(emitter, member, false);
	}
	if (r == 0 && !yaml_mapping_end_event_initialize(&event))
		r = -ENOMEM;
	return r < 0 ? r : emit(emitter, &event);
}

static int emit_value(yaml_emitter_t *emitter, json_t *value, bool in_array)
{
	if (json_is_object(value))
		return emit_object(emitter, value, in_array);
	if (json_is_array(value))
		return emit_array(emitter, value);
	return emit_scalar(emitter, value);
}

static int write_to_stream(void *stream, unsigned char *text, size_t size)
{
	return fwrite(text, 1, size, stream) == size;
}

static int emit_document(yaml_emitter_t *emitter, json_t *object)
{
	yaml_event_t event;
	int r;

	if (!yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING))
		return -ENOMEM;
	r = emit(emitter, &event);
	if (r == 0 && !yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1))
		r = -ENOMEM;
	if (r == 0)
		r = emit(emitter, &event);
	if (r == 0)
		r = emit_object(emitter, object, false);
	if (r == 0 && !yaml_document_end_event_initialize(&event, 1))
		r = -ENOMEM;
	if (r == 0)
		r = emit(emitter, &event);
	if (r == 0 && !yaml_stream_end_event_initialize(&event))
		r = -ENOMEM;
	return r < 0 ? r : emit(emitter, &event);
}

int yaml_write(json_t *object, char **ret, size_t *ret_size)
{
	_cleanup_free_ char *text = NULL;
	yaml_emitter_t emitter;
	size_t size = 0;
	FILE *stream;
	int r;

	stream = open_memstream(&text, &size);
	if (!stream)
		return -errno;
	if (!yaml_emitter_initialize(&emitter)) {
		fclose(stream);
		return -ENOMEM;
	}
	yaml_emitter_set_output(&emitter, write_to_stream, stream);
	yaml_emitter_set_unicode(&emitter, 1);
	yaml_emitter_set_width(&emitter, -1);
	r = emit_document(&emitter, object);
	yaml_emitter_delete(&emitter);
	if (fclose(stream) != 0)
		r = -ENOMEM;
	if (r < 0)
		return r;
	*ret = take_ptr(text);
	*ret_size = size;
	return 0;
}
