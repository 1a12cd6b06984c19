// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Opening the store: what is created, what is refused untouched, one writer, older and newer
 * versions.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../common/temp_store.h"
#include "store/read.h"
#include "store/store_private.h"
#include "run_suite.h"

#include <check.h>

static struct temp_store t;

static void setup(void)
{
	temp_store_begin(&t);
}

static void teardown(void)
{
	temp_store_end(&t);
}

static void path_in_folder(char *path, size_t size, const char *name)
{
	snprintf(path, size, "%s/%s", t.folder, name);
}

static int64_t query(const char *sql)
{
	int64_t value = -1;

	ck_assert_int_eq(store_query_integer(t.store, sql, &value), 0);
	return value;
}

START_TEST(a_new_store_has_what_a_store_needs)
{
	ck_assert_int_eq(query("PRAGMA page_size"), STORE_PAGE_BYTES);
	ck_assert_int_eq(query("PRAGMA auto_vacuum"), 2);
	ck_assert_int_eq(query("PRAGMA synchronous"), 1);
	ck_assert_int_eq(query("PRAGMA application_id"), STORE_APPLICATION_ID);
	ck_assert_int_eq(query("PRAGMA user_version"), store_schema_newest());
	ck_assert_int_eq(query("SELECT journal_mode = 'wal' FROM pragma_journal_mode"), 1);
}
END_TEST

START_TEST(what_was_stored_is_there_after_opening_again)
{
	struct etalon_hw_program p = fake_sweep(1549, 1551, 500);
	int64_t run = write_run(t.store, t.board, &p, NULL);
	_cleanup_json_ json_t *meta = NULL;

	temp_store_reopen(&t);
	ck_assert_int_eq(store_recover(t.store), 0);
	ck_assert_int_eq(store_run_get(t.store, run, &meta), 0);
	ck_assert_str_eq(json_string_value(json_object_get(meta, "status")), "complete");
}
END_TEST

/* ---- not ours ---- */

static void write_file(const char *path, const void *data, size_t bytes)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write_all(fd, data, bytes), 0);
	close(fd);
}

static void make_text(const char *path)
{
	static const char text[] = "wavelength, nm\n1540.0\n";

	write_file(path, text, sizeof(text) - 1);
}

static void make_noise(const char *path)
{
	char noise[5000];

	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (char)(i * 2654435761U >> 24);
	write_file(path, noise, sizeof(noise));
}

static void make_header_only(const char *path)
{
	write_file(path, "SQLite format 3", 16);
}

static void make_other_database(const char *path)
{
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, "CREATE TABLE bookmark (url TEXT)", NULL, NULL, NULL),
			 SQLITE_OK);
	sqlite3_close(db);
}

static const struct {
	void (*make)(const char *path);
	const char *says;
} strangers[] = {
	{make_text, "not a run store"},
	{make_noise, "not a run store"},
	{make_header_only, "not a run store"},
	{make_other_database, "database of another program"},
};

static char *slurp(const char *path, size_t *size)
{
	struct stat st;
	int fd = open(path, O_RDONLY);
	char *data;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fstat(fd, &st), 0);
	*size = (size_t)st.st_size;
	data = malloc(*size + 1);
	ck_assert_int_eq(read_all(fd, data, *size), 0);
	close(fd);
	return data;
}

START_TEST(a_file_that_is_no_store_is_refused_and_not_touched)
{
	char path[200], beside[220];
	_cleanup_free_ char *before = NULL, *after = NULL;
	size_t size_before, size_after;

	path_in_folder(path, sizeof(path), "other");
	strangers[_i].make(path);
	before = slurp(path, &size_before);
	for (int mode = STORE_READ; mode <= STORE_WRITE; mode++) {
		_cleanup_free_ char *message = NULL;
		struct store *s = NULL;

		ck_assert_int_eq(store_open(path, (enum store_mode)mode, &s, &message), -EUCLEAN);
		ck_assert_msg(strstr(message, strangers[_i].says), "%s", message);
	}
	after = slurp(path, &size_after);
	ck_assert_uint_eq(size_before, size_after);
	ck_assert_mem_eq(before, after, size_before);
	snprintf(beside, sizeof(beside), "%s.lock", path);
	ck_assert_int_ne(access(beside, F_OK), 0);
	snprintf(beside, sizeof(beside), "%s-wal", path);
	ck_assert_int_ne(access(beside, F_OK), 0);
}
END_TEST

