// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Command lines that cannot be right are refused before anything is asked of a daemon, with exit
 * code 2, what is allowed and what to type; help is there for every verb.
 */
#include "cli_bench.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "run_suite.h"

struct refusal {
	const char *command;
	int code;
	const char *says, *and_says;
};

static const struct refusal refusals[] = {
	{"swep wavelength", EXIT_USAGE, "there is no verb 'swep'; nearest: sweep",
	 "etalonctl help sweep"},
	{"statsu", EXIT_USAGE, "nearest: status", NULL},
	{"xyzzy", EXIT_USAGE, "there is no verb 'xyzzy'\n", "etalonctl help"},
	{"--jsn status", EXIT_USAGE, "no option --jsn in front of the verb", NULL},
	{"status --jsno", EXIT_USAGE, "there is no option --jsno; nearest: --json", "help status"},
	{"status extra", EXIT_USAGE, "'extra' is one word too many", "help status"},
	{"plot 1 ring.svg", EXIT_USAGE, "one word too many", "--plot ring.svg"},
	{"sweep wavelength 1nm 2nm --stpe 1pm", EXIT_USAGE, "nearest: --step", NULL},
	{"sweep wavelength 1nm 2nm --step", EXIT_USAGE, "--step wants a value: --step STEP", NULL},
	{"sweep wavelength 1nm 2nm --step 1pm --step 2pm", EXIT_USAGE,
	 "--step is given twice: 1pm and 2pm", NULL},
	{"sweep --both-ways=yes", EXIT_USAGE, "--both-ways takes no value", NULL},
	{"sweep -q", EXIT_USAGE, "there is no option -q", NULL},
	{"sweep -d", EXIT_USAGE, "-d wants a value", NULL},
	{"sweep", EXIT_USAGE, "sweep what?", "sweep wavelength 1540nm 1560nm --step 1pm"},
	{"sweep 1540nm 1560nm --step 1pm", EXIT_USAGE, "the word wavelength is missing",
	 "sweep wavelength 1540nm 1560nm"},
	{"sweep wavelength 1540 nm 1560 nm --step 1pm", EXIT_USAGE, "one word too many",
	 "1540nm: a quantity is one word"},
	{"sweep wavelength 1nm 2nm --step 1pm -d a b", EXIT_USAGE, "'b' is one word too many",
	 "-d A,B"},
	{"wait emitting", EXIT_USAGE, "wait emitting is not known", "wait state emitting"},
	{"sweep temperature", EXIT_USAGE, "'temperature' cannot be swept here", "sweep wavelength"},
	{"laser", EXIT_USAGE, "laser on or laser off?", "laser on 1550nm"},
	{"laser on", EXIT_USAGE, "at which wavelength?", "laser on 1550nm"},
	{"reference", EXIT_USAGE, "take, list or show?", "help reference"},
	{"reference steal", EXIT_USAGE, "reference steal is not known", NULL},
	{"fault", EXIT_USAGE, "fault what?", "fault clear"},
	{"set", EXIT_USAGE, "set what?", "set h1 2V"},
	{"label", EXIT_USAGE, "label which run?", "label 17"},
	{"label 17", EXIT_USAGE, "label it how?", "label 17 ring40"},
	{"export", EXIT_USAGE, "export which run, to which file?", "export last"},
	{"export 17", EXIT_USAGE, "export to which file?", "export 17 ring.csv"},
	{"export 17 ring.txt", EXIT_USAGE, "ring.txt", ".csv"},
	{"export 17 /no/such/folder/ring.csv", EXIT_USAGE, "there is no folder /no/such/folder",
	 "mkdir"},
	{"export 17 a.csv a.csv", EXIT_USAGE, "a.csv is named twice", NULL},
	{"export 17 a.oedf --dialect yaml", EXIT_USAGE, "standard or openepda-py", NULL},
	{"compare 17", EXIT_USAGE, "at least two", "compare 17 18"},
	{"wait", EXIT_USAGE, "wait for what?", "wait board"},
	{"wait state", EXIT_USAGE, "is not known", NULL},
	{"wait board --timeout 5", EXIT_USAGE, "'5' has no unit", NULL},
	{"runs --since lately", EXIT_USAGE, "'lately' is not a point in time", "yesterday"},
	{"runs --limit 0", EXIT_USAGE, "1 to 200", NULL},
	{"analyse", EXIT_USAGE, "analyse which file?", NULL},
	{"plot nothing.csv", EXIT_USAGE, "nothing.csv", NULL},
	{"plot --from 1550nm --to 1540nm", EXIT_USAGE, "--from 1550nm is not below --to 1540nm",
	 NULL},
	{"plot --plot picture.csv", EXIT_USAGE, "a picture is an SVG file", NULL},
	{"help nothing", EXIT_USAGE, "there is no verb 'nothing'", NULL},
	{"status", EXIT_NO_BOARD, "cannot reach unix:path=/nonexistent/etalon-test-bus",
	 "--bus ADDRESS"},
	{"off", EXIT_NO_BOARD, "cannot reach", NULL},
	{"", EXIT_NO_BOARD, "cannot reach", NULL},
};

