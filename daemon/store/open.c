// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Opens and closes the store, creates it where there is none, brings an older one up to date.
 * A new store is built beside its place and moved there whole, so that no crash leaves half a one.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "store/store_private.h"

#define BUSY_TIMEOUT_MS 5000

/* Nothing here is secret: some builds would write every page again that a deleted run leaves. */
#define WRITE_PRAGMAS                           \
	"PRAGMA journal_mode = WAL;"            \
	"PRAGMA synchronous = NORMAL;"          \
	"PRAGMA secure_delete = OFF;"           \
	"PRAGMA journal_size_limit = 67108864;" \
	"PRAGMA cache_size = -1024;"

/* Readers see blocks in place; SQLite maps at most 2 GiB and reads the rest. */
#define READ_PRAGMAS              \
	"PRAGMA query_only = ON;" \
	"PRAGMA mmap_size = 2147418112;"

static int open_database(struct store *s, const char *path, int flags)
{
	int result = sqlite3_open_v2(path, &s->db, flags, NULL);

	if (!s->db)
		return store_fail(s, -ENOMEM, "no memory for the store %s", path);
	if (result == SQLITE_OK)
		sqlite3_busy_timeout(s->db, BUSY_TIMEOUT_MS);
	return store_sql_error(s, result, "the store cannot be opened");
}

static void close_database(struct store *s)
{
	sqlite3_finalize(s->insert_block);
	s->insert_block = NULL;
	sqlite3_close(s->db);
	s->db = NULL;
}

/* ---- creating ---- */

static void remove_half(const char *half)
{
	_cleanup_free_ char *journal = asprintf_or_null("%s-journal", half);

	unlink(half);
	if (journal)
		unlink(journal);
}

static int sync_folder(const char *path)
{
	_cleanup_free_ char *copy = strdup(path);
	_cleanup_close_ int fd = -1;

	if (!copy)
		return -ENOMEM;
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

static int fill_new(struct store *s, const char *half)
{
	char pragmas[160];
	int r = open_database(s, half, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);

	if (r < 0)
		return r;
	/* Page size, vacuum and id hold for good only before the first table. */
	snprintf(
		pragmas, sizeof(pragmas),
		"PRAGMA page_size = %d; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA application_id = %d",
		STORE_PAGE_BYTES, STORE_APPLICATION_ID);
	r = store_exec(s, pragmas);
	return r < 0 ? r : store_migrate(s, store_schema_newest());
}

static int create(struct store *s)
{
	_cleanup_free_ char *half = asprintf_or_null("%s.creating", s->path);
	_cleanup_close_ int fd = -1;
	int r;

	if (!half)
		return -ENOMEM;
	remove_half(half);
	fd = open(half, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (fd < 0)
		return store_fail(s, -errno, "the store %s cannot be created: %s", s->path,
				  strerror(errno));
	r = fill_new(s, half);
	close_database(s);
	if (r == 0 && rename(half, s->path) < 0)
		r = store_fail(s, -errno, "the store %s cannot be created: %s", s->path,
			       strerror(errno));
	if (r < 0)
		remove_half(half);
	else
		(void)sync_folder(s->path);
	return r;
}

/* ---- versions ---- */

static int check_version(struct store *s)
{
	int newest = store_schema_newest();
	int64_t version;
	int r = store_query_integer(s, "PRAGMA user_version", &version);

	if (r < 0)
		return r;
	if (version > newest)
		return store_fail(
			s, -ENOTSUP,
			"the store %s was written by a newer etalond (version %lld, this one "
			"knows %d): upgrade, or name another store",
			s->path, (long long)version, newest);
	if (version == newest)
		return 0;
	if (s->mode == STORE_READ)
		return store_fail(s, -ENOTSUP,
				  "the store %s has the older version %lld: start etalond once, it "
				  "brings it to version %d",
				  s->path, (long long)version, newest);
	return store_migrate(s, newest);
}

static int use_database(struct store *s)
{
	int r = open_database(
		s, s->path, s->mode == STORE_WRITE ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY);

	if (r == 0 && s->mode == STORE_WRITE && sqlite3_db_readonly(s->db, "main") == 1)
		r = store_fail(s, -EROFS, "the store %s is read-only: it must be writable",
			       s->path);
	if (r == 0)
		r = store_exec(s, s->mode == STORE_WRITE ? WRITE_PRAGMAS : READ_PRAGMAS);
	if (r == 0)
		r = check_version(s);
	if (r == 0)
		s->used = store_file_bytes(s);
	return r;
}

/* ---- the handle ---- */

static int open_for_writing(struct store *s, char **ret_message)
{
	bool new;
	int r = store_take_lock(s->path, &s->lock_fd, ret_message);

	if (r < 0)
		return r;
	/* Again, now that nobody else can be creating it. */
	r = store_check_file(s->path, &new, ret_message);
	if (r == 0 && new)
		r = create(s);
	if (r == 0)
		r = use_database(s);
	if (r < 0)
		return r;
	sqlite3_wal_autocheckpoint(s->db, STORE_CHECKPOINT_PAGES);
	store_make_reserve(s);
	return 0;
}

int store_open(const char *path, enum store_mode mode, struct store **ret, char **ret_message)
{
	_cleanup_(store_closep) struct store *s = NULL;
	char *message = NULL;
	bool new;
	int r = store_check_file(path, &new, ret_message);

	if (r < 0)
		return r;
	if (new &&mode == STORE_READ)
		return fail(ret_message, -ENOENT, "there is no store %s yet", path);
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->lock_fd = s->reserve_fd = -1;
	s->mode = mode;
	s->path = strdup(path);
	if (!s->path)
		return -ENOMEM;
	r = mode == STORE_WRITE ? open_for_writing(s, &message) : use_database(s);
	if (r < 0 && message) {
		if (ret_message)
			*ret_message = message;
		else
			free(message);
		return r;
	}
	if (r < 0)
		return fail(ret_message, r, "%s", store_message(s));
	*ret = take_ptr(s);
	return 0;
}

struct store *store_close(struct store *s)
{
	if (!s)
		return NULL;
	if (s->in_transaction)
		store_commit(s);
	while (s->writing)
		store_writing_free(s, s->writing);
	close_database(s);
	closep(&s->reserve_fd);
	closep(&s->lock_fd); /* last: another may write from here on */
	free(s->message);
	free(s->path);
	free(s);
	return NULL;
}

const char *store_message(const struct store *s)
{
	return s->message ? s->message : "";
}
