// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * etalonctl analyse: files, without a daemon. The program etalon-analyse does the work and takes over.
 */
#include "cli/verbs.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>

#define WORKER "etalon-analyse"
#define FOLDERS_MAX 3

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

static int run(struct cli *cli, const struct options *o)
{
	_cleanup_free_ char *worker = find_worker();
	_cleanup_free_ const char **words = calloc(o->word_count + 6, sizeof(*words));
	size_t n = 0;

	if (!words)
		return cli_no_memory(cli);
	if (o->word_count == 0) {
		cli_fail(cli, EXIT_USAGE, "analyse which file?");
		cli_try(cli, PROGRAM " analyse ring.csv");
		return EXIT_USAGE;
	}
	if (!worker) {
		cli_fail(cli, EXIT_TROUBLE,
			 "there is no " WORKER " beside this program or in /usr/libexec/etalon");
		cli_try(cli, "make (it builds both), or install the whole package");
		return EXIT_TROUBLE;
	}
	words[n++] = WORKER;
	if (cli->json)
		words[n++] = "--json";
	if (options_has(o, "channel")) {
		words[n++] = "--channel";
		words[n++] = options_text(o, "channel");
	}
	words[n++] = "--";
	for (size_t i = 0; i < o->word_count; i++)
		words[n++] = o->words[i];
	fflush(cli->out);
	execv(worker, (char **)(uintptr_t)words);
	return cli_fail(cli, EXIT_TROUBLE, "%s does not start: %s", worker, strerror(errno));
}

static const struct option_spec options[] = {
	{"channel", 'd', "COLUMN", "which column; default the first signal", false},
	{0},
};

const struct verb verb_analyse = {
	.name = "analyse",
	.summary = "find and fit resonances in files; needs no daemon",
	.usage = "analyse FILE...",
	.text = "CSV, openEPDA or HDF5, from this program or with columns such as \"wavelength, nm\" and \"through, dB\".",
	.examples = "analyse ring.csv\nanalyse ring.oedf --channel drop --json",
	.options = options,
	.words_max = 1000,
	.run = run,
};