START_TEST(a_wrong_command_line_is_refused_with_what_to_type)
{
	const struct refusal *c = &refusals[_i];
	struct cli_bench b;
	int code;

	cli_bench_open(&b);
	code = cli_bench_run(&b, c->command);
	ck_assert_msg(code == c->code, "'%s' gave %d: %s", c->command, code, b.err);
	ck_assert_msg(strstr(b.err, c->says) != NULL, "'%s' says: %s", c->command, b.err);
	ck_assert_msg(!c->and_says || strstr(b.err, c->and_says) != NULL, "'%s' says: %s",
		      c->command, b.err);
	ck_assert_msg(strncmp(b.err, "etalonctl: ", 11) == 0, "'%s' says: %s", c->command, b.err);
	ck_assert_str_eq(b.out, "");
	cli_bench_close(&b);
}
END_TEST

START_TEST(every_verb_has_help_with_examples)
{
	const struct verb *verb = verbs[_i];
	char command[64], example[64];
	struct cli_bench b;

	cli_bench_open(&b);
	snprintf(command, sizeof(command), "help %s", verb->name);
	snprintf(example, sizeof(example), "\n  etalonctl %s", verb->name);
	ck_assert_int_eq(cli_bench_run(&b, command), 0);
	ck_assert_msg(strstr(b.out, verb->summary) != NULL, "%s", b.out);
	ck_assert_msg(strstr(b.out, "\nexamples\n") != NULL && strstr(b.out, example) != NULL, "%s",
		      b.out);
	for (const char *line = b.out; *line; line += strcspn(line, "\n") + 1)
		ck_assert_msg(strcspn(line, "\n") <= 100, "too wide for a terminal: %.*s",
			      (int)strcspn(line, "\n"), line);
	/* The same text however it is asked for. */
	snprintf(command, sizeof(command), "%s --help", verb->name);
	{
		_cleanup_free_ char *first = strdup(b.out);

		ck_assert_int_eq(cli_bench_run(&b, command), 0);
		ck_assert_str_eq(b.out, first);
	}
	ck_assert_str_eq(b.err, "");
	cli_bench_close(&b);
}
END_TEST

START_TEST(help_lists_every_verb_and_every_exit_code)
{
	static const char *const ways[] = {"help", "--help", "-h"};
	struct cli_bench b;

	cli_bench_open(&b);
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		ck_assert_int_eq(cli_bench_run(&b, ways[i]), 0);
		for (size_t v = 0; verbs[v]; v++)
			ck_assert_msg(strstr(b.out, verbs[v]->summary) != NULL, "%s is not in %s",
				      verbs[v]->name, b.out);
		ck_assert(strstr(
			b.out,
			"0 measured, pass, done   1 fail, marginal   2 usage   3 untrustworthy"));
	}
	ck_assert_int_eq(cli_bench_run(&b, "--version"), 0);
	ck_assert(strncmp(b.out, "etalonctl ", 10) == 0);
	cli_bench_close(&b);
}
END_TEST

