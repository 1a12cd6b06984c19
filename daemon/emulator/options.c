// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Reads the command line of etalon-emulator and explains it.
 */
#include "emulator/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/util.h"
#include "emulator/erb1_parameters.h"
#include "emulator/plant.h"

enum {
	OPTION_SOCKET = 256,
	OPTION_PCIE,
	OPTION_MSI,
	OPTION_USB,
	OPTION_USB_SPEED,
	OPTION_FAULT_SOCKET,
	OPTION_FAULTS,
	OPTION_LOG,
	OPTION_LOG_KICKS,
	OPTION_LOG_REGISTERS,
	OPTION_PIDFILE,
	OPTION_SEED,
	OPTION_SERIAL,
	OPTION_DEVICE,
	OPTION_DEVICE_CHANNEL,
	OPTION_SET,
	OPTION_DISABLE,
	OPTION_SPEED,
	OPTION_TRUTH,
	OPTION_UNSAFE_FAST_ARMING,
	OPTION_PARAMETERS,
	OPTION_VERSION,
};

static const struct option long_options[] = {
	{"socket", required_argument, NULL, OPTION_SOCKET},
	{"pcie", required_argument, NULL, OPTION_PCIE},
	{"msi", no_argument, NULL, OPTION_MSI},
	{"usb", required_argument, NULL, OPTION_USB},
	{"usb-speed", required_argument, NULL, OPTION_USB_SPEED},
	{"fault-socket", required_argument, NULL, OPTION_FAULT_SOCKET},
	{"faults", required_argument, NULL, OPTION_FAULTS},
	{"log", required_argument, NULL, OPTION_LOG},
	{"log-kicks", no_argument, NULL, OPTION_LOG_KICKS},
	{"log-registers", no_argument, NULL, OPTION_LOG_REGISTERS},
	{"pidfile", required_argument, NULL, OPTION_PIDFILE},
	{"seed", required_argument, NULL, OPTION_SEED},
	{"serial", required_argument, NULL, OPTION_SERIAL},
	{"device", required_argument, NULL, OPTION_DEVICE},
	{"device-channel", required_argument, NULL, OPTION_DEVICE_CHANNEL},
	{"set", required_argument, NULL, OPTION_SET},
	{"disable", required_argument, NULL, OPTION_DISABLE},
	{"speed", required_argument, NULL, OPTION_SPEED},
	{"truth", required_argument, NULL, OPTION_TRUTH},
	{"unsafe-fast-arming", no_argument, NULL, OPTION_UNSAFE_FAST_ARMING},
	{"parameters", no_argument, NULL, OPTION_PARAMETERS},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, OPTION_VERSION},
	{0},
};

