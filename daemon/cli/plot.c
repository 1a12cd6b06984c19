// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * etalonctl plot: a run or a file as a picture, in the terminal and as SVG.
 */
#include "base/quantity.h"
#include "cli/files.h"
#include "cli/print.h"
#include "cli/run.h"
#include "cli/verbs.h"

#include "export/file_read.h"

#define CHANNELS_MAX 16

struct wish {
	struct picture picture;
	const char *channels[CHANNELS_MAX + 1];
	char *names; /* split copies of -d */
	struct files files;
};

static int read_bound(struct cli *cli, const struct options *o, const char *option, double *ret_nm)
{
	const char *text = options_text(o, option);
	_cleanup_free_ char *message = NULL;
	int64_t fm;

	if (!text)
		return 0;
	if (quantity_parse(text, QUANTITY_WAVELENGTH, &fm, &message) < 0)
		return cli_fail(cli, EXIT_USAGE, "--%s: %s", option, message);
	*ret_nm = (double)fm / 1e6;
	return 0;
}

static int read_channels(struct cli *cli, const struct options *o, struct wish *w)
{
	const char *text = options_text(o, "detectors");
	char *rest, *name;
	size_t n = 0;

	if (!text)
		return 0;
	w->names = rest = strdup(text);
	if (!rest)
		return cli_no_memory(cli);
	while ((name = strsep(&rest, ",")) && n < CHANNELS_MAX)
		w->channels[n++] = name;
	w->picture.channels = w->channels;
	return 0;
}

static int read_wish(struct cli *cli, const struct options *o, struct wish *w)
{
	int r;

	*w = (struct wish){.picture = {.linear = options_has(o, "linear")}};
	r = files_from_options(cli, o, &w->files);
	if (r == 0)
		r = read_bound(cli, o, "from", &w->picture.from_nm);
	if (r == 0)
		r = read_bound(cli, o, "to", &w->picture.to_nm);
	if (r == 0)
		r = read_channels(cli, o, w);
	/* One bound alone: the axis begins above 0 and ends somewhere. */
	if (r == 0 && w->picture.from_nm > 0 && w->picture.to_nm <= 0)
		w->picture.to_nm = 1e6;
	if (r == 0 && w->picture.to_nm > 0 && w->picture.from_nm >= w->picture.to_nm)
		r = cli_fail(cli, EXIT_USAGE, "--from %s is not below --to %s",
			     options_text(o, "from"), options_text(o, "to"));
	return r;
}

/*
 * Files are told from run numbers by what they are: a file that exists, or a name with a point or
 * a slash.
 */
static bool is_file(const char *text)
{
	return strpbrk(text, "./") || access(text, F_OK) == 0;
}

/* `what` is told which it is. */
static int load(struct cli *cli, const char *text, json_t *what, struct table **ret,
		json_t **ret_analysis)
{
	_cleanup_object_ struct object run = {0};
	_cleanup_free_ char *message = NULL;
	int r;

	if (text && is_file(text)) {
		json_object_set_new(what, "file", json_string(text));
		if (table_read_file(text, ret, &message) < 0)
			return cli_fail(cli, EXIT_USAGE, "%s", message);
		return 0;
	}
	r = run_open_text(cli, text, &run);
	if (r == 0)
		r = fetch_run(cli, &run, NULL, ret);
	if (r != 0)
		return r;
	json_object_set_new(what, "run", json_integer(member_number(run.properties, "Id", 0)));
	*ret_analysis = json_deep_copy(run_analysis(run.properties));
	return 0;
}

/* {"run" or "file", "rows", "files": what was written} */
static int print_drawn(struct cli *cli, json_t *what, const struct table *table,
		       const struct files *files)
{
	json_t *written = json_array();

	for (size_t i = 0; i < files->count; i++)
		json_array_append_new(written, json_string(files->path[i]));
	if (json_object_set_new(what, "rows", json_integer((json_int_t)table->rows)) < 0 ||
	    json_object_set_new(what, "files", written) < 0)
		return cli_no_memory(cli);
	return print_json(cli, what);
}

static void print_title(FILE *to, const struct table *table)
{
	const struct plot_options plain = {0};
	char title[PLOT_TEXT_MAX];

	plot_title(table, &plain, title);
	if (*title)
		fprintf(to, "%s\n", harmless(title));
}

static int run(struct cli *cli, const struct options *o)
{
	_cleanup_(json_decrefp) json_t *analysis = NULL;
	_cleanup_table_ struct table *table = NULL;
	_cleanup_free_ char *names = NULL;
	_cleanup_(json_decrefp) json_t *what = json_object();
	struct wish w;
	int r = read_wish(cli, o, &w);

	names = w.names;
	if (r == 0)
		r = load(cli, o->word_count > 0 ? o->words[0] : NULL, what, &table, &analysis);
	if (r == 0)
		print_title(cli_people(cli), table);
	if (r == 0)
		r = draw(cli, cli_people(cli), table, analysis, &w.picture);
	if (r == 0)
		r = files_write(cli, &w.files, table, analysis, &w.picture);
	if (r == 0 && cli->json)
		r = print_drawn(cli, what, table, &w.files);
	return r;
}

static const struct option_spec options[] = {
	{"detectors", 'd', "A,B", "these columns only", false},
	{"from", 0, "WAVELENGTH", "part of the axis", false},
	{"to", 0, "WAVELENGTH", "", false},
	{"linear", 0, NULL, "power instead of dB", false},
	{"plot", 0, "FILE.svg", "also as a file", false},
	{"force", 'f', NULL, "overwrite it if it exists", false},
	{0},
};

const struct verb verb_plot = {
	.name = "plot",
	.summary = "draw a run or a file",
	.usage = "plot [RUN | FILE]",
	.text = "Without a number the newest run. Every column of the picture shows its lowest and "
		"its highest value: no dip is lost.",
	.examples =
		"plot 17\nplot 17 --from 1549.8nm --to 1550.3nm -d through\nplot ring.csv --plot ring.svg",
	.options = options,
	.words_max = 1,
	.run = run,
};
