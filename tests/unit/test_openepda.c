// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * openEPDA data files: the standard to the letter when writing, its dialects when reading;
 * and the YAML of descriptions.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../common/exported.h"
#include "base/util.h"
#include "export/file_read.h"
#include "export/openepda.h"
#include "export/row_count.h"
#include "export/yaml_meta.h"

#include "run_suite.h" /* last: it defines a macro fail() */

static char *folder;

static void set_up(void)
{
	folder = make_folder();
}

static void tear_down(void)
{
	remove_folder(folder);
}

static int read_text(const char *text, struct table **ret, char **ret_message)
{
	_cleanup_free_ char *path = file_of_text(folder, "file.oedf", text);

	return table_read_any(path, ret, ret_message);
}

#define TABLE "\"wavelength, nm\",\"a, dBm\"\n1550.0000000000000e+00,-21.000000000000000e+00\n"
#define FIRST "# openEPDA DATA FORMAT\n"
#define KEYS "_timestamp: '2018-09-12T09:59:19.310182'\n_openEPDA_version: '0.2'\n"

/* ---- what is read ---- */

static const struct {
	const char *what, *text;
} good[] = {
	{"the standard", FIRST KEYS "project: OpenPICs\n...\n" TABLE},
	{"the reference package", "# OpenEPDA DATA FORMAT v.0.1\n" KEYS "---\n" TABLE},
	{"version 0.1", "# openEPDA DATA FORMAT v.0.1\n_timestamp: '2018-09-12'\n...\n" TABLE},
	{"version 0.1 as in prose",
	 "# openEPDA DATA FORMAT v0.1\n_timestamp: '2018-09-12'\n...\n" TABLE},
	{"a YAML document start", FIRST "---\n" KEYS "...\n" TABLE},
	{"the same, comments first", FIRST "# who\n\n---\n" KEYS "---\n" TABLE},
	{"blanks after the end line", FIRST KEYS "... \t\n" TABLE},
	{"blank lines after it", FIRST KEYS "...\n\n\n" TABLE},
	{"the package's own version", FIRST "_timestamp: 2018-09-12T09:59:19\n"
					    "_openEPDA_version: 0.1.20\n---\n" TABLE},
	{"version as a number",
	 FIRST "_timestamp: 2018-09-12 09:59:19\n_openEPDA_version: 0.2\n...\n" TABLE},
	{"byte order mark", "\xef\xbb\xbf" FIRST KEYS "...\n" TABLE},
	{"block text", FIRST KEYS "note: |\n  one\n  ...\n  two\n...\n" TABLE},
	{"flow style", FIRST "{_timestamp: '2018-09-12', _openEPDA_version: '0.2'}\n...\n" TABLE},
};

START_TEST(every_dialect_is_read)
{
	_cleanup_table_ struct table *table = NULL;
	_cleanup_free_ char *message = NULL;

	ck_assert_msg(read_text(good[_i].text, &table, &message) == 0, "%s: %s", good[_i].what,
		      message);
	ck_assert_uint_eq(table->rows, 1);
	ck_assert_uint_eq(table->column_count, 2);
	ck_assert(table->columns[1].f64[0] == -21);
	ck_assert_ptr_nonnull(json_object_get(table->meta, "created"));
	ck_assert_ptr_null(json_object_get(table->meta, "_timestamp"));
}
END_TEST

START_TEST(carriage_returns_change_nothing)
{
	_cleanup_table_ struct table *unix_table = NULL, *dos_table = NULL;
	_cleanup_free_ char *dos = calloc(1, 4096);
	const char *text = good[0].text;

	for (char *p = dos; *text; text++) {
		if (*text == '\n')
			*p++ = '\r';
		*p++ = *text;
	}
	ck_assert_int_eq(read_text(good[0].text, &unix_table, NULL), 0);
	ck_assert_int_eq(read_text(dos, &dos_table, NULL), 0);
	ck_assert(table_columns_equal(unix_table, dos_table));
	ck_assert(json_equal(unix_table->meta, dos_table->meta));
}
END_TEST

