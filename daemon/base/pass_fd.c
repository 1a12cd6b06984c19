// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * SCM_RIGHTS of unix(7), with the one descriptor on the text's first byte. See pass_fd.h.
 */
#include "base/pass_fd.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(int))];
};

int pass_fd_send(int socket, int fd, const char *text)
{
	union control control = {};
	struct iovec part = {(void *)(uintptr_t)text, strlen(text)};
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *m = CMSG_FIRSTHDR(&message);
	ssize_t n;

	m->cmsg_level = SOL_SOCKET;
	m->cmsg_type = SCM_RIGHTS;
	m->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(m), &fd, sizeof(fd));
	do
		n = sendmsg(socket, &message, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == part.iov_len ? 0 : -EMSGSIZE;
}

/* What one recvmsg() brings. The first descriptor is kept, every other one closed. */
static ssize_t receive_piece(int socket, int *fd, char *text, size_t size)
{
	union control control = {};
	struct iovec part = {text, size};
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *m;
	ssize_t n;

	do
		n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	m = CMSG_FIRSTHDR(&message);
	if (m && m->cmsg_level == SOL_SOCKET && m->cmsg_type == SCM_RIGHTS) {
		_cleanup_close_ int got = -1;

		memcpy(&got, CMSG_DATA(m), sizeof(got));
		if (*fd < 0) {
			*fd = got;
			got = -1;
		}
	}
	return n;
}

int pass_fd_receive(int socket, int *ret_fd, char *text, size_t size)
{
	_cleanup_close_ int fd = -1;
	size_t have = 0;
	ssize_t n;

	while (have < size && (n = receive_piece(socket, &fd, text + have, size - have)) != 0) {
		if (n < 0)
			return (int)n;
		have += (size_t)n;
	}
	if (have == size)
		return -EMSGSIZE;
	text[have] = '\0';
	if (have > 0 && fd < 0)
		return -EBADMSG;
	*ret_fd = fd;
	fd = -1;
	return 0;
}
