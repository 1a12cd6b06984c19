// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * CSV files: what is read, what is refused and with which words, what is written.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "../common/exported.h"
#include "base/util.h"
#include "data/frame.h"
#include "export/csv_read.h"
#include "export/csv_write.h"
#include "export/file_read.h"

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

static int read_bytes(const char *bytes, size_t size, struct table **ret, char **ret_message)
{
	_cleanup_free_ char *path = file_of(folder, "file.csv", bytes, size);

	return table_read_any(path, ret, ret_message);
}

/* Reads text that must be a table. */
static struct table *read_text(const char *text)
{
	_cleanup_free_ char *message = NULL;
	struct table *table = NULL;

	ck_assert_msg(read_bytes(text, strlen(text), &table, &message) == 0, "%s: %s", text,
		      message);
	return table;
}

/* ---- what is read ---- */

static const struct {
	const char *text;
	size_t rows;
	double last; /* of the last column */
} good[] = {
	{"\"wavelength, nm\",\"a, dBm\"\n1500.0040,-44.508\n1500.008,-44.85\n", 2, -44.85},
	{"wavelength,a\r\n1,2\r\n3,4\r\n", 2, 4}, /* CR LF */
	{"wavelength,a\n1,2\n3,4", 2, 4}, /* no last line end */
	{"wavelength,a\r\n1,2\r\n3,4\r", 2, 4}, /* cut between CR and LF */
	{"\xef\xbb\xbfwavelength,a\n1,2\n", 1, 2}, /* byte order mark */
	{"wavelength,a\n1,2\n\n\r\n\n", 1, 2}, /* blank lines at the end */
	{"\n\nwavelength,a\n1,2\n", 1, 2}, /* and at the beginning */
	{" wavelength , a \n 1 ,\t2 \n", 1, 2}, /* blanks */
	{"wavelength,a\n\"1\",\"2\"\n", 1, 2}, /* quoted numbers */
	{"wavelength,a\n1,\n", 1, NAN}, /* empty: missing */
	{"wavelength,a\n1,NaN\n", 1, NAN},
	{"wavelength,\"a, dB\"\n1,-inf\n", 1, -INFINITY}, /* no light, on a logarithmic scale */
	{"wavelength,\"a \"\"b\"\"\"\n1,2\n", 1, 2},
	{"a\n1\n2\n", 2, 2},
	{",a\n0,5\n", 1, 5}, /* an index column without a heading */
	{"# measured by Joe: \"quoted\n# more\nwavelength,a\n1,2\n", 1, 2},
	{"wavelength,a\n1,1e-320\n", 1, 1e-320},
};

START_TEST(a_table_is_read_in_every_form_of_rfc_4180)
{
	_cleanup_table_ struct table *table = NULL;
	_cleanup_free_ char *message = NULL;
	double last;

	ck_assert_msg(read_bytes(good[_i].text, strlen(good[_i].text), &table, &message) == 0,
		      "%s: %s", good[_i].text, message);
	ck_assert_uint_eq(table->rows, good[_i].rows);
	last = table->columns[table->column_count - 1].f64[table->rows - 1];
	ck_assert(last == good[_i].last || (isnan(last) && isnan(good[_i].last)));
}
END_TEST

static const struct {
	const char *heading, *name, *unit;
} headings[] = {
	{"\"wavelength, nm\"", "wavelength", "nm"},
	{"\"Current LD, [A]\"", "Current LD", "A"},
	{"Current LD [A]", "Current LD", "A"},
	{"through", "through", ""},
	{"\"transmitted power, dBm\"", "transmitted power", "dBm"},
	{"\"current_density, kA/cm**2\"", "current_density", "kA/cm**2"},
	{"\"a, b, nm\"", "a, b", "nm"},
	{"\"a, b []\"", "a, b", ""},
	{"\"λ, µm\"", "λ", "µm"},
	{"[nm]", "[nm]", ""},
	{"\"left arm, straight through the chip\"", "left arm, straight through the chip", ""},
};

