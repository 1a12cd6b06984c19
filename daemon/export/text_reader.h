/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A text file line by line or RFC 4180 record by record, through a bounded buffer: works
 * on pipes, and a file that shrinks meanwhile is a short file, not a SIGBUS. Knows
 * nothing of what the lines mean. Layer: export.
 */
#ifndef ETALON_EXPORT_TEXT_READER_H
#define ETALON_EXPORT_TEXT_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEXT_LINE_MAX (1U << 20) /* bytes of one line, or of one record with quoted line ends */

struct text_reader {
	int fd;
	const char *name; /* of the file, for messages */
	char *buffer;
	size_t start, end; /* what is read and not yet handed out */
	bool at_end; /* of the file */
	bool line_ended; /* the last line handed out had a line end */
	uint64_t line; /* number of the (first) line last handed out, from 1 */
	uint64_t lines; /* handed out so far */
};

/* Neither takes fd nor copies name. A UTF-8 byte order mark is skipped. */
int text_begin(struct text_reader *reader, int fd, const char *name, char **ret_message);
void text_end(struct text_reader *reader);

/* What follows, as far as it is read already: nothing only at the end of the file. */
const char *text_peek(struct text_reader *reader, size_t *ret_size);

/*
 * The next line without its line end (LF or CR LF): 1, 0 at the end, negative errno with a
 * message. It is writable, not terminated, and valid until the next call. A record goes on
 * over a line end inside quotes.
 */
int text_next_line(struct text_reader *reader, char **ret, size_t *ret_length, char **ret_message);
int text_next_record(struct text_reader *reader, char **ret, size_t *ret_length,
		     char **ret_message);

/* Text of a file as it can stand in a message: short, and no control characters. */
#define TEXT_QUOTE_MAX 64
const char *text_quote(char buffer[static TEXT_QUOTE_MAX], const char *text, size_t length);

#endif
