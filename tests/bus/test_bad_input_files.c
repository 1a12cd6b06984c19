// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * etalonctl analyse, the real program, on files as people bring them: what is wrong is refused
 * with the file, the row and what is allowed; an axis that wavers within its random term works.
 * How each format is read byte by byte is not tested here.
 */
#include "exported.h"
#include "session.h"
#include "trial.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "run_suite.h"

#define ROWS 2001
#define STEP_NM 1e-3
#define HEADINGS "\"wavelength, nm\",\"through, W\"\n"
#define DESCRIPTION                                \
	"# openEPDA DATA FORMAT\n"                 \
	"_timestamp: '2026-01-01T00:00:00+00:00'\n" \
	"_openEPDA_version: '0.2'\n"

static char *folder;

static void setup(void)
{
	folder = make_folder();
}

static void teardown(void)
{
	remove_folder(folder);
	folder = NULL;
}

/* ---- a ring with one resonance at 1550 nm, and what is done to it ---- */

enum damage {
	NOTHING,
	REPEAT, /* every fifth wavelength is the one before */
	WAVER, /* each wavelength is off by up to 0.6 pm, twice the random term */
	DENSE, /* steps of 0.2 pm, off by up to 0.3 pm */
	ROUGH, /* the same, off by up to 5 pm: more than a laser jitters */
	FALLING,
	TWO_WAYS, /* up, and down again */
	SWAPPED, /* rows 100 and 300 */
	SHUFFLED,
	STILL, /* one wavelength for all */
	AXIS_NAN, /* in row 51 */
	AXIS_EMPTY,
	AXIS_NEGATIVE,
	AXIS_INFINITE,
	VALUE_NAN, /* in rows 51 to 60: missing values, not an error */
	VALUES_NAN, /* all of them */
	VALUE_INFINITE,
	VALUE_WORD,
	FIELD_MORE,
	FIELD_LESS,
	FEW, /* 10 rows */
	NO_ROWS,
	CUT, /* within the last row's first field */
	ZEROES, /* a hole that a crash left in the file */
	DAMAGES
};

static double noise(size_t i)
{
	uint64_t state = 77 + i;

	return (double)(trial_next(&state) >> 11) / (double)(1ULL << 52) - 1; /* -1 to 1 */
}

static double wavelength_of(enum damage damage, size_t i)
{
	double even = 1549 + STEP_NM * (double)i;

	switch (damage) {
	case REPEAT:
		return i % 5 == 4 ? even - STEP_NM : even;
	case WAVER:
		return even + 0.6e-3 * noise(i);
	case DENSE:
		return 1549.8 + 0.2e-3 * (double)i + 0.3e-3 * noise(i);
	case ROUGH:
		return 1549.8 + 0.2e-3 * (double)i + 5e-3 * noise(i);
	case FALLING:
		return 1551 - STEP_NM * (double)i;
	case TWO_WAYS:
		return i <= ROWS / 2 ? 1549 + 2 * STEP_NM * (double)i
				     : 1551 - 2 * STEP_NM * (double)(i - ROWS / 2);
	case SWAPPED:
		return i == 99 ? even + 200 * STEP_NM : i == 299 ? even - 200 * STEP_NM : even;
	case SHUFFLED:
		return 1550 + noise(i);
	case STILL:
		return 1550;
	default:
		return even;
	}
}

static double power_of(double nm, size_t i)
{
	double detuning = (nm - 1550) / 0.01;

	return 1e-4 * (1 - 0.9 / (1 + detuning * detuning)) * (1 + 2e-3 * noise(i + 100000));
}

/* The row that something is wrong with: true when it is written here. */
static bool odd_row(FILE *f, enum damage damage, double nm)
{
	static const char *const rows[DAMAGES] = {
		[AXIS_NAN] = "nan,1e-4\n",	   [AXIS_EMPTY] = ",1e-4\n",
		[AXIS_NEGATIVE] = "-1549,1e-4\n",  [AXIS_INFINITE] = "inf,1e-4\n",
		[VALUE_INFINITE] = "1549.05,-inf\n", [VALUE_WORD] = "1549.05,1e-4W\n",
		[FIELD_MORE] = "1549.05,1e-4,7\n", [FIELD_LESS] = "1549.05\n",
	};

	if (damage == ZEROES) {
		for (int i = 0; i < 4096; i++)
			fputc(0, f);
		return true;
	}
	if (damage == VALUE_NAN)
		fprintf(f, "%.7f,nan\n", nm);
	else if (rows[damage])
		fputs(rows[damage], f);
	return damage == VALUE_NAN || rows[damage];
}

