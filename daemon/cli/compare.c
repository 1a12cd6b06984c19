// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * etalonctl compare: resonances of runs side by side with their shifts, and the spectra in one
 * picture.
 */
#include "cli/compare.h"

#include <math.h>

#include "cli/files.h"
#include "cli/print.h"
#include "cli/run.h"
#include "cli/verbs.h"

#define RESONANCES_MAX 2000

struct compared {
	struct object run;
	const json_t *resonances;
	const char *column;
	struct table *table;
	char name[TABLE_NAME_MAX]; /* in the picture */
	struct shift *shifts; /* of the first run's resonances to this one */
};

struct comparison {
	struct cli *cli;
	struct compared runs[COMPARE_RUNS_MAX];
	size_t count;
};

static void comparison_clear(struct comparison *c)
{
	for (size_t i = 0; i < c->count; i++) {
		object_close(&c->runs[i].run);
		table_free(c->runs[i].table);
		free(c->runs[i].shifts);
	}
}

static int64_t number_of(const struct compared *r)
{
	return member_number(r->run.properties, "Id", 0);
}

static int load(struct comparison *c, struct compared *r, const char *channel)
{
	const json_t *p = r->run.properties;
	const json_t *analysis = channel ? run_analysis_of(p, channel) : run_analysis(p);
	const char *analysed = member_text(analysis, "values.channel");
	const char *columns[] = {"wavelength", NULL, NULL};
	int code;

	r->column = channel ? channel : *analysed ? analysed : run_first_signal(p);
	r->resonances = member_at(analysis, "values.resonances");
	if (json_array_size(r->resonances) > RESONANCES_MAX)
		return cli_fail(c->cli, EXIT_USAGE, "run %lld has more than %d resonances",
				(long long)number_of(r), RESONANCES_MAX);
	if (!analysis)
		fprintf(c->cli->err,
			"run %lld: %s is not analysed yet; %s analyse %lld --channel %s\n",
			(long long)number_of(r), r->column, PROGRAM, (long long)number_of(r),
			r->column);
	columns[1] = r->column;
	code = fetch_run(c->cli, &r->run, columns, &r->table);
	if (code != 0)
		return code;
	snprintf(r->name, sizeof(r->name), "run %lld %.40s", (long long)number_of(r),
		 member_text(r->run.properties, "Metadata.label"));
	return 0;
}

static int load_all(struct comparison *c, const struct options *o)
{
	const json_t *first;
	int r = 0;

	for (size_t i = 0; r == 0 && i < o->word_count; i++) {
		r = run_open_text(c->cli, o->words[i], &c->runs[i].run);
		if (r != 0)
			return r;
		c->count++;
		for (size_t k = 0; k < i; k++) {
			if (number_of(&c->runs[k]) == number_of(&c->runs[i]))
				return cli_fail(c->cli, EXIT_USAGE, "run %lld is named twice",
						(long long)number_of(&c->runs[i]));
		}
		r = load(c, &c->runs[i], options_text(o, "channel"));
	}
	first = c->runs[0].resonances;
	for (size_t i = 1; r == 0 && i < c->count; i++) {
		c->runs[i].shifts = calloc(json_array_size(first) + 1, sizeof(struct shift));
		if (!c->runs[i].shifts)
			return cli_no_memory(c->cli);
		match_resonances(first, c->runs[i].resonances, c->runs[i].shifts);
	}
	return r;
}

/* ---- for people ---- */

static void heading(struct grid *g, const struct comparison *c)
{
	grid_cell(g, "#");
	grid_cell(g, "run %lld, nm", (long long)number_of(&c->runs[0]));
	for (size_t i = 1; i < c->count; i++) {
		grid_cell(g, "run %lld, shift pm", (long long)number_of(&c->runs[i]));
		grid_cell(g, "off mean");
		grid_cell(g, "width pm");
	}
}

/*
 * In sigmas, from the mean shift: two sweeps of one chip differ by what their axes have in common,
 * many random sigmas that are no news.
 */
