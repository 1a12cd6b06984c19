// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Column headings; see the header. Layer: export.
 */
#include "export/heading.h"

#include <errno.h>
#include <stdio.h>

#include "base/util.h"
#include "export/utf8.h"

struct span {
	const char *p;
	size_t n;
};

static struct span trim(struct span s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s.p++, s.n--;
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

static const char *find_last(struct span s, char c)
{
	return s.n > 0 ? memrchr(s.p, c, s.n) : NULL;
}

/* Cuts "... [unit]" or "..., unit" into its two parts; false when there is no unit. */
static bool split(struct span text, struct span *name, struct span *unit)
{
	const char *at;

	if (text.n > 0 && text.p[text.n - 1] == ']' && (at = find_last(text, '['))) {
		*unit = trim((struct span){at + 1, (size_t)(text.p + text.n - 1 - (at + 1))});
		*name = trim((struct span){text.p, (size_t)(at - text.p)});
		if (name->n > 0 && name->p[name->n - 1] == ',')
			*name = trim((struct span){name->p, name->n - 1});
		return true;
	}
	at = find_last(text, ',');
	if (!at)
		return false;
	*unit = trim((struct span){at + 1, (size_t)(text.p + text.n - (at + 1))});
	*name = trim((struct span){text.p, (size_t)(at - text.p)});
	return true;
}

int heading_parse(const char *text, size_t length, char name[static TABLE_NAME_MAX],
		  char unit[static TABLE_UNIT_MAX])
{
	struct span whole = trim((struct span){text, length}), n = whole, u = {"", 0};

	if (!utf8_is_printable(whole.p, whole.n))
		return -EILSEQ;
	/* What is no unit by its length or for want of a name belongs to the name. */
	if (split(whole, &n, &u) && (u.n >= TABLE_UNIT_MAX || n.n == 0)) {
		n = whole;
		u.n = 0;
	}
	if (n.n == 0)
		return -EINVAL;
	if (n.n >= TABLE_NAME_MAX)
		return -E2BIG;
	memcpy(name, n.p, n.n);
	name[n.n] = '\0';
	memcpy(unit, u.p, u.n);
	unit[u.n] = '\0';
	return 0;
}

static bool reads_back(const char *text, const char *name, const char *unit)
{
	char back_name[TABLE_NAME_MAX], back_unit[TABLE_UNIT_MAX];

	return heading_parse(text, strlen(text), back_name, back_unit) == 0 &&
	       streq(back_name, name) && streq(back_unit, unit);
}

void heading_format(char text[static HEADING_MAX], const char *name, const char *unit)
{
	/* Names and units with commas and brackets in them take the later ones. */
	static const struct {
		const char *before, *after; /* the unit */
	} forms[] = {{", ", ""}, {" [", "]"}, {", [", "]"}, {",, [", "]"}};

	snprintf(text, HEADING_MAX, "%s", name);
	if (unit[0] == '\0' && reads_back(text, name, unit))
		return;
	for (size_t i = unit[0] == '\0'; i < ARRAY_SIZE(forms); i++) {
		snprintf(text, HEADING_MAX, "%s%s%s%s", name, forms[i].before, unit,
			 forms[i].after);
		if (reads_back(text, name, unit))
			return;
	}
	snprintf(text, HEADING_MAX, "%s, %s", name, unit);
}

bool heading_is_flags(const char *name, const char *unit)
{
	size_t n = strlen(name);

	return unit[0] == '\0' &&
	       (streq(name, "flags") || (n > 6 && streq(name + n - 6, ".flags")));
}
