// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Between D-Bus variants and JSON. See variant.h. Knows no key.
 */
#include "bus/variant.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/util.h"

struct reading {
	unsigned int depth;
	unsigned int values;
	char **ret_message;
};

static int read_value(sd_bus_message *m, struct reading *r, json_t **ret);

static int malformed(struct reading *r, const char *what)
{
	if (r->ret_message && *r->ret_message)
		return -EINVAL; /* the innermost has spoken */
	return fail(r->ret_message, -EINVAL, "%s", what);
}

static int read_integer(sd_bus_message *m, char type, struct reading *r, json_t **ret)
{
	union {
		uint8_t y;
		int16_t n;
		uint16_t q;
		int32_t i;
		uint32_t u;
		int64_t x;
		uint64_t t;
	} v;
	int64_t number;
	int e = sd_bus_message_read_basic(m, type, &v);

	if (e < 0)
		return e;
	switch (type) {
	case 'y':
		number = v.y;
		break;
	case 'n':
		number = v.n;
		break;
	case 'q':
		number = v.q;
		break;
	case 'i':
		number = v.i;
		break;
	case 'u':
		number = v.u;
		break;
	case 'x':
		number = v.x;
		break;
	default:
		if (v.t > INT64_MAX)
			return malformed(r, "a number is above 2^63 - 1");
		number = (int64_t)v.t;
	}
	*ret = json_integer(number);
	return *ret ? 0 : -ENOMEM;
}

static int read_double(sd_bus_message *m, struct reading *r, json_t **ret)
{
	double number;
	int e = sd_bus_message_read_basic(m, 'd', &number);

	if (e < 0)
		return e;
	if (!isfinite(number))
		return malformed(r, "NaN and infinities are no values here");
	*ret = json_real(number);
	return *ret ? 0 : -ENOMEM;
}

static int read_text(sd_bus_message *m, char type, json_t **ret)
{
	const char *text;
	int e = sd_bus_message_read_basic(m, type, &text);

	if (e < 0)
		return e;
	*ret = json_string(text);
	return *ret ? 0 : -ENOMEM;
}

static int read_entries(sd_bus_message *m, struct reading *r, json_t *object)
{
	int e;

	while ((e = sd_bus_message_at_end(m, 0)) == 0) {
		json_t *value = NULL;
		const char *key;
		char type;

		e = sd_bus_message_enter_container(m, 'e', NULL);
		if (e >= 0)
			e = sd_bus_message_peek_type(m, &type, NULL);
		if (e >= 0 && type != 's')
			return malformed(r, "the keys of a dictionary must be strings");
		if (e >= 0)
			e = sd_bus_message_read_basic(m, 's', &key);
		if (e >= 0)
			e = read_value(m, r, &value);
		if (e < 0)
			return e;
		if (json_object_get(object, key)) {
			json_decref(value);
			return malformed(r, "a dictionary has the same key twice");
		}
		if (json_object_set_new(object, key, value) < 0)
			return -ENOMEM;
		e = sd_bus_message_exit_container(m);
		if (e < 0)
			return e;
	}
	return e;
}

static int read_items(sd_bus_message *m, struct reading *r, json_t *array)
{
	int e;

	while ((e = sd_bus_message_at_end(m, 0)) == 0) {
		json_t *value = NULL;

		e = read_value(m, r, &value);
		if (e < 0)
			return e;
		if (json_array_append_new(array, value) < 0)
			return -ENOMEM;
	}
	return e;
}

static int read_container(sd_bus_message *m, const char *contents, struct reading *r, json_t **ret)
{
	bool is_dict = contents[0] == '{';
	json_t *value = is_dict ? json_object() : json_array();
	int e;

	if (!value)
		return -ENOMEM;
	e = sd_bus_message_enter_container(m, 'a', contents);
	if (e >= 0)
		e = is_dict ? read_entries(m, r, value) : read_items(m, r, value);
	if (e >= 0)
		e = sd_bus_message_exit_container(m);
	if (e < 0) {
		json_decref(value);
		return e;
	}
	*ret = value;
	return 0;
}

static int read_variant(sd_bus_message *m, const char *contents, struct reading *r, json_t **ret)
{
	int e = sd_bus_message_enter_container(m, 'v', contents);

	if (e >= 0)
		e = read_value(m, r, ret);
	if (e < 0)
		return e;
	e = sd_bus_message_exit_container(m);
	if (e < 0) {
		json_decref(*ret);
		*ret = NULL;
	}
	return e < 0 ? e : 0;
}

static int read_typed(sd_bus_message *m, char type, const char *contents, struct reading *r,
		      json_t **ret)
{
	int flag, e;

	switch (type) {
	case 'v':
		return read_variant(m, contents, r, ret);
	case 'a':
		return read_container(m, contents, r, ret);
	case 'b':
		e = sd_bus_message_read_basic(m, 'b', &flag);
		if (e < 0)
			return e;
		*ret = json_boolean(flag);
		return 0;
	case 'd':
		return read_double(m, r, ret);
	case 's':
	case 'o':
	case 'g':
		return read_text(m, type, ret);
	case 'y':
	case 'n':
	case 'q':
	case 'i':
	case 'u':
	case 'x':
	case 't':
		return read_integer(m, type, r, ret);
	default:
		return malformed(r, "structures and file descriptors are no values here");
	}
}

static int read_value(sd_bus_message *m, struct reading *r, json_t **ret)
{
	const char *contents;
	char type;
	int e;

	if (++r->values > VARIANT_VALUES_MAX)
		return malformed(r, "there are more than 65536 values; longer lists are not taken "
				    "over the bus");
	if (++r->depth > VARIANT_DEPTH_MAX)
		return malformed(r, "it is nested deeper than 16 levels");
	e = sd_bus_message_peek_type(m, &type, &contents);
	if (e == 0)
		e = -EINVAL;
	if (e > 0)
		e = read_typed(m, type, contents, r, ret);
	r->depth--;
	return e;
}

