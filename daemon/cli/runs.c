// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * etalonctl runs: what was measured, newest first.
 */
#include "base/quantity.h"
#include "cli/print.h"
#include "cli/run.h"
#include "cli/since.h"
#include "cli/verbs.h"

#define LIMIT_DEFAULT 20
#define LIMIT_MAX 200

static int put_filters(struct cli *cli, const struct options *o, json_t *filter)
{
	static const char *const texts[] = {"label", "device", "wafer",	  "die",
					    "kind",  "status", "verdict", "purpose"};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		const char *text = options_text(o, texts[i]);

		if (text && json_object_set_new(filter, texts[i], json_string(text)) < 0)
			return cli_fail(cli, EXIT_USAGE, "--%s: not valid UTF-8", texts[i]);
	}
	return 0;
}

static int put_since_and_limit(struct cli *cli, const struct options *o, json_t *filter)
{
	const char *since = options_text(o, "since"), *limit = options_text(o, "limit");
	_cleanup_free_ char *message = NULL;
	int64_t value = LIMIT_DEFAULT;

	if (limit && (quantity_parse(limit, QUANTITY_COUNT, &value, &message) < 0 || value < 1 ||
		      value > LIMIT_MAX))
		return cli_fail(cli, EXIT_USAGE, "--limit %s: 1 to %d", limit, LIMIT_MAX);
	json_object_set_new(filter, "limit", json_integer(value));
	if (!since)
		return 0;
	if (since_parse(since, (int64_t)(wall_ns() / NSEC_PER_SEC), &value, &message) < 0)
		return cli_fail(cli, EXIT_USAGE, "--since: %s", message);
	json_object_set_new(filter, "since", json_integer(value));
	return 0;
}

/* "2025-03-01T14:02:11Z" in local time, to the minute; as it is when it cannot be read. */
static struct text short_time(const char *iso)
{
	struct tm tm = {0};
	struct text t;
	const char *end = strptime(iso, "%Y-%m-%dT%H:%M:%S", &tm);

	if (end && *end == '.')
		end += 1 + strspn(end + 1, "0123456789");
	if (end && streq(end, "Z"))
		t = local_time((uint64_t)timegm(&tm) * NSEC_PER_SEC);
	else
		snprintf(t.text, sizeof(t.text), "%.40s", iso);
	t.text[MIN(strlen(t.text), (size_t)16)] = '\0';
	if (strlen(t.text) == 16 && t.text[10] == 'T')
		t.text[10] = ' ';
	return t;
}

static void print_runs(struct cli *cli, const json_t *runs)
{
	const json_t *run;
	struct grid g;
	size_t i;

	grid_begin(&g, "rlllrll");
	grid_heading(&g, "run|taken|label|device|points|status|verdict");
	json_array_foreach(runs, i, run) {
		grid_cell(&g, "%lld", (long long)member_number(run, "run", 0));
		grid_cell(&g, "%s", short_time(member_text(run, "created")).text);
		grid_cell(&g, "%s%s%s", member_text(run, "label"),
			  streq(member_text(run, "purpose"), "reference") ? " (reference)" : "",
			  streq(member_text(run, "kind"), "dark") ? " (dark)" : "");
		grid_cell(&g, "%s", member_text(run, "device"));
		grid_cell(&g, "%s", quantity_count((uint64_t)member_number(run, "points", 0)).text);
		grid_cell(&g, "%s", member_text(run, "status"));
		grid_cell(&g, "%s", member_text(run, "verdict"));
	}
	grid_print(&g, cli->out, 0);
}

/* What to type when there is nothing to list depends on what was asked for. */
static void print_none(struct cli *cli, const json_t *filter)
{
	bool chosen = json_object_size(filter) > 1; /* beside the limit */

	if (streq(member_text(filter, "purpose"), "reference"))
		fprintf(cli->out, "no reference yet; one is taken with: " PROGRAM
				  " reference take 1540nm 1560nm --step 1pm -d through\n");
	else if (chosen)
		fprintf(cli->out, "no run fits; a text must be the whole one or have * in it: "
				  "--label 'ring*'; all runs: " PROGRAM " runs\n");
	else
		fprintf(cli->out, "no runs yet; the first: " PROGRAM
				  " sweep wavelength 1540nm 1560nm --step 1pm --power 0dBm\n");
}

int list_runs(struct cli *cli, const json_t *filter)
{
	_cleanup_(json_decrefp) json_t *runs = NULL;
	int r = run_list(cli, filter, &runs);

	if (r != 0)
		return r;
	if (cli->json)
		return print_json(cli, runs);
	if (json_array_size(runs) == 0)
		print_none(cli, filter);
	else
		print_runs(cli, runs);
	if ((int64_t)json_array_size(runs) == member_number(filter, "limit", 0))
		fprintf(cli->out, "the newest %zu; more with --limit\n", json_array_size(runs));
	return 0;
}

static int run(struct cli *cli, const struct options *o)
{
	_cleanup_(json_decrefp) json_t *filter = json_object();
	int r = filter ? put_filters(cli, o, filter) : cli_no_memory(cli);

	if (r == 0)
		r = put_since_and_limit(cli, o, filter);
	return r != 0 ? r : list_runs(cli, filter);
}

static const struct option_spec options[] = {
	{"label", 0, "TEXT", "the whole text, or a pattern with * and ?", false},
	{"device", 0, "TEXT", "", false},
	{"wafer", 0, "TEXT", "", false},
	{"die", 0, "TEXT", "", false},
	{"kind", 0, "KIND", "wavelength-sweep, sweep or dark", false},
	{"status", 0, "STATUS", "complete, partial or running", false},
	{"verdict", 0, "VERDICT", "measured, pass, fail, marginal or untrustworthy", false},
	{"purpose", 0, "PURPOSE", "reference", false},
	{"since", 0, "TIME", "today, yesterday, 2h, 3d, 2025-03-01, \"2025-03-01 14:30\"", false},
	{"limit", 0, "N", "at most so many, default 20", false},
	{0},
};

const struct verb verb_runs = {
	.name = "runs",
	.summary = "what was measured, newest first",
	.usage = "runs",
	.examples =
		"runs\nruns --label 'ring*' --since yesterday\nruns --verdict untrustworthy --limit 100",
	.options = options,
	.run = run,
};
