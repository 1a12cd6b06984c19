// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Tells text from bytes; see the header. Layer: export.
 */
#include "export/utf8.h"

#include <stdint.h>

/* Bytes of the sequence that starts here, 0 when it is not well-formed. */
static size_t sequence(const unsigned char *p, size_t available)
{
	size_t n = p[0] < 0x80	 ? 1
		   : p[0] < 0xc2 ? 0
		   : p[0] < 0xe0 ? 2
		   : p[0] < 0xf0 ? 3
		   : p[0] < 0xf5 ? 4
				 : 0;
	uint32_t code = p[0];

	if (n == 0 || n > available)
		return 0;
	if (n > 1)
		code &= 0xffU >> (n + 1);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (p[i] & 0x3f);
	}
	/* Overlong, surrogate or beyond Unicode; C1 controls are no text either. */
	if ((n == 3 && code < 0x800) || (n == 4 && (code < 0x10000 || code > 0x10ffff)) ||
	    (code >= 0xd800 && code <= 0xdfff) || (code >= 0x7f && code < 0xa0))
		return 0;
	return n;
}

static bool check(const char *text, size_t length, bool layout)
{
	const unsigned char *p = (const unsigned char *)text;

	for (size_t i = 0, n; i < length; i += n) {
		n = sequence(p + i, length - i);
		if (n == 0)
			return false;
		if (p[i] < 0x20 && !(layout && (p[i] == '\t' || p[i] == '\n' || p[i] == '\r')))
			return false;
	}
	return true;
}

bool utf8_is_printable(const char *text, size_t length)
{
	return check(text, length, false);
}

bool utf8_is_text(const char *text, size_t length)
{
	return check(text, length, true);
}