static void help(void)
{
	printf("etalon-emulator: an Etalon test board (ERB-1) with laser, chip and photodiodes, in software.\n"
	       "\n"
	       "  etalon-emulator --socket PATH [options]        serve a board at a unix socket\n"
	       "  etalon-emulator --pcie PATH [options]          serve it to a virtual machine as a PCIe device\n"
	       "  etalon-emulator --usb PATH [options]           serve it to a virtual machine as a USB device\n"
	       "  etalon-emulator --truth START_NM STOP_NM [...] print what the device truly is, as JSON\n"
	       "\n"
	       "etalond connects to the socket with `etalond --emulate PATH`. A PCIe device is for QEMU 10.1 or later\n"
	       "(vfio-user-pci) and its guest's kernel, a USB device for any QEMU with usb-redir. The emulator runs\n"
	       "until it gets SIGTERM or SIGINT. It makes no light: whatever it says is computed.\n"
	       "\n"
	       "What is on the board\n"
	       "  --device NAME|FILE     add-drop (default), all-pass, mzi, straight, laser-diode, photodiode,\n"
	       "                         heater; or a measured spectrum (CSV or openEPDA)\n"
	       "  --device-channel NAME  column of the measured spectrum (default: the first in dB, dBm or W)\n"
	       "  --set KEY=VALUE        one parameter of device, plant or board; may be repeated\n"
	       "  --parameters           list all parameters with defaults and ranges, and end\n"
	       "  --disable EFFECT,...   switch noise and errors off: rin, shot, jitter, tuning, ripple,\n"
	       "                         fabry-perot, envelope, wlog-noise, wlog-sweep, wlog-systematic,\n"
	       "                         johnson, adc, ase, mode-hops, tec-noise, crosstalk, source-noise,\n"
	       "                         gas-systematic, bandwidth, saturation, overload, rollover, t0, t1,\n"
	       "                         series-resistance, chip-temperature\n"
	       "  --seed N               repeats all randomness bit for bit (default 1)\n"
	       "  --serial TEXT          serial number that the board tells (default EMU-1)\n"
	       "\n"
	       "How it runs\n"
	       "  --speed real|max       real: points appear when their time has come (default);\n"
	       "                         max: programs run as fast as they can. Watchdog and emission delay\n"
	       "                         always run in real time\n"
	       "  --log FILE             register and light log, JSON lines, appended\n"
	       "  --log-kicks            log each watchdog kick, too\n"
	       "  --log-registers        with --pcie: log each register access (they are counted without it)\n"
	       "  --msi                  with --pcie: the device has MSI instead of MSI-X\n"
	       "  --usb-speed super|high with --usb: how fast the bus runs (default super)\n"
	       "  --faults FILE          scripted faults: a JSON list of objects such as\n"
	       "                         {\"fault\": \"interlock-open\", \"at_ms\": 500}\n"
	       "  --fault-socket PATH    takes the same objects, one a line, while running\n"
	       "  --pidfile FILE         written when the board listens\n"
	       "  --unsafe-fast-arming   for tests: emission_delay_ms may be below 2000\n"
	       "  --help, --version\n"
	       "\n"
	       "Example: the default demo's board, its events on the terminal\n"
	       "  etalon-emulator --socket /tmp/board --seed 7 --log /dev/stderr\n"
	       "\n"
	       "Example: a PCIe device for a virtual machine, whose memory has to be shared\n"
	       "  etalon-emulator --pcie /tmp/board.pcie --log /tmp/board.log\n"
	       "  qemu-system-x86_64 -machine q35,memory-backend=m \\\n"
	       "    -object memory-backend-memfd,id=m,size=1G,share=on \\\n"
	       "    -device pcie-root-port,id=port \\\n"
	       "    -device '{\"driver\":\"vfio-user-pci\",\"bus\":\"port\",\"socket\":{\"type\":\"unix\",\"path\":\"/tmp/board.pcie\"}}' ...\n"
	       "\n"
	       "Example: a USB device for a virtual machine, which finds it again when it was gone\n"
	       "  etalon-emulator --usb /tmp/board.usb --log /tmp/board.log\n"
	       "  qemu-system-x86_64 -device qemu-xhci -device usb-redir,chardev=board \\\n"
	       "    -chardev socket,id=board,path=/tmp/board.usb,reconnect-ms=200 ...\n");
}

static void print_parameters(const char *device)
{
	json_t *plant = plant_parameters(device), *value;
	const char *key;

	printf("of the board%*sdefault    (range)\n", 15, "");
	erb1_parameters_print(stdout);
	printf("of laser, chip and photodiodes\n");
	json_object_foreach(plant, key, value)
		printf("  %-24s %-10.8g (%.8g to %.8g)\n", key,
		       json_number_value(json_object_get(value, "default")),
		       json_number_value(json_object_get(value, "min")),
		       json_number_value(json_object_get(value, "max")));
	json_decref(plant);
	printf("pd1 .. pd4: the port of the device that the photodiode sees, or none\n");
}

static int read_seed(const char *text, uint64_t *ret, char **ret_message)
{
	char *end;

	errno = 0;
	*ret = strtoull(text, &end, 0);
	if (errno || *end || end == text || *text == '-')
		return fail(ret_message, -EINVAL,
			    "--seed needs a number from 0 to 2^64 - 1, not '%s'", text);
	return 0;
}

static int read_set(const char *text, json_t *parameters, char **ret_message)
{
	const char *equals = strchr(text, '=');
	_cleanup_free_ char *key = NULL;
	char *end;
	double number;

	if (!equals || equals == text || !equals[1])
		return fail(
			ret_message, -EINVAL,
			"--set needs KEY=VALUE, for example loss_db_per_cm=2; see --parameters");
	key = strndup(text, (size_t)(equals - text));
	if (!key)
		return -ENOMEM;
	number = strtod(equals + 1, &end);
	json_object_set_new(parameters, key, *end ? json_string(equals + 1) : json_real(number));
	return 0;
}

static int read_nm(const char *text, double *ret, char **ret_message)
{
	char *end;

	*ret = text ? strtod(text, &end) : 0;
	if (!text || *end || end == text || !(*ret > 0))
		return fail(ret_message, -EINVAL,
			    "--truth needs two wavelengths in nm, for example --truth 1540 1560");
	return 0;
}