static struct text off_mean(const struct shift *s, const struct common_shift *mean)
{
	struct text t;

	if (mean->count < 2)
		return (struct text){"-"};
	snprintf(t.text, sizeof(t.text), "%.20s sigma",
		 decimals(fabs(s->pm - mean->pm) / s->sigma_pm, 1).text);
	return t;
}

static void row(struct grid *g, const struct comparison *c, const struct common_shift *means,
		size_t k)
{
	const json_t *base = json_array_get(c->runs[0].resonances, k);

	grid_cell(g, "%zu", k + 1);
	grid_cell(g, "%s", decimals(member_value(base, "wavelength_nm"), 4).text);
	for (size_t i = 1; i < c->count; i++) {
		const struct shift *s = &c->runs[i].shifts[k];
		const json_t *other =
			json_array_get(c->runs[i].resonances, (size_t)MAX(s->partner, 0));
		double wider = member_value(other, "fwhm_pm") - member_value(base, "fwhm_pm");

		if (s->partner < 0) {
			grid_cell(g, "%s", c->runs[i].resonances ? "not there" : "");
			grid_cell(g, "%s", "");
			grid_cell(g, "%s", "");
			continue;
		}
		grid_cell(g, "%s%s", s->pm >= 0 ? "+" : "", uncertain(s->pm, s->sigma_pm, 2).text);
		grid_cell(g, "%s", off_mean(s, &means[i]).text);
		grid_cell(g, "%s%s", wider >= 0 ? "+" : "",
			  uncertain(wider,
				    hypot(member_value(base, "fwhm_random_pm"),
					  member_value(other, "fwhm_random_pm")),
				    2)
				  .text);
	}
}

static void print_common(const struct comparison *c, FILE *to, size_t i, struct common_shift mean)
{
	const struct compared *a = &c->runs[0], *b = &c->runs[i];
	double axis = hypot(member_value(a->run.properties, "Metadata.axis.systematic_pm"),
			    member_value(b->run.properties, "Metadata.axis.systematic_pm"));
	const char *calibration = member_text(a->run.properties, "Metadata.axis.calibration_id");
	bool same = *calibration && streq(calibration, member_text(b->run.properties,
								   "Metadata.axis.calibration_id"));

	if (mean.count == 0) {
		fprintf(to, "run %lld: no resonance in common\n", (long long)number_of(b));
		return;
	}
	fprintf(to, "run %lld: %zu in common, mean shift %s%s pm (random)", (long long)number_of(b),
		mean.count, mean.pm >= 0 ? "+" : "", uncertain(mean.pm, mean.sigma_pm, 2).text);
	if (!isnan(axis))
		fprintf(to, ", axes %s pm (systematic%s): %s", decimals(axis, 1).text,
			same ? "; same calibration, so most of it cancels" : "",
			fabs(mean.pm) > 2 * hypot(axis, mean.sigma_pm) ? "significant"
								       : "not significant");
	fputc('\n', to);
}

static void print_table(const struct comparison *c, FILE *to)
{
	char align[GRID_COLUMNS_MAX + 1] = "rrrrrrrrrrrrrrrrrrr";
	size_t count = json_array_size(c->runs[0].resonances);
	struct common_shift means[COMPARE_RUNS_MAX] = {};
	struct grid g;

	if (count == 0) {
		fprintf(to, "run %lld has no analysis of %s: spectra only\n",
			(long long)number_of(&c->runs[0]), c->runs[0].column);
		return;
	}
	align[2 + 3 * (c->count - 1)] = '\0';
	grid_begin(&g, align);
	heading(&g, c);
	for (size_t i = 1; i < c->count; i++)
		means[i] = mean_shift(c->runs[i].shifts, count);
	for (size_t k = 0; k < count; k++)
		row(&g, c, means, k);
	grid_print(&g, to, 1);
	for (size_t i = 1; i < c->count; i++)
		print_common(c, to, i, means[i]);
}

/* ---- for programs ---- */