START_TEST(the_example_of_the_specification_is_read_whole)
{
	_cleanup_table_ struct table *table = NULL;
	_cleanup_free_ char *message = NULL;
	int r = read_text(FIRST KEYS "project: OpenPICs\nsetup: RF setup\noperator: Xaveer\n"
				     "wafer: 36386X\nsample: 13L8\ncell: SP35-1-3\n"
				     "circuit: MSSOA1-6\n'current_density, kA/cm**2': 1\n"
				     "'reverse_bias, V': -2\nconfiguration: 1\npolarization: TE\n"
				     "port: 'ioE132'\n'chip_temperature, degC': 18\n"
				     "'water_temperature, degC': 14\n...\n"
				     "\"wavelength, nm\",\"transmitted power, dBm\"\n"
				     "1550.0000000000000e+00,-21.000000000000000e+00\n"
				     "1551.0000000000000e+00,-22.000000000000000e+00\n",
			  &table, &message);

	ck_assert_msg(r == 0, "%s", message);
	ck_assert_uint_eq(table->rows, 2);
	ck_assert_str_eq(table->columns[1].name, "transmitted power");
	ck_assert_str_eq(json_string_value(json_object_get(table->meta, "wafer")), "36386X");
	ck_assert_int_eq(json_integer_value(json_object_get(table->meta, "reverse_bias, V")), -2);
	ck_assert_uint_eq(json_object_size(table->meta), 15); /* 14 of its keys, and created */
}
END_TEST

/* ---- what is refused ---- */

static const struct {
	const char *what, *text;
	const char *says[2];
} bad[] = {
	{"version 0.3", "# openEPDA DATA FORMAT v.0.3\n" KEYS "...\n" TABLE, {"line 1", "\"0.3\""}},
	{"no end line", FIRST KEYS, {"the line \"...\"", "missing"}},
	{"no end line, table", FIRST KEYS TABLE, {"the line \"...\"", "missing"}},
	{"only the first line", FIRST, {"missing"}},
	{"no table", FIRST KEYS "...\n", {"there is no table"}},
	{"no rows", FIRST KEYS "...\n\"a, nm\"\n", {"no rows"}},
	{"no time", FIRST "_openEPDA_version: '0.2'\n...\n" TABLE, {"\"_timestamp\" is missing"}},
	{"no version",
	 FIRST "_timestamp: '2018-09-12'\n...\n" TABLE,
	 {"\"_openEPDA_version\" is missing"}},
	{"not a time",
	 FIRST "_timestamp: yesterday\n_openEPDA_version: '0.2'\n...\n" TABLE,
	 {"ISO 8601"}},
	{"time is a map",
	 FIRST "_timestamp: {a: 1}\n_openEPDA_version: '0.2'\n...\n" TABLE,
	 {"ISO 8601"}},
	{"version",
	 FIRST "_timestamp: '2018-09-12'\n_openEPDA_version: '0.9'\n...\n" TABLE,
	 {"\"0.9\"", "are known"}},
	{"version",
	 FIRST "_timestamp: '2018-09-12'\n_openEPDA_version: [1]\n...\n" TABLE,
	 {"are known"}},
	{"reserved key",
	 FIRST KEYS "_secret: 1\n...\n" TABLE,
	 {"\"_secret\" is not known", "reserved"}},
	{"repeated key", FIRST KEYS "a: 1\na: 2\n...\n" TABLE, {"line 5", "\"a\" is there twice"}},
	{"repeated key within",
	 FIRST KEYS "m: {a: 1, a: 2}\n...\n" TABLE,
	 {"line 4", "\"a\" is there twice"}},
	{"alias", FIRST KEYS "a: &x [1]\nb: *x\n...\n" TABLE, {"line 5", "alias"}},
	{"alias as a key", FIRST KEYS "a: &x b\n*x : 1\n...\n" TABLE, {"line 5", "alias"}},
	{"merge", FIRST KEYS "a: &x {b: 1}\nc:\n  <<: *x\n...\n" TABLE, {"line 6", "alias"}},
	{"foreign type", FIRST KEYS "a: !!python/object:os.system {}\n...\n" TABLE, {"line 4"}},
	{"foreign type", FIRST KEYS "a: !ruby x\n...\n" TABLE, {"line 4", "type tag"}},
	{"key is a list", FIRST KEYS "? [1]\n: 2\n...\n" TABLE, {"line 4", "not a name"}},
	{"not a map", FIRST "- 1\n- 2\n...\n" TABLE, {"line 2", "name: value"}},
	{"nothing", FIRST "\n...\n" TABLE, {"\"_timestamp\" is missing"}},
	{"tab", FIRST KEYS "m:\n\ta: 1\n...\n" TABLE, {"line 5", "not valid YAML"}},
	{"bad YAML", FIRST KEYS "a: [1, 2\nb: 3\n...\n" TABLE, {"not valid YAML"}},
	{"bad UTF-8", FIRST KEYS "a: \xff\n...\n" TABLE, {"not valid YAML"}},
	{"control character", FIRST KEYS "a: \x01\n...\n" TABLE, {"not valid YAML"}},
	{"zero in a text", FIRST KEYS "a: \"x\\0y\"\n...\n" TABLE, {"line 4", "zero character"}},
	{"bad table",
	 FIRST KEYS "...\n\"a, nm\"\n1\nx\n",
	 {"row 2 (line 7)", "\"x\" is not a number"}},
};

