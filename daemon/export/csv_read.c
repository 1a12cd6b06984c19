// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Reads tables of numbers; see the header for what is accepted. Layer: export.
 */
#include "export/csv_read.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "base/util.h"
#include "export/csv_fields.h"
#include "export/heading.h"
#include "export/number.h"
#include "export/row_count.h"
#include "export/utf8.h"
#include "export/yaml_meta.h"

#define FIRST_ROOM 4096U /* rows */

struct csv_column {
	char name[TABLE_NAME_MAX];
	char unit[TABLE_UNIT_MAX];
	enum column_type type;
	bool view; /* in dBm of another column: checked and not kept */
	union {
		double *f64;
		uint32_t *u32;
		void *data;
	};
};

struct csv_reader {
	struct text_reader *text;
	struct csv_column *columns;
	size_t column_count;
	size_t rows, room;
	bool open_end; /* the last row has no line end */
};

static void csv_reader_done(struct csv_reader *reader)
{
	for (size_t i = 0; reader->columns && i < reader->column_count; i++)
		free(reader->columns[i].data);
	free(reader->columns);
}

#define _cleanup_reader_ _cleanup_(csv_reader_done)

/* ---- headings ---- */

static int bad_heading(const struct text_reader *text, int error, const struct csv_field *field,
		       size_t index, char **ret_message)
{
	char quoted[TEXT_QUOTE_MAX];
	unsigned long long line = text->line;

	text_quote(quoted, field->text, field->length);
	switch (error) {
	case -EILSEQ:
		return fail(
			ret_message, -EBADMSG,
			"%s: line %llu: heading %zu \"%s\" is not text: this is a binary file or "
			"not UTF-8; allowed is a table of text like \"wavelength, nm\",\"through, W\"",
			text->name, line, index + 1, quoted);
	case -E2BIG:
		return fail(ret_message, -EBADMSG,
			    "%s: line %llu: heading %zu \"%s\" is longer than %d bytes", text->name,
			    line, index + 1, quoted, TABLE_NAME_MAX - 1);
	default:
		return fail(
			ret_message, -EBADMSG,
			"%s: line %llu: heading %zu has no name; write it like \"wavelength, nm\"",
			text->name, line, index + 1);
	}
}

static int take_heading(struct csv_reader *reader, const struct csv_field *field,
			char **ret_message)
{
	size_t index = reader->column_count;
	struct csv_column *columns, *column;
	double number;
	int r;

	if (index == CSV_COLUMNS_MAX)
		return fail(ret_message, -EBADMSG, "%s: line %llu: more than %d columns",
			    reader->text->name, (unsigned long long)reader->text->line,
			    CSV_COLUMNS_MAX);
	columns = reallocarray(reader->columns, index + 1, sizeof(*columns));
	if (!columns)
		return fail(ret_message, -ENOMEM, "%s: out of memory", reader->text->name);
	reader->columns = columns;
	column = &columns[index];
	*column = (struct csv_column){.type = COLUMN_F64};

	/* An index column without a heading is what many programs write. */
	if (field->length == 0 && index == 0)
		strcpy(column->name, "index");
	else if ((r = heading_parse(field->text, field->length, column->name, column->unit)) < 0)
		return bad_heading(reader->text, r, field, index, ret_message);
	if (!field->quoted && number_parse(field->text, field->length, &number) == NUMBER_FINITE)
		return fail(
			ret_message, -EBADMSG,
			"%s: line %llu holds numbers where the headings must be; name the columns "
			"in the first line like \"wavelength, nm\",\"through, dBm\"",
			reader->text->name, (unsigned long long)reader->text->line);
	if (heading_is_flags(column->name, column->unit))
		column->type = COLUMN_U32;
	for (size_t i = 0; i < index; i++)
		if (streq(columns[i].name, column->name) && streq(columns[i].unit, column->unit))
			return fail(ret_message, -EBADMSG,
				    "%s: line %llu: columns %zu and %zu are both named \"%s\"",
				    reader->text->name, (unsigned long long)reader->text->line,
				    i + 1, index + 1, column->name);
	reader->column_count++;
	return 0;
}

static bool has_column(const struct csv_reader *reader, const char *name, const char *unit)
{
	for (size_t i = 0; i < reader->column_count; i++)
		if (streq(reader->columns[i].name, name) && streq(reader->columns[i].unit, unit))
			return true;
	return false;
}