static char *spectrum_file(const char *name, const char *head, enum damage damage)
{
	size_t rows = damage == FEW ? 10 : damage == NO_ROWS ? 0 : ROWS, size = 0;
	_cleanup_free_ char *text = NULL;
	FILE *f = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(f);
	fputs(head, f);
	for (size_t i = 0; i < rows; i++) {
		double nm = wavelength_of(damage, i);

		if (i == 50 && odd_row(f, damage, nm))
			continue;
		if (damage == VALUES_NAN || (damage == VALUE_NAN && i > 50 && i < 60))
			fprintf(f, "%.7f,nan\n", nm);
		else
			fprintf(f, "%.7f,%.6e\n", nm, power_of(nm, i));
	}
	if (damage == CUT)
		fputs("1551.0", f);
	fclose(f);
	return file_of(folder, name, text, size);
}

/* ---- asking ---- */

/* No bus and no daemon: analysing a file needs neither. */
static int analyse(const char *path, char **ret_output)
{
	struct session nobody = {0};

	snprintf(nobody.dir, sizeof(nobody.dir), "%s", folder);
	snprintf(nobody.address, sizeof(nobody.address), "unix:path=/nonexistent/bus");
	return session_ctl(&nobody, ret_output, "analyse", path, NULL);
}

static void must_refuse(const char *path, const char *what, const char *says)
{
	_cleanup_free_ char *output = NULL;
	int status = analyse(path, &output);

	ck_assert_msg(status == 2, "%s: exit %d: %s", what, status, output);
	ck_assert_msg(strstr(output, says) != NULL, "%s: does not say \"%s\": %s", what, says, output);
	ck_assert_msg(strstr(output, strrchr(path, '/') + 1) != NULL, "%s: the file is not named: %s",
		      what, output);
	ck_assert_msg(strstr(output, "lorentzian") == NULL, "%s: analysed all the same: %s", what,
		      output);
}

static void must_find_the_dip(const char *path, const char *what)
{
	_cleanup_free_ char *output = NULL;
	int status = analyse(path, &output);
	double nm = 0, pm = 0, fwhm = 0;
	const char *first;

	ck_assert_msg(status == 0, "%s: exit %d: %s", what, status, output);
	first = strstr(output, "\n 1 ");
	ck_assert_msg(first != NULL, "%s: no resonance: %s", what, output);
	ck_assert_msg(sscanf(first, " 1 %lf %lf %lf", &nm, &pm, &fwhm) == 3, "%s: %s", what, output);
	ck_assert_msg(fabs(nm - 1550) < 1e-3 && fabs(fwhm - 20) < 1, "%s: %s", what, output);
	ck_assert_msg(strstr(output, "\n 2 ") == NULL, "%s: more than one resonance: %s", what, output);
}

/* ---- what must work ---- */

static const struct {
	const char *what, *head;
	enum damage damage;
} good[] = {
	{"even", HEADINGS, NOTHING},
	{"repeating", HEADINGS, REPEAT},
	{"wavering within the random term", HEADINGS, WAVER},
	{"steps shorter than the random term", HEADINGS, DENSE},
	{"steps shorter than the stated random term",
	 DESCRIPTION "axis: {random_pm: 0.3}\n...\n" HEADINGS, DENSE},
	{"jittering by more than its log errs",
	 DESCRIPTION "axis: {random_pm: 0.01}\n...\n" HEADINGS, DENSE},
	{"falling", HEADINGS, FALLING},
	{"missing values", HEADINGS, VALUE_NAN},
	{"openEPDA", DESCRIPTION "...\n" HEADINGS, NOTHING},
	{"openEPDA of the reference package", DESCRIPTION "---\n" HEADINGS, NOTHING},
	{"keys of the file's own", DESCRIPTION "colour: red\nnested: {a: [1, 2]}\n...\n" HEADINGS,
	 NOTHING},
};

