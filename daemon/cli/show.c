// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * etalonctl show: everything that is known of one run.
 */
#include "cli/print.h"
#include "cli/run.h"
#include "cli/verbs.h"
#include "data/meta.h"

#include <math.h>

static void print_settings(FILE *to, const json_t *m)
{
	double power = member_value(m, "settings.power_w"),
	       speed = member_value(m, "settings.speed_nm_per_s");
	double aperture = member_value(m, "settings.aperture_ns");

	if (isnan(member_value(m, "settings.start_nm")))
		return;
	fprintf(to, "sweep   %s to %s nm, %lld points",
		decimals(member_value(m, "settings.start_nm"), 4).text,
		decimals(member_value(m, "settings.stop_nm"), 4).text,
		(long long)member_number(m, "settings.points", 0));
	if (!isnan(speed))
		fprintf(to, ", %g nm/s", speed);
	if (!isnan(aperture))
		fprintf(to, ", aperture %s", engineering(aperture * 1e-9, "s").text);
	if (!isnan(power))
		fprintf(to, ", %s dBm", dbm(power).text);
	if (member_flag(m, "settings.both_ways"))
		fputs(", both ways", to);
	if (member_number(m, "settings.average", 1) > 1)
		fprintf(to, ", %lld passes", (long long)member_number(m, "settings.average", 1));
	fputc('\n', to);
}

static void print_axis(FILE *to, const json_t *m)
{
	if (!*member_text(m, "axis.provenance"))
		return;
	fprintf(to, "axis    %s, random %s pm per point, systematic %s pm",
		member_text(m, "axis.provenance"),
		decimals(member_value(m, "axis.random_pm"), 2).text,
		decimals(member_value(m, "axis.systematic_pm"), 1).text);
	if (*member_text(m, "axis.calibrated"))
		fprintf(to, ", calibrated %s", member_text(m, "axis.calibrated"));
	fputc('\n', to);
}

static void print_channels(FILE *to, const json_t *m)
{
	const json_t *c;
	struct grid g;
	size_t i;

	if (json_array_size(member_at(m, META_CHANNELS)) == 0)
		return;
	grid_begin(&g, "llllrr");
	grid_heading(&g, "column|detector|role|range|saturated|below floor");
	json_array_foreach(member_at(m, META_CHANNELS), i, c) {
		grid_cell(&g, "%s", member_text(c, "column"));
		grid_cell(&g, "%s", member_text(c, "detector"));
		grid_cell(&g, "%s", member_text(c, "role"));
		grid_cell(&g, "%s", member_text(c, "range"));
		grid_cell(&g, "%lld", (long long)member_number(c, "saturated", 0));
		grid_cell(&g, "%lld", (long long)member_number(c, "below_floor", 0));
	}
	grid_print(&g, to, 0);
}

/* The newest analysis of every channel, that of the first signal first. */
static void print_analyses(struct cli *cli, FILE *to, const json_t *run)
{
	const json_t *main_one = run_analysis(run), *channel;
	size_t i;

	report_resonances(cli, to, main_one, run);
	json_array_foreach(member_at(run, "Metadata.channels"), i, channel) {
		const json_t *other = run_analysis_of(run, member_text(channel, "column"));

		if (!other || other == main_one)
			continue;
		fprintf(to, "\n%s\n", member_text(channel, "column"));
		report_resonances(cli, to, other, run);
	}
}

int show_run(struct cli *cli, const struct object *run)
{
	const json_t *m = member_at(run->properties, "Metadata");
	FILE *to = cli->out;

	if (cli->json) {
		_cleanup_(json_decrefp) json_t *document = run_document(run->properties);

		return print_json(cli, document);
	}
	report_run(cli, to, run->properties);
	fprintf(to, "taken   %s on %s %s\n", member_text(m, META_CREATED),
		member_text(m, "board.model"), member_text(m, "board.serial"));
	if (*member_text(m, META_OPERATOR))
		fprintf(to, "by      %s\n", member_text(m, META_OPERATOR));
	if (*member_text(m, META_NOTE))
		fprintf(to, "note    %s\n", member_text(m, META_NOTE));
	if (member_number(m, META_PARENT, 0) > 0)
		fprintf(to, "repeats run %lld\n", (long long)member_number(m, META_PARENT, 0));
	print_settings(to, m);
	print_axis(to, m);
	print_channels(to, m);
	print_analyses(cli, to, run->properties);
	return 0;
}

static int run(struct cli *cli, const struct options *o)
{
	_cleanup_object_ struct object run = {0};
	int r = run_open_text(cli, o->word_count > 0 ? o->words[0] : NULL, &run);

	return r != 0 ? r : show_run(cli, &run);
}

const struct verb verb_show = {
	.name = "show",
	.summary = "everything that is known of a run",
	.usage = "show [RUN]",
	.text = "Without a number the newest run.",
	.examples = "show 17\nshow last --json",
	.words_max = 1,
	.run = run,
};
