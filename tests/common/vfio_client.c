// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The client's side of vfio-user. See vfio_client.h.
 */
#include "vfio_client.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "hw.h"
#include <check.h> /* last: it defines a macro fail() */

#define PATIENCE_MS 20000
#define PAYLOAD_MAX (2U << 20)

/* ---- messages ---- */

uint16_t vfio_client_send(struct vfio_client *c, uint16_t command, uint32_t flags,
			  const void *payload, size_t size, const int *fds, size_t fd_count)
{
	const struct vfio_user_header head = {
		.id = c->next_id++,
		.command = command,
		.size = (uint32_t)(sizeof(head) + size),
		.flags = flags,
	};
	char control[CMSG_SPACE(16 * sizeof(int))] = {0};
	struct iovec parts[] = {
		{(void *)(uintptr_t)&head, sizeof(head)},
		{(void *)(uintptr_t)payload, size},
	};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

	if (fd_count) {
		struct cmsghdr *m;

		message.msg_control = control;
		message.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		m = CMSG_FIRSTHDR(&message);
		m->cmsg_level = SOL_SOCKET;
		m->cmsg_type = SCM_RIGHTS;
		m->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(m), fds, fd_count * sizeof(int));
	}
	ck_assert_int_eq(sendmsg(c->fd, &message, MSG_NOSIGNAL), sizeof(head) + size);
	return head.id;
}

/* As QEMU reads: a header in one piece, or the connection is taken for broken. */
static struct vfio_user_header receive_head(struct vfio_client *c)
{
	struct vfio_user_header head;

	ck_assert_int_eq(recv(c->fd, &head, sizeof(head), 0), sizeof(head));
	ck_assert_uint_ge(head.size, sizeof(head));
	return head;
}

int vfio_client_answer(struct vfio_client *c, uint16_t id, uint16_t command, void *data,
		       size_t room)
{
	const struct vfio_user_header head = receive_head(c);
	const size_t size = head.size - sizeof(head);

	ck_assert_uint_eq(head.id, id);
	ck_assert_uint_eq(head.command, command);
	ck_assert_uint_eq(head.flags & VFIO_USER_TYPE_MASK, VFIO_USER_TYPE_REPLY);
	if (head.flags & VFIO_USER_ERROR) {
		ck_assert_uint_eq(size, 0);
		ck_assert_uint_ne(head.error, 0);
		return -(int)head.error;
	}
	ck_assert_uint_le(size, room);
	if (size)
		ck_assert_int_eq(read_all(c->fd, data, size), 0);
	return (int)size;
}

int vfio_client_ask(struct vfio_client *c, uint16_t command, const void *payload, size_t size,
		    void *data, size_t room)
{
	const uint16_t id = vfio_client_send(c, command, 0, payload, size, NULL, 0);

	return vfio_client_answer(c, id, command, data, room);
}

bool vfio_client_hung_up(struct vfio_client *c)
{
	uint8_t bytes[4096];
	ssize_t n;

	while ((n = recv(c->fd, bytes, sizeof(bytes), 0)) > 0)
		;
	return n == 0 || errno == ECONNRESET;
}

/* ---- life ---- */

static void greet(struct vfio_client *c)
{
	static const char capabilities[] =
		"{\"capabilities\":{\"max_msg_fds\":8,\"max_data_xfer_size\":1048576}}";
	struct {
		struct vfio_user_version version;
		char json[sizeof(capabilities)];
	} hello = {{0, 0}, ""};
	struct {
		struct vfio_user_version version;
		char json[4096];
	} theirs;
	int n;

	memcpy(hello.json, capabilities, sizeof(capabilities));
	n = vfio_client_ask(c, VFIO_USER_VERSION, &hello, sizeof(hello), &theirs, sizeof(theirs));
	ck_assert_int_gt(n, (int)sizeof(theirs.version));
	ck_assert_uint_eq(theirs.version.major, 0);
	ck_assert_uint_eq(theirs.version.minor, 0);
	n -= (int)sizeof(theirs.version);
	ck_assert_int_eq(theirs.json[n - 1], '\0');
	ck_assert_ptr_nonnull(strstr(theirs.json, "\"capabilities\""));
}