START_TEST(a_bad_file_is_refused_and_the_message_says_where)
{
	_cleanup_table_ struct table *table = NULL;
	_cleanup_free_ char *message = NULL;

	ck_assert_msg(read_text(bad[_i].text, &table, &message) == -EBADMSG, "%s was accepted",
		      bad[_i].what);
	ck_assert_ptr_null(table);
	ck_assert_msg(strstr(message, "file.oedf") != NULL, "%s", message);
	for (size_t i = 0; i < ARRAY_SIZE(bad[_i].says) && bad[_i].says[i]; i++)
		ck_assert_msg(strstr(message, bad[_i].says[i]) != NULL, "%s: %s", bad[_i].what,
			      message);
}
END_TEST

START_TEST(deep_nesting_is_refused)
{
	_cleanup_free_ char *text = calloc(1, 100000), *message = NULL;
	_cleanup_table_ struct table *table = NULL;

	strcpy(text, FIRST KEYS "a: ");
	memset(text + strlen(text), '[', 40000);
	ck_assert_int_eq(read_text(text, &table, &message), -EBADMSG);
	strcat(text, "\n...\n" TABLE);
	ck_assert_int_eq(read_text(text, &table, NULL), -EBADMSG);
}
END_TEST

/* ---- what is written ---- */

static char *written(const struct table *table, enum openepda_dialect dialect)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	ck_assert_int_eq(openepda_write(f, table, dialect, NULL), 0);
	fclose(f);
	return text;
}

START_TEST(version_0_2_is_written_to_the_letter)
{
	_cleanup_table_ struct table *t = sample_run(10);
	_cleanup_free_ char *text = written(t, OPENEPDA_STANDARD);
	static const char begin[] = "# openEPDA DATA FORMAT\n"
				    "_timestamp: '2026-03-02T14:05:11.123456+01:00'\n"
				    "_openEPDA_version: '0.2'\n"
				    "run: 17\n";

	ck_assert_msg(strncmp(text, begin, strlen(begin)) == 0, "%s", text);
	ck_assert_ptr_nonnull(strstr(text, "\n...\n\"wavelength, nm\",\"wavelength nominal, nm\","
					   "\"through, W\",\"through, dBm\",\"through.sigma, W\","
					   "\"drop, W\",\"drop, dBm\",\"flags\"\n1540.0123,1540,"));
	ck_assert_ptr_null(strstr(text, "\n---"));
	ck_assert_ptr_nonnull(strstr(text, "\n'chip_temperature, degC': 18\n"));
	ck_assert_ptr_nonnull(strstr(text, "\nledger:\n  complete: true\n  produced: 20001\n"));
}
END_TEST

START_TEST(a_run_comes_back_as_it_was)
{
	_cleanup_table_ struct table *t = sample_run(1000), *back = NULL;
	_cleanup_free_ char *text = written(t, (enum openepda_dialect)_i), *message = NULL;

	ck_assert_msg(read_text(text, &back, &message) == 0, "%s", message);
	ck_assert(table_columns_equal(t, back));
	ck_assert(json_equal(t->meta, back->meta));
}
END_TEST