START_TEST(a_heading_is_a_name_and_a_unit)
{
	_cleanup_free_ char *text = asprintf_or_null("%s\n1\n", headings[_i].heading);
	_cleanup_table_ struct table *table = read_text(text);

	ck_assert_str_eq(table->columns[0].name, headings[_i].name);
	ck_assert_str_eq(table->columns[0].unit, headings[_i].unit);
}
END_TEST

START_TEST(flag_words_are_read_as_such)
{
	_cleanup_table_ struct table *table =
		read_text("a,\"a.flags\",flags\n1,4194304,4294967295\n");

	ck_assert_int_eq(table->columns[1].type, COLUMN_U32);
	ck_assert_uint_eq(table->columns[1].u32[0], FRAME_CHANNEL_BELOW_FLOOR);
	ck_assert_uint_eq(table->columns[2].u32[0], UINT32_MAX);
}
END_TEST

START_TEST(a_view_in_dbm_beside_its_power_is_not_read_twice)
{
	_cleanup_table_ struct table *both = read_text("\"a, W\",\"a, dBm\"\n0.001,0\n-1,\n");
	_cleanup_table_ struct table *alone = read_text("\"a, W\",\"b, dBm\"\n0.001,0\n");

	ck_assert_uint_eq(both->column_count, 1);
	ck_assert_str_eq(both->columns[0].unit, "W");
	ck_assert_uint_eq(alone->column_count, 2);
}
END_TEST

START_TEST(many_rows_are_read)
{
	_cleanup_table_ struct table *table = NULL;
	_cleanup_free_ char *message = NULL, *path = path_in(folder, "big.csv");
	FILE *f = fopen(path, "w");

	fprintf(f, "wavelength,a\n");
	for (int i = 0; i < 100000; i++)
		fprintf(f, "%.3f,%d\n", 1500 + i * 1e-3, i);
	fclose(f);
	ck_assert_msg(table_read_any(path, &table, &message) == 0, "%s", message);
	ck_assert_uint_eq(table->rows, 100000);
	for (int i = 0; i < 100000; i++)
		ck_assert(table->columns[1].f64[i] == i);
}
END_TEST

/* Packets of a few bytes: every read() gives one, as a slow pipe would. */
START_TEST(a_pipe_is_read_in_whatever_pieces_it_comes)
{
	static const char bytes[] = "\xef\xbb\xbf# who\n\"wavelength, nm\",b\r\n1,2\r\n4,\"5\"\r\n";
	_cleanup_(text_end) struct text_reader text = {};
	_cleanup_table_ struct table *table = NULL;
	_cleanup_free_ char *message = NULL;
	size_t piece = (size_t)_i + 1;
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
	for (size_t at = 0; at < sizeof(bytes) - 1; at += piece)
		ck_assert_int_gt(write(ends[1], bytes + at, MIN(piece, sizeof(bytes) - 1 - at)), 0);
	close(ends[1]);
	ck_assert_int_eq(text_begin(&text, ends[0], "pipe", NULL), 0);
	ck_assert_msg(csv_read(&text, &table, &message) == 0, "%s", message);
	ck_assert_uint_eq(table->rows, 2);
	ck_assert(table->columns[1].f64[1] == 5);
	close(ends[0]);
}
END_TEST

/* ---- what is refused ---- */

#define BYTES(s) s, sizeof(s) - 1