void vfio_client_connect(struct vfio_client *c, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const struct timeval patience = {.tv_sec = PATIENCE_MS / 1000};

	*c = (struct vfio_client){.memfd = -1};
	for (size_t i = 0; i < CLIENT_VECTORS; i++)
		c->irq[i] = -1;
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	strcpy(address.sun_path, path);
	ck_assert_int_eq(connect(c->fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	greet(c);
}

void vfio_client_close(struct vfio_client *c)
{
	for (size_t i = 0; i < CLIENT_VECTORS; i++)
		closep(&c->irq[i]);
	if (c->memory)
		munmap(c->memory, CLIENT_BYTES);
	closep(&c->memfd);
	closep(&c->fd);
	*c = (struct vfio_client){.fd = -1, .memfd = -1};
}

/* ---- regions ---- */

int vfio_client_read(struct vfio_client *c, uint32_t region, uint64_t offset, void *data,
		     uint32_t count)
{
	const struct vfio_user_region_access access = {offset, region, count};
	uint8_t *answer = malloc(sizeof(access) + PAYLOAD_MAX);
	int n = vfio_client_ask(c, VFIO_USER_REGION_READ, &access, sizeof(access), answer,
				sizeof(access) + PAYLOAD_MAX);

	if (n >= 0) {
		ck_assert_int_eq(n, (int)(sizeof(access) + count));
		ck_assert_mem_eq(answer, &access, sizeof(access));
		memcpy(data, answer + sizeof(access), count);
	}
	free(answer);
	return n < 0 ? n : 0;
}

int vfio_client_write(struct vfio_client *c, uint32_t region, uint64_t offset, const void *data,
		      uint32_t count)
{
	const struct vfio_user_region_access access = {offset, region, count};
	struct vfio_user_region_access answer;
	uint8_t *message = malloc(sizeof(access) + count);
	int n;

	memcpy(message, &access, sizeof(access));
	if (count)
		memcpy(message + sizeof(access), data, count);
	n = vfio_client_ask(c, VFIO_USER_REGION_WRITE, message, sizeof(access) + count, &answer,
			    sizeof(answer));
	free(message);
	if (n < 0)
		return n;
	ck_assert_int_eq(n, sizeof(answer));
	ck_assert_mem_eq(&answer, &access, sizeof(access));
	return 0;
}

uint32_t client_config(struct vfio_client *c, uint32_t offset, uint32_t bytes)
{
	uint32_t value = 0;

	ck_assert_int_eq(vfio_client_read(c, VFIO_PCI_CONFIG_REGION_INDEX, offset, &value, bytes),
			 0);
	return value;
}

void client_set_config(struct vfio_client *c, uint32_t offset, uint32_t bytes, uint32_t value)
{
	ck_assert_int_eq(vfio_client_write(c, VFIO_PCI_CONFIG_REGION_INDEX, offset, &value, bytes),
			 0);
}

uint32_t client_capability(struct vfio_client *c, uint8_t id)
{
	uint32_t at = client_config(c, PCI_CAPABILITY_LIST, 1);

	for (int i = 0; at && i < 48; i++) {
		ck_assert_uint_ge(at, 0x40);
		if (client_config(c, at, 1) == id)
			return at;
		at = client_config(c, at + PCI_CAP_LIST_NEXT, 1);
	}
	ck_assert_uint_eq(at, 0);
	return 0;
}

uint32_t client_get(struct vfio_client *c, uint32_t address)
{
	uint32_t value;

	ck_assert_int_eq(vfio_client_read(c, VFIO_PCI_BAR0_REGION_INDEX, address, &value, 4), 0);
	return value;
}

uint64_t client_get64(struct vfio_client *c, uint32_t address)
{
	const uint64_t low = client_get(c, address);

	return low | (uint64_t)client_get(c, address + 4) << 32;
}

void client_put(struct vfio_client *c, uint32_t address, uint32_t value)
{
	ck_assert_int_eq(vfio_client_write(c, VFIO_PCI_BAR0_REGION_INDEX, address, &value, 4), 0);
}

void client_put64(struct vfio_client *c, uint32_t address, uint64_t value)
{
	client_put(c, address, (uint32_t)value);
	client_put(c, address + 4, (uint32_t)(value >> 32));
}

uint32_t client_command(struct vfio_client *c, uint32_t command)
{
	client_put(c, ETALON_REG_COMMAND, command);
	return client_get(c, ETALON_REG_RESULT);
}

/* ---- memory ---- */

int vfio_client_map(struct vfio_client *c, uint64_t address, uint64_t size, uint32_t flags, int fd,
		    uint64_t offset)
{
	const struct vfio_user_dma_map map = {sizeof(map), flags, offset, address, size};
	const uint16_t id =
		vfio_client_send(c, VFIO_USER_DMA_MAP, 0, &map, sizeof(map), &fd, fd >= 0 ? 1 : 0);

	return vfio_client_answer(c, id, VFIO_USER_DMA_MAP, NULL, 0);
}

int vfio_client_unmap(struct vfio_client *c, uint64_t address, uint64_t size, uint32_t flags)
{
	const struct vfio_user_dma_unmap unmap = {sizeof(unmap), flags, address, size};
	struct vfio_user_dma_unmap answer;
	const int n = vfio_client_ask(c, VFIO_USER_DMA_UNMAP, &unmap, sizeof(unmap), &answer,
				      sizeof(answer));

	if (n < 0)
		return n;
	ck_assert_int_eq(n, sizeof(answer));
	ck_assert_mem_eq(&answer, &unmap, sizeof(unmap));
	return 0;
}

void *client_at(struct vfio_client *c, uint64_t address)
{
	return c->memory + (address - CLIENT_BASE);
}

/* ---- interrupts ---- */

int vfio_client_set_irqs(struct vfio_client *c, uint32_t start, uint32_t count, const int *fds)
{
	const struct vfio_irq_set set = {
		.argsz = sizeof(set),
		.flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER,
		.index = c->irq_index,
		.start = start,
		.count = count,
	};
	const uint16_t id = vfio_client_send(c, VFIO_USER_DEVICE_SET_IRQS, 0, &set, sizeof(set),
					     fds, fds ? count : 0);

	return vfio_client_answer(c, id, VFIO_USER_DEVICE_SET_IRQS, NULL, 0);
}

void client_enable_irqs(struct vfio_client *c, uint32_t vectors)
{
	for (uint32_t i = 0; i < vectors; i++) {
		closep(&c->irq[i]);
		c->irq[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		ck_assert_int_eq(vfio_client_set_irqs(c, 0, 1, NULL), 0);
		for (uint32_t n = 0; n <= i; n++)
			ck_assert_int_eq(vfio_client_set_irqs(c, n, 1, &c->irq[n]), 0);
	}
}

uint64_t client_struck(struct vfio_client *c, uint32_t vector)
{
	uint64_t count = 0;

	if (read(c->irq[vector], &count, sizeof(count)) < 0)
		ck_assert_int_eq(errno, EAGAIN);
	return count;
}

uint64_t client_await(struct vfio_client *c, uint32_t vector)
{
	struct pollfd p = {.fd = c->irq[vector], .events = POLLIN};

	ck_assert_int_eq(poll(&p, 1, PATIENCE_MS), 1);
	return client_struck(c, vector);
}

/* ---- a guest ---- */

static void find_irq_index(struct vfio_client *c)
{
	struct vfio_irq_info info = {.argsz = sizeof(info), .index = VFIO_PCI_MSIX_IRQ_INDEX};

	ck_assert_int_eq(vfio_client_ask(c, VFIO_USER_DEVICE_GET_IRQ_INFO, &info, sizeof(info),
					 &info, sizeof(info)),
			 sizeof(info));
	c->irq_index = info.count ? VFIO_PCI_MSIX_IRQ_INDEX : VFIO_PCI_MSI_IRQ_INDEX;
}

void client_boot(struct vfio_client *c, const char *path)
{
	const uint32_t both = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE;

	vfio_client_connect(c, path);
	find_irq_index(c);
	c->memfd = memfd_create("guest", MFD_CLOEXEC);
	ck_assert_int_eq(ftruncate(c->memfd, CLIENT_BYTES), 0);
	c->memory = mmap(NULL, CLIENT_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, c->memfd, 0);
	ck_assert_ptr_ne(c->memory, MAP_FAILED);
	/* Firmware first: ROM without a descriptor, ranges that come and go. */
	ck_assert_int_eq(vfio_client_map(c, 0xfffc0000, 0x40000, VFIO_DMA_MAP_FLAG_READ, -1, 0), 0);
	ck_assert_int_eq(vfio_client_map(c, CLIENT_BASE, 0x1000, both, c->memfd, 0), 0);
	ck_assert_int_eq(vfio_client_unmap(c, CLIENT_BASE, 0x1000, 0), 0);
	ck_assert_int_eq(vfio_client_unmap(c, 0xa0000, 0x20000, 0), 0);
	/* In two pieces, as memory around a hole is. */
	ck_assert_int_eq(vfio_client_map(c, CLIENT_BASE, CLIENT_BYTES / 2, both, c->memfd, 0), 0);
	ck_assert_int_eq(vfio_client_map(c, CLIENT_BASE + CLIENT_BYTES / 2, CLIENT_BYTES / 2, both,
					 c->memfd, CLIENT_BYTES / 2),
			 0);
	ck_assert_int_eq(vfio_client_ask(c, VFIO_USER_DEVICE_RESET, NULL, 0, NULL, 0), 0);
	client_set_config(c, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}
