// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * From a command line to a verb. See verbs.h.
 */
#include "cli/verbs.h"

#include "base/quantity.h"

const struct verb *const verbs[] = {
	&verb_list,  &verb_info,      &verb_status,  &verb_monitor, &verb_hold,
	&verb_laser, &verb_off,	      &verb_meter,   &verb_set,	    &verb_read,
	&verb_zero,  &verb_reference, &verb_sweep,   &verb_again,   &verb_runs,
	&verb_show,  &verb_plot,      &verb_compare, &verb_label,   &verb_export,
	&verb_wait,  &verb_fault,     &verb_analyse, &verb_help,    NULL,
};

const struct verb *verb_find(const char *name)
{
	for (const struct verb *const *v = verbs; *v; v++) {
		if (streq((*v)->name, name))
			return *v;
	}
	return NULL;
}

int verb_refuse(struct cli *cli, const char *name)
{
	const char *names[ARRAY_SIZE(verbs)] = {0}, *near;

	for (size_t i = 0; verbs[i]; i++)
		names[i] = verbs[i]->name;
	near = nearest_word(name, names);
	if (near) {
		cli_fail(cli, EXIT_USAGE, "there is no verb '%s'; nearest: %s", name, near);
		cli_try(cli, PROGRAM " help %s", near);
	} else {
		cli_fail(cli, EXIT_USAGE, "there is no verb '%s'", name);
		cli_try(cli, PROGRAM " help");
	}
	return EXIT_USAGE;
}

/*
 * Number of the verb's word, argc when there is none, or -1 with a message: only common options
 * stand in front of it.
 */
static int find_verb_word(struct cli *cli, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const struct option_spec *spec = common_options;
		const char *name = argv[i] + 2;
		size_t n;

		if (argv[i][0] != '-' || argv[i][1] == '\0')
			return i;
		if (streq(argv[i], "-h") || streq(argv[i], "--version"))
			continue;
		n = strcspn(argv[i][1] == '-' ? name : "", "=");
		while (spec->name && (strlen(spec->name) != n || strncmp(spec->name, name, n) != 0))
			spec++;
		if (!spec->name) {
			cli_fail(cli, EXIT_USAGE, "there is no option %s in front of the verb",
				 argv[i]);
			cli_try(cli, PROGRAM " help");
			return -1;
		}
		if (spec->value && name[n] == '\0')
			i++;
	}
	return argc;
}

static void take_common(struct cli *cli, const struct options *o)
{
	cli->json |= options_has(o, "json");
	if (options_has(o, "bus"))
		cli->bus_address = options_text(o, "bus");
	if (options_has(o, "board"))
		cli->board = options_text(o, "board");
}

/* A file's name where --plot FILE.svg was meant. */
static bool is_picture(const struct verb *verb, const char *word)
{
	size_t length = strlen(word);

	if (length < 4 || !streq(word + length - 4, ".svg"))
		return false;
	for (const struct option_spec *spec = verb->options; spec && spec->name; spec++)
		if (streq(spec->name, "plot"))
			return true;
	return false;
}

static int refuse_words(struct cli *cli, const struct verb *verb, const struct options *o)
{
	const char *extra = o->words[verb->words_max];

	cli_fail(cli, EXIT_USAGE, "'%s' is one word too many", extra);
	for (size_t i = 1; i < o->word_count; i++) {
		if (!quantity_is_unit(o->words[i]))
			continue;
		cli_try(cli, "%s%s: a quantity is one word, or stands in quotes", o->words[i - 1],
			o->words[i]);
		return EXIT_USAGE;
	}
	if (is_picture(verb, extra))
		cli_try(cli, "--plot %s", extra);
	else if (options_has(o, "detectors"))
		cli_try(cli, "-d A,B for several detectors; " PROGRAM " help %s", verb->name);
	else
		cli_try(cli, PROGRAM " help %s", verb->name);
	return EXIT_USAGE;
}

static int run_verb(struct cli *cli, const struct verb *verb, int argc, char **argv)
{
	_cleanup_options_ struct options o = {0};
	_cleanup_free_ char *message = NULL;

	if (options_parse(&o, verb->options, argc, argv, &message) < 0) {
		if (!message)
			return cli_no_memory(cli);
		cli_fail(cli, EXIT_USAGE, "%s", message);
		cli_try(cli, PROGRAM " help %s", verb->name);
		return EXIT_USAGE;
	}
	if (options_has(&o, "help")) {
		help_verb(cli->out, verb);
		return 0;
	}
	if (o.word_count > verb->words_max)
		return refuse_words(cli, verb, &o);
	take_common(cli, &o);
	return verb->run(cli, &o);
}

static int run_without_verb(struct cli *cli, int argc, char **argv)
{
	static const struct option_spec specs[] = {{"version", 0, NULL, NULL, false}, {0}};
	_cleanup_options_ struct options o = {0};
	_cleanup_free_ char *message = NULL;

	if (options_parse(&o, specs, argc, argv, &message) < 0)
		return message ? cli_fail(cli, EXIT_USAGE, "%s", message) : cli_no_memory(cli);
	if (options_has(&o, "version")) {
		fprintf(cli->out, "%s %s\n", PROGRAM, ETALON_VERSION);
		return 0;
	}
	if (options_has(&o, "help")) {
		help_overview(cli->out);
		return 0;
	}
	take_common(cli, &o);
	return overview(cli);
}

int cli_main(struct cli *cli, int argc, char **argv)
{
	int at = find_verb_word(cli, argc, argv);
	_cleanup_free_ char **rest = NULL;
	const struct verb *verb;
	size_t n = 0;

	if (at < 0)
		return EXIT_USAGE;
	if (at == argc)
		return run_without_verb(cli, argc - 1, argv + 1);
	verb = verb_find(argv[at]);
	if (!verb)
		return verb_refuse(cli, argv[at]);
	rest = calloc((size_t)argc, sizeof(*rest));
	if (!rest)
		return cli_no_memory(cli);
	for (int i = 1; i < argc; i++) {
		if (i != at)
			rest[n++] = argv[i];
	}
	return run_verb(cli, verb, (int)n, rest);
}
