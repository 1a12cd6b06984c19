// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * etalonctl info: what the board can do: channels, ranges, limits, calibration dates.
 */
#include "cli/channels.h"
#include "cli/run.h"
#include "cli/state.h"
#include "cli/verbs.h"

static void print_words(FILE *to, const char *head, const json_t *words)
{
	const json_t *word;
	size_t i;

	fputs(head, to);
	json_array_foreach(words, i, word) {
		fprintf(to, "%s%s", i > 0 ? ", " : "", json_string_value(word));
	}
	fputc('\n', to);
}

static void print_board(struct cli *cli, FILE *to, const struct object *board)
{
	const json_t *p = board->properties;

	fprintf(to, "board   %s%s%s\n", colour(cli, to, BOLD), board_title(board).text,
		colour(cli, to, PLAIN));
	fprintf(to, "where   %s   firmware %s   laser class %s (as the maker declares it)\n",
		member_text(p, "Address"), member_text(p, "Firmware"),
		member_text(p, "LaserClass"));
	print_words(to, "can     ", member_at(p, "Capabilities"));
	fprintf(to, "safety  watchdog %s   emission delay %s\n",
		quantity_format(QUANTITY_TIME, member_number(p, "WatchdogNs", 0)).text,
		quantity_format(QUANTITY_TIME, member_number(p, "EmissionDelayNs", 0)).text);
}

/* "1480 nm to 1640 nm", with who set it where that is not the hardware. */
static void limits_cell(struct grid *g, const json_t *s)
{
	int64_t low = member_number(s, "limit_min", member_number(s, "min", 0));
	int64_t high = member_number(s, "limit_max", member_number(s, "max", 0));
	const char *by = member_text(s, "limit_by");

	grid_cell(g, "%s to %s%s%s%s", source_text(s, low).text, source_text(s, high).text,
		  *by && !streq(by, "hardware") ? " (" : "", streq(by, "hardware") ? "" : by,
		  *by && !streq(by, "hardware") ? ")" : "");
}

static void resolution_cell(struct grid *g, const json_t *s)
{
	int64_t resolution = member_number(s, "resolution", 0);
	const char *unit = member_text(s, "unit");

	if (resolution <= 0 || !*unit)
		grid_cell(g, "%s", "");
	else if (streq(unit, "uK")) /* a difference: no zero at -273.15 C */
		grid_cell(g, "%s mK", decimals((double)resolution / 1e3, 1).text);
	else if (streq(unit, "fW"))
		grid_cell(g, "%g nW", (double)resolution / 1e6);
	else
		grid_cell(g, "%s", source_text(s, resolution).text);
}

static void speed_cell(struct grid *g, const json_t *s)
{
	int64_t max = member_number(s, "ramp_speed_max", 0);

	if (max > 0 && source_kind(s) == QUANTITY_WAVELENGTH)
		grid_cell(g, "%s to %s, usual %s",
			  quantity_format(QUANTITY_WAVELENGTH_SPEED,
					  member_number(s, "ramp_speed_min", 0))
				  .text,
			  quantity_format(QUANTITY_WAVELENGTH_SPEED, max).text,
			  quantity_format(QUANTITY_WAVELENGTH_SPEED,
					  member_number(s, "ramp_speed_default", 0))
				  .text);
	else
		grid_cell(g, "%s", "");
}

static void print_sources(FILE *to, const struct object *board)
{
	const json_t *s;
	struct grid g;
	size_t i;

	grid_begin(&g, "llllll");
	grid_heading(&g, "source|kind|allowed|resolution|light|sweep speed");
	json_array_foreach(member_at(board->properties, "Sources"), i, s) {
		grid_cell(&g, "%s", member_text(s, "name"));
		grid_cell(&g, "%s", member_text(s, "kind"));
		limits_cell(&g, s);
		resolution_cell(&g, s);
		grid_cell(&g, "%s",
			  member_flag(s, "is_gate") ? "gate"
			  : member_flag(s, "emits") ? "emits"
						    : "");
		speed_cell(&g, s);
	}
	fputc('\n', to);
	grid_print(&g, to, 0);
}

static void ranges_text(const json_t *detector, char *text, size_t size)
{
	const char *usual = member_text(detector, "default_range");
	const json_t *range;
	size_t i, n = 0;

	*text = '\0';
	json_array_foreach(member_at(detector, "ranges"), i, range) {
		const char *name = member_text(range, "name");

		n += (size_t)snprintf(
			text + n, size - n, "%s%s%s", i > 0 ? ", " : "", name,
			streq(name, usual) && json_array_size(member_at(detector, "ranges")) > 1
				? "*"
				: "");
		if (n >= size)
			return;
	}
}

static void print_detectors(FILE *to, const struct object *board)
{
	const json_t *d;
	struct grid g;
	size_t i;

	grid_begin(&g, "llllll");
	grid_heading(&g, "detector|called|kind|role|ranges (* usual)|calibrated");
	json_array_foreach(member_at(board->properties, "Detectors"), i, d) {
		char ranges[256];

		ranges_text(d, ranges, sizeof(ranges));
		grid_cell(&g, "%s", member_text(d, "name"));
		grid_cell(&g, "%s", member_text(d, "alias"));
		grid_cell(&g, "%s", member_text(d, "kind"));
		grid_cell(&g, "%s", member_text(d, "role"));
		grid_cell(&g, "%s", ranges);
		grid_cell(&g, "%s", member_text(d, "calibrated"));
	}
	fputc('\n', to);
	grid_print(&g, to, 0);
}

static int run(struct cli *cli, const struct options *o)
{
	_cleanup_object_ struct object board = {0};
	int r = board_open(cli, &board);

	(void)o;
	if (r != 0)
		return r;
	if (cli->json)
		return print_json(cli, board.properties);
	print_board(cli, cli->out, &board);
	print_sources(cli->out, &board);
	print_detectors(cli->out, &board);
	return 0;
}

const struct verb verb_info = {
	.name = "info",
	.summary = "channels, ranges, limits, calibration dates of a board",
	.usage = "info",
	.text = "Allowed values are those in force: the least of what hardware and site allow.",
	.examples = "info\ninfo --json",
	.run = run,
};
