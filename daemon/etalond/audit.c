// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Audit and messages. See audit.h. Decides nothing.
 */
#include "etalond/audit.h"

#include <stdarg.h>
#include <syslog.h>
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "etalond/board.h"

/*
 * A daemon started by hand writes to its terminal; one started by systemd has its standard
 * error in the journal already, where the structured fields are wanted instead.
 */
static bool journal_wanted(void)
{
	return getenv("JOURNAL_STREAM") && access("/run/systemd/journal/socket", W_OK) == 0;
}

void audit(const struct actor *actor, const char *action, const struct board *board,
	   const char *format, ...)
{
	const char *serial = board && board->known ? board_serial(board) : "";
	const char *sender = actor ? actor->name : "";
	uint32_t uid = actor ? actor->uid : (uint32_t)getuid();
	char text[512], user[16] = "?"; /* OFF does not wait to learn who it was */
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (uid != UINT32_MAX)
		snprintf(user, sizeof(user), "%u", uid);
	if (journal_wanted())
		sd_journal_send("MESSAGE=%s %s by %s uid %s: %s", action, serial,
				sender[0] ? sender : "etalond", user, text, "PRIORITY=%d",
				LOG_NOTICE, "ETALON_ACTION=%s", action, "ETALON_BOARD=%s", serial,
				"ETALON_SENDER=%s", sender, "ETALON_UID=%s", user, NULL);
	else
		fprintf(stderr, "audit: %s%s%s by %s uid %s%s%s\n", action, serial[0] ? " " : "",
			serial, sender[0] ? sender : "etalond", user, text[0] ? ": " : "", text);
}

void say(int priority, const char *format, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (journal_wanted())
		sd_journal_send("MESSAGE=%s", text, "PRIORITY=%d", priority, NULL);
	else
		fprintf(stderr, "etalond: %s%s\n", priority <= LOG_ERR ? "error: " : "", text);
}
