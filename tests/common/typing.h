/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * etalonctl as a user has it: commands typed into a session, to their end or left running; exit codes and words
 * are read.
 */
#ifndef ETALON_TESTS_TYPING_H
#define ETALON_TESTS_TYPING_H

#include "session.h"

/* Sessions in which the time that a command takes is no matter, and with a sweep that has a middle. */
extern const struct session_options typing_fast, typing_real_time;

/* Starts a command; both its streams go to a file below s->dir. */
pid_t typing_begin(const struct session *s, const char *output, const char *command);
/* Waits for a program: its exit code, or 128 and the signal that ended it. */
int typing_end(pid_t pid);
/* The same of typing_begin()'s; it must exit with `code` and have said `says`: all it said, malloc'ed. */
char *typing_ended(const struct session *s, pid_t pid, const char *output, int code,
		   const char *says);
/* What a file below s->dir holds, "" when there is none: malloc'ed. */
char *typing_output(const struct session *s, const char *name);

/* Types a command, in which "%s" is the session's folder: its exit code, and what it said, malloc'ed. */
int typing_run(const struct session *s, const char *command, char **ret_text);
/* The same; it must exit with `code` and say `says` (NULL: anything). */
char *typed_text(const struct session *s, int code, const char *says, const char *command);
void typed(const struct session *s, int code, const char *says, const char *command);

/* Waits for a state of the only board, as the daemon tells it. */
void typing_await_state(const struct session *s, const char *state);
/* Has the board's log a state with light, or on the way to it? */
bool typing_ever_lit(const struct session *s);

#endif
