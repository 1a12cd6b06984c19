// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The PCIe front end on a thread. See pcie_emulator.h.
 */
#include "pcie_emulator.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/util.h"
#include <check.h> /* last: it defines a macro fail() */

static void *run(void *userdata)
{
	struct pcie_emulator *e = userdata;

	pci_front_run(e->front, e->board, e->stop);
	return NULL;
}

struct pcie_emulator *pcie_emulator_start(const struct pcie_emulator_options *o)
{
	struct pcie_emulator *e = calloc(1, sizeof(*e));
	const char *tmp = getenv("TMPDIR");
	json_t *parameters =
		json_loads(o->parameters ? o->parameters : "{\"emission_delay_ms\": 0}", 0, NULL);
	struct plant_config plant = {.seed = 1, .device = "straight"};
	struct pci_front_config front = {.msi = o->msi, .log_registers = o->log_registers};
	struct board_config config = {
		.parameters = &e->parameters,
		.serial = "PCIE-1",
		.seed = 1,
		.speed_max = o->speed_max,
		.event = pci_front_event,
	};

	snprintf(e->folder, sizeof(e->folder), "%s/etalon-XXXXXX", tmp ? tmp : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(e->folder));
	snprintf(e->path, sizeof(e->path), "%s/board", e->folder);
	snprintf(e->fault_path, sizeof(e->fault_path), "%s/faults", e->folder);
	snprintf(e->log_path, sizeof(e->log_path), "%s/log", e->folder);
	ck_assert_int_eq(erb1_parameters_take(parameters, true, &e->parameters, NULL), 0);
	json_decref(parameters);
	ck_assert_int_eq(plant_new(&plant, &e->plant, NULL), 0);
	ck_assert_int_eq(event_log_open(e->log_path, &e->log, NULL), 0);
	front.path = e->path;
	front.fault_path = e->fault_path;
	ck_assert_int_eq(pci_front_new(&front, &e->front, NULL), 0);
	config.log = e->log;
	config.host = pci_front_host(e->front);
	config.userdata = e->front;
	ck_assert_int_eq(board_new(&config, e->plant, now_ns(), &e->board, NULL), 0);
	e->stop = eventfd(0, EFD_CLOEXEC);
	ck_assert_int_eq(pthread_create(&e->thread, NULL, run, e), 0);
	return e;
}

void pcie_emulator_stop(struct pcie_emulator *e)
{
	const uint64_t one = 1;

	ck_assert_int_eq(write(e->stop, &one, sizeof(one)), sizeof(one));
	pthread_join(e->thread, NULL);
	board_free(e->board);
	pci_front_free(e->front);
	plant_free(e->plant);
	event_log_close(e->log);
	close(e->stop);
	ck_assert_int_eq(unlink(e->log_path), 0);
	ck_assert_int_eq(rmdir(e->folder), 0); /* it cleans up behind itself */
	free(e);
}

void pcie_emulator_fault(const struct pcie_emulator *e, const char *line)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char answer[256] = "";

	strcpy(address.sun_path, e->fault_path);
	ck_assert_int_eq(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(write_all(fd, line, strlen(line)), 0);
	ck_assert_int_eq(write_all(fd, "\n", 1), 0);
	ck_assert_int_gt(read(fd, answer, sizeof(answer) - 1), 0);
	ck_assert_str_eq(answer, "{\"ok\":true}\n");
	close(fd);
}
