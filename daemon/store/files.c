// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The files of a store, looked at before SQLite may touch them: is it one, who writes it, and a
 * reserve for the day the disk is full. Opens no database.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/util.h"
#include "store/store_private.h"

/* https://www.sqlite.org/fileformat.html: the header of a database */
#define HEADER_BYTES 100
#define HEADER_TEXT "SQLite format 3"
#define HEADER_APPLICATION_ID 68 /* big-endian */

static char *beside(const char *path, const char *suffix)
{
	return asprintf_or_null("%s%s", path, suffix);
}

static uint32_t big_endian_32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int no_such_folder(const char *path, char **ret_message)
{
	_cleanup_free_ char *folder = strdup(path);
	char *slash;

	if (!folder)
		return -ENOMEM;
	slash = strrchr(folder, '/');
	if (slash)
		*(slash == folder ? slash + 1 : slash) = '\0';
	if (slash && access(folder, F_OK) < 0)
		return fail(ret_message, -ENOENT, "the store's folder %s does not exist: create it",
			    folder);
	return 0;
}

/*
 * The header, read by SQLite's own file layer: a file that this process opens and closes by itself
 * would lose the POSIX locks of all connections to it. *ret_bytes: of the header that are there.
 */
static int read_header(const char *path, uint8_t *header, size_t *ret_bytes, char **ret_message)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
	_cleanup_free_ sqlite3_file *file = vfs ? calloc(1, (size_t)vfs->szOsFile) : NULL;
	const char *name = sqlite3_create_filename(path, "", "", 0, NULL);
	sqlite3_int64 size = 0;
	int result = SQLITE_NOMEM;

	if (file && name)
		result = vfs->xOpen(vfs, name, file, SQLITE_OPEN_READONLY | SQLITE_OPEN_MAIN_DB,
				    NULL);
	if (result == SQLITE_OK)
		result = file->pMethods->xFileSize(file, &size);
	*ret_bytes = size < HEADER_BYTES ? (size_t)size : HEADER_BYTES;
	if (result == SQLITE_OK && *ret_bytes == HEADER_BYTES)
		result = file->pMethods->xRead(file, header, HEADER_BYTES, 0);
	if (file && file->pMethods)
		file->pMethods->xClose(file);
	sqlite3_free_filename(name);
	if (result == SQLITE_OK)
		return 0;
	return fail(ret_message, -EACCES, "the store %s cannot be read: %s", path,
		    access(path, R_OK) < 0 ? strerror(errno) : sqlite3_errstr(result));
}

int store_check_file(const char *path, bool *ret_new, char **ret_message)
{
	uint8_t header[HEADER_BYTES] = {0};
	struct stat st;
	size_t bytes;
	int r;

	*ret_new = false;
	if (stat(path, &st) < 0) {
		if (errno != ENOENT)
			return fail(ret_message, -errno, "the store %s cannot be opened: %s", path,
				    strerror(errno));
		*ret_new = true;
		return no_such_folder(path, ret_message);
	}
	if (!S_ISREG(st.st_mode))
		return fail(
			ret_message, -EUCLEAN,
			"%s is no file: name a file for the store, or one that does not exist yet",
			path);
	*ret_new = st.st_size == 0;
	if (*ret_new)
		return 0;
	r = read_header(path, header, &bytes, ret_message);
	if (r < 0)
		return r;
	if (bytes < HEADER_BYTES || memcmp(header, HEADER_TEXT, sizeof(HEADER_TEXT)) != 0)
		return fail(ret_message, -EUCLEAN,
			    "%s is not a run store (no database at all) and was not touched: name "
			    "another file, or move it away",
			    path);
	if (big_endian_32(header + HEADER_APPLICATION_ID) != STORE_APPLICATION_ID)
		return fail(ret_message, -EUCLEAN,
			    "%s is a database of another program and was not touched: name another "
			    "file, or move it away",
			    path);
	return 0;
}

/* ---- no space ---- */

static bool may_not_grow(const char *path, rlim_t limit)
{
	struct stat st;

	return stat(path, &st) == 0 && (rlim_t)st.st_size + STORE_PAGE_BYTES > limit;
}

