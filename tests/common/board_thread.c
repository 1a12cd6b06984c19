// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * A front end on a thread. See board_thread.h.
 */
#include "board_thread.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/util.h"
#include "emulator/pci_front.h"
#include "emulator/socket.h"
#include "emulator/usb_front.h"
#include <check.h> /* last: it defines a macro fail() */

static void *run(void *userdata)
{
	struct board_thread *t = userdata;

	if (t->pcie)
		pci_front_run(t->pcie, t->board, t->stop);
	else if (t->usb)
		usb_front_run(t->usb, t->board, t->stop);
	else
		front_run(t->socket, t->board, t->stop);
	return NULL;
}

static void make_folder(struct board_thread *t)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(t->folder, sizeof(t->folder), "%s/etalon-XXXXXX", tmp ? tmp : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(t->folder));
	snprintf(t->path, sizeof(t->path), "%s/board", t->folder);
	snprintf(t->fault_path, sizeof(t->fault_path), "%s/faults", t->folder);
	snprintf(t->log_path, sizeof(t->log_path), "%s/log", t->folder);
	ck_assert_int_eq(event_log_open(t->log_path, &t->log, NULL), 0);
}

static void open_socket(struct board_thread *t, struct board_config *config)
{
	ck_assert_int_eq(front_new(t->path, t->fault_path, &t->socket, NULL), 0);
	config->event = front_event;
	config->userdata = t->socket;
}

static void open_pcie(struct board_thread *t, const struct board_thread_options *o,
		      struct board_config *config)
{
	const struct pci_front_config pcie = {
		.path = t->path,
		.fault_path = t->fault_path,
		.msi = o->msi,
		.log_registers = o->log_registers,
	};

	ck_assert_int_eq(pci_front_new(&pcie, &t->pcie, NULL), 0);
	config->event = pci_front_event;
	config->userdata = t->pcie;
	config->host = pci_front_host(t->pcie);
}

static void open_usb(struct board_thread *t, const struct board_thread_options *o,
		     struct board_config *config)
{
	const struct usb_front_config usb = {
		.path = t->path,
		.fault_path = t->fault_path,
		.speed = o->speed,
	};

	ck_assert_int_eq(usb_front_new(&usb, &t->usb, NULL), 0);
	config->event = usb_front_event;
	config->userdata = t->usb;
	config->bus = o->speed == USB_HIGH_SPEED ? BOARD_USB_HIGH_SPEED : BOARD_USB_SUPER_SPEED;
}

static void open_front(struct board_thread *t, const struct board_thread_options *o,
		       struct board_config *config)
{
	if (o->front == BOARD_THREAD_SOCKET)
		return open_socket(t, config);
	if (o->front == BOARD_THREAD_PCIE)
		return open_pcie(t, o, config);
	open_usb(t, o, config);
}

struct board_thread *board_thread_start(const struct board_thread_options *o)
{
	struct board_thread *t = calloc(1, sizeof(*t));
	json_t *parameters =
		json_loads(o->parameters ? o->parameters : "{\"emission_delay_ms\": 0}", 0, NULL);
	const struct plant_config plant = {.seed = 1, .device = "straight"};
	struct board_config config = {
		.parameters = &t->parameters,
		.serial = "THREAD-1",
		.seed = 1,
		.speed_max = o->speed_max,
	};

	make_folder(t);
	ck_assert_int_eq(erb1_parameters_take(parameters, true, &t->parameters, NULL), 0);
	json_decref(parameters);
	ck_assert_int_eq(plant_new(&plant, &t->plant, NULL), 0);
	open_front(t, o, &config);
	config.log = t->log;
	ck_assert_int_eq(board_new(&config, t->plant, now_ns(), &t->board, NULL), 0);
	t->stop = eventfd(0, EFD_CLOEXEC);
	ck_assert_int_eq(pthread_create(&t->thread, NULL, run, t), 0);
	return t;
}

void board_thread_stop(struct board_thread *t)
{
	const uint64_t one = 1;

	ck_assert_int_eq(write(t->stop, &one, sizeof(one)), sizeof(one));
	pthread_join(t->thread, NULL);
	board_free(t->board);
	usb_front_free(t->usb);
	pci_front_free(t->pcie);
	front_free(t->socket);
	plant_free(t->plant);
	event_log_close(t->log);
	close(t->stop);
	ck_assert_int_eq(unlink(t->log_path), 0);
	ck_assert_int_eq(rmdir(t->folder), 0); /* it cleans up behind itself */
	free(t);
}

void board_thread_fault(const struct board_thread *t, const char *line)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char answer[256] = "";

	strcpy(address.sun_path, t->fault_path);
	ck_assert_int_eq(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(write_all(fd, line, strlen(line)), 0);
	ck_assert_int_eq(write_all(fd, "\n", 1), 0);
	ck_assert_int_gt(read(fd, answer, sizeof(answer) - 1), 0);
	ck_assert_str_eq(answer, "{\"ok\":true}\n");
	close(fd);
}

json_t *board_thread_log(const struct board_thread *t, const char *event)
{
	FILE *f = fopen(t->log_path, "re");
	json_t *found = json_array();
	char text[1200];

	ck_assert_ptr_nonnull(f);
	while (fgets(text, sizeof(text), f)) {
		json_t *line = json_loads(text, 0, NULL);

		ck_assert_msg(line, "not JSON: %s", text);
		if (streq(json_string_value(json_object_get(line, "event")), event))
			json_array_append(found, line);
		json_decref(line);
	}
	fclose(f);
	return found;
}
