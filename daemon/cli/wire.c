// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * D-Bus values as JSON and back. See wire.h.
 */
#include "cli/wire.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/util.h"

/* ---- reading ---- */

static json_t *integer_of(char type, sd_bus_message *m)
{
	union {
		uint8_t y;
		int16_t n;
		uint16_t q;
		int32_t i;
		uint32_t u;
		int64_t x;
		uint64_t t;
	} v = {0};

	if (sd_bus_message_read_basic(m, type, &v) < 0)
		return NULL;
	switch (type) {
	case 'y':
		return json_integer(v.y);
	case 'n':
		return json_integer(v.n);
	case 'q':
		return json_integer(v.q);
	case 'i':
		return json_integer(v.i);
	case 'u':
		return json_integer(v.u);
	default:
		return json_integer(v.x);
	}
}

static json_t *basic_of(char type, sd_bus_message *m)
{
	const char *s;
	double d;
	int b;

	switch (type) {
	case 's':
	case 'o':
	case 'g':
		return sd_bus_message_read_basic(m, type, &s) < 0 ? NULL : json_string(s);
	case 'd':
		if (sd_bus_message_read_basic(m, type, &d) < 0)
			return NULL;
		return isfinite(d) ? json_real(d) : json_null();
	case 'b':
		return sd_bus_message_read_basic(m, type, &b) < 0 ? NULL : json_boolean(b);
	case 'h':
		return sd_bus_message_skip(m, "h") < 0 ? NULL : json_null();
	default:
		return integer_of(type, m);
	}
}

static int read_entries(sd_bus_message *m, json_t *object)
{
	char type;
	const char *contents;
	int r;

	while ((r = sd_bus_message_peek_type(m, &type, &contents)) > 0) {
		char key_type = contents[0];
		json_t *value = NULL;
		const char *key;

		if (key_type != 's' && key_type != 'o')
			return -EBADMSG;
		r = sd_bus_message_enter_container(m, SD_BUS_TYPE_DICT_ENTRY, contents);
		if (r < 0)
			return r;
		r = sd_bus_message_read_basic(m, key_type, &key);
		if (r < 0)
			return r;
		r = wire_read(m, &value);
		if (r < 0)
			return r;
		if (json_object_set_new(object, key, value) < 0)
			return -ENOMEM;
		r = sd_bus_message_exit_container(m);
		if (r < 0)
			return r;
	}
	return r;
}

static int read_items(sd_bus_message *m, json_t *array)
{
	int r;

	while ((r = sd_bus_message_at_end(m, false)) == 0) {
		json_t *value = NULL;

		r = wire_read(m, &value);
		if (r < 0)
			return r;
		if (json_array_append_new(array, value) < 0)
			return -ENOMEM;
	}
	return r < 0 ? r : 0;
}

static int read_container(sd_bus_message *m, char type, const char *contents, json_t **ret)
{
	bool dictionary = type == SD_BUS_TYPE_ARRAY && contents[0] == '{';
	_cleanup_json_ json_t *value = NULL;
	int r;

	r = sd_bus_message_enter_container(m, type, contents);
	if (r < 0)
		return r;
	if (type == SD_BUS_TYPE_VARIANT) {
		r = wire_read(m, &value);
	} else {
		value = dictionary ? json_object() : json_array();
		if (!value)
			return -ENOMEM;
		r = dictionary ? read_entries(m, value) : read_items(m, value);
	}
	if (r < 0)
		return r;
	r = sd_bus_message_exit_container(m);
	if (r < 0)
		return r;
	*ret = take_ptr(value);
	return 0;
}

int wire_read(sd_bus_message *m, json_t **ret)
{
	const char *contents;
	json_t *value;
	char type;
	int r;

	r = sd_bus_message_peek_type(m, &type, &contents);
	if (r < 0)
		return r;
	if (r == 0)
		return -EBADMSG;
	if (strchr("avr", type))
		return read_container(m, type, contents, ret);
	value = basic_of(type, m);
	if (!value)
		return -EBADMSG;
	*ret = value;
	return 0;
}

/* ---- appending ---- */

static int append_variant(sd_bus_message *m, const json_t *value);

static bool all_are(const json_t *array, json_type type)
{
	const json_t *item;
	size_t i;

	json_array_foreach(array, i, item) {
		if (json_typeof(item) != type)
			return false;
	}
	return true;
}

