// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * a{sv} and JSON: what goes through both ways, which types come out, what is refused.
 */
#include <errno.h>
#include <math.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "bus/variant.h"

#include "run_suite.h" /* last: it defines a macro fail() */

static sd_bus *bus;
static int other_end;

/* Nobody answers at the other end: messages only need a bus to belong to. */
static void start(void)
{
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	other_end = fds[1];
	ck_assert_int_ge(sd_bus_new(&bus), 0);
	ck_assert_int_ge(sd_bus_set_fd(bus, fds[0], fds[0]), 0);
	ck_assert_int_ge(sd_bus_start(bus), 0);
}

static void stop(void)
{
	sd_bus_close(bus);
	bus = sd_bus_unref(bus);
	close(other_end);
}

static sd_bus_message *message(void)
{
	sd_bus_message *m = NULL;

	ck_assert_int_ge(sd_bus_message_new(bus, &m, SD_BUS_MESSAGE_METHOD_CALL), 0);
	return m;
}

static sd_bus_message *sealed(sd_bus_message *m)
{
	ck_assert_int_ge(sd_bus_message_seal(m, 1, 0), 0);
	ck_assert_int_ge(sd_bus_message_rewind(m, 1), 0);
	return m;
}

static json_t *read_back(sd_bus_message *m)
{
	_cleanup_free_ char *why = NULL;
	json_t *value = NULL;
	int r = variant_read_dict(m, &value, &why);

	ck_assert_msg(r == 0, "%s", why ? why : strerror(-r));
	return value;
}

static const char *const round_trips[] = {
	"{}",
	"{\"a\": 1}",
	"{\"a\": -9223372036854775808, \"b\": 9223372036854775807}",
	"{\"a\": 0.1, \"b\": -1e300, \"c\": 5e-324}",
	"{\"a\": true, \"b\": false}",
	"{\"a\": \"\", \"b\": \"\\u00b5m \\u2192 \\\"x\\\"\"}",
	"{\"a\": []}",
	"{\"a\": [1, 2, 3], \"b\": [0.5, 1.5], \"c\": [\"x\", \"y\"], \"d\": [true, false]}",
	"{\"a\": {\"b\": {\"c\": {}}}}",
	"{\"a\": [{\"b\": 1}, {}, {\"c\": [\"d\"]}]}",
	"{\"a\": [1, \"x\", [2, [3]], {\"y\": true}]}",
	"{\"a\": [[], [1], [\"x\"]]}",
	"{\"\": 1, \"key with blanks\": 2}",
};

START_TEST(what_goes_out_comes_back_as_it_was)
{
	json_t *value = json_loads(round_trips[_i], 0, NULL), *back;
	sd_bus_message *m = message();

	ck_assert_ptr_nonnull(value);
	ck_assert_int_ge(variant_append_dict(m, value), 0);
	back = read_back(sealed(m));
	ck_assert_msg(json_equal(value, back), "%s", round_trips[_i]);
	json_decref(value);
	json_decref(back);
	sd_bus_message_unref(m);
}
END_TEST

static const struct {
	const char *json; /* of key "k" */
	const char *type;
} types[] = {
	{"1", "x"},	   {"1.0", "d"},	{"true", "b"},	    {"\"s\"", "s"},
	{"{}", "a{sv}"},   {"[]", "av"},	{"[1]", "ax"},	    {"[1, 2.5]", "ad"},
	{"[\"s\"]", "as"}, {"[true]", "ab"},	{"[{}]", "aa{sv}"}, {"[1, \"s\"]", "av"},
	{"[[1]]", "av"},   {"[1, null]", "av"},
};