START_TEST(an_axis_within_its_random_term_is_analysed)
{
	_cleanup_free_ char *path =
		spectrum_file(*good[_i].head == '#' ? "ring.oedf" : "ring.csv", good[_i].head,
			      good[_i].damage);

	must_find_the_dip(path, good[_i].what);
}
END_TEST

/* ---- what must not ---- */

static const struct {
	const char *what, *head;
	enum damage damage;
	const char *says;
} bad[] = {
	{"two rows swapped", HEADINGS, SWAPPED, "row 101: 1549.100000 nm comes after 1549.299000 nm"},
	{"up and down without flags", HEADINGS, TWO_WAYS, "row 1003: 1550.996000 nm comes after"},
	{"disorder", HEADINGS, SHUFFLED, "sort the rows or split the file"},
	{"wavering more than stated", DESCRIPTION "axis: {random_pm: 0.01}\n...\n" HEADINGS, ROUGH,
	 "8 x the random term"},
	{"a random term below zero", DESCRIPTION "axis: {random_pm: -1}\n...\n" HEADINGS, NOTHING,
	 "0 to 100 pm are allowed"},
	{"all at one wavelength", HEADINGS, STILL, "stands still"},
	{"NaN on the axis", HEADINGS, AXIS_NAN, "row 51"},
	{"a hole in the axis", HEADINGS, AXIS_EMPTY, "row 51"},
	{"a wavelength below zero", HEADINGS, AXIS_NEGATIVE, "row 51"},
	{"an infinite wavelength", HEADINGS, AXIS_INFINITE, "row 51 (line 52)"},
	{"nothing but NaN", HEADINGS, VALUES_NAN, "0 usable points of 2001"},
	{"an infinite value", HEADINGS, VALUE_INFINITE, "row 51 (line 52), column 2 \"through\""},
	{"a word among the values", HEADINGS, VALUE_WORD, "\"1e-4W\" is not a number"},
	{"a field too many", HEADINGS, FIELD_MORE, "row 51 (line 52) has more than 2 of 2 fields"},
	{"a field too few", HEADINGS, FIELD_LESS, "row 51 (line 52) has 1 of 2 fields"},
	{"too few points", HEADINGS, FEW, "at least 32 are needed"},
	{"headings alone", HEADINGS, NO_ROWS, "no rows"},
	{"cut short", HEADINGS, CUT, "the file is cut short"},
	{"zeroes in the middle", HEADINGS, ZEROES, "row 51 (line 52), column 1 \"wavelength\""},
	{"no headings", "", NOTHING, "column"},
	{"an axis without a unit", "wavelength,\"through, W\"\n", NOTHING, "\"wavelength, nm\""},
	{"an axis in furlongs", "\"wavelength, furlong\",\"through, W\"\n", NOTHING, "furlong"},
	{"no axis", "\"a, nm\",\"b, W\"\n", NOTHING, "there is no wavelength column"},
	{"the same heading twice", "\"wavelength, nm\",\"wavelength, nm\"\n", NOTHING, "wavelength"},
	{"an unknown reserved key", DESCRIPTION "_colour: red\n...\n" HEADINGS, NOTHING,
	 "the key \"_colour\" is not known"},
	{"a key twice", DESCRIPTION "a: 1\na: 2\n...\n" HEADINGS, NOTHING, "the key \"a\" is there twice"},
	{"YAML that is none", DESCRIPTION "a: [1, 2\n...\n" HEADINGS, NOTHING, "not valid YAML"},
	{"no end of the description", DESCRIPTION HEADINGS, NOTHING, "\"...\""},
	{"no version", "# openEPDA DATA FORMAT\n_timestamp: '2026-01-01T00:00:00'\n...\n" HEADINGS,
	 NOTHING, "_openEPDA_version"},
	{"no date", "# openEPDA DATA FORMAT\n_openEPDA_version: '0.2'\n...\n" HEADINGS, NOTHING,
	 "\"_timestamp\" is missing"},
	{"a version of the future",
	 "# openEPDA DATA FORMAT\n_timestamp: '2026-01-01T00:00:00'\n_openEPDA_version: "
	 "'9.9'\n...\n" HEADINGS,
	 NOTHING, "'0.1' and '0.2' are known"},
	{"openEPDA without rows", DESCRIPTION "...\n" HEADINGS, NO_ROWS, "no rows"},
	{"openEPDA cut short", DESCRIPTION "...\n" HEADINGS, CUT, "cut short"},
	{"openEPDA in disorder", DESCRIPTION "...\n" HEADINGS, SWAPPED, "row 101: 1549.100000 nm"},
};