static int lone_quote(const struct text_reader *text, size_t index, char **ret_message)
{
	return fail(
		ret_message, -EBADMSG,
		"%s: line %llu, column %zu: a quote (\") inside a field; a quoted field begins and "
		"ends with one, and a quote within it is written twice",
		text->name, (unsigned long long)text->line, index + 1);
}

static int take_headings(struct csv_reader *reader, char *record, size_t length, char **ret_message)
{
	char quoted[TEXT_QUOTE_MAX];
	struct csv_fields fields;
	struct csv_field field;
	int r;

	if (!utf8_is_text(record, length))
		return fail(
			ret_message, -EBADMSG,
			"%s: line %llu is not text (\"%s\"): this is a binary file or not UTF-8; "
			"allowed is a table of text like \"wavelength, nm\",\"through, W\"",
			reader->text->name, (unsigned long long)reader->text->line,
			text_quote(quoted, record, length));
	if (!memchr(record, ',', length) &&
	    (memchr(record, ';', length) || memchr(record, '\t', length)))
		return fail(ret_message, -EBADMSG,
			    "%s: line %llu has one column and holds \"%s\": separate columns with "
			    "commas, not with semicolons or tabs, and write decimals with a point",
			    reader->text->name, (unsigned long long)reader->text->line,
			    text_quote(quoted, record, length));
	csv_fields_begin(&fields, record, length);
	while ((r = csv_fields_next(&fields, &field)) > 0) {
		r = take_heading(reader, &field, ret_message);
		if (r < 0)
			return r;
	}
	if (r < 0)
		return lone_quote(reader->text, reader->column_count, ret_message);
	for (size_t i = 0; i < reader->column_count; i++)
		reader->columns[i].view = streq(reader->columns[i].unit, "dBm") &&
					  has_column(reader, reader->columns[i].name, "W");
	return 0;
}

/* ---- rows ---- */

static int make_room(struct csv_reader *reader, char **ret_message)
{
	size_t room = reader->room ? reader->room * 2 : FIRST_ROOM;

	if (reader->rows < reader->room)
		return 0;
	for (size_t i = 0; i < reader->column_count; i++) {
		struct csv_column *c = &reader->columns[i];
		void *grown;

		if (c->view)
			continue;
		grown = reallocarray(c->data, room,
				     c->type == COLUMN_F64 ? sizeof(double) : sizeof(uint32_t));
		if (!grown)
			return fail(ret_message, -ENOMEM, "%s: out of memory after %zu rows",
				    reader->text->name, reader->rows);
		c->data = grown;
	}
	reader->room = room;
	return 0;
}

static int bad_field(const struct csv_reader *reader, const struct csv_field *field, size_t index,
		     const char *is, char **ret_message)
{
	const struct csv_column *column = &reader->columns[index];
	char quoted[TEXT_QUOTE_MAX];

	return fail(ret_message, -EBADMSG,
		    "%s: row %zu (line %llu), column %zu \"%s\": \"%s\" %s; allowed is %s",
		    reader->text->name, reader->rows + 1, (unsigned long long)reader->text->line,
		    index + 1, column->name, text_quote(quoted, field->text, field->length), is,
		    column->type == COLUMN_U32
			    ? "a whole number from 0 to 4294967295"
			    : "a number like 1550.004 or -44.5e-3, or nothing for a missing value");
}

static int take_field(struct csv_reader *reader, const struct csv_field *field, size_t index,
		      char **ret_message)
{
	struct csv_column *column = &reader->columns[index];
	double value = NAN;

	if (column->type == COLUMN_U32) {
		int r = number_parse_u32(field->text, field->length, &column->u32[reader->rows]);

		return r < 0 ? bad_field(reader, field, index, "is no flag word", ret_message) : 0;
	}
	if (field->length > 0) {
		switch (number_parse(field->text, field->length, &value)) {
		case NUMBER_FINITE:
		case NUMBER_NAN:
			break;
		case NUMBER_INFINITE:
			/* No light at all is -inf on a logarithmic scale, and only there. */
			if (value < 0 && strncmp(column->unit, "dB", 2) == 0)
				break;
			return bad_field(reader, field, index, "is not finite", ret_message);
		case NUMBER_NOT_ONE:
			return bad_field(reader, field, index, "is not a number", ret_message);
		}
	}
	if (!column->view)
		column->f64[reader->rows] = value;
	return 0;
}

