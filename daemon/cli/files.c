// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Files and pictures. See files.h.
 */
#include "cli/files.h"

#include <errno.h>
#include <libgen.h>
#include <sys/stat.h>

#include "cli/print.h"
#include "cli/wire.h"
#include "data/meta.h"
#include "export/terminal_plot.h"

#define PICTURE_HEIGHT_MAX 24
#define SIGNALS_MAX 16

/* ---- before ---- */

static int check_folder(struct cli *cli, const char *path)
{
	_cleanup_free_ char *copy = strdup(path);
	const char *folder;
	struct stat st;

	if (!copy)
		return cli_no_memory(cli);
	folder = dirname(copy);
	if (stat(folder, &st) < 0 || !S_ISDIR(st.st_mode)) {
		cli_fail(cli, EXIT_USAGE, "%s cannot be written: there is no folder %s", path,
			 folder);
		cli_try(cli, "mkdir -p %s", folder);
		return EXIT_USAGE;
	}
	if (access(folder, W_OK) < 0)
		return cli_fail(cli, EXIT_USAGE,
				"%s cannot be written: %s: %s; choose another folder", path, folder,
				strerror(errno));
	return 0;
}

int files_add(struct cli *cli, struct files *files, const char *path)
{
	_cleanup_free_ char *message = NULL;
	enum file_format format;

	if (files->count == FILES_MAX)
		return cli_fail(cli, EXIT_USAGE, "at most %d files at once", FILES_MAX);
	if (file_format_of(path, &format, &message) < 0)
		return cli_fail(cli, EXIT_USAGE, "%s", message ? message : path);
	for (size_t i = 0; i < files->count; i++) {
		if (streq(files->path[i], path))
			return cli_fail(cli, EXIT_USAGE, "%s is named twice; name it once", path);
	}
	if (!files->overwrite && access(path, F_OK) == 0) {
		cli_fail(cli, EXIT_USAGE, "%s exists; it is not overwritten", path);
		cli_try(cli, "another name, or --force");
		return EXIT_USAGE;
	}
	files->path[files->count++] = path;
	return check_folder(cli, path);
}

int files_from_options(struct cli *cli, const struct options *o, struct files *ret)
{
	const char *plot = options_text(o, "plot"), *path;
	enum file_format format;
	int r = 0;

	*ret = (struct files){.overwrite = options_has(o, "force")};
	for (size_t i = 0; r == 0 && (path = options_nth(o, "save", i)); i++)
		r = files_add(cli, ret, path);
	if (r != 0 || !plot)
		return r;
	if (file_format_of(plot, &format, NULL) < 0 || format != FILE_FORMAT_SVG)
		return cli_fail(cli, EXIT_USAGE,
				"--plot %s: a picture is an SVG file; name it FILE.svg", plot);
	return files_add(cli, ret, plot);
}

/* ---- after ---- */

struct plot_mark *marks_of(const json_t *analysis, size_t *ret_count)
{
	const json_t *list = member_at(analysis, "values.resonances"), *r;
	struct plot_mark *marks = calloc(json_array_size(list) + 1, sizeof(*marks));
	size_t i;

	*ret_count = 0;
	if (!marks)
		return NULL;
	json_array_foreach(list, i, r) {
		marks[i].wavelength_nm = member_value(r, "wavelength_nm");
	}
	*ret_count = json_array_size(list);
	return marks;
}

/* The signals of a run: loss where there is a reference, else power. Empty for a foreign file. */
static void signals_of(const struct table *table, const char *names[static SIGNALS_MAX + 1])
{
	const json_t *channel;
	size_t i, n = 0;

	json_array_foreach(member_at(table->meta, META_CHANNELS), i, channel) {
		const struct table_column *column;
		char loss[TABLE_NAME_MAX];

		if (n == SIGNALS_MAX || !streq(member_text(channel, "role"), "signal"))
			continue;
		snprintf(loss, sizeof(loss), "%.50s loss", member_text(channel, "column"));
		column = table_find(table, loss);
		if (!column)
			column = table_find(table, member_text(channel, "column"));
		if (column)
			names[n++] = column->name;
	}
	names[n] = NULL;
}

static struct plot_options plot_options_of(const struct picture *picture,
					   const char *const *signals,
					   const struct plot_mark *marks, size_t mark_count)
{
	static const struct picture whole;

	if (!picture)
		picture = &whole;
	return (struct plot_options){
		.scale = picture->linear ? PLOT_LINEAR : PLOT_DB,
		.channels = picture->channels ? picture->channels
			    : *signals	      ? signals
					      : NULL,
		.marks = marks,
		.mark_count = mark_count,
		.title = picture->title,
		.from_nm = picture->from_nm,
		.to_nm = picture->to_nm,
	};
}

int files_write(struct cli *cli, const struct files *files, const struct table *table,
		const json_t *analysis, const struct picture *picture)
{
	size_t mark_count;
	_cleanup_free_ struct plot_mark *marks = marks_of(analysis, &mark_count);
	const char *signals[SIGNALS_MAX + 1];
	struct plot_options plot;
	struct file_write_options options = {
		.overwrite = files->overwrite, .dialect = files->dialect, .plot = &plot};
	int result = 0;

	signals_of(table, signals);
	plot = plot_options_of(picture, signals, marks, mark_count);
	for (size_t i = 0; i < files->count; i++) {
		_cleanup_free_ char *message = NULL;
		int r = table_write_file(files->path[i], table, &options, &message);

		if (r < 0)
			result =
				cli_fail(cli, EXIT_TROUBLE, "%s", message ? message : strerror(-r));
		else
			fprintf(cli_people(cli), "wrote   %s\n", files->path[i]);
	}
	return result;
}

int draw(struct cli *cli, FILE *to, const struct table *table, const json_t *analysis,
	 const struct picture *picture)
{
	size_t mark_count;
	_cleanup_free_ struct plot_mark *marks = marks_of(analysis, &mark_count);
	_cleanup_free_ char *message = NULL;
	const char *signals[SIGNALS_MAX + 1];
	struct plot_options plot;
	struct terminal_size size = {
		.width = (int)terminal_width(to),
		.height = (int)MIN(MAX(terminal_height(to), 12u) - 3, PICTURE_HEIGHT_MAX),
		.ascii = !cli->utf8,
		.colour = to == cli->out ? cli->colour_out : cli->colour_err,
	};
	int r;

	signals_of(table, signals);
	if (!*signals && json_array_size(member_at(table->meta, META_CHANNELS)) > 0 &&
	    (!picture || !picture->channels))
		return cli_fail(cli, EXIT_USAGE,
				"no picture: this run has no signal; name a column with -d");
	plot = plot_options_of(picture, signals, marks, mark_count);
	r = terminal_plot(to, table, &plot, &size, &message);
	if (r < 0)
		return cli_fail(cli, EXIT_USAGE, "no picture: %s",
				message ? message : strerror(-r));
	return 0;
}
