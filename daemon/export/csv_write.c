// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Writes tables as CSV; see the header for the decisions. Layer: export.
 */
#include "export/csv_write.h"

#include <errno.h>
#include <math.h>

#include "base/util.h"
#include "export/csv_read.h"
#include "export/heading.h"
#include "export/linear.h"
#include "export/number.h"
#include "export/row_count.h"
#include "export/yaml_meta.h"

/* One column of the file: of the table, or the dBm view of it. */
struct field {
	const struct table_column *column;
	bool dbm;
};

static int put(FILE *stream, const void *text, size_t size)
{
	errno = 0;
	return fwrite(text, 1, size, stream) == size ? 0 : errno ? -errno : -EIO;
}

/* ---- which fields ---- */

static bool has(const struct table *table, const char *name, const char *unit)
{
	for (size_t i = 0; i < table->column_count; i++)
		if (streq(table->columns[i].name, name) && streq(table->columns[i].unit, unit))
			return true;
	return false;
}

/* A sigma in dBm would be nonsense. */
static bool wants_dbm(const struct table *table, const struct table_column *column)
{
	size_t n = strlen(column->name);

	return column->type == COLUMN_F64 && streq(column->unit, "W") &&
	       !(n > 6 && streq(column->name + n - 6, ".sigma")) &&
	       !has(table, column->name, "dBm");
}

static size_t list_fields(const struct table *table, struct field *fields)
{
	size_t count = 0;

	for (size_t i = 0; i < table->column_count; i++) {
		const struct table_column *column = &table->columns[i];

		fields[count++] = (struct field){.column = column};
		if (wants_dbm(table, column))
			fields[count++] = (struct field){.column = column, .dbm = true};
	}
	return count;
}

/* ---- headings and rows ---- */

static int put_heading(FILE *stream, const struct field *field, bool first)
{
	char heading[HEADING_MAX], quoted[2 * HEADING_MAX + 3], *p = quoted;

	heading_format(heading, field->column->name, field->dbm ? "dBm" : field->column->unit);
	if (!first)
		*p++ = ',';
	*p++ = '"';
	for (const char *h = heading; *h; h++) {
		if (*h == '"')
			*p++ = '"';
		*p++ = *h;
	}
	*p++ = '"';
	return put(stream, quoted, (size_t)(p - quoted));
}

/* A missing value is an empty field; so is "no light at all" on a logarithmic scale. */
static size_t format_value(char *text, double value)
{
	return isfinite(value) ? number_format(text, value) : 0;
}

static size_t format_field(char *text, const struct field *field, size_t row)
{
	const struct table_column *column = field->column;

	if (column->type == COLUMN_U32)
		return number_format_u64(text, column->u32[row]);
	if (field->dbm)
		return format_value(text,
				    round(power_dbm_from_w(column->f64[row]) * 1e4) / 1e4 + 0.0);
	return format_value(text, column->f64[row]);
}

static int put_rows(FILE *stream, const struct field *fields, size_t count, size_t rows)
{
	_cleanup_free_ char *line = malloc(count * (NUMBER_TEXT_MAX + 1) + 8);

	if (!line)
		return -ENOMEM;
	for (size_t row = 0; row < rows; row++) {
		char *p = line;
		int r;

		for (size_t i = 0; i < count; i++) {
			if (i > 0)
				*p++ = ',';
			p += format_field(p, &fields[i], row);
		}
		/* Of one column, a missing value would be an empty line, which is no row. */
		if (p == line)
			p = stpcpy(p, "\"\"");
		*p++ = '\n';
		r = put(stream, line, (size_t)(p - line));
		if (r < 0)
			return r;
	}
	return 0;
}

int csv_write_table(FILE *stream, const struct table *table)
{
	_cleanup_free_ struct field *fields = calloc(2 * table->column_count + 1, sizeof(*fields));
	size_t count;
	int r = 0;

	if (!fields)
		return -ENOMEM;
	count = list_fields(table, fields);
	for (size_t i = 0; i < count && r == 0; i++)
		r = put_heading(stream, &fields[i], i == 0);
	if (r == 0)
		r = put(stream, "\n", 1);
	return r < 0 ? r : put_rows(stream, fields, count, table->rows);
}

/* ---- description ---- */

static json_t *describe(const struct table *table)
{
	_cleanup_json_ json_t *all = json_object();

	if (!all || json_object_set_new(all, CSV_COMMENT_KEY, json_integer(1)) < 0 ||
	    json_object_update_missing(all, table->meta) < 0 || row_count_add(all, table) < 0 ||
	    yaml_meta_add_legend(all, table) < 0)
		return NULL;
	return take_ptr(all);
}

int csv_write(FILE *stream, const struct table *table)
{
	_cleanup_json_ json_t *description = describe(table);
	_cleanup_free_ char *text = NULL;
	size_t size;
	int r;

	if (!description)
		return -ENOMEM;
	r = yaml_write(description, &text, &size);
	for (char *line = text; r == 0 && line < text + size;) {
		char *end = memchr(line, '\n', (size_t)(text + size - line));
		size_t length = (size_t)(end ? end + 1 - line : text + size - line);

		r = put(stream, "# ", 2);
		if (r == 0)
			r = put(stream, line, length);
		line += length;
	}
	return r < 0 ? r : csv_write_table(stream, table);
}
