// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * etalonctl analyse: files, without a daemon: the program etalon-analyse takes over. Runs, by the
 * daemon.
 */
#include "cli/run.h"
#include "cli/verbs.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>

#define WORKER "etalon-analyse"
#define ANALYSE_US 120000000

/* Beside this program (a build folder), then where packages put it. */
static char *find_worker(void)
{
	static const char *const installed[] = {"/usr/libexec/etalon/" WORKER,
						"/usr/lib/etalon/" WORKER,
						"/usr/local/libexec/etalon/" WORKER};
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n > 0) {
		_cleanup_free_ char *beside = NULL;

		self[n] = '\0';
		beside = asprintf_or_null("%s/%s", dirname(self), WORKER);
		if (beside && access(beside, X_OK) == 0)
			return take_ptr(beside);
	}
	for (size_t i = 0; i < ARRAY_SIZE(installed); i++) {
		if (access(installed[i], X_OK) == 0)
			return strdup(installed[i]);
	}
	return NULL;
}

/* A number, or "last", that is no file. */
static bool is_run(const char *word)
{
	bool number = *word && strspn(word, "0123456789") == strlen(word);

	return (number || streq(word, "last")) && access(word, F_OK) < 0;
}

static int append_options(sd_bus_message *call, const struct options *o)
{
	const char *channel = options_text(o, "channel");
	int r = sd_bus_message_open_container(call, 'a', "{sv}");

	if (r >= 0 && channel)
		r = sd_bus_message_append(call, "{sv}", "channel", "s", channel);
	return r < 0 ? r : sd_bus_message_close_container(call);
}

/* The daemon analyses its own run and keeps the result with it. */
static int analyse_run(struct cli *cli, const struct options *o)
{
	_cleanup_message_ sd_bus_message *call = NULL, *reply = NULL;
	_cleanup_error_ sd_bus_error error = SD_BUS_ERROR_NULL;
	_cleanup_(json_decrefp) json_t *values = NULL, *analysis = NULL;
	_cleanup_object_ struct object run = {0};
	int r = run_open_text(cli, o->words[0], &run);

	if (r != 0)
		return r;
	call = bus_new_call(cli, run.path, ETALON_RUN, "Analyse");
	if (!call || append_options(call, o) < 0)
		return cli_no_memory(cli);
	if (bus_call(cli, call, ANALYSE_US, &error, &reply) < 0)
		return bus_fail(cli, &error, NULL);
	if (wire_read(reply, &values) < 0)
		return cli_fail(cli, EXIT_TROUBLE, "the analysis is not understood");
	if (cli->json)
		return print_json(cli, values);
	analysis = json_pack("{s:O}", "values", values);
	report_resonances(cli, cli->out, analysis, run.properties);
	return 0;
}

static int analyse_files(struct cli *cli, const struct options *o)
{
	_cleanup_free_ char *worker = find_worker();
	_cleanup_free_ const char **words = calloc(o->word_count + 8, sizeof(*words));
	static const char *const passed_on[] = {"channel", "min-extinction"};
	size_t n = 0;

	if (!words)
		return cli_no_memory(cli);
	if (!worker) {
		cli_fail(cli, EXIT_TROUBLE,
			 "there is no " WORKER " beside this program or in /usr/libexec/etalon");
		cli_try(cli, "make (it builds both), or install the whole package");
		return EXIT_TROUBLE;
	}
	words[n++] = WORKER;
	if (cli->json)
		words[n++] = "--json";
	for (size_t i = 0; i < ARRAY_SIZE(passed_on); i++) {
		const char *value = options_text(o, passed_on[i]);

		if (value) {
			words[n++] = i == 0 ? "--channel" : "--min-extinction";
			words[n++] = value;
		}
	}
	words[n++] = "--";
	for (size_t i = 0; i < o->word_count; i++)
		words[n++] = o->words[i];
	fflush(cli->out);
	execv(worker, (char **)(uintptr_t)words);
	return cli_fail(cli, EXIT_TROUBLE, "%s does not start: %s", worker, strerror(errno));
}

static int run(struct cli *cli, const struct options *o)
{
	if (o->word_count == 0) {
		cli_fail(cli, EXIT_USAGE, "analyse which file?");
		cli_try(cli, PROGRAM " analyse ring.csv");
		return EXIT_USAGE;
	}
	if (o->word_count == 1 && is_run(o->words[0]))
		return analyse_run(cli, o);
	return analyse_files(cli, o);
}

static const struct option_spec options[] = {
	{"channel", 'd', "COLUMN", "which column; default the first signal", false},
	{"min-extinction", 0, "DB", "of files: shallower features are not resonances, default 0.1",
	 false},
	{0},
};

const struct verb verb_analyse = {
	.name = "analyse",
	.summary = "find and fit resonances in files; needs no daemon",
	.usage = "analyse FILE...\nanalyse RUN",
	.text = "CSV, openEPDA or HDF5, from this program or with columns such as \"wavelength, nm\" "
		"and \"through, dB\".\nWith the number of a run the daemon analyses that, and keeps "
		"the result with it.",
	.examples =
		"analyse ring.csv\nanalyse ring.oedf --channel drop --json\nanalyse 17 --channel drop",
	.options = options,
	.words_max = 1000,
	.run = run,
};