START_TEST(a_folder_is_no_store)
{
	_cleanup_free_ char *message = NULL;
	struct store *s = NULL;

	ck_assert_int_eq(store_open(t.folder, STORE_WRITE, &s, &message), -EUCLEAN);
	ck_assert_ptr_nonnull(strstr(message, "is no file"));
}
END_TEST

START_TEST(an_empty_file_becomes_a_store)
{
	char path[200];
	struct store *s = NULL;

	path_in_folder(path, sizeof(path), "empty");
	write_file(path, "", 0);
	ck_assert_int_eq(store_open(path, STORE_WRITE, &s, NULL), 0);
	store_close(s);
}
END_TEST

START_TEST(half_a_store_that_a_crash_left_is_replaced)
{
	char path[200], half[220];
	struct store *s = NULL;

	path_in_folder(path, sizeof(path), "new");
	snprintf(half, sizeof(half), "%s.creating", path);
	make_noise(half);
	ck_assert_int_eq(store_open(path, STORE_WRITE, &s, NULL), 0);
	ck_assert_int_ne(access(half, F_OK), 0);
	store_close(s);
}
END_TEST

START_TEST(a_truncated_store_is_reported_as_damaged)
{
	struct etalon_hw_program p = fake_sweep(1549, 1551, 20000);
	_cleanup_free_ char *message = NULL;
	struct store *s = NULL;

	write_run(t.store, t.board, &p, NULL);
	t.store = store_close(t.store);
	ck_assert_int_eq(truncate(t.path, 3 * STORE_PAGE_BYTES), 0);
	ck_assert_int_eq(store_open(t.path, STORE_WRITE, &s, &message), -EUCLEAN);
	ck_assert_msg(strstr(message, "damaged"), "%s", message);
}
END_TEST

/* ---- folders ---- */

START_TEST(a_missing_folder_is_named)
{
	char path[220];
	_cleanup_free_ char *message = NULL, *again = NULL;
	struct store *s = NULL;

	snprintf(path, sizeof(path), "%s/nowhere/runs.db", t.folder);
	ck_assert_int_eq(store_open(path, STORE_WRITE, &s, &message), -ENOENT);
	ck_assert_msg(strstr(message, "nowhere does not exist: create it"), "%s", message);
	ck_assert_int_eq(store_open(path, STORE_READ, &s, &again), -ENOENT);
}
END_TEST