static const struct {
	const char *what, *bytes;
	size_t size;
	const char *says[3]; /* each must be part of the message */
} bad[] = {
	{"empty file", BYTES(""), {"file.csv", "the file is empty", "wavelength, nm"}},
	{"blank file", BYTES("\n\n"), {"there is no table"}},
	{"only a mark", BYTES("\xef\xbb\xbf"), {"the file is empty"}},
	{"only comments", BYTES("# a\n# b\n"), {"there is no table"}},
	{"no rows", BYTES("a,b\n"), {"headings and no rows"}},
	{"not a number",
	 BYTES("wavelength,a\n1,2\n3,abc\n"),
	 {"row 2 (line 3), column 2 \"a\"", "\"abc\" is not a number", "allowed is"}},
	{"decimal comma", BYTES("a,b\n1,2\n\"1,5\",2\n"), {"row 2", "\"1,5\" is not a number"}},
	{"hexadecimal", BYTES("a\n0x10\n"), {"\"0x10\" is not a number"}},
	{"infinite power", BYTES("\"a, W\"\n-inf\n"), {"not finite"}},
	{"infinite", BYTES("\"a, dB\"\ninf\n"), {"not finite"}},
	{"too large", BYTES("a\n1e999\n"), {"\"1e999\" is not finite"}},
	{"few fields", BYTES("a,b,c\n1,2,3\n4,5\n6,7,8\n"), {"row 2 (line 3) has 2 of 3 fields"}},
	{"many fields", BYTES("a,b\n1,2\n3,4,5\n"), {"row 2 (line 3) has more than 2 of 2"}},
	{"cut short",
	 BYTES("a,b,c\n1,2,3\n4,5"),
	 {"row 2 (line 3) has 2 of 3 fields", "last row", "cut short"}},
	{"cut within a number", BYTES("a,b\n1,2\n3,4e"), {"row 2", "\"4e\" is not a number"}},
	{"a gap", BYTES("a,b\n1,2\n\n3,4\n"), {"line 3 is empty"}},
	{"quote never closed", BYTES("a,b\n1,2\n\"3,4\n5,6\n"), {"line 3", "never closed"}},
	{"quote within", BYTES("a,b\n1,2\n3,4\"\"5\n"), {"line 3, column 2", "a quote"}},
	{"text after a quote", BYTES("a,b\n\"1\"x,2\n"), {"line 2, column 1", "a quote"}},
	{"blank within quotes", BYTES("a,b\n1,\" 2\"\n"), {"row 1", "\" 2\" is not a number"}},
	{"line end in a heading", BYTES("\"a\nb\"\n1\n"), {"heading 1", "not text"}},
	{"same name", BYTES("a,\"b, nm\",\"b, nm\"\n1,2,3\n"), {"columns 2 and 3", "\"b\""}},
	{"no name", BYTES("a,,b\n1,2,3\n"), {"heading 2 has no name"}},
	{"long name",
	 BYTES("a,bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\n1,2\n"),
	 {"heading 2", "longer than 63 bytes"}},
	{"no headings", BYTES("1500.004,-44.5\n1500.008,-45\n"), {"line 1 holds numbers"}},
	{"semicolons", BYTES("a;b\n1;2\n"), {"separate columns with commas"}},
	{"tabs", BYTES("a\tb\n1\t2\n"), {"separate columns with commas"}},
	{"bytes", BYTES("\x01\x02\x03\x00\xff\xfe,\n\x80\n"), {"not text"}},
	{"Latin 1", BYTES("wellenl\xe4nge\n1\n"), {"not UTF-8"}},
	{"zero in a row", BYTES("a,b\n1,2\x00\n"), {"\"2\\x00\" is not a number"}},
	{"flag not whole", BYTES("a,flags\n1,1.5\n"), {"is no flag word", "0 to 4294967295"}},
	{"flag missing", BYTES("a,flags\n1,\n"), {"is no flag word"}},
	{"gzip", BYTES("\x1f\x8b\x08\x00"), {"compressed with gzip"}},
	{"spreadsheet", BYTES("PK\x03\x04zzzz"), {"spreadsheet"}},
	{"UTF-16",
	 BYTES("\xff\xfe"
	       "a\0"),
	 {"save it as UTF-8"}},
	{"description", BYTES("# etalon-csv: 1\n# a: [\na\n1\n"), {"line", "not valid YAML"}},
	{"description", BYTES("# etalon-csv: 1\n# a: 1\n# a: 2\nb\n1\n"), {"line 3", "twice"}},
};

