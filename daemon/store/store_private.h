/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the files of the store share: the handle, statements, errors, transactions. Private to
 * this folder and its tests.
 */
#ifndef ETALON_STORE_STORE_PRIVATE_H
#define ETALON_STORE_STORE_PRIVATE_H

#include <jansson.h>
#include <sqlite3.h>

#include "base/util.h"
#include "calibrate/summary.h"
#include "store/store.h"

#define STORE_APPLICATION_ID 0x45544c4e /* "ETLN", in the file's header */
#define STORE_PAGE_BYTES 65536 /* of 4 to 64 KiB the fastest for 256 KiB blobs, see tests/bench */
#define STORE_BLOCK_MAX (256U << 10)
/*
 * Bounds the log: what a crash leaves, what a finishing commit has to sync, and what a full disk
 * keeps from going into the database, 8 MiB. The reserve must hold that once more: see delete.c.
 */
#define STORE_CHECKPOINT_PAGES 128
#define STORE_RESERVE_BYTES (20 << 20)

struct run_size {
	uint64_t points; /* of the main segment */
	uint64_t bytes; /* of all blocks */
};

/* A run that this handle writes. */
struct writing {
	struct writing *next;
	int64_t run;
	struct description *description;
	struct summary *summary;
	unsigned int segment; /* the one begun last */
	unsigned int purpose;
	uint32_t stride;
	bool in_segment;
	bool has_start; /* its START record was seen */
	struct run_size size; /* of what was stored */
	uint64_t uncommitted; /* blocks in the open transaction */
	int lost; /* blocks were lost: the error, 0 */
	char *lost_why; /* the store's message then; NULL: none, or no memory */
};

struct store {
	sqlite3 *db;
	char *path;
	enum store_mode mode;
	int lock_fd; /* STORE_WRITE, else -1 */
	int reserve_fd; /* STORE_WRITE and not spent, else -1 */
	uint64_t quota, used;
	bool in_transaction;
	sqlite3_stmt *insert_block;
	struct writing *writing;
	char *message;
};

/* ---- errors ---- */
/* Sets store_message() and returns error. */
int store_fail(struct store *s, int error, const char *format, ...) _printf_(3, 4);
/* Negative errno of an SQLite result, with a message that begins with `what`. SQLITE_OK, ROW, DONE:
 * 0. */
int store_sql_error(struct store *s, int result, const char *what);

/* ---- statements ---- */
static inline void statement_finalizep(sqlite3_stmt **statement)
{
	sqlite3_finalize(*statement); /* NULL is allowed */
}
#define _cleanup_statement_ _cleanup_(statement_finalizep)

#define _cleanup_json_ _cleanup_(json_decrefp)

int store_prepare(struct store *s, const char *sql, sqlite3_stmt **ret);
int store_exec(struct store *s, const char *sql);
/* Runs a statement that yields no rows; resets it. */
int store_run_statement(struct store *s, sqlite3_stmt *statement, const char *what);
/* One integer of one row; -ENOENT when there is none. */
int store_query_integer(struct store *s, const char *sql, int64_t *ret);
/* Binds text or NULL, also a JSON value as text (NULL without memory: -ENOMEM). */
int store_bind_text(sqlite3_stmt *statement, int index, const char *text);
int store_bind_json(sqlite3_stmt *statement, int index, const json_t *json);
/* A JSON column of the current row; NULL when it is empty or no JSON. */
json_t *store_column_json(sqlite3_stmt *statement, int index);
const char *store_column_text(sqlite3_stmt *statement, int index); /* "" for NULL */

/* ---- transactions ---- */
/* Opens one if none is open; -EROFS on a reading handle. */
int store_begin(struct store *s);
/* Gives up what the open transaction holds; runs that lose blocks by it remember `error`. */
void store_rollback(struct store *s, int error);
/* The error of one statement: SQLite has undone it, and on a full disk perhaps the whole
 * transaction. */
void store_after_error(struct store *s, int error);
/*
 * An operation of several statements: all of it happens or nothing, whatever else the open
 * transaction holds. The end commits (with that, blocks written before, too) and returns the
 * operation's result or why it could not.
 */
int store_op_begin(struct store *s);
int store_op_end(struct store *s, int result);

