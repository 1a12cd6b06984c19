// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Framed messages on a stream socket. See stream.h.
 */
#include "link/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "link/transport.h"

uint64_t deadline_after_ms(int timeout_ms)
{
	return now_ns() + (timeout_ms > 0 ? (uint64_t)timeout_ms * NSEC_PER_MSEC : 0);
}

static int poll_until(struct pollfd *fds, nfds_t count, uint64_t deadline_ns)
{
	for (;;) {
		uint64_t now = deadline_ns ? now_ns() : 0;
		uint64_t left = deadline_ns > now ? deadline_ns - now : 0;
		struct timespec t = {.tv_sec = (time_t)(left / NSEC_PER_SEC),
				     .tv_nsec = (long)(left % NSEC_PER_SEC)};
		int n = ppoll(fds, count, &t, NULL);

		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0 && (deadline_ns == 0 || now_ns() >= deadline_ns))
			return -EAGAIN;
	}
}

int stream_wait(int fd, int other_fd, uint64_t deadline_ns)
{
	struct pollfd fds[] = {{.fd = fd, .events = POLLIN}, {.fd = other_fd, .events = POLLIN}};
	int r = poll_until(fds, 2, deadline_ns);

	if (r < 0)
		return r;
	return fds[0].revents ? 1 : 2;
}

int stream_connect(struct stream *s, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	/* A stopped peer with a full backlog must not hold us for ever. */
	struct timeval patience = {.tv_sec = TRANSPORT_TIMEOUT_MS / 1000};
	_cleanup_close_ int fd = -1;

	*s = (struct stream){.fd = -1};
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	s->fd = take_fd(&fd);
	return 0;
}

void stream_close(struct stream *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

void stream_shut(struct stream *s)
{
	if (s->fd >= 0)
		shutdown(s->fd, SHUT_RDWR);
}

/* Drops `done` bytes from the front of the parts. */
static void parts_advance(struct iovec **parts, unsigned int *count, size_t done)
{
	while (*count > 0 && done >= (*parts)->iov_len) {
		done -= (*parts)->iov_len;
		(*parts)++;
		(*count)--;
	}
	if (*count > 0) {
		(*parts)->iov_base = (char *)(*parts)->iov_base + done;
		(*parts)->iov_len -= done;
	}
}

int stream_send(struct stream *s, const struct iovec *parts, unsigned int count,
		uint64_t deadline_ns)
{
	struct iovec copy[4], *left = copy;
	bool begun = false;
	int r;

	if (count > ARRAY_SIZE(copy))
		return -EINVAL;
	memcpy(copy, parts, count * sizeof(*parts));
	parts_advance(&left, &count, 0);
	while (count > 0) {
		struct msghdr message = {.msg_iov = left, .msg_iovlen = count};
		ssize_t n = sendmsg(s->fd, &message, MSG_NOSIGNAL);

		if (n >= 0) {
			begun = true;
			parts_advance(&left, &count, (size_t)n);
		} else if (errno == EAGAIN) {
			struct pollfd p = {.fd = s->fd, .events = POLLOUT};

			r = poll_until(&p, 1, deadline_ns);
			if (r < 0)
				return begun ? -EPIPE : r;
		} else if (errno != EINTR) {
			return -ENODEV;
		}
	}
	return 0;
}

/* As read(2) but never interrupted; 0 bytes at the end become -ENODEV. */
static ssize_t receive(struct stream *s, struct iovec *parts, int count)
{
	for (;;) {
		ssize_t n = readv(s->fd, parts, count);

		if (n > 0)
			return n;
		if (n == 0)
			return -ENODEV;
		if (errno == EAGAIN)
			return -EAGAIN;
		if (errno != EINTR)
			return -ENODEV;
	}
}

static int receive_some(struct stream *s, void *data, size_t size, uint64_t deadline_ns,
			size_t *ret_got)
{
	struct iovec part = {data, size};

	for (;;) {
		ssize_t n = receive(s, &part, 1);
		int r;

		if (n > 0) {
			*ret_got = (size_t)n;
			return 0;
		}
		if (n != -EAGAIN)
			return (int)n;
		r = stream_wait(s->fd, -1, deadline_ns);
		if (r < 0)
			return r;
	}
}

/* The header is complete: what it announces becomes the body to read. */
static int head_ready(struct stream *s)
{
	s->head_got = 0;
	if (s->head.magic != ETALON_HW_STREAM_MAGIC || s->head.length > STREAM_LENGTH_MAX)
		return -EPROTO;
	s->left = s->head.length;
	return 0;
}

int stream_next(struct stream *s, uint64_t deadline_ns)
{
	char dump[4096];
	size_t got;
	int r;

	while (s->left > 0) {
		r = receive_some(s, dump, MIN(s->left, sizeof(dump)), deadline_ns, &got);
		if (r < 0)
			return r;
		s->left -= got;
	}
	while (s->head_got < sizeof(s->head)) {
		r = receive_some(s, (char *)&s->head + s->head_got, sizeof(s->head) - s->head_got,
				 deadline_ns, &got);
		if (r < 0)
			return r;
		s->head_got += got;
	}
	return head_ready(s);
}

int stream_body(struct stream *s, void *data, size_t size, uint64_t deadline_ns)
{
	char *p = data;
	size_t got;
	int r;

	if (size > s->left)
		return -EPROTO;
	while (size > 0) {
		r = receive_some(s, p, size, deadline_ns, &got);
		if (r < 0)
			return r;
		s->left -= got;
		size -= got;
		p += got;
	}
	return 0;
}

/* One readv: the rest of the body, and the next header right behind it. */
static ssize_t flow_once(struct stream *s, void *data, size_t room)
{
	size_t body = MIN(s->left, room), behind;
	struct iovec parts[2] = {{data, body},
				 {(char *)&s->head + s->head_got, sizeof(s->head) - s->head_got}};
	ssize_t n = receive(s, parts, body == s->left ? 2 : 1);

	if (n < 0)
		return n;
	if ((size_t)n < body) {
		s->left -= (size_t)n;
		return n;
	}
	behind = (size_t)n - body;
	s->left -= body;
	s->head_got += behind;
	return (ssize_t)body;
}

ssize_t stream_flow(struct stream *s, unsigned int kind, void *data, size_t room)
{
	while (room > 0) {
		ssize_t n = flow_once(s, data, room);
		int r;

		if (n < 0)
			return n;
		if (s->head_got == sizeof(s->head)) {
			r = head_ready(s);
			if (r < 0 || s->head.kind != kind)
				return -EPROTO;
		}
		if (n > 0)
			return n;
	}
	return -EAGAIN;
}
