// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Starting etalon-analyse, hearing it out, and its end, whatever that is. See analysis.h. Knows
 * nothing of fits.
 */
#include "etalond/analysis.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/util.h"
#include "data/meta.h"
#include "store/read.h"

#define OUTPUT_MAX_BYTES (16U << 20)
#define FRAME_FD 3 /* in the worker */
#define MEMORY_MAX_BYTES (2ULL << 30)

struct worker {
	pid_t pid;
	int fds[2]; /* its standard output and error */
	char *text[2];
	size_t size[2];
};

static void limit_worker(pid_t pid, int timeout_ms)
{
	rlim_t seconds = (rlim_t)timeout_ms / 1000 + 1;
	struct rlimit cpu = {seconds, seconds}, memory = {MEMORY_MAX_BYTES, MEMORY_MAX_BYTES},
		      core = {0, 0};

	prlimit(pid, RLIMIT_CPU, &cpu, NULL);
	prlimit(pid, RLIMIT_CORE, &core, NULL);
#ifndef __SANITIZE_ADDRESS__ /* which reserves terabytes of addresses */
	prlimit(pid, RLIMIT_AS, &memory, NULL);
#else
	(void)memory;
#endif
}

static int spawn_with(const char *program, char *const *argv, int frame_fd, const int *pipes,
		      pid_t *ret)
{
	static char locale[] = "LC_ALL=C.UTF-8";
	static char *const environment[] = {locale, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int r;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, pipes[1], 1);
	posix_spawn_file_actions_adddup2(&actions, pipes[3], 2);
	posix_spawn_file_actions_adddup2(&actions, frame_fd, FRAME_FD);
	/* Also what we were given and did not open ourselves. */
	posix_spawn_file_actions_addclosefrom_np(&actions, FRAME_FD + 1);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	r = posix_spawn(ret, program, &actions, &attributes, argv, environment);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return -r;
}

static int spawn(const char *program, int frame_fd, const char *channel, struct worker *w)
{
	char fd_text[16];
	char *argv[] = {(char[]){"etalon-analyse"}, (char[]){"--frame-fd"},	fd_text,
			(char[]){"--channel"},	    (char *)(uintptr_t)channel, NULL};
	_cleanup_close_ int frame = -1;
	int pipes[4], r;

	snprintf(fd_text, sizeof(fd_text), "%d", FRAME_FD);
	/* Above all the numbers that are about to be used, so that none is overwritten. */
	frame = fcntl(frame_fd, F_DUPFD_CLOEXEC, 16);
	if (frame < 0 || pipe2(pipes, O_CLOEXEC) < 0)
		return -errno;
	if (pipe2(pipes + 2, O_CLOEXEC) < 0) {
		r = -errno;
		close(pipes[0]);
		close(pipes[1]);
		return r;
	}
	r = spawn_with(program, argv, frame, pipes, &w->pid);
	close(pipes[1]);
	close(pipes[3]);
	w->fds[0] = pipes[0];
	w->fds[1] = pipes[2];
	return r;
}

/* Reads what is there; closes at the end. -EFBIG when it will not stop talking. */
static int hear(struct worker *w, int which)
{
	char buffer[16384];
	ssize_t n = read(w->fds[which], buffer, sizeof(buffer));
	char *longer;

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	if (n == 0) {
		closep(&w->fds[which]);
		w->fds[which] = -1;
		return 0;
	}
	if (w->size[which] + (size_t)n > OUTPUT_MAX_BYTES)
		return -EFBIG;
	longer = realloc(w->text[which], w->size[which] + (size_t)n + 1);
	if (!longer)
		return -ENOMEM;
	memcpy(longer + w->size[which], buffer, (size_t)n);
	w->size[which] += (size_t)n;
	longer[w->size[which]] = '\0';
	w->text[which] = longer;
	return 0;
}

static int hear_out(struct worker *w, int timeout_ms)
{
	uint64_t until = now_ns() + (uint64_t)timeout_ms * NSEC_PER_MSEC;
	int r = 0;

	while (r == 0 && (w->fds[0] >= 0 || w->fds[1] >= 0)) {
		struct pollfd fds[2] = {{.fd = w->fds[0], .events = POLLIN},
					{.fd = w->fds[1], .events = POLLIN}};
		uint64_t now = now_ns();

		if (now >= until)
			return -ETIMEDOUT;
		if (poll(fds, 2, (int)((until - now) / NSEC_PER_MSEC) + 1) < 0 && errno != EINTR)
			return -errno;
		for (int i = 0; i < 2 && r == 0; i++)
			if (fds[i].revents)
				r = hear(w, i);
	}
	return r;
}

/* The worker's last words, one line of them. */
static const char *last_words(struct worker *w)
{
	char *line = w->text[1];

	if (!line)
		return "it said nothing";
	line[strcspn(line, "\n")] = '\0';
	return strncmp(line, "etalon-analyse: ", 16) == 0 ? line + 16 : line;
}

