// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Descriptions of boards, each kept once: channel table and calibration as the board gave them, so
 * that raw records can be converted for ever.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "store/store_private.h"

static int find(struct store *s, const struct description *d, int64_t *ret)
{
	_cleanup_statement_ sqlite3_stmt *statement = NULL;
	int result, r = store_prepare(s, "SELECT id FROM description WHERE crc = ? AND raw = ?",
				      &statement);

	if (r < 0)
		return r;
	sqlite3_bind_int64(statement, 1, d->head.crc);
	sqlite3_bind_blob64(statement, 2, d->raw, d->raw_size, SQLITE_STATIC);
	result = sqlite3_step(statement);
	if (result == SQLITE_DONE)
		return -ENOENT;
	r = store_sql_error(s, result, "reading the board's description");
	if (r == 0)
		*ret = sqlite3_column_int64(statement, 0);
	return r;
}

int store_put_description(struct store *s, const struct description *d, int64_t *ret)
{
	_cleanup_statement_ sqlite3_stmt *statement = NULL;
	int r = find(s, d, ret);

	if (r != -ENOENT)
		return r;
	r = store_prepare(s, "INSERT INTO description (crc, raw) VALUES (?, ?)", &statement);
	if (r < 0)
		return r;
	sqlite3_bind_int64(statement, 1, d->head.crc);
	sqlite3_bind_blob64(statement, 2, d->raw, d->raw_size, SQLITE_STATIC);
	r = store_run_statement(s, statement, "storing the board's description");
	if (r == 0)
		*ret = sqlite3_last_insert_rowid(s->db);
	return r;
}

int store_get_description(struct store *s, int64_t id, struct description **ret)
{
	_cleanup_statement_ sqlite3_stmt *statement = NULL;
	_cleanup_free_ char *message = NULL;
	int result, r = store_prepare(s, "SELECT raw FROM description WHERE id = ?", &statement);

	if (r < 0)
		return r;
	sqlite3_bind_int64(statement, 1, id);
	result = sqlite3_step(statement);
	if (result == SQLITE_DONE)
		return store_fail(s, -EUCLEAN, "%s is damaged: a board's description is missing",
				  s->path);
	r = store_sql_error(s, result, "reading the board's description");
	if (r < 0)
		return r;
	r = description_parse(sqlite3_column_blob(statement, 0),
			      (size_t)sqlite3_column_bytes(statement, 0), ret, &message);
	if (r == -EBADMSG)
		return store_fail(s, -EUCLEAN, "%s is damaged: a board's description: %s", s->path,
				  message ? message : "not well-formed");
	return r;
}

char *store_calibration_id(const struct description *d)
{
	return asprintf_or_null("%08x-%u", d->head.crc, d->head.calibration_generation);
}
