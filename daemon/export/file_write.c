// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Picks the writer, and gives it a file beside the real one, which replaces it at the end.
 * Layer: export.
 */
#include "export/file_write.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/util.h"
#include "export/csv_write.h"
#include "export/hdf5_file.h"
#include "export/svg.h"

#define STREAM_BUFFER (1U << 20)
#define FORMATS_ALLOWED ".csv, .oedf or .openepda (openEPDA), .h5 or .hdf5 (HDF5), .svg (picture)"

static const struct {
	const char *ending;
	enum file_format format;
} endings[] = {
	{".csv", FILE_FORMAT_CSV},	     {".oedf", FILE_FORMAT_OPENEPDA},
	{".openepda", FILE_FORMAT_OPENEPDA}, {".h5", FILE_FORMAT_HDF5},
	{".hdf5", FILE_FORMAT_HDF5},	     {".svg", FILE_FORMAT_SVG},
};

int file_format_of(const char *path, enum file_format *ret, char **ret_message)
{
	size_t n = strlen(path);

	for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
		size_t m = strlen(endings[i].ending);

		if (n > m && path[n - m - 1] != '/' &&
		    strcasecmp(path + n - m, endings[i].ending) == 0) {
			*ret = endings[i].format;
			return 0;
		}
	}
	return fail(ret_message, -EINVAL,
		    "%s: the ending says no known format; allowed are " FORMATS_ALLOWED, path);
}

/* ---- messages ---- */

static int cannot_write(const char *path, int error, char **ret_message)
{
	switch (error) {
	case -ENOSPC:
	case -EDQUOT:
		return fail(
			ret_message, error,
			"%s: not written: %s; nothing is left behind, make room or choose another "
			"place",
			path, error == -ENOSPC ? "the disk is full" : "the disk quota is used up");
	case -EFBIG:
		return fail(ret_message, error,
			    "%s: not written: the file would be larger than is allowed here", path);
	case -EEXIST:
		return fail(ret_message, error,
			    "%s: exists and is not overwritten; choose another name or ask for it",
			    path);
	case -ENOENT:
		return fail(ret_message, error, "%s: not written: the folder does not exist", path);
	default:
		return fail(ret_message, error, "%s: not written: %s", path, strerror(-error));
	}
}

/* ---- the file beside ---- */

struct new_file {
	char *target; /* symbolic links followed */
	char *path; /* what is written; NULL when it is gone or moved */
	int fd;
};

static void new_file_done(struct new_file *file)
{
	if (file->path)
		unlink(file->path);
	closep(&file->fd);
	free(file->path);
	free(file->target);
}

static int open_beside(struct new_file *file, mode_t mode)
{
	_cleanup_free_ char *folder = strdup(file->target), *base = strdup(file->target);

	if (!folder || !base)
		return -ENOMEM;
	/* Hidden, and named after the real one so that people know what it is. */
	file->path = asprintf_or_null("%s/.%.200s.%d-%llx.partial", dirname(folder), basename(base),
				      (int)getpid(), (unsigned long long)now_ns());
	if (!file->path)
		return -ENOMEM;
	file->fd = open(file->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (file->fd < 0) {
		int r = -errno;

		free(take_ptr(file->path));
		return r;
	}
	return 0;
}

static int begin(struct new_file *file, const char *path, bool overwrite)
{
	struct stat st;
	int r;

	*file = (struct new_file){.fd = -1};
	file->target = realpath(path, NULL);
	if (!file->target && errno != ENOENT)
		return -errno;
	if (!file->target) {
		file->target = strdup(path);
		return file->target ? open_beside(file, 0666) : -ENOMEM;
	}
	if (stat(file->target, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (!overwrite)
		return -EEXIST;
	r = open_beside(file, 0600);
	/* The new one is as readable as the old one was. */
	if (r == 0 && fchmod(file->fd, st.st_mode & 07777) < 0)
		r = -errno;
	return r;
}

/* So that a power cut after success leaves the file; a folder may refuse to be synced. */
static void sync_folder(const char *path)
{
	_cleanup_free_ char *copy = strdup(path);
	_cleanup_close_ int fd =
		copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (fd >= 0)
		fsync(fd);
}

static int move(const char *from, const char *to, bool overwrite)
{
	if (overwrite)
		return rename(from, to) < 0 ? -errno : 0;
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	/* A file system that cannot refuse to replace: link() can. */
	if (link(from, to) < 0)
		return -errno;
	unlink(from);
	return 0;
}

static int finish(struct new_file *file, bool overwrite)
{
	int r;

	if (fsync(file->fd) < 0)
		return -errno;
	r = move(file->path, file->target, overwrite);
	if (r < 0)
		return r;
	free(take_ptr(file->path));
	sync_folder(file->target);
	return 0;
}

/* ---- writing ---- */

static int write_stream(int fd, enum file_format format, const struct table *table,
			const struct file_write_options *options, char **ret_message)
{
	_cleanup_fclose_ FILE *stream = NULL;
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0), r;

	stream = copy < 0 ? NULL : fdopen(copy, "w");
	if (!stream) {
		r = -errno;
		closep(&copy);
		return r;
	}
	setvbuf(stream, NULL, _IOFBF, STREAM_BUFFER);
	switch (format) {
	case FILE_FORMAT_CSV:
		r = csv_write(stream, table);
		break;
	case FILE_FORMAT_OPENEPDA:
		r = openepda_write(stream, table, options->dialect, ret_message);
		break;
	case FILE_FORMAT_HDF5:
		r = hdf5_write(stream, table, ret_message);
		break;
	default:
		r = svg_write(stream, table, options->plot, ret_message);
		break;
	}
	errno = 0;
	/* Some file systems find out about a full disk when the file is closed. */
	if (fclose(take_ptr(stream)) != 0 && r == 0)
		r = errno ? -errno : -EIO;
	return r;
}

int table_write_file(const char *path, const struct table *table,
		     const struct file_write_options *options, char **ret_message)
{
	static const struct file_write_options defaults = {};
	_cleanup_(new_file_done) struct new_file file = {.fd = -1};
	_cleanup_free_ char *message = NULL;
	enum file_format format;
	int r;

	options = options ? options : &defaults;
	r = file_format_of(path, &format, ret_message);
	if (r < 0)
		return r;
	r = begin(&file, path, options->overwrite);
	if (r == 0)
		r = write_stream(file.fd, format, table, options, &message);
	if (r == 0)
		r = finish(&file, options->overwrite);
	if (r < 0 && message)
		return fail(ret_message, r, "%s: not written: %s", path, message);
	return r < 0 ? cannot_write(path, r, ret_message) : 0;
}
