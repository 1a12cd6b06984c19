// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Progress of a job. See progress.h.
 */
#include "cli/progress.h"

#include "base/quantity.h"

#define REDRAW_US 100000
#define LINE_NS NSEC_PER_SEC
#define BAR_WIDTH 20

void bar_text(char *text, size_t size, size_t width, double part)
{
	size_t full = (size_t)((double)width * MIN(MAX(part, 0), 1) + 1e-9);

	if (size < width + 3) {
		*text = '\0';
		return;
	}
	*text++ = '[';
	memset(text, '#', full);
	memset(text + full, ' ', width - full);
	strcpy(text + width, "]");
}

struct text light_text(const struct object *board, uint64_t delay_since_ns)
{
	const char *state = member_text(board->properties, "State");
	uint64_t delay = (uint64_t)member_number(board->properties, "EmissionDelayNs", 0);
	uint64_t elapsed = delay_since_ns ? now_ns() - delay_since_ns : 0;
	struct text t;

	if (streq(state, "emitting"))
		strcpy(t.text, member_flag(board->properties, "GateOpen")
				       ? "LIGHT ON"
				       : "laser warm, gate shut");
	else if (streq(state, "delay") && delay_since_ns && elapsed < delay)
		snprintf(t.text, sizeof(t.text), "emission delay, light in %.1f s",
			 (double)(delay - elapsed) / 1e9);
	else if (streq(state, "delay"))
		strcpy(t.text, "emission delay");
	else if (streq(state, "off"))
		strcpy(t.text, "light off");
	else
		snprintf(t.text, sizeof(t.text), "light off, %.40s", state);
	return t;
}

void progress_begin(struct progress *p, struct cli *cli, const struct object *board,
		    const struct object *job)
{
	*p = (struct progress){.cli = cli, .board = board, .job = job};
}

static void note_delay(struct progress *p)
{
	bool delay = streq(member_text(p->board->properties, "State"), "delay");

	if (!delay)
		p->delay_since_ns = 0;
	else if (!p->delay_since_ns)
		p->delay_since_ns = now_ns();
}

/* What the job does, where that is not plain from the light. */
static const char *doing(const struct progress *p)
{
	const char *state = member_text(p->job->properties, "State");

	if (p->cancelling)
		return ", stopping";
	if (streq(state, "dark"))
		return ", dark";
	if (streq(state, "storing"))
		return ", storing";
	if (streq(state, "analysing"))
		return ", analysing";
	return "";
}

static void describe(const struct progress *p, char *text, size_t size)
{
	int64_t done = member_number(p->job->properties, "PointsDone", 0);
	int64_t total = member_number(p->job->properties, "PointsTotal", 0);
	int64_t eta = member_number(p->job->properties, "EtaNs", 0);
	const char *state = member_text(p->job->properties, "State");
	bool running = streq(state, "running") || streq(state, "dark");

	snprintf(text, size, "%lld/%lld%s%s  %s%s", (long long)done, (long long)total,
		 running && eta > 0 ? "  " : "",
		 running && eta > 0 ? duration((double)eta / 1e9).text : "",
		 light_text(p->board, p->delay_since_ns).text, doing(p));
}

static double part_done(const struct progress *p)
{
	double total = (double)member_number(p->job->properties, "PointsTotal", 0);

	return total > 0 ? (double)member_number(p->job->properties, "PointsDone", 0) / total : 0;
}

static void redraw(struct progress *p)
{
	bool lit = member_flag(p->board->properties, "GateOpen") &&
		   streq(member_text(p->board->properties, "State"), "emitting");
	unsigned int width = terminal_width(p->cli->err);
	char bar[BAR_WIDTH + 3], text[160];

	bar_text(bar, sizeof(bar), BAR_WIDTH, part_done(p));
	describe(p, text, sizeof(text));
	if (width > sizeof(bar) + 1)
		text[MIN(sizeof(text) - 1, width - sizeof(bar) - 1)] =
			'\0'; /* a wrapped line does not go away */
	fflush(p->cli->out);
	fprintf(p->cli->err, "\r\x1b[K%s %s%s%s", bar, lit ? colour(p->cli, p->cli->err, RED) : "",
		text, lit ? colour(p->cli, p->cli->err, PLAIN) : "");
	fflush(p->cli->err);
	p->drawn = true;
}

static void line(struct progress *p)
{
	char text[160];

	describe(p, text, sizeof(text));
	fflush(p->cli->out);
	fprintf(p->cli->err, "%3.0f %%  %s\n", 100 * part_done(p), text);
	fflush(p->cli->err);
}

void progress_show(struct progress *p)
{
	uint64_t now = now_ns();

	note_delay(p);
	if (p->cli->err_is_terminal) {
		redraw(p);
	} else if (now - p->told_ns >= LINE_NS) {
		line(p);
		p->told_ns = now;
	}
}

void progress_end(struct progress *p)
{
	note_delay(p);
	p->cancelling = false;
	if (p->cli->err_is_terminal)
		redraw(p);
	else
		line(p);
	if (p->drawn)
		fputc('\n', p->cli->err);
	fflush(p->cli->err);
}

uint64_t progress_pause_us(const struct progress *p)
{
	return p->cli->err_is_terminal ? REDRAW_US : LINE_NS / NSEC_PER_USEC;
}
