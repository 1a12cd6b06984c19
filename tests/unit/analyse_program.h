/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Running the program etalon-analyse from a test: found beside the running test ($ETALON_BUILD, or two
 * folders above the binary), its words caught.
 */
#ifndef ETALON_TESTS_ANALYSE_PROGRAM_H
#define ETALON_TESTS_ANALYSE_PROGRAM_H

#include <limits.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "analyse_check.h"

#define ANALYSE_ARGUMENTS_MAX 16

struct outcome {
	int status; /* exit status, -1: ended by a signal */
	char *out, *err;
};

static inline void outcome_clear(struct outcome *o)
{
	free(o->out);
	free(o->err);
}
#define _cleanup_outcome_ _cleanup_(outcome_clear)

static inline char *analyse_program(void)
{
	const char *build = getenv("ETALON_BUILD");
	char self[PATH_MAX] = "";

	if (build)
		return asprintf_or_null("%s/etalon-analyse", build);
	ck_assert(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	for (int up = 0; up < 3; up++)
		*strrchr(self, '/') = '\0';
	return asprintf_or_null("%s/etalon-analyse", self);
}

/* All that was written to a memfd, terminated. */
static inline char *all_of(int fd)
{
	off_t size = lseek(fd, 0, SEEK_END);
	char *text = calloc(1, (size_t)size + 1);

	ck_assert(text && size >= 0);
	ck_assert_int_eq(pread(fd, text, (size_t)size, 0), size);
	close(fd);
	return text;
}

/* `words` end with NULL; `frame_fd`, if not negative, becomes descriptor 3 of the program. */
static inline struct outcome run_analyse(const char *const *words, int frame_fd)
{
	_cleanup_free_ char *program = analyse_program();
	char *argv[ANALYSE_ARGUMENTS_MAX + 2] = {program};
	int out = memfd_create("out", 0), err = memfd_create("err", 0), status;
	struct outcome o;
	pid_t pid;

	for (int i = 0; words[i]; i++)
		argv[i + 1] = (char *)(uintptr_t)words[i];
	ck_assert_msg(access(program, X_OK) == 0, "%s is not there: make builds it", program);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		dup2(out, 1);
		dup2(err, 2);
		if (frame_fd >= 0)
			dup2(frame_fd, 3);
		execv(program, argv);
		_exit(127);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	o = (struct outcome){WIFEXITED(status) ? WEXITSTATUS(status) : -1, all_of(out),
			     all_of(err)};
	return o;
}

#endif