START_TEST(each_value_has_the_narrowest_type)
{
	_cleanup_free_ char *text = asprintf_or_null("{\"k\": %s}", types[_i].json);
	json_t *value = json_loads(text, 0, NULL);
	sd_bus_message *m = message();
	const char *contents;
	char type;

	ck_assert_int_ge(variant_append_dict(m, value), 0);
	sealed(m);
	ck_assert_int_ge(sd_bus_message_enter_container(m, 'a', "{sv}"), 0);
	ck_assert_int_ge(sd_bus_message_enter_container(m, 'e', "sv"), 0);
	ck_assert_int_ge(sd_bus_message_skip(m, "s"), 0);
	ck_assert_int_ge(sd_bus_message_peek_type(m, &type, &contents), 0);
	ck_assert_str_eq(contents, types[_i].type);
	json_decref(value);
	sd_bus_message_unref(m);
}
END_TEST

START_TEST(null_is_left_out)
{
	json_t *value = json_loads("{\"a\": null, \"b\": 1, \"c\": [null, 2]}", 0, NULL);
	json_t *expected = json_loads("{\"b\": 1, \"c\": [2]}", 0, NULL), *back;
	sd_bus_message *m = message();

	ck_assert_int_ge(variant_append_dict(m, value), 0);
	back = read_back(sealed(m));
	ck_assert(json_equal(back, expected));
	json_decref(value);
	json_decref(expected);
	json_decref(back);
	sd_bus_message_unref(m);
}
END_TEST

START_TEST(numbers_of_every_width_are_taken)
{
	sd_bus_message *m = message();
	json_t *expected =
		json_pack("{s:i, s:i, s:i, s:i, s:i, s:I, s:I, s:[i, i], s:{s:s}, s:s}", "y", 255,
			  "n", -5, "q", 65535, "i", -7, "u", 8, "x", (json_int_t)-9, "t",
			  (json_int_t)INT64_MAX, "au", 1, 2, "d", "k", "v", "o", "/a");
	json_t *back;

	ck_assert_int_ge(sd_bus_message_append(m, "a{sv}", 10, "y", "y", 255, "n", "n", -5, "q",
					       "q", 65535, "i", "i", -7, "u", "u", 8U, "x", "x",
					       INT64_C(-9), "t", "t", (uint64_t)INT64_MAX, "au",
					       "au", 2, 1U, 2U, "d", "a{ss}", 1, "k", "v", "o", "o",
					       "/a"),
			 0);
	back = read_back(sealed(m));
	ck_assert(json_equal(back, expected));
	json_decref(expected);
	json_decref(back);
	sd_bus_message_unref(m);
}
END_TEST

static void refuse(sd_bus_message *m, const char *says)
{
	_cleanup_free_ char *why = NULL;
	json_t *value = NULL;

	ck_assert_int_eq(variant_read_dict(sealed(m), &value, &why), -EINVAL);
	ck_assert_ptr_null(value);
	ck_assert_msg(why && strstr(why, says), "\"%s\" does not tell of \"%s\"", why ? why : "",
		      says);
	sd_bus_message_unref(m);
}

