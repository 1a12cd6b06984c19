// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * One loop: wait for the client or for the board's next deadline, do what messages ask, let the
 * board go on. The client cannot hold it up: all is non-blocking and bounded. See pci_front.h.
 */
#include "emulator/pci_front.h"

#include <errno.h>

#include "base/util.h"
#include "emulator/pci_front_internal.h"

#define MESSAGES_PER_TURN 256

/* ---- what the board reaches of the host ---- */

static void *host_memory(void *userdata, uint64_t address, size_t size, bool write)
{
	const struct pci_front *f = userdata;

	return pci_dma_find(&f->dma, address, size, write);
}

static bool host_master(void *userdata)
{
	const struct pci_front *f = userdata;

	return f->greeted && pci_config_master(&f->config);
}

static void host_interrupt(void *userdata, uint32_t messages)
{
	const struct pci_front *f = userdata;

	pci_irqs_raise(&f->irqs, messages);
}

const struct host_bus *pci_front_host(const struct pci_front *f)
{
	return &f->host;
}

/* So that a test can tell how many accesses a program has cost. */
void pci_front_event(void *userdata, const struct etalon_hw_usb_event *event)
{
	struct pci_front *f = userdata;

	if (!f->board || event->sequencer == f->sequencer)
		return;
	f->sequencer = event->sequencer;
	pci_log_accesses(f);
}

/* ---- life ---- */

int pci_front_new(const struct pci_front_config *config, struct pci_front **ret, char **ret_message)
{
	_cleanup_(pci_front_freep) struct pci_front *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return -ENOMEM;
	f->listener.fd = f->faults.listener.fd = f->client.fd = -1;
	f->msi = config->msi;
	f->log_registers = config->log_registers;
	f->host = (struct host_bus){host_memory, host_master, host_interrupt, f};
	pci_config_reset(&f->config, f->msi);
	pci_irqs_open(&f->irqs, f->msi ? PCI_MSI_VECTORS : PCI_MSIX_VECTORS);
	pci_irqs_open(&f->error_irq, 1);
	r = listener_open(&f->listener, config->path, "--pcie", ret_message);
	if (r < 0)
		return r;
	r = fault_socket_open(&f->faults, config->fault_path, ret_message);
	if (r < 0)
		return r;
	*ret = take_ptr(f);
	return 0;
}

/* Everything that the client gave. */
static void return_gifts(struct pci_front *f)
{
	vfio_user_close(&f->client);
	f->greeted = false;
	pci_dma_clear(&f->dma);
	pci_irqs_close(&f->irqs);
	pci_irqs_close(&f->error_irq);
}

struct pci_front *pci_front_free(struct pci_front *f)
{
	if (!f)
		return NULL;
	return_gifts(f);
	listener_close(&f->listener);
	fault_socket_close(&f->faults);
	free(f);
	return NULL;
}

/* ---- the client ---- */

void pci_front_reset(struct pci_front *f)
{
	pci_config_reset(&f->config, f->msi);
	board_reset(f->board);
	if (f->greeted)
		board_link_up(f->board); /* from D3hot, too */
}

static void drop_client(struct pci_front *f)
{
	char members[160];

	snprintf(members, sizeof(members), "\"connection\":\"vfio-user\",\"reason\":\"%s\"",
		 f->client.reason ? f->client.reason : "");
	board_log(f->board, "disconnected", members);
	if (!f->greeted) /* nobody that the device has ever served */
		return return_gifts(f);
	pci_log_accesses(f);
	board_link_down(f->board);
	return_gifts(f);
	pci_front_reset(f);
}

static void serve_client(struct pci_front *f)
{
	struct vfio_user_message m;

	if (f->client.fd < 0)
		return;
	vfio_user_flush(&f->client);
	for (int i = 0; i < MESSAGES_PER_TURN && vfio_user_receive(&f->client, &m); i++) {
		pci_command(f, &m);
		vfio_user_done(&f->client);
	}
	if (f->client.ended)
		drop_client(f);
}

/* One machine at a time: the next one waits until the device is free. */
static void accept_client(struct pci_front *f)
{
	const int fd = f->client.fd < 0 ? listener_accept(&f->listener) : -1;

	if (fd >= 0 && vfio_user_open(&f->client, fd) < 0)
		vfio_user_close(&f->client);
}

/* ---- the loop ---- */

enum { POLL_STOP, POLL_LISTENER, POLL_CLIENT, POLL_FAULTS, POLLS = POLL_FAULTS + FAULT_POLLS };

static void poll_list(const struct pci_front *f, struct pollfd *fds, int stop_fd)
{
	const bool alone = f->client.fd < 0;

	fds[POLL_STOP] = (struct pollfd){.fd = stop_fd, .events = POLLIN};
	fds[POLL_LISTENER] = (struct pollfd){.fd = alone ? f->listener.fd : -1, .events = POLLIN};
	fds[POLL_CLIENT] = (struct pollfd){
		.fd = f->client.fd,
		.events = f->client.out ? POLLOUT : POLLIN,
	};
	fault_socket_poll(&f->faults, fds + POLL_FAULTS);
}

static void turn(struct pci_front *f)
{
	board_catch_up(f->board, now_ns());
	serve_client(f); /* kicks first */
	accept_client(f);
	fault_socket_serve(&f->faults, f->board, now_ns());
	board_advance(f->board, now_ns());
	if (board_takes_cable(f->board) && f->client.fd >= 0) {
		vfio_user_end(&f->client, "scripted fault: cable");
		drop_client(f);
	}
}

int pci_front_run(struct pci_front *f, struct board *board, int stop_fd)
{
	struct pollfd fds[POLLS];

	f->board = board;
	for (;;) {
		poll_list(f, fds, stop_fd);
		wait_until(fds, POLLS, board_next_deadline(board));
		if (fds[POLL_STOP].revents)
			break;
		turn(f);
	}
	board_link_down(board);
	return 0;
}
