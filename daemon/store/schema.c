// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What the tables are, as steps from one version to the next. A step that was released is never
 * changed: add another.
 */
#include <errno.h>

#include "base/util.h"
#include "store/store_private.h"

/* 1: the first. */
static const char version_1[] =
	"CREATE TABLE description (" /* once for each calibration of each board */
	" id INTEGER PRIMARY KEY,"
	" crc INTEGER NOT NULL,"
	" raw BLOB NOT NULL);" /* the window as read: channel table and calibration */
	"CREATE INDEX description_by_crc ON description (crc);"

	"CREATE TABLE run ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT," /* a number is never given twice */
	" created_ns INTEGER NOT NULL,"
	" finished_ns INTEGER,"
	" status TEXT NOT NULL," /* running, complete, partial, deleting */
	" verdict TEXT NOT NULL DEFAULT '',"
	" kind TEXT NOT NULL DEFAULT '',"
	" purpose TEXT NOT NULL DEFAULT '',"
	" label TEXT NOT NULL DEFAULT '',"
	" device TEXT NOT NULL DEFAULT '',"
	" wafer TEXT NOT NULL DEFAULT '',"
	" die TEXT NOT NULL DEFAULT '',"
	" cause TEXT NOT NULL DEFAULT '',"
	" points INTEGER NOT NULL DEFAULT 0,"
	" bytes INTEGER NOT NULL DEFAULT 0,"
	" description INTEGER NOT NULL REFERENCES description (id),"
	" request TEXT,"
	" meta TEXT NOT NULL);"
	"CREATE INDEX run_by_status ON run (status) WHERE status IN ('running', 'deleting');"
	"CREATE INDEX run_by_label ON run (label) WHERE label <> '';"

	"CREATE TABLE segment ("
	" run INTEGER NOT NULL REFERENCES run (id),"
	" number INTEGER NOT NULL,"
	" purpose INTEGER NOT NULL,"
	" stride INTEGER NOT NULL,"
	" start_tick INTEGER,"
	" ledger TEXT,"
	" dark TEXT," /* mean raw counts of a dark segment */
	" program BLOB NOT NULL,"
	" PRIMARY KEY (run, number)) WITHOUT ROWID;"

	"CREATE TABLE list (" /* setpoint lists of a program, signed 64-bit values */
	" run INTEGER NOT NULL REFERENCES run (id),"
	" segment INTEGER NOT NULL,"
	" number INTEGER NOT NULL,"
	" points BLOB NOT NULL,"
	" PRIMARY KEY (run, segment, number)) WITHOUT ROWID;"

	"CREATE TABLE block ("
	" id INTEGER PRIMARY KEY,"
	" run INTEGER NOT NULL REFERENCES run (id),"
	" segment INTEGER NOT NULL,"
	" first_point INTEGER," /* NULL: no POINT record in it */
	" last_point INTEGER,"
	" points INTEGER NOT NULL,"
	" first_sequence INTEGER NOT NULL,"
	" last_sequence INTEGER NOT NULL,"
	" crc INTEGER NOT NULL,"
	" records BLOB NOT NULL);" /* last: the others are read without its pages */
	"CREATE INDEX block_by_point ON block (run, segment, first_point, last_point, points, crc);"

	"CREATE TABLE analysis ("
	" id INTEGER PRIMARY KEY,"
	" run INTEGER NOT NULL REFERENCES run (id),"
	" created_ns INTEGER NOT NULL,"
	" method TEXT NOT NULL,"
	" version TEXT NOT NULL,"
	" calibration TEXT NOT NULL," /* of the data that were analysed: run's and reference's */
	" result TEXT NOT NULL,"
	" covariance TEXT);"
	"CREATE INDEX analysis_by_run ON analysis (run);"
	"CREATE TRIGGER analysis_is_append_only BEFORE UPDATE ON analysis"
	" BEGIN SELECT RAISE(ABORT, 'analyses are never changed: add another'); END;";

/* 2: references are found without reading the description of every run. */
static const char version_2[] =
	"CREATE TABLE reference ("
	" run INTEGER NOT NULL REFERENCES run (id),"
	" detector TEXT NOT NULL,"
	" created_ns INTEGER NOT NULL,"
	" PRIMARY KEY (detector, created_ns DESC, run)) WITHOUT ROWID;"
	"CREATE INDEX reference_by_run ON reference (run);"
	"INSERT OR IGNORE INTO reference (run, detector, created_ns)"
	" SELECT run.id, json_extract(channel.value, '$.detector'), run.created_ns"
	" FROM run, json_each(run.meta, '$.channels') AS channel"
	" WHERE run.purpose = 'reference' AND run.status = 'complete'"
	" AND json_extract(channel.value, '$.role') = 'signal'"
	" AND json_extract(channel.value, '$.detector') IS NOT NULL;";

/* 3: runs that wait for their verdict are found without reading all others. */
static const char version_3[] =
	"CREATE INDEX run_without_verdict ON run (id) WHERE status = 'complete' AND verdict = '';";

static const char *const versions[] = {version_1, version_2, version_3};

int store_schema_newest(void)
{
	return (int)ARRAY_SIZE(versions);
}

static int migrate_once(struct store *s, int to)
{
	char version[48];
	int r = store_op_begin(s);

	if (r < 0)
		return r;
	snprintf(version, sizeof(version), "PRAGMA user_version = %d", to);
	r = store_exec(s, versions[to - 1]);
	if (r == 0)
		r = store_exec(s, version);
	return store_op_end(s, r);
}

int store_migrate(struct store *s, int version)
{
	int64_t now;
	int r = store_query_integer(s, "PRAGMA user_version", &now);

	for (int64_t v = now; r == 0 && v < version; v++)
		r = migrate_once(s, (int)v + 1);
	return r;
}
