// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Numbers for people. See print.h.
 */
#include "cli/print.h"

#include <math.h>
#include <sys/ioctl.h>
#include <time.h>

struct text engineering(double value, const char *unit)
{
	static const char prefixes[] = "fpnum kMGT"; /* 1e-15 ... 1e12 */
	double size = fabs(value);
	struct text t;
	int step = 0;

	if (!isfinite(value))
		return (struct text){"-"};
	if (size > 0)
		step = (int)floor(log10(size * 1.0000001) / 3);
	/*
	 * "0.51 nA" reads as well as "510 pA" beside its neighbours; keep to one rule: whole part
	 * above 0.
	 */
	step = MAX(-5, MIN(4, step));
	value /= pow(1000, step);
	size = fabs(value);
	snprintf(t.text, sizeof(t.text), "%.*f %.*s%s",
		 size >= 100  ? 1
		 : size >= 10 ? 2
			      : 3,
		 value, step == 0 ? 0 : 1, &prefixes[step + 5], unit);
	return t;
}

struct text dbm(double watt)
{
	return watt > 0 ? decimals(10 * log10(watt / 1e-3), 2) : (struct text){"-"};
}

struct text duration(double seconds)
{
	long whole = lround(seconds);
	struct text t;

	if (!isfinite(seconds) || seconds < 0)
		return (struct text){"-"};
	if (seconds < 9.95)
		snprintf(t.text, sizeof(t.text), "%.1f s", seconds);
	else if (whole < 60)
		snprintf(t.text, sizeof(t.text), "%ld s", whole);
	else if (whole < 3600)
		snprintf(t.text, sizeof(t.text), "%ld min %ld s", whole / 60, whole % 60);
	else if (whole < 2 * 86400)
		snprintf(t.text, sizeof(t.text), "%ld h %ld min", whole / 3600, whole / 60 % 60);
	else
		snprintf(t.text, sizeof(t.text), "%ld d", whole / 86400);
	return t;
}

struct text local_time(uint64_t wall)
{
	time_t seconds = (time_t)(wall / NSEC_PER_SEC);
	struct text t = {"-"};
	struct tm tm;

	if (localtime_r(&seconds, &tm))
		strftime(t.text, sizeof(t.text), "%Y-%m-%d %H:%M:%S", &tm);
	return t;
}

const char *colour(const struct cli *cli, const FILE *stream, enum colour c)
{
	static const char *const codes[] = {
		[PLAIN] = "\x1b[0m", [BOLD] = "\x1b[1m",   [DIM] = "\x1b[2m",
		[RED] = "\x1b[31m",  [GREEN] = "\x1b[32m", [YELLOW] = "\x1b[33m",
		[CYAN] = "\x1b[36m",
	};

	return (stream == cli->out ? cli->colour_out : cli->colour_err) ? codes[c] : "";
}

size_t text_width(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

char *harmless(char *s)
{
	for (char *p = s; *p; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	}
	return s;
}

static bool window(const FILE *stream, struct winsize *w)
{
	int fd = fileno((FILE *)(uintptr_t)stream);

	return fd >= 0 && ioctl(fd, TIOCGWINSZ, w) == 0 && w->ws_col > 0;
}

unsigned int terminal_width(const FILE *stream)
{
	const char *columns = getenv("COLUMNS");
	struct winsize w;

	if (window(stream, &w))
		return w.ws_col;
	if (columns && atoi(columns) >= 20)
		return (unsigned int)atoi(columns);
	return 80;
}

unsigned int terminal_height(const FILE *stream)
{
	struct winsize w;

	return window(stream, &w) ? w.ws_row : 24;
}