/* ---- files beside the store (files.c) ---- */
/* Is this a store, by its header, without opening it as a database? *ret_new: absent or empty. */
int store_check_file(const char *path, bool *ret_new, char **ret_message);
/* Why a write failed, where SQLite does not tell: no space, a disk quota or the limit of a file's
 * size. */
bool store_out_of_space(const char *path);
/* "the file system at /var, of which 0.0 MiB are free"; NULL: no memory. */
char *store_file_system(const char *path);
int store_take_lock(const char *path, int *ret_fd, char **ret_message);
/*
 * Space set aside for the day the disk is full: to finish the run that met it, or to delete one.
 * Without it, runs are finished at the next start. Does nothing while it is there, or when there is
 * no room for it.
 */
void store_make_reserve(struct store *s);
void store_spend_reserve(struct store *s);
uint64_t store_file_bytes(struct store *s);

/* ---- schema (schema.c) ---- */
int store_schema_newest(void);
/* Brings an open database from its user_version to `version`, each step in a transaction of its
 * own. */
int store_migrate(struct store *s, int version);

/* ---- runs being written (write.c) ---- */
struct writing *store_writing(struct store *s, int64_t run);
void store_writing_free(struct store *s, struct writing *w);
/* Its blocks are lost from here on, by the error of store_message(); the first counts. */
void store_writing_lose(struct store *s, struct writing *w, int error);

/* ---- descriptions (descriptions.c) ---- */
/* Row of the description, stored if it is new. */
int store_put_description(struct store *s, const struct description *d, int64_t *ret);
int store_get_description(struct store *s, int64_t id, struct description **ret);
/* "8a9136aa-3": CRC and calibration generation. */
char *store_calibration_id(const struct description *d);

/* ---- segments and blocks (segments.c) ---- */
struct stored_segment {
	unsigned int number;
	unsigned int purpose;
	uint32_t stride;
	bool has_start;
	uint64_t start_tick;
	struct etalon_hw_program program;
	json_t *dark; /* owned, may be NULL */
};

/* In order of number; free with store_segments_free(). An empty run has none. */
int store_segments(struct store *s, int64_t run, struct stored_segment **ret, size_t *ret_count);
void store_segments_free(struct stored_segment *segments, size_t count);

/* Ledger and dark of a segment that has ended. */
int store_segment_save(struct store *s, int64_t run, unsigned int segment, const json_t *ledger,
		       const json_t *dark);

/* Blocks of a segment in order of arrival. `damaged`: its CRC is wrong. Negative errno of f ends
 * it. */
typedef int (*store_block_f)(void *userdata, const void *records, size_t bytes, bool damaged);
int store_each_block(struct store *s, int64_t run, unsigned int segment, store_block_f f,
		     void *userdata);

/* ---- runs (runs.c) ---- */
/* Meta as stored; status and description's row if the pointers are not NULL. -ENOENT with a
 * message. */
int store_load_run(struct store *s, int64_t run, json_t **ret_meta, char **ret_status,
		   int64_t *ret_description);
/* Columns that can be searched, of a statement whose parameters :kind, :label ... they are. */
void store_bind_searchable(sqlite3_stmt *statement, const json_t *meta);
/* ISO 8601 in UTC, to the second. */
char *store_time_text(int64_t ns);

/* ---- recovery (recover.c) ---- */
/* Closes a run by what its blocks say: partial, ledger rebuilt; `cause` is the first reason. */
int store_recover_run(struct store *s, int64_t run, const char *cause);

/* ---- verdicts (judge.c) ---- */
/* Gives a finished run the verdict that it lacks, by its meta, request and stored analyses. */
int store_judge_run(struct store *s, int64_t run);

/* ---- finishing (finish.c) ---- */
/* The commit that must be on the disk when it returns. */
int store_write_final(struct store *s, int64_t run, const char *status, const json_t *meta,
		      const struct run_size *size);

/* ---- references (references.c) ---- */
/* Rows for a finished run whose purpose is to be a reference; none for others. */
int store_put_references(struct store *s, int64_t run, const json_t *meta);

/* ---- space (delete.c) ---- */
/* Ends deletions that a crash interrupted, gives free pages back to the file system. */
int store_tidy(struct store *s);

#endif
