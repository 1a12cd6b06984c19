// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * etalon-emulator: puts plant, board and front end together and serves until it is told to end.
 */
#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>

#include "base/util.h"
#include "emulator/board.h"
#include "emulator/options.h"
#include "emulator/pci_front.h"
#include "emulator/socket.h"
#include "emulator/usb_front.h"

#define CHIP_K 298.15

static int print_truth(const struct plant *plant, const struct options *o)
{
	json_t *truth =
		plant_truth(plant, o->truth_start_nm * 1e-9, o->truth_stop_nm * 1e-9, CHIP_K);
	int r;

	if (!truth)
		return -ENOMEM;
	r = json_dumpf(truth, stdout, JSON_INDENT(2));
	printf("\n");
	json_decref(truth);
	return r < 0 || fflush(stdout) < 0 ? -EIO : 0;
}

static int add_faults(struct board *board, const char *path, char **ret_message)
{
	json_error_t error;
	json_t *list, *fault;
	size_t i;
	int r = 0;

	if (!path)
		return 0;
	list = json_load_file(path, 0, &error);
	if (!json_is_array(list)) {
		r = fail(ret_message, -EINVAL, "%s: %s", path,
			 list ? "must be a JSON list of faults" : error.text);
		json_decref(list);
		return r;
	}
	json_array_foreach(list, i, fault) {
		_cleanup_free_ char *message = NULL;

		r = board_fault(board, fault, &message);
		if (r < 0) {
			fail(ret_message, r, "%s, fault %zu: %s", path, i + 1,
			     message ? message : "");
			break;
		}
	}
	json_decref(list);
	return r;
}

static int write_pidfile(const char *path, char **ret_message)
{
	_cleanup_fclose_ FILE *f = path ? fopen(path, "we") : NULL;

	if (path && (!f || fprintf(f, "%d\n", getpid()) < 0 || fflush(f) < 0))
		return fail(ret_message, -errno, "cannot write %s: %s", path, strerror(errno));
	return 0;
}

/* Signals that end the program, as a descriptor. */
static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* The one link of the board. */
struct board_link {
	struct front *socket;
	struct pci_front *pcie;
	struct usb_front *usb;
};

static void link_close(struct board_link *link)
{
	front_free(link->socket);
	pci_front_free(link->pcie);
	usb_front_free(link->usb);
}

static int open_pcie(const struct options *o, struct board_link *link, struct board_config *config,
		     char **ret_message)
{
	const struct pci_front_config pcie = {
		.path = o->pcie,
		.fault_path = o->fault_socket,
		.msi = o->msi,
		.log_registers = o->log_registers,
	};
	int r = pci_front_new(&pcie, &link->pcie, ret_message);

	if (r < 0)
		return r;
	config->event = pci_front_event;
	config->userdata = link->pcie;
	config->host = pci_front_host(link->pcie);
	return 0;
}

static int open_usb(const struct options *o, struct board_link *link, struct board_config *config,
		    char **ret_message)
{
	const bool high = o->usb_speed && streq(o->usb_speed, "high");
	const struct usb_front_config usb = {
		.path = o->usb,
		.fault_path = o->fault_socket,
		.speed = high ? USB_HIGH_SPEED : USB_SUPER_SPEED,
	};
	int r = usb_front_new(&usb, &link->usb, ret_message);

	config->event = usb_front_event;
	config->userdata = link->usb;
	config->bus = high ? BOARD_USB_HIGH_SPEED : BOARD_USB_SUPER_SPEED;
	return r;
}

static int open_socket(const struct options *o, struct board_link *link,
		       struct board_config *config, char **ret_message)
{
	int r = front_new(o->socket, o->fault_socket, &link->socket, ret_message);

	config->event = front_event;
	config->userdata = link->socket;
	return r;
}

static int link_open(const struct options *o, struct board_link *link, struct board_config *config,
		     char **ret_message)
{
	if (o->pcie)
		return open_pcie(o, link, config, ret_message);
	if (o->usb)
		return open_usb(o, link, config, ret_message);
	return open_socket(o, link, config, ret_message);
}

static int link_run(const struct board_link *link, struct board *board, int stop_fd)
{
	if (link->pcie)
		return pci_front_run(link->pcie, board, stop_fd);
	if (link->usb)
		return usb_front_run(link->usb, board, stop_fd);
	return front_run(link->socket, board, stop_fd);
}

static const char *link_path(const struct options *o)
{
	if (o->pcie)
		return o->pcie;
	return o->usb ? o->usb : o->socket;
}

static int serve(const struct options *o, const struct erb1_parameters *parameters,
		 struct plant *plant, char **ret_message)
{
	_cleanup_(event_log_closep) struct event_log *log = NULL;
	_cleanup_(link_close) struct board_link link = {0};
	_cleanup_(board_freep) struct board *board = NULL;
	_cleanup_close_ int signals = open_signals();
	struct board_config config = {
		.parameters = parameters,
		.serial = o->serial,
		.seed = o->seed,
		.disabled_effects = o->disabled,
		.speed_max = o->speed_max,
		.log_kicks = o->log_kicks,
	};
	int r;

	r = event_log_open(o->log, &log, ret_message);
	if (r < 0)
		return r;
	config.log = log;
	r = link_open(o, &link, &config, ret_message);
	if (r < 0)
		return r;
	r = board_new(&config, plant, now_ns(), &board, ret_message);
	if (r < 0)
		return r;
	r = add_faults(board, o->faults, ret_message);
	if (r < 0)
		return r;
	r = write_pidfile(o->pidfile, ret_message);
	if (r < 0)
		return r;
	printf("etalon-emulator: board %s (%s) listens at %s\n", o->serial,
	       o->device ? o->device : "add-drop", link_path(o));
	fflush(stdout);
	r = link_run(&link, board, signals);
	if (o->pidfile)
		unlink(o->pidfile);
	return r;
}

static int run(struct options *o, char **ret_message)
{
	_cleanup_(plant_freep) struct plant *plant = NULL;
	_cleanup_free_ char *message = NULL;
	struct erb1_parameters parameters = {0};
	const struct plant_config config = {
		.seed = o->seed,
		.device = o->device,
		.device_channel = o->device_channel,
		.parameters = o->parameters,
		.disabled_effects = o->disabled,
	};
	int r;

	r = erb1_parameters_take(o->parameters, o->unsafe_fast_arming, &parameters, ret_message);
	if (r < 0)
		return r;
	r = plant_new(&config, &plant, &message);
	if (r < 0)
		return fail(ret_message, r, "%s%s", message ? message : strerror(-r),
			    json_object_size(o->parameters)
				    ? " (--parameters lists those of the board, too)"
				    : "");
	return o->truth ? print_truth(plant, o) : serve(o, &parameters, plant, ret_message);
}

int main(int argc, char **argv)
{
	_cleanup_free_ char *message = NULL;
	struct options options;
	int r;

	r = emulator_options_parse(argc, argv, &options, &message);
	if (r == 0)
		r = run(&options, &message);
	json_decref(options.parameters);
	if (r >= 0)
		return EXIT_SUCCESS;
	fprintf(stderr, "etalon-emulator: error: %s\n", message ? message : strerror(-r));
	return EXIT_FAILURE;
}