START_TEST(a_bad_file_is_refused_with_its_name_and_the_row)
{
	_cleanup_free_ char *path =
		spectrum_file(*bad[_i].head == '#' ? "ring.oedf" : "ring.csv", bad[_i].head,
			      bad[_i].damage);
	_cleanup_free_ char *before = bytes_of(path, NULL), *after = NULL;

	must_refuse(path, bad[_i].what, bad[_i].says);
	after = bytes_of(path, NULL);
	ck_assert_str_eq(before, after);
}
END_TEST

static const struct {
	const char *name, *bytes;
	size_t size;
	const char *says;
} no_tables[] = {
	{"empty.csv", "", 0, "the file is empty"},
	{"empty.oedf", "", 0, "empty"},
	{"empty.h5", "", 0, "the file is empty"},
	{"binary.csv", "\0\1\2\xff\xfe", 5, "this is a binary file"},
	{"head.oedf", DESCRIPTION, sizeof(DESCRIPTION) - 1, "the file ends within the description"},
	{"cut.h5", "\x89HDF\r\n\x1a\n\0\0\0\0", 12, "not a readable HDF5 file"},
	{"blank.csv", "\n\n\n", 3, "blank.csv"},
};

START_TEST(what_is_no_table_at_all_is_refused)
{
	_cleanup_free_ char *path = file_of(folder, no_tables[_i].name, no_tables[_i].bytes,
					    no_tables[_i].size);

	must_refuse(path, no_tables[_i].name, no_tables[_i].says);
}
END_TEST

START_TEST(a_file_that_cannot_be_read_is_named)
{
	_cleanup_free_ char *missing = path_in(folder, "missing.csv");

	must_refuse(missing, "missing", "No such file");
	must_refuse(folder, "a folder", "directory");
}
END_TEST

START_TEST(one_bad_file_among_good_ones_is_named_and_nothing_passes_for_all)
{
	_cleanup_free_ char *first = spectrum_file("first.csv", HEADINGS, NOTHING);
	_cleanup_free_ char *second = spectrum_file("second.csv", HEADINGS, SWAPPED);
	_cleanup_free_ char *third = spectrum_file("third.csv", HEADINGS, NOTHING);
	_cleanup_free_ char *output = NULL;
	struct session nobody = {0};
	int status;

	snprintf(nobody.dir, sizeof(nobody.dir), "%s", folder);
	status = session_ctl(&nobody, &output, "analyse", first, second, third, NULL);
	ck_assert_msg(status == 2, "exit %d: %s", status, output);
	ck_assert_msg(strstr(output, "second.csv: row 101") != NULL, "%s", output);
	ck_assert_msg(strstr(output, "lorentzian") == NULL, "some were analysed: %s", output);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("bad_input_files");
	TCase *tc = tcase_create("files");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, an_axis_within_its_random_term_is_analysed, 0, (int)ARRAY_SIZE(good));
	tcase_add_loop_test(tc, a_bad_file_is_refused_with_its_name_and_the_row, 0,
			    (int)ARRAY_SIZE(bad));
	tcase_add_loop_test(tc, what_is_no_table_at_all_is_refused, 0, (int)ARRAY_SIZE(no_tables));
	tcase_add_test(tc, a_file_that_cannot_be_read_is_named);
	tcase_add_test(tc, one_bad_file_among_good_ones_is_named_and_nothing_passes_for_all);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
