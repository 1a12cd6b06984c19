// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Fields of a record; see the header. Layer: export.
 */
#include "export/csv_fields.h"

#include <errno.h>
#include <string.h>

void csv_fields_begin(struct csv_fields *fields, char *record, size_t length)
{
	fields->next = record;
	fields->end = record + length;
}

static bool blank(char c)
{
	return c == ' ' || c == '\t';
}

/* `p` stands behind the opening quote. Removes quotes in place. */
static int take_quoted(struct csv_fields *fields, char *p, struct csv_field *ret)
{
	char *out = p;

	*ret = (struct csv_field){.text = p, .quoted = true};
	for (;; p++) {
		char *quote = memchr(p, '"', (size_t)(fields->end - p));

		if (!quote)
			return -EINVAL;
		memmove(out, p, (size_t)(quote - p));
		out += quote - p;
		p = quote + 1;
		if (p == fields->end || *p != '"')
			break;
		*out++ = '"';
	}
	ret->length = (size_t)(out - ret->text);
	while (p < fields->end && blank(*p))
		p++;
	if (p < fields->end && *p != ',')
		return -EINVAL;
	fields->next = p < fields->end ? p + 1 : NULL;
	return 1;
}

int csv_fields_next(struct csv_fields *fields, struct csv_field *ret)
{
	char *p = fields->next, *comma;
	size_t length;

	if (!p)
		return 0;
	while (p < fields->end && blank(*p))
		p++;
	if (p < fields->end && *p == '"')
		return take_quoted(fields, p + 1, ret);
	length = (size_t)(fields->end - p);
	comma = memchr(p, ',', length);
	if (comma)
		length = (size_t)(comma - p);
	fields->next = comma ? comma + 1 : NULL;
	if (memchr(p, '"', length))
		return -EINVAL;
	while (length > 0 && blank(p[length - 1]))
		length--;
	*ret = (struct csv_field){.text = p, .length = length};
	return 1;
}
