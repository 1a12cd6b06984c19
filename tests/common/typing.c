// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Typing commands for a test. See typing.h.
 */
#include "typing.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/util.h"

#define WORDS_MAX 48

const struct session_options typing_fast = {
	.speed_max = true,
	.watchdog_ms = SESSION_PATIENT_WATCHDOG_MS,
};
const struct session_options typing_real_time = {.watchdog_ms = SESSION_PATIENT_WATCHDOG_MS};

pid_t typing_begin(const struct session *s, const char *output, const char *command)
{
	_cleanup_free_ char *copy = strdup(command);
	const char *words[WORDS_MAX] = {"etalonctl"};
	char *rest = NULL;
	int n = 1;

	for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		ck_assert_int_lt(n, WORDS_MAX - 1);
		words[n++] = word;
	}
	return session_spawn(s, output, words);
}

int typing_end(pid_t pid)
{
	int status = 0;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

char *typing_output(const struct session *s, const char *name)
{
	_cleanup_free_ char *path = asprintf_or_null("%s/%s", s->dir, name);
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	char *text = NULL;
	size_t room = 0;

	if (!f || getdelim(&text, &room, EOF, f) < 0) {
		free(text);
		text = strdup("");
	}
	return text;
}

char *typing_ended(const struct session *s, pid_t pid, const char *output, int code,
		   const char *says)
{
	int ended = typing_end(pid);
	char *text = typing_output(s, output);

	ck_assert_msg(ended == code, "exit %d: %s", ended, text);
	ck_assert_msg(strstr(text, says) != NULL, "%s", text);
	return text;
}

/* "%s" stands for the session's folder. */
static char *in_folder(const struct session *s, const char *command)
{
	char *whole = NULL;
	size_t size;
	FILE *f = open_memstream(&whole, &size);

	for (const char *p = command; *p; p++) {
		if (p[0] == '%' && p[1] == 's') {
			fputs(s->dir, f);
			p++;
		} else {
			fputc(*p, f);
		}
	}
	fclose(f);
	return whole;
}

int typing_run(const struct session *s, const char *command, char **ret_text)
{
	_cleanup_free_ char *path = asprintf_or_null("%s/typed.out", s->dir);
	_cleanup_free_ char *whole = in_folder(s, command);
	int code;

	unlink(path);
	code = typing_end(typing_begin(s, "typed.out", whole));
	*ret_text = typing_output(s, "typed.out");
	return code;
}

char *typed_text(const struct session *s, int code, const char *says, const char *command)
{
	char *text = NULL;
	int is = typing_run(s, command, &text);

	ck_assert_msg(is == code, "%s: exit %d, not %d: %s", command, is, code, text);
	ck_assert_msg(!says || strstr(text, says) != NULL, "%s does not say '%s': %s", command,
		      says, text);
	return text;
}

void typed(const struct session *s, int code, const char *says, const char *command)
{
	free(typed_text(s, code, says, command));
}

void typing_await_state(const struct session *s, const char *state)
{
	sd_bus *bus = session_bus(s);
	_cleanup_free_ char *board = session_board_path(bus);

	ck_assert_msg(session_wait_state(bus, board, state, 10000), "the board does not become %s",
		      state);
	sd_bus_flush_close_unref(bus);
}

bool typing_ever_lit(const struct session *s)
{
	json_t *log = session_log(s);
	json_t *line;
	bool lit = false;
	size_t i;

	json_array_foreach(log, i, line) {
		const char *state = json_string_value(json_object_get(line, "to"));

		lit |= state &&
		       (streq(state, "emitting") || streq(state, "delay") || streq(state, "armed"));
	}
	json_decref(log);
	return lit;
}