START_TEST(a_run_that_is_cut_anywhere_is_refused)
{
	_cleanup_table_ struct table *t = sample_run(5);
	_cleanup_free_ char *text = written(t, (enum openepda_dialect)_i);
	size_t size = strlen(text);

	while (size-- > strlen("# openEPDA DATA FORMAT")) {
		_cleanup_free_ char *message = NULL;
		struct table *back = NULL;

		text[size] = '\0';
		ck_assert_msg(read_text(text, &back, &message) == -EBADMSG,
			      "the first %zu bytes were accepted", size);
	}
}
END_TEST

START_TEST(rows_that_others_count_in_their_own_way_are_left_alone)
{
	_cleanup_table_ struct table *t = table_new(1, 1), *back = NULL;
	_cleanup_free_ char *text = NULL, *message = NULL;

	table_set_column(t, 0, "a", "V", COLUMN_F64);
	json_object_set_new(t->meta, ROW_COUNT_KEY, json_string("two by two"));
	text = written(t, OPENEPDA_STANDARD);
	ck_assert_msg(read_text(text, &back, &message) == 0, "%s", message);
	ck_assert_str_eq(json_string_value(json_object_get(back->meta, ROW_COUNT_KEY)),
			 "two by two");
}
END_TEST

START_TEST(the_dialect_of_the_package_ends_with_dashes)
{
	_cleanup_table_ struct table *t = sample_run(10);
	_cleanup_free_ char *text = written(t, OPENEPDA_PYTHON_PACKAGE);

	ck_assert_ptr_nonnull(strstr(text, "\n---\n\"wavelength, nm\""));
	ck_assert_ptr_null(strstr(text, "\n...\n"));
}
END_TEST

START_TEST(a_run_without_a_date_gets_the_present)
{
	_cleanup_table_ struct table *t = table_new(1, 1), *back = NULL;
	_cleanup_free_ char *text = NULL;

	table_set_column(t, 0, "a", "V", COLUMN_F64);
	text = written(t, OPENEPDA_STANDARD);
	ck_assert_int_eq(read_text(text, &back, NULL), 0);
	ck_assert_uint_eq(json_string_length(json_object_get(back->meta, "created")),
			  strlen("2026-03-02T14:05:11.123456+01:00"));
}
END_TEST

START_TEST(reserved_names_are_not_written)
{
	_cleanup_table_ struct table *t = sample_run(1);
	_cleanup_free_ char *message = NULL;
	FILE *f = fopen("/dev/null", "w");

	json_object_set_new(t->meta, "_mine", json_integer(1));
	ck_assert_int_eq(openepda_write(f, t, OPENEPDA_STANDARD, &message), -EINVAL);
	ck_assert_msg(strstr(message, "\"_mine\"") != NULL, "%s", message);
	fclose(f);
}
END_TEST

START_TEST(a_full_device_is_an_error)
{
	_cleanup_table_ struct table *t = sample_run(100000);
	FILE *f = fopen("/dev/full", "w");

	ck_assert_int_eq(openepda_write(f, t, OPENEPDA_STANDARD, NULL), -ENOSPC);
	fclose(f);
}
END_TEST

/* ---- YAML ---- */

static const char *const texts[] = {
	"",
	" ",
	"a",
	"a b",
	" a",
	"a ",
	"yes",
	"No",
	"null",
	"~",
	"true",
	"1",
	"1.5",
	"-2e3",
	"0x1F",
	"1:30",
	"12_3",
	".5",
	"2018-09-12",
	"a: b",
	"a #b",
	"#a",
	"- a",
	"[a]",
	"{a}",
	"a,b",
	"'a'",
	"\"a\"",
	"a\nb",
	"a\n",
	"\n",
	"\ta",
	"a\tb",
	"a\\nb",
	"µ λ",
	"\x7f",
	"a\r\nb",
	"...",
	"---",
	"%a",
	"@a",
	"`a",
	"!a",
	"&a",
	"*a",
	"|",
	">",
	"?",
	":",
	"a:",
	"=",
	"<<",
	"\x01",
	"\xc2\x85x",
	"\u2028x",
	"\ufeffx",
	"a long text with more than eighty characters in it that nobody must fold",
	"007",
	"99999999999999999999",
	"-",
	"+1",
	"1e400",
	"0o7",
	".nan",
	"-.inf",
	"on",
};

