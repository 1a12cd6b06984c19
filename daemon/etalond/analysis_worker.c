// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Starting etalon-analyse, handing over, hearing it out, and its end, whatever that is. See
 * analysis_worker.h. Knows nothing of fits.
 */
#include "etalond/analysis_worker.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/pass_fd.h"
#include "base/util.h"

#define OUTPUT_MAX_BYTES (16U << 20)
#define SOCKET_FD 3 /* in the worker */
#define MEMORY_MAX_BYTES (2ULL << 30)

struct analysis_worker {
	char *program;
	pid_t pid; /* 0: none, or its end is known */
	int socket; /* a frame goes in here */
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

static int spawn_with(const char *program, char *const *argv, int socket_fd, const int *pipes,
		      pid_t *ret)
{
	/* It waits for its frame once it has started: what it looks up then is not looked up later. */
	static char locale[] = "LC_ALL=C.UTF-8", bind_now[] = "LD_BIND_NOW=1";
	static char *const environment[] = {locale, bind_now, NULL};
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
	posix_spawn_file_actions_adddup2(&actions, socket_fd, SOCKET_FD);
	/* Also what we were given and did not open ourselves. */
	posix_spawn_file_actions_addclosefrom_np(&actions, SOCKET_FD + 1);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	r = posix_spawn(ret, program, &actions, &attributes, argv, environment);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return -r;
}

/* Its end of the socket, above all the numbers that are about to be used, so that none is overwritten. */
static int make_socket(struct analysis_worker *w)
{
	int ends[2], theirs;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	w->socket = ends[0];
	theirs = fcntl(ends[1], F_DUPFD_CLOEXEC, 16);
	closep(&ends[1]);
	return theirs < 0 ? -errno : theirs;
}

static int spawn(struct analysis_worker *w)
{
	char fd_text[16];
	char *argv[] = {(char[]){"etalon-analyse"}, (char[]){"--frame-from"}, fd_text, NULL};
	_cleanup_close_ int theirs = make_socket(w);
	int pipes[4], r;

	if (theirs < 0)
		return theirs;
	snprintf(fd_text, sizeof(fd_text), "%d", SOCKET_FD);
	if (pipe2(pipes, O_CLOEXEC) < 0)
		return -errno;
	if (pipe2(pipes + 2, O_CLOEXEC) < 0) {
		r = -errno;
		close(pipes[0]);
		close(pipes[1]);
		return r;
	}
	r = spawn_with(w->program, argv, theirs, pipes, &w->pid);
	if (r < 0)
		w->pid = 0; /* what posix_spawn() leaves there is not told */
	close(pipes[1]);
	close(pipes[3]);
	w->fds[0] = pipes[0];
	w->fds[1] = pipes[2];
	return r;
}

/* Reads what is there; closes at the end. -EFBIG when it will not stop talking. */
static int hear(struct analysis_worker *w, int which)
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

static int hear_out(struct analysis_worker *w, int timeout_ms)
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
static const char *last_words(struct analysis_worker *w)
{
	char *line = w->text[1];

	if (!line)
		return "it said nothing";
	line[strcspn(line, "\n")] = '\0';
	return strncmp(line, "etalon-analyse: ", 16) == 0 ? line + 16 : line;
}

static int judge(struct analysis_worker *w, int heard, int status, int timeout_ms, json_t **ret,
		 char **ret_message)
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
		return fail(ret_message, -ENOENT, "the analysis %s could not be started",
			    w->program);
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

/* Its exit status; who did not end by itself is killed first. */
static int end_worker(struct analysis_worker *w, bool by_itself)
{
	int status = 0;

	closep(&w->socket);
	closep(&w->fds[0]);
	closep(&w->fds[1]);
	w->socket = w->fds[0] = w->fds[1] = -1;
	if (w->pid <= 0)
		return 0;
	if (!by_itself)
		kill(w->pid, SIGKILL);
	while (waitpid(w->pid, &status, 0) < 0 && errno == EINTR)
		;
	w->pid = 0;
	return status;
}

struct analysis_worker *analysis_worker_free(struct analysis_worker *w)
{
	if (!w)
		return NULL;
	end_worker(w, false);
	free(w->text[0]);
	free(w->text[1]);
	free(w->program);
	free(w);
	return NULL;
}

int analysis_worker_start(const char *program, struct analysis_worker **ret, char **ret_message)
{
	struct analysis_worker *w = calloc(1, sizeof(*w));
	int r = -ENOMEM;

	if (w) {
		*w = (struct analysis_worker){
			.program = strdup(program), .socket = -1, .fds = {-1, -1}};
		r = w->program ? spawn(w) : -ENOMEM;
	}
	if (r < 0) {
		analysis_worker_free(w);
		return fail(ret_message, r, "the analysis %s could not be started: %s", program,
			    strerror(-r));
	}
	*ret = w;
	return 0;
}

int analysis_worker_send(struct analysis_worker *w, int frame_fd, const char *channel,
			 int timeout_ms, char **ret_message)
{
	int r;

	limit_worker(w->pid, timeout_ms);
	r = pass_fd_send(w->socket, frame_fd, channel);
	closep(&w->socket);
	w->socket = -1;
	if (r == 0 || r == -EPIPE || r == -ECONNRESET)
		return 0;
	return fail(ret_message, r, "the analysis could not be given its frame: %s", strerror(-r));
}

int analysis_worker_hear(struct analysis_worker *w, int timeout_ms, json_t **ret,
			 char **ret_message)
{
	int heard = hear_out(w, timeout_ms);

	return judge(w, heard, end_worker(w, heard == 0), timeout_ms, ret, ret_message);
}
