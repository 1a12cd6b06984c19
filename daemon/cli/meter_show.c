// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Showing a meter: large digits on a terminal, a line otherwise, an object with --json. See
 * meter.h.
 */
#include "cli/meter.h"

#include <math.h>

#include "cli/progress.h"
#include "cli/reading.h"
#include "cli/state.h"

#define BAR_LOW_DBM (-70.0)
#define BAR_HIGH_DBM 10.0
#define ROWS_LARGE (DIGIT_ROWS + 5)

static double to_dbm(double w)
{
	return w > 0 ? 10 * log10(w / 1e-3) : -INFINITY;
}

/* "-0.36 dB", "-" without a mark or a ratio. */
static struct text to_mark(const struct meter_channel *c)
{
	struct text t;

	if (isnan(c->mark) || c->mark <= 0 || c->level <= 0)
		return (struct text){"-"};
	snprintf(t.text, sizeof(t.text), "%+.2f dB", 10 * log10(c->level / c->mark));
	return t;
}

static struct text level_text(const struct meter_channel *c, double level)
{
	struct text t;

	if (!c->is_power)
		return engineering(level, member_text(c->reading, "si_unit"));
	if (level <= 0)
		return engineering(level, "W");
	snprintf(t.text, sizeof(t.text), "%.40s dBm", dbm(level).text);
	return t;
}

/* ---- lines ---- */

static void show_line(struct meter *m)
{
	fprintf(m->cli->out, "%s", local_time(wall_ns()).text + 11);
	for (size_t i = 0; i < m->count; i++) {
		struct meter_channel *c = &m->channels[i];

		fprintf(m->cli->out, "  %s %s", c->name, level_text(c, c->level).text);
		if (*reading_flag(c->reading))
			fprintf(m->cli->out, " %s", reading_flag(c->reading));
		fprintf(m->cli->out, " (highest %s)", level_text(c, c->peak).text);
	}
	fprintf(m->cli->out, "  %s\n", light_text(m->board, 0).text);
	fflush(m->cli->out);
}

static void show_json(struct meter *m)
{
	_cleanup_(json_decrefp) json_t *line =
		json_pack("{s:I, s:O}", "time_ns", (json_int_t)wall_ns(), "readings", m->readings);

	if (line) {
		json_dumpf(line, m->cli->out, JSON_COMPACT);
		fputc('\n', m->cli->out);
		fflush(m->cli->out);
	}
}

/* ---- screen ---- */

/* The number alone and what stands behind it: "-12.34", "dBm". */
static void split(struct text whole, struct text *number, struct text *unit)
{
	char *blank = strchr(whole.text, ' ');

	*unit = (struct text){""};
	if (blank) {
		*blank = '\0';
		strcpy(unit->text, blank + 1);
	}
	*number = whole;
}

static void show_bar(FILE *to, const struct meter_channel *c, unsigned int width)
{
	double part = (to_dbm(c->level) - BAR_LOW_DBM) / (BAR_HIGH_DBM - BAR_LOW_DBM);
	double peak = (to_dbm(c->peak) - BAR_LOW_DBM) / (BAR_HIGH_DBM - BAR_LOW_DBM);
	size_t places = MIN(MAX(width, 30u) - 26, 200u);
	char bar[256];

	bar_text(bar, sizeof(bar), places, isfinite(part) ? part : 0);
	if (peak > 0 && peak < 1)
		bar[1 + (size_t)(peak * (double)(places - 1))] = '|';
	fprintf(to, "%+4.0f %s %+.0f dBm\n", BAR_LOW_DBM, bar, BAR_HIGH_DBM);
}

static void show_details(FILE *to, const struct meter_channel *c)
{
	struct text dark = reading_dark(c->reading);

	fprintf(to, "highest %s   to mark %s   range %s   %s%s   %s\n", level_text(c, c->peak).text,
		to_mark(c).text, member_text(c->reading, "range"),
		*dark.text ? "dark taken off " : "", dark.text, reading_flag(c->reading));
}

static void show_large(struct meter *m, FILE *to, const struct meter_channel *c, unsigned int width)
{
	struct text number, unit;

	split(level_text(c, c->level), &number, &unit);
	fprintf(to, "%s%s%s\n", colour(m->cli, m->cli->out, BOLD), c->name,
		colour(m->cli, m->cli->out, PLAIN));
	for (int row = 0; row < DIGIT_ROWS; row++) {
		fputs("   ", to);
		if (large_width(number.text) + 12 < width)
			large_digits(to, number.text, row, m->cli->utf8);
		else if (row == DIGIT_ROWS / 2)
			fputs(number.text, to);
		fprintf(to, "%s\n", row == DIGIT_ROWS - 1 ? unit.text : "");
	}
	if (c->is_power)
		show_bar(to, c, width);
	show_details(to, c);
	fputc('\n', to);
}

static void show_small(FILE *to, const struct meter_channel *c)
{
	fprintf(to, "%-12s %14s   ", c->name, level_text(c, c->level).text);
	show_details(to, c);
}

static void show_screen(struct meter *m)
{
	unsigned int width = terminal_width(m->cli->out), height = terminal_height(m->cli->out);
	size_t large = MIN(m->count, (size_t)MAX((int)(height - 4) / ROWS_LARGE, 1));
	FILE *to;

	if (screen_begin(m->screen) < 0)
		return;
	to = m->screen->to;
	fprintf(to, "%s   %s%s%s   m mark  r reset  g gate  q end\n", board_title(m->board).text,
		colour(m->cli, m->cli->out, BOLD), light_text(m->board, 0).text,
		colour(m->cli, m->cli->out, PLAIN));
	fprintf(to, "%s\n", m->said);
	for (size_t i = 0; i < m->count; i++) {
		if (i < large)
			show_large(m, to, &m->channels[i], width);
		else
			show_small(to, &m->channels[i]);
	}
	screen_show(m->screen);
}

void meter_show(struct meter *m)
{
	if (m->screen)
		show_screen(m);
	else if (m->cli->json)
		show_json(m);
	else
		show_line(m);
}