/* Is there nothing but line ends from here on? */
static int only_blank_lines_follow(struct text_reader *text, char **ret_message)
{
	char *record;
	size_t length;
	int r;

	do
		r = text_next_line(text, &record, &length, ret_message);
	while (r > 0 && length == 0);
	return r < 0 ? r : r == 0;
}

static int wrong_count(const struct csv_reader *reader, size_t count, bool last, char **ret_message)
{
	return fail(ret_message, -EBADMSG, "%s: row %zu (line %llu) has %s%zu of %zu fields%s",
		    reader->text->name, reader->rows + 1, (unsigned long long)reader->text->line,
		    count > reader->column_count ? "more than " : "",
		    MIN(count, reader->column_count), reader->column_count,
		    last && count < reader->column_count
			    ? ": it is the last row and has no line end, the file is cut short"
			    : "; every row must have as many as there are headings");
}

static int take_row(struct csv_reader *reader, char *record, size_t length, char **ret_message)
{
	struct csv_fields fields;
	struct csv_field field;
	size_t index = 0;
	int r;

	r = make_room(reader, ret_message);
	if (r < 0)
		return r;
	csv_fields_begin(&fields, record, length);
	for (; (r = csv_fields_next(&fields, &field)) > 0; index++) {
		if (index == reader->column_count)
			return wrong_count(reader, index + 1, false, ret_message);
		/* A last row that is cut in the middle says so, not that half a number is bad. */
		if (!fields.next && index + 1 < reader->column_count)
			break;
		r = take_field(reader, &field, index, ret_message);
		if (r < 0)
			return r;
	}
	if (r < 0)
		return lone_quote(reader->text, index, ret_message);
	if (index < reader->column_count)
		return wrong_count(reader, index + 1, !reader->text->line_ended, ret_message);
	reader->rows++;
	reader->open_end = !reader->text->line_ended;
	return 0;
}

static int take_rows(struct csv_reader *reader, char **ret_message)
{
	uint64_t line;
	char *record;
	size_t length;
	int r;

	while ((r = text_next_record(reader->text, &record, &length, ret_message)) > 0) {
		if (length > 0) {
			r = take_row(reader, record, length, ret_message);
			if (r < 0)
				return r;
			continue;
		}
		line = reader->text->line;
		r = only_blank_lines_follow(reader->text, ret_message);
		if (r == 0)
			return fail(
				ret_message, -EBADMSG,
				"%s: line %llu is empty and rows follow; the rows of a table have "
				"no gaps",
				reader->text->name, (unsigned long long)line);
		return r < 0 ? r : 0;
	}
	return r;
}

/* ---- all of it ---- */

static void give(struct table_column *to, struct csv_column *from, size_t rows)
{
	size_t size = from->type == COLUMN_F64 ? sizeof(double) : sizeof(uint32_t);
	void *data = take_ptr(from->data);
	void *shrunk = reallocarray(data, rows, size);

	memcpy(to->name, from->name, sizeof(to->name));
	memcpy(to->unit, from->unit, sizeof(to->unit));
	to->type = from->type;
	to->f64 = shrunk ? shrunk : data;
}

static struct table *to_table(struct csv_reader *reader)
{
	struct table *table;
	size_t kept = 0;

	for (size_t i = 0; i < reader->column_count; i++)
		kept += !reader->columns[i].view;
	table = table_new(reader->rows, kept);
	if (!table)
		return NULL;
	table->open_end = reader->open_end;
	kept = 0;
	for (size_t i = 0; i < reader->column_count; i++)
		if (!reader->columns[i].view)
			give(&table->columns[kept++], &reader->columns[i], reader->rows);
	return table;
}

static int read_from_headings(struct text_reader *text, char *record, size_t length,
			      struct table **ret, char **ret_message)
{
	_cleanup_reader_ struct csv_reader reader = {.text = text};
	int r;

	r = take_headings(&reader, record, length, ret_message);
	if (r == 0)
		r = take_rows(&reader, ret_message);
	if (r < 0)
		return r;
	if (reader.rows == 0)
		return fail(ret_message, -EBADMSG, "%s: there are headings and no rows of data",
			    text->name);
	*ret = to_table(&reader);
	return *ret ? 0 : fail(ret_message, -ENOMEM, "%s: out of memory", text->name);
}

