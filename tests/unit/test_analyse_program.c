// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The program etalon-analyse: files and frames in, a table or JSON out, exit 0 or 2, and words that
 * say what was wrong.
 */
#include <sys/socket.h>

#include "analyse_program.h"
#include "base/pass_fd.h"
#include "exported.h"
#include "run_suite.h"

static struct table *short_sweep(void)
{
	struct synth s = synth_demo;

	s.start_nm = 1548;
	s.stop_nm = 1552.6;
	return synth_table(&s);
}

/* A file of the sweep as a foreign program would write it. */
static char *write_csv(const char *folder, const char *name)
{
	_cleanup_table_ struct table *t = short_sweep();
	char *path = path_in(folder, name);
	FILE *f = fopen(path, "we");

	ck_assert_ptr_nonnull(f);
	fputs("\"wavelength, nm\",\"through, W\",\"other, dBm\"\n", f);
	for (size_t i = 0; i < t->rows; i++)
		fprintf(f, "%.6f,%.9g,-50\n", t->columns[0].f64[i], t->columns[1].f64[i]);
	fclose(f);
	return path;
}

static void assert_says(const struct outcome *o, int status, const char *says)
{
	ck_assert_msg(o->status == status, "exit %d: %s", o->status, o->err);
	ck_assert_msg(strstr(o->err, says) != NULL, "\"%s\" does not say \"%s\"", o->err, says);
}

START_TEST(a_file_gives_a_table_for_people)
{
	char *folder = make_folder();
	_cleanup_free_ char *path = write_csv(folder, "ring.csv");
	_cleanup_outcome_ struct outcome o = run_analyse((const char *[]){path, NULL}, -1);

	remove_folder(folder);
	ck_assert_msg(o.status == 0, "%s", o.err);
	ck_assert_str_eq(o.err, "");
	ck_assert_ptr_nonnull(strstr(o.out, "wavelength nm"));
	ck_assert_ptr_nonnull(strstr(o.out, "1549.39"));
	ck_assert_ptr_nonnull(strstr(o.out, "1551.68"));
	ck_assert_ptr_nonnull(strstr(o.out, "FSR"));
}
END_TEST

START_TEST(a_file_gives_one_json_document)
{
	char *folder = make_folder();
	_cleanup_free_ char *path = write_csv(folder, "ring.csv");
	_cleanup_outcome_ struct outcome o =
		run_analyse((const char *[]){"--json", "--channel", "through", "--method",
					     "resonances", "--", path, NULL},
			    -1);
	json_t *result = json_loads(o.out, 0, NULL);

	remove_folder(folder);
	ck_assert_int_eq(o.status, 0);
	ck_assert(json_is_object(result));
	ck_assert_str_eq(text_of(result, "method"), "resonances");
	ck_assert_str_eq(text_of(result, "version"), ANALYSE_RESONANCES_VERSION);
	ck_assert_str_eq(text_of(result, "channel"), "through");
	ck_assert_str_eq(text_of(result, "file"), path);
	ck_assert_uint_eq(json_array_size(resonances_of(result)), 2);
	json_decref(result);
}
END_TEST

START_TEST(several_files_give_an_array)
{
	char *folder = make_folder();
	_cleanup_free_ char *a = write_csv(folder, "a.csv"), *b = write_csv(folder, "b.csv");
	_cleanup_outcome_ struct outcome o =
		run_analyse((const char *[]){"--json", a, b, NULL}, -1);
	json_t *results = json_loads(o.out, 0, NULL);

	remove_folder(folder);
	ck_assert_int_eq(o.status, 0);
	ck_assert_uint_eq(json_array_size(results), 2);
	json_decref(results);
}
END_TEST

START_TEST(a_file_of_several_that_cannot_be_analysed_leaves_json_whole)
{
	char *folder = make_folder();
	_cleanup_free_ char *good = write_csv(folder, "good.csv");
	_cleanup_free_ char *bad =
		file_of_text(folder, "bad.csv", "\"wavelength, nm\",\"y, W\"\n1,2\n2,3\n");
	_cleanup_outcome_ struct outcome o =
		run_analyse((const char *[]){"--json", bad, good, NULL}, -1);
	json_t *results = json_loads(o.out, 0, NULL);

	remove_folder(folder);
	assert_says(&o, 2, "at least 32");
	ck_assert_uint_eq(json_array_size(results), 1);
	json_decref(results);
}
END_TEST

START_TEST(a_frame_gives_json_without_being_asked)
{
	_cleanup_table_ struct table *t = short_sweep();
	int fd = table_to_frame(t);
	_cleanup_outcome_ struct outcome o =
		run_analyse((const char *[]){"--frame-fd", "3", "--channel", "through", NULL}, fd);
	json_t *result = json_loads(o.out, 0, NULL);
	const json_t *axis;

	close(fd);
	ck_assert_msg(o.status == 0, "%s", o.err);
	ck_assert_uint_eq(json_array_size(resonances_of(result)), 2);
	axis = json_object_get(result, "axis");
	ck_assert_double_eq_tol(number_of(axis, "systematic_pm"), 1.7, 1e-9);
	json_decref(result);
}
END_TEST

START_TEST(what_is_no_frame_is_refused)
{
	int fd = memfd_create("no frame", 0);
	struct outcome o;

	ck_assert_int_eq(write_all(fd, "ETLFRM1\0 and then nothing of sense", 33), 0);
	o = run_analyse((const char *[]){"--frame-fd", "3", NULL}, fd);
	ck_assert_int_eq(o.status, 2);
	ck_assert_uint_gt(strlen(o.err), strlen("etalon-analyse: "));
	ck_assert_str_eq(o.out, "");
	outcome_clear(&o);
	o = run_analyse((const char *[]){"--frame-fd", "9", NULL}, -1);
	ck_assert_int_eq(o.status, 2);
	outcome_clear(&o);
	close(fd);
}
END_TEST