static json_t *real_or_null(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

static json_t *shifts_json(const struct comparison *c, size_t i)
{
	json_t *list = json_array();

	for (size_t k = 0; k < json_array_size(c->runs[0].resonances); k++) {
		const struct shift *s = &c->runs[i].shifts[k];

		json_array_append_new(
			list,
			json_pack(
				"{s:o, s:o, s:o, s:o}", "wavelength_nm",
				real_or_null(member_value(json_array_get(c->runs[0].resonances, k),
							  "wavelength_nm")),
				"partner", s->partner < 0 ? json_null() : json_integer(s->partner),
				"shift_pm", real_or_null(s->pm), "shift_random_pm",
				real_or_null(s->sigma_pm)));
	}
	return list;
}

static int print_document(const struct comparison *c)
{
	_cleanup_(json_decrefp) json_t *document = json_object();
	json_t *others = json_array();

	for (size_t i = 1; i < c->count; i++) {
		struct common_shift mean =
			mean_shift(c->runs[i].shifts, json_array_size(c->runs[0].resonances));

		json_array_append_new(
			others, json_pack("{s:I, s:o, s:o, s:o}", "run",
					  (json_int_t)number_of(&c->runs[i]), "shifts",
					  shifts_json(c, i), "mean_shift_pm", real_or_null(mean.pm),
					  "mean_shift_random_pm", real_or_null(mean.sigma_pm)));
	}
	json_object_set_new(document, "run", json_integer(number_of(&c->runs[0])));
	json_object_set_new(document, "others", others);
	return print_json(c->cli, document);
}

static int draw_all(struct comparison *c, const struct files *files)
{
	const char *columns[COMPARE_RUNS_MAX] = {0}, *names[COMPARE_RUNS_MAX + 1] = {0};
	struct table *tables[COMPARE_RUNS_MAX];
	_cleanup_table_ struct table *all = NULL;
	struct picture picture = {.channels = names, .title = "comparison"};
	const json_t *analysis = run_analysis(c->runs[0].run.properties);
	int r;

	for (size_t i = 0; i < c->count; i++) {
		tables[i] = c->runs[i].table;
		columns[i] = c->runs[i].column;
		names[i] = c->runs[i].name;
	}
	all = overlay(tables, columns, names, c->count);
	if (!all)
		return cli_fail(c->cli, EXIT_TROUBLE, "the spectra cannot be laid over each other");
	r = c->cli->json ? 0 : draw(c->cli, c->cli->out, all, analysis, &picture);
	return r != 0 ? r : files_write(c->cli, files, all, analysis, &picture);
}

static int run(struct cli *cli, const struct options *o)
{
	struct comparison c = {.cli = cli};
	struct files files;
	int r;

	if (o->word_count < 2) {
		cli_fail(cli, EXIT_USAGE, "compare which runs? at least two, at most %d",
			 COMPARE_RUNS_MAX);
		cli_try(cli, PROGRAM " compare 17 18   (" PROGRAM " runs lists them)");
		return EXIT_USAGE;
	}
	r = files_from_options(cli, o, &files);
	if (r == 0)
		r = load_all(&c, o);
	if (r == 0) {
		if (cli->json)
			r = print_document(&c);
		else
			print_table(&c, cli->out);
	}
	if (r == 0)
		r = draw_all(&c, &files);
	comparison_clear(&c);
	return r;
}

static const struct option_spec options[] = {
	{"channel", 'd', "COLUMN", "default the one that was analysed", false},
	{"plot", 0, "FILE.svg", "the picture also as a file", false},
	{"force", 'f', NULL, "overwrite it if it exists", false},
	{0},
};

const struct verb verb_compare = {
	.name = "compare",
	.summary = "runs side by side: shifts of resonances, spectra overlaid",
	.usage = "compare RUN RUN...",
	.text = "Shifts are against the first run, with the random uncertainty of both. What all of "
		"them share may be the axis': it is stated once, below, and the column \"off "
		"mean\" tells what moved against the others.",
	.examples = "compare 17 18\ncompare 17 18 19 --plot drift.svg",
	.options = options,
	.words_max = COMPARE_RUNS_MAX,
	.run = run,
};
