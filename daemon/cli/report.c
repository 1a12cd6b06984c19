// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The account of a run for people: verdict, ledger, dark. See run.h.
 */
#include "cli/run.h"

#include <math.h>

#include "cli/print.h"
#include "data/meta.h"

static enum colour verdict_colour(const char *status, const char *verdict)
{
	if (streq(status, "partial") || streq(verdict, "marginal"))
		return YELLOW;
	if (streq(verdict, "fail") || streq(verdict, "untrustworthy"))
		return RED;
	return GREEN;
}

void print_verdict(struct cli *cli, FILE *to, const char *status, const char *verdict)
{
	if (!*verdict)
		return;
	fprintf(to, "%s%s%s%s", colour(cli, to, verdict_colour(status, verdict)), verdict,
		streq(verdict, "measured") ? " (no limits)" : "", colour(cli, to, PLAIN));
}

static void print_text(FILE *to, const char *text)
{
	_cleanup_free_ char *copy = strdup(text);

	fputs(copy ? harmless(copy) : "", to);
}

static void print_name(FILE *to, const json_t *metadata)
{
	static const char *const keys[] = {"label", "device", "wafer", "die"};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const char *text = member_text(metadata, keys[i]);

		if (!*text)
			continue;
		fputs(i == 0 ? "  " : i == 1 ? "  device " : i == 2 ? "  wafer " : "  die ", to);
		print_text(to, text);
	}
}

static void print_run_line(struct cli *cli, FILE *to, const json_t *run)
{
	const json_t *metadata = member_at(run, "Metadata");
	const char *status = member_text(run, "Status");

	fprintf(to, "%srun %lld%s", colour(cli, to, BOLD), (long long)member_number(run, "Id", 0),
		colour(cli, to, PLAIN));
	print_name(to, metadata);
	fprintf(to, "  %s%s%s  ", streq(status, "partial") ? colour(cli, to, YELLOW) : "", status,
		colour(cli, to, PLAIN));
	print_verdict(cli, to, status, member_text(run, "Verdict"));
	fputc('\n', to);
}

static void print_list(FILE *to, const char *head, const json_t *texts)
{
	const json_t *text;
	size_t i;

	json_array_foreach(texts, i, text) {
		fprintf(to, "%-7s ", i == 0 ? head : "");
		print_text(to, json_string_value(text));
		fputc('\n', to);
	}
}

static void print_gaps(FILE *to, const json_t *gaps)
{
	const json_t *gap;
	size_t i;

	json_array_foreach(gaps, i, gap) {
		if (i == 8) {
			fprintf(to, "gap     and %zu more\n", json_array_size(gaps) - i);
			break;
		}
		fprintf(to, "gap     from point %lld, %lld points\n",
			(long long)member_number(gap, "first", 0),
			(long long)member_number(gap, "count", 0));
	}
}

static void print_why(FILE *to, const json_t *why)
{
	if (json_is_array(why)) {
		print_list(to, "", why);
	} else if (json_is_string(why) && *json_string_value(why)) {
		fputs("        ", to);
		print_text(to, json_string_value(why));
		fputc('\n', to);
	}
}

static void print_ledger(struct cli *cli, FILE *to, const json_t *ledger, bool explained)
{
	bool complete = member_flag(ledger, "complete");

	if (json_object_size(ledger) == 0)
		return;
	fprintf(to, "%sledger%s  produced %lld  received %lld  dropped %lld  crc %s",
		complete ? "" : colour(cli, to, YELLOW), complete ? "" : colour(cli, to, PLAIN),
		(long long)member_number(ledger, "produced", 0),
		(long long)member_number(ledger, "received", 0),
		(long long)member_number(ledger, "dropped", 0), member_text(ledger, "crc"));
	fprintf(to, "   saturated %lld  below floor %lld\n",
		(long long)member_number(ledger, "saturated", 0),
		(long long)member_number(ledger, "below_floor", 0));
	print_gaps(to, member_at(ledger, "gaps"));
	/* Reasons of the verdict say it as well. */
	if (!complete && !explained)
		print_why(to, member_at(ledger, "why"));
}

/* "0.51 -> 0.52 nA": both in the unit that fits the larger. */
static struct text drift_text(double before, double after)
{
	static const struct {
		double size;
		const char *unit;
	} units[] = {{1e-3, "mA"}, {1e-6, "uA"}, {1e-9, "nA"}, {1e-12, "pA"}};
	double size = fmax(fabs(before), fabs(after));
	struct text t;
	size_t i = 0;

	if (isnan(before) || isnan(after)) {
		snprintf(t.text, sizeof(t.text), "%.40s, %s only",
			 engineering(isnan(before) ? after : before, "A").text,
			 isnan(before) ? "after" : "before");
		return t;
	}
	while (i + 1 < ARRAY_SIZE(units) && size < units[i].size / 10)
		i++;
	snprintf(t.text, sizeof(t.text), "%.20s -> %.20s %s",
		 decimals(before / units[i].size, 2).text, decimals(after / units[i].size, 2).text,
		 units[i].unit);
	return t;
}

