// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * SQLite as the store uses it: errors as negative errno with a sentence, statements,
 * transactions. Knows no table.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "store/store_private.h"

int store_fail(struct store *s, int error, const char *format, ...)
{
	char *message;
	va_list ap;

	va_start(ap, format);
	message = vasprintf_or_null(format, ap);
	va_end(ap);
	free(s->message);
	s->message = message;
	return error;
}

static bool disk_is_full(const struct store *s, int result)
{
	return result == SQLITE_FULL || (result == SQLITE_IOERR && store_out_of_space(s->path));
}

static int error_of(int result)
{
	switch (result) {
	case SQLITE_NOTADB:
	case SQLITE_CORRUPT:
		return -EUCLEAN;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_PERM:
	case SQLITE_AUTH:
	case SQLITE_CANTOPEN:
		return -EACCES;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_INTERRUPT:
		return -EINTR;
	case SQLITE_TOOBIG:
		return -EFBIG;
	default:
		return -EIO;
	}
}

/* The quota of the configuration has a message of its own, in write.c. */
static int no_space(struct store *s)
{
	_cleanup_free_ char *where = store_file_system(s->path);

	return store_fail(
		s, -ENOSPC,
		"no space is left for the store %s on %s; what was stored before is safe: "
		"delete runs, or free space there",
		s->path, where ? where : "its file system");
}

int store_sql_error(struct store *s, int result, const char *what)
{
	int primary = result & 0xff;

	if (primary == SQLITE_OK || primary == SQLITE_ROW || primary == SQLITE_DONE)
		return 0;
	if (disk_is_full(s, primary))
		return no_space(s);
	if (primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB)
		return store_fail(s, -EUCLEAN,
				  "%s: %s is damaged (%s): keep a copy of it and start with a new "
				  "store, or restore a backup",
				  what, s->path, sqlite3_errmsg(s->db));
	return store_fail(s, error_of(primary), "%s: %s: %s", what, s->path, sqlite3_errmsg(s->db));
}

/* ---- statements ---- */

int store_prepare(struct store *s, const char *sql, sqlite3_stmt **ret)
{
	return store_sql_error(s, sqlite3_prepare_v2(s->db, sql, -1, ret, NULL),
			       "the store cannot be used");
}

int store_exec(struct store *s, const char *sql)
{
	return store_sql_error(s, sqlite3_exec(s->db, sql, NULL, NULL, NULL),
			       "the store cannot be used");
}

int store_run_statement(struct store *s, sqlite3_stmt *statement, const char *what)
{
	int result = sqlite3_step(statement), r;

	while (result == SQLITE_ROW)
		result = sqlite3_step(statement);
	r = store_sql_error(s, result, what);
	sqlite3_reset(statement);
	return r;
}

int store_query_integer(struct store *s, const char *sql, int64_t *ret)
{
	_cleanup_statement_ sqlite3_stmt *statement = NULL;
	int r = store_prepare(s, sql, &statement), result;

	if (r < 0)
		return r;
	result = sqlite3_step(statement);
	r = store_sql_error(s, result, "reading the store");
	if (r == 0 && result != SQLITE_ROW)
		return -ENOENT;
	if (r == 0)
		*ret = sqlite3_column_int64(statement, 0);
	return r;
}

int store_bind_text(sqlite3_stmt *statement, int index, const char *text)
{
	return text ? sqlite3_bind_text(statement, index, text, -1, SQLITE_TRANSIENT)
		    : sqlite3_bind_null(statement, index);
}

int store_bind_json(sqlite3_stmt *statement, int index, const json_t *json)
{
	char *text;

	if (!json)
		return sqlite3_bind_null(statement, index);
	text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
	if (!text)
		return SQLITE_NOMEM;
	return sqlite3_bind_text(statement, index, text, -1, free);
}

json_t *store_column_json(sqlite3_stmt *statement, int index)
{
	const char *text = (const char *)sqlite3_column_text(statement, index);

	return text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
}

const char *store_column_text(sqlite3_stmt *statement, int index)
{
	const char *text = (const char *)sqlite3_column_text(statement, index);

	return text ? text : "";
}

/* ---- transactions ---- */

int store_begin(struct store *s)
{
	int r;

	if (s->mode != STORE_WRITE)
		return store_fail(s, -EROFS, "this store was opened for reading");
	if (s->in_transaction)
		return 0;
	r = store_exec(s, "BEGIN IMMEDIATE");
	s->in_transaction = r == 0;
	return r;
}

static void lose_uncommitted(struct store *s, int error)
{
	for (struct writing *w = s->writing; w; w = w->next) {
		if (w->uncommitted > 0)
			store_writing_lose(s, w, error);
		w->uncommitted = 0;
	}
}

void store_rollback(struct store *s, int error)
{
	if (!s->in_transaction)
		return;
	if (!sqlite3_get_autocommit(s->db))
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	s->in_transaction = false;
	lose_uncommitted(s, error);
}

void store_after_error(struct store *s, int error)
{
	/* SQLite undoes the statement; on a full disk it may have given up the whole transaction.
	 */
	if (s->in_transaction && sqlite3_get_autocommit(s->db)) {
		s->in_transaction = false;
		lose_uncommitted(s, error);
	}
}

int store_commit(struct store *s)
{
	int r;

	if (!s->in_transaction)
		return 0;
	r = store_exec(s, "COMMIT");
	if (r < 0) {
		store_rollback(s, r);
		return r;
	}
	s->in_transaction = false;
	for (struct writing *w = s->writing; w; w = w->next)
		w->uncommitted = 0;
	return 0;
}

int store_op_begin(struct store *s)
{
	int r = store_begin(s);

	if (r < 0)
		return r;
	r = store_exec(s, "SAVEPOINT operation");
	if (r < 0)
		store_after_error(s, r);
	return r;
}

int store_op_end(struct store *s, int result)
{
	/* Undoing must not replace the message that says why. */
	if (result < 0 && !sqlite3_get_autocommit(s->db))
		sqlite3_exec(s->db, "ROLLBACK TO operation; RELEASE operation", NULL, NULL, NULL);
	if (result < 0) {
		store_after_error(s, result);
		return result;
	}
	result = store_exec(s, "RELEASE operation");
	if (result < 0) {
		store_rollback(s, result);
		return result;
	}
	return store_commit(s);
}