START_TEST(reading_what_nobody_has_written_yet_says_so)
{
	char path[200];
	_cleanup_free_ char *message = NULL;
	struct store *s = NULL;

	path_in_folder(path, sizeof(path), "none.db");
	ck_assert_int_eq(store_open(path, STORE_READ, &s, &message), -ENOENT);
	ck_assert_ptr_nonnull(strstr(message, "there is no store"));
	ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

/* The superuser may write anywhere: becomes nobody for the time of the call. */
static int open_as_nobody(const char *path, char **message)
{
	struct store *s = NULL;
	bool root = geteuid() == 0;
	int r;

	if (root)
		ck_assert_int_eq(seteuid(65534), 0);
	r = store_open(path, STORE_WRITE, &s, message);
	if (root)
		ck_assert_int_eq(seteuid(0), 0);
	store_close(s);
	return r;
}

START_TEST(a_folder_that_cannot_be_written_is_an_error)
{
	char path[200];
	_cleanup_free_ char *message = NULL;

	path_in_folder(path, sizeof(path), "new.db");
	ck_assert_int_eq(chmod(t.folder, 0555), 0);
	ck_assert_int_eq(open_as_nobody(path, &message), -EACCES);
	ck_assert_int_eq(chmod(t.folder, 0755), 0);
	ck_assert_msg(strstr(message, "Permission denied"), "%s", message);
	ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(a_store_that_cannot_be_written_is_an_error)
{
	_cleanup_free_ char *message = NULL;
	char lock[220];

	t.store = store_close(t.store);
	snprintf(lock, sizeof(lock), "%s.lock", t.path);
	ck_assert_int_eq(chmod(t.folder, 0777), 0);
	ck_assert_int_eq(chmod(lock, 0666), 0);
	ck_assert_int_eq(chmod(t.path, 0444), 0);
	ck_assert_int_lt(open_as_nobody(t.path, &message), 0);
	ck_assert_msg(message && (strstr(message, "read-only") || strstr(message, "readonly")),
		      "%s", message ? message : "no message");
	ck_assert_int_eq(chmod(t.path, 0644), 0);
	ck_assert_int_eq(chmod(lock, 0644), 0);
}
END_TEST

/* ---- one writer ---- */

START_TEST(a_second_writer_is_refused_and_told_who_writes)
{
	_cleanup_free_ char *message = NULL;
	struct store *s = NULL;
	char pid[32];

	snprintf(pid, sizeof(pid), "by process %ld:", (long)getpid());
	ck_assert_int_eq(store_open(t.path, STORE_WRITE, &s, &message), -EBUSY);
	ck_assert_msg(strstr(message, pid), "%s", message);
}
END_TEST

START_TEST(another_process_is_refused_until_the_writer_has_gone)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct store *s = NULL;

		_exit(store_open(t.path, STORE_WRITE, &s, NULL) == -EBUSY ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	temp_store_reopen(&t);
}
END_TEST

START_TEST(a_killed_writer_leaves_no_lock)
{
	int ready[2], status;
	pid_t pid;
	char byte;

	t.store = store_close(t.store);
	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		struct store *s = NULL;

		if (store_open(t.path, STORE_WRITE, &s, NULL) < 0 || write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(store_open(t.path, STORE_WRITE, &t.store, NULL), 0);
	close(ready[0]);
	close(ready[1]);
}
END_TEST

START_TEST(readers_need_no_lock_and_cannot_write)
{
	struct store *reader = temp_store_reader(&t);
	json_t *changes = json_pack("{s:s}", "label", "x");

	ck_assert_int_eq(store_run_update(reader, 1, changes), -EROFS);
	ck_assert_int_eq(store_recover(reader), -EROFS);
	json_decref(changes);
	store_close(reader);
}
END_TEST

/* ---- versions ---- */

/* A store of version 1 as it was first released, with two runs. */
static void make_version_1(const char *path)
{
	struct store old = {.mode = STORE_WRITE, .path = strdup(path)};

	ck_assert_int_eq(sqlite3_open(path, &old.db), SQLITE_OK);
	ck_assert_int_eq(store_exec(&old,
				    "PRAGMA page_size = 65536; PRAGMA auto_vacuum = INCREMENTAL;"
				    "PRAGMA application_id = 0x45544c4e"),
			 0);
	ck_assert_int_eq(store_migrate(&old, 1), 0);
	ck_assert_int_eq(
		store_exec(
			&old,
			"INSERT INTO description VALUES (1, 99, x'00');"
			"INSERT INTO run (id, created_ns, status, purpose, label, description, meta) VALUES"
			" (5, 1000, 'complete', '', 'old', 1, '{\"kind\": \"sweep\"}'),"
			" (6, 2000, 'complete', 'reference', 'ref', 1, '{\"channels\": [{\"detector\": "
			"\"pd1\","
			" \"role\": \"signal\"}, {\"detector\": \"mon\", \"role\": \"monitor\"}]}'),"
			" (7, 3000, 'partial', 'reference', 'bad', 1, '{\"channels\": [{\"detector\": "
			"\"pd1\","
			" \"role\": \"signal\"}]}');"),
		0);
	sqlite3_close(old.db);
	free(old.message);
	free(old.path);
}

START_TEST(an_older_store_is_brought_up_to_date)
{
	char path[200];
	_cleanup_json_ json_t *meta = NULL;
	struct store *s = NULL;
	int64_t value;

	path_in_folder(path, sizeof(path), "old.db");
	make_version_1(path);
	ck_assert_int_eq(store_open(path, STORE_READ, &s, NULL), -ENOTSUP); /* not by a reader */
	ck_assert_int_eq(store_open(path, STORE_WRITE, &s, NULL), 0);
	ck_assert_int_eq(store_query_integer(s, "PRAGMA user_version", &value), 0);
	ck_assert_int_eq(value, store_schema_newest());
	ck_assert_int_eq(store_query_integer(s, "SELECT count(*) FROM run", &value), 0);
	ck_assert_int_eq(value, 3);
	ck_assert_int_eq(store_run_get(s, 5, &meta), 0);
	ck_assert_str_eq(json_string_value(json_object_get(meta, "kind")), "sweep");
	/* Version 2: complete references are found by their signal detectors. */
	ck_assert_int_eq(
		store_query_integer(s, "SELECT run FROM reference WHERE detector = 'pd1'", &value),
		0);
	ck_assert_int_eq(value, 6);
	ck_assert_int_eq(store_query_integer(s, "SELECT count(*) FROM reference", &value), 0);
	ck_assert_int_eq(value, 1);
	store_close(s);
}
END_TEST

START_TEST(a_migration_that_fails_changes_nothing)
{
	char path[200];
	_cleanup_free_ char *message = NULL;
	struct store *s = NULL, look = {.mode = STORE_WRITE, .path = path};
	int64_t value;

	path_in_folder(path, sizeof(path), "old.db");
	make_version_1(path);
	ck_assert_int_eq(sqlite3_open(path, &look.db), SQLITE_OK);
	ck_assert_int_eq(store_exec(&look, "CREATE INDEX reference_by_run ON run (id)"), 0);
	ck_assert_int_lt(store_open(path, STORE_WRITE, &s, &message), 0);
	ck_assert_ptr_nonnull(message);
	ck_assert_int_eq(store_query_integer(&look, "PRAGMA user_version", &value), 0);
	ck_assert_int_eq(value, 1);
	ck_assert_int_eq(
		store_query_integer(&look,
				    "SELECT count(*) FROM sqlite_schema WHERE name = 'reference'",
				    &value),
		0);
	ck_assert_int_eq(value, 0);
	sqlite3_close(look.db);
	free(look.message);
}
END_TEST

START_TEST(a_newer_store_is_refused)
{
	_cleanup_free_ char *message = NULL;
	struct store *s = NULL;

	ck_assert_int_eq(store_exec(t.store, "PRAGMA user_version = 99"), 0);
	t.store = store_close(t.store);
	ck_assert_int_eq(store_open(t.path, STORE_WRITE, &s, &message), -ENOTSUP);
	ck_assert_msg(strstr(message, "newer etalond (version 99"), "%s", message);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("store_open");
	TCase *c = tcase_create("store_open");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, a_new_store_has_what_a_store_needs);
	tcase_add_test(c, what_was_stored_is_there_after_opening_again);
	tcase_add_loop_test(c, a_file_that_is_no_store_is_refused_and_not_touched, 0,
			    ARRAY_SIZE(strangers));
	tcase_add_test(c, a_folder_is_no_store);
	tcase_add_test(c, an_empty_file_becomes_a_store);
	tcase_add_test(c, half_a_store_that_a_crash_left_is_replaced);
	tcase_add_test(c, a_truncated_store_is_reported_as_damaged);
	tcase_add_test(c, a_missing_folder_is_named);
	tcase_add_test(c, reading_what_nobody_has_written_yet_says_so);
	tcase_add_test(c, a_folder_that_cannot_be_written_is_an_error);
	tcase_add_test(c, a_store_that_cannot_be_written_is_an_error);
	tcase_add_test(c, a_second_writer_is_refused_and_told_who_writes);
	tcase_add_test(c, another_process_is_refused_until_the_writer_has_gone);
	tcase_add_test(c, a_killed_writer_leaves_no_lock);
	tcase_add_test(c, readers_need_no_lock_and_cannot_write);
	tcase_add_test(c, an_older_store_is_brought_up_to_date);
	tcase_add_test(c, a_migration_that_fails_changes_nothing);
	tcase_add_test(c, a_newer_store_is_refused);
	suite_add_tcase(s, c);
	return run_suite(s);
}