START_TEST(a_bad_file_is_refused_and_the_message_says_where)
{
	_cleanup_table_ struct table *table = NULL;
	_cleanup_free_ char *message = NULL;

	ck_assert_msg(read_bytes(bad[_i].bytes, bad[_i].size, &table, &message) == -EBADMSG,
		      "%s was accepted", bad[_i].what);
	ck_assert_ptr_null(table);
	ck_assert_msg(strstr(message, "file.csv") != NULL, "%s", message);
	for (size_t i = 0; i < ARRAY_SIZE(bad[_i].says) && bad[_i].says[i]; i++)
		ck_assert_msg(strstr(message, bad[_i].says[i]) != NULL, "%s: %s", bad[_i].what,
			      message);
	for (const char *p = message; *p; p++)
		ck_assert_msg((unsigned char)*p >= 0x20, "%s", message);
}
END_TEST

START_TEST(limits_hold_for_columns_and_lines)
{
	_cleanup_free_ char *wide = malloc(20000), *message = NULL, *again = NULL, *third = NULL;
	_cleanup_free_ char *line = malloc(TEXT_LINE_MAX + 100);
	_cleanup_table_ struct table *table = NULL;
	char *p = wide;

	for (int i = 0; i <= CSV_COLUMNS_MAX; i++)
		p += sprintf(p, "%sc%d", i ? "," : "", i);
	strcpy(p, "\n1\n");
	ck_assert_int_eq(read_bytes(wide, strlen(wide), &table, &message), -EBADMSG);
	ck_assert_msg(strstr(message, "more than 1024 columns") != NULL, "%s", message);

	memset(line, '1', TEXT_LINE_MAX + 99);
	memcpy(line, "a\n", 2);
	ck_assert_int_eq(read_bytes(line, TEXT_LINE_MAX + 99, &table, &again), -EBADMSG);
	ck_assert_msg(strstr(again, "line 2 is longer") != NULL, "%s", again);

	line[2] = '"';
	line[50] = '\n';
	ck_assert_int_eq(read_bytes(line, TEXT_LINE_MAX + 99, &table, &third), -EBADMSG);
	ck_assert_msg(strstr(third, "line 2: a quote") != NULL, "%s", third);
}
END_TEST

START_TEST(what_can_not_be_opened_is_named)
{
	_cleanup_free_ char *absent = path_in(folder, "absent.csv"), *one = NULL, *two = NULL;
	struct table *table = NULL;

	ck_assert_int_eq(table_read_any(absent, &table, &one), -ENOENT);
	ck_assert_msg(strstr(one, absent) != NULL, "%s", one);
	ck_assert_int_eq(table_read_any(folder, &table, &two), -EISDIR);
	ck_assert_int_eq(table_read_any(absent, &table, NULL), -ENOENT);
	ck_assert_ptr_null(table);
}
END_TEST

/* ---- what is written ---- */

static char *written(const struct table *table, bool description)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	ck_assert_int_eq(description ? csv_write(f, table) : csv_write_table(f, table), 0);
	fclose(f);
	return text;
}

START_TEST(columns_are_written_as_promised)
{
	_cleanup_table_ struct table *t = table_new(3, 5);
	_cleanup_free_ char *text = NULL;

	table_set_column(t, 0, "wavelength", "nm", COLUMN_F64);
	table_set_column(t, 1, "wavelength nominal", "nm", COLUMN_F64);
	table_set_column(t, 2, "through", "W", COLUMN_F64);
	table_set_column(t, 3, "through.sigma", "W", COLUMN_F64);
	table_set_column(t, 4, "flags", "", COLUMN_U32);
	memcpy(t->columns[0].f64, (double[]){1540.0012, 1540.1, 1540.2}, 24);
	memcpy(t->columns[1].f64, (double[]){1540, 1540.1, 1540.2}, 24);
	memcpy(t->columns[2].f64, (double[]){1e-3, -2e-9, NAN}, 24);
	memcpy(t->columns[3].f64, (double[]){1e-10, 0, INFINITY}, 24);
	t->columns[4].u32[2] = 3;
	text = written(t, false);
	ck_assert_str_eq(
		text,
		"\"wavelength, nm\",\"wavelength nominal, nm\",\"through, W\",\"through, dBm\","
		"\"through.sigma, W\",\"flags\"\n"
		"1540.0012,1540,0.001,0,1e-10,0\n"
		"1540.1,1540.1,-2e-09,,0,0\n"
		"1540.2,1540.2,,,,3\n");
}
END_TEST