/* A socket on which the frame and the channel, or nothing, are there already and the end is near. */
static struct outcome analyse_from_socket(int frame, const char *channel)
{
	struct outcome o;
	int ends[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	if (channel)
		ck_assert_int_eq(pass_fd_send(ends[0], frame, channel), 0);
	close(ends[0]);
	o = run_analyse((const char *[]){"--frame-from", "3", NULL}, ends[1]);
	close(ends[1]);
	return o;
}

START_TEST(a_frame_may_come_later)
{
	_cleanup_table_ struct table *t = short_sweep();
	_cleanup_close_ int fd = table_to_frame(t);
	_cleanup_outcome_ struct outcome o = analyse_from_socket(fd, "through");
	_cleanup_outcome_ struct outcome other = analyse_from_socket(fd, "drop");
	_cleanup_outcome_ struct outcome at_once =
		run_analyse((const char *[]){"--frame-fd", "3", "--channel", "through", NULL}, fd);

	ck_assert_msg(o.status == 0, "%s", o.err);
	ck_assert_str_eq(o.out, at_once.out);
	assert_says(&other, 2, "drop");
}
END_TEST

START_TEST(none_may_come_at_all)
{
	_cleanup_outcome_ struct outcome o = analyse_from_socket(-1, NULL);
	_cleanup_outcome_ struct outcome no_socket =
		run_analyse((const char *[]){"--frame-from", "9", NULL}, -1);

	ck_assert_int_eq(o.status, 0);
	ck_assert_str_eq(o.out, "");
	ck_assert_str_eq(o.err, "");
	assert_says(&no_socket, 2, "waiting for a frame");
}
END_TEST

static const struct {
	const char *words[6];
	const char *says;
} usages[] = {
	{{NULL}, "none"},
	{{"--frame-fd", "3", "x.csv", NULL}, "several"},
	{{"--frame-fd", "3", "--frame-from", "4", NULL}, "several"},
	{{"--frame-from", "a socket", NULL}, "descriptor"},
	{{"--method", "guess", "x.csv", NULL}, "resonances"},
	{{"--frame-fd", "three", NULL}, "descriptor"},
	{{"--min-extinction", "-1", "x.csv", NULL}, "0.001 to 100"},
	{{"--min-extinction", "nan", "x.csv", NULL}, "0.001 to 100"},
	{{"--nonsense", NULL}, "--help"},
	{{"/nonexistent/x.csv", NULL}, "/nonexistent/x.csv"},
};

START_TEST(wrong_usage_is_exit_2_and_says_what_is_allowed)
{
	_cleanup_outcome_ struct outcome o = run_analyse(usages[_i].words, -1);

	assert_says(&o, 2, usages[_i].says);
	ck_assert_str_eq(o.out, "");
}
END_TEST

START_TEST(bad_files_are_exit_2_with_their_name)
{
	static const char *const texts[] = {
		"",
		"\n\n",
		"\"wavelength, nm\"\n",
		"no table at all",
		"\"wavelength, nm\",\"y, W\"\n",
		"\"wavelength, nm\",\"y, W\"\n1550,one\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		char *folder = make_folder();
		_cleanup_free_ char *path = file_of_text(folder, "bad.csv", texts[i]);
		_cleanup_outcome_ struct outcome o = run_analyse((const char *[]){path, NULL}, -1);

		remove_folder(folder);
		assert_says(&o, 2, "bad.csv");
	}
}
END_TEST

START_TEST(a_channel_that_is_not_there_is_exit_2_naming_those_that_are)
{
	char *folder = make_folder();
	_cleanup_free_ char *path = write_csv(folder, "ring.csv");
	_cleanup_outcome_ struct outcome o =
		run_analyse((const char *[]){"--channel", "thruogh", path, NULL}, -1);

	remove_folder(folder);
	assert_says(&o, 2, "through, other");
}
END_TEST

START_TEST(help_and_version_are_exit_0)
{
	_cleanup_outcome_ struct outcome help = run_analyse((const char *[]){"--help", NULL}, -1);
	_cleanup_outcome_ struct outcome version =
		run_analyse((const char *[]){"--version", NULL}, -1);

	ck_assert_int_eq(help.status, 0);
	ck_assert_ptr_nonnull(strstr(help.out, "--frame-fd"));
	ck_assert_int_eq(version.status, 0);
	ck_assert_ptr_nonnull(strstr(version.out, "etalon-analyse "));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("etalon-analyse");
	TCase *tc = tcase_create("program");

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, a_file_gives_a_table_for_people);
	tcase_add_test(tc, a_file_gives_one_json_document);
	tcase_add_test(tc, several_files_give_an_array);
	tcase_add_test(tc, a_file_of_several_that_cannot_be_analysed_leaves_json_whole);
	tcase_add_test(tc, a_frame_gives_json_without_being_asked);
	tcase_add_test(tc, what_is_no_frame_is_refused);
	tcase_add_test(tc, a_frame_may_come_later);
	tcase_add_test(tc, none_may_come_at_all);
	tcase_add_loop_test(tc, wrong_usage_is_exit_2_and_says_what_is_allowed, 0,
			    (int)ARRAY_SIZE(usages));
	tcase_add_test(tc, bad_files_are_exit_2_with_their_name);
	tcase_add_test(tc, a_channel_that_is_not_there_is_exit_2_naming_those_that_are);
	tcase_add_test(tc, help_and_version_are_exit_0);
	suite_add_tcase(suite, tc);
	return run_suite(suite);
}
