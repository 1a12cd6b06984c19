/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One line for each call that changes something: who, what, on which board. Layer: etalond.
 * Structured into the journal where there is one, else to standard error.
 */
#ifndef ETALON_ETALOND_AUDIT_H
#define ETALON_ETALOND_AUDIT_H

#include "base/util.h"
#include "etalond/context.h"

/* actor NULL: the daemon itself; board NULL: none. */
void audit(const struct actor *actor, const char *action, const struct board *board,
	   const char *format, ...) _printf_(4, 5);

/* The daemon's own messages: "info", "warning" or "error" as in syslog.h. */
void say(int priority, const char *format, ...) _printf_(2, 3);

#endif