START_TEST(what_json_can_not_hold_is_refused)
{
	static const struct {
		const char *type;
		double real;
		uint64_t integer;
		const char *says;
	} cases[] = {
		{"d", NAN, 0, "NaN"},
		{"d", INFINITY, 0, "NaN"},
		{"d", -INFINITY, 0, "NaN"},
		{"t", 0, UINT64_MAX, "2^63"},
		{"t", 0, (uint64_t)INT64_MAX + 1, "2^63"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		sd_bus_message *m = message();

		if (cases[i].type[0] == 'd')
			ck_assert_int_ge(
				sd_bus_message_append(m, "a{sv}", 1, "k", "d", cases[i].real), 0);
		else
			ck_assert_int_ge(
				sd_bus_message_append(m, "a{sv}", 1, "k", "t", cases[i].integer),
				0);
		refuse(m, cases[i].says);
	}
}
END_TEST

START_TEST(structures_descriptors_and_odd_keys_are_refused)
{
	sd_bus_message *m = message();

	ck_assert_int_ge(sd_bus_message_append(m, "a{sv}", 1, "k", "(ii)", 1, 2), 0);
	refuse(m, "structures");
	m = message();
	ck_assert_int_ge(sd_bus_message_append(m, "a{sv}", 1, "k", "a{us}", 1, 5U, "x"), 0);
	refuse(m, "keys");
	m = message();
	ck_assert_int_ge(sd_bus_message_append(m, "a{sv}", 2, "k", "i", 1, "k", "i", 2), 0);
	refuse(m, "twice");
	m = message();
	ck_assert_int_ge(sd_bus_message_append(m, "as", 1, "k"), 0);
	refuse(m, "a{sv}");
	m = message();
	ck_assert_int_ge(sd_bus_message_append(m, "s", "k"), 0);
	refuse(m, "a{sv}");
}
END_TEST

static void nest(sd_bus_message *m, int depth)
{
	if (depth == 0) {
		ck_assert_int_ge(sd_bus_message_append(m, "v", "i", 1), 0);
		return;
	}
	ck_assert_int_ge(sd_bus_message_open_container(m, 'v', "av"), 0);
	ck_assert_int_ge(sd_bus_message_open_container(m, 'a', "v"), 0);
	nest(m, depth - 1);
	ck_assert_int_ge(sd_bus_message_close_container(m), 0);
	ck_assert_int_ge(sd_bus_message_close_container(m), 0);
}

START_TEST(nesting_has_an_end)
{
	sd_bus_message *m = message();

	ck_assert_int_ge(sd_bus_message_open_container(m, 'a', "{sv}"), 0);
	ck_assert_int_ge(sd_bus_message_open_container(m, 'e', "sv"), 0);
	ck_assert_int_ge(sd_bus_message_append(m, "s", "k"), 0);
	nest(m, 20);
	ck_assert_int_ge(sd_bus_message_close_container(m), 0);
	ck_assert_int_ge(sd_bus_message_close_container(m), 0);
	refuse(m, "deeper");
}
END_TEST

START_TEST(the_number_of_values_has_an_end)
{
	int64_t *many = calloc(VARIANT_VALUES_MAX, sizeof(*many));
	sd_bus_message *m = message();

	ck_assert_int_ge(sd_bus_message_open_container(m, 'a', "{sv}"), 0);
	ck_assert_int_ge(sd_bus_message_open_container(m, 'e', "sv"), 0);
	ck_assert_int_ge(sd_bus_message_append(m, "s", "k"), 0);
	ck_assert_int_ge(sd_bus_message_open_container(m, 'v', "ax"), 0);
	ck_assert_int_ge(
		sd_bus_message_append_array(m, 'x', many, VARIANT_VALUES_MAX * sizeof(*many)), 0);
	for (int i = 0; i < 3; i++)
		ck_assert_int_ge(sd_bus_message_close_container(m), 0);
	refuse(m, "65536");
	free(many);
}
END_TEST

START_TEST(arrays_of_dictionaries_go_out)
{
	json_t *array = json_loads("[{\"a\": 1}, {}]", 0, NULL);
	sd_bus_message *m = message();

	ck_assert_int_ge(variant_append_dicts(m, array), 0);
	ck_assert_int_ge(variant_append_dicts(m, NULL), 0);
	ck_assert_int_ge(variant_append_dict(m, NULL), 0);
	sealed(m);
	ck_assert_str_eq(sd_bus_message_get_signature(m, 1), "aa{sv}aa{sv}a{sv}");
	json_decref(array);
	sd_bus_message_unref(m);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bus_variant");
	TCase *tc = tcase_create("variant");

	tcase_add_checked_fixture(tc, start, stop);
	tcase_add_loop_test(tc, what_goes_out_comes_back_as_it_was, 0,
			    (int)ARRAY_SIZE(round_trips));
	tcase_add_loop_test(tc, each_value_has_the_narrowest_type, 0, (int)ARRAY_SIZE(types));
	tcase_add_test(tc, null_is_left_out);
	tcase_add_test(tc, numbers_of_every_width_are_taken);
	tcase_add_test(tc, what_json_can_not_hold_is_refused);
	tcase_add_test(tc, structures_descriptors_and_odd_keys_are_refused);
	tcase_add_test(tc, nesting_has_an_end);
	tcase_add_test(tc, the_number_of_values_has_an_end);
	tcase_add_test(tc, arrays_of_dictionaries_go_out);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
