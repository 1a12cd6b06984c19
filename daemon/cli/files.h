/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files that people want written: refused before any light when they could not be, written after.
 * Also the picture in the terminal. Layer: cli (formats: export/).
 */
#ifndef ETALON_CLI_FILES_H
#define ETALON_CLI_FILES_H

#include "cli/cli.h"
#include "cli/options.h"
#include "data/table.h"
#include "export/file_write.h"

#define FILES_MAX 32

struct files {
	const char *path[FILES_MAX];
	size_t count;
	bool overwrite;
	enum openepda_dialect dialect;
};

/*
 * Adds one; refuses an unknown ending, one that is there (unless overwrite), a folder that cannot
 * be written to.
 */
int files_add(struct cli *cli, struct files *files, const char *path);
/* --save FILE (several), --plot FILE.svg, --force. 0 or an exit code with the message given. */
int files_from_options(struct cli *cli, const struct options *o, struct files *ret);
struct picture {
	const char *const *channels; /* NULL: all signals */
	double from_nm, to_nm; /* both 0: the whole axis */
	bool linear;
	const char *title; /* NULL: from the run */
};

/*
 * Writes all, says which. Marks in pictures come from `analysis`; it and `picture` may be NULL. 0
 * or an exit code.
 */
int files_write(struct cli *cli, const struct files *files, const struct table *table,
		const json_t *analysis, const struct picture *picture);

/*
 * Draws on `to`, as wide as the terminal; a table that cannot be drawn is said on err: then
 * EXIT_USAGE.
 */
int draw(struct cli *cli, FILE *to, const struct table *table, const json_t *analysis,
	 const struct picture *picture);

/* Positions of resonances for a picture; *ret_count of them, malloc'ed or NULL. */
struct plot_mark *marks_of(const json_t *analysis, size_t *ret_count);

#endif
