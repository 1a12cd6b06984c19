// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Finds out whether a text file is whole; see the header. Layer: export.
 */
#include "export/row_count.h"

#include <errno.h>

#include "base/util.h"

int row_count_add(json_t *description, const struct table *table)
{
	json_t *rows;

	if (json_object_get(description, ROW_COUNT_KEY))
		return 0;
	rows = json_integer((json_int_t)table->rows);
	return json_object_set_new(description, ROW_COUNT_KEY, rows) < 0 ? -ENOMEM : 0;
}

int row_count_check(json_t *meta, const struct table *table, const char *name, char **ret_message)
{
	const json_t *stated = json_object_get(meta, ROW_COUNT_KEY);
	json_int_t rows = (json_int_t)table->rows, of = json_integer_value(stated);

	/* Whatever else stands there is somebody else's. */
	if (!json_is_integer(stated))
		return 0;
	json_object_del(meta, ROW_COUNT_KEY);
	if (rows < of)
		return fail(ret_message, -EBADMSG,
			    "%s: the file is cut short: it holds %lld of the %lld rows that its "
			    "description states; copy or export it again",
			    name, (long long)rows, (long long)of);
	if (rows > of)
		return fail(ret_message, -EBADMSG,
			    "%s: it holds %lld rows and its description states %lld; if you added "
			    "rows, state " ROW_COUNT_KEY ": %lld there",
			    name, (long long)rows, (long long)of, (long long)rows);
	if (table->open_end)
		return fail(ret_message, -EBADMSG,
			    "%s: row %lld of %lld has no line end: the file is cut short within "
			    "it; copy or export it again",
			    name, (long long)rows, (long long)of);
	return 0;
}
