// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Framing of vfio-user: one message at a time, so that descriptors belong to the message they
 * came with. See vfio_user.h.
 */
#include "emulator/vfio_user.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/cleanup.h"
#include "base/util.h"

#define MESSAGE_MAX                                                                 \
	(sizeof(struct vfio_user_header) + sizeof(struct vfio_user_region_access) + \
	 VFIO_USER_DATA_MAX)

int vfio_user_open(struct vfio_user_client *c, int fd)
{
	*c = (struct vfio_user_client){.fd = fd, .in = malloc(MESSAGE_MAX)};
	return c->in ? 0 : -ENOMEM;
}

static void close_fds(struct vfio_user_client *c)
{
	for (size_t i = 0; i < c->fd_count; i++)
		closep(&c->fds[i]);
	c->fd_count = 0;
}

void vfio_user_close(struct vfio_user_client *c)
{
	close_fds(c);
	closep(&c->fd);
	free(c->in);
	free(c->out);
	*c = (struct vfio_user_client){.fd = -1};
}

void vfio_user_end(struct vfio_user_client *c, const char *reason)
{
	if (!c->ended)
		c->reason = reason;
	c->ended = true;
}

/* ---- receiving ---- */

static void keep_fds(struct vfio_user_client *c, struct msghdr *message)
{
	struct cmsghdr *m = CMSG_FIRSTHDR(message);
	size_t count;

	if (!m || m->cmsg_level != SOL_SOCKET || m->cmsg_type != SCM_RIGHTS)
		return;
	close_fds(c);
	count = (m->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	c->fd_count = MIN(count, (size_t)VFIO_USER_FDS_MAX);
	memcpy(c->fds, CMSG_DATA(m), c->fd_count * sizeof(int));
}

/* True when `want` bytes of the message are there. */
static bool fill(struct vfio_user_client *c, size_t want)
{
	while (c->have < want && !c->ended) {
		union {
			struct cmsghdr align;
			char bytes[CMSG_SPACE(VFIO_USER_FDS_MAX * sizeof(int))];
		} control;
		struct iovec part = {c->in + c->have, want - c->have};
		struct msghdr message = {
			.msg_iov = &part,
			.msg_iovlen = 1,
			.msg_control = &control,
			.msg_controllen = sizeof(control),
		};
		const ssize_t n = recvmsg(c->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return false;
		if (n <= 0) {
			vfio_user_end(c, NULL);
			return false;
		}
		keep_fds(c, &message);
		if (message.msg_flags & MSG_CTRUNC)
			vfio_user_end(c, "too many descriptors with one message");
		c->have += (size_t)n;
	}
	return !c->ended;
}

/* A size that cannot be: where the next message begins is not known, so the client has to go. */
static const char *objection(const struct vfio_user_header *head)
{
	if (head->size < sizeof(*head))
		return "a message shorter than its header";
	if (head->size > MESSAGE_MAX)
		return "a message too long";
	if ((head->flags & VFIO_USER_TYPE_MASK) != VFIO_USER_TYPE_COMMAND)
		return "an answer to nothing";
	return NULL;
}

bool vfio_user_receive(struct vfio_user_client *c, struct vfio_user_message *ret)
{
	const char *wrong;

	if (c->out || !fill(c, sizeof(ret->head)))
		return false;
	memcpy(&ret->head, c->in, sizeof(ret->head));
	wrong = objection(&ret->head);
	if (wrong) {
		vfio_user_end(c, wrong);
		return false;
	}
	if (!fill(c, ret->head.size))
		return false;
	ret->payload = c->in + sizeof(ret->head);
	ret->size = ret->head.size - sizeof(ret->head);
	return true;
}

void vfio_user_done(struct vfio_user_client *c)
{
	close_fds(c);
	c->have = 0;
}

int vfio_user_take_fd(struct vfio_user_client *c, size_t n)
{
	return n < c->fd_count ? take_fd(&c->fds[n]) : -1;
}

/* ---- answering ---- */

/* What the socket did not take is kept: `skip` bytes of the parts have gone. */
static void keep_rest(struct vfio_user_client *c, const struct iovec *parts, size_t count,
		      size_t skip)
{
	size_t total = 0, at = 0;
	uint8_t *whole;

	for (size_t i = 0; i < count; i++)
		total += parts[i].iov_len;
	if (skip == total)
		return;
	whole = malloc(total);
	if (!whole)
		return vfio_user_end(c, "out of memory");
	for (size_t i = 0; i < count; i++) {
		if (parts[i].iov_len)
			memcpy(whole + at, parts[i].iov_base, parts[i].iov_len);
		at += parts[i].iov_len;
	}
	memmove(whole, whole + skip, total - skip);
	c->out = whole;
	c->out_size = total - skip;
}

static ssize_t send_parts(struct vfio_user_client *c, struct iovec *parts, size_t count)
{
	const struct msghdr message = {.msg_iov = parts, .msg_iovlen = count};
	ssize_t n;

	do {
		n = sendmsg(c->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	if (n >= 0)
		return n;
	if (errno != EAGAIN)
		vfio_user_end(c, NULL);
	return 0;
}

static void send_answer(struct vfio_user_client *c, const struct vfio_user_header *head,
			const void *payload, size_t size, const void *data, size_t data_size)
{
	struct iovec parts[] = {
		{(void *)(uintptr_t)head, sizeof(*head)},
		{(void *)(uintptr_t)payload, size},
		{(void *)(uintptr_t)data, data_size},
	};
	ssize_t sent;

	if (c->ended)
		return;
	/* In one sendmsg: a client takes a header that comes alone for a broken connection. */
	sent = send_parts(c, parts, ARRAY_SIZE(parts));
	if (!c->ended)
		keep_rest(c, parts, ARRAY_SIZE(parts), (size_t)sent);
}

void vfio_user_answer(struct vfio_user_client *c, const struct vfio_user_message *request,
		      const void *payload, size_t size, const void *data, size_t data_size)
{
	const struct vfio_user_header head = {
		.id = request->head.id,
		.command = request->head.command,
		.size = (uint32_t)(sizeof(head) + size + data_size),
		.flags = VFIO_USER_TYPE_REPLY,
	};

	if (!(request->head.flags & VFIO_USER_NO_REPLY))
		send_answer(c, &head, payload, size, data, data_size);
}

void vfio_user_refuse(struct vfio_user_client *c, const struct vfio_user_message *request,
		      int error)
{
	const struct vfio_user_header head = {
		.id = request->head.id,
		.command = request->head.command,
		.size = sizeof(head),
		.flags = VFIO_USER_TYPE_REPLY | VFIO_USER_ERROR,
		.error = (uint32_t)-error,
	};

	if (!(request->head.flags & VFIO_USER_NO_REPLY))
		send_answer(c, &head, NULL, 0, NULL, 0);
}

void vfio_user_flush(struct vfio_user_client *c)
{
	struct iovec part = {c->out, c->out_size};
	ssize_t sent;

	if (!c->out || c->ended)
		return;
	sent = send_parts(c, &part, 1);
	memmove(c->out, c->out + sent, c->out_size - (size_t)sent);
	c->out_size -= (size_t)sent;
	if (c->out_size)
		return;
	free(c->out);
	c->out = NULL;
}