/* What came as -inf, from another program, goes on as a missing value: no sentinel is written. */
START_TEST(no_light_on_a_logarithmic_scale_is_an_empty_field)
{
	_cleanup_table_ struct table *t =
		read_text("\"wavelength, nm\",\"a, dBm\",\"b, dB\"\n1,-inf,-3\n2,-60,-inf\n");
	_cleanup_free_ char *text = written(t, false);

	ck_assert_str_eq(text, "\"wavelength, nm\",\"a, dBm\",\"b, dB\"\n1,,-3\n2,-60,\n");
}
END_TEST

START_TEST(a_run_comes_back_from_csv_as_it_was)
{
	_cleanup_table_ struct table *t = sample_run(1000), *back = NULL;
	_cleanup_free_ char *text = written(t, true);

	back = read_text(text);
	ck_assert(table_columns_equal(t, back));
	ck_assert(json_equal(t->meta, back->meta));
}
END_TEST

START_TEST(a_run_that_is_cut_anywhere_is_refused)
{
	_cleanup_table_ struct table *t = sample_run(5);
	_cleanup_free_ char *text = written(t, true);

	for (size_t keep = 0; keep < strlen(text); keep++) {
		_cleanup_free_ char *message = NULL;
		struct table *back = NULL;

		ck_assert_msg(read_bytes(text, keep, &back, &message) == -EBADMSG,
			      "%zu of %zu bytes were accepted", keep, strlen(text));
	}
}
END_TEST

/* Three rows below their description, or what is left of them. */
static const struct {
	const char *rows;
	const char *says;
} cut[] = {
	{"1,2\n3,4\n", "it holds 2 of the 3 rows that its description states"},
	{"1,2\n3,4\n5,67", "row 3 of 3 has no line end: the file is cut short within it"},
	{"1,2\n3,4\n5", "row 3 (line 6) has 1 of 2 fields: it is the last row"},
	{"1,2\n3,4\n5,6\n7,8\n", "if you added rows, state table_rows: 4"},
};

START_TEST(a_file_with_other_rows_than_it_states_says_so)
{
	_cleanup_free_ char *text =
		asprintf_or_null("# etalon-csv: 1\n# table_rows: 3\na,b\n%s", cut[_i].rows);
	_cleanup_free_ char *message = NULL;
	struct table *table = NULL;

	ck_assert_int_eq(read_bytes(text, strlen(text), &table, &message), -EBADMSG);
	ck_assert_msg(strstr(message, cut[_i].says) != NULL, "%s", message);
}
END_TEST

START_TEST(a_table_knows_whether_its_last_line_had_an_end)
{
	_cleanup_table_ struct table *open = read_text("a,b\n1,2\n3,4");
	_cleanup_table_ struct table *closed = read_text("a,b\n1,2\n3,4\n");
	_cleanup_table_ struct table *blank = read_text("a,b\n1,2\n3,4\n\n\r");

	ck_assert(open->open_end);
	ck_assert(!closed->open_end);
	ck_assert(!blank->open_end);
}
END_TEST

