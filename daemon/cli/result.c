// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Results of a measurement that has just ended. See result.h.
 */
#include "cli/result.h"

#include "cli/print.h"
#include "cli/truth.h"

/* A file's name that needs no quotes in a shell: the label if it is one, else the run's number. */
static struct text file_stem(const struct object *run)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
	const char *label = member_text(run->properties, "Metadata.label");
	size_t n = strlen(label);
	struct text t;

	if (n > 0 && n < 40 && label[0] != '-' && label[0] != '.' && strspn(label, plain) == n)
		snprintf(t.text, sizeof(t.text), "%.40s", label);
	else
		snprintf(t.text, sizeof(t.text), "run%lld",
			 (long long)member_number(run->properties, "Id", 0));
	return t;
}

static void print_next(struct cli *cli, const struct outcome *outcome, const struct object *run,
		       const struct files *files)
{
	FILE *to = cli_people(cli);
	long long number = (long long)outcome->run;

	if (!outcome->complete)
		fprintf(to, "next: %s again %lld   (the same once more)\n", PROGRAM, number);
	else if (files->count == 0)
		fprintf(to, "next: %s export %lld %s.csv\n", PROGRAM, number, file_stem(run).text);
}

/* Whoever pressed Ctrl-C need not read a bus name. */
static const char *why_ended(const struct cli *cli, const struct outcome *outcome)
{
	if (cli->interrupts > 0)
		return "Ctrl-C";
	return outcome->message ? outcome->message : "no reason given";
}

static void print_account(struct cli *cli, const struct outcome *outcome, const struct object *run,
			  const struct presentation *show)
{
	const json_t *analysis = run_analysis(run->properties);
	FILE *to = cli_people(cli);

	if (outcome->message)
		fprintf(to, "ended early: %s\n", why_ended(cli, outcome));
	report_run(cli, to, run->properties);
	report_resonances(cli, to, analysis, run->properties);
	if (show->truth)
		truth_report(to, analysis, show->truth);
	print_next(cli, outcome, run, &show->files);
	fflush(to);
}

static json_t *document_of(const struct object *run, const struct presentation *show, int exit_code)
{
	_cleanup_(json_decrefp) json_t *document = run_document(run->properties);
	_cleanup_(json_decrefp) json_t *written = json_array();

	for (size_t i = 0; written && i < show->files.count; i++)
		json_array_append_new(written, json_string(show->files.path[i]));
	if (!document || !written)
		return NULL;
	if (show->plan)
		json_object_set(document, "plan", (json_t *)(uintptr_t)show->plan);
	if (show->truth)
		json_object_set(document, "truth", (json_t *)(uintptr_t)show->truth);
	json_object_set(document, "files", written);
	json_object_set_new(document, "exit_code", json_integer(exit_code));
	return take_ptr(document);
}

/* A run without points has nothing to draw or write. */
static bool has_points(const struct object *run)
{
	return member_number(run->properties, "Ledger.received", 1) > 0;
}

static int write_and_draw(struct cli *cli, const struct object *run,
			  const struct presentation *show)
{
	const json_t *analysis = run_analysis(run->properties);
	bool picture = show->picture && !cli->json;
	_cleanup_table_ struct table *table = NULL;
	int r;

	if ((show->files.count == 0 && !picture) || !has_points(run))
		return 0;
	r = fetch_run(cli, run, NULL, &table);
	if (r != 0)
		return r;
	r = files_write(cli, &show->files, table, analysis, NULL);
	if (picture) {
		fputc('\n', cli->out);
		draw(cli, cli->out, table, analysis, NULL);
	}
	return r;
}

static int nothing_stored(struct cli *cli, const struct outcome *outcome)
{
	int code = outcome->exit_code ? outcome->exit_code : EXIT_TROUBLE;

	return cli_fail(cli, code, "nothing was measured, no run was stored: %s",
			why_ended(cli, outcome));
}

int show_outcome(struct cli *cli, const struct outcome *outcome, const struct presentation *show)
{
	_cleanup_object_ struct object run = {0};
	int r, trouble;

	if (outcome->run == 0)
		return nothing_stored(cli, outcome);
	r = run_open(cli, outcome->run, &run);
	if (r != 0)
		return r;
	print_account(cli, outcome, &run, show);
	trouble = write_and_draw(cli, &run, show);
	if (trouble != 0 && show->files.count > 0)
		cli_try(cli, PROGRAM " export %lld FILE (the run is safe in the store)",
			(long long)outcome->run);
	r = outcome->exit_code != 0 ? outcome->exit_code : trouble;
	if (cli->json) {
		_cleanup_(json_decrefp) json_t *document = document_of(&run, show, r);

		print_json(cli, document);
	}
	return r;
}