int variant_read_dict(sd_bus_message *m, json_t **ret, char **ret_message)
{
	struct reading r = {.ret_message = ret_message};
	json_t *value = NULL;
	int e = read_value(m, &r, &value);

	if (e < 0)
		return e == -ENOMEM ? e : malformed(&r, "the dictionary is malformed");
	if (!json_is_object(value)) {
		json_decref(value);
		return malformed(&r, "a dictionary a{sv} is expected");
	}
	*ret = value;
	return 0;
}

/* ---- out ---- */

static int append_value(sd_bus_message *m, const json_t *value);

/* The D-Bus type of a value, "" for null. */
static const char *type_of(const json_t *value)
{
	bool strings = true, integers = true, numbers = true, booleans = true, objects = true;
	size_t i;
	json_t *item;

	switch (json_typeof(value)) {
	case JSON_STRING:
		return "s";
	case JSON_INTEGER:
		return "x";
	case JSON_REAL:
		return "d";
	case JSON_TRUE:
	case JSON_FALSE:
		return "b";
	case JSON_OBJECT:
		return "a{sv}";
	case JSON_NULL:
		return "";
	case JSON_ARRAY:
		break;
	}
	json_array_foreach(value, i, item) {
		strings = strings && json_is_string(item);
		integers = integers && json_is_integer(item);
		numbers = numbers && json_is_number(item);
		booleans = booleans && json_is_boolean(item);
		objects = objects && json_is_object(item);
	}
	if (json_array_size(value) == 0)
		return "av";
	return strings	  ? "as"
	       : integers ? "ax"
	       : numbers  ? "ad"
	       : booleans ? "ab"
	       : objects  ? "aa{sv}"
			  : "av";
}

static int append_numbers(sd_bus_message *m, const json_t *array, char type)
{
	size_t n = json_array_size(array);
	void *space;
	int e = sd_bus_message_append_array_space(m, type, n * 8, &space);

	for (size_t i = 0; e >= 0 && i < n; i++) {
		const json_t *item = json_array_get(array, i);

		if (type == 'x')
			((int64_t *)space)[i] = json_integer_value(item);
		else
			((double *)space)[i] = json_number_value(item);
	}
	return e;
}

static int append_array(sd_bus_message *m, const json_t *array, const char *contents)
{
	size_t i;
	json_t *item;
	int e;

	if (streq(contents, "x") || streq(contents, "d"))
		return append_numbers(m, array, contents[0]);
	e = sd_bus_message_open_container(m, 'a', contents);
	json_array_foreach(array, i, item) {
		const char *type = type_of(item);

		if (e < 0)
			return e;
		if (type[0] == '\0')
			continue;
		if (contents[0] != 'v') {
			e = append_value(m, item);
			continue;
		}
		e = sd_bus_message_open_container(m, 'v', type);
		if (e >= 0)
			e = append_value(m, item);
		if (e >= 0)
			e = sd_bus_message_close_container(m);
	}
	return e < 0 ? e : sd_bus_message_close_container(m);
}

static int append_value(sd_bus_message *m, const json_t *value)
{
	const char *type = type_of(value);
	int64_t integer;
	double real;
	int flag;

	switch (json_typeof(value)) {
	case JSON_STRING:
		return sd_bus_message_append_basic(m, 's', json_string_value(value));
	case JSON_INTEGER:
		integer = json_integer_value(value);
		return sd_bus_message_append_basic(m, 'x', &integer);
	case JSON_REAL:
		real = json_real_value(value);
		return sd_bus_message_append_basic(m, 'd', &real);
	case JSON_TRUE:
	case JSON_FALSE:
		flag = json_is_true(value);
		return sd_bus_message_append_basic(m, 'b', &flag);
	case JSON_OBJECT:
		return variant_append_dict(m, value);
	case JSON_ARRAY:
		return append_array(m, value, type + 1);
	case JSON_NULL:
		break;
	}
	return 0;
}

int variant_append_entry(sd_bus_message *m, const char *key, const json_t *value)
{
	const char *type = type_of(value);
	int e;

	if (type[0] == '\0')
		return 0;
	e = sd_bus_message_open_container(m, 'e', "sv");
	if (e >= 0)
		e = sd_bus_message_append_basic(m, 's', key);
	if (e >= 0)
		e = sd_bus_message_open_container(m, 'v', type);
	if (e >= 0)
		e = append_value(m, value);
	if (e >= 0)
		e = sd_bus_message_close_container(m);
	return e < 0 ? e : sd_bus_message_close_container(m);
}

int variant_append_dict(sd_bus_message *m, const json_t *object)
{
	/* jansson's iteration is not const, and changes nothing. */
	json_t *o = (json_t *)(uintptr_t)object;
	const char *key;
	json_t *value;
	int e = sd_bus_message_open_container(m, 'a', "{sv}");

	json_object_foreach(o, key, value) {
		if (e < 0)
			return e;
		e = variant_append_entry(m, key, value);
	}
	return e < 0 ? e : sd_bus_message_close_container(m);
}

int variant_append_dicts(sd_bus_message *m, const json_t *array)
{
	size_t i;
	json_t *item;
	int e = sd_bus_message_open_container(m, 'a', "a{sv}");

	json_array_foreach(array, i, item) {
		if (e < 0)
			return e;
		e = variant_append_dict(m, item);
	}
	return e < 0 ? e : sd_bus_message_close_container(m);
}
