// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Help, and the verb for it. See verbs.h.
 */
#include "cli/verbs.h"

#define WIDTH 92
#define OPTION_COLUMN 33

static void print_lines(FILE *to, const char *indent, const char *before, const char *lines)
{
	while (*lines) {
		size_t n = strcspn(lines, "\n");

		fprintf(to, "%s%s%.*s\n", indent, before, (int)n, lines);
		lines += n + (lines[n] == '\n');
	}
}

/* Bytes of the next line: up to a line end, or the last blank that fits. */
static size_t line_length(const char *text, size_t room)
{
	size_t n = strcspn(text, "\n"), cut = n;

	if (n <= room)
		return n;
	for (cut = room; cut > 0 && text[cut] != ' '; cut--)
		;
	return cut > 0 ? cut : n;
}

/*
 * Wrapped at WIDTH; the first line follows what stands there already, the rest is indented as
 * far.
 */
static void print_wrapped(FILE *to, int indent, const char *text)
{
	for (bool first = true; *text; first = false) {
		size_t n = line_length(text, (size_t)(WIDTH - indent));

		fprintf(to, "%*s%.*s\n", first ? 0 : indent, "", (int)n, text);
		text += n + (text[n] == ' ' || text[n] == '\n');
	}
}

void help_overview(FILE *to)
{
	fprintf(to, "%s: sweeps and measurements with an Etalon board\n\n", PROGRAM);
	fprintf(to, "  %-12s %s\n", "(none)",
		"boards, state, why light is not possible, what to type next");
	for (const struct verb *const *v = verbs; *v; v++)
		fprintf(to, "  %-12s %s\n", (*v)->name, (*v)->summary);
	fputs("\nQuantities have a unit: 1540nm, 193.4THz, 0dBm, 1.5mW, 20nm/s, 40us, -2V.\n"
	      "Every verb takes --board SERIAL, --bus ADDRESS, --json and --help.\n\n"
	      "Exit code: 0 measured, pass, done   1 fail, marginal   2 usage   3 untrustworthy\n"
	      "           4 refused by a limit, an interlock or a lease   5 partial\n"
	      "           6 no board or no daemon   7 anything else: a file, a full disk, a time-out\n\n",
	      to);
	fprintf(to, "%s help VERB tells more, with examples.\n", PROGRAM);
}

static void print_option(FILE *to, const struct option_spec *spec)
{
	char head[64], letter[8] = "    ";

	if (!spec->help) /* another spelling of its neighbour */
		return;
	if (spec->letter)
		snprintf(letter, sizeof(letter), "-%c, ", spec->letter);
	snprintf(head, sizeof(head), "%s--%s%s%s", letter, spec->name, spec->value ? " " : "",
		 spec->value ? spec->value : "");
	if (*spec->help) {
		fprintf(to, "  %-*s ", OPTION_COLUMN - 3, head);
		print_wrapped(to, OPTION_COLUMN, spec->help);
	} else {
		fprintf(to, "  %s\n", head);
	}
}

static void print_options(FILE *to, const char *title, const struct option_spec *specs)
{
	if (!specs || !specs->name)
		return;
	fprintf(to, "\n%s\n", title);
	for (; specs->name; specs++)
		print_option(to, specs);
}

void help_verb(FILE *to, const struct verb *verb)
{
	fprintf(to, "%s %s: %s\n\n", PROGRAM, verb->name, verb->summary);
	print_lines(to, "  ", PROGRAM " ", verb->usage);
	if (verb->text) {
		fputc('\n', to);
		print_wrapped(to, 0, verb->text);
	}
	print_options(to, "options", verb->options);
	print_options(to, "options of every verb", common_options);
	if (verb->examples) {
		fputs("\nexamples\n", to);
		print_lines(to, "  ", PROGRAM " ", verb->examples);
	}
}

static int run(struct cli *cli, const struct options *o)
{
	const struct verb *verb;

	if (o->word_count == 0) {
		help_overview(cli->out);
		return 0;
	}
	verb = verb_find(o->words[0]);
	if (!verb)
		return verb_refuse(cli, o->words[0]);
	help_verb(cli->out, verb);
	return 0;
}

const struct verb verb_help = {
	.name = "help",
	.summary = "this list; with a verb, all about it",
	.usage = "help [VERB]",
	.examples = "help sweep",
	.words_max = 2,
	.run = run,
};