START_TEST(every_text_comes_back_from_yaml)
{
	_cleanup_json_ json_t *object = json_object(), *back = NULL;
	_cleanup_free_ char *yaml = NULL, *message = NULL;
	size_t size;

	json_object_set_new(object, "value", json_string(texts[_i]));
	json_object_set_new(object, texts[_i], json_integer(1)); /* as a key, too */
	json_object_set_new(object, "list",
			    json_pack("[s, {s:s}, [s]]", texts[_i], "k", texts[_i], texts[_i]));
	ck_assert_int_eq(yaml_write(object, &yaml, &size), 0);
	ck_assert_msg(yaml_read(yaml, size, "text", 1, &back, &message) == 0, "%s%s", yaml,
		      message);
	ck_assert_msg(json_equal(object, back), "%s", yaml);
}
END_TEST

static const struct {
	const char *yaml, *json;
} scalars[] = {
	{"1", "1"},
	{"-1", "-1"},
	{"+1", "1"},
	{"0", "0"},
	{"1.0", "1.0"},
	{"1e3", "1000.0"},
	{"1.5e-06", "1.5e-06"},
	{".5", "0.5"},
	{"0x1F", "31"},
	{"0o17", "15"},
	{"true", "true"},
	{"False", "false"},
	{"null", "null"},
	{"~", "null"},
	{"", "null"},
	{"yes", "\"yes\""},
	{"007", "\"007\""},
	{"36386X", "\"36386X\""},
	{".nan", "\".nan\""},
	{"1_000", "\"1_000\""},
	{"'1'", "\"1\""},
	{"\"1\"", "\"1\""},
	{"!!str 1", "\"1\""},
	{"!!float 1.5", "1.5"},
	{"[1, a]", "[1, \"a\"]"},
	{"{a: 1}", "{\"a\": 1}"},
	{"[]", "[]"},
	{"{}", "{}"},
	{"9223372036854775807", "9223372036854775807"},
	{"9223372036854775808", "\"9223372036854775808\""},
	{"1550.0000000000000e+00", "1550.0"},
	{"2018-09-12T09:59:19", "\"2018-09-12T09:59:19\""},
};

START_TEST(plain_yaml_has_the_types_of_the_core_schema)
{
	_cleanup_free_ char *yaml = asprintf_or_null("k: %s\n", scalars[_i].yaml), *message = NULL;
	_cleanup_json_ json_t *back = NULL,
			      *expected = json_loads(scalars[_i].json, JSON_DECODE_ANY, NULL);

	ck_assert_msg(yaml_read(yaml, strlen(yaml), "text", 1, &back, &message) == 0, "%s%s", yaml,
		      message);
	ck_assert_msg(json_equal(json_object_get(back, "k"), expected), "%s", yaml);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("openepda");
	TCase *tc = tcase_create("openepda");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, every_dialect_is_read, 0, (int)ARRAY_SIZE(good));
	tcase_add_test(tc, carriage_returns_change_nothing);
	tcase_add_test(tc, the_example_of_the_specification_is_read_whole);
	tcase_add_loop_test(tc, a_bad_file_is_refused_and_the_message_says_where, 0,
			    (int)ARRAY_SIZE(bad));
	tcase_add_test(tc, deep_nesting_is_refused);
	tcase_add_test(tc, version_0_2_is_written_to_the_letter);
	tcase_add_loop_test(tc, a_run_comes_back_as_it_was, 0, 2);
	tcase_add_loop_test(tc, a_run_that_is_cut_anywhere_is_refused, 0, 2);
	tcase_add_test(tc, rows_that_others_count_in_their_own_way_are_left_alone);
	tcase_add_test(tc, the_dialect_of_the_package_ends_with_dashes);
	tcase_add_test(tc, a_run_without_a_date_gets_the_present);
	tcase_add_test(tc, reserved_names_are_not_written);
	tcase_add_test(tc, a_full_device_is_an_error);
	tcase_add_loop_test(tc, every_text_comes_back_from_yaml, 0, (int)ARRAY_SIZE(texts));
	tcase_add_loop_test(tc, plain_yaml_has_the_types_of_the_core_schema, 0,
			    (int)ARRAY_SIZE(scalars));
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
