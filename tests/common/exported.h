/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the tests of file formats share: a folder of their own, files out of text, a run as
 * an export sees it.
 */
#ifndef ETALON_TESTS_EXPORTED_H
#define ETALON_TESTS_EXPORTED_H

#include <stddef.h>

#include "data/table.h"

/* A folder below $TMPDIR or /tmp; remove_folder() takes it away with what is in it. */
char *make_folder(void);
void remove_folder(char *folder);

/* Paths within it are malloc'ed. */
char *path_in(const char *folder, const char *name);
char *file_of(const char *folder, const char *name, const char *bytes, size_t size);
char *file_of_text(const char *folder, const char *name, const char *text);
/* Terminated; *ret_size may be NULL. */
char *bytes_of(const char *path, size_t *ret_size);
/* How many entries a folder has. */
size_t count_files(const char *folder);

/* Columns wavelength, wavelength nominal, through, through.sigma, drop, flags; all of meta. */
struct table *sample_run(size_t rows);

/* What cairo and fontconfig keep from picture to picture, for leak checkers: after a test. */
void forget_fonts(void);

/* Where the measured spectra are ($ETALON_DATA or ../shared/data); NULL, and a SKIP line. */
char *measured_file(const char *name);

#endif
