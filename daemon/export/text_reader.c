// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Lines and records from a file descriptor; see the header. Layer: export.
 */
#include "export/text_reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/util.h"

/* One whole record and a good piece of what follows. */
#define BUFFER_SIZE (TEXT_LINE_MAX + (256U << 10))
#define READ_SIZE (256U << 10)

/* Reads on; the text not yet handed out may move to the front of the buffer. */
static int fill(struct text_reader *reader, char **ret_message)
{
	ssize_t n;

	if (reader->start > 0) {
		memmove(reader->buffer, reader->buffer + reader->start,
			reader->end - reader->start);
		reader->end -= reader->start;
		reader->start = 0;
	}
	do
		n = read(reader->fd, reader->buffer + reader->end,
			 MIN((size_t)READ_SIZE, (size_t)BUFFER_SIZE - reader->end));
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		int r = -errno;

		return fail(ret_message, r, "%s: cannot be read: %s", reader->name, strerror(-r));
	}
	reader->at_end = n == 0;
	reader->end += (size_t)n;
	return 0;
}

int text_begin(struct text_reader *reader, int fd, const char *name, char **ret_message)
{
	int r = 0;

	*reader = (struct text_reader){.fd = fd, .name = name, .line_ended = true};
	reader->buffer = malloc(BUFFER_SIZE);
	if (!reader->buffer)
		return fail(ret_message, -ENOMEM, "%s: out of memory", name);
	/* A pipe may deliver the first line in pieces. */
	while (r == 0 && !reader->at_end && reader->end < 4096)
		r = fill(reader, ret_message);
	if (r < 0) {
		text_end(reader);
		return r;
	}
	if (reader->end >= 3 && memcmp(reader->buffer, "\xef\xbb\xbf", 3) == 0)
		reader->start = 3;
	return 0;
}

void text_end(struct text_reader *reader)
{
	free(take_ptr(reader->buffer));
}

const char *text_peek(struct text_reader *reader, size_t *ret_size)
{
	/* An error comes back when the text is asked for. */
	if (reader->start == reader->end && !reader->at_end)
		fill(reader, NULL);
	*ret_size = reader->end - reader->start;
	return reader->buffer + reader->start;
}

static size_t count_char(const char *p, size_t length, char c)
{
	const char *end = p + length;
	size_t count = 0;

	while ((p = memchr(p, c, (size_t)(end - p)))) {
		count++;
		p++;
	}
	return count;
}

static int too_long(const struct text_reader *reader, bool quoted, char **ret_message)
{
	unsigned long long line = reader->lines + 1;

	if (quoted)
		return fail(ret_message, -EBADMSG,
			    "%s: line %llu: a quote (\") is opened and not closed within %u bytes",
			    reader->name, line, TEXT_LINE_MAX);
	return fail(ret_message, -EBADMSG,
		    "%s: line %llu is longer than %u bytes: this is not a table of text",
		    reader->name, line, TEXT_LINE_MAX);
}

/* Hands out `length` bytes that are followed by `terminator` bytes of line end. */
static int hand_out(struct text_reader *reader, size_t length, size_t terminator, char **ret,
		    size_t *ret_length)
{
	char *text = reader->buffer + reader->start;

	reader->line = reader->lines + 1;
	reader->lines += 1 + count_char(text, length, '\n');
	reader->line_ended = terminator > 0;
	reader->start += length + terminator;
	if (length > 0 && text[length - 1] == '\r')
		length--;
	*ret = text;
	*ret_length = length;
	return 1;
}

static int next(struct text_reader *reader, bool records, char **ret, size_t *ret_length,
		char **ret_message)
{
	size_t scanned = 0; /* bytes after start that hold no end of the record */
	bool quoted = false;

	for (;;) {
		char *text = reader->buffer + reader->start, *newline;
		size_t available = reader->end - reader->start;
		int r;

		newline = memchr(text + scanned, '\n', available - scanned);
		if (records && (newline || reader->at_end)) {
			size_t piece =
				newline ? (size_t)(newline - text) - scanned : available - scanned;

			quoted ^= count_char(text + scanned, piece, '"') & 1;
		}
		if (newline && (size_t)(newline - text) <= TEXT_LINE_MAX) {
			scanned = (size_t)(newline - text);
			if (!quoted)
				return hand_out(reader, scanned, 1, ret, ret_length);
			scanned++;
			continue;
		}
		if (available > TEXT_LINE_MAX)
			return too_long(reader, quoted, ret_message);
		if (reader->at_end && quoted)
			return fail(ret_message, -EBADMSG,
				    "%s: line %llu: a quote (\") is opened and never closed",
				    reader->name, (unsigned long long)reader->lines + 1);
		if (reader->at_end)
			return available == 0 ? 0 : hand_out(reader, available, 0, ret, ret_length);
		r = fill(reader, ret_message);
		if (r < 0)
			return r;
	}
}

int text_next_line(struct text_reader *reader, char **ret, size_t *ret_length, char **ret_message)
{
	return next(reader, false, ret, ret_length, ret_message);
}

int text_next_record(struct text_reader *reader, char **ret, size_t *ret_length, char **ret_message)
{
	return next(reader, true, ret, ret_length, ret_message);
}

const char *text_quote(char buffer[static TEXT_QUOTE_MAX], const char *text, size_t length)
{
	size_t used = 0;

	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];

		/* Room for one escaped byte, the dots and the terminator. */
		if (used + 4 + 3 + 1 > TEXT_QUOTE_MAX) {
			used += (size_t)sprintf(buffer + used, "...");
			break;
		}
		if (c < 0x20 || c >= 0x7f)
			used += (size_t)sprintf(buffer + used, "\\x%02x", c);
		else
			buffer[used++] = (char)c;
	}
	buffer[used] = '\0';
	return buffer;
}
