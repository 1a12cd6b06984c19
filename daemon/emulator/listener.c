// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Opens, shows and removes listening unix sockets. See listener.h.
 */
#include "emulator/listener.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/util.h"

#define BACKLOG 16
#define UNFINISHED ".new"

static bool answered(const struct sockaddr_un *address)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0;
}

/* Under another name until it listens: who sees the socket can connect to it. */
static int listen_at(int fd, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	snprintf(address.sun_path, sizeof(address.sun_path), "%s" UNFINISHED, path);
	unlink(address.sun_path);
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(fd, BACKLOG) < 0 || rename(address.sun_path, path) < 0)
		return -errno;
	return 0;
}

static int check_place(const char *path, const char *option, char **ret_message)
{
	const size_t longest = sizeof((struct sockaddr_un){0}.sun_path) - sizeof(UNFINISHED);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat st;

	if (strlen(path) > longest)
		return fail(ret_message, -ENAMETOOLONG,
			    "socket path %s is too long: at most %zu characters", path, longest);
	strcpy(address.sun_path, path);
	if (stat(path, &st) < 0)
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return fail(ret_message, -EEXIST, "%s exists and is no socket; choose another path",
			    path);
	if (answered(&address))
		return fail(ret_message, -EADDRINUSE,
			    "another emulator listens at %s; stop it or choose another %s", path,
			    option);
	/* Else it was left behind by one that was killed; ours takes its place. */
	return 0;
}

int listener_open(struct listener *l, const char *path, const char *option, char **ret_message)
{
	_cleanup_close_ int fd = -1;
	int r;

	*l = (struct listener){.fd = -1};
	r = check_place(path, option, ret_message);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail(ret_message, -errno, "cannot make a socket: %s", strerror(errno));
	r = listen_at(fd, path);
	if (r < 0)
		return fail(ret_message, r, "cannot listen at %s: %s", path, strerror(-r));
	l->path = strdup(path);
	if (!l->path) {
		unlink(path);
		return -ENOMEM;
	}
	l->fd = take_fd(&fd);
	return 0;
}

void listener_close(struct listener *l)
{
	closep(&l->fd);
	l->fd = -1;
	if (l->path)
		unlink(l->path);
	free(l->path);
	l->path = NULL;
}

int listener_accept(const struct listener *l)
{
	return l->fd < 0 ? -1 : accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

void wait_until(struct pollfd *fds, size_t count, uint64_t until_ns)
{
	const uint64_t now = now_ns();
	const uint64_t left = until_ns > now ? until_ns - now : 0;
	const struct timespec timeout = {
		.tv_sec = (time_t)(left / NSEC_PER_SEC),
		.tv_nsec = (long)(left % NSEC_PER_SEC),
	};

	ppoll(fds, count, until_ns == UINT64_MAX ? NULL : &timeout, NULL);
}