static int empty(const struct text_reader *text, char **ret_message)
{
	return fail(
		ret_message, -EBADMSG,
		"%s: %s; allowed is a line of headings like \"wavelength, nm\",\"through, W\" and "
		"rows of numbers",
		text->name, text->lines == 0 ? "the file is empty" : "there is no table");
}

int csv_read_table(struct text_reader *text, struct table **ret, char **ret_message)
{
	char *record;
	size_t length;
	int r;

	do
		r = text_next_record(text, &record, &length, ret_message);
	while (r > 0 && length == 0);
	if (r < 0)
		return r;
	if (r == 0)
		return empty(text, ret_message);
	return read_from_headings(text, record, length, ret, ret_message);
}

/* ---- comments ---- */

struct comments {
	FILE *stream;
	char *text; /* YAML, when these are ours */
	size_t size;
	uint64_t first_line;
	bool ours;
};

static void comments_done(struct comments *c)
{
	fclosep(&c->stream);
	free(c->text);
}

static int take_comment(struct comments *c, const struct text_reader *text, const char *line,
			size_t length)
{
	size_t skip = length > 1 && line[1] == ' ' ? 2 : 1;

	if (c->first_line == 0) {
		c->first_line = text->line;
		c->ours = length == strlen(CSV_COMMENT_MARK) &&
			  memcmp(line, CSV_COMMENT_MARK, length) == 0;
		if (!c->ours)
			return 0;
		c->stream = open_memstream(&c->text, &c->size);
		if (!c->stream)
			return -errno;
	}
	if (!c->ours)
		return 0;
	if (ftell(c->stream) > (long)YAML_TEXT_MAX)
		return -E2BIG;
	fwrite(line + skip, 1, length - skip, c->stream);
	fputc('\n', c->stream);
	return ferror(c->stream) ? -ENOMEM : 0;
}

/* Lines of comments are skipped or taken; *ret is then the line of headings. */
static int read_comments(struct text_reader *text, struct comments *c, char **ret,
			 size_t *ret_length, char **ret_message)
{
	for (;;) {
		size_t size;
		const char *ahead = text_peek(text, &size);
		int r;

		/* Headings are a record: a quote in a comment is no quote. */
		if (size > 0 && *ahead != '#' && *ahead != '\r' && *ahead != '\n')
			return text_next_record(text, ret, ret_length, ret_message);
		r = text_next_line(text, ret, ret_length, ret_message);
		if (r <= 0)
			return r;
		if (*ret_length == 0)
			continue;
		if (**ret != '#')
			return 1;
		r = take_comment(c, text, *ret, *ret_length);
		if (r < 0)
			return fail(ret_message, r == -E2BIG ? -EBADMSG : r,
				    "%s: line %llu: the comments are too long", text->name,
				    (unsigned long long)text->line);
	}
}

static int read_description(struct comments *c, const char *name, json_t **ret, char **ret_message)
{
	if (!c->ours)
		return 0;
	if (fflush(c->stream) != 0)
		return fail(ret_message, -ENOMEM, "%s: out of memory", name);
	return yaml_read(c->text, c->size, name, c->first_line, ret, ret_message);
}

int csv_read(struct text_reader *text, struct table **ret, char **ret_message)
{
	_cleanup_(comments_done) struct comments comments = {};
	_cleanup_json_ json_t *meta = NULL;
	char *record;
	size_t length;
	int r;

	r = read_comments(text, &comments, &record, &length, ret_message);
	if (r == 0)
		return empty(text, ret_message);
	if (r > 0)
		r = read_from_headings(text, record, length, ret, ret_message);
	if (r < 0)
		return r;
	r = read_description(&comments, text->name, &meta, ret_message);
	if (r == 0)
		r = row_count_check(meta, *ret, text->name, ret_message);
	if (r < 0) {
		*ret = table_free(*ret);
		return r;
	}
	if (meta) {
		json_object_del(meta, CSV_COMMENT_KEY);
		yaml_meta_drop_legend(meta);
		json_decref((*ret)->meta);
		(*ret)->meta = take_ptr(meta);
	}
	return 0;
}
