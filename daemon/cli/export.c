// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * etalonctl export: a run as files, written here and not by the daemon.
 */
#include "cli/files.h"
#include "cli/run.h"
#include "cli/verbs.h"

static int read_files(struct cli *cli, const struct options *o, struct files *files)
{
	const char *dialect = options_text(o, "dialect");
	int r = 0;

	*files = (struct files){.overwrite = options_has(o, "force")};
	if (dialect && streq(dialect, "openepda-py"))
		files->dialect = OPENEPDA_PYTHON_PACKAGE;
	else if (dialect && !streq(dialect, "standard"))
		return cli_fail(cli, EXIT_USAGE, "--dialect %s: standard or openepda-py", dialect);
	for (size_t i = 1; r == 0 && i < o->word_count; i++)
		r = files_add(cli, files, o->words[i]);
	return r;
}

static int run(struct cli *cli, const struct options *o)
{
	_cleanup_table_ struct table *table = NULL;
	_cleanup_object_ struct object run = {0};
	struct files files;
	int r;

	if (o->word_count < 2) {
		cli_fail(cli, EXIT_USAGE,
			 o->word_count == 0 ? "export which run, to which file?"
					    : "export to which file?");
		cli_try(cli, PROGRAM " export %s ring.csv",
			o->word_count > 0 ? o->words[0] : "last");
		return EXIT_USAGE;
	}
	r = read_files(cli, o, &files);
	if (r == 0)
		r = run_open_text(cli, o->words[0], &run);
	if (r == 0)
		r = fetch_run(cli, &run, NULL, &table);
	if (r == 0)
		r = files_write(cli, &files, table, run_analysis(run.properties), NULL);
	if (r == 0 && cli->json) {
		_cleanup_(json_decrefp) json_t *document = run_document(run.properties);

		r = print_json(cli, document);
	}
	return r;
}

static const struct option_spec options[] = {
	{"force", 'f', NULL, "overwrite files that exist", false},
	{"dialect", 0, "NAME",
	 "of .oedf: standard, or openepda-py for the reference Python package", false},
	{0},
};

const struct verb verb_export = {
	.name = "export",
	.summary = "write a run to files",
	.usage = "export RUN FILE...",
	.text = "The ending says the format: .csv, .oedf (openEPDA 0.2), .h5 (HDF5), .svg. Each "
		"data file (not the picture) carries ledger, flags, provenance of the axis, and settings. A file that exists is "
		"not overwritten without --force.",
	.examples = "export 17 ring.csv\nexport last ring.oedf ring.h5 ring.svg",
	.options = options,
	.words_max = FILES_MAX + 1,
	.run = run,
};
