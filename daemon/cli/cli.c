// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The context of a command: terminal, locale, messages. See cli.h.
 */
#include "cli/cli.h"

#include <langinfo.h>
#include <locale.h>
#include <stdarg.h>

static bool wants_colour(bool is_terminal)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return is_terminal && !(no && *no) && term && !streq(term, "dumb");
}

void cli_init(struct cli *cli)
{
	/* Characters only: numbers keep their point wherever the user lives. */
	setlocale(LC_CTYPE, "");
	*cli = (struct cli){
		.out = stdout,
		.err = stderr,
		.utf8 = streq(nl_langinfo(CODESET), "UTF-8"),
		.in_is_terminal = isatty(STDIN_FILENO) == 1,
		.out_is_terminal = isatty(STDOUT_FILENO) == 1,
		.err_is_terminal = isatty(STDERR_FILENO) == 1,
	};
	cli->colour_out = wants_colour(cli->out_is_terminal);
	cli->colour_err = wants_colour(cli->err_is_terminal);
}

void cli_done(struct cli *cli)
{
	cli_release_signals(cli);
	sd_bus_slot_unref(cli->owner_slot);
	sd_bus_flush_close_unref(cli->bus);
	sd_event_unref(cli->event);
	cli->owner_slot = NULL;
	cli->bus = NULL;
	cli->event = NULL;
}

int cli_fail(struct cli *cli, int exit_code, const char *format, ...)
{
	va_list ap;

	fflush(cli->out);
	fputs(PROGRAM ": ", cli->err);
	va_start(ap, format);
	vfprintf(cli->err, format, ap);
	va_end(ap);
	fputc('\n', cli->err);
	return exit_code;
}

void cli_try(struct cli *cli, const char *format, ...)
{
	va_list ap;

	fputs("  try: ", cli->err);
	va_start(ap, format);
	vfprintf(cli->err, format, ap);
	va_end(ap);
	fputc('\n', cli->err);
}

int cli_no_memory(struct cli *cli)
{
	return cli_fail(cli, EXIT_TROUBLE, "out of memory");
}
