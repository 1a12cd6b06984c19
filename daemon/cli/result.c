// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Results of a measurement that has just ended. See result.h.
 */
#include "cli/result.h"

#include "cli/print.h"

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

static int print_account(struct cli *cli, const struct outcome *outcome, const struct object *run,
			 const struct files *files)
{
	FILE *to = cli_people(cli);

	if (outcome->message)
		fprintf(to, "ended early: %s\n", outcome->message);
	report_run(cli, to, run->properties);
	report_resonances(cli, to, run_analysis(run->properties, "resonances"), run->properties);
	print_next(cli, outcome, run, files);
	fflush(to);
	return 0;
}

static json_t *document_of(const struct object *run, const struct files *files, const json_t *plan,
			   int exit_code)
{
	_cleanup_(json_decrefp) json_t *document = run_document(run->properties),
				       *written = json_array();

	for (size_t i = 0; written && i < files->count; i++)
		json_array_append_new(written, json_string(files->path[i]));
	if (!document || !written)
		return NULL;
	if (plan)
		json_object_set(document, "plan", (json_t *)(uintptr_t)plan);
	json_object_set(document, "files", written);
	json_object_set_new(document, "exit_code", json_integer(exit_code));
	return take_ptr(document);
}

/* A run without points has nothing to draw or write. */
static bool has_points(const struct object *run)
{
	return member_number(run->properties, "Ledger.received", 1) > 0;
}

static int write_and_draw(struct cli *cli, const struct object *run, const struct files *files,
			  bool picture)
{
	const json_t *analysis = run_analysis(run->properties, "resonances");
	_cleanup_table_ struct table *table = NULL;
	int r;

	if ((files->count == 0 && (!picture || cli->json)) || !has_points(run))
		return 0;
	r = fetch_run(cli, run, NULL, &table);
	if (r != 0)
		return r;
	r = files_write(cli, files, table, analysis, NULL);
	if (picture && !cli->json) {
		fputc('\n', cli->out);
		draw(cli, cli->out, table, analysis, NULL);
	}
	return r;
}

static int nothing_stored(struct cli *cli, const struct outcome *outcome)
{
	int code = outcome->exit_code ? outcome->exit_code : EXIT_TROUBLE;

	cli_fail(cli, code, "no run was stored: %s",
		 outcome->message ? outcome->message : "no reason given");
	return code;
}

int show_outcome(struct cli *cli, const struct outcome *outcome, const struct files *files,
		 bool picture, const json_t *plan)
{
	_cleanup_object_ struct object run = {0};
	int r, trouble;

	if (outcome->run == 0)
		return nothing_stored(cli, outcome);
	r = run_open(cli, outcome->run, &run);
	if (r != 0)
		return r;
	print_account(cli, outcome, &run, files);
	trouble = write_and_draw(cli, &run, files, picture);
	if (trouble != 0 && files->count > 0)
		cli_try(cli, PROGRAM " export %lld FILE (the run is safe in the store)",
			(long long)outcome->run);
	r = outcome->exit_code != 0 ? outcome->exit_code : trouble;
	if (cli->json) {
		_cleanup_(json_decrefp) json_t *document = document_of(&run, files, plan, r);

		print_json(cli, document);
	}
	return r;
}
