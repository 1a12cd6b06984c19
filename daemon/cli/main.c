// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * etalonctl: the command line of Etalon. Everything it does goes over D-Bus; see verbs.h.
 */
#include "cli/verbs.h"

int main(int argc, char **argv)
{
	struct cli cli;
	int r;

	cli_init(&cli);
	r = cli_main(&cli, argc, argv);
	cli_done(&cli);
	if (fflush(stdout) != 0 || ferror(stdout))
		return cli_fail(&cli, r != 0 ? r : EXIT_TROUBLE, "cannot write to standard output");
	return r;
}