START_TEST(the_description_is_comments_above_a_plain_table)
{
	_cleanup_table_ struct table *t = sample_run(10);
	_cleanup_free_ char *text = written(t, true), *table = written(t, false);
	char *first = strstr(text, "\n\"wavelength, nm\"");

	ck_assert_ptr_nonnull(first);
	ck_assert_str_eq(first + 1, table);
	for (char *line = text; line <= first; line = strchr(line, '\n') + 1)
		ck_assert_int_eq(*line, '#');
	ck_assert_ptr_nonnull(strstr(text, "\n# ledger:\n"));
	ck_assert_ptr_nonnull(strstr(text, "\n#   provenance: wavemeter\n"));
	ck_assert_ptr_nonnull(strstr(text, "\n# flags_legend:\n"));
	ck_assert_ptr_nonnull(strstr(text, "\n#   power_w: 0.001\n"));
}
END_TEST

START_TEST(odd_names_come_back_as_they_were)
{
	static const char *const names[][2] = {
		{"a, b", ""},	   {"a \"quoted\"", "W"}, {"a [b]", ""}, {"λ", "µm"},
		{"a", "kA/cm**2"}, {"a, b", "nm"},	  {"c", "x,y"},
	};
	_cleanup_table_ struct table *t = table_new(1, ARRAY_SIZE(names)), *back = NULL;
	_cleanup_free_ char *text = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		ck_assert_int_eq(table_set_column(t, i, names[i][0], names[i][1], COLUMN_F64), 0);
	text = written(t, true);
	/* A view in dBm of the one in W is there, and not read back. */
	back = read_text(text);
	ck_assert(table_columns_equal(t, back));
}
END_TEST

START_TEST(missing_values_of_one_column_alone_are_rows_too)
{
	_cleanup_table_ struct table *t = table_new(3, 1), *back = NULL;
	_cleanup_free_ char *text = NULL;

	table_set_column(t, 0, "a", "V", COLUMN_F64);
	memcpy(t->columns[0].f64, (double[]){NAN, 1, NAN}, 24);
	text = written(t, false);
	ck_assert_str_eq(text, "\"a, V\"\n\"\"\n1\n\"\"\n");
	back = read_text(text);
	ck_assert(table_columns_equal(t, back));
}
END_TEST

START_TEST(a_full_device_is_an_error)
{
	_cleanup_table_ struct table *t = sample_run(100000);
	FILE *f = fopen("/dev/full", "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(csv_write(f, t), -ENOSPC);
	fclose(f);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("csv");
	TCase *tc = tcase_create("csv");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, a_table_is_read_in_every_form_of_rfc_4180, 0,
			    (int)ARRAY_SIZE(good));
	tcase_add_loop_test(tc, a_heading_is_a_name_and_a_unit, 0, (int)ARRAY_SIZE(headings));
	tcase_add_test(tc, flag_words_are_read_as_such);
	tcase_add_test(tc, a_view_in_dbm_beside_its_power_is_not_read_twice);
	tcase_add_test(tc, many_rows_are_read);
	tcase_add_loop_test(tc, a_pipe_is_read_in_whatever_pieces_it_comes, 0, 7);
	tcase_add_loop_test(tc, a_bad_file_is_refused_and_the_message_says_where, 0,
			    (int)ARRAY_SIZE(bad));
	tcase_add_test(tc, limits_hold_for_columns_and_lines);
	tcase_add_test(tc, what_can_not_be_opened_is_named);
	tcase_add_test(tc, columns_are_written_as_promised);
	tcase_add_test(tc, no_light_on_a_logarithmic_scale_is_an_empty_field);
	tcase_add_test(tc, a_run_comes_back_from_csv_as_it_was);
	tcase_add_test(tc, a_run_that_is_cut_anywhere_is_refused);
	tcase_add_loop_test(tc, a_file_with_other_rows_than_it_states_says_so, 0,
			    (int)ARRAY_SIZE(cut));
	tcase_add_test(tc, a_table_knows_whether_its_last_line_had_an_end);
	tcase_add_test(tc, the_description_is_comments_above_a_plain_table);
	tcase_add_test(tc, odd_names_come_back_as_they_were);
	tcase_add_test(tc, missing_values_of_one_column_alone_are_rows_too);
	tcase_add_test(tc, a_full_device_is_an_error);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