static int read_truth(int argc, char **argv, struct options *o, char **ret_message)
{
	int r;

	o->truth = true;
	r = read_nm(optarg, &o->truth_start_nm, ret_message);
	if (r < 0)
		return r;
	r = read_nm(optind < argc ? argv[optind++] : NULL, &o->truth_stop_nm, ret_message);
	if (r < 0)
		return r;
	if (o->truth_stop_nm <= o->truth_start_nm)
		return fail(ret_message, -EINVAL,
			    "--truth: the second wavelength must be above the first");
	return 0;
}

static int read_speed(struct options *o, char **ret_message)
{
	o->speed_max = streq(optarg, "max");
	if (!o->speed_max && !streq(optarg, "real"))
		return fail(ret_message, -EINVAL, "--speed is real or max, not '%s'", optarg);
	return 0;
}

static int read_usb_speed(struct options *o, char **ret_message)
{
	o->usb_speed = optarg;
	if (!streq(optarg, "high") && !streq(optarg, "super"))
		return fail(ret_message, -EINVAL, "--usb-speed is super or high, not '%s'", optarg);
	return 0;
}

static int read_option(int option, int argc, char **argv, struct options *o, char **ret_message)
{
	switch (option) {
	case OPTION_SOCKET:
		o->socket = optarg;
		return 0;
	case OPTION_PCIE:
		o->pcie = optarg;
		return 0;
	case OPTION_MSI:
		o->msi = true;
		return 0;
	case OPTION_USB:
		o->usb = optarg;
		return 0;
	case OPTION_FAULT_SOCKET:
		o->fault_socket = optarg;
		return 0;
	case OPTION_FAULTS:
		o->faults = optarg;
		return 0;
	case OPTION_LOG:
		o->log = optarg;
		return 0;
	case OPTION_LOG_KICKS:
		o->log_kicks = true;
		return 0;
	case OPTION_LOG_REGISTERS:
		o->log_registers = true;
		return 0;
	case OPTION_PIDFILE:
		o->pidfile = optarg;
		return 0;
	case OPTION_SERIAL:
		o->serial = optarg;
		return 0;
	case OPTION_DEVICE:
		o->device = optarg;
		return 0;
	case OPTION_DEVICE_CHANNEL:
		o->device_channel = optarg;
		return 0;
	case OPTION_DISABLE:
		o->disabled = optarg;
		return 0;
	case OPTION_UNSAFE_FAST_ARMING:
		o->unsafe_fast_arming = true;
		return 0;
	case OPTION_SEED:
		return read_seed(optarg, &o->seed, ret_message);
	case OPTION_SET:
		return read_set(optarg, o->parameters, ret_message);
	case OPTION_SPEED:
		return read_speed(o, ret_message);
	case OPTION_USB_SPEED:
		return read_usb_speed(o, ret_message);
	case OPTION_TRUTH:
		return read_truth(argc, argv, o, ret_message);
	default:
		return fail(ret_message, -EINVAL, "unknown option or missing value: %s; see --help",
			    argv[optind - 1]);
	}
}

static int check_ways(const struct options *o, char **ret_message)
{
	const int ways = (o->socket != NULL) + (o->pcie != NULL) + (o->usb != NULL);

	if (ways > 1)
		return fail(ret_message, -EINVAL,
			    "a board has one link: --socket, --pcie or --usb; see --help");
	if (!ways && !o->truth)
		return fail(ret_message, -EINVAL,
			    "say where to listen: --socket, --pcie or --usb PATH; see --help");
	if (!o->usb && o->usb_speed)
		return fail(ret_message, -EINVAL, "--usb-speed goes with --usb PATH; see --help");
	if (!o->pcie && (o->msi || o->log_registers))
		return fail(ret_message, -EINVAL, "%s goes with --pcie PATH; see --help",
			    o->msi ? "--msi" : "--log-registers");
	return 0;
}

int emulator_options_parse(int argc, char **argv, struct options *o, char **ret_message)
{
	bool parameters = false;
	int option, r;

	*o = (struct options){.seed = 1, .serial = "EMU-1", .parameters = json_object()};
	opterr = 0;
	while ((option = getopt_long(argc, argv, "+h", long_options, NULL)) != -1) {
		if (option == 'h') {
			help();
			return 1;
		}
		if (option == OPTION_VERSION) {
			printf("etalon-emulator " ETALON_VERSION "\n");
			return 1;
		}
		parameters |= option == OPTION_PARAMETERS;
		if (option == OPTION_PARAMETERS)
			continue;
		r = read_option(option, argc, argv, o, ret_message);
		if (r < 0)
			return r;
	}
	if (parameters) {
		print_parameters(o->device);
		return 1;
	}
	if (optind < argc)
		return fail(ret_message, -EINVAL, "unexpected argument '%s'; see --help",
			    argv[optind]);
	return check_ways(o, ret_message);
}
