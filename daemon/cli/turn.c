// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Turning the event loop, and Ctrl-C. See cli.h.
 */
#include "cli/cli.h"

#include <signal.h>

static const int caught[] = {SIGINT, SIGTERM, SIGHUP};

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
	struct cli *cli = userdata;

	(void)source;
	(void)info;
	if (++cli->interrupts < 2)
		return 0;
	/* The user is in a hurry. The lease dies with the process: the daemon turns light off. */
	if (cli->before_exit)
		cli->before_exit(cli->exit_userdata);
	_exit(EXIT_PARTIAL);
}

int cli_catch_signals(struct cli *cli)
{
	sigset_t set;
	int r;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(caught); i++)
		sigaddset(&set, caught[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	for (size_t i = 0; i < ARRAY_SIZE(caught); i++) {
		if (cli->signals[i])
			continue;
		r = sd_event_add_signal(cli->event, &cli->signals[i], caught[i], on_signal, cli);
		if (r < 0)
			return r;
		sd_event_source_set_priority(cli->signals[i], SD_EVENT_PRIORITY_IMPORTANT);
	}
	return 0;
}

void cli_release_signals(struct cli *cli)
{
	sigset_t set;
	bool any = false;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(caught); i++) {
		any |= cli->signals[i] != NULL;
		cli->signals[i] = sd_event_source_disable_unref(cli->signals[i]);
		sigaddset(&set, caught[i]);
	}
	if (any)
		sigprocmask(SIG_UNBLOCK, &set, NULL);
}

int cli_turn(struct cli *cli, uint64_t timeout_us)
{
	int r = sd_event_run(cli->event, timeout_us);

	return r < 0 ? r : 0;
}