static int judge(struct worker *w, const char *program, int heard, int status, int timeout_ms,
		 json_t **ret, char **ret_message)
{
	json_error_t error;
	json_t *result;

	if (heard == -ETIMEDOUT)
		return fail(ret_message, heard,
			    "the analysis took longer than %d s and was ended; the run is stored",
			    timeout_ms / 1000);
	if (heard < 0)
		return fail(ret_message, heard, "the analysis could not be heard: %s",
			    strerror(-heard));
	if (WIFSIGNALED(status))
		return fail(ret_message, -EPIPE,
			    "the analysis crashed (signal %d); the run is stored",
			    WTERMSIG(status));
	if (WEXITSTATUS(status) == 127 && w->size[0] == 0)
		return fail(ret_message, -ENOENT, "the analysis %s could not be started", program);
	if (WEXITSTATUS(status) != 0)
		return fail(ret_message, -EINVAL, "%s", last_words(w));
	result = json_loadb(w->text[0] ? w->text[0] : "", w->size[0], 0, &error);
	if (!json_is_object(result)) {
		json_decref(result);
		return fail(ret_message, -EPIPE, "the analysis gave no result: %s", error.text);
	}
	*ret = result;
	return 0;
}

int analysis_run(const char *program, int frame_fd, const char *channel, int timeout_ms,
		 json_t **ret, char **ret_message)
{
	struct worker w = {.fds = {-1, -1}};
	int r, heard, status = 0;

	r = spawn(program, frame_fd, channel, &w);
	if (r < 0) {
		closep(&w.fds[0]);
		closep(&w.fds[1]);
		return fail(ret_message, r, "the analysis %s could not be started: %s", program,
			    strerror(-r));
	}
	limit_worker(w.pid, timeout_ms);
	heard = hear_out(&w, timeout_ms);
	if (heard < 0)
		kill(w.pid, SIGKILL);
	closep(&w.fds[0]);
	closep(&w.fds[1]);
	while (waitpid(w.pid, &status, 0) < 0 && errno == EINTR)
		;
	r = judge(&w, program, heard, status, timeout_ms, ret, ret_message);
	free(w.text[0]);
	free(w.text[1]);
	return r;
}

/* ---- a whole run ---- */

static const char *first_signal(const json_t *meta)
{
	size_t i;
	json_t *channel;

	json_array_foreach(json_object_get(meta, META_CHANNELS), i, channel) {
		const char *role = json_string_value(json_object_get(channel, "role"));

		if (role && streq(role, "signal"))
			return json_string_value(json_object_get(channel, "column"));
	}
	return NULL;
}

static bool has_column(const json_t *columns, const char *name)
{
	size_t i;
	json_t *column;

	json_array_foreach(columns, i, column) {
		const char *is = json_string_value(json_object_get(column, "name"));

		if (is && streq(is, name))
			return true;
	}
	return false;
}

/* Axes, channel with its flags, monitor: some 40 bytes a point instead of all there is. */
static int read_columns(struct store *store, int64_t run, const char *channel, const json_t *meta,
			int *ret_fd, char **ret_message)
{
	_cleanup_free_ char *flags = asprintf_or_null("%s.flags", channel);
	_cleanup_free_ char *own_axis = asprintf_or_null("%s wavelength", channel);
	const char *monitor = json_string_value(json_object_get(meta, META_MONITOR));
	const char *wanted[] = {"wavelength", own_axis, flags, "flags", monitor};
	const char *columns[ARRAY_SIZE(wanted) + 1] = {channel};
	struct read_request request = {
		.stride = 1, .columns = columns, .column_count = 1, .whole = true};
	_cleanup_free_ char *message = NULL;
	struct read_info info;
	json_t *there = NULL;
	int r;

	if (!flags || !own_axis)
		return -ENOMEM;
	r = store_columns(store, run, &there, ret_message);
	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		if (wanted[i] && !streq(wanted[i], channel) && has_column(there, wanted[i]))
			columns[request.column_count++] = wanted[i];
	json_decref(there);
	r = store_read_frame(store, run, &request, &info, ret_fd, &message);
	if (r == -EFBIG)
		return fail(ret_message, r, "too much for an analysis: %s", message);
	if (r < 0 && ret_message)
		*ret_message = take_ptr(message);
	return r;
}

int analysis_of_run(struct store *store, int64_t run, const char *channel, const char *program,
		    json_t **ret, char **ret_message)
{
	_cleanup_close_ int frame = -1;
	json_t *meta = NULL;
	int r;

	r = store_run_get(store, run, &meta);
	if (r < 0)
		return fail(ret_message, r, "run %lld: %s", (long long)run, store_message(store));
	if (!channel)
		channel = first_signal(meta);
	if (channel)
		r = read_columns(store, run, channel, meta, &frame, ret_message);
	else
		r = fail(ret_message, -EINVAL, "run %lld has no signal channel to analyse",
			 (long long)run);
	if (r == 0)
		r = analysis_run(program, frame, channel, ANALYSIS_TIMEOUT_MS, ret, ret_message);
	json_decref(meta);
	return r;
}