/* "0.5031(7) nA": what a measurement of the dark current found. */
static struct text dark_text(double current_a, double random_a)
{
	struct text t;

	snprintf(t.text, sizeof(t.text), "%.40s nA",
		 uncertain(current_a * 1e9, random_a * 1e9, 3).text);
	return t;
}

static struct text channel_dark(const json_t *channel)
{
	double rest = member_value(channel, "dark_a");
	double before = member_value(channel, "dark_before_a"),
	       after = member_value(channel, "dark_after_a");

	if (!isnan(rest))
		return dark_text(rest, member_value(channel, "dark_random_a"));
	if (isnan(before) && isnan(after))
		return (struct text){""};
	return drift_text(before, after);
}

static void print_dark(FILE *to, const json_t *metadata)
{
	double chip = member_value(metadata, "environment.chip_temperature_c");
	double sigma = member_value(metadata, "environment.chip_temperature_sigma_c");
	const json_t *channel;
	bool any = false;
	size_t i;

	json_array_foreach(member_at(metadata, META_CHANNELS), i, channel) {
		struct text dark = channel_dark(channel);

		if (!*dark.text)
			continue;
		fputs(any ? "   " : "dark    ", to);
		any = true;
		print_text(to, member_text(channel, "column"));
		fprintf(to, " %s", dark.text);
	}
	if (!isnan(chip)) {
		fprintf(to, "%schip %s C", any ? "   " : "chip    ", decimals(chip, 3).text);
		if (sigma > 0)
			fprintf(to, " +-%s mK", decimals(sigma * 1e3, sigma < 0.00095).text);
		any = true;
	}
	if (any)
		fputc('\n', to);
}

static void print_reference(FILE *to, const json_t *metadata)
{
	const json_t *reference = member_at(metadata, META_REFERENCE);

	if (!json_is_object(reference))
		return;
	fprintf(to, "loss    against reference run %lld, %s older\n",
		(long long)member_number(reference, META_RUN, 0),
		duration(member_value(reference, "age_s")).text);
}

static bool says_no(const char *verdict)
{
	return streq(verdict, "untrustworthy") || streq(verdict, "fail") ||
	       streq(verdict, "marginal");
}

void report_run(struct cli *cli, FILE *to, const json_t *run)
{
	const json_t *metadata = member_at(run, "Metadata");

	print_run_line(cli, to, run);
	print_list(to, says_no(member_text(run, "Verdict")) ? "why" : "note",
		   member_at(run, "Reasons"));
	print_ledger(cli, to, member_at(run, "Ledger"),
		     json_array_size(member_at(run, "Reasons")) > 0);
	print_dark(to, metadata);
	print_reference(to, metadata);
}

const char *run_first_signal(const json_t *run)
{
	const json_t *channel;
	size_t i;

	json_array_foreach(member_at(run, "Metadata.channels"), i, channel) {
		if (streq(member_text(channel, "role"), "signal"))
			return member_text(channel, "column");
	}
	return "";
}

const json_t *run_analysis_of(const json_t *run, const char *channel)
{
	const json_t *analysis, *found = NULL;
	size_t i;

	json_array_foreach(member_at(run, "Analyses"), i, analysis) {
		if (!streq(member_text(analysis, "method"), "resonances") ||
		    (channel && !streq(member_text(analysis, "values.channel"), channel)))
			continue;
		/* ISO 8601 in one zone sorts as text. */
		if (!found ||
		    strcmp(member_text(analysis, "created"), member_text(found, "created")) > 0)
			found = analysis;
	}
	return found;
}

const json_t *run_analysis(const json_t *run)
{
	const json_t *found = run_analysis_of(run, run_first_signal(run));

	return found ? found : run_analysis_of(run, NULL);
}

static void copy_member(json_t *to, const char *key, const json_t *run, const char *property)
{
	const json_t *value = member_at(run, property);

	if (value)
		json_object_set(to, key, (json_t *)(uintptr_t)value);
}

json_t *run_document(const json_t *run)
{
	static const char *const keys[][2] = {
		{"run", "Id"},		{"status", "Status"},	  {"verdict", "Verdict"},
		{"reasons", "Reasons"}, {"ledger", "Ledger"},	  {"metadata", "Metadata"},
		{"request", "Request"}, {"analyses", "Analyses"}, {"columns", "Columns"},
	};
	json_t *document = json_object();

	for (size_t i = 0; document && i < ARRAY_SIZE(keys); i++)
		copy_member(document, keys[i][0], run, keys[i][1]);
	return document;
}

int print_json(struct cli *cli, const json_t *document)
{
	if (!document)
		return cli_no_memory(cli);
	if (json_dumpf(document, cli->out, JSON_INDENT(2)) < 0 || fputc('\n', cli->out) == EOF)
		return cli_fail(cli, EXIT_TROUBLE, "cannot write to standard output");
	return 0;
}