static int append_array(sd_bus_message *m, const json_t *array)
{
	bool strings = all_are(array, JSON_STRING),
	     objects = !strings && all_are(array, JSON_OBJECT);
	const char *item_type = strings ? "s" : objects ? "a{sv}" : "v";
	const json_t *item;
	char type[8];
	size_t i;
	int r;

	snprintf(type, sizeof(type), "a%s", item_type);
	r = sd_bus_message_open_container(m, 'v', type);
	if (r < 0)
		return r;
	r = sd_bus_message_open_container(m, 'a', item_type);
	json_array_foreach(array, i, item) {
		if (r < 0)
			return r;
		if (strings)
			r = sd_bus_message_append(m, "s", json_string_value(item));
		else
			r = objects ? wire_append(m, item) : append_variant(m, item);
	}
	if (r >= 0)
		r = sd_bus_message_close_container(m);
	return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_variant(sd_bus_message *m, const json_t *value)
{
	int r;

	switch (json_typeof(value)) {
	case JSON_STRING:
		return sd_bus_message_append(m, "v", "s", json_string_value(value));
	case JSON_INTEGER:
		return sd_bus_message_append(m, "v", "x", (int64_t)json_integer_value(value));
	case JSON_REAL:
		return sd_bus_message_append(m, "v", "d", json_real_value(value));
	case JSON_TRUE:
	case JSON_FALSE:
		return sd_bus_message_append(m, "v", "b", (int)json_is_true(value));
	case JSON_ARRAY:
		return append_array(m, value);
	case JSON_OBJECT:
		r = sd_bus_message_open_container(m, 'v', "a{sv}");
		if (r >= 0)
			r = wire_append(m, value);
		return r < 0 ? r : sd_bus_message_close_container(m);
	default:
		return -EINVAL;
	}
}

static int append_entry(sd_bus_message *m, const char *type, const char *key, const json_t *value)
{
	int r = sd_bus_message_open_container(m, 'e', type);

	if (r >= 0)
		r = sd_bus_message_append(m, "s", key);
	if (r < 0)
		return r;
	switch (type[1]) {
	case 'x':
		r = sd_bus_message_append(m, "x", (int64_t)json_integer_value(value));
		break;
	case 's':
		r = sd_bus_message_append(m, "s", json_string_value(value));
		break;
	default:
		r = append_variant(m, value);
	}
	return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_dictionary(sd_bus_message *m, const char *type, const json_t *object)
{
	char entry[8];
	const char *key;
	json_t *value;
	int r;

	snprintf(entry, sizeof(entry), "{%s}", type);
	r = sd_bus_message_open_container(m, 'a', entry);
	if (r < 0)
		return r;
	/* jansson's iteration wants a mutable object; nothing is changed. */
	json_object_foreach((json_t *)(uintptr_t)object, key, value) {
		if (json_is_null(value))
			continue;
		r = append_entry(m, type, key, value);
		if (r < 0)
			return r;
	}
	return sd_bus_message_close_container(m);
}

int wire_append(sd_bus_message *m, const json_t *object)
{
	return append_dictionary(m, "sv", object);
}

int wire_append_integers(sd_bus_message *m, const json_t *object)
{
	return append_dictionary(m, "sx", object);
}

int wire_append_strings(sd_bus_message *m, const json_t *object)
{
	return append_dictionary(m, "ss", object);
}

/* ---- looking ---- */

const json_t *member_at(const json_t *object, const char *path)
{
	const json_t *whole = json_object_get(object, path);

	/* A name such as "laser.power" is a key of its own. */
	if (whole)
		return whole;
	while (object && *path) {
		size_t n = strcspn(path, ".");
		char key[64];

		if (n >= sizeof(key))
			return NULL;
		memcpy(key, path, n);
		key[n] = '\0';
		object = json_object_get(object, key);
		path += n + (path[n] == '.');
	}
	return object;
}

const char *member_text(const json_t *object, const char *path)
{
	const char *text = json_string_value(member_at(object, path));

	return text ? text : "";
}

int64_t member_number(const json_t *object, const char *path, int64_t otherwise)
{
	const json_t *value = member_at(object, path);

	return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

double member_value(const json_t *object, const char *path)
{
	const json_t *value = member_at(object, path);

	return json_is_number(value) ? json_number_value(value) : NAN;
}

bool member_flag(const json_t *object, const char *path)
{
	return json_is_true(member_at(object, path));
}