bool store_out_of_space(const char *path)
{
	_cleanup_free_ char *log = beside(path, "-wal");
	_cleanup_close_ int fd = -1;
	struct rlimit limit;
	struct stat st;

	if (!log)
		return false;
	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
	    (may_not_grow(path, limit.rlim_cur) || may_not_grow(log, limit.rlim_cur)))
		return true;
	/* Asks for a page behind the end of the log, which leaves its size as it is. */
	fd = open(log, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	return fd >= 0 && fstat(fd, &st) == 0 &&
	       fallocate(fd, FALLOC_FL_KEEP_SIZE, st.st_size, STORE_PAGE_BYTES) < 0 &&
	       (errno == ENOSPC || errno == EDQUOT || errno == EFBIG);
}

/* The topmost folder above a file that is on the file system of the file's own. */
static char *mount_point(const char *path)
{
	_cleanup_free_ char *copy = strdup(path);
	char *at = copy ? realpath(dirname(copy), NULL) : NULL;
	struct stat own, above;

	if (!at || stat(at, &own) < 0)
		return at;
	for (;;) {
		_cleanup_free_ char *folder = strdup(at);
		const char *parent = folder ? dirname(folder) : at;

		if (streq(parent, at) || stat(parent, &above) < 0 || above.st_dev != own.st_dev)
			return at;
		strcpy(at, parent);
	}
}

char *store_file_system(const char *path)
{
	_cleanup_free_ char *at = mount_point(path);
	struct statvfs fs;
	double free_mib;

	if (!at || statvfs(at, &fs) < 0)
		return NULL;
	free_mib = (double)fs.f_bavail * (double)fs.f_frsize / (1 << 20);
	/* One commit may take as much as the log. */
	return asprintf_or_null("the file system at %s, of which %.1f MiB are free%s", at, free_mib,
				free_mib * (1 << 20) < STORE_CHECKPOINT_PAGES * STORE_PAGE_BYTES
					? ""
					: ", but not to this user: a disk quota or a limit of file "
					  "sizes is reached");
}

/* ---- one writer ---- */

static int somebody_writes(const char *path, int fd, char **ret_message)
{
	char text[32] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	long pid = n > 0 ? strtol(text, NULL, 10) : 0;

	if (pid > 0)
		return fail(ret_message, -EBUSY,
			    "the store %s is being written by process %ld: end that one, or name "
			    "another store",
			    path, pid);
	return fail(
		ret_message, -EBUSY,
		"the store %s is being written by another process: end that one, or name another "
		"store",
		path);
}

int store_take_lock(const char *path, int *ret_fd, char **ret_message)
{
	_cleanup_free_ char *name = beside(path, ".lock");
	_cleanup_close_ int fd = -1;
	char text[32];
	int r;

	if (!name)
		return -ENOMEM;
	fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0) {
		r = -errno;
		if (r == -ENOENT && no_such_folder(path, ret_message) < 0)
			return r;
		return fail(ret_message, r,
			    "the store %s cannot be written: its lock file %s cannot be opened: %s",
			    path, name, strerror(-r));
	}
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK)
			return somebody_writes(path, fd, ret_message);
		return fail(ret_message, -errno, "the store %s cannot be locked: %s", path,
			    strerror(errno));
	}
	/* The number is for people; the lock is what counts. A full disk may leave it out. */
	snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	if (ftruncate(fd, 0) == 0)
		(void)!pwrite(fd, text, strlen(text), 0);
	*ret_fd = take_fd(&fd);
	return 0;
}

/* ---- the reserve ---- */

void store_make_reserve(struct store *s)
{
	_cleanup_free_ char *name = beside(s->path, ".reserve");
	_cleanup_close_ int fd = -1;

	if (!name || s->reserve_fd >= 0)
		return;
	fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0 || posix_fallocate(fd, 0, STORE_RESERVE_BYTES) != 0)
		return;
	s->reserve_fd = take_fd(&fd);
	sqlite3_wal_autocheckpoint(s->db, STORE_CHECKPOINT_PAGES);
}

void store_spend_reserve(struct store *s)
{
	if (s->reserve_fd < 0)
		return;
	/* Moving the log into the database would take the space before what it is meant for. */
	sqlite3_wal_autocheckpoint(s->db, 0);
	(void)!ftruncate(s->reserve_fd, 0);
	closep(&s->reserve_fd);
	s->reserve_fd = -1;
}