/* ---- the parser itself ---- */

static const struct option_spec specs[] = {{"power", 'p', "POWER", "", false},
					   {"detectors", 'd', "LIST", "", true},
					   {"force", 'f', NULL, "", false},
					   {0}};

static int parse(struct options *o, const char *const *words)
{
	_cleanup_free_ char *message = NULL;
	int n = 0;

	while (words[n])
		n++;
	return options_parse(o, specs, n, (char **)(uintptr_t)words, &message);
}

START_TEST(options_stand_anywhere_and_quantities_may_be_negative)
{
	static const char *const words[] = {"h1",  "-p", "-3dBm", "-2V", "--detectors=a,b",
					    "-dc", "-f", "--",	  "-f",	 "--json",
					    NULL};
	_cleanup_options_ struct options o = {0};

	ck_assert_int_eq(parse(&o, words), 0);
	ck_assert_str_eq(options_text(&o, "power"), "-3dBm");
	ck_assert_str_eq(options_nth(&o, "detectors", 0), "a,b");
	ck_assert_str_eq(options_nth(&o, "detectors", 1), "c");
	ck_assert_ptr_null(options_nth(&o, "detectors", 2));
	ck_assert_str_eq(options_text(&o, "detectors"), "c");
	ck_assert(options_has(&o, "force"));
	ck_assert(!options_has(&o, "json"));
	ck_assert_uint_eq(o.word_count, 4);
	ck_assert_str_eq(o.words[0], "h1");
	ck_assert_str_eq(o.words[1], "-2V");
	ck_assert_str_eq(o.words[2], "-f");
	ck_assert_str_eq(o.words[3], "--json");
	ck_assert_ptr_null(o.words[4]);
}
END_TEST

START_TEST(nothing_is_abbreviated)
{
	static const char *const cut[] = {"--pow", "1mW", NULL};
	static const char *const joined[] = {"-fp", "1mW", NULL};
	struct options o = {0};

	ck_assert_int_eq(parse(&o, cut), -EINVAL);
	options_clear(&o);
	ck_assert_int_eq(parse(&o, joined), -EINVAL);
	options_clear(&o);
}
END_TEST

START_TEST(the_nearest_word_is_near)
{
	static const char *const words[] = {"sweep", "status",	  "show", "set",
					    "read",  "reference", NULL};

	ck_assert_str_eq(nearest_word("swep", words), "sweep");
	ck_assert_str_eq(nearest_word("wseep", words), "sweep"); /* a swapped pair is one slip */
	ck_assert_str_eq(nearest_word("SHOW", words), "show");
	ck_assert_str_eq(nearest_word("ref", words), "reference"); /* cut short */
	ck_assert_ptr_null(nearest_word("zzz", words));
	ck_assert_ptr_null(nearest_word("", words));
	ck_assert_ptr_null(nearest_word("a word that is much longer than any verb can be", words));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cli-usage");
	TCase *tcase = tcase_create("cli-usage");
	int verb_count = 0;

	while (verbs[verb_count])
		verb_count++;
	tcase_add_loop_test(tcase, a_wrong_command_line_is_refused_with_what_to_type, 0,
			    ARRAY_SIZE(refusals));
	tcase_add_loop_test(tcase, every_verb_has_help_with_examples, 0, verb_count);
	tcase_add_test(tcase, help_lists_every_verb_and_every_exit_code);
	tcase_add_test(tcase, options_stand_anywhere_and_quantities_may_be_negative);
	tcase_add_test(tcase, nothing_is_abbreviated);
	tcase_add_test(tcase, the_nearest_word_is_near);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
