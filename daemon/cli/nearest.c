// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The nearest word: Damerau-Levenshtein distance, so that a swapped pair counts once.
 * See options.h.
 */
#include "cli/options.h"

#include <string.h>
#include <strings.h>

#include "base/util.h"

#define WORD_MAX 32

static size_t least(size_t a, size_t b, size_t c)
{
	return MIN(MIN(a, b), c);
}

static size_t distance(const char *a, size_t n, const char *b, size_t m)
{
	size_t d[WORD_MAX + 1][WORD_MAX + 1];

	for (size_t i = 0; i <= n; i++)
		d[i][0] = i;
	for (size_t j = 0; j <= m; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= n; i++) {
		for (size_t j = 1; j <= m; j++) {
			size_t wrong = a[i - 1] != b[j - 1];

			d[i][j] = least(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + wrong);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				d[i][j] = MIN(d[i][j], d[i - 2][j - 2] + 1);
		}
	}
	return d[n][m];
}

const char *nearest_word(const char *word, const char *const *candidates)
{
	size_t n = strlen(word), best = WORD_MAX;
	const char *found = NULL;

	if (n == 0 || n > WORD_MAX)
		return NULL;
	for (; *candidates; candidates++) {
		size_t m = strlen(*candidates), d;

		if (m == 0 || m > WORD_MAX)
			continue;
		if (strcasecmp(word, *candidates) == 0)
			return *candidates;
		d = distance(word, n, *candidates, m);
		if (n >= 2 && strncmp(word, *candidates, n) == 0)
			d = 1; /* cut short */
		if (d < best && d <= MAX(n, m) / 3 + (MAX(n, m) < 3)) {
			best = d;
			found = *candidates;
		}
	}
	return found;
}
